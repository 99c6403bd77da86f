// The field: every row of the table is played with our package and with the TypeScript SDK, and docs/field.md is written.
// Then each is played in a page of headless Chromium.
//   node tests/field/run.mjs [--write] [--node] [ID …]      --write: docs/field.md is written; --node: without Chromium
// The package is the one that `cargo xtask build` left, and the SDK the one of tests/e2e: `cargo xtask field` sees to both.

import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { installed } from "../e2e/lib/install.mjs";
import { e2e } from "../e2e/lib/paths.mjs";
import { inPage } from "./browser.mjs";
import { ours } from "./plays.mjs";
import { page } from "./report.mjs";
import { sdk, sdkOf } from "./sdk.mjs";
import { serve } from "./server.mjs";

const words = process.argv.slice(2);
const only = words.filter((word) => !word.startsWith("--"));
const AT_ONCE = 12;

const tables = [];
for (const name of readdirSync(new URL("rows/", import.meta.url)).sort()) tables.push(await import(`./rows/${name}`));
const rows = tables.flatMap(({ title, rows }) => rows.map((row) => ({ title, ...row })));
const twice = rows.map(({ id }) => id).filter((id, at, all) => all.indexOf(id) !== at);
if (twice.length > 0) throw new Error(`two rows are called ${twice}`);

const chosen = rows.filter(({ id }) => only.length === 0 || only.includes(id));
const app = await installed();
const [evergreen, theirs] = await Promise.all([import(`${app}/node_modules/mcp-evergreen/index.js`), sdkOf(e2e)]);
const results = new Map();
const failures = [];
await atOnce(async (row) => {
  const mine = await played(row, (it) => ours(evergreen, it));
  const others = await played(row, (it) => sdk(theirs, it));
  const does = copes(row, others);
  const wrong = verdict(row, mine);
  // Whoever gets one page by itself is given the same.
  if (row.plays) wrong.push(...verdict(row, await played({ ...row, play: row.plays }, (it) => ours(evergreen, it))).map((line) => `${row.plays}: ${line}`));
  if (others.value !== undefined && mine.failed !== undefined && !row.exempt) wrong.push(`the SDK comes to “${others.value}”`);
  results.set(row.id, { ours: mine, sdk: others, copes: does, wrong });
  if (wrong.length > 0) failures.push(["in Node", row, mine, wrong]);
});

const inBrowser = words.includes("--node") ? [] : chosen.filter(({ page }) => page !== false);
const browser = inBrowser.length > 0 ? await inPage(app) : undefined;
await atOnce(async (plain) => {
  const row = { ...plain, ...plain.page };
  const mine = await played(row, browser.play);
  const wrong = verdict(row, mine);
  if (wrong.length > 0) failures.push(["in Chromium", row, mine, wrong]);
}, inBrowser);
await browser?.close();

for (const [where, row, played, wrong] of failures) {
  console.log(`✗ ${row.id}, ${where}: the server ${row.server}`);
  for (const line of wrong) console.log(`    ${line}`);
  console.log(`    wire: ${played.wire.join(" | ")}`);
}
if (words.includes("--write") && only.length === 0) {
  const { version } = JSON.parse(await readFile(`${e2e}node_modules/@modelcontextprotocol/client/package.json`, "utf8"));
  await writeFile(new URL("../../docs/field.md", import.meta.url), page(tables, results, version));
}
console.log(`${chosen.length + inBrowser.length - failures.length} passed, ${failures.length} failed`);
process.exit(failures.length > 0 ? 1 : 0);

async function atOnce(play, rows = chosen) {
  const queue = [...rows];
  const work = async () => {
    for (let row; (row = queue.shift()); ) await play(row);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function played(row, play) {
  const server = await serve(row.on);
  try {
    const started = Date.now();
    const said = await play({ url: server.url, play: row.play, options: row.options, signsIn: row.signsIn });
    return { ...said, wire: [...server.wire], took: Date.now() - started };
  } finally {
    server.stop();
  }
}

/** Whether a result is what the row says, whoever it is of. */
function isRight(row, { value, failed, code }) {
  if (row.value !== undefined) return value === row.value;
  return failed !== undefined && (row.code === undefined || row.code === code) && (row.failed === undefined || failed.startsWith(row.failed));
}

/** What is wrong with what our package made of it: the result, the warning, and what went over the wire. */
function verdict(row, played) {
  const { value, failed, excerpt, warnings, wire } = played;
  const wrong = [];
  if (!isRight(row, played)) wrong.push(`it came to ${JSON.stringify(value ?? failed)}, not to ${JSON.stringify(row.value ?? row.failed ?? row.code)}`);
  if (row.diagnosis && !failed?.includes(`(${row.diagnosis})`)) wrong.push(`it is not told as ${row.diagnosis}: ${failed}`);
  if (row.says && !`${failed} ${excerpt}`.includes(row.says)) wrong.push(`it does not say “${row.says}”: ${failed} ${excerpt}`);
  if (row.warning && !warnings.includes(row.warning)) wrong.push(`no warning ${row.warning}: ${warnings}`);
  // A ping that nobody waits for may go out before all is over.
  const pings = failed !== undefined || row.pings;
  const split = (line) => (line.includes("|") ? line.split("|") : line.split(" "));
  const seen = wire.filter((line) => !/^(DELETE|GET|cancelled)\b|^answer$/.test(line)).join(" | ");
  const bare = pings ? seen.replace(/ \| ping$/, "") : seen;
  const expected = [row.wire, row.wireMay].filter(Boolean).map((line) => split(line).filter((one) => one !== "DELETE").join(" | "));
  if (!expected.includes(seen) && !expected.includes(bare)) wrong.push(`not on the wire: ${expected.join(" or ")}`);
  for (const method of row.sees ?? []) if (!wire.includes(method)) wrong.push(`no ${method} was sent`);
  return wrong;
}

/** Whether the SDK does as well: the same value; or it says that it failed, and does not only run out of time. */
function copes(row, { value, failed, took }) {
  if (row.value !== undefined) return value === row.value.replace(", healed", "");
  return failed !== undefined && took < 2_000;
}
