// An MCP server on @modelcontextprotocol/sdk 1.17, written as that version's own example is
// (examples/server/simpleStreamableHttp.ts), with CORS for browsers.
//
// Environment: PORT, EXECUTIONS; ONE_TRANSPORT=1: a single transport for all who come, as in many
// small servers.

import cors from "cors";
import express from "express";
import { randomUUID } from "node:crypto";
import { McpServer } from "sdk-1.17/server/mcp.js";
import { StreamableHTTPServerTransport } from "sdk-1.17/server/streamableHttp.js";
import { isInitializeRequest } from "sdk-1.17/types.js";
import { z } from "zod-3";
import { count, endWithParent, slow } from "./tools.mjs";

const { PORT, ONE_TRANSPORT } = process.env;
const transports = {};
endWithParent();

function getServer() {
  const server = new McpServer({ name: "sdk-1.17", version: "1.0.0" });
  server.registerTool("count", { inputSchema: { key: z.string() } }, count);
  server.registerTool("slow", { inputSchema: { key: z.string(), seconds: z.number() } }, slow);
  return server;
}

const app = express();
app.use(express.json());
app.use(cors({ origin: "*", exposedHeaders: ["Mcp-Session-Id"] }));

if (ONE_TRANSPORT) {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() });
  await getServer().connect(transport);
  app.all("/mcp", (req, res) => transport.handleRequest(req, res, req.body));
} else {
  app.post("/mcp", async (req, res) => {
    const sessionId = req.headers["mcp-session-id"];
    if (sessionId && transports[sessionId]) return transports[sessionId].handleRequest(req, res, req.body);
    if (sessionId || !isInitializeRequest(req.body)) {
      const error = { code: -32000, message: "Bad Request: No valid session ID provided" };
      return res.status(400).json({ jsonrpc: "2.0", error, id: null });
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (sessionId) => void (transports[sessionId] = transport),
    });
    transport.onclose = () => delete transports[transport.sessionId];
    await getServer().connect(transport);
    await transport.handleRequest(req, res, req.body);
  });

  const withSession = (req, res) => {
    const transport = transports[req.headers["mcp-session-id"]];
    if (!transport) return res.status(400).send("Invalid or missing session ID");
    return transport.handleRequest(req, res);
  };
  app.get("/mcp", withSession);
  app.delete("/mcp", withSession);
}

app.listen(Number(PORT), "127.0.0.1");
