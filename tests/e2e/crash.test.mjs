// The WebAssembly dies, in each of the ways in which it can. The shipped module is what dies here; it is killed from
// outside.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { hold } from "./lib/proxy.mjs";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";
import { startHostile } from "./servers/hostile.mjs";

const wire = stage();
let hostile;
before(async () => (hostile = await startHostile()));
after(() => hostile?.close());

crash("a panic under a borrow", async () => {
  // The core borrows the session while it reads a message. A message that calls back meanwhile is one that JSON.parse
  // never makes, and the second borrow a panic.
  const { parse } = JSON;
  let inner;
  JSON.parse = (text) => {
    const message = parse(text);
    const { result } = message;
    const get = () => {
      inner ??= session.request("panics");
      return result;
    };
    return Object.defineProperty(message, "result", { get });
  };
  await session.request("x").catch(() => {});
  JSON.parse = parse;
  return inner;
}, /unreachable/i);

crash("memory that runs out", () => session.callTool({ name: "odd" }), /unreachable/i, { memory: 8 });

crash("a stack that runs out", async () => {
  // Down to the last frame, and then on the way up one call per frame: the first ones have no room even for the
  // JavaScript, and with one of the next the WebAssembly runs out of stack.
  const calls = [];
  let left = 300;
  const dive = () => {
    try {
      dive();
    } catch {
      // The last frame.
    }
    if (left-- > 0) {
      try {
        calls.push(session.request("x").then(() => {}, (error) => error));
      } catch {
        // No room to make a promise, or to hear of its rejection.
      }
    }
  };
  dive();
  const errors = await Promise.all(calls);
  throw errors.find((error) => error?.code === "crashed" && error.outcome === "unknown") ?? errors[0];
}, /RangeError|too much recursion/, { uncaught: true });

wire("what authorizes runs out of memory: sessions live on, and the next authorization starts it anew", { target: () => hostile.at("huge-stream"), connect: false }, async ({ proxy, run }) => {
  const [failed, before, again] = await run(async ({ connect, initAuth, settle, text }, url) => {
    const { withLittleMemory } = await import("/page/little_memory.mjs");
    const module = await fetch("/node_modules/mcp-evergreen/wasm/mcp_evergreen_auth_bg.wasm");
    await initAuth(withLittleMemory(await module.arrayBuffer(), 8));
    const session = await connect(url);
    let kept = "x".repeat(8 << 20);
    const storage = { getItem: () => kept, setItem: () => {} };
    const provider = { redirectUrl: "/", storage, open: () => Promise.reject(new Error("nobody is asked")) };
    const { error } = await settle(connect(url, { auth: { provider } }));
    const said = () => session.callTool({ name: "echo", arguments: { message: "x" } }).then(text);
    const before = await said();
    kept = null;
    const other = await connect(url, { auth: { provider } });
    const again = [other.status.state, await said()];
    await Promise.all([session.close(), other.close()]);
    return [{ ...error, cause: error.cause }, before, again];
  }, proxy.url);
  assert.deepEqual([failed.code, failed.outcome, failed.diagnosis.kind], ["auth", "not_executed", "failed"]);
  assert.match(String(failed.cause), /McpError: The WebAssembly module crashed/);
  assert.equal(before, "Echo: x");
  assert.deepEqual(again, ["ready", "Echo: x"]);
});

/** `kill` runs in the page and rejects with what its own call came to; `says` is what the error tells of the cause. */
function crash(what, kill, says, { memory, uncaught } = {}) {
  wire(`${what}: all that is open rejects, the sessions go on, and the next connect works`, { target: () => hostile.at("huge-stream"), connect: false, uncaught }, async ({ proxy, recording, run }) => {
    proxy.when({ rpc: "never/answered" }, hold());
    await run(
      async ({ connect, init, settle }, url, memory) => {
        if (memory) {
          const { withLittleMemory } = await import("/page/little_memory.mjs");
          const module = await fetch("/node_modules/mcp-evergreen/wasm/mcp_evergreen_bg.wasm");
          await init(withLittleMemory(await module.arrayBuffer(), memory));
        }
        globalThis.heard = [];
        const on = { close: ({ reason }) => heard.push(`close: ${reason}`), recovered: ({ reason }) => heard.push(`recovered: ${reason}`) };
        globalThis.session = await connect(url, { era: "legacy", on });
        globalThis.other = await connect(url, { era: "legacy", on });
        globalThis.open = [session, session, other].map((each) => settle(each.request("never/answered")));
      },
      proxy.url,
      memory,
    );
    const unanswered = () => recording.records.filter(({ rpc }) => rpc === "never/answered");
    await until(() => unanswered().length === 3);

    const killer = await run(`({ settle }) => settle((${kill})())`);
    const open = await run(() => Promise.all(open));
    for (const { error } of [killer, ...open]) {
      assert.equal(error?.name, "McpError", JSON.stringify(error));
      assert.equal(error.code, "crashed", error.message);
      assert.equal(error.outcome, "unknown");
      assert.match(String(error.cause), says);
    }

    // The sessions go on, each in an instance of its own, under the session that the server holds.
    const [said, states] = await run(async ({ text }) => [
      await Promise.all([session, other].map(async (each) => text(await each.callTool({ name: "echo", arguments: { message: "x" } })))),
      [session, other].map(({ status: { state, generation } }) => `${state} ${generation}`),
    ]);
    assert.deepEqual(said, ["Echo: x", "Echo: x"]);
    assert.deepEqual(states, ["ready 2", "ready 2"]);
    assert.deepEqual(await run(() => heard), Array(2).fill("recovered: the WebAssembly module crashed"));
    assert.equal(recording.records.filter(({ rpc }) => rpc === "initialize").length, 2);
    await until(() => unanswered().every(({ ended }) => ended === "aborted by client"), "no connection is held");

    const text = await run(async ({ connect, text }, url) => {
      const again = await connect(url);
      const result = text(await again.callTool({ name: "echo", arguments: { message: "x" } }));
      await Promise.all([session.close(), other.close(), again.close()]);
      return result;
    }, proxy.url);
    assert.equal(text, "Echo: x");
  });
}

/** In the page: the clock that the module asks throws once, and the module dies of it. */
const FRAGILE = `
  const real = performance.now.bind(performance);
  globalThis.kill = () => (performance.now = () => {
    performance.now = real;
    throw new Error("boom");
  });
`;

for (const wait of ["at once", "when it is told", "later"]) {
  wire(`a session that is closed after a crash (${wait}) ends, on the server too`, { target: () => hostile.at("huge-stream"), connect: false }, async ({ proxy, recording, run }) => {
    const [told, state, later] = await run(async ({ connect, settle }, url, wait, fragile) => {
      new Function(fragile)();
      const told = [];
      let closing;
      const on = {
        recovering: () => wait === "when it is told" && (closing = session.close()),
        close: () => told.push("close"),
      };
      const session = await connect(url, { era: "legacy", on });
      kill();
      const { error } = await settle(session.request("x"));
      told.push(error.code);
      if (wait === "later") await new Promise((resolve) => setTimeout(resolve, 1));
      await (closing ?? session.close());
      return [told, session.status.state, (await settle(session.request("y"))).error.code];
    }, proxy.url, wait, FRAGILE);
    assert.deepEqual([told, state, later], [["crashed", "close"], "closed", "closed"]);
    await until(() => recording.records.some(({ http }) => http === "DELETE"));
  });
}

wire("calls keep their own time while a session is taken up by another instance, and a server that does not answer ends nothing", { target: () => hostile.at("huge-stream"), connect: false }, async ({ proxy, run }) => {
  await run(async ({ connect }, url, fragile) => {
    new Function(fragile)();
    globalThis.session = await connect(url, { era: "legacy", timeout: 3_000, share: { key: "crash" } });
  }, proxy.url, FRAGILE);
  proxy.when({ rpc: "initialize" }, hold());
  const [codes, states, aborted] = await run(async ({ settle }) => {
    const states = [];
    const state = () => states.push(session.status.state);
    kill();
    const codes = [(await settle(session.request("x"))).error.code];
    const stop = new AbortController();
    const given = settle(session.request("y", undefined, { signal: stop.signal }));
    codes.push((await settle(session.callTool({ name: "echo" }, { timeout: 300 }))).error.code);
    state();
    stop.abort(new Error("enough"));
    const aborted = (await given).error.message;
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    state();
    return [codes, states, aborted];
  });
  assert.deepEqual([codes, states[0], aborted], [["crashed", "timeout"], "recovering", "enough"]);
  // Between two handshakes, or in one.
  assert.ok(["waiting", "recovering"].includes(states[1]), states[1]);
  await run(() => session.close());
});
