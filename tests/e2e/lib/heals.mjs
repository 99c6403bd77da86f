// Whether an app goes on when its server was restarted under it.

import assert from "node:assert/strict";
import { startProxy, withLeisure } from "./proxy.mjs";
import { PATIENCE } from "./until.mjs";

export const HEALED = [
  "server/discover→400",
  "initialize→200 s1",
  "notifications/initialized→202 s1",
  "tools/call→200 s1",
  "tools/call→404 s1",
  "initialize→200 s2",
  "notifications/initialized→202 s2",
  "tools/call→200 s2",
];

/** For apps that call `whoami` of this server, those with a page in this browser. */
export function healing(server, browser) {
  const heals = {
    /** `whoami(url)` is called, the server is restarted, `whoami` is called again: it heals, in as many requests as it must. */
    async with(whoami, transcript = HEALED, finished = async () => {}) {
      const proxy = await startProxy(server.url);
      withLeisure(proxy);
      try {
        const before = [server.pid, await whoami(proxy.url)];
        assert.match(before[1], new RegExp(`^${before[0]} `));
        await server.restart();
        const now = [server.pid, await whoami(proxy.url)];
        assert.match(now[1], new RegExp(`^${now[0]} `));
        assert.notEqual(now[1], before[1]);
        await finished();
        assert.deepEqual(proxy.recording.transcript(), transcript);
      } catch (error) {
        error.stack += `\n\nOn the wire:\n  ${proxy.recording.transcript().join("\n  ")}`;
        throw error;
      } finally {
        await proxy.close();
      }
    },

    /** The page at this URL has a global `whoami`. */
    async inPage(url) {
      const page = await browser.newPage();
      const errors = [];
      page.on("pageerror", (error) => errors.push(String(error?.message ?? error)));
      try {
        await page.goto(url);
        await heals.with(async (endpoint) => {
          await page.waitForFunction("globalThis.whoami", { timeout: PATIENCE }).catch((error) => {
            throw new Error(`${error.message}\n${errors.join("\n")}`);
          });
          return page.evaluate((endpoint) => whoami(endpoint), endpoint);
        });
        assert.deepEqual(errors, []);
      } finally {
        await page.close();
      }
    },
  };
  return heals;
}
