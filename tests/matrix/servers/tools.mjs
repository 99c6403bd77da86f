// The tools of our own JavaScript servers. Environment: EXECUTIONS (file to append executions to).

import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const { EXECUTIONS = "/dev/null" } = process.env;

/** One short append is atomic: the file counts executions across processes. */
function record(what, tool, key) {
  appendFileSync(EXECUTIONS, `${what} ${tool} ${key} ${process.pid}\n`);
}

const text = (text) => ({ content: [{ type: "text", text }] });

/** A write: each execution leaves a line in the file. */
export function count({ key }) {
  record("started", "count", key);
  record("finished", "count", key);
  return text(`counted ${key}`);
}

/** A write that takes its time. */
export async function slow({ key, seconds }) {
  record("started", "slow", key);
  await sleep(seconds * 1000);
  record("finished", "slow", key);
  return text(`counted ${key}`);
}

/** The test holds the other end of stdin for as long as it lives. */
export function endWithParent() {
  process.stdin.on("end", () => process.exit()).resume();
}
