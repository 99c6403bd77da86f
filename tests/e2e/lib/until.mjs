// Waiting for what another process does. What is waited for is a condition, never a time.

import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds after which a condition counts as one that never comes true: far more than the slowest machine takes. */
export const PATIENCE = 30_000;

/**
 * Waits until `condition()`, which may give a promise, is truthy, and gives what it gave. When it was not within `ms`, the
 * error names it: by `what`, a text or a function that tells how things stand, and by its source.
 */
export async function until(condition, what, ms = PATIENCE) {
  const end = performance.now() + ms;
  for (;;) {
    const held = await condition();
    if (held) return held;
    if (performance.now() > end) {
      const told = typeof what === "function" ? await what() : what;
      throw new Error(`not within ${ms} ms: ${told ? `${told}; ` : ""}${condition}`);
    }
    await sleep(10);
  }
}
