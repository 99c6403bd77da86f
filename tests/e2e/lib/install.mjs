// The packed package, installed as a user installs it.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from "node:fs";
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
  if (existsSync(app)) return used(app);

  // Made aside and renamed, so that an interrupted or a parallel run leaves no half of it.
  const making = await mkdtemp(join(scratch, "making-"));
  await writeFile(join(making, "package.json"), '{ "name": "app", "private": true, "type": "module" }\n');
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", packed], { cwd: making });
  await rename(making, app).catch(async (error) => {
    await rm(making, { recursive: true, force: true });
    if (!existsSync(app)) throw error;
  });
  await removeOld();
  return used(app);
}

/** A directory's time says when it was last used. */
function used(app) {
  utimesSync(app, new Date(), new Date());
  return app;
}

/** Another run may be using another tarball: what nobody has used for an hour goes. */
async function removeOld() {
  for (const name of readdirSync(scratch).filter((name) => /^(app|making)-/.test(name))) {
    const path = `${scratch}${name}`;
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity);
    if (age > 3_600_000) await rm(path, { recursive: true, force: true });
  }
}
