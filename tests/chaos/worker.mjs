// A process that runs seeds side by side, as its parent hands them out, with the client in Node.

import { pathToFileURL } from "node:url";
import { play } from "./client.mjs";
import { monitor } from "./lateness.mjs";
import { runSeed } from "./run.mjs";
import { stageOf } from "./stages.mjs";

const { app, era, server } = JSON.parse(process.env.CHAOS);
const pack = await import(pathToFileURL(`${app}/node_modules/mcp-evergreen/index.js`).href);
const stage = await stageOf(server);
const lateness = monitor();
const stray = [];
process.on("unhandledRejection", (error) => stray.push(String(error?.stack ?? error)));

let running = 0;
let asked = 0;
// They mostly wait. More are asked for while this process is on time, for on a machine that is busy nothing is decided within a second.
let abreast = stage.most < 8 ? stage.most : 8;
setInterval(() => {
  const late = lateness(400);
  if (late > 150) abreast = Math.max(2, abreast - 1);
  else if (late < 60 && running >= abreast) abreast = Math.min(stage.most, abreast + 1);
  ask();
}, 100);

/** The parent may have ended. */
const send = (message) => process.connected && process.send(message, () => {});

function ask() {
  for (; running + asked < abreast; asked++) send({ ask: true });
}

process.on("message", async ({ seed }) => {
  asked -= 1;
  running += 1;
  try {
    const run = await runSeed(seed, { era, server, stage, lateness, play: (url, script) => play(pack, url, script) });
    for (const why of stray.splice(0)) run.violations.push({ law: "errors", why: `a rejection that nobody can handle: ${why}` });
    send({ run });
  } catch (error) {
    send({ seed, failed: String(error?.stack ?? error) });
  }
  running -= 1;
  ask();
});
process.once("disconnect", async () => {
  await stage.close();
  process.exit();
});
ask();
