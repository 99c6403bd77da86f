// The Clients of others, bundled for a page.

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { e2e, scratch } from "./paths.mjs";

const ENTRIES = ["hosts", "react", "vue", "svelte", "solid", "sdk1", "sdk2", "ai"];

/** The folder with `hosts.js` and `react.js`; made once per version of what is in it. */
export async function bundledHosts() {
  const hash = createHash("sha256");
  const inputs = [...ENTRIES.map((name) => `fixtures/hosts/${name}.mjs`), "package-lock.json"];
  for (const file of inputs) hash.update(readFileSync(`${e2e}${file}`));
  const folder = `${scratch}hosts-${hash.digest("hex").slice(0, 12)}`;
  if (existsSync(folder)) return folder;
  const { build } = await import("vite");
  const making = mkdtempSync(join(scratch, "making-"));
  await build({
    root: `${e2e}fixtures/hosts`,
    configFile: false,
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: making,
      emptyOutDir: true,
      minify: false,
      lib: { entry: ENTRIES.map((name) => `${e2e}fixtures/hosts/${name}.mjs`), formats: ["es"], fileName: (_, name) => `${name}.js` },
    },
  });
  try {
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    // A parallel run was faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
