// Where a work's time goes in the page's thread, by kind: `node profile.mjs [work] [client]`. For docs/bench.md.

import { fileURLToPath } from "node:url";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { bundle, bundles } from "./bundle.mjs";
import { Lab } from "./lab.mjs";
import { startServer } from "./server.mjs";
import { WORKS } from "./works.mjs";

const [chosen = "sequential", client = "ours"] = process.argv.slice(2);
const work = WORKS.find(({ name }) => name === chosen);

await bundle();
const server = await startServer();
const site = await serve(bundles, {
  override: (path) => {
    if (path === "/work.mjs") return fileAt(fileURLToPath(new URL("page/work.mjs", import.meta.url)));
    return path.startsWith("/apps/") ? fileAt(bundles + path.slice("/apps/".length)) : undefined;
  },
});
const browser = await launchBrowser();
const page = await new Lab({ browser, site, server }).page();
if (!work.fresh) {
  await page.open(client);
  await page.play(work.run, client, work.given);
}
await page.devtools.send("Profiler.enable");
await page.devtools.send("Profiler.setSamplingInterval", { interval: 50 });
await page.devtools.send("Profiler.start");
const took = await page.play(work.run, client, work.fresh ? server.url : work.given);
const { profile } = await page.devtools.send("Profiler.stop");

const kinds = new Map();
const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
profile.samples.forEach((id, index) => {
  const { functionName, url } = nodes.get(id);
  const kind = kindOf(functionName, url);
  kinds.set(kind, (kinds.get(kind) ?? 0) + profile.timeDeltas[index] / 1000);
});
console.log(`${work.title}, ${client}: ${took.toFixed(1)} ms; self time in ms`);
for (const [kind, ms] of [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 25)) console.log(`${ms.toFixed(1).padStart(9)}  ${kind}`);
await browser.close();
await Promise.all([site.close(), server.close()]);

function kindOf(name, url) {
  if (/^wasm:|\.wasm$/.test(url)) return "WebAssembly";
  if (name.startsWith("(")) return name;
  return url ? "JavaScript of the app" : `the platform: ${name || "anonymous"}`;
}
