// How long a stream of progress notifications takes beside a bare loop of fetch, split and JSON.parse, in the same page
// and the same run; and what of it stays in memory. `node progress.mjs [--json]`

import { fileURLToPath } from "node:url";
import { launchBrowser, openPage } from "../e2e/lib/chrome.mjs";
import { installed } from "../e2e/lib/install.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { startStreamServer } from "./stream_server.mjs";

const COUNT = 10_000;
const ROUNDS = 21;
/** Times the bare loop. */
const MOST_TIME = 2;
/** Bytes of heap that may be left of ten such streams: what the engine keeps of its own accord. */
const MOST_LEFT = 512 << 10;

const server = await startStreamServer();
const site = await serve(await installed(), {
  override: (path) => (path === "/bench.mjs" ? fileAt(fileURLToPath(new URL("page.mjs", import.meta.url))) : undefined),
});
const browser = await launchBrowser();
const { page } = await preparedPage();
const devtools = await page.createCDPSession();
await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
const results = [
  await time("events in chunks of 64 KiB", { count: COUNT, whole: true }),
  await time("events written one by one", { count: COUNT, whole: false }),
  await memory(),
];
await browser.close();
await Promise.all([site.close(), server.close()]);

const failed = results.filter(({ good }) => !good).length;
if (process.argv.includes("--json")) {
  console.log(JSON.stringify(results.map(({ text, ...numbers }) => numbers), undefined, 2));
} else {
  for (const { text } of results) console.log(text);
  console.log(`${results.length - failed} passed, ${failed} failed`);
}
process.exitCode = failed > 0 ? 1 : 0;

/**
 * Medians of rounds in which both take turns: the time of the page's thread, which waiting for the network and for
 * other programs does not change, and the time on the wall.
 */
async function time(what, given) {
  const took = { ours: { busy: [], wall: [] }, bare: { busy: [], wall: [] } };
  // The engine compiles what runs often: these are not counted.
  for (let round = -5; round < ROUNDS; round++) {
    for (const way of round % 2 === 0 ? ["ours", "bare"] : ["bare", "ours"]) {
      const before = await busy();
      const wall = await play(way, given);
      if (round < 0) continue;
      took[way].busy.push((await busy()) - before);
      took[way].wall.push(wall);
    }
  }
  const compare = (clock) => {
    const [ours, bare] = [median(took.ours[clock]), median(took.bare[clock])];
    return { ours, bare, ratio: ours / bare };
  };
  const [thread, wall] = [compare("busy"), compare("wall")];
  const good = thread.ratio <= MOST_TIME;
  const text = `${COUNT} notifications, ${what}: ${shown(thread)} (at most ${MOST_TIME}); on the wall ${shown(wall)}`;
  return { name: "progress", what, count: COUNT, rounds: ROUNDS, thread, wall, most: MOST_TIME, good, text };
}

function shown({ ours, bare, ratio }) {
  return `${ours.toFixed(1)} ms, bare loop ${bare.toFixed(1)} ms, ratio ${ratio.toFixed(2)}`;
}

/** Milliseconds that the page's thread has worked so far. */
async function busy() {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
}

/** What is left of ten streams, and of one that is ten times as long. */
async function memory() {
  const before = await held();
  for (let stream = 0; stream < 10; stream++) await play("ours", { count: COUNT, whole: true });
  await play("ours", { count: 10 * COUNT, whole: false });
  const after = await held();
  const [heap, wasm] = [after.heap - before.heap, after.wasm - before.wasm];
  const good = heap <= MOST_LEFT && wasm === 0;
  const text = `After ${20 * COUNT} notifications the heap has grown by ${Math.round(heap / 1024)} KiB (at most ${MOST_LEFT >> 10}), the module's memory by ${wasm >> 10} KiB of ${before.wasm >> 10} (none allowed)`;
  return { name: "progress memory", count: 20 * COUNT, heap, wasm, wasmTotal: after.wasm, most: MOST_LEFT, good, text };
}

/** Bytes in use, after a collection: JavaScript's heap, and the memory of the WebAssembly. */
async function held() {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  return { heap: usedSize, wasm: await page.evaluate("memory.buffer.byteLength") };
}

function play(way, given) {
  return page.evaluate((way, given, url) => bench[way](given, url), way, given, server.url);
}

async function preparedPage() {
  const opened = await openPage(browser, site.url);
  await opened.run(
    async (_, url) => {
      const instantiate = WebAssembly.instantiate;
      WebAssembly.instantiate = async (...given) => {
        const made = await instantiate(...given);
        globalThis.memory = (made.instance ?? made).exports.memory;
        return made;
      };
      globalThis.bench = await import("/bench.mjs");
      await bench.open(url);
    },
    server.url,
  );
  return opened;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
