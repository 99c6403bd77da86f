// Lists, and what is in them.

import { error, hello, result, tool } from "../server.mjs";

const LISTED = "discover initialize initialized tools/list";
const page = (value) => ({ body: result(value) });
const list = (reply, more = {}) => ({ on: { "tools/list": reply }, play: "tools", value: "tools t", wire: LISTED, ...more });
const t = [tool("t")];

export const title = "Lists";

export const rows = [
  { id: "cursor-empty", server: "always sends `nextCursor: \"\"`", why: "only 2026-07-28 calls an empty string a cursor", reported: true, ...list(page({ tools: t, nextCursor: "" })) },
  { id: "cursor-null", server: "ends with `nextCursor: null`", why: "it means that there is none", reported: true, ...list(page({ tools: t, nextCursor: null })) },
  { id: "cursor-repeats", server: "does not heed its own cursor", why: "what there is is kept, once", reported: true, ...list(page({ tools: t, nextCursor: "again" }), { wire: `${LISTED} tools/list`, warning: "bad_cursor" }) },
  { id: "cursor-repeats-last", server: "repeats the cursor on the last page", why: "what there is is kept", ...list([page({ tools: t, nextCursor: "a" }), page({ tools: [tool("u")], nextCursor: "a" })], { value: "tools t,u", wire: `${LISTED} tools/list`, warning: "bad_cursor" }) },
  { id: "cursor-number", server: "sends a number as the cursor", why: "what there is is kept", ...list(page({ tools: t, nextCursor: 5 }), { warning: "bad_cursor" }) },
  { id: "cursor-refused", server: "refuses its own cursor", why: "what there is is kept", ...list([page({ tools: t, nextCursor: "a" }), { body: error(-32602, "Invalid cursor") }], { wire: `${LISTED} tools/list`, warning: "bad_cursor" }) },
  { id: "pages", server: "has two pages", why: "2025-11-25, Pagination", ...list([page({ tools: t, nextCursor: "a" }), page({ tools: [tool("u")] })], { value: "tools t,u", wire: `${LISTED} tools/list` }) },
  { id: "page-empty", server: "has an empty page in the middle", why: "2025-11-25, Pagination", ...list([page({ tools: t, nextCursor: "a" }), page({ tools: [], nextCursor: "b" }), page({ tools: [tool("u")] })], { value: "tools t,u", wire: `${LISTED} tools/list tools/list` }) },
  { id: "list-null", server: "sends `tools: null` for none", why: "an empty list of Go", reported: true, ...list(page({ tools: null }), { value: "tools " }) },
  { id: "list-missing", server: "sends no list", why: "it is no list: said at once", ...list(page({}), { value: undefined, code: "protocol" }) },
  { id: "tool-no-schema", server: "has a tool without an inputSchema", why: "it can be called", reported: true, ...list(page({ tools: [{ name: "t" }] })) },
  { id: "tool-null-fields", server: "writes null for what it does not have", why: "it can be called", reported: true, ...list(page({ tools: [{ ...t[0], title: null, description: null, annotations: null, outputSchema: null }] })) },
  { id: "tool-typeless-schema", server: "has an inputSchema without a type", why: "it can be called", reported: true, ...list(page({ tools: [{ name: "t", inputSchema: { properties: {} } }] })) },
  { id: "tool-strange-content", server: "answers a call with a content of its own kind", why: "it is the server's answer", reported: true, on: { "tools/call": page({ content: [{ type: "json", json: {}, text: "done" }] }) }, play: "call", value: "says done", wire: "discover initialize initialized tools/call" },
  { id: "unknown-fields", server: "adds fields that nobody knows", why: "they are the server's own", ...list(page({ tools: [{ ...t[0], strength: 3 }], total: 1 })) },
  { id: "prompts-missing", server: "declares prompts and does not know the method", why: "the server's own word", reported: true, on: { "prompts/list": { body: error(-32601, "Method not found") } }, play: "prompts", failed: "rpc -32601: Method not found", wire: "discover initialize initialized prompts/list" },
  { id: "resources-undeclared", server: "has resources that it does not declare", why: "asking for a list harms nobody", on: { initialize: { body: hello({ capabilities: { tools: {} } }) } }, play: "resources", value: "resources r", warning: "undeclared_capability", wire: "discover initialize initialized resources/list" },
  { id: "call-undeclared", server: "declares nothing, and is called without being asked", why: "a call might do something", on: { initialize: { body: hello({ capabilities: {} }) } }, play: "call", code: "capability", wire: "discover initialize initialized", exempt: "“Both parties MUST: … Only use capabilities that were successfully negotiated” (2025-11-25, Lifecycle, Operation)" },
];
