// What crosses between the facade and the WebAssembly, in Node: options by the same names on both sides, and values that
// do not fit.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFile } from "node:fs/promises";
import { installed } from "./lib/install.mjs";

const URL_OF_ALL = "https://example.com/mcp";

/** Options of `connect` that the core does not see as they are. */
const FACADES = [
  "auth", "clientInfo", "capabilities", "handlers", "identity", "maxPages", "on", "persist", "proxy", "resource", "signal", "trace",
  "validate",
];
/** … of a call. */
const FACADES_OF_A_CALL = ["_meta", "onprogress", "ontask", "signal"];

/** One of each, other than its default. */
const GIVEN = {
  era: "legacy",
  recovery: { mode: "strict", maxAttempts: 3, baseDelay: 1, maxDelay: 2 },
  trustAnnotations: true,
  timeout: 1_000,
  maxTotalTimeout: 2 ** 31 - 1,
  maxMessageBytes: Number.MAX_SAFE_INTEGER,
  maxEventBytes: 1,
  offline: "fail",
  unreachable: "wait",
  keepAlive: 5_000,
  listen: "never",
  maxResumes: 0,
  maxInputRounds: 1_000,
  headers: { authorization: "secret" },
  fetch: async () => new Response("", { status: 500 }),
  credentials: "include",
  share: { key: "k" },
};

let open;
const opened = [];
let readConnect;
let readRequest;
before(async () => {
  const packaged = `${await installed()}/node_modules/mcp-evergreen`;
  const { createGlue } = await import(`${packaged}/wasm/mcp_evergreen.js`);
  const { guardian } = await import(`${packaged}/guard.js`);
  ({ readConnect, readRequest } = await import(`${packaged}/options.js`));
  const glue = createGlue(guardian().exports);
  await glue.init(await WebAssembly.compile(await readFile(`${packaged}/wasm/mcp_evergreen_bg.wasm`)));
  const host = { event() {}, notification() {}, ask() {}, withdraw() {}, authorize() {} };
  open = (environment, core) => {
    const session = glue.open(URL_OF_ALL, environment, core, host);
    opened.push(session);
    return session;
  };
});
// A channel between tabs keeps Node running.
after(() => opened.forEach((session) => session.close(false, () => {}, () => {})));

/** Names that a complaint about an unknown one lists. */
function namesIn(run) {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
    return error.message.split("there is no such option; there are ")[1].split(", ").sort();
  }
  return assert.fail("nothing was complained about");
}

test("the core knows the options of connect by the facade's names, and both know the same", () => {
  const { environment, core } = readConnect(URL_OF_ALL, GIVEN);
  open(environment, core);
  const publicNames = namesIn(() => readConnect(URL_OF_ALL, { "no such option": 1 }));
  assert.deepEqual(Object.keys(GIVEN).concat(FACADES).sort(), publicNames, "none is forgotten above");

  const coreNames = namesIn(() => open(environment, { ...core, "no such option": 1 }));
  // `auth` says when to ask; a successor counts on; of the era a store knows; which changes a host's Client outlives is an
  // option of the transport.
  assert.deepEqual(coreNames, [...Object.keys(core), "ask", "generation", "legacyUntil", "reconnectOn"].sort());
  assert.deepEqual(namesIn(() => open({ ...environment, "no such option": 1 }, core)), Object.keys(environment).sort());
  const recovery = (readers) => namesIn(() => readers({ recovery: { "no such option": 1 } }));
  assert.deepEqual(recovery((given) => open(environment, { ...core, ...given })), recovery((given) => readConnect(URL_OF_ALL, given)));

  const passed = publicNames.filter((name) => !FACADES.includes(name));
  assert.deepEqual(passed.filter((name) => !(name in core) && !(name in environment)), [], "none gets lost on the way");
});

test("the core knows the options of a call by the facade's names", () => {
  const { environment, core } = readConnect(URL_OF_ALL, {});
  const session = open(environment, core);
  const call = (options) => session.call("ping", undefined, undefined, undefined, options, () => {}, () => {});
  const publicNames = namesIn(() => readRequest({ "no such option": 1 }));
  const passed = publicNames.filter((name) => !FACADES_OF_A_CALL.includes(name));
  // A transport resumes the streams of calls.
  assert.deepEqual(namesIn(() => call({ "no such option": 1 })), [...passed, "eventIds", "resume"].sort());
  const { signal, ...given } = readRequest({
    timeout: 1,
    maxTotalTimeout: 2,
    resetTimeoutOnProgress: true,
    repeatable: true,
    inputRequired: "manual",
    cache: "reload",
    headers: { "X-One": "1" },
  });
  assert.deepEqual(Object.keys(given).sort(), passed);
  assert.equal(typeof call(given), "number");
});

for (const [path, change, expected] of [
  ["timeout", { timeout: "1s" }, "u64"],
  ["maxResumes", { maxResumes: -1 }, "u32"],
  ["maxAttempts", { recovery: { maxAttempts: 1.5 } }, "u32"],
  ["mode", { recovery: { mode: "some secret" } }, "one of `default`, `strict`, `off`"],
  ["era", { era: "a secret, expected of nobody" }, "one of `auto`, `legacy`, `modern`"],
  ["trustAnnotations", { trustAnnotations: "yes" }, "a boolean"],
  ["handshake", { handshake: "some secret" }, "`own` or `host`"],
  ["clientInfo", { handshake: { own: { clientInfo: 7, capabilities: "{}" } } }, "a string"],
]) {
  test(`what does not fit is named by its path, and not quoted: ${path}`, () => {
    const { environment, core } = readConnect(URL_OF_ALL, {});
    assert.throws(() => open(environment, { ...core, ...change }), ({ constructor, message }) => {
      assert.equal(constructor, TypeError);
      assert.ok(message.includes(path) && message.endsWith(`expected ${expected}`), message);
      assert.doesNotMatch(message, /secret|1s|yes/);
      return true;
    });
  });
}

test("what is missing is named", () => {
  const { environment, core } = readConnect(URL_OF_ALL, {});
  const { credentials, ...others } = environment;
  assert.throws(() => open(others, core), { name: "TypeError", message: "credentials: expected a string" });
});

test("while options are read nothing is borrowed: a getter may call the session, and what it throws comes out", () => {
  const { environment, core } = readConnect(URL_OF_ALL, {});
  const session = open(environment, core);
  const call = (options) => session.call("ping", undefined, undefined, undefined, options, () => {}, () => {});
  const found = [];
  const first = call({
    get timeout() {
      found.push(session.status().state, call({}));
      session.cancel(found[1]);
      return 5;
    },
  });
  assert.equal(found[0], session.status().state);
  assert.ok(first > found[1]);
  const thrown = new Error("a getter's own");
  const throws = { get cache() { throw thrown; } };
  assert.throws(() => call(throws), (error) => error === thrown);
  assert.throws(() => open(environment, { ...core, get recovery() { throw thrown; } }), (error) => error === thrown);
  assert.ok(call({}) > first, "the session goes on");
});
