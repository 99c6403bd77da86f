// A recording reverse proxy between browser and server. Every count in these tests is taken here.
// It passes bodies through as they come, and misbehaves on command.

import { Agent, createServer, request as httpRequest } from "node:http";
import { pipeline } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Recording } from "./recording.mjs";
import { listen } from "./ports.mjs";

const HOP_BY_HOP = ["connection", "keep-alive", "transfer-encoding"];
const OPEN_CORS = { "access-control-allow-origin": "*", "access-control-expose-headers": "Mcp-Session-Id" };
const PREFLIGHT_CORS = { ...OPEN_CORS, "access-control-allow-headers": "*", "access-control-allow-methods": "GET, POST, DELETE" };

/**
 * Starts a proxy in front of `target`, a URL. `cors` says what happens to the server's CORS headers:
 * `pass`, `add` (what is missing; preflights are answered here), `hide-session-id` (the expose header
 * goes), `none` (all go, from preflights too). `patience` is how long, in milliseconds, a request waits for a server that
 * refuses connections, as it does behind the front of a deploy. Both may be set at any time, and so may `target`. A
 * `gateway` answers 502 in place of a server that died; else the socket is destroyed, and a browser may send the request
 * once more by itself.
 */
export async function startProxy(target, { cors = "pass", patience = 0, gateway = false } = {}) {
  let upstream = new URL(target);
  const recording = new Recording();
  const rules = [];
  const open = new Set();
  // One connection per request: the proxy must not add stale connections of its own.
  const agent = new Agent({ keepAlive: false });

  const server = createServer({ keepAliveTimeout: 60_000 }, async (req, res) => {
    res.on("error", () => {});
    open.add(res);
    res.once("close", () => open.delete(res));
    const body = await readAll(req).catch(() => undefined);
    if (body === undefined) return;
    const record = recording.add(req, body);
    res.once("close", () => record.closed(res.writableFinished));

    if (record.preflight && proxy.cors === "add") return void res.writeHead(204, PREFLIGHT_CORS).end();
    const rule = rules.find((rule) => rule.times > 0 && !record.preflight && matches(rule.match, record));
    if (rule) rule.times -= 1;
    const action = rule?.action ?? pass();
    await action({ req, res, body, record, forward, corsHeaders: proxy.cors === "none" ? {} : OPEN_CORS });
  });

  /** Sends the request on. `head` may change the answer's headers, `cut` ends the body after so many bytes. */
  function forward(exchange, how = {}) {
    const { head = (headers) => headers, delay = 0, cut, lose = false, since = Date.now() } = how;
    const { req, res, body, record } = exchange;
    return new Promise((resolve) => {
      const onward = httpRequest({
        agent,
        host: upstream.hostname,
        port: upstream.port,
        path: req.url,
        method: req.method,
        headers: { ...without(req.headers, HOP_BY_HOP), host: upstream.host },
      });
      const giveUp = () => onward.destroy();
      res.once("close", giveUp);
      onward.once("close", () => res.off("close", giveUp));
      onward.once("error", async (error) => {
        if (error.code === "ECONNREFUSED" && Date.now() - since < proxy.patience && !res.destroyed) {
          await sleep(20);
          return resolve(forward(exchange, { ...how, since }));
        }
        if (gateway && !res.headersSent && !res.destroyed) {
          record.answer(502, {});
          res.writeHead(502, OPEN_CORS).end();
          return resolve();
        }
        if (!record.answered) record.reset();
        res.socket?.destroy();
        resolve();
      });
      onward.once("response", async (answer) => {
        answer.on("error", () => {});
        answer.once("close", () => answer.complete || record.cut());
        if (delay) await sleep(delay);
        record.answer(answer.statusCode, answer.headers);
        if (lose) {
          answer.resume().once("close", () => (record.reset(), res.socket?.destroy(), resolve()));
          return;
        }
        const headers = withCors(proxy.cors, without(answer.headers, HOP_BY_HOP));
        res.writeHead(answer.statusCode, head(headers));
        res.flushHeaders();
        if (cut !== undefined) {
          await passSome(answer, res, cut);
          record.cut();
          res.socket?.destroy();
          resolve();
        } else {
          answer.on("data", (chunk) => record.hear(chunk));
          pipeline(answer, res, () => resolve());
        }
      });
      onward.end(body);
    });
  }

  const port = await listen(server);
  const proxy = {
    cors,
    patience,
    recording,
    url: `http://127.0.0.1:${port}${upstream.pathname}`,
    set target(target) {
      upstream = new URL(target);
    },
    /** The proxy's address for another path of the target. */
    at: (path) => `http://127.0.0.1:${port}${path}`,
    /**
     * From here on (`times` times) requests that `match` are treated by `action`. `match` compares
     * fields of the record: `{ rpc: "tools/call" }`, `{ tool: "echo" }`, `{ withSession: true }`.
     * Returns the way to stop it.
     */
    when(match, action, { times = Infinity } = {}) {
      const rule = { match, action, times };
      rules.unshift(rule);
      return () => void (rule.times = 0);
    },
    /** Destroys the sockets of the answers and streams that have begun. */
    drop() {
      for (const res of open) if (res.headersSent) res.socket?.destroy();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

// ── What can be done to a request ──

/** Sends it on and passes the answer through. */
export const pass = () => (exchange) => exchange.forward(exchange);

/** Destroys the socket before any header; the server never sees the request. */
export const reset = () => (exchange) => {
  exchange.record.reset();
  exchange.res.socket?.destroy();
};

/** Lets the server work and destroys the socket in place of its answer. */
export const loseAnswer = () => (exchange) => exchange.forward(exchange, { lose: true });

/** Accepts it and never answers; the server never sees it. */
export const hold = () => () => {};

/** Sends the server's head only after `ms`. */
export const delayHead = (ms) => (exchange) => exchange.forward(exchange, { delay: ms });

/** Answers with headers, then with silence; the server never sees the request. */
export const headersThenSilence = (type = "text/event-stream") => ({ res, record, corsHeaders }) => {
  record.answer(200, {});
  res.writeHead(200, { "content-type": type, ...corsHeaders });
  res.flushHeaders();
};

/** Passes `bytes` bytes of the answer's body through, then destroys the socket. */
export const cutBody = (bytes) => (exchange) => exchange.forward(exchange, { cut: bytes });

/** Answers in the server's place. An object as `body` is sent as JSON; a function makes the body from the record. */
export const answer = ({ status = 200, headers = {}, body: given = "" }) => ({ res, record, corsHeaders }) => {
  const body = typeof given === "function" ? given(record) : given;
  const isText = typeof body === "string" || Buffer.isBuffer(body);
  record.answer(status, headers);
  res.writeHead(status, { ...(isText ? {} : { "content-type": "application/json" }), ...corsHeaders, ...headers });
  res.end(isText ? body : JSON.stringify(body));
};

/** Refuses it as a server does that has never heard of the session. */
export const refuse = () =>
  answer({ status: 404, body: { jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } } });

/** Passes the server's answer through without any CORS header. */
export const stripCors = () => (exchange) =>
  exchange.forward(exchange, { head: (headers) => withCors("none", headers) });

/**
 * The first handshake takes its time. A refusal counts as the gate's for five times as long at least (`gateMs` in
 * `stage.mjs`): on a machine that is busy, a server that was just started may need seconds for it.
 */
export const withLeisure = (proxy) => proxy.when({ rpc: "initialize" }, delayHead(LEISURE_MS), { times: 1 });
const LEISURE_MS = 800;

// ── Details ──

function matches(match, record) {
  return Object.entries(match).every(([field, wanted]) => record[field] === wanted);
}

function withCors(mode, headers) {
  switch (mode) {
    case "pass":
      return headers;
    case "add":
      return { ...OPEN_CORS, ...headers };
    case "hide-session-id":
      return without(headers, ["access-control-expose-headers"]);
    case "none":
      return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("access-control-")));
    default:
      throw new Error(`unknown CORS mode ${mode}`);
  }
}

function without(headers, names) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function passSome(from, to, bytes) {
  let left = bytes;
  for await (const chunk of from) {
    const part = chunk.subarray(0, left);
    left -= part.length;
    await new Promise((resolve) => to.write(part, resolve));
    if (left === 0) return;
  }
}
