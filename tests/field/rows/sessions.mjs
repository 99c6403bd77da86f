// Sessions that are gone, in the words in which servers say it; gateways and proxies on the way.

import { error, good } from "../server.mjs";

const FIRST = "discover initialize initialized tools/call";
const AGAIN = "initialize initialized tools/call";
const call = good["tools/call"];
const gone = (reply, more = {}) => ({ on: { "tools/call": [call, reply, call] }, play: "calls", value: "says done, done, healed", wire: `${FIRST} tools/call ${AGAIN}`, ...more });
const doubted = (reply, ping, more = {}) => gone(reply, { on: { "tools/call": [call, reply, call], ping }, wire: `${FIRST} tools/call ping ${AGAIN}`, ...more });
const SPEC = "2025-11-25, Transports, Session Management: a new session, and the refused call once more";
const WORDS = "the gate says it in other words: the call did not run";
const PING = "it may be the tool's word: a ping tells";

const EMPTY = { status: 404, body: '{"jsonrpc":"2.0","id":$ID}' };

export const title = "Sessions and gateways";

export const rows = [
  { id: "gone-404", server: "refuses the session with a bare 404", why: SPEC, reported: true, ...gone({ status: 404, type: null }) },
  { id: "gone-404-json", server: "refuses it with 404 and -32001", why: SPEC, reported: true, ...gone({ status: 404, body: error(-32001, "Session not found", "null") }) },
  { id: "gone-404-server-error", server: "refuses it with 404 and the id `server-error`", why: SPEC, reported: true, ...gone({ status: 404, body: error(-32600, "Session not found", '"server-error"') }) },
  { id: "gone-404-html", server: "is behind a gateway that makes a page of the 404", why: SPEC, ...gone({ status: 404, type: "text/html", body: "<html>404</html>" }) },
  { id: "gone-404-no-error", server: "refuses it with 404 and a response that has neither result nor error", why: SPEC, reported: true, ...doubted(EMPTY, EMPTY), wireMay: `${FIRST} tools/call ${AGAIN}` },
  { id: "gone-410", server: "refuses it with 410", why: SPEC, ...gone({ status: 410, type: null }) },
  { id: "gone-400", server: "refuses it with 400 in words", why: WORDS, reported: true, ...gone({ status: 400, body: error(-32000, "Bad Request: No valid session ID provided", "null") }) },
  { id: "gone-400-text", server: "refuses it with 400 and plain words", why: WORDS, reported: true, ...gone({ status: 400, type: "text/plain", body: "Invalid session ID" }) },
  { id: "gone-401", server: "refuses it with 401", why: PING, reported: true, ...doubted({ status: 401, type: "text/plain", body: "Unauthorized: Session not found" }, { status: 401, type: "text/plain", body: "Unauthorized: Session not found" }) },
  { id: "gone-422", server: "refuses it with 422", why: PING, reported: true, ...doubted({ status: 422, type: "text/plain", body: "Unexpected message, expect initialize request" }, { status: 422, type: "text/plain", body: "Unexpected message, expect initialize request" }) },
  { id: "gone-200", server: "refuses it with 200 and a JSON-RPC error", why: PING, reported: true, ...doubted({ body: error(-32602, "Invalid or expired session") }, { body: error(-32602, "Invalid or expired session") }) },
  { id: "said-by-a-tool", server: "has a tool that speaks of sessions of its own", why: PING, on: { "tools/call": { body: error(-32000, "Browser session not found") } }, play: "call", failed: "rpc -32000: Browser session not found", wire: `${FIRST} ping` },
  { id: "ping-unknown", server: "does not know `ping`, and has such a tool", why: "an answer under the ping's id is a sign of life", reported: true, on: { "tools/call": { body: error(-32000, "Browser session not found") }, ping: { body: error(-32603, "Method not supported: ping") } }, play: "call", failed: "rpc -32000: Browser session not found", wire: `${FIRST} ping` },
  { id: "busy-429", server: "limits the rate, and says when to come back", why: "RFC 9110, 10.2.3: after that, once more", reported: true, on: { "tools/call": [{ status: 429, type: null, headers: { "retry-after": "0" } }, call] }, play: "call", value: "says done", wire: `${FIRST} tools/call` },
  { id: "get-404", pings: true, server: "answers every GET with 404 while POST works", why: "2025-11-25, Transports: no stream is offered", reported: true, on: { GET: { status: 404, type: null } }, options: { listen: "always" }, sees: ["GET"], play: "call", value: "says done", wire: FIRST },
  { id: "get-html", server: "answers GET with the page of its app", why: "the same", reported: true, on: { GET: { type: "text/html", body: "<html>" } }, options: { listen: "always" }, sees: ["GET"], play: "call", value: "says done", wire: FIRST },
  { id: "get-hangs", server: "never answers GET", why: "nothing waits for it", reported: true, on: { GET: { hang: true } }, options: { listen: "always" }, sees: ["GET"], play: "call", value: "says done", wire: FIRST },
  { id: "answer-400", server: "asks by `ping` on the standing stream, and refuses our answer with 400", why: "nobody waits for what becomes of an answer", reported: true, on: { GET: { type: "text/event-stream", open: true, body: 'data: {"jsonrpc":"2.0","id":1,"method":"ping"}\n\n' }, answer: { status: 400, type: "text/plain", body: "Invalid or malformed MCP request" } }, options: { listen: "always" }, sees: ["answer"], play: "calls", value: "says done, done", wire: "discover initialize initialized tools/call tools/call", wireMay: "discover initialize initialized tools/call ping tools/call", pings: true },
  { id: "get-answers", server: "sends the answers on the standing stream as well", why: "each is taken once, where it was asked for", reported: true, on: { GET: { type: "text/event-stream", open: true, body: 'data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n\ndata: {"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"no"}}\n\n' } }, options: { listen: "always" }, sees: ["GET"], play: "calls", value: "says done, done", wire: "discover initialize initialized tools/call tools/call" },
  { id: "answer-elsewhere", server: "gives the answer on the standing stream alone, and ends the call's own without it", why: "the call may have run; said at once", reported: true, on: { GET: { type: "text/event-stream", open: true, body: ": hi\n\n" }, "tools/call": { type: "text/event-stream", body: "", standing: `data: ${call.body}\n\n` } }, options: { listen: "always" }, sees: ["GET"], play: "call", code: "outcome_unknown", wire: FIRST, pings: true, exempt: "“The server MUST NOT send a JSON-RPC response on the stream unless resuming a stream associated with a previous client request.” (2025-11-25, Transports, Listening for Messages)" },
  { id: "delete-405", server: "does not let sessions be ended", why: "2025-11-25, Transports: 405 is fine", sees: ["DELETE"], on: { DELETE: { status: 405, type: null } }, play: "call", value: "says done", wire: FIRST },
  { id: "gateway-504", server: "is behind a gateway that runs out of patience", why: "the call may have run, and is not sent again", reported: true, on: { "tools/call": { status: 504, type: "text/html", body: "<html>504 Gateway Time-out</html>" } }, play: "call", code: "outcome_unknown", wire: FIRST },
  { id: "gateway-502", server: "is behind one that lost the connection", why: "the same", reported: true, on: { "tools/call": { status: 502, type: "text/html", body: "<html>502 Bad Gateway</html>" } }, play: "call", code: "outcome_unknown", wire: FIRST },
];
