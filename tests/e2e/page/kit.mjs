// What the tests use inside a page, a worker or Node, beside the package itself.

/** What became of a promise, in a form that can leave the page: `{ ok }` or `{ error }`. */
export async function settle(promise) {
  const began = performance.now();
  const took = () => Math.round(performance.now() - began);
  try {
    const ok = await promise;
    return { ok, took: took() };
  } catch (error) {
    return { error: describe(error), took: took() };
  }
}

/** The text of a tool's result. */
export const text = (result) => result.content.map((part) => part.text).join("");

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `condition()` is truthy, and gives what it gave; an error names the condition when it was not within `ms`. */
export async function until(condition, ms = 30_000) {
  for (const end = performance.now() + ms; ; await sleep(10)) {
    const held = condition();
    if (held) return held;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
  }
}

function describe(error) {
  if (!(error instanceof Error)) return { thrown: String(error), isError: false };
  const { name, message, code, outcome, retryable, diagnosis, data, rpcCode, httpStatus } = error;
  return JSON.parse(
    JSON.stringify({
      isError: true,
      class: error.constructor.name,
      name,
      message,
      code,
      outcome,
      retryable,
      diagnosis,
      data,
      rpcCode,
      httpStatus,
      cause: error.cause === undefined ? undefined : String(error.cause),
    }),
  );
}
