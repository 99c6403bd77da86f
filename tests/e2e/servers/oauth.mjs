// An MCP server that asks for a token, and an authorization server whose users agree at once, for pages. The sessions are those
// of the package's own test server.

import { createServer } from "node:http";
import { listen } from "../lib/ports.mjs";

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization",
  "access-control-allow-methods": "*",
  "access-control-expose-headers": "*, mcp-session-id, www-authenticate",
};

/** `{ url, server, counts, expire(), close() }`; `server` is the `TestServer` that is given. `open`: it asks for no token. */
export async function startOAuth(server, { open = false } = {}) {
  const counts = { registered: 0, signedIn: 0, tokens: 0, refreshes: 0 };
  const state = { valid: undefined, refresh: undefined };
  let issuer;
  const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  const answer = async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method === "OPTIONS") return new Response(null, { status: 204 });
    if (pathname.startsWith("/.well-known/oauth-protected-resource")) return json({ resource: `${issuer}/mcp`, authorization_servers: [issuer] });
    if (pathname === "/.well-known/oauth-authorization-server") {
      const endpoints = Object.fromEntries(["authorization", "token", "registration"].map((name) => [`${name}_endpoint`, `${issuer}/${name}`]));
      return json({
        issuer,
        ...endpoints,
        response_types_supported: ["code"],
        code_challenge_methods_supported: ["S256"],
        grant_types_supported: ["authorization_code", "refresh_token"],
        token_endpoint_auth_methods_supported: ["none"],
      });
    }
    if (pathname === "/registration") {
      counts.registered++;
      return json({ ...(await request.json()), client_id: "registered" }, 201);
    }
    if (pathname === "/authorization") {
      counts.signedIn++;
      const back = new URL(searchParams.get("redirect_uri"));
      back.searchParams.set("code", "the-code");
      if (searchParams.has("state")) back.searchParams.set("state", searchParams.get("state"));
      return new Response(null, { status: 302, headers: { location: back.href } });
    }
    if (pathname === "/token") {
      const form = new URLSearchParams(await request.text());
      const isRefresh = form.get("grant_type") === "refresh_token";
      const isGood = isRefresh ? form.get("refresh_token") === state.refresh : form.get("code") === "the-code";
      if (!isGood) return json({ error: "invalid_grant" }, 400);
      counts[isRefresh ? "refreshes" : "tokens"]++;
      const count = counts.tokens + counts.refreshes;
      Object.assign(state, { valid: `access-${count}`, refresh: `refresh-${count}` });
      return json({ access_token: state.valid, token_type: "Bearer", refresh_token: state.refresh, expires_in: 3600 });
    }
    if (pathname !== "/mcp") return new Response("", { status: 404 });
    const token = request.headers.get("authorization");
    if (open || (state.valid !== undefined && token === `Bearer ${state.valid}`)) return server.fetch(server.url, { method: request.method, headers: request.headers, body: request.body && (await request.text()), signal: request.signal });
    return new Response("", { status: 401, headers: { "www-authenticate": `Bearer resource_metadata="${issuer}/.well-known/oauth-protected-resource/mcp"` } });
  };
  const http = createServer(async (req, res) => {
    const over = new AbortController();
    res.on("close", () => over.abort());
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    try {
      const response = await answer(new Request(new URL(req.url, issuer), { method: req.method, headers: req.headers, body, signal: over.signal }));
      res.writeHead(response.status, { ...Object.fromEntries(response.headers), ...CORS });
      res.flushHeaders();
      for await (const chunk of response.body ?? []) res.write(chunk);
      res.end();
    } catch (error) {
      if (!over.signal.aborted) res.destroy(error);
    }
  });
  issuer = `http://127.0.0.1:${await listen(http)}`;
  return {
    url: `${issuer}/mcp`,
    server,
    counts,
    expire: () => void (state.valid = "none"),
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
