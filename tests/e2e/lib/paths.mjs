// Where things are.

import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));
/** This directory of tests. */
export const e2e = fileURLToPath(new URL("../", import.meta.url));
/** Where cargo puts what it builds, and xtask what it installs. */
export const target = resolve(root, process.env.CARGO_TARGET_DIR ?? "target");
/** Everything that the tests write. */
export const scratch = `${target}/e2e/`;
/** The Python that has the packages of `requirements.txt`. */
export const python = `${target}/tools/python/bin/python`;

mkdirSync(scratch, { recursive: true });
