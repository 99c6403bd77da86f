// The files of examples/screens, in a page: a server in React, and its tools in Vue, Svelte and Solid.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { transformWithOxc } from "vite";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { bundledHosts } from "./lib/hosts.mjs";
import { installed } from "./lib/install.mjs";
import { root } from "./lib/paths.mjs";
import { fileAt, serve } from "./lib/static.mjs";

const bounded = { timeout: 120_000 };
const IMPORTS = {
  react: "/hosts/react.js",
  vue: "/hosts/vue.js",
  "svelte/store": "/hosts/svelte.js",
  "solid-js": "/hosts/solid.js",
  "mcp-evergreen": "/node_modules/mcp-evergreen/index.js",
  "mcp-evergreen/react": "/node_modules/mcp-evergreen/react.js",
  "mcp-evergreen/store": "/node_modules/mcp-evergreen/store.js",
};
const PAGE = `<!doctype html><p id="root"></p><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`;

let site;
let browser;
before(async () => {
  const [app, hosts] = [await installed(), await bundledHosts()];
  const { code } = await transformWithOxc(readFileSync(`${root}examples/screens/react.jsx`, "utf8"), "react.jsx", { jsx: { runtime: "classic" } });
  const react = `import * as React from "react";\n${code}`;
  site = await serve(app, {
    override: (path) => {
      if (path === "/") return { type: "text/html", body: PAGE };
      if (path === "/screens/react.jsx") return { type: "text/javascript", body: react };
      if (path.startsWith("/screens/")) return { type: "text/javascript", body: readFileSync(`${root}examples${path}`, "utf8") };
      return path.startsWith("/hosts/") ? fileAt(hosts + path.slice("/hosts".length)) : undefined;
    },
  });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/** How each shows the names of a server's tools on the page; gives what takes them away, and the way to what is known. */
const SCREENS = {
  async vue(url, options) {
    const { createApp, h } = await import("vue");
    const { useMcp } = await import("/screens/vue.js");
    let mcp;
    const app = createApp({
      setup() {
        mcp = useMcp(url, options);
        return () => h("b", mcp.value.tools.map(({ name }) => name).join(" "));
      },
    });
    app.mount("#root");
    return [() => app.unmount(), () => mcp.value];
  },
  async svelte(url, options) {
    const { get } = await import("svelte/store");
    const { mcpReadable } = await import("/screens/svelte.js");
    const mcp = mcpReadable(url, options);
    const stop = mcp.subscribe(({ tools }) => (document.getElementById("root").textContent = tools.map(({ name }) => name).join(" ")));
    return [stop, () => get(mcp)];
  },
  async solid(url, options) {
    const { createEffect, createRoot } = await import("solid-js");
    const { createMcp } = await import("/screens/solid.js");
    return createRoot((dispose) => {
      const mcp = createMcp(url, options);
      createEffect(() => (document.getElementById("root").textContent = mcp().tools.map(({ name }) => name).join(" ")));
      return [dispose, mcp];
    });
  },
};

test("react: a tool that asks is called, its form is filled in wrong and right, and its call is given up", bounded, async () => {
  const page = await openPage(browser, site.url);
  const { page: tab } = page;
  const press = (text) => tab.locator(`::-p-xpath(//button[starts-with(., "${text}")])`).click();
  const shows = (text) => tab.waitForFunction((text) => document.body.innerText.includes(text), { timeout: 60_000 }, text);
  try {
    await page.run(async () => {
      const { createElement, createRoot, StrictMode } = await import("react");
      const { Server } = await import("/screens/react.jsx");
      const { TestServer } = await import("/node_modules/mcp-evergreen/testing.js");
      const requestedSchema = {
        type: "object",
        properties: { name: { type: "string", minLength: 2 }, size: { type: "integer", default: 3 }, loud: { type: "boolean" } },
        required: ["name"],
      };
      const greet = async (_, { ask, progress }) => {
        progress?.({ progress: 1, message: "half-way" });
        return JSON.stringify((await ask("elicitation/create", { message: "Who?", requestedSchema })).result);
      };
      const server = new TestServer({ sse: true, tools: { greet } });
      let isSignedIn = false;
      const fetch = async (...args) => (isSignedIn ? server.fetch(...args) : ((isSignedIn = true), new Response(null, { status: 401 })));
      const host = createElement(Server, { url: server.url, options: { fetch, era: "legacy" } });
      createRoot(document.getElementById("root")).render(createElement(StrictMode, null, host));
    });
    await press("Sign in");
    await press("greet");
    await shows("Stop greet half-way");
    await shows("test asks: Who?");
    await tab.locator("input[name=name]").fill("a");
    await press("Yes");
    await shows("name: Expected 2 characters at least.");
    await tab.locator("input[name=name]").fill("ann");
    await tab.locator("input[name=loud]").click();
    await press("Yes");
    await shows('{"action":"accept","content":{"size":3,"name":"ann","loud":true}}');
    await press("greet");
    await shows("test asks: Who?");
    await press("Stop greet");
    await tab.waitForFunction(() => document.forms.length === 0, { timeout: 60_000 });
    assert.deepEqual(page.errors, []);
  } finally {
    await page.close();
  }
});

for (const [name, show] of Object.entries(SCREENS)) {
  test(`${name}: what the server has is on the page, follows it, and goes with the screen`, bounded, async () => {
    const page = await openPage(browser, site.url);
    try {
      const held = await page.run(`async () => {
        const { TestServer } = await import("/node_modules/mcp-evergreen/testing.js");
        const server = new TestServer({ tools: { echo: ({ x }, { session }) => session + " " + x } });
        const until = async (holds) => {
          for (const end = performance.now() + 30_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 10))) {
            if (performance.now() > end) throw new Error("waited in vain: " + holds + "; on the page: " + document.body.innerText);
          }
        };
        const shown = () => document.getElementById("root").innerText;
        const [stop, now] = await ({ ${show} }).${name}(server.url, { fetch: server.fetch });
        await until(() => shown() === "echo");
        server.evict();
        const { content } = await now().callTool("echo", { x: 1 });
        server.become({ tools: { other: () => "y" } });
        await until(() => server.streams === 1);
        server.notify("notifications/tools/list_changed");
        await until(() => shown() === "other");
        stop();
        await until(() => server.requests.some(({ http }) => http === "DELETE"));
        return [content[0].text, server.sessionsMade];
      }`);
      assert.deepEqual(held, ["s2 1", 2]);
      assert.deepEqual(page.errors, []);
    } finally {
      await page.close();
    }
  });

  test(`${name}: the recipe has 20 lines at most`, () => {
    assert.ok(readFileSync(`${root}examples/screens/${name}.js`, "utf8").trimEnd().split("\n").length <= 20);
  });
}
