// What `mcp-evergreen/proxy` and the option `proxy` say to each other.

/** To the proxy: the absolute URL that the request is for. */
export const TARGET = "evergreen-target";
/** To the proxy: names of header fields that the host adds, and that the target is to get. */
export const PASS = "evergreen-pass";
/** To the proxy: the one who asks cannot see redirects, and is told of one with HTTP 200 and its status beside. */
export const SHOW = "evergreen-redirects";
/** From the proxy: whose word the answer is. `relayed`: the target's; `refused <reason>`: the proxy's, which has not sent it; `failed <reason>`: the proxy's, which may have. */
export const MARK = "evergreen-proxy";
/** From the proxy: the status of a redirect. */
export const STATUS = "evergreen-status";

export const REDIRECTS = [301, 302, 303, 307, 308];

/** What MCP and its authorization need (MCP 2025-11-25 and 2026-07-28, transports and authorization). */
const NEEDED = ["accept", "authorization", "content-type", "last-event-id"];

export function isNeeded(name) {
  return NEEDED.includes(name) || name.startsWith("mcp-");
}
