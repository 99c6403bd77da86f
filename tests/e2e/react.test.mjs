// useMcp and McpProvider, in a page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { bundledHosts } from "./lib/hosts.mjs";
import { installed } from "./lib/install.mjs";
import { fileAt, serve } from "./lib/static.mjs";

const bounded = { timeout: 120_000 };
const PAGE = `<!doctype html><div id="root"></div>
<script type="importmap">{ "imports": { "react": "/hosts/react.js", "mcp-evergreen": "/node_modules/mcp-evergreen/index.js" } }</script>`;

let app;
let site;
let browser;
before(async () => {
  const hosts = await bundledHosts();
  app = await installed();
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

// Runs in the page: `mount(...panels)` renders a list of panels, each with a url, options (or who makes them at each render) and a name; `seen[name]` is
// what its latest render got, `renders[name]` how many there were. `show(...)` renders what it is given, with the package's
// components in `kit`.
async function stage() {
  const React = await import("react");
  const { createElement, createRoot, StrictMode } = React;
  const { McpProvider, useMcp, useMcpServers } = await import("/node_modules/mcp-evergreen/react.js");
  const { TestServer } = await import("/node_modules/mcp-evergreen/testing.js");
  const tools = { echo: ({ x }, { session }) => `${session} ${x}` };
  Object.assign(globalThis, {
    server: new TestServer({ tools }),
    seen: {},
    renders: {},
    /** Of all renders, what must go together. */
    pictures: new Set(),
    async until(holds) {
      for (const end = performance.now() + 30_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 10))) {
        if (performance.now() > end) throw new Error(`waited in vain: ${holds}; on the page: ${document.body.innerText}`);
      }
    },
  });
  function Panel({ name, url, options }) {
    seen[name] = useMcp(url, typeof options === "function" ? options() : options);
    renders[name] = (renders[name] ?? 0) + 1;
    pictures.add(`${seen[name].status.state} ${seen[name].session ? "with" : "without"} a session`);
    return createElement("p", null, `${name}: ${seen[name].status.state}, ${seen[name].tools.length} tools`);
  }
  const root = createRoot(document.getElementById("root"));
  globalThis.show = (make) => root.render(createElement(StrictMode, null, make({ createElement, ...React, McpProvider, Panel, useMcp, useMcpServers })));
  globalThis.mountAsIs = (...panels) =>
    root.render(createElement(StrictMode, null, panels.map(([name, options, url = server.url]) => createElement(Panel, { key: name, name, url, options }))));
  globalThis.mount = (...panels) => mountAsIs(...panels.map(([name, options, ...url]) => [name, { fetch: server.fetch, ...options }, ...url]));
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

scene("components share one session, which is made once under StrictMode and outlives a remount", async () => {
  mount(["a"], ["b"]);
  await until(() => seen.a?.tools.length === 1 && seen.b?.tools.length === 1);
  const { session } = seen.a;
  const shared = session === seen.b.session && server.count("initialize") === 1;
  mount(["b"]);
  await until(() => document.body.innerText.includes("b:") && !document.body.innerText.includes("a:"));
  mount();
  await until(() => !document.body.innerText.includes("b:"));
  mount(["c"]);
  await until(() => seen.c?.tools.length === 1);
  return shared && seen.c.session === session && server.sessionsMade === 1 ? "held" : [shared, server.sessionsMade];
});

scene("another key is another session, and the last one who leaves closes it", async () => {
  mount(["a", { key: "one" }], ["b", { key: "two" }]);
  await until(() => seen.a?.session && seen.b?.session);
  if (seen.a.session === seen.b.session || server.sessionsMade !== 2) return "one session for two keys";
  mount(["a", { key: "one" }]);
  await until(() => server.requests.some(({ http }) => http === "DELETE"));
  return seen.a.session.status.state === "ready" ? "held" : seen.a.session.status;
});

scene("another user has another session, at once", async () => {
  let sent = [];
  const fetch = (url, init) => {
    sent.push(new Headers(init.headers).get("authorization"));
    return server.fetch(url, init);
  };
  const as = (token, more) => ({ fetch, headers: { authorization: `Bearer ${token}` }, ...more });
  mount(["a", as("ann")]);
  await until(() => seen.a?.tools.length === 1);
  const { session } = seen.a;
  // A logout, and a login in the same moment.
  mount(["b", as("bob")]);
  await until(() => seen.b?.session);
  if (seen.b.session === session) return "ann's session";
  await until(() => session.status.state === "closed" && seen.b.tools.length === 1);
  sent = [];
  await seen.b.callTool("echo", { x: 1 });
  if (sent.join() !== "Bearer bob") return sent;
  // Whom the host names stays the same, with whatever token.
  mount(["c", as("one", { identity: "carl" })]);
  await until(() => seen.c?.tools.length === 1);
  const carl = seen.c.session;
  mount(["c", as("two", { identity: "carl" })]);
  await until(async () => {
    sent = [];
    await seen.c.callTool("echo", { x: 1 });
    return sent.join() === "Bearer two";
  });
  if (seen.c.session !== carl) return "another session for the same user";
  mount(["c", as("two", { identity: "dora" })]);
  await until(() => seen.c.session && seen.c.session !== carl);
  return "held";
});

for (const named of [true, false]) {
  scene(`a dozen users on one page are a dozen sessions, ${named ? "by identity" : "by their credentials"}`, async () => {
    const sent = {};
    const fetch = (url, init) => {
      const text = typeof init.body === "string" && JSON.parse(init.body).params?.arguments?.x;
      if (text) sent[text] = new Headers(init.headers).get("authorization");
      return server.fetch(url, init);
    };
    const users = [..."abcdefghijkl"];
    mount(...users.map((user) => [user, { fetch, headers: { authorization: `Bearer ${user}` }, ...(NAMED && { identity: user }) }]));
    await until(() => users.every((user) => seen[user]?.session));
    await Promise.all(users.map((user) => seen[user].callTool("echo", { x: user })));
    const others = users.filter((user) => sent[user] !== `Bearer ${user}`);
    const sessions = new Set(users.map((user) => seen[user].session)).size;
    return others.length === 0 && sessions === users.length ? "held" : [others, sessions];
  }, { NAMED: named });
}

scene("credentials that change with each render make no session without end, and that is said once", async () => {
  const said = [];
  console.warn = (text) => said.push(text);
  globalThis.process ??= { env: {} };
  process.env.NODE_ENV = "development";
  const sent = [];
  const fetch = (url, init) => {
    sent.push(new Headers(init.headers).get("authorization"));
    return server.fetch(url, init);
  };
  const ann = ["ann", { fetch, headers: { authorization: "Bearer ann" } }];
  // Each change of what is known is another render.
  const restless = (name) => [name, () => ({ fetch, headers: { authorization: `Bearer secret ${Math.random()}` } })];
  mount(ann);
  await until(() => seen.ann?.session);
  const render = () => mountAsIs(ann, restless("one"), restless("other"));
  const renderFor = async (ms) => {
    for (const end = performance.now() + ms; performance.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) render();
  };
  await renderFor(1_500);
  await until(() => seen.one.error && seen.other.error);
  // Ann's, and of each of the others three and the one that was too many.
  const made = server.sessionsMade;
  sent.length = 0;
  await renderFor(4_000);
  if (made > 9 || server.sessionsMade !== made || sent.length > 0) return [made, server.sessionsMade, sent];
  const { code } = await seen.one.callTool("echo", { x: 1 }).catch((error) => error);
  if (code !== "invalid_option" || seen.one.error.diagnosis.kind !== "changing_credentials" || seen.one.status.state !== "closed") return seen.one;
  await seen.ann.callTool("echo", { x: 1 });
  return said.length === 1 && /`identity`/.test(said[0]) && !said[0].includes("secret") && sent.join() === "Bearer ann" ? "held" : [said, sent];
});

scene("credentials that have come to rest name their user again, without another render of the host's", async () => {
  const as = (token) => mount(["a", { headers: { authorization: `Bearer ${token}` } }]);
  for (const token of "abcdefg") {
    as(token);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await until(() => seen.a?.error && !seen.a.session);
  const made = server.sessionsMade;
  await until(() => seen.a.tools.length === 1 && !seen.a.error);
  if (server.sessionsMade !== made + 1) return [made, server.sessionsMade];
  const { session } = seen.a;
  as("h");
  await until(() => seen.a.session && seen.a.session !== session);
  return "held";
});

scene("an eviction is healed under a call, and lists follow the server", async () => {
  mount(["a"]);
  await until(() => seen.a?.tools.length === 1);
  const { callTool, tools } = seen.a;
  server.evict();
  const { content } = await callTool("echo", { x: 1 });
  if (content[0].text !== "s2 1") return content;
  await until(() => seen.a.status.recoveries === 1);
  if (seen.a.tools !== tools || seen.a.callTool !== callTool) return "identities changed";
  server.become({ tools: { echo: () => "x", more: () => "y" } });
  await until(() => server.streams === 1);
  server.notify("notifications/tools/list_changed");
  await until(() => seen.a.tools.length === 2);
  const before = renders.a;
  await new Promise((resolve) => setTimeout(resolve, 100));
  return renders.a === before ? "held" : "it renders without a reason";
});

scene("what fails is told, and retry tries again", async () => {
  let down = true;
  const fetch = async (...args) => (down ? new Response("no", { status: 400 }) : server.fetch(...args));
  mount(["a", { fetch, key: "down" }]);
  await until(() => seen.a?.error);
  if (seen.a.status.state !== "closed") return seen.a.status;
  down = false;
  seen.a.retry();
  await until(() => seen.a.tools.length === 1 && !seen.a.error);
  seen.a.disconnect();
  await until(() => seen.a.status.state === "closed" && !seen.a.session);
  const { content } = await seen.a.callTool("echo", { x: 2 });
  return content[0].text === "s2 2" ? "held" : content;
});

scene("a call that waits for the session has its own time, signal and options", async () => {
  const stalled = server.stall("initialize");
  const outcome = (call) => call.then(() => "ran", ({ code, name, outcome }) => `${typeof code === "string" ? code : name} ${outcome}`);
  mount(["a"]);
  await until(() => server.count("initialize") === 1);
  const { callTool, readResource, getPrompt, disconnect } = seen.a;
  const stop = new AbortController();
  const [aborted, left] = [callTool("echo", {}, { signal: stop.signal }), callTool("echo", {})].map(outcome);
  const said = [
    await outcome(callTool("echo", {}, { timeout: 100 })),
    await outcome(readResource("a:b", { timeout: 100 })),
    await outcome(getPrompt("p", {}, { timeout: 60_000, maxTotalTimeout: 100 })),
    await outcome(callTool("echo", {}, { timeout: -1 })),
    await outcome(callTool("echo", {}, { signal: AbortSignal.abort() })),
  ];
  stop.abort();
  said.push(await aborted);
  disconnect();
  said.push(await left);
  stalled();
  const { content } = await seen.a.callTool("echo", { x: 1 }, { timeout: 30_000 });
  const none = "timeout not_executed";
  const expected = [none, none, none, "TypeError undefined", "AbortError undefined", "AbortError undefined", "closed not_executed"];
  return content[0].text.endsWith(" 1") && said.join() === expected.join() ? "held" : [content, said];
});

scene("a list that could not be had is asked for again, as it is after a recovery", async () => {
  let isBusy = true;
  let refused = 0;
  const warnings = [];
  const fetch = (url, init) => {
    const isList = typeof init.body === "string" && /"method":"(tools|prompts)\/list"/.test(init.body);
    if (isBusy && isList) return refused++, new Response("", { status: 503 });
    return server.fetch(url, init);
  };
  server.become({ answers: { "prompts/list": { prompts: [{ name: "p" }] } } });
  mount(["a", { fetch, on: { warning: ({ kind }) => warnings.push(kind) } }]);
  await until(() => warnings.length === 2);
  const before = refused;
  await until(() => refused > before);
  isBusy = false;
  await until(() => seen.a.tools.length === 1 && seen.a.prompts.length === 1);
  const lists = server.count("tools/list");
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  if (server.count("tools/list") !== lists) return "what is had is asked for again";
  return warnings.join() === "list_failed,list_failed" ? "held" : warnings;
});

scene("however much is announced, one list is under way, and the last word is heard", async () => {
  mount(["a"]);
  await until(() => seen.a?.tools.length === 1 && server.streams === 1);
  const before = server.count("tools/list");
  for (let count = 0; count < 300; count++) server.notify("notifications/tools/list_changed");
  server.become({ tools: { echo: () => "x", more: () => "y" } });
  server.notify("notifications/tools/list_changed");
  await until(() => seen.a.tools.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const lists = server.count("tools/list") - before;
  return lists <= 3 ? "held" : lists;
});

scene("a server that announces its list whenever it gives it is asked more and more seldom", async () => {
  const at = [];
  const fetch = (url, init) => {
    if (typeof init.body === "string" && init.body.includes('"tools/list"')) {
      at.push(performance.now());
      setTimeout(() => server.notify("notifications/tools/list_changed"), 20);
    }
    return server.fetch(url, init);
  };
  mount(["a", { fetch }]);
  await until(() => seen.a?.tools.length === 1 && server.streams === 1);
  server.notify("notifications/tools/list_changed");
  await until(() => at.length === 5);
  const pauses = at.slice(2).map((time, index) => time - at[index + 1]);
  return pauses.every((pause, index) => index === 0 || pause > pauses[index - 1]) && pauses.at(-1) > 900 ? "held" : pauses;
});

scene("who was unmounted opens nothing any more, and who is mounted anew does", async () => {
  mount(["a"]);
  await until(() => seen.a?.tools.length === 1);
  const { callTool, retry } = seen.a;
  mount();
  await until(() => server.requests.some(({ http }) => http === "DELETE"));
  retry();
  const { code, outcome } = await callTool("echo", { x: 1 }).catch((error) => error);
  await new Promise((resolve) => setTimeout(resolve, 200));
  if (code !== "closed" || outcome !== "not_executed" || server.sessionsMade !== 1) return [code, outcome, server.sessionsMade];
  mount(["a"]);
  await until(() => seen.a.tools.length === 1 && server.sessionsMade === 2);
  const { content } = await seen.a.callTool("echo", { x: 2 });
  return content[0].text === "s2 2" ? "held" : content;
});

scene("no render sees ready without a session, nor an era before the server has one", async () => {
  const stalled = server.stall("initialize");
  mount(["a"]);
  await until(() => seen.a?.status.state === "connecting" && server.count("initialize") === 1);
  if ("era" in seen.a.status) return seen.a.status;
  stalled();
  await until(() => seen.a.tools.length === 1);
  seen.a.retry();
  await until(() => server.sessionsMade === 2 && seen.a.tools.length === 1);
  return pictures.has("ready without a session") ? [...pictures] : "held";
});

scene("who is not enabled opens nothing, and closes what it had", async () => {
  mount(["a", { enabled: false }]);
  await until(() => seen.a);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { code } = await seen.a.callTool("echo", { x: 1 }).catch((error) => error);
  if (server.requests.length > 0 || code !== "closed" || seen.a.status.state !== "closed") return [server.requests.length, code, seen.a.status];
  mount(["a", { enabled: true }]);
  await until(() => seen.a.tools.length === 1);
  const { session } = seen.a;
  mount(["a", { enabled: false }]);
  await until(() => session.status.state === "closed" && !seen.a.session && seen.a.tools.length === 0);
  return server.sessionsMade === 1 ? "held" : server.sessionsMade;
});

scene("who is mounted does not undo that it was closed", async () => {
  mount(["a"]);
  await until(() => seen.a?.tools.length === 1);
  seen.a.disconnect();
  mount(["a"], ["b"]);
  await until(() => seen.b);
  await new Promise((resolve) => setTimeout(resolve, 200));
  if (seen.b.session || seen.b.status.state !== "closed" || server.sessionsMade !== 1) return [seen.b.status, server.sessionsMade];
  seen.b.retry();
  await until(() => seen.a.tools.length === 1 && seen.a.session === seen.b.session);
  return "held";
});

scene("functions are those of the latest render, also where another component gives none", async () => {
  const said = [];
  const options = (turn) => ({ fetch: (...args) => (said.push(`fetch ${turn}`), server.fetch(...args)), on: { recovered: () => said.push(`recovered ${turn}`) } });
  mount(["a", options(1)], ["b"]);
  await until(() => seen.a?.tools.length === 1);
  mountAsIs(["a", options(2)], ["b", {}]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  said.length = 0;
  server.evict();
  await seen.b.callTool("echo", { x: 1 });
  await until(() => said.some((text) => text.startsWith("recovered")));
  return [...new Set(said)].sort().join() === "fetch 2,recovered 2" ? "held" : said;
});

scene("who is suspended, or goes before it is connected, leaves no session behind", async () => {
  let arrive;
  const data = new Promise((resolve) => (arrive = resolve));
  show(({ createElement, Suspense, use, Panel, useMcp }) => {
    function Late() {
      useMcp(server.url, { fetch: server.fetch });
      return createElement("p", null, use(data));
    }
    return createElement(Suspense, { fallback: createElement("p", null, "wait") }, createElement(Late), createElement(Panel, { name: "a", url: server.url, options: { fetch: server.fetch } }));
  });
  await until(() => document.body.innerText.includes("wait"));
  await new Promise((resolve) => setTimeout(resolve, 300));
  if (server.requests.length > 0) return "a component that is not mounted connects";
  arrive("here");
  await until(() => document.body.innerText.includes("here") && seen.a?.tools.length === 1);
  if (server.sessionsMade !== 1) return server.sessionsMade;
  const stalled = server.stall("initialize");
  mount(["b", { key: "other" }]);
  await until(() => server.count("initialize") === 2);
  mount();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  stalled();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const left = server.requests.filter(({ method }) => method === "tools/list").length;
  return left === 1 && server.streams === 0 ? "held" : [left, server.streams];
});

scene("a question is answered from a component", async () => {
  const requestedSchema = { type: "object", properties: { name: { type: "string", minLength: 2 } }, required: ["name"] };
  const ask = async (_, { ask }) => (await ask("elicitation/create", { message: "Who?", requestedSchema })).result.content.name;
  server.become({ sse: true, tools: { ask } });
  mount(["a", { questions: ["elicitation"] }], ["b", { questions: ["elicitation"] }]);
  await until(() => seen.a?.tools.length === 1);
  const call = seen.a.callTool("ask");
  await until(() => seen.b.pendingQuestions.length === 1 && seen.b.busy);
  const [question] = seen.b.pendingQuestions;
  let problems;
  try {
    question.accept({ name: "a" });
  } catch (error) {
    ({ problems } = error);
  }
  if (problems?.[0].kind !== "length") return problems;
  question.accept({ name: "ann" });
  const { content } = await call;
  await until(() => !seen.a.busy && seen.a.pendingQuestions.length === 0);
  return content[0].text === "ann" ? "held" : content;
});

// ── Many servers ──

scene("a provider has one session with each of its servers, under StrictMode, and its defaults are those of all below", async () => {
  const sent = new Set();
  const fetch = (url, init) => {
    sent.add(`${url} ${new Headers(init.headers).get("x-host")}`);
    return server.fetch(url, init);
  };
  let many;
  const render = (servers, turn) =>
    show(({ createElement, McpProvider, Panel, useMcpServers }) => {
      const Servers = () => {
        many = useMcpServers();
        return createElement("p", null, `${many.servers.length} servers, ${many.tools.length} of their tools`);
      };
      globalThis.Servers ??= Servers;
      return createElement(McpProvider, { servers, defaults: { fetch, headers: { "x-host": turn } } }, createElement(globalThis.Servers), createElement(Panel, { name: "a", url: "https://c.test/mcp" }));
    });
  const both = { a: "https://a.test/mcp", b: { url: "https://b.test/mcp" } };
  render(both, "one");
  await until(() => many?.tools.length === 2 && seen.a?.tools.length === 1);
  if (server.sessionsMade !== 3) return server.sessionsMade;
  const { tools } = many;
  render({ ...both }, "two");
  await new Promise((resolve) => setTimeout(resolve, 100));
  sent.clear();
  const { content } = await many.callTool("b__echo", { x: 1 });
  await seen.a.callTool("echo", { x: 1 });
  if (!content[0].text.endsWith(" 1") || many.tools !== tools) return [content, many.tools];
  if ([...sent].sort().join() !== "https://b.test/mcp two,https://c.test/mcp two") return [...sent];
  render({ a: both.a }, "two");
  await until(() => many.servers.length === 1 && many.tools.length === 1);
  const session = many.get("a");
  mount();
  await until(() => session.status.state === "closed");
  return server.sessionsMade === 3 ? "held" : server.sessionsMade;
});

scene("another user of a provider has other sessions, and so have the components below", async () => {
  let many;
  const render = (identity) =>
    show(({ createElement, McpProvider, Panel, useMcpServers }) => {
      globalThis.Servers ??= () => ((many = useMcpServers()), null);
      globalThis.below ??= [createElement(globalThis.Servers, { key: "s" }), createElement(Panel, { key: "p", name: "a", url: "https://c.test/mcp" })];
      return createElement(McpProvider, { servers: { a: server.url }, defaults: { fetch: server.fetch, identity } }, globalThis.below);
    });
  render("ann");
  await until(() => many?.tools.length === 1 && seen.a?.tools.length === 1);
  const [theirs, own] = [many.get("a"), seen.a.session];
  render("bob");
  await until(() => theirs.status.state === "closed" && own.status.state === "closed");
  await until(() => many.tools.length === 1 && seen.a.tools.length === 1);
  return many.get("a") !== theirs && seen.a.session !== own ? "held" : "ann's session";
});

scene("without a provider the hook for many servers says so", async () => {
  let said;
  show(({ createElement, useMcpServers }) => createElement(() => {
    try {
      useMcpServers();
    } catch (error) {
      said = error.message;
    }
    return null;
  }));
  await until(() => said);
  return said === "useMcpServers: there is no McpProvider above this component" ? "held" : said;
});

scene("what is no address, and an option that there is not, are named as `connect` names them, and nothing is sent", async () => {
  const asked = [];
  const fetch = (url) => (asked.push(String(url)), server.fetch(url));
  // Another object with each render.
  const Wrong = ({ name, url, options, useMcp }) => ((seen[name] = useMcp(url(), { fetch, ...options })), (renders[name] = (renders[name] ?? 0) + 1), null);
  const urls = { object: () => ({ url: "https://mcp.test/mcp" }), nothing: () => undefined, empty: () => "", null: () => null, number: () => 5, bare: () => "mcp.test" };
  const options = { question: { question: ["elicitation"] }, signal: { signal: new AbortController().signal } };
  show(({ createElement, useMcp }) => [
    ...Object.entries(urls).map(([name, url]) => createElement(Wrong, { key: name, name, url, useMcp })),
    ...Object.entries(options).map(([name, options]) => createElement(Wrong, { key: name, name, url: () => server.url, options, useMcp })),
    createElement(Wrong, { key: "off", name: "off", url: () => undefined, options: { enabled: false }, useMcp }),
  ]);
  const names = [...Object.keys(urls), ...Object.keys(options)];
  await until(() => names.every((name) => seen[name]?.error));
  const said = names.map((name) => `${seen[name].error.name} ${seen[name].status.state} ${seen[name].error.message}`);
  const begin = "TypeError closed url: expected a string or a URL, got";
  const wanted = [...["object", "undefined", "an empty string", "null", "5"].map((got) => `${begin} ${got}`), 'TypeError closed url: "mcp.test" looks like a host'];
  const isSaid = wanted.every((words, at) => said[at].startsWith(words));
  const lists = said.slice(-2).map((words) => words.split("there are ")[1].split(", "));
  const areListed = lists.every((list) => ["era", "questions", "key", "enabled"].every((name) => list.includes(name)) && !list.includes("signal"));
  const call = await seen.object.callTool("echo", {}).catch(({ message }) => message);
  const isQuiet = asked.length === 0 && seen.off.error === undefined && Object.values(renders).every((count) => count < 20);
  return isSaid && areListed && isQuiet && call === "url: expected a string or a URL, got object" ? "held" : [said, asked, renders, call];
});
