// An MCP server on the official TypeScript SDK (v2) whose clients are those of the protocol versions before 2026-07-28: it has sessions.
// An unknown one is refused as the SDK's own example does. With CORS for browsers.
//
// Environment: PORT, EXECUTIONS (file to append executions to), JSON=1 (JSON answers, not SSE).

import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import { McpServer, fromJsonSchema, isInitializeRequest } from "@modelcontextprotocol/server";
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

const { PORT, EXECUTIONS = "/dev/null", JSON: asJson } = process.env;
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-expose-headers": "Mcp-Session-Id",
};
const NOT_FOUND = { jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } };
const transports = new Map();

if (process.env.END_WITH_STDIN) process.stdin.on("end", () => process.exit()).resume();

const record = (what, key) => appendFileSync(EXECUTIONS, `${what} slow ${key} ${process.pid}\n`);

function mcpServer() {
  const server = new McpServer({ name: "typescript-sessions", version: "1.0.0" });
  const inputSchema = fromJsonSchema({
    type: "object",
    properties: { key: { type: "string" }, seconds: { type: "number" } },
    required: ["key", "seconds"],
  });
  server.registerTool("slow", { inputSchema }, async ({ key, seconds }) => {
    record("started", key);
    await sleep(seconds * 1000);
    record("finished", key);
    return { content: [{ type: "text", text: `counted ${key}` }] };
  });
  return server;
}

async function connected() {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    enableJsonResponse: asJson === "1",
    onsessioninitialized: (created) => void transports.set(created, transport),
  });
  transport.onclose = () => transports.delete(transport.sessionId);
  await mcpServer().connect(transport);
  return transport;
}

createServer(async (req, res) => {
  for (const [name, value] of Object.entries(CORS)) res.setHeader(name, value);
  if (req.method === "OPTIONS") return void res.writeHead(204).end();
  const message = req.method === "POST" ? await json(req).catch(() => undefined) : undefined;
  const id = req.headers["mcp-session-id"];
  const known = id && transports.get(id);
  if (known) return known.handleRequest(req, res, message);
  if (!id && isInitializeRequest(message)) return (await connected()).handleRequest(req, res, message);
  res.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify(NOT_FOUND));
}).listen(Number(PORT), "127.0.0.1");
