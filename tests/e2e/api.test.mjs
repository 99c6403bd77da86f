// The session's own surface, and what each request carries.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { answer } from "./lib/proxy.mjs";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";

const wire = stage();

wire("every request carries what the specification asks for", { server: servers.pythonSdk }, async ({ recording, run }) => {
  await run(async () => {
    for (const message of ["a", "b", "c"]) await session.callTool({ name: "echo", arguments: { message } });
    await session.close();
  });
  const [first, ...later] = recording.records;
  assert.equal(first.rpc, "initialize");
  assert.equal(first.params.protocolVersion, "2025-11-25");
  assert.equal(first.withSession, false);
  for (const record of later) {
    assert.equal(record.session, "s1", String(record));
    assert.equal(record.headers["mcp-protocol-version"], "2025-11-25", String(record));
  }
  for (const record of recording.records.filter((record) => record.http === "POST")) {
    assert.match(record.headers["content-type"], /^application\/json/);
    assert.match(record.headers.accept, /application\/json/);
    assert.match(record.headers.accept, /text\/event-stream/);
  }
  const ids = recording.records.map((record) => record.rpcId).filter((id) => id !== undefined);
  assert.ok(ids.every(Number.isSafeInteger), "ids are integers");
  assert.equal(new Set(ids).size, ids.length, "and never used twice");
  assert.deepEqual(recording.transcript(), [
    "initialize→200 s1",
    "notifications/initialized→202 s1",
    "tools/call→200 s1",
    "tools/call→200 s1",
    "tools/call→200 s1",
    "DELETE→200 s1",
  ]);
});

wire("tells what the server said of itself", { server: servers.everything }, async ({ run }) => {
  const told = await run(async () => ({
    version: session.getServerVersion(),
    capabilities: session.getServerCapabilities(),
    instructions: session.getInstructions(),
    tools: (await session.listTools()).tools.map(({ name }) => name),
    resources: (await session.request("resources/list", {})).resources.length,
    status: session.status,
    frozen: Object.isFrozen(session.status),
    same: session.status === session.status,
  }));
  assert.match(told.version.name, /everything/);
  assert.ok(told.capabilities.tools);
  assert.ok(told.tools.includes("echo"));
  assert.ok(told.resources > 0);
  assert.equal(typeof told.instructions, "string");
  assert.equal(told.status.state, "ready");
  assert.equal(told.status.era, "legacy");
  assert.equal(told.status.protocolVersion, "2025-11-25");
  assert.equal(told.status.generation, 1);
  assert.ok(told.frozen && told.same);
});

wire("headers are asked for anew for each request", { server: servers.pythonSdk, connect: false }, async ({ proxy, recording, run }) => {
  await run(async ({ connect }, url) => {
    let n = 0;
    const session = await connect(url, { era: "legacy", headers: async ({ purpose }) => ({ "x-count": `${++n}`, "x-purpose": purpose }) });
    await session.callTool({ name: "echo", arguments: { message: "x" } });
    await session.close();
  }, proxy.url);
  assert.deepEqual(recording.records.map(({ headers }) => headers["x-count"]), ["1", "2", "3", "4"]);
  assert.ok(recording.records.every(({ headers }) => headers["x-purpose"]));
});

wire("headers that cannot be had keep the request from being sent, and the session lives", { server: servers.typescriptSdk, connect: false }, async ({ proxy, recording, run }) => {
  const [failed, text] = await run(async ({ connect, settle, text }, url) => {
    let signedIn = true;
    const headers = () => {
      if (signedIn) return { "x-token": "t" };
      throw new Error("signed out");
    };
    const session = await connect(url, { era: "legacy", headers });
    const echo = { name: "echo", arguments: { message: "x" } };
    signedIn = false;
    const failed = await settle(session.callTool(echo));
    signedIn = true;
    return [failed, text(await session.callTool(echo))];
  }, proxy.url);
  const { code, outcome, message, cause } = failed.error;
  assert.deepEqual([code, outcome, cause], ["invalid_option", "not_executed", "Error: signed out"]);
  assert.match(message, /headers/);
  assert.equal(text, "Echo: x");
  assert.deepEqual(recording.counts(), { initialize: 1, "notifications/initialized": 1, "tools/call": 1 });
});

wire("progress is reported while a call runs", { server: servers.everything }, async ({ run }) => {
  const progress = await run(async () => {
    const seen = [];
    const call = { name: "trigger-long-running-operation", arguments: { duration: 0.4, steps: 4 } };
    await session.callTool(call, { onprogress: ({ progress, total }) => seen.push([progress, total]) });
    return seen;
  });
  assert.deepEqual(progress, [[1, 4], [2, 4], [3, 4], [4, 4]]);
});

wire("a question of the server is answered by its handler", { server: servers.everything, connect: false }, async ({ proxy, recording, run }) => {
  const answered = await run(async ({ connect, text }, url) => {
    const handlers = {
      "sampling/createMessage": ({ messages }) => ({
        role: "assistant",
        model: "mine",
        content: { type: "text", text: `I was asked: ${messages[0].content.text}` },
      }),
    };
    const session = await connect(url, { era: "legacy", handlers });
    const result = text(await session.callTool({ name: "trigger-sampling-request", arguments: { prompt: "otters", maxTokens: 5 } }));
    await session.close();
    return result;
  }, proxy.url);
  assert.match(answered, /I was asked: .*otters/);
  assert.deepEqual(recording.records[0].params.capabilities.sampling, {});
  assert.equal(recording.counts().answer, 1);
});

wire("no session id appears in the status, in events or in errors", { server: servers.typescriptSdk, connect: false, leisure: true }, async ({ server, proxy, recording, run }) => {
  await run(async ({ connect }, url) => {
    globalThis.heard = [];
    const names = ["statechange", "recovering", "recovered", "notification", "warning", "wire", "close"];
    const on = Object.fromEntries(names.map((name) => [name, (detail) => heard.push([name, detail])]));
    globalThis.session = await connect(url, { era: "legacy", on });
    await session.callTool({ name: "echo", arguments: { message: "a" } });
  }, proxy.url);
  await server.restart();
  const heard = await run(async ({ settle }) => {
    const settled = await settle(session.callTool({ name: "fail_session", arguments: { key: "k" } }));
    const { status } = session;
    await session.close();
    return JSON.stringify({ heard, settled, status });
  });
  assert.match(heard, /recovered/);
  for (const label of ["s1", "s2"]) assert.ok(!heard.includes(recording.sessionId(label)), `the id of ${label}`);
});

wire("the wire event tells what the wire saw", { server: servers.typescriptSdk, connect: false, leisure: true }, async ({ server, proxy, recording, run }) => {
  await run(async ({ connect }, url) => {
    globalThis.seen = [];
    const wire = ({ phase, rpcMethod, method, status }) => phase === "answered" && seen.push(`${rpcMethod ?? method}→${status}`);
    globalThis.session = await connect(url, { era: "legacy", on: { wire } });
  }, proxy.url);
  await server.restart();
  const seen = await run(async () => {
    await session.callTool({ name: "echo", arguments: { message: "a" } });
    await session.close();
    return seen;
  });
  assert.deepEqual(seen, recording.transcript().map((line) => line.split(" ")[0]));
});

wire("close({ terminate: false }) leaves the session on the server", { server: servers.pythonSdk }, async ({ recording, run }) => {
  await run(() => session.close({ terminate: false }));
  await sleep(300);
  assert.equal(recording.counts().DELETE, undefined);
});

wire("arguments nested deeper than the engine writes are a TypeError, and nothing is sent", { server: servers.typescriptSdk }, async ({ proxy, recording, run }) => {
  proxy.when({ tool: "echo" }, answer({ status: 500 }));
  const mark = recording.records.length;
  const { error } = await run(async ({ settle }) => {
    let deep = [];
    for (let depth = 0; depth < 200_000; depth++) deep = [deep];
    return settle(session.callTool({ name: "echo", arguments: { deep } }));
  });
  // Chromium's JSON.stringify has no such limit.
  if (error.name === "McpError") return void assert.equal(recording.counts(mark)["tools/call"], 1);
  assert.deepEqual([error.name, error.message], ["TypeError", "params: cannot be written as JSON: is nested too deeply"]);
  assert.deepEqual(recording.transcript(mark), []);
});

wire("a session with Symbol.asyncDispose ends at the end of its block", { server: servers.pythonSdk, cannot: { webkit: "has no Symbol.asyncDispose" } }, async ({ recording, run }) => {
  await run(() => session[Symbol.asyncDispose]());
  assert.equal(recording.counts().DELETE, 1);
});

wire("off stops a listener; a listener that throws disturbs nobody", { server: servers.pythonSdk, leisure: true, uncaught: true }, async ({ server, page, run }) => {
  await run(() => {
    globalThis.heard = [];
    session.on("recovering", () => {
      throw new Error("a listener of the host");
    });
    session.on("recovering", () => heard.push("kept"));
    session.on("recovering", () => heard.push("gone"))();
  });
  await server.restart();
  const text = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(text, "Echo: x");
  assert.deepEqual(await run(() => heard), ["kept"]);
  assert.equal(page.errors.length, 1);
  assert.match(page.errors[0], /a listener of the host/);
});

wire("a manager gives one session per name, and two callers share one handshake", { server: servers.pythonSdk, connect: false }, async ({ proxy, recording, run }) => {
  const outcome = await run(async ({ SessionManager, settle, text }, url) => {
    const manager = new SessionManager({ era: "legacy", clientInfo: { name: "host", version: "1" } });
    const [a, b] = await Promise.all([manager.open("one", url), manager.open("one", url)]);
    const other = await settle(manager.open("one", `${url}?other`));
    const said = text(await manager.get("one").callTool({ name: "echo", arguments: { message: "x" } }));
    await manager.close();
    return { same: a === b, other: other.error?.message, said, closed: a.status.state };
  }, proxy.url);
  assert.equal(outcome.same, true);
  assert.match(outcome.other ?? "", /one/);
  assert.equal(outcome.said, "Echo: x");
  assert.equal(outcome.closed, "closed");
  assert.deepEqual(recording.counts(), { initialize: 1, "notifications/initialized": 1, "tools/call": 1, DELETE: 1 });
});

wire("the server is asked by a preflight once, for as long as it allows", { server: servers.pythonSdk }, async ({ recording, run }) => {
  await run(async () => {
    for (let i = 0; i < 5; i++) await session.callTool({ name: "echo", arguments: { message: "x" } });
    await Promise.all(Array.from({ length: 20 }, () => session.callTool({ name: "echo", arguments: { message: "x" } })));
  });
  assert.equal(recording.counts()["tools/call"], 25);
  // One for `initialize`, and one for the headers of a session.
  assert.equal(recording.preflights.length, 2);
});
