// A server that gets everything wrong, one mistake per path: `/html`, `/empty`, …
// Up to its mistake it is a small, correct MCP server with plain JSON answers.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { listen } from "../lib/ports.mjs";

const MiB = 1024 * 1024;
const DEEP = `${"[".repeat(5_000)}0${"]".repeat(5_000)}`;
const DEEP_RESULT = `{"content":[],"_meta":{"deep":${DEEP}}}`;
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization",
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-expose-headers": "Mcp-Session-Id",
};

/** Starts it in this process: `{ at(mistake) → url, close() }`. */
export async function startHostile() {
  const server = createServer(async (req, res) => {
    for (const [name, value] of Object.entries(CORS)) res.setHeader(name, value);
    if (req.method === "OPTIONS") return void res.writeHead(204).end();
    const mistake = mistakes[req.url.slice(1)];
    // A client may try the other final slash.
    if (!mistake) return void res.writeHead(404).end();
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    await mistake({ req, res, message: text ? JSON.parse(text) : undefined });
  });
  const port = await listen(server);
  return {
    at: (mistake) => `http://127.0.0.1:${port}/${mistake}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const mistakes = {
  // Instead of an answer to initialize:
  "html": ({ res }) => send(res, 200, "text/html", "<!doctype html><title>Welcome</title><p>It works!"),
  "not-found": ({ res }) => send(res, 404, "text/html", "<pre>Cannot POST /mcp</pre>"),
  "post-not-allowed": ({ res }) => send(res, 405, "text/plain", ""),
  "locked": ({ res }) => send(res, 401, "text/plain", "who are you?"),
  "forbidden": ({ res }) => send(res, 403, "text/plain", "no"),
  "moved": ({ res }) => res.writeHead(308, { location: "/good" }).end(),
  "broken": ({ res }) => send(res, 500, "text/plain", "Internal Server Error"),
  "not-json": ({ res }) => send(res, 200, "application/json", "{ this is not JSON"),
  "not-json-rpc": ({ res }) => send(res, 200, "application/json", '{"hello":"world"}'),
  "json-null": ({ res }) => send(res, 200, "application/json", "null"),
  "empty": ({ res }) => send(res, 200, "application/json", ""),
  "empty-stream": ({ res }) => send(res, 200, "text/event-stream", ""),
  "accepted": ({ res }) => res.writeHead(202).end(),
  "cut-off": ({ res }) => {
    res.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    res.write('{"jsonrpc":"2.0","id":', () => res.socket.destroy());
  },
  "silent": () => {},
  "headers-only": ({ res }) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.flushHeaders();
  },
  "old-version": (exchange) => initialize(exchange, { protocolVersion: "1999-01-01" }),
  "future-version": (exchange) => initialize(exchange, { protocolVersion: "2099-01-01" }),
  "no-version": (exchange) => initialize(exchange, { protocolVersion: undefined }),
  "latin-session-id": (exchange) => initialize(exchange, {}, "caf\u00e9"),
  "spaced-session-id": (exchange) => initialize(exchange, {}, "two words"),
  "deep-handshake": (exchange) => serve(exchange, undefined, { capabilities: { tools: {}, experimental: "deep" } }),
  "deep-identity": (exchange) => serve(exchange, undefined, { serverInfo: { name: "hostile", version: "1.0.0", title: "deep" } }),
  "endless-stream": async ({ res }) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    await flood(res, Buffer.from("data: " + "x".repeat(1000)), "", 100 * MiB);
  },

  // A session that is refused as soon as it was made:
  "forgetful": (exchange) =>
    exchange.message?.method === "initialize"
      ? initialize(exchange)
      : send(exchange.res, 404, "application/json", '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}'),

  // No mistake:
  "good": (exchange) => serve(exchange, ({ res, id }) => sendResult(res, id, "{}")),

  // A good session whose tool calls are answered wrongly; the tool `echo` works:
  "deep": (exchange) => serve(exchange, ({ res, id }) => sendResult(res, id, DEEP_RESULT)),
  "deep-stream": (exchange) => serve(exchange, ({ res, id }) => sendEvents(res, `{"jsonrpc":"2.0","id":${id},"result":${DEEP_RESULT}}`)),
  "deep-error": (exchange) =>
    serve(exchange, ({ res, id }) =>
      send(res, 200, "application/json", `{"jsonrpc":"2.0","id":${id},"error":{"code":-32000,"message":"deep","data":${DEEP}}}`),
    ),
  "deep-progress": (exchange) =>
    serve(exchange, ({ res, id }) => {
      const params = `{"progressToken":${id},"progress":1,"deep":${DEEP}}`;
      sendEvents(res, `{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`, `{"jsonrpc":"2.0","id":${id},"result":{}}`);
    }),
  "deep-notification": (exchange) =>
    serve(exchange, ({ res, id }) => {
      const said = `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":${DEEP}}}`;
      sendEvents(res, said, `{"jsonrpc":"2.0","id":${id},"result":{}}`);
    }),
  "deep-question": (exchange) =>
    serve(exchange, ({ res, id }) => {
      const question = `{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"deep":${DEEP}}}`;
      sendEvents(res, question, `{"jsonrpc":"2.0","id":${id},"result":{}}`);
    }),
  "huge": (exchange) =>
    serve(exchange, async ({ res, id }) => {
      res.writeHead(200, { "content-type": "application/json" });
      await flood(res, `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`, '"}]}}', 100 * MiB);
    }),
  "huge-stream": (exchange) =>
    serve(exchange, async ({ res, id }) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      await flood(res, `data: {"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`, '"}]}}\n\n', 100 * MiB);
    }),
  "huge-error": (exchange) =>
    serve(exchange, async ({ res }) => {
      res.writeHead(500, { "content-type": "text/plain" });
      await flood(res, "", "", 100 * MiB);
    }),
  "html-later": (exchange) => serve(exchange, ({ res }) => send(res, 200, "text/html", "<!doctype html><p>Signed out")),
  "empty-later": (exchange) => serve(exchange, ({ res }) => send(res, 200, "application/json", "")),
  "not-json-later": (exchange) => serve(exchange, ({ res }) => send(res, 200, "application/json", "]")),
  "cut-later": (exchange) =>
    serve(exchange, ({ res }) => {
      res.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      res.write('{"jsonrpc":"2.0","id":', () => res.socket.destroy());
    }),
  "stream-ends": (exchange) => serve(exchange, ({ res }) => send(res, 200, "text/event-stream", ": nothing\n\n")),
  "neither-later": (exchange) => serve(exchange, ({ res, id }) => send(res, 200, "application/json", `{"jsonrpc":"2.0","id":${id}}`)),
  "noisy-stream": (exchange) =>
    serve(exchange, ({ res, id }) => {
      const own = (x) => `{"jsonrpc":"2.0","id":${id},"result":{"x":${x}}}`;
      const noise = ["{ no JSON", "null", "5", "[]", "{}", '{"jsonrpc":"2.0"}', `{"jsonrpc":"2.0","id":${id}}`, '{"jsonrpc":"2.0","id":"other","result":{"x":0}}'];
      sendEvents(res, ...noise, own(1), own(2), "no JSON either");
    }),
  "other-id": (exchange) => serve(exchange, ({ res }) => sendResult(res, 1, '{"content":[]}')),
};

/** A correct server but for what `wrong` answers to tools other than `echo`, and for `change`s of the handshake. */
async function serve(exchange, wrong, change) {
  const { req, res, message } = exchange;
  if (req.method === "GET") return void res.writeHead(405).end();
  if (message?.method === "initialize") return initialize(exchange, change);
  if (message?.id === undefined) return void res.writeHead(202).end();
  const id = JSON.stringify(message.id);
  if (message.method !== "tools/call") return sendResult(res, id, "{}");
  const { name, arguments: args } = message.params;
  if (name !== "echo") return wrong({ res, id });
  sendResult(res, id, JSON.stringify({ content: [{ type: "text", text: `Echo: ${args.message}` }] }));
}

function initialize({ res, message }, change = {}, sessionId = randomUUID()) {
  const result = {
    protocolVersion: "2025-11-25",
    capabilities: { tools: {} },
    serverInfo: { name: "hostile", version: "1.0.0" },
    ...change,
  };
  if (message?.method !== "initialize") return void res.writeHead(202).end();
  res.setHeader("mcp-session-id", sessionId);
  // JSON.stringify does not go as deep as JSON.parse does.
  sendResult(res, JSON.stringify(message.id), JSON.stringify(result).replace('"deep"', DEEP));
}

function sendResult(res, id, result) {
  send(res, 200, "application/json", `{"jsonrpc":"2.0","id":${id},"result":${result}}`);
}

function sendEvents(res, ...messages) {
  send(res, 200, "text/event-stream", messages.map((message) => `data: ${message}\n\n`).join(""));
}

function send(res, status, type, body) {
  res.writeHead(status, { "content-type": type }).end(body);
}

/** `bytes` bytes of text between `head` and `tail`, as fast as they are read. */
async function flood(res, head, tail, bytes) {
  const chunk = Buffer.alloc(MiB, "x");
  const closed = new Promise((resolve) => res.once("close", resolve));
  res.write(head);
  for (let sent = 0; sent < bytes && !res.destroyed; sent += chunk.length) {
    if (!res.write(chunk)) await Promise.race([new Promise((resolve) => res.once("drain", resolve)), closed]);
  }
  res.end(tail);
}
