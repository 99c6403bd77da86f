// examples/chat as static files, built as its README says, on the package that lies in its node_modules.

import { mkdtemp } from "node:fs/promises";
import { root, scratch } from "../../e2e/lib/paths.mjs";
import { run } from "../../e2e/lib/processes.mjs";

export const chat = `${root}examples/chat/`;

export async function builtChat() {
  const folder = await mkdtemp(`${scratch}chat-`);
  const bin = `${chat}node_modules/.bin/`;
  await run(`${bin}tsc`, ["--noEmit"], { cwd: chat });
  await run(`${bin}vite`, ["build", "--logLevel", "error", "--emptyOutDir", "--outDir", folder], { cwd: chat });
  return folder;
}
