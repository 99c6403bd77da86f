// A server that a row describes: it does what it should, but for what the row says.

import http from "node:http";

/** What a good server of the legacy era answers, by method. In bodies `$ID` is the request's id, `$VERSION` the version asked for. */
const GOOD = {
  "server/discover": { status: 400, body: error(-32000, "Bad Request: Server not initialized", "null") },
  initialize: { body: hello(), headers: { "mcp-session-id": "$SESSION" } },
  "tools/list": { body: result({ tools: [tool("t")] }) },
  "tools/call": { body: result({ content: [{ type: "text", text: "done" }] }) },
  "resources/list": { body: result({ resources: [{ uri: "x://r", name: "r" }] }) },
  "prompts/list": { body: result({ prompts: [{ name: "p" }] }) },
  ping: { body: result({}) },
  notification: { status: 202, type: null },
  GET: { status: 405, type: null },
  DELETE: { status: 200, type: null },
};

const CORS = [
  ["access-control-allow-origin", "*"],
  ["access-control-allow-methods", "GET, POST, DELETE"],
  ["access-control-allow-headers", "*, authorization"],
  ["access-control-expose-headers", "*"],
];

/** A JSON-RPC result under the request's own id, as a body. */
export function result(value, id = "$ID") {
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(value)}}`;
}

/** A JSON-RPC error. */
export function error(code, message, id = "$ID", data) {
  const rest = data === undefined ? "" : `,"data":${JSON.stringify(data)}`;
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${JSON.stringify(message)}${rest}}}`;
}

/** The result of `initialize`. */
export function hello(more = {}) {
  const whole = { protocolVersion: "$VERSION", capabilities: { tools: {}, resources: {}, prompts: {} }, serverInfo: { name: "s", version: "1" }, ...more };
  return result(whole);
}

export function tool(name, more = {}) {
  return { name, inputSchema: { type: "object" }, ...more };
}

/**
 * Serves on loopback. `on`: replies by method, `notification` for those that are not named, `GET`, `DELETE`, or by
 * `POST /path` for other paths than `/mcp`; an array is one after the other, and the last of them for good. A reply:
 * `{ status = 200, type = "application/json", headers, body = "", wait, open, hang, hangUp, cut }`: `open` leaves it open, `hang`
 * never answers, `hangUp` closes the connection instead, `cut` breaks it after what there is, `wait` is in milliseconds,
 * `standing` is said on the GET that is open.
 * `"good"` is what a good server says. `$BASE` is the server's origin, `$BACK` where the user who agreed is sent back to.
 */
export async function serve(on) {
  const wire = [];
  const turns = {};
  let sessions = 0;
  let standing;
  const server = http.createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    // A page of another origin sees what CORS lets it see.
    if (request.headers.origin) for (const [name, value] of CORS) response.setHeader(name, value);
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    const path = request.url.split("?")[0];
    const message = parsed(text);
    const method = request.method === "POST" ? (message.method ?? "answer") : request.method;
    wire.push(short(method) + (path === "/mcp" ? "" : ` ${path}`));
    const kind = method.startsWith("notifications/") || method === "answer" ? "notification" : method;
    const own = on[`${request.method} ${path}`] ?? (path === "/mcp" ? (on[method] ?? on[kind] ?? GOOD[method] ?? GOOD[kind]) : undefined);
    let reply = own ?? (path === "/mcp" ? { body: error(-32601, "Method not found") } : { status: 404, type: null });
    if (Array.isArray(reply)) {
      const at = `${method} ${path}`;
      const turn = (turns[at] = (turns[at] ?? -1) + 1);
      reply = reply[Math.min(turn, reply.length - 1)];
    }
    if (reply === "good") reply = GOOD[method] ?? GOOD[kind];
    if (method === "initialize") sessions += 1;
    const fill = (text) =>
      text
        .replaceAll("$ID", JSON.stringify(message.id ?? null))
        .replaceAll("$TEXT_ID", JSON.stringify(String(message.id)))
        .replaceAll("$TOKEN", String(message.params?._meta?.progressToken))
        .replaceAll("$VERSION", message.params?.protocolVersion)
        .replaceAll("$SESSION", `session-${sessions}`)
        .replaceAll("$BASE", `http://${request.headers.host}`)
        .replaceAll("$BACK", back(request));
    if (reply.hang) return;
    if (reply.wait) await new Promise((done) => setTimeout(done, reply.wait));
    if (reply.hangUp) return request.socket.destroy();
    const { status = 200, type = "application/json", headers = {}, body = "" } = reply;
    const fields = Object.entries({ ...(type && { "content-type": type }), ...headers });
    for (const [name, value] of fields) response.setHeader(name, [value].flat().map(fill));
    response.writeHead(status);
    if (reply.standing) standing?.write(bytes(reply.standing, fill));
    if (reply.open || reply.cut) {
      if (method === "GET") standing = response;
      response.flushHeaders();
      if (body) response.write(bytes(body, fill));
      // A busy browser drops what it has not read when the connection breaks.
      if (reply.cut) setTimeout(() => request.socket.destroy(), 300);
      return;
    }
    response.end(bytes(body, fill));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/mcp`,
    wire,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What a good server says. */
export const good = GOOD;

function bytes(body, fill) {
  return Array.isArray(body) ? Buffer.concat(body.map((part) => (typeof part === "string" ? Buffer.from(fill(part)) : Buffer.from(part)))) : fill(body);
}

/** Where an authorization server sends the user back to. */
function back({ url, headers }) {
  const { searchParams } = new URL(url, `http://${headers.host}`);
  const to = searchParams.get("redirect_uri");
  return to === null ? "" : `${to}?code=the-code&state=${searchParams.getAll("state").at(-1)}`;
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function short(method) {
  return method.replace("server/", "").replace("notifications/", "");
}
