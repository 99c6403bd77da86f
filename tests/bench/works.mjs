// What is measured, and how good it must be.

const EVERYBODY = ["bare", "ours", "sdk2", "sdk1", "transport"];

/**
 * `run` is a function of `page/work.mjs`, and `given` what it gets. `atMost` is the target: the ratio of ours to `of`; `slowed`: with
 * a slower processor.
 * The first works run in one page, in which all clients are open; `fresh` ones each in a page of its own, where ours is opened with
 * `options`.
 */
export const WORKS = [
  {
    name: "sequential",
    title: "100 calls, one after the other",
    run: "calls",
    given: { count: 100, atOnce: 1 },
    target: { of: "bare", atMost: 1.05 },
  },
  {
    name: "parallel",
    title: "320 calls, 32 at a time",
    run: "calls",
    given: { count: 320, atOnce: 32 },
    target: { of: "bare", atMost: 1.05, slowed: 1.15 },
  },
  {
    name: "texts",
    title: "5 results of 1 MiB of text",
    run: "texts",
    given: { count: 5, bytes: 1 << 20 },
    target: { of: "bare", atMost: 1.1 },
  },
  {
    name: "rows",
    title: "5 structured results of 5 000 rows",
    run: "rows",
    given: { count: 5, rows: 5_000 },
    target: { of: "bare", atMost: 1.1 },
  },
  {
    name: "events",
    title: "10 000 progress events in one stream",
    run: "events",
    given: { count: 10_000 },
    target: { of: "bare", atMost: 1.3 },
  },
  {
    name: "start",
    title: "from import to the first result",
    run: "start",
    fresh: true,
    target: { of: "sdk2", atMost: 0.4 },
  },
  {
    name: "startKnown",
    title: "the same, the server's era given to mcp-evergreen",
    run: "start",
    options: { era: "legacy" },
    fresh: true,
    target: { of: "sdk2", atMost: 0.4 },
  },
].map((work) => ({ clients: EVERYBODY, ...work }));
