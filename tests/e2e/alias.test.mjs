// Host packages as they are published, which make the SDK's transport themselves: a bundler leads its name to ours.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { launchBrowser } from "./lib/chrome.mjs";
import { TestServer, echo } from "./lib/dropin.mjs";
import { installed } from "./lib/install.mjs";
import { e2e, scratch } from "./lib/paths.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";
import { startOAuth } from "./servers/oauth.mjs";

const TIMEOUT = 180_000;

/** An app of a user's, with the hosts and the package installed beside each other. */
async function makeApp() {
  const root = await mkdtemp(join(scratch, "making-alias-"));
  await cp(`${e2e}fixtures/alias`, root, { recursive: true });
  await mkdir(`${root}/node_modules`);
  for (const name of await readdir(`${e2e}node_modules`)) await symlink(`${e2e}node_modules/${name}`, `${root}/node_modules/${name}`);
  await cp(`${await installed()}/node_modules/mcp-evergreen`, `${root}/node_modules/mcp-evergreen`, { recursive: true });
  return root;
}

/** What the host's configuration says, as in the documentation. */
const aliases = (root) => [
  { find: /^@modelcontextprotocol\/client$/, replacement: "mcp-evergreen/sdk" },
  {
    find: /^mcp-evergreen\/sdk-original$/,
    replacement: fileURLToPath(import.meta.resolve("@modelcontextprotocol/client")).replace(`${e2e}node_modules`, `${root}/node_modules`),
  },
  { find: /^@modelcontextprotocol\/sdk\/client\/streamableHttp\.js$/, replacement: "mcp-evergreen/sdk-v1" },
];

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
  site = await bundled(root, "aliased", aliases(root));
  plain = await bundled(root, "plain", []);
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  for (const one of [site, plain]) await one?.close();
  if (root) await rm(root, { recursive: true, force: true });
});

const HOSTS = [
  { name: "use-mcp", ready: "ready", asks: "pending_auth" },
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
            await is(asks);
            await page.click("#sign-in");
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
        assert.equal(await call(1), "s1 1");
        tools.evict();
        assert.equal(await call(2), "s2 2");
        server.expire();
        assert.equal(await call(3), "s2 3");
        assert.deepEqual([server.counts.tokens, server.counts.refreshes], [1, 1]);
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
