// Where things are.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));
/** This directory of tests. */
export const e2e = fileURLToPath(new URL("../", import.meta.url));
/** Everything that the tests write. */
export const scratch = `${root}target/e2e/`;
/** The Python that has the packages of `requirements.txt`. */
export const python = `${root}target/tools/python/bin/python`;

mkdirSync(scratch, { recursive: true });
