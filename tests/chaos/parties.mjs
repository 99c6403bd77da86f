// Hands seeds to those who run them: two processes with the client in Node, or one with pages of a browser.

import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { installed } from "../e2e/lib/install.mjs";

const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));
/** Runs all `seeds`; `take(run)` gets each as it ends (`runSeed`). */
export async function parties({ engine, era, server, seeds }, take) {
  const app = await installed();
  if (engine === "chromium") return (await import("./chromium.mjs")).runInPages({ app, era, server, seeds }, take);
  const left = [...seeds];
  const count = Math.min(seeds.length, Math.max(2, Math.min(4, availableParallelism())));
  await Promise.all(Array.from({ length: count }, () => worker({ app, era, server }, left, take)));
}

/** One process, until no seed is left. */
function worker(chaos, left, take) {
  return new Promise((resolve, reject) => {
    const child = fork(WORKER, { env: { ...process.env, CHAOS: JSON.stringify(chaos) } });
    process.once("exit", () => child.kill("SIGKILL"));
    let running = 0;
    child.on("message", ({ ask, run, seed, failed }) => {
      if (ask && left.length > 0) {
        running += 1;
        return void child.send({ seed: left.shift() });
      }
      if (failed) return reject(new Error(`seed ${seed} could not be run: ${failed}`));
      if (run) {
        running -= 1;
        take(run);
      }
      if (running === 0 && left.length === 0 && child.connected) child.disconnect();
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => (running === 0 ? resolve() : reject(new Error(`a process ended with ${signal ?? code}, and ${running} seeds under way`))));
  });
}
