// Tabs that share a session: one handshake and one stream between them, whatever happens to the one that leads.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { installed } from "./lib/install.mjs";
import { hold, startProxy } from "./lib/proxy.mjs";
import * as servers from "./lib/servers.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";

/** Each tab has a process of its own, so that one can die without the others. */
const FLAGS = ["--renderer-process-limit=64"];

let site;
let browser;
before(async () => {
  site = await serve(await installed(), { headers: { "cache-control": "max-age=0" } });
  browser = await launchBrowser(FLAGS);
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/** `play` gets `{ server, proxy, recording, tab }`; `tab(options)` opens one more tab that shares the session. */
function scene(name, play, kind = servers.typescriptSdk, env = {}) {
  test(name, { timeout: 240_000 }, async () => {
    const server = await kind.start({ env });
    const proxy = await startProxy(server.url);
    const tabs = [];
    const tab = async (options) => {
      const page = await openPage(browser, site.url);
      tabs.push(page);
      await connect(page, proxy.url, options);
      return page;
    };
    try {
      await play({ server, proxy, recording: proxy.recording, tab });
      for (const { page, errors } of tabs) if (!page.isClosed()) assert.deepEqual(errors, []);
    } catch (error) {
      error.stack += `\n\nOn the wire:\n  ${proxy.recording.transcript().slice(0, 120).join("\n  ")}`;
      for (const { page, run } of tabs) {
        const told = page.isClosed() ? "closed" : await Promise.race([run(() => JSON.stringify([session.status, heard])).catch(String), later("no answer")]);
        error.stack += `\n\nTold in a tab:\n  ${told}`;
      }
      throw error;
    } finally {
      await Promise.all(tabs.map(({ page, close }) => page.isClosed() || Promise.race([close().catch(() => {}), later()])));
      await proxy.close();
      await server.kill();
    }
  });
}

const later = (value) => new Promise((resolve) => setTimeout(resolve, 2_000, value).unref());

/** In the tab: `session`, and what it `heard`. */
const connect = (tab, url, options = {}) =>
  tab.run(
    async ({ connect }, url, options) => {
      globalThis.heard = { warnings: [], recovered: 0, lists: 0, updates: [], logs: [], asked: [] };
      globalThis.session = await connect(url, {
        era: "legacy",
        share: { key: "tabs" },
        recovery: { baseDelay: 50, maxDelay: 200 },
        handlers: {
          "elicitation/create": ({ message }) => (heard.asked.push(message), { action: "accept", content: { seats: 2, name: "Otto" } }),
        },
        on: {
          warning: ({ kind }) => heard.warnings.push(kind),
          recovered: () => heard.recovered++,
          toolschange: () => heard.lists++,
          resourceupdate: ({ uri, stale }) => stale || heard.updates.push(uri),
          log: ({ data }) => heard.logs.push(data),
        },
        ...options,
      });
    },
    url,
    options,
  );

const echo = (tab, message = "hi") =>
  tab.run(async ({ text }, message) => text(await session.callTool({ name: "echo", arguments: { message } })), message);
const role = (tab) => tab.run(() => session.status.share);
const tagOf = (tab) => tab.run(() => session.status.sessionTag);
const leads = (tab) => until(async () => (await role(tab)) === "leading", "it leads");
const follows = (tab) => until(async () => (await role(tab)) === "following", "it follows");

const openStreams = ({ records }) => records.filter(({ http, status, ended }) => http === "GET" && status === 200 && !ended);
const oneStream = (recording) => until(() => openStreams(recording).length === 1, () => `one stream, not ${openStreams(recording).length}`);

scene("two tabs have one session and one stream", async ({ recording, tab }) => {
  const one = await tab();
  const two = await tab();
  assert.deepEqual([await role(one), await role(two)], ["leading", "following"]);
  assert.deepEqual(await Promise.all([echo(one, "1"), echo(two, "2")]), ["Echo: 1", "Echo: 2"]);
  assert.equal(await tagOf(one), await tagOf(two));
  await oneStream(recording);
  const { initialize, GET } = recording.counts();
  assert.deepEqual({ initialize, GET }, { initialize: 1, GET: 1 });
  const ids = recording.records.map(({ rpcId }) => rpcId).filter(Boolean);
  assert.equal(new Set(ids).size, ids.length, "no id is used twice");
});
