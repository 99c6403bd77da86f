// `node compare.mjs [scenario[@version] …]`: over our transport the SDK's Client must pass no check less than over its own.

import { compared } from "./lib/compare.mjs";

let passed = 0;
let failed = 0;
for await (const { name, own, ours } of compared(process.argv.slice(2))) {
  const isWorse = ours.passed < own.passed;
  if (isWorse) failed++;
  else passed++;
  console.log(`${name}: ${own.passed}/${own.total} over its own, ${ours.passed}/${ours.total} over ours${isWorse ? `: ${ours.why}` : ""}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
