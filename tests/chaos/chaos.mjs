// Runs seeds against the packed package and counts: `node chaos.mjs '<options as JSON>'`, which `cargo xtask chaos` makes from its
// arguments: `{ from, seeds, engine, era?, server, whole }`. Ends with an error where the law was broken.

import { parties } from "./parties.mjs";
import { Tally } from "./report.mjs";

const options = JSON.parse(process.argv[2] ?? "{}");
const { from = 1, seeds = 1, engine = "node", era, server = "own", whole = false } = options;
const tally = new Tally({ engine, era, server, whole });
await parties({ engine, era, server, seeds: Array.from({ length: seeds }, (_, nth) => from + nth) }, (run) => tally.take(run));
tally.print();
process.exit(tally.broken > 0 ? 1 : 0);
