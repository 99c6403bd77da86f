// Hostile and unlucky peers, against the package as it is installed, in Node: a `fetch` of our own plays the server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setTimeout as sleep } from "node:timers/promises";
import { installed } from "./lib/install.mjs";
import { until } from "./lib/until.mjs";
import { failure, guess, json, peer, randomServer, raw, result } from "./lib/peers.mjs";

const URL_ = "https://mcp.test/mcp";
const LEGACY = { era: "legacy", listen: "never" };
const MODERN = { era: "modern", listen: "never" };
const SECRET = "sk-THE-SECRET-TOKEN-0123456789";

let connect;
let SessionManager;
before(async () => ({ connect, SessionManager } = await import(`${await installed()}/node_modules/mcp-evergreen/index.js`)));

const settle = (promise) => promise.then((ok) => ({ ok }), (error) => ({ error }));
const hang = ({ signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

function stream() {
  let controller;
  const body = new ReadableStream({ start: (it) => (controller = it) });
  const write = (text) => controller.enqueue(new TextEncoder().encode(text));
  return {
    response: new Response(body, { headers: { "content-type": "text/event-stream" } }),
    write,
    send: (message) => write(`data: ${JSON.stringify(message)}\n\n`),
    close: () => controller.close(),
  };
}

// ── One answer ends no other server's session ──

const many = (count, item = "0") => `[${`${item},`.repeat(count)}${item}]`;
for (const [what, method, body, code] of [
  ["a list of millions of tools", "tools/list", `{"tools":${many(4_300_000)}}`, "too_large"],
  ["a list of millions of resources", "resources/list", `{"resources":${many(4_300_000)}}`, "too_large"],
  ["an object where a list belongs", "tools/list", `{"tools":{"length":4300000}}`, "protocol"],
  ["a list nested ten thousand deep", "tools/list", `{"tools":[{"name":"a","inputSchema":${"[".repeat(10_000)}${"]".repeat(10_000)}}]}`, undefined],
  ["a tool with a name of a million characters", "tools/list", `{"tools":[{"name":"${"x".repeat(1_000_000)}"}]}`, undefined],
]) {
  test(`${what} leaves the sessions with other servers as they are`, async () => {
    const other = await connect("https://other.test/mcp", { ...LEGACY, fetch: peer().fetch });
    const { fetch } = peer((message) => (message.method === method ? raw(`{"jsonrpc":"2.0","id":${message.id},"result":${body}}`) : undefined));
    const session = await connect(URL_, { ...LEGACY, fetch });
    const { error } = await settle(session.request(method));
    assert.equal(error?.code, code, error?.message);
    for (const each of [session, other]) assert.deepEqual(await each.callTool({ name: "x" }), { content: [] });
    await Promise.all([session.close(), other.close()]);
  });
}

test("a batch of millions of messages, and one of millions of versions, leave them as well", async () => {
  const other = await connect("https://other.test/mcp", { ...LEGACY, fetch: peer().fetch });
  const { fetch } = peer(({ method }) => (method === "tools/call" ? raw(many(4_300_000)) : undefined));
  const session = await connect(URL_, { ...LEGACY, fetch });
  assert.equal((await settle(session.callTool({ name: "x" }))).error.code, "too_large");
  const versions = peer((message) =>
    message.method === "server/discover" ? raw(`{"jsonrpc":"2.0","id":${message.id},"result":{"supportedVersions":${many(4_300_000, '"1"')}}}`) : undefined,
  );
  assert.equal((await settle(connect(URL_, { era: "modern", fetch: versions.fetch }))).error.code, "unsupported_version");
  assert.deepEqual(await other.callTool({ name: "x" }), { content: [] });
  await Promise.all([session.close(), other.close()]);
});

/** A message that calls back while the core reads it is one that JSON.parse never makes: the module dies of it. */
async function crash(session) {
  const { parse } = JSON;
  let inner;
  JSON.parse = (text) => {
    const message = parse(text);
    const { result } = message;
    return Object.defineProperty(message, "result", { get: () => ((inner ??= settle(session.request("dies"))), result) });
  };
  await settle(session.request("x"));
  JSON.parse = parse;
  return inner;
}

test("a module that dies gives way to others: the sessions go on, under the sessions that their servers hold", async () => {
  let held;
  const bystander = peer((message, init) => (message.method === "tools/call" && message.params.name === "slow" ? ((held = init), hang(init)) : undefined), {
    capabilities: { tools: {}, resources: { subscribe: true } },
  });
  const heard = [];
  const on = Object.fromEntries(["recovering", "recovered", "close"].map((event) => [event, ({ reason }) => heard.push(`${event}: ${reason}`)]));
  const other = await connect("https://other.test/mcp", { era: "legacy", fetch: bystander.fetch, on });
  await other.subscribeResource({ uri: "demo://a" });
  const slow = settle(other.callTool({ name: "slow" }));
  await until(() => held);
  const session = await connect(URL_, { ...LEGACY, fetch: peer().fetch });
  const { generation } = other.status;

  const { error } = await crash(session);
  assert.deepEqual([error.code, error.outcome], ["crashed", "unknown"]);
  const lost = (await slow).error;
  assert.deepEqual([lost.code, lost.outcome], ["crashed", "unknown"], "what was under way is told, and not repeated");
  // At once, while it is being taken up.
  const results = await Promise.all([other, session].map((each) => each.callTool({ name: "x" })));
  assert.deepEqual(results, [{ content: [] }, { content: [] }]);
  assert.deepEqual(heard, ["recovering: the WebAssembly module crashed", "recovered: the WebAssembly module crashed"]);
  assert.ok(other.status.state === "ready" && other.status.generation > generation);
  const initialized = bystander.sent.filter(({ message }) => message.method === "initialize");
  assert.equal(initialized.length, 1, "the session on the server is the same");
  const ids = bystander.sent.map(({ message }) => message.id).filter((id) => id !== undefined);
  assert.equal(new Set(ids).size, ids.length, "no id comes twice");

  // What kills again within a minute ends with it, and nobody else does.
  assert.equal((await crash(session)).error.code, "crashed");
  await until(() => session.status.state === "closed");
  assert.deepEqual(await other.callTool({ name: "x" }), { content: [] });
  assert.equal((await settle(session.callTool({ name: "x" }))).error.outcome, "not_executed");
  const next = await connect(URL_, { ...LEGACY, fetch: peer().fetch });
  assert.deepEqual(await next.callTool({ name: "x" }), { content: [] });
  await Promise.all([session.close(), other.close(), next.close()]);
});

// ── Floods ──

test("a flood of pings has a few answers under way, and other calls go through", async () => {
  let open = 0;
  let most = 0;
  const { fetch } = peer((message, init) => {
    if (message.method === "tools/call" && message.params.name === "flood") {
      const { response, write } = stream();
      write(Array.from({ length: 3000 }, (_, id) => `data: {"jsonrpc":"2.0","id":${id},"method":"ping"}\n\n`).join(""));
      return response;
    }
    if (message.method !== undefined || !message.result) return undefined;
    most = Math.max(most, ++open);
    return hang(init);
  });
  const session = await connect(URL_, { ...LEGACY, fetch });
  const flooded = settle(session.callTool({ name: "flood" }, { timeout: 500 }));
  await until(() => open > 0);
  assert.deepEqual(await session.callTool({ name: "x" }), { content: [] });
  await flooded;
  assert.ok(most <= 8, `${most} at once`);
  await session.close();
});

// ── Secrets ──

for (const [where, fail] of [
  ["the message of an error", (m) => failure(m, 403, { code: -32001, message: `invalid key: Bearer ${SECRET}` })],
  ["the data of an error", (m) => failure(m, 403, { code: -32001, message: "no", data: { deep: [{ key: `<${SECRET}>` }] } })],
  ["a result's error", (m) => failure(m, 200, { code: 1, message: SECRET, data: SECRET })],
  ["a page", () => new Response(`<p>${SECRET}</p>`, { status: 403, headers: { "content-type": "text/html" } })],
]) {
  for (const [how, connectOptions, callOptions] of [
    ["the option headers", { headers: { authorization: `Bearer ${SECRET}` } }],
    ["a function", { headers: async () => ({ "X-Api-Key": SECRET }) }],
    ["one call", {}, { headers: { authorization: `Bearer ${SECRET}` } }],
  ]) {
    test(`a token from ${how} that the server quotes in ${where} is told nowhere`, async () => {
      const { fetch } = peer((message) => (message.method === "tools/call" ? fail(message) : undefined));
      const session = await connect(URL_, { ...LEGACY, fetch, ...connectOptions });
      const { error } = await settle(session.callTool({ name: "x" }, callOptions));
      const { lastError } = session.status;
      for (const each of [error, lastError].filter(Boolean)) {
        const told = [String(each), each.stack, JSON.stringify(each), JSON.stringify(each.data)].join();
        assert.ok(!told.includes(SECRET) && !told.includes(SECRET.slice(0, 12)), told);
      }
      await session.close();
    });
  }
}

test("neither why a call was given up nor what failed in a handler goes to the server", async () => {
  const { fetch, sent } = peer((message, init) => {
    if (message.method !== "tools/call") return undefined;
    if (message.params.name === "slow") return hang(init);
    const { response, send, close } = stream();
    ["roots/list", "sampling/createMessage", "elicitation/create"].forEach((method, id) => send({ jsonrpc: "2.0", id, method, params: {} }));
    setTimeout(() => (send({ jsonrpc: "2.0", id: message.id, result: {} }), close()), 50);
    return response;
  });
  const path = "/home/ann/secret";
  const handlers = {
    "roots/list": () => {
      throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    },
    "sampling/createMessage": () => {
      throw new DOMException(`not allowed: ${path}`, "NotAllowedError");
    },
    "elicitation/create": () => {
      throw Object.assign(new Error("not today"), { code: -1 });
    },
  };
  const session = await connect(URL_, { ...LEGACY, fetch, handlers });
  const stop = new AbortController();
  const slow = settle(session.callTool({ name: "slow" }, { signal: stop.signal }));
  await until(() => sent.some(({ message }) => message.method === "tools/call"));
  const reason = new Error(`ann was logged off: ${path}`);
  stop.abort(reason);
  assert.equal((await slow).error, reason);
  await session.callTool({ name: "asks" });
  await until(() => sent.filter(({ message }) => message.error).length === 3);
  assert.ok(sent.some(({ message }) => message.method === "notifications/cancelled"));
  assert.ok(!sent.some(({ body }) => body?.includes(path)), "a path of the host's");
  const errors = sent.flatMap(({ message }) => message.error ?? []).map(({ code, message }) => `${code} ${message}`).sort();
  assert.deepEqual(errors, ["-1 not today", "-32603 The handler failed", "-32603 The handler failed"]);
  await session.close();
});

// ── Identity ──

/** Reads a resource that may be kept for an hour. */
test("a key in the address of the endpoint is told nowhere, and no header is left out without a word", async () => {
  const { fetch } = peer((message, _init) => (message.method === "tools/call" ? failure(message, 200, { code: -32000, message: `denied: ${url}` }) : undefined));
  const url = "https://mcp.test/s/0123456789abcdef0123/mcp?api_key=VERYSECRETKEY";
  const session = await connect(url, { ...LEGACY, fetch });
  const { error } = await settle(session.callTool({ name: "x" }));
  assert.match(error.message, /denied/);
  assert.doesNotMatch(`${error.message} ${JSON.stringify(error)}`, /VERYSECRETKEY|0123456789abcdef0123/);
  // Node's `Headers` leaves this name out.
  const odd = Object.fromEntries([["__proto__", "x"]]);
  await assert.rejects(connect(URL_, { ...LEGACY, fetch, headers: odd }), { name: "TypeError", message: /__proto__/ });
  await assert.rejects(session.callTool({ name: "x" }, { headers: odd }), { name: "TypeError", message: /__proto__/ });
  await session.close();
});

function mailbox() {
  return peer(
    (message, { headers }) =>
      message.method === "resources/read"
        ? result(message, { resultType: "complete", ttlMs: 3_600_000, cacheScope: "private", contents: [{ uri: message.params.uri, text: new Headers(headers).get("authorization") ?? "nobody" }] })
        : undefined,
  );
}
const mail = async (session, options) => (await session.readResource({ uri: "mail" }, options)).contents[0].text;

test("another user's token gets another user's mail, however the token is given", async () => {
  let who = "Bearer ann";
  const changing = { authorization: who };
  for (const [headers, change] of [
    [() => ({ authorization: who }), (next) => (who = next)],
    [async () => new Headers({ Authorization: who }), (next) => (who = next)],
    [changing, (next) => (changing.authorization = next)],
  ]) {
    change("Bearer ann");
    const { fetch } = mailbox();
    const session = await connect(URL_, { ...MODERN, fetch, headers });
    assert.equal(await mail(session), "Bearer ann");
    for (const next of ["Bearer bob", "Basic Ym9iOnNlY3JldA==", "Bearer ann"]) {
      change(next);
      assert.equal(await mail(session), next);
      assert.equal(await mail(session), next);
    }
    await session.close();
  }
  const session = await connect(URL_, { ...MODERN, fetch: mailbox().fetch });
  for (const one of ["Bearer ann", "Bearer bob"]) assert.equal(await mail(session, { headers: { authorization: one } }), one);
  assert.equal(await mail(session), "nobody");
  await session.close();
});

test("another user's call is sent under a session of its own, and `identity` overrules that", async () => {
  for (const [identity, sessions] of [[undefined, 2], ["ann", 1]]) {
    let who = "ann";
    const { fetch, sent } = peer();
    const session = await connect(URL_, { ...LEGACY, fetch, identity, headers: () => ({ authorization: `Bearer token-${who}` }) });
    await session.callTool({ name: "x" });
    who = "bob";
    await session.callTool({ name: "x" });
    const calls = sent.filter(({ message }) => message.method === "tools/call");
    assert.equal(new Set(calls.map(({ headers }) => headers["mcp-session-id"])).size, sessions);
    assert.deepEqual(calls.map(({ headers }) => headers.authorization), ["Bearer token-ann", "Bearer token-bob"]);
    await session.close();
  }
});

/** Each request that went out under a session that was made with other credentials. */
function strays(sent) {
  const made = new Map();
  return sent.filter(({ message, headers, session }) => {
    if (message.method === "initialize") made.set(session, headers.authorization);
    const id = headers["mcp-session-id"];
    return id !== undefined && (!made.has(id) || made.get(id) !== headers.authorization);
  });
}

test("no request goes out under another user's session: many at a time, whatever they are, and however late `headers` answers", async () => {
  for (const pause of [undefined, () => 5, () => Math.random() * 20]) {
    let made = 0;
    const { fetch, sent } = peer((message) => {
      if (message.method !== "initialize") return undefined;
      const session = `session-${++made}-0123456789`;
      sent.at(-1).session = session;
      return result(message, { protocolVersion: "2025-11-25", capabilities: { tools: {}, resources: { subscribe: true } } }, { "mcp-session-id": session });
    });
    let who = { authorization: "Bearer ann-s-token" };
    const headers = async () => {
      const mine = { ...who };
      if (pause) await sleep(pause());
      return mine;
    };
    const session = await connect(URL_, { era: "legacy", fetch, headers, on: { log() {} } });
    await session.callTool({ name: "x" });
    for (const next of [{ authorization: "Bearer bob-s-token" }, {}]) {
      who = next;
      const calls = Array.from({ length: 6 }, () => session.callTool({ name: "x" }));
      await Promise.all([...calls, session.notify("notifications/x"), session.subscribeResource({ uri: "x:1" }), session.verify()]);
      assert.equal(sent.filter(({ message, headers }) => message.method === "tools/call" && headers.authorization === next.authorization).length, 6);
    }
    assert.deepEqual([made, strays(sent)], [3, []]);
    // Once more within the minute: a call that has not so much time says why.
    who = { authorization: "Bearer dan-s-token" };
    const { error } = await settle(session.callTool({ name: "x" }, { timeout: 5_000 }));
    assert.deepEqual([error?.code, error?.outcome, error?.diagnosis?.kind], ["invalid_option", "not_executed", "changing_credentials"]);
    assert.match(error.message, /`identity`/);
    await session.close();
    assert.deepEqual(strays(sent), []);
  }
});

test("a store that does not answer holds up no connect, and neither does one whose connect was given up", async () => {
  const { fetch } = peer();
  const kinds = [];
  const never = { get: () => new Promise(() => {}), set() {}, remove() {} };
  const on = { warning: ({ kind }) => kinds.push(kind) };
  const session = await connect(URL_, { ...LEGACY, fetch, persist: never, timeout: 400, on });
  assert.deepEqual([session.status.state, kinds], ["ready", ["persisted_session"]]);
  await session.close();
  const signal = AbortSignal.timeout(50);
  const { error } = await settle(connect(URL_, { ...LEGACY, fetch, persist: never, signal }));
  assert.equal(error, signal.reason);
  // What it gives too late is not taken out of it.
  let give;
  const removed = [];
  const late = { get: () => new Promise((resolve) => (give = resolve)), set() {}, remove: (key) => removed.push(key) };
  const next = await connect(URL_, { ...LEGACY, fetch, persist: late, timeout: 400 });
  give("{}");
  await sleep(10);
  assert.deepEqual(removed.filter((key) => key.includes(":session:")), []);
  await next.close();
});

test("a session that was kept for a later page is not taken up for another user", async () => {
  const { fetch, sent } = peer();
  const kept = new Map();
  const persist = { get: (key) => kept.get(key), set: (key, text) => void kept.set(key, text), remove: (key) => void kept.delete(key) };
  const as = (who) => connect(URL_, { ...LEGACY, fetch, persist, headers: { authorization: `Bearer token-of-${who}` } });
  const ann = await as("ann");
  await ann.callTool({ name: "x" });
  const { "mcp-session-id": id } = sent.at(-1).headers;
  await ann.close({ terminate: false });
  // What the page leaves when it ends: its own record, but for the user.
  const record = { format: 2, at: Date.now(), owner: 1, id, version: "2025-11-25", wireId: 2 ** 41, level: null, uris: ["x:1"], handshake: '{"capabilities":{"tools":{}},"serverInfo":{"name":"ann-s","version":"1"}}' };
  const binding = JSON.stringify(['{"name":"mcp-evergreen","version":"0.1.0"}', "{}", "legacy"]);
  kept.set(`mcp-evergreen:session:${JSON.stringify([URL_, null])}`, JSON.stringify({ name: "1-2-3-4", binding, session: JSON.stringify(record), tasks: [{ taskId: "task-of-ann", name: "x" }] }));
  const bob = await as("bob");
  assert.deepEqual([bob.pendingTasks, bob.status.serverInfo.name, kept.size], [[], "s", 0]);
  await bob.callTool({ name: "x" });
  const { headers } = sent.findLast(({ message }) => message.method === "tools/call");
  assert.notEqual(headers["mcp-session-id"], id);
  await bob.close();
});

test("what a server says of itself, however deep, can be used; and is refused where it cannot be kept", async () => {
  const deep = `{"tools":{},"experimental":{"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`;
  const storage = { getItem: () => null, setItem() {}, removeItem() {} };
  for (const era of ["legacy", "modern"]) {
    const { fetch } = peer((message) => {
      const rest = { initialize: '"protocolVersion":"2025-11-25"', "server/discover": '"supportedVersions":["2026-07-28"]' }[message.method];
      return rest && raw(`{"jsonrpc":"2.0","id":${message.id},"result":{${rest},"capabilities":${deep}}}`);
    });
    const session = await connect(URL_, { era, listen: "never", fetch });
    assert.deepEqual(await session.callTool({ name: "x" }), { content: [] });
    await session.close();
    const { error } = await settle(connect(URL_, { era, listen: "never", fetch, persist: storage }));
    assert.deepEqual([error?.code, error?.outcome], ["protocol", "not_executed"], String(error));
  }
  let capability = {};
  for (let at = 0; at < 70; at++) capability = { capability };
  await assert.rejects(connect(URL_, { capabilities: { experimental: capability } }), { name: "TypeError", message: /^capabilities: nested more than 64 levels deep/ });
});

// ── What is not one of Unicode's texts ──

const HALF = "a\ud83db";
test("half a character goes back as it came: in states, ids, keys and the names of tasks", async () => {
  const { fetch, sent } = peer((message) => {
    if (message.method === "tools/call" && message.params.name === "asks") {
      return raw(`{"jsonrpc":"2.0","id":${message.id},"result":${message.params.requestState === undefined
        ? '{"resultType":"input_required","requestState":"a\\ud83db","inputRequests":{"k\\ud83d":{"method":"roots/list"}}}'
        : '{"resultType":"complete","content":[]}'}}`);
    }
    if (message.method === "tools/call") return raw(`{"jsonrpc":"2.0","id":${message.id},"result":{"resultType":"task","taskId":"a\\ud83db","status":"working","pollIntervalMs":100}}`);
    if (message.method === "tasks/get") return result(message, { resultType: "complete", taskId: message.params.taskId, status: "completed", result: { content: [] } });
    return undefined;
  });
  const session = await connect(URL_, { ...MODERN, fetch, handlers: { "roots/list": () => ({ roots: [] }) } });
  await session.callTool({ name: "asks" });
  const { params } = sent.at(-1).message;
  assert.deepEqual([params.requestState, Object.keys(params.inputResponses)], [HALF, ["k\ud83d"]]);
  await session.callTool({ name: "task" });
  assert.equal(sent.findLast(({ message }) => message.method === "tasks/get").message.params.taskId, HALF);
  await session.close();

  const asking = peer((message) => {
    if (message.method !== "tools/call") return undefined;
    const { response, write, send, close } = stream();
    for (const half of ["a\\ud83db", "a\\ud83eb"]) write(`data: {"jsonrpc":"2.0","id":"${half}","method":"ping"}\n\n`);
    setTimeout(() => (send({ jsonrpc: "2.0", id: message.id, result: {} }), close()), 20);
    return response;
  });
  const legacy = await connect(URL_, { ...LEGACY, fetch: asking.fetch });
  await legacy.callTool({ name: "x" });
  await until(() => asking.sent.filter(({ message }) => message.result).length === 2);
  assert.deepEqual(asking.sent.flatMap(({ message }) => (message.result ? [message.id] : [])), [HALF, "a\ud83eb"]);
  await legacy.close();
});

// ── What is not left behind ──

test("a thousand sessions that were closed leave nothing behind", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  let gone = 0;
  const registry = new FinalizationRegistry(() => gone++);
  const open = async (at) => {
    const captured = { fetch: {}, headers: {}, on: {}, handlers: {} };
    const { fetch: answer } = peer();
    const fails = at % 10 === 9;
    const options = {
      ...LEGACY,
      fetch: (url, init) => (void captured.fetch, fails ? json({}, { status: 404 }) : answer(url, init)),
      headers: () => void captured.headers,
      on: { statechange: () => void captured.on },
      handlers: { "roots/list": () => void captured.handlers },
    };
    for (const each of Object.values(captured)) registry.register(each);
    const { ok: session } = await settle(connect(URL_, options));
    if (!session) return;
    registry.register(session);
    await session.callTool({ name: "x" });
    await session.close();
  };
  // The first ones make what all share.
  for (let at = 0; at < 100; at++) await open(at);
  const collect = async () => {
    for (let round = 0; round < 10; round++) {
      gc();
      await sleep(20);
    }
    return process.memoryUsage().heapUsed;
  };
  const before = await collect();
  for (let at = 0; at < 1_000; at++) await open(at);
  const after = await collect();
  assert.equal(gone, 1_100 * 4 + 990, "all that a session captured");
  // Those that stayed would take four million and more.
  assert.ok(after - before < 1_000_000, `${after - before} bytes more`);
});

// ── Whatever comes ──

/** For longer: HOSTILE_SECONDS=600. */
const SECONDS = Number(process.env.HOSTILE_SECONDS ?? 10);
test(`a server that answers at random for ${SECONDS} s fails no call of another server's session`, { timeout: (SECONDS + 120) * 1_000 }, async () => {
  const seed = Number(process.env.HOSTILE_SEED ?? Date.now() % 2 ** 31);
  const random = guess(seed);
  const other = await connect("https://other.test/mcp", { ...LEGACY, fetch: peer().fetch });
  const unhandled = [];
  process.on("unhandledRejection", (error) => unhandled.push(error));
  const manager = new SessionManager({ timeout: 2_000, maxTotalTimeout: 2_000, maxMessageBytes: 4 << 20, maxEventBytes: 1 << 20 });
  const end = Date.now() + SECONDS * 1_000;
  let calls = 0;
  let longest = 0;
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - at - 20);
    at = performance.now();
  }, 20);
  let at = performance.now();
  const attacked = async (name) => {
    while (Date.now() < end) {
      const { fetch, handlers } = randomServer(random);
      const { ok: session } = await settle(manager.open(name, URL_, { fetch, handlers, era: random.of("legacy", "modern", "auto"), headers: () => ({ authorization: `Bearer ${SECRET}` }) }));
      if (!session) continue;
      const work = Array.from({ length: 6 }, async () => {
        const { error } = await settle(random.of(
          () => session.callTool({ name: "x" }),
          () => session.listTools(),
          () => session.readResource({ uri: "a" }),
          () => session.getPrompt({ name: "p" }),
          () => session.ping(),
          () => session.verify(),
          () => session.subscribeResource({ uri: "a" }),
        )());
        calls++;
        if (!error) return;
        const told = `${error.message} ${JSON.stringify(error)} ${JSON.stringify(error.data)}`;
        assert.ok(error.name === "McpError" && error.code !== "crashed" && !told.includes(SECRET), told);
      });
      await Promise.all(work);
      await session.close();
    }
  };
  const bystanders = async () => {
    while (Date.now() < end) {
      assert.deepEqual(await other.callTool({ name: "x" }), { content: [] });
      await sleep(5);
    }
  };
  try {
    await Promise.all([attacked("one"), attacked("two"), attacked("three"), bystanders()]);
  } finally {
    clearInterval(watch);
    console.log(`seed ${seed}: ${calls} calls, the longest task took about ${Math.round(longest)} ms`);
  }
  await Promise.all([manager.close(), other.close()]);
  assert.deepEqual(unhandled, []);
});
