// What answers a request: types, framings, ids, statuses, broken answers.

import { error, result } from "../server.mjs";

const DONE = result({ content: [{ type: "text", text: "done" }] });
const CALLED = "discover initialize initialized tools/call";
const OWN = "what is JSON-RPC under our own id can be nothing else";
const FRAME = "WHATWG HTML, 9.2: so a stream is to be read";
const call = (reply) => ({ on: { "tools/call": reply }, play: "call", value: "says done", wire: CALLED });
const stream = (body, more = {}) => call({ type: "text/event-stream", body, ...more });
const typed = (type, body = DONE, more = {}) => call({ type, body, ...more });
const fails = (reply, failed, more = {}) => ({ on: { "tools/call": reply }, play: "call", failed, wire: CALLED, ...more });
const bom = [0xef, 0xbb, 0xbf];

export const title = "Answers";

export const rows = [
  // Content-Type.
  { id: "type-none", server: "answers without a Content-Type", why: OWN, reported: true, ...typed(null) },
  { id: "type-text", server: "answers as text/plain", why: OWN, reported: true, ...typed("text/plain; charset=utf-8") },
  { id: "type-html", server: "answers as text/html", why: OWN, reported: true, ...typed("text/html") },
  { id: "type-octets", server: "answers as application/octet-stream", why: OWN, ...typed("application/octet-stream") },
  { id: "type-json-rpc", server: "answers as application/json-rpc", why: OWN, ...typed("application/json-rpc") },
  { id: "type-upper", server: "writes the type in capitals", why: "RFC 9110, 8.3.1: types are case-insensitive", ...typed("Application/JSON;Charset=UTF-8") },
  { id: "type-stream-of-json", server: "names an event stream and sends JSON", why: OWN, reported: true, ...typed("text/event-stream") },
  { id: "type-json-of-stream", server: "names JSON and sends an event stream", why: OWN, reported: true, ...typed("application/json", `event: message\ndata: ${DONE}\n\n`) },
  { id: "type-none-of-stream", server: "sends an event stream without a type", why: OWN, ...typed(null, `data: ${DONE}\n\n`) },
  { id: "type-none-of-stream-open", server: "the same, and leaves it open", why: OWN, ...typed(null, `: hi\n\ndata: ${DONE}\n\n`, { open: true }) },
  { id: "list-no-type", server: "sends a list without a Content-Type", why: OWN, reported: true, on: { "tools/list": { type: null, body: result({ tools: [{ name: "t", inputSchema: { type: "object" } }] }) } }, play: "tools", value: "tools t", wire: "discover initialize initialized tools/list" },
  { id: "initialize-no-type", server: "answers `initialize` without one", why: OWN, on: { initialize: { type: null, body: result({ protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } }) } }, play: "tools", value: "tools t", wire: "discover initialize initialized tools/list" },
  { id: "error-no-type", server: "answers with a JSON-RPC error without one", why: OWN, ...fails({ type: null, body: error(-32603, "upstream reset") }, "rpc -32603: upstream reset") },

  // Framing.
  { id: "json-bom", server: "puts a byte order mark before the JSON", why: "RFC 8259, 8.1: a parser may ignore it", ...call({ body: [bom, DONE] }) },
  { id: "json-blank", server: "puts blank lines around the JSON", why: "RFC 8259, 2", ...call({ body: `\n\n  ${DONE}\n\n` }) },
  { id: "json-padded", server: "pads it with a kilobyte of blanks", why: "RFC 8259, 2", ...call({ type: null, body: " ".repeat(1500) + DONE }) },
  { id: "json-batch", server: "answers with a batch of one", why: "2025-03-26, Transports", ...call({ body: `[${DONE}]` }) },
  { id: "json-lines", server: "writes progress and the result on lines of their own", why: "each is JSON-RPC, and one is the answer", ...call({ body: `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n${DONE}\n` }) },
  { id: "stream-bom", server: "puts a byte order mark before the stream", why: FRAME, ...call({ type: "text/event-stream", body: [bom, `data: ${DONE}\n\n`] }) },
  { id: "stream-cr", server: "ends its lines with CR", why: FRAME, ...stream(`event: message\rdata: ${DONE}\r\r`) },
  { id: "stream-crlf", server: "ends its lines with CR LF", why: FRAME, ...stream(`event: message\r\ndata: ${DONE}\r\n\r\n`) },
  { id: "stream-no-space", server: "writes no blank after `data:`", why: FRAME, ...stream(`data:${DONE}\n\n`) },
  { id: "stream-comments", server: "sends comments as signs of life", why: FRAME, reported: true, ...stream(`: ping\n\n: ping\n\ndata: ${DONE}\n\n`) },
  { id: "stream-lines", server: "spreads the JSON over several `data:` lines", why: FRAME, ...stream(`data: {"jsonrpc":"2.0","id":$ID,\ndata: "result":{"content":[{"type":"text","text":"done"}]}}\n\n`) },
  { id: "stream-empty-data", server: "sends events with empty data", why: FRAME, reported: true, ...stream(`data:\n\ndata: \n\ndata: ${DONE}\n\n`) },
  { id: "stream-ping-event", server: "sends events of another name", why: "2025-11-25, Transports: messages are of the type `message`", reported: true, ...stream(`event: ping\ndata: 2026\n\ndata: ${DONE}\n\n`) },
  { id: "stream-ping-words", server: "sends words as signs of life", why: "they are no JSON, and nobody's answer", reported: true, ...stream(`data: ping\n\ndata: ${DONE}\n\n`) },
  { id: "stream-done", server: "ends with `[DONE]`", why: "the same", ...stream(`data: ${DONE}\n\ndata: [DONE]\n\n`) },
  { id: "stream-heartbeat", server: "sends JSON that is no JSON-RPC as a sign of life", why: "it is nobody's answer", reported: true, ...stream(`data: {"type":"heartbeat"}\n\ndata: ${DONE}\n\n`) },
  { id: "stream-no-blank-line", server: "leaves out the last blank line, and ends", why: OWN, reported: true, ...stream(`data: ${DONE}\n`) },
  { id: "stream-no-line-end", server: "leaves out even the last line end", why: OWN, ...stream(`data: ${DONE}`) },
  { id: "stream-no-blank-line-open", server: "leaves out the blank line and leaves the stream open", why: "after a second without another byte", reported: true, ...stream(`data: ${DONE}\n`, { open: true }) },
  { id: "stream-open", server: "leaves the stream open after the answer", why: "the answer is there", reported: true, ...stream(`data: ${DONE}\n\n`, { open: true }) },
  { id: "stream-cut-after", server: "breaks the connection after the answer", why: "the answer is there", ...stream(`data: ${DONE}\n\n`, { cut: true }) },
  { id: "stream-id-first", server: "primes the stream with an event of no data", why: "2025-11-25, Transports, Resumability", ...stream(`id: 1\ndata:\n\nid: 2\ndata: ${DONE}\n\n`) },
  { id: "stream-foreign", server: "sends another's answer first", why: "ids are for that", ...stream(`data: ${result({}, "424242")}\n\ndata: ${DONE}\n\n`) },

  // Ids.
  { id: "id-text", server: "gives the id back as text", why: "one request was sent, and nothing else can be meant", reported: true, ...call({ body: DONE.replace("$ID", "$TEXT_ID") }) },
  { id: "id-text-stream", server: "the same in an event", why: "the same", ...stream(`data: ${DONE.replace("$ID", "$TEXT_ID")}\n\n`) },
  { id: "id-text-error", server: "the same with an error", why: "the same", ...fails({ body: error(-32602, "no such thing", "$TEXT_ID") }, "rpc -32602: no such thing") },
  { id: "id-float", server: "gives it back with a fraction of zero", why: "JSON knows one kind of number", ...call({ body: DONE.replace("$ID", "$ID.0") }) },
  { id: "id-null-error", server: "gives an error no id", why: "JSON-RPC 2.0, 5: where it could not be read", ...fails({ body: error(-32700, "Parse error", "null") }, "rpc -32700: Parse error") },
  { id: "id-other", server: "answers another id", why: "an answer to nobody: said at once", ...fails({ body: result({}, "424242") }, "protocol", { exempt: "“Result responses MUST include the same ID as the request they correspond to.” (2025-11-25, Basic, Responses)" }) },
  { id: "id-missing", server: "answers without an id", why: "the same", ...fails({ body: '{"jsonrpc":"2.0","result":{}}' }, "protocol", { exempt: "“Result responses MUST include the same ID as the request they correspond to.” (2025-11-25, Basic, Responses)" }) },
  { id: "progress-text", server: "gives the progress token back as text", why: "it can mean no other", reported: true, on: { "tools/call": { type: "text/event-stream", body: `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"$TOKEN","progress":1}}\n\ndata: ${DONE}\n\n` } }, play: "progress", value: "says done, progress 1", wire: CALLED },

  // Statuses.
  { id: "status-201", server: "answers with 201", why: "any 2xx is a success", ...typed("application/json", DONE, { status: 201 }) },
  { id: "status-202", server: "answers with 202 and the result", why: OWN, reported: true, ...typed("application/json", DONE, { status: 202 }) },
  { id: "status-500-result", server: "answers with 500 and the result", why: OWN, ...typed("application/json", DONE, { status: 500 }) },
  { id: "status-404-result", server: "answers with 404 and the result", why: OWN, ...typed("application/json", DONE, { status: 404 }) },
  { id: "status-400-error", server: "answers with 400 and the error", why: "the server's own code and message reach the caller", reported: true, ...fails({ status: 400, body: error(-32602, "Unknown tool: t") }, "rpc -32602: Unknown tool: t") },
  { id: "status-422-error", server: "answers with 422 and the error", why: "the same", ...fails({ status: 422, body: error(-32602, "bad arguments") }, "rpc -32602: bad arguments") },
  { id: "status-400-stream", server: "answers with 400 and the error in an event", why: "the same", ...fails({ status: 400, type: "text/event-stream", body: `event: message\ndata: ${error(-32602, "Unknown tool: t")}\n\n` }, "rpc -32602: Unknown tool: t") },
  { id: "status-204", server: "answers a call with 204", why: "no answer: said at once", ...fails({ status: 204, type: null }, "not_mcp", { sdk: "hangs" }) },
  { id: "status-202-empty", server: "answers a call with 202 and nothing", why: "no answer: said at once", reported: true, ...fails({ status: 202, type: null }, "not_mcp") },
  { id: "status-200-empty", server: "answers a call with 200 and nothing", why: "no answer: said at once", ...fails({}, "not_mcp") },

  // Errors.
  { id: "error-string", server: "names an error in a string", why: "its words reach the caller", ...fails({ body: '{"jsonrpc":"2.0","id":$ID,"error":"no such thing"}' }, "rpc 0: no such thing") },
  { id: "error-code-text", server: "writes the code as text", why: "the server's own code reaches the caller", ...fails({ body: '{"jsonrpc":"2.0","id":$ID,"error":{"code":"-32602","message":"no"}}' }, "rpc -32602: no") },
  { id: "error-null-result", server: "sends `result: null` beside the error", why: "the error is the answer", ...fails({ body: '{"jsonrpc":"2.0","id":$ID,"result":null,"error":{"code":-32602,"message":"no"}}' }, "rpc -32602: no") },
  { id: "result-null-error", server: "sends `error: null` beside the result", why: "the result is the answer", reported: true, ...call({ body: DONE.replace('"result"', '"error":null,"result"') }) },
  { id: "no-jsonrpc", server: "leaves out `jsonrpc`", why: OWN, ...call({ body: DONE.replace('"jsonrpc":"2.0",', "") }) },
  { id: "jsonrpc-1", server: 'writes `jsonrpc: "1.0"`', why: OWN, ...call({ body: DONE.replace('"2.0"', '"1.0"') }) },

  // What is no answer.
  { id: "nan", server: "writes NaN into the result", why: "RFC 8259: no JSON. Said at once, and the call may have run", reported: true, ...fails({ body: '{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":{"x":NaN}}}' }, "protocol") },
  { id: "nan-stream", server: "the same in an event", why: "the same", ...fails({ type: "text/event-stream", body: 'data: {"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":{"x":NaN}}}\n\n' }, "protocol") },
  { id: "nan-stream-open", server: "the same, and leaves the stream open", why: "the same", ...fails({ type: "text/event-stream", open: true, body: 'data: {"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":{"x":NaN}}}\n\n' }, "protocol") },
  { id: "cut-json", server: "sends half of the JSON", why: "said at once, and the call may have run", ...fails({ body: DONE.slice(0, 60) }, "protocol") },
  { id: "cut-connection", server: "breaks the connection in the middle", why: "the call may have run", ...fails({ body: DONE.slice(0, 40), cut: true }, "network") },
  { id: "stream-ends", server: "ends the stream without an answer", why: "the call may have run", ...fails({ type: "text/event-stream", body: ": hi\n\n" }, "outcome_unknown") },
  { id: "html-200", server: "answers a call with a page and 200", why: "something before the server: said at once", reported: true, ...fails({ type: "text/html", body: "<html>Maintenance</html>" }, "not_mcp (web_page)") },
  { id: "latin-1", server: "writes Latin-1", why: "said at once", ...fails({ body: [DONE.slice(0, -5), [0xe9], DONE.slice(-5)] }, "protocol", { exempt: "“JSON-RPC messages MUST be UTF-8 encoded.” (2025-11-25, Transports)" }) },
];
