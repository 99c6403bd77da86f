// The Clients of others over EvergreenTransport, in a page: each way in which servers refuse, five calls at once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { bundledHosts } from "./lib/hosts.mjs";
import { installed } from "./lib/install.mjs";
import { startProxy, withLeisure } from "./lib/proxy.mjs";
import { everything, typescriptSdk } from "./lib/servers.mjs";
import { fileAt, serve } from "./lib/static.mjs";

const HOSTS = ["SDK 1", "SDK 2", "SDK 2, auto", "AI SDK"];
const SHAPES = [..."ABCDEFGH"];
const bounded = { timeout: 120_000 };

let site;
let browser;
before(async () => {
  const hosts = await bundledHosts();
  site = await serve(await installed(), {
    override: (path) => (path.startsWith("/hosts/") ? fileAt(hosts + path.slice("/hosts".length)) : undefined),
  });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

async function inPage(play, ...args) {
  const page = await openPage(browser, site.url);
  try {
    const result = await page.run(play, ...args);
    assert.deepEqual(page.errors, []);
    return result;
  } finally {
    await page.close();
  }
}

// Runs in the page. `server` options beside the shape; `pending`: a dialog of the server's is open when the session goes.
async function evictUnderFive({ until }, host, shapes, { server: options = {}, pending = false }) {
  const { EvergreenTransport } = await import("/node_modules/mcp-evergreen/transport.js");
  const { TestServer } = await import("/node_modules/mcp-evergreen/testing.js");
  const { hosts } = await import("/hosts/hosts.js");
  const play = async (shape) => {
    const echo = ({ x }, { session }) => `${session} ${x}`;
    const server = new TestServer({ refuse: shape, tools: { echo }, ...options });
    const transport = new EvergreenTransport(server.url, { fetch: server.fetch });
    let asked;
    const dialog = new Promise((resolve) => (asked = resolve));
    let answerDialog;
    const answer = new Promise((resolve) => (answerDialog = resolve));
    const client = await hosts[host](transport, () => (asked(), answer));
    const text = async (call) => (await call).content[0].text;
    const before = await text(client.call("echo", { x: 0 }));
    if (options.listen !== false) await until(() => server.streams === 1);
    if (pending) {
      server.ask("elicitation/create", { message: "sure?", requestedSchema: { type: "object", properties: {} } });
      await dialog;
    }
    const handshakes = server.count("initialize");
    server.evict();
    const calls = await Promise.allSettled([1, 2, 3, 4, 5].map((x) => text(client.call("echo", { x }))));
    if (options.listen !== false) await until(() => server.streams === 1);
    answerDialog({ action: "accept", content: {} });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const result = {
      before,
      calls: calls.map(({ value, reason }) => value ?? `failed: ${reason?.message}`),
      handshakes: server.count("initialize") - handshakes,
      answers: server.answers.length,
      state: transport.status.state,
      sessions: server.sessionsMade,
    };
    await client.close();
    return result;
  };
  const results = [];
  for (const shape of shapes) results.push(await play(shape));
  return results;
}

const HEALED = {
  before: "s1 0",
  calls: ["s2 1", "s2 2", "s2 3", "s2 4", "s2 5"],
  handshakes: 1,
  answers: 0,
  state: "ready",
  sessions: 2,
};

for (const host of HOSTS) {
  for (const [what, setting] of [
    ["JSON answers and no standing stream", { server: { listen: false } }],
    ["SSE answers", { server: { sse: true, listen: false } }],
    ["a GET stream open", {}],
    ["a server request pending", { server: { sse: true }, pending: true }],
  ]) {
    test(`${host}: every refusal under five calls, with ${what}`, bounded, async () => {
      const results = await inPage(evictUnderFive, host, SHAPES, setting);
      for (const [n, result] of results.entries()) assert.deepEqual(result, HEALED, `shape ${SHAPES[n]}`);
    });
  }
}

// ── Real servers ──

for (const host of HOSTS) {
  for (const kind of [typescriptSdk, everything]) {
    test(`${host} over a restart of ${kind.name}`, bounded, async () => {
      const server = await kind.start();
      const proxy = await startProxy(server.url);
      withLeisure(proxy);
      const page = await openPage(browser, site.url);
      try {
        await page.run(async (_kit, host, url) => {
          const { EvergreenTransport } = await import("/node_modules/mcp-evergreen/transport.js");
          const { hosts } = await import("/hosts/hosts.js");
          globalThis.client = await hosts[host](new EvergreenTransport(url));
        }, host, proxy.url);
        const call = ({ name, arguments: args }) =>
          page.run(async (_kit, name, args) => JSON.stringify(await client.call(name, args)), name, args);
        assert.ok((await call(kind.whoami)).includes(server.token));
        const mark = proxy.recording.records.length;
        await server.restart();
        const { name, arguments: args } = kind.whoami;
        const five = await page.run(
          (_kit, name, args) => Promise.all([1, 2, 3, 4, 5].map(async () => JSON.stringify(await client.call(name, args)))),
          name,
          args,
        );
        assert.ok(five.every((text) => text.includes(server.token)), five.join("\n"));
        // One that listens finds out by itself, and asks in vain until the server is back.
        const made = proxy.recording.since(mark).filter(({ rpc, status }) => rpc === "initialize" && status === 200);
        assert.equal(made.length, 1, proxy.recording.transcript().join("\n"));
        await page.run(() => client.close());
        assert.deepEqual(page.errors, []);
      } finally {
        await page.close();
        await proxy.close();
        await server.kill();
      }
    });
  }
}
