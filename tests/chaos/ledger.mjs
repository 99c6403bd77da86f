// What the servers ran, written down by the servers themselves in a file: it outlives whoever is killed.

import { readFileSync } from "node:fs";

/** A call's name in the ledger, before the proxy has put the number of the delivery into it. */
export const keyOf = (token) => `${token}.${UNNUMBERED}`;
export const UNNUMBERED = "000000";

/** The lines `started <tool> <token>.<delivery> <process>`, from this byte on: `[{ token, delivery }]`. */
export function readLedger(path, from = 0) {
  return readFileSync(path)
    .subarray(from)
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("started "))
    .map((line) => line.split(" ")[2].split("."))
    .map(([token, delivery]) => ({ token, delivery: Number(delivery) }));
}
