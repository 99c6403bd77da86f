// What a host may give, and complaints about the rest: each a TypeError that names it.

/** Timers take no more. */
const MAX_MS = 2 ** 31 - 1;

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

/** An options object against a table of readers; `undefined` counts as absent. */
export function check(path, options, readers) {
  const given = object(path || "options", options ?? {}, options);
  const read = {};
  for (const [key, value] of Object.entries(given)) {
    const name = path ? `${path}.${key}` : key;
    if (!Object.hasOwn(readers, key)) {
      throw new TypeError(`${name}: there is no such option; there are ${Object.keys(readers).join(", ")}`);
    }
    if (value !== undefined) read[key] = readers[key](name, value);
  }
  return read;
}

export function string(name, value) {
  if (typeof value !== "string") throw wrong(name, "a string", value);
  return value;
}

export function text(name, value) {
  if (typeof value !== "string" || value === "") throw wrong(name, "a string that is not empty", value);
  return value;
}

export function boolean(name, value) {
  if (typeof value !== "boolean") throw wrong(name, "true or false", value);
  return value;
}

export function milliseconds(name, value) {
  return whole(name, value, 1, MAX_MS, `a whole number of milliseconds from 1 to ${MAX_MS}`);
}

export function times(name, value) {
  return whole(name, value, 0, 1000, "a whole number from 0 to 1000");
}

export function maxPages(name, value) {
  return whole(name, value, 1, 1_000_000, "a whole number from 1 to 1000000");
}

export function bytes(name, value) {
  return whole(name, value, 1, Number.MAX_SAFE_INTEGER, "a whole number of bytes, at least 1");
}

export function whole(name, value, min, max, expected) {
  if (!Number.isSafeInteger(value) || value < min || value > max) throw wrong(name, expected, value);
  return value;
}

/** As it is written: it is compared and sent so. */
export function webUrl(name, value) {
  if (!URL.canParse(string(name, value)) || !/^https?:/i.test(value)) throw new TypeError(`${name}: expected an absolute http: or https: URL`);
  return value;
}

/** Gives the absolute one. */
export function pageUrl(name, given) {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  if ((typeof given !== "string" && !(given instanceof URL)) || !URL.canParse(given, base)) {
    throw wrong(name, "a URL, or in a page one relative to it", given);
  }
  return new URL(given, base);
}

/** A storage of the platform's, or `{ get, set }`. */
export function authStorage(name, value) {
  const isPlatforms = typeof object(name, value).getItem === "function";
  for (const method of isPlatforms ? ["getItem", "setItem"] : ["get", "set"]) func(`${name}.${method}`, value[method]);
  return value;
}

export function oneOf(...words) {
  const expected = words.map((one) => `"${one}"`).join(" or ");
  return (name, value) => {
    if (!words.includes(value)) throw wrongWord(name, expected, value);
    return value;
  };
}

/** A short word that came is said: nobody takes an option of words for a place for secrets. */
export function wrongWord(name, expected, value) {
  const error = wrong(name, expected, value);
  if (typeof value === "string" && /^[\w.-]{1,16}$/.test(value)) error.message = error.message.replace(/string$/, `"${value}"`);
  return error;
}

/** What a host of the TypeScript SDK gives its `callTool` before the options. */
const NO_SCHEMA = "a result schema, as the TypeScript SDK's methods take it, has no place here: the options follow the parameters";

export function noSchema(options) {
  const isSchema = typeof options?.safeParse === "function" || options?.["~standard"] !== undefined;
  if (isSchema) throw new TypeError(`options: got a schema; ${NO_SCHEMA}`);
}

/**
 * Options that come after all that a method takes would not be heeded: its promise rejects, or it throws, where it is one of
 * those that give no promise.
 */
export function noMore({ prototype }, ...throwing) {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === "constructor" || !(value?.length > 0)) continue;
    const { length } = value;
    const isSdks = name === "callTool" || name === "request";
    const checked = function () {
      if (arguments.length <= length || ![...arguments].slice(length).some((more) => more instanceof Object)) return value.apply(this, arguments);
      const error = new TypeError(`${name}: takes no more than ${length} argument${length > 1 ? "s" : ""}, got ${arguments.length}${isSdks ? `; ${NO_SCHEMA}` : ""}`);
      if (throwing.includes(name)) throw error;
      return Promise.reject(error);
    };
    Object.defineProperty(prototype, name, { value: checked });
  }
}
