// All clients beside one another, round by round, in one headless Chromium.
// `node bench.mjs [--smoke] [--save] [work…]`

import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { CLIENTS, bundle, bundles, size } from "./bundle.mjs";
import { afar, crowd, herd, memory, oneCall } from "./feats.mjs";
import { Lab } from "./lab.mjs";
import { printed, save } from "./report.mjs";
import { startServer } from "./server.mjs";
import { events, manySessions, restored, tools } from "./scale.mjs";
import { requests } from "./start.mjs";
import { crossings, perCall } from "./thread.mjs";
import { WORKS } from "./works.mjs";

const THREADS = { perCall: perCall(1), perCall4: perCall(4), perCall6: perCall(6) };
const FEATS = { oneCall, requests, crossings, ...THREADS, herd, crowd, manySessions, tools, manyEvents: events, restored, memory, afar };
/** Not of a few calls. */
const LONG = ["perCall4", "perCall6"];
const { smoke, saves, chosen } = readArguments(process.argv.slice(2));
/** Rounds, by how much slower the processor is made: six times is about a phone. */
const ROUNDS = smoke ? { 1: 1 } : { 1: 9, 6: 3 };

const clients = await bundle();
const server = await startServer();
const site = await serve(bundles, { override });
const browser = await launchBrowser();
const lab = new Lab({ browser, site, server });

const results = {
  date: new Date().toISOString().slice(0, 10),
  machine: { browser: await browser.version(), processors: cpus().length, processor: cpus()[0].model, load: loadavg()[1] },
  clients: Object.fromEntries(clients.map((name) => [name, CLIENTS[name]])),
  sizes: Object.fromEntries(await Promise.all(clients.map(async (name) => [name, await size(name)]))),
  works: [],
  feats: [],
};
/** A row could not be measured. */
let hasFailed = false;
// As it goes: what was measured is kept, whatever becomes of the rest.
const keep = async () => {
  results.machine.load = Math.max(results.machine.load, loadavg()[1]);
  if (saves) await save(results);
};
for (const [slowdown, rounds] of Object.entries(ROUNDS)) {
  for (const work of WORKS.filter(isChosen)) {
    say(`${work.title}${slowdown > 1 ? `, ${slowdown} times slower` : ""}…`);
    const how = { slowdown: Number(slowdown), rounds, smoke };
    const { value = nothing(work, how), cut } = await measured(() => lab.compare(work, clients, how));
    results.works.push({ ...value, cut });
    await keep();
  }
}
for (const [name, run] of Object.entries(FEATS).filter(([name]) => isChosen({ name }) && !(smoke && LONG.includes(name)))) {
  say(`${name}…`);
  const { value = [], cut } = await measured(() => run(lab, { smoke }));
  results.feats.push(...value);
  if (cut) results.feats.push({ name, title: `${name}: ${cut}` });
  await keep();
}
await browser.close();
await Promise.all([site.close(), server.close()]);

console.log(printed(results));
// What can be counted must be right. Times are reported: they are the machine's as well, and what misses its target is
// explained in docs/bench.md.
const exact = results.feats.filter(({ exact }) => exact);
const wrong = exact.filter(({ good }) => !good).length;
console.log(`${exact.length - wrong} passed, ${wrong} failed`);
process.exitCode = wrong > 0 || hasFailed ? 1 : 0;

/** Ours must do it; whatever becomes of it, the others are measured. */
async function measured(run) {
  const row = await lab.row(run);
  if (row.cut) say(`  ${row.cut}`);
  hasFailed ||= row.failed === true;
  return row;
}

function nothing({ name, title, target: { of, atMost } }, { slowdown }) {
  return { name, title, slowdown, rounds: 0, failed: {}, clients: {}, of, atMost, good: false };
}

function isChosen({ name }) {
  return chosen.length === 0 || chosen.includes(name);
}

function override(path) {
  if (path === "/work.mjs") return fileAt(fileURLToPath(new URL("page/work.mjs", import.meta.url)));
  if (path.startsWith("/apps/")) return fileAt(bundles + path.slice("/apps/".length));
  return undefined;
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function readArguments(given) {
  const flags = given.filter((argument) => argument.startsWith("--"));
  const chosen = given.filter((argument) => !argument.startsWith("--"));
  const names = [...WORKS, ...Object.keys(FEATS).map((name) => ({ name }))].map(({ name }) => name);
  const unknown = [...flags.filter((flag) => !["--smoke", "--save"].includes(flag)), ...chosen.filter((name) => !names.includes(name))];
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(", ")}; there are --smoke, --save, ${names.join(", ")}`);
  return { smoke: flags.includes("--smoke"), saves: flags.includes("--save"), chosen };
}
