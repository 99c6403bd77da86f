// For screens of any kind: what sessions and servers know, as snapshots that one can subscribe to.

import { ServersStore } from "./servers_store.js";
import { SessionStore } from "./session_store.js";

export function mcpStore(url, options) {
  return open(new SessionStore(url instanceof URL ? url.href : url, options));
}

export function mcpServersStore(options) {
  return open(new ServersStore(options));
}

function open(store) {
  const { subscribe, getSnapshot, getServerSnapshot } = store;
  return Object.freeze({ subscribe, getSnapshot, getServerSnapshot, setOptions: (options = {}) => store.use(options) });
}
