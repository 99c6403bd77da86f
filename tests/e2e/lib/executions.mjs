// What the servers' tools did, written down by the servers themselves: a file outlives the process.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { scratch } from "./paths.mjs";

const files = [];
process.once("exit", () => files.forEach((path) => rmSync(path, { force: true })));

/** A file that servers append one line to per execution: `started|finished|aborted <tool> <key> <pid>`. */
export function executionLog() {
  const path = `${scratch}executions-${process.pid}-${files.length}.txt`;
  files.push(path);
  writeFileSync(path, "");

  const lines = (what) =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line.startsWith(`${what} `))
      .map((line) => line.split(" ")[2]);

  return {
    path,
    /** How often the tools were entered, per key. */
    started: () => tally(lines("started")),
    /** How often they came to their end, per key. */
    finished: () => tally(lines("finished")),
    /** How often their caller gave up first, per key, where the server tells the tool so. */
    aborted: () => tally(lines("aborted")),
    /** The process that ran the last one. */
    pid: () => Number(readFileSync(path, "utf8").trimEnd().split(" ").at(-1)),
  };
}

function tally(keys) {
  const counts = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
