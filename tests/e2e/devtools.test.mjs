// The devtools: what the element draws in a page with a strict policy, what is in a report, and what it costs who has it not.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { openPage } from "./lib/chrome.mjs";
import { ENGINE, launchEngine } from "./lib/engine.mjs";
import { installed } from "./lib/install.mjs";
import { root } from "./lib/paths.mjs";
import { run } from "./lib/processes.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";

const bounded = { timeout: 120_000 };
const PACKAGE = "/node_modules/mcp-evergreen/index.js";
/** WebKit's driver makes functions of texts in the page. */
const DRIVEN = ENGINE === "webkit" ? " 'unsafe-eval'" : "";
const TRUSTED = ENGINE === "webkit" ? "" : "; require-trusted-types-for 'script'; trusted-types 'none'";
const POLICY = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'${DRIVEN}; style-src 'none'; img-src 'self'; connect-src 'self'${TRUSTED}`;

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>host</title>
<script type="module" src="/host.js"></script><main><h1>A host</h1><mcp-evergreen-devtools></mcp-evergreen-devtools></main>`;

/** What a host does: the element is on its page, and knows the session from the handshake on. */
const HOST = `
  globalThis.violations = [];
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => violations.push(violatedDirective + " " + blockedURI));
  import { connect } from "${PACKAGE}";
  import { TestServer } from "/node_modules/mcp-evergreen/testing.js";
  import "/node_modules/mcp-evergreen/devtools.js";
  globalThis.tools = document.querySelector("mcp-evergreen-devtools");
  globalThis.server = new TestServer({ tools: { echo: ({ message }) => message } });
  globalThis.open = (name, options) =>
    connect(server.url, { era: "legacy", fetch: server.fetch, on: tools.listeners(name), ...options });
  globalThis.all = (selector) => [...tools.shadowRoot.querySelectorAll(selector)];
  globalThis.one = (selector) => tools.shadowRoot.querySelector(selector);
  globalThis.rows = () => all("#rows > li").map((row) => row.dataset.lane + " " + ["text", "tag", "who"].map((name) => row.querySelector("." + name)?.textContent).filter(Boolean).join(" "));
  globalThis.ready = true;
`;

let app;
let site;
let browser;
before(async () => {
  app = await installed();
  const files = { "/": { type: "text/html", body: PAGE }, "/host.js": { type: "text/javascript", body: HOST } };
  site = await serve(app, { override: (path) => files[path], headers: { "content-security-policy": POLICY } });
  browser = await launchEngine();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/** A test in a page of its own: nothing is left uncaught in it, and the policy forbids nothing that was done. */
function onPage(name, play) {
  test(name, bounded, async () => {
    const page = await openPage(browser, site.url, { packageUrl: PACKAGE });
    try {
      await page.run(({ until }) => until(() => globalThis.ready));
      await play(page.run, page.page);
      assert.deepEqual(await page.run(() => violations), []);
      assert.deepEqual(page.errors, []);
    } finally {
      await page.close();
    }
  });
}

onPage("an evicted call is drawn in order, under a light, with the verdict and why", async (run) => {
  const drawn = await run(async () => {
    const session = await open("search");
    await session.callTool({ name: "echo", arguments: { message: "a" } });
    tools.clear();
    server.evict();
    await session.callTool({ name: "echo", arguments: { message: "b" } });
    const shown = { rows: rows(), light: one("[data-session=search]").dataset.state };
    const part = (name) => one("[data-session=search] ." + name).textContent;
    Object.assign(shown, { state: part("state"), generation: part("generation"), recoveries: part("recoveries"), verified: part("verified") });
    all("#rows > li").find((row) => row.textContent.includes("evicted")).click();
    return { ...shown, why: one("#inspect .why").textContent, exchange: one("#inspect .hint").textContent, coloured: getComputedStyle(one(".tag.bad")).backgroundColor };
  });
  const { why, exchange, coloured, verified, ...rest } = drawn;
  assert.deepEqual(rest, {
    rows: [
      "session-server POST tools/call",
      "server-session 404 tools/call evicted",
      "session recovering:",
      "session-server POST initialize",
      "server-session 200 initialize ok",
      "session-server POST notifications/initialized",
      "server-session 202 notifications/initialized ok",
      "session-server POST tools/call",
      "session recovered",
      "server-session 200 tools/call ok",
    ],
    ...{ light: "ready", state: "ready", generation: "2", recoveries: "1" },
  });
  assert.match(why, /the session is gone.*before anything runs/);
  assert.match(exchange, /sent .*then answered 404/);
  assert.match(verified, /^\d+ s ago$/);
  assert.notEqual(coloured, "rgba(0, 0, 0, 0)", "the sheet applies under the policy");
});

onPage("a manager's servers have a light each; one can be looked at alone; watching opens no stream unless logs are wanted", async (run) => {
  const shown = await run(async ({ SessionManager, until }) => {
    const manager = new SessionManager({ era: "legacy", fetch: server.fetch });
    await manager.open("one", server.url);
    const stop = tools.watch(manager);
    await manager.open("two", server.url + "?two");
    const lights = all(".sessions > li").map((light) => light.dataset.session + " " + light.dataset.state);
    const quiet = server.streams;
    await manager.get("one").ping();
    await manager.get("two").ping();
    const whose = rows();
    one("[data-session=two] button").click();
    const alone = rows();
    one("[data-session=two] button").click();
    const again = rows().length === whose.length;
    stop();
    tools.watch(manager.get("one"), { name: "one", log: true });
    await until(() => server.streams === 1);
    server.notify("notifications/message", { level: "info", logger: "db", data: "hello" });
    await until(() => rows().some((row) => row.includes("log info")));
    await manager.close("two");
    await manager.close();
    return { lights, quiet, whose: whose.filter((row) => row.includes("ping")), alone: alone.filter((row) => row.includes("ping")), again, ended: one("[data-session=one]").dataset.state };
  });
  const ping = (name) => [`session-server POST ping ${name}`, `server-session 200 ping ok ${name}`];
  assert.deepEqual(shown, { lights: ["one ready", "two ready"], quiet: 0, whose: [...ping("one"), ...ping("two")], alone: ["session-server POST ping", "server-session 200 ping ok"], again: true, ended: "closed" });
});

onPage("a report holds no token, no id, no address and no word of the server's, unless the host says so", async (run) => {
  const secrets = ["t0ken-secret", "mcp.test", "test://private", "tool-private", "name-private", "words-private", "argument-private"];
  const told = await run(async ({ until }) => {
    server.become({ name: "name-private", capabilities: { tools: {}, resources: { subscribe: true }, logging: {} }, answers: { "resources/subscribe": {} }, tools: { "tool-private": () => "words-private" } });
    const session = await open("search", { headers: { authorization: "Bearer t0ken-secret" }, on: tools.listeners("search", { log: true }) });
    await session.subscribeResource({ uri: "test://private" });
    await Array.fromAsync?.(session.tools()) ?? (await session.listTools());
    await session.callTool({ name: "tool-private", arguments: { a: "argument-private" } });
    server.become({ tools: { other: () => "words-private" } });
    server.evict();
    await session.ping();
    await until(() => tools.recording.rows.some(({ recovered }) => recovered));
    const saved = [];
    URL.createObjectURL = (blob) => (saved.push(blob), "#");
    for (const id of ["save-json", "save-svg"]) one("#" + id).click();
    const [json, svg] = await Promise.all(saved.map((blob) => blob.text()));
    tools.redact = false;
    const whole = tools.toText() + JSON.stringify(tools.report());
    return { ids: server.requests.map(({ headers }) => headers["mcp-session-id"]).filter(Boolean), text: tools.toText({ redact: true }), json, svg, whole };
  });
  assert.ok(told.ids.length > 0);
  for (const [what, said] of Object.entries({ text: told.text, json: told.json, svg: told.svg })) {
    for (const secret of [...secrets, ...told.ids]) assert.ok(!said.includes(secret), `${secret} in ${what}`);
  }
  assert.match(told.text, /search: ready, session 2, 1 recovery/);
  assert.match(told.text, /restored: subscription/);
  assert.equal(JSON.parse(told.json).messages.find(({ recovered }) => recovered).recovered.stale, 1);
  for (const secret of ["test://private", "name-private"]) assert.ok(told.whole.includes(secret), secret);
  for (const secret of ["t0ken-secret", "argument-private", ...told.ids]) assert.ok(!told.whole.includes(secret), secret);
});

onPage("the host's buttons break it; what one throws is drawn; without any there is no group", async (run) => {
  const shown = await run(async ({ until }) => {
    const none = one("[aria-label='Break it']").hidden;
    const session = await open("search");
    tools.actions = [{ label: "Evict", run: () => server.evict() }, { label: "Nuke", run: () => Promise.reject(new Error("not here")) }];
    for (const button of all("[aria-label='Break it'] button")) button.click();
    await until(() => rows().includes("server Nuke: not here"));
    await session.ping();
    const wrong = [];
    for (const bad of [[{ label: "x" }], [{ run() {} }]]) {
      try {
        tools.actions = bad;
      } catch (error) {
        wrong.push(error.message);
      }
    }
    return { none, notes: rows().filter((row) => row.startsWith("server ")), recoveries: session.status.recoveries, wrong };
  });
  const wrong = "actions: expected { label, run } of each";
  assert.deepEqual(shown, { none: true, notes: ["server Evict", "server Nuke", "server Nuke: not here"], recoveries: 1, wrong: [wrong, wrong] });
});

onPage("by keyboard, paused, folded, followed", async (run) => {
  const shown = await run(async ({ until }) => {
    const session = await open("search");
    const press = (key) => one("#timeline").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    for (const key of ["End", "ArrowUp", "Home"]) press(key);
    const first = one("[aria-current]") === one("#rows").firstElementChild;
    one("#pause").click();
    const before = rows().length;
    await session.ping();
    const paused = [rows().length - before, one("#pause").textContent];
    one("#pause").click();
    const resumed = rows().length - before;
    const end = tools.group("Storm");
    for (let at = 0; at < 50; at++) await session.ping();
    const folding = [rows().length - before - resumed, one(".fold").textContent];
    end();
    const folded = one(".fold").textContent;
    one(".fold").click();
    const unfolded = rows().length - before - resumed;
    tools.follow();
    for (let at = 0; at < 20; at++) await session.ping();
    const isAtEnd = () => one("#timeline").scrollHeight - one("#timeline").scrollTop - one("#timeline").clientHeight < 2;
    await until(isAtEnd);
    // Scrolled back by hand, it stays where it is.
    one("#timeline").dispatchEvent(new WheelEvent("wheel"));
    one("#timeline").scrollTop = 0;
    await until(() => one("#timeline").scrollTop === 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await session.ping();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const left = one("#timeline").scrollTop;
    tools.follow();
    await until(isAtEnd);
    tools.clear();
    return { first, paused, resumed, folding, folded, unfolded, left, cleared: [rows().length, one("#empty").hidden] };
  });
  assert.deepEqual(shown, {
    first: true,
    paused: [0, "Resume (2)"],
    resumed: 2,
    folding: [1, "Storm: 100 messages…"],
    folded: "Storm: 100 messages, show them",
    unfolded: 100,
    left: 0,
    cleared: [0, false],
  });
});

onPage("out of the page it listens to nothing; back in it, it does again; moved, it misses nothing", async (run) => {
  const counts = await run(async ({ connect }) => {
    const session = await connect(server.url, { era: "legacy", fetch: server.fetch });
    tools.watch(session);
    const heard = async () => {
      const before = tools.recording.rows.length;
      await session.ping();
      return tools.recording.rows.length - before;
    };
    const home = tools.parentElement;
    const there = await heard();
    document.body.append(tools);
    const moved = await heard();
    tools.remove();
    await null;
    const gone = await heard();
    home.append(tools);
    return { there, moved, gone, back: await heard(), drawn: rows().length === tools.recording.rows.length, names: tools.recording.sessions.map(({ name }) => name) };
  });
  assert.deepEqual(counts, { there: 2, moved: 2, gone: 0, back: 2, drawn: true, names: ["server 1"] });
});

if (ENGINE === "chromium") {
  for (const scheme of ["light", "dark"]) {
    for (const width of [320, 1200]) {
      onPage(`axe finds nothing, ${scheme}, ${width} wide`, async (run, page) => {
        await page.setViewport({ width, height: 900 });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await run(async () => {
          const session = await open("search");
          await open("a second one");
          server.evict();
          await session.ping();
          tools.actions = [{ label: "Evict", run() {} }];
          const end = tools.group("Storm");
          await session.ping();
          end();
          all("#rows > li").find((row) => row.textContent.includes("evicted")).click();
        });
        await page.evaluate(readFileSync(`${root}www/node_modules/axe-core/axe.min.js`, "utf8"));
        const found = await page.evaluate(async () => {
          const { violations } = await axe.run(document, { resultTypes: ["violations"] });
          return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target).slice(0, 4).join(", ")}`);
        });
        assert.deepEqual(found, []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
        // axe's own styles are not the page's.
        await page.evaluate(() => (violations.length = 0));
      });
    }
  }

  test("without a page: a recording as text", bounded, async () => {
    const folder = mkdtempSync(`${app}/fixtures-`);
    try {
      writeFileSync(
        `${folder}/main.mjs`,
        `import { connect } from "mcp-evergreen";
         import { McpEvergreenDevtools, Recording } from "mcp-evergreen/devtools";
         import { TestServer } from "mcp-evergreen/testing";
         const server = new TestServer({ tools: { echo: () => "x" } });
         const recording = new Recording({ limit: 12 });
         const session = await connect(server.url, { era: "legacy", fetch: server.fetch });
         recording.watch(session);
         server.evict();
         await session.callTool({ name: "echo" });
         await session.close();
         for (const wrong of [() => recording.watch({}), () => recording.listeners(""), () => recording.note({ lane: "x", text: "" }), () => new Recording({ limit: 0 })]) {
           try { wrong(); } catch (error) { console.log(error.name, error.message); }
         }
         console.log(typeof McpEvergreenDevtools, recording.rows.length);
         console.log(recording.toText());`,
      );
      const stdout = await run(process.execPath, [`${folder}/main.mjs`]);
      assert.match(stdout, /TypeError watch: expected a Session, a SessionManager, or what useMcp or useMcpServers gives\nTypeError name: .*\nTypeError lane: .*\nTypeError limit: /);
      assert.match(stdout, /function 12\n/);
      assert.match(stdout, /server 1: closed \(the host closed the session\), session 2, 1 recovery/);
      assert.match(stdout, /session ◀── server {2}404 tools\/call {2}\[evicted\].*\n +It says that the session is gone/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("what a screen's hooks give is watched: the sessions that are open, by their servers' names", bounded, async () => {
    const at = (file) => import(`${app}/node_modules/mcp-evergreen/${file}`);
    const [{ Recording }, { mcpServersStore, mcpStore }, { TestServer }] = await Promise.all(["devtools.js", "store.js", "testing.js"].map(at));
    const server = new TestServer({ tools: { echo: () => "x" } });
    const defaults = { era: "legacy", fetch: server.fetch };
    const many = mcpServersStore({ servers: { one: "https://a.test/mcp", two: "https://b.test/mcp" }, defaults });
    const alone = mcpStore(server.url, defaults);
    const leave = [many.subscribe(() => {}), alone.subscribe(() => {})];
    const recording = new Recording();
    const said = () => recording.rows.filter(({ text }) => /tools.call/.test(text)).map(({ session }) => session);
    try {
      assert.equal(recording.watch(alone.getSnapshot())(), undefined);
      await until(() => many.getSnapshot().tools.length === 2 && alone.getSnapshot().session);
      const stop = recording.watch(many.getSnapshot());
      recording.watch(many.getSnapshot());
      recording.watch(alone.getSnapshot(), { name: "alone" });
      stop();
      const { callTool } = many.getSnapshot();
      for (const call of [() => callTool("one__echo"), () => callTool("two__echo"), () => alone.getSnapshot().callTool("echo")]) await call();
      assert.deepEqual(said(), ["one", "one", "two", "two", "alone", "alone"]);
      recording.stop();
      await callTool("one__echo");
      assert.equal(said().length, 6);
    } finally {
      for (const stop of leave) stop();
    }
  });

  test("who does not import it does not ship it; who imports nothing of it by name keeps the element", bounded, async () => {
    const packaged = `${app}/node_modules/mcp-evergreen`;
    const others = readdirSync(packaged).filter((name) => name.endsWith(".js") && !name.startsWith("devtools"));
    for (const name of others) assert.doesNotMatch(readFileSync(`${packaged}/${name}`, "utf8"), /devtools/, name);

    const { build } = await import("vite");
    const folder = mkdtempSync(`${app}/fixtures-`);
    try {
      writeFileSync(`${folder}/main.js`, `import "mcp-evergreen/devtools";\n`);
      await build({ root: folder, configFile: false, logLevel: "error", build: { outDir: "dist", lib: { entry: `${folder}/main.js`, formats: ["es"], fileName: "out" } } });
      const [built] = readdirSync(`${folder}/dist`);
      assert.match(readFileSync(`${folder}/dist/${built}`, "utf8"), /customElements/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
