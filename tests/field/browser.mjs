// The same plays in a page.

import { launchBrowser, openPage } from "../e2e/lib/chrome.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { fileURLToPath } from "node:url";

/** A page that has the package; `play` is as `ours` of plays.mjs. */
export async function inPage(app) {
  const plays = fileURLToPath(new URL("plays.mjs", import.meta.url));
  const site = await serve(app, { override: (path) => (path === "/plays.mjs" ? fileAt(plays) : undefined) });
  const browser = await launchBrowser();
  const page = await openPage(browser, site.url);
  return {
    play: (it) => page.run(async (kit, it) => (await import("/plays.mjs")).ours(kit, it), it),
    async close() {
      await browser.close();
      await site.close();
    },
  };
}
