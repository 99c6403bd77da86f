// What happens to the page, or the worker, for page.rs; what it knows of its connections, for streams.rs; and why a request
// failed below HTTP, for exchange.rs. No listener keeps the page out of the back/forward cache, as one for `unload` or
// `beforeunload` would.

// Changes, as page.rs numbers them.
const HIDDEN = 0;
const VISIBLE = 1;
const FROZEN = 2;
const THAWED = 3;
const LEAVING = 4;
const ONLINE = 5;
const OFFLINE = 6;

// Numbers of connections, as streams.rs names them.
const MANY = 0;
const SIX = 1;
const SIX_OF_OWN_ORIGIN = 2;

const CHANGES = {
  visibilitychange: visibility,
  freeze: () => FROZEN,
  resume: () => THAWED,
  pageshow: ({ persisted }) => (persisted ? THAWED : undefined),
  pagehide: ({ persisted }) => (persisted ? FROZEN : LEAVING),
  online: () => ONLINE,
  offline: () => OFFLINE,
};

/** Tells of every change until it is stopped. */
export class Page {
  #tell;
  #isTold;
  #hear = (event) => this.#change(CHANGES[event.type](event));

  /** Requests go to `url`: this device reaches itself without a network. */
  constructor(url, tell) {
    const host = new URL(url).hostname;
    const isLocal = host === "localhost" || host === "[::1]" || host.startsWith("127.");
    this.#isTold = (change) => change !== undefined && !(isLocal && change >= ONLINE);
    this.#tell = tell;
    // On the way down: `freeze` and `resume` do not bubble to the window. Where there are no events, there are no pages
    // either.
    for (const type in CHANGES) globalThis.addEventListener?.(type, this.#hear, true);
  }

  /** How things stand, as changes. */
  stands() {
    return [visibility(), globalThis.navigator?.onLine === false ? OFFLINE : undefined].filter(this.#isTold);
  }

  stop() {
    for (const type in CHANGES) globalThis.removeEventListener?.(type, this.#hear, true);
  }

  #change(change) {
    if (this.#isTold(change)) this.#tell(change);
  }
}

/** `undefined` in a worker. */
function visibility() {
  const state = globalThis.document?.visibilityState;
  return state && (state === "hidden" ? HIDDEN : VISIBLE);
}

export function originOf(url) {
  return new URL(url).origin;
}

/**
 * How many connections there are to an origin, as streams.rs numbers it: over HTTP/1.1 a browser has six. `http:` is never
 * anything later. What waits for one of them can be known only where this page's own origin is asked.
 */
export function connectionsTo(origin) {
  const { location } = globalThis;
  if (!location) return MANY;
  const own = location.origin === origin;
  const first = performance.getEntriesByType("navigation")[0]?.nextHopProtocol;
  const isFirst = origin.startsWith("http:") || (own && first === "http/1.1");
  return isFirst ? (own ? SIX_OF_OWN_ORIGIN : SIX) : MANY;
}

/**
 * Whether connections to an origin are few. A later version of HTTP takes one for everything, which the browser says of
 * an answer that this page got from there; outside of a browser there are as many as one likes.
 */
export function isBounded(origin) {
  if (!globalThis.location) return false;
  return !performance
    .getEntriesByType("resource")
    .some(({ name, nextHopProtocol }) => /^h[23]$/.test(nextHopProtocol) && name.startsWith(`${origin}/`));
}

// Whether the server can be reached, as exchange.rs numbers that.
const UNKNOWN = 0;
const ANSWERS = 1;
const SILENT = 2;
const NO_NETWORK = 3;
const MIXED = 4;
const LOCAL = 5;

/** Tells it within `ms`. `own`: the host has a `fetch` of its own. */
export async function reach(url, own, ms, told) {
  told(await reached(url, own, ms));
}

/** By a request whose answer need not be readable, as far as CORS lets that tell. It carries nothing of anybody's. */
async function reached(url, own, ms) {
  const page = globalThis.location?.origin;
  // What a host's own `fetch` does is not known. Outside of a page there is no CORS.
  if (own || page === undefined) return UNKNOWN;
  const { protocol, hostname } = new URL(url);
  // (W3C Mixed Content, 5.) This device is no network.
  if (globalThis.isSecureContext && page.startsWith("https:") && protocol === "http:" && !LOOPBACK.test(hostname)) return MIXED;
  if (navigator.onLine === false) return NO_NETWORK;
  try {
    const signal = AbortSignal.timeout?.(ms);
    await fetch(url, { method: "HEAD", mode: "no-cors", credentials: "omit", cache: "no-store", signal });
  } catch {
    return (await isForbidden(hostname)) ? LOCAL : SILENT;
  }
  return new URL(url).origin === page ? UNKNOWN : ANSWERS;
}

const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/;
const PRIVATE = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde])|\.local$/;

/** Whether the browser keeps this page from the local network (WICG, Local Network Access). */
async function isForbidden(hostname) {
  if (!LOOPBACK.test(hostname) && !PRIVATE.test(hostname)) return false;
  const names = LOOPBACK.test(hostname) ? ["loopback-network", "local-network-access"] : ["local-network", "local-network-access"];
  for (const name of names) {
    try {
      return (await navigator.permissions.query({ name })).state === "denied";
    } catch {
      // This browser knows it by another name, or not at all.
    }
  }
  return false;
}
