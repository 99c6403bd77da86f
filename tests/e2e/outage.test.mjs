// Servers that die, stop or fall silent: every call settles, and nothing runs twice.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { headersThenSilence, hold } from "./lib/proxy.mjs";
import { tally } from "./lib/recording.mjs";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";

const wire = stage();
const KINDS = [servers.pythonSdk, servers.pythonSdkJson, servers.typescriptSdk, servers.typescriptSdkJson];

// Six connections per origin are all that a browser has: six calls run when the server dies, the others queue.
const RUNNING = 6;

for (const kind of [...KINDS, servers.everything]) {
  for (const [how, patience] of [["its port closed for a while", 0], ["requests wait for the new one", 10_000]]) {
    wire(`${kind.name}: killed during 50 calls, ${how}: each is ok or of unknown outcome, none runs twice`, { server: kind }, async ({ server, proxy, recording, run }) => {
      proxy.patience = patience;
      const calls = run(
        ({ settle, text }, each) => Promise.all(each.map((params) => settle(session.callTool(params).then(text)))),
        Array.from({ length: 50 }, (_, i) => kind.slow(`k${i}`, i < RUNNING ? 60 : 0.1)),
      );
      await until(() => recording.records.filter(({ key }) => key).length >= RUNNING);
      // Longer than a refusal at the gate takes: what the browser sends again by itself is late.
      await sleep((await run(() => gateMs())) + 1_000);
      await server.restart();

      const results = await calls;
      for (const [i, { ok, error }] of results.entries()) {
        if (error) assert.equal(error.outcome, "unknown", `k${i}: ${JSON.stringify(error)}`);
        else assert.match(ok, /counted k|completed/);
        if (i < RUNNING) assert.equal(error?.outcome, "unknown", `k${i} was running`);
      }
      assertNoneTwice(server.executions.started());
      assertNoneTwice(tally(recording.records.filter(({ key, status }) => key && status === 200).map(({ key }) => key)));

      const again = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
      assert.equal(again, "Echo: x", "and the session works");
      // Attempts that the dead server never saw are not counted.
      assert.equal(recording.records.filter(({ rpc, status }) => rpc === "initialize" && status === 200).length, 2);
    });
  }
}

wire("killed for good: every pending call and every later one settles within its time-out", { server: servers.pythonSdk }, async ({ server, run }) => {
  const calls = run(async ({ settle }) => {
    const slow = (key) => session.callTool({ name: "slow", arguments: { key, seconds: 60 } }, { timeout: 3_000 });
    return Promise.all(Array.from({ length: 10 }, (_, i) => settle(slow(`k${i}`))));
  });
  await until(() => Object.keys(server.executions.started()).length > 0);
  await server.kill();
  for (const settled of await calls) assertSettledIn(3_000, settled);

  const later = await run(({ settle }) => {
    const echo = () => session.callTool({ name: "echo", arguments: { message: "x" } }, { timeout: 2_000 });
    return Promise.all(Array.from({ length: 10 }, () => settle(echo())));
  });
  for (const settled of later) assertSettledIn(2_000, settled);
});

wire("a server that is not there: connect rejects and says so", { target: () => "http://127.0.0.1:9/mcp", connect: false }, async ({ connect }) => {
  const { error, took } = await connect({ timeout: 3_000 });
  assert.equal(error.name, "McpError");
  assert.ok(["network", "cors"].includes(error.code), error.code);
  assert.equal(error.outcome, "not_executed");
  assert.ok(took < 3_000 + SLACK, `after ${took} ms`);
});

wire("stopped (SIGSTOP): accepts, never answers; calls time out, and work again when it goes on", { server: servers.pythonSdk }, async ({ server, run }) => {
  const running = run(({ settle }) => {
    const slow = (key) => session.callTool({ name: "slow", arguments: { key, seconds: 100 } }, { timeout: 5_000 });
    return Promise.all(["a", "b", "c"].map((key) => settle(slow(key))));
  });
  await until(() => Object.keys(server.executions.started()).length === 3);
  server.freeze();
  const called = await run(({ settle }) => {
    const count = (key) => session.callTool({ name: "count", arguments: { key } }, { timeout: 2_000 });
    return Promise.all(Array.from({ length: 10 }, (_, i) => settle(count(`k${i}`))));
  });
  for (const settled of await running) assertSettledIn(5_000, settled);
  for (const settled of called) {
    assertSettledIn(2_000, settled);
    assert.equal(settled.error.code, "timeout");
    assert.equal(settled.error.outcome, "unknown");
  }
  server.thaw();
  const text = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(text, "Echo: x");
});

for (const type of ["text/event-stream", "application/json"]) {
  wire(`headers (${type}), then silence: calls time out, the next one works`, { server: servers.typescriptSdk }, async ({ proxy, recording, run }) => {
    const stop = proxy.when({ rpc: "tools/call" }, headersThenSilence(type));
    const results = await run(({ settle }) => {
      const echo = (message) => session.callTool({ name: "echo", arguments: { message } }, { timeout: 1_500 });
      return Promise.all(Array.from({ length: 10 }, (_, i) => settle(echo(`m${i}`))));
    });
    for (const settled of results) {
      assertSettledIn(1_500, settled);
      assert.equal(settled.error.code, "timeout");
    }
    stop();
    const text = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
    assert.equal(text, "Echo: x");
    assert.equal(recording.counts().initialize, 1, "silence is no eviction");
    await until(() => recording.records.every((record) => record.ended));
  });
}

wire("silence during recovery: the parked calls time out too", { server: servers.pythonSdk }, async ({ server, proxy, run }) => {
  await server.restart();
  proxy.when({ rpc: "initialize" }, hold());
  const results = await run(({ settle }) => {
    const echo = (message) => session.callTool({ name: "echo", arguments: { message } }, { timeout: 2_000 });
    return Promise.all(Array.from({ length: 10 }, (_, i) => settle(echo(`m${i}`))));
  });
  for (const settled of results) assertSettledIn(2_000, settled);
});

wire("an aborted call rejects at once with the signal's reason, and the server is told", { server: servers.pythonSdk }, async ({ server, recording, run }) => {
  await run(() => {
    globalThis.controller = new AbortController();
    globalThis.call = session.callTool({ name: "slow", arguments: { key: "k", seconds: 100 } }, { signal: controller.signal });
    call.catch(() => {});
  });
  await until(() => server.executions.started().k === 1);
  const rejected = await run(async () => {
    const reason = new Error("enough");
    let rejected = "not yet";
    call.catch((error) => (rejected = error === reason));
    controller.abort(reason);
    // What needs no answer of the server's has happened before the next task.
    await new Promise((resolve) => setTimeout(resolve));
    return rejected;
  });
  assert.equal(rejected, true);
  await until(() => recording.counts()["notifications/cancelled"] === 1);
});

wire("a signal that is aborted already sends nothing", { server: servers.pythonSdk }, async ({ recording, run }) => {
  const { error } = await run(({ settle }) => settle(session.callTool({ name: "echo", arguments: { message: "x" } }, { signal: AbortSignal.abort() })));
  assert.ok(error);
  await run(() => session.ping());
  assert.deepEqual(recording.transcript(2), ["ping→200 s1"]);
});

function assertNoneTwice(times) {
  for (const [key, n] of Object.entries(times)) assert.equal(n, 1, `${key} ran ${n} times`);
}

/** Milliseconds by which a busy machine may be late; the calls would last far longer than that. */
const SLACK = 20_000;

/** Settled with an error that says what is known, after its time-out at the latest. */
function assertSettledIn(timeout, { error, took }) {
  assert.equal(error?.name, "McpError", JSON.stringify(error));
  assert.ok(["unknown", "not_executed"].includes(error.outcome), error.outcome);
  assert.ok(took < timeout + SLACK, `settled after ${took} ms`);
}
