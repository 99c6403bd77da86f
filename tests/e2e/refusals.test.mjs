// How servers refuse, in every form that has been seen, and what follows: each answer of `tests/signals.json`, and
// some that nobody has listed, given to a call of the packed package in a page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "./lib/paths.mjs";
import { answer, delayHead, hold } from "./lib/proxy.mjs";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";
import { startHostile } from "./servers/hostile.mjs";

const wire = stage();
let hostile;
before(async () => (hostile = await startHostile()));
after(() => hostile?.close());
const good = { target: () => hostile.at("good"), connect: false };
const slow = { ...good, leisure: true };

const SURVEY = JSON.parse(readFileSync(`${root}tests/signals.json`, "utf8")).map((row) => ({
  ...row,
  headers: row.content_type ? { "content-type": row.content_type } : {},
  // The id of the request that was answered is 7 or 3 there.
  body: ({ rpcId }) => row.body.replace(/"id": [73]\b/, `"id": ${rpcId}`),
}));
const surveyed = (verdict) => SURVEY.filter((row) => row.verdict === verdict && row.request === "POST" && row.sid_sent);

const error = (id, code, message) => ({ jsonrpc: "2.0", id, error: { code, message } });
const deep = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;
const html = { "content-type": "text/html" };
const json = { "content-type": "application/json" };

/** Answers that the survey does not list, by what they mean. */
const UNLISTED = {
  evicted: [
    { status: 404, headers: html, body: "<pre>Cannot POST /mcp</pre>" },
    { status: 404, headers: json, body: "{ this is no JSON" },
    { status: 404, headers: json, body: deep },
    { status: 404, headers: html, body: "x".repeat(1_000_000) },
    { status: 404, headers: json, body: '{"jsonrpc":"2.0","id":null,"result":null}' },
    { status: 410, headers: {}, body: "" },
    { status: 404, headers: { "content-type": "text/event-stream" }, body: 'data: {"error":"gone"}\n\n' },
    { status: 400, headers: html, body: "<h1>Bad Request</h1><p>Unknown session</p>" },
    { status: 400, headers: json, body: `\ufeff${JSON.stringify(error("server-error", -32099, "no such session"))}` },
    { status: 200, headers: { "content-type": "text/plain" }, body: JSON.stringify(error(null, 17, "Session expired")) },
    { status: 503, headers: {}, body: "unknown session" },
  ],
  not_eviction: [
    { told: "rpc unknown", status: 404, headers: json, body: ({ rpcId }) => JSON.stringify(error(rpcId, -32601, "Unknown method")) },
    { told: "rpc executed", status: 400, headers: json, body: ({ rpcId }) => JSON.stringify(error(rpcId, -32602, "Unknown tool")) },
    { told: "http not_executed", status: 405, headers: {}, body: "" },
    { told: "http not_executed", status: 403, headers: {}, body: "not for you" },
    { told: "unauthorized not_executed", status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"', "access-control-expose-headers": "*" }, body: "session expired" },
  ],
  unknown_outcome: [
    { status: 502, headers: html, body: "<h1>Bad Gateway</h1>" },
    { status: 504, headers: {}, body: "" },
    { status: 200, headers: { "content-type": "text/event-stream" }, body: 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n' },
  ],
};

/**
 * What the caller is told of the surveyed refusals that are no evictions, by their words. `not_executed` is a proof: where
 * the session may be the reason (a 404, a 403 that names it), nobody knows whether a copy ran.
 */
const TOLD = [
  ["method resources/list is not supported", "rpc unknown"],
  ["Unsupported protocol version", "rpc not_executed"],
  ["Connection closed", "rpc unknown"],
  ["Resource not found", "rpc executed"],
  ["Tool nope not found", "rpc executed"],
  ["isError", "ok"],
  ["The access token expired", "unauthorized not_executed"],
  ["session user mismatch", "http unknown"],
  ["Invalid Origin header", "rpc not_executed"],
  ["Parse error", "rpc not_executed"],
];
const told = (row) => row.told ?? TOLD.find(([words]) => row.body({ rpcId: 7 }).includes(words))?.[1];

// [the verdict, the requests that follow the refused call, what becomes of the call]
const FOLLOWS = [
  ["evicted", ["initialize→200 s2", "notifications/initialized→202 s2", "tools/call→200 s2"], /^ok$/],
  ["not_eviction", [], told],
  ["unknown_outcome", [], /^outcome_unknown unknown$/],
  ["transient", [], /^overloaded unknown$/],
  ["other_era", [], /^(rpc|unsupported_version) unknown$/],
];

for (const [verdict, follows, becomes] of FOLLOWS) {
  wire(`${verdict}: each answer that means it, from the survey and beyond`, good, async (scene) => {
    for (const row of [...surveyed(verdict), ...(UNLISTED[verdict] ?? [])]) {
      const { became, lines, pings } = await play(scene, row, { refusesPings: verdict === "evicted" });
      const of = `${row.status} ${row.source ?? ""} ${row.note ?? JSON.stringify(row.headers)}`;
      assert.deepEqual(lines, [`tools/call→${row.status} s1`, ...follows], of);
      if (typeof becomes === "function") assert.equal(became, becomes(row), of);
      else assert.match(became, becomes, of);
      assert.ok(pings.length <= 1, `${pings.length} pings settle it: ${of}`);
    }
  });
}

wire("of unknown outcome, and safe to repeat: sent once more, under the session that lives", good, async (scene) => {
  for (const row of [...surveyed("unknown_outcome"), ...UNLISTED.unknown_outcome]) {
    const { became, lines, pings } = await play(scene, row, { options: { repeatable: true } });
    assert.equal(became, "ok", row.note);
    assert.deepEqual(lines, [`tools/call→${row.status} s1`, "tools/call→200 s1"], row.note);
    assert.equal(pings.length, 1);
  }
});

wire("an answer that says the session is gone while a ping says that it lives is the answer", good, async (scene) => {
  for (const row of surveyed("evicted").filter(({ status }) => ![400, 404].includes(status))) {
    const { became, lines, pings } = await play(scene, row);
    assert.notEqual(became, "ok", row.note);
    assert.deepEqual(lines, [`tools/call→${row.status} s1`], row.note);
    assert.deepEqual(pings, ["ping→200 s1"], row.note);
  }
});

wire("a refusal of initialize is never an eviction: connect says so, and does not loop", good, async ({ proxy, recording, connect }) => {
  for (const row of SURVEY.filter(({ request }) => request === "initialize")) {
    const mark = recording.records.length;
    const stop = proxy.when({ rpc: "initialize" }, answer(row));
    const { error } = await connect({ recovery: { maxAttempts: 2, baseDelay: 20, maxDelay: 40 } });
    stop();
    assert.equal(error?.name, "McpError", row.note);
    assert.equal(error.outcome, "not_executed");
    const attempts = row.verdict === "transient" ? 2 : 1;
    assert.deepEqual(recording.transcript(mark), Array(attempts).fill(`initialize→${row.status}`), row.note);
  }
});

wire("a refusal that comes later than a gate refuses: the browser may have sent a write twice, so we do not", { server: servers.pythonSdk }, async ({ server, proxy, recording, run }) => {
  const late = (await run(() => gateMs())) + 1_000;
  await server.restart();
  proxy.when({ tool: "count", session: "s1" }, async (exchange) => {
    await sleep(late);
    return exchange.forward(exchange);
  });
  const [write, read] = await run(({ settle }) => {
    const count = (key, options) => settle(session.callTool({ name: "count", arguments: { key } }, options));
    return Promise.all([count("write"), count("read", { repeatable: true })]);
  });
  assert.equal(write.error?.outcome, "unknown", JSON.stringify(write));
  assert.equal(read.error, undefined, "what is safe to repeat is repeated");
  assert.deepEqual(recording.sends(), { write: 1, read: 2 });
  assert.equal(recording.counts().initialize, 2, "the session is made anew all the same");
});

wire("busy (429, Retry-After): the session stays, the call is sent once more when it may", good, async (scene) => {
  const headers = { "retry-after": "1", "access-control-expose-headers": "Retry-After" };
  const { became, lines, took } = await play(scene, { status: 429, headers, body: "slow down" });
  assert.equal(became, "ok");
  assert.deepEqual(lines, ["tools/call→429 s1", "tools/call→200 s1"]);
  assert.ok(took >= 1_000, `after ${took} ms`);
});

// ── The session id ──

wire("a session id is taken from a successful answer to initialize alone", slow, async ({ proxy, recording, run, connect }) => {
  const headers = { "mcp-session-id": "stray", "access-control-expose-headers": "Mcp-Session-Id" };
  const once = (match, how) => proxy.when(match, answer({ headers, ...how }), { times: 1 });
  const result = ({ rpcId: id }) => JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "x" }] } });
  once({ rpc: "initialize" }, { status: 503 });
  once({ rpc: "notifications/initialized" }, { status: 202 });
  assert.equal((await connect({ recovery: { baseDelay: 20 } })).error, undefined);
  once({ key: "answered" }, { headers: { ...headers, ...json }, body: result });
  once({ key: "forbidden" }, { status: 403 });
  once({ key: "evicted" }, { status: 400, body: error("server-error", -32600, "Bad Request: Missing session ID") });
  const outcomes = await run(async ({ settle }) => {
    const outcomes = [];
    for (const message of ["answered", "good", "forbidden", "good", "evicted", "good"]) {
      const { error } = await settle(session.callTool({ name: "echo", arguments: { message } }));
      outcomes.push(error?.code ?? "ok");
    }
    return outcomes;
  });
  assert.deepEqual(outcomes, ["ok", "ok", "http", "ok", "ok", "ok"]);
  const [none, first, second, ...more] = new Set(recording.records.map(({ headers }) => headers["mcp-session-id"]));
  assert.equal(none, undefined);
  assert.ok(first && second && more.length === 0 && ![first, second].includes("stray"), recording.transcript().join("\n"));
});

wire("an answer to initialize without a session id clears the old one", slow, async ({ proxy, recording, run, connect }) => {
  await connect();
  const result = { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "stateless", version: "1" } };
  const body = ({ rpcId: id }) => JSON.stringify({ jsonrpc: "2.0", id, result });
  proxy.when({ rpc: "initialize" }, answer({ headers: json, body }));
  proxy.when({ session: "s1" }, answer({ status: 404 }));
  await run(async () => {
    await session.callTool({ name: "echo", arguments: { message: "x" } });
    await session.callTool({ name: "echo", arguments: { message: "y" } });
    await session.close();
  });
  assert.deepEqual(recording.transcript(2), [
    "tools/call→404 s1",
    "initialize→200",
    "notifications/initialized→202",
    "tools/call→200",
    "tools/call→200",
  ]);
  const versions = recording.since(4).map(({ headers }) => headers["mcp-protocol-version"]);
  assert.deepEqual(versions, Array(3).fill("2025-06-18"), "the version is the one that was agreed on last");
});

wire("an old session's late refusal does not touch the new session", slow, async ({ proxy, recording, run, connect }) => {
  await connect();
  const isNew = ({ key, session }) => key === "early" && session === "s2";
  proxy.when({ key: "late" }, async (exchange) => {
    await until(() => recording.records.some((record) => isNew(record) && record.answered));
    return answer({ status: 404 })(exchange);
  }, { times: 1 });
  proxy.when({ key: "early", session: "s1" }, answer({ status: 404 }));
  const texts = await run(async ({ text }) => {
    const echo = async (message) => text(await session.callTool({ name: "echo", arguments: { message } }));
    return Promise.all([echo("late"), echo("early")]);
  });
  assert.deepEqual(texts, ["Echo: late", "Echo: early"]);
  assert.deepEqual(recording.sends(), { late: 2, early: 2 });
  assert.equal(recording.counts().initialize, 2, "one for the one eviction");
});

wire("calls made while the session is made anew wait for it, and are sent once", slow, async ({ proxy, recording, run, connect }) => {
  await connect();
  proxy.when({ session: "s1" }, answer({ status: 404 }));
  let go;
  const gate = new Promise((resolve) => (go = resolve));
  proxy.when({ rpc: "initialize" }, async (exchange) => {
    await gate;
    return exchange.forward(exchange);
  });
  proxy.when({ rpc: "notifications/initialized" }, delayHead(300));
  const calls = run(async ({ text, sleep }) => {
    const echo = async (message) => text(await session.callTool({ name: "echo", arguments: { message } }));
    const first = echo("first");
    while (session.status.state === "ready") await sleep(5);
    const parked = Array.from({ length: 20 }, (_, i) => echo(`parked ${i}`));
    globalThis.areParked = true;
    return Promise.all([first, ...parked]);
  });
  await run(({ until }) => until(() => globalThis.areParked));
  await until(() => recording.counts().initialize === 2);
  go();
  assert.deepEqual(await calls, ["first", ...Array.from({ length: 20 }, (_, i) => `parked ${i}`)].map((message) => `Echo: ${message}`));
  const initialized = recording.records.filter(({ rpc }) => rpc === "notifications/initialized").at(-1);
  for (const record of recording.records.filter(({ tool, session }) => tool && session === "s2")) {
    assert.ok(record.at >= initialized.answeredAt, "nothing goes out before the answer to initialized");
  }
  const { first, ...parked } = recording.sends();
  assert.equal(first, 2);
  assert.deepEqual(Object.values(parked), Array(20).fill(1));
  assert.equal(recording.counts().initialize, 2);
});

wire("a second handshake is not begun while one is under way", good, async ({ proxy, recording, run, connect }) => {
  await connect({ timeout: 4_000, recovery: { baseDelay: 50, maxDelay: 100 } });
  await run(() => {
    globalThis.handshakes = [];
    session.on("wire", ({ rpcMethod, phase }) => rpcMethod === "initialize" && handshakes.push(phase));
  });
  proxy.when({ session: "s1" }, answer({ status: 404 }));
  proxy.when({ rpc: "initialize" }, hold());
  const results = await run(({ settle }) => {
    const echo = (message) => session.callTool({ name: "echo", arguments: { message } });
    const calls = Array.from({ length: 5 }, (_, i) => settle(echo(`${i}`)));
    calls.push(settle(session.verify()), settle(session.request("tools/list")));
    return Promise.all(calls);
  });
  for (const { error } of results) assert.equal(error?.name, "McpError", JSON.stringify(error));
  const phases = await run(() => handshakes);
  assert.equal(phases[0], "sent");
  for (const [n, phase] of phases.entries()) assert.equal(phase === "sent", n % 2 === 0, `one at a time: ${phases}`);
  assert.equal(recording.counts().initialize, 1 + Math.ceil(phases.length / 2));
});

/**
 * Connects, has the next call answered as `row` says (and pings, with `refusesPings`), and calls `echo`. Returns
 * `{ became, took, lines, pings }`: what became of the call, and the POSTs from it on, with labels that start at `s1`.
 */
async function play({ proxy, recording, run, connect }, row, { refusesPings = false, options = {} } = {}) {
  const connected = await connect({ recovery: { baseDelay: 20, maxDelay: 40 } });
  assert.equal(connected.error, undefined, JSON.stringify(connected.error));
  const { session } = recording.records.at(-1);
  const mark = recording.records.length;
  const stops = [proxy.when({ rpc: "tools/call", session }, answer(row), { times: 1 })];
  if (refusesPings) stops.push(proxy.when({ rpc: "ping", session }, answer(row)));
  const { ok, error, took } = await run(({ settle }, options) => settle(session.callTool({ name: "echo", arguments: { message: "x" } }, options)), options);
  await run(() => session.close({ terminate: false }));
  stops.forEach((stop) => stop());
  const first = Number(session.slice(1));
  const lines = recording.transcript(mark).map((line) => line.replace(/ s(\d+)$/, (_, n) => ` s${n - first + 1}`));
  const pings = lines.filter((line) => line.startsWith("ping"));
  // A GET resumes a stream whose events have ids.
  const posts = lines.filter((line) => !line.startsWith("GET") && !pings.includes(line));
  return { became: ok ? "ok" : `${error.code} ${error.outcome}`, took, lines: posts, pings };
}
