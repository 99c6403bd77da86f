// Snapshots of a session's state.

import { McpError, fromCore } from "./error.js";

/**
 * A frozen snapshot of what the core tells. `verifiedNow` gives the time at which the server last answered, or
 * `undefined` once the snapshot is out of date: it then keeps the time that it had.
 */
export function takeStatus({ verifiedAt, ...raw }, verifiedNow = () => undefined) {
  const known = Object.entries(raw).filter(([, value]) => value !== undefined && value !== null);
  const status = Object.fromEntries(known.map(([key, value]) => [key, freeze(value)]));
  if (status.lastError && !(status.lastError instanceof McpError)) status.lastError = fromCore(status.lastError);
  let last = verifiedAt ?? undefined;
  Object.defineProperty(status, "verifiedAt", {
    enumerable: true,
    get: () => (last = verifiedNow(status) ?? last),
  });
  return Object.freeze(status);
}

/** One level: what a server sent may be nested to any depth. */
function freeze(value) {
  return typeof value === "object" && !(value instanceof Error) ? Object.freeze(value) : value;
}
