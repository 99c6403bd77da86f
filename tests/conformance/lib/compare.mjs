// The TypeScript SDK's Client over its own transport and over ours, in scenarios of the official suite.

import { fileURLToPath } from "node:url";
import { installed } from "../../e2e/lib/install.mjs";
import { e2e } from "../../e2e/lib/paths.mjs";
import { catalogue, runScenario } from "./suite.mjs";

const client = fileURLToPath(new URL("../sdk_client.mjs", import.meta.url));

/** Who gives up sooner is checked less often: what counts is the share of the checks that pass. */
export function isWorse({ own, ours }) {
  return ours.passed / ours.total < own.passed / own.total || (ours.total === 0 && own.total > 0);
}

/**
 * Plays those that are named, with every version where none is, or all: `{ name, own, ours }` for each, one by one. `over`:
 * `"ours"`, which authorizes by itself, or `"ours, by the SDK"`, which does it by the SDK's function.
 */
export async function* compared(wanted = [], over = "ours") {
  const PACKAGE = `${await installed()}/node_modules/mcp-evergreen`;
  const isWanted = (name) => wanted.length === 0 || wanted.some((one) => one === name || name.startsWith(`${one}@`));
  for (const name of (await catalogue()).filter(isWanted)) {
    const run = (OVER) => runScenario(...name.split("@"), undefined, { client, env: { OVER, PACKAGE, SDK: e2e } });
    const [own, ours] = await Promise.all([run("own"), run(over)]);
    yield { name, own, ours };
  }
}
