// An MCP server on @modelcontextprotocol/server 2.x and its Node.js transport with a session id
// generator: sessions exist for clients of the protocol versions before 2026-07-28. An unknown id is
// answered as the transport itself answers one. With CORS for browsers.
//
// Environment: PORT, EXECUTIONS

import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import { McpServer, isInitializeRequest } from "@modelcontextprotocol/server";
import cors from "cors";
import express from "express";
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { count, endWithParent, slow } from "./tools.mjs";

const transports = new Map();
endWithParent();

function getServer() {
  const server = new McpServer({ name: "server-2", version: "1.0.0" });
  server.registerTool("count", { inputSchema: z.object({ key: z.string() }) }, count);
  server.registerTool("slow", { inputSchema: z.object({ key: z.string(), seconds: z.number() }) }, slow);
  return server;
}

async function connected() {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (created) => void transports.set(created, transport),
  });
  transport.onclose = () => transports.delete(transport.sessionId);
  await getServer().connect(transport);
  return transport;
}

const app = express();
app.use(express.json());
app.use(cors({ origin: "*", exposedHeaders: ["Mcp-Session-Id"] }));

app.all("/mcp", async (req, res) => {
  const id = req.headers["mcp-session-id"];
  const known = id && transports.get(id);
  if (known) return known.handleRequest(req, res, req.body);
  if (!id && isInitializeRequest(req.body)) return (await connected()).handleRequest(req, res, req.body);
  res.status(404).json({ jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null });
});

app.listen(Number(process.env.PORT), "127.0.0.1");
