// The life of the WebAssembly instance. It is made on demand, serves all sessions until it crashes, and then gives
// way to a new one, made at the next demand.

import { crashed, loadError } from "./error.js";
import { guardian } from "./guard.js";
import { compile } from "./load.js";
import { createGlue } from "./wasm/mcp_evergreen.js";

/** Kept for the next instance. */
let module;
/** The instance that lives, or is being made: `{ promise, instance? }`. */
let current;

export async function init(source) {
  // Whoever loads first wins; who fails leaves the way free for the next.
  while (current) {
    if (await current.promise.then(() => true, () => false)) return;
  }
  await runtime(source);
}

/** The instance that lives, made where there is none. A failure is not remembered. */
export function runtime(source) {
  if (current === undefined || current.instance?.dead !== undefined) {
    const mine = { promise: start(source) };
    current = mine;
    mine.promise.then(
      (instance) => (mine.instance = instance),
      () => current === mine && (current = undefined),
    );
  }
  return current.promise;
}

async function start(source) {
  module ??= await compile(source);
  const guard = guardian();
  const glue = createGlue(guard.exports);
  try {
    await glue.init({ module_or_path: module });
  } catch (cause) {
    throw loadError(`The WebAssembly could not be started: ${cause?.message ?? cause}`, { cause });
  }
  glue.onPanic(guard.hearPanic);
  if (guard.cause !== undefined) throw crashed("not_executed", guard);
  const watchers = new Set();
  guard.died.then(() => {
    for (const watcher of [...watchers]) watcher();
    watchers.clear();
  });
  return {
    /** Why it died: `{ cause, panic? }`; `undefined` while it lives. */
    get dead() {
      return guard.cause === undefined ? undefined : guard;
    },
    /** Calls the watcher once it has died; returns the way to stop that. */
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    open(url, config, host) {
      const core = glue.open(url, config, host);
      if (guard.cause !== undefined) throw crashed("not_executed", guard);
      return core;
    },
  };
}
