// How late this process was with what it had to do: on a machine that is busy, that is not the client's fault.

const EVERY = 20;
const KEPT = 120_000;

/** A function that tells the most, in milliseconds, within the last so many milliseconds. */
export function monitor() {
  const late = [];
  let due = performance.now() + EVERY;
  setInterval(() => {
    const now = performance.now();
    if (now - due > 25) late.push({ at: now, ms: now - due });
    while (late.length > 0 && late[0].at < now - KEPT) late.shift();
    due = now + EVERY;
  }, EVERY).unref();
  return (within) => Math.max(0, ...late.filter(({ at }) => at > performance.now() - within).map(({ ms }) => ms));
}
