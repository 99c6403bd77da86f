// What tells one definition of a tool from another: a consent is given to one of them.

import { object } from "./checks.js";
import { sha256 } from "./sha256.js";

/** SHA-256 of the definition's JSON, its members in order (RFC 8785): 64 hexadecimal digits. */
export function toolHash(tool) {
  return sha256(canonical(object("tool", tool)));
}

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return `{${keys.sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
}
