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
 * anything later. What waits for one of them can be known only where a page asks its own origin by itself: no service worker
 * stands between, nor a `fetch` of the host's (`own`).
 */
export function connectionsTo(origin, own) {
  const { location, document } = globalThis;
  if (!location) return MANY;
  const isSame = location.origin === origin;
  const first = performance.getEntriesByType("navigation")[0]?.nextHopProtocol;
  const isFirst = origin.startsWith("http:") || (isSame && first === "http/1.1");
  if (!isFirst) return MANY;
  return isSame && !own && document && !hasWorker() ? SIX_OF_OWN_ORIGIN : SIX;
}

/** Whether a service worker stands between this page and the network. One may come at any time. */
export function hasWorker() {
  return Boolean(globalThis.navigator?.serviceWorker?.controller);
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

// The tabs that share a session, for tabs.rs: Web Locks say which of them leads and which are gone; what they tell each
// other goes by a BroadcastChannel. What follows from that is decided there.

// What tabs.rs hears, as it numbers that.
const LEADING = 0;
const FOLLOWING = 1;
const ALONE = 2;
const TOLD = 3;
const GONE = 4;

/**
 * A tab's part in a group, until it is aborted: then its locks go to the next. Nothing is heard, by
 * `hear(what, text?, payload?)`, before the constructor has returned.
 */
export class Tabs extends AbortController {
  #name;
  #hear;
  #channel;
  #locks;
  #bid;

  /** `name`: of the group's lock and channel; `me`: this tab's. */
  constructor(name, me, hear) {
    super();
    this.#name = name;
    this.#hear = hear;
    try {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = ({ data }) => {
        if (typeof data?.text === "string") hear(TOLD, data.text, data.payload);
      };
      // Only in what the browser calls a secure context.
      this.#locks = navigator.locks;
    } catch {
      // There is none here.
    }
    // Before anybody hears of this tab.
    this.#ask(me, () => new Promise((resolve) => this.signal.addEventListener("abort", resolve)));
    this.#lead({ ifAvailable: true });
  }

  abort() {
    super.abort();
    this.#bid.abort();
    if (!this.#channel) return;
    // What is under way to it goes nowhere.
    this.#channel.onmessage = null;
    this.#channel.close();
  }

  /** Takes the lead from whoever has it. */
  steal() {
    this.#lead({ steal: true });
  }

  /** Tells all others. What was parsed from JSON can be cloned. */
  tell(text, payload) {
    this.#channel?.postMessage({ text, payload });
  }

  /** Hears of it when another tab takes part no more, however it ended: its lock is had then. */
  watch(tab) {
    this.#ask(tab, () => this.#hear(GONE, tab));
  }

  async #ask(tab, granted) {
    const take = () => (this.signal.aborted ? undefined : granted());
    try {
      await this.#locks?.request(`${this.#name}:${tab}`, { signal: this.signal }, take);
    } catch {
      // It was given up, or is not to be had in this place.
    }
  }

  /** `options` are those of the first request; those after it stand in line. */
  async #lead(options) {
    // One at a time: the one before is given up first.
    this.#bid?.abort();
    const bid = (this.#bid = new AbortController());
    const { signal } = bid;
    let leads = false;
    const told = (role) => {
      leads = role === LEADING;
      if (!signal.aborted) this.#hear(role);
    };
    const granted = (lock) => {
      if (!lock || signal.aborted) return undefined;
      const until = new Promise((resolve) => signal.addEventListener("abort", resolve));
      told(LEADING);
      return until;
    };
    if (!this.#locks) {
      await undefined;
      return told(ALONE);
    }
    // It ends with the request that is under way, not before: the browser may be about to grant that.
    for (; !signal.aborted; options = { signal }) {
      try {
        await this.#locks.request(this.#name, options, granted);
      } catch {
        // What was held is stolen; what never was is not to be had in this place.
        if (!leads) return told(ALONE);
      }
      told(FOLLOWING);
    }
  }
}
