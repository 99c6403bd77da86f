// The browsers of the three engines.

import { launchBrowser } from "./chrome.mjs";
import { launchFirefox } from "./firefox.mjs";
import { launchWebKit } from "./webkit.mjs";

const LAUNCH = { chromium: launchBrowser, firefox: launchFirefox, webkit: launchWebKit };

export const ENGINES = Object.keys(LAUNCH);

/** The one that ENGINE names: `chromium`, where it names none, `firefox` or `webkit`. */
export const ENGINE = process.env.ENGINE ?? "chromium";

/** Starts the browser of an engine, which takes what `how` has under its name: Chromium's flags, Firefox's preferences. */
export function launchEngine({ engine = ENGINE, ...how } = {}) {
  if (!ENGINES.includes(engine)) throw new Error(`ENGINE is ${engine}, and none of ${ENGINES.join(", ")}`);
  return LAUNCH[engine](how[engine]);
}
