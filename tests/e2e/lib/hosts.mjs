// The Clients of others, bundled for a page.

import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { e2e, scratch } from "./paths.mjs";

/** The folder with `hosts.js`; made once per version of what is in it. */
export async function bundledHosts() {
  const hash = createHash("sha256");
  for (const file of ["fixtures/hosts/hosts.mjs", "package-lock.json"]) hash.update(readFileSync(`${e2e}${file}`));
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
      lib: { entry: `${e2e}fixtures/hosts/hosts.mjs`, formats: ["es"], fileName: () => "hosts.js" },
    },
  });
  try {
    renameSync(making, folder);
  } catch {
    // A parallel run was faster.
    cpSync(making, folder, { recursive: true });
    rmSync(making, { recursive: true, force: true });
  }
  return folder;
}
