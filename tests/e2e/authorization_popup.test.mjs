// Windows, tabs and pages that were left, in a browser that blocks popups: only a click lets one open, and a test's own
// scripts are no clicks.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { openApp } from "./lib/app.mjs";
import { launchBrowserOnScreen } from "./lib/chrome.mjs";
import { launchFirefox } from "./lib/firefox.mjs";
import { installed } from "./lib/install.mjs";
import { listen } from "./lib/ports.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";
import { startScripted } from "./servers/scripted_as.mjs";

for (const [name, launch] of [
  // A page of a headless one has the focus always.
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

  function authorized(what, knobs, play) {
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

  const kind = async (app) => (await app.outcome()).error?.diagnosis?.kind;
  const ready = async (app) => assert.deepEqual(await app.outcome(), { ok: "ready" });
  /** Runs in the page: the refresh token is gone. */
  const withoutRefresh = () => {
    const [[key, text]] = Object.entries(localStorage);
    const record = JSON.parse(text);
    delete record.grant.refresh;
    localStorage.setItem(key, JSON.stringify(record));
  };
  const windows = (context) => context.pages().then((pages) => pages.length);

  authorized("without a click the browser blocks the window, and the error says what to do", { agrees: true }, async ({ as, open }) => {
    const app = await open();
    await app.connectWithoutClick();
    assert.equal(await kind(app), "popup_blocked");
    assert.equal(as.counts.asked, 0);
    await app.connect();
    await ready(app);
    assert.deepEqual([as.counts.asked, as.counts.registered], [1, 1], "a client is the page's, whoever makes the provider");
  });

  authorized("what an authorization server shows can neither reach nor navigate the page", {
    page: `
      try { opener?.location.replace("about:blank#taken"); } catch {}
      try { open("about:blank#taken", "host"); } catch {}
      document.title = String(opener);`,
  }, async ({ context, open }) => {
    const app = await open();
    await app.run(() => void (window.name = "host"));
    const address = app.page.url();
    await app.connect();
    const popup = await app.nextPopup();
    await popup.waitForSelector("#agree");
    assert.equal(await popup.title(), "null");
    assert.equal(app.page.url(), address);
    await popup.click("#agree");
    await ready(app);
    await until(async () => (await windows(context)) === 1, "the popup is closed");
  });

  authorized("a window that is cut off by the server's headers closes itself", { headers: { "cross-origin-opener-policy": "same-origin" } }, async ({ context, open }) => {
    const app = await open();
    await app.connect();
    const popup = await app.nextPopup();
    await popup.waitForSelector("#agree");
    await popup.click("#agree");
    await ready(app);
    await until(async () => (await windows(context)) === 1, "the popup is closed");
  });

  authorized("a window that is cut off is waited for while the user looks something up in the page", { headers: { "cross-origin-opener-policy": "same-origin" } }, async ({ open }) => {
    const app = await open();
    await app.connect();
    const popup = await app.nextPopup();
    await popup.waitForSelector("#agree");
    // No longer than it takes to see that a password is asked for.
    await popup.bringToFront();
    await app.run(({ sleep }) => sleep(2_000));
    await app.page.bringToFront();
    await app.run(({ sleep }) => sleep(5_000));
    await popup.bringToFront();
    await popup.click("#agree");
    await ready(app);
  });

  for (const how of ["popup", "redirect"]) {
    authorized(`an authorization server of the page's own origin: ${how}`, {}, async ({ as, context }) => {
      let isOfServer;
      const front = createServer(async (req, res) => {
        if (isOfServer(req, res)) return;
        const answer = await fetch(new URL(req.url, site.url));
        res.writeHead(answer.status, { "content-type": answer.headers.get("content-type") }).end(Buffer.from(await answer.arrayBuffer()));
      });
      const origin = `http://127.0.0.1:${await listen(front)}`;
      isOfServer = as.movesTo(origin);
      // Its own pages may be those of an app that looks for an answer in each.
      as.knobs.page = `import("/node_modules/mcp-evergreen/auth.js").then(({ completeAuthorization }) => (document.title = String(completeAuthorization())))`;
      try {
        const app = await openApp(context, `${origin}/`, as.url);
        await app.connect({ how });
        const shown = how === "popup" ? await app.nextPopup() : app.page;
        await shown.waitForFunction(() => document.title === "false");
        await shown.click("#agree");
        if (how === "redirect") {
          await app.isBack();
          await app.connect({ how });
        }
        await ready(app);
        assert.deepEqual([as.counts.asked, as.counts.codes], [1, 1]);
      } finally {
        front.closeAllConnections();
        front.close();
      }
    });
  }

  authorized("no page after the callback page is told of the code", {}, async ({ open }) => {
    const app = await open();
    await app.connect({ how: "redirect" });
    await app.page.waitForSelector("#agree").then((button) => button.click());
    await app.isBack();
    const { referrer, href } = await app.page.evaluate(() => ({ referrer: document.referrer, href: location.href }));
    assert.deepEqual([referrer, href], [`${site.url}callback.html`, site.url]);
    await app.connect({ how: "redirect" });
    await ready(app);
  });

  authorized("offline_access that is refused is asked for once, without another click", {
    agrees: true,
    refuses: ({ scope }) => (scope?.includes("offline_access") ? "invalid_scope" : undefined),
  }, async ({ as, context, open }) => {
    const app = await open();
    await app.connect();
    await ready(app);
    assert.deepEqual(as.seen.map(({ scope }) => scope), ["read offline_access", "read"]);
    await until(async () => (await windows(context)) === 1, "one window, which is closed");
  });

  authorized("a client that was forgotten is registered anew, in the same window", { agrees: true }, async ({ as, open }) => {
    const app = await open();
    await app.connect();
    await ready(app);
    as.revoke();
    as.knobs.forgets = ({ grant_type: type, client_id: id }) => type === "authorization_code" && id === "client-1";
    await app.click(async ({ text }) => (globalThis.result = session.callTool({ name: "read" }).then(text)));
    assert.equal(await app.run(() => result), "read ran");
    assert.deepEqual(as.seen.map(({ client_id: id }) => id), ["client-1", "client-1", "client-2"]);
  });

  authorized("a user who closes an error page gets another client at the next click", {}, async ({ as, open }) => {
    const app = await open();
    await app.connect({ storage: "local" });
    await (await app.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    await ready(app);
    await app.run(() => session.close());
    as.revoke();
    as.forgetClients();
    await app.run(withoutRefresh);
    await app.connect({ storage: "local" });
    const popup = await app.nextPopup();
    await popup.waitForSelector("#unknown");
    await popup.close();
    await app.page.bringToFront();
    assert.equal(await kind(app), "closed");
    await app.connect({ storage: "local" });
    await (await app.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    await ready(app);
    assert.equal(as.counts.registered, 2);
  });

  authorized("a second tab waits for the login of the first, without a window and without a time-out", {}, async ({ as, context, open }) => {
    const [one, two] = [await open(), await open()];
    await one.connect({ storage: "local" });
    const shown = await one.nextPopup();
    await shown.waitForSelector("#agree");
    await two.connectWithoutClick({ storage: "local" });
    await until(() => two.run(() => states.at(-1)?.[1] === "sign-in"), "the second tab says what it waits for");
    await two.run(({ sleep }) => sleep(1_500));
    assert.deepEqual([as.counts.asked, await windows(context)], [1, 3]);
    await shown.click("#agree");
    await ready(one);
    await ready(two);
    assert.deepEqual([as.counts.asked, as.counts.registered, as.counts.codes], [1, 1, 1]);
  });

  authorized("a second tab goes on by itself where the user signs in there, and what it gets serves both", {}, async ({ as, open }) => {
    const [one, two] = [await open(), await open()];
    await one.connect({ storage: "local" });
    const left = await one.nextPopup();
    await left.waitForSelector("#agree");
    await two.run(async ({ connect }, url) => {
      const { popup } = await import("mcp-evergreen/auth");
      const provider = popup({ redirectUrl: "/callback.html", storage: localStorage });
      globalThis.session = await connect(url, { auth: { provider, ask: "click" } });
    }, as.url);
    await two.click(async () => (globalThis.signedIn = session.authorize().then(({ state }) => state)));
    await (await two.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    assert.equal(await two.run(() => signedIn), "ready");
    assert.equal(as.counts.registered, 1);
    // The first user gives up: in the other tab it is done.
    await left.close();
    await one.page.bringToFront();
    await ready(one);
    assert.equal(as.counts.codes, 1);
  });

  authorized("a tab with a token in store is ready while another one asks for more", { lacks: (params) => params?.name === "admin" }, async ({ open }) => {
    const [one, two] = [await open(), await open()];
    await one.connect({ storage: "local" });
    await (await one.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    await ready(one);
    await one.click(async () => void session.callTool({ name: "admin" }).catch(() => {}));
    await (await one.nextPopup()).waitForSelector("#agree");
    await two.connectWithoutClick({ storage: "local" });
    await ready(two);
  });

  authorized("a refresh that is given up while it is under way costs nobody the grant", { rotates: true }, async ({ as, open }) => {
    const [one, two] = [await open(), await open()];
    for (const app of [one, two]) {
      await app.connect({ storage: "local" });
      if (app === one) await (await app.nextPopup()).waitForSelector("#agree").then((button) => button.click());
      await ready(app);
    }
    as.knobs.slow = 600;
    for (const giveUp of ["close", "abort"]) {
      const { refreshes } = as.counts;
      as.expire();
      await one.run(async ({ connect, text }, url, giveUp) => {
        const { popup } = await import("mcp-evergreen/auth");
        const provider = popup({ redirectUrl: "/callback.html", storage: localStorage });
        const stop = new AbortController();
        if (giveUp === "close") void session.callTool({ name: "read" }).catch(() => {});
        else void connect(url, { auth: { provider }, signal: stop.signal }).catch(() => {});
        globalThis.giveUp = () => (giveUp === "close" ? session.close() : stop.abort());
      }, as.url, giveUp);
      await until(() => as.counts.refreshes > refreshes, "a refresh is under way");
      await one.run(() => void giveUp());
      assert.equal(await two.call("read"), "read ran", giveUp);
      assert.deepEqual([as.counts.refreshes, as.counts.reused], [refreshes + 1, 0], giveUp);
    }
    assert.equal(as.counts.asked, 1);
  });

  authorized("a refresh token is spent once, however late a tab is shown what another one wrote", { rotates: true }, async ({ as, open }) => {
    const [one, two] = [await open(), await open()];
    await two.run(() => {
      const { getItem, setItem } = Storage.prototype;
      const shown = new Map();
      Storage.prototype.getItem = function (key) {
        if (!shown.has(key)) shown.set(key, getItem.call(this, key));
        return shown.get(key);
      };
      Storage.prototype.setItem = function (key, text) {
        shown.set(key, text);
        setItem.call(this, key, text);
      };
      addEventListener("storage", ({ key, newValue }) => setTimeout(() => shown.set(key, newValue), 300));
    });
    for (const app of [one, two]) {
      await app.connect({ storage: "local" });
      if (app === one) await app.signIn();
      await ready(app);
    }
    as.expire();
    assert.deepEqual([await one.call("read"), await two.call("read")], ["read ran", "read ran"]);
    assert.deepEqual([as.counts.refreshes, as.counts.reused, as.counts.asked], [1, 0, 1]);
  });

  authorized("where the session that asks is given up, the one that waits asks", {}, async ({ as, open }) => {
    const app = await open();
    await app.click(async ({ connect }, url) => {
      const { popup } = await import("mcp-evergreen/auth");
      globalThis.provider = popup({ redirectUrl: "/callback.html" });
      globalThis.stop = new AbortController();
      void connect(url, { auth: { provider }, signal: stop.signal }).catch(() => {});
    }, as.url);
    await (await app.nextPopup()).waitForSelector("#agree");
    await app.run(async ({ connect, sleep }, url) => {
      globalThis.connecting = connect(url, { auth: { provider } }).then(({ status }) => ({ ok: status.state }), (error) => ({ error }));
      await sleep(500);
    }, as.url);
    await app.click(() => setTimeout(() => stop.abort(), 100));
    await (await app.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    await ready(app);
  });

  authorized("nothing in the background opens a window", {}, async ({ as, context, open }) => {
    const app = await open();
    await app.connect();
    await (await app.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    await ready(app);
    as.revoke();
    // A click that has nothing to do with it lets windows open; and the session begins to listen.
    await app.click(async () => session.on("toolschange", () => {}));
    const asked = as.counts.asked;
    await app.run(({ sleep }) => sleep(1_500));
    assert.deepEqual([as.counts.asked, await windows(context)], [asked, 1]);
  });

  authorized("a call that was given up opens no window", {}, async ({ as, context, open }) => {
    const app = await open();
    await app.connect();
    await (await app.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    await ready(app);
    as.revoke();
    const asked = as.counts.asked;
    await app.click(async () => {
      const stop = new AbortController();
      globalThis.result = session.callTool({ name: "read" }, { signal: stop.signal }).catch(({ name }) => name);
      session.on("wire", ({ status }) => status === 401 && stop.abort());
    });
    assert.equal(await app.run(() => result), "AbortError");
    await app.run(({ sleep }) => sleep(1_000));
    assert.deepEqual([as.counts.asked, await windows(context)], [asked, 1]);
  });

  // ── What a page is shown of the servers ──

  authorized("what a server hides from the page is passed over, as if it were not there", {
    agrees: true,
    hides: (path) => ["/.well-known/oauth-protected-resource/mcp"].includes(path),
  }, async ({ as, open }) => {
    const app = await open();
    await app.connect();
    await ready(app);
    assert.equal(as.counts.asked, 1);
  });

  authorized("where all is hidden, no address is made up", { hides: (path) => path.startsWith("/.well-known/") }, async ({ as, open }) => {
    const app = await open();
    await app.connect();
    assert.equal(await kind(app), "unreachable");
    assert.deepEqual([as.counts.asked, as.counts.registered], [0, 0]);
  });

  authorized("metadata that another origin gives in place of the server is not taken", { agrees: true }, async ({ as, open }) => {
    const thief = await startScripted({ agrees: true });
    try {
      const app = await open();
      const place = "/.well-known/oauth-authorization-server";
      as.knobs.moves = (path) => (path === place ? `${thief.issuer}${place}` : undefined);
      await app.connect();
      assert.equal(await kind(app), "no_metadata");
      // As asked first, and as followed.
      as.knobs.moves = ((once) => (path) => (path === place && once-- > 0 ? `${as.issuer}${place}?moved` : undefined))(2);
      await app.connect();
      await ready(app);
      assert.deepEqual([thief.counts.asked, as.counts.asked], [0, 1]);
    } finally {
      await thief.close();
    }
  });

  authorized("two sessions of one page open one window", {}, async ({ as, context, open }) => {
    const app = await open();
    await app.click(async ({ connect }, url) => {
      const { popup } = await import("mcp-evergreen/auth");
      const provider = popup({ redirectUrl: "/callback.html" });
      globalThis.both = Promise.all([1, 2].map(() => connect(url, { auth: { provider } }))).then((sessions) => sessions.map(({ status }) => status.state));
    }, as.url);
    await (await app.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    assert.deepEqual(await app.run(() => both), ["ready", "ready"]);
    assert.deepEqual([as.counts.asked, as.counts.registered], [1, 1]);
    await until(async () => (await windows(context)) === 1, "the popup is closed");
  });

  // ── A page that is left ──

  const notes = (app) => app.run(() => Object.entries(sessionStorage).filter(([name]) => name.startsWith("mcp-evergreen:pending:")).map(([, note]) => note));

  authorized("a redirect that was given up leaves nothing behind", {}, async ({ as, open }) => {
    const app = await open();
    await app.connect({ how: "redirect", back: "/callback.html" });
    await app.page.waitForSelector("#agree");
    await app.page.goBack();
    await app.isBack();
    await app.connect({ how: "popup" });
    await (await app.nextPopup()).waitForSelector("#agree").then((button) => button.click());
    await ready(app);
    assert.deepEqual(await notes(app), []);
    assert.equal(as.counts.codes, 1);
  });

  authorized("a redirect that was given up leaves nothing behind, though nobody connects", {}, async ({ open }) => {
    const app = await open();
    await app.connect({ how: "redirect" });
    await app.page.waitForSelector("#agree");
    await app.page.goto(site.url);
    await app.page.evaluate(() => import("mcp-evergreen/auth"));
    assert.deepEqual(await notes(app), []);
  });

  authorized("what a callback page was given for nobody goes when its time is over", {}, async ({ open }) => {
    const app = await open();
    const url = `${site.url}callback.html?code=c&state=s`;
    const left = (ms) => app.run((_, url, ms) => sessionStorage.setItem("mcp-evergreen:pending:x", JSON.stringify({ state: "s", pending: "{}", from: location.href, url, at: Date.now() - ms })), url, ms);
    await left(600_001);
    await app.page.goto(`${site.url}?again`);
    await app.page.evaluate(() => import("mcp-evergreen/auth"));
    assert.deepEqual(await notes(app), []);
    await left(592_000);
    await app.page.goto(`${site.url}?again`);
    await app.page.evaluate(() => import("mcp-evergreen/auth"));
    assert.equal((await notes(app)).length, 1);
    await until(async () => (await notes(app)).length === 0, "it goes by itself");
  });

  authorized("a note of somebody else's leads the callback page nowhere", {}, async ({ open }) => {
    const app = await open();
    for (const from of ["javascript:void(globalThis.name = 'taken')", "http://localhost:1/foreign", `blob:${new URL(site.url).origin}/x`, "data:text/html,x"]) {
      await app.run((_, from) => sessionStorage.setItem("mcp-evergreen:pending:x", JSON.stringify({ state: "s", pending: "p", from, at: Date.now() })), from);
      await app.page.goto(`${site.url}callback.html?code=c&state=s`);
      await app.page.waitForFunction(() => !location.search.includes("code"));
      await app.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)));
      assert.deepEqual([app.page.url(), await app.page.evaluate(() => globalThis.name)], [`${site.url}callback.html`, ""], from);
      await app.page.goto(site.url);
    }
  });

  authorized("a note that is broken breaks no connect, and goes", { agrees: true }, async ({ as, open }) => {
    const app = await open();
    for (const note of ["{", "null", "7", '{"state":"s"}', JSON.stringify({ state: "s", pending: "{", from: "x", at: Date.now() })]) {
      await app.run((_, note, url) => {
        sessionStorage.setItem(`mcp-evergreen:pending:mcp-evergreen:auth:${JSON.stringify(["", url])}`, note);
        sessionStorage.setItem("mcp-evergreen:pending:of another server", JSON.stringify({ state: "t", pending: "{}", from: "x", url: "y", at: Date.now() - 900_000 }));
      }, note, as.url);
      await app.connect();
      await ready(app);
      assert.deepEqual(await notes(app), [], note);
    }
  });

  authorized("a redirect whose client was forgotten goes on with another one", { agrees: true }, async ({ as, open }) => {
    const app = await open();
    const goAndComeBack = async () => {
      await app.run(() => (globalThis.isOld = true));
      await app.connect({ how: "redirect", back: "/callback.html", storage: "local" });
      // Without an import: one that comes before the page's import map keeps that from counting.
      const isNew = () => app.page.evaluate(() => location.pathname === "/" && !globalThis.isOld && document.readyState === "complete");
      await until(() => isNew().catch(() => false), () => `a new page life, and not ${app.page.url()}`);
    };
    await goAndComeBack();
    as.knobs.forgets = ({ client_id: id }) => id === "client-1";
    // The code is refused, and the page goes away once more, by itself.
    await goAndComeBack();
    await app.connect({ how: "redirect", back: "/callback.html", storage: "local" });
    await ready(app);
    assert.deepEqual(as.seen.map(({ client_id: id }) => id), ["client-1", "client-2"]);
    assert.deepEqual(await notes(app), []);
  });
});
