// One browser per test file, Chromium unless ENGINE says otherwise; one server, one proxy and one page per test.

import assert from "node:assert/strict";
import { loadavg } from "node:os";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openPage } from "./chrome.mjs";
import { ENGINE, launchEngine } from "./engine.mjs";
import { installed } from "./install.mjs";
import { startProxy, withLeisure } from "./proxy.mjs";
import { serve } from "./static.mjs";

/** Milliseconds for a play, unless it says otherwise; and for what comes before it and after it. */
const LIMIT = 120_000;
const HOOKS = 120_000;

/**
 * Returns `wire(name, setting, play)`, which makes a test. `setting` is
 * `{ server, env, target, cors, connect, leisure, timeout, uncaught, cannot }`:
 * `server` is a kind of `servers.mjs` started with `env`, or `target` is the URL of something that
 * runs already; `connect` are options to connect the page's `session` with before the play, or
 * `false`; with `leisure` the gate has time to refuse; `uncaught` allows errors that nobody caught in the page; `cannot` says of an
 * engine why it does not play.
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
    const limit = setting.timeout ?? LIMIT;
    test(name, { timeout: HOOKS + limit, skip: setting.cannot?.[ENGINE] ?? false }, async () => {
      const server = await setting.server?.start({ env: setting.env });
      const proxy = await startProxy(server?.url ?? setting.target(), { cors: setting.cors });
      if (setting.leisure) withLeisure(proxy);
      const page = await openPage(browser, site.url);
      const connect = (options = {}) => page.run(connectInPage, proxy.url, options);
      try {
        if (setting.connect !== false) {
          const connected = await connect(setting.connect);
          assert.equal(connected.error, undefined, JSON.stringify(connected.error));
        }
        await within(limit, play({ server, proxy, recording: proxy.recording, page, run: page.run, connect, site }));
        // Not every engine tells a page's errors by itself.
        await page.run(() => {});
        if (!setting.uncaught) assert.deepEqual(page.errors, [], "nothing is left uncaught in the page");
      } catch (error) {
        error.stack += await findings({ browser, server, proxy, page }).catch((error) => `\n\nNothing more is known: ${error.message}`);
        throw error;
      } finally {
        await page.close();
        await proxy.close();
        await server?.kill();
      }
    });
  };
}

/** The runner's own time-out would end a play without a word of what it had come to. */
async function within(limit, play) {
  const over = new AbortController();
  try {
    return await Promise.race([
      play,
      sleep(limit, undefined, over).then(() => Promise.reject(new Error(`the play was not over within ${limit} ms`))),
    ]);
  } finally {
    over.abort();
  }
}

/** What a failure is understood by. */
async function findings({ browser, server, proxy, page }) {
  const { records } = proxy.recording;
  const wire = records.map((record) => `${String(record.at - records[0].at).padStart(7)} ms  ${record}, ${record.ended ?? "open"}`);
  const told = await Promise.race([page.run(() => JSON.stringify(globalThis.told ?? globalThis.heard)).catch(({ message }) => message), sleep(2_000, "the page does not answer")]);
  const parts = {
    "On the wire": [...wire.slice(0, 60), ...(wire.length > 90 ? ["…"] : []), ...wire.slice(60).slice(-30)].join("\n  "),
    "Told in the page": told,
    "Uncaught in the page": page.errors.join("\n  "),
    "Said by the server": server?.output().slice(-2_000),
    "On": `${await browser.version()}, Node.js ${process.versions.node}, load ${loadavg()[0]}`,
  };
  return Object.entries(parts)
    .map(([name, text]) => (text ? `\n\n${name}:\n  ${text}` : ""))
    .join("");
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
