// What the caller gets wrong, and what servers get wrong.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";
import { startHostile } from "./servers/hostile.mjs";

const wire = stage();
let hostile;
before(async () => (hostile = await startHostile()));
after(() => hostile?.close());

// ── The caller ──

// [the options, as source; what the message must name]
const BAD_OPTIONS = [
  ["5", "options"],
  ["{ retries: 3 }", "retries"],
  ["{ timeOut: 3 }", "timeOut"],
  ['{ timeout: "3s" }', "timeout"],
  ["{ timeout: -1 }", "timeout"],
  ["{ timeout: NaN }", "timeout"],
  ["{ maxTotalTimeout: {} }", "maxTotalTimeout"],
  ['{ maxMessageBytes: "64" }', "maxMessageBytes"],
  ["{ maxEventBytes: -5 }", "maxEventBytes"],
  ['{ clientInfo: "me" }', "clientInfo"],
  ["{ clientInfo: { name: 1, version: '1' } }", "clientInfo"],
  ["{ capabilities: 5 }", "capabilities"],
  ["{ capabilities: { sampling: {} } }", "sampling"],
  ["{ handlers: { 'roots/list': 5 } }", "roots/list"],
  ["{ on: { recovering: 5 } }", "recovering"],
  ["{ on: { recoverd() {} } }", "recoverd"],
  ["{ headers: 5 }", "headers"],
  ["{ headers: { 'bad name': 'x' } }", "headers"],
  ["{ fetch: 5 }", "fetch"],
  ["{ credentials: 'maybe' }", "credentials"],
  ["{ recovery: { mode: 'sometimes' } }", "mode"],
  ["{ recovery: { tries: 3 } }", "tries"],
  ["{ recovery: { maxAttempts: '3' } }", "maxAttempts"],
  ["{ trustAnnotations: 'yes' }", "trustAnnotations"],
];

wire("a bad option rejects with a TypeError that names it, before any request", { target: () => hostile.at("html"), connect: false }, async ({ proxy, recording, run }) => {
  const settled = await run(
    (kit, url, sources) => Promise.all(sources.map((source) => kit.settle(kit.connect(url, (0, eval)(`(${source})`))))),
    proxy.url,
    BAD_OPTIONS.map(([source]) => source),
  );
  for (const [i, [source, named]] of BAD_OPTIONS.entries()) assertTypeError(settled[i], named, source);
  assert.deepEqual(recording.transcript(), []);
  assert.equal(recording.preflights.length, 0);
});

wire("a URL that is none, or not http(s), rejects with a TypeError, before any request", { target: () => hostile.at("html"), connect: false }, async ({ recording, run }) => {
  const urls = ["ftp://127.0.0.1/mcp", "javascript:1", "data:text/plain,x", "http://", "ws://127.0.0.1/mcp", 5, null];
  const settled = await run(({ connect, settle }, urls) => Promise.all(urls.map((url) => settle(connect(url, { era: "legacy" })))), urls);
  for (const [i, url] of urls.entries()) assertTypeError(settled[i], "url", String(url), "i");
  assert.deepEqual(recording.transcript(), []);
});

wire("a bad argument of a call rejects with a TypeError, and nothing is sent", { server: servers.typescriptSdk }, async ({ recording, run }) => {
  const settled = await run(({ settle }) => {
    const circular = {};
    circular.self = circular;
    const echo = { name: "echo", arguments: { message: "x" } };
    return Promise.all([
      settle(session.callTool("echo")),
      settle(session.callTool({})),
      settle(session.callTool({ name: 5 })),
      settle(session.callTool({ name: "echo", arguments: circular })),
      settle(session.callTool({ name: "echo", arguments: { big: 5n } })),
      settle(session.callTool(echo, { timeout: "3s" })),
      settle(session.callTool(echo, { retry: true })),
      settle(session.callTool(echo, { signal: {} })),
      settle(session.request(5)),
    ]);
  });
  const named = ["params", "name", "name", "params|arguments", "params|arguments", "timeout", "retry", "signal", "method"];
  for (const [i, name] of named.entries()) assertTypeError(settled[i], name, `case ${i}`);
  assert.deepEqual(recording.transcript(2), []);
  const text = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(text, "Echo: x");
});

// ── Not an MCP server ──

// [the mistake, the error's code, what its message must say]
const NOT_MCP = [
  ["html", "not_mcp", /html/i],
  ["not-found", "not_mcp", /HTTP 404/],
  ["post-not-allowed", "not_mcp", /HTTP 405/],
  ["locked", "unauthorized", /HTTP 401/],
  ["forbidden", "http", /HTTP 403/],
  ["broken", "http", /HTTP 500/],
  ["moved", "http", /redirect/],
  ["not-json", "not_mcp", /JSON/],
  ["not-json-rpc", "not_mcp", /JSON-RPC/],
  ["json-null", "not_mcp", /JSON-RPC/],
  ["empty", "not_mcp", /empty/i],
  ["empty-stream", "not_mcp", /stream/],
  ["accepted", "not_mcp", /202/],
  ["cut-off", "network", /./],
  ["old-version", "unsupported_version", /1999-01-01/],
  ["future-version", "unsupported_version", /2099-01-01/],
  ["no-version", "not_mcp", /protocolVersion/],
  ["latin-session-id", "protocol", /Mcp-Session-Id/i],
  ["spaced-session-id", "protocol", /Mcp-Session-Id/i],
  ["silent", "timeout", /time|answer/i],
  ["headers-only", "timeout", /time|answer/i],
  ["endless-stream", "too_large", /16|bytes|MiB/],
];

for (const [mistake, code, says] of NOT_MCP) {
  // Only those that never answer are given up after a while.
  const timeout = code === "timeout" ? 2_000 : 60_000;
  wire(`connect to a server that answers "${mistake}": an McpError that says what came`, { target: () => hostile.at(mistake), connect: false }, async ({ connect, recording }) => {
    const recovery = { maxAttempts: 2, baseDelay: 50, maxDelay: 100 };
    const { error, took } = await connect({ timeout, recovery });
    assert.equal(error?.name, "McpError", JSON.stringify(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
    assert.doesNotMatch(error.message, /It works|Cannot POST|caf\u00e9|two words/, "its text and ids stay out of the message");
    assert.ok(took < 30_000, `settled after ${took} ms`);
    const { initialize } = recording.counts();
    assert.ok(initialize <= 2, `${initialize} attempts`);
    await sleep(500);
    assert.equal(recording.counts().initialize, initialize, "and no more after the rejection");
  });
}

wire("a session that is refused as soon as it was made: an error, no loop", { target: () => hostile.at("forgetful"), connect: false }, async ({ connect, recording }) => {
  const { error } = await connect({ recovery: { maxAttempts: 2, baseDelay: 50, maxDelay: 100 } });
  assert.equal(error?.name, "McpError", JSON.stringify(error));
  await sleep(500);
  assert.ok(recording.counts().initialize <= 3, `${recording.counts().initialize} initializes`);
});

// ── A good session, a bad answer ──

// [the mistake, the error's code, what its message must say]
const BAD_ANSWERS = [
  ["huge", "too_large", /67108864 bytes.*maxMessageBytes/],
  ["huge-stream", "too_large", /16777216 bytes.*maxEventBytes/],
  ["huge-error", "outcome_unknown", /HTTP 500/],
  ["html-later", "not_mcp", /text\/html/],
  ["empty-later", "not_mcp", /empty body/],
  ["not-json-later", "not_mcp", /no JSON-RPC/],
  ["cut-later", "network", /broke/],
  ["stream-ends", "outcome_unknown", /ended the stream/],
  ["other-id", "protocol", /another id/],
  ["neither-later", "not_mcp", /no JSON-RPC message/],
];

for (const [mistake, code, says] of BAD_ANSWERS) {
  wire(`a call that is answered "${mistake}": a clear error, and the next call works`, { target: () => hostile.at(mistake) }, async ({ recording, run }) => {
    const { error } = await run(({ settle }) => settle(session.callTool({ name: "odd", arguments: {} })));
    assert.equal(error?.name, "McpError", JSON.stringify(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
    assert.equal(error.outcome, "unknown", "the server had it");
    await assertNextCallWorks(run);
    assert.equal(recording.counts()["tools/call"], 2, "the call was sent once");
    assert.equal(recording.counts().initialize, 1, "the session lived on");
  });
}

wire("a stream full of noise: the first response to the call is its answer, and a warning tells of what is no JSON", { target: () => hostile.at("noisy-stream") }, async ({ recording, run }) => {
  const { ok } = await run(({ settle }) => settle(session.callTool({ name: "odd", arguments: {} })));
  assert.deepEqual(ok, { x: 1 });
  const warnings = await run(async ({ until }) => {
    await until(() => told.filter(({ kind }) => kind === "malformed_event").length === 2);
    return told.filter(({ event }) => event === "warning").map(({ kind }) => kind);
  });
  assert.deepEqual(warnings, ["malformed_event", "malformed_event"]);
  await assertNextCallWorks(run);
  assert.equal(recording.counts().initialize, 1, "the session lived on");
});

// The engine's own JSON.parse reads 5 000 levels: what is as deep as that is handed over as it is.
for (const [mistake, depth] of [
  ["deep", { ok: 5_000 }],
  ["deep-stream", { ok: 5_000 }],
  ["deep-error", { data: 5_000 }],
  ["deep-progress", { ok: 0, progress: 5_000 }],
  ["deep-notification", { ok: 0, logged: 5_000 }],
  ["deep-question", { ok: 0, asked: 5_000 }],
]) {
  wire(`an answer nested 5 000 deep ("${mistake}") is handed over, and the next call works`, { target: () => hostile.at(mistake), connect: false }, async ({ proxy, recording, run }) => {
    const found = await run(async ({ connect }, url) => {
      const depth = (value) => {
        let depth = 0;
        for (; value !== null && typeof value === "object" && 0 in value; value = value[0]) depth += 1;
        return depth;
      };
      const found = {};
      const handlers = { "sampling/createMessage": ({ deep }) => ((found.asked = depth(deep)), { role: "assistant", model: "m", content: { type: "text", text: "" } }) };
      const on = { log: ({ data }) => (found.logged = depth(data)) };
      globalThis.session = await connect(url, { era: "legacy", handlers, on });
      const onprogress = ({ deep }) => (found.progress = depth(deep));
      await session.callTool({ name: "odd", arguments: {} }, { onprogress }).then(
        (ok) => (found.ok = depth(ok._meta?.deep)),
        (error) => (found.data = depth(error.data)),
      );
      return found;
    }, proxy.url);
    assert.deepEqual(found, depth);
    await assertNextCallWorks(run);
    assert.equal(recording.counts().initialize, 1, "the session lived on");
  });
}

wire("a handshake nested 5 000 deep: connect settles, and the next one works", { target: () => hostile.at("deep-handshake"), connect: false }, async ({ connect, run }) => {
  for (let i = 0; i < 2; i++) {
    const { error } = await connect();
    if (error) assert.equal(error.name, "McpError", JSON.stringify(error));
    else await assertNextCallWorks(run);
  }
});

wire("what a server says of itself nested 5 000 deep is in the status as it came", { target: () => hostile.at("deep-identity"), connect: false }, async ({ connect, run }) => {
  assert.equal((await connect()).error, undefined);
  const depth = await run(() => {
    let depth = 0;
    for (let value = session.status.serverInfo.title; Array.isArray(value) && value.length > 0; [value] = value) depth += 1;
    return depth;
  });
  assert.equal(depth, 5_000);
  await assertNextCallWorks(run);
});

// ── CORS ──

for (const kind of [servers.everything, servers.pythonSdk, servers.typescriptSdk]) {
  wire(`${kind.name}: Mcp-Session-Id hidden from the page: a diagnosis that names the header, no loop`, { server: kind, cors: "hide-session-id", connect: false }, async ({ connect, recording }) => {
    const { error } = await connect();
    assert.equal(error?.name, "McpError", JSON.stringify(error));
    assert.equal(error.code, "cors", error.message);
    assert.match(error.diagnosis?.header ?? "", /^mcp-session-id$/i, JSON.stringify(error.diagnosis));
    assert.match(error.diagnosis.hint, /Access-Control-Expose-Headers/i);
    await sleep(1_000);
    assert.ok(recording.counts().initialize <= 2, `${recording.counts().initialize} initializes`);
  });
}

wire("no CORS headers at all: a diagnosis that names the header", { server: servers.pythonSdk, cors: "none", connect: false }, async ({ connect, recording }) => {
  const { error } = await connect({ recovery: { maxAttempts: 2, baseDelay: 20 } });
  assert.equal(error?.name, "McpError", JSON.stringify(error));
  assert.equal(error.code, "cors", error.message);
  assert.equal(error.outcome, "not_executed");
  assert.equal(error.diagnosis?.header, "Access-Control-Allow-Origin");
  assert.match(error.message, /Access-Control-Allow-Origin/);
  assert.deepEqual(recording.counts(), { HEAD: 1 }, "the browser stopped it at the preflight; one probe tells why");
});

wire("Mcp-Session-Id hidden from the page after an eviction: a diagnosis, no loop, and back when it is shown", { server: servers.typescriptSdk, leisure: true }, async ({ server, proxy, recording, run }) => {
  await run(() => session.close());
  const connected = await run(({ connect, settle }, url) => settle(connect(url, { era: "legacy", recovery: { baseDelay: 300, maxDelay: 600 } }).then((made) => void (globalThis.session = made))), proxy.url);
  assert.equal(connected.error, undefined);
  proxy.cors = "hide-session-id";
  await server.restart();
  const mark = recording.records.length;
  const { error } = await run(({ settle }) => settle(session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(error?.name, "McpError", JSON.stringify(error));
  assert.equal(error.outcome, "unknown");
  assert.match(error.diagnosis?.header ?? "", /^mcp-session-id$/i, JSON.stringify(error));
  assert.match(error.message, /Access-Control-Expose-Headers: Mcp-Session-Id/);
  await sleep(1_500);
  const { initialize, ...others } = recording.counts(mark);
  assert.ok(initialize <= 6, `${initialize} initializes`);
  assert.equal(others["tools/call"], 1);
  proxy.cors = "pass";
  await assertNextCallWorks(run);
});

async function assertNextCallWorks(run) {
  const text = await run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "x" } })));
  assert.equal(text, "Echo: x");
}

function assertTypeError({ error }, named, which, flags = "") {
  assert.equal(error?.class, "TypeError", `${which}: ${JSON.stringify(error)}`);
  assert.match(error.message, new RegExp(named, flags), which);
}
