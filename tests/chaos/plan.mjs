// What happens in the run of a seed: who speaks how, what is called and when, and what goes wrong.
// Whatever is decided here depends on the seed alone. Times are in milliseconds from when the client is connected.

import { dice } from "./dice.mjs";
import { FORBIDDEN, GATEWAY_PAGES, LIMITED, OWN_ERRORS, REFUSALS } from "./words.mjs";

/** Methods that are a session's own and no call. */
const isCall = ({ token, rpc }) => token !== undefined || rpc === "tools/list";

/** What the proxy can do to a request: where, and what is drawn for it. */
const FAULTS = {
  "reset before": {},
  "reset after": { draw: (d) => ({ ms: d.weighed([[2, 0], [2, d.whole(5, 60)], [1, d.whole(200, 1_500)]]) }) },
  "cut head": {},
  "cut body": { draw: (d) => ({ bytes: d.whole(0, 90) }) },
  "late head": { draw: (d) => ({ ms: d.weighed([[2, d.whole(20, 400)], [1, d.whole(700, 2_500)]]) }) },
  "late body": { draw: (d) => ({ ms: d.weighed([[2, d.whole(20, 400)], [1, d.whole(700, 2_500)]]) }) },
  "copy at once": { calls: true, draw: (d) => ({ passes: d.pick(["first", "copy"]) }) },
  "copy later": {
    calls: true,
    draw: (d) => ({ ms: d.weighed([[3, d.whole(3, 100)], [2, d.whole(100, 900)], [3, d.whole(1_100, 3_500)]]), ...meetingOf(d) }),
  },
  "page after": { draw: (d) => ({ page: d.pick(GATEWAY_PAGES), ms: d.weighed([[2, d.whole(5, 60)], [2, d.whole(60, 900)], [1, d.whole(1_100, 3_000)]]) }) },
  "page before": { draw: (d) => ({ page: d.pick(GATEWAY_PAGES) }) },
  limited: { draw: (d) => ({ page: d.pick(LIMITED) }) },
  forbidden: { draw: (d) => ({ page: d.pick(FORBIDDEN) }) },
  lost: { draw: (d) => ({ delivered: d.chance(0.4) }) },
};

/**
 * The plan of a seed. `era` and `server` (`own`, or a real one) are as the command was given them; without an era the seed
 * decides. Only our own servers can be told how to refuse and how to end.
 */
export function planOf(seed, { era, server }) {
  const own = server === "own";
  const d = dice(seed, "plan");
  const window = d.whole(800, 3_500);
  const pods = d.weighed([[3, 1], [2, 2]]);
  const spoken = era ?? (server === "ts1" ? "legacy" : d.weighed([[3, "legacy"], [1, "modern"]]));
  return {
    seed,
    era: spoken,
    window,
    client: {
      // That of Python speaks both: asked, it names the modern one.
      era: d.chance(0.4) && server !== "python" ? "auto" : spoken,
      recovery: { mode: d.weighed([[7, "default"], [2, "strict"], [1, "off"]]), baseDelay: d.whole(20, 60), maxDelay: 400 },
      listen: d.chance(0.3) ? "always" : "never",
    },
    pods,
    sticky: pods === 1 || d.chance(0.5),
    /** How often a request under a session goes to another backend than the one that made it, where nothing sticks. */
    strays: d.pick([0.2, 0.5]),
    // What the gateway does while nobody listens behind it, and when a connection behind it breaks.
    down: d.pick(["wait", "reset", ...GATEWAY_PAGES.slice(0, 4), FORBIDDEN.find(({ status }) => status === 404)]),
    broken: d.pick(["reset", "reset", ...GATEWAY_PAGES.slice(0, 4)]),
    /** A page of the gateway's that scripts of another origin may not read. */
    bare: d.chance(0.2),
    server: own ? serverOf(d) : {},
    calls: callsOf(seed, { window, own }),
    events: eventsOf(seed, { window, pods, own }),
    faults: faultsOf(seed),
  };
}

function serverOf(d) {
  return {
    refusal: d.pick(REFUSALS),
    /** What is asked for a look into the table of sessions. */
    gate: d.weighed([[6, 0], [3, d.whole(5, 60)], [1, d.whole(250, 600)]]),
    answer: d.weighed([[3, "json"], [2, "sse"], [2, "early sse"], [1, "early json"]]),
    resumable: d.chance(0.3),
    hears: d.pick(["stream", "405"]),
    /** What becomes of the calls that run under a session that is evicted. */
    running: d.pick(["goes on", "goes on", "breaks", "ends", "terminated", "refused"]),
    /** After a restart it may speak the other era. */
    flips: d.chance(0.1),
  };
}

function callsOf(seed, { window, own }) {
  const d = dice(seed, "calls");
  const burst = d.chance(0.3) ? d.whole(0, window) : undefined;
  return Array.from({ length: d.whole(5, 14) }, (_, index) => {
    const kind = d.weighed([[8, "pay"], [1, "again"], [own ? 1 : 0, "read"], [1, "list"]]);
    return {
      token: `s${seed}c${index}`,
      kind,
      at: burst !== undefined && d.chance(0.7) ? burst : d.whole(0, window),
      seconds: d.weighed([[6, d.whole(0, 30)], [3, d.whole(50, 600)], [2, d.whole(1_100, 3_200)]]) / 1_000,
      timeout: d.pick([1_500, 3_000, 6_000, 8_000]),
      ending: own && kind === "pay" ? endingOf(d) : undefined,
      abortAfter: d.chance(0.04) ? d.whole(0, 800) : undefined,
    };
  });
}

/** How a tool of our own server ends: with its result, or otherwise `after` so many milliseconds. */
function endingOf(d) {
  return d.weighed([
    [20, undefined],
    [2, { how: "error", of: d.pick(OWN_ERRORS) }],
    // The session goes while it runs, and the server says so in place of a result.
    [2, { how: "refused", after: d.weighed([[1, d.whole(5, 800)], [2, d.whole(1_100, 3_000)]]), spoke: d.pick([false, false, true]) }],
    [1, { how: "terminated", after: d.whole(5, 1_500) }],
  ]);
}

function eventsOf(seed, { window, pods, own }) {
  const d = dice(seed, "events");
  return Array.from({ length: d.whole(0, 4) }, () => ({
    at: d.whole(0, window),
    pod: d.whole(0, pods - 1),
    ...d.weighed([
      [own ? 4 : 3, { what: "evict" }],
      [own ? 3 : 2, { what: "restart", ms: d.weighed([[2, 0], [2, d.whole(50, 300)], [1, d.whole(400, 1_200)]]) }],
      [2, { what: "outage", ms: d.whole(100, 900), ...outageOf(d) }],
    ]),
  })).sort((one, other) => one.at - other.at);
}

/** What the second copy meets: a server that lost the session meanwhile, the same one, or a limiter. */
const meetingOf = (d) => d.weighed([[6, { evicts: true }], [2, {}], [1, { page: d.pick(LIMITED) }]]);

/** What forbids lets nothing through. */
const outageOf = (d) => (d.chance(0.7) ? { page: d.pick(GATEWAY_PAGES), delivers: d.chance(0.7) } : { page: d.pick(FORBIDDEN), delivers: false });

function faultsOf(seed) {
  const d = dice(seed, "faults");
  return d.some(Object.keys(FAULTS), d.whole(0, 3)).map((kind) => ({
    kind,
    calls: d.pick([0.05, 0.15, 0.4]),
    session: FAULTS[kind].calls ? 0 : d.pick([0, 0.05, 0.3]),
  }));
}

/** What befalls a request, as `{ kind, … }`: `rpc` and `token` say what it is, `nth` how many came before it that were alike. */
export function faultOf(plan, request) {
  for (const { kind, calls, session } of plan.faults) {
    const d = dice(plan.seed, "fault", kind, request.rpc, request.token, request.nth);
    if (d.chance(isCall(request) ? calls : session)) return { kind, ...FAULTS[kind].draw?.(d) };
  }
  return undefined;
}
