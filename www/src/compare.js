// Side by side: the same calls at the same moments through the official SDK's transport and through this package.

/** What is done to the server before each call; the first to nobody. */
export const STEPS = [
  { words: "Nothing" },
  { action: "refuse404", words: "The session is evicted, the server says 404" },
  { action: "refuse400", words: "Evicted, the server says 400" },
  { action: "refuse200", words: "Evicted, the server says 200 with an error" },
  { action: "restart", words: "The server restarts" },
];

/**
 * @param {object} play
 * @param {import("./control.js").DemoServer} play.server
 * @param {Record<"sdk" | "evergreen", () => Promise<{ callTool(params: object): Promise<object>, close(): Promise<void> }>>} play.connect
 * @param {(action: string) => Promise<void>} play.act
 * @param {(step: number, lane: string, outcome: { ok: boolean, ms: number, words: string }) => void} play.onOutcome
 */
export async function compare({ server, connect, act, onOutcome }) {
  const lanes = {};
  const failed = { sdk: 0, evergreen: 0 };
  try {
    for (const [step, { action }] of STEPS.entries()) {
      for (const lane of ["sdk", "evergreen"]) lanes[lane] ??= await connect[lane]();
      if (action) await act(action);
      await Promise.all(
        Object.keys(failed).map(async (lane) => {
          const outcome = await called(lanes[lane], server.suggest);
          onOutcome(step, lane, outcome);
          if (outcome.ok) return;
          failed[lane] += 1;
          const dead = lanes[lane];
          lanes[lane] = undefined;
          await dead.close().catch(() => {});
        }),
      );
    }
  } finally {
    for (const lane of Object.values(lanes)) await lane?.close().catch(() => {});
  }
  return failed;
}

async function called(client, { tool, arguments: given }) {
  const began = performance.now();
  const took = () => Math.round(performance.now() - began);
  try {
    const { isError } = await client.callTool({ name: tool, arguments: given });
    return { ok: !isError, ms: took(), words: "answered" };
  } catch (error) {
    return { ok: false, ms: took(), words: String(error?.message ?? error) };
  }
}
