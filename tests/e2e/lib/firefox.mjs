// Headless Firefox, driven by WebDriver BiDi: no driver of its own is needed.

import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";
import { PATIENT } from "./chrome.mjs";

const PROGRAMS = ["/usr/bin/firefox-esr", "/usr/bin/firefox"];

/** Starts a browser with a profile of its own, which ends with the test process. */
export async function launchFirefox(extraPrefsFirefox = {}) {
  const executablePath = process.env.FIREFOX ?? PROGRAMS.find((path) => existsSync(path));
  if (!executablePath) throw new Error("no Firefox found: install it, or name it in FIREFOX");
  return puppeteer.launch({ browser: "firefox", executablePath, headless: true, ...PATIENT, extraPrefsFirefox });
}
