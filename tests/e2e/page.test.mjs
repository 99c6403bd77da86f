// The life of a page: reloads, tabs that were duplicated, the back/forward cache, sleep, offline, leaving.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openPage, withKit } from "./lib/chrome.mjs";
import { ENGINE, launchEngine } from "./lib/engine.mjs";
import { installed } from "./lib/install.mjs";
import { hold, startProxy, withLeisure } from "./lib/proxy.mjs";
import * as servers from "./lib/servers.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";

const FIRST = ["server/discover→400", "initialize→200 s1", "notifications/initialized→202 s1"];
const HANDSHAKE = ["initialize", "notifications/initialized"];
/** Farther than any loopback address, as a page can tell. */
const ELSEWHERE = "elsewhere.test";

let site;
let browser;
before(async () => {
  // A page that must not be stored does not get into the back/forward cache.
  site = await serve(await installed(), { headers: { "cache-control": "max-age=0" } });
  browser = await launchEngine({
    chromium: [`--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`],
    firefox: { "network.dns.localDomains": ELSEWHERE },
  });
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/**
 * `play` gets `{ server, proxy, page, recording, whoami }`: one server, one proxy and one page for each test. `cannot` says
 * of an engine why it does not play.
 */
function scene(name, play, { kind = servers.typescriptSdk, cannot = {} } = {}) {
  test(name, { timeout: 120_000, skip: cannot[ENGINE] ?? false }, async () => {
    const server = await kind.start();
    const proxy = await startProxy(server.url);
    const page = await openPage(browser, site.url);
    try {
      await play({ server, proxy, page, recording: proxy.recording });
      assert.deepEqual(page.errors, []);
    } catch (error) {
      error.stack += `\n\nOn the wire:\n  ${proxy.recording.transcript().slice(0, 80).join("\n  ")}`;
      throw error;
    } finally {
      await page.close();
      await proxy.close();
      await server.kill();
    }
  });
}

/** Connects in the page; `session` and its warnings are kept there. */
const open = (page, url, options = {}, store = "sessionStorage") =>
  page.run(
    async ({ connect }, url, options, store) => {
      globalThis.warnings = [];
      const persist = store ? globalThis[store] : undefined;
      globalThis.session = await connect(url, { ...options, persist, on: { warning: ({ kind }) => warnings.push(kind) } });
      return session.status.sessionTag;
    },
    url,
    options,
    store,
  );

const echo = (page) => page.run(async ({ text }) => text(await session.callTool({ name: "echo", arguments: { message: "hi" } })));

async function reload(page) {
  await page.page.reload();
}

scene("with persist, the first call after a reload goes out without a handshake", async ({ proxy, page, recording }) => {
  const tag = await open(page, proxy.url);
  await echo(page);
  await reload(page);
  assert.equal(await open(page, proxy.url), tag);
  assert.equal(await echo(page), "Echo: hi");
  assert.deepEqual(recording.transcript(), [...FIRST, "tools/call→200 s1", "tools/call→200 s1"]);
  const ids = recording.records.map(({ rpcId }) => rpcId).filter(Boolean);
  assert.equal(new Set(ids).size, ids.length, "no id is used twice");
  const status = await page.run(() => ({ ...session.status }));
  assert.equal(status.serverInfo.name, "typescript-e2e");
  assert.ok(status.capabilities.tools);
});

scene("a session that the server has evicted meanwhile heals like any other", async ({ server, proxy, page, recording }) => {
  await open(page, proxy.url);
  await echo(page);
  await reload(page);
  await server.restart();
  await open(page, proxy.url);
  assert.equal(await echo(page), "Echo: hi");
  assert.deepEqual(recording.transcript(), [
    ...FIRST,
    "tools/call→200 s1",
    "tools/call→404 s1",
    "initialize→200 s2",
    "notifications/initialized→202 s2",
    "tools/call→200 s2",
  ]);
});

scene("subscriptions and log level survive a reload, and are put back where the session did not", async ({ server, proxy, page, recording }) => {
  await open(page, proxy.url);
  await page.run(async () => {
    await session.subscribeResource({ uri: "demo://resource/static/document/features.md" });
    await session.setLoggingLevel("error");
  });
  await reload(page);
  await server.restart();
  await open(page, proxy.url);
  const mark = recording.records.length;
  await page.run(() => session.listTools());
  await until(() => recording.counts(mark)["logging/setLevel"], "the log level");
  await until(() => recording.counts(mark)["resources/subscribe"], "the subscription");
}, { kind: servers.everything });

scene("what another user, client or set of capabilities left is not taken up", async ({ proxy, page, recording }) => {
  const me = { identity: "me", clientInfo: { name: "host", version: "1" } };
  for (const other of [
    { ...me, identity: "you" },
    { ...me, clientInfo: { name: "host", version: "2" } },
    { ...me, capabilities: { experimental: {} } },
  ]) {
    const tag = await open(page, proxy.url, me);
    await reload(page);
    assert.notEqual(await open(page, proxy.url, other), tag);
    await reload(page);
    await page.run(() => sessionStorage.clear());
  }
  assert.equal(recording.counts().initialize, 6);
});

scene("bad data in the store is dropped with a warning", async ({ proxy, page }) => {
  const tag = await open(page, proxy.url);
  await reload(page);
  const key = await page.run(() => Object.keys(sessionStorage).find((key) => key.startsWith("mcp-evergreen:session:")));
  for (const bad of ["garbage", "{}", "null", '{"name":"n","binding":"b","session":7,"tasks":[]}']) {
    await page.run((_, key, bad) => sessionStorage.setItem(key, bad), key, bad);
    assert.notEqual(await open(page, proxy.url), tag);
    assert.deepEqual(await page.run(() => warnings), ["persisted_session"], bad);
    await reload(page);
    await page.run((_, key) => sessionStorage.removeItem(key), key);
  }
});

scene("no token gets into the store", async ({ proxy, page }) => {
  await page.run(
    async ({ connect }, url) => {
      globalThis.session = await connect(url, { persist: sessionStorage, headers: { authorization: "Bearer not-to-be-stored" } });
    },
    proxy.url,
  );
  await reload(page);
  const stored = await page.run(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
  assert.match(stored, /mcp-evergreen:session:/);
  assert.doesNotMatch(stored, /not-to-be-stored/);
});

scene("a duplicated tab gets a session of its own, and both keep theirs", async ({ proxy, page }) => {
  const tag = await open(page, proxy.url);
  const copied = browser.waitForTarget((target) => target.url().endsWith("/?copy"));
  await page.run(() => {
    document.body.innerHTML = "<button id=copy>copy</button>";
    document.querySelector("#copy").onclick = () => void window.open("/?copy");
  });
  await page.page.click("#copy");
  const tab = await (await copied).page();
  const copy = withKit(tab);
  try {
    const other = await open(copy, proxy.url);
    assert.notEqual(other, tag);
    await reload(page);
    await reload(copy);
    assert.equal(await open(page, proxy.url), tag);
    assert.equal(await open(copy, proxy.url), other);
  } finally {
    await tab.close();
  }
});

scene("a record that was copied while nobody held the session is taken up once", async ({ proxy, page }) => {
  const tag = await open(page, proxy.url);
  await reload(page);
  const records = await page.run(() => ({ ...sessionStorage }));
  const copy = await openPage(browser, site.url);
  try {
    await copy.run((_, records) => Object.assign(sessionStorage, records), records);
    assert.equal(await open(copy, proxy.url), tag);
    assert.notEqual(await open(page, proxy.url), tag);
  } finally {
    await copy.close();
  }
});

scene("a store of promises does as well", async ({ proxy, page, recording }) => {
  const through = (page) =>
    page.run(async ({ connect, sleep }, url) => {
      const persist = {
        get: async (key) => (await sleep(20), localStorage.getItem(key)),
        set: async (key, text) => localStorage.setItem(key, text),
        remove: async (key) => localStorage.removeItem(key),
      };
      globalThis.session = await connect(url, { persist });
    }, proxy.url);
  await through(page);
  await reload(page);
  await through(page);
  await echo(page);
  assert.deepEqual(recording.transcript(), [...FIRST, "tools/call→200 s1"]);
  await page.run(() => (session.close(), localStorage.clear()));
});

scene("the era of an endpoint is remembered apart from its session", async ({ proxy, page, recording }) => {
  await open(page, proxy.url);
  await page.run(() => session.close());
  await reload(page);
  await open(page, proxy.url);
  assert.deepEqual(recording.counts(), { "server/discover": 1, initialize: 2, "notifications/initialized": 2, DELETE: 1 });
});

scene("without persist nothing is stored, and a reload makes a new session", async ({ proxy, page, recording }) => {
  await open(page, proxy.url, {}, null);
  await reload(page);
  assert.equal(await page.run(() => Object.keys(sessionStorage).length), 0);
  await open(page, proxy.url, {}, null);
  assert.equal(recording.counts().initialize, 2);
});

for (const [how, leave] of [
  ["navigated away", (page) => page.page.goto("about:blank")],
  ["reloaded", (page) => page.page.reload()],
  ["closed", (page) => page.page.close({ runBeforeUnload: true })],
]) {
  scene(`a page that is ${how} ends its session on the server`, async ({ proxy, page, recording }) => {
    await page.page.evaluate(() => addEventListener("pagehide", (event) => console.log(`cached ${event.persisted}`)));
    await open(page, proxy.url, {}, null);
    if (how === "navigated away") await withoutCache(page);
    await leave(page);
    await until(() => recording.transcript().includes("DELETE→200 s1"), "a DELETE");
    if (how === "closed") page.close = async () => {};
  }, { cannot: how === "navigated away" ? { webkit: "keeps every page in its back/forward cache" } : {} });
}

scene("a page that leaves under a running call does not", async ({ proxy, page, recording }) => {
  await open(page, proxy.url, {}, null);
  proxy.when({ tool: "echo" }, hold());
  await page.run(() => void session.callTool({ name: "echo", arguments: { message: "x" } }).catch(() => {}));
  await until(() => recording.counts()["tools/call"], "the call");
  await reload(page);
  await sleep(500);
  assert.equal(recording.counts().DELETE, undefined);
});

scene("a page comes back from the back/forward cache with its session", async ({ proxy, page, recording }) => {
  await page.page.evaluate(() => addEventListener("pageshow", (event) => (globalThis.cached = event.persisted)));
  const tag = await open(page, proxy.url, { listen: "always" });
  await until(() => recording.counts().GET, "a standing stream");
  await page.page.goto(`${site.url}page/kit.mjs`);
  await page.back();
  assert.equal(await page.page.evaluate(() => globalThis.cached), true, "it was in the cache, with a session that listens");
  await until(() => recording.counts().GET === 2, "the stream is open again");
  await echo(page);
  assert.equal(await page.run(() => session.status.sessionTag), tag);
  assert.equal(recording.counts().initialize, 1);
  assert.equal(recording.counts().DELETE, undefined);
}, { cannot: { firefox: "keeps no page with a request under way, and asks before `pagehide`" } });

scene("what the next page has taken up is the next page's, and the one from the cache makes its own", async ({ proxy, page, recording }) => {
  const tag = await open(page, proxy.url);
  await page.page.goto(`${site.url}?next`);
  assert.equal(await open(page, proxy.url), tag, "a site of many pages has one session");
  await page.back();
  await echo(page);
  assert.notEqual(await page.run(() => session.status.sessionTag), tag);
  assert.equal(recording.counts().DELETE, undefined, "nobody ended the other's");
});

/** The page looks so long away, to itself. */
const goAway = (page, ms) =>
  page.page.evaluate((ms) => {
    const [now, mono] = [Date.now, performance.now.bind(performance)];
    const see = (state) => {
      Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    };
    see("hidden");
    Date.now = () => now() + ms;
    performance.now = () => mono() + ms;
    see("visible");
  }, ms);

scene("a session that was lost while the page was hidden is healed before the next call", async ({ server, proxy, page, recording }) => {
  await open(page, proxy.url, { recovery: { maxDelay: 100 } }, null);
  await echo(page);
  await server.restart();
  const mark = recording.records.length;
  await goAway(page, 6 * 60_000);
  await until(() => recording.counts(mark)["notifications/initialized"], "it heals by itself");
  await until(() => page.run(() => session.status.state === "ready"), "ready");
  await echo(page);
  assert.deepEqual(recording.transcript(mark), [
    "ping→404 s1",
    "initialize→200 s2",
    "notifications/initialized→202 s2",
    "tools/call→200 s2",
  ]);
});

scene("a page that was hidden for a minute asks nothing", async ({ proxy, page, recording }) => {
  await open(page, proxy.url, {}, null);
  await echo(page);
  const mark = recording.records.length;
  await goAway(page, 60_000);
  await sleep(2_500);
  assert.deepEqual(recording.transcript(mark), []);
});

for (const [offline, outcome] of [["wait", undefined], ["fail", "network"]]) {
  scene(`offline calls ${offline}`, async ({ proxy, page, recording }) => {
    await open(page, proxy.url.replace("127.0.0.1", ELSEWHERE), { offline }, null);
    const mark = recording.records.length;
    await page.page.setOfflineMode(true);
    await until(() => page.page.evaluate(() => session.status.state === "waiting"), "it knows");
    await page.page.evaluate(() => {
      globalThis.settled = undefined;
      session.callTool({ name: "echo", arguments: { message: "x" } }).then(
        () => (settled = { ok: true }),
        ({ code, outcome, diagnosis }) => (settled = { code, outcome, kind: diagnosis?.kind }),
      );
    });
    if (outcome) await until(() => page.page.evaluate(() => settled !== undefined), "the call fails");
    else await sleep(1_000);
    const settled = await page.page.evaluate(() => settled);
    assert.deepEqual(settled, outcome && { code: outcome, outcome: "not_executed", kind: "offline" });
    await page.page.setOfflineMode(false);
    if (!outcome) await until(() => page.page.evaluate(() => settled?.ok), "the call goes out");
    await until(() => page.page.evaluate(() => session.status.state === "ready"), "ready");
    assert.deepEqual(recording.transcript(mark), outcome ? [] : ["tools/call→200 s1"]);
  }, { cannot: { webkit: "its driver cannot take the network away" } });
}

scene("keepAlive pings while nothing else is said, and pauses in a hidden page", async ({ proxy, page, recording }) => {
  await open(page, proxy.url, { keepAlive: 200 }, null);
  await until(() => recording.counts().ping >= 3, "pings");
  await page.page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  });
  // One may be on its way.
  await sleep(700);
  const mark = recording.records.length;
  await sleep(1_000);
  assert.deepEqual(recording.transcript(mark), []);
});

for (const store of ["localStorage", "indexedDB"]) {
  scene(`a manager's servers come back after a reload, from ${store}, and their tools by the same names`, async ({ server, proxy, page }) => {
    const before = await page.run(
      async ({ SessionManager, until }, url, store) => {
        const manager = new SessionManager({ era: "legacy", store: globalThis[store] });
        await manager.open("one", url, { title: "The first", filters: { tools: { deny: ["slow"] } } });
        const other = new SessionManager({ store: globalThis[store] });
        await until(async () => (await other.restore(() => null), other.servers().length === 1));
        const { tools } = await manager.tools();
        return tools.map(({ name }) => name);
      },
      proxy.url,
      store,
    );
    assert.ok(before.includes("one__echo") && !before.includes("one__slow"), String(before));
    await reload(page);
    withLeisure(proxy);
    const seen = await page.run(
      async ({ SessionManager, text }, store) => {
        globalThis.manager = new SessionManager({ era: "legacy", store: globalThis[store] });
        const begun = await manager.restore();
        const titles = manager.servers().map(({ title }) => title);
        const said = text(await manager.callTool("one__echo", { message: "hi" }));
        return { begun, titles, said, names: (await manager.tools()).tools.map(({ name }) => name) };
      },
      store,
    );
    assert.deepEqual(seen, { begun: ["one"], titles: ["The first"], said: "Echo: hi", names: before });
    await server.restart();
    assert.equal(await page.run(async ({ text }) => text(await manager.callTool("one__echo", { message: "again" }))), "Echo: again");
    await page.run(async () => {
      await manager.close("one");
      await manager.close();
    });
    await reload(page);
    assert.deepEqual(await page.run(async ({ SessionManager }, store) => new SessionManager({ store: globalThis[store] }).restore(), store), []);
  });
}

scene("a database that is no list's is a warning, and costs no session", async ({ proxy, page }) => {
  const seen = await page.run(async ({ SessionManager, text }, url) => {
    const settled = (request) => new Promise((resolve) => Object.assign(request, { onsuccess: resolve, onerror: resolve }));
    await settled(indexedDB.deleteDatabase("mcp-evergreen"));
    const opening = indexedDB.open("mcp-evergreen", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("else");
    await settled(opening);
    opening.result.close();
    const warnings = [];
    globalThis.reportError = () => {};
    const manager = new SessionManager({ era: "legacy", store: indexedDB });
    manager.on("warning", ({ kind }) => warnings.push(kind));
    await manager.restore();
    await manager.open("one", url);
    const said = text(await manager.callTool("one__echo", { message: "hi" }));
    await manager.close();
    await settled(indexedDB.deleteDatabase("mcp-evergreen"));
    return { said, kinds: [...new Set(warnings)] };
  }, proxy.url);
  assert.deepEqual(seen, { said: "Echo: hi", kinds: ["kept_servers"] });
});

scene("the options are checked", async ({ proxy, page }) => {
  const complaints = await page.run(async ({ connect, settle }, url) => {
    const bad = [{ offline: "never" }, { keepAlive: 0 }, { persist: true }, { persist: { get() {} } }];
    return Promise.all(bad.map(async (options) => (await settle(connect(url, options))).error.message));
  }, proxy.url);
  assert.deepEqual(complaints, [
    'offline: expected "wait" or "fail", got "never"',
    "keepAlive: expected a whole number of milliseconds from 1 to 2147483647, got 0",
    "persist: expected an object, got boolean",
    "persist.set: expected a function, got undefined",
  ]);
});

/** Chromium keeps no page whose DevTools said so. */
async function withoutCache(page) {
  await page.page.evaluate(() => addEventListener("unload", () => {}));
}
