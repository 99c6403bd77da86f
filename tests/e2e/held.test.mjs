// What a session holds is there again after the server was killed and started anew, with nothing done by the app.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { cutBody } from "./lib/proxy.mjs";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";

const wire = stage();
const TEXT = "demo://resource/dynamic/text/1";

wire("server-everything: progress, log, updates, sampling, elicitation and roots work, and again after a restart", { server: servers.everything, connect: false }, async ({ server, proxy, recording, run }) => {
  await run(connectWithEverything, proxy.url);
  await run(async (_, uri) => {
    await session.setLoggingLevel("debug");
    await session.subscribeResource({ uri });
  }, TEXT);
  await streamOf(recording, "s1");
  const first = await run(useEverything);
  assertEverything(first);

  const mark = recording.records.length;
  await server.restart();
  // Nobody calls anything: the standing stream broke.
  await run(({ until }) => until(() => heard.recovered.length > 0));
  const [{ restored, lost, changed, stale, generation }] = await run(() => heard.recovered);
  assert.deepEqual({ restored: restored.sort(), lost, changed, stale, generation }, {
    restored: ["log level", `subscription ${TEXT}`],
    lost: [],
    changed: {},
    stale: [TEXT],
    generation: 2,
  });
  assert.deepEqual(await run(() => heard.updates.splice(0)), [{ uri: TEXT, stale: true }]);
  assert.deepEqual(await run(() => [heard.toolschange, heard.resourceschange, heard.promptschange].flat()), []);

  await streamOf(recording, "s2");
  assertEverything(await run(useEverything));
  assert.equal(await run(() => heard.recovered.length), 1);
  // While the server was away, it was asked for a new session in vain.
  const answered = recording.since(mark).filter(({ status }) => status !== "reset");
  const sent = (what) => answered.filter(({ rpc }) => rpc === what);
  assert.deepEqual(
    ["initialize", "resources/subscribe", "logging/setLevel"].map((rpc) => sent(rpc).length),
    [1, 1, 1],
    "each was put back once",
  );
  const params = (rpc) => sent(rpc)[0].params;
  assert.deepEqual(params("resources/subscribe"), { uri: TEXT });
  assert.deepEqual(params("logging/setLevel"), { level: "debug" });
  const streams = answered.filter(({ http, session, status }) => http === "GET" && session === "s2" && status === 200);
  assert.equal(streams.length, 1, "one standing stream");
  const { elicitation, roots } = params("initialize").capabilities;
  assert.deepEqual({ elicitation, roots }, { elicitation: { form: {}, url: {} }, roots: { listChanged: true } });
});

for (const kind of [servers.pythonSdk]) {
  wire(`${kind.name}: subscription and log level work, and again after a restart`, { server: kind, connect: false }, async ({ server, proxy, recording, run }) => {
    const touch = () => post(server, "/touch");
    const say = (level, text) => post(server, `/say?level=${level}&text=${text}`);
    await run(connectWithEverything, proxy.url);
    const uri = "test://clock";
    await run(async (_, uri) => {
      await session.subscribeResource({ uri });
      await session.setLoggingLevel("warning");
    }, uri);
    await streamOf(recording, "s1");
    const changes = async (round) => {
      await touch();
      await say("info", `quiet${round}`);
      await say("error", `loud${round}`);
      await run(({ until }) => until(() => heard.updates.length > 0 && heard.logs.length > 0));
      assert.deepEqual(await run(() => heard.updates.splice(0)), [{ uri }]);
      assert.deepEqual(await run(() => heard.logs.splice(0)), [{ level: "error", logger: "e2e", data: `loud${round}` }]);
    };
    await changes(1);

    await server.restart();
    await run(({ until }) => until(() => heard.recovered.length > 0));
    assert.deepEqual(await run(() => heard.updates.splice(0)), [{ uri, stale: true }]);
    await streamOf(recording, "s2");
    await changes(2);
    assert.equal(await run(async (_, uri) => (await session.readResource({ uri })).contents[0].text, uri), "1", "of the new process");

    await run((_, uri) => session.unsubscribeResource({ uri }).then(() => session.setLoggingLevel("emergency")), uri);
    await server.restart();
    await run(({ until }) => until(() => heard.recovered.length > 1));
    const second = (await run(() => heard.recovered))[1];
    assert.deepEqual({ restored: second.restored, stale: second.stale }, { restored: ["log level"], stale: [] });
    await streamOf(recording, "s3");
    await touch();
    await say("error", "quiet3");
    await say("emergency", "loud3");
    await run(({ until }) => until(() => heard.logs.length > 0));
    assert.deepEqual(await run(() => [heard.updates, heard.logs.map(({ data }) => data)]), [[], ["loud3"]]);
    const mark = recording.records.findLastIndex(({ rpc }) => rpc === "initialize");
    assert.equal(recording.counts(mark)["resources/subscribe"], undefined, "what was given up is not put back");
  });
}

wire("a stream that breaks is resumed where it broke: the tool runs once, and each step is told once", { server: servers.typescriptSdk, env: { RESUMABLE: "1" } }, async ({ server, proxy, recording, run }) => {
  // The first event says nothing but its id. The second one is cut, and so is the one with which it comes again.
  proxy.when({ tool: "steps" }, cutBody(150), { times: 1 });
  proxy.when({ http: "GET" }, cutBody(10), { times: 1 });
  const { counted, progress } = await run(async ({ text }) => {
    const progress = [];
    const onprogress = (step) => progress.push(step.progress);
    const call = session.callTool({ name: "steps", arguments: { key: "k", steps: 5 } }, { onprogress });
    return { counted: text(await call), progress };
  });
  assert.equal(counted, "counted k");
  assert.deepEqual(progress, [1, 2, 3, 4, 5]);
  assert.equal(recording.counts()["tools/call"], 1, "the call was sent once");
  assert.deepEqual(server.executions.started(), { k: 1 });
  const [call, ...resumptions] = recording.records.filter(({ http, tool }) => http === "GET" || tool);
  assert.deepEqual(resumptions.map(({ session }) => session), ["s1", "s1"]);
  assert.ok(resumptions.every(({ headers }) => headers["last-event-id"]), "from where it broke");
  assert.ok(resumptions[0].at - call.endedAt >= 150, `after ${resumptions[0].at - call.endedAt} ms; the server said 200`);
});

wire("what the app wants last counts, also where it says so while the session is made anew", { server: servers.pythonSdk, connect: false }, async ({ server, proxy, recording, run }) => {
  await run(connectWithEverything, proxy.url);
  await run(() => session.subscribeResource({ uri: "test://clock" }));
  await server.restart();
  const results = await run(({ settle }) =>
    Promise.all([
      settle(session.unsubscribeResource({ uri: "test://clock" })),
      settle(session.setLoggingLevel("error")),
      settle(session.subscribeResource({ uri: "test://other" })),
    ]));
  assert.deepEqual(results.map(({ error }) => error), [undefined, undefined, undefined]);
  await run(({ until }) => until(() => heard.recovered.length > 0));
  await streamOf(recording, "s2");
  await post(server, "/touch");
  await post(server, "/say?level=error&text=loud");
  await run(({ until }) => until(() => heard.logs.length > 0 && heard.updates.some(({ stale }) => !stale)));
  assert.deepEqual(await run(() => heard.updates.filter(({ stale }) => !stale)), [{ uri: "test://other" }]);
  const mark = recording.records.findLastIndex(({ rpc }) => rpc === "initialize");
  assert.equal(recording.counts(mark).initialize, 1);
});

wire("the standing stream is open while somebody listens, and no longer", { server: servers.typescriptSdk, connect: false }, async ({ proxy, recording, run }) => {
  const streams = () => recording.records.filter(({ http }) => http === "GET");
  await run(async ({ connect }, url) => void (globalThis.session = await connect(url, { era: "legacy", on: { recovered() {} } })), proxy.url);
  await sleep(300);
  assert.equal(streams().length, 0, "nobody listens");
  await run(() => void (globalThis.off = session.on("toolschange", () => {})));
  await streamOf(recording, "s1");
  await run(async ({ sleep }) => {
    // One gives way to another.
    off();
    globalThis.off = session.on("log", () => {});
    await sleep(300);
  });
  assert.deepEqual(streams().map(({ status, ended }) => [status, ended]), [[200, undefined]]);
  await run(() => off());
  await until(() => streams().every(({ ended }) => ended === "aborted by client"));
  assert.equal(streams().length, 1);
});

wire("a manager's listener opens the stream of each session", { server: servers.typescriptSdk, connect: false }, async ({ proxy, recording, run }) => {
  await run(async ({ SessionManager }, url) => {
    const manager = new SessionManager();
    await manager.open("one", url);
    await manager.open("two", url);
    manager.on("notification", () => {});
    globalThis.manager = manager;
  }, proxy.url);
  for (const session of ["s1", "s2"]) await streamOf(recording, session);
  assert.equal(recording.counts().GET, 2);
  await run(() => manager.close());
  assert.equal(recording.counts().DELETE, 2);
});

wire("six busy streams hold all connections: an abort still gets through at once", { server: servers.typescriptSdk }, async ({ server, recording, run }) => {
  const slow = () => recording.records.filter(({ tool }) => tool === "slow");
  await run(({ settle }) => {
    globalThis.stops = Array.from({ length: 6 }, () => new AbortController());
    globalThis.calls = stops.map(({ signal }, i) =>
      settle(session.callTool({ name: "slow", arguments: { key: `k${i}`, seconds: 100 } }, { signal, timeout: 100_000 })));
  });
  await until(() => Object.keys(server.executions.started()).length === 6);
  const { rejected, echoed } = await run(async ({ text }) => {
    let rejected = false;
    void calls[2].then(({ error }) => (rejected = error.message));
    stops[2].abort(new Error("enough"));
    // What needs no answer of the server's has happened before the next task.
    await new Promise((resolve) => setTimeout(resolve));
    return { rejected, echoed: text(await session.callTool({ name: "echo", arguments: { message: "through" } })) };
  });
  assert.equal(rejected, "enough", "it was rejected at once");
  assert.equal(echoed, "Echo: through");
  await until(() => recording.counts()["notifications/cancelled"] === 1);
  assert.equal(slow().length, 6);
  const cancelled = recording.records.find(({ rpc }) => rpc === "notifications/cancelled");
  assert.deepEqual(cancelled.params, { requestId: slow().find(({ key }) => key === "k2").rpcId });
  await until(() => slow().find(({ key }) => key === "k2").ended === "aborted by client");
  assert.deepEqual(slow().filter(({ ended }) => ended).map(({ key }) => key), ["k2"], "while the others held their connections");
  await run(() => {
    for (const stop of stops) stop.abort();
    return Promise.all(calls);
  });
});

// ── Details ──

// In the page: `session` answers all questions, `heard` is what it told.
async function connectWithEverything({ connect }, url) {
  globalThis.heard = { logs: [], updates: [], recovered: [], toolschange: [], resourceschange: [], promptschange: [], asked: [] };
  const asked = (what, { server }) => heard.asked.push([what, server.name]);
  globalThis.session = await connect(url, { era: "legacy",
    // A session that nobody waits for comes back at its leisure, unless the delays are short.
    recovery: { baseDelay: 100, maxDelay: 400 },
    capabilities: { elicitation: { form: {}, url: {} }, roots: { listChanged: true } },
    handlers: {
      "sampling/createMessage": ({ messages }, context) => {
        asked("sampling", context);
        return { role: "assistant", model: "m", content: { type: "text", text: `I was asked: ${messages[0].content.text}` } };
      },
      "elicitation/create": (params, context) => {
        asked("elicitation", context);
        return { action: "accept", content: { name: "Otto", integer: 7 } };
      },
      "roots/list": (params, context) => {
        asked("roots", context);
        return { roots: [{ uri: "file:///otters", name: "Otters" }] };
      },
    },
    on: {
      log: (message) => heard.logs.push(message),
      resourceupdate: (update) => heard.updates.push(update),
      recovered: (detail) => heard.recovered.push(detail),
      toolschange: (detail) => heard.toolschange.push(detail),
      resourceschange: (detail) => heard.resourceschange.push(detail),
      promptschange: (detail) => heard.promptschange.push(detail),
    },
  });
}

/** Waits until the standing stream of this session is open. */
function streamOf(recording, session) {
  const isOpen = (record) => record.http === "GET" && record.session === session && record.status === 200 && !record.ended;
  return until(() => recording.records.some(isOpen), `the standing stream of ${session}`);
}

// In the page: has the server do all that it can.
async function useEverything({ until, text }) {
  const call = async (name, args = {}, options) => text(await session.callTool({ name, arguments: args }, options));
  const progress = [];
  const onprogress = (step) => progress.push(step);
  const worked = await call("trigger-long-running-operation", { duration: 0.4, steps: 4 }, { onprogress });
  heard.logs.length = 0;
  await call("toggle-simulated-logging");
  await until(() => heard.logs.some(({ data }) => /level.message/.test(data)));
  const updatesBefore = heard.updates.length;
  await call("toggle-subscriber-updates");
  await until(() => heard.updates.length > updatesBefore);
  const used = {
    progress,
    worked,
    log: heard.logs.find(({ data }) => /level.message/.test(data)),
    update: heard.updates.splice(0)[0],
    sampled: await call("trigger-sampling-request", { prompt: "otters", maxTokens: 5 }),
    elicited: await call("trigger-elicitation-request"),
    roots: await call("get-roots-list"),
    asked: heard.asked.splice(0),
  };
  heard.logs.length = 0;
  return used;
}

function assertEverything({ progress, worked, log, update, sampled, elicited, roots, asked }) {
  assert.deepEqual(progress, [1, 2, 3, 4].map((step) => ({ progress: step, total: 4 })));
  assert.match(worked, /completed/);
  assert.equal(typeof log?.level, "string");
  assert.deepEqual(update, { uri: TEXT });
  assert.match(sampled, /I was asked: .*otters/);
  // What the handler did not say came from the defaults of the form.
  assert.match(elicited, /Name: Otto/);
  assert.match(elicited, /"integer": 7/);
  assert.match(elicited, /"firstLine": "It was a dark and stormy night\."/);
  assert.match(elicited, /"untitledMultipleSelectEnum": \[\s*"Guitar"\s*\]/);
  assert.doesNotMatch(elicited, /"email"/);
  assert.match(roots, /Otters/);
  assert.deepEqual([...new Set(asked.map(([what]) => what))].sort(), ["elicitation", "roots", "sampling"]);
  for (const [, name] of asked) assert.equal(name, "mcp-servers/everything");
}

async function post(server, path) {
  const response = await fetch(new URL(path, server.url), { method: "POST" });
  assert.equal(response.status, 200, await response.text());
}
