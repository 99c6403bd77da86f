// The probe, the handshake, versions and session ids.

import { error, hello, result } from "../server.mjs";

const LISTED = "discover initialize initialized tools/list";
const TWICE = "discover initialize initialize initialized tools/list";
const notification = (reply) => ({ on: { notification: reply }, play: "tools", value: "tools t", wire: LISTED });
const probe = (reply, wire = LISTED) => ({ on: { "server/discover": reply }, play: "tools", value: "tools t", wire });
const version = (reply, wire = TWICE) => ({ on: { initialize: [reply, { body: hello(), headers: { "mcp-session-id": "S" } }] }, play: "tools", value: "tools t", wire });
const session = (value, more) => ({ on: { initialize: { body: hello(), headers: { "mcp-session-id": value } } }, play: "tools", value: "tools t", wire: LISTED, ...more });
const html = "<!doctype html><html><body>Welcome</body></html>";
const NOBODY = "JSON-RPC 2.0, 4.1: nobody answers a notification";
const PROBE = "2026-07-28, Versioning: what is no recognized modern error marks a legacy server";
const NEGOTIATED = "2025-11-25, Lifecycle: versions are negotiated, and this very error is shown there";

const MISDIRECTED = { status: 421, type: "text/plain", body: "Invalid Host header" };

export const title = "Connecting";

export const rows = [
  // What meets `notifications/initialized`.
  { id: "initialized-error", server: "answers `notifications/initialized` with 200 and a JSON-RPC error without an id", why: NOBODY, reported: true, ...notification({ body: '{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"}}' }) },
  { id: "initialized-error-null", server: "the same with `id: null`", why: NOBODY, reported: true, ...notification({ body: error(-32601, "Method not found", "null") }) },
  { id: "initialized-result", server: "answers it with a result", why: NOBODY, reported: true, ...notification({ body: result({}, "null") }) },
  { id: "initialized-null", server: "answers it with 200 and `null`", why: NOBODY, reported: true, ...notification({ body: "null" }) },
  { id: "initialized-empty", server: "answers it with 200 and nothing", why: NOBODY, reported: true, ...notification({}) },
  { id: "initialized-204", server: "answers it with 204", why: NOBODY, reported: true, ...notification({ status: 204, type: null }) },
  { id: "initialized-text", server: "answers it with 200 and plain words", why: NOBODY, reported: true, ...notification({ type: "text/plain; charset=utf-8", body: "No response" }) },
  { id: "initialized-html", server: "answers it with 200 and a page", why: NOBODY, ...notification({ type: "text/html", body: html }) },
  { id: "initialized-stream-open", server: "answers it with an event stream that stays open", why: NOBODY, reported: true, ...notification({ type: "text/event-stream", body: ": hi\n\n", open: true }) },
  { id: "initialized-no-end", server: "answers it with a head and a body that never ends", why: NOBODY, ...notification({ body: "{", open: true }) },
  { id: "initialized-404-method", server: "answers it with 404 and -32601", why: "what is refused is the method, and the handshake has succeeded", ...notification({ status: 404, body: error(-32601, "Method not found", "null") }) },
  { id: "initialized-405", server: "answers it with 405", why: "the handshake has succeeded with `initialize`", ...notification({ status: 405, type: null }) },
  { id: "initialized-400", server: "answers it with 400", why: "the handshake has succeeded with `initialize`", reported: true, ...notification({ status: 400, body: '{"error":"Missing id"}' }) },
  { id: "initialized-403", server: "answers it with 403", why: "the handshake has succeeded with `initialize`", ...notification({ status: 403, type: "text/plain", body: "method not allowed by policy" }) },
  { id: "initialized-500", server: "answers it with 500", why: "the handshake has succeeded with `initialize`", reported: true, ...notification({ status: 500, type: "text/plain", body: "oops" }) },
  { id: "initialized-503", server: "answers it with 503", why: "the handshake has succeeded with `initialize`", ...notification({ status: 503, type: null }) },
  { id: "initialized-silence", server: "never answers it", why: "the first call tells", reported: true, ...notification({ hang: true }) },
  { id: "initialized-hangs-up", server: "closes the connection on it", why: "a ping tells whether the session holds", ...notification({ hangUp: true }), wire: "discover initialize initialized ping tools/list", page: { wireMay: "discover initialize initialized initialized ping tools/list" } },
  { id: "initialized-404-lives", server: "answers it with a bare 404, and the session lives", why: "404 says that the session is gone: a ping decides", ...notification({ status: 404, type: null }), wire: "discover initialize initialized ping tools/list" },
  { id: "initialized-lost", server: "has forgotten the session when it comes, once", why: "several replicas: the next session may hold", reported: true, on: { notification: [{ status: 404, body: error(-32001, "Session not found", "null") }, { status: 202, type: null }] }, play: "tools", value: "tools t", wire: "discover initialize initialized discover initialize initialized tools/list", wireMay: "discover initialize initialized initialize initialized tools/list" },
  { id: "initialized-401", server: "refuses it for its credentials", why: "no call would fare better", on: { notification: { status: 401, type: null, headers: { "www-authenticate": "Bearer" } } }, play: "tools", code: "unauthorized", wire: "discover initialize initialized DELETE" },

  // What meets the question for the era.
  { id: "probe-404", server: "answers the probe `server/discover` with 404", why: PROBE, ...probe({ status: 404, type: null }) },
  { id: "probe-method", server: "answers it with 200 and -32601", why: PROBE, ...probe({ body: error(-32601, "Method not found") }) },
  { id: "probe-params", server: "answers it with -32602", why: PROBE, reported: true, ...probe({ body: error(-32602, "Invalid request parameters") }) },
  { id: "probe-empty-result", server: "answers every request with an empty result", why: PROBE, ...probe({ body: result({}) }) },
  { id: "probe-202", server: "answers it with 202", why: PROBE, ...probe({ status: 202, type: null }) },
  { id: "probe-401", server: "is behind a gateway that refuses an unknown method with 401", why: PROBE, ...probe({ status: 401, headers: { "www-authenticate": "Bearer" }, body: error(-32601, "Method not found") }), options: { headers: { authorization: "Bearer x" } } },
  { id: "probe-403", server: "is behind one that says 403", why: PROBE, reported: true, ...probe({ status: 403, type: "text/html", body: "<html>Forbidden</html>" }) },
  { id: "probe-405", server: "is behind one that says 405", why: PROBE, ...probe({ status: 405, type: null }) },
  { id: "probe-415", server: "says 415", why: PROBE, ...probe({ status: 415, type: null }) },
  { id: "probe-406", server: "says 406", why: PROBE, ...probe({ status: 406, type: null }) },
  { id: "probe-500", server: "fails on it with 500", why: PROBE, reported: true, ...probe({ status: 500, body: '{"error":"Internal Server Error"}' }, "discover discover initialize initialized tools/list") },
  { id: "probe-502", server: "is behind one that says 502", why: PROBE, ...probe({ status: 502, type: "text/html", body: html }, "discover discover initialize initialized tools/list") },
  { id: "probe-silence", server: "swallows it", why: "it may take three seconds, and a third of the caller's time", reported: true, ...probe({ hang: true }) },
  { id: "probe-no-end", server: "answers it with a stream that says nothing", why: "the same", ...probe({ type: "text/event-stream", body: ": hi\n\n", open: true }) },
  { id: "probe-hangs-up", server: "closes the connection on it", why: "`initialize` decides", ...probe({ hangUp: true }), page: { wireMay: "discover discover initialize initialized tools/list" } },
  { id: "probe-cut", server: "breaks its answer off", why: "`initialize` decides", ...probe({ body: "{", cut: true }) },
  { id: "probe-html", server: "answers it with a page", why: PROBE, ...probe({ type: "text/html", body: html }) },
  { id: "probe-legacy-versions", server: "answers it, and names legacy versions alone", why: PROBE, ...probe({ body: result({ supportedVersions: ["2025-06-18"], capabilities: {} }) }) },
  { id: "probe-unsupported", server: "answers it with -32022 and legacy versions", why: "2026-07-28, Versioning", ...probe({ status: 400, body: error(-32022, "Unsupported protocol version", "$ID", { supported: ["2025-11-25"] }) }) },

  // Versions.
  { id: "version-supported", server: "refuses the latest version with -32602 and `data.supported`", why: NEGOTIATED, reported: true, ...version({ body: error(-32602, "Unsupported protocol version", "$ID", { supported: ["2024-11-05"], requested: "2025-11-25" }) }) },
  { id: "version-400-words", server: "refuses it with 400 and lists its versions in words", why: NEGOTIATED, reported: true, ...version({ status: 400, type: "text/plain", body: "Bad Request: Unsupported protocol version (supported versions: 2025-06-18, 2025-03-26)" }) },
  { id: "version-expected", server: "names the one that it expects in a field of its own", why: NEGOTIATED, reported: true, ...version({ body: error(-32602, "Unsupported protocol version", "$ID", { expected: "2025-03-26" }) }) },
  { id: "version-unnamed", server: "refuses it and names none", why: NEGOTIATED, reported: true, ...version({ body: error(-32602, "Unsupported protocol version") }) },
  { id: "version-500", server: "fails with 500 over the version", why: NEGOTIATED, ...version({ status: 500, type: "text/plain", body: "unknown protocol version" }) },
  { id: "version-older", server: "answers with an older version", why: NEGOTIATED, ...version({ body: hello({ protocolVersion: "2024-11-05" }) }, LISTED), on: { initialize: { body: hello({ protocolVersion: "2024-11-05" }) } } },
  { id: "version-future", server: "answers with a version that nobody knows", why: "2025-11-25, Lifecycle: the client disconnects", on: { initialize: { body: hello({ protocolVersion: "2031-01-01" }) } }, play: "tools", code: "unsupported_version", wire: "discover initialize" },
  { id: "version-2024-10", server: "answers with the draft version 2024-10-07", why: "it never was a version of Streamable HTTP", on: { initialize: { body: hello({ protocolVersion: "2024-10-07" }) } }, play: "tools", code: "unsupported_version", wire: "discover initialize", exempt: "“If the client does not support the version in the server's response, it SHOULD disconnect.” (2025-11-25, Lifecycle, Version Negotiation)" },
  { id: "version-none", server: "answers without a version", why: "it is no MCP server's answer", on: { initialize: { body: result({ capabilities: {} }) } }, play: "tools", code: "not_mcp", wire: "discover initialize" },

  // What `initialize` says of the server.
  { id: "hello-no-info", server: "does not say who it is", why: "nothing depends on it", reported: true, on: { initialize: { body: hello({ serverInfo: undefined }) } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "hello-no-capabilities", server: "declares no capabilities at all", why: "nothing is known to be missing", reported: true, on: { initialize: { body: hello({ capabilities: undefined }) } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "hello-null-capabilities", server: "declares `capabilities: null`", why: "the same", on: { initialize: { body: hello({ capabilities: null }) } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "hello-array-capabilities", server: "declares `capabilities: []`", why: "an empty map of PHP", reported: true, on: { initialize: { body: hello({ capabilities: [] }) } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "hello-array-capability", server: "declares `tools: []`", why: "the same", reported: true, on: { initialize: { body: hello({ capabilities: { tools: [] } }) } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "hello-true-capability", server: "declares `tools: true`", why: "it means to have them", on: { initialize: { body: hello({ capabilities: { tools: true } }) } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "hello-empty-capabilities", server: "declares `capabilities: {}` though it has tools", why: "asking for a list harms nobody", reported: true, on: { initialize: { body: hello({ capabilities: {} }) } }, play: "listed", value: "tools t, says done", warning: "undeclared_capability", wire: `${LISTED} tools/call` },
  { id: "hello-list-of-tools", server: "puts its tools into `capabilities.tools`", why: "it means to have them", reported: true, on: { initialize: { body: hello({ capabilities: { tools: [{ name: "t" }] } }) } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "hello-sse", server: "answers `initialize` by an event stream that stays open", why: "the answer is all that is waited for", on: { initialize: { type: "text/event-stream", body: `event: message\ndata: ${hello()}\n\n`, open: true } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "hello-slow", server: "takes its time for `initialize`", why: "a cold start", on: { initialize: { body: hello(), wait: 700 } }, play: "tools", value: "tools t", wire: LISTED },

  { id: "hello-502", server: "is behind a gateway that says 502 while it starts", why: "it is there a moment later, and nothing has run", reported: true, on: { initialize: [{ status: 502, type: "text/html", body: "<html>502 Bad Gateway</html>" }, "good"] }, play: "tools", value: "tools t", wire: "discover initialize initialize initialized tools/list" },

  // Session ids.
  { id: "session-twice", server: "sends `Mcp-Session-Id` twice, the same", why: "equal fields arrive joined", reported: true, ...session(["S1", "S1"]), sent: "S1" },
  { id: "session-differs", server: "sends it twice, and differently", why: "which one is meant?", ...session(["S1", "S2"]), value: undefined, code: "protocol", wire: "discover initialize", exempt: "“The session ID MUST only contain visible ASCII characters.” (2025-11-25, Transports, Session Management): joined by a comma and a blank they are none" },
  { id: "session-empty", server: "sends an empty one", why: "it keeps no session", ...session("") },
  { id: "session-none", server: "sends none", why: "it keeps no session", on: { initialize: { body: hello() } }, play: "tools", value: "tools t", wire: LISTED },
  { id: "session-jwt", server: "sends one of 2 kB", why: "any length is allowed", ...session("e".repeat(2048)) },
  { id: "session-required", server: "wants a session id that it never sent", why: "the page may not see it, or the server is broken: said at once", on: { initialize: { body: hello() }, notification: { status: 400, body: error(-32000, "Bad Request: Mcp-Session-Id header is required", "null") } }, play: "tools", code: "cors", diagnosis: "hidden_session_id", wire: "discover initialize initialized" },

  // What is no MCP server.
  { id: "page", server: "is a web page", why: "it is said what answers there", on: { "server/discover": { type: "text/html", body: html }, initialize: { type: "text/html", body: html } }, play: "tools", code: "not_mcp", diagnosis: "web_page", wire: "discover initialize" },
  { id: "login-page", server: "is a page where the user signs in", why: "it is said what to do", reported: true, on: { "server/discover": { type: "text/html", body: "<form><input type=password></form>" }, initialize: { type: "text/html", body: "<form><input type=password></form>" } }, play: "tools", code: "not_mcp", diagnosis: "login_page", wire: "discover initialize" },
  { id: "empty", server: "answers everything with 200 and nothing", why: "it is said at once", on: { "server/discover": {}, initialize: {} }, play: "tools", code: "not_mcp", wire: "discover initialize" },
  { id: "not-found", server: "is at another path", why: "it is said at once", on: { "server/discover": { status: 404, type: null }, initialize: { status: 404, type: null } }, play: "tools", code: "not_mcp", wire: "discover initialize" },
  { id: "host-421", server: "refuses the name by which it is reached", why: "said at once, in the server's own words", reported: true, on: { "server/discover": MISDIRECTED, initialize: MISDIRECTED }, play: "tools", code: "http", says: "Invalid Host header", wire: "discover initialize", wireMay: "discover discover initialize initialize" },
  { id: "http-sse", server: "is one of the transport before Streamable HTTP", why: "it is said at once, and that it may be that", reported: true, on: { "server/discover": { status: 405, type: null }, initialize: { status: 405, type: null }, GET: { type: "text/event-stream", open: true, body: "event: endpoint\ndata: /messages?sessionId=1\n\n" } }, play: "tools", code: "not_mcp", says: "HTTP+SSE", wire: "discover initialize" },
  { id: "unauthorized", server: "wants credentials", why: "it is said at once", on: { "server/discover": { status: 401, type: null }, initialize: { status: 401, type: null } }, play: "tools", code: "unauthorized", wire: "discover initialize" },
  { id: "initialize-own-error", server: "refuses `initialize` in its own words", why: "the server's own code and message reach the caller", on: { initialize: { body: error(-32099, "licence expired") } }, play: "tools", code: "rpc", failed: "rpc -32099: licence expired", wire: "discover initialize" },
];
