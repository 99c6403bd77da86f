// Authorizations with a real authorization server in front of a real MCP server, by a user who clicks.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openApp } from "./lib/app.mjs";
import { launchBrowser } from "./lib/chrome.mjs";
import { launchFirefox } from "./lib/firefox.mjs";
import { installed } from "./lib/install.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";
import { startOidc } from "./servers/oidc.mjs";

const TIMEOUT = 180_000;
/** Milliseconds after which a token of an hour is due. */
const DUE = 3_580_000;

for (const [name, launch] of [
  ["Chromium", () => launchBrowser()],
  ["Firefox", launchFirefox],
]) {
  describe(name, () => {
    let site, browser;
    before(async () => {
      site = await serve(await installed());
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await site?.close();
    });

    /** `play({ oidc, open })`; `open()` gives a page of the app, in a storage of this test's own. */
    function authorized(what, setting, play) {
      test(what, { timeout: TIMEOUT }, async () => {
        const oidc = await startOidc(setting);
        const context = await browser.createBrowserContext();
        try {
          await play({ oidc, open: () => openApp(context, site.url, oidc.url) });
        } finally {
          await context.close();
          await oidc.close();
        }
      });
    }

    authorized("the first login, in a popup", {}, async ({ oidc, open }) => {
      const app = await open();
      await app.connect();
      await app.signIn();
      assert.deepEqual(await app.outcome(), { ok: "ready" });
      assert.equal(await app.call("read"), "read ran");
      assert.deepEqual(
        await app.run(() => states.map(([state, why]) => (why ? `${state}: ${why}` : state))),
        ["waiting: sign-in", "connecting", "ready"],
      );
      assert.deepEqual({ ...oidc.counts, calls: 1 }, { registered: 1, signedIn: 1, codes: 1, refreshes: 0, initialized: 1, calls: 1 });
      await until(async () => (await app.page.browserContext().pages()).length === 1, "the popup is closed");
      assert.deepEqual(await app.run(() => [sessionStorage.length, localStorage.length]), [0, 0], "nothing is left behind");
    });

    for (const back of ["/", "/callback.html"]) {
      authorized(`the first login, by a redirect that comes back to ${back}`, {}, async ({ oidc, open }) => {
        const app = await open();
        await app.page.goto(`${site.url}?tab=2`);
        await app.connect({ how: "redirect", back });
        await app.agreeOn(app.page);
        await app.isBack();
        await app.connect({ how: "redirect", back });
        assert.deepEqual(await app.outcome(), { ok: "ready" });
        assert.equal(await app.call("read"), "read ran");
        const search = await app.run(() => location.search);
        assert.equal(search, back === "/" ? "" : "?tab=2", "the code is not left in the address");
        assert.equal(oidc.counts.signedIn, 1);
        // But for when the page was left, for a minute.
        const kept = await app.run(() => Object.keys(sessionStorage).filter((name) => !name.startsWith("mcp-evergreen:left:")));
        assert.deepEqual(kept, []);
      });
    }

    authorized("a user who declines, by popup and by redirect", {}, async ({ oidc, open }) => {
      const app = await open();
      await app.connect();
      await app.signIn("#decline");
      assert.equal((await app.outcome()).error.diagnosis.kind, "declined");
      await app.connect({ how: "redirect", back: "/" });
      await app.agreeOn(app.page, "#decline");
      await app.isBack();
      await app.connect({ how: "redirect", back: "/" });
      assert.equal((await app.outcome()).error.diagnosis.kind, "declined", "and the page stays");
      assert.equal(oidc.counts.codes, 0);
    });

    authorized("a token that is refused is refreshed, and nobody notices", {}, async ({ oidc, open }) => {
      const app = await open();
      await app.login();
      for (let expired = 1; expired <= 3; expired++) {
        await oidc.expire();
        assert.equal(await app.call("read"), "read ran");
        assert.equal(oidc.counts.refreshes, expired);
      }
      assert.deepEqual(oidc.refused, [], "each rotated refresh token was used once");
      assert.equal(oidc.counts.signedIn, 1);
    });

    authorized("a token is refreshed before it expires", {}, async ({ oidc, open }) => {
      const app = await open();
      await app.login();
      await app.later(DUE);
      const refusals = await app.run(async ({ text }) => {
        const refused = [];
        session.on("wire", ({ status }) => status === 401 && refused.push(status));
        await Promise.all(Array.from({ length: 10 }, () => session.callTool({ name: "read" }).then(text)));
        return refused;
      });
      assert.deepEqual(refusals, []);
      assert.equal(oidc.counts.refreshes, 1);
    });

    authorized("two tabs refresh once", {}, async ({ oidc, open }) => {
      const [one, two] = [await open(), await open()];
      await one.login({ storage: "local" });
      await two.connect({ storage: "local" });
      assert.deepEqual(await two.outcome(), { ok: "ready" }, "what the first tab has got is there for the second");
      await oidc.expire();
      const calls = (app) => app.run(async ({ text }) => Promise.all(Array.from({ length: 5 }, async () => text(await session.callTool({ name: "read" })))));
      const results = await Promise.all([calls(one), calls(two)]);
      assert.deepEqual(results.flat(), Array.from({ length: 10 }, () => "read ran"));
      assert.deepEqual([oidc.counts.refreshes, oidc.refused], [1, []]);
    });

    authorized("a revoked refresh token asks the user once, for all calls", {}, async ({ oidc, open }) => {
      const app = await open();
      await app.login();
      await oidc.revoke();
      await app.click(async ({ text }) => {
        globalThis.results = Promise.all(Array.from({ length: 5 }, async () => text(await session.callTool({ name: "read" }))));
      });
      await app.agreeInPopup();
      assert.deepEqual(await app.run(() => results), Array.from({ length: 5 }, () => "read ran"));
      assert.deepEqual([oidc.counts.signedIn, oidc.counts.registered], [2, 1]);
    });

    authorized("a call that needs more asks for more, and what was granted before stays", {}, async ({ oidc, open }) => {
      const app = await open();
      await app.login();
      await app.click(async ({ text }) => (globalThis.result = session.callTool({ name: "admin" }).then(text)));
      const asked = await app.agreeInPopup();
      assert.equal(await app.run(() => result), "admin ran");
      assert.deepEqual(asked.searchParams.get("scope").split(" ").filter((scope) => scope !== "offline_access"), ["read", "admin"]);
      assert.equal(await app.call("read"), "read ran");
      assert.equal(oidc.counts.signedIn, 2);
    });

    authorized("signing out revokes the tokens and forgets them", {}, async ({ oidc, open }) => {
      const app = await open();
      await app.login({ storage: "local" });
      const before = await app.run(() => JSON.stringify(localStorage));
      await app.run(() => session.signOut());
      const after = await app.run(() => JSON.stringify(localStorage));
      const { access, refresh } = JSON.parse(Object.values(JSON.parse(before))[0]).grant;
      assert.ok(!after.includes(access) && !after.includes(refresh));
      assert.equal((await fetch(oidc.url, { method: "POST", headers: { authorization: `Bearer ${access}` } })).status, 401);
      assert.equal(await app.run(() => session.status.state), "closed");
      await app.connect({ storage: "local" });
      await app.signIn();
      assert.deepEqual(await app.outcome(), { ok: "ready" });
      assert.deepEqual([oidc.counts.signedIn, oidc.counts.registered], [2, 1]);
    });

    authorized("another user has other tokens", {}, async ({ oidc, open }) => {
      const app = await open();
      await app.login({ storage: "local", identity: "ann" });
      await app.run(() => session.close());
      await app.connect({ storage: "local", identity: "bob" });
      await app.signIn();
      assert.deepEqual(await app.outcome(), { ok: "ready" });
      assert.equal(oidc.counts.signedIn, 2);
    });

    for (const told of ["the client knows", "only the server knows"]) {
      authorized(`twenty calls meet an evicted session and an expired token, of which ${told}`, {}, async ({ oidc, open }) => {
        const app = await open();
        await app.login();
        if (told === "the client knows") await app.later(DUE);
        await oidc.expire();
        oidc.evict();
        const before = { ...oidc.counts };
        const results = await app.run(({ text }) => Promise.all(Array.from({ length: 20 }, async () => text(await session.callTool({ name: "read" })))));
        assert.deepEqual(results, Array.from({ length: 20 }, () => "read ran"));
        const did = (what) => oidc.counts[what] - before[what];
        assert.deepEqual([did("refreshes"), did("initialized"), did("calls"), did("signedIn")], [1, 1, 20, 0]);
      });
    }
  });
}
