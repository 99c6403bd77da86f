// An MCP server that does next to nothing, so that the client is what is measured. What it answers is made beforehand.

import { createServer } from "node:http";
import { Readable, pipeline } from "node:stream";
import { json } from "node:stream/consumers";
import { listen } from "../e2e/lib/ports.mjs";

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "content-type, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id, authorization",
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-expose-headers": "mcp-session-id",
  "access-control-max-age": "7200",
};
const JSON_TYPE = { ...CORS, "content-type": "application/json" };

/** The chunk in which a stream is written. */
const CHUNK = 64 << 10;

const INITIALIZED = {
  protocolVersion: "2025-11-25",
  capabilities: { tools: {}, resources: { subscribe: true } },
  serverInfo: { name: "bench", version: "1.0.0" },
};

/** Starts it. Its tools are `echo`, `text { bytes }`, `rows { count }` and `events { count }`. */
export async function startServer() {
  const sessions = new Set();
  let made = 0;
  let seen = [];
  let suspicious = false;
  let listed = 0;

  const server = createServer(async (req, res) => {
    if (req.method === "OPTIONS") return void res.writeHead(204, CORS).end();
    if (req.method !== "POST") return void res.writeHead(req.method === "DELETE" ? 200 : 405, CORS).end();
    const { id, method, params } = await json(req);
    seen.push(method);
    const answer = (message, status = 200, headers = JSON_TYPE) =>
      res.writeHead(status, headers).end(JSON.stringify({ jsonrpc: "2.0", id, ...message }));

    if (method === "initialize") {
      const session = `session-${++made}`;
      sessions.add(session);
      return void answer({ result: INITIALIZED }, 200, { ...JSON_TYPE, "mcp-session-id": session });
    }
    if (!sessions.has(req.headers["mcp-session-id"])) {
      const error = { code: -32001, message: "Session not found" };
      return void (suspicious ? answer({ error }) : answer({ id: null, error }, 404));
    }
    if (id === undefined) return void res.writeHead(202, CORS).end();
    if (method !== "tools/call") return void answer({ result: method === "tools/list" ? toolsFrom(Number(params?.cursor ?? 0), listed) : {} });
    const { name, arguments: given, _meta } = params;
    if (name === "events") return void events(res, id, given.count, _meta.progressToken);
    res.writeHead(200, JSON_TYPE).end(`{"jsonrpc":"2.0","id":${id},"result":${RESULTS[name](given)}}`);
  });
  const port = await listen(server);

  return {
    url: `http://127.0.0.1:${port}/mcp`,
    /** Forgets all sessions; `suspicious`: it says so in a way that proves nothing, from now on. */
    evict(how = {}) {
      sessions.clear();
      ({ suspicious = false } = how);
    },
    /** How many tools it lists, in pages. */
    setTools(count) {
      listed = count;
    },
    /** The methods of the requests since it was asked last. */
    takeSeen() {
      const taken = seen;
      seen = [];
      return taken;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Tools of a page. */
const PAGE = 250;

function toolsFrom(from, count) {
  const length = Math.min(PAGE, count - from);
  const inputSchema = { type: "object", properties: { raft: { type: "string" }, most: { type: "integer" } }, required: ["raft"] };
  const tools = Array.from({ length }, (_, at) => ({ name: `tool${from + at}`, description: "Counts otters.", inputSchema }));
  return from + length < count ? { tools, nextCursor: String(from + length) } : { tools };
}

const RESULTS = {
  echo: () => '{"content":[{"type":"text","text":"otters"}]}',
  text: remembered(({ bytes }) => ({ content: [{ type: "text", text: prose(bytes) }] })),
  rows: remembered(({ count }) => ({ content: [], structuredContent: { rows: [...rows(count)] } })),
};

function remembered(make) {
  const texts = new Map();
  return (given) => {
    const key = JSON.stringify(given);
    if (!texts.has(key)) texts.set(key, JSON.stringify(make(given)));
    return texts.get(key);
  };
}

function prose(bytes) {
  const line = 'Otters hold hands while they sleep; "raft" is what such a group is called.\n';
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes);
}

function* rows(count) {
  for (let id = 0; id < count; id++) {
    yield { id, name: `Otter ${id}`, weight: 7.5 + (id % 40) / 10, tags: ["river", "sea"], awake: id % 3 === 0 };
  }
}

const streams = new Map();

function events(res, id, count, token) {
  if (!streams.has(count)) streams.set(count, [...messages(count)].map(event).join(""));
  const body = streams.get(count).replaceAll('"TOKEN"', JSON.stringify(token)).replace('"ID"', JSON.stringify(id));
  res.writeHead(200, { ...CORS, "content-type": "text/event-stream" });
  pipeline(Readable.from(chunks(Buffer.from(body))), res, () => {});
}

function* messages(total) {
  const progressToken = "TOKEN";
  for (let progress = 1; progress <= total; progress++) {
    yield { method: "notifications/progress", params: { progressToken, progress, total, message: `Step ${progress}` } };
  }
  yield { id: "ID", result: { content: [{ type: "text", text: "otters" }] } };
}

function event(message) {
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`;
}

function* chunks(bytes) {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}
