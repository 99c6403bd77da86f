// Servers without a single CORS header, reached from a page in Chromium by the package's own proxy.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openApp } from "./lib/app.mjs";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { installed } from "./lib/install.mjs";
import { startMcpProxy } from "./lib/mcp_proxy.mjs";
import { startProxy } from "./lib/proxy.mjs";
import { typescriptSdk } from "./lib/servers.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";
import { startOidc } from "./servers/oidc.mjs";

const TIMEOUT = 180_000;
const KEY = { "Evergreen-Authorization": "Bearer the key" };
const authorize = (request) => request.headers.get("evergreen-authorization") === KEY["Evergreen-Authorization"];

let site, browser;
before(async () => {
  site = await serve(await installed());
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/** A real authorization server and the MCP server behind it; neither lets a page see anything. */
function authorized(what, play) {
  test(what, { timeout: TIMEOUT }, async () => {
    const oidc = await startOidc({ cors: false });
    const proxy = await startMcpProxy({ targets: [oidc.url, oidc.issuer], authorize });
    const context = await browser.createBrowserContext();
    try {
      await play({ oidc, proxy, app: await openApp(context, site.url, oidc.url) });
    } finally {
      await context.close();
      await proxy.close();
      await oidc.close();
    }
  });
}

authorized("signed in, called, evicted, healed, refreshed, signed out: all by the proxy, and each call ran once", async ({ oidc, proxy, app }) => {
  await app.connect({ proxy: { url: proxy.url, headers: KEY, oauth: true } });
  await app.signIn();
  assert.deepEqual(await app.outcome(), { ok: "ready" });
  assert.equal(await app.call("read"), "read ran");
  assert.deepEqual(oidc.counts, { registered: 1, signedIn: 1, codes: 1, refreshes: 0, initialized: 1, calls: 1 });

  oidc.evict();
  assert.equal(await app.call("read"), "read ran");
  await oidc.expire();
  oidc.evict();
  assert.equal(await app.call("read"), "read ran");
  assert.deepEqual(oidc.counts, { registered: 1, signedIn: 1, codes: 1, refreshes: 1, initialized: 3, calls: 3 });
  assert.deepEqual(await app.run(() => [session.status.recoveries, session.status.state]), [2, "ready"]);
  assert.equal(proxy.asked.filter((one) => one === "POST /token").length, 2);
  const asked = new URL(await app.run(() => lastOpened)).searchParams;
  assert.deepEqual([asked.get("resource"), new URL(await app.run(() => lastOpened)).origin], [oidc.url, oidc.issuer], "in the server's own name");

  await app.run(() => session.signOut());
  assert.ok(proxy.asked.some((one) => one === "DELETE /mcp"));
  assert.deepEqual(app.errors, []);
});

authorized("without `oauth: true` the proxy sees neither registration nor token: the sign-in fails, and says where", async ({ oidc, proxy, app }) => {
  await app.connect({ proxy: { url: proxy.url, headers: KEY } });
  const { error } = await app.outcome();
  assert.equal(error.code, "auth");
  assert.deepEqual(proxy.asked.filter((one) => one.startsWith("POST") && !one.startsWith("POST /mcp")), []);
  assert.ok(proxy.asked.some((one) => one.startsWith("GET /.well-known/")));
  assert.equal(oidc.counts.codes, 0);
});

/** A server behind `front`, which takes every CORS header away and records what arrives. */
function hidden(what, play) {
  test(what, { timeout: TIMEOUT }, async () => {
    const server = await typescriptSdk.start();
    const front = await startProxy(server.url, { cors: "none", patience: 10_000 });
    const proxy = await startMcpProxy({ targets: [front.url] });
    const page = await openPage(browser, site.url);
    try {
      const error = await page.run(
        async ({ connect, settle }, url, proxy) => {
          globalThis.progress = [];
          const settled = await settle(connect(url, { proxy, on: { recovered: ({ reason }) => (globalThis.healed = reason) } }));
          globalThis.session = settled.ok;
          return settled.error;
        },
        front.url,
        proxy.url,
      );
      assert.equal(error, undefined, JSON.stringify(error));
      await play({ server, front, proxy, page, run: page.run });
      assert.deepEqual(page.errors, []);
    } catch (error) {
      error.stack += `\n\nAsked of the proxy:\n  ${proxy.asked.join("\n  ")}\nOn the wire:\n  ${front.recording.transcript().join("\n  ")}`;
      throw error;
    } finally {
      await page.close();
      await proxy.close();
      await front.close();
      await server.kill();
    }
  });
}

hidden("the handshake decides the way: what runs something is sent by the proxy alone", async ({ proxy, front, run, server }) => {
  const say = () => run(async ({ text }) => text(await session.callTool({ name: "count", arguments: { key: "a" } })));
  assert.equal(await say(), "counted a");
  assert.deepEqual(proxy.asked, ["POST /mcp server/discover", "POST /mcp initialize", "POST /mcp notifications/initialized", "POST /mcp tools/call"]);
  // The page itself came no further than to a preflight.
  assert.ok(front.recording.records.filter((record) => record.preflight).length <= 1);
  assert.equal(front.recording.counts()["tools/call"], 1);
  assert.deepEqual(server.executions.started(), { a: 1 });
});

hidden("twenty calls that meet a restart share one handshake, and each ran once", async ({ proxy, run, server }) => {
  await server.restart();
  proxy.asked.length = 0;
  const keys = Array.from({ length: 20 }, (_, at) => `k${at}`);
  const said = await run(({ text }, keys) => Promise.all(keys.map(async (key) => text(await session.callTool({ name: "count", arguments: { key } })))), keys);
  assert.deepEqual(said, keys.map((key) => `counted ${key}`));
  assert.deepEqual(server.executions.started(), Object.fromEntries(keys.map((key) => [key, 1])));
  assert.equal(proxy.asked.filter((one) => one.endsWith("initialize")).length, 1);
  assert.equal(typeof (await run(() => healed)), "string");
});

hidden("progress comes while the call runs, and the listening stream is open while somebody listens", async ({ proxy, front, run, server }) => {
  const said = await run(async ({ text }) => {
    const onprogress = ({ progress: step }) => progress.push([step, Math.round(performance.now())]);
    const result = text(await session.callTool({ name: "steps", arguments: { key: "s", steps: 3 } }, { onprogress }));
    return [result, progress.map(([step]) => step), progress[2][1] - progress[0][1]];
  });
  assert.deepEqual(said.slice(0, 2), ["counted s", [1, 2, 3]]);
  assert.ok(said[2] > 300, `${said[2]} ms between the first and the last: they were not held back`);
  assert.deepEqual(server.executions.started(), { s: 1 });
  const open = () => front.recording.records.filter(({ http, endedAt }) => http === "GET" && endedAt === undefined).length;
  assert.equal(open(), 0);
  await run(() => void (globalThis.stop = session.on("toolschange", () => {})));
  await until(() => open() === 1);
  assert.ok(proxy.asked.includes("GET /mcp"));
  await run(() => stop());
  await until(() => open() === 0, "the proxy has hung up as well");
});

hidden("a call that is given up is cancelled at the server, and its connection ends there", async ({ front, run, proxy }) => {
  await run(() => {
    globalThis.giving = new AbortController();
    globalThis.calling = session.callTool({ name: "slow", arguments: { key: "gone", seconds: 60 } }, { signal: giving.signal }).then(
      () => "answered",
      (error) => error.name,
    );
  });
  const calls = () => front.recording.records.filter(({ rpc }) => rpc === "tools/call");
  await until(() => calls().length === 1);
  assert.equal(await run(() => (giving.abort(), calling)), "AbortError");
  await until(() => proxy.asked.includes("POST /mcp notifications/cancelled"));
  await until(() => calls()[0].endedAt !== undefined, "the end of the request");
  assert.equal(calls().length, 1);
});

hidden("what ends when the server is gone comes back when it is", async ({ server, run }) => {
  await server.kill();
  const lost = await run(async ({ settle }) => (await settle(session.callTool({ name: "count", arguments: { key: "lost" } }, { timeout: 2_000 }))).error);
  assert.equal(lost.outcome === "unknown" || lost.outcome === "not_executed", true, JSON.stringify(lost));
  await server.restart();
  const said = await run(async ({ text }) => text(await session.callTool({ name: "count", arguments: { key: "back" } })));
  assert.equal(said, "counted back");
  assert.deepEqual(server.executions.started(), { back: 1 });
});
