// The TypeScript SDK's Client over its own transport and over ours, in every scenario of the official suite:
// `node compare.mjs [scenario[@version] …]`. Ours must pass no check less.

import { fileURLToPath } from "node:url";
import { installed } from "../e2e/lib/install.mjs";
import { e2e } from "../e2e/lib/paths.mjs";
import { catalogue, runScenario } from "./lib/suite.mjs";

const client = fileURLToPath(new URL("sdk_client.mjs", import.meta.url));
const PACKAGE = `${await installed()}/node_modules/mcp-evergreen`;
const wanted = process.argv.slice(2);
const scenarios = (await catalogue()).filter((name) => wanted.length === 0 || wanted.some((one) => one === name || name.startsWith(`${one}@`)));

let worse = 0;
let better = 0;
for (const name of scenarios) {
  const run = (OVER) => runScenario(...name.split("@"), undefined, { client, env: { OVER, PACKAGE, SDK: e2e } });
  const [own, ours] = await Promise.all([run("own"), run("ours")]);
  if (ours.passed < own.passed) worse++;
  if (ours.passed > own.passed) better++;
  const verdict = ours.passed < own.passed ? `WORSE: ${ours.why}` : ours.passed > own.passed ? "better" : "";
  console.log([name, `${own.passed}/${own.total}`, `${ours.passed}/${ours.total}`, verdict].join("  "));
}
console.log(`${scenarios.length - worse} passed, ${worse} failed (${better} better)`);
process.exitCode = worse > 0 ? 1 : 0;
