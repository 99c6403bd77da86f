// The site as `cargo xtask site` leaves it, served below a path: every page, and the kinds of pages in light and dark.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { deadLinks } from "../../site/lib/links.mjs";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { root, scratch, target } from "../e2e/lib/paths.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";

const bounded = { timeout: 240_000 };
const site = join(target, "site");
const BELOW = "/some/where/";
/** Each in a browser of its own: what is behind another page may take its time. */
const AT_ONCE = 2;
const AXE = readFileSync(`${root}www/node_modules/axe-core/axe.min.js`, "utf8");

const files = readdirSync(site, { recursive: true });
/** All but the one that only takes an authorization home. The demo's own tests look at its widths. */
const pages = files.filter((path) => path.endsWith(".html") && path !== "demo/callback.html");
/** One of each kind of page. */
const KINDS = [
  "index.html", "docs/guides/sdk.html", "docs/field.html", "readme.html", "examples/screens/vue.js.html", "src/protocol/policy/retry.rs.html",
  "demo/index.html", "reference/index.html", "reference/modules/mcp-evergreen.html", "reference/interfaces/mcp-evergreen.ConnectOptions.html",
  "reference/classes/mcp-evergreen.SessionManager.html", "reference/functions/mcp-evergreen.connect.html", "reference/types/mcp-evergreen.DiagnosisKind.html",
];

let server;
let browser;
before(async () => {
  server = await serve(site, {
    override: (path) => {
      if (!path.startsWith(BELOW)) return { status: 404, type: "text/plain", body: "not found" };
      const file = path.slice(BELOW.length);
      return fileAt(join(site, file === "" || file.endsWith("/") ? `${file}index.html` : file));
    },
  });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const at = (path) => new URL(BELOW.slice(1) + path, server.url).href;

/** `{ page, wrong }`: a page that tells what goes wrong in it. Nothing that is not the site's is answered. */
async function watched(by = browser) {
  const page = await by.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && wrong.push(`failed: ${request.url()}`));
  // The demo asks whether somebody runs servers for it.
  const asks = at("demo/control/servers");
  page.on("response", (response) => response.status() >= 400 && response.url() !== asks && wrong.push(`${response.status()}: ${response.url()}`));
  page.on("request", (request) => /^https?:/.test(request.url()) && !request.url().startsWith(at("")) && wrong.push(`goes out: ${request.url()}`));
  return { page, wrong };
}

test("it has the demo, a page for each guide and document, the reference, and llms.txt", () => {
  for (const path of ["index.html", "demo/index.html", "docs/field.html", "docs/matrix.html", "docs/bench.html", "changelog.html", "llms.txt"]) {
    assert.ok(files.map((file) => file.toLowerCase()).includes(path), path);
  }
  for (const guide of ["sdk", "use-mcp", "ai-sdk", "mcp-use"]) assert.ok(pages.includes(`docs/guides/${guide}.html`), guide);
  const { exports } = JSON.parse(readFileSync(`${root}pkg-template/package.json`, "utf8"));
  const entries = [...new Map(Object.entries(exports).filter(([, { types }]) => types).map(([entry, { types }]) => [types, entry]).reverse()).values()];
  for (const entry of entries) assert.ok(pages.includes(`reference/modules/mcp-evergreen${entry.slice(1).replaceAll("/", "_")}.html`), entry);
  assert.match(readFileSync(join(site, "llms.txt"), "utf8"), /^# mcp-evergreen\n\n> [^]+?\n\n## \w+\n\n- \[[^\]]+\]\([^)]+\.md\): /);
});

test("the host to copy is there with all its files, as they lie elsewhere", () => {
  const folder = mkdtempSync(join(scratch, "copy-"));
  try {
    execFileSync("tar", ["xzf", join(site, "examples/chat.tgz"), "-C", folder]);
    const files = readdirSync(join(folder, "chat"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const copied = files.map(({ parentPath, name }) => relative(join(folder, "chat"), join(parentPath, name))).sort();
    const committed = execFileSync("git", ["ls-files"], { cwd: `${root}examples/chat`, encoding: "utf8" }).trim().split("\n");
    assert.deepEqual(copied, committed.filter((file) => !["package-lock.json", ".npmrc"].includes(file)).sort());
    for (const file of ["package.json", "index.html", "callback.html", "vite.config.ts", "tsconfig.json"]) assert.ok(copied.includes(file), file);
    const text = copied.map((file) => readFileSync(join(folder, "chat", file), "utf8")).join("\n");
    assert.doesNotMatch(text, /registry|resolved/i);
    const { dependencies } = JSON.parse(readFileSync(join(folder, "chat/package.json"), "utf8"));
    assert.match(dependencies["mcp-evergreen"], /^\d+\.\d+\.\d+/);
    assert.match(readFileSync(join(site, "examples/chat/readme.html"), "utf8"), /<a href="\.\.\/chat\.tgz" download>/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("every link leads somewhere", () => assert.deepEqual(deadLinks(site), []));

test("a link that leads nowhere is named with its page", () => {
  const broken = mkdtempSync(join(scratch, "site-"));
  try {
    const links = '<a href="b.html#here">1</a><a href="b.html#gone">2</a><a href="c.html">3</a><a href="/b.html">4</a><a href="https://example.com/">5</a>';
    const fetched = '<img src="https://example.com/a.png"><link rel="stylesheet" href="gone.css">';
    writeFileSync(join(broken, "a.html"), `${links}${fetched}<pre>href="no-link.html"</pre>`);
    writeFileSync(join(broken, "b.html"), '<h1 id="here">b</h1>');
    writeFileSync(join(broken, "d.md"), "[a](a.html) [e](e.md)\n```js\n[x](no-link)\n```\n");
    assert.deepEqual(deadLinks(broken), [
      "a.html: there is no b.html#gone",
      "a.html: there is no c.html",
      "a.html: /b.html leads out of a folder that the site lies in",
      "a.html: fetches https://example.com/a.png",
      "a.html: there is no gone.css",
      "d.md: there is no e.md",
    ]);
  } finally {
    rmSync(broken, { recursive: true, force: true });
  }
});

test("every page opens below a path, without errors, failed requests, or a word to anybody else", bounded, async () => {
  const queue = [...pages];
  const found = [];
  const open = async () => {
    const own = await launchBrowser();
    const { page, wrong } = await watched(own);
    await page.setViewport({ width: 320, height: 640 });
    for (let path; (path = queue.shift()); ) {
      await page.goto(at(path), { waitUntil: "load" }).catch((error) => wrong.push(String(error)));
      if (!path.startsWith("demo/")) {
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > 320) wrong.push(`${wide} wide on a phone`);
      }
      found.push(...wrong.splice(0).map((what) => `${path}: ${what}`));
    }
    await own.close();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, open));
  assert.deepEqual(found, []);
});

for (const scheme of ["light", "dark"]) {
  for (const path of KINDS) {
    test(`axe finds nothing, ${scheme}: ${path}`, bounded, async () => {
      const { page, wrong } = await watched();
      try {
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
        await page.goto(at(path), { waitUntil: "networkidle2" });
        await page.evaluate(AXE);
        const found = await page.evaluate(async () => {
          const { violations } = await axe.run(document, { resultTypes: ["violations"] });
          return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" ")} (${nodes.length})`);
        });
        assert.deepEqual([found, wrong], [[], []]);
      } finally {
        await page.close();
      }
    });
  }
}

test("by the keyboard: past the header to the content, and to all pages", bounded, async () => {
  const { page } = await watched();
  try {
    await page.goto(at("index.html"));
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "content");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.closest("main") !== null), true);
    const seen = await page.$$eval("#pages a", (links) => links.length);
    assert.ok(seen >= 20, `${seen} pages`);
  } finally {
    await page.close();
  }
});
