// A page of an app that authorizes, and the user before it.

import assert from "node:assert/strict";
import { openPage } from "./chrome.mjs";
import { until } from "./until.mjs";

/** So long a click lets windows open. */
const GESTURE = 5_000;

/** Opens the app of `site`; `connect` goes to the MCP server at `url`. */
export async function openApp(context, site, url) {
  // Nothing that a test runs in the page counts as a gesture of the user's: only its clicks do.
  const app = await openPage(context, site, { gestures: false });
  const { page, run } = app;
  const pressed = async (popup, button = "#agree") => {
    await popup.waitForSelector(button);
    await popup.click(button);
  };
  const popups = [];
  page.on("popup", (popup) => popups.push(popup));
  const nextPopup = () => until(() => popups.shift(), "a popup");
  return {
    ...app,
    /** Runs `fn` in a real click. */
    async click(fn, ...args) {
      await run(
        async (kit, text, args) => {
          const button = document.querySelector("#go") ?? document.body.appendChild(document.createElement("button"));
          button.id = "go";
          button.textContent = "go";
          const fn = (0, eval)(`(${text})`);
          button.onclick = () => void fn(kit, ...args);
        },
        String(fn),
        args,
      );
      await page.bringToFront();
      const led = page.browser().protocol === "cdp" ? undefined : leads(page);
      await page.click("#go");
      await led;
    },
    connect(options = {}) {
      return this.click(connectInPage, url, options);
    },
    /** Nobody clicks, and the browser knows. */
    connectWithoutClick: (options = {}) => run(connectInPage, url, options),
    /** The page's wall clock is set ahead. */
    later: (ms) =>
      run((_, ms) => {
        const { now } = Date;
        Date.now = () => now() + ms;
      }, ms),
    outcome: () => run(() => connecting),
    call: (tool) => run(async ({ text }, name) => text(await session.callTool({ name })), tool),
    agreeOn: pressed,
    /** The page has been away, and is the app's again. */
    async isBack() {
      const isApp = () => page.url().startsWith(site) && new URL(page.url()).pathname === "/";
      await until(isApp, () => `the app, not ${page.url()}`);
      await page.waitForSelector("title");
    },
    nextPopup,
    /** The address that the popup was opened with. */
    asked: async () => new URL(await run(() => lastOpened)),
    /** Agrees in the popup; gives the address that it was opened with. */
    async agreeInPopup(button = "#agree") {
      const popup = await nextPopup();
      const asked = await this.asked();
      await pressed(popup, button);
      return asked;
    },
    signIn(button) {
      return this.agreeInPopup(button);
    },
    async login(options) {
      await this.connect(options);
      await this.signIn();
      assert.deepEqual(await this.outcome(), { ok: "ready" });
    },
  };
}

/** Firefox's driver takes a click's gesture away with the next script that it runs: none does before the click led to something. */
function leads(page) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(late);
      for (const event of ["popup", "framenavigated"]) page.off(event, end);
      resolve();
    };
    const late = setTimeout(end, GESTURE);
    for (const event of ["popup", "framenavigated"]) page.on(event, end);
  });
}

// Runs in the page.
async function connectInPage({ connect, settle }, url, { how = "popup", back = "/callback.html", storage, identity, timeout, proxy }) {
  globalThis.states = [];
  globalThis.connecting = (async () => {
    const { popup, redirect } = await import("mcp-evergreen/auth");
    const provider = { popup, redirect }[how]({ redirectUrl: back, timeout, storage: storage === "local" ? localStorage : undefined });
    const { open } = provider;
    provider.open = (href, options) => open((globalThis.lastOpened = href), options);
    const on = { statechange: ({ state, waitingFor }) => states.push([state, waitingFor?.why]) };
    const { ok, error } = await settle(connect(url, { auth: { provider }, identity, proxy, on }));
    globalThis.session = ok;
    return ok ? { ok: ok.status.state } : { error };
  })();
}
