// A folder of the repository, for copying: as it would lie elsewhere, without this repository around it.

import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { root, target } from "../../tests/e2e/lib/paths.mjs";

/** What holds in this repository alone. */
const HERE = ["package-lock.json", ".npmrc"];

/** Leaves what is committed of `folder` as the archive `to`, with the package of `manifest` in place of the one that is built here. */
export async function archived(folder, manifest, to) {
  const making = join(target, "site-copy");
  const copy = join(making, basename(folder));
  await rm(making, { recursive: true, force: true });
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: join(root, folder), encoding: "utf8" }).split("\0").filter((file) => file && !HERE.includes(file));
  for (const file of files) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    await cp(join(root, folder, file), join(copy, file));
  }
  const { name, version } = JSON.parse(await readFile(manifest, "utf8"));
  const own = join(copy, "package.json");
  const host = JSON.parse(await readFile(own, "utf8"));
  host.dependencies[name] = version;
  await writeFile(own, `${JSON.stringify(host, undefined, 2)}\n`);
  await mkdir(dirname(to), { recursive: true });
  execFileSync("tar", ["-czf", to, "-C", making, basename(folder)]);
  await rm(making, { recursive: true, force: true });
}
