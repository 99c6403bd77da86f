// The apps as their users get them: bundled and minified.

import { copyFile, mkdir, readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";
import { installed } from "../e2e/lib/install.mjs";
import { target } from "../e2e/lib/paths.mjs";

/** Where the bundles are. */
export const bundles = `${target}/bench/apps/`;
const WASM = "wasm/mcp_evergreen_bg.wasm";
/** Loaded where a session authorizes. */
const AUTH_WASM = "wasm/mcp_evergreen_auth_bg.wasm";

/** What is compared, with the names that the tables have for it. */
export const CLIENTS = {
  bare: "bare fetch",
  ours: "mcp-evergreen",
  sdk2: "TypeScript SDK 2",
  sdk1: "TypeScript SDK 1",
  transport: "SDK 2 on mcp-evergreen",
};

/** Bundles all apps; returns the names of the clients among them. */
export async function bundle() {
  const modules = `${await installed()}/node_modules`;
  const ours = `${modules}/mcp-evergreen/`;
  const names = Object.keys(CLIENTS).filter((name) => name !== "transport" || existsSync(`${ours}transport.js`));
  await build({
    entryPoints: [...names, "manager"].map((name) => fileURLToPath(new URL(`apps/${name}.mjs`, import.meta.url))),
    outdir: bundles,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    nodePaths: [modules],
    logLevel: "error",
  });
  await mkdir(`${bundles}wasm`, { recursive: true });
  for (const file of [WASM, AUTH_WASM]) await copyFile(ours + file, bundles + file);
  return names;
}

/**
 * Bytes, as they are and as brotli makes them: of an app's JavaScript, of its WebAssembly, and of both; and what comes
 * on top where it authorizes.
 */
export async function size(name) {
  const js = await measure(`${bundles}${name}.js`);
  if (!["ours", "transport"].includes(name)) return { js, all: js };
  const [wasm, auth] = [await measure(bundles + WASM), await measure(bundles + AUTH_WASM)];
  return { js, wasm, auth, all: { raw: js.raw + wasm.raw, brotli: js.brotli + wasm.brotli } };
}

async function measure(path) {
  const bytes = await readFile(path);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return { raw: bytes.length, brotli: brotliCompressSync(bytes, { params }).length };
}
