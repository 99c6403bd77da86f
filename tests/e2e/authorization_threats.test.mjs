// What others may try while a user authorizes, and what may go wrong with the window in which that happens.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openApp } from "./lib/app.mjs";
import { launchBrowserOnScreen } from "./lib/chrome.mjs";
import { launchFirefox } from "./lib/firefox.mjs";
import { installed } from "./lib/install.mjs";
import { listen } from "./lib/ports.mjs";
import { serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";
import { startOidc } from "./servers/oidc.mjs";

const ANSWER = "mcp-evergreen:answer";

for (const [name, launch] of [
  // A page of a headless one has the focus always.
  ["Chromium", () => launchBrowserOnScreen()],
  ["Firefox", () => launchFirefox()],
]) {
  describe(name, () => {
    let site, browser, foreign;
    before(async () => {
      site = await serve(await installed());
      foreign = await serve(await installed());
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await site?.close();
      await foreign?.close();
    });

    function authorized(what, setting, play) {
      test(what, { timeout: 180_000 }, async () => {
        const oidc = await startOidc(setting);
        const context = await browser.createBrowserContext();
        try {
          await play({ oidc, context, app: await openApp(context, site.url, oidc.url) });
        } finally {
          await context.close();
          await oidc.close();
        }
      });
    }

    const kind = async (app) => (await app.outcome()).error?.diagnosis?.kind;

    authorized("a popup that the browser blocks is an error that says what to do", {}, async ({ app }) => {
      await app.run(() => (window.open = () => null));
      await app.connect();
      const { error } = await app.outcome();
      assert.deepEqual([error.code, error.outcome, error.diagnosis.kind], ["auth", "not_executed", "popup_blocked"]);
      assert.match(error.message, /Let the user click/);
    });

    authorized("a popup that the user closes is an error within seconds", {}, async ({ app }) => {
      await app.connect();
      const popup = await app.nextPopup();
      await popup.waitForSelector("#agree");
      await popup.close();
      await app.page.bringToFront();
      const began = performance.now();
      assert.equal(await kind(app), "closed");
      assert.ok(performance.now() - began < 30_000, "long before the time for an answer is over");
    });

    authorized("a popup that nobody answers is an error when its time is up", {}, async ({ app, context }) => {
      await app.connect({ timeout: 1_500 });
      await app.nextPopup();
      assert.equal(await kind(app), "timeout");
      // Chromium lets nobody but an opener close what shows another origin's page.
      if (name === "Firefox") await until(async () => (await context.pages()).length === 1, "the popup is closed");
    });

    const isolated = { headers: { "cross-origin-opener-policy": "same-origin" } };
    authorized("an authorization server that cuts the popup off from its opener", isolated, async ({ app }) => {
      await app.login();
      assert.equal(await app.call("read"), "read ran");
    });

    authorized("messages of others are not taken for the answer", {}, async ({ oidc, app }) => {
      await app.connect();
      const popup = await app.nextPopup();
      const asked = await app.asked();
      const [state, redirect] = ["state", "redirect_uri"].map((field) => asked.searchParams.get(field));
      const url = (with_) => `${redirect}?code=stolen&state=${with_}&iss=${encodeURIComponent(oidc.issuer)}`;
      await app.run(
        async ({ sleep }, type, foreign, right, wrong) => {
          // Of another origin, with everything right.
          const frame = document.body.appendChild(document.createElement("iframe"));
          frame.src = foreign;
          await new Promise((loaded) => (frame.onload = loaded));
          const heard = new Promise((resolve) => addEventListener("message", ({ origin }) => resolve(origin), { once: true }));
          frame.contentWindow.postMessage({ type, url: right }, "*");
          if (!(await heard).startsWith(new URL(foreign).origin)) throw new Error("it must come from there");
          // Of this origin, with another state, or without any sense.
          const channel = new BroadcastChannel("mcp-evergreen:auth");
          for (const data of [{ type, url: wrong }, { type, url: 7 }, { type }, null, "x", { type: "other", url: right }]) {
            postMessage(data, location.origin);
            channel.postMessage(data);
          }
          await sleep(100);
        },
        ANSWER,
        `${foreign.url}page/echo.html`,
        url(state),
        url("another"),
      );
      assert.deepEqual([oidc.counts.codes, oidc.refused], [0, []]);
      await popup.waitForSelector("#agree");
      await popup.click("#agree");
      assert.deepEqual(await app.outcome(), { ok: "ready" });
      assert.deepEqual([oidc.counts.codes, oidc.refused], [1, []]);
    });

    authorized("the callback page tells a foreign opener nothing, and leads nowhere", {}, async ({ context }) => {
      const page = await context.newPage();
      await page.goto(`${foreign.url}`);
      const callback = `${site.url}callback.html?code=secret&state=s&from=${encodeURIComponent(foreign.url)}`;
      const heard = page.evaluate(`new Promise((resolve) => {
        addEventListener("message", ({ data }) => resolve(data));
        window.open(${JSON.stringify(callback)});
        globalThis.enough = () => resolve("nothing");
      })`);
      const isCallback = (page) => page.url().startsWith(`${site.url}callback.html`);
      await until(async () => (await context.pages()).some(isCallback), "the callback page");
      const opened = (await context.pages()).find(isCallback);
      await opened.waitForFunction(() => document.readyState === "complete");
      await sleep(1_000);
      await page.evaluate(() => enough());
      assert.equal(await heard, "nothing");
      assert.equal(opened.url(), callback.replace("code=secret&state=s&", ""), "it stays where it is, without the code");
    });

    for (const [what, metadata, expected] of [
      ["metadata that points to javascript:", { authorization_servers: ["javascript:alert(1)"] }, "unsafe_url"],
      ["metadata of a resource of another origin", { resource: "http://127.0.0.1:1/mcp" }, "resource_mismatch"],
      ["an authorization server without encryption", { authorization_servers: ["http://as.example"] }, "unsafe_url"],
    ]) {
      authorized(`${what} opens nothing`, {}, async ({ oidc, app, context }) => {
        Object.assign(oidc.metadata, metadata);
        await app.connect();
        assert.equal(await kind(app), expected);
        assert.equal((await context.pages()).length, 1);
        assert.deepEqual(app.errors, []);
      });
    }

    authorized("the token does not follow a redirect", {}, async ({ oidc, app }) => {
      await app.login();
      const seen = [];
      const thief = createServer((req, res) => {
        seen.push([req.method, req.headers.authorization]);
        res.writeHead(200, { "access-control-allow-origin": "*", "access-control-allow-headers": "*" }).end();
      });
      oidc.redirectTo(`http://127.0.0.1:${await listen(thief)}/`);
      const { error } = await app.run(({ settle }) => settle(session.callTool({ name: "read" })));
      assert.equal(error.diagnosis.kind, "redirect");
      assert.deepEqual(seen, []);
      thief.close();
    });
  });
}
