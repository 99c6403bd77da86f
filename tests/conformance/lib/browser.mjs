// The client under test: pages of headless Chromium with the packed package, one for each scenario, asked for by HTTP.

import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { launchBrowser, openPage } from "../../e2e/lib/chrome.mjs";
import { installed } from "../../e2e/lib/install.mjs";
import { listen } from "../../e2e/lib/ports.mjs";
import { fileAt, serve } from "../../e2e/lib/static.mjs";
import { startForwardProxy } from "./forward_proxy.mjs";

/** Milliseconds for a scenario. The suite's own time-out ends no more than the shell that it started. */
const PATIENCE = 80_000;

const SCENARIOS = fileURLToPath(new URL("../page/scenarios.mjs", import.meta.url));

/**
 * Starts it. A POST of `{ scenario, version, context, url }` to `address` plays the scenario in a page of its own and
 * answers `{ error? }` when it is over.
 */
export async function startBrowser() {
  const site = await serve(await installed(), {
    override: (path) => (path === "/scenarios.mjs" ? fileAt(SCENARIOS) : undefined),
  });
  const proxy = await startForwardProxy();
  // Nobody clicks here: popups open all the same. (By its plain name the driver leaves the flag out.)
  const flags = [`--proxy-server=${proxy.address}`, "--proxy-bypass-list=<-loopback>", "--disable-popup-blocking=yes"];
  const browser = await launchBrowser(flags);

  const server = createServer(async (req, res) => {
    const given = await json(req);
    const context = await browser.createBrowserContext();
    const patience = new AbortController();
    const error = await Promise.race([
      play(context, site.url, given).catch((error) => error.message),
      sleep(PATIENCE, `the scenario did not end within ${PATIENCE} ms`, { signal: patience.signal }).catch(() => {}),
    ]);
    patience.abort();
    await context.close();
    res.end(JSON.stringify({ error }));
  });

  const port = await listen(server);
  return {
    address: `http://127.0.0.1:${port}/`,
    proxy,
    async close() {
      server.closeAllConnections();
      server.close();
      await browser.close();
      await Promise.all([site.close(), proxy.close()]);
    },
  };
}

/** The error that the scenario ended with, in words. */
async function play(context, site, given) {
  const page = await openPage(context, site);
  const { error } = await page.run(
    async ({ settle }, given) => settle((await import("/scenarios.mjs")).play(given)),
    given,
  );
  const errors = error ? [`${error.name}: ${error.message}`, ...page.errors] : page.errors;
  return errors.length > 0 ? errors.join("\n") : undefined;
}
