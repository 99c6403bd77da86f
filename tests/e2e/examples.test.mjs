// The examples of the documentation, as they stand there, in a page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { transformWithOxc } from "vite";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { examples } from "./lib/examples.mjs";
import { bundledHosts } from "./lib/hosts.mjs";
import { installed } from "./lib/install.mjs";
import { root } from "./lib/paths.mjs";
import { startProxy } from "./lib/proxy.mjs";
import { everything } from "./lib/servers.mjs";
import { fileAt, serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";

const bounded = { timeout: 120_000 };
const OURS = ["", "/transport", "/react", "/store", "/testing", "/inline", "/devtools"].map((entry) => [
  `mcp-evergreen${entry}`,
  `/node_modules/mcp-evergreen${entry || "/index"}.js`,
]);
const IMPORTS = {
  ...Object.fromEntries(OURS),
  "@modelcontextprotocol/sdk/client/index.js": "/hosts/sdk1.js",
  "@modelcontextprotocol/client": "/hosts/sdk2.js",
  "@ai-sdk/mcp": "/hosts/ai.js",
  react: "/hosts/react.js",
  "react-dom/client": "/hosts/react.js",
};
const PAGE = `<!doctype html><div id="root"></div><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`;

/** Those that a test of another file runs. */
const ELSEWHERE = ["apps", "anthropic", "openai", "aisdk", "prompt", "agents", "tanstack", "template", "form"];

let app;
let hosts;
let server;
let browser;
before(async () => {
  app = await installed();
  hosts = await bundledHosts();
  server = await everything.start();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.kill();
});

for (const [name, { language, code }] of Object.entries(examples)) {
  if (language === "rust" || ELSEWHERE.includes(name)) continue;
  test(`the example ${name}`, bounded, async () => {
    const proxy = await startProxy(server.url);
    const pointed = code.replace("https://example.com/mcp", proxy.url);
    const { code: body } = language === "jsx" ? await transformWithOxc(pointed, "example.jsx", { jsx: { runtime: "classic" } }) : { code: pointed };
    const script = language === "jsx" ? `import * as React from "react";\n${body}` : body;
    const site = await serve(app, {
      override: (path) => {
        if (path === "/") return { type: "text/html", body: PAGE };
        if (path === "/example.js") return { type: "text/javascript", body: script };
        return path.startsWith("/hosts/") ? fileAt(hosts + path.slice("/hosts".length)) : undefined;
      },
    });
    const page = await openPage(browser, site.url);
    const said = [];
    page.page.on("console", (message) => message.type() === "log" && said.push(message.text()));
    try {
      await page.page.addScriptTag({ url: "/example.js", type: "module" });
      if (language === "jsx") await page.page.locator("button:not([disabled])").click();
      await until(() => said.length + page.errors.length > 0);
      assert.deepEqual([page.errors, said], [[], [name === "testing" ? "Echo: otters 2" : "Echo: otters"]]);
      if (name !== "testing") assert.equal(proxy.recording.counts().initialize, 1);
    } finally {
      await page.close();
      await site.close();
      await proxy.close();
    }
  });
}

test("the example in Rust is the one that is built and run", () => {
  assert.equal(`${examples.rust.code}\n${examples.rust_events.code}`, readFileSync(`${root}examples/yew/src/mcp.rs`, "utf8"));
});
