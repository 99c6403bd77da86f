// React where others run it: modules that Vite replaces, and a server that renders.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { installed } from "./lib/install.mjs";
import { e2e } from "./lib/paths.mjs";
import { freePort } from "./lib/ports.mjs";
import { run } from "./lib/processes.mjs";

const bounded = { timeout: 120_000 };

let app;
let browser;
before(async () => {
  app = await installed();
  browser = await launchBrowser();
});
after(() => browser?.close());

test("components that Vite replaces while they run keep their sessions", bounded, async () => {
  const [{ createServer }, { default: react }] = await Promise.all([import("vite"), import("@vitejs/plugin-react")]);
  const root = mkdtempSync(`${app}/fixtures-`);
  mkdirSync(`${root}/node_modules`);
  for (const name of ["react", "react-dom", "scheduler"]) symlinkSync(`${e2e}node_modules/${name}`, `${root}/node_modules/${name}`);
  const panel = (version) => `
    import { useState } from "react";
    import { useMcp, useMcpServers } from "mcp-evergreen/react";
    import { server } from "./server.js";
    export function Panel() {
      const [kept] = useState(() => Math.random());
      const own = useMcp(server.url);
      const many = useMcpServers();
      Object.assign(globalThis, { server, kept, sessions: [own.session, many.get("a")] });
      return <p>panel ${version}: {own.tools.length + many.tools.length} tools</p>;
    }`;
  const host = (version) => `
    import { McpProvider } from "mcp-evergreen/react";
    import { Panel } from "./panel.jsx";
    import { server } from "./server.js";
    export function Host() {
      return <McpProvider servers={{ a: server.url }} defaults={{ fetch: (...args) => server.fetch(...args) }}><p>host ${version}</p><Panel /></McpProvider>;
    }`;
  const files = {
    "index.html": '<!doctype html><div id="root"></div><script type="module" src="/main.jsx"></script>',
    "server.js": 'import { TestServer } from "mcp-evergreen/testing";\nexport const server = new TestServer({ tools: { echo: () => "x" } });',
    "main.jsx": `
      import { StrictMode } from "react";
      import { createRoot } from "react-dom/client";
      import { Host } from "./host.jsx";
      createRoot(document.getElementById("root")).render(<StrictMode><Host /></StrictMode>);`,
    "panel.jsx": panel("one"),
    "host.jsx": host("one"),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(`${root}/${name}`, text);
  const vite = await createServer({
    root,
    configFile: false,
    logLevel: "error",
    plugins: [react()],
    resolve: { dedupe: ["react", "react-dom"] },
    server: { host: "127.0.0.1", port: await freePort(), strictPort: true },
  });
  let page;
  try {
    await vite.listen();
    page = await openPage(browser, vite.resolvedUrls.local[0]);
    const { page: tab } = page;
    const shows = (text) => tab.waitForFunction((text) => document.body.innerText.includes(text), { timeout: 60_000 }, text);
    await shows("panel one: 2 tools");
    const kept = await tab.evaluate(() => ((globalThis.before = [...sessions]), kept));
    for (const [file, text, shown] of [["panel.jsx", panel("two"), "panel two: 2 tools"], ["host.jsx", host("two"), "host two"], ["panel.jsx", panel("three"), "panel three: 2 tools"]]) {
      writeFileSync(`${root}/${file}`, text);
      await shows(shown);
      // Longer than sessions outlive their last user.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const now = await tab.evaluate(() => [kept, sessions.every((session, at) => session === before[at] && session.status.state === "ready"), server.count("initialize")]);
      assert.deepEqual(now, [kept, true, 2], shown);
    }
    assert.deepEqual(page.errors, []);
  } finally {
    await page?.close();
    await vite.close();
    rmSync(root, { recursive: true, force: true });
  }
});

test("on a server it renders the first state and connects nowhere", bounded, async () => {
  const script = `
    import { createElement } from "${e2e}node_modules/react/index.js";
    import { renderToString } from "${e2e}node_modules/react-dom/server.node.js";
    import { useMcp } from "${app}/node_modules/mcp-evergreen/react.js";
    const App = () => createElement("p", null, useMcp("https://mcp.test/mcp", { fetch: () => { throw new Error("sent"); } }).status.state);
    console.log(renderToString(createElement(App)));
  `;
  const hook = `data:text/javascript,${encodeURIComponent(`
    export function resolve(name, context, next) {
      return next(name === "react" ? "file://${e2e}node_modules/react/index.js" : name, context);
    }`)}`;
  const register = `data:text/javascript,${encodeURIComponent(`import { register } from "node:module"; register(${JSON.stringify(hook)});`)}`;
  const output = await run(process.execPath, ["--import", register, "--input-type=module", "-e", script]);
  assert.equal(output.trim(), "<p>connecting</p>");
});
