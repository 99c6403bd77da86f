// The short run of `cargo xtask test chaos`: clients that break the law must be found out, and ours must not break it: in Node with our
// own servers and with a real one, and in Chromium.

import { pathToFileURL } from "node:url";
import { installed } from "../e2e/lib/install.mjs";
import { CARELESS } from "./careless.mjs";
import { play } from "./client.mjs";
import { monitor } from "./lateness.mjs";
import { startOwn } from "./own.mjs";
import { parties } from "./parties.mjs";
import { Tally } from "./report.mjs";
import { runSeed } from "./run.mjs";

const RUNS = [
  { engine: "node", server: "own", seeds: 160 },
  { engine: "node", server: "ts1", seeds: 8 },
  { engine: "chromium", server: "own", seeds: 8 },
];
/** Seeds of a client that breaks the law, of which one at least must tell. */
const CARELESS_SEEDS = 6;

let passed = 0;
let failed = 0;
const count = (good, bad) => {
  passed += good;
  failed += bad;
};

for (const [law, found] of await Promise.all(Object.entries(CARELESS).map(async ([law, fetch]) => [law, await finds(law, fetch)]))) {
  console.log(`${found ? "found out" : "NOT found out"}: a client that breaks "${law}"`);
  count(Number(found), Number(!found));
}
for (const { engine, server, seeds } of RUNS) {
  const tally = new Tally({ engine, server });
  await parties({ engine, server, seeds: Array.from({ length: seeds }, (_, nth) => nth + 1) }, (run) => tally.take(run));
  tally.print();
  count(seeds - tally.broken, tally.broken);
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

/** Whether one of its runs breaks this law. */
async function finds(law, fetch) {
  const pack = await import(pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/index.js`).href);
  const [stage, lateness] = [startOwn(), monitor()];
  const runs = Array.from({ length: CARELESS_SEEDS }, (_, nth) =>
    runSeed(nth + 1, { server: "own", stage, lateness, play: (url, script) => play(pack, url, script, { fetch }) }),
  );
  return (await Promise.all(runs)).some(({ violations }) => violations.some((violation) => violation.law === law));
}
