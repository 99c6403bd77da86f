// What calls cost a page's thread, by the browser's own accounting, and how often they cross into the WebAssembly.

import { busy, median, rotated } from "./lab.mjs";

/** Scripts that run, most of them continuations of promises; and collections of garbage. */
const SCRIPT = ["BlinkScheduler_PerformMicrotaskCheckpoint", "FunctionCall", "EvaluateScript"];
const GARBAGE = ["MinorGC", "MajorGC"];
const CATEGORIES = ["toplevel", "v8", "devtools.timeline"];

const CLIENTS = { bare: "the bare fetch", sdk1: "SDK 1", sdk2: "SDK 2" };

/**
 * Calls of each client in turn, in one page: microseconds of the thread for each, and what is left as garbage. Of a slower
 * processor fewer in each round, as each takes ten milliseconds and more there.
 */
export function perCall(slowdown) {
  return async (lab, { smoke }) => {
    const page = await lab.page({ slowdown });
    const names = ["ours", ...Object.keys(CLIENTS)];
    for (const name of names) await page.open(name);
    const ways = [1, 32];
    // Engines compile what runs often.
    for (const atOnce of ways) for (const name of names) await page.play("calls", name, { count: slowdown > 1 ? 100 : 300, atOnce });
    const [rounds, count] = smoke ? [3, 100] : slowdown > 1 ? [8, 40] : [8, 250];
    const work = ways.map(() => Object.fromEntries(names.map((name) => [name, []])));
    for (const round of lab.rounds(rounds)) {
      for (const [way, atOnce] of ways.entries()) {
        // Each client follows each other one.
        for (const name of rotated(names, round)) work[way][name].push(await accounted(page, () => page.play("calls", name, { count, atOnce })));
      }
    }
    const kib = [];
    for (const [way, atOnce] of slowdown > 1 ? [] : ways.entries()) {
      kib[way] = {};
      for (const name of names) kib[way][name] = (await allocated(page, () => page.play("calls", name, { count, atOnce }))) / count;
    }
    await page.close();
    return ways.flatMap((atOnce, way) => linesOf(work[way], kib[way], { atOnce, count, slowdown, smoke }));
  };
}

function linesOf(work, kib, { atOnce, count, slowdown, smoke }) {
  const each = (name, what) => median(work[name].map((own) => own[what])) / count;
  const times = (name, what) => median(work.ours.map((own, round) => own[what] / work[name][round][what]));
  const how = `${atOnce === 1 ? "one after the other" : `${atOnce} at a time`}${slowdown > 1 ? `, processor ${slowdown} × slower` : ""}`;
  const all = (of) => Object.keys(work).map((name) => `${CLIENTS[name] ?? "ours"} ${of(name)}`).join(", ");
  const µs = (what) => all((name) => (each(name, what) * 1000).toFixed(0));
  const name = slowdown > 1 ? `perCall${slowdown}` : "perCall";
  const scripts = ["sdk1", "sdk2"].map((client) => {
    const value = times(client, "script");
    // Where the machine is busy a run says little of so few calls: CI bears with half as much again.
    const limit = smoke ? 1.5 : 1;
    const title = `script of a call, ${how}, times ${CLIENTS[client]}'s`;
    return { name, title, value, limit, detail: `µs: ${µs("script")}`, good: value <= limit, exact: smoke };
  });
  const value = times("bare", "task");
  const limit = atOnce === 32 && slowdown === 6 ? 1.15 : undefined;
  const allocated = kib ? `; KiB allocated: ${all((name) => kib[name].toFixed(1))}` : "";
  const detail = `µs: ${µs("task")}; of these garbage: ${µs("garbage")}${allocated}`;
  const title = `all that the thread does for a call, ${how}, times the bare fetch`;
  return [...scripts, { name, title, value, limit, detail, good: limit ? value <= limit : undefined }];
}

/** Milliseconds that the page's thread works while `run` runs, and how much of it for scripts and for garbage. */
async function accounted(page, run) {
  const { tracing } = page.page;
  await page.devtools.send("HeapProfiler.collectGarbage");
  await tracing.start({ categories: CATEGORIES });
  const before = await busy(page);
  await run();
  const task = (await busy(page)) - before;
  const { traceEvents } = JSON.parse(Buffer.from(await tracing.stop()).toString());
  return { task, script: outermost(traceEvents, SCRIPT), garbage: outermost(traceEvents, GARBAGE) };
}

/** Milliseconds of processor time in events of these names, those within others not counted, in the thread that had most. */
function outermost(events, names) {
  const sums = new Map();
  const ends = new Map();
  for (const { name, ph, pid, tid, ts, dur, tdur = 0 } of events.toSorted((a, b) => a.ts - b.ts)) {
    if (ph !== "X" || !names.includes(name)) continue;
    const thread = `${pid} ${tid}`;
    if (ts < (ends.get(thread) ?? 0)) continue;
    ends.set(thread, ts + dur);
    sums.set(thread, (sums.get(thread) ?? 0) + tdur / 1000);
  }
  return Math.max(0, ...sums.values());
}

/** KiB that scripts allocate while `run` runs, as sampled. */
async function allocated({ devtools }, run) {
  const collected = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
  await devtools.send("HeapProfiler.startSampling", { samplingInterval: 8_192, ...collected });
  await run();
  const { profile } = await devtools.send("HeapProfiler.stopSampling");
  const sum = ({ selfSize, children }) => children.reduce((all, child) => all + sum(child), selfSize);
  return sum(profile.head) / 1024;
}

/** Calls into the WebAssembly and out of it, for a call and for an event: as many as ever, whatever the machine does. */
export async function crossings(lab) {
  const page = await lab.page({ counts: true });
  await page.open("ours");
  await page.play("calls", "ours", { count: 10, atOnce: 1 });
  const lines = [];
  for (const [what, run, given, limit] of [
    ["a call", "calls", { count: 100, atOnce: 1 }, 48],
    ["a call among 32 at a time", "calls", { count: 320, atOnce: 32 }, 48],
    ["an event", "events", { count: 1_000 }, 14],
  ]) {
    await page.page.evaluate("crossed = 0");
    await page.play(run, "ours", given);
    const value = (await page.page.evaluate("crossed")) / given.count;
    lines.push({ name: "crossings", title: `crossings of ${what}`, value, limit, good: value <= limit, exact: true });
  }
  await page.close();
  return lines;
}
