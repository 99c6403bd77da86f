// The packed package, installed as a user installs it.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root, scratch } from "./paths.mjs";
import { run } from "./processes.mjs";

/** The tarball that `cargo xtask build` left, or the one that MCP_EVERGREEN_TARBALL names. */
export function tarball() {
  if (process.env.MCP_EVERGREEN_TARBALL) return process.env.MCP_EVERGREEN_TARBALL;
  const version = /^version = "(.+)"$/m.exec(readFileSync(`${root}Cargo.toml`, "utf8"))[1];
  const path = `${root}mcp-evergreen-${version}.tgz`;
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`cargo xtask build\` first`);
  return path;
}

/** A project directory with the tarball installed by npm; made once per content of the tarball. */
export async function installed() {
  const packed = tarball();
  const hash = createHash("sha256").update(readFileSync(packed)).digest("hex").slice(0, 12);
  const app = `${scratch}app-${hash}`;
  if (existsSync(app)) return app;

  // Made aside and renamed, so that an interrupted or a parallel run leaves no half of it.
  const making = await mkdtemp(join(scratch, "making-"));
  await writeFile(join(making, "package.json"), '{ "name": "app", "private": true, "type": "module" }\n');
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", packed], { cwd: making });
  await rename(making, app).catch(() => rm(making, { recursive: true, force: true }));
  await removeOthers(app);
  return app;
}

async function removeOthers(app) {
  for (const name of readdirSync(scratch)) {
    const path = `${scratch}${name}`;
    if (name.startsWith("app-") && path !== app) await rm(path, { recursive: true, force: true });
  }
}
