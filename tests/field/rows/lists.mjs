// Lists, and what is in them.

import { error, hello, result, tool } from "../server.mjs";

const LISTED = "discover initialize initialized tools/list";
const page = (value) => ({ body: result(value) });
const list = (reply, more = {}) => ({ on: { "tools/list": reply }, play: "tools", value: "tools t", wire: LISTED, ...more });
/** The same of one page, with the iterator and without. */
const onePage = (reply, more = {}) => list(reply, { plays: "toolsPage", ...more });
const listOf = (play, method, value, more) => ({ on: { [method]: page(value) }, play, plays: `${play}Page`, value: `${play} `, wire: `discover initialize initialized ${method}`, ...more });
const answer = (play, method, value, more) => ({ on: { [method]: page(value), initialize: { body: hello({ capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} } }) } }, play, wire: `discover initialize initialized ${method}`, ...more });
const NOTHING = "it can mean no other";
const t = [tool("t")];

export const title = "Lists";

export const rows = [
  { id: "cursor-empty", server: "always sends `nextCursor: \"\"`", why: "only 2026-07-28 calls an empty string a cursor", reported: true, ...onePage(page({ tools: t, nextCursor: "" })) },
  { id: "cursor-null", server: "ends with `nextCursor: null`", why: "it means that there is none", reported: true, ...onePage(page({ tools: t, nextCursor: null })) },
  { id: "cursor-repeats", server: "does not heed its own cursor", why: "what there is is kept, once", reported: true, ...list(page({ tools: t, nextCursor: "again" }), { wire: `${LISTED} tools/list`, warning: "bad_cursor" }) },
  { id: "cursor-repeats-last", server: "repeats the cursor on the last page", why: "what there is is kept", ...list([page({ tools: t, nextCursor: "a" }), page({ tools: [tool("u")], nextCursor: "a" })], { value: "tools t,u", wire: `${LISTED} tools/list`, warning: "bad_cursor" }) },
  { id: "cursor-number", server: "sends a number as the cursor", why: "what there is is kept", ...list(page({ tools: t, nextCursor: 5 }), { warning: "bad_cursor" }) },
  { id: "cursor-refused", server: "refuses its own cursor", why: "what there is is kept", ...list([page({ tools: t, nextCursor: "a" }), { body: error(-32602, "Invalid cursor") }], { wire: `${LISTED} tools/list`, warning: "bad_cursor" }) },
  { id: "pages", server: "has two pages", why: "2025-11-25, Pagination", ...list([page({ tools: t, nextCursor: "a" }), page({ tools: [tool("u")] })], { value: "tools t,u", wire: `${LISTED} tools/list` }) },
  { id: "page-empty", server: "has an empty page in the middle", why: "2025-11-25, Pagination", ...list([page({ tools: t, nextCursor: "a" }), page({ tools: [], nextCursor: "b" }), page({ tools: [tool("u")] })], { value: "tools t,u", wire: `${LISTED} tools/list tools/list` }) },
  { id: "list-null", server: "sends `tools: null` for none", why: "an empty list of Go", reported: true, ...onePage(page({ tools: null }), { value: "tools " }) },
  { id: "list-missing", server: "leaves an empty list out", why: NOTHING, reported: true, ...onePage(page({}), { value: "tools " }) },
  { id: "list-object", server: "sends `tools: {}` for none", why: "an empty map of PHP", reported: true, ...onePage(page({ tools: {} }), { value: "tools " }) },
  { id: "list-lost", server: "names a next page and leaves the items of this one out", why: "something is lost: said at once", ...onePage(page({ nextCursor: "a" }), { value: undefined, code: "protocol" }) },
  { id: "list-result-null", server: "sends `result: null` for none", why: NOTHING, ...onePage(page(null), { value: "tools " }) },
  { id: "list-text", server: "sends a text where the list is", why: "it is no list: said at once", ...onePage(page({ tools: "none" }), { value: undefined, code: "protocol" }) },
  { id: "list-map", server: "sends its tools by name", why: "the same", ...onePage(page({ tools: { t: t[0] } }), { value: undefined, code: "protocol" }) },
  { id: "prompts-object", server: "sends `prompts: {}` for none", why: NOTHING, reported: true, ...listOf("prompts", "prompts/list", { prompts: {} }) },
  { id: "resources-null", server: "sends `resources: null` for none", why: NOTHING, ...listOf("resources", "resources/list", { resources: null }) },
  { id: "templates-missing", server: "leaves an empty list of resource templates out", why: NOTHING, ...listOf("resourceTemplates", "resources/templates/list", {}) },
  { id: "contents-null", server: "sends `contents: null` for a resource that is empty", why: NOTHING, ...answer("read", "resources/read", { contents: null }, { value: "contents " }) },
  { id: "messages-object", server: "sends `messages: {}` for a prompt without any", why: NOTHING, ...answer("prompt", "prompts/get", { messages: {} }, { value: "messages " }) },
  { id: "values-null", server: "completes with `values: null`", why: NOTHING, ...answer("complete", "completion/complete", { completion: { values: null } }, { value: "values " }) },
  { id: "content-null", server: "answers a call with `content: null`", why: NOTHING, ...answer("call", "tools/call", { content: null }, { value: "says " }) },
  { id: "content-structured", server: "answers a call with `structuredContent` alone", why: "2025-11-25, Tools: the text beside it is a SHOULD", reported: true, ...answer("call", "tools/call", { structuredContent: { a: 1 } }, { value: "says " }) },
  { id: "content-text", server: "answers a call with a text for its content", why: "it is no content: said at once", reported: true, ...answer("call", "tools/call", { content: "done" }, { code: "protocol" }) },
  { id: "structured-array", server: "answers with an array as `structuredContent`", why: "it is the server's answer, and the content is there", reported: true, ...answer("call", "tools/call", { content: [{ type: "text", text: "done" }], structuredContent: [1] }, { value: "says done" }) },
  { id: "tool-output-array", server: "has a tool whose outputSchema is one of an array", why: "it can be called", reported: true, on: { "tools/list": page({ tools: [{ ...t[0], outputSchema: { type: "array", items: { type: "number" } } }] }) }, play: "listed", value: "tools t, says done", wire: `${LISTED} tools/call` },
  { id: "tool-no-schema", server: "has a tool without an inputSchema", why: "it can be called", reported: true, ...onePage(page({ tools: [{ name: "t" }] })) },
  { id: "tool-null-fields", server: "writes null for what it does not have", why: "it can be called", reported: true, ...onePage(page({ tools: [{ ...t[0], title: null, description: null, annotations: null, outputSchema: null }] })) },
  { id: "tool-typeless-schema", server: "has an inputSchema without a type", why: "it can be called", reported: true, ...onePage(page({ tools: [{ name: "t", inputSchema: { properties: {} } }] })) },
  { id: "tool-strange-content", server: "answers a call with a content of its own kind", why: "it is the server's answer", reported: true, on: { "tools/call": page({ content: [{ type: "json", json: {}, text: "done" }] }) }, play: "call", value: "says done", wire: "discover initialize initialized tools/call" },
  { id: "unknown-fields", server: "adds fields that nobody knows", why: "they are the server's own", ...onePage(page({ tools: [{ ...t[0], strength: 3 }], total: 1 })) },
  { id: "prompts-missing", server: "declares prompts and does not know the method", why: "the server's own word", reported: true, on: { "prompts/list": { body: error(-32601, "Method not found") } }, play: "prompts", failed: "rpc -32601: Method not found", wire: "discover initialize initialized prompts/list" },
  { id: "resources-undeclared", server: "has resources that it does not declare", why: "asking for a list harms nobody", on: { initialize: { body: hello({ capabilities: { tools: {} } }) } }, play: "resources", value: "resources r", warning: "undeclared_capability", wire: "discover initialize initialized resources/list" },
  { id: "call-undeclared", server: "declares nothing, and is called without being asked", why: "a call might do something", on: { initialize: { body: hello({ capabilities: {} }) } }, play: "call", code: "capability", wire: "discover initialize initialized", exempt: "“Both parties MUST: … Only use capabilities that were successfully negotiated” (2025-11-25, Lifecycle, Operation)" },
];
