// The names under which a manager offers the tools of all its servers: such as the APIs of models take, made of nothing
// but the host's name for the server and the server's for the tool.

import { sha256 } from "./sha256.js";

/** So that the plain form is that of one server and one tool only. */
const SERVER = /^(?!.*__)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}(?<!_)$/;
export const SERVER_IN_WORDS =
  "1 to 63 of the characters A-Z a-z 0-9 _ . - that begin with a letter or digit, do not end with _ and hold no __";

const FITS = /^[A-Za-z0-9_-]{1,64}$/;

/** Characters of the hashed form: what is kept of either name to be read, and digits of 4 bits. */
const MAX_SERVER = 20;
const MAX_TOOL = 22;
const DIGITS = 20;

export function isServerName(name) {
  return typeof name === "string" && SERVER.test(name);
}

/**
 * `<server>__<tool>` where that fits; else `<server>_<tool>_<hash>`, of what is left of the names. That one holds no `__`:
 * no tool can be named so that its plain form is another's hashed one.
 */
export function managerName(server, tool) {
  const plain = `${server}__${tool}`;
  if (FITS.test(plain)) return plain;
  // A text of JSON's: two names of half characters are two.
  const hash = sha256(JSON.stringify([server, tool])).slice(0, DIGITS);
  return [readable(server, MAX_SERVER), readable(tool, MAX_TOOL), hash].filter((part) => part !== "").join("_");
}

/** Whether a tool of this server can have this name. */
export function canBeOf(server, name) {
  return name.startsWith(`${server}__`) || name.startsWith(`${readable(server, MAX_SERVER)}_`);
}

function readable(text, max) {
  const fitting = text.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/_+/g, "_");
  return fitting.replace(/^[_-]+/, "").slice(0, max).replace(/[_-]+$/, "");
}
