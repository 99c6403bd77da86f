// What the host's own code gives, if it gives it in time.

/** The promise; or, after `ms`, a `TimeoutError` that says that `what` did not settle. */
export function inTime(promise, ms, what) {
  return new Promise((resolve, reject) => {
    const late = () => reject(Object.assign(new Error(`${what} did not settle within ${ms} ms.`), { name: "TimeoutError" }));
    const timer = setTimeout(late, ms);
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
