// The demo without a person: headless Chromium, and the page's own buttons.

import { isDeepStrictEqual } from "node:util";
import { launchBrowser } from "../../tests/e2e/lib/chrome.mjs";
import { PagePilot } from "./pilot.mjs";

const DEADLINE = 180_000;

/** Plays every server in turn and prints what happened; whether a call survived the restart of each. */
export async function play(world, url) {
  const browser = await launchBrowser();
  try {
    let good = true;
    for (const server of world.values()) {
      good = (await withDeadline(survivesRestart(browser, url, server), server.name)) && good;
    }
    console.log(good ? "\nA call survived the restart of every server." : "\nFAILED: see above.");
    return good;
  } finally {
    await browser.close();
  }
}

async function survivesRestart(browser, url, server) {
  console.log(`\n── ${server.name} ${"─".repeat(70 - server.name.length)}`);
  const pilot = await PagePilot.open(browser, url);
  try {
    await pilot.choose(server.id);
    await pilot.connect();
    const first = { pid: server.pid, token: server.token, ...(await pilot.call()) };

    const restartBegan = performance.now();
    await pilot.press("restart");
    const restart = performance.now() - restartBegan;

    const mark = server.recording.records.length;
    const second = { pid: server.pid, token: server.token, ...(await pilot.call()) };
    const wire = server.recording.transcript(mark);
    const status = await pilot.status();
    for (const row of await pilot.rows()) console.log(row);

    console.log(`\nAt the proxy, from the restart on:\n  ${wire.join("\n  ")}\n`);
    console.log(`First call ${first.took} ms; restart ${Math.round(restart)} ms; healed call ${second.took} ms.`);
    return report(checks({ first, second, counts: server.recording.counts(mark), wire, status, errors: pilot.errors }));
  } catch (error) {
    for (const row of await pilot.rows().catch(() => [])) console.log(row);
    console.log(`  FAILED  ${error.message}`);
    return false;
  } finally {
    await pilot.close();
  }
}

/** What must hold, each with the words that say so. */
function checks({ first, second, counts, wire, status, errors }) {
  // The list of tools and the standing stream are asked for beside the call.
  const { "tools/list": _, GET: __, ...others } = counts;
  const sends = wire.filter((line) => line.startsWith("tools/call"));
  return [
    [first.pid !== second.pid && !isAlive(first.pid), `process ${first.pid} is gone, process ${second.pid} serves in its place`],
    [knows(first, first.token) && !knows(first, second.token), `the first call told what only process ${first.pid} knows`],
    [knows(second, second.token) && !knows(second, first.token), `the healed call told what only process ${second.pid} knows`],
    [second.kind === "ok" && second.healed, "the page got its result and says that it healed"],
    [
      isDeepStrictEqual(others, { "tools/call": 2, initialize: 1, "notifications/initialized": 1 }),
      "the proxy counted one initialize, and the call twice",
    ],
    [/^tools\/call→4\d\d s1$/.test(sends[0]) && sends[1] === "tools/call→200 s2", "the first was refused, the second answered"],
    [
      isDeepStrictEqual(status, { state: "ready", generation: "2", recoveries: "1" }),
      `the status says ${status.state}, generation ${status.generation}, recoveries ${status.recoveries}`,
    ],
    [errors.length === 0, `nothing is left uncaught in the page${errors.map((error) => `: ${error}`).join("")}`],
  ];
}

function knows(call, token) {
  return call.text.includes(token);
}

function report(results) {
  for (const [holds, words] of results) console.log(`  ${holds ? "ok    " : "FAILED"}  ${words}`);
  return results.every(([holds]) => holds);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function withDeadline(promise, name) {
  const late = new Promise((resolve) => {
    setTimeout(() => {
      console.log(`  FAILED  ${name} was not done within ${DEADLINE / 1000} s`);
      resolve(false);
    }, DEADLINE).unref();
  });
  return Promise.race([promise, late]);
}
