// The list of a manager's servers that is kept from one page life to the next: the packed package in Node.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { installed } from "./lib/install.mjs";
import { hang, manage, memory, names, refuse, scripted, text } from "./lib/managed.mjs";
import { until } from "./lib/until.mjs";

const PIXEL = "data:image/png;base64,iVBORw0KGgo=";

for (const [what, storeOf] of [
  ["a Storage", () => memory()],
  [
    "functions that give promises",
    () => {
      const store = memory();
      return { texts: store.texts, get: async (key) => (await sleep(5), store.getItem(key)), set: async (key, text) => (await sleep(5), store.setItem(key, text)) };
    },
  ],
]) {
  test(`servers come back after a reload, from ${what}: with titles, icons and filters, and without secrets`, async (t) => {
    const store = storeOf();
    const info = { title: "The one", icons: [{ src: PIXEL, sizes: ["48x48"] }, { src: "javascript:alert(1)" }, { src: "http://x.test/i.png" }] };
    const servers = [await scripted(t, ["a", "b"], { info }), await scripted(t, ["c"])];
    const life = () => manage(t, { store, identity: "ann", headers: { authorization: "Bearer THE-SECRET" } });
    const first = life();
    await first.open("one", servers[0].url, { filters: { tools: { deny: ["b"] } }, timeout: 5_000 });
    await first.open("two", servers[1].url, { headers: { "x-key": "THE-SECRET" }, title: "My two", icons: [{ src: "https://x.test/two.png" }] });
    await first.open("three", servers[1].url, { filters: { tools: { allow: () => true } } });
    await first.open("gone", servers[1].url);
    await first.close("gone");
    await until(() => [...store.texts.values()].some((text) => text.includes("The one") && text.includes("three")));
    assert.doesNotMatch([...store.texts].join(), /SECRET/);
    await first.close();

    const second = life();
    const warnings = [];
    second.on("warning", ({ kind, hint }, name) => warnings.push([kind, name, /headers|filters/.exec(hint)?.[0]]));
    assert.deepEqual(await second.restore(), ["one"]);
    const seen = second.servers().map(({ name, url, title, icons }) => [name, url, title, icons.map(({ src }) => src)]);
    assert.deepEqual(seen, [
      ["one", servers[0].url, "The one", [PIXEL]],
      ["two", servers[1].url, "My two", ["https://x.test/two.png"]],
      ["three", servers[1].url, "three", []],
    ]);
    assert.deepEqual(warnings, [["kept_servers", "two", "headers"], ["kept_servers", "three", "filters"]]);
    assert.equal(text(await second.callTool("one__a", { x: 1 })), '["a",{"x":1}]');
    await assert.rejects(second.callTool("one__b", {}), { code: "unknown_tool" });
    const given = { two: { headers: { "x-key": "THE-SECRET" } }, three: null };
    assert.deepEqual(await second.restore(({ name }) => given[name]), ["two"]);
    await until(() => second.get("two"));
    assert.deepEqual(names(await second.tools()), ["one__a", "two__c"]);
    await second.close("three");
    await second.close("two", { keep: true });
    await second.close();

    const third = life();
    assert.deepEqual(await third.restore(() => null), []);
    assert.deepEqual(third.servers().map(({ name, status }) => [name, status]), [["one", undefined], ["two", undefined]]);
    const bob = manage(t, { store, identity: "bob" });
    assert.deepEqual([await bob.restore(), bob.servers()], [[], []]);
  });
}

const GOOD = { name: "good", url: "http://127.0.0.1:9/mcp" };
for (const [what, stored, kept] of [
  ["no JSON", "{", []],
  ["null", "null", []],
  ["a number", "5", []],
  ["a text", '"x"', []],
  ["an array", "[]", []],
  ["no list", '{"servers":{}}', []],
  ["an empty text", "", []],
  ...[null, 5, "x", [], {}, { ...GOOD, name: "a__b" }, { ...GOOD, name: "__proto__" }, { ...GOOD, name: "x", url: "javascript:alert(1)" }, { ...GOOD, name: "x", url: 5 }, { ...GOOD, name: "x", url: "https://user:pw@x.test/" }, { ...GOOD, name: "x", options: { timeout: "5" } }, { ...GOOD, name: "x", options: 5 }, { ...GOOD, name: "x", options: null }, { ...GOOD, name: "x", options: { filters: { tools: { deny: 5 } } } }, { ...GOOD, name: "x", needs: "auth" }, { ...GOOD, name: "x", needs: ["nothing"] }].map((entry) => [JSON.stringify(entry), JSON.stringify({ servers: [entry, GOOD] }), ["good"]]),
]) {
  test(`${what} in the store is a warning in words, and costs nothing else`, async (t) => {
    const store = { get: () => stored, set() {} };
    const manager = manage(t, { store });
    const warnings = [];
    manager.on("warning", ({ kind, hint }) => warnings.push([kind, hint]));
    await manager.restore(() => null);
    assert.deepEqual(manager.servers().map(({ name }) => name), kept);
    assert.deepEqual(warnings.map(([kind]) => kind), ["kept_servers"]);
    assert.match(warnings[0][1], kept.length ? /is left out: .+\. Open it anew\.$/ : /is no list of servers/);
    assert.doesNotMatch(warnings[0][1], /user:pw|alert|undefined is not|Cannot/);
  });
}

test("what stands beside what was expected is not shown, and is no option", async (t) => {
  const entry = { ...GOOD, title: 5, icons: [{ src: "javascript:x" }, 5, null], learned: { title: {}, icons: {} }, options: { headers: { a: "b" }, auth: {}, persist: 1, timeout: 5_000 }, more: 1 };
  const store = memory();
  store.setItem('mcp-evergreen:servers:[null]', JSON.stringify({ servers: [entry] }));
  const manager = manage(t, { store });
  const warnings = [];
  manager.on("warning", ({ kind }) => warnings.push(kind));
  assert.deepEqual(await manager.restore(), ["good"]);
  assert.deepEqual(manager.servers().map(({ title, icons }) => [title, icons]), [["good", []]]);
  assert.deepEqual(warnings, []);
});

test("the way by a proxy comes back as well, but for one that has a credential", async (t) => {
  const store = memory();
  const PROXY = "https://proxy.test/mcp-proxy";
  const ways = {
    text: PROXY,
    address: new URL(PROXY),
    route: { url: new URL(PROXY), when: "always", oauth: true },
    secret: { url: PROXY, headers: { "evergreen-authorization": "THE-SECRET" } },
    asked: { url: PROXY, headers: () => ({}) },
    none: undefined,
  };
  const first = manage(t, { store });
  for (const [name, proxy] of Object.entries(ways)) await first.open(name, GOOD.url, { proxy, lazy: true });
  const written = () => JSON.parse([...store.texts.values()].at(0) ?? '{"servers":[]}').servers;
  await until(() => written().length === Object.keys(ways).length);
  const route = { url: PROXY, when: "always", oauth: true };
  const kept = { text: [PROXY, []], address: [PROXY, []], route: [route, []], secret: [undefined, ["proxy"]], asked: [undefined, ["proxy"]], none: [undefined, []] };
  assert.deepEqual(Object.fromEntries(written().map(({ name, options, needs }) => [name, [options.proxy, needs]])), kept);
  await first.close();
  const second = manage(t, { store });
  const asked = [];
  const restored = await second.restore(({ name }) => (asked.push(name), name === "secret" ? { proxy: ways.secret } : {}));
  assert.deepEqual(restored, ["text", "address", "route", "secret", "none"]);
  assert.deepEqual(asked, Object.keys(ways));
});

test("a store that throws, rejects or never answers costs no session", { timeout: 60_000 }, async (t) => {
  const reported = [];
  globalThis.reportError = ({ message }) => reported.push(message);
  t.after(() => delete globalThis.reportError);
  const server = await scripted(t, ["t"]);
  const thrown = () => {
    throw new Error("full");
  };
  for (const store of [{ get: thrown, set: thrown }, { get: async () => thrown(), set: async () => thrown() }, { get: () => null, set: thrown }, { get: () => new Promise(() => {}), set() {} }]) {
    const manager = manage(t, { store });
    const warnings = [];
    manager.on("warning", ({ kind, hint }) => warnings.push(`${kind}: ${hint}`));
    await manager.restore();
    await manager.open("s", server.url);
    assert.equal(text(await manager.callTool("s__t", {})), '["t",{}]');
    await until(() => warnings.length > 0, undefined, 20_000);
    for (const warning of warnings) assert.match(warning, /^kept_servers: The list of servers could not be (read|written): the store (failed|did not answer within 5000 ms)\. /);
    await manager.close();
  }
  assert.ok(reported.length > 0 && reported.every((message) => message === "full"));
});

test("two tabs that open servers lose nothing of each other's", async (t) => {
  const store = memory();
  const server = await scripted(t, ["t"]);
  const tabs = [manage(t, { store }), manage(t, { store })];
  await Promise.all(tabs.map((tab, i) => tab.open(`s${i}`, server.url)));
  await tabs[0].close("s0");
  await tabs[0].open("s2", server.url);
  const last = manage(t, { store });
  assert.deepEqual(await last.restore(), ["s1", "s2"]);
});

test("what could not be opened is not for the next page life; what is only away is", async (t) => {
  const store = memory();
  const manager = manage(t, { store });
  await assert.rejects(manager.open("wrong", "https://example.test/mcp", { fetch: refuse }));
  const away = await manager.open("away", "http://127.0.0.1:9/mcp");
  assert.equal(away.status.state, "waiting");
  await away.close();
  await assert.rejects(manager.open("away", "http://127.0.0.1:9/mcp", { unreachable: "fail" }));
  const stop = new AbortController();
  const given = assert.rejects(manager.open("given-up", "https://example.test/mcp", { fetch: hang, signal: stop.signal }), /enough/);
  stop.abort(new Error("enough"));
  await given;
  assert.deepEqual(manager.servers().map(({ name }) => name), ["away"]);
  await manager.close();
  // What was there before is there again, as it was.
  const next = manage(t, { store });
  await assert.rejects(next.open("away", "https://example.test/other", { fetch: refuse }));
  const last = manage(t, { store });
  assert.deepEqual(await last.restore(() => null), []);
  assert.deepEqual(last.servers().map(({ name, url }) => [name, url]), [["away", "http://127.0.0.1:9/mcp"]]);
});

test("a title that a server has told stays while it is opened anew, also before the list was read", async (t) => {
  const store = memory();
  const server = await scripted(t, ["t"], { info: { title: "Told" } });
  const first = manage(t, { store });
  await first.open("s", server.url);
  await first.close();
  const second = manage(t, { store });
  await second.open("s", server.url, { lazy: true, fetch: hang });
  const third = manage(t, { store });
  await third.restore(() => null);
  assert.deepEqual(third.servers().map(({ title }) => title), ["Told"]);
});

test("who signs out while the list is read opens nothing of it", async (t) => {
  let give;
  const text = new Promise((resolve) => (give = resolve));
  const manager = manage(t, { store: { get: () => text, set() {} } });
  const restoring = manager.restore();
  await manager.signOut();
  give(JSON.stringify({ servers: [GOOD] }));
  assert.deepEqual(await restoring, []);
  // The next user, or the same one again.
  assert.deepEqual(await manager.restore(), ["good"]);
  const asked = manager.restore(() => assert.fail("it is open"));
  assert.deepEqual(await asked, []);
});

test("the era that a server was found to speak is kept with it, for a while: who comes back does not ask it with an error for answer", async (t) => {
  const { TestServer } = await lifeOf(t, "testing.js");
  const server = new TestServer({ tools: { echo: () => "x" } });
  const store = memory();
  const life = async (play) => {
    const { SessionManager } = await lifeOf(t, "index.js");
    const manager = new SessionManager({ store, fetch: server.fetch });
    const before = server.count("server/discover");
    await play(manager);
    await until(() => manager.get("one")?.status.state === "ready");
    const asked = server.count("server/discover") - before;
    await until(() => learned(store).legacyUntil > Date.now());
    await manager.close();
    return asked;
  };
  const learned = ({ texts }) => JSON.parse([...texts.values()][0]).servers[0].learned;
  const comesBack = (manager) => manager.restore();
  assert.equal(await life((manager) => manager.open("one", server.url)), 1);
  assert.equal(await life(comesBack), 0);
  for (const legacyUntil of [Date.now() - 1, Date.now() + 10 * 3_600_000, "soon", null, -1]) {
    for (const [key, text] of store.texts) {
      const kept = JSON.parse(text);
      kept.servers[0].learned.legacyUntil = legacyUntil;
      store.texts.set(key, JSON.stringify(kept));
    }
    assert.equal(await life(comesBack), 1, String(legacyUntil));
    assert.equal(await life(comesBack), 0);
  }
});

/** A module of the package as the next page has it: of what was in memory nothing is left. */
async function lifeOf(t, file) {
  const folder = mkdtempSync(join(tmpdir(), "life-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(`${await installed()}/node_modules/mcp-evergreen`, folder, { recursive: true });
  return import(pathToFileURL(join(folder, file)));
}
