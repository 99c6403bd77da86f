// One seed from its plan to its verdict.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { scratch } from "../e2e/lib/paths.mjs";
import { judge } from "./law.mjs";
import { readLedger } from "./ledger.mjs";
import { planOf } from "./plan.mjs";
import { startProxy } from "./proxy.mjs";
import { World } from "./world.mjs";

const folder = `${scratch}chaos-${process.pid}/`;
mkdirSync(folder, { recursive: true });
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

let ledgers = 0;

/** An empty ledger. */
export function freshLedger() {
  const path = `${folder}${++ledgers}.txt`;
  writeFileSync(path, "");
  return path;
}

/**
 * Runs the seed. `stage` gives the backends (`backends(world, ledger)`, `forget(world)`), `play(url, script)` is the client, `files` what
 * the proxy serves to a page; `lateness()` the most that this process was late lately, in milliseconds.
 */
export async function runSeed(seed, { era, server, stage, play, files, lateness = () => 0 }) {
  const plan = planOf(seed, { era, server });
  const world = new World(plan);
  const lane = await stage.lane?.(plan);
  const ledger = lane?.ledger ?? freshLedger();
  const from = lane?.mark() ?? 0;
  const began = performance.now();
  world.pods = await stage.backends(world, ledger, lane);
  const proxy = await startProxy(world, { files });
  try {
    const told = await play(proxy.url, world.script());
    await proxy.close();
    await world.end();
    const entries = readLedger(ledger, from);
    const lag = lateness(performance.now() - began);
    const { violations, counts } = judge({ plan, requests: world.requests, entries, told, lag });
    for (const why of told.stray ?? []) violations.push({ law: "errors", why: `nobody caught it in the page: ${why}` });
    return { seed, plan, violations, counts, requests: world.requests.length, timeline: world.timeline, armedAt: world.armedAt, told, lag, took: performance.now() - began };
  } finally {
    await proxy.close().catch(() => {});
    await stage.forget(world, lane);
    if (!lane) rmSync(ledger, { force: true });
  }
}
