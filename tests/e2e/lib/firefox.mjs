// Headless Firefox, driven by WebDriver BiDi: no driver of its own is needed.

import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";
import { PATIENT } from "./chrome.mjs";

const PROGRAMS = ["/usr/bin/firefox-esr", "/usr/bin/firefox"];

const PREFERENCES = {
  // A tab that is being closed goes on with its scripts: where hangs are watched, they are often stopped at once.
  "dom.ipc.processHangMonitor": false,
  "dom.ipc.reportProcessHangs": false,
  // It blocks popups as a user's does.
  "dom.disable_open_during_load": true,
};

/** Starts a browser with a profile of its own, which ends with the test process. */
export async function launchFirefox(preferences = {}) {
  const executablePath = process.env.FIREFOX ?? PROGRAMS.find((path) => existsSync(path));
  if (!executablePath) throw new Error("no Firefox found: install it, or name it in FIREFOX");
  return puppeteer.launch({ browser: "firefox", executablePath, headless: true, ...PATIENT, extraPrefsFirefox: { ...PREFERENCES, ...preferences } });
}
