// An evicted session heals, and the wire shows no more than it must.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { endSession } from "./lib/bare_client.mjs";
import { answer, refuse } from "./lib/proxy.mjs";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";

const wire = stage();
/** The least milliseconds between two attempts of a session that nobody waits for: the first time, and later on. */
const PAUSES = { baseDelay: 500, maxDelay: 1_000 };
const REAL = [
  [servers.everything, 400],
  [servers.pythonSdk, 404],
  [servers.pythonSdkJson, 404],
  [servers.typescriptSdk, 404],
  [servers.typescriptSdkJson, 400],
];

for (const [kind, refusal] of REAL) {
  wire(`${kind.name}: restarted, then 50 calls at once: one initialize, each refused call once more`, { server: kind, leisure: true }, async ({ server, recording, run }) => {
    const whoami = () =>
      run(async ({ text }, whoami) => text(await session.callTool(whoami)), kind.whoami);
    const first = [server.pid, await whoami()];
    await server.restart();
    const mark = recording.records.length;

    const results = await run(async ({ settle, text }) => {
      const echo = (message) => session.callTool({ name: "echo", arguments: { message } }).then(text);
      return Promise.all(Array.from({ length: 50 }, (_, i) => settle(echo(`m${i}`))));
    });
    assert.deepEqual(results.map(({ ok, error }) => ok ?? error), Array.from({ length: 50 }, (_, i) => `Echo: m${i}`));

    const summary = recording.summary(mark);
    const refused = summary[`tools/call→${refusal} s1`];
    assert.ok(refused >= 1 && refused <= 50, `${refused} calls were refused`);
    assert.deepEqual(summary, {
      [`tools/call→${refusal} s1`]: refused,
      "initialize→200 s2": 1,
      "notifications/initialized→202 s2": 1,
      "tools/call→200 s2": 50,
    });
    assertEachSentAgainOnce(recording.since(mark), refusal);
    assertGatedByHandshake(recording.since(mark));

    const second = [server.pid, await whoami()];
    assert.notEqual(second[0], first[0], "another process");
    assert.notEqual(second[1], first[1], "a value that only the second process knows");
    const { generation, recoveries, state } = await run(() => session.status);
    assert.deepEqual({ generation, recoveries, state }, { generation: 2, recoveries: 1, state: "ready" });
  });

  wire(`${kind.name}: DELETEd behind the client's back, the next call heals`, { server: kind, leisure: true }, async ({ server, recording, run }) => {
    assert.equal(await endSession(server.url, recording.sessionId("s1")), 200);
    const text = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
    assert.equal(text, "Echo: x");
    assert.deepEqual(recording.transcript(), [
      "initialize→200 s1",
      "notifications/initialized→202 s1",
      `tools/call→${refusal} s1`,
      "initialize→200 s2",
      "notifications/initialized→202 s2",
      "tools/call→200 s2",
    ]);
    const told = await run(() => told.filter(({ event }) => event === "recovering" || event === "recovered").map(({ event }) => event));
    assert.deepEqual(told, ["recovering", "recovered"]);
  });
}

wire("Python SDK: idled out, the next call heals", { server: servers.pythonSdk, leisure: true, env: { IDLE_TIMEOUT: "1.5" } }, async ({ recording, run }) => {
  await sleep(3_000);
  const text = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(text, "Echo: x");
  assert.deepEqual(recording.transcript(2), [
    "tools/call→404 s1",
    "initialize→200 s2",
    "notifications/initialized→202 s2",
    "tools/call→200 s2",
  ]);
});

wire("a write that was refused at the gate runs once", { server: servers.pythonSdk, leisure: true }, async ({ server, recording, run }) => {
  await server.restart();
  const results = await run(async ({ settle }) => {
    const count = (key) => session.callTool({ name: "count", arguments: { key } });
    return Promise.all(["a", "b", "c"].map((key) => settle(count(key))));
  });
  assert.deepEqual(results.map(({ error }) => error), [undefined, undefined, undefined]);
  assert.deepEqual(server.executions.started(), { a: 1, b: 1, c: 1 });
  assert.equal(recording.counts().initialize, 2);
});

wire("refused again right after recovery: an error, and nothing is sent a third time", { server: servers.pythonSdk, leisure: true }, async ({ proxy, recording, run }) => {
  proxy.when({ rpc: "tools/call" }, refuse());
  const { error } = await run(({ settle }) => settle(session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(error.name, "McpError");
  assert.equal(error.code, "session_lost");
  assert.equal(error.outcome, "unknown");
  assert.match(error.message, /refused the new session too.*not sent a third time/);
  await run(() => session.ping());
  await sleep(500);
  assert.deepEqual(recording.transcript().slice(2, 6), [
    "tools/call→404 s1",
    "initialize→200 s2",
    "notifications/initialized→202 s2",
    "tools/call→404 s2",
  ]);
  assert.equal(recording.counts()["tools/call"], 2);
});

wire("every new session is refused too: an error after two attempts, then waiting, then back by itself", { server: servers.pythonSdk, leisure: true, connect: { recovery: PAUSES } }, async ({ proxy, recording, run }) => {
  const stop = proxy.when({ withSession: true }, refuse());
  const { error, status, at } = await run(failedCall);
  assert.equal(error.name, "McpError");
  assert.equal(error.code, "session_lost");
  assert.equal(error.outcome, "unknown");
  assert.deepEqual(recording.since(2).filter((record) => record.at <= at).map(String), [
    "tools/call→404 s1",
    "initialize→200 s2",
    "notifications/initialized→404 s2",
    "initialize→200 s3",
    "notifications/initialized→404 s3",
  ]);
  assert.equal(status.state, "waiting");
  assert.ok(status.waitingFor.why && status.waitingFor.until >= at, JSON.stringify(status));
  assert.equal(status.lastError, "rpc", "the refusal, as the server said it");

  // Each attempt is refused at its second request.
  const attempts = () => recording.since(3).filter(({ rpc }) => rpc === "initialize");
  await until(() => attempts().length >= 5);
  const refused = recording.since(3).filter(({ rpc }) => rpc === "notifications/initialized");
  const pauses = attempts().slice(2).map(({ at }, n) => at - refused[n + 1].answeredAt);
  // Timers and clocks round.
  for (const [n, pause] of pauses.entries()) assert.ok(pause >= (n === 0 ? PAUSES.baseDelay : PAUSES.maxDelay) - 20, `pauses of ${pauses} ms`);
  stop();
  await run(({ until }) => until(() => session.status.state === "ready"));
  const text = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(text, "Echo: x");
});

wire("initialize is refused for a while: calls settle, the session waits and comes back by itself", { server: servers.pythonSdk, leisure: true, connect: { recovery: PAUSES } }, async ({ proxy, server, recording, run }) => {
  await server.restart();
  const mark = recording.records.length;
  const stop = proxy.when({ rpc: "initialize" }, answer({ status: 503, body: "upgrading" }));
  const { error, status, at } = await run(failedCall);
  assert.equal(error.name, "McpError");
  assert.equal(error.outcome, "unknown");
  const attempts = recording.since(mark).filter((record) => record.rpc === "initialize" && record.at <= at);
  assert.equal(attempts.length, 2, "the call waits for two attempts");
  assert.equal(status.state, "waiting");
  stop();
  await run(({ until }) => until(() => session.status.state === "ready"));
});

for (const kind of [servers.pythonSdk, servers.typescriptSdk, servers.typescriptSdkJson]) {
  wire(`${kind.name}: a tool that throws "Session not found" on a live session: a ping decides, the error is the answer`, { server: kind }, async ({ server, recording, run }) => {
    const { error } = await run(({ settle }) => settle(session.callTool({ name: "fail_session", arguments: { key: "thrown" } })));
    assert.equal(error.code, "rpc");
    assert.equal(error.rpcCode, -32600);
    assert.match(error.message, /Session not found/);
    assert.deepEqual(recording.transcript(2), ["tools/call→200 s1", "ping→200 s1"]);
    assert.deepEqual(server.executions.started(), { thrown: 1 });
    assert.equal(await run(() => session.status.generation), 1);
  });
}

wire("close ends the session on the server, and nothing follows", { server: servers.pythonSdk }, async ({ recording, run }) => {
  await run(() => session.close());
  const { error } = await run(({ settle }) => settle(session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(error.code, "closed");
  assert.equal(await run(() => session.status.state), "closed");
  await sleep(500);
  assert.deepEqual(recording.transcript(2), ["DELETE→200 s1"]);
});

wire("verify proves a live session by one ping", { server: servers.typescriptSdk }, async ({ recording, run }) => {
  const { began, state, verifiedAt } = await run(async () => {
    const began = Date.now();
    const { state, verifiedAt } = await session.verify();
    return { began, state, verifiedAt };
  });
  assert.equal(state, "ready");
  assert.ok(verifiedAt >= began, "the server's last word is fresh");
  assert.deepEqual(recording.transcript(2), ["ping→200 s1"]);
});

wire("verify heals a session that was evicted", { server: servers.typescriptSdk }, async ({ server, recording, run }) => {
  await server.restart();
  const status = await run(() => session.verify());
  assert.equal(status.state, "ready");
  assert.equal(status.generation, 2);
  assert.deepEqual(recording.transcript(2).slice(0, 3), [
    "ping→404 s1",
    "initialize→200 s2",
    "notifications/initialized→202 s2",
  ]);
  assert.equal(recording.counts(2).initialize, 1);
});

// Runs in the page: how a call failed, how things stood then, and when that was.
async function failedCall({ settle }) {
  const { error } = await settle(session.callTool({ name: "echo", arguments: { message: "x" } }));
  return { error, status: { ...session.status, lastError: session.status.lastError.code }, at: Date.now() };
}

/** A refused call is sent once more, under another id; a call that was not refused is not sent again. */
function assertEachSentAgainOnce(records, refusal) {
  const calls = group(records);
  for (const [key, sent] of calls) {
    if (key === undefined) continue;
    const statuses = sent.map((record) => record.status);
    assert.deepEqual(statuses, statuses.length === 1 ? [200] : [refusal, 200], `the sends of ${key}`);
    assert.equal(new Set(sent.map((record) => record.rpcId)).size, sent.length, `${key} has a new id when sent again`);
  }
}

/** Nothing goes out under the new session before `initialized` was answered. */
function assertGatedByHandshake(records) {
  const initialized = records.find((record) => record.rpc === "notifications/initialized");
  for (const record of records.filter((record) => record.session === "s2" && record.tool)) {
    assert.ok(record.at >= initialized.answeredAt, "a call waits for the answer to initialized");
  }
}

function group(records) {
  const groups = new Map();
  for (const record of records) groups.set(record.key, [...(groups.get(record.key) ?? []), record]);
  return groups;
}
