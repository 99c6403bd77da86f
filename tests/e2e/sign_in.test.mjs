// Who signs in, and when: by a click, with slow servers, in a browser that blocks popups; or by a link.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openApp } from "./lib/app.mjs";
import { launchBrowserOnScreen } from "./lib/chrome.mjs";
import { launchFirefox } from "./lib/firefox.mjs";
import { installed } from "./lib/install.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";
import { startScripted } from "./servers/scripted_as.mjs";

/** Milliseconds that each answer takes: several of them are more than a click lets windows open for. */
const SLOW = 700;

for (const [name, launch] of [
  ["Chromium", () => launchBrowserOnScreen()],
  ["Firefox", () => launchFirefox()],
]) describe(name, () => {
  let site, browser;
  before(async () => {
    site = await serve(await installed());
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  function signing(what, knobs, play) {
    test(what, { timeout: 120_000 }, async () => {
      const as = await startScripted(knobs);
      const context = await browser.createBrowserContext();
      try {
        await play({ as, context, open: () => openApp(context, site.url, as.url) });
      } finally {
        await context.close();
        await as.close();
      }
    });
  }

  const windows = (context) => context.pages().then((pages) => pages.length);
  const agree = async (window) => {
    await window.waitForSelector("#agree");
    await window.click("#agree");
  };
  const waiting = (app) => app.run(() => session.status.waitingFor);

  // Runs in the page: a session whose user is asked as `ask` says, and what became of connecting.
  async function connectAsking({ connect, settle }, url, ask, options = {}) {
    const { popup } = await import("mcp-evergreen/auth");
    const provider = popup({ redirectUrl: "/callback.html", ...options });
    const { open } = provider;
    provider.open = (href, told) => {
      const { signal, ...rest } = told;
      globalThis.told = rest;
      globalThis.signal = signal;
      return open(href, told);
    };
    const { ok, error } = await settle(connect(url, { auth: { provider, ask } }));
    globalThis.session = ok;
    return ok ? { ok: ok.status.state } : { error };
  }
  // Runs in the page.
  const callAndKeep = async ({ text }) => void (globalThis.result = session.callTool({ name: "read" }, { timeout: 1_000 }).then(text));
  const authorizeAndKeep = async () => void (globalThis.signedIn = session.authorize().then(({ state }) => state, (error) => error.diagnosis?.kind ?? error.name));

  signing("click: calls wait, and the window of the click is led on though the servers are slow", { delay: SLOW }, async ({ as, context, open }) => {
    const app = await open();
    assert.deepEqual(await app.run(connectAsking, as.url, "click"), { ok: "waiting" });
    assert.deepEqual(await waiting(app), { why: "sign-in", server: { name: as.url, url: as.url } });
    await app.run(callAndKeep);
    await app.run(({ sleep }) => sleep(1_500));
    assert.equal(await windows(context), 1, "no window opens by itself");
    await app.click(authorizeAndKeep);
    const window = await app.nextPopup();
    await agree(window);
    assert.equal(await app.run(() => signedIn), "ready");
    assert.equal(await app.run(() => result), "read ran");
    assert.deepEqual([as.counts.asked, as.counts.registered, as.counts.codes], [1, 1, 1]);
    const { state, ...told } = await app.run(() => globalThis.told);
    assert.deepEqual(told, { server: { name: as.url, url: as.url }, issuer: as.issuer, scopes: ["read", "offline_access"], linked: true });
    await until(async () => (await windows(context)) === 1, "the window is closed");
  });

  signing("a click that finds the user signed in leaves no window", { delay: SLOW }, async ({ as, context, open }) => {
    const app = await open();
    await app.run(connectAsking, as.url, "click");
    await app.click(authorizeAndKeep);
    await agree(await app.nextPopup());
    assert.equal(await app.run(() => signedIn), "ready");
    await until(async () => (await windows(context)) === 1, "the window is closed");
    await app.click(authorizeAndKeep);
    assert.equal(await app.run(() => signedIn), "ready");
    await until(async () => (await windows(context)) === 1, "the second window is closed");
    assert.equal(as.counts.asked, 1);
  });

  signing("auto: a window that the host opened in its click is led on", { delay: SLOW }, async ({ as, context, open }) => {
    const app = await open();
    await app.click(async (kit, text, url) => {
      const opened = globalThis.open("", "_blank", "popup");
      const connectAsking = (0, eval)(`(${text})`);
      globalThis.connecting = connectAsking(kit, url, "auto", { window: opened });
    }, String(connectAsking), as.url);
    await agree(await app.nextPopup());
    assert.deepEqual(await app.outcome(), { ok: "ready" });
    await until(async () => (await windows(context)) === 1, "the window is closed");
  });

  signing("where no window can be opened the address does as a link", {}, async ({ as, context, open }) => {
    const app = await open();
    await app.run(connectAsking, as.url, "click");
    await app.run(callAndKeep);
    // Nobody clicks, and the browser knows.
    await app.run(authorizeAndKeep);
    const { url } = await until(async () => ((await waiting(app))?.url ? waiting(app) : undefined), "the address");
    assert.equal(new URL(url).origin, as.issuer);
    const linked = await context.newPage();
    await linked.goto(url);
    await agree(linked);
    assert.equal(await app.run(() => result), "read ran");
    assert.equal(await app.run(() => signedIn), "ready");
    assert.equal(await waiting(app), undefined);
  });

  signing("a user who closes the window loses no call, and signs in by the next click", {}, async ({ as, open }) => {
    const app = await open();
    await app.run(connectAsking, as.url, "click");
    await app.run(callAndKeep);
    await app.click(authorizeAndKeep);
    const window = await app.nextPopup();
    await window.waitForSelector("#agree");
    await window.close();
    await app.page.bringToFront();
    assert.equal(await app.run(() => signedIn), "closed");
    assert.deepEqual((await waiting(app)).why, "sign-in");
    await app.click(authorizeAndKeep);
    await agree(await app.nextPopup());
    assert.equal(await app.run(() => result), "read ran");
  });

  signing("a login that is wanted in the middle waits for the click", {}, async ({ as, context, open }) => {
    const app = await open();
    await app.run(connectAsking, as.url, "click");
    await app.click(authorizeAndKeep);
    await agree(await app.nextPopup());
    assert.equal(await app.run(() => signedIn), "ready");
    as.revoke();
    await app.click(callAndKeep);
    await until(async () => (await waiting(app))?.why === "sign-in", "the status says so");
    await app.run(({ sleep }) => sleep(1_500));
    await until(async () => (await windows(context)) === 1, "no window");
    await app.click(authorizeAndKeep);
    await agree(await app.nextPopup());
    assert.equal(await app.run(() => result), "read ran");
  });

  signing("the signal fires when nobody waits any more", {}, async ({ as, context, open }) => {
    const app = await open();
    await app.run(connectAsking, as.url, "click");
    await app.click(async () => {
      globalThis.stop = new AbortController();
      globalThis.signedIn = session.authorize({ signal: stop.signal }).catch(({ name }) => name);
    });
    await (await app.nextPopup()).waitForSelector("#agree");
    await app.run(() => stop.abort());
    assert.equal(await app.run(() => signedIn), "AbortError");
    await until(() => app.run(() => signal.aborted), "the signal");
    await until(async () => (await windows(context)) === 1, "the window is closed");
    assert.equal((await waiting(app)).why, "sign-in");
  });

  signing("never: it fails, and no window opens", {}, async ({ as, context, open }) => {
    const app = await open();
    await app.click(async (kit, text, url) => {
      globalThis.connecting = (0, eval)(`(${text})`)(kit, url, "never");
    }, String(connectAsking), as.url);
    const { error } = await app.outcome();
    assert.deepEqual([error.code, error.outcome, error.httpStatus], ["unauthorized", "not_executed", 401]);
    assert.deepEqual([as.counts.asked, await windows(context)], [0, 1]);
  });
});
