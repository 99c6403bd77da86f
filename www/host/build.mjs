// The page as static files, built by Vite on the packed package.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installed } from "../../tests/e2e/lib/install.mjs";
import { root, target } from "../../tests/e2e/lib/paths.mjs";

const www = join(root, "www");

const builds = join(target, "demo");
const SOURCES = ["index.html", "callback.html", "style.css", "icon.svg", "src", "sw", "package-lock.json", "host/build.mjs"];

/** The folder of the site, built once for what it is made of. Every address in it is relative: it can be hosted anywhere. */
export async function builtSite() {
  const app = await installed();
  const folder = join(builds, hashOf(app));
  if (!existsSync(folder)) {
    // Made aside and renamed, so that an interrupted or a parallel run leaves no half of it.
    await mkdir(builds, { recursive: true });
    const making = await mkdtemp(join(builds, "making-"));
    await build(app, making);
    await rename(making, folder).catch(() => rm(making, { recursive: true, force: true }));
  }
  utimesSync(folder, new Date(), new Date());
  await removeOld();
  return folder;
}

function hashOf(app) {
  const hash = createHash("sha256").update(app);
  for (const source of SOURCES.map((name) => join(www, name))) {
    const files = statSync(source).isDirectory() ? readdirSync(source).sort().map((name) => join(source, name)) : [source];
    for (const file of files) hash.update(file).update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 12);
}

/** Another run may be using another build: what nobody has used for an hour goes. */
async function removeOld() {
  for (const path of readdirSync(builds).map((name) => join(builds, name))) {
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity);
    if (age > 3_600_000) await rm(path, { recursive: true, force: true });
  }
}

async function build(app, outDir) {
  const { build } = await import(pathToFileURL(join(www, "node_modules/vite/dist/node/index.js")));
  const common = { root: www, base: "./", configFile: false, logLevel: "error", plugins: [packed(app)] };
  await build({
    ...common,
    build: {
      outDir,
      target: "es2022",
      modulePreload: { polyfill: false },
      rollupOptions: { input: [join(www, "index.html"), join(www, "callback.html")] },
    },
  });
  // One file under a name that stays, and a classic script, since not every browser has module service workers.
  await build({
    ...common,
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2022",
      lib: { entry: join(www, "sw/sw.js"), formats: ["iife"], name: "worker", fileName: () => "sw.js" },
    },
  });
}

/** `mcp-evergreen` is the packed package, as npm installed it. */
function packed(app) {
  return {
    name: "packed-package",
    enforce: "pre",
    resolveId(source) {
      return /^mcp-evergreen(\/|$)/.test(source) ? this.resolve(source, join(app, "app.js"), { skipSelf: true }) : null;
    },
  };
}

if (process.argv[1] === import.meta.filename) console.log(await builtSite());
