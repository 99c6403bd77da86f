// Complaints about what a host gives, each a TypeError that names it.

export function object(name, value, given = value) {
  if (given === null || typeof value !== "object" || Array.isArray(value)) throw wrong(name, "an object", given);
  return value;
}

export function func(name, value) {
  if (typeof value !== "function") throw wrong(name, "a function", value);
  return value;
}

/** Says what came by its kind; by its value only where that is a number, which is no secret. */
export function wrong(name, expected, value) {
  const kind = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  const got = kind === "number" ? String(value) : kind === "string" && value === "" ? "an empty string" : kind;
  return new TypeError(`${name}: expected ${expected}, got ${got}`);
}
