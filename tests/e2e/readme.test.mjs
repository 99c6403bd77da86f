// The package's own README, as it lies in the tarball: what its readers paste runs, and what it says is so.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { after, before, mock, test } from "node:test";
import { transformWithOxc } from "vite";
import { launchBrowser } from "./lib/chrome.mjs";
import { HEALED } from "./lib/heals.mjs";
import { bundledHosts } from "./lib/hosts.mjs";
import { installed } from "./lib/install.mjs";
import { e2e, root } from "./lib/paths.mjs";
import { freePort } from "./lib/ports.mjs";
import { run } from "./lib/processes.mjs";
import { startProxy } from "./lib/proxy.mjs";
import { everything, typescriptSdk } from "./lib/servers.mjs";
import { fileAt, serve } from "./lib/static.mjs";
import { PATIENCE, until } from "./lib/until.mjs";

const bounded = { timeout: 120_000 };

let app;
let packaged;
let readme;
let examples;
/** Where the examples lie as files, and find the package. */
let folder;
let browser;
before(async () => {
  app = await installed();
  packaged = `${app}/node_modules/mcp-evergreen`;
  readme = readFileSync(`${packaged}/README.md`, "utf8");
  const blocks = readme.matchAll(/<!-- example: (\w+) -->\n```(\w+)\n([\s\S]*?)```/g);
  examples = Object.fromEntries([...blocks].map(([, name, language, code]) => [name, { language, code }]));
  folder = mkdtempSync(`${app}/readme-`);
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

test("is the one in pkg-template, begins with how to install, and needs nothing that is not in the tarball", bounded, () => {
  assert.equal(readme, readFileSync(`${root}pkg-template/README.md`, "utf8"));
  assert.match(readme, /^# mcp-evergreen\n\n```sh\nnpm install mcp-evergreen\n```\n/);
  // Relative links and pictures lead nowhere on a registry's page as long as no repository is named.
  const links = [...readme.matchAll(/\]\(([^)]+)\)|(?:src|href)="([^"]+)"/g)].map(([, link, attribute]) => link ?? attribute);
  assert.deepEqual(links.filter((link) => !link.startsWith("https://")), []);
  assert.equal(Object.keys(examples).length, readme.match(/^```\w+$/gm).length - 1, "every block but the first is an example with a name");
});

test("each of its examples is run below", bounded, () => {
  const html = ["page", "callback"];
  const pages = ["wire", "dropin", "vite", "react", "proxy"];
  assert.deepEqual(Object.keys(examples).sort(), [...html, ...pages, ...Object.keys(IN_NODE), "signin"].sort());
});

test("it names the version and the entries of this package", bounded, () => {
  const { version, exports } = JSON.parse(readFileSync(`${packaged}/package.json`, "utf8"));
  assert.deepEqual([...readme.matchAll(/mcp-evergreen@([\d.]+)\//g)].map(([, named]) => named), [version]);
  const entries = new Set([...readme.matchAll(/[`"]mcp-evergreen\/([\w/-]+)[`"]/g)].map(([, entry]) => `./${entry}`));
  const modules = Object.keys(exports).filter((entry) => !/^\.$|\.\w+$/.test(entry));
  assert.deepEqual([...entries].sort(), modules.sort(), "all of them");
});

test("its table of headers is that of the repository's README", bounded, () => {
  const table = (text) => /\n\| header \|[\s\S]*?\n\n/.exec(text)[0];
  assert.equal(table(readme), table(readFileSync(`${root}README.md`, "utf8")));
});

test("what it shows of the wire is what goes over the wire", bounded, () => {
  const steps = examples.wire.code.split("\n").map((line) => /^\S+→\d+(?: s\d)?/.exec(line)?.[0]).filter(Boolean);
  assert.deepEqual(steps, HEALED);
});

test("its examples hold under tsc --checkJs", bounded, async () => {
  mkdirSync(`${folder}/typed`);
  for (const name of ["signin", ...Object.keys(IN_NODE)]) writeFileSync(`${folder}/typed/${name}.mjs`, examples[name].code);
  const options = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--strictNullChecks", "false", "--module", "nodenext"];
  const target = ["--target", "es2022", "--lib", "esnext,dom", "--types", ""];
  await run(`${e2e}node_modules/.bin/tsc`, [...options, ...target, ...["signin", ...Object.keys(IN_NODE)].map((name) => `typed/${name}.mjs`)], {
    cwd: folder,
  });
});

// ── In Node, against a server in the shape of fetch ──

/** What each of them says, and the server that it says it to. */
const IN_NODE = {
  lines: {
    server: { tools: { echo: ({ message }) => `Echo: ${message}` } },
    says: [["echo"], "Echo: otters"],
  },
  many: {
    server: { tools: { echo: () => "" } },
    says: ["notes is ready", ["notes__echo", "calendar__echo"], []],
  },
  questions: {
    server: {
      sse: true,
      tools: {
        async book(_, { ask }) {
          const { result } = await ask("elicitation/create", { message: "How many?", requestedSchema: { type: "object", properties: {} } });
          return `${result.content.seats} seats`;
        },
      },
    },
    says: ["test asks: How many?", "2 seats"],
  },
  progress: {
    server: {
      sse: true,
      tools: {
        async count({ to }, { progress }) {
          for (let n = 1; n <= to; n += 1) {
            progress({ progress: n, total: to });
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
          return "done";
        },
      },
    },
    says: ["AbortError"],
  },
  errors: { server: {}, says: ["not_mcp not_executed"] },
};

for (const [name, { server, says }] of Object.entries(IN_NODE)) {
  test(`the example ${name}`, bounded, async () => {
    const { TestServer } = await import(`${packaged}/testing.js`);
    const servers = Object.fromEntries(["example.com", "example.org"].map((host) => [host, new TestServer(server)]));
    const platform = globalThis.fetch;
    mock.method(globalThis, "fetch", (input, init) => {
      const { hostname, pathname, protocol } = new URL(input.url ?? input, "https://example.net");
      if (protocol === "file:") return platform(input, init);
      return pathname === "/mcp" ? servers[hostname].fetch(input, init) : Promise.resolve(new Response("<h1>Not here</h1>", { status: 404, headers: { "content-type": "text/html" } }));
    });
    const said = [];
    mock.method(console, "log", (...words) => said.push(...(words.every((word) => typeof word === "string" || word === undefined) ? [words.join(" ")] : words)));
    try {
      writeFileSync(`${folder}/${name}.mjs`, examples[name].code);
      await import(`${folder}/${name}.mjs`);
    } finally {
      mock.restoreAll();
    }
    for (const what of says) assert.ok(said.some((word) => matches(word, what)), `${JSON.stringify(what)} in ${JSON.stringify(said)}`);
  });
}

const matches = (word, what) => (typeof what === "string" ? String(word).startsWith(what) : JSON.stringify(word) === JSON.stringify(what));

// ── In a page ──

test("the page to paste, with the package at another origin", bounded, async () => {
  const server = await everything.start();
  const proxy = await startProxy(server.url);
  // As a content delivery network does: another origin, one version for ever.
  const cdn = await serve(packaged, { headers: { "access-control-allow-origin": "*" } });
  const body = examples.page.code
    .replace(/https:\/\/[^"]*\/mcp-evergreen@[\d.]+\//, cdn.url)
    .replace("https://example.com/mcp", proxy.url);
  const site = await serve(folder, { override: (path) => (path === "/" ? { type: "text/html", body } : undefined) });
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error?.message ?? error)));
  const click = async () => {
    await page.evaluate(() => (document.querySelector("output").textContent = ""));
    await page.locator("button").click();
    await page.waitForFunction(() => document.querySelector("output").textContent, { timeout: PATIENCE });
    return page.evaluate(() => document.querySelector("output").textContent);
  };
  try {
    await page.goto(site.url);
    assert.equal(await click(), "Echo: otters");
    await server.restart();
    assert.equal(await click(), "Echo: otters");
    assert.equal(proxy.recording.counts().initialize, 2);
    assert.deepEqual(errors, []);
  } finally {
    await page.close();
    await Promise.all([site.close(), cdn.close(), proxy.close()]);
    await server.kill();
  }
});

test("the drop-in", bounded, async () => {
  const hosts = await bundledHosts();
  const server = await everything.start();
  const imports = { "@modelcontextprotocol/sdk/client/index.js": "/hosts/sdk1.js", "mcp-evergreen/transport": "/node_modules/mcp-evergreen/transport.js" };
  const proxy = await startProxy(server.url);
  const code = examples.dropin.code.replace("https://example.com/mcp", proxy.url);
  const site = await serve(app, {
    override: (path) => {
      if (path === "/") return { type: "text/html", body: `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script><script type="module">${code}</script>` };
      return path.startsWith("/hosts/") ? fileAt(hosts + path.slice("/hosts".length)) : undefined;
    },
  });
  const page = await browser.newPage();
  const said = [];
  page.on("console", (message) => message.type() === "log" && said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error?.message ?? error)));
  try {
    await page.goto(site.url);
    await until(() => said.length > 0);
    assert.deepEqual(said, ["Echo: otters"]);
  } finally {
    await page.close();
    await Promise.all([site.close(), proxy.close()]);
    await server.kill();
  }
});

test("the React host: what cannot be opened is said, what asks for a login has a button, and tools and questions are shown", bounded, async () => {
  const hosts = await bundledHosts();
  const { code: body } = await transformWithOxc(examples.react.code, "example.jsx", { jsx: { runtime: "classic" } });
  const imports = {
    react: "/hosts/react.js",
    "react-dom/client": "/hosts/react.js",
    "mcp-evergreen/react": "/node_modules/mcp-evergreen/react.js",
    "mcp-evergreen/auth": "/node_modules/mcp-evergreen/auth.js",
  };
  const html = `<!doctype html><div id="root"></div><script type="importmap">${JSON.stringify({ imports })}</script><script type="module" src="/example.js"></script>`;
  const site = await serve(app, {
    override: (path) => {
      if (path === "/") return { type: "text/html", body: html };
      if (path === "/example.js") return { type: "text/javascript", body: `import * as React from "react";\n${body}` };
      if (path === "/not-mcp") return { type: "text/html", body: "<h1>Not here</h1>" };
      if (path === "/locked") return { status: 401, type: "text/plain", body: "" };
      return path.startsWith("/hosts/") ? fileAt(hosts + path.slice("/hosts".length)) : undefined;
    },
  });
  const server = await everything.start();
  const proxy = await startProxy(server.url);
  const page = await browser.newPage();
  const said = [];
  page.on("console", (message) => message.type() === "log" && said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error?.message ?? error)));
  const add = async (url) => {
    await page.locator("input").fill(url);
    await page.locator("button").click();
  };
  const shows = (words) => page.waitForFunction((words) => document.body.innerText.includes(words), { timeout: PATIENCE }, words);
  const press = (words) => page.evaluate((words) => [...document.querySelectorAll("button")].find(({ innerText }) => innerText === words).click(), words);
  try {
    await page.goto(site.url);
    await add(`${site.url}not-mcp`);
    await page.waitForSelector("[role=alert]", { timeout: PATIENCE });
    await add(`${site.url}locked`);
    await shows("Sign in to notes");
    await page.evaluate(() => localStorage.clear());
    await page.reload();
    await add(proxy.url);
    await shows("notes__echo");
    await press("notes__echo");
    await until(() => said.length > 0);
    assert.deepEqual(said, ["Echo: otters"]);
    await press("notes__trigger-elicitation-request");
    await shows("notes asks: ");
  } finally {
    await page.close();
    await Promise.all([site.close(), proxy.close()]);
    await server.kill();
  }
});

test("the proxy, told of a server of one's own network", bounded, async () => {
  const { connect } = await import(`${packaged}/index.js`);
  const server = await typescriptSdk.start();
  const port = await freePort();
  const code = examples.proxy.code.replace("https://example.com/mcp", server.url).replace("] })", "], allowPrivateTargets: true })").replace("8787", String(port));
  writeFileSync(`${folder}/proxy.mjs`, code);
  const child = spawn(process.execPath, [`${folder}/proxy.mjs`], { stdio: "inherit" });
  const proxy = { url: `http://127.0.0.1:${port}/`, when: "always" };
  try {
    await until(() => fetch(proxy.url).then(() => true, () => false));
    const session = await connect(server.url, { proxy });
    assert.equal((await session.callTool({ name: "echo", arguments: { message: "otters" } })).content[0].text, "Echo: otters");
    await session.close();
    await assert.rejects(connect("https://example.org/mcp", { proxy }));
  } finally {
    child.kill("SIGKILL");
    await server.kill();
  }
});

test("under Vite the callback page is built, and takes the code out of its address", bounded, async () => {
  const { build } = await import("vite");
  const source = `${folder}/vite`;
  mkdirSync(source);
  writeFileSync(`${source}/index.html`, "<!doctype html><title>app</title>");
  writeFileSync(`${source}/callback.html`, examples.callback.code);
  writeFileSync(`${source}/vite.config.mjs`, examples.vite.code);
  // Where the configuration finds Vite.
  mkdirSync(`${source}/node_modules`);
  symlinkSync(`${e2e}node_modules/vite`, `${source}/node_modules/vite`);
  const before = process.cwd();
  process.chdir(source);
  try {
    await build({ root: source, configFile: `${source}/vite.config.mjs`, logLevel: "error" });
  } finally {
    process.chdir(before);
  }
  const html = readFileSync(`${source}/dist/callback.html`, "utf8");
  assert.match(html, /<meta name="referrer" content="no-referrer">/);
  const site = await serve(`${source}/dist`, { override: (path) => (path === "/callback.html" ? { type: "text/html", body: html } : undefined) });
  const page = await browser.newPage();
  try {
    await page.goto(`${site.url}callback.html?code=c&state=s`);
    await page.waitForFunction(() => location.search === "", { timeout: PATIENCE });
    assert.equal(await page.evaluate(() => document.querySelectorAll("script").length > 0), true);
  } finally {
    await page.close();
    await site.close();
  }
});
