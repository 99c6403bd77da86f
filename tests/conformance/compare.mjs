// `node compare.mjs [--by-the-sdk] [scenario[@version] …]`: over our transport the SDK's Client must pass no smaller share of
// the checks than over its own, with every provider that the SDK ships. By itself it authorizes, or by the SDK's `auth`.

import { compared, isWorse } from "./lib/compare.mjs";

let passed = 0;
let failed = 0;
const [first, ...rest] = process.argv.slice(2);
const isByTheSdk = first === "--by-the-sdk";
const wanted = isByTheSdk ? rest : process.argv.slice(2);
for await (const result of compared(wanted, isByTheSdk ? "ours, by the SDK" : "ours")) {
  const { name, own, ours } = result;
  const worse = isWorse(result);
  if (worse) failed++;
  else passed++;
  console.log(`${name}: ${own.passed}/${own.total} over its own, ${ours.passed}/${ours.total} over ours${worse ? `: ${ours.why}` : ""}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
