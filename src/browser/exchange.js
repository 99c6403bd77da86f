// Requests through `fetch`, and their answers, for exchange.rs: a step in JavaScript costs less than a step across the
// boundary. What is to be done is decided there. A host's `fetch` may answer with a Response of its own making, so
// nothing of it is taken for granted.

import { Body, lines, text } from "./body.js";
import { why } from "./reach.js";

/** Milliseconds without another byte, after which an event is looked at whose blank line has not come. */
const PAUSE = 1_000;
/** Bytes of what turns out to be words. */
const WORDS = 64 << 10;

const SETTLED = Promise.resolve();

/** Runs it in a microtask, at a fraction of what `queueMicrotask` costs. */
export function soon(run) {
  SETTLED.then(run);
}

/**
 * The exchanges of one session. `told` has `fact(id, fact, value, bytes)`, which says whether the exchange is still wanted;
 * `head(id, status, …)`; and `identified(fields?)`. `facts` has the number of each fact by its name.
 */
export class Exchanges {
  /** The host's fields, as they were told last. */
  fields;
  /** The request that was read last: most differ in the body only. */
  #text;
  #request;

  constructor(url, credentials, headers, fetch, told, facts) {
    Object.assign(this, { url, own: url, credentials, headers, fetch, told, facts });
  }

  /** `request`: the JSON text of `{ purpose, method, headers, identify? }`. */
  send(id, request, body) {
    if (request !== this.#text) {
      this.#request = JSON.parse(request);
      this.#text = request;
    }
    return new Exchange(this, id, this.#request, body);
  }

  /** The address with a final slash where it had none, and the other way round. */
  otherSlash() {
    const url = new URL(this.own);
    url.pathname = url.pathname.endsWith("/") ? url.pathname.slice(0, -1) : `${url.pathname}/`;
    this.url = this.own = url.href;
  }

  /**
   * What came of a request that was sent to `url`, from the address `from`. Where a redirect for good has led is remembered
   * as long as MCP is served there; else the next request asks the address that the host gave.
   */
  answered(url, from, isForGood, head, method) {
    if (!head || !isServed(head, method)) {
      // A rate limit says nothing of what it guards.
      if (this.url === url && head?.[0] !== 429) this.url = this.own;
    } else if (isForGood && method === "POST") {
      this.url = from;
    }
  }

  /** Tells the fields that the host would add to a call, where they are not those that were told last. */
  async identify() {
    let fields;
    try {
      [, fields] = merged(await added(this.headers, { purpose: "call", method: "POST", url: this.url }), {});
    } catch {
      // As it is said when they are needed.
    }
    if (fields === this.fields) return this.told.identified();
    this.fields = fields;
    this.told.identified(fields ?? "");
  }
}

/** Once it is aborted, nothing more is told of it. */
class Exchange extends AbortController {
  #all;
  #id;
  #response;
  #body;
  #isOver = false;
  /** The host's fields, as they were known when this was begun. */
  #fields;

  constructor(all, id, request, body) {
    super();
    this.#all = all;
    this.#id = id;
    this.#fields = request.identify ? undefined : all.fields;
    this.#send(request, body);
  }

  abort() {
    this.#isOver = true;
    super.abort();
    // A host's `fetch` may not heed the signal.
    this.#body?.cancel();
  }

  async #send({ purpose, method, headers }, body) {
    const all = this.#all;
    const { url, credentials, fetch } = all;
    try {
      // At the earliest in a microtask: nothing is told before `send` has returned.
      let fields;
      [headers, fields] = merged(await added(all.headers, { purpose, method, url }), headers);
      if (this.#isOver) return;
      if (fields !== this.#fields) {
        all.fields = fields;
        this.#tell("fields", fields);
      }
    } catch (cause) {
      await undefined;
      return this.#tell("unsent", cause);
    }
    if (this.#isOver) return;
    let [hops, status, elsewhere, head] = [0, 0, false];
    try {
      const init = {
        method,
        headers,
        body,
        credentials,
        // Chromium asks for a new preflight with every request that passes the cache by, and nothing but the answer to
        // a GET is ever cached.
        cache: method === "GET" ? "no-store" : "default",
        // A redirect would carry the session, and what `headers` adds, to an address that nobody chose.
        redirect: "manual",
        // The farewell outlives the page.
        keepalive: method === "DELETE",
        signal: this.signal,
      };
      for (let from = url, moved = true; ; hops++) {
        this.#response = await call(fetch, from, init);
        head = headOf(this.#response);
        const { body, followed } = this.#response;
        ({ status } = this.#response);
        // What differs in the last slash only is the same for good.
        if (followed === true) this.#tell("followed");
        const to = head ? undefined : target(this.#response, from);
        elsewhere = to !== undefined && to.origin !== new URL(from).origin;
        // The same request, at another address of the same origin (RFC 9110, 15.4.8 and 15.4.9).
        if (!to || elsewhere || ![307, 308].includes(status) || hops === HOPS) {
          const isForGood = from !== url && (moved || `${url}/` === from || url === `${from}/`);
          all.answered(url, from, isForGood, head, method);
          break;
        }
        new Body(body?.getReader()).cancel();
        if (!this.#tell("following", undefined, status)) return;
        from = to.href;
        moved &&= status === 308;
      }
    } catch (cause) {
      if (cause?.isUnproven === true) return this.#tell("unproven", cause.cause);
      if (cause?.isOutdated === true) return this.#tell("outdated");
      if (typeof cause?.proxied === "string") return this.#tell("proxied", cause.proxied, cause.status);
      return this.#tell("failed", cause, why(cause, url, !fetch && hops === 0));
    }
    if (!head) this.#tell("redirected", elsewhere, status);
    else if (!this.#isOver) all.told.head(this.#id, ...head);
    else this.discard();
  }

  /** `max` in bytes: of the whole. */
  readJson(max) {
    this.#read("json", max);
  }

  /** … of one event. */
  readEvents(max) {
    this.#read("events", max);
  }

  /** … of what is wanted of it. */
  readText(max) {
    this.#read("text", max);
  }

  /** The body is only given back. */
  discard() {
    this.#read();
  }

  async #read(as, max) {
    let fact;
    try {
      const wanted = as !== undefined;
      this.#body = await Body.of(this.#response, wanted);
      if (this.#isOver) return;
      if (wanted && as !== "text") as = framing(await this.#body.begins(), as);
      if (as === "json") fact = await json(this.#body, max);
      if (as === "events" && !(await this.#events())) return;
      if (as === "text") fact = ["text", await text(this.#body, Math.min(max, WORDS))];
    } catch (cause) {
      return void this.#tell("failed", cause);
    } finally {
      this.#body?.cancel();
    }
    // What a body says is its end as well.
    this.#tell(...(fact ?? ["end"]));
  }

  /** Whether all of them were wanted. */
  async #events() {
    let paused;
    try {
      for (let chunk; (chunk = this.#body.took(await this.#body.read())); ) {
        clearTimeout(paused);
        if (!this.#tell("chunk", chunk)) return false;
        if (!endsEvent(chunk)) paused = setTimeout(() => this.#tell("paused"), PAUSE);
      }
    } finally {
      clearTimeout(paused);
    }
    return this.#tell("paused");
  }

  #tell(fact, value, bytes = 0) {
    const { told, facts } = this.#all;
    return !this.#isOver && told.fact(this.#id, facts[fact], value, bytes);
  }
}

/** Whether what answers so speaks MCP, as far as a head shows it: also where it refuses this request. */
function isServed([status, type], method) {
  if (status === 404 || status === 410 || status >= 500) return false;
  if (method !== "POST") return true;
  return status === 202 || status === 204 || /^(?:application\/json|text\/event-stream)\b/i.test(type ?? "");
}

/** So many redirects in a row are followed. */
const HOPS = 3;

/** Where a redirect leads; `undefined` where that cannot be seen, or is no address. */
function target({ headers }, from) {
  const location = headers?.get("location");
  try {
    return typeof location === "string" ? new URL(location, from) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * `[status, text]` of what answers `request`, the JSON text of `{ method, headers }`, within `ms`; `[0]` where something
 * answers, and CORS hides it. A GET follows redirects within its origin. What comes of any other is not taken, and counts
 * as 302: what is posted is secret, and where a document stands says whose word it is.
 */
export async function ask(own, url, request, body, ms, max, signal) {
  const { method, headers } = JSON.parse(request);
  const until = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const send = (to, redirect) =>
    call(own, to, { method, headers, body, credentials: "omit", cache: "no-store", redirect, signal: until });
  // A host's `fetch` may not heed the signal.
  const over = new Promise((_, reject) => until.addEventListener("abort", () => reject(until.reason), { once: true }));
  return Promise.race([over, answered(own, url, method, send, max, signal, until)]);
}

async function answered(own, url, method, send, max, signal, until) {
  let answer;
  try {
    answer = await send(url, "manual");
    for (let at = url, hops = 0; method === "GET" && isRedirect(answer); hops++) {
      // A page is not shown where it leads: it is followed, and what it led to is looked at.
      const to = answer.type === "opaqueredirect" ? at : target(answer, at)?.href;
      if (to === undefined || hops === HOPS || !isWithin(url, to)) break;
      answer.body?.cancel().catch(() => {});
      answer = await send(to, answer.type === "opaqueredirect" ? "follow" : "manual");
      at = to;
    }
  } catch (cause) {
    if (!own && method === "GET" && !signal.aborted && (await isHidden(url, until))) return [0];
    throw cause;
  }
  const read = await Body.of(answer);
  try {
    if (isRedirect(answer) || (answer.redirected && (method !== "GET" || !isWithin(url, answer.url)))) return [302, ""];
    return [answer.status, await text(read, max)];
  } finally {
    read.cancel();
  }
}

function isRedirect({ type, status }) {
  return type === "opaqueredirect" || [301, 302, 303, 307, 308].includes(status);
}

function isWithin(url, to) {
  return URL.canParse(to) && new URL(to).origin === new URL(url).origin;
}

/** Whether something answers there, of which a page is shown nothing. */
async function isHidden(url, signal) {
  const page = globalThis.location?.origin;
  if (page === undefined || isWithin(url, page)) return false;
  try {
    await fetch(url, { mode: "no-cors", credentials: "omit", cache: "no-store", signal });
    return true;
  } catch {
    return false;
  }
}

function call(fetch = globalThis.fetch, url, init) {
  if (typeof fetch !== "function") throw new TypeError("There is no fetch here: give one as the option `fetch`.");
  return fetch(url, init);
}

/** What the host adds, or a promise of it. */
function added(own, context) {
  return typeof own === "function" ? own(context) : own;
}

/** The host's fields, then the protocol's: what that needs, no host can change. And the host's own as a text. */
function merged(own, fields) {
  // A copy: a `fetch` of the host's may write into what it is given.
  if (own === undefined || own === null) return [{ ...fields }, "[]"];
  const headers = new Headers(own);
  const text = JSON.stringify([...headers]);
  for (const [name, value] of Object.entries(fields)) headers.set(name, value);
  return [Object.fromEntries(headers), text];
}

/** What `head` is told after the id; `undefined` of a redirect, which Node shows, and browsers do not. */
function headOf(response) {
  if (!isObject(response)) throw new TypeError("fetch did not give a Response.");
  const { status, type, redirected, headers } = response;
  if (type === "opaqueredirect" || [301, 302, 303, 307, 308].includes(status)) return undefined;
  if (redirected) throw new TypeError("The host's fetch followed a redirect, which it was asked not to.");
  if (!(Number.isInteger(status) && status >= 100 && status < 600)) {
    throw new TypeError("fetch gave a Response without a status.");
  }
  if (!isObject(headers)) throw new TypeError("fetch gave a Response without headers.");
  const field = (name) => {
    const value = headers.get(name);
    return typeof value === "string" ? value : undefined;
  };
  return [status, field("content-type"), field("mcp-session-id"), field("retry-after"), field("www-authenticate")];
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** How a body begins that is a JSON text, or an event stream. */
const JSON_TEXT = /^[{["\d-]/;
const EVENT_STREAM = /^(?:data|event|id|retry)?:/;
/** How a body is read that was to be read `as` this: by how it `begins`, as many servers name another Content-Type. */
function framing(begins, as) {
  if (as === "events") return /^[{[]/.test(begins) ? "json" : as;
  if (EVENT_STREAM.test(begins)) return "events";
  return JSON_TEXT.test(begins) ? "json" : "text";
}

/** Whether a chunk of an event stream ends with a blank line, so that nothing is left over. */
function endsEvent(chunk) {
  const [third, second, last] = chunk.subarray(-3);
  return chunk.length > 2 && ((last === second && (last === 10 || last === 13)) || (last === 10 && second === 13 && third === 10));
}

/** Those that are at their beginning. */
const decoders = [];

/** What it says, as a fact: `[name, value, bytes]`. */
async function json(body, max) {
  const decoder = decoders.pop() ?? new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  for (let more = true; more; ) {
    const chunk = body.took(await body.read());
    more = chunk !== undefined;
    bytes += chunk?.length ?? 0;
    if (bytes > max) return ["tooLarge", undefined, max];
    let piece;
    try {
      piece = decoder.decode(chunk, { stream: more });
    } catch {
      return ["noUtf8"];
    }
    try {
      // The engine puts them together when the whole is parsed. A body of one piece is copied nowhere.
      text += piece;
    } catch {
      // Longer than a string can be.
      return ["tooLarge", undefined, bytes];
    }
  }
  decoders.push(decoder);
  try {
    return ["message", JSON.parse(text)];
  } catch {
    const messages = lines(text);
    if (messages) return ["message", messages];
    return bytes > WORDS ? ["noJson", undefined, bytes] : ["text", text];
  }
}
