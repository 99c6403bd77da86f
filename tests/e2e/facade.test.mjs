// The JavaScript of the package without its WebAssembly: a core made of a few lines stands in its place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readFile } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { McpError, fromCore } from "../../pkg-template/error.js";
import { EVENTS } from "../../pkg-template/events.js";
import { guardian } from "../../pkg-template/guard.js";
import { build, compile } from "../../pkg-template/load.js";
import { Sessions } from "../../pkg-template/manager.js";
import { readConnect, readRequest } from "../../pkg-template/options.js";
import { Keeper } from "../../pkg-template/persist.js";
import { Session } from "../../pkg-template/session.js";
import { URL_OF_ALL, open } from "./lib/core.mjs";

// ── Options ──

for (const [what, options, says] of [
  ["an array as options", [], /^options: expected an object, got an array/],
  ["null in place of options", null, /^options: .*got null/],
  ["null in place of an option", { recovery: null }, /^recovery: .*got null/],
  ["an option that there is not", { retries: 3 }, /^retries: there is no such option; there are clientInfo, /],
  ["a recovery option that there is not", { recovery: { tries: 3 } }, /^recovery\.tries: /],
  ["a time-out of no time", { timeout: 0 }, /^timeout: .*got 0/],
  ["a time-out longer than a timer can be", { timeout: 2 ** 31 }, /^timeout: .*got 2147483648/],
  ["half a byte", { maxEventBytes: 1.5 }, /^maxEventBytes: /],
  ["a client without a version", { clientInfo: { name: "x" } }, /^clientInfo\.version: .*got undefined/],
  ["a capability without its handler", { capabilities: { roots: {} } }, /^capabilities\.roots: needs handlers\["roots\/list"\]/],
  ["a capability that JSON cannot hold", { capabilities: { experimental: { a: 1n } } }, /capabilities\.experimental\.a is a BigInt/],
  ["a handler for what the session does", { handlers: { ping() {} } }, /^handlers\["ping"\]: /],
  ["a capability in the place of a handler's method", { handlers: { elicitation() {} } }, /^handlers\["elicitation"\]: servers send no such request; there are sampling\/createMessage, elicitation\/create, roots\/list, and those of extensions/],
  ["a method that the specification does not have", { handlers: { "roots/lists"() {} } }, /^handlers\["roots\/lists"\]: servers send no such request/],
  ["a notification in the place of a request", { handlers: { "notifications/progress"() {} } }, /^handlers\["notifications\/progress"\]: servers send no such request/],
  ["a word that is none of an option's", { era: "2025-11-25" }, /^era: expected "auto" or "legacy" or "modern", got "2025-11-25"$/],
  ["another", { recovery: { mode: "never" } }, /^recovery\.mode: .*got "never"$/],
  ["what may be a secret", { credentials: "sk-1234567890abcdef" }, /^credentials: .*got string$/],
  ["a header that the session sets", { headers: { "Mcp-Session-Id": "x" } }, /^headers\["Mcp-Session-Id"\]: /],
  ["a header that HTTP does not allow", { headers: { a: "x\ny" } }, /^headers\["a"\]: /],
  ["a listener for no event", { on: { recoverd() {} } }, /^on\.recoverd: /],
  ["a validator that is none", { validate: {} }, /^validate: expected a function, got object/],
  ["a trace that is no function", { trace: { traceparent: "00-" } }, /^trace: expected a function, got object/],
  ["a signal that is none", { signal: {} }, /^signal: expected an AbortSignal/],
]) {
  test(`${what} is a TypeError that names it`, () => {
    assert.throws(() => readConnect(URL_OF_ALL, options), (error) => error instanceof TypeError && says.test(error.message));
  });
}

test("a URL without its scheme is no path of this page, and the message says what to write", () => {
  const hosts = ["mcp.example.com", "localhost", "localhost:3000", "127.0.0.1:8000", "[::1]:80", "mcp:8080", "müller.example", "a.b-c.test."];
  for (const host of hosts) {
    for (const rest of ["", "/mcp", "/mcp?token=secret", "?token=secret", "#secret"]) {
      const message = `url: "${host}" looks like a host: write https://${host}, or ./${host} where it is a path relative to this page`;
      assert.throws(() => readConnect(` ${host}${rest}`, {}), { name: "TypeError", message });
    }
  }
  globalThis.location = { href: "https://app.example/chat/" };
  try {
    const paths = { "/mcp": "/mcp", mcp: "/chat/mcp", "v1.0/mcp": "/chat/v1.0/mcp", "./mcp.example.com": "/chat/mcp.example.com", "mcp/a.b": "/chat/mcp/a.b", "?x=a.b/c": "/chat/?x=a.b/c" };
    for (const [given, path] of Object.entries(paths)) assert.equal(readConnect(given, {}).url, `https://app.example${path}`);
    assert.equal(readConnect("//mcp.example.com/mcp", {}).url, "https://mcp.example.com/mcp");
  } finally {
    delete globalThis.location;
  }
});

for (const url of ["ftp://example.com/", "/relative", "https://user:secret@example.com/", "", 5, null, {}]) {
  test(`${JSON.stringify(url)} is no URL to connect to`, () => {
    assert.throws(() => readConnect(url), ({ constructor, message }) => {
      return constructor === TypeError && message.startsWith("url:") && !message.includes("secret");
    });
  });
}

test("the core gets the options that were given, and no others: it knows the defaults", () => {
  const clientInfo = { name: "a", version: "1" };
  const { core, environment, url } = readConnect(new URL("#part", URL_OF_ALL), { clientInfo, timeout: undefined, keepAlive: 5 });
  assert.equal(url, URL_OF_ALL);
  assert.deepEqual(core, {
    handshake: { own: { clientInfo: '{"name":"a","version":"1"}', capabilities: "{}" } },
    authorizes: false,
    identified: false,
    fieldsVary: false,
    keepAlive: 5,
    persists: false,
  });
  assert.deepEqual(environment, { headers: undefined, fetch: undefined, via: undefined, credentials: "omit", share: undefined, identity: undefined, handled: [] });
});

test("what tabs share is named by a key, and is not kept for a later page, too", () => {
  assert.equal(readConnect(URL_OF_ALL, { share: { key: "k" } }).environment.share, "k");
  const storage = { getItem() {}, setItem() {}, removeItem() {} };
  for (const [options, message] of [
    [{ share: "k" }, "share: expected an object, got string"],
    [{ share: {} }, "share.key: expected a string that is not empty, got undefined"],
    [{ share: { key: "" } }, "share.key: expected a string that is not empty, got an empty string"],
    [{ share: { key: "k", mode: 1 } }, "share.mode: there is no such option; there are key"],
    [{ share: { key: "k" }, persist: storage }, "share: cannot go with persist: a shared session lives as long as one of its tabs; choose one"],
  ]) {
    assert.throws(() => readConnect(URL_OF_ALL, options), { name: "TypeError", message });
  }
});

test("who authorizes is checked, and what is to be kept is kept by user and by server", async () => {
  const open = async () => "http://127.0.0.1/back?code=c";
  const wrong = [
    [{}, /^TypeError: auth.provider: expected an object/],
    [{ provider: { open }, ask: "never ever" }, /^TypeError: auth.ask: expected "auto" or "click" or "never", got string/],
    [{ provider: { open, redirectUrl: "http://127.0.0.1/", issuer: "as.test" } }, /^TypeError: auth.provider.issuer: expected an absolute http: or https: URL/],
    [{ provider: { open }, other: 1 }, /^TypeError: auth.other: there is no such option/],
    [{ provider: { redirectUrl: "http://127.0.0.1/" } }, /^TypeError: auth.provider.open: expected a function/],
    [{ provider: { open } }, /^TypeError: auth.provider.redirectUrl: expected a URL/],
    [{ provider: { open, redirectUrl: "back" } }, /^TypeError: auth.provider.redirectUrl: expected a URL/],
    [{ provider: { open, redirectUrl: "http://127.0.0.1/", clientId: 7 } }, /^TypeError: auth.provider.clientId: expected a string/],
    [{ provider: { open, redirectUrl: "http://127.0.0.1/", storage: {} } }, /^TypeError: auth.provider.storage.get: expected a function/],
  ];
  for (const [auth, message] of wrong) assert.throws(() => readConnect(URL_OF_ALL, { auth }), message);
  assert.throws(() => readConnect(URL_OF_ALL, { resource: "/mcp" }), /^TypeError: resource: expected an absolute/);

  const texts = new Map();
  const storage = { getItem: (key) => texts.get(key) ?? null, setItem: (key, text) => texts.set(key, text) };
  const provider = { open, redirectUrl: "http://127.0.0.1", storage };
  const read = (options) => readConnect(URL_OF_ALL, { auth: { provider }, ...options }).auth;
  assert.equal(read().redirectUrl, "http://127.0.0.1", "as it is written");
  assert.equal(await read().load(), undefined);
  await read({ identity: "a" }).keep("a's");
  assert.equal(await read({ identity: "a" }).load(), "a's");
  assert.equal(await read({ identity: "b" }).load(), undefined);
  assert.equal(await read({ identity: "a", resource: "http://127.0.0.1/other" }).load(), undefined);
  assert.equal(texts.size, 1);

  const forgetful = { open, redirectUrl: "http://127.0.0.1" };
  const memory = () => readConnect(URL_OF_ALL, { auth: { provider: forgetful } }).auth;
  await memory().keep('{"grant":{}}');
  assert.equal(await memory().load(), '{"grant":{}}', "as long as the provider lives");
});

test("options where a method takes none are refused, and so is a result schema: they would be left unheeded", async () => {
  const { session, core } = await open();
  const schema = { safeParse() {}, "~standard": {} };
  const noSchema = "a result schema, as the TypeScript SDK's methods take it, has no place here: the options follow the parameters";
  for (const [call, message] of [
    [() => session.callTool({ name: "t" }, undefined, { timeout: 5 }), `callTool: takes no more than 2 arguments, got 3; ${noSchema}`],
    [() => session.callTool({ name: "t" }, schema), `options: got a schema; ${noSchema}`],
    [() => session.request("x/y", {}, schema, {}), `request: takes no more than 3 arguments, got 4; ${noSchema}`],
    [() => session.request({ method: "x/y" }, schema), "method: expected a string that is not empty, and the parameters after it, got object"],
    [() => session.listTools({}, {}, {}), "listTools: takes no more than 2 arguments, got 3"],
    [() => session.close({}, {}), "close: takes no more than 1 argument, got 2"],
  ]) {
    const called = call();
    await assert.rejects(called, { name: "TypeError", message });
  }
  assert.throws(() => session.on("log", () => {}, { once: true }), { name: "TypeError", message: "on: takes no more than 2 arguments, got 3" });
  assert.throws(() => session.tools({}, {}), { name: "TypeError" });
  assert.throws(() => session.setRequestHandler("elicitation", () => {}), /^TypeError: handler: servers send no such request/);
  assert.deepEqual(core.calls, []);
  // What maps over a list gives more, which is nothing.
  [{ name: "t" }].map((params, at) => session.callTool(params, undefined, at));
  assert.equal(core.calls.length, 1);

  const manager = new Sessions(undefined, () => {});
  await assert.rejects(manager.callTool("s__t", {}, undefined, { timeout: 5 }), { name: "TypeError", message: `callTool: takes no more than 3 arguments, got 4; ${noSchema}` });
});

test("a handler declares its capability, unless the host does it better", () => {
  const handlers = { "roots/list": () => ({ roots: [] }), "sampling/createMessage": () => {} };
  const { core, environment } = readConnect(URL_OF_ALL, { handlers, capabilities: { roots: { listChanged: true }, extensions: { x: {} } } });
  assert.deepEqual(JSON.parse(core.handshake.own.capabilities), { roots: { listChanged: true }, extensions: { x: {} }, sampling: {} });
  assert.deepEqual(environment.handled, ["roots/list", "sampling/createMessage"]);
});

test("headers are read anew for each request, and checked each time", async () => {
  const given = { authorization: "one", "x-none": undefined };
  const { headers } = readConnect(URL_OF_ALL, { headers: given }).environment;
  assert.deepEqual(await headers({}), { authorization: "one" });
  given.authorization = "two";
  assert.deepEqual(await headers({}), { authorization: "two" });
  given.accept = "x";
  await assert.rejects(headers({}), /^TypeError: headers\["accept"\]/);
});

// ── Calls ──

test("a call hands the core texts taken at the time of the call", async () => {
  const { session, core } = await open();
  const params = { name: "t", arguments: { a: 1 }, _meta: { x: 1 } };
  const result = session.callTool(params, { _meta: { y: 2 }, timeout: 5, headers: { "x-a": "b" } });
  params.arguments.a = 2;
  const [call] = core.calls;
  assert.deepEqual(
    [call.method, call.text, call.meta, call.name, call.options],
    ["tools/call", '{"name":"t","arguments":{"a":1}}', '{"x":1,"y":2}', "t", { timeout: 5, headers: ["x-a", "b"] }],
  );
  const value = { content: [] };
  call.resolve(value);
  assert.equal(await result, value, "the very object that the core gave");
});

test("what JSON cannot hold is a TypeError that says where it is, and nothing is sent", async () => {
  const { session, core } = await open();
  const circular = { inner: [] };
  circular.inner.push(circular);
  await assert.rejects(session.callTool({ name: "t", arguments: { a: [1n] } }), /^TypeError: .*params\.arguments\.a\[0\] is a BigInt/);
  await assert.rejects(session.callTool({ name: "t", arguments: circular }), /^TypeError: .*params\.arguments\.inner\[0\] refers back/);
  await assert.rejects(session.request("initialize"), TypeError);
  await assert.rejects(session.notify("notifications/initialized"), TypeError);
  assert.equal(core.calls.length, 0);
});

test("an abort rejects at once with the reason and tells the core; a late answer goes nowhere", async () => {
  const { session, core } = await open();
  const abort = new AbortController();
  const reason = new Error("the user left");
  const call = session.request("a", undefined, { signal: abort.signal });
  abort.abort(reason);
  assert.equal(await call.catch((error) => error), reason);
  assert.deepEqual(core.cancelled, [[core.calls[0].id]], "why is nobody else's business");
  core.calls[0].resolve({});
  assert.equal(await session.request("a", undefined, { signal: abort.signal }).catch((error) => error), reason);
  assert.equal(core.calls.length, 1, "an aborted signal sends nothing");
});

test("a signal that outlives its calls keeps no listener of theirs", async () => {
  const { session, core } = await open();
  const { signal } = new AbortController();
  let listeners = 0;
  signal.addEventListener = () => listeners++;
  signal.removeEventListener = () => listeners--;
  const calls = [1, 2].map(() => session.request("a", undefined, { signal }).catch(() => {}));
  assert.equal(listeners, 2);
  core.calls[0].resolve({});
  core.calls[1].reject(ERROR);
  await Promise.all(calls);
  assert.equal(listeners, 0);
});

test("an error of the core is an McpError with all its fields; its JSON has no foreign data", async () => {
  const cause = new TypeError("Failed to fetch");
  const error = fromCore({ ...ERROR, rpcCode: -5, httpStatus: 400, data: { secret: 1 }, cause });
  assert.ok(error instanceof McpError && error instanceof Error);
  assert.match(String(error), /^McpError: no$/);
  assert.deepEqual([error.code, error.outcome, error.retryable, error.rpcCode, error.httpStatus], ["rpc", "executed", false, -5, 400]);
  assert.equal(error.cause, cause);
  assert.doesNotMatch(JSON.stringify(error), /secret|Failed to fetch/);
  assert.equal("diagnosis" in error, false);
});

// ── Status and events ──

test("the status is one frozen object until something but verifiedAt changes", async () => {
  const { session, core } = await open();
  const { status } = session;
  core.state.verifiedAt = 7;
  assert.equal(session.status, status);
  assert.ok(Object.isFrozen(status));
  assert.equal({ ...status }.verifiedAt, 7);
  core.become({ state: "recovering" });
  core.state.verifiedAt = 8;
  assert.notEqual(session.status, status);
  assert.deepEqual([status.state, status.verifiedAt], ["ready", 7], "a snapshot that was replaced stays what it was");
});

test("each `off` takes one listener away; one that throws disturbs nobody", async (t) => {
  const reported = t.mock.method(console, "error", () => {}).mock;
  const { session, core } = await open();
  const heard = [];
  const listener = ({ method }) => heard.push(method);
  const off = session.on("notification", listener);
  session.on("notification", () => {
    throw new Error("a listener's own");
  });
  session.on("notification", listener);
  core.host.notification("a");
  off();
  off();
  core.host.notification("b");
  assert.deepEqual(heard, ["a", "a", "b"]);
  assert.equal(reported.callCount(), 2);
  assert.throws(() => session.on("recoverd", listener), /^TypeError: event: /);
});

test("the core knows whether anybody listens to what the server says unasked", async () => {
  const { session, core } = await open({ on: { close() {} } });
  assert.equal(core.listening, undefined);
  const [off, alsoOff] = [session.on("notification", () => {}), session.on("notification", () => {})];
  assert.equal(core.listening, true);
  off();
  assert.equal(core.listening, true);
  alsoOff();
  assert.equal(core.listening, true, "not at once: another may take its place");
  await Promise.resolve();
  assert.equal(core.listening, false);
  session.setRequestHandler("other/method", () => {});
  assert.equal(core.listening, true);
  assert.equal((await open({ on: { notification() {} } })).core.listening, true);
});

test("the core tells of the wire while somebody listens to it", async () => {
  const { session, core } = await open();
  assert.equal(Boolean(core.traced), false);
  const off = session.on("wire", () => {});
  assert.equal(core.traced, true);
  off();
  assert.equal(Boolean(core.traced), false);
  assert.equal((await open({ on: { wire() {} } })).core.traced, true);
});

// ── Questions of the server's ──

test("a handler knows who asks, and its result, or what it throws, goes to the core", async () => {
  const contexts = [];
  const { session, core } = await open({
    handlers: {
      "roots/list": (params, context) => (contexts.push(context), { roots: [] }),
      "sampling/createMessage": () => {
        throw Object.assign(new Error("declined"), { code: -1 });
      },
      "elicitation/create": async () => ({ big: 1n }),
    },
  });
  session.callTool({ name: "t" });
  core.host.ask(1, "roots/list", { _meta: { m: 1 } }, core.calls[0].id, 3);
  core.host.ask(2, "sampling/createMessage", {}, undefined, 3);
  core.host.ask(3, "elicitation/create", {}, undefined, 3);
  core.host.ask(4, "other/method", {}, undefined, 3);
  await turn();
  assert.deepEqual(core.answers, [[1, '{"roots":[]}']]);
  assert.deepEqual(core.refusals.map(([question, code]) => [question, code]), [[4, -32601], [2, -1], [3, -32603]]);
  const [{ signal, ...context }] = contexts;
  assert.deepEqual(context, {
    server: { name: "server", url: URL_OF_ALL },
    call: { method: "tools/call", name: "t" },
    generation: 3,
    _meta: { m: 1 },
  });
  assert.equal(signal.aborted, false);
});

test("a question that is withdrawn stops its handler, and the core is told when that has ended", async () => {
  let asked;
  const { core } = await open({
    handlers: { "roots/list": (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve((asked = {})))) },
  });
  core.host.ask(1, "roots/list", undefined, undefined, 1);
  await turn();
  core.host.withdraw(1);
  await turn();
  assert.deepEqual(asked, {});
  assert.deepEqual(core.answers.length, 1);
});

test("a handler for a capability that was not declared is refused", async () => {
  const { session, core } = await open();
  assert.throws(() => session.setRequestHandler("roots/list", () => {}), /^TypeError: method: "roots\/list" needs the capability roots/);
  session.setRequestHandler("other/method", () => {});
  assert.deepEqual(core.handled, ["other/method"]);
});

// ── The guard ──

test("whatever is thrown through the WebAssembly is its death: nothing runs in it any more", async () => {
  let ran = 0;
  const trap = new WebAssembly.RuntimeError("unreachable");
  const guard = guardian();
  const abort = new AbortController();
  const held = new WebAssembly.Table({ element: "externref", initial: 3 });
  held.set(1, abort);
  const exports = guard.exports({
    memory: 1,
    __wbindgen_externrefs: held,
    run: () => ++ran,
    fail() {
      throw trap;
    },
    calls: (callback) => callback(),
  });
  assert.equal(exports.run(), 1);
  assert.equal(exports.memory, 1);
  const inner = [];
  exports.calls(() => {
    for (const run of [exports.fail, exports.run]) {
      try {
        run();
      } catch (error) {
        inner.push(error);
      }
    }
  });
  assert.deepEqual(inner, [trap, trap], "what is still on the stack is unwound");
  assert.equal(guard.cause, trap);
  assert.deepEqual(exports.run(), [], "who calls from a timer is not disturbed");
  assert.equal(ran, 1);
  assert.equal(await guard.died, trap);
  assert.equal(abort.signal.aborted, true, "and no request stays open");
});

// ── Loading ──

for (const [what, source, says] of [
  ["HTML with its type", () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }), /HTML.*Vite/],
  ["HTML under another type", () => new Response("\n<html>", { headers: { "content-type": "application/wasm2" } }), /HTML.*Vite/],
  ["404", () => new Response("no", { status: 404 }), /404.*optimizeDeps/],
  ["403", () => new Response("no", { status: 403 }), /403.*server\.fs\.allow/],
  ["bytes that are none", () => new Uint8Array([1, 2, 3]), /3 bytes that are no WebAssembly/],
  ["a file that is not there", () => new URL("./no.wasm", import.meta.url), /ENOENT/],
]) {
  test(`${what} in place of the WebAssembly is said so`, async () => {
    const error = await compile("sessions", source()).catch((error) => error);
    assert.deepEqual([error.name, error.code, error.outcome], ["McpError", "load", "not_executed"]);
    assert.match(error.message, says);
  });
}

for (const source of [5, true, {}]) {
  test(`init does not take ${JSON.stringify(source)}`, () => assert.rejects(compile("sessions", source), /^TypeError: source: /));
}

test("the WebAssembly loads from a view of part of a buffer, and under a wrong type", async () => {
  const bytes = Uint8Array.of(9, 0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  for (const source of [bytes.subarray(1), Promise.resolve(bytes.slice(1).buffer), new Response(bytes.slice(1))]) {
    assert.ok((await compile("sessions", source)) instanceof WebAssembly.Module);
  }
});

// ── Many servers ──

test("the same name gives the same session; another url or other options do not", async () => {
  const { manager, opened } = manage();
  const options = { clientInfo: { name: "a", version: "1" } };
  const [a, b] = await Promise.all([manager.open("one", URL_OF_ALL, options), manager.open("one", URL_OF_ALL, structuredClone(options))]);
  assert.equal(a, b);
  assert.equal(opened.length, 1);
  await assert.rejects(manager.open("one", `${URL_OF_ALL}?other`, options), /^TypeError: name: "one"/);
  await assert.rejects(manager.open("one", URL_OF_ALL), /^TypeError: name: "one"/);
  for (const name of ["", "a__b", "a_", "_a", "a b", 5]) await assert.rejects(manager.open(name, URL_OF_ALL), /^TypeError: name: /);
  assert.throws(() => manage({ signal: AbortSignal.abort() }), /^TypeError: signal: /);
});

test("two providers are two users, however alike they look", async () => {
  const { manager, opened } = manage();
  const open = async () => "";
  const provider = () => ({ redirectUrl: "https://app.example/callback", open });
  const [ann, bob] = [provider(), provider()];
  const first = await manager.open("one", URL_OF_ALL, { auth: { provider: ann } });
  await assert.rejects(manager.open("one", URL_OF_ALL, { auth: { provider: bob } }), /^TypeError: name: "one"/);
  ann.later = true;
  assert.equal(await manager.open("one", URL_OF_ALL, { auth: { provider: ann } }), first);
  assert.equal(opened.length, 1);
});

test("a failed open is not remembered, and a closed session's name is free", async () => {
  const { manager, opened } = manage();
  const failing = manager.open("one", URL_OF_ALL, { timeout: 1 });
  opened[0].fail(new Error("refused"));
  await assert.rejects(failing, /refused/);
  const first = await manager.open("one", URL_OF_ALL);
  assert.equal(manager.get("one"), first);
  opened[1].tap("close", { reason: "closed" });
  assert.equal(manager.get("one"), undefined);
  assert.notEqual(await manager.open("one", URL_OF_ALL), first);
});

test("who gives up leaves the handshake to the others; the last one ends it", async () => {
  const { manager, opened } = manage({}, { hang: true });
  const [a, b] = [new AbortController(), new AbortController()];
  const waits = [a, b].map(({ signal }) => manager.open("one", URL_OF_ALL, { signal }));
  a.abort(new Error("a left"));
  await assert.rejects(waits[0], /a left/);
  assert.equal(opened[0].options.signal.aborted, false);
  b.abort(new Error("b left"));
  await assert.rejects(waits[1], /b left/);
  assert.equal(opened[0].options.signal.aborted, true);
});

test("events come with the name; tools come under the host's name for the server", async () => {
  const { manager, opened } = manage({ timeout: 5 });
  const heard = [];
  manager.on("recovered", ({ generation }, name) => heard.push([name, generation]));
  await Promise.all(["one", "two"].map((name) => manager.open(name, URL_OF_ALL)));
  opened[1].tap("recovered", { generation: 2 });
  assert.deepEqual(heard, [["two", 2]]);
  assert.equal(opened[0].options.timeout, 5);

  opened[0].session.tools = async function* () {
    yield* [{ name: "t" }, { name: "u" }];
  };
  opened[1].session.tools = async function* () {
    throw new Error("no list");
  };
  const { tools, failed } = await manager.tools();
  assert.deepEqual(tools.map(({ name, server, tool }) => [name, server, tool.name]), [["one__t", "one", "t"], ["one__u", "one", "u"]]);
  assert.equal(failed[0].server, "two");
  assert.match(failed[0].error.message, /no list/);
});

test("a closed manager has closed its sessions, and opens none", async () => {
  const { manager, opened } = manage();
  await manager.open("one", URL_OF_ALL);
  await manager.close();
  assert.equal(opened[0].session.closed, true);
  await assert.rejects(manager.open("two", URL_OF_ALL), { name: "McpError", code: "closed" });
});

// ── Types ──

test("types.d.ts names the events, options and methods that there are", async () => {
  const types = await readFile(new URL("../../pkg-template/types.d.ts", import.meta.url), "utf8");
  const membersOf = (name) => {
    const [, body] = types.split(new RegExp(`\\n(?:export )?(?:interface|class) ${name} \\{\\n`));
    const [members] = body.split("\n}\n");
    return [...members.matchAll(/^  (?:readonly )?(\w+)(?:<.*?>)?[?]?[:(]/gm)].map(([, member]) => member).sort();
  };
  const optionsOf = (read) => {
    try {
      read({ "no such option": 1 });
    } catch ({ message }) {
      return message.split("there are ")[1].split(", ").sort();
    }
  };
  const methodsOf = ({ prototype }) => Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor").sort();
  assert.deepEqual(membersOf("SessionEvents"), [...EVENTS].sort());
  assert.deepEqual(membersOf("ConnectOptions"), optionsOf((options) => readConnect(URL_OF_ALL, options)));
  assert.deepEqual(membersOf("RecoveryOptions"), optionsOf((recovery) => readConnect(URL_OF_ALL, { recovery })));
  assert.deepEqual(membersOf("RequestOptions"), optionsOf(readRequest));
  assert.deepEqual(membersOf("Session"), methodsOf(Session));
  assert.deepEqual(membersOf("SessionManager").filter((name) => name !== "constructor"), methodsOf(Sessions));
});

// ── Details ──

const ERROR = { code: "rpc", outcome: "executed", message: "no", retryable: false };

/** A manager whose sessions are no more than what a test needs of them. */
function manage(defaults, { hang = false } = {}) {
  const opened = [];
  const openSession = (url, options, { tap }) =>
    new Promise((resolve, fail) => {
      const session = {
        async close() {
          session.closed = true;
        },
      };
      opened.push({ url, options, tap, fail, session });
      options.signal.addEventListener("abort", () => fail(options.signal.reason));
      if (!hang) setImmediate(resolve, session);
    });
  return { manager: new Sessions(defaults, openSession), opened };
}

// ── What a copied tab finds ──

test("a record is taken up once, whatever else stands in the storage", async () => {
  for (const text of [null, "null", "5", "{}", "\"x\"", "no json", "[1]"]) {
    const items = new Map(text === null ? [] : [["mcp-evergreen:spent", text]]);
    globalThis.localStorage = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value) };
    try {
      const core = { timeout: 1_000 };
      const record = JSON.stringify({ name: "n", binding: "b", session: "s", tasks: [] });
      const claim = async () => {
        const keeper = new Keeper({ get: () => record, set() {}, remove() {} }, { url: URL_OF_ALL }, "b");
        const claimed = await keeper.claim({ core });
        keeper.end();
        return claimed;
      };
      assert.deepEqual([await claim(), await claim()], [{ session: "s", tasks: [] }, undefined], String(text));
    } finally {
      delete globalThis.localStorage;
    }
  }
});

test("a build that does not know where it is says how to give it the WebAssembly", async () => {
  // As bundlers write `import.meta.url` in formats that have none.
  build({ sessions: () => new URL("./wasm/mcp_evergreen_bg.wasm", undefined) });
  await assert.rejects(compile("sessions"), ({ code, message, retryable, cause }) => {
    assert.deepEqual([code, retryable, cause instanceof TypeError], ["load", false, true]);
    return /import\.meta\.url.* is empty.*esm.*mcp-evergreen\/inline.*init\(url\)/.test(message);
  });
});
