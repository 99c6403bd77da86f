// Requests by way of `mcp-evergreen/proxy`, for servers that send no CORS headers.

import { abortable } from "./abortable.js";
import { isNeeded, MARK, PASS, REDIRECTS, SHOW, STATUS, TARGET } from "./proxy_wire.js";

/** How what decides the way begins, as the core writes it. Either may be sent again: it runs nothing. */
const HANDSHAKE = /^\{"jsonrpc":"2\.0","id":[^,]*,"method":"(initialize|server\/discover)"/;

/** What the server is asked where it is not known which way leads to it, and a handshake is over. */
const QUESTION = '{"jsonrpc":"2.0","id":"way","method":"server/discover","params":{}}';

const ADVICE =
  "The proxy did not pass on what OAuth asks of an authorization server: its `targets` must have that one's origin, too.";

const DIRECT =
  "The page saw nothing of what an authorization server answered to a registration, or to a request for tokens. These go by the " +
  "proxy with `proxy: { oauth: true }` only: it then sees codes and tokens.";

/** Milliseconds that a way is remembered. */
const SPAN = 3_600_000;

/** Which way led to an endpoint: `{ byProxy, until }`, by endpoint and proxy. */
const known = new Map();

/** What the proxy says in its own name; `status` is 0 where there is no answer. The core has the words. */
class ProxyError extends Error {
  constructor(proxied, status, cause) {
    super(`The proxy: ${proxied}${status ? ` (HTTP ${status})` : ""}.`, { cause });
    Object.assign(this, { proxied, status });
  }
}

/** The ways of one session. */
export class Ways {
  #proxy;
  #endpoint;
  #send;
  #sendOauth;
  #warn;
  /** What this session's requests go by; a handshake decides it. */
  #byProxy;
  /** The question for the way, while it is open: `{ way, stop, waiting }`. */
  #asked;
  /** Origins that hid their metadata from the page. */
  #hidden = new Set();

  constructor({ proxy, endpoint, send, sendOauth, warn }) {
    this.#proxy = proxy;
    this.#endpoint = JSON.stringify([endpoint, proxy.url]);
    this.#send = send;
    this.#sendOauth = sendOauth;
    this.#warn = warn;
  }

  /** A request of the session's. */
  async mcp(url, init) {
    if (this.#proxy.when === "always") return this.#through(this.#send, url, init);
    // What a page asks of its own origin it sees.
    if (new URL(url).origin === globalThis.location?.origin) return this.#send(url, init);
    const [, handshake] = (init.method === "POST" && HANDSHAKE.exec(init.body)) || [];
    if (handshake) return this.#handshake(url, init, handshake);
    this.#byProxy ??= this.#remembered ?? (await this.#way(url, init));
    return this.#byProxy ? this.#through(this.#send, url, init) : this.#send(url, init);
  }

  async #handshake(url, init, method) {
    const remembered = this.#remembered;
    if (remembered) {
      this.#byProxy = true;
      return this.#through(this.#send, url, init);
    }
    let cause;
    try {
      const answer = await this.#send(url, init);
      this.#learn(false);
      return answer;
    } catch (thrown) {
      // An outage of what could be reached is no reason to go another way.
      if (remembered === false || !isOpaque(thrown, init)) throw thrown;
      cause = thrown;
    }
    try {
      const answer = await this.#through(this.#send, url, init);
      this.#learn(true);
      return answer;
    } catch (refusal) {
      // `initialize` may be allowed where the fields of the other are not.
      throw method === "initialize" ? refusal : cause;
    }
  }

  /** A session that was taken up from elsewhere: its first request may be one that runs something. All who wait ask once. */
  async #way(url, init) {
    if (!this.#asked) {
      const stop = new AbortController();
      this.#asked = { way: this.#ask(url, { ...init, signal: stop.signal }), stop, waiting: 0 };
    }
    const asked = this.#asked;
    asked.waiting++;
    try {
      return await abortable(asked.way, init.signal);
    } finally {
      // One that gives up takes nothing from the others; with the last, nobody wants to know.
      if (--asked.waiting === 0) {
        if (this.#asked === asked) this.#asked = undefined;
        asked.stop.abort();
      }
    }
  }

  async #ask(url, init) {
    const headers = new Headers(init.headers);
    for (const name of [...headers.keys()]) if (/^mcp-(?:name$|param-)/.test(name)) headers.delete(name);
    if (headers.has("mcp-method")) headers.set("mcp-method", "server/discover");
    headers.set("content-type", "application/json");
    headers.set("accept", "application/json, text/event-stream");
    const question = { ...init, method: "POST", headers: Object.fromEntries(headers), body: QUESTION, keepalive: false };
    try {
      const answer = await this.#send(url, question);
      answer.body?.cancel().catch(() => {});
      this.#learn(false);
      return false;
    } catch (cause) {
      if (!isOpaque(cause, init)) throw cause;
      return true;
    }
  }

  get #remembered() {
    const { byProxy, until } = known.get(this.#endpoint) ?? {};
    return until > Date.now() ? byProxy : undefined;
  }

  #learn(byProxy) {
    this.#byProxy = byProxy;
    known.set(this.#endpoint, { byProxy, until: Date.now() + SPAN });
  }

  /** A request of OAuth's. What is posted holds codes and tokens: it goes one way, whatever comes of it. */
  async oauth(url, init = {}) {
    const { when, oauth } = this.#proxy;
    const given = { ...init, method: init.method ?? "GET" };
    if (given.method !== "GET") return oauth ? this.#passed(url, given) : this.#post(url, init);
    const { origin } = new URL(url);
    let cause;
    if (when !== "always" && !this.#hidden.has(origin)) {
      try {
        return await this.#sendOauth(url, init);
      } catch (thrown) {
        if (!isOpaque(thrown, init)) throw thrown;
        cause = thrown;
      }
    }
    try {
      const answer = await this.#passed(url, given);
      this.#hidden.add(origin);
      return answer;
    } catch (refusal) {
      throw isRefused(refusal) ? refusal : (cause ?? refusal);
    }
  }

  async #passed(url, init) {
    try {
      return await this.#through(this.#sendOauth, url, init);
    } catch (refusal) {
      if (isRefused(refusal)) this.#warn("proxy", ADVICE);
      throw refusal;
    }
  }

  async #post(url, init) {
    try {
      return await this.#sendOauth(url, init);
    } catch (cause) {
      if (isOpaque(cause, init)) this.#warn("proxy", DIRECT);
      throw cause;
    }
  }

  async #through(send, url, init) {
    const headers = new Headers(init.headers);
    const extra = [...headers.keys()].filter((name) => !isNeeded(name));
    headers.set(TARGET, String(url));
    headers.set(SHOW, "1");
    if (extra.length > 0) headers.set(PASS, extra.join(","));
    for (const [name, value] of ownFields(await this.#proxy.headers())) {
      if (isNeeded(name)) throw new TypeError(`proxy.headers["${name}"]: this header is the server's`);
      headers.set(name, value);
    }
    let answer;
    try {
      const own = { headers: Object.fromEntries(headers), credentials: "omit", redirect: "manual" };
      answer = await send(this.#proxy.url, { ...init, ...own });
    } catch (cause) {
      throw isOpaque(cause, init) ? new ProxyError("unreached", 0, cause) : cause;
    }
    const mark = answer.headers?.get(MARK);
    if (mark === "relayed") return shown(answer);
    answer.body?.cancel().catch(() => {});
    throw new ProxyError(mark ?? "foreign", answer.status || 302);
  }
}

/** As the target answered: of a redirect no page sees more than that it is one. */
function shown(answer) {
  const status = Number(answer.headers.get(STATUS));
  if (!REDIRECTS.includes(status)) return answer;
  answer.body?.cancel().catch(() => {});
  return new Response(null, { status, headers: answer.headers });
}

function isRefused({ proxied }) {
  return proxied?.startsWith("refused ") === true;
}

function ownFields(given) {
  const pairs = given instanceof Headers ? given : Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return new Headers([...pairs]);
}

/** Nothing was seen of what came, and nobody gave it up. */
function isOpaque(thrown, { signal } = {}) {
  return thrown?.name === "TypeError" && !signal?.aborted && globalThis.navigator?.onLine !== false;
}
