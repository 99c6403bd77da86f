// What the server really ran, beside what the caller was told: the packed package in Node, over real HTTP.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { installed } from "./lib/install.mjs";
import { listen } from "./lib/ports.mjs";

const { connect, SessionManager } = await import(pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/index.js`));

const NOT_FOUND = { jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } };
const json = (res, status, body, headers = {}) =>
  res.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const result = (message, text = "ok") => ({ jsonrpc: "2.0", id: message.id, result: { content: [{ type: "text", text }] } });

/**
 * A legacy server with a ledger. `call({ message, res, live, sid, run, refuse, stream, ask })` answers each `tools/call`;
 * `run()` enters it in the ledger; `ask()` puts a question on the standing stream, where there is one. `before(what, res,
 * n)` may take the n-th request of a kind: it returns true then.
 */
async function start(t, { call, before = () => false, streams = false } = {}) {
  const live = new Set();
  const ledger = [];
  const counts = {};
  let standing;
  const questions = new Map();
  const server = createServer(async (req, res) => {
    res.on("error", () => {});
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const message = chunks.length ? JSON.parse(Buffer.concat(chunks)) : {};
    const what = message.method ?? (req.method === "POST" ? "answer" : req.method);
    counts[what] = (counts[what] ?? 0) + 1;
    const sid = req.headers["mcp-session-id"];
    if (await before(what, res, counts[what], live)) return;
    if (what === "server/discover") return json(res, 400, { jsonrpc: "2.0", id: message.id, error: { code: -32601, message: "?" } });
    if (what === "initialize") {
      const id = randomUUID();
      live.add(id);
      const info = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "ledger", version: "1" } };
      return json(res, 200, { jsonrpc: "2.0", id: message.id, result: info }, { "mcp-session-id": id });
    }
    const refuse = () => json(res, 404, NOT_FOUND);
    if (what === "tools/call" && call) {
      const run = () => ledger.push(message.params.name);
      const ask = (method, params) =>
        new Promise((resolve) => {
          // A server that has no stream to ask on drops the question.
          if (!standing) return resolve(undefined);
          questions.set("q", resolve);
          standing.write(`data: ${JSON.stringify({ jsonrpc: "2.0", id: "q", method, params })}\n\n`);
        });
      return call({ message, res, live, sid, run, refuse, ask });
    }
    if (!live.has(sid)) return refuse();
    if (what === "GET" && streams) {
      standing = res.writeHead(200, { "content-type": "text/event-stream" });
      standing.flushHeaders();
      res.once("close", () => standing === res && (standing = undefined));
      return;
    }
    if (what === "GET") return res.writeHead(405).end();
    if (what === "answer") questions.get(message.id)?.(message.result);
    if (what === "tools/call") {
      ledger.push(message.params.name);
      return json(res, 200, result(message));
    }
    if (message.id === undefined || what === "answer") return res.writeHead(202).end();
    json(res, 200, { jsonrpc: "2.0", id: message.id, result: what === "tools/list" ? { tools: [] } : {} });
  });
  const port = await listen(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}/mcp`, live, counts, ran: (name) => ledger.filter((one) => one === name).length };
}

const ends = (promise) =>
  promise.then(
    ({ content }) => `ok ${content[0].text}`,
    ({ code, outcome }) => `${code} ${outcome}`,
  );

async function open(t, server, options) {
  const session = await connect(server.url, options);
  t.after(() => session.close().catch(() => {}));
  return session;
}

test("a gateway's 503 with Retry-After after the call ran is no licence to send it again", async (t) => {
  const server = await start(t, {
    call({ res, run }) {
      run();
      setTimeout(() => res.writeHead(503, { "content-type": "text/html", "retry-after": "1" }).end("<h1>Backend fetch failed"), 100);
    },
  });
  const session = await open(t, server);
  assert.equal(await ends(session.callTool({ name: "pay" }, { timeout: 5_000 })), "overloaded unknown");
  assert.equal(await ends(session.callTool({ name: "soon" }, { timeout: 900 })), "overloaded unknown", "no time to wait");
  await sleep(1_500);
  assert.deepEqual([server.ran("pay"), server.ran("soon")], [1, 1]);
});

test("other calls under way do not make a late refusal an early one", async (t) => {
  const server = await start(t, {
    async call({ message, live, sid, run, refuse }) {
      if (message.params.name === "slow") return;
      if (!live.has(sid)) return refuse();
      run();
      // The connection dies, and what is delivered once more meets another process.
      await sleep(3_500);
      live.clear();
      refuse();
    },
  });
  const session = await open(t, server);
  for (let n = 0; n < 24; n++) session.callTool({ name: "slow" }, { timeout: 20_000 }).catch(() => {});
  assert.equal(await ends(session.callTool({ name: "pay" }, { timeout: 15_000 })), "outcome_unknown unknown");
  assert.equal(server.ran("pay"), 1);
});

for (const mode of ["strict", "off"]) {
  test(`mode ${mode}: a call that is refused is not told as not executed`, async (t) => {
    const server = await start(t, {
      call({ run, live, refuse }) {
        run();
        live.clear();
        setTimeout(refuse, 100);
      },
    });
    const session = await open(t, server, { recovery: { mode } });
    assert.equal(await ends(session.callTool({ name: "pay" })), "session_lost unknown");
    assert.equal(server.ran("pay"), 1);
  });
}

test("an answer whose stream was open early, and which says late that the session is gone", async (t) => {
  const gone = JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32600, message: "Session not found" } });
  const server = await start(t, {
    async call({ message, res, live, sid, run }) {
      if (!live.has(sid)) return res.writeHead(200, { "content-type": "application/json" }).end(gone);
      run();
      if (message.params.name === "again") return json(res, 200, result(message));
      res.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      await sleep(3_200);
      live.clear();
      res.end(`data: ${gone}\n\n`);
    },
  });
  const session = await open(t, server);
  assert.equal(await ends(session.callTool({ name: "pay" })), "outcome_unknown unknown");
  assert.equal(server.ran("pay"), 1);
  assert.equal(await ends(session.callTool({ name: "again" })), "ok ok", "the session is made anew all the same");
});

test("evicted and called eight times in a row: each call heals within two seconds", async (t) => {
  const server = await start(t);
  const session = await open(t, server);
  for (let n = 0; n < 8; n++) {
    server.live.clear();
    assert.equal(await ends(session.callTool({ name: `t${n}` }, { timeout: 2_000 })), "ok ok");
    assert.equal(server.ran(`t${n}`), 1);
  }
  assert.equal(session.status.recoveries, 8);
});

test("one lost ping, and one lost handshake", async (t) => {
  const gone = { jsonrpc: "2.0", id: null, error: { code: -32603, message: "Session not found" } };
  let lost = true;
  const server = await start(t, {
    call({ message, res, live, sid, run }) {
      if (!live.has(sid)) return json(res, 500, gone);
      run();
      json(res, 200, result(message));
    },
    before(what, res, n, live) {
      if (what === "ping" && lost) return !(lost = false);
      if (what === "ping" && live.size === 0) return json(res, 500, gone), true;
      return what === "initialize" && n === 2;
    },
  });
  const session = await open(t, server);
  server.live.clear();
  assert.equal(await ends(session.callTool({ name: "pay" }, { timeout: 12_000 })), "ok ok");
  assert.deepEqual([server.ran("pay"), server.counts.initialize, server.counts.ping], [1, 3, 2]);
});

test("a call under way is answered though the new session takes its time", async (t) => {
  const server = await start(t, {
    async call({ message, res, live, sid, run, refuse }) {
      if (!live.has(sid)) return refuse();
      run();
      if (message.params.name === "long") await sleep(5_000);
      json(res, 200, result(message));
    },
    before: async (what, res, n) => {
      if (what === "initialize" && n === 2) await sleep(3_800);
      return false;
    },
  });
  const session = await open(t, server);
  const long = ends(session.callTool({ name: "long" }));
  await sleep(200);
  server.live.clear();
  assert.equal(await ends(session.callTool({ name: "short" })), "ok ok");
  assert.equal(await long, "ok ok");
  assert.deepEqual([server.ran("long"), server.ran("short")], [1, 1]);
});

test("questions on the standing stream reach the app in every first call after a recovery", async (t) => {
  const server = await start(t, {
    streams: true,
    async call({ message, res, live, sid, run, refuse, ask }) {
      if (!live.has(sid)) return refuse();
      run();
      const answer = await ask("elicitation/create", { message: "Really?", requestedSchema: { type: "object", properties: {} } });
      json(res, 200, result(message, answer?.action ?? "nobody heard"));
    },
  });
  const handlers = { "elicitation/create": () => ({ action: "accept", content: {} }) };
  const session = await open(t, server, { handlers });
  for (let n = 0; n < 20; n++) {
    server.live.clear();
    assert.equal(await ends(session.callTool({ name: `t${n}` })), "ok accept", `round ${n}`);
    assert.equal(server.ran(`t${n}`), 1);
  }
});

test("a server that is not there yet is waited for, by a manager and by whoever asks for it", async (t) => {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  const url = `http://127.0.0.1:${port}/mcp`;
  await assert.rejects(connect(url, { recovery: { baseDelay: 10 } }), ({ code }) => code === "network");
  const manager = new SessionManager({ recovery: { baseDelay: 20, maxDelay: 200 } });
  t.after(() => manager.close());
  const session = await manager.open("late", url);
  assert.equal(session.status.state, "waiting");
  assert.equal(session.status.lastError.code, "network");
  const real = createServer((req, res) => {
    let body = "";
    req.on("data", (chunk) => (body += chunk)).on("end", () => {
      const message = JSON.parse(body || "{}");
      if (message.method === "server/discover") return res.writeHead(404).end();
      if (message.id === undefined) return res.writeHead(message.method ? 202 : 405).end();
      const info = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "late", version: "1" } };
      json(res, 200, { jsonrpc: "2.0", id: message.id, result: message.method === "initialize" ? info : { content: [{ type: "text", text: "here" }] } });
    });
  });
  await new Promise((resolve) => real.listen(port, "127.0.0.1", resolve));
  t.after(() => {
    real.closeAllConnections();
    real.close();
  });
  assert.equal(await ends(session.callTool({ name: "x" })), "ok here");
  assert.equal(session.status.state, "ready");
});
