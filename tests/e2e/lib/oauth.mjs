// An MCP server and its authorization server, played by functions in place of `fetch`. Node.

const MCP = "https://mcp.example/mcp";
const AS = "https://as.example";
export const PRM = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
export const METADATA = `${AS}/.well-known/oauth-authorization-server`;

export function answer(status, body, headers = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Response(body === undefined ? null : text, { status, headers: { "content-type": "application/json", ...headers } });
}

/**
 * `on(request, world)` may answer in place of the servers; a request is `{ method, url, headers, form, rpc, by }`, where
 * `by` says whose `fetch` was used: the `session`'s, or the `auth`'s. `valid` holds the tokens that the MCP server takes.
 */
export function startWorld({ on = () => undefined, resource = {}, metadata = {}, provider = {}, back } = {}) {
  const world = {
    url: MCP,
    requests: [],
    opened: [],
    valid: new Set(),
    registered: 0,
    issued: 0,
    back: back ?? (({ state }) => `https://app.example/callback?code=the-code&state=${state}`),
    tokens: () => {
      const token = `access-${++world.issued}`;
      world.valid = new Set([token]);
      return answer(200, { access_token: token, token_type: "Bearer", expires_in: 3600, refresh_token: `refresh-${world.issued}` });
    },
  };
  const play = (by) => async (input, init) => {
    const url = String(input);
    const json = url.endsWith("/mcp") || url.endsWith("/register");
    const body = init.body && (json ? JSON.parse(init.body) : Object.fromEntries(new URLSearchParams(init.body)));
    const headers = Object.fromEntries(new Headers(init.headers));
    const request = { by, method: init.method, url, headers, form: json ? undefined : body, rpc: json ? body : undefined };
    world.requests.push(request);
    const own = await on(request, world);
    if (own !== undefined) return own;
    if (url === MCP) return mcp(world, request);
    if (url === PRM) return answer(200, { resource: MCP, authorization_servers: [AS], ...resource });
    if (url === METADATA) {
      const endpoints = Object.fromEntries(
        ["authorization", "token", "registration"].map((name) => [`${name}_endpoint`, `${AS}/${name === "registration" ? "register" : name}`]),
      );
      return answer(200, { issuer: AS, ...endpoints, code_challenge_methods_supported: ["S256"], ...metadata });
    }
    if (url === `${AS}/register`) return answer(201, { client_id: `client-${++world.registered}` });
    if (url === `${AS}/token`) return world.tokens(request);
    return answer(404, { error: "Not Found" });
  };
  const open = (url, options) => {
    world.opened.push(Object.fromEntries(new URL(url).searchParams));
    return world.back(options, world);
  };
  world.auth = { provider: { redirectUrl: "https://app.example/callback", open, ...provider }, fetch: play("auth") };
  world.options = { era: "legacy", listen: "never", timeout: 10_000, fetch: play("session"), auth: world.auth };
  world.refreshes = () => world.requests.filter(({ form }) => form?.grant_type === "refresh_token").length;
  world.of = (what) => world.requests.filter(({ url }) => url.includes(what));
  return world;
}

function mcp(world, { method, headers, rpc }) {
  if (!world.valid.has(headers.authorization?.slice("Bearer ".length))) {
    return answer(401, { error: "invalid_token" }, { "www-authenticate": "Bearer" });
  }
  if (method !== "POST") return answer(405);
  const result = (value) => answer(200, { jsonrpc: "2.0", id: rpc.id, result: value });
  if (rpc.method === "initialize") {
    return result({ protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } });
  }
  return rpc.id === undefined ? answer(202) : result(rpc.method === "tools/list" ? { tools: [] } : { content: [] });
}

/** A storage of the host's. */
export function store() {
  const texts = new Map();
  return { texts, get: (key) => texts.get(key), set: (key, text) => void texts.set(key, text) };
}
