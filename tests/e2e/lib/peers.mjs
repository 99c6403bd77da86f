// Servers that are played by a function: one that answers as it should, but where a test answers in its place; one that
// answers at random with whatever a hostile or an unlucky one may answer; and what puts such a function behind HTTP.

import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const EXPOSED = "mcp-session-id, retry-after, www-authenticate";

export const json = (body, { status = 200, ...headers } = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
export const raw = (text) => new Response(text, { headers: { "content-type": "application/json" } });
export const result = ({ id }, value, headers) => json({ jsonrpc: "2.0", id, result: value }, headers);
export const failure = ({ id }, status, error) => json({ jsonrpc: "2.0", id: id ?? null, error }, { status });

/** A server of either era; `on(message, init)` may answer in its place. */
export function peer(on = () => undefined, { capabilities = { tools: {}, resources: {} } } = {}) {
  const sent = [];
  const fetch = async (url, init) => {
    const message = init.body ? JSON.parse(init.body) : {};
    sent.push({ message, method: init.method, headers: Object.fromEntries(new Headers(init.headers)), body: init.body });
    const own = await on(message, init);
    if (own !== undefined) return own;
    if (init.method !== "POST") return new Response(null, { status: init.method === "GET" ? 405 : 200 });
    if (message.method === "initialize") {
      const info = { protocolVersion: "2025-11-25", capabilities, serverInfo: { name: "s", version: "1" } };
      return result(message, info, { "mcp-session-id": `session-${sent.length}-0123456789` });
    }
    if (message.method === "server/discover") {
      return result(message, { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities });
    }
    if (message.id === undefined || message.method === undefined) return new Response(null, { status: 202 });
    return result(message, message.method === "tools/list" ? { tools: [] } : { content: [] });
  };
  return { fetch, sent };
}

/** Puts a `fetch` behind HTTP, for pages of any origin; what is no `Response` is a connection that breaks. */
export async function serveFetch(fetch) {
  const server = createServer(async (req, res) => {
    const cors = { "access-control-allow-origin": "*", "access-control-expose-headers": EXPOSED };
    if (req.method === "OPTIONS") {
      const asked = req.headers["access-control-request-headers"] ?? "";
      return res.writeHead(204, { ...cors, "access-control-allow-methods": "GET, POST, DELETE", "access-control-allow-headers": asked }).end();
    }
    const left = new AbortController();
    res.on("close", () => left.abort());
    try {
      const chunks = await Readable.from(req).toArray();
      const body = chunks.length ? Buffer.concat(chunks).toString() : null;
      const response = await fetch(`http://${req.headers.host}${req.url}`, { method: req.method, headers: req.headers, body, signal: left.signal });
      res.writeHead(response.status, { ...Object.fromEntries(response.headers), ...cors });
      if (response.body) await pipeline(Readable.fromWeb(response.body), res);
      else res.end();
    } catch {
      res.destroy();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return { url: `http://127.0.0.1:${server.address().port}/mcp`, close };
}

/** Numbers and choices from a seed (mulberry32). */
export function guess(seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (end) => Math.floor(next() * end),
    is: (chance) => next() < chance,
    of: (...all) => all[Math.floor(next() * all.length)],
  };
}

const TYPES = ["application/json", "text/event-stream", "text/html", "", "application/json; charset=utf-16", "x"];
const WORDS = ["Session not found", "Invalid token", "no", "", "expired session id", "Method not found", "x".repeat(20_000), "\ud83d", "\u0000"];
const CODES = [-32700, -32600, -32601, -32602, -32603, -32000, -32001, -32020, -32021, -32022, -32042, 0, 1, 1e300, "x"];
const METHODS = ["ping", "roots/list", "sampling/createMessage", "elicitation/create", "x/y", "initialize", "notifications/tools/list_changed",
  "notifications/resources/updated", "notifications/cancelled", "notifications/progress", "notifications/message"];

/** `{ fetch, handlers }` */
export function randomServer(random) {
  const { below, is, of } = random;
  const junk = (depth = 0) =>
    of(
      () => null,
      () => below(2 ** 31) - 2 ** 30,
      () => of(...WORDS),
      () => is(0.5),
      () => (depth < 4 ? Array.from({ length: below(5) }, () => junk(depth + 1)) : 1.5),
      () => (depth < 4 ? Object.fromEntries(Array.from({ length: below(5) }, () => [of("name", "tools", "error", "message", "data", "task", "taskId", "uri", "x"), junk(depth + 1)])) : {}),
    )();
  const id = (own) => of(own, own, own, String(own), own + 1, null, 1.5, 2 ** 53, of(...WORDS), {});
  const list = () => of([], Array.from({ length: below(300) }, (_, at) => ({ name: `t${at}`, inputSchema: junk(), annotations: junk(), execution: junk() })), Array(20_000).fill(0), junk());
  const capabilities = () => ({ tools: {}, resources: is(0.5) ? { subscribe: true } : {}, prompts: {}, tasks: junk(), experimental: junk() });
  const asks = (n) => Object.fromEntries(Array.from({ length: n }, (_, at) => [`k${at}`, { method: of(...METHODS), params: junk() }]));
  const value = (method) => {
    if (is(0.3)) return junk();
    if (method === "initialize") return { protocolVersion: of("2025-11-25", "2025-03-26", "1999-01-01"), capabilities: capabilities(), serverInfo: { name: of("a", "b"), version: of("1", "2") } };
    if (method === "server/discover") return { supportedVersions: of(["2026-07-28"], [], Array(5_000).fill("x"), junk()), capabilities: capabilities() };
    if (method?.endsWith("/list")) return { tools: list(), resources: list(), prompts: list(), nextCursor: of(undefined, "c", junk()), ttlMs: of(undefined, 1e18, -1, 5) };
    return of(
      { content: [], resultType: of(undefined, "complete") },
      { resultType: "input_required", requestState: of(...WORDS), inputRequests: asks(of(0, 1, 3, 100)) },
      { resultType: "task", taskId: "t", status: of("working", "completed", "failed", "x"), pollIntervalMs: of(0, 1e18), result: junk(), error: junk() },
      { taskId: "t", status: of("working", "input_required", "completed", "failed"), inputRequests: asks(2), result: {} },
      { task: { taskId: "t", status: "working" } },
    );
  };
  const message = (asked) =>
    of(
      () => ({ jsonrpc: "2.0", id: id(asked.id), result: value(asked.method) }),
      () => ({ jsonrpc: "2.0", id: id(asked.id), result: value(asked.method) }),
      () => ({ jsonrpc: "2.0", id: id(asked.id), error: { code: of(...CODES), message: of(...WORDS, asked.secret), data: of(undefined, junk(), asked.secret, { supported: junk(), elicitations: junk() }) } }),
      () => ({ jsonrpc: "2.0", id: id(below(9)), method: of(...METHODS), params: junk() }),
      () => ({ jsonrpc: "2.0", method: of(...METHODS), params: of(junk(), { progressToken: asked.id, progress: below(9) }, { requestId: below(9) }) }),
      junk,
    )();
  const body = (asked) => {
    const one = message(asked);
    const text = JSON.stringify(one);
    return of(text, text, JSON.stringify([one, message(asked)]), text.slice(0, -1), "", "[".repeat(50_000), "x".repeat(5 << 20), JSON.stringify(Array(2_000).fill(is(0.5) ? { jsonrpc: "2.0", id: below(9), method: "ping" } : 0)));
  };
  const events = (asked) => {
    let text = of("", "retry: 1\n\n", "retry: 99999999999\n\n", "id: событие\ndata:\n\n", "\ufeff");
    const many = of(1, 3, 300);
    for (let at = 0; at < many; at++) text += `${of("", `id: ${at}\n`, "event: x\n")}data: ${JSON.stringify(message(asked))}\n\n`;
    return text;
  };
  const fetch = async (_, init) => {
    const asked = init.body ? JSON.parse(init.body) : {};
    asked.secret = new Headers(init.headers).get("authorization") ?? "";
    // Often as it should be, or little more than the handshake would be seen.
    if (is(0.55)) return good(asked, init);
    if (is(0.04)) throw new TypeError("fetch failed");
    if (is(0.03)) return of(null, {}, { status: 200 }, { status: 200, headers: {} });
    if (is(0.05)) await new Promise((resolve) => setTimeout(resolve, below(200)));
    if (is(0.03)) return new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(init.signal.reason)));
    const type = of("application/json", "text/event-stream", ...TYPES);
    const status = of(200, 200, 200, 200, 202, 204, 301, 400, 401, 403, 404, 405, 409, 429, 500, 503);
    const headers = { "mcp-session-id": of("session-0123456789", "x", "b d", "y".repeat(9_000)), "retry-after": of("1", "999999999", "x"), "www-authenticate": of("Bearer", 'Bearer error="invalid_token"', "x") };
    for (const name of Object.keys(headers)) if (is(0.6)) delete headers[name];
    if (type) headers["content-type"] = type;
    if (status === 204) return new Response(null, { status, headers });
    const text = type === "text/event-stream" ? events(asked) : body(asked);
    if (is(0.1)) {
      const bytes = new TextEncoder().encode(text);
      return new Response(new ReadableStream({ start: (it) => (it.enqueue(bytes.subarray(0, bytes.length >> 1)), is(0.5) ? it.error(new Error("cut")) : it.close()) }), { status, headers });
    }
    return new Response(text, { status, headers });
  };
  const good = (asked, { method }) => {
    if (method !== "POST") return new Response(null, { status: method === "GET" ? 405 : 200 });
    if (asked.id === undefined || asked.method === undefined) return new Response(null, { status: 202 });
    const result = asked.method === "initialize"
      ? { protocolVersion: "2025-11-25", capabilities: { tools: {}, resources: { subscribe: true }, prompts: {} }, serverInfo: { name: "s", version: "1" } }
      : asked.method === "server/discover"
        ? { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {}, resources: { subscribe: true }, prompts: {} } }
        : { resultType: "complete", content: [], tools: [], contents: [], messages: [] };
    return new Response(JSON.stringify({ jsonrpc: "2.0", id: asked.id, result }), { headers: { "content-type": "application/json", ...(asked.method === "initialize" && { "mcp-session-id": "session-0123456789" }) } });
  };
  const handlers = {
    "roots/list": () => of({ roots: [] }, undefined),
    "sampling/createMessage": () => {
      if (is(0.5)) throw new Error("no");
      return { role: "assistant", model: "m", content: { type: "text", text: "" } };
    },
    "elicitation/create": () => ({ action: "decline" }),
  };
  return { fetch, handlers };
}
