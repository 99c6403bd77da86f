// What a screen sees of sessions and servers: the packed package in Node.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { installed } from "./lib/install.mjs";
import { answer, startWorld } from "./lib/oauth.mjs";
import { until } from "./lib/until.mjs";

const app = await installed();
const at = (file) => pathToFileURL(`${app}/node_modules/mcp-evergreen/${file}`);
const { mcpStore, mcpServersStore } = await import(at("store.js"));
const { TestServer } = await import(at("testing.js"));

const bounded = { timeout: 60_000 };
const NAME = { type: "object", properties: { name: { type: "string", minLength: 2 }, size: { type: "integer", default: 3 } }, required: ["name"] };
const TOOLS = {
  echo: ({ x }, { session }) => `${session} ${x}`,
  form: async (_, { ask }) => JSON.stringify(await answered(ask("elicitation/create", { message: "Who?", requestedSchema: NAME }))),
  page: async (_, { ask }) => JSON.stringify(await answered(ask("elicitation/create", { mode: "url", message: "Go", url: "https://a.test/", elicitationId: "e" }))),
  model: async (_, { ask }) => JSON.stringify(await answered(ask("sampling/createMessage", { messages: [], maxTokens: 5 }))),
};
const answered = async (question) => {
  const { result, error } = await question;
  return result ?? error;
};

/** A store that somebody looks at, with what is there now, and all pictures that were seen. */
function seen(t, make, options, server = new TestServer({ tools: TOOLS, sse: true })) {
  const store = make(server, { fetch: server.fetch, ...options });
  const pictures = [];
  const stop = store.subscribe(() => pictures.push(store.getSnapshot()));
  t.after(stop);
  return { store, server, pictures, stop, get now() { return store.getSnapshot(); } };
}
const one = (server, options) => mcpStore(server.url, options);
const text = ({ content }) => content[0].text;
const outcome = (call) => call.then(text, ({ code, name, outcome }) => [code ?? name, outcome].join());

// ── What is there ──

test("what is no address, and an option that there is not, are told as what keeps the session away", bounded, async (t) => {
  for (const url of [{ url: "https://mcp.test/mcp" }, undefined, ""]) {
    const { store } = seen(t, () => mcpStore(url));
    await until(() => store.getSnapshot().error);
    assert.match(String(store.getSnapshot().error), /^TypeError: url: expected a string or a URL, got (object|undefined|an empty string)$/);
  }
  const { store, server } = seen(t, one, { question: ["elicitation"] });
  await until(() => store.getSnapshot().error);
  assert.match(String(store.getSnapshot().error), /^TypeError: question: there is no such option; there are clientInfo, .*, questions$/);
  assert.equal(server.sessionsMade, 0);
});

test("ready is who has a session, in every picture; and nothing is there before", bounded, async (t) => {
  const { store, pictures } = seen(t, one);
  const first = store.getServerSnapshot();
  assert.deepEqual([first.status, first.session, first.listed.tools, first.error], [{ state: "connecting", generation: 0, recoveries: 0 }, undefined, false, undefined]);
  await until(() => store.getSnapshot().listed.tools);
  for (const { status, session, tools, listed } of pictures) {
    assert.equal(status.state === "ready", session !== undefined);
    assert.equal(listed.tools, tools.length > 0);
  }
  assert.equal(new Set(pictures).size, pictures.length);
});

test("what is listed is the same after a recovery that changed nothing, another one where it did, and empty where it is gone", bounded, async (t) => {
  const look = seen(t, one);
  await until(() => Object.values(look.now.listed).every(Boolean));
  const { tools, resources } = look.now;
  look.server.evict();
  await look.now.callTool("echo", { x: 1 });
  await until(() => look.server.count("resources/list") === 2);
  await sleep(50);
  assert.deepEqual([look.now.tools === tools, look.now.resources === resources], [true, true]);
  look.server.become({ tools: { other: () => "x" } });
  look.server.evict();
  await look.now.session.verify();
  await until(() => look.now.tools[0].name === "other");
});

test("a list that the server could not give is there after a recovery, whatever it said", bounded, async (t) => {
  for (const error of [{ code: -32601, message: "Method not found" }, { code: -32603, message: "not yet" }]) {
    const server = new TestServer({ tools: TOOLS, answers: { "tools/list": () => { throw error; } } });
    const look = seen(t, one, {}, server);
    await until(() => server.count("tools/list") > 0 && look.now.listed.prompts);
    assert.equal(look.now.status.state, "ready");
    server.become({ tools: { echo: TOOLS.echo }, answers: {} });
    server.evict();
    await look.now.session.verify();
    await until(() => look.now.tools.length === 1);
    assert.equal(look.now.error, undefined);
  }
});

test("what keeps the session away is told as long as it does", bounded, async (t) => {
  const server = new TestServer({ tools: TOOLS });
  let isAway = true;
  const fetch = async (...args) => {
    if (isAway) throw new TypeError("fetch failed");
    return server.fetch(...args);
  };
  const look = seen(t, one, { fetch, recovery: { baseDelay: 20, maxDelay: 50 } }, server);
  await until(() => look.now.error);
  assert.equal(look.now.error.code, "network");
  isAway = false;
  await until(() => look.now.status.state === "ready");
  assert.equal(look.now.error, undefined);
});

// ── Options ──

test("functions are the latest, listeners that come later are heard, and all else that changes is a warning, once", bounded, async (t) => {
  const said = [];
  const options = (n) => ({
    fetch: (...args) => (said.push(`fetch ${n}`), server.fetch(...args)),
    headers: { "x-turn": String(n) },
    handlers: { "elicitation/create": () => (said.push(`asked ${n}`), { action: "decline" }) },
    persist: { text: undefined, get() { return this.text; }, set() {}, remove() {} },
    trace: () => (said.push(`trace ${n}`), undefined),
    timeout: 60_000 + n,
    ...(n > 1 && { on: { recovered: () => said.push(`recovered ${n}`) } }),
  });
  const server = new TestServer({ tools: TOOLS, sse: true });
  const { store } = seen(t, one, options(1), server);
  await until(() => store.getSnapshot().listed.prompts);
  const warned = [];
  t.mock.method(console, "warn", (text) => warned.push(text));
  for (const n of [2, 3]) store.setOptions(options(n));
  said.length = 0;
  server.evict();
  assert.equal(text(await store.getSnapshot().callTool("form")), '{"action":"decline"}');
  await until(() => said.includes("recovered 3"));
  assert.deepEqual([...new Set(said)].sort(), ["asked 3", "fetch 3", "recovered 3", "trace 3"]);
  assert.equal(server.requests.at(-1).headers["x-turn"], "3");
  assert.deepEqual([warned.length, /"timeout"/.test(warned[0])], [1, true]);
});

test("in production nothing is said on the console", bounded, async (t) => {
  const warned = t.mock.method(console, "warn", () => {}).mock;
  process.env.NODE_ENV = "production";
  t.after(() => delete process.env.NODE_ENV);
  const { store } = seen(t, one, { timeout: 1_000 });
  store.setOptions({ timeout: 2_000 });
  assert.equal(warned.callCount(), 0);
});

// ── Questions ──

test("a form is a question that takes what fits it, once", bounded, async (t) => {
  const look = seen(t, one, { questions: ["elicitation", "sampling"] });
  const call = look.now.callTool("form");
  await until(() => look.now.pendingQuestions.length === 1);
  const [question] = look.now.pendingQuestions;
  assert.deepEqual([question.kind, question.params.message, question.server.name, question.call.name], ["form", "Who?", "test", "form"]);
  assert.deepEqual(question.fields.map(({ name, default: begin }) => [name, begin]), [["name", undefined], ["size", 3]]);
  for (const wrong of [{}, { name: "a" }, { name: "ann", size: 1.5 }, { name: "ann", other: 1 }]) {
    assert.throws(() => question.accept(wrong), ({ name, problems }) => name === "TypeError" && problems.length === 1);
  }
  assert.equal(look.now.pendingQuestions.length, 1);
  question.accept({ name: "ann" });
  question.decline();
  question.accept({});
  assert.equal(text(await call), '{"action":"accept","content":{"size":3,"name":"ann"}}');
  assert.deepEqual([look.now.pendingQuestions.length, look.server.answers.length], [0, 1]);
});

test("each kind of question has its yes and its no", bounded, async (t) => {
  const capabilities = { elicitation: { form: {}, url: {} } };
  const look = seen(t, one, { questions: ["elicitation", "sampling"], capabilities });
  const message = { role: "assistant", content: { type: "text", text: "x" }, model: "m" };
  const no = '{"code":-1,"message":"User rejected sampling request"}';
  const said = [];
  for (const [tool, answer, expected] of [
    ["form", (question) => question.decline(), '{"action":"decline"}'],
    ["form", (question) => question.cancel(), '{"action":"cancel"}'],
    ["page", (question) => question.accept(), '{"action":"accept"}'],
    ["page", (question) => question.decline(), '{"action":"decline"}'],
    ["model", (question) => question.accept(message), JSON.stringify(message)],
    ["model", (question) => question.decline(), no],
    ["model", (question) => question.cancel(), no],
  ]) {
    const call = look.now.callTool(tool);
    await until(() => look.now.pendingQuestions.length === 1);
    const [question] = look.now.pendingQuestions;
    if (question.kind === "sampling") for (const wrong of [undefined, {}, { ...message, model: 5 }, { ...message, role: "x" }]) assert.throws(() => question.accept(wrong), TypeError);
    answer(question);
    said.push([text(await call), expected]);
  }
  for (const [got, expected] of said) assert.equal(got, expected);
});

test("questions stand in the order in which they came, and go with the session, the call, and the screen", bounded, async (t) => {
  const look = seen(t, one, { questions: ["elicitation"] });
  const stop = new AbortController();
  const calls = [look.now.callTool("form"), look.now.callTool("form", {}, { signal: stop.signal })].map(outcome);
  await until(() => look.now.pendingQuestions.length === 2);
  const [first, second] = look.now.pendingQuestions;
  assert.ok(first.id < second.id);
  stop.abort();
  assert.equal(await calls[1], "20,");
  await until(() => look.now.pendingQuestions.length === 1);
  second.accept({ name: "nobody hears it" });
  // The session of the question is lost, and what was asked in it.
  look.server.evict();
  look.server.breakStreams();
  await until(() => look.now.pendingQuestions.length === 0);
  const again = outcome(look.now.callTool("form"));
  await until(() => look.now.pendingQuestions.length >= 1);
  look.now.disconnect();
  assert.deepEqual([look.now.pendingQuestions.length, await again], [0, "closed,unknown"]);
  await calls[0];
});

test("who does not ask for questions does not promise answers, and a handler of the host's goes before", bounded, async (t) => {
  const promised = async (options) => {
    const look = seen(t, one, options);
    await until(() => look.now.session);
    return [look, look.server.requests.find(({ method }) => method === "initialize").params.capabilities];
  };
  assert.deepEqual((await promised({}))[1], {});
  const [look, capabilities] = await promised({ questions: ["elicitation"], handlers: { "elicitation/create": () => ({ action: "decline" }) } });
  assert.deepEqual(Object.keys(capabilities), ["elicitation"]);
  assert.equal(text(await look.now.callTool("form")), '{"action":"decline"}');
  const wrong = seen(t, one, { questions: ["roots"] });
  await until(() => wrong.now.error);
  assert.match(wrong.now.error.message, /^questions: expected a list of "elicitation" and "sampling"/);
});

// ── Calls ──

test("calls are told while they are under way, with their progress, and can be given up", bounded, async (t) => {
  let go;
  const tools = {
    slow: async (_, { progress }) => {
      for (let step = 1; step <= 3; step++) progress({ progress: step, total: 3, message: `${step} of 3` });
      await new Promise((resolve) => (go = resolve));
      return "done";
    },
  };
  const look = seen(t, one, {}, new TestServer({ tools, sse: true }));
  const heard = [];
  const call = look.now.callTool("slow", {}, { onprogress: ({ progress }) => heard.push(progress) });
  assert.deepEqual([look.now.busy, look.now.calls[0].method, look.now.calls[0].name, look.now.calls[0].progress], [true, "tools/call", "slow", undefined]);
  await until(() => look.now.calls[0].progress?.progress === 3);
  assert.deepEqual([look.now.calls[0].progress.message, heard], ["3 of 3", [1, 2, 3]]);
  const other = look.now.callTool("slow");
  assert.equal(look.now.calls.length, 2);
  look.now.calls[1].cancel(new Error("enough"));
  await assert.rejects(other, /^Error: enough$/);
  assert.equal(look.now.calls.length, 1);
  go();
  assert.equal(text(await call), "done");
  assert.deepEqual([look.now.busy, look.now.calls], [false, []]);
});

// ── Who comes and goes ──

test("who looks on does not undo that it was closed; a call, a retry and a click do", bounded, async (t) => {
  const look = seen(t, one);
  await until(() => look.now.session);
  for (const again of ["callTool", "retry", "authorize"]) {
    look.now.disconnect();
    const made = look.server.sessionsMade;
    t.after(look.store.subscribe(() => {}));
    await sleep(50);
    assert.deepEqual([look.now.status.state, look.now.session, look.server.sessionsMade], ["closed", undefined, made]);
    await look.now[again](...(again === "callTool" ? ["echo", { x: 1 }] : []));
    await until(() => look.now.status.state === "ready" && look.server.sessionsMade === made + 1);
  }
});

test("whose screen goes before it is connected leaves nothing behind", bounded, async (t) => {
  const server = new TestServer({ tools: TOOLS });
  const go = server.stall("initialize");
  const store = one(server, { fetch: server.fetch });
  const stop = store.subscribe(() => {});
  await until(() => server.count("initialize") === 1);
  const call = outcome(store.getSnapshot().callTool("echo", { x: 1 }));
  stop();
  stop();
  assert.equal(await call, "closed,not_executed");
  go();
  assert.equal(await outcome(store.getSnapshot().callTool("echo", { x: 1 })), "closed,not_executed");
  await sleep(50);
  assert.deepEqual([store.getSnapshot().status.state, server.count("tools/call"), server.streams], ["closed", 0, 0]);
});

test("whom the server does not let in signs in by a button; who only looks on asks nobody", bounded, async (t) => {
  const server = new TestServer({ tools: TOOLS });
  let asked = 0;
  let token;
  const fetch = async (url, init) => {
    if (new Headers(init.headers).get("authorization") === "Bearer good") return server.fetch(url, init);
    asked++;
    return new Response(null, { status: 401 });
  };
  const look = seen(t, one, { fetch, headers: () => (token ? { authorization: token } : {}) }, server);
  await until(() => look.now.needsSignIn);
  assert.deepEqual([look.now.error.code, look.now.status.state], ["unauthorized", "closed"]);
  const before = asked;
  t.after(look.store.subscribe(() => {}));
  await sleep(50);
  assert.equal(asked, before);
  await assert.rejects(look.now.authorize(), { code: "unauthorized" });
  token = "Bearer good";
  await look.now.authorize();
  assert.deepEqual([look.now.status.state, look.now.needsSignIn, look.now.error], ["ready", false, undefined]);
});

test("with auto, a window that was blocked is opened by a click, once, whoever looks on; a call waits for it meanwhile", bounded, async (t) => {
  let isBlocked = true;
  let signIn;
  const back = async ({ state }) => {
    if (isBlocked) throw new DOMException("blocked", "NotAllowedError");
    await new Promise((resolve) => (signIn = resolve));
    return `https://app.example/callback?code=the-code&state=${state}`;
  };
  const world = startWorld({ back });
  const store = mcpStore(world.url, { ...world.options, auth: { ...world.auth, ask: "auto" }, timeout: 300 });
  for (let count = 0; count < 2; count++) t.after(store.subscribe(() => {}));
  const now = () => store.getSnapshot();
  await until(() => now().error && now().status.state !== "connecting");
  assert.deepEqual([now().error.code, now().needsSignIn, world.opened.length], ["auth", true, 1]);
  t.after(store.subscribe(() => {}));
  await sleep(50);
  assert.equal(world.opened.length, 1);
  isBlocked = false;
  const ran = () => now().callTool("t").then(() => "ran", ({ code }) => code);
  // A call asks, too, and its window is that of the button.
  const early = ran();
  const authorized = now().authorize();
  await until(() => signIn);
  assert.deepEqual([now().needsSignIn, world.opened.length], [true, 2]);
  const call = ran();
  // The clocks of calls stand still while the user is asked.
  await sleep(400);
  signIn();
  await authorized;
  assert.deepEqual([now().status.state, now().needsSignIn, now().error, world.opened.length], ["ready", false, undefined, 2]);
  assert.deepEqual([await early, await call], ["ran", "ran"]);
});

/** A server and its user, who comes back once `signIn()` is called; and a list of servers with it as "a". */
function worldOfUsers() {
  const on = ({ by, rpc, headers }) => {
    if (world.isDown && by === "session") return answer(400, "no");
    const isIn = world.valid.has(headers.authorization?.slice("Bearer ".length));
    if (rpc?.method === "tools/list" && isIn) return answer(200, { jsonrpc: "2.0", id: rpc.id, result: { tools: [{ name: "t", inputSchema: { type: "object" } }] } });
  };
  const world = startWorld({ on, back: ({ state }) => new Promise((resolve) => (world.signIn = () => resolve(`https://app.example/callback?code=the-code&state=${state}`))) });
  const record = { name: "a", url: world.url, title: "Mine", learned: { icons: [] }, options: { maxPages: 7 }, needs: ["auth"] };
  const texts = new Map([["mcp-evergreen:servers:[null]", JSON.stringify({ servers: [record] })]]);
  world.kept = { getItem: (key) => texts.get(key) ?? null, setItem: (key, text) => texts.set(key, text) };
  return world;
}

for (const [how, make] of [
  ["a store", (world, auth) => mcpStore(world.url, { ...world.options, auth })],
  ["a server of many", (world, auth) => mcpServersStore({ servers: { a: { url: world.url, ...world.options, auth } } })],
  ["a server of many, by the defaults", (world, auth) => mcpServersStore({ servers: { a: world.url }, defaults: { ...world.options, auth } })],
  ["a server that comes back", (world, auth) => mcpServersStore({ store: world.kept, restore: () => ({ ...world.options, auth }) })],
]) {
  const now = (store) => {
    const { needsSignIn, needSignIn, session, get, callTool, authorize } = store.getSnapshot();
    if (needSignIn === undefined) return { needsSignIn, session, call: () => callTool("t"), authorize };
    return { needsSignIn: needSignIn.join() === "a", session: get("a"), call: () => callTool("a__t"), authorize: () => authorize("a") };
  };

  test(`${how} asks its user by a click alone, where the host does not say when; what is called waits`, bounded, async (t) => {
    const world = worldOfUsers();
    const store = make(world, world.auth);
    t.after(store.subscribe(() => {}));
    await until(() => now(store).needsSignIn);
    const { session } = now(store);
    assert.deepEqual([session.status.state, session.status.waitingFor.why, world.opened.length], ["waiting", "sign-in", 0]);
    const called = now(store).call().then(() => "ran", ({ code }) => code);
    await sleep(50);
    assert.equal(world.opened.length, 0);
    const signedIn = now(store).authorize();
    await until(() => world.signIn);
    world.signIn();
    await signedIn;
    assert.deepEqual([await called, now(store).needsSignIn, now(store).session === session, world.opened.length], ["ran", false, true, 1]);
  });

  test(`${how}: what the provider prepares, it prepares before \`authorize\` returns, also where there is no session`, bounded, async (t) => {
    const world = worldOfUsers();
    const windows = { opened: 0, open: 0 };
    const prepare = () => (windows.opened++, windows.open++, () => windows.open--);
    const store = make(world, { ...world.auth, provider: { ...world.auth.provider, prepare } });
    t.after(store.subscribe(() => {}));
    await until(() => now(store).needsSignIn);
    const signedIn = now(store).authorize();
    assert.deepEqual(windows, { opened: 1, open: 1 });
    await until(() => world.signIn);
    world.signIn();
    await signedIn;
    assert.equal(windows.open, 0);
    await now(store).session.signOut();
    world.signIn = undefined;
    windows.opened = 0;
    const again = now(store).authorize();
    assert.equal(windows.open, 1);
    await until(() => world.signIn);
    world.signIn();
    await again;
    assert.deepEqual([windows.open, now(store).needsSignIn, now(store).session.status.state], [0, false, "ready"]);
  });
}

test("where the user is never asked, a click opens nothing", bounded, async (t) => {
  const world = worldOfUsers();
  let opened = 0;
  const provider = { ...world.auth.provider, prepare: () => void opened++ };
  const store = mcpStore(world.url, { ...world.options, auth: { ...world.auth, provider, ask: "never" } });
  t.after(store.subscribe(() => {}));
  await until(() => store.getSnapshot().needsSignIn);
  await assert.rejects(store.getSnapshot().authorize(), { code: "unauthorized" });
  assert.deepEqual([opened, world.opened.length, store.getSnapshot().status.state], [0, 0, "closed"]);
});

test("a server that came back and could not be opened is opened by its button, as it was kept", bounded, async (t) => {
  const world = worldOfUsers();
  world.isDown = true;
  const store = mcpServersStore({ store: world.kept, restore: () => ({ ...world.options }) });
  t.after(store.subscribe(() => {}));
  const now = () => store.getSnapshot();
  await until(() => now().servers[0]?.error);
  world.isDown = false;
  const signedIn = now().authorize("a");
  await until(() => world.signIn);
  world.signIn();
  await signedIn;
  await until(() => now().tools.length === 1);
  assert.deepEqual(now().servers.map(({ title, status }) => [title, status.state]), [["Mine", "ready"]]);
});

// ── Many servers ──

const many = (server, { servers, store, restore, questions, ...defaults }) => mcpServersStore({ servers: servers ?? { a: server.url }, store, restore, questions, defaults });

test("servers come and go as the option names them, and what cannot be opened hides nobody", bounded, async (t) => {
  const look = seen(t, many, { servers: { a: "https://a.test/mcp", b: { url: "https://b.test/mcp", title: "Bee" }, "not a name": "https://c.test/mcp" } });
  const set = (servers) => look.store.setOptions({ servers, defaults: { fetch: look.server.fetch } });
  await until(() => look.now.tools.length === 8);
  assert.deepEqual(look.now.servers.map(({ title }) => title), ["a", "Bee"]);
  assert.deepEqual(look.now.failed.map(({ server, error }) => [server, error.name]), [["not a name", "TypeError"]]);
  assert.equal(text(await look.now.callTool("b__echo", { x: 1 })).slice(-2), " 1");
  const { tools } = look.now;
  set({ a: "https://a.test/mcp", b: { url: "https://b.test/mcp", title: "Bee" } });
  assert.deepEqual([look.now.failed, look.now.tools === tools, look.server.sessionsMade], [[], true, 2]);
  set({ b: { url: "https://elsewhere.test/mcp" } });
  await until(() => look.now.tools.length === 4 && look.now.servers[0].url === "https://elsewhere.test/mcp" && look.now.servers.length === 1);
  // What was closed by hand stays so.
  await look.now.close("b");
  set({ b: { url: "https://elsewhere.test/mcp" } });
  await sleep(50);
  assert.deepEqual([look.now.servers, look.server.sessionsMade], [[], 3]);
  await look.now.open("b", "https://elsewhere.test/mcp");
  await look.now.open("mine", "https://d.test/mcp");
  await until(() => look.now.tools.length === 8);
  set({});
  await until(() => look.now.servers.map(({ name }) => name).join() === "mine");
});

test("questions and calls of all servers stand in one list", bounded, async (t) => {
  const look = seen(t, many, { servers: { a: "https://a.test/mcp", b: "https://b.test/mcp" }, questions: ["elicitation"] });
  await until(() => look.now.tools.length === 8);
  const calls = [look.now.callTool("a__form"), look.now.callTool("b__form")].map(outcome);
  await until(() => look.now.pendingQuestions.length === 2);
  assert.deepEqual(look.now.calls.map(({ name }) => name), ["a__form", "b__form"]);
  assert.deepEqual(look.now.pendingQuestions.map(({ server }) => server.name).sort(), ["a", "b"]);
  await look.now.close("a");
  await until(() => look.now.pendingQuestions.length === 1);
  look.now.pendingQuestions[0].accept({ name: "bob" });
  assert.deepEqual([await calls[0], await calls[1]], ["closed,unknown", '{"action":"accept","content":{"size":3,"name":"bob"}}']);
  assert.equal(look.now.busy, false);
});

test("another user is another manager; the screen that is gone closes all", bounded, async (t) => {
  const look = seen(t, many, { identity: "ann" });
  await until(() => look.now.tools.length === 4);
  const session = look.now.get("a");
  look.store.setOptions({ servers: { a: look.server.url }, defaults: { fetch: look.server.fetch, identity: "bob" } });
  await until(() => look.now.tools.length === 4 && look.now.get("a") !== session);
  assert.equal(session.status.state, "closed");
  const bobs = look.now.get("a");
  look.stop();
  await until(() => bobs.status.state === "closed");
  assert.deepEqual([look.now.servers, look.now.get("a"), await outcome(look.now.callTool("a__echo"))], [[], undefined, "closed,not_executed"]);
});

test("who is not let in is named, and signs in by a button; kept servers come back", bounded, async (t) => {
  const server = new TestServer({ tools: TOOLS });
  let token;
  const fetch = async (url, init) => (new Headers(init.headers).has("authorization") ? server.fetch(url, init) : new Response(null, { status: 401 }));
  const kept = new Map();
  const store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) };
  const headers = () => (token ? { authorization: token } : {});
  const look = seen(t, many, { fetch, headers, store }, server);
  await until(() => look.now.needSignIn.join() === "a");
  await assert.rejects(look.now.authorize("a"), { code: "unauthorized" });
  assert.deepEqual(look.now.needSignIn, ["a"]);
  token = "Bearer good";
  await look.now.authorize("a");
  await until(() => look.now.tools.length === 4);
  assert.deepEqual([look.now.needSignIn, look.now.failed], [[], []]);
  await assert.rejects(look.now.authorize("nobody"), TypeError);
  look.stop();
  await until(() => look.now.servers.length === 0);
  const later = seen(t, many, { fetch, headers, store, servers: {} }, server);
  await until(() => later.now.tools.length === 4);
  assert.deepEqual(later.now.servers.map(({ name }) => name), ["a"]);
});

for (const [where, make] of [
  ["named by the option", (world) => ({ servers: { a: { url: world.url, ...world.options } } })],
  ["kept", (world) => ({ store: world.kept, restore: () => ({ ...world.options }) })],
  ["added by the user", (world) => ({ defaults: world.options })],
]) {
  test(`who was signed out of a server, ${where}, signs in again by a button`, bounded, async (t) => {
    const world = worldOfUsers();
    const store = mcpServersStore(make(world));
    t.after(store.subscribe(() => {}));
    const now = () => store.getSnapshot();
    if (where.startsWith("added")) await now().open("a", world.url);
    await until(() => now().needSignIn.length === 1);
    const signedIn = now().authorize("a");
    await until(() => world.signIn);
    world.signIn();
    await signedIn;
    assert.deepEqual(now().needSignIn, []);
    await now().signOut(...(where === "kept" ? [] : ["a"]));
    assert.deepEqual([now().needSignIn, now().get("a")], [["a"], undefined]);
    world.signIn = undefined;
    const again = now().authorize("a");
    await until(() => world.signIn);
    world.signIn();
    await again;
    assert.deepEqual([now().needSignIn, now().get("a").status.state], [[], "ready"]);
    await now().signOut("a");
    await now().close("a");
    assert.deepEqual(now().needSignIn, []);
  });
}

test("a button is wanted where a click helps: not without `auth` and `headers`, nor where an address may not be gone to", bounded, async (t) => {
  const world = startWorld();
  const unsafe = startWorld({ resource: { authorization_servers: ["http://as.example"] } });
  const { auth: _, ...bare } = world.options;
  const servers = { bare: { url: world.url, ...bare }, unsafe: { url: unsafe.url, ...unsafe.options }, helped: { url: world.url, ...world.options }, own: { url: world.url, ...bare, headers: { "x-key": "old" } } };
  const store = mcpServersStore({ servers });
  t.after(store.subscribe(() => {}));
  const now = () => store.getSnapshot();
  const named = () => [...now().needSignIn].sort();
  // That an address is bad is not known before somebody wants to go there.
  await until(() => named().join() === "helped,own,unsafe" && now().failed.length === 2);
  await assert.rejects(now().authorize("unsafe"), { code: "auth" });
  await until(() => named().join() === "helped,own");
  const { status } = now().servers.find(({ name }) => name === "unsafe");
  assert.equal(status.lastError.diagnosis.kind, "unsafe_url");
  await assert.rejects(now().signOut("nobody"), TypeError);
  assert.deepEqual(named(), ["helped", "own"]);
});
