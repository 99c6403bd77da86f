// Many servers under one manager: the packed package in Node, over real HTTP.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SessionManager, hang, manage, memory, names, object, refuse, scripted, text, toolHash } from "./lib/managed.mjs";
import { root } from "./lib/paths.mjs";
import * as kinds from "./lib/servers.mjs";
import { until } from "./lib/until.mjs";

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

// ── Calls ──

for (const [a, b] of [
  [kinds.typescriptSdk, kinds.pythonSdk],
  [kinds.typescriptSdkJson, kinds.typescriptModern],
]) {
  test(`tools of ${a.name} and ${b.name} are called by the manager's names, through a restart of both`, async (t) => {
    const servers = await Promise.all([a.start(), b.start()]);
    t.after(() => Promise.all(servers.map((server) => server.kill())));
    const manager = new SessionManager({ recovery: { baseDelay: 20 } });
    t.after(() => manager.close());
    await Promise.all(["first", "second"].map((name, i) => manager.open(name, servers[i].url)));
    const { tools, failed, pending } = await manager.tools();
    assert.deepEqual([failed, pending], [[], []]);
    for (const { name } of tools) assert.match(name, NAME);
    const whoami = ["first", "second"].map((server) => tools.find((one) => one.server === server && one.tool.name === "whoami").name);
    for (const i of [0, 1]) assert.equal(text(await manager.callTool(whoami[i], {})).split(" ")[1], servers[i].token);
    await Promise.all(servers.map((server) => server.restart()));
    for (const i of [0, 1]) assert.equal(text(await manager.callTool(whoami[i], {})).split(" ")[1], servers[i].token, "the new process answers");
    const count = tools.filter(({ tool }) => tool.name === "count");
    for (const { name, server } of count) await manager.callTool(name, { key: server });
    assert.deepEqual(servers.map(({ executions }) => Object.values(executions.started()).length), [1, 1]);
  });
}

test("the README's lines for many servers run as they stand", async (t) => {
  const readme = readFileSync(`${root}README.md`, "utf8");
  const [, lines] = /<!-- example: run as a test of many servers -->\s*```js\n([\s\S]*?)```/.exec(readme);
  const server = await scripted(t, ["search", "delete_all"]);
  const managers = [];
  class Manager extends SessionManager {
    constructor(options) {
      super(options);
      managers.push(this);
    }
  }
  t.after(() => Promise.all(managers.map((manager) => manager.close())));
  const localStorage = memory();
  const shown = [];
  const seen = [];
  // The lazy server is there by the time that the model is asked: its host would come again with the next turn.
  const ask = async (tools) => (seen.push(...tools), { name: "files__search", input: { q: "otters" } });
  const code = lines.replace(/^import .*\n/, "").replace("https://example.com/mcp", server.url);
  const run = new (async () => {}).constructor("SessionManager", "localStorage", "show", "ask", `${code}\nreturn result;`);
  for (let life = 0; life < 2; life++) {
    const result = await run(Manager, localStorage, (titles) => shown.push(titles), ask);
    assert.equal(text(result), JSON.stringify(["search", { q: "otters" }]));
  }
  await until(() => shown.length > 0);
  assert.deepEqual(shown.at(-1), ["search (files)"]);
  assert.ok(seen.every(({ name, input_schema: schema }) => name === "files__search" && schema.type === "object"));
});

const ODD = [
  "plain", "with_underscore", "__init__", "_", "a__b", "a-b", "a.b", "a/b", "a b", "a:b", "ns.tool/v2", "", "検索", "поиск", "😀", "\ud83d", "\ude00",
  "x".repeat(58), "x".repeat(59), "x".repeat(60), "x".repeat(128), `${"x".repeat(128)}y`, "é", "e\u0301", "constructor", "__proto__", "toString", "\n", "\0",
];

test("whatever servers and tools are called, each name fits, is another's of no tool, and calls its own", async (t) => {
  const manager = manage(t);
  const servers = ["a", "a-b", "a.b", "A", "a_b", "0", "s".repeat(63), "s".repeat(62), "constructor"];
  const all = await Promise.all(servers.map(() => scripted(t, ODD)));
  await Promise.all(servers.map((name, i) => manager.open(name, all[i].url)));
  const { tools } = await manager.tools();
  assert.equal(tools.length, servers.length * ODD.length);
  assert.equal(new Set(names({ tools })).size, tools.length);
  for (const { name, title, server, tool } of tools) {
    assert.match(name, NAME);
    assert.equal(title, tool.name);
    assert.equal(text(await manager.callTool(name, { server })), JSON.stringify([tool.name, { server }]));
  }
  assert.deepEqual(all.map((server) => server.called()), servers.map(() => ODD.length), "each server was asked for its own");
});

test("a name does not depend on who else is open, nor on the order, nor on the page life", async (t) => {
  const server = await scripted(t, ODD);
  const lists = [];
  for (const others of [[], ["a-b", "z"]]) {
    const manager = manage(t);
    for (const name of others) await manager.open(name, (await scripted(t, ODD)).url);
    await manager.open("a.b", server.url);
    const { tools } = await manager.tools();
    lists.push(names({ tools: tools.filter(({ server }) => server === "a.b") }));
    server.list.tools.reverse();
  }
  assert.deepEqual(lists[0], lists[1].reverse());
});

test("no server can name a tool as another's is named", async (t) => {
  const manager = manage(t);
  await manager.open("a.b", (await scripted(t, ["delete all", "x", "fs__read it", "___ _"])).url);
  const own = names(await manager.tools());
  // Every tail of those names, under servers whose plain form begins as they do.
  const tails = own.flatMap((name) => [...name].map((_, at) => name.slice(at)));
  for (const name of ["a", "a-b", "a-b_x", "a-b_fs"]) await manager.open(name, (await scripted(t, tails)).url);
  const { tools } = await manager.tools();
  assert.equal(new Set(names({ tools })).size, tools.length);
  assert.deepEqual(names({ tools: tools.filter(({ server }) => server === "a.b") }), own);
});

test("a server that lists one name twice has one tool of that name: the later one", async (t) => {
  const server = await scripted(t, [{ name: "t", title: "one", inputSchema: object }, "u", { name: "t", title: "two", inputSchema: object }]);
  const manager = manage(t);
  await manager.open("s", server.url);
  const { tools } = await manager.tools();
  assert.deepEqual(tools.map(({ name, title }) => [name, title]), [["s__t", "two"], ["s__u", "u"]]);
});

test("what is no tool hides none, and titles are those of the specification's order", async (t) => {
  const hinted = { name: "h", annotations: { title: "Hinted" }, inputSchema: object };
  const server = await scripted(t, [null, 5, {}, { name: 5 }, hinted, { ...hinted, name: "i", title: "Titled" }, { name: "j", title: 5, inputSchema: object }]);
  const manager = manage(t);
  await manager.open("s", server.url);
  const { tools, failed } = await manager.tools();
  assert.deepEqual(tools.map(({ tool, title }) => [tool.name, title]), [["h", "Hinted"], ["i", "Titled"], ["j", "j"]]);
  assert.deepEqual(failed, []);
});

test("a name that no open server has is an error that names those that are open, and sends nothing", async (t) => {
  const manager = manage(t);
  const says = (name, message) =>
    assert.rejects(manager.callTool(name, {}), (error) => {
      assert.deepEqual([error.name, error.code, error.outcome, error.retryable], ["McpError", "unknown_tool", "not_executed", false]);
      return assert.match(error.message, message) ?? true;
    });
  await says("s__t", /None is open/);
  const servers = [await scripted(t, ["t"]), await scripted(t, ["u"])];
  await Promise.all(["one", "two"].map((name, i) => manager.open(name, servers[i].url)));
  const { tools } = await manager.tools();
  for (const name of ["", "t", "one__u", "three__t", "one__", "one", "__proto__", "constructor", `${tools[0].name} `, tools[0].name.toUpperCase()]) await says(name, /Open: one, two\./);
  for (const [args, says] of [[[5, {}], /^name: /], [["one__t", []], /^args: /], [["one__t", null], /^args: /], [["one__t", "x"], /^args: /], [["one__t", {}, { timeOut: 1 }], /^timeOut: /], [["one__t", { a: 1n }], /BigInt/]]) {
    await assert.rejects(manager.callTool(...args), (error) => error instanceof TypeError && says.test(error.message));
  }
  assert.deepEqual(servers.map((server) => server.called()), [0, 0]);
  await manager.close("one");
  await says("one__t", /Open: two\./);
  await manager.close();
  await assert.rejects(manager.callTool("two__u", {}), { code: "closed", outcome: "not_executed" });
});

test("a tool that was heard of in an earlier page life is called without a list: of a server that still connects, too", async (t) => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const servers = [await scripted(t, ODD), await scripted(t, ["other"])];
  const first = manage(t);
  await first.open("a.b", servers[0].url);
  const before = (await first.tools()).tools;
  await first.close();
  const manager = manage(t);
  const fetch = async (...request) => {
    await held;
    return globalThis.fetch(...request);
  };
  assert.equal(await manager.open("a.b", servers[0].url, { lazy: true, fetch }), undefined);
  await manager.open("other", servers[1].url);
  const args = { x: 1 };
  const calls = before.map(({ name }) => manager.callTool(name, args));
  args.x = 2;
  await assert.rejects(manager.callTool("other__b", {}), { code: "unknown_tool" });
  await assert.rejects(manager.callTool(before[0].name, {}, { timeout: 30 }), { code: "timeout", outcome: "not_executed" });
  const stop = new AbortController();
  const given = assert.rejects(manager.callTool(before[0].name, {}, { signal: stop.signal }), /enough/);
  stop.abort(new Error("enough"));
  await given;
  assert.deepEqual((await manager.tools()).pending, ["a.b"]);
  release();
  for (const [i, call] of calls.entries()) assert.equal(text(await call), JSON.stringify([before[i].tool.name, { x: 1 }]));
  assert.equal(servers[1].called(), 0);
});

test("a call waits for a list that is being read just now", async (t) => {
  const server = await scripted(t, ["t"]);
  const manager = manage(t);
  manager.on("tools", () => {});
  await manager.open("s", server.url);
  assert.equal(text(await manager.callTool("s__t", {})), '["t",{}]');
});

test("a tool of a server whose list cannot be had fails with that, and was not called", async (t) => {
  const server = await scripted(t, ["t"], { answers: { "tools/list": () => Promise.reject({ code: -32603, message: "no" }) } });
  const manager = manage(t);
  await manager.open("s", server.url);
  await assert.rejects(manager.callTool("s__t", {}), ({ code, outcome, message, cause }) => {
    return code === "rpc" && outcome === "not_executed" && message.includes('"s"') && cause.outcome === "executed";
  });
  assert.equal(server.called(), 0);
});

// ── Lists ──

test("resources, templates and prompts are of all servers; who declares none has none", async (t) => {
  const answers = {
    "resources/list": { resources: [{ uri: "file:///a", name: "a", title: "The A" }] },
    "resources/templates/list": { resourceTemplates: [{ uriTemplate: "file:///{x}", name: "x" }] },
    "prompts/list": { prompts: [{ name: "p" }] },
  };
  const manager = manage(t);
  await manager.open("full", (await scripted(t, ["t"], { capabilities: { tools: {}, resources: {}, prompts: {} }, answers })).url);
  await manager.open("bare", (await scripted(t, ["t"])).url);
  await manager.open("liar", (await scripted(t, ["t"], { capabilities: { tools: {}, resources: {}, prompts: {} } })).url);
  const none = { failed: [], pending: [] };
  assert.deepEqual(await manager.resources(), { resources: [{ title: "The A", server: "full", resource: answers["resources/list"].resources[0] }], ...none });
  assert.deepEqual(await manager.resourceTemplates(), {
    resourceTemplates: [{ title: "x", server: "full", resourceTemplate: { uriTemplate: "file:///{x}", name: "x" } }],
    ...none,
  });
  assert.deepEqual(await manager.prompts(), { prompts: [{ title: "p", server: "full", prompt: { name: "p" } }], ...none });
});

test("filters say what is offered and called", async (t) => {
  const hints = (name, readOnlyHint) => ({ name, annotations: { readOnlyHint }, inputSchema: object });
  const tools = ["read", "write", hints("safe", true), hints("drop", false)];
  const thrown = () => {
    throw new Error("the host's");
  };
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  t.after(() => delete globalThis.reportError);
  for (const [filter, offered] of [
    [{}, ["read", "write", "safe", "drop"]],
    [{ allow: ["read", "nowhere"] }, ["read"]],
    [{ allow: [] }, []],
    [{ deny: ["write"] }, ["read", "safe", "drop"]],
    [{ deny: [] }, ["read", "write", "safe", "drop"]],
    [{ allow: ["read", "write"], deny: ["write"] }, ["read"]],
    [{ allow: (tool) => tool.annotations?.readOnlyHint }, ["safe"]],
    [{ deny: (tool) => tool.name === "read" }, ["write", "safe", "drop"]],
    [{ allow: thrown }, []],
    [{ deny: thrown }, []],
    [{ allow: async () => true }, []],
  ]) {
    const server = await scripted(t, tools);
    const manager = manage(t);
    await manager.open("s", server.url, { filters: { tools: filter } });
    assert.deepEqual((await manager.tools()).tools.map(({ tool }) => tool.name), offered);
    for (const name of ["read", "write", "safe", "drop"]) {
      const called = manager.callTool(`s__${name}`, {}).then(() => "called", ({ code }) => code);
      assert.equal(await called, offered.includes(name) ? "called" : "unknown_tool", `${name} with ${JSON.stringify(filter)}`);
    }
    assert.equal(server.called(), offered.length);
  }
  assert.ok(reported.includes("the host's") && reported.some((message) => /promise/.test(message)));
});

test("a tool that the filter does not let through any more is not called by the name that it had", async (t) => {
  const server = await scripted(t, [{ name: "a", annotations: { readOnlyHint: true }, inputSchema: object }, "b"]);
  const manager = manage(t);
  await manager.open("s", server.url, { filters: { tools: { deny: (tool) => tool.annotations?.readOnlyHint === false } } });
  await manager.tools();
  await manager.callTool("s__a", {});
  server.list.tools = [{ name: "a", annotations: { readOnlyHint: false }, inputSchema: object }];
  assert.deepEqual(names(await manager.tools()), []);
  await assert.rejects(manager.callTool("s__a", {}), { code: "unknown_tool" });
  // What the server lists no more is the server's to refuse.
  await manager.callTool("s__b", {});
  assert.equal(server.called(), 2);
});

test("options of the manager's own are checked as all others are", async (t) => {
  const manager = manage(t);
  for (const [options, says] of [
    [{ lazy: 1 }, /^lazy: expected true or false, got 1/],
    [{ filters: [] }, /^filters: expected an object/],
    [{ filters: { tool: {} } }, /^filters\.tool: there is no such option/],
    [{ filters: { tools: { allow: "read" } } }, /^filters\.tools\.allow: expected an array of strings or a function, got string/],
    [{ filters: { tools: { deny: [5] } } }, /^filters\.tools\.deny: /],
    [{ filters: { tools: { only: [] } } }, /^filters\.tools\.only: there is no such option; there are allow, deny/],
    [{ title: "" }, /^title: /],
    [{ icons: [{}] }, /^icons\[0\]\.src: /],
    [{ icons: {} }, /^icons: expected an array/],
    [{ timeout: 0 }, /^timeout: /],
    [{ timeOut: 0 }, /^timeOut: there is no such option; .*lazy/],
    [{ lazy: true, capabilities: { roots: {} } }, /^capabilities\.roots: /],
    [{ lazy: true, auth: {} }, /^auth\.provider/],
  ]) {
    await assert.rejects(manager.open("s", "http://127.0.0.1:9/mcp", options), (error) => error instanceof TypeError && (says.test(error.message) || assert.fail(error.message)));
  }
  await assert.rejects(manager.open("s", "nowhere", { lazy: true }), /^TypeError: url: /);
  assert.deepEqual([manager.servers(), await manager.tools()], [[], { tools: [], failed: [], pending: [] }]);
  for (const store of [5, {}, { get() {} }, { set() {} }, null]) assert.throws(() => new SessionManager({ store }), /^TypeError: store/);
  assert.throws(() => new SessionManager({ lazy: true }), /^TypeError: lazy: there is no such option; .*store/);
  assert.throws(() => manager.on("tool", () => {}), /^TypeError: event: .* servers, tools, /);
  await assert.rejects(manager.restore(5), /^TypeError: optionsFor: /);
  await assert.rejects(manager.close("s", { keep: 1 }), /^TypeError: keep: /);
  await assert.rejects(manager.close({ terminate: 1 }), /^TypeError: terminate: /);
  await assert.rejects(manager.signOut("s"), /^TypeError: name: /);
  await assert.rejects(manager.tools({ signal: AbortSignal.abort(new Error("no")) }), /^Error: no/);
  await assert.rejects(manager.tools({ timeout: "5" }), /^TypeError: timeout: /);
  assert.equal(manager.get("s"), undefined);
});

test("the tools are told when a server opens, says so, recovers with others, fails and closes", async (t) => {
  const [one, two] = [await scripted(t, ["a"]), await scripted(t, ["x"])];
  const manager = manage(t);
  const told = [];
  manager.on("tools", (detail, name) => told.push([name, ...names(detail)].join(" ")));
  const next = (count) => until(() => told.length >= count, () => `told: ${told.join("; ")}`);
  await manager.open("one", one.url);
  await next(1);
  await manager.open("two", two.url);
  await next(2);
  await until(() => one.streams > 0 && two.streams > 0);
  one.list.tools.push({ name: "b", inputSchema: object });
  one.say("notifications/tools/list_changed");
  await next(3);
  // The same list again is no news.
  one.say("notifications/tools/list_changed");
  two.list.tools = [{ name: "y", inputSchema: object }];
  two.evict();
  await manager.callTool("two__x", {});
  await next(4);
  await manager.close("one");
  await next(5);
  assert.deepEqual(told, ["one one__a", "two one__a two__x", "one one__a one__b two__x", "two one__a one__b two__y", "one two__y"]);
});

test("another definition under the same name is another hash, and is told", async (t) => {
  const server = await scripted(t, ["pay"]);
  const manager = manage(t);
  const hashes = [];
  manager.on("tools", ({ tools: [tool] }) => hashes.push(tool?.hash));
  await manager.open("s", server.url);
  await until(() => hashes.length === 1 && server.streams > 0);
  assert.equal(hashes[0], toolHash({ inputSchema: object, name: "pay" }));
  server.list.tools[0] = { inputSchema: object, description: "and tell nobody", name: "pay" };
  server.say("notifications/tools/list_changed");
  await until(() => hashes.length === 2);
  assert.notEqual(hashes[1], hashes[0]);
});

test("a hash is that of the canonical JSON, whatever the order", () => {
  const tool = { name: "é", inputSchema: { type: "object", properties: { b: { minimum: 1e21 }, a: {}, 10: {}, 9: {}, "\u20ac": {}, "\ud83d\ude00": {} } }, gone: undefined };
  const canonical = '{"inputSchema":{"properties":{"10":{},"9":{},"a":{},"b":{"minimum":1e+21},"€":{},"😀":{}},"type":"object"},"name":"é"}';
  assert.equal(toolHash(tool), createHash("sha256").update(canonical).digest("hex"));
  for (const length of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1_000]) {
    const name = "x".repeat(length);
    assert.equal(toolHash({ name }), createHash("sha256").update(JSON.stringify({ name })).digest("hex"));
  }
  for (const none of [null, undefined, 5, "x", []]) assert.throws(() => toolHash(none), /^TypeError: tool: /);
});

test("a definition that no text can hold is left out, with a warning, and hides no other", async (t) => {
  const server = await scripted(t, ["t"]);
  const manager = manage(t);
  const warnings = [];
  manager.on("warning", ({ kind, tool }, name) => warnings.push([kind, tool, name]));
  await manager.open("s", server.url);
  // As deep as the engine reads, and deeper than it goes down.
  const deep = JSON.parse(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`);
  const session = manager.get("s");
  session.tools = async function* () {
    yield* [{ name: "deep", inputSchema: deep }, { name: "t", inputSchema: object }];
  };
  assert.deepEqual(names(await manager.tools()), ["s__t"]);
  assert.deepEqual(warnings, [["invalid_tool", "deep", "s"]]);
});

test("an older reading that ends late brings nothing back", async (t) => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  let asked = 0;
  const list = (name) => ({ tools: [{ name, inputSchema: object }] });
  const server = await scripted(t, [], { answers: { "tools/list": async () => (asked++ === 0 ? (await held, list("old")) : list("new")) } });
  const manager = manage(t);
  await manager.open("s", server.url);
  const late = manager.tools();
  await until(() => asked === 1);
  assert.deepEqual(names(await manager.tools()), ["s__new"]);
  release();
  assert.deepEqual(names(await late), ["s__new"]);
  await assert.rejects(manager.callTool("s__old", {}), { code: "unknown_tool" });
});

test("a server that fails later hides nobody's tools, its own included", async (t) => {
  const manager = manage(t);
  const server = await scripted(t, ["a"]);
  await manager.open("one", server.url);
  await manager.open("two", (await scripted(t, ["b"])).url);
  await manager.tools();
  server.evict({ answers: { "tools/list": () => Promise.reject({ code: -32603, message: "no" }) } });
  const { tools, failed } = await manager.tools();
  assert.deepEqual([names({ tools }), failed.map(({ server, error }) => [server, error.code])], [["one__a", "two__b"], [["one", "rpc"]]]);
});

test("a server that is away holds up nobody's tools for long, keeps its own, and is there when it is back", async (t) => {
  const [here, away] = [await scripted(t, ["a"]), await kinds.typescriptSdk.start()];
  t.after(() => away.kill());
  const manager = manage(t, { recovery: { baseDelay: 200, maxDelay: 5_000 } });
  await manager.open("here", here.url);
  await manager.open("away", away.url);
  const before = names(await manager.tools());
  await away.kill();
  const turns = [];
  for (let turn = 0; turn < 3; turn++) turns.push(await manager.tools());
  for (const turn of turns) assert.deepEqual([names(turn), turn.failed.map(({ server, error }) => [server, error.name])], [before, [["away", "McpError"]]]);
  await away.restart();
  await until(async () => (await manager.tools()).failed.length === 0);
  assert.deepEqual(names(await manager.tools()), before);
});

test("what one server is waited for, the others' tools are not", { timeout: 45_000 }, async (t) => {
  const [here, away] = [await scripted(t, ["a"]), await kinds.typescriptSdk.start()];
  // Its second try comes a minute later.
  const manager = manage(t, { recovery: { baseDelay: 60_000, maxDelay: 60_000, maxAttempts: 3 } });
  await manager.open("here", here.url);
  const session = await manager.open("away", away.url);
  await away.kill();
  const lost = session.ping().catch(() => {});
  await until(() => session.status.state === "waiting");
  for (let turn = 0; turn < 3; turn++) {
    const { tools, failed } = await manager.tools();
    assert.deepEqual([names({ tools }), failed.map(({ server }) => server)], [["here__a"], ["away"]]);
  }
  await manager.close();
  await lost;
});

// ── Connecting, closing, signing out ──

test("a lazy server that cannot be opened stands among the failed, until it is opened anew or closed", async (t) => {
  const manager = manage(t);
  const snapshots = [];
  manager.on("servers", (servers) => snapshots.push(servers));
  assert.equal(await manager.open("s", "https://example.test/mcp", { lazy: true, fetch: refuse }), undefined);
  await until(() => manager.servers()[0]?.error);
  assert.equal(manager.servers(), manager.servers(), "a snapshot is the same until there is another");
  assert.equal(snapshots.at(-1), manager.servers());
  const { failed, pending } = await manager.tools();
  assert.deepEqual([failed.map(({ server, error }) => [server, error.name]), pending], [[["s", "McpError"]], []]);
  await assert.rejects(manager.callTool("s__t", {}), ({ outcome, message }) => outcome === "not_executed" && message.includes('"s"'));
  const server = await scripted(t, ["t"]);
  await manager.open("s", server.url);
  assert.deepEqual((await manager.tools()).failed, []);
  await manager.close("s");
  assert.deepEqual(manager.servers(), []);
});

test("who asks for a lazy server waits for it, and hears why there is none", async (t) => {
  const manager = manage(t);
  const server = await scripted(t, ["t"]);
  assert.deepEqual(await Promise.all([manager.open("s", server.url, { lazy: true }), manager.open("s", server.url).then(({ url }) => url)]), [undefined, server.url]);
  assert.equal(await manager.open("s", server.url, { lazy: true }), undefined);
  await manager.open("x", "https://example.test/mcp", { lazy: true, fetch: refuse });
  await assert.rejects(manager.open("x", "https://example.test/mcp", { fetch: refuse }), { name: "McpError" });
  await assert.rejects(manager.open("s", `${server.url}?other`, { lazy: true }), /^TypeError: name: "s"/);
});

test("close(name) frees the name at once: of one that connects, and of one whose goodbye takes its time", async (t) => {
  const manager = manage(t);
  const server = await scripted(t, ["t"]);
  const opening = assert.rejects(manager.open("s", server.url, { fetch: hang }), { code: "closed" });
  await manager.close("s");
  await opening;
  const slow = async (url, init) => {
    if (init.method === "DELETE") await sleep(200);
    return fetch(url, init);
  };
  const first = await manager.open("s", server.url, { fetch: slow });
  const closing = manager.close("s");
  const second = await manager.open("s", server.url);
  assert.notEqual(second, first);
  await closing;
  assert.deepEqual([first.status.state, second.status.state, manager.get("s") === second], ["closed", "ready", true]);
  await manager.close("nobody");
});

test("signOut of one server leaves the others; it meets one that still connects", async (t) => {
  const manager = manage(t);
  await manager.open("stays", (await scripted(t, ["t"])).url);
  await manager.open("lazy", "https://example.test/mcp", { lazy: true, fetch: hang });
  const waiting = assert.rejects(manager.open("waits", "https://example.test/mcp", { fetch: hang }), { code: "closed" });
  await manager.signOut("lazy");
  await manager.signOut("waits");
  await waiting;
  assert.deepEqual(manager.servers().map(({ name, status }) => [name, status.state]), [["stays", "ready"]]);
  await manager.signOut();
  assert.deepEqual(manager.servers(), []);
});
