// The storm: many writes while everything goes wrong, and then the server's own book.

export const CALLS = 200;
/** Calls at a time: half of them before the blow, half after it. */
const BURST = 16;
/** Milliseconds from the first half to the blow, and from one burst to the next. */
const LEAD = 25;
const PAUSE = 250;
const BLOWS = ["evict", "drop", "refuse400", "busy", "restart", "offline", "refuse404", "expire", "refuse200", "evict", "drop", "busy"];
const OFFLINE_MS = 250;
const MAX_TRIES = 12;
const DUST_MS = 1000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {object} play
 * @param {import("mcp-evergreen").Session} play.session
 * @param {import("./control.js").DemoServer} play.server
 * @param {(action: string) => Promise<void>} play.blow
 * @param {(prefix: string) => Promise<Record<string, number>>} play.ledger
 * @param {(online: boolean) => void} play.plug
 * @param {(counts: object) => void} play.onCount
 * @param {AbortSignal} play.signal  ends it early: what was called by then is settled, and no more is called
 */
export async function storm({ session, server, blow, ledger, plug, onCount, signal }) {
  const prefix = `storm-${crypto.randomUUID().slice(0, 8)}-`;
  const counts = { settled: 0, retried: 0, again: 0, failed: 0, sessions: 0 };
  const unknown = [];
  const before = session.status.generation;
  const stop = session.on("wire", ({ phase, purpose, attempt }) => {
    if (phase === "sent" && purpose === "call" && attempt > 1) counts.retried += 1;
  });
  const tell = () => onCount({ ...counts, sessions: session.status.generation - before + 1 });

  async function call(key) {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      try {
        await session.callTool({ name: server.storm.tool, arguments: { [server.storm.argument]: key } });
        return;
      } catch (error) {
        if (error.outcome === "unknown") return void unknown.push(key);
        if (error.outcome !== "not_executed" || !error.retryable) throw error;
        counts.again += 1;
        await sleep(Math.min(tries, 5) * 200 * (1 + Math.random()));
      }
    }
    throw new Error("given up");
  }

  async function settle(key) {
    await call(key).catch(() => (counts.failed += 1));
    if (!unknown.includes(key)) counts.settled += 1;
    tell();
  }

  /** As the package advises: where the outcome is unknown, look before it is called again, when the dust has settled. */
  async function look() {
    await sleep(DUST_MS);
    const book = await ledger(prefix);
    const keys = unknown.splice(0);
    const missing = keys.filter((key) => !book[key]);
    counts.settled += keys.length - missing.length;
    counts.again += missing.length;
    await Promise.all(missing.map(settle));
  }

  const blows = BLOWS.filter((name) => name === "offline" || server.actions.includes(name));
  const all = Array.from({ length: CALLS }, (_, at) => `${prefix}${String(at).padStart(3, "0")}`);
  const running = [];
  const called = [];
  const strike = (name) => {
    if (name !== "offline") return blow(name);
    plug(false);
    setTimeout(() => plug(true), OFFLINE_MS);
  };
  try {
    for (let burst = 0; burst * BURST < CALLS && !signal.aborted; burst++) {
      const keys = all.slice(burst * BURST, (burst + 1) * BURST);
      called.push(...keys);
      running.push(...keys.slice(0, BURST / 2).map(settle));
      await sleep(LEAD);
      await strike(blows[burst % blows.length]);
      running.push(...keys.slice(BURST / 2).map(settle));
      await sleep(PAUSE);
    }
    await Promise.all(running);
    for (let round = 0; unknown.length > 0 && round < MAX_TRIES; round++) await look();
  } finally {
    stop();
    plug(true);
  }
  const book = await ledger(prefix);
  const times = called.map((key) => book[key] ?? 0);
  const sum = {
    ...counts,
    called: called.length,
    sessions: session.status.generation - before + 1,
    once: times.filter((count) => count === 1).length,
    twice: times.filter((count) => count > 1).length,
    lost: times.filter((count) => count === 0).length,
  };
  onCount(sum);
  return sum;
}
