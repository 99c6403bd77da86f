// One browser per test file, Chromium unless ENGINE says otherwise; one server, one proxy and one page per test.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openPage } from "./chrome.mjs";
import { launchEngine } from "./engine.mjs";
import { installed } from "./install.mjs";
import { startProxy } from "./proxy.mjs";
import { serve } from "./static.mjs";

/**
 * Returns `wire(name, setting, play)`, which makes a test. `setting` is
 * `{ server, env, target, cors, connect, timeout, uncaught }`:
 * `server` is a kind of `servers.mjs` started with `env`, or `target` is the URL of something that
 * runs already; `connect` are options to connect the page's `session` with before the play, or
 * `false`; `uncaught` allows errors that nobody caught in the page.
 * `play` gets `{ server, proxy, recording, page, run, connect }`.
 */
export function stage() {
  let browser;
  let site;
  before(async () => {
    site = await serve(await installed());
    browser = await launchEngine();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  return function wire(name, setting, play) {
    test(name, { timeout: setting.timeout ?? 60_000 }, async () => {
      const server = await setting.server?.start({ env: setting.env });
      const proxy = await startProxy(server?.url ?? setting.target(), { cors: setting.cors });
      const page = await openPage(browser, site.url);
      const connect = (options = {}) => page.run(connectInPage, proxy.url, options);
      try {
        if (setting.connect !== false) {
          const connected = await connect(setting.connect);
          assert.equal(connected.error, undefined, JSON.stringify(connected.error));
        }
        await play({ server, proxy, recording: proxy.recording, page, run: page.run, connect, site });
        // Not every engine tells a page's errors by itself.
        await page.run(() => {});
        if (!setting.uncaught) assert.deepEqual(page.errors, [], "nothing is left uncaught in the page");
      } catch (error) {
        error.stack += `\n\nOn the wire:\n  ${proxy.recording.transcript().slice(0, 80).join("\n  ")}`;
        throw error;
      } finally {
        await page.close();
        await proxy.close();
        await server?.kill();
      }
    });
  };
}

// Runs in the page: `session` and what it told are kept in globals. The transcripts are those of the legacy era, unless a
// test chooses another. `gateMs()` is within what time a refusal counts as
// one at the gate: this long, or five times the slowest handshake.
async function connectInPage({ connect, settle }, url, options) {
  globalThis.told = [];
  const handshakes = [];
  globalThis.gateMs = () => Math.max(1_000, ...handshakes.map((ms) => 5 * ms));
  const on = {
    wire({ rpcMethod, phase, duration }) {
      if (rpcMethod === "initialize" && phase === "answered") handshakes.push(duration);
    },
  };
  for (const event of ["recovering", "recovered", "warning", "close"]) {
    on[event] = (detail) => told.push({ event, ...detail });
  }
  on.statechange = () => told.push({ event: "statechange" });
  const settled = await settle(connect(url, { era: "legacy", on, ...options }));
  globalThis.session = settled.ok;
  return settled.error ? settled : { took: settled.took };
}
