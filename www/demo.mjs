// The demo: real MCP servers, a page that connects to them, and the means to break them.
//
//   node www/demo.mjs              prints the address to open; Ctrl-C ends everything
//   node www/demo.mjs --headless   plays it in headless Chromium and prints what happened; exit code 0 only if a call
//                                  survived a killed and restarted server
//
// It needs the built package in `pkg/` and what the end-to-end tests need: `cargo xtask demo` sees to both.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "../tests/e2e/lib/paths.mjs";
import { builtSite } from "./host/build.mjs";
import { serveSite } from "./host/site.mjs";
import { startWorld } from "./host/world.mjs";

const flags = process.argv.slice(2);
const headless = flags.includes("--headless");
if (flags.some((flag) => flag !== "--headless")) end(2, "usage: node www/demo.mjs [--headless]");
if (!existsSync(join(root, "pkg/index.js"))) end(2, "The package is not built: run `cargo xtask demo`.");

// The servers' processes end with this one, however it ends.
for (const signal of ["SIGINT", "SIGTERM"]) process.prependOnceListener(signal, () => end(signal === "SIGINT" ? 0 : 1));

try {
  console.log("Starting the servers and building the page…");
  const [world, folder] = await Promise.all([startWorld(), builtSite()]);
  const site = await serveSite(world, folder);
  for (const server of world.values()) console.log(`  ${server.name}: process ${server.pid}`);
  if (headless) {
    const { play } = await import("./host/headless.mjs");
    end((await play(world, site.url)) ? 0 : 1);
  }
  console.log(`\nOpen ${site.url}\nCtrl-C ends everything.`);
} catch (error) {
  end(1, error.stack);
}

function end(code, words) {
  if (words) console.error(words);
  process.exit(code);
}
