// What the guides change, as it stands there: against a server that evicts the session before the first call, the lines before the
// change fail, and those after it do not.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { installed } from "../e2e/lib/install.mjs";
import { e2e, root, scratch } from "../e2e/lib/paths.mjs";
import { serve } from "../e2e/lib/static.mjs";
import { until } from "../e2e/lib/until.mjs";
import { startOAuth } from "../e2e/servers/oauth.mjs";

const bounded = { timeout: 120_000 };
const ADDRESS = "https://example.com/mcp";
/** Not installed here, with all that it needs: only what comes after the change is run. */
const NOT_HERE = ["mcp-use", "mcp-use-react"];
const IN_PAGES = ["use-mcp", "mcp-use-react"];

const texts = readdirSync(`${root}docs/guides`).map((name) => readFileSync(`${root}docs/guides/${name}`, "utf8"));
const guides = texts.flatMap((text) => [...text.matchAll(/<!-- guide: ([\w-]+) -->\n```diff\n([\s\S]*?)```/g)].map(([, name, diff]) => [name, diff]));

const side = (diff, mark) => diff.split("\n").filter((line) => line[0] !== mark).map((line) => line.slice(1)).join("\n");

let app;
let browser;
before(async () => {
  app = await mkdtemp(join(scratch, "making-guides-"));
  await mkdir(`${app}/node_modules`);
  for (const name of await readdir(`${e2e}node_modules`)) await symlink(`${e2e}node_modules/${name}`, `${app}/node_modules/${name}`);
  await cp(`${await installed()}/node_modules/mcp-evergreen`, `${app}/node_modules/mcp-evergreen`, { recursive: true });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  if (app) await rm(app, { recursive: true, force: true });
});

/** Forgets its session once, when it is called first. */
async function forgetful() {
  const { TestServer } = await import(pathToFileURL(`${app}/node_modules/mcp-evergreen/testing.js`));
  const tools = new TestServer({ tools: { echo: ({ message }) => `Echo: ${message}` } });
  let evicted = false;
  const fetch = async (url, init) => {
    if (!evicted && String(init?.body).includes('"tools/call"')) {
      evicted = true;
      tools.evict();
    }
    return tools.fetch(url, init);
  };
  const server = await startOAuth({ url: tools.url, fetch }, { open: true });
  return { ...server, tools };
}

async function inNode(name, code) {
  const path = `${app}/${name}.mjs`;
  const said = [];
  mock.method(console, "log", (word) => said.push(word));
  try {
    writeFileSync(path, code);
    await import(pathToFileURL(path));
  } catch (error) {
    said.push(error);
  } finally {
    mock.restoreAll();
  }
  return said;
}

async function inPage(name, code) {
  writeFileSync(`${app}/${name}.js`, code);
  const { build } = createRequire(`${e2e}package.json`)("esbuild");
  const define = { "process.env.NODE_ENV": '"production"' };
  await build({ entryPoints: [`${app}/${name}.js`], bundle: true, format: "esm", outfile: `${app}/pages/${name}.js`, define, logLevel: "error", preserveSymlinks: true });
  const html = `<!doctype html><meta charset="utf-8"><div id="root"></div><script type="module" src="/${name}.js"></script>`;
  const wasm = `${app}/node_modules/mcp-evergreen/wasm`;
  await cp(wasm, `${app}/pages/wasm`, { recursive: true });
  const site = await serve(`${app}/pages`, { override: (path) => (path === "/" ? { type: "text/html", body: html } : undefined) });
  const page = await browser.newPage();
  const said = [];
  page.on("console", (message) => message.type() === "log" && message.text().startsWith("Echo") && said.push(message.text()));
  page.on("pageerror", (error) => said.push(error));
  try {
    await page.goto(site.url);
    await page.locator("button:not([disabled])").click();
    await until(() => said.length > 0, "it says something");
  } finally {
    await page.close();
    await site.close();
  }
  return said;
}

test("each guide has one, and every block of code but the installation is among them", () => {
  assert.deepEqual(guides.map(([name]) => name).sort(), ["ai", "mcp-use", "mcp-use-react", "sdk1", "sdk2", "session", "use-mcp"]);
  const blocks = texts.join("\n").match(/^```\w+$/gm).filter((fence) => fence !== "```sh");
  assert.equal(blocks.length, guides.length);
});

for (const [name, diff] of guides) {
  const play = async (mark, which) => {
    const server = await forgetful();
    try {
      const code = side(diff, mark);
      assert.ok(code.includes(ADDRESS));
      const said = await (IN_PAGES.includes(name) ? inPage : inNode)(`${name}-${which}`, code.replace(ADDRESS, server.url));
      return { said, sessions: server.tools.sessionsMade };
    } finally {
      await server.close();
    }
  };
  test(`${name}: after the change the call outlives the eviction`, bounded, async () => {
    assert.deepEqual(await play("-", "after"), { said: ["Echo: otters"], sessions: 2 });
  });
  if (NOT_HERE.includes(name)) continue;
  test(`${name}: before the change it does not`, bounded, async () => {
    const { said } = await play("+", "before");
    assert.equal(said.length, 1);
    assert.ok(said[0] instanceof Error, String(said[0]));
    assert.match(said[0].message, /404|session/i);
  });
}
