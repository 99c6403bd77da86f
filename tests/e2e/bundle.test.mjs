// The package in one file, as pages without a bundler have it: what it asks for, and in which order.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { installed } from "./lib/install.mjs";
import { startProxy } from "./lib/proxy.mjs";
import { typescriptSdk } from "./lib/servers.mjs";
import { fileAt, serve } from "./lib/static.mjs";

const bounded = { timeout: 120_000 };
const LATENCY = 80;
const SESSIONS = "wasm/mcp_evergreen_bg.wasm";
const AUTHORIZATIONS = "wasm/mcp_evergreen_auth_bg.wasm";

/** Where those who serve packages have its files. */
const LAYOUTS = {
  "an own folder": "/vendor/mcp-evergreen/",
  jsDelivr: "/npm/mcp-evergreen@0.1.0/",
  unpkg: "/mcp-evergreen@0.1.0/",
};

let packaged;
let server;
let browser;
before(async () => {
  packaged = `${await installed()}/node_modules/mcp-evergreen/`;
  server = await typescriptSdk.start();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.kill();
});

/** A page whose requests take their time; `play` is given the address of the file, and what was asked for is told in one list. */
async function inPage({ layout = LAYOUTS["an own folder"], file = "bundle.js" } = {}, play) {
  const asked = [];
  const later = (answer) => new Promise((resolve) => setTimeout(resolve, LATENCY, answer));
  const site = await serve(packaged, {
    override(path) {
      if (!path.startsWith(layout)) return undefined;
      asked.push(path.slice(layout.length));
      return later(fileAt(packaged + path.slice(layout.length)));
    },
  });
  const proxy = await startProxy(server.url);
  const page = await openPage(browser, site.url, { packageUrl: "/index.js" });
  const run = (fn, ...given) => page.run(fn, layout + file, ...given);
  try {
    await play({ run, asked, url: proxy.url, requests: proxy.recording });
    assert.deepEqual(page.errors, []);
  } finally {
    await page.close();
    await site.close();
    await proxy.close();
  }
}

// Runs in the page.
async function call(_, from, url, authorizes) {
  const { connect } = await import(from);
  const provider = { redirectUrl: "/", open: () => Promise.reject(new Error("nobody is asked")) };
  const session = await connect(url, authorizes ? { auth: { provider } } : {});
  const { content } = await session.callTool({ name: "echo", arguments: { message: "otters" } });
  await session.close();
  return content[0].text;
}

for (const [name, layout] of Object.entries(LAYOUTS)) {
  test(`served as by ${name}: two files, three with an authorization`, bounded, async () => {
    await inPage({ layout }, async ({ run, asked, url }) => {
      assert.equal(await run(call, url), "Echo: otters");
      assert.deepEqual(asked, ["bundle.js", SESSIONS]);
      assert.equal(await run(call, url, true), "Echo: otters");
      assert.deepEqual(asked, ["bundle.js", SESSIONS, AUTHORIZATIONS]);
    });
  });
}

test("importing it does nothing; init fetches the WebAssembly once", bounded, async () => {
  await inPage({}, async ({ run, asked, requests }) => {
    await run((_, from) => import(from).then(() => {}));
    assert.deepEqual(asked, ["bundle.js"]);
    await run((_, from) => import(from).then(({ init }) => Promise.all([init(), init()])).then(() => {}));
    assert.deepEqual(asked, ["bundle.js", SESSIONS]);
    assert.deepEqual(requests.summary(), {});
  });
});

test("both modules are asked for at once", bounded, async () => {
  await inPage({}, async ({ run, asked }) => {
    await run(async (_, from) => {
      const { init, initAuth } = await import(from);
      await Promise.all([init(), initAuth()]);
    });
    assert.deepEqual(asked, ["bundle.js", SESSIONS, AUTHORIZATIONS]);
  });
});

test("a page that names the files beforehand has both on the way at once, and asks for each once", bounded, async () => {
  await inPage({}, async ({ run, asked, url }) => {
    await run(async (_, from) => {
      const link = (rel, href, more) => document.head.append(Object.assign(document.createElement("link"), { rel, href, ...more }));
      link("modulepreload", from);
      link("preload", from.replace("bundle.js", "wasm/mcp_evergreen_bg.wasm"), { as: "fetch", crossOrigin: "anonymous" });
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    assert.deepEqual(asked, ["bundle.js", SESSIONS]);
    assert.equal(await run(call, url), "Echo: otters");
    assert.deepEqual(asked, ["bundle.js", SESSIONS]);
  });
});

test("with the WebAssembly in it: one file, for all", bounded, async () => {
  await inPage({ file: "bundle_inline.js" }, async ({ run, asked, url }) => {
    assert.equal(await run(call, url, true), "Echo: otters");
    assert.deepEqual(asked, ["bundle_inline.js"]);
  });
});

test("has what the entry and mcp-evergreen/auth have", bounded, async () => {
  const names = async (...files) => (await Promise.all(files.map((file) => import(packaged + file)))).flatMap(Object.keys).sort();
  const parts = await names("index.js", "auth.js");
  assert.deepEqual(await names("bundle.js"), parts);
  assert.deepEqual(await names("bundle_inline.js"), parts);
});
