// The modern era through the host's own Client, and MCP Apps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createMCPClient } from "@ai-sdk/mcp";
import { AppBridge } from "@modelcontextprotocol/ext-apps/app-bridge";
import { Client as Client2 } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { EvergreenTransport, INFO, TestServer, bounded, connected, echo, failure, of, text } from "./lib/dropin.mjs";
import { examples } from "./lib/examples.mjs";
import { installed } from "./lib/install.mjs";
import { until } from "./lib/until.mjs";

const { connect } = await import(`${await installed()}/node_modules/mcp-evergreen/index.js`);

// ── The modern era through the host's own Client ──

const MIRRORED = {
  inputSchema: { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" }, x: {} } },
  call: ({ x, region }) => `${region} ${x}`,
};

test("SDK 2 in auto mode speaks the modern era: headers, Mcp-Param, a subscription through a break", bounded, async () => {
  const server = new TestServer({ era: "modern", tools: { echo: MIRRORED } });
  const transport = new EvergreenTransport(server.url, { fetch: server.fetch });
  const changes = [];
  const client = new Client2(INFO, {
    versionNegotiation: { mode: "auto" },
    listChanged: { tools: { onChanged: (_error, tools) => changes.push(tools?.length), debounceMs: 0 } },
  });
  await client.connect(transport);
  assert.deepEqual([client.getProtocolEra(), transport.sessionId, transport.status.era], ["modern", undefined, "modern"]);
  await client.listTools();
  assert.equal(text(await client.callTool({ name: "echo", arguments: { x: 1, region: "us-west1" } })), "us-west1 1");
  const { headers, params } = of(server, "tools/call")[0];
  assert.deepEqual(
    ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-param-region", "mcp-session-id"].map((name) => headers[name]),
    ["2026-07-28", "tools/call", "echo", "us-west1", undefined],
  );
  assert.equal(params._meta["io.modelcontextprotocol/clientInfo"].name, "host");
  await until(() => server.streams === 1);
  server.become({ tools: { echo: MIRRORED, more: () => "y" } });
  server.notify("notifications/tools/list_changed");
  await until(() => changes.length === 1);
  assert.deepEqual(changes, [2]);
  assert.equal(server.count("initialize"), 0);
  await client.close();
});

test("the AI SDK discovers the modern era, and a legacy server behind the same probe", bounded, async () => {
  for (const [era, methods] of [
    ["modern", ["server/discover", "tools/list", "tools/call"]],
    ["legacy", ["server/discover", "initialize", "notifications/initialized", "tools/list", "tools/call"]],
  ]) {
    const server = new TestServer({ era, tools: { echo: MIRRORED } });
    const transport = new EvergreenTransport(server.url, { fetch: server.fetch, listen: "never" });
    const client = await createMCPClient({ transport });
    const { echo } = await client.tools();
    const result = await echo.execute({ x: 1, region: "eu" }, { messages: [], toolCallId: "1" });
    assert.equal(text(result), "eu 1");
    assert.deepEqual(server.requests.map(({ method }) => method), methods);
    assert.equal(server.requests.at(-1).headers["mcp-param-region"], era === "modern" ? "eu" : undefined);
    await client.close();
  }
});

test("a Client that pins the modern era is told by a legacy server's refusal", bounded, async () => {
  const server = new TestServer({ tools: { echo } });
  const client = new Client2(INFO, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  const error = await failure(client.connect(new EvergreenTransport(server.url, { fetch: server.fetch })));
  assert.match(error.message, /did not offer pinned protocol version/);
});

// ── 11. MCP Apps ──

const APP = { name: "app-host", version: "1.0.0" };
const uiTools = { echo: { inputSchema: { type: "object" }, _meta: { ui: { resourceUri: "ui://x" } }, call: echo } };

/** An app in its frame, as it speaks to the bridge. */
async function appOf(bridge) {
  const [app, host] = InMemoryTransport.createLinkedPair();
  const answers = new Map();
  app.onmessage = (message) => answers.get(message.id)?.(message);
  await app.start();
  await bridge.connect(host);
  let id = 0;
  const ask = (method, params) =>
    new Promise((resolve) => {
      answers.set(++id, resolve);
      app.send({ jsonrpc: "2.0", id, method, params });
    });
  await ask("ui/initialize", { protocolVersion: "2026-01-26", appInfo: APP, appCapabilities: {} });
  await app.send({ jsonrpc: "2.0", method: "ui/notifications/initialized" });
  return { ask };
}

test("an AppBridge over the transport goes on through an eviction", bounded, async () => {
  const { client, server } = await connected({ tools: uiTools }, {}, { Client: Client2 });
  const bridge = new AppBridge(client, APP, { serverTools: {} });
  const app = await appOf(bridge);
  const call = async (x) => (await app.ask("tools/call", { name: "echo", arguments: { x } })).result;
  assert.equal(text(await call(1)), "s1 1");
  server.evict();
  assert.equal(text(await call(2)), "s2 2");
  await client.close();
});

test("an AppBridge over a Session goes on through an eviction", bounded, async () => {
  const server = new TestServer({ tools: uiTools });
  const session = await connect(server.url, { fetch: server.fetch, listen: "never" });
  const bridge = new Function("session", "AppBridge", `${examples.apps.code}\nreturn bridge;`)(session, AppBridge);
  const app = await appOf(bridge);
  const call = async (x) => (await app.ask("tools/call", { name: "echo", arguments: { x } })).result;
  assert.equal(text(await call(1)), "s1 1");
  server.evict();
  assert.equal(text(await call(2)), "s2 2");
  await session.close();
});
