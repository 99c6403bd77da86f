// Hostile and unlucky peers, over HTTP, against the package in a page: nothing else of the page notices.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openPage } from "./lib/chrome.mjs";
import { ENGINE, launchEngine } from "./lib/engine.mjs";
import { installed } from "./lib/install.mjs";
import { guess, randomServer, serveFetch } from "./lib/peers.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";

let site;
let browser;
before(async () => {
  site = await serve(await installed());
  browser = await launchEngine();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

const json = (body, headers) => new Response(JSON.stringify(body), { headers: { "content-type": "application/json", ...headers } });
const raw = (text, type = "application/json") => new Response(text, { headers: { "content-type": type } });

/** A legacy server; `on(message, init)` may answer in its place. It keeps who made each session, and who came with it. */
async function peer(on = () => undefined) {
  const owners = new Map();
  const met = [];
  const server = await serveFetch(async (_, init) => {
    const message = init.body ? JSON.parse(init.body) : {};
    const { authorization: who = null, "mcp-session-id": id } = init.headers;
    if (id) met.push({ what: message.method ?? init.method, who, owner: owners.get(id) });
    const own = await on(message, init);
    if (own !== undefined) return own;
    if (init.method !== "POST") return new Response(null, { status: init.method === "GET" ? 405 : 200 });
    if (message.id === undefined || message.method === undefined) return new Response(null, { status: 202 });
    const info = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } };
    const result = message.method === "initialize" ? info : message.method === "tools/list" ? { tools: [] } : { content: [] };
    const made = message.method === "initialize" ? `session-${owners.size}-0123456789` : undefined;
    if (made) owners.set(made, who);
    return json({ jsonrpc: "2.0", id: message.id, result }, made && { "mcp-session-id": made });
  });
  return { ...server, met };
}

/** `play` gets the page, and the URLs of a bystander and of what `on` plays. */
function scene(name, on, play, { timeout = 120_000, cannot = {} } = {}) {
  test(name, { timeout, skip: cannot[ENGINE] ?? false }, async () => {
    const [bystander, hostile] = [await peer(), await peer(on)];
    const page = await openPage(browser, site.url);
    try {
      await play({ page, run: page.run, bystander, hostile });
      await page.run(() => {});
      assert.deepEqual(page.errors, [], "nothing is left uncaught in the page");
    } finally {
      await page.close();
      await Promise.all([bystander.close(), hostile.close()]);
    }
  });
}

const many = (count, item) => `[${`${item},`.repeat(count)}${item}]`;
for (const [what, method, body, code] of [
  ["a list of millions of tools", "tools/list", () => `"result":{"tools":${many(4_300_000, "0")}}`, "too_large"],
  ["a list nested ten thousand deep", "tools/list", () => `"result":{"tools":[{"name":"a","inputSchema":${"[".repeat(10_000)}${"]".repeat(10_000)}}]}`, "ok"],
  ["a name of millions of characters", "tools/list", () => `"result":{"tools":[{"name":"${"x".repeat(6_000_000)}"}]}`, "ok"],
  ["an error of millions of characters", "tools/call", () => `"error":{"code":1,"message":"${"x".repeat(6_000_000)}"}`, "rpc"],
]) {
  const answer = (message) => (message.method === method ? raw(`{"jsonrpc":"2.0","id":${message.id},${body()}}`) : undefined);
  scene(`${what} ends no other server's session`, answer, async ({ run, bystander, hostile }) => {
    const seen = await run(
      async ({ connect, settle }, urls, method) => {
        const [other, session] = await Promise.all(urls.map((url) => connect(url, { era: "legacy" })));
        const { error } = await settle(session.request(method, method === "tools/call" ? { name: "x" } : undefined));
        const next = await Promise.all([other.callTool({ name: "x" }), session.request("ping")]);
        const generations = [other.status.generation, session.status.generation];
        await Promise.all([other.close(), session.close()]);
        return { code: error?.code ?? "ok", next: next.length, generations };
      },
      [bystander.url, hostile.url],
      method,
    );
    assert.deepEqual(seen, { code, next: 2, generations: [1, 1] });
  });
}

let open = 0;
let most = 0;
const flood = (message, { signal }) => {
  if (message.method === "tools/call" && message.params.name === "flood") {
    return raw(Array.from({ length: 3_000 }, (_, id) => `data: {"jsonrpc":"2.0","id":${id},"method":"ping"}\n\n`).join(""), "text/event-stream");
  }
  if (message.method !== undefined || !message.result) return undefined;
  most = Math.max(most, ++open);
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
};
scene("a flood of pings leaves the page its fetches", flood, async ({ run, bystander, hostile }) => {
  await run(
    async ({ connect, settle }, urls) => {
      globalThis.sessions = await Promise.all(urls.map((url) => connect(url, { era: "legacy", listen: "never" })));
      globalThis.flooded = settle(sessions[1].callTool({ name: "flood" }, { timeout: 3_000 }));
    },
    [bystander.url, hostile.url],
  );
  await until(() => most > 0, "the flood");
  const seen = await run(async () => {
    const own = await Promise.all(Array.from({ length: 20 }, async (_, at) => (await fetch(`/?${at}`)).ok));
    await Promise.all(Array.from({ length: 20 }, () => sessions[0].callTool({ name: "x" })));
    const { error } = await flooded;
    await Promise.all(sessions.map((session) => session.close()));
    return { own: own.every(Boolean), outcome: error?.outcome };
  });
  assert.deepEqual(seen, { own: true, outcome: "unknown" });
  assert.ok(most <= 8, `${most} answers at once`);
});

scene("under changing credentials nobody's request goes out with somebody else's session", undefined, async ({ run, hostile }) => {
  const users = ["Bearer ann", "Bearer bob", null, "Basic Y2FybA==", "Bearer ann"];
  const settled = await run(
    async ({ connect, settle }, url, users) => {
      let [who] = users;
      const session = await connect(url, { era: "legacy", headers: () => (who ? { authorization: who } : {}) });
      const all = [];
      for (const next of users) {
        who = next;
        const calls = Array.from({ length: 12 }, () => settle(session.callTool({ name: "x" })));
        await new Promise((resolve) => setTimeout(resolve, 20));
        all.push(...(await Promise.all(calls)).map(({ error }) => error?.code ?? "ok"));
      }
      await session.close();
      return all;
    },
    hostile.url,
    users,
  );
  assert.deepEqual(
    hostile.met.filter(({ who, owner }) => who !== owner),
    [],
  );
  assert.equal(settled.length, 60);
});

/** Collects garbage: Chromium does when it is told so, the others when there is much of it. */
async function collect(page) {
  if (ENGINE === "chromium") {
    const cdp = await page.page.createCDPSession();
    for (let round = 0; round < 5; round++) await cdp.send("HeapProfiler.collectGarbage").then(() => sleep(50));
    return (await cdp.send("Runtime.getHeapUsage")).usedSize;
  }
  await page.run(async () => {
    for (let round = 0; round < 30; round++) {
      globalThis.garbage = Array.from({ length: 1_000_000 }, (_, at) => ({ at }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    delete globalThis.garbage;
  });
}

scene("a thousand sessions that were closed leave nothing behind", undefined, async ({ page, run, bystander }) => {
  const open = (count) =>
    run(
      async ({ connect }, url, count) => {
        globalThis.gone ??= 0;
        globalThis.registry ??= new FinalizationRegistry(() => globalThis.gone++);
        for (let at = 0; at < count; at++) {
          const captured = { on: {}, handlers: {} };
          Object.values(captured).forEach((each) => registry.register(each));
          const session = await connect(url, {
            era: "legacy",
            listen: "never",
            on: { statechange: () => void captured.on },
            handlers: { "roots/list": () => void captured.handlers },
          });
          registry.register(session);
          await session.callTool({ name: "x" });
          await session.close();
        }
      },
      bystander.url,
      count,
    );
  // The first ones make what all share.
  await open(100);
  const before = await collect(page);
  await open(1_000);
  const later = await collect(page);
  const gone = await run(() => gone);
  assert.equal(gone, 3_300, "all that a session captured");
  // Those that stayed would take four million and more.
  if (before) assert.ok(later - before < 1_000_000, `${later - before} bytes more`);
}, { timeout: 300_000 });

/** For longer: HOSTILE_SECONDS=600. */
const SECONDS = Number(process.env.HOSTILE_SECONDS ?? 10);
const seed = Number(process.env.HOSTILE_SEED ?? Date.now() % 2 ** 31);
const random = randomServer(guess(seed));
scene(`a server that answers at random for ${SECONDS} s fails no call of another server's session`, (_, init) => random.fetch(_, init), async ({ run, bystander, hostile }) => {
  const seen = await run(
    async ({ SessionManager, connect, settle }, urls, seconds) => {
      const [bystander, hostile] = urls;
      const other = await connect(bystander, { era: "legacy", listen: "never" });
      let longest = 0;
      const supported = PerformanceObserver.supportedEntryTypes.includes("longtask");
      if (supported) {
        let told;
        const one = new Promise((resolve) => (told = resolve));
        const hear = (list) => list.getEntries().forEach(({ duration }) => told((longest = Math.max(longest, duration))));
        new PerformanceObserver(hear).observe({ type: "longtask" });
        // One of our own shows that they are seen.
        setTimeout(() => {
          for (const end = performance.now() + 100; performance.now() < end; );
        });
        await one;
      }
      longest = 0;
      const manager = new SessionManager({ timeout: 2_000, maxTotalTimeout: 2_000, maxMessageBytes: 4 << 20, maxEventBytes: 1 << 20 });
      const end = Date.now() + seconds * 1_000;
      const handlers = {
        "roots/list": () => ({ roots: [] }),
        "sampling/createMessage": () => {
          throw new Error("no");
        },
        "elicitation/create": () => ({ action: "decline" }),
      };
      let calls = 0;
      const wrong = [];
      const attacked = async (name) => {
        while (Date.now() < end) {
          const era = ["legacy", "modern", "auto"][calls % 3];
          const { ok: session } = await settle(manager.open(name, hostile, { handlers, era, unreachable: "fail", headers: () => ({ authorization: "Bearer sk-THE-SECRET" }) }));
          if (!session) {
            calls++;
            continue;
          }
          const work = ["callTool", "listTools", "readResource", "getPrompt", "ping", "verify", "subscribeResource"].map(async (method) => {
            const { error } = await settle(session[method](...(/Tool$|read|get|subscribe/.test(method) ? [{ name: "x", uri: "a" }] : [])));
            calls++;
            const told = `${error?.message} ${JSON.stringify(error)} ${JSON.stringify(error?.data)}`;
            if (error && (error.name !== "McpError" || error.code === "crashed" || told.includes("SECRET"))) wrong.push(told);
          });
          await Promise.all(work);
          await session.close();
        }
      };
      let served = 0;
      const bystanders = async () => {
        while (Date.now() < end) {
          const { error } = await settle(other.callTool({ name: "x" }));
          if (error) wrong.push(`the bystander's call: ${error.message}`);
          served++;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      await Promise.all([..."abcd"].map(attacked).concat(bystanders()));
      await manager.close();
      await other.close();
      return { calls, served, wrong: wrong.slice(0, 10), longest };
    },
    [bystander.url, hostile.url],
    SECONDS,
  );
  console.log(`seed ${seed}: ${seen.calls} calls, ${seen.served} of the bystander's, the longest task took ${seen.longest || "under 50"} ms`);
  assert.deepEqual(seen.wrong, []);
  assert.ok(seen.calls > 10 && seen.served > 10, JSON.stringify(seen));
}, { timeout: (SECONDS + 120) * 1_000 });
