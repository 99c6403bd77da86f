// Which era is spoken: found out, remembered, pinned, and changed under an open session, with real servers behind one
// address.

import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before } from "node:test";
import { listen } from "./lib/ports.mjs";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";

const wire = stage();
const LEGACY = [servers.typescriptSdk, servers.typescriptSdkJson, servers.everything];
/** One that answers the legacy era as well goes on being spoken to in it, for an hour. */
const MODERN = [servers.typescriptModernSse];

for (const kind of LEGACY) {
  wire(`${kind.name}: a legacy server is asked once, and not again by the next session`, { server: kind, connect: false }, async ({ proxy, recording, run }) => {
    await run(connectAuto, proxy.url);
    assert.equal(recording.records[0].rpc, "server/discover");
    assert.equal(await run(() => session.status.era), "legacy");
    const { headers, params } = recording.records.find(({ rpc }) => rpc === "initialize");
    assert.deepEqual([headers["mcp-method"], headers["mcp-protocol-version"], params._meta], [undefined, undefined, undefined]);
    const mark = recording.records.length;
    await run(async () => session.close());
    await run(connectAuto, proxy.url);
    assert.equal(await run(() => session.status.era), "legacy");
    assert.deepEqual(recording.counts(mark)["server/discover"], undefined);
    assert.equal(recording.counts(mark).initialize, 1);
  });

  wire(`${kind.name}: restarted, the session heals in the era that was found`, { server: kind, connect: false, leisure: true }, async ({ server, proxy, recording, run }) => {
    await run(connectAuto, proxy.url, { listen: "never" });
    const mark = recording.records.length;
    await server.restart();
    assert.equal(await run(whoami, kind.whoami).then((text) => text.includes(server.token)), true);
    const { initialize, "server/discover": discover } = recording.counts(mark);
    assert.deepEqual({ initialize, discover }, { initialize: 1, discover: undefined });
    assert.deepEqual(await run(() => recovered.map(({ changed }) => changed)), [{}]);
  });
}

for (const legacy of LEGACY.slice(0, 2)) {
  for (const modern of MODERN) {
    wire(`${legacy.name} is upgraded to ${modern.name}: the session goes on in the modern era, and back`, { server: legacy, connect: false, leisure: true }, async ({ server, proxy, recording, run }) => {
      const next = await modern.start();
      try {
        await run(connectAuto, proxy.url);
        assert.match(await run(whoami, legacy.whoami), new RegExp(server.token));
        assert.equal(await run(() => session.status.era), "legacy");

        proxy.target = next.url;
        await server.kill();
        await eraBecomes(run, "modern");
        assert.match(await run(whoami, modern.whoami), new RegExp(next.token));
        await run(write, "up");
        assert.deepEqual(next.executions.started(), { up: 1 });
        const upgraded = await run(() => recovered.splice(0));
        assert.deepEqual(upgraded.map(({ changed }) => changed.era), ["modern"]);
        assert.equal(upgraded[0].changed.server, true);
        assert.ok(recording.counts()["server/discover"] >= 2, "it is believed after a fresh question only");

        const back = await legacy.start({ port: server.port });
        try {
          proxy.target = back.url;
          await next.kill();
          await eraBecomes(run, "legacy");
          assert.match(await run(whoami, legacy.whoami), new RegExp(back.token));
          await run(write, "down");
          assert.deepEqual(back.executions.started(), { down: 1 });
          assert.deepEqual(await run(() => recovered.map(({ changed }) => changed.era)), ["legacy"]);
        } finally {
          await back.kill();
        }
      } finally {
        await next.kill();
      }
    });
  }
}

wire("a write that meets the server of the other era runs once, both ways", { server: servers.typescriptSdk, connect: false, leisure: true }, async ({ server, proxy, run }) => {
  const next = await servers.typescriptModernSse.start();
  try {
    // Nothing hears the change before the call does.
    await run(connectAuto, proxy.url, { listen: "never" });
    proxy.target = next.url;
    await run(write, "up");
    assert.equal(await run(() => session.status.era), "modern");
    proxy.target = server.url;
    await run(write, "down");
    assert.equal(await run(() => session.status.era), "legacy");
    assert.deepEqual([next.executions.started(), server.executions.started()], [{ up: 1 }, { down: 1 }]);
    assert.deepEqual(await run(() => recovered.map(({ changed }) => changed.era)), ["modern", "legacy"]);
  } finally {
    await next.kill();
  }
});

wire("an era that is pinned is not left", { server: servers.typescriptSdk, connect: false }, async ({ proxy, recording, run }) => {
  const next = await servers.typescriptModernSse.start();
  try {
    const refused = (era) =>
      run(({ connect, settle }, url, era) => settle(connect(url, { era })), proxy.url, era).then(({ error }) => error);
    const modern = await refused("modern");
    assert.deepEqual([modern.code, modern.outcome], ["unsupported_version", "not_executed"], JSON.stringify(modern));
    assert.deepEqual(Object.keys(recording.counts()), ["server/discover"]);

    proxy.target = next.url;
    const mark = recording.records.length;
    const legacy = await refused("legacy");
    assert.deepEqual([legacy.code, legacy.outcome], ["unsupported_version", "not_executed"], JSON.stringify(legacy));
    assert.match(legacy.message, /2026-07-28/);
    assert.deepEqual(Object.keys(recording.counts(mark)), ["initialize"]);
  } finally {
    await next.kill();
  }
});

wire("a server of both eras is spoken to in the one that the host wants", { server: servers.pythonSdk, connect: false }, async ({ proxy, recording, run }) => {
  for (const [era, first] of [["modern", "server/discover"], ["legacy", "initialize"]]) {
    const mark = recording.records.length;
    await run(connectAuto, proxy.url, { era });
    assert.equal(await run(() => session.status.era), era);
    assert.equal(recording.since(mark)[0].rpc, first);
    await run(() => session.close());
  }
});

// ── HTTP+SSE of 2024-11-05 ──

let old;
before(async () => void (old = await startHttpSse()));
after(() => old?.close());

wire("a server of HTTP+SSE is named in the error", { target: () => old.url, connect: false }, async ({ proxy, recording, run }) => {
  const { error } = await run(({ connect, settle }, url) => settle(connect(url)), proxy.url);
  assert.deepEqual([error.code, error.outcome], ["not_mcp", "not_executed"], JSON.stringify(error));
  assert.match(error.message, /HTTP\+SSE transport of 2024-11-05/);
  assert.deepEqual(recording.counts(), { "server/discover": 1, initialize: 1 });
});

/** As the SDK's own example is: a GET opens the stream, and messages are posted to another path. */
async function startHttpSse() {
  const transports = new Map();
  const http = createServer(async (req, res) => {
    res.setHeader("access-control-allow-origin", "*");
    res.setHeader("access-control-allow-headers", "*");
    if (req.method === "OPTIONS") return void res.writeHead(204).end();
    const { pathname, searchParams } = new URL(req.url, "http://127.0.0.1");
    if (req.method === "GET" && pathname === "/sse") {
      const transport = new SSEServerTransport("/messages", res);
      transports.set(transport.sessionId, transport);
      return void (await new Server({ name: "old", version: "1" }, { capabilities: { tools: {} } }).connect(transport));
    }
    const transport = pathname === "/messages" && transports.get(searchParams.get("sessionId"));
    if (transport) return void (await transport.handlePostMessage(req, res));
    res.writeHead(404).end("Cannot POST /sse");
  });
  const port = await listen(http);
  return { url: `http://127.0.0.1:${port}/sse`, close: () => (http.closeAllConnections(), http.close()) };
}

// ── Details ──

async function connectAuto({ connect }, url, options = {}) {
  globalThis.recovered = [];
  const on = { recovered: (detail) => recovered.push(detail), toolschange() {} };
  const recovery = { maxAttempts: 50, baseDelay: 100, maxDelay: 300 };
  globalThis.session = await connect(url, { on, recovery, ...options });
}

const whoami = async ({ text }, params) => text(await session.callTool(params));

const write = async ({ text }, key) => text(await session.callTool({ name: "count", arguments: { key } }));

/** By itself where a stream stands; otherwise with the next call that is made. */
async function eraBecomes(run, era) {
  await run(() => session.verify());
  await until(async () => (await run(() => session.status.era)) === era, `the era becomes ${era}`);
}
