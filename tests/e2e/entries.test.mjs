// The packed package as bundlers and the compiler of TypeScript see it: publint, and Are the types wrong?

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { publint } from "publint";
import { installed, tarball } from "./lib/install.mjs";
import { e2e } from "./lib/paths.mjs";
import { run } from "./lib/processes.mjs";

const bounded = { timeout: 180_000 };
const packaged = `${await installed()}/node_modules/mcp-evergreen`;

test("publint has nothing to say", bounded, async () => {
  const { messages } = await publint({ pkgDir: packaged, pack: false, strict: true });
  assert.deepEqual(messages, []);
});

test("the types of each entry are those of its module", bounded, async () => {
  const { exports } = JSON.parse(readFileSync(`${packaged}/package.json`, "utf8"));
  // WebAssembly has no types.
  const wasm = Object.keys(exports).filter((entry) => entry.endsWith(".wasm")).map((entry) => entry.slice(2));
  await run(`${e2e}node_modules/.bin/attw`, [tarball(), "--profile", "esm-only", "--exclude-entrypoints", ...wasm]);
});
