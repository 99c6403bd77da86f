// `mcp-evergreen/openai`: a session as the MCPServer of `@openai/agents`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RunContext, getAllMcpTools } from "@openai/agents";
import { TestServer, bounded, echo, failure } from "./lib/dropin.mjs";
import { installed } from "./lib/install.mjs";
import { until } from "./lib/until.mjs";

const { connect } = await import(`${await installed()}/node_modules/mcp-evergreen/index.js`);
const { SessionServer } = await import(`${await installed()}/node_modules/mcp-evergreen/openai.js`);

const tools = { echo, fail: () => ({ content: [{ type: "text", text: "no" }], isError: true, structuredContent: { why: "no" } }) };
const make = (server, options) => connect(server.url, { fetch: server.fetch, ...options });

test("what the SDK asks goes through the session, and outlives an eviction", bounded, async () => {
  const server = new TestServer({ tools });
  const session = await make(server);
  const one = new SessionServer(session, { name: "it", toolFilter: { allowedToolNames: ["echo"] } });
  await one.connect();
  assert.deepEqual((await one.listTools()).map(({ name }) => name).sort(), ["echo", "fail"]);
  const [tool] = await getAllMcpTools([one]);
  assert.equal(tool.name, "echo", "the SDK's filters are the SDK's");
  server.evict();
  assert.deepEqual(await one.callTool("echo", { x: 1 }), [{ type: "text", text: "s2 1" }]);
  assert.deepEqual(await one.callTool("echo", null, null), [{ type: "text", text: "s2 undefined" }]);
  const failed = await one.callTool("fail", {});
  assert.deepEqual([[...failed], failed.isError], [[{ type: "text", text: "no" }], true]);
  assert.equal((await one.callToolResult("fail", {}, { a: 1 })).isError, true);
  const stop = new AbortController();
  stop.abort("enough");
  assert.equal(await failure(one.callTool("echo", {}, undefined, { signal: stop.signal })), "enough");
  await one.close();
  assert.equal(session.status.state, "ready", "the host's session is the host's to close");
  await session.close();
});

test("a session that it makes is made once, again after it failed, and closed with it", bounded, async () => {
  const server = new TestServer({ tools });
  let made = 0;
  let session;
  const one = new SessionServer(async () => {
    if (++made === 1) throw new Error("not yet");
    return (session = await make(server));
  });
  assert.equal((await failure(one.connect())).message, "not yet");
  await Promise.all([one.connect(), one.connect(), one.listTools()]);
  assert.equal(made, 2);
  await one.close();
  assert.equal(session.status.state, "closed");
  await one.close();
});

test("lists are kept where the host says so, until they change or the session is another", bounded, async () => {
  for (const [cacheToolsList, again] of [
    [true, 0],
    [false, 1],
  ]) {
    const server = new TestServer({ tools });
    const session = await make(server);
    const one = new SessionServer(session, { cacheToolsList });
    assert.equal(one.cacheToolsList, false, "the SDK's own cache hears of no change");
    await one.connect();
    await one.listTools();
    const before = server.count("tools/list");
    await one.listTools();
    assert.equal(server.count("tools/list") - before, again);
    await one.invalidateToolsCache();
    await one.listTools();
    assert.equal(server.count("tools/list") - before, again + 1);
    server.evict();
    await one.callTool("echo", {});
    await until(() => session.status.recoveries === 1);
    const then = server.count("tools/list");
    await one.listTools();
    assert.ok(server.count("tools/list") > then);
    await one.close();
    await session.close();
  }
});

test("a list that was under way when the tools changed is not kept, listeners are there once, and what is kept is not handed out", bounded, async () => {
  const listeners = [];
  const gates = [];
  let name = "old";
  const session = {
    url: "https://mcp.test/mcp",
    callTool() {},
    on(event, listener) {
      const one = [event, listener];
      listeners.push(one);
      return () => listeners.splice(listeners.indexOf(one), 1);
    },
    async *tools() {
      const was = name;
      await new Promise((resolve) => gates.push(resolve));
      yield { name: was };
    },
  };
  const one = new SessionServer(session, { cacheToolsList: true });
  await Promise.all([one.connect(), one.connect()]);
  assert.deepEqual(listeners.map(([event]) => event).sort(), ["recovered", "toolschange"]);
  const stale = one.listTools();
  await until(() => gates.length === 1);
  name = "new";
  listeners.find(([event]) => event === "toolschange")[1]();
  gates[0]();
  await stale;
  const fresh = one.listTools();
  await until(() => gates.length === 2);
  gates[1]();
  const tools = await fresh;
  assert.deepEqual(tools, [{ name: "new" }]);
  tools.push({ name: "x" });
  const again = await one.listTools();
  assert.deepEqual(again, [{ name: "new" }]);
  again.length = 0;
  assert.deepEqual(await one.listTools(), [{ name: "new" }], "it is kept");
  const closed = one.close();
  await closed;
  assert.deepEqual(listeners, []);
  const connecting = one.connect();
  await one.close();
  await connecting;
  assert.deepEqual(listeners, [], "closed meanwhile");
});

test("what a server puts beside the content does not change it, and a result that is none does not throw", async () => {
  const block = { type: "text", text: "x" };
  for (const [result, blocks] of [
    [{ content: [block], length: 9, 0: { type: "text", text: "other" }, map: 1, constructor: 1 }, [block]],
    [{ content: [], length: 5 }, []],
    [{ content: "words" }, [{ type: "text", text: "words" }]],
    [{ content: null }, []],
    [{ content: 1 }, []],
    [{}, []],
    [null, []],
  ]) {
    const session = { url: "https://mcp.test/mcp", callTool: async () => result };
    const content = await new SessionServer(session).callTool("t", {});
    assert.deepEqual(content, blocks, JSON.stringify(result));
    assert.equal(content.map, Array.prototype.map);
    assert.deepEqual((await new SessionServer(session).callToolResult("t", {})).content, blocks);
  }
  const kept = { structuredContent: { a: 1 }, isError: true, _meta: { b: 1 } };
  const session = { url: "https://mcp.test/mcp", callTool: async () => ({ content: [block], ...kept }) };
  const { structuredContent, isError, _meta } = await new SessionServer(session).callTool("t", {});
  assert.deepEqual({ structuredContent, isError, _meta }, kept);
});

test("the model is told of a call that may have run, and not to repeat it", bounded, async () => {
  const ask = async (outcome, options) => {
    const session = {
      url: "https://mcp.test/mcp",
      async *tools() {
        yield { name: "pay", inputSchema: { type: "object" } };
      },
      async callTool() {
        throw Object.assign(new Error("lost"), { outcome });
      },
    };
    const [tool] = await getAllMcpTools([new SessionServer(session, options)]);
    return tool.invoke(new RunContext(), "{}");
  };
  assert.match(await ask("unknown"), /it may have run\. Do not simply call it again/);
  assert.doesNotMatch(await ask("unknown"), /try again/);
  for (const outcome of ["not_executed", "executed", undefined]) assert.match(await ask(outcome), /Please try again/);
  assert.equal(await ask("unknown", { errorFunction: ({ error }) => error.message }), "lost");
  assert.equal((await failure(ask("unknown", { errorFunction: null }))).message, "lost");
});

test("of what it may not be, the name is told", () => {
  const session = { callTool() {}, url: "https://mcp.test/mcp" };
  for (const [words, ...given] of [
    [/^session: expected a Session, or a function that gives one, got undefined/, undefined],
    [/^nonsense: there is no such option/, session, { nonsense: 1 }],
    [/^cacheToolsList: expected true or false/, session, { cacheToolsList: 1 }],
    [/^name: expected a string that is not empty/, session, { name: "" }],
    [/^toolFilter: expected an object/, session, { toolFilter: 1 }],
    [/^errorFunction: expected a function/, session, { errorFunction: 1 }],
  ]) {
    assert.throws(() => new SessionServer(...given), (error) => error instanceof TypeError && (words.test(error.message) || assert.fail(error.message)));
  }
  assert.equal(new SessionServer(session).name, "mcp.test");
});
