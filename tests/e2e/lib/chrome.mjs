// Chromium, headless or on a screen, and pages in it that have the package at hand.

import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";
import { startScreen } from "./screen.mjs";
import { until } from "./until.mjs";

const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser starts slowly on a machine that is busy. */
export const PATIENT = { timeout: 120_000, protocolTimeout: 120_000 + 1_000 * Number(process.env.HOSTILE_SECONDS ?? 0) };

/**
 * Starts a browser with a profile of its own, which ends with the test process. `flags` are added to ours. It blocks
 * popups as a user's does.
 */
export function launchBrowser(flags = []) {
  return launch(flags, { headless: true });
}

/** The same with windows on a screen. Without one, each page has the focus always, and says so. */
export async function launchBrowserOnScreen(flags = []) {
  const screen = await startScreen();
  const browser = await launch(flags, { headless: false, env: { ...process.env, ...screen.env } });
  browser.once("disconnected", () => void screen.kill());
  return browser;
}

async function launch(flags, how) {
  const executablePath = process.env.CHROMIUM ?? PROGRAMS.find((path) => existsSync(path));
  if (!executablePath) throw new Error("no Chromium found: install it, or name it in CHROMIUM");
  return puppeteer.launch({ executablePath, args: [...FLAGS, ...flags], ignoreDefaultArgs: ["--disable-popup-blocking"], ...PATIENT, ...how });
}

/**
 * Opens a page on `url`. `run(fn, ...args)` calls `fn(kit, ...args)` inside it, where `kit` is the
 * package's exports together with `page/kit.mjs`; what it keeps for later goes to `globalThis`.
 * `errors` are the page's uncaught errors.
 */
export async function openPage(browser, url, options) {
  const page = withKit(await browser.newPage(), options);
  await page.page.goto(url);
  return page;
}

/** The same with a page that is open. */
export function withKit(page, { packageUrl = "mcp-evergreen", gestures = true } = {}) {
  page.setDefaultTimeout?.(PATIENT.timeout);
  const errors = [];
  page.on("pageerror", (error) => {
    const message = String(error?.message ?? error);
    // Firefox counts what it says about a request that failed among the page's errors.
    if (!message.startsWith("Cross-Origin Request Blocked: ")) errors.push(message);
  });
  return {
    page,
    errors,
    async run(fn, ...args) {
      // As text: what a driver makes of a value of the page differs from one to the next.
      const text = await evaluate(page, gestures, `(async () => {
        const kit = { ...(await import("/page/kit.mjs")), ...(await import(${JSON.stringify(packageUrl)})) };
        return JSON.stringify(await (${fn})(kit, ...${JSON.stringify(args)}));
      })()`);
      return text && JSON.parse(text);
    },
    /** To the page before. Of one that comes out of the cache not every driver is told. */
    async back() {
      const address = () => page.evaluate(() => location.href).catch(() => undefined);
      const from = await address();
      await page.evaluate(() => void setTimeout(() => history.back()));
      await until(async () => ![from, undefined].includes(await address()), "the page before");
    },
    close: () => page.close(),
  };
}

const sessions = new WeakMap();

/** Puppeteer's own counts as a gesture of the user's: for the next seconds it lets windows open. Firefox takes one back if not. */
async function evaluate(page, gestures, expression) {
  if (gestures) return page.evaluate(expression);
  if (page.browser().protocol !== "cdp") return evaluateByBidi(page, expression);
  if (!sessions.has(page)) sessions.set(page, await page.createCDPSession());
  const options = { expression, awaitPromise: true, returnByValue: true, userGesture: false };
  const { result, exceptionDetails } = await sessions.get(page).send("Runtime.evaluate", options);
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

async function evaluateByBidi(page, expression) {
  const realm = page.mainFrame().browsingContext.defaultRealm;
  const { result, exceptionDetails } = await realm.evaluate(expression, true, { userActivation: false });
  if (exceptionDetails) throw new Error(exceptionDetails.text);
  return result.value;
}
