// An authorization server and an MCP server behind it that do what a test says, on loopback ports of two origins.

import { createServer } from "node:http";
import { listen } from "../lib/ports.mjs";

const CORS = { "access-control-allow-origin": "*", "access-control-allow-headers": "*, authorization", "access-control-expose-headers": "*" };

/**
 * `knobs` may be changed at any time: `agrees` answers by itself, where nobody is to click; `refuses({ scope, client_id })`
 * gives the error that the user comes back with, `forgets(form)` says of which request the client is forgotten; `lacks(params)`
 * which call lacks a scope, `delay` the milliseconds that each answer takes but for the page that the user sees, `hides(path)` which answer CORS hides, `moves(path)` where a request is redirected to; `page` is the script of the page that the user sees; `headers` go with it. `slow`: the milliseconds that tokens take; `rotates`: a refresh token is good once.
 */
export async function startScripted(knobs = {}) {
  const clients = new Set();
  const tokens = new Map();
  const counts = { metadata: 0, registered: 0, asked: 0, codes: 0, refreshes: 0, reused: 0 };
  const seen = [];

  const as = createServer(async (req, res) => {
    const url = new URL(req.url, issuer);
    const body = await text(req);
    const json = (status, value) => res.writeHead(status, { ...CORS, "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(value));
    if (req.method === "OPTIONS") return res.writeHead(204, CORS).end();
    if (url.pathname !== "/authorize") await pause(knobs.delay);
    if (url.pathname.startsWith("/.well-known/")) counts.metadata++;
    if (knobs.hides?.(url.pathname)) return res.writeHead(404).end();
    const moved = knobs.moves?.(url.pathname);
    if (moved) return res.writeHead(302, { ...CORS, location: moved }).end();
    if (url.pathname === "/.well-known/oauth-authorization-server") {
      const at = (path) => `${issuer}/${path}`;
      const scopes = { scopes_supported: ["read", "offline_access"] };
      return json(200, { issuer, authorization_endpoint: at("authorize"), token_endpoint: at("token"), registration_endpoint: at("register"), code_challenge_methods_supported: ["S256"], ...scopes });
    }
    if (url.pathname === "/register") {
      const id = `client-${++counts.registered}`;
      clients.add(id);
      return json(201, { client_id: id });
    }
    if (url.pathname === "/authorize") {
      counts.asked++;
      const asked = Object.fromEntries(url.searchParams);
      seen.push(asked);
      if (!clients.has(asked.client_id)) return res.writeHead(400, { "content-type": "text/html" }).end("<title>no</title><p id=unknown>Unknown client");
      const back = new URL(asked.redirect_uri);
      const error = knobs.refuses?.(asked);
      back.searchParams.set(error ? "error" : "code", error ?? "the-code");
      back.searchParams.set("state", asked.state);
      if (knobs.agrees || error) return res.writeHead(302, { location: back.href }).end();
      const script = knobs.page ? `<script>${knobs.page}</script>` : "";
      res.writeHead(200, { "content-type": "text/html", ...knobs.headers });
      return res.end(`<!doctype html><title>sign in</title><button id=agree onclick="location.replace(${JSON.stringify(back.href).replaceAll('"', "&quot;")})">agree</button>${script}`);
    }
    if (url.pathname === "/token") {
      const form = Object.fromEntries(new URLSearchParams(body));
      if (knobs.forgets?.(form)) clients.delete(form.client_id);
      if (!clients.has(form.client_id)) return json(401, { error: "invalid_client" });
      const isRefresh = form.grant_type === "refresh_token";
      if (isRefresh && !tokens.has(form.refresh_token)) return json(400, { error: "invalid_grant" });
      counts[isRefresh ? "refreshes" : "codes"]++;
      // A refresh token that is used twice is a stolen one (RFC 9700, 4.14.2).
      if (isRefresh && tokens.get(form.refresh_token) === "used") {
        counts.reused++;
        tokens.clear();
        return json(400, { error: "invalid_grant" });
      }
      if (isRefresh && knobs.rotates) tokens.set(form.refresh_token, "used");
      const [access, refresh] = ["access", "refresh"].map((kind) => `${kind}-${counts.codes}-${counts.refreshes}`);
      tokens.set(access, "access").set(refresh, "refresh");
      await new Promise((resolve) => setTimeout(resolve, knobs.slow ?? 0));
      return json(200, { access_token: access, token_type: "Bearer", expires_in: 3600, refresh_token: refresh });
    }
    res.writeHead(404, CORS).end();
  });
  const mcp = createServer(async (req, res) => {
    const body = await text(req);
    const json = (status, value, headers) => res.writeHead(status, { ...CORS, "content-type": "application/json", ...headers }).end(JSON.stringify(value));
    if (req.method === "OPTIONS") return res.writeHead(204, { ...CORS, "access-control-allow-methods": "*" }).end();
    await pause(knobs.delay);
    if (knobs.hides?.(req.url)) return res.writeHead(404).end();
    if (req.url.startsWith("/.well-known/")) counts.metadata++;
    if (req.url.startsWith("/.well-known/oauth-protected-resource")) return json(200, { resource: url, authorization_servers: [issuer], scopes_supported: ["read"] });
    if (req.url !== "/mcp") return res.writeHead(404, CORS).end();
    const token = req.headers.authorization?.slice("Bearer ".length);
    if (tokens.get(token) !== "access") return json(401, { error: "invalid_token" }, { "www-authenticate": "Bearer" });
    if (req.method !== "POST") return res.writeHead(405, CORS).end();
    const { id, method, params } = JSON.parse(body);
    if (knobs.lacks?.(params)) return json(403, {}, { "www-authenticate": 'Bearer error="insufficient_scope", scope="more"' });
    if (id === undefined) return res.writeHead(202, CORS).end();
    const results = {
      initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "scripted", version: "1" } },
      "tools/call": { content: [{ type: "text", text: `${params?.name} ran` }] },
    };
    if (!results[method]) return json(400, { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } });
    return json(200, { jsonrpc: "2.0", id, result: results[method] });
  });
  let issuer = `http://127.0.0.1:${await listen(as)}`;
  const url = `http://127.0.0.1:${await listen(mcp)}/mcp`;
  return {
    url,
    get issuer() {
      return issuer;
    },
    /** The authorization server is of another origin from now on, whose server hands on what is its: says whether it is. */
    movesTo(origin) {
      issuer = origin;
      return (req, res) => /^\/(authorize|token|register|\.well-known\/oauth-authorization-server)\b/.test(req.url) && as.emit("request", req, res);
    },
    counts,
    knobs,
    /** What the user was asked, in order. */
    seen,
    expire: () => tokens.forEach((kind, token) => kind === "access" && tokens.delete(token)),
    revoke: () => tokens.clear(),
    forgetClients: () => clients.clear(),
    async close() {
      for (const server of [as, mcp]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

const pause = (ms = 0) => ms > 0 && new Promise((resolve) => setTimeout(resolve, ms));

async function text(req) {
  let text = "";
  for await (const chunk of req) text += chunk;
  return text;
}
