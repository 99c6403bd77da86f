// An MCP server on the official TypeScript SDK (v2), which speaks 2026-07-28, and the legacy era without sessions beside it.
//
// `POST /touch` changes the resource `test://clock` and `POST /lists` all lists; each tells whoever listens.
// `POST /swap` mirrors another parameter of the tool `query` than before, and tells nobody.
//
// Environment: PORT, EXECUTIONS (file to append executions to), MODERN_ONLY=1 (the legacy era is refused), SSE=1 (every
// answer is a stream), TTL (milliseconds for which lists and resources may be kept), PROCESS_TOKEN (what `whoami` tells).

import { toNodeHandler } from "@modelcontextprotocol/node";
import { McpServer, acceptedContent, createMcpHandler, fromJsonSchema, inputRequired } from "@modelcontextprotocol/server";
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const { PORT, EXECUTIONS = "/dev/null", MODERN_ONLY, SSE, TTL = "0" } = process.env;
const token = process.env.PROCESS_TOKEN ?? randomBytes(8).toString("hex");
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "GET, POST, DELETE",
};

if (process.env.END_WITH_STDIN) process.stdin.on("end", () => process.exit()).resume();

const record = (what, tool, key) => appendFileSync(EXECUTIONS, `${what} ${tool} ${key} ${process.pid}\n`);

let touched = 0;
let swapped = false;

const string = { type: "string" };
const number = { type: "number" };
const CONFIRM = fromJsonSchema({ type: "object", properties: { seats: { type: "integer" } }, required: ["seats"] });

/** What a tool that runs writes down: that it began, and how it ended. */
async function recorded(tool, key, { mcpReq: { signal } }, work) {
  record("started", tool, key);
  signal.addEventListener("abort", () => record("aborted", tool, key));
  await work();
  if (!signal.aborted) record("finished", tool, key);
  return `counted ${key}`;
}

const tools = {
  echo: { takes: { message: string }, run: ({ message }) => `Echo: ${message}` },
  whoami: { takes: {}, run: () => `${process.pid} ${token}` },
  count: { takes: { key: string }, run: ({ key }, context) => recorded("count", key, context, () => {}) },
  slow: {
    takes: { key: string, seconds: number },
    run: ({ key, seconds }, context) => recorded("slow", key, context, () => sleep(seconds * 1000)),
  },
  steps: {
    takes: { key: string, steps: number },
    run: ({ key, steps }, context) =>
      recorded("steps", key, context, async () => {
        const { _meta, notify, log } = context.mcpReq;
        for (let progress = 1; progress <= steps; progress++) {
          const params = { progressToken: _meta?.progressToken, progress, total: steps };
          await notify({ method: "notifications/progress", params });
          await log("info", `step ${progress}`);
          await log("debug", `detail ${progress}`);
          await sleep(50);
        }
      }),
  },
  // Asks twice: for the seats, and then whether they are right.
  book: {
    takes: { key: string },
    run({ key }, { mcpReq }) {
      const state = mcpReq.requestState();
      const ask = (name, message) => ({ [name]: inputRequired.elicit({ message, requestedSchema: CONFIRM }) });
      const seats = acceptedContent(mcpReq.inputResponses, "seats")?.seats;
      if (seats) return inputRequired({ inputRequests: ask("sure", `${seats} seats?`), requestState: `{"seats": ${seats}}` });
      const sure = acceptedContent(mcpReq.inputResponses, "sure");
      if (!sure || !state) return inputRequired({ inputRequests: ask("seats", "How many?") });
      record("started", "book", key);
      return `booked ${JSON.parse(state).seats}`;
    },
  },
  // Its header fields are checked by the SDK before it runs.
  query: {
    get takes() {
      const mirrored = (name) => ({ ...string, "x-mcp-header": name });
      return swapped ? { region: string, tenant: mirrored("Tenant") } : { region: mirrored("Region"), tenant: string };
    },
    run: ({ region, tenant }) => `${region} of ${tenant}`,
  },
};

const hint = { ttlMs: Number(TTL), cacheScope: "private" };

const handler = createMcpHandler(
  () => {
    const server = new McpServer(
      { name: "typescript-modern", version: "1.0.0" },
      {
        capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, prompts: { listChanged: true }, logging: {} },
        cacheHints: Object.fromEntries(["tools/list", "resources/list", "resources/read", "prompts/list"].map((method) => [method, hint])),
      },
    );
    for (const [name, { takes, run }] of Object.entries(tools)) {
      const inputSchema = fromJsonSchema({ type: "object", properties: takes, required: Object.keys(takes) });
      server.registerTool(name, { inputSchema }, async (given, context) => {
        const result = await run(given, context);
        return typeof result === "string" ? { content: [{ type: "text", text: result }] } : result;
      });
    }
    server.registerResource("clock", "test://clock", {}, (uri) => ({ contents: [{ uri: uri.href, text: String(touched) }] }));
    server.registerResource("slow", "test://slow", {}, async (uri) => {
      record("started", "read", "slow");
      await sleep(3_000);
      return { contents: [{ uri: uri.href, text: token }] };
    });
    server.registerPrompt("greet", {}, () => ({ messages: [{ role: "user", content: { type: "text", text: "Good day" } }] }));
    return server;
  },
  { legacy: MODERN_ONLY ? "reject" : "stateless", responseMode: SSE ? "sse" : "auto" },
);
const mcp = toNodeHandler(handler);

const commands = {
  "/touch"() {
    touched += 1;
    handler.notify.resourceUpdated("test://clock");
  },
  "/lists"() {
    handler.notify.toolsChanged();
    handler.notify.resourcesChanged();
    handler.notify.promptsChanged();
  },
  "/swap"() {
    swapped = !swapped;
  },
};

createServer((req, res) => {
  for (const [name, value] of Object.entries(CORS)) res.setHeader(name, value);
  if (req.method === "OPTIONS") return void res.writeHead(204).end();
  if (!commands[req.url]) return mcp(req, res);
  commands[req.url]();
  res.end();
}).listen(Number(PORT), "127.0.0.1");
