// The pictures of the demo in the README: the page from plain files, in light and dark, after a healed call and a storm.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launchBrowser } from "../../tests/e2e/lib/chrome.mjs";
import { root } from "../../tests/e2e/lib/paths.mjs";
import { fileAt, serve } from "../../tests/e2e/lib/static.mjs";
import { builtSite } from "./build.mjs";
import { PagePilot } from "./pilot.mjs";

const PLAY = 90_000;
const docs = join(root, "docs");

const folder = await builtSite();
const site = await serve(folder, { override: (path) => (path === "/" ? fileAt(join(folder, "index.html")) : undefined) });
const browser = await launchBrowser();
await mkdir(docs, { recursive: true });

// As high as what is shot: rows out of view are not drawn.
const pilot = await PagePilot.open(browser, site.url, { width: 1280, height: 1600, deviceScaleFactor: 1 });
const { page } = pilot;

async function shoot(name, scheme, region) {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.$eval(region, (element) => element.scrollIntoView({ block: "start" }));
  const box = await page.$eval(region, (element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x: x + scrollX, y: y + scrollY, width, height };
  });
  const path = join(docs, name);
  await page.screenshot({ path, clip: box, captureBeyondViewport: true });
  console.log(path);
}

// The words at the bottom of the window belong to the window.
await page.addStyleTag({ content: ".announce { display: none }" }).catch(() => page.$eval("#announce", (bar) => (bar.style.display = "none")));
await pilot.press("clear");
await pilot.press("show");
await shoot("demo-light.png", "light", "main > .watch");
await shoot("demo-dark.png", "dark", "main > .watch");
await pilot.press("compare", { timeout: PLAY });
await shoot("demo-compare.png", "light", ".compare");
await pilot.press("storm", { timeout: PLAY });
await shoot("demo-storm.png", "light", ".storm");

if (pilot.errors.length > 0) throw new Error(pilot.errors.join("\n"));
await browser.close();
await site.close();
