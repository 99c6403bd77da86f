// The lives of the two WebAssembly modules' instances: one for sessions, and one for authorizations, which is not loaded
// where nobody authorizes. An instance is made on demand, serves all until it crashes, and then gives way to a new one,
// made at the next demand.

import { crashed, loadError } from "./error.js";
import { guardian } from "./guard.js";
import { compile } from "./load.js";
import { createGlue } from "./wasm/mcp_evergreen.js";
import { createGlue as createAuthGlue } from "./wasm/mcp_evergreen_auth.js";

/** The instance for authorizations. */
export const authority = instances("authorizations", createAuthGlue, ["authorize", "signOut"]);
/** The instance for sessions. */
const runtime = instances("sessions", createGlue, ["open", "binding"], { authority });

/** The instance for a session; that for its authorizations is loaded beside it. */
export function runtimeFor({ auth }) {
  if (auth) authority().catch(() => {});
  return runtime();
}

export const init = runtime.init;
export const initAuth = authority.init;

/** Gives the instance that lives, made where there is none. A failure is not remembered. */
function instances(kind, createGlue, names, more) {
  /** Kept for the next instance. */
  let module;
  /** The instance that lives, or is being made: `{ promise, instance? }`. */
  let current;

  function live(source) {
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
    module ??= await compile(kind, source);
    return make();
  }

  async function make() {
    const guard = guardian();
    const glue = createGlue(guard.exports);
    try {
      await glue.init(module);
    } catch (cause) {
      throw loadError(`The WebAssembly could not be started: ${cause?.message ?? cause}`, { cause });
    }
    /** Calls an export, and throws where the instance has died of it. */
    const call = (run, given) => {
      const result = run(...given);
      if (guard.cause !== undefined) throw crashed("not_executed", guard);
      return result;
    };
    const watchers = new Set();
    guard.died.then(() => {
      for (const watcher of [...watchers]) watcher();
      watchers.clear();
    });
    return {
      /** Why it died: `{ cause }`; `undefined` while it lives. */
      get dead() {
        return guard.cause === undefined ? undefined : guard;
      },
      /** Calls the watcher once it has died; returns the way to stop that. */
      watch(watcher) {
        watchers.add(watcher);
        return () => watchers.delete(watcher);
      },
      /** An instance for one session that outlives this one, and shares it with nobody: what killed this one may come again. */
      successor: make,
      ...more,
      ...Object.fromEntries(names.map((name) => [name, (...given) => call(glue[name], given)])),
    };
  }

  /** Whoever loads first wins; who fails leaves the way free for the next. */
  live.init = async (source) => {
    while (current) {
      if (await current.promise.then(() => true, () => false)) return;
    }
    await live(source);
  };
  return live;
}
