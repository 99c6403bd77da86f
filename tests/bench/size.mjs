// What a minimal app ships with each client, where the bytes of our WebAssembly are, and whether that is within the
// budget. `node size.mjs <the module with its names> [--functions] [--plain]`; `--plain`: the package was compiled plainly, which
// the budget is not for.

import { readFile } from "node:fs/promises";
import { CLIENTS, bundle, size } from "./bundle.mjs";
import { byModule, sections } from "./wasm.mjs";

const named = sections(await readFile(process.argv[2]));
const budget = JSON.parse(await readFile(new URL("budget.json", import.meta.url)));
const names = (await bundle()).filter((name) => name !== "bare");

console.log("Where the WebAssembly's bytes are, not compressed");
const modules = byModule(named.functions);
print([...modules.slice(0, 40), rest(modules.slice(40)), ["data", named.data], ["all else", named.other]]);
if (process.argv.includes("--functions")) {
  console.log("\nThe largest functions");
  print(named.functions.toSorted((a, b) => b[1] - a[1]).slice(0, 60));
}

console.log("\nWhat a minimal app ships, minified: bytes, and as brotli makes them");
const sizes = new Map();
for (const name of names) sizes.set(name, await size(name));
for (const [name, { js, wasm, auth, all }] of sizes) {
  const share = all.brotli / sizes.get("sdk2").all.brotli;
  const parts = wasm ? ` (JavaScript ${js.brotli}, WebAssembly ${wasm.brotli}; where it authorizes, ${auth.brotli} more)` : "";
  console.log(`${String(all.raw).padStart(8)} ${String(all.brotli).padStart(7)}  ${CLIENTS[name]}${parts}: ${share.toFixed(2)} × SDK 2`);
}

const { brotli } = sizes.get("ours").all;
if (process.argv.includes("--plain")) {
  console.log(`
Not judged: this package was compiled plainly, since Rust's component rust-src is missing or this version of Rust does
not take the flags that make it smaller. It has ${brotli} bytes; the budget of tests/bench/budget.json, ${budget.brotli}, is for the
package as it is published. Get it with \`rustup component add rust-src\`.`);
} else if (brotli > budget.brotli) {
  console.log(`\nOver the budget of tests/bench/budget.json: ${brotli} bytes, ${budget.brotli} are allowed.`);
  process.exitCode = 1;
} else {
  console.log(`\nWithin the budget of ${budget.brotli} bytes, ${budget.brotli - brotli} are left.`);
  // So that what was won is not lost again unseen.
  if (brotli < budget.brotli - budget.slack) console.log("Lower the budget in tests/bench/budget.json.");
}

function rest(modules) {
  return [`${modules.length} others`, modules.reduce((sum, [, bytes]) => sum + bytes, 0)];
}

function print(lines) {
  for (const [name, bytes] of lines) console.log(`${String(bytes).padStart(8)}  ${name.slice(0, 140)}`);
}
