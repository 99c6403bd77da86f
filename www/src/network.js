// The page's connection, which can be pulled: a `fetch` for both clients.

let plug = new AbortController();

export const network = {
  /** Milliseconds by which each answer is held back, so that a person can follow. */
  slow: 0,

  get online() {
    return !plug.signal.aborted;
  },

  /** As the global `fetch` while the page is online; what is open when it goes offline breaks as a lost connection does. */
  async fetch(input, init = {}) {
    const signal = init.signal ? AbortSignal.any([init.signal, plug.signal]) : plug.signal;
    const response = await fetch(input, { ...init, signal });
    if (network.slow > 0) await new Promise((resolve) => setTimeout(resolve, network.slow));
    signal.throwIfAborted();
    return response;
  },

  /** Pulls the plug or puts it back; the page is told as browsers tell it, by `navigator.onLine` and an event. */
  set(online) {
    if (online === this.online) return;
    if (online) delete navigator.onLine;
    else Object.defineProperty(navigator, "onLine", { configurable: true, get: () => false });
    if (online) plug = new AbortController();
    else plug.abort(new TypeError("Failed to fetch"));
    dispatchEvent(new Event(online ? "online" : "offline"));
  },
};
