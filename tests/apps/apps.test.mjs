// The packed package in the apps of its users: bundlers, runtimes, workers, servers. In each the server is restarted
// under the app, which goes on.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { rspack } from "@rspack/core";
import { build as esbuild } from "esbuild";
import { publint } from "publint";
import { rollup } from "rollup";
import webpack from "webpack";
import { compared, isWorse } from "../conformance/lib/compare.mjs";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { HEALED, healing } from "../e2e/lib/heals.mjs";
import { installed, tarball } from "../e2e/lib/install.mjs";
import { e2e, root } from "../e2e/lib/paths.mjs";
import { freePort } from "../e2e/lib/ports.mjs";
import { run } from "../e2e/lib/processes.mjs";
import { startProxy, withLeisure } from "../e2e/lib/proxy.mjs";
import { typescriptSdk } from "../e2e/lib/servers.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { PATIENCE, until } from "../e2e/lib/until.mjs";

const bounded = { timeout: 180_000 };
const WASM = "wasm32-unknown-unknown";
/** Compiled sooner; and whole: an incremental build of WebAssembly may leave a symbol in two objects. */
const WITHOUT_DEBUG = { CARGO_PROFILE_DEV_DEBUG: "false", CARGO_INCREMENTAL: "0" };
const here = fileURLToPath(new URL(".", import.meta.url));
const page = (script, type = "module") => ({ type: "text/html", body: `<!doctype html><script type="${type}" src="${script}"></script>` });

let app;
let wasm;
/** The sources, where imports find the package. */
let src;
let server;
let browser;
let heals;
before(async () => {
  app = await installed();
  wasm = `${app}/node_modules/mcp-evergreen/wasm`;
  src = mkdtempSync(`${app}/apps-`);
  cpSync(`${here}src`, src, { recursive: true });
  server = await typescriptSdk.start();
  browser = await launchBrowser();
  heals = healing(server, browser);
});
after(async () => {
  await browser?.close();
  await server?.kill();
  if (src) rmSync(src, { recursive: true, force: true });
});

/** A folder for what this app is built to. */
function out(name) {
  const folder = `${src}/dist-${name}`;
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function served(folder, options = {}) {
  const site = await serve(folder, { override: (path) => (path === "/" ? (options.page ?? page("/main.js")) : undefined), ...options.serve });
  try {
    await heals.inPage(site.url);
  } finally {
    await site.close();
  }
}

// ── Without a build ──

test("a plain module script", bounded, async () => {
  const plain = readFileSync(`${src}/main.js`, "utf8").replace('"mcp-evergreen"', '"/node_modules/mcp-evergreen/index.js"');
  const override = (path) => {
    if (path === "/") return page("/plain.js");
    return path === "/plain.js" ? { type: "text/javascript", body: plain } : undefined;
  };
  await served(app, { serve: { override } });
});

test("a module script with an import map, under script-src 'self' 'wasm-unsafe-eval'", bounded, async () => {
  const map = '{"imports":{"mcp-evergreen":"/node_modules/mcp-evergreen/index.js"}}';
  const body = `<!doctype html><script type="importmap" nonce="m">${map}</script><script type="module" src="/main.js"></script>`;
  const headers = { "content-security-policy": "script-src 'self' 'wasm-unsafe-eval' 'nonce-m'" };
  const override = (path) => {
    if (path === "/") return { type: "text/html", body };
    return path === "/main.js" ? fileAt(`${src}/main.js`) : undefined;
  };
  await served(app, { serve: { override, headers } });
});

test("a service worker", bounded, async () => {
  const page = `<!doctype html><script type="module">
    await navigator.serviceWorker.register("/sw.js", { type: "module" });
    const { active } = await navigator.serviceWorker.ready;
    globalThis.whoami = (url) => new Promise((resolve, reject) => {
      navigator.serviceWorker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.ok));
      active.postMessage(url);
    });
  </script>`;
  const override = (path) => {
    if (path === "/") return { type: "text/html", body: page };
    return path === "/sw.js" ? fileAt(`${src}/sw.js`) : undefined;
  };
  await served(app, { serve: { override } });
});

// ── Bundlers that know `new URL(…, import.meta.url)` ──

for (const [name, compiler] of [
  ["webpack 5", webpack],
  ["Rspack", rspack],
]) {
  test(name, bounded, async () => {
    const folder = out(name.split(" ")[0]);
    const config = {
      mode: "production",
      devtool: false,
      context: src,
      entry: `${src}/main.js`,
      output: { path: folder, filename: "main.js", publicPath: "auto" },
      performance: false,
    };
    const stats = await new Promise((resolve, reject) => {
      const made = compiler(config, (error, stats) => (error ? reject(error) : made.close(() => resolve(stats))));
    });
    assert.deepEqual(stats.toJson({ errors: true, warnings: true }).errors, []);
    assert.deepEqual(stats.toJson({ errors: true, warnings: true }).warnings, []);
    await served(folder, { page: page("/main.js", "text/javascript") });
  });
}

for (const version of [6, 7]) {
  const load = () => import(`vite-${version}`);

  test(`built by Vite ${version}`, bounded, async () => {
    const { build } = await load();
    const folder = out(`vite${version}`);
    writeFileSync(`${src}/index.html`, page("./main.js").body);
    await build({ root: src, configFile: false, logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
    await served(folder, { page: { type: "text/html", body: readFileSync(`${folder}/index.html`, "utf8") } });
  });

  test(`served by Vite ${version} in development, with what the loader's message says`, bounded, async () => {
    const { createServer } = await load();
    writeFileSync(`${src}/index.html`, page("./main.js").body);
    for (const optimizeDeps of [{}, { exclude: ["mcp-evergreen"] }]) {
      const vite = await createServer({
        root: src,
        configFile: false,
        logLevel: "silent",
        cacheDir: `${src}/.vite-${version}-${Object.keys(optimizeDeps).length}`,
        optimizeDeps,
        server: { host: "127.0.0.1", port: await freePort(), strictPort: true, hmr: false },
      });
      try {
        await vite.listen();
        if (optimizeDeps.exclude) await heals.inPage(vite.resolvedUrls.local[0]);
        else assert.match(await failureIn(vite.resolvedUrls.local[0]), /optimizeDeps: \{ exclude: \["mcp-evergreen"\] \}/);
      } finally {
        await vite.close();
      }
    }
  });
}

async function failureIn(url) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    await page.waitForFunction("globalThis.whoami", { timeout: PATIENCE });
    return await page.evaluate((url) => whoami(url).then(() => "it worked", ({ message }) => message), server.url);
  } finally {
    await page.close();
  }
}

// ── Bundlers that leave it alone: with the WebAssembly in the bundle, or from where the app has it ──

for (const entry of ["inline", "elsewhere"]) {
  const assets = (folder) => {
    if (entry === "inline") return;
    mkdirSync(`${folder}/assets`, { recursive: true });
    copyFileSync(`${wasm}/mcp_evergreen_bg.wasm`, `${folder}/assets/mcp.wasm`);
    copyFileSync(`${wasm}/mcp_evergreen_auth_bg.wasm`, `${folder}/assets/mcp_auth.wasm`);
  };

  test(`Rollup, ${entry}`, bounded, async () => {
    const folder = out(`rollup-${entry}`);
    const bundle = await rollup({ input: `${src}/${entry}.js`, plugins: [nodeResolve({ browser: true })], onwarn: (warning) => assert.fail(warning.message) });
    await bundle.write({ file: `${folder}/main.js`, format: "es" });
    await bundle.close();
    assets(folder);
    await served(folder);
  });

  for (const format of entry === "inline" ? ["esm", "iife"] : ["esm"]) {
    test(`esbuild, ${entry}, ${format}`, bounded, async () => {
      const folder = out(`esbuild-${entry}-${format}`);
      await esbuild({
        entryPoints: [`${src}/${entry}.js`],
        outfile: `${folder}/main.js`,
        bundle: true,
        minify: true,
        format,
        // What stays unused has no address in a classic script.
        logOverride: { "empty-import-meta": "silent" },
        logLevel: "error",
      });
      assets(folder);
      await served(folder, { page: page("/main.js", format === "iife" ? "text/javascript" : "module") });
    });
  }
}

// ── Runtimes ──

const node22 = `${root}tests/conformance/node_modules/node/bin/node`;
const script = () => `${src}/node.mjs`;
for (const [name, command, args] of [
  [`Node.js ${process.versions.node.split(".")[0]}`, process.execPath, (url) => [script(), url]],
  ["Node.js 22", node22, (url) => [script(), url]],
  ["Deno", `${here}node_modules/.bin/deno`, (url) => ["run", "--no-lock", "--allow-net=127.0.0.1", "--allow-read", "--allow-env", script(), url]],
  ["Bun", `${here}node_modules/.bin/bun`, (url) => [script(), url]],
]) {
  test(name, bounded, async () => {
    cpSync(`${e2e}fixtures/node.mjs`, script());
    let child;
    let said = "";
    const lines = () => said.split("\n").slice(0, -1);
    try {
      await heals.with(
        async (url) => {
          const wanted = lines().length + 1;
          if (child) child.stdin.end("again\n");
          else {
            child = spawn(command, args(url), { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" } });
            child.stdout.on("data", (data) => (said += data));
            child.stderr.on("data", (data) => (said += `stderr: ${data}`));
          }
          await until(() => lines().length >= wanted || child.exitCode !== null);
          return lines().at(-1);
        },
        [...HEALED, "DELETE→200 s2"],
        async () => {
          if (child.exitCode === null) await once(child, "exit");
          assert.equal(child.exitCode, 0);
        },
      );
    } catch (error) {
      error.message += `\n${said}`;
      throw error;
    } finally {
      child?.kill("SIGKILL");
    }
  });
}

// ── In Rust ──

for (const framework of ["yew", "leptos"]) {
  test(`a Rust app with ${framework}: the tools of a server as buttons`, { timeout: 900_000 }, async () => {
    const target = `${root}target/example`;
    const folder = out(framework);
    const manifest = ["--manifest-path", `${root}examples/${framework}/Cargo.toml`];
    await run("cargo", ["build", "--locked", ...manifest, "--target", WASM, "--target-dir", target], { env: WITHOUT_DEBUG, timeout: 890_000 });
    const built = `${target}/${WASM}/debug/mcp-evergreen-${framework}.wasm`;
    await run(process.env.WASM_BINDGEN, ["--target=web", "--no-typescript", "--out-name=app", "--out-dir", folder, built]);
    const start = `<!doctype html><body></body><script type="module">import init from "/app.js"; await init();</script>`;
    const site = await serve(folder, { override: (path) => (path === "/" ? { type: "text/html", body: start } : undefined) });
    const proxy = await startProxy(server.url);
    withLeisure(proxy);
    const page = await browser.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error?.message ?? error)));
    const text = (selector) => page.$eval(selector, (element) => element.textContent).catch(() => "");
    try {
      await page.goto(`${site.url}?${proxy.url}`);
      const click = async (tool, args, answer) => {
        await until(() => page.$(`::-p-xpath(//button[. = "${tool}"])`));
        await page.$eval("textarea", (field, value) => {
          field.value = value;
          field.dispatchEvent(new Event("input", { bubbles: true }));
        }, JSON.stringify(args));
        await (await page.$(`::-p-xpath(//button[. = "${tool}"])`)).click();
        await until(async () => (await text("output")) === answer);
      };
      const [before, after] = [`${framework}-before`, `${framework}-after`];
      await click("count", { key: before }, `counted ${before}`);
      assert.equal(await text("[role=status]"), "");
      await server.restart();
      await click("count", { key: after }, `counted ${after}`);
      await until(async () => /^Session 2: /.test(await text("[role=status]")));
      // The server has written down what it ran.
      const { [before]: once, [after]: again } = server.executions.started();
      assert.deepEqual([once, again], [1, 1]);
      // Beside the calls the list of the new session is compared with the one that the app has seen.
      const calls = proxy.recording.transcript().filter((line) => !line.startsWith("tools/list"));
      assert.deepEqual(calls, HEALED);
      assert.deepEqual(errors, []);
    } catch (error) {
      error.stack += `\n\nOn the wire:\n  ${proxy.recording.transcript().join("\n  ")}\nIn the page:\n  ${errors.join("\n  ")}`;
      throw error;
    } finally {
      await page.close();
      await proxy.close();
      await site.close();
    }
  });
}

for (const target of [[], ["--target", WASM]]) {
  test(`cargo package${target.length ? ", for wasm32" : ""}`, { timeout: 600_000 }, async () => {
    const folder = ["--target-dir", `${root}target/example`];
    await run("cargo", ["package", "--package", "mcp-evergreen", "--allow-dirty", ...folder, ...target], { cwd: root, env: WITHOUT_DEBUG, timeout: 590_000 });
  });
}

// ── On a server that renders ──

test("Vite's server-side rendering: importing every entry does nothing", bounded, async () => {
  const { createServer } = await import("vite-7");
  for (const name of ["react", "react-dom"]) {
    const link = `${src}/node_modules/${name}`;
    mkdirSync(`${src}/node_modules`, { recursive: true });
    if (!existsSync(link)) symlinkSync(`${e2e}node_modules/${name}`, link);
  }
  const vite = await createServer({
    root: src,
    configFile: false,
    logLevel: "error",
    appType: "custom",
    server: { middlewareMode: true, hmr: false },
    // Bundled with the app, as frameworks do with what is no plain Node.js package.
    ssr: { noExternal: ["mcp-evergreen"] },
    resolve: { dedupe: ["react"] },
  });
  const fetched = [];
  const { fetch } = globalThis;
  globalThis.fetch = (...args) => (fetched.push(args), fetch(...args));
  try {
    const { render } = await vite.ssrLoadModule("/server.js");
    assert.equal(render("https://mcp.test/mcp"), "<p>connecting</p> function function");
    assert.deepEqual(fetched, []);
  } finally {
    globalThis.fetch = fetch;
    await vite.close();
  }
});

// ── The official suite ──

test("the SDK's Client passes no check less over our transport than over its own", { timeout: 300_000 }, async () => {
  const names = ["initialize@2025-11-25", "tools_call", "sse-retry", "elicitation-sep1034-client-defaults", "request-metadata", "auth/scope-step-up"];
  let played = 0;
  for await (const result of compared(names)) {
    const { name, own, ours } = result;
    assert.ok(own.passed > 0, name);
    assert.ok(!isWorse(result), `${name}: ${ours.passed}/${ours.total}, not ${own.passed}/${own.total}: ${ours.why}`);
    played++;
  }
  assert.equal(played, 9);
});

// ── What others say of the package ──

test("publint has nothing to say", bounded, async () => {
  const { messages } = await publint({ pkgDir: `${app}/node_modules/mcp-evergreen`, strict: true });
  assert.deepEqual(messages, []);
});

test("attw --profile esm-only has nothing to say", bounded, async () => {
  // A .wasm is for `init` and for copying, not for a type checker.
  const binaries = ["./wasm/mcp_evergreen_bg.wasm", "./wasm/mcp_evergreen_auth_bg.wasm"];
  const only = ["--profile", "esm-only", "--exclude-entrypoints", ...binaries, "--no-color"];
  await run(`${here}node_modules/.bin/attw`, [tarball(), ...only]);
});
