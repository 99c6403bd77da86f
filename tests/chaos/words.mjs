// How servers and what stands before them refuse: in which words, with which status.

import { readFileSync } from "node:fs";

const rows = JSON.parse(readFileSync(new URL("../signals.json", import.meta.url), "utf8"));

const rpc = (status, id, code, message) => ({
  status,
  type: "application/json",
  body: JSON.stringify({ jsonrpc: "2.0", error: { code, message }, ...(id === undefined ? {} : { id }) }),
});

/** Words that nobody has listed yet. */
const UNLISTED = [
  rpc(400, null, -32000, "no MCP session found for backend tools"),
  rpc(400, null, -32600, "the first message from the client must be initialize"),
  rpc(500, null, -32603, "Session not found: it may have expired"),
  rpc(403, null, -32000, "this session is not known to the server"),
  { status: 409, type: "application/json", body: '{"detail":"unknown session, please initialize"}' },
  { status: 503, type: "text/plain", body: "session expired" },
  { status: 410, type: "text/html", body: "<h1>Gone</h1>" },
];

/** How an unknown session is refused: by servers that were surveyed (`tests/signals.json`), and by others. `{ status, type, body }`. */
export const REFUSALS = [
  ...rows
    .filter(({ verdict, request, sid_sent }) => verdict === "evicted" && request === "POST" && sid_sent === 1)
    .map(({ status, content_type, body }) => ({ status, type: content_type ?? undefined, body })),
  ...UNLISTED,
];

/** The refusal as the answer to the request with this id: the survey's rows that repeat the request's have 7 or 3. */
export function worded({ status, type, body }, id) {
  const own = id === undefined ? "null" : JSON.stringify(id);
  return { status, type, body: body.replace(/"id": ?[73]\b/, `"id": ${own}`) };
}

const html = (status, title) => ({
  status,
  type: "text/html; charset=utf-8",
  body: `<html><head><title>${status} ${title}</title></head><body><h1>${title}</h1></body></html>`,
});
const plain = (status, body) => ({ status, type: "text/plain", body });
const json = (status, value) => ({ status, type: "application/json", body: JSON.stringify(value) });
const later = (page, after) => ({ ...page, headers: { "retry-after": after } });

/** What a gateway shows when the server that took the request does not answer: nothing is known of the call. */
export const GATEWAY_PAGES = [
  html(502, "Bad Gateway"),
  html(503, "Service Unavailable"),
  html(504, "Gateway Time-out"),
  later(html(503, "Backend fetch failed"), "1"),
  later(html(503, "Service Temporarily Unavailable"), "0"),
  later(json(503, { message: "upstream is restarting" }), "1"),
  plain(503, "upstream connect error or disconnect/reset before headers. reset reason: connection termination"),
  plain(503, "no healthy upstream"),
  plain(502, ""),
  json(502, { error: "Bad Gateway", message: "Application failed to respond" }),
  json(504, { message: "Endpoint request timed out" }),
  html(500, "Internal Server Error"),
  html(520, "Web server is returning an unknown error"),
  html(524, "A timeout occurred"),
  html(408, "Request Timeout"),
  plain(499, ""),
  rpc(502, null, -32603, "upstream closed the connection"),
  rpc(504, "server-error", -32001, "Request timed out"),
];

/** What a limiter says that let nothing through. */
export const LIMITED = [
  later(plain(429, "Too Many Requests"), "0"),
  later(json(429, { error: "rate_limited" }), "1"),
  html(429, "Too Many Requests"),
  rpc(429, null, -32000, "Rate limit exceeded"),
];

/** Refusals by what stands before the server and let nothing through. */
export const FORBIDDEN = [
  json(401, { error: "invalid_token", error_description: "The access token expired" }),
  html(401, "Authorization Required"),
  html(403, "Forbidden"),
  json(403, { message: "Forbidden" }),
  plain(403, "error code: 1020"),
  html(400, "Bad Request"),
  html(413, "Request Entity Too Large"),
  html(404, "Not Found"),
  rpc(403, null, -32000, "Invalid Origin header"),
];

/** Errors under the request's own id, with a status, by servers that ran it. */
export const OWN_ERRORS = [
  [200, -32600, "MCP error -32600: Session not found"],
  [200, -32000, "Connection closed"],
  [400, -32602, "the amount is negative"],
  [422, -32000, "the account is closed"],
  [500, -32603, "the printer is on fire"],
  [429, -32000, "the bank asks for fewer requests"],
  [403, -32000, "the account belongs to somebody else"],
  [404, -32002, "there is no such account"],
  [503, -32000, "the bank is closed"],
];
