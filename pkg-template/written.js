// What another tab has written is seen before it is read. "Authors are encouraged to assume that there is no locking
// mechanism" (HTML, The localStorage getter): a lock may reach a tab before what its last holder wrote into localStorage.

/** So many milliseconds a tab says what it wrote last, */
const TOLD_MS = 10_000;

/** and so many another one waits to see it, */
const SEEN_MS = 4_000;

/** with so many between two looks. */
const LOOK_MS = 20;

/** The names by which this page says what it wrote: its own it sees. */
const own = new Set();

/**
 * `{ tell(text), seen(read) }` for a text that several tabs write, each in its turn. Locks have an order: who writes holds
 * one whose name says when, and as digests what stood there before and what does now. Where the platform has no locks,
 * `read()` is taken as it is.
 */
export function written(name) {
  const { locks } = globalThis.navigator ?? {};
  if (!locks?.query) return { tell: async () => {}, seen: (read) => read() };
  const prefix = `${name}:written `;
  let before = "";
  let forget = () => {};
  return {
    /** The text stands in the storage now. */
    async tell(text) {
      const now = await digest(text);
      const mark = `${prefix}${Date.now()} ${before} ${now}`;
      before = now;
      const last = forget;
      own.add(mark);
      await new Promise((told) => {
        const hold = () =>
          new Promise((end) => {
            forget = end;
            // A program that waits for nothing else ends.
            setTimeout(end, TOLD_MS).unref?.();
            told();
          });
        // A page that may have no locks has no other tabs either.
        locks
          .request(mark, { mode: "shared" }, hold)
          .catch(told)
          .finally(() => own.delete(mark));
      });
      last();
    },
    /** What `read()` gives, where that is no older than what was written last; after a while, what it gives. */
    async seen(read) {
      const { held = [] } = await locks.query().catch(() => ({}));
      const marks = held.filter((lock) => lock.name.startsWith(prefix)).map((lock) => lock.name);
      const parts = marks.map((mark) => mark.slice(prefix.length).split(" "));
      const last = Math.max(...parts.map(([time]) => Number(time)));
      const isLast = ([time]) => Number(time) === last;
      const latest = parts.filter(isLast).map(([, , text]) => text);
      const older = parts.flatMap(([time, before, text]) => (isLast([time]) ? [before] : [before, text]));
      const isOwn = marks.some((mark, at) => isLast(parts[at]) && own.has(mark));
      const end = Date.now() + SEEN_MS;
      for (;;) {
        const text = await read();
        before = await digest(text ?? "");
        const isOld = older.includes(before) && !latest.includes(before);
        if (!isOld || isOwn || Date.now() >= end) return text;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    },
  };
}

/** Enough to tell texts apart. */
async function digest(text) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes, 0, 8).join("-");
}
