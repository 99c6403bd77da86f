// The servers that seeds are run against: `{ most, backends(world, ledger, lane), forget(world, lane), close(), lane? }`, where `most` is
// how many runs they stand side by side in one process.

import { startOwn } from "./own.mjs";

/** Those of this name: `own`, `ts1`, `ts2` or `python`. */
export async function stageOf(server) {
  return server === "own" ? startOwn() : (await import("./real.mjs")).startReal(server);
}
