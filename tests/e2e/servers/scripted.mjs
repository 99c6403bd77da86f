// A small MCP server in the test's own process, which says what the test wants it to say.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { listen } from "../lib/ports.mjs";

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-expose-headers": "Mcp-Session-Id",
};
const METHOD_NOT_FOUND = { code: -32601, message: "Method not found" };

/**
 * `become({ capabilities, version, info, answers })` forgets all sessions and starts over. `answers` are by method: a result,
 * or a function `(params, { say, ask }) => result | Promise`, which may throw `{ code, message, data }`.
 * `say(method, params)` sends a notification, `ask(method, params)` a request and resolves to the response: those of
 * the server on the standing streams, those that such a function gets on the stream of its answer.
 */
export async function startScripted() {
  let script;
  let sessions;
  /** The standing ones. */
  let streams;
  const answering = new Set();
  let questions;
  let received;
  let nextId = 0;

  const become = ({ capabilities = { tools: {} }, version = "1", info = {}, answers = {} } = {}) => {
    for (const stream of [...(streams ?? []), ...answering]) stream.destroy();
    script = { capabilities, version, info, answers };
    sessions = new Set();
    streams = new Set();
    questions = new Map();
    received = [];
  };
  become();

  const voices = (all) => ({
    say(method, params) {
      for (const stream of all()) write(stream, { method, params });
    },
    ask: (method, params) =>
      new Promise((resolve) => {
        const id = nextId++;
        questions.set(id, resolve);
        for (const stream of all()) write(stream, { id, method, params });
      }),
  });

  const server = createServer(async (req, res) => {
    for (const [name, value] of Object.entries(CORS)) res.setHeader(name, value);
    if (req.method === "OPTIONS") return void res.writeHead(204).end();
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const message = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {};
    if (message.method === "initialize") return initialize(res, message);
    if (!sessions.has(req.headers["mcp-session-id"])) return void res.writeHead(404).end("Session not found");
    if (req.method === "DELETE") return void res.writeHead(200).end();
    if (req.method === "GET") return open(res);
    received.push(message);
    if (message.id === undefined) return void res.writeHead(202).end();
    if (message.method === undefined) {
      questions.get(message.id)?.(message);
      return void res.writeHead(202).end();
    }
    await answer(res, message);
  });

  function initialize(res, { id, params }) {
    const session = randomUUID();
    sessions.add(session);
    const { capabilities, version, info } = script;
    const result = { protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: "scripted", version, ...info } };
    res.writeHead(200, { "content-type": "application/json", "mcp-session-id": session });
    res.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  }

  function open(res) {
    res.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    streams.add(res);
    res.once("close", () => streams.delete(res));
  }

  async function answer(res, { id, method, params }) {
    res.writeHead(200, { "content-type": "text/event-stream" });
    answering.add(res);
    res.once("close", () => answering.delete(res));
    const given = method === "ping" ? {} : script.answers[method];
    try {
      if (given === undefined) throw METHOD_NOT_FOUND;
      write(res, { id, result: await (typeof given === "function" ? given(params, voices(() => [res])) : given) });
    } catch (error) {
      write(res, { id, error });
    }
    res.end();
  }

  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    become,
    ...voices(() => streams),
    /** Requests, notifications and responses under sessions, in order. */
    get received() {
      return received;
    },
    /** How many standing streams are open. */
    get streams() {
      return streams.size;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function write(stream, message) {
  stream.write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
}
