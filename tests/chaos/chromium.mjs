// The client in pages of one headless Chromium: a page for each seed, of the proxy's origin or of another, as the seed has it.

import { fileURLToPath } from "node:url";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { dice } from "./dice.mjs";
import { monitor } from "./lateness.mjs";
import { runSeed } from "./run.mjs";
import { stageOf } from "./stages.mjs";

/** Pages side by side. */
const MOST = 5;
const PAGE = '<!doctype html><meta charset="utf-8"><title>chaos</title>';
const FLAGS = ["--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"];

export async function runInPages({ app, era, server, seeds }, take) {
  const files = (path) => {
    if (path === "/") return { type: "text/html", body: PAGE };
    if (path === "/client.mjs") return fileAt(fileURLToPath(new URL("client.mjs", import.meta.url)));
    return path.startsWith("/node_modules/mcp-evergreen/") ? fileAt(`${app}${path}`) : undefined;
  };
  const site = await serve(app, { override: files });
  const browser = await launchBrowser(FLAGS);
  const stage = await stageOf(server);
  const lateness = monitor();
  const left = [...seeds];

  const play = async (origin, url, script) => {
    const page = await browser.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error?.message ?? error)));
    try {
      await page.goto(origin === "same" ? new URL("/", url).href : site.url);
      const told = await page.evaluate(
        async (url, script) => {
          const { play } = await import("/client.mjs");
          return play(await import("/node_modules/mcp-evergreen/index.js"), url, script);
        },
        url,
        script,
      );
      return { ...told, stray: errors };
    } finally {
      await page.close();
    }
  };
  const lane = async () => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      const origin = dice(seed, "origin").pick(["same", "other"]);
      take(await runSeed(seed, { era, server, stage, files, lateness, play: (url, script) => play(origin, url, script) }));
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(MOST, stage.most, seeds.length) }, lane));
  } finally {
    await browser.close();
    await site.close();
    await stage.close();
  }
}
