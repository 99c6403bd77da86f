// An MCP server on the official TypeScript SDK (v1), written as the SDK's own example is.
//
// Environment: PORT, EXECUTIONS (file to append executions to), JSON=1 (JSON answers, not SSE),
// RESUMABLE=1 (streams can be resumed), REFUSAL: how an unknown session is refused: 404 (the example today) or 400 (the example until
// 2025, copied into very many servers).

import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  isInitializeRequest,
} from "@modelcontextprotocol/sdk/types.js";
import cors from "cors";
import { randomBytes, randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const { PORT, EXECUTIONS = "/dev/null", JSON: json, RESUMABLE, REFUSAL = "404" } = process.env;
const token = process.env.PROCESS_TOKEN ?? randomBytes(8).toString("hex");
const transports = new Map();

if (process.env.END_WITH_STDIN) process.stdin.on("end", () => process.exit()).resume();

const record = (what, tool, key) => appendFileSync(EXECUTIONS, `${what} ${tool} ${key} ${process.pid}\n`);

const string = { type: "string" };
const tools = {
  echo: { takes: { message: string }, run: ({ message }) => `Echo: ${message}` },
  whoami: { takes: {}, run: () => `${process.pid} ${token}` },
  count: {
    takes: { key: string },
    run({ key }) {
      record("started", "count", key);
      record("finished", "count", key);
      return `counted ${key}`;
    },
  },
  slow: {
    takes: { key: string, seconds: { type: "number" } },
    async run({ key, seconds }) {
      record("started", "slow", key);
      await sleep(seconds * 1000);
      record("finished", "slow", key);
      return `counted ${key}`;
    },
  },
  steps: {
    takes: { key: string, steps: { type: "number" } },
    async run({ key, steps }, progress) {
      record("started", "steps", key);
      for (let step = 1; step <= steps; step++) {
        await sleep(300);
        await progress({ progress: step, total: steps });
      }
      record("finished", "steps", key);
      return `counted ${key}`;
    },
  },
  fail_session: {
    takes: { key: string },
    run({ key }) {
      record("started", "fail_session", key);
      throw new McpError(-32600, "Session not found");
    },
  },
};

// The low-level Server: McpServer would turn what a tool throws into a result.
function mcpServer() {
  const server = new Server({ name: "typescript-e2e", version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.entries(tools).map(([name, { takes }]) => ({
      name,
      inputSchema: { type: "object", properties: takes, required: Object.keys(takes) },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { sendNotification }) => {
    const progress = (step) =>
      sendNotification({ method: "notifications/progress", params: { progressToken: params._meta?.progressToken, ...step } });
    const tool = tools[params.name];
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
    return { content: [{ type: "text", text: await tool.run(params.arguments ?? {}, progress) }] };
  });
  return server;
}

// As in the SDK's example, with shorter ids.
function eventStore() {
  const events = [];
  const streamOf = (eventId) => eventId.split("/")[0];
  return {
    async storeEvent(streamId, message) {
      const eventId = `${streamId}/${events.length}`;
      events.push({ eventId, message });
      return eventId;
    },
    getStreamIdForEventId: async (eventId) => streamOf(eventId),
    async replayEventsAfter(lastEventId, { send }) {
      const streamId = streamOf(lastEventId);
      const missed = events.slice(events.findIndex(({ eventId }) => eventId === lastEventId) + 1);
      for (const { eventId, message } of missed) if (streamOf(eventId) === streamId) await send(eventId, message);
      return streamId;
    },
  };
}

function refuseUnknown(res) {
  if (REFUSAL === "404") {
    res.status(404).json({ jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null });
  } else {
    refuseMissing(res);
  }
}

function refuseMissing(res) {
  const error = { code: -32000, message: "Bad Request: No valid session ID provided" };
  res.status(400).json({ jsonrpc: "2.0", error, id: null });
}

const app = createMcpExpressApp();
app.use(cors({ exposedHeaders: ["Mcp-Session-Id"] }));

app.post("/mcp", async (req, res) => {
  const id = req.headers["mcp-session-id"];
  const known = id && transports.get(id);
  if (known) return known.handleRequest(req, res, req.body);
  if (id) return refuseUnknown(res);
  if (!isInitializeRequest(req.body)) return refuseMissing(res);

  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    enableJsonResponse: json === "1",
    eventStore: RESUMABLE ? eventStore() : undefined,
    retryInterval: RESUMABLE ? 200 : undefined,
    onsessioninitialized: (created) => void transports.set(created, transport),
  });
  transport.onclose = () => transports.delete(transport.sessionId);
  await mcpServer().connect(transport);
  await transport.handleRequest(req, res, req.body);
});

const withSession = async (req, res) => {
  const id = req.headers["mcp-session-id"];
  if (!id) return res.status(400).send("Missing session ID");
  const transport = transports.get(id);
  if (!transport) return refuseUnknown(res);
  await transport.handleRequest(req, res);
};
app.get("/mcp", withSession);
app.delete("/mcp", withSession);

app.listen(Number(PORT), "127.0.0.1");
