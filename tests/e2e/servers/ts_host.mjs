// An MCP server on the official TypeScript SDK (v1) with what a host has to show: progress, calls that are given up, questions
// to the user and to the model; and, where it is told of an authorization server, a login. SIGUSR2 makes it forget all sessions.
//
// Environment: PORT, EXECUTIONS (file to append executions to), TITLE, CORS=none (no CORS headers), ISSUER with INTROSPECTION
// (the URL that says whether a token holds) and INTROSPECTION_AUTHORIZATION.

import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CreateMessageResultSchema, ElicitResultSchema, isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";
import cors from "cors";
import express from "express";
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

const { PORT, EXECUTIONS = "/dev/null", TITLE, CORS, ISSUER, INTROSPECTION, INTROSPECTION_AUTHORIZATION } = process.env;
const url = `http://127.0.0.1:${PORT}/mcp`;
const transports = new Map();
process.on("SIGUSR2", () => transports.clear());
if (process.env.END_WITH_STDIN) process.stdin.on("end", () => process.exit()).resume();

const record = (what, tool, key) => appendFileSync(EXECUTIONS, `${what} ${tool} ${key} ${process.pid}\n`);
const says = (text) => ({ content: [{ type: "text", text }] });

function mcpServer() {
  const server = new McpServer({ name: "host-e2e", title: TITLE, version: "1.0.0" });
  server.registerTool("count", { title: "Count", description: "Counts.", inputSchema: { key: z.string() } }, ({ key }) => {
    record("started", "count", key);
    return says(`counted ${key}`);
  });
  const steps = { title: "Steps", description: "Takes its time and says how far it is.", inputSchema: { key: z.string(), steps: z.number() } };
  server.registerTool("steps", steps, async ({ key, steps }, { _meta, sendNotification, signal }) => {
    record("started", "steps", key);
    for (let step = 1; step <= steps; step++) {
      await sleep(300);
      if (signal.aborted) record("aborted", "steps", key);
      signal.throwIfAborted();
      const params = { progressToken: _meta?.progressToken, progress: step, total: steps, message: `step ${step}` };
      if (_meta?.progressToken !== undefined) await sendNotification({ method: "notifications/progress", params });
    }
    return says(`made ${steps} steps`);
  });
  server.registerTool("book", { title: "Book", description: "Asks for the seats first.", inputSchema: { key: z.string() } }, async ({ key }, { sendRequest }) => {
    const properties = {
      seats: { type: "integer", title: "Seats", minimum: 1, maximum: 9 },
      window: { type: "boolean", title: "At the window" },
      meal: { type: "string", title: "Meal", enum: ["fish", "none"], default: "none" },
    };
    const params = { message: "How many seats?", requestedSchema: { type: "object", properties, required: ["seats"] } };
    const { action, content } = await sendRequest({ method: "elicitation/create", params }, ElicitResultSchema);
    if (action !== "accept") return says(`not booked: ${action}`);
    record("started", "book", key);
    return says(`booked ${JSON.stringify(content)}`);
  });
  server.registerTool("pay", { title: "Pay", description: "Leads to a page.", inputSchema: { key: z.string() } }, async ({ key }, { sendRequest }) => {
    const params = { mode: "url", message: "Pay there", url: `${url}?pay=${key}`, elicitationId: key };
    const { action } = await sendRequest({ method: "elicitation/create", params }, ElicitResultSchema);
    return says(`paying: ${action}`);
  });
  server.registerTool("poem", { title: "Poem", description: "Asks the model for a poem.", inputSchema: { about: z.string() } }, async ({ about }, { sendRequest }) => {
    const params = { messages: [{ role: "user", content: { type: "text", text: `A poem about ${about}` } }], maxTokens: 100 };
    const { content } = await sendRequest({ method: "sampling/createMessage", params }, CreateMessageResultSchema);
    return says(`the model says: ${content.text}`);
  });
  return server;
}

const app = express();
app.use(express.json());
if (CORS !== "none") app.use(cors({ exposedHeaders: ["Mcp-Session-Id", "WWW-Authenticate"] }));

if (ISSUER) {
  const metadata = { resource: url, authorization_servers: [ISSUER], scopes_supported: ["read"] };
  const path = "/.well-known/oauth-protected-resource/mcp";
  app.get(path, (_, res) => res.json(metadata));
  const verifier = {
    async verifyAccessToken(token) {
      const headers = { authorization: INTROSPECTION_AUTHORIZATION };
      const answer = await fetch(INTROSPECTION, { method: "POST", headers, body: new URLSearchParams({ token }) });
      const { active, client_id: clientId, scope = "", exp: expiresAt, aud } = await answer.json();
      if (!active || aud !== url) throw new InvalidTokenError("The token is not known");
      return { token, clientId, scopes: scope.split(" "), expiresAt };
    },
  };
  app.use("/mcp", requireBearerAuth({ verifier, requiredScopes: ["read"], resourceMetadataUrl: new URL(path, url).href }));
}

app.all("/mcp", async (req, res) => {
  const known = transports.get(req.headers["mcp-session-id"]);
  if (known) return known.handleRequest(req, res, req.body);
  if (!isInitializeRequest(req.body)) {
    return res.status(404).json({ jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null });
  }
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void transports.set(id, transport),
  });
  record("started", "initialize", "session");
  await mcpServer().connect(transport);
  await transport.handleRequest(req, res, req.body);
});

app.listen(Number(PORT), "127.0.0.1");
