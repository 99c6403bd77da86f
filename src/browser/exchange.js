// Requests through `fetch`, and their answers, for exchange.rs: a step in JavaScript costs less than a step across the
// boundary. What is to be done is decided there. A host's `fetch` may answer with a Response of its own making, so
// nothing of it is taken for granted.

// What exchange.rs is told, as it numbers that.
const MESSAGE = 0;
const TEXT = 1;
const CHUNK = 2;
const NO_JSON = 3;
const NO_UTF8 = 4;
const TOO_LARGE = 5;
const REDIRECTED = 6;
const UNSENT = 7;
const END = 8;
const FIELDS = 9;
const FAILED = 10;

// Whether the server can be reached.
const UNKNOWN = 0;
const ANSWERS = 1;
const SILENT = 2;
const OFFLINE = 3;

// How it wants a body to be read.
const AS_JSON = 0;
const AS_EVENTS = 1;
const AS_TEXT = 2;

/** The exchanges of one session. `onhead` and `onfact` say whether the exchange is still wanted. */
export class Exchanges {
  /** The host's fields, as they were told last. */
  fields;

  constructor(url, credentials, headers, fetch, onhead, onfact, onfields) {
    Object.assign(this, { url, credentials, headers, fetch, onhead, onfact, onfields });
  }

  /** `request`: the JSON text of `{ purpose, method, headers }`. */
  send(id, request, body) {
    return new Exchange(this, id, JSON.parse(request), body);
  }

  /** Tells the fields that the host would add to a call, where they are not those that were told last. */
  async identify() {
    let fields;
    try {
      [, fields] = await merged(this.headers, { purpose: "call", method: "POST", url: this.url }, {});
    } catch {
      // As it is said when they are needed.
    }
    if (fields === this.fields) return this.onfields();
    this.fields = fields;
    this.onfields(fields ?? "");
  }

  /** Tells whether anything answers there, within `ms`. */
  async reach(ms, told) {
    told(await reached(this, ms));
  }
}

/** Once it is aborted, nothing more is told of it. */
class Exchange extends AbortController {
  #all;
  #id;
  #response;
  #body;
  /** The host's fields, as they were known when this was begun. */
  #fields;

  constructor(all, id, request, body) {
    super();
    this.#all = all;
    this.#id = id;
    this.#fields = all.fields;
    this.#send(request, body);
  }

  abort() {
    super.abort();
    // A host's `fetch` may not heed the signal.
    this.#body?.cancel();
  }

  async #send({ purpose, method, headers }, body) {
    const { url, credentials, fetch } = this.#all;
    try {
      // At the earliest in a microtask: nothing is told before `send` has returned.
      let fields;
      [headers, fields] = await merged(this.#all.headers, { purpose, method, url }, headers);
      if (fields !== this.#fields) {
        this.#all.fields = fields;
        this.#tell(FIELDS, fields);
      }
    } catch (cause) {
      return this.#tell(UNSENT, cause);
    }
    if (this.signal.aborted) return;
    let head;
    try {
      this.#response = await call(fetch, url, {
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
      });
      head = headOf(this.#response);
    } catch (cause) {
      return this.#tell(FAILED, cause);
    }
    if (!head) this.#tell(REDIRECTED);
    else if (!this.signal.aborted) this.#all.onhead(this.#id, ...head);
    else this.read();
  }

  /** `max` in bytes: of the whole, of one event, or of what is wanted of a text. Without `as` it is only given back. */
  async read(as, max) {
    let fact;
    try {
      this.#body = await Body.of(this.#response);
      if (this.signal.aborted) return;
      if (as === AS_JSON) fact = await json(this.#body, max);
      if (as === AS_EVENTS && !(await this.#events())) return;
      if (as === AS_TEXT) fact = [TEXT, await text(this.#body, max)];
    } catch (cause) {
      return void this.#tell(FAILED, cause);
    } finally {
      this.#body?.cancel();
    }
    if (!fact || this.#tell(...fact)) this.#tell(END);
  }

  /** Whether all of them were wanted. */
  async #events() {
    for (let chunk; (chunk = await this.#body.next()); ) {
      if (!this.#tell(CHUNK, chunk)) return false;
    }
    return true;
  }

  #tell(fact, value, bytes = 0) {
    return !this.signal.aborted && this.#all.onfact(this.#id, fact, value, bytes);
  }
}

/** By a request whose answer need not be readable, as far as CORS lets that tell. It carries nothing of anybody's. */
async function reached({ url, fetch: own }, ms) {
  const page = globalThis.location?.origin;
  // What a host's own `fetch` does is not known. Outside of a page there is no CORS.
  if (own || page === undefined) return UNKNOWN;
  if (navigator.onLine === false) return OFFLINE;
  try {
    const signal = AbortSignal.timeout?.(ms);
    await fetch(url, { method: "HEAD", mode: "no-cors", credentials: "omit", cache: "no-store", signal });
  } catch {
    return SILENT;
  }
  return new URL(url).origin === page ? UNKNOWN : ANSWERS;
}

/** Redirects that are followed, one after the other. */
const HOPS = 5;

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
  let answer;
  try {
    answer = await send(url, "manual");
    for (let at = url, hops = 0; method === "GET" && isRedirect(answer); hops++) {
      const location = answer.headers.get("location");
      // A page is not shown where it leads: it is followed, and what it led to is looked at.
      const to = answer.type === "opaqueredirect" ? at : URL.canParse(location, at) ? new URL(location, at).href : undefined;
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

/** The host's fields, then the protocol's: what that needs, no host can change. And the host's own as a text. */
async function merged(own, context, fields) {
  if (typeof own === "function") own = await own(context);
  if (own === undefined || own === null) return [fields, "[]"];
  const headers = new Headers(own);
  const text = JSON.stringify([...headers]);
  for (const [name, value] of Object.entries(fields)) headers.set(name, value);
  return [Object.fromEntries(headers), text];
}

/** What `onhead` is told after the id; `undefined` of a redirect, which Node shows, and browsers do not. */
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

/** What the module reads of a string is cut here, before it is copied. */
export function textOf(value, most) {
  if (typeof value !== "string") return undefined;
  return value.length > most ? value.slice(0, most) : value;
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** A body as chunks. */
class Body {
  #reader;

  constructor(reader) {
    this.#reader = reader;
  }

  static async of(response) {
    const { body } = response;
    if (typeof body?.getReader === "function") return new Body(body.getReader());
    // A host's own Response without streams is read all at once.
    const chunks = body === null ? [] : [new TextEncoder().encode(await response.text())];
    return new Body({ read: () => ({ done: chunks.length === 0, value: chunks.pop() }), cancel() {} });
  }

  /** `undefined` at its end. */
  async next() {
    const { done, value } = await this.#reader.read();
    if (done) {
      this.#reader = undefined;
      return undefined;
    }
    if (!ArrayBuffer.isView(value)) throw new TypeError("The body of the Response gave a chunk that is no Uint8Array.");
    // Of whatever kind and realm.
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }

  /** What was not read to its end is given back. */
  async cancel() {
    const reader = this.#reader;
    this.#reader = undefined;
    try {
      await reader?.cancel();
    } catch {
      // It broke off before.
    }
  }
}

/** What it says, as `onfact` is told. */
async function json(body, max) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  for (let more = true; more; ) {
    const chunk = await body.next();
    more = chunk !== undefined;
    bytes += chunk?.length ?? 0;
    if (bytes > max) return [TOO_LARGE, undefined, max];
    let piece;
    try {
      piece = decoder.decode(chunk, { stream: more });
    } catch {
      return [NO_UTF8];
    }
    try {
      // The engine puts them together when the whole is parsed. A body of one piece is copied nowhere.
      text += piece;
    } catch {
      // Longer than a string can be.
      return [TOO_LARGE, undefined, bytes];
    }
  }
  try {
    return [MESSAGE, JSON.parse(text)];
  } catch {
    return [NO_JSON, undefined, bytes];
  }
}

/** Its first `max` bytes; what is no UTF-8 is replaced. */
async function text(body, max) {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for (let room = max; room > 0; ) {
    const chunk = (await body.next())?.subarray(0, room);
    if (!chunk) break;
    room -= chunk.length;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
