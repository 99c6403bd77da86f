// An authorization server (oidc-provider) and, behind it, an MCP server on the official TypeScript SDK with the SDK's own
// bearer middleware. Both in this process, so that tests can look at what they hold.

import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema, isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";
import cors from "cors";
import express from "express";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { freePort } from "../lib/ports.mjs";

/** Tools by name, with the scope that each needs. */
const TOOLS = { read: "read", admin: "admin" };

/** The client by whose name and secret tokens are asked about. */
const RESOURCE_SERVER = "resource-server";

/**
 * Starts both. `headers` go with the pages of the authorization server; without `cors` neither sends any CORS header. An access token lives for an hour.
 * `counts` says how often what happened; `evict()` forgets all MCP sessions, `expire()` all access tokens, and
 * `revoke()` all grants.
 */
export async function startOidc({ headers = {}, cors = true } = {}) {
  const counts = { initialized: 0, calls: 0 };
  const mcpPort = await freePort();
  const url = `http://127.0.0.1:${mcpPort}/mcp`;

  const as = await startAuthorizationServer({ counts, headers, cors });
  const { issuer, provider } = as;
  const mcp = await startMcp({ url, port: mcpPort, issuer, provider, counts, cors });
  return {
    ...as,
    url,
    /** What the MCP server says of itself; to be changed at will. */
    metadata: mcp.metadata,
    evict: () => mcp.transports.clear(),
    /** Sends every request to the MCP endpoint elsewhere. */
    redirectTo: (address) => (mcp.answers.redirect = address),
    async close() {
      await as.close();
      await closed(mcp.server);
    },
  };
}

/** The authorization server alone: an MCP server elsewhere asks at `introspection` whether a token holds (RFC 7662). */
export async function startAuthorizationServer({ counts = {}, headers = {}, cors = true } = {}) {
  Object.assign(counts, { registered: 0, signedIn: 0, codes: 0, refreshes: 0 });
  const asPort = await freePort();
  const issuer = `http://127.0.0.1:${asPort}`;
  const provider = new Provider(issuer, {
    clientBasedCORS: () => true,
    clients: [{ client_id: RESOURCE_SERVER, client_secret: RESOURCE_SERVER, redirect_uris: [], response_types: [], grant_types: [] }],
    cookies: { keys: ["of the tests"] },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: (_, { clientId }) => clientId === RESOURCE_SERVER },
      registration: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: Object.values(TOOLS).join(" "),
          audience: resource,
          accessTokenTTL: 3600,
          accessTokenFormat: "opaque",
        }),
        useGrantedResource: () => true,
      },
    },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, { uid }) => `/sign-in/${uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: { Interaction: 600, Grant: 3600, Session: 3600, RefreshToken: 3600 },
  });
  const grants = new Set();
  const tokens = new Set();
  const refused = [];
  provider.on("registration_create.success", () => counts.registered++);
  provider.on("grant.success", ({ oidc }) => {
    counts[oidc.params.grant_type === "refresh_token" ? "refreshes" : "codes"]++;
  });
  provider.on("grant.error", (_, error) => refused.push(error.message));
  provider.on("access_token.saved", (token) => tokens.add(token));
  provider.on("server_error", (_, error) => console.error(error));

  const as = createServer(async (req, res) => {
    if (!cors) withoutCors(res);
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    // The one endpoint to which oidc-provider lets no page.
    if (req.url === "/reg" && req.headers.origin) {
      res.setHeader("access-control-allow-origin", "*");
      res.setHeader("access-control-allow-headers", "content-type");
      if (req.method === "OPTIONS") return res.writeHead(204).end();
    }
    if (!req.url.startsWith("/sign-in/")) return provider.callback()(req, res);
    const { params, grantId } = await provider.interactionDetails(req, res);
    if (req.method === "GET") {
      res.setHeader("content-type", "text/html");
      const form = (action, text) => `<form method=post action="?${action}"><button id=${action}>${text}</button></form>`;
      return res.end(`<!doctype html><title>sign in</title>${form("agree", "Sign in and agree")}${form("decline", "Decline")}`);
    }
    if (req.url.endsWith("?decline")) {
      return provider.interactionFinished(req, res, { error: "access_denied" }, { mergeWithLastSubmission: false });
    }
    counts.signedIn++;
    const accountId = "otter";
    const grant = (grantId && (await provider.Grant.find(grantId))) || new provider.Grant({ accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    grant.addResourceScope(params.resource, params.scope);
    const id = await grant.save();
    grants.add(id);
    return provider.interactionFinished(req, res, { login: { accountId }, consent: { grantId: id } }, { mergeWithLastSubmission: false });
  });
  await new Promise((resolve) => as.listen(asPort, "127.0.0.1", resolve));

  return {
    issuer,
    provider,
    counts,
    /** Where tokens are asked about, and who asks. */
    introspection: { url: `${issuer}/token/introspection`, authorization: `Basic ${btoa(`${RESOURCE_SERVER}:${RESOURCE_SERVER}`)}` },
    /** Why the token endpoint refused, in the order of the refusals. */
    refused,
    async expire() {
      for (const token of tokens) await token.destroy();
      tokens.clear();
    },
    async revoke() {
      await this.expire();
      for (const id of grants) {
        await provider.RefreshToken.revokeByGrantId(id);
        await (await provider.Grant.find(id))?.destroy();
      }
      grants.clear();
    },
    close: () => closed(as),
  };
}

function closed(server) {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

async function startMcp({ url, port, issuer, provider, counts, cors: allows }) {
  const transports = new Map();
  const resourceMetadataUrl = new URL("/.well-known/oauth-protected-resource/mcp", url).href;
  const metadata = { resource: url, authorization_servers: [issuer], scopes_supported: ["read"] };
  const verifier = {
    async verifyAccessToken(token) {
      const found = await provider.AccessToken.find(token);
      if (!found || found.isExpired || found.aud !== url) throw new InvalidTokenError("The token is not known");
      return { token, clientId: found.clientId, scopes: [...found.scopes], expiresAt: found.exp };
    },
  };
  const bearer = (scope) => requireBearerAuth({ verifier, requiredScopes: [scope], resourceMetadataUrl });

  const app = express();
  if (allows) app.use(cors({ exposedHeaders: ["Mcp-Session-Id", "WWW-Authenticate"] }));
  app.use(express.json());
  app.get("/.well-known/oauth-protected-resource/mcp", (_, res) => res.json(metadata));
  const answers = {};
  app.use("/mcp", (_, res, next) => (answers.redirect ? res.redirect(307, answers.redirect) : next()));
  app.use("/mcp", (req, res, next) => bearer(TOOLS[req.body?.params?.name] ?? "read")(req, res, next));
  app.post("/mcp", async (req, res) => {
    const known = transports.get(req.headers["mcp-session-id"]);
    if (known) return known.handleRequest(req, res, req.body);
    if (!isInitializeRequest(req.body)) {
      return res.status(404).json({ jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null });
    }
    counts.initialized++;
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, transport),
    });
    await mcpServer(counts).connect(transport);
    await transport.handleRequest(req, res, req.body);
  });
  const others = async (req, res) => {
    const known = transports.get(req.headers["mcp-session-id"]);
    return known ? known.handleRequest(req, res) : res.status(404).end();
  };
  app.get("/mcp", others);
  app.delete("/mcp", others);

  const server = createServer(app);
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { server, transports, metadata, answers };
}

/** Whatever sets them. */
function withoutCors(res) {
  const { setHeader } = res;
  res.setHeader = (name, value) => (/^access-control-/i.test(name) ? res : setHeader.call(res, name, value));
}

function mcpServer(counts) {
  const server = new Server({ name: "behind-oidc", version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.keys(TOOLS).map((name) => ({ name, inputSchema: { type: "object" } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    counts.calls++;
    return { content: [{ type: "text", text: `${params.name} ran` }] };
  });
  return server;
}
