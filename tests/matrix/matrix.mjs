// `node matrix.mjs [--save] [name…]`: real servers, evicted the way it happens, under the packed
// package in headless Chromium. Prints the tables; --save writes them to docs/matrix.md. With names,
// only the servers whose name and version hold one of them. Ends with 1 when a row is not as it must be.

import { mkdir, writeFile } from "node:fs/promises";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { installed } from "../e2e/lib/install.mjs";
import { root } from "../e2e/lib/paths.mjs";
import { serve } from "../e2e/lib/static.mjs";
import { endInFlight, endings, evict, inModernEra, resend, soundDead } from "./plays.mjs";
import { SERVERS } from "./servers.mjs";
import { report } from "./report.mjs";
import { startVisits } from "./visits.mjs";

const save = process.argv.includes("--save");
const names = process.argv.slice(2).filter((argument) => argument !== "--save");

const entries = [];
for (const entry of SERVERS) entries.push({ ...entry, version: await entry.version() });
const chosen = entries.filter(({ name, version }) => names.length === 0 || names.some((part) => `${name} ${version}`.includes(part)));
if (chosen.length === 0) throw new Error(`no server is called ${names.join(" or ")}`);

const site = await serve(await installed());
const browser = await launchBrowser();
const visits = await startVisits();
const house = { browser, site, visits };
const began = Date.now();

const tables = { evicted: [], inFlight: [], soundsDead: [], resent: [], modern: [] };
for (const entry of chosen) {
  for (const ending of endings(entry)) await add("evicted", entry, ending, () => evict(house, entry, ending));
  for (const ending of endings(entry)) {
    // Elsewhere a session in which a tool runs does not count as idle.
    if (ending === "idle" && !entry.idleEndsRunning) continue;
    await add("inFlight", entry, ending, () => endInFlight(house, entry, ending));
  }
  if (entry.fails) await add("soundsDead", entry, "tool throws", () => soundDead(house, entry));
  if (entry.era) await add("modern", entry, "restart", () => inModernEra(house, entry));
  if (entry.json) await add("resent", entry, "socket destroyed", () => resend(house, entry));
}

async function add(table, entry, ending, play) {
  const { name, version, cors } = entry;
  const from = Date.now();
  const row = await play().catch((error) => ({ problems: [error.message] }));
  tables[table].push({ name, version, cors, ending, ...row });
  const verdict = row.problems.length === 0 ? "ok" : `FAILED: ${row.problems.join("; ")}`;
  console.error(`${name} ${version}, ${table}, ${ending}: ${verdict} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
}

const seconds = Math.round((Date.now() - began) / 1000);
const text = report(tables, { chromium: await browser.version(), seconds });
await browser.close();
await site.close();
await visits.close();

console.log(text);
const failed = Object.values(tables).flat().filter(({ problems }) => problems.length > 0);
if (save && names.length === 0) {
  await mkdir(`${root}docs`, { recursive: true });
  await writeFile(`${root}docs/matrix.md`, text);
}
console.error(failed.length === 0 ? `Every row is as it must be (${seconds} s).` : `${failed.length} rows are not as they must be.`);
process.exit(failed.length === 0 ? 0 : 1);
