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
    const { share, storage, ...more } = options;
    const provider = popup({ redirectUrl: "/callback.html", storage: storage ? localStorage : undefined, ...more });
    const { open } = provider;
    provider.open = (href, told) => {
      const { signal, warn, ...rest } = told;
      globalThis.told = rest;
      globalThis.signal = signal;
      return open(href, told);
    };
    const { ok, error } = await settle(connect(url, { auth: { provider, ask }, share: share && { key: share }, on: { warning: ({ kind }) => (globalThis.warned ??= []).push(kind) } }));
    globalThis.session = ok;
    return ok ? { ok: ok.status.state } : { error };
  }
  // Runs in the page.
  const callAndKeep = async ({ text }, timeout = 1_000) => void (globalThis.result = session.callTool({ name: "read" }, { timeout }).then(text));
  const authorizeAndKeep = async () => void (globalThis.signedIn = session.authorize().then(({ state }) => state, (error) => error.diagnosis?.kind ?? error.name));

  signing("click: calls wait, and the window of the click is led on though the servers are slow", { delay: SLOW }, async ({ as, context, open }) => {
    const app = await open();
    assert.deepEqual(await app.run(connectAsking, as.url, "click"), { ok: "waiting" });
    assert.deepEqual(await waiting(app), { why: "sign-in", server: { name: as.url, url: as.url } });
    // Long enough for a handshake; and over before anybody clicks.
    await app.run(callAndKeep, 5_000);
    await app.run(({ sleep }) => sleep(5_500));
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
    const isSignedIn = () => app.run(() => session.status.signedIn);
    assert.equal(await isSignedIn(), true);
    as.revoke();
    await app.click(callAndKeep);
    await until(async () => (await waiting(app))?.why === "sign-in", "the status says so");
    assert.equal(await isSignedIn(), false);
    await app.run(({ sleep }) => sleep(1_500));
    await until(async () => (await windows(context)) === 1, "no window");
    await app.click(authorizeAndKeep);
    await agree(await app.nextPopup());
    assert.equal(await app.run(() => result), "read ran");
    assert.equal(await isSignedIn(), true);
    await app.run(() => {
      globalThis.told = [];
      session.on("statechange", ({ state, signedIn }) => told.push([state, signedIn]));
      return session.signOut();
    });
    assert.equal(await isSignedIn(), false);
    assert.deepEqual(await app.run(() => told.at(-1)), ["closed", false]);
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
    // Chromium lets nobody but an opener close what shows another origin's page.
    if (name === "Firefox") await until(async () => (await windows(context)) === 1, "the window is closed");
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

  signing("what the servers say of themselves is asked once, whoever makes the provider", {}, async ({ as, open }) => {
    const app = await open();
    for (const agrees of [false, true]) {
      await app.run(connectAsking, as.url, "click");
      await app.click(authorizeAndKeep);
      const window = await app.nextPopup();
      await window.waitForSelector("#agree");
      if (agrees) await window.click("#agree");
      else await window.close();
      await app.page.bringToFront();
      assert.equal(await app.run(() => signedIn), agrees ? "ready" : "closed");
      await app.run(() => session.close());
    }
    assert.deepEqual([as.counts.metadata, as.counts.registered, as.counts.asked], [2, 1, 2]);
  });

  signing("metadata that led nowhere is fetched anew", { agrees: true }, async ({ as, open }) => {
    const app = await open();
    for (const isHidden of [true, false]) {
      as.knobs.hides = (path) => isHidden && path === "/token";
      await app.run(connectAsking, as.url, "click");
      await app.click(authorizeAndKeep);
      assert.equal(await app.run(() => signedIn), isHidden ? "unreachable" : "ready");
      assert.equal(as.counts.metadata, isHidden ? 2 : 4);
      await app.run(() => session.close());
    }
  });

  signing("of two tabs that wait for a click the one goes on when the user signs in in the other", {}, async ({ as, context, open }) => {
    const [one, two] = [await open(), await open()];
    for (const app of [one, two]) {
      await app.run(connectAsking, as.url, "click", { storage: true });
      await app.run(callAndKeep);
    }
    await one.click(authorizeAndKeep);
    await agree(await one.nextPopup());
    assert.equal(await one.run(() => signedIn), "ready");
    assert.equal(await two.run(() => result), "read ran");
    assert.equal(await two.run(() => session.status.state), "ready");
    assert.deepEqual([as.counts.asked, as.counts.codes], [1, 1]);
    await until(async () => (await windows(context)) === 2, "no other window");
  });

  for (const storage of [false, true]) {
    signing(`a tab that follows signs in for all that share the session${storage ? "" : ", and keeps its token for itself"}`, {}, async ({ as, open }) => {
      const [one, two] = [await open(), await open()];
      for (const app of [one, two]) {
        assert.deepEqual(await app.run(connectAsking, as.url, "click", { share: "us", storage }), { ok: "waiting" });
        assert.equal((await waiting(app)).why, "sign-in");
        await app.run(callAndKeep);
      }
      await two.click(authorizeAndKeep);
      await agree(await two.nextPopup());
      assert.equal(await two.run(() => signedIn), "ready");
      assert.equal(await two.run(() => result), "read ran");
      if (!storage) {
        assert.equal((await waiting(one)).why, "sign-in");
        await one.click(authorizeAndKeep);
        await agree(await one.nextPopup());
        assert.equal(await one.run(() => signedIn), "ready");
      }
      assert.equal(await one.run(() => result), "read ran");
      assert.equal(as.counts.codes, storage ? 1 : 2);
    });
  }

  // With "auto" the browser blocks a window where the click comes late.
  for (const [ask, delay] of [["auto", 2_000], ["click", SLOW]]) {
    signing(`a manager signs in to a server that is still connecting, by its name: ${ask}`, { delay }, async ({ as, context, open }) => {
      const app = await open();
      await app.run(async ({ SessionManager }, url, ask) => {
        const { popup } = await import("mcp-evergreen/auth");
        globalThis.manager = new SessionManager();
        await manager.open("files", url, { lazy: true, auth: { provider: popup({ redirectUrl: "/callback.html" }), ask } });
      }, as.url, ask);
      await app.click(async () => {
        globalThis.signedIn = manager.authorize("files").then(({ state }) => state, (error) => error.diagnosis?.kind ?? error.name);
      });
      await agree(await app.nextPopup());
      assert.equal(await app.run(() => signedIn), "ready");
      assert.equal(await app.run(async ({ text }) => text(await manager.get("files").callTool({ name: "read" }))), "read ran");
      await until(async () => (await windows(context)) === 1, "the window is closed");
      assert.deepEqual([as.counts.asked, as.counts.codes], [1, 1]);
    });
  }

  signing("a manager's click for nobody is refused in words, and one that is given up asks nobody", { delay: SLOW }, async ({ as, context, open }) => {
    const app = await open();
    const told = await app.run(async ({ SessionManager }, url) => {
      const { popup } = await import("mcp-evergreen/auth");
      const manager = new SessionManager();
      const wrong = (promise) => promise.then(() => "fine", ({ name, message, code }) => [code ?? name, message]);
      const nobody = await wrong(manager.authorize("files"));
      const opened = manager.open("files", url, { auth: { provider: popup({ redirectUrl: "/callback.html" }), ask: "click" } });
      const other = await wrong(manager.authorize("other"));
      const option = await wrong(manager.authorize("files", { sginal: 1 }));
      const aborted = await wrong(manager.authorize("files", { signal: AbortSignal.abort() }));
      await opened;
      await manager.open("plain", url, { lazy: true });
      const plain = await wrong(manager.authorize("plain"));
      await manager.close();
      return { nobody, other, option: option[0], aborted: aborted[0], plain: plain[0], closed: (await wrong(manager.authorize("files")))[0] };
    }, as.url);
    assert.deepEqual(told, {
      nobody: ["TypeError", "name: no server of this name is open; there are none"],
      other: ["TypeError", "name: no server of this name is open; there are files"],
      option: "TypeError",
      aborted: 20,
      plain: "TypeError",
      closed: "closed",
    });
    assert.deepEqual([as.counts.asked, await windows(context)], [0, 1]);
  });

  const isolated = { "cross-origin-opener-policy": "same-origin" };

  signing("a window that was cut off is told apart from one that was closed", { headers: isolated }, async ({ as, open }) => {
    const app = await open();
    await app.run(connectAsking, as.url, "click");
    // A minute of looks at the window is over in seconds.
    await app.run(() => {
      const { setInterval } = globalThis;
      globalThis.setInterval = (run, ms) => setInterval(run, ms / 20);
    });
    await app.click(authorizeAndKeep);
    const window = await app.nextPopup();
    await window.waitForSelector("#agree");
    await window.bringToFront();
    await app.run(({ sleep }) => sleep(2_500));
    await app.page.bringToFront();
    assert.equal(await app.run(() => signedIn), "cut_off");
    assert.equal((await waiting(app)).why, "sign-in");
  });

  signing("where the browser lets no window open in a click, that is told at once, and the address does as a link", {}, async ({ as, context, open }) => {
    const app = await open();
    await app.run(connectAsking, as.url, "never").then(({ error }) => assert.equal(error.code, "unauthorized"));
    await app.run(connectAsking, as.url, "click");
    await app.run(() => (globalThis.open = () => null));
    await app.click(authorizeAndKeep);
    const { url } = await until(async () => ((await waiting(app))?.url ? waiting(app) : undefined), "the address");
    assert.deepEqual(await app.run(() => warned), ["popup_blocked"]);
    const linked = await context.newPage();
    await linked.goto(url);
    await agree(linked);
    assert.equal(await app.run(() => signedIn), "ready");
  });

  /** The app in a page of another site's; its user before it. */
  function embedded(what, knobs, play) {
    signing(what, knobs, async ({ as, context }) => {
      const host = await serve(await installed(), { override: () => ({ type: "text/html", body: `<!doctype html><iframe src="${site.url}"></iframe>` }) });
      try {
        const page = await context.newPage();
        page.setDefaultTimeout(100_000);
        await page.goto(host.url.replace("127.0.0.1", "localhost"));
        // Not every driver tells the page of a window that a frame in it has opened.
        const nextPopup = () => until(async () => (await context.pages()).find((other) => other !== page), "a popup");
        const frame = await (await page.waitForSelector("iframe")).contentFrame();
        await frame.waitForFunction(() => document.readyState === "complete");
        const run = async (fn, ...args) => {
          const text = await frame.evaluate(`(async () => {
            const kit = { ...(await import("/page/kit.mjs")), ...(await import("mcp-evergreen")) };
            return JSON.stringify(await (${fn})(kit, ...${JSON.stringify(args)}));
          })()`);
          return text && JSON.parse(text);
        };
        await run(connectAsking, as.url, "click");
        await run((_, text) => {
          const button = document.body.appendChild(document.createElement("button"));
          button.id = "go";
          button.onclick = (0, eval)(`(${text})`);
        }, String(authorizeAndKeep));
        await play({ page, frame, run, nextPopup, click: () => frame.click("#go") });
      } finally {
        await host.close();
      }
    });
  }

  embedded("an embedded page is told at once that it is one, and its window answers all the same", {}, async ({ run, nextPopup, click }) => {
    await click();
    const window = await nextPopup();
    await window.waitForSelector("#agree");
    assert.deepEqual(await run(() => warned), ["embedded"]);
    await window.click("#agree");
    assert.equal(await run(() => signedIn), "ready");
  });

  embedded("an embedded page whose window is cut off learns what to do when the user is back", { headers: isolated }, async ({ run, page, frame, nextPopup, click }) => {
    await click();
    const window = await nextPopup();
    await window.waitForSelector("#agree");
    await window.bringToFront();
    await run(({ sleep }) => sleep(2_500));
    await page.bringToFront();
    await frame.focus("#go");
    assert.equal(await run(() => signedIn), "embedded");
    assert.equal(await run(() => session.status.waitingFor.why), "sign-in");
  });

  embedded("an embedded page that can open no window is answered by a link with an opener", {}, async ({ run, frame, nextPopup, click }) => {
    await run(() => (globalThis.open = () => null));
    await click();
    await until(() => run(() => session.status.waitingFor?.url), "the address");
    await run(() => {
      const link = document.body.appendChild(document.createElement("a"));
      Object.assign(link, { href: session.status.waitingFor.url, target: "_blank", rel: "opener", id: "link", textContent: "sign in" });
    });
    await frame.click("#link");
    await agree(await nextPopup());
    assert.equal(await run(() => signedIn), "ready");
  });
});
