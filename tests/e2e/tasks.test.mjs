// Tasks that are handed over from one session or page life to the next, in the package as it is installed, in Node.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { installed } from "./lib/install.mjs";
import { failure, peer, result } from "./lib/peers.mjs";
import { until } from "./lib/until.mjs";

const URL_ = "https://mcp.test/mcp";
const LEGACY = { era: "legacy", listen: "never" };
const MODERN = { era: "modern", listen: "never" };

let connect;
before(async () => ({ connect } = await import(`${await installed()}/node_modules/mcp-evergreen/index.js`)));

const settle = (promise) => promise.then((ok) => ({ ok }), (error) => ({ error }));

const [EARLY, LATE] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"];

/** A server of either era whose tasks are all called 1; `server.restart()` makes it number them anew. */
function taskServer({ pollInterval = 20 } = {}) {
  const server = { createdAt: EARLY, status: "working", isMute: false, restart: () => Object.assign(server, { createdAt: LATE, lost: true }) };
  const task = () => ({ taskId: "1", status: server.status, createdAt: server.createdAt, ttl: null, pollInterval, pollIntervalMs: pollInterval });
  const done = () => ({ content: [{ type: "text", text: server.createdAt }] });
  const on = (message, { headers }) => {
    const isModern = new Headers(headers).get("mcp-protocol-version") === "2026-07-28";
    if (!isModern && message.method === "initialize") server.lost = false;
    else if (!isModern && server.lost) return failure(message, 404, { code: -32001, message: "Session not found" });
    switch (message.method) {
      case "tools/list":
        return result(message, { tools: [{ name: "long", inputSchema: { type: "object" }, execution: { taskSupport: "required" } }] });
      case "tools/call":
        return result(message, isModern ? { resultType: "task", ...task() } : { task: task() });
      case "tasks/get":
        return server.isMute ? new Promise(() => {}) : result(message, { resultType: "complete", ...task(), result: server.status === "completed" ? done() : undefined });
      case "tasks/result":
        return result(message, done());
    }
    return undefined;
  };
  const own = peer(on, { capabilities: { tools: {}, tasks: { cancel: {}, requests: { tools: { call: {} } } } } });
  const count = (method) => own.sent.filter(({ message }) => message.method === method).length;
  return Object.assign(server, own, { count });
}

/** A call that has become a task, whose page is gone. */
async function leftTask(server, options) {
  const session = await connect(URL_, { ...options, fetch: server.fetch });
  await session.listTools();
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  const call = settle(session.callTool({ name: "long" }, { ontask: tell }));
  const task = await told;
  await session.close({ terminate: false });
  assert.equal((await call).error.code, "closed");
  return task;
}

for (const options of [LEGACY, MODERN]) {
  test(`a task that is resumed in a session that was made anew is the one of its time (${options.era})`, async () => {
    for (const restarts of [false, true]) {
      const server = taskServer();
      const { taskId, createdAt, status } = await leftTask(server, options);
      assert.deepEqual([taskId, createdAt, status], ["1", EARLY, "working"]);
      const cancelled = server.count("tasks/cancel");
      if (restarts) server.restart();
      const session = await connect(URL_, { ...options, fetch: server.fetch });
      server.status = "completed";
      const { ok, error } = await settle(session.resumeTask({ taskId, createdAt }));
      if (restarts) assert.deepEqual([error.code, error.outcome, server.count("tasks/result")], ["outcome_unknown", "unknown", 0]);
      else assert.equal(ok.content[0].text, EARLY);
      assert.equal((await session.resumeTask(taskId).catch((error) => error)).code, error?.code, "it is remembered by its id");
      assert.equal(server.count("tasks/cancel"), cancelled);
      await session.close();
    }
  });

  test(`a task that is resumed and given up is cancelled once it is known to be the same (${options.era})`, async () => {
    for (const [restarts, isMute, cancels] of [[false, false, 1], [false, true, 0], [true, true, 0]]) {
      const server = taskServer({ pollInterval: 60_000 });
      const task = await leftTask(server, options);
      const before = server.count("tasks/cancel");
      if (restarts) server.restart();
      server.isMute = isMute;
      const session = await connect(URL_, { ...options, fetch: server.fetch });
      const given = new AbortController();
      const resumed = settle(session.resumeTask(task, { signal: given.signal }));
      await until(() => server.count("tasks/get") > 0);
      await sleep(20);
      given.abort();
      assert.equal((await resumed).error.name, "AbortError");
      await session.verify();
      await sleep(20);
      assert.equal(server.count("tasks/cancel") - before, cancels, `${restarts} ${isMute}`);
      await session.close();
    }
  });
}

test("a pending task of a page that was loaded anew is resumed by its id as the one that it was", async () => {
  for (const [restarts, tasks] of [
    [false, [{ taskId: "1", name: "long", createdAt: EARLY }]],
    [true, [{ taskId: "1", name: "long", createdAt: EARLY }]],
    [false, [{ taskId: "1", name: "long" }]],
  ]) {
    const server = taskServer();
    server.status = "completed";
    const kept = new Map();
    const persist = { get: (key) => kept.get(key), set: (key, text) => void kept.set(key, text), remove: (key) => void kept.delete(key) };
    const record = { format: 2, at: Date.now(), owner: null, id: "session-of-before-0123456789", version: "2025-11-25", wireId: 2 ** 41, level: null, uris: [], handshake: JSON.stringify({ capabilities: { tools: {}, tasks: { cancel: {}, requests: { tools: { call: {} } } } }, serverInfo: { name: "s", version: "1" } }) };
    const binding = JSON.stringify(['{"name":"mcp-evergreen","version":"0.1.0"}', "{}", "legacy"]);
    kept.set(`mcp-evergreen:session:${JSON.stringify([URL_, null])}`, JSON.stringify({ name: `${Math.random()}`, binding, session: JSON.stringify(record), tasks }));
    const session = await connect(URL_, { ...LEGACY, fetch: server.fetch, persist });
    assert.deepEqual(JSON.parse(JSON.stringify(session.pendingTasks)), tasks);
    if (restarts) {
      server.restart();
      await session.verify();
    }
    const { ok, error } = await settle(session.resumeTask("1"));
    assert.deepEqual([ok?.content[0].text, error?.code], restarts ? [undefined, "outcome_unknown"] : [EARLY, undefined]);
    assert.deepEqual([session.pendingTasks, server.count("tasks/cancel")], [[], 0]);
    await session.close();
  }
});
