// What the session offers beside tool calls, against a server that says what each test wants.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";
import { startScripted } from "./servers/scripted.mjs";

const wire = stage();
let server;
before(async () => void (server = await startScripted()));
after(() => server?.close());
const scripted = { target: () => server.url, connect: false };

const ALL = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  logging: {},
  completions: {},
};
const tool = (name, more = {}) => ({ name, inputSchema: { type: "object" }, ...more });

// ── Lists ──

wire("all pages of each list", scripted, async ({ connect, run }) => {
  const pages = (field, item) => ({ cursor = "first" } = {}) =>
    ({
      first: { [field]: [item("a"), item("b")], nextCursor: "second" },
      second: { [field]: [], nextCursor: "last" },
      last: { [field]: [item("c")], nextCursor: null },
    })[cursor];
  server.become({
    capabilities: ALL,
    answers: {
      "tools/list": pages("tools", tool),
      "resources/list": pages("resources", (name) => ({ name, uri: `test://${name}` })),
      "resources/templates/list": pages("resourceTemplates", (name) => ({ name, uriTemplate: `test://${name}/{id}` })),
      "prompts/list": pages("prompts", (name) => ({ name })),
    },
  });
  await connect();
  const lists = await run(async () => {
    const lists = {};
    for (const list of ["tools", "resources", "resourceTemplates", "prompts"]) {
      lists[list] = [];
      for await (const { name } of session[list]()) lists[list].push(name);
    }
    const { resources, nextCursor } = await session.listResources({ cursor: "second" });
    return { lists, page: { resources, nextCursor } };
  });
  const abc = ["a", "b", "c"];
  assert.deepEqual(lists, {
    lists: { tools: abc, resources: abc, resourceTemplates: abc, prompts: abc },
    page: { resources: [], nextCursor: "last" },
  });
  assert.deepEqual(
    server.received.filter(({ method }) => method === "resources/list").map(({ params }) => params?.cursor),
    [undefined, "second", "last", "second"],
  );
});

for (const [what, answers, error] of [
  ["has no end", ({ cursor = "0" } = {}) => ({ tools: [tool("a")], nextCursor: `${+cursor + 1}` }), { code: "too_large", outcome: "executed", got: 3 }],
  ["has a page without items", { nextCursor: "next" }, { code: "protocol", outcome: "executed", got: 0 }],
]) {
  wire(`a list that ${what} ends with an error`, scripted, async ({ connect, run }) => {
    server.become({ answers: { "tools/list": answers } });
    await connect({ maxPages: 3 });
    const ended = await run(async ({ settle }) => {
      const got = [];
      const { error } = await settle((async () => {
        for await (const { name } of session.tools()) got.push(name);
      })());
      return { name: error.name, code: error.code, outcome: error.outcome, got: got.length };
    });
    assert.deepEqual(ended, { name: "McpError", ...error });
    assert.equal(server.received.filter(({ method }) => method === "tools/list").length, Math.max(1, error.got));
  });
}

wire("who stops iterating asks for no more pages; a wrong option rejects", scripted, async ({ connect, run }) => {
  server.become({ answers: { "tools/list": { tools: [tool("a"), tool("b")], nextCursor: "next" } } });
  await connect();
  const said = await run(async ({ settle }) => {
    for await (const _ of session.tools()) break;
    const { error } = await settle(session.tools({ timeOut: 1 }).next());
    return error.message;
  });
  assert.match(said, /^timeOut: /);
  assert.equal(server.received.filter(({ method }) => method === "tools/list").length, 1);
});

// ── Requests ──

wire("each method sends what it is called with", scripted, async ({ connect, run }) => {
  const answers = {
    "resources/read": ({ uri }) => ({ contents: [{ uri, text: "t" }] }),
    "resources/subscribe": {},
    "resources/unsubscribe": {},
    "prompts/get": { messages: [] },
    "completion/complete": { completion: { values: ["v"] } },
    "logging/setLevel": {},
  };
  server.become({ capabilities: ALL, answers });
  await connect();
  const results = await run(async () => [
    await session.readResource({ uri: "test://a" }),
    await session.subscribeResource({ uri: "test://a" }),
    await session.unsubscribeResource({ uri: "test://a" }, { _meta: { k: 1 } }),
    await session.getPrompt({ name: "p", arguments: { a: "1" } }),
    await session.complete({ ref: { type: "ref/prompt", name: "p" }, argument: { name: "a", value: "" } }),
    await session.setLoggingLevel("notice"),
    await session.ping(),
  ]);
  assert.deepEqual(results, [
    { contents: [{ uri: "test://a", text: "t" }] },
    {},
    {},
    { messages: [] },
    { completion: { values: ["v"] } },
    {},
    {},
  ]);
  assert.deepEqual(server.received.filter(({ id }) => id !== undefined).map(({ method, params }) => [method, params]), [
    ["resources/read", { uri: "test://a" }],
    ["resources/subscribe", { uri: "test://a" }],
    ["resources/unsubscribe", { uri: "test://a", _meta: { k: 1 } }],
    ["prompts/get", { name: "p", arguments: { a: "1" } }],
    ["completion/complete", { ref: { type: "ref/prompt", name: "p" }, argument: { name: "a", value: "" } }],
    ["logging/setLevel", { level: "notice" }],
    ["ping", undefined],
  ]);
});

wire("a wrong argument is a TypeError that names it, and nothing is sent", scripted, async ({ connect, run }) => {
  server.become({ capabilities: ALL });
  await connect();
  const before = server.received.length;
  const errors = await run(async ({ settle }) => {
    const wrong = [
      () => session.readResource(),
      () => session.readResource({ uri: 5 }),
      () => session.subscribeResource("test://a"),
      () => session.unsubscribeResource({}),
      () => session.getPrompt({ uri: "p" }),
      () => session.complete({ argument: {} }),
      () => session.complete({ ref: {}, argument: "a" }),
      () => session.setLoggingLevel("loud"),
      () => session.setLoggingLevel(),
      () => session.listPrompts({ _meta: 5 }),
    ];
    const settled = await Promise.all(wrong.map((call) => settle(call())));
    return settled.map(({ error }) => [error.name, error.message.split(":")[0]]);
  });
  assert.deepEqual(errors, [
    ["TypeError", "params.uri"],
    ["TypeError", "params.uri"],
    ["TypeError", "params"],
    ["TypeError", "params.uri"],
    ["TypeError", "params.name"],
    ["TypeError", "params.ref"],
    ["TypeError", "params.argument"],
    ["TypeError", "level"],
    ["TypeError", "level"],
    ["TypeError", "params._meta"],
  ]);
  assert.equal(server.received.length, before);
});

wire("what the server cannot do is not asked of it, but for a list; the error names the capability", scripted, async ({ connect, run }) => {
  server.become({ capabilities: { resources: {} } });
  await connect();
  const before = server.received.length;
  const errors = await run(async ({ settle }) => {
    const calls = [
      session.callTool({ name: "a" }),
      session.subscribeResource({ uri: "test://a" }),
      session.getPrompt({ name: "p" }),
      session.complete({ ref: { type: "ref/prompt", name: "p" }, argument: { name: "a", value: "" } }),
      session.setLoggingLevel("info"),
    ];
    return (await Promise.all(calls.map(settle))).map(({ error }) => error);
  });
  for (const [at, capability] of ["tools", "resources.subscribe", "prompts", "completions", "logging"].entries()) {
    assert.deepEqual([errors[at].code, errors[at].outcome], ["capability", "not_executed"], capability);
    assert.ok(errors[at].message.includes(capability), `${capability}: ${errors[at].message}`);
  }
  assert.equal(server.received.length, before);
});

// ── Events ──

wire("notifications have events of their own", scripted, async ({ connect, run }) => {
  server.become({ capabilities: ALL });
  await connect();
  await run(listenToAll);
  await streamOpens();
  server.say("notifications/tools/list_changed");
  server.say("notifications/resources/list_changed");
  server.say("notifications/prompts/list_changed");
  server.say("notifications/resources/updated", { uri: "test://a" });
  server.say("notifications/resources/updated", {});
  server.say("notifications/message", { level: "error", logger: "l", data: { n: 1 } });
  server.say("notifications/elicitation/complete", { elicitationId: "never heard of" });
  server.say("notifications/of/another/kind", { a: 1 });
  await run(({ until }) => until(() => heard.filter(([event]) => event === "notification").length === 8));
  const events = await run(() => heard);
  assert.deepEqual(events.filter(([event]) => event !== "notification"), [
    ["toolschange", {}],
    ["resourceschange", {}],
    ["promptschange", {}],
    ["resourceupdate", { uri: "test://a" }],
    ["log", { level: "error", logger: "l", data: { n: 1 } }],
  ]);
  assert.deepEqual(events.at(-1), ["notification", { method: "notifications/of/another/kind", params: { a: 1 } }]);
});

wire("after a recovery, what is the same raises nothing, and what changed is told", scripted, async ({ connect, run }) => {
  const become = (version, tools) => server.become({ version, capabilities: ALL, answers: { "tools/list": { tools }, "tools/call": { content: [] } } });
  become("1", [tool("kept"), tool("gone"), tool("other")]);
  await connect();
  await run(listenToAll);
  await run(() => session.listTools());
  const recover = async (times) => {
    await run(() => session.ping());
    await run(({ until }, times) => until(() => told.filter(({ event }) => event === "recovered").length === times), times);
    return run(() => [told.filter(({ event }) => event === "recovered").at(-1).changed, heard.splice(0)]);
  };

  become("1", [tool("kept"), tool("gone"), tool("other")]);
  assert.deepEqual(await recover(1), [{}, []]);

  become("1", [tool("kept"), tool("other", { description: "new" }), tool("new")]);
  const tools = { added: ["new"], removed: ["gone"], changed: ["other"] };
  assert.deepEqual(await recover(2), [{ tools }, [["toolschange", tools]]]);

  become("2", [tool("kept"), tool("other", { description: "new" }), tool("new")]);
  assert.deepEqual(await recover(3), [
    { server: true },
    [["resourceschange", { stale: true }], ["promptschange", { stale: true }]],
  ]);
});

wire("after a recovery, the lists that the host has got count as stale, and no others", scripted, async ({ connect, run }) => {
  const become = () => server.become({ version: "1", capabilities: ALL, answers: { "prompts/list": { prompts: [] }, "resources/templates/list": { resourceTemplates: [] } } });
  const recover = async (times) => {
    await run(() => session.ping());
    await run(({ until }, times) => until(() => told.filter(({ event }) => event === "recovered").length === times), times);
    return run(() => [told.filter(({ event }) => event === "recovered").at(-1).staleLists, heard.splice(0)]);
  };
  become();
  await connect();
  await run(listenToAll);
  await run(() => session.listPrompts());
  become();
  assert.deepEqual(await recover(1), [["prompts"], [["promptschange", { stale: true }]]]);
  await run(() => session.listResourceTemplates());
  become();
  assert.deepEqual(await recover(2), [["prompts", "resources"], [["promptschange", { stale: true }], ["resourceschange", { stale: true }]]]);
});

// ── The bound of an event ──

wire("an event whose line has 16 MiB is a result like any other, one byte more is a clear error, and the bound is an option", scripted, async ({ connect, run }) => {
  let digits;
  const lineOf = (bytes) => () => {
    const { id } = server.received.at(-1);
    digits = String(id).length;
    const message = { jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "" }] } };
    message.result.content[0].text = "x".repeat(bytes - `data: ${JSON.stringify(message)}`.length);
    return message.result;
  };
  const called = async (bytes) => {
    server.become({ answers: { "tools/call": lineOf(bytes) } });
    return run(({ settle, text }) => settle(session.callTool({ name: "large" }).then((result) => text(result).length)));
  };
  const MIB = 1 << 20;
  server.become();
  await connect();
  const { ok } = await called(16 * MIB);
  assert.ok(ok > 16 * MIB - 200 && ok < 16 * MIB, `${ok} characters`);
  const digitsOf16 = digits;
  const { error } = await called(16 * MIB + 1);
  assert.deepEqual([error.name, error.code, error.outcome], ["McpError", "too_large", "unknown"]);
  assert.match(error.message, /larger than 16777216 bytes.*maxEventBytes/);
  await run(() => session.ping());

  await connect({ maxEventBytes: 17 * MIB });
  // Another session's ids may have more or fewer digits.
  const whole = (await called(16 * MIB + 1)).ok + digits;
  assert.equal(whole, ok + digitsOf16 + 1);
  assert.equal((await called(17 * MIB + 1)).error.code, "too_large");
});

wire("10 000 steps of progress are told in order, and 10 000 more take no more memory", scripted, async ({ connect, run }) => {
  const STEPS = 10_000;
  server.become({
    answers: {
      "tools/call"({ _meta: { progressToken } }, { say }) {
        for (let progress = 1; progress <= STEPS; progress++) say("notifications/progress", { progressToken, progress, message: "x".repeat(100) });
        return { content: [] };
      },
    },
  });
  await run(() => {
    const { Instance, instantiate } = WebAssembly;
    const keep = (instance) => ((globalThis.memory = instance.exports.memory), instance);
    WebAssembly.Instance = new Proxy(Instance, { construct: (target, args) => keep(Reflect.construct(target, args)) });
    WebAssembly.instantiate = async (...args) => {
      const made = await instantiate(...args);
      return keep(made.instance ?? made), made;
    };
  });
  await connect();
  const rounds = await run(async (_, steps) => {
    const rounds = [];
    for (let round = 0; round < 3; round++) {
      let told = 0;
      const onprogress = ({ progress }) => (told = progress === told + 1 ? progress : Number.NaN);
      await session.callTool({ name: "works" }, { onprogress });
      rounds.push({ told, bytes: memory.buffer.byteLength });
    }
    return rounds;
  }, STEPS);
  assert.deepEqual(rounds.map(({ told }) => told), [STEPS, STEPS, STEPS]);
  const [first, , third] = rounds.map(({ bytes }) => bytes);
  assert.ok(first < 16 << 20, `${first} bytes`);
  // Memory grows by whole pages of 64 KiB, and a piece of the stream may be larger than all before it: a few pages are no leak.
  // What the later 20 000 steps carry is eight times as much.
  assert.ok(third - first <= (2 * STEPS * 100) / 8, `${third - first} bytes more`);
});

// ── Questions of the server's ──

wire("elicitation: undeclared modes are refused, defaults applied, an answer without an action is none", scripted, async ({ proxy, run }) => {
  server.become({ capabilities: ALL });
  await connectWith(run, proxy.url, { form: {} });
  await streamOpens();
  const form = {
    message: "m",
    requestedSchema: {
      type: "object",
      properties: { name: { type: "string", default: "d" }, zero: { type: "number", default: 0 }, no: { type: "boolean", default: false }, bare: { type: "string" } },
    },
  };
  const answers = [
    await asked({ ...form, message: "given" }),
    await asked({ ...form, message: "empty" }),
    await asked({ ...form, message: "decline" }),
    await asked({ ...form, message: "nothing" }),
    await asked({ message: "m", mode: "url", url: "https://example.com/", elicitationId: "e" }),
    await server.ask("sampling/createMessage", { messages: [], maxTokens: 1 }),
    await server.ask("ping"),
  ];
  assert.deepEqual(answers.map(({ result, error }) => result ?? error.code), [
    { action: "accept", content: { name: "given", zero: 0, no: false } },
    { action: "accept", content: { name: "d", zero: 0, no: false } },
    { action: "decline" },
    -32603,
    -32602,
    -32601,
    {},
  ]);
});

wire("URL elicitation: by a request or by the error -32042, and told once when it is complete", scripted, async ({ proxy, run }) => {
  const elicitations = [{ mode: "url", elicitationId: "by error", url: "https://example.com/connect", message: "m" }];
  let isConnected = false;
  server.become({
    capabilities: ALL,
    answers: {
      "tools/call"() {
        if (!isConnected) throw { code: -32042, message: "This request requires more information.", data: { elicitations } };
        return { content: [{ type: "text", text: "done" }] };
      },
    },
  });
  await connectWith(run, proxy.url, { form: {}, url: {} });
  await run(listenToAll);
  await streamOpens();
  const { result } = await asked({ message: "given", mode: "url", url: "https://example.com/", elicitationId: "by request" });
  assert.equal(result.action, "accept");

  const { error } = await run(({ settle }) => settle(session.callTool({ name: "needs" })));
  assert.deepEqual([error.code, error.rpcCode, error.outcome], ["rpc", -32042, "executed"]);
  assert.deepEqual(error.data, { elicitations });

  for (const elicitationId of ["by request", "by error", "by error", "unknown"]) {
    server.say("notifications/elicitation/complete", { elicitationId });
  }
  await run(({ until }) => until(() => heard.filter(([event]) => event === "notification").length === 4));
  assert.deepEqual(await run(() => heard.filter(([event]) => event === "elicitationcomplete")), [
    ["elicitationcomplete", { elicitationId: "by request" }],
    ["elicitationcomplete", { elicitationId: "by error" }],
  ]);
  isConnected = true;
  assert.equal(await run(async ({ text }) => text(await session.callTool({ name: "needs" }))), "done");
});

const asking = { "tools/call": async (_, { ask }) => ({ content: [{ type: "text", text: JSON.stringify((await ask("roots/list")).result) }] }) };

wire("a handler knows which call asks; the clock of the call stands still meanwhile, its total time does not", scripted, async ({ proxy, run }) => {
  server.become({ answers: asking });
  const calls = await run(async ({ connect, settle, sleep, text }, url) => {
    const contexts = [];
    const handlers = {
      "roots/list": async (params, { signal, ...context }) => {
        contexts.push(context);
        await sleep(4_500);
        return { roots: [] };
      },
    };
    globalThis.session = await connect(url, { era: "legacy", handlers });
    const call = (options) => settle(session.callTool({ name: "asks" }, options).then(text));
    const calls = await Promise.all([call({ timeout: 3_000 }), call({ timeout: 3_000, maxTotalTimeout: 3_500 })]);
    return { calls, contexts };
  }, proxy.url);
  assert.equal(calls.calls[0].ok, '{"roots":[]}', calls.calls[0].error?.message);
  assert.equal(calls.calls[1].error.code, "timeout");
  assert.deepEqual(calls.contexts[0], {
    server: { name: "scripted", url: proxy.url },
    call: { method: "tools/call", name: "asks" },
    generation: 1,
  });
});

wire("when its session dies, a handler is told, and its late answer goes nowhere", scripted, async ({ proxy, run }) => {
  server.become({ answers: asking });
  await run(async ({ connect, settle, until }, url) => {
    globalThis.aborted = undefined;
    const handlers = {
      "roots/list": async (params, { signal }) => {
        globalThis.isAsked = true;
        await until(() => signal.aborted);
        aborted = signal.reason.name;
        return { roots: [{ uri: "file:///late" }] };
      },
    };
    globalThis.session = await connect(url, { era: "legacy", handlers });
    globalThis.call = settle(session.callTool({ name: "asks" }));
    await until(() => globalThis.isAsked);
  }, proxy.url);
  server.become({ answers: asking });
  const { error, reason } = await run(async ({ sleep, until }) => {
    const { error } = await call;
    const reason = await until(() => aborted);
    // The handler has answered.
    await sleep(500);
    return { error, reason };
  });
  assert.equal(error.outcome, "unknown");
  assert.equal(reason, "AbortError");
  assert.equal(await run(() => session.verify().then(({ generation }) => generation)), 2);
  assert.deepEqual(server.received.filter(({ method }) => method === undefined), []);
});

wire("what a handler throws is an error with its code; a handler may come later", scripted, async ({ proxy, run }) => {
  server.become({});
  await run(async ({ connect }, url) => {
    const handlers = {
      "roots/list"() {
        throw Object.assign(new Error("not today"), { code: -32001 });
      },
    };
    globalThis.session = await connect(url, { era: "legacy", handlers });
  }, proxy.url);
  await streamOpens();
  const { error } = await server.ask("roots/list");
  assert.deepEqual(error, { code: -32001, message: "not today" });
  assert.equal((await server.ask("x/own", { a: 1 })).error.code, -32601);
  await run(() => session.setRequestHandler("x/own", ({ a }) => ({ b: a + 1 })));
  assert.deepEqual((await server.ask("x/own", { a: 1 })).result, { b: 2 });
  const said = await run(() => {
    try {
      session.setRequestHandler("sampling/createMessage", () => ({}));
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  });
  assert.match(said, /^TypeError: method: .*needs the capability sampling/);
});

wire("a manager hears the typed events of all its sessions, by name", scripted, async ({ proxy, run }) => {
  server.become({ capabilities: ALL });
  await run(async ({ SessionManager }, url) => {
    globalThis.heard = [];
    const manager = new SessionManager({ era: "legacy" });
    manager.on("toolschange", (detail, name) => heard.push([name, detail]));
    await Promise.all([manager.open("one", url), manager.open("two", url)]);
  }, proxy.url);
  await streamOpens(2);
  server.say("notifications/tools/list_changed");
  await run(({ until }) => until(() => heard.length === 2));
  assert.deepEqual((await run(() => heard)).sort(), [["one", {}], ["two", {}]]);
});

// ── Details ──

const asked = (params) => server.ask("elicitation/create", params);

const streamOpens = (count = 1) => until(() => server.streams >= count, () => `${server.streams} of ${count} standing streams`);

// In the page: `heard` is what the listeners of all typed events got, in order.
function listenToAll() {
  globalThis.heard = [];
  for (const event of ["notification", "toolschange", "resourceschange", "promptschange", "resourceupdate", "log", "elicitationcomplete"]) {
    session.on(event, (detail) => heard.push([event, detail]));
  }
}

/** Connects with a handler that does what the message says. */
function connectWith(run, url, elicitation) {
  return run(
    async ({ connect }, url, elicitation) => {
      const results = {
        given: { action: "accept", content: { name: "given" } },
        empty: { action: "accept" },
        decline: { action: "decline" },
      };
      const handlers = { "elicitation/create": ({ message }) => results[message] };
      globalThis.session = await connect(url, { era: "legacy", capabilities: { elicitation }, handlers });
    },
    url,
    elicitation,
  );
}
