// Whose session it is, where the user of a screen is another: what is made for one is never done with what another gave.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { bundledHosts } from "./lib/hosts.mjs";
import { installed } from "./lib/install.mjs";
import { fileAt, serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";

const bounded = { timeout: 120_000 };
const PAGE = `<!doctype html><div id="root"></div>
<script type="importmap">{ "imports": { "react": "/hosts/react.js", "mcp-evergreen": "/node_modules/mcp-evergreen/index.js" } }</script>`;

const app = await installed();
const at = (file) => pathToFileURL(`${app}/node_modules/mcp-evergreen/${file}`);
const { mcpStore, mcpServersStore } = await import(at("store.js"));
const { TestServer } = await import(at("testing.js"));

/** How a host tells its users apart. */
const WAYS = {
  "identity, and headers as a function": (user) => ({ identity: user, headers: () => ({ authorization: `Bearer ${user}` }) }),
  "identity, and headers": (user) => ({ identity: user, headers: { authorization: `Bearer ${user}` } }),
  "headers alone": (user) => ({ headers: { authorization: `Bearer ${user}` } }),
};

let site;
let browser;
before(async () => {
  const hosts = await bundledHosts();
  site = await serve(app, {
    override: (path) => {
      if (path === "/") return { type: "text/html", body: PAGE };
      return path.startsWith("/hosts/") ? fileAt(hosts + path.slice("/hosts".length)) : undefined;
    },
  });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

// ── Stores ──

/** Ann's store, with a call that is under way until `release()`; and whose requests those were that hold. */
async function begun(t, way, make, name) {
  const server = new TestServer({ tools: { pay: ({ x }) => x } });
  const given = (user) => ({ fetch: server.fetch, timeout: 5_000, ...WAYS[way](user) });
  const store = make(server, given("ann"));
  t.after(store.subscribe(() => {}));
  await until(() => store.getSnapshot().tools.length === 1);
  const anns = store.getSnapshot();
  const release = server.stall("tools/call");
  const call = anns.callTool(name, { x: "ann" }).then(() => "ran", ({ code }) => code);
  await until(() => server.count("tools/call") === 1);
  const become = (user) => store.setOptions(make.options ? make.options(server, given(user)) : given(user));
  const users = (holds) => [...new Set(server.requests.filter(holds).map(({ headers }) => headers.authorization.slice("Bearer ".length)))].join();
  return { server, store, anns, call, become, release, users };
}

const one = (server, options) => mcpStore(server.url, options);
const many = (server, options) => mcpServersStore(many.options(server, options));
many.options = (server, defaults) => ({ servers: { a: server.url }, defaults });

for (const [what, make, name] of [["a store", one, "pay"], ["a store of many servers", many, "a__pay"]]) {
  for (const way of Object.keys(WAYS)) {
    test(`${what} has another session for another user, by ${way}; the one before ends as its own`, bounded, async (t) => {
      const { server, store, anns, call, become, release, users } = await begun(t, way, make, name);
      become("bob");
      assert.equal(await call, "closed");
      await until(() => server.requests.some(({ http }) => http === "DELETE"));
      release();
      server.evict();
      await until(() => store.getSnapshot().tools.length === 1);
      assert.equal(users(({ http }) => http === "DELETE"), "ann");
      // What ann's screen kept does nothing in bob's name.
      assert.equal(await anns.callTool(name, { x: "ann" }).then(() => "ran", ({ code }) => code), "closed");
      await store.getSnapshot().callTool(name, { x: "bob" });
      assert.equal(users(({ params }) => params?.arguments?.x === "ann"), "ann");
      assert.equal(users(({ params }) => params?.arguments?.x === "bob"), "bob");
      assert.equal(server.requests.filter(({ params, status }) => params?.arguments?.x === "ann" && status === 200).length <= 1, true);
    });
  }
}

test("a user whose token is renewed is no other one", bounded, async (t) => {
  for (const [make, name] of [[one, "pay"], [many, "a__pay"]]) {
    const { server, store, anns, call, release, users } = await begun(t, "identity, and headers", make, name);
    const renewed = { fetch: server.fetch, timeout: 5_000, identity: "ann", headers: { authorization: "Bearer new" } };
    store.setOptions(make.options ? make.options(server, renewed) : renewed);
    release();
    assert.equal(await call, "ran");
    await anns.callTool(name, { x: "later" });
    assert.deepEqual([users(({ params }) => params?.arguments?.x === "later"), server.sessionsMade], ["new", 1]);
  }
});

test("what comes back for the user before, and late, is not what the next one signs in by", bounded, async (t) => {
  const server = new TestServer({ tools: { pay: ({ x }) => x } });
  const kept = new Map();
  const store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) };
  const prepared = [];
  const authOf = (user) => ({ ask: "click", provider: { redirectUrl: "https://app.example/callback", clientMetadata: {}, prepare: () => (prepared.push(user), () => {}) } });
  const fetch = async (url, init) => (new URL(url).pathname === "/mcp" && init.headers && new Headers(init.headers).has("authorization") ? server.fetch(url, init) : new Response(null, { status: 401 }));
  for (const identity of ["ann", "bob"]) {
    const before = mcpServersStore({ store, servers: { a: server.url }, defaults: { fetch: server.fetch, identity } });
    const stop = before.subscribe(() => {});
    await until(() => before.getSnapshot().tools.length === 1);
    stop();
    await until(() => before.getSnapshot().servers.length === 0);
  }
  let late;
  const later = mcpServersStore({ store, restore: () => new Promise((resolve) => (late = resolve)), defaults: { fetch, identity: "ann" } });
  t.after(later.subscribe(() => {}));
  await until(() => late);
  later.setOptions({ store, restore: () => undefined, defaults: { fetch, identity: "bob", auth: authOf("bob") } });
  late({ auth: authOf("ann") });
  await until(() => later.getSnapshot().servers.length === 1);
  await Promise.race([later.getSnapshot().authorize("a").catch(() => {}), new Promise((resolve) => setTimeout(resolve, 500))]);
  assert.equal(prepared.includes("ann"), false);
});

// ── React ──

// Runs in the page: `show(make)` renders what `make` gives, with the package's components; `seen` is what was rendered last.
async function stage() {
  const React = await import("react");
  const { createElement, createRoot, StrictMode } = React;
  const kit = await import("/node_modules/mcp-evergreen/react.js");
  const { TestServer } = await import("/node_modules/mcp-evergreen/testing.js");
  const ask = async ({ x }, { ask, session }) => `${session} ${x} ${JSON.stringify(await ask("elicitation/create", { message: "?", requestedSchema: { type: "object", properties: {} } }))}`;
  Object.assign(globalThis, {
    server: new TestServer({ sse: true, tools: { pay: ({ x }) => x, ask } }),
    seen: {},
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async until(holds) {
      for (const end = performance.now() + 30_000; !holds(); await sleep(10)) if (performance.now() > end) throw new Error(`waited in vain: ${holds}`);
    },
    usersOf: (holds) => [...new Set(server.requests.filter(holds).map(({ headers }) => headers.authorization))].join(),
  });
  const One = ({ name = "one", options }) => ((seen[name] = kit.useMcp(server.url, options)), null);
  const Many = () => ((seen.many = kit.useMcpServers()), null);
  const root = createRoot(document.getElementById("root"));
  globalThis.show = (make) => root.render(createElement(StrictMode, null, make({ createElement, One, Many, ...kit })));
}

function scene(name, play, given = {}) {
  test(name, bounded, async () => {
    const page = await openPage(browser, site.url);
    try {
      await page.run(stage);
      await page.run((_, given) => void Object.assign(globalThis, given), given);
      assert.deepEqual(await page.run(play), "held");
      assert.deepEqual(page.errors, []);
    } finally {
      await page.close();
    }
  });
}

for (const isBelow of [true, false]) {
  for (const way of Object.keys(WAYS)) {
    scene(`a call of the user before is done as theirs or not at all: ${isBelow ? "below a provider" : "useMcp"}, by ${way}`, async () => {
      const said = [];
      const says = (user, what, answer) => () => (said.push(`${user} ${what}`), answer);
      const optionsOf = (user) => ({
        ...(WAY !== "headers alone" && { identity: user }),
        headers: WAY.endsWith("function") ? () => ({ authorization: `Bearer ${user}` }) : { authorization: `Bearer ${user}` },
        fetch: (...args) => (said.push(`${user} fetch`), server.fetch(...args)),
        handlers: { "elicitation/create": says(user, "handlers", { action: "decline" }) },
        on: { recovering: says(user, "on"), recovered: says(user, "on") },
        trace: says(user, "trace"),
      });
      const render = (user) =>
        show(({ createElement, McpProvider, One }) =>
          IS_BELOW ? createElement(McpProvider, { defaults: optionsOf(user) }, createElement(One)) : createElement(One, { options: optionsOf(user) }),
        );
      render("ann");
      await until(() => seen.one?.tools.length === 2);
      const { session, callTool } = seen.one;
      const release = server.stall("tools/call");
      const call = callTool("ask", { x: "ann" }).then(({ content }) => content[0].text, ({ code }) => code);
      await until(() => server.count("tools/call") === 1);
      // Bob's session may not be made, so that all that is heard is of ann's.
      const released = server.stall("initialize");
      render("bob");
      await until(() => seen.one.session !== session);
      const bobs = said.filter((text) => text.startsWith("bob"));
      released();
      await until(() => seen.one.tools.length === 2);
      said.length = 0;
      server.evict();
      release();
      const outcome = await call;
      const theirs = usersOf(({ params }) => params?.arguments?.x === "ann");
      if (/bob/.test(theirs)) return [outcome, theirs];
      if (outcome !== "closed" && !/decline/.test(outcome)) return outcome;
      // Whatever is said to ann's session is done by ann's.
      if (!said.includes("ann on") || said.includes("bob handlers")) return said;
      await until(() => session.status.state === "closed");
      const deletes = usersOf(({ http }) => http === "DELETE");
      return /bob/.test(deletes) || bobs.some((text) => text !== "bob fetch" && text !== "bob trace") ? [deletes, bobs] : "held";
    }, { WAY: way, IS_BELOW: isBelow });
  }
}

for (const way of Object.keys(WAYS)) {
  scene(`a provider's servers of another user are others, by ${way}; the ones before end as their own`, async () => {
    const optionsOf = (user) => ({
      fetch: server.fetch,
      ...(WAY !== "headers alone" && { identity: user }),
      headers: WAY.endsWith("function") ? () => ({ authorization: `Bearer ${user}` }) : { authorization: `Bearer ${user}` },
    });
    const render = (user) => show(({ createElement, McpProvider, Many }) => createElement(McpProvider, { servers: { a: server.url }, defaults: optionsOf(user) }, createElement(Many)));
    render("ann");
    await until(() => seen.many?.tools.length === 2);
    const { callTool, get } = seen.many;
    const session = get("a");
    render("bob");
    await until(() => session.status.state === "closed" && seen.many.tools.length === 2 && seen.many.callTool !== callTool);
    await until(() => server.requests.some(({ http }) => http === "DELETE"));
    const code = await callTool("a__pay", { x: "ann" }).then(() => "ran", ({ code }) => code);
    await seen.many.callTool("a__pay", { x: "bob" });
    const users = [usersOf(({ http }) => http === "DELETE"), usersOf(({ params }) => params?.arguments?.x === "bob"), usersOf(({ params }) => params?.arguments?.x === "ann")];
    return code === "closed" && users.join() === "Bearer ann,Bearer bob," ? "held" : [code, users];
  }, { WAY: way });
}

scene("an identity that is another with each render makes no session without end, below a provider neither", async () => {
  const options = () => ({ identity: `user ${Math.random()}`, headers: () => ({}), fetch: server.fetch });
  let count = 0;
  const render = () =>
    show(({ createElement, McpProvider, One, Many, useMcp }) => [
      createElement(McpProvider, { key: "p", servers: { a: server.url }, defaults: options() }, createElement(Many, { count: count++ }), createElement(One, { name: "below" })),
      createElement(One, { key: "o", options: options() }),
    ]);
  for (const end = performance.now() + 1_500; performance.now() < end; await sleep(50)) render();
  await until(() => seen.one.error && seen.below.error && seen.many.failed.length === 1);
  const made = server.sessionsMade;
  for (const end = performance.now() + 3_000; performance.now() < end; await sleep(50)) render();
  if (made > 12 || server.sessionsMade !== made) return [made, server.sessionsMade];
  for (const { code, diagnosis } of [seen.one.error, seen.below.error, seen.many.failed[0].error]) {
    if (code !== "invalid_option" || diagnosis.kind !== "changing_credentials") return code;
  }
  // It comes to rest.
  await until(() => seen.one.tools.length === 2 && seen.below.tools.length === 2 && seen.many.tools.length === 2);
  return "held";
});
