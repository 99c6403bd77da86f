// Runs scenarios of the official suite against the packed package in headless Chromium:
// `node run.mjs [--all | scenario[@version] …]`; without arguments those that are held.

import { readFileSync } from "node:fs";
import { startBrowser } from "./lib/browser.mjs";
import { catalogue, runScenario } from "./lib/suite.mjs";
import { table } from "./lib/table.mjs";

const { held, open } = JSON.parse(readFileSync(new URL("scenarios.json", import.meta.url), "utf8"));
const needs = new Map(Object.entries(open).flatMap(([what, scenarios]) => scenarios.map((scenario) => [scenario, what])));
const known = [...Object.keys(held), ...needs.keys()];

await checkCatalogue();
const chosen = choose(process.argv.slice(2));
const browser = await startBrowser();
const results = [];
for (const scenario of chosen) {
  const result = await play(scenario);
  results.push(result);
  if (result.failed) console.log(`${scenario} failed: ${result.why}`);
}
await browser.close();

console.log(`\n${table(["scenario", "specification", "checks", "minimum", "exit", "verdict"], rows())}\n`);
if (process.argv.length === 2) console.log(notRun());
const failed = results.filter((result) => result.failed).length;
console.log(`${results.filter((result) => result.good).length} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function play(scenario) {
  const before = browser.proxy.preflights;
  const { passed, total, exit, why } = await runScenario(...parts(scenario), browser.address);
  const minimum = held[scenario];
  const complaints = [
    why,
    exit !== 0 && `the suite ended with ${exit}`,
    passed < (minimum ?? 1) && `${passed} checks passed, and ${minimum ?? 1} must`,
    // A client to which the rules of CORS do not apply would hide what is wrong in a browser.
    browser.proxy.preflights === before && "the browser asked for no permission by a preflight",
  ].filter(Boolean);
  const good = complaints.length === 0;
  const failed = !good && minimum !== undefined;
  return { scenario, checks: `${passed}/${total}`, exit, good, failed, why: complaints.join("; ") };
}

function rows() {
  return results.map(({ scenario, checks, exit, good, failed }) => [
    ...parts(scenario),
    checks,
    held[scenario] ?? "",
    exit,
    failed ? "FAILED" : !good ? `needs ${needs.get(scenario)}` : scenario in held ? "passed" : "passed: could be held",
  ]);
}

/** The rest, by what it needs. */
function notRun() {
  return Object.entries(open)
    .map(([what, scenarios]) => [what, scenarios.filter((scenario) => !chosen.includes(scenario))])
    .filter(([, scenarios]) => scenarios.length > 0)
    .map(([what, scenarios]) => `Not run, needs ${what} (${scenarios.length}): ${scenarios.join(", ")}\n`)
    .join("");
}

/** The scenarios that the arguments name, with every version where they name none. */
function choose(names) {
  if (names.length === 0) return Object.keys(held);
  if (names.length === 1 && names[0] === "--all") return known;
  return names.flatMap((name) => {
    const found = known.filter((scenario) => scenario === name || parts(scenario)[0] === name);
    if (found.length === 0) fail(`there is no scenario ${name}; there are ${known.join(", ")}`);
    return found;
  });
}

/** Every scenario of the suite stands in `scenarios.json`, once, and nothing else does. */
async function checkCatalogue() {
  const all = await catalogue();
  const missing = all.filter((scenario) => !known.includes(scenario));
  const strange = known.filter((scenario, at) => !all.includes(scenario) || known.indexOf(scenario) !== at);
  if (missing.length > 0) fail(`scenarios.json lacks ${missing.join(", ")}`);
  if (strange.length > 0) fail(`scenarios.json names what the suite does not have, or names it twice: ${strange.join(", ")}`);
}

function parts(scenario) {
  return scenario.split("@");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
