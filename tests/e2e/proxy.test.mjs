// The proxy itself: what it counts must be what happened.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { bareSession, endSession } from "./lib/bare_client.mjs";
import { listen } from "./lib/ports.mjs";
import * as proxying from "./lib/proxy.mjs";
import { typescriptSdk } from "./lib/servers.mjs";
import { until } from "./lib/until.mjs";

let server;
let proxy;

before(async () => {
  server = await typescriptSdk.start();
});
beforeEach(async () => {
  await proxy?.close();
  proxy = await proxying.startProxy(server.url);
});
after(async () => {
  await proxy?.close();
  await server?.kill();
});

test("a session is recorded in order, with labels in place of ids", async () => {
  const session = await bareSession(proxy.url);
  await session.call("echo", { message: "a" });
  await endSession(proxy.url, session.id);
  assert.deepEqual(proxy.recording.transcript(), [
    "initialize→200 s1",
    "notifications/initialized→202 s1",
    "tools/call→200 s1",
    "DELETE→200 s1",
  ]);
  assert.match(proxy.recording.records[2].said, /Echo: a/, "with the beginning of what was answered");
  assert.equal(proxy.recording.sessionId("s1"), session.id);
  await until(() => proxy.recording.records.every((record) => record.ended === "complete"));
});

test("a refused session keeps its label, the next one gets another", async () => {
  const first = await bareSession(proxy.url);
  await endSession(server.url, first.id);
  await first.call("echo", { message: "late" });
  await bareSession(proxy.url);
  assert.deepEqual(proxy.recording.transcript().slice(2), [
    "tools/call→404 s1",
    "initialize→200 s2",
    "notifications/initialized→202 s2",
  ]);
});

test("every call is counted by its key", async () => {
  const session = await bareSession(proxy.url);
  await Promise.all(["a", "b", "a"].map((key) => session.call("count", { key })));
  assert.deepEqual(proxy.recording.sends(), { a: 2, b: 1 });
  assert.deepEqual(proxy.recording.counts(), { initialize: 1, "notifications/initialized": 1, "tools/call": 3 });
  assert.deepEqual(server.executions.started(), { a: 2, b: 1 });
});

test("a reset never reaches the server; a lost answer did", async () => {
  const session = await bareSession(proxy.url);
  proxy.when({ key: "never" }, proxying.reset());
  proxy.when({ key: "lost" }, proxying.loseAnswer());
  await assert.rejects(session.call("count", { key: "never" }), TypeError);
  await assert.rejects(session.call("count", { key: "lost" }), TypeError);
  const executed = server.executions.started();
  assert.deepEqual([executed.never, executed.lost], [undefined, 1]);
  assert.deepEqual(proxy.recording.transcript(2), ["tools/call→reset s1", "tools/call→reset s1"]);
});

test("a cut body ends with an error, and the record says who ended it", async () => {
  const session = await bareSession(proxy.url);
  proxy.when({ tool: "echo" }, proxying.cutBody(10), { times: 1 });
  await assert.rejects(session.call("echo", { message: "cut" }), TypeError);
  assert.equal(proxy.recording.records.at(-1).ended, "cut by server");
  assert.equal((await session.call("echo", { message: "whole" })).status, 200);
});

test("a client that gives up is told apart from a server that does", async () => {
  const session = await bareSession(proxy.url);
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const stop = new AbortController();
  proxy.when({ rpc: "ping" }, proxying.hold());
  const given = assert.rejects(fetch(proxy.url, { method: "POST", body, headers: { "mcp-session-id": session.id }, signal: stop.signal }));
  await until(() => proxy.recording.counts().ping === 1);
  stop.abort();
  await given;
  await until(() => proxy.recording.records.at(-1).ended === "aborted by client");
  assert.equal(proxy.recording.transcript().at(-1), "ping→aborted s1");
});

test("a canned refusal is given as often as asked for", async () => {
  const session = await bareSession(proxy.url);
  proxy.when({ withSession: true }, proxying.refuse(), { times: 2 });
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await session.send("ping")).status);
  assert.deepEqual(statuses, [404, 404, 200]);
});

test("CORS headers pass, are added, hidden or stripped", async () => {
  const bare = createServer(({ method }, res) => res.writeHead(method === "OPTIONS" ? 405 : 200).end("ok"));
  const other = await proxying.startProxy(`http://127.0.0.1:${await listen(bare)}/mcp`, { cors: "add" });
  try {
    const shown = async (url) => {
      const { headers } = await fetch(url);
      return [headers.get("access-control-allow-origin"), headers.get("access-control-expose-headers")];
    };
    assert.deepEqual(await shown(other.url), ["*", "Mcp-Session-Id"]);
    assert.equal((await fetch(other.url, { method: "OPTIONS" })).status, 204, "a server without CORS refuses preflights");
    assert.deepEqual(await shown(proxy.url), ["*", "Mcp-Session-Id"]);
    proxy.cors = "hide-session-id";
    assert.deepEqual(await shown(proxy.url), ["*", null]);
    proxy.cors = "none";
    assert.deepEqual(await shown(proxy.url), [null, null]);
  } finally {
    await other.close();
    bare.closeAllConnections();
    bare.close();
  }
});

test("bodies stream: the first event arrives before the last is written", async () => {
  let end;
  const slow = createServer((_, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.write("data: first\n\n");
    end = () => res.end("data: last\n\n");
  });
  const other = await proxying.startProxy(`http://127.0.0.1:${await listen(slow)}/mcp`);
  try {
    const reader = (await fetch(other.url)).body.getReader();
    assert.match(Buffer.from((await reader.read()).value).toString(), /first/);
    end();
    assert.match(Buffer.from((await reader.read()).value).toString(), /last/);
  } finally {
    await other.close();
    slow.close();
  }
});
