// The page's connection, which can be pulled: a `fetch` for both clients.

let plug = new AbortController();

export const network = {
  get online() {
    return !plug.signal.aborted;
  },

  /** As the global `fetch` while the page is online; what is open when it goes offline breaks as a lost connection does. */
  async fetch(input, init = {}) {
    const signal = init.signal ? AbortSignal.any([init.signal, plug.signal]) : plug.signal;
    return fetch(input, { ...init, signal });
  },

  /** Pulls the plug or puts it back; the page is told as browsers tell it. */
  set(online) {
    if (online === this.online) return;
    if (online) plug = new AbortController();
    else plug.abort(new TypeError("Failed to fetch"));
    dispatchEvent(new Event(online ? "online" : "offline"));
  },
};
