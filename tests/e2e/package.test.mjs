// The package as it is installed: in pages, workers, Node and Vite; its types; its README.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { launchBrowser, openPage } from "./lib/chrome.mjs";
import { HEALED, healing } from "./lib/heals.mjs";
import { installed } from "./lib/install.mjs";
import { e2e, root } from "./lib/paths.mjs";
import { freePort } from "./lib/ports.mjs";
import { run } from "./lib/processes.mjs";
import { startProxy } from "./lib/proxy.mjs";
import { everything, typescriptSdk } from "./lib/servers.mjs";
import { serve } from "./lib/static.mjs";
import { PATIENCE, until } from "./lib/until.mjs";

const bounded = { timeout: 120_000 };

let app;
let packaged;
let fixtures;
let server;
let browser;
let heals;
before(async () => {
  app = await installed();
  packaged = `${app}/node_modules/mcp-evergreen`;
  // Of this run alone, and where imports find the package.
  fixtures = mkdtempSync(`${app}/fixtures-`);
  cpSync(`${e2e}fixtures`, fixtures, { recursive: true });
  server = await typescriptSdk.start();
  browser = await launchBrowser();
  heals = healing(server, browser);
});
after(async () => {
  await browser?.close();
  await server?.kill();
  if (fixtures) rmSync(fixtures, { recursive: true, force: true });
});

// ── What is in it ──

test("holds what its exports name, types for each entry, and nothing that a strict page forbids", bounded, () => {
  const files = readdirSync(packaged, { recursive: true }).filter((path) => statSync(`${packaged}/${path}`).isFile());
  const { exports } = JSON.parse(readFileSync(`${packaged}/package.json`, "utf8"));
  const named = JSON.stringify(exports).match(/"\.\/[^"]+\.\w+"/g).map((path) => path.slice(3, -1));
  for (const path of [...named, "README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]) assert.ok(files.includes(path), path);
  const types = [...new Set(Object.values(exports).flatMap((entry) => entry.types?.slice(2) ?? []))];
  assert.deepEqual(files.filter((path) => path.endsWith(".d.ts")).sort(), types.sort());
  for (const path of files.filter((path) => path.endsWith(".js"))) {
    const code = readFileSync(`${packaged}/${path}`, "utf8");
    assert.doesNotMatch(code, /\beval\(|new Function\(|\bFunction\(/, path);
    const imported = [...code.matchAll(/^(?:import|export)\b[^"';]*["'](\.[^"']+)["'];$/gm)].map(([, from]) => join(dirname(path), from));
    for (const from of imported) assert.ok(files.includes(from), `${path} imports ${from}`);
  }
});

test("what an error's help names is in it, what its documents lead to as well, and the terms of what is in the WebAssembly", bounded, async () => {
  const { connect } = await import(`${packaged}/index.js`);
  const here = (path) => readFileSync(`${packaged}/${path}`, "utf8");
  const core = readFileSync(`${root}src/protocol/error.rs`, "utf8");
  const named = [...core.matchAll(/"(docs\/\w+\.md)#?"/g)].map(([, file]) => file);
  assert.deepEqual(named.sort(), ["docs/field.md", "docs/proxy.md"]);
  // That each `help` has its anchor in these is asserted where the core is tested.
  for (const file of named) assert.equal(here(file), readFileSync(`${root}${file}`, "utf8"));
  const fetch = async () => new Response("<!doctype html><title>x</title>", { headers: { "content-type": "text/html" } });
  const { diagnosis } = await connect("https://example.com/mcp", { fetch }).then(assert.fail, (error) => error);
  assert.equal(diagnosis.help, "docs/field.md#web_page");
  for (const file of [...named, "README.md", "CHANGELOG.md"]) {
    for (const [, link] of here(file).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
      if (!link.includes("://")) assert.ok(existsSync(join(packaged, dirname(file), link)), `${file} leads to ${link}`);
    }
  }
  for (const name of ["serde_json", "wasm-bindgen", "talc", "Rust's standard library"]) assert.ok(here("THIRD_PARTY.txt").includes(`\n${name} `), name);
});

// ── Pages ──

test("importing it does nothing; the WebAssembly loads at the first connect, once, and that for authorizations at the first with auth", bounded, async () => {
  const site = await serve(app);
  const page = await openPage(browser, site.url);
  try {
    const loads = () => site.requests.filter((path) => path.endsWith(".wasm")).length;
    await page.run(() => {});
    assert.equal(loads(), 0);
    await page.run(async ({ connect }, url) => {
      const sessions = await Promise.all([connect(url), connect(url)]);
      await Promise.all(sessions.map((session) => session.close()));
    }, server.url);
    assert.equal(loads(), 1);

    await page.run(async ({ connect }, url) => {
      const provider = { redirectUrl: "/", open: () => Promise.reject(new Error("nobody is asked")) };
      const sessions = await Promise.all([connect(url, { auth: { provider } }), connect(url, { auth: { provider } })]);
      await Promise.all(sessions.map((session) => session.close()));
    }, server.url);
    assert.equal(loads(), 2);
  } finally {
    await page.close();
    await site.close();
  }
});

test("runs under a strict Content-Security-Policy with Trusted Types", bounded, async () => {
  const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src *; require-trusted-types-for 'script'; trusted-types 'none'";
  const site = await serve(app, { headers: { "content-security-policy": policy } });
  const page = await openPage(browser, site.url, { packageUrl: "/node_modules/mcp-evergreen/index.js" });
  try {
    const text = await page.run(async ({ connect, text }, url) => {
      const session = await connect(url);
      const result = text(await session.callTool({ name: "echo", arguments: { message: "x" } }));
      await session.close();
      return result;
    }, server.url);
    assert.equal(text, "Echo: x");
    assert.deepEqual(page.errors, []);
  } finally {
    await page.close();
    await site.close();
  }
});

test("a .wasm that is answered with HTML is said so; the next connect tries again", bounded, async () => {
  let broken = true;
  const html = { type: "text/html", body: "<!doctype html><title>app</title>" };
  const site = await serve(app, { override: (path) => (broken && path.endsWith(".wasm") ? html : undefined) });
  const page = await openPage(browser, site.url);
  const attempt = () => page.run(({ connect, settle }, url) => settle(connect(url).then((session) => session.close())), server.url);
  try {
    const { error } = await attempt();
    assert.equal(error.name, "McpError");
    assert.match(error.message, /HTML/);
    assert.match(error.message, /Vite/);
    broken = false;
    assert.equal((await attempt()).error, undefined);
  } finally {
    await page.close();
    await site.close();
  }
});

test("what authorizes is missing: that is said, and the next connect tries again", bounded, async () => {
  let broken = true;
  const site = await serve(app, { override: (path) => (broken && path.endsWith("auth_bg.wasm") ? { status: 404, type: "text/plain", body: "" } : undefined) });
  const page = await openPage(browser, site.url);
  const attempt = () =>
    page.run(async ({ connect, settle }, url) => {
      const provider = { redirectUrl: "/", open: () => Promise.reject(new Error("nobody is asked")) };
      return settle(connect(url, { auth: { provider } }).then((session) => session.close()));
    }, server.url);
  try {
    const { error } = await attempt();
    assert.equal(error.code, "auth");
    assert.equal(error.diagnosis.kind, "failed");
    assert.match(String(error.cause), /404/);
    broken = false;
    assert.equal((await attempt()).error, undefined);
  } finally {
    await page.close();
    await site.close();
  }
});

for (const [what, source] of [
  ["a URL", "(url) => url"],
  ["a Response", "(url) => fetch(url)"],
  ["bytes", "(url) => fetch(url).then((response) => response.arrayBuffer())"],
  ["a module", "(url) => WebAssembly.compileStreaming(fetch(url))"],
]) {
  test(`init takes ${what}`, bounded, async () => {
    const site = await serve(app);
    const page = await openPage(browser, site.url);
    try {
      const state = await page.run(
        async ({ init, connect }, source, url) => {
          const from = (0, eval)(source);
          await init(await from("/node_modules/mcp-evergreen/wasm/mcp_evergreen_bg.wasm"));
          const session = await connect(url);
          const { state } = session.status;
          await session.close();
          return state;
        },
        source,
        server.url,
      );
      assert.equal(state, "ready");
      assert.equal(site.requests.filter((path) => path.endsWith(".wasm")).length, 1);
    } finally {
      await page.close();
      await site.close();
    }
  });
}

// ── Elsewhere: each connects, calls, loses its server, calls again ──

test("in a module worker", bounded, async () => {
  const site = await serve(app);
  const page = await openPage(browser, site.url);
  try {
    await page.run(() => {
      const worker = new Worker("/page/worker.mjs", { type: "module" });
      globalThis.ask = (url) =>
        new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => (data.error ? reject(new Error(JSON.stringify(data.error))) : resolve(data.ok));
          worker.onerror = (event) => reject(new Error(event.message));
          worker.postMessage(url);
        });
    });
    await heals.with((url) => page.run((_, url) => ask(url), url));
  } finally {
    await page.close();
    await site.close();
  }
});

test("in Node, and a closed session lets the process end", bounded, async () => {
  let child;
  let said = "";
  const lines = () => said.split("\n").slice(0, -1);
  const script = `${fixtures}/node.mjs`;
  try {
    await heals.with(
      async (url) => {
        if (child) child.stdin.write("again\n");
        else {
          child = spawn(process.execPath, [script, url], { stdio: ["pipe", "pipe", "inherit"] });
          child.stdout.on("data", (data) => (said += data));
        }
        const wanted = lines().length + 1;
        await until(() => lines().length === wanted || child.exitCode !== null);
        return lines().at(-1);
      },
      // This one says goodbye.
      [...HEALED, "DELETE→200 s2"],
      async () => {
        if (child.exitCode === null) await once(child, "exit");
        assert.equal(child.exitCode, 0);
      },
    );
  } finally {
    child?.kill("SIGKILL");
  }
});

test("built by Vite 8", bounded, async () => {
  const { build } = await import("vite");
  const outDir = `${fixtures}/vite/dist`;
  await build({ root: `${fixtures}/vite`, configFile: false, logLevel: "error", build: { outDir } });
  const index = readFileSync(`${outDir}/index.html`, "utf8");
  const site = await serve(outDir, { override: (path) => (path === "/" ? { type: "text/html", body: index } : undefined) });
  try {
    await heals.inPage(site.url);
  } finally {
    await site.close();
  }
});

test("served by Vite 8 in development", bounded, async () => {
  const { createServer } = await import("vite");
  const vite = await createServer({
    root: `${fixtures}/vite`,
    configFile: false,
    logLevel: "error",
    cacheDir: ".vite",
    server: { host: "127.0.0.1", port: await freePort(), strictPort: true },
  });
  try {
    await vite.listen();
    await heals.inPage(vite.resolvedUrls.local[0]);
  } finally {
    await vite.close();
  }
});

// ── Types and README ──

for (const [module, moduleResolution] of [
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
]) {
  test(`its types hold under tsc --strict, moduleResolution ${moduleResolution}`, bounded, async () => {
    const options = ["--strict", "--noEmit", "--exactOptionalPropertyTypes", "--module", module, "--moduleResolution", moduleResolution];
    const target = ["--target", "es2022", "--lib", "esnext,dom", "--types", ""];
    await run(`${e2e}node_modules/.bin/tsc`, [...options, ...target, "types/consumer.ts", "types/helpers.ts"], { cwd: fixtures });
  });

  test(`its types need no library but the language's, moduleResolution ${moduleResolution}`, bounded, async () => {
    const options = ["--strict", "--noEmit", "--exactOptionalPropertyTypes", "--module", module, "--moduleResolution", moduleResolution];
    for (const lib of ["es2022", "es2022,webworker", "es2022,dom"]) {
      const target = ["--target", "es2022", "--lib", lib, "--types", ""];
      await run(`${e2e}node_modules/.bin/tsc`, [...options, ...target, "types/platform.ts", "types/helpers.ts"], { cwd: fixtures });
    }
  });

  test(`what sessions give and take is what the SDKs take and give, moduleResolution ${moduleResolution}`, bounded, async () => {
    const options = ["--strict", "--noEmit", "--exactOptionalPropertyTypes", "--module", module, "--moduleResolution", moduleResolution];
    const target = ["--target", "es2022", "--lib", "esnext,dom", "--types", "", "--skipLibCheck"];
    await run(`${e2e}node_modules/.bin/tsc`, [...options, ...target, "results.ts"], { cwd: await typesOfHosts() });
  });

  test(`the transport is one of each SDK's under tsc --strict, moduleResolution ${moduleResolution}`, bounded, async () => {
    const options = ["--strict", "--noEmit", "--exactOptionalPropertyTypes", "--module", module, "--moduleResolution", moduleResolution];
    // The SDKs' own declarations need more than a page has.
    const target = ["--target", "es2022", "--lib", "esnext,dom", "--types", "", "--skipLibCheck"];
    await run(`${e2e}node_modules/.bin/tsc`, [...options, ...target, "hosts.ts"], { cwd: await typesOfHosts() });
  });

  test(`components hold under tsc --strict, moduleResolution ${moduleResolution}`, bounded, async () => {
    const options = ["--strict", "--noEmit", "--exactOptionalPropertyTypes", "--module", module, "--moduleResolution", moduleResolution];
    const target = ["--target", "es2022", "--lib", "esnext,dom", "--types", "", "--skipLibCheck", "--jsx", "react-jsx"];
    await run(`${e2e}node_modules/.bin/tsc`, [...options, ...target, "screens.tsx"], { cwd: await typesOfHosts() });
  });
}

test("the README's example runs as it stands", bounded, async () => {
  const readme = readFileSync(`${root}README.md`, "utf8");
  const example = /<!-- example: run as a test -->\s*```js\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(example, "the README has a js block after <!-- example: run as a test -->");
  assert.match(example, /https?:\/\/[^"'`]+/);

  const real = await everything.start();
  const proxy = await startProxy(real.url);
  const code = example.replace(/https?:\/\/[^"'`]+/g, proxy.url);
  const body = `${code}\nglobalThis.exampleDone = true;`;
  const site = await serve(app, { override: (path) => (path === "/example.js" ? { type: "text/javascript", body } : undefined) });
  const page = await openPage(browser, site.url);
  try {
    await page.page.addScriptTag({ url: "/example.js", type: "module" });
    await page.page.waitForFunction("globalThis.exampleDone", { timeout: PATIENCE }).catch(() => {});
    assert.deepEqual(page.errors, []);
    const summary = proxy.recording.summary();
    assert.equal(summary["initialize→200 s1"], 1, JSON.stringify(summary));
    assert.ok(summary["tools/call→200 s1"] >= 1, JSON.stringify(summary));
  } finally {
    await page.close();
    await site.close();
    await proxy.close();
    await real.kill();
  }
});

// ── Details ──

/** A folder in which imports find the SDKs, and the package beside them. */
async function typesOfHosts() {
  const folder = `${fixtures}/hosts-types`;
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  for (const name of ["@modelcontextprotocol", "@ai-sdk", "@anthropic-ai", "@openai", "@types", "ai", "openai", "react", "zod"]) {
    const link = `${folder}/node_modules/${name}`;
    if (!existsSync(link)) symlinkSync(`${e2e}node_modules/${name}`, link);
  }
  // Its own declarations look for theirs where it lies.
  cpSync(packaged, `${folder}/node_modules/mcp-evergreen`, { recursive: true });
  for (const file of ["hosts.ts", "results.ts", "screens.tsx"]) cpSync(`${fixtures}/types/${file}`, `${folder}/${file}`);
  return folder;
}
