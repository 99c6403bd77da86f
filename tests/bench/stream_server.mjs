// A server whose one tool sends as many progress notifications as it is asked for, as fast as they are taken.

import { createServer } from "node:http";
import { Readable, pipeline } from "node:stream";
import { json } from "node:stream/consumers";
import { listen } from "../e2e/lib/ports.mjs";

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-expose-headers": "mcp-session-id",
  "access-control-max-age": "600",
};

/** The chunk of a body that is not written event by event. */
const CHUNK = 64 << 10;

/** Starts it; the tool takes `{ count, whole }`: with `whole` the events come in large chunks, else each by itself. */
export async function startStreamServer() {
  const server = createServer(async (req, res) => {
    if (req.method !== "POST") return void res.writeHead(req.method === "OPTIONS" ? 204 : 405, CORS).end();
    const { id, method, params } = await json(req);
    if (method === "tools/call") return void stream(res, id, params);
    if (id === undefined) return void res.writeHead(202, CORS).end();
    res.writeHead(200, { ...CORS, "content-type": "application/json", "mcp-session-id": "bench" });
    const serverInfo = { name: "bench", version: "1.0.0" };
    const result = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo };
    res.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function stream(res, id, { arguments: { count, whole }, _meta }) {
  res.writeHead(200, { ...CORS, "content-type": "text/event-stream" });
  const given = body(count, JSON.stringify(_meta.progressToken), JSON.stringify(id));
  pipeline(Readable.from(whole ? chunks(given) : events(given)), res, () => {});
}

const bodies = new Map();

/** The whole stream as text. It is made before it is asked for: the server's work is not what is measured. */
function body(count, token, id) {
  if (!bodies.has(count)) bodies.set(count, [...messages(count)].map(event).join(""));
  return bodies.get(count).replaceAll('"TOKEN"', token).replace('"ID"', id);
}

function* messages(total) {
  const progressToken = "TOKEN";
  for (let progress = 1; progress <= total; progress++) {
    yield { method: "notifications/progress", params: { progressToken, progress, total, message: `Step ${progress}` } };
  }
  yield { id: "ID", result: { content: [{ type: "text", text: "done" }] } };
}

function event(message) {
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`;
}

function* chunks(body) {
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

function* events(body) {
  for (const event of body.split(/(?<=\n\n)/)) yield event;
}
