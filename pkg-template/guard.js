// What stands between the WebAssembly's exports and everybody who calls them: the bindings, timers, continuations of
// promises. Whatever is thrown through a frame of WebAssembly (a panic, memory that ran out, a stack that ran out, an
// exception of an import) leaves the memory behind it in a state that nobody knows. From then on nothing runs in
// that instance any more.

/** What a call into a dead instance gives: safe to take apart as the result of any export. */
const NOTHING = Object.freeze([]);

/** What waits for it runs in a microtask, at a fraction of what `queueMicrotask` costs. */
const SETTLED = Promise.resolve();

export function guardian() {
  let depth = 0;
  let cause;
  let die;
  const died = new Promise((resolve) => (die = resolve));
  // Who calls with the last of the stack leaves no room to tell of the death: that is done by a microtask, which was
  // arranged before.
  let watched = false;
  const watch = () => {
    watched = false;
    if (cause !== undefined) die(cause);
  };
  let held;
  died.then(() => abortAll(held));

  const guarded = (run) =>
    (...args) => {
      if (cause !== undefined) {
        // Within a frame that is still on the stack: unwind that one, too.
        if (depth > 0) throw cause;
        return NOTHING;
      }
      if (!watched) {
        SETTLED.then(watch);
        watched = true;
      }
      depth++;
      try {
        return run(...args);
      } catch (thrown) {
        cause ??= thrown ?? NOTHING;
        if (depth > 1) throw thrown;
        return NOTHING;
      } finally {
        depth--;
      }
    };

  return {
    /** The exports, guarded. */
    exports(exports) {
      held = exports.__wbindgen_externrefs;
      return Object.fromEntries(
        Object.entries(exports).map(([name, value]) => [name, typeof value === "function" ? guarded(value) : value]),
      );
    },
    get cause() {
      return cause;
    },
    died,
  };
}

/**
 * Aborts the requests of an instance: a dead one would hold its connections, and there are only six. `held` is its table
 * of all values of JavaScript's that it holds.
 */
function abortAll(held) {
  for (let at = 0; at < (held?.length ?? 0); at++) {
    const value = held.get(at);
    if (value instanceof AbortController) value.abort();
  }
}
