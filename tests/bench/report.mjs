// The results as a table for the terminal, as JSON, as a plot, and as the README's table.

import { readFile, writeFile } from "node:fs/promises";
import { root } from "../e2e/lib/paths.mjs";
import { plot } from "./plot.mjs";

const [BEGIN, END] = ["<!-- bench: written by cargo xtask bench --save -->", "<!-- end of bench -->"];

/** For the terminal. */
export function printed(results) {
  const table = [header(results), ...rows(results, full)];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
  const feats = results.feats.map(
    ({ title, value, limit, detail, good }) =>
      `${mark(good)} ${title}: ${number(value)}${limit === undefined ? "" : ` (limit ${limit})`}${detail ? `; ${detail}` : ""}`,
  );
  const legend = "Milliseconds (times the reference; the page's thread alone)";
  return [legend, ...lines, "", ...feats].join("\n");
}

/** Writes `docs/bench.json`, `docs/bench.svg` and the README's table. What was not run now stays as it was. */
export async function save(now) {
  const before = await readFile(`${root}docs/bench.json`, "utf8").then(JSON.parse, () => ({ works: [], feats: [] }));
  const results = {
    ...now,
    works: merged(before.works, now.works, ({ name, slowdown }) => `${name} ${slowdown}`),
    feats: merged(before.feats, now.feats, ({ name }) => name),
  };
  await writeFile(`${root}docs/bench.json`, `${JSON.stringify(results, undefined, 2)}\n`);
  await writeFile(`${root}docs/bench.svg`, plot(results));
  const path = `${root}README.md`;
  const readme = await readFile(path, "utf8");
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`README.md must hold "${BEGIN}" and "${END}"`);
  await writeFile(path, `${readme.slice(0, from)}${BEGIN}\n${markdown(results)}\n${readme.slice(to)}`);
}

/** In the order of the old ones, what is new behind them. */
function merged(old, now, key) {
  const isNew = (item) => !old.some((known) => key(known) === key(item));
  const keys = [...new Set(old.map(key))];
  const current = (wanted) => {
    const fresh = now.filter((item) => key(item) === wanted);
    return fresh.length > 0 ? fresh : old.filter((item) => key(item) === wanted);
  };
  return [...keys.flatMap(current), ...now.filter(isNew)];
}

function markdown(results) {
  const { date, machine } = results;
  const row = (cells) => `| ${cells.join(" | ")} |`;
  const [head, ...body] = [header(results), ...rows(results, brief)];
  const feats = results.feats.map(({ title, value, limit }) =>
    row([title, number(value), limit === undefined ? "" : `${limit}`]),
  );
  return [
    row(head),
    row(head.map(() => "---")),
    ...body.map(row),
    "",
    row(["mcp-evergreen alone", "measured", "limit"]),
    row(["---", "---", "---"]),
    ...feats,
    "",
    `\`cargo xtask bench --save\`, ${date}, headless ${machine.browser.replace(/^(Headless)?Chrome\//, "Chromium ")}, ${machine.processors} processors. Medians in`,
    "milliseconds; in brackets, times the bare `fetch` (for the start: times the SDK 2). The server runs on the same machine.",
    "[What misses its target](docs/bench.md), what was tried, and where the rest goes.",
    ...(machine.load > 2 * machine.processors ? [`**The machine was busy (load ${machine.load.toFixed(0)}): the times are rough.**`] : []),
    "",
    "![The same as a plot](docs/bench.svg)",
  ].join("\n");
}

function header({ clients }) {
  return ["", ...Object.values(clients), "target"];
}

function rows({ clients, sizes, works }, cell) {
  const names = Object.keys(clients);
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  const size = ["app, minified, brotli", ...names.map((name) => kb(sizes[name].all.brotli))];
  const target = sizes.ours.all.brotli <= 0.8 * sizes.sdk2.all.brotli;
  return [
    ...works.map(({ title, slowdown, clients: measured, failed, of, atMost, good, cut }) => [
      [title, ...(slowdown > 1 ? [`processor ${slowdown} × slower`] : []), ...(cut ? [cut] : [])].join("; "),
      ...names.map((name) => (measured[name] ? cell(measured[name]) : failed[name] ? "fails" : "–")),
      `${mark(good)} ≤ ${atMost} × ${clients[of]}`,
    ]),
    [...size, `${mark(target)} ≤ 0.8 × ${clients.sdk2}`],
    ["the same, once it authorizes", ...names.map((name) => kb(sizes[name].all.brotli + (sizes[name].auth?.brotli ?? 0))), ""],
  ];
}

function brief({ ms, ratio }) {
  return `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} (${ratio.toFixed(2)})`;
}

/** With the ratio of what the page's thread did, which is what other programs change least. */
function full({ ms, ratio, threadRatio }) {
  return brief({ ms, ratio }).replace(")", `; ${threadRatio.toFixed(2)})`);
}

function mark(good) {
  return good === undefined ? "·" : good ? "✓" : "✗";
}

function number(value) {
  if (value === undefined) return "–";
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}
