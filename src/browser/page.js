// What happens to the page, or the worker, for page.rs; and what it knows of its connections, for streams.rs. No listener
// keeps the page out of the back/forward cache, as one for `unload` or `beforeunload` would.

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
