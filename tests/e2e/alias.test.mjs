// Host packages as they are published, which make the SDK's transport themselves: a bundler leads its name to ours.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { build } from "vite";
import webpack from "webpack";
import { launchBrowser } from "./lib/chrome.mjs";
import { TestServer, echo } from "./lib/dropin.mjs";
import { installed } from "./lib/install.mjs";
import { e2e, root as repository, scratch } from "./lib/paths.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";
import { startOAuth } from "./servers/oauth.mjs";

const TIMEOUT = 180_000;
const docs = readFileSync(`${repository}docs/hosts.md`, "utf8");

/** An app of a user's, with the hosts and the package installed beside each other. */
async function makeApp() {
  const root = await mkdtemp(join(scratch, "making-alias-"));
  await cp(`${e2e}fixtures/alias`, root, { recursive: true });
  await mkdir(`${root}/node_modules`);
  for (const name of await readdir(`${e2e}node_modules`)) await symlink(`${e2e}node_modules/${name}`, `${root}/node_modules/${name}`);
  await cp(`${await installed()}/node_modules/mcp-evergreen`, `${root}/node_modules/mcp-evergreen`, { recursive: true });
  return root;
}

/** A configuration of the documentation's, as it stands there. */
const documented = (name) => new RegExp(`<!-- alias: ${name} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``).exec(docs)[1];

async function configured(root, name) {
  writeFileSync(`${root}/${name}.config.mjs`, documented(name));
  return (await import(`${root}/${name}.config.mjs`)).default;
}

async function bundled(root, name, alias) {
  // Of a host that can start processes: no page does.
  const nowhere = { find: /^@modelcontextprotocol\/sdk\/client\/stdio\.js$/, replacement: `${root}/nowhere.js` };
  const outDir = `${root}/${name}`;
  await build({
    root,
    configFile: false,
    logLevel: "error",
    resolve: { alias: [...alias, nowhere], preserveSymlinks: true },
    define: { "process.env.NODE_ENV": '"production"' },
    build: { outDir, emptyOutDir: true, minify: false, rolldownOptions: { checks: { pluginTimings: false } } },
  });
  const index = readFileSync(`${outDir}/index.html`, "utf8");
  const isPage = (path) => path === "/" || path.endsWith("/callback");
  return serve(outDir, { override: (path) => (isPage(path) ? { type: "text/html", body: index } : undefined) });
}

let root, site, plain, browser;
before(async () => {
  root = await makeApp();
  site = await bundled(root, "aliased", (await configured(root, "vite")).resolve.alias);
  plain = await bundled(root, "plain", []);
  // One of the hosts opens its window without a click. (By its plain name the driver leaves the flag out.)
  browser = await launchBrowser(["--disable-popup-blocking=yes"]);
});
after(async () => {
  await browser?.close();
  for (const one of [site, plain]) await one?.close();
  if (root) await rm(root, { recursive: true, force: true });
});

const HOSTS = [
  { name: "use-mcp", ready: "ready" },
  { name: "assistant", ready: "connected", asks: "authRequired", connects: true },
  { name: "langchain", ready: "connected", asks: "authRequired" },
];

for (const { name, ready, asks, connects } of HOSTS) {
  describe(name, () => {
    /** `{ page, server, call(x), is(state), signIn(), reload() }` of the host, in a browser of this test's own. */
    async function open(from, play) {
      const tools = new TestServer({ tools: { echo } });
      const server = await startOAuth(tools);
      const context = await browser.createBrowserContext();
      try {
        const page = await context.newPage();
        const said = [];
        page.on("pageerror", (error) => said.push(String(error?.stack ?? error)));
        page.on("console", (message) => said.push(message.text()));
        const host = () => page.evaluate(() => ({ state: globalThis.host?.state, error: globalThis.host?.error })).catch(() => ({}));
        const is = (state) =>
          until(async () => (await host()).state === state, `the host is ${state}`).catch(async (error) => {
            throw new Error(`${error.message}: it is ${JSON.stringify(await host())}\n${said.slice(-30).join("\n")}`);
          });
        const scene = {
          page,
          server,
          tools,
          is,
          call: (x) => page.evaluate((x) => globalThis.host.call(x), x),
          async login() {
            await page.goto(`${from.url}?host=${name}&url=${encodeURIComponent(server.url)}`);
            if (connects) {
              await until(() => page.evaluate(() => globalThis.host.connect !== undefined), "the host is there");
              await page.evaluate(() => void globalThis.host.connect());
            }
            if (asks) {
              await is(asks);
              await page.click("#sign-in");
            }
            await is(ready);
          },
          async reload() {
            await page.goto(`${from.url}?host=${name}&url=${encodeURIComponent(server.url)}`);
            await is(ready);
          },
        };
        await play(scene);
      } finally {
        await context.close();
        await server.close();
      }
    }

    test("a login, an eviction, a token that is taken back, a reload", { timeout: TIMEOUT }, () =>
      open(site, async ({ server, tools, login, call, reload }) => {
        await login();
        assert.equal(server.counts.registered, 1);
        // One of them asks for its window twice.
        const { tokens: codes } = server.counts;
        assert.equal(await call(1), "s1 1");
        tools.evict();
        assert.equal(await call(2), "s2 2");
        server.expire();
        assert.equal(await call(3), "s2 3");
        assert.deepEqual([server.counts.tokens, server.counts.refreshes], [codes, 1]);
        const { signedIn } = server.counts;
        await reload();
        assert.equal(await call(4), "s3 4");
        assert.equal(server.counts.signedIn, signedIn, "nobody is asked again");
        tools.evict();
        assert.equal(await call(5), "s4 5");
      }),
    );

    test("without the alias a call after an eviction fails", { timeout: TIMEOUT }, () =>
      open(plain, async ({ tools, login, call }) => {
        await login();
        assert.equal(await call(1), "s1 1");
        tools.evict();
        await assert.rejects(call(2));
      }),
    );
  });
}

/** What any host does: `heals(url, evict)` gives what two calls gave, with an eviction between them. */
const HEALS = `
  export const make = (Client, Transport) => async (url, evict) => {
    const client = new Client({ name: "host", version: "1.0.0" });
    await client.connect(new Transport(new URL(url)));
    const call = async (x) => (await client.callTool({ name: "echo", arguments: { x } })).content[0].text;
    const said = [await call(1)];
    await evict();
    said.push(await call(2));
    await client.close();
    return said;
  };
`;
const HOST = `
  import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
  import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
  import { StreamableHTTPClientTransport as Transport1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
  import { make } from "./heals.mjs";
  globalThis.heals = [make(Client1, Transport1), make(Client2, Transport2)];
`;

test("bundled by webpack 5, both versions heal", { timeout: TIMEOUT }, async () => {
  const { resolve } = await configured(root, "webpack");
  writeFileSync(`${root}/heals.mjs`, HEALS);
  writeFileSync(`${root}/host.mjs`, HOST);
  const output = { path: `${root}/webpack`, filename: "host.mjs", module: true, chunkFormat: "module", publicPath: "auto" };
  const options = { context: root, entry: "./host.mjs", mode: "none", target: "web", experiments: { outputModule: true }, output, resolve: { ...resolve, symlinks: false }, performance: false };
  const stats = await new Promise((done, fail) => webpack(options, (error, stats) => (error ? fail(error) : done(stats))));
  assert.deepEqual(stats.toJson({ errors: true }).errors.map(({ message }) => message), []);
  const html = '<!doctype html><meta charset="utf-8"><script type="module" src="/host.mjs"></script>';
  const page = await serve(`${root}/webpack`, { override: (path) => (path === "/" ? { type: "text/html", body: html } : undefined) });
  await healsIn(page);
});

test("by the import map of the documentation, without a bundler, both versions heal", { timeout: TIMEOUT }, async () => {
  writeFileSync(`${root}/heals.mjs`, HEALS);
  writeFileSync(`${root}/host.mjs`, HOST);
  // The SDK as one would serve it, with what it imports in it.
  const served = `${root}/served`;
  for (const [outDir, names] of [
    [`${served}/node_modules/@modelcontextprotocol/client/dist`, { index: "@modelcontextprotocol/client" }],
    [`${served}/node_modules/@modelcontextprotocol/sdk/dist/esm`, { "client/index": "@modelcontextprotocol/sdk/client/index.js", "client/auth": "@modelcontextprotocol/sdk/client/auth.js" }],
  ]) {
    const entry = {};
    for (const [name, module] of Object.entries(names)) {
      entry[name] = `${root}/${name.replace("/", "-")}.entry.mjs`;
      writeFileSync(entry[name], `export * from ${JSON.stringify(module)};`);
    }
    const fileName = (_format, name) => (name === "index" ? "index.mjs" : `${name}.js`);
    const lib = { entry, formats: ["es"], fileName };
    await build({ root, configFile: false, logLevel: "error", resolve: { preserveSymlinks: true }, build: { outDir, lib, minify: false, emptyOutDir: true } });
  }
  await cp(`${root}/node_modules/mcp-evergreen`, `${served}/node_modules/mcp-evergreen`, { recursive: true });
  for (const name of ["heals", "host"]) await cp(`${root}/${name}.mjs`, `${served}/${name}.mjs`);
  const html = `<!doctype html><meta charset="utf-8"><script type="importmap">${documented("import map")}</script><script type="module" src="/host.mjs"></script>`;
  const page = await serve(served, { override: (path) => (path === "/" ? { type: "text/html", body: html } : undefined) });
  await healsIn(page);
});

async function healsIn(site) {
  const context = await browser.createBrowserContext();
  try {
    const page = await context.newPage();
    const said = [];
    page.on("pageerror", (error) => said.push(String(error?.stack ?? error)));
    page.on("console", (message) => said.push(message.text()));
    await page.goto(site.url);
    await page.waitForFunction("globalThis.heals").catch((error) => assert.fail(`${error.message}\n${said.join("\n")}`));
    for (const version of [0, 1]) {
      const tools = new TestServer({ tools: { echo } });
      const server = await startOAuth(tools, { open: true });
      const name = `evict${version}`;
      await page.exposeFunction(name, () => tools.evict());
      try {
        assert.deepEqual(await page.evaluate((version, url, name) => heals[version](url, globalThis[name]), version, server.url, name), ["s1 1", "s2 2"]);
      } finally {
        await server.close();
      }
    }
  } finally {
    await context.close();
    await site.close();
  }
}
