// The browsers of the three engines.

import { launchBrowser } from "./chrome.mjs";
import { launchFirefox } from "./firefox.mjs";
import { launchWebKit } from "./webkit.mjs";

const LAUNCH = { chromium: launchBrowser, firefox: launchFirefox, webkit: launchWebKit };

export const ENGINES = Object.keys(LAUNCH);

/** Starts the browser that ENGINE names: `chromium`, where it names none, `firefox` or `webkit`. */
export function launchEngine(engine = process.env.ENGINE ?? "chromium") {
  if (!ENGINES.includes(engine)) throw new Error(`ENGINE is ${engine}, and none of ${ENGINES.join(", ")}`);
  return LAUNCH[engine]();
}
