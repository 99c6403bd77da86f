// Tabs that share a session: one handshake and one stream between them, whatever happens to the one that leads.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openPage } from "./lib/chrome.mjs";
import { ENGINE, launchEngine } from "./lib/engine.mjs";
import { installed } from "./lib/install.mjs";
import { startProxy, withLeisure } from "./lib/proxy.mjs";
import * as servers from "./lib/servers.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";

const NO_STOP = { firefox: "its driver names no tab's process", webkit: "its driver names no tab's process" };

/** Each tab has a process of its own, so that one can die without the others. */
const FLAGS = ["--renderer-process-limit=64"];

let site;
let browser;
before(async () => {
  site = await serve(await installed(), { headers: { "cache-control": "max-age=0" } });
  browser = await launchEngine({ chromium: FLAGS });
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/**
 * `play` gets `{ server, proxy, recording, tab }`; `tab(options)` opens one more tab that shares the session. `cannot` says of
 * an engine why it does not play.
 */
function scene(name, play, { kind = servers.typescriptSdk, front = {}, cannot = {} } = {}) {
  test(name, { timeout: 240_000, skip: cannot[ENGINE] ?? false }, async () => {
    const server = await kind.start();
    const proxy = await startProxy(server.url, front);
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

/** The sessions that were made from the `mark`-th request on and have not been ended. */
function sessionsOf(recording, mark) {
  const named = (pattern) => recording.transcript(mark).flatMap((line) => pattern.exec(line)?.[1] ?? []);
  const ended = named(/^DELETE→200 (.+)/);
  return named(/^initialize→200 (.+)/).filter((session) => !ended.includes(session));
}

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

scene("the session is evicted under calls in both tabs: one handshake, and every call runs once", async ({ server, proxy, recording, tab }) => {
  withLeisure(proxy);
  const tabs = [await tab(), await tab()];
  await Promise.all(tabs.map((one) => echo(one)));
  const mark = recording.records.length;
  await server.restart();
  const counted = await Promise.all(
    tabs.map((one, n) =>
      one.run(
        ({ text }, n) =>
          Promise.all(Array.from({ length: 10 }, async (_, i) => text(await session.callTool({ name: "count", arguments: { key: `${n}.${i}` } })))),
        n,
      ),
    ),
  );
  const keys = [0, 1].flatMap((n) => Array.from({ length: 10 }, (_, i) => `${n}.${i}`));
  assert.deepEqual(counted.flat(), keys.map((key) => `counted ${key}`));
  assert.deepEqual(server.executions.started(), Object.fromEntries(keys.map((key) => [key, 1])));
  assert.deepEqual(sessionsOf(recording, mark), ["s2"], "one handshake that the server answered");
  await oneStream(recording);
  assert.equal(await tagOf(tabs[0]), await tagOf(tabs[1]));
});

for (const [how, end] of [
  ["closed", async ({ page }) => page.close()],
  ["closed by its user", async ({ page }) => page.close({ runBeforeUnload: true })],
  ["navigated away", async ({ page }) => page.goto("about:blank")],
  ["crashed", crash],
]) {
  scene(`the tab that leads is ${how}: another leads, resumes the stream and goes on under the same session`, async ({ recording, tab }) => {
    const [one, two, three] = [await tab(), await tab(), await tab()];
    const tag = await tagOf(one);
    await oneStream(recording);
    await end(one);
    const next = await until(async () => ((await role(two)) === "leading" ? two : (await role(three)) === "leading" && three), "one of the others leads");
    assert.equal(await role(next === two ? three : two), "following");
    await until(() => recording.counts().GET >= 2, "a second stream");
    await oneStream(recording);
    assert.deepEqual(await Promise.all([echo(two), echo(three)]), ["Echo: hi", "Echo: hi"]);
    assert.deepEqual([await tagOf(two), await tagOf(three)], [tag, tag]);
    const { initialize, DELETE } = recording.counts();
    assert.deepEqual({ initialize, DELETE }, { initialize: 1, DELETE: undefined });
  }, { cannot: how === "crashed" ? { firefox: "its driver crashes no tab", webkit: "its driver crashes no tab" } : {} });
}

scene("a tab that is frozen steps back, and follows when it goes on", async ({ recording, tab }) => {
  const [one, two] = [await tab(), await tab()];
  const devtools = await one.page.createCDPSession();
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  await leads(two);
  await until(() => recording.counts().GET >= 2, "a second stream");
  assert.equal(await echo(two), "Echo: hi");
  await devtools.send("Page.setWebLifecycleState", { state: "active" });
  await follows(one);
  assert.equal(await echo(one), "Echo: hi");
  await oneStream(recording);
  assert.equal(await role(two), "leading");
  assert.equal(recording.counts().initialize, 1);
}, { cannot: { firefox: "its driver freezes no tab", webkit: "its driver freezes no tab" } });

scene("a leader that does not answer any more loses the lead, and follows when it wakes up", async ({ server, proxy, recording, tab }) => {
  withLeisure(proxy);
  const [one, two] = [await tab(), await tab()];
  await oneStream(recording);
  const pid = await rendererOf(one);
  const mark = recording.records.length;
  process.kill(pid, "SIGSTOP");
  try {
    // It holds its lock, and makes no session.
    await server.restart();
    assert.equal(await echo(two), "Echo: hi");
    assert.equal(await role(two), "leading");
    assert.deepEqual(sessionsOf(recording, mark), ["s2"]);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await follows(one);
  assert.equal(await echo(one), "Echo: hi");
  assert.equal(await tagOf(one), await tagOf(two));
  assert.equal(await role(two), "leading");
  await oneStream(recording);
  // It may have begun a handshake of its own before it heard that it leads no more: that comes to nothing.
  await until(() => sessionsOf(recording, mark).length === 1, () => `one session, not ${sessionsOf(recording, mark)}`);
}, { cannot: NO_STOP });

scene("a leader that is stopped is missed by those who only listen", async ({ recording, tab }) => {
  const [one, two] = [await tab(), await tab()];
  await oneStream(recording);
  const pid = await rendererOf(one);
  process.kill(pid, "SIGSTOP");
  try {
    await leads(two);
    await until(() => recording.counts().GET >= 2, "a second stream");
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await follows(one);
  await oneStream(recording);
  assert.deepEqual(await Promise.all([echo(one), echo(two)]), ["Echo: hi", "Echo: hi"]);
  assert.equal(recording.counts().initialize, 1);
}, { cannot: NO_STOP });

scene("the module of the tab that leads dies: another leads at once, and the tab comes back as a follower", async ({ proxy, recording, tab }) => {
  const [one, two] = [await tab(), await tab()];
  const tag = await tagOf(one);
  const code = await one.run(async () => {
    // A message that calls back while the core reads it: a panic.
    const { parse } = JSON;
    JSON.parse = (text) => {
      const message = parse(text);
      const { result } = message;
      return Object.defineProperty(message, "result", { get: () => (session.request("panics").catch(() => {}), result) });
    };
    await session.request("ping").catch(() => {});
    JSON.parse = parse;
    return session.status.lastError?.code;
  });
  assert.equal(code, "crashed");
  await leads(two);
  await connect(one, proxy.url);
  assert.equal(await role(one), "following");
  assert.equal(await echo(one), "Echo: hi");
  assert.deepEqual([await tagOf(one), await tagOf(two)], [tag, tag]);
  await oneStream(recording);
  assert.equal(recording.counts().initialize, 1);
});

scene("a worker shares the session of its page", async ({ proxy, recording, tab }) => {
  const one = await tab();
  const told = await one.run(async (_, url) => {
    const worker = new Worker("/page/sharing_worker.mjs", { type: "module" });
    worker.postMessage(url);
    return (await new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }))).data;
  }, proxy.url);
  assert.deepEqual(told, { ok: { echo: "Echo: hi", share: "following", sessionTag: await tagOf(one) } });
  assert.equal(recording.counts().initialize, 1);
});

scene("a question goes to the tab whose call it belongs to", async ({ tab }) => {
  const tabs = [await tab(), await tab()];
  for (const [asking, other] of [tabs, [...tabs].reverse()]) {
    const elicited = await asking.run(async ({ text }) => text(await session.callTool({ name: "trigger-elicitation-request", arguments: {} })));
    assert.match(elicited, /Name: Otto/);
    assert.equal(await asking.run(() => heard.asked.splice(0).length), 1);
    assert.equal(await other.run(() => heard.asked.length), 0);
  }
}, { kind: servers.everything });

scene("what the server says unasked reaches every tab; it is unsubscribed when nobody wants it any more", async ({ server, recording, tab }) => {
  const [one, two] = [await tab(), await tab()];
  const uri = "test://clock";
  const subscribe = (tab) => tab.run((_, uri) => session.subscribeResource({ uri }), uri);
  const unsubscribe = (tab) => tab.run((_, uri) => session.unsubscribeResource({ uri }), uri);
  const say = (path) => fetch(new URL(path, server.url), { method: "POST" });
  const updates = (count) => Promise.all([one, two].map((tab) => until(() => tab.run((_, count) => heard.updates.length === count, count), `${count} updates`)));
  await oneStream(recording);
  await Promise.all([subscribe(one), subscribe(two)]);
  await one.run(() => session.setLoggingLevel("info"));
  await say("/say?level=info&text=loud");
  await Promise.all([one, two].map((tab) => until(() => tab.run(() => heard.logs.includes("loud")), "the log")));
  await say("/touch");
  await updates(1);
  await unsubscribe(two);
  await say("/touch");
  await updates(2);
  assert.equal(recording.counts()["resources/unsubscribe"], undefined, "another tab wants it");
  await unsubscribe(one);
  assert.equal(recording.counts()["resources/unsubscribe"], 1);
  await say("/touch");
  await say("/say?level=info&text=last");
  await Promise.all([one, two].map((tab) => until(() => tab.run(() => heard.logs.includes("last")), "the log")));
  await updates(2);
}, { kind: servers.pythonSdk });

scene("subscriptions and the log level of all tabs are there again after the server's restart", async ({ server, recording, tab }) => {
  const [one, two] = [await tab(), await tab()];
  await one.run(() => session.subscribeResource({ uri: "test://one" }));
  await two.run(() => session.subscribeResource({ uri: "test://two" }));
  await two.run(() => session.setLoggingLevel("error"));
  await oneStream(recording);
  const mark = recording.records.length;
  await server.restart();
  await until(() => recording.since(mark).some(({ rpc, status }) => rpc === "initialize" && status === 200), "a new session");
  const put = (rpc) => recording.since(mark).filter((record) => record.rpc === rpc && record.status === 200 && record.session === "s2");
  await until(() => put("resources/subscribe").length === 2 && put("logging/setLevel").length > 0, "what they held");
  assert.deepEqual(put("resources/subscribe").map(({ params }) => params.uri).sort(), ["test://one", "test://two"]);
  for (const { params } of put("logging/setLevel")) assert.equal(params.level, "error");
  await oneStream(recording);
}, { kind: servers.pythonSdk });

scene("a tab that closes its session leaves; the last one ends it on the server", async ({ recording, tab }) => {
  const [one, two] = [await tab(), await tab()];
  await one.run(() => session.close());
  await leads(two);
  assert.equal(await echo(two), "Echo: hi");
  assert.equal(recording.counts().DELETE, undefined);
  await two.run(() => session.close());
  assert.equal(recording.counts().DELETE, 1);
  assert.equal(await echo(await tab()), "Echo: hi");
  assert.equal(recording.counts().initialize, 2, "a new session for who comes later");
});

for (const [how, end] of [["closed", ({ page }) => page.close()], ["crashed", crash]]) {
  scene(`a tab that follows is ${how}: nobody listens for it any more, and the last one ends the session on the server`, async ({ recording, tab }) => {
    // Nothing is heard by the one that leads: it listens for the other.
    const [one, two] = [await tab({ on: {}, handlers: {} }), await tab({ handlers: {} })];
    assert.deepEqual([await role(one), await role(two)], ["leading", "following"]);
    await oneStream(recording);
    await end(two);
    await until(() => openStreams(recording).length === 0, "the end of the stream");
    assert.equal(recording.counts().DELETE, undefined);
    assert.equal(await echo(one), "Echo: hi");
    await one.run(() => session.close());
    assert.equal(recording.counts().DELETE, 1);
    assert.equal(recording.counts().initialize, 1);
  }, { cannot: how === "crashed" ? { firefox: "its driver crashes no tab", webkit: "its driver crashes no tab" } : {} });
}

scene("tabs that differ in what a session is bound to do not meet", async ({ recording, tab }) => {
  const tags = [];
  for (const options of [{}, { share: { key: "other" } }, { identity: "you" }, { clientInfo: { name: "other", version: "1" } }]) {
    const one = await tab(options);
    assert.equal(await role(one), "leading");
    tags.push(await tagOf(one));
  }
  assert.equal(new Set(tags).size, tags.length);
  assert.equal(recording.counts().initialize, tags.length);
});

scene("a tab goes into the back/forward cache and comes back to its session", async ({ recording, tab }) => {
  const [one, two] = [await tab(), await tab()];
  const tag = await tagOf(one);
  for (const [going, staying] of [[one, two], [two, one]]) {
    const mark = recording.counts().GET;
    await going.page.evaluate(() => addEventListener("pageshow", (event) => (globalThis.cached = event.persisted)));
    await going.page.goto(`${site.url}page/kit.mjs`);
    await leads(staying);
    await until(() => recording.counts().GET > mark, "another stream");
    await going.back();
    assert.equal(await going.page.evaluate(() => globalThis.cached), true, "it was in the cache");
    await follows(going);
    assert.equal(await echo(going), "Echo: hi");
    assert.equal(await tagOf(going), tag);
    await oneStream(recording);
  }
  assert.equal(recording.counts().initialize, 1);
  assert.equal(recording.counts().DELETE, undefined);
}, { cannot: { firefox: "keeps no page with a request under way, and asks before `pagehide`" } });

test("where tabs cannot share, each has a session of its own, and says so", { timeout: 240_000, skip: ENGINE === "webkit" && "its driver gives no host a name" }, async () => {
  const server = await servers.typescriptSdk.start();
  const proxy = await startProxy(server.url);
  // Plain http: from a host that is not this device, as far as a page can tell, has no Web Locks.
  const insecure = await launchEngine({
    chromium: [...FLAGS, "--host-resolver-rules=MAP elsewhere.test 127.0.0.1"],
    firefox: { "network.dns.localDomains": "elsewhere.test" },
  });
  const there = (url) => url.replace("127.0.0.1", "elsewhere.test");
  try {
    const tabs = [];
    for (const n of [0, 1]) {
      const page = await openPage(insecure, there(site.url));
      assert.equal(await page.run(() => isSecureContext), false);
      await connect(page, there(proxy.url));
      assert.equal(await echo(page, `${n}`), `Echo: ${n}`);
      assert.deepEqual(await page.run(() => heard.warnings), ["share_unavailable"]);
      assert.equal(await role(page), undefined);
      tabs.push(page);
    }
    assert.notEqual(await tagOf(tabs[0]), await tagOf(tabs[1]));
    assert.equal(proxy.recording.counts().initialize, 2);
  } finally {
    await insecure.close();
    await proxy.close();
    await server.kill();
  }
});

const listens = ({ records }) => records.filter(({ rpc }) => rpc === "subscriptions/listen");

for (const kind of [servers.typescriptModern, servers.pythonSdk]) {
  scene(`${kind.name}: in the modern era the tabs have one listening stream, for what all of them want`, async ({ server, recording, tab }) => {
    const [one, two] = [await tab({ era: "modern", handlers: {} }), await tab({ era: "modern", handlers: {} })];
    const uri = "test://clock";
    const say = (path) => fetch(new URL(path, server.url), { method: "POST" });
    await two.run((_, uri) => session.subscribeResource({ uri }), uri);
    const open = () => listens(recording).filter(({ ended }) => !ended);
    await until(() => open().length === 1 && open()[0].said.includes("acknowledged"), "one stream");
    assert.deepEqual(open()[0].params.notifications.resourceSubscriptions, [uri]);
    assert.equal(open()[0].params.notifications.toolsListChanged, true);
    await say("/touch");
    await say("/lists");
    for (const tab of [one, two]) {
      await until(() => tab.run((_, uri) => heard.updates.includes(uri) && heard.lists > 0, uri), "what the server says");
    }
    const next = await (async () => {
      await crash(one);
      await leads(two);
      return until(() => open().length === 1 && open()[0].said.includes("acknowledged") && open()[0], "the stream of the other");
    })();
    assert.deepEqual(next.params.notifications.resourceSubscriptions, [uri]);
    assert.equal(await echo(two), "Echo: hi");
    assert.equal(recording.counts().initialize, undefined);
  }, { kind });
}

// What the issue of tabs is about: nothing is lost but the calls of a tab that died, and nothing runs twice.
scene("three tabs with a hundred calls each, while the leader crashes twice and the server evicts the session three times", async ({ server, proxy, recording, tab }) => {
  const CALLS = 100;
  const living = [];
  let joined = 0;
  const join = async () => {
    const one = await tab();
    one.name = `tab${++joined}`;
    await one.run(storm, one.name, CALLS);
    living.push(one);
  };
  for (let n = 0; n < 3; n++) await join();
  const settled = (tab) => tab.run(() => results.length === allowed);
  const started = () => Object.keys(server.executions.started()).length;
  /** Lets each tab make so many calls, and has `happen` under them. */
  const under = async (calls, ...happen) => {
    const before = started();
    for (const { run } of living) await run((_, calls) => allow(calls), calls);
    await until(() => started() > before, "a call that runs");
    await Promise.all(happen.map((run) => run()));
    for (const tab of living) await until(() => settled(tab), async () => `all calls of ${tab.name}: ${await tab.run(() => `${results.length} of ${allowed}`)}`, 90_000);
  };
  const evict = () => server.restart();
  const crashLeader = async () => {
    const roles = await until(async () => {
      const roles = await Promise.all(living.map(role));
      return roles.includes("leading") && roles;
    }, "a leader");
    const [leader] = living.splice(roles.indexOf("leading"), 1);
    await crash(leader);
  };

  await under(20, evict);
  await under(20, crashLeader);
  await join();
  await under(20, evict, crashLeader);
  await join();
  const last = recording.records.length;
  await under(20, evict);
  await under(CALLS);

  const ran = server.executions.started();
  const counts = {};
  for (const tab of living) {
    const results = await tab.run(() => results);
    assert.equal(results.length, CALLS, "every call settles");
    for (const { key, ok, outcome, repeatable } of results) {
      const fate = ok ? "ok" : outcome;
      counts[fate] = (counts[fate] ?? 0) + 1;
      if (ok) assert.equal(ok, `counted ${key}`);
      if (repeatable) assert.equal(fate, "ok", `${key} may be repeated`);
      if (fate === "ok") assert.ok(ran[key] >= 1, `${key} ran`);
    }
  }
  const { ok = 0, unknown = 0, ...others } = counts;
  assert.deepEqual(others, {}, "a call has run, or nobody knows");
  assert.equal(ok + unknown, living.length * CALLS);
  assert.equal(living.length, 3);
  const twice = Object.entries(ran).filter(([key, times]) => times > 1 && !key.endsWith("repeatable"));
  assert.deepEqual(twice, [], "nothing ran twice");

  const roles = await Promise.all(living.map(role));
  assert.deepEqual(roles.sort(), ["following", "following", "leading"]);
  const tags = new Set(await Promise.all(living.map(tagOf)));
  assert.equal(tags.size, 1, "one session");
  await oneStream(recording);
  assert.deepEqual(sessionsOf(recording, last).length, 1, "one session on the server");
  // A front that holds requests until the process behind it is back, and answers for one that died: a browser would send
  // what it took for a stale connection's once more by itself.
}, { front: { patience: 30_000, gateway: true } });

// ── Details ──

/** In the tab: makes `calls` calls at most, as many as it is `allow`ed, a fourth of them repeatable. */
function storm({ text }, name, calls) {
  globalThis.results = [];
  globalThis.allowed = 0;
  let made = 0;
  const call = async (n) => {
    const repeatable = n % 4 === 0;
    const key = `${name}.${n}${repeatable ? ".repeatable" : ""}`;
    const params = { name: "slow", arguments: { key, seconds: 0.05 } };
    try {
      results.push({ key, repeatable, ok: text(await session.callTool(params, { repeatable, timeout: 80_000 })) });
    } catch ({ code, outcome, message }) {
      results.push({ key, repeatable, code, outcome, message });
    }
  };
  globalThis.allow = (more) => {
    globalThis.allowed = Math.min(calls, allowed + more);
    while (made < allowed) void call(made++);
  };
}

/** Its process dies, as it does when it has no memory left. Where the driver has no such command, the tab is closed. */
async function crash({ page }) {
  if (ENGINE !== "chromium") return page.close();
  const devtools = await page.createCDPSession();
  const gone = new Promise((resolve) => page.once("error", resolve));
  devtools.send("Page.crash").catch(() => {});
  await gone;
  await page.close();
}

/** The tab's process: the one that works while the tab does. */
async function rendererOf({ page }) {
  const devtools = await browser.target().createCDPSession();
  const times = async () => {
    const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
    return new Map(processInfo.filter(({ type }) => type === "renderer").map(({ id, cpuTime }) => [id, cpuTime]));
  };
  const work = () => page.evaluate(() => { for (const end = performance.now() + 400; performance.now() < end;); });
  return until(async () => {
    const before = await times();
    await work();
    const spent = [...(await times())].map(([id, time]) => ({ id, time: time - (before.get(id) ?? 0) }));
    const [first, second] = spent.sort((a, b) => b.time - a.time);
    return first.time > 0.1 && first.time > 4 * (second?.time ?? 0) && first.id;
  }, "the process of a tab");
}
