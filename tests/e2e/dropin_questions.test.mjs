// Questions of a session that is gone, under a Client of the host's own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as types from "@modelcontextprotocol/sdk/types.js";
import { EvergreenTransport, INFO, TestServer, bounded, connected, echo, of } from "./lib/dropin.mjs";
import { installed } from "./lib/install.mjs";
import { until } from "./lib/until.mjs";

/** `{ answer, client }`: the dialogs of the server's wait for `answer(result)`. */
function dialogs() {
  const open = [];
  return {
    open,
    handle: (client) =>
      client.setRequestHandler(types.ElicitRequestSchema, ({ params }, { signal }) =>
        new Promise((resolve) => open.push({ message: params.message, signal, answer: resolve })),
      ),
  };
}

test("the wrong consent: an answer to the old session's dialog never reaches the new one", bounded, async () => {
  const dialog = dialogs();
  const { client, server, call } = await connected({}, {}, dialog);
  await until(() => server.streams === 1);
  server.ask("elicitation/create", { message: "read a file?", requestedSchema: { type: "object", properties: {} } });
  await until(() => dialog.open.length === 1);
  server.evict();
  await call("echo");
  await until(() => server.streams === 1);
  const asked = server.ask("elicitation/create", { message: "delete all?", requestedSchema: { type: "object", properties: {} } });
  await until(() => dialog.open.length === 2);
  assert.ok(dialog.open[0].signal.aborted, "the old dialog is told that nobody waits for it");
  assert.ok(!dialog.open[1].signal.aborted);
  dialog.open[0].answer({ action: "accept", content: {} });
  await sleep(50);
  assert.deepEqual(server.answers, []);
  dialog.open[1].answer({ action: "decline" });
  assert.deepEqual([(await asked).result, (await asked).id], [{ action: "decline" }, 0]);
  assert.equal(server.answers.length, 1);
  await client.close();
});

test("not even from a host that does not heed what is withdrawn", bounded, async () => {
  const server = new TestServer({ tools: { echo } });
  const transport = new EvergreenTransport(server.url, { fetch: server.fetch });
  const messages = [];
  transport.onmessage = (message) => messages.push(message);
  const asked = () => messages.filter(({ method }) => method === "elicitation/create");
  const answer = ({ id }, action) => transport.send({ jsonrpc: "2.0", id, result: { action } });
  await transport.start();
  const params = { protocolVersion: "2025-11-25", capabilities: { elicitation: {} }, clientInfo: INFO };
  await transport.send({ jsonrpc: "2.0", id: 0, method: "initialize", params });
  await transport.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  await until(() => server.streams === 1);
  server.ask("elicitation/create", { message: "read a file?" });
  await until(() => asked().length === 1);
  server.evict();
  await transport.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "echo", arguments: {} } });
  await until(() => server.streams === 1);
  server.ask("elicitation/create", { message: "delete all?" });
  await until(() => asked().length === 2);
  await answer(asked()[0], "accept");
  await sleep(50);
  assert.deepEqual(server.answers, []);
  await answer(asked()[1], "decline");
  await until(() => server.answers.length === 1);
  assert.deepEqual(server.answers[0].result, { action: "decline" });
  await transport.close();
});

test("progress of the old session's dialog never reaches the new one", bounded, async () => {
  const handlers = [];
  const { client, server, call } = await connected({}, {}, {
    handle: (client) =>
      client.setRequestHandler(types.ElicitRequestSchema, (_request, extra) => {
        handlers.push(extra);
        return new Promise(() => {});
      }),
  });
  const params = { message: "sure?", requestedSchema: { type: "object", properties: {} }, _meta: { progressToken: 0 } };
  const progress = ({ _meta, sendNotification }, progress) =>
    sendNotification({ method: "notifications/progress", params: { progressToken: _meta.progressToken, progress } });
  await until(() => server.streams === 1);
  server.ask("elicitation/create", params);
  await until(() => handlers.length === 1);
  await progress(handlers[0], 1);
  server.evict();
  await call("echo");
  await until(() => server.streams === 1);
  server.ask("elicitation/create", params);
  await until(() => handlers.length === 2);
  await progress(handlers[0], 2).catch(() => {});
  await progress(handlers[1], 3);
  const told = of(server, "notifications/progress").map(({ session, params }) => [session, params.progressToken, params.progress]);
  assert.deepEqual(told, [["s1", 0, 1], ["s2", 0, 3]]);
  await client.close();
});

test("the host's own error goes to the server with its code and its data; what is no JSON is left out", bounded, async () => {
  const { connect } = await import(`${await installed()}/node_modules/mcp-evergreen/index.js`);
  const params = { message: "sure?", requestedSchema: { type: "object", properties: {} } };
  const loop = {};
  loop.loop = loop;
  for (const [data, told] of [
    [{ why: ["no"] }, { code: -32042, message: "MCP error -32042: not now", data: { why: ["no"] } }],
    [undefined, { code: -32042, message: "MCP error -32042: not now" }],
    [null, { code: -32042, message: "MCP error -32042: not now", data: null }],
  ]) {
    const { client, server } = await connected({}, {}, {
      handle: (client) => client.setRequestHandler(types.ElicitRequestSchema, () => Promise.reject(new types.McpError(-32042, "not now", data))),
    });
    await until(() => server.streams === 1);
    assert.deepEqual((await server.ask("elicitation/create", params)).error, told);
    await client.close();
  }
  // A session's handler says it in the same way.
  for (const [thrown, told] of [
    [Object.assign(new Error("not now"), { code: -32042, data: { why: 1 } }), { code: -32042, message: "not now", data: { why: 1 } }],
    [Object.assign(new Error("not now"), { code: -32042, data: loop }), { code: -32042, message: "not now" }],
    [Object.assign(new Error("/home/ann"), { data: "/home/ann" }), { code: -32603, message: "The handler failed" }],
  ]) {
    const server = new TestServer({ tools: { echo } });
    const session = await connect(server.url, { fetch: server.fetch, handlers: { "elicitation/create": () => Promise.reject(thrown) } });
    await until(() => server.streams === 1);
    assert.deepEqual((await server.ask("elicitation/create", params)).error, told);
    await session.close();
  }
});
