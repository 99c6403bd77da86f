// Options of which the functions may be others with each rendering: what is handed on calls those that are there then.

/** Whose change makes another session, or is followed by itself. */
const OWN = ["key", "identity", "enabled", "headers", "on"];

/** Whose session it is: whom `identity` names, or the `Bearer` or `Basic` value among the header fields. */
export function ownerOf({ identity, headers }) {
  if (identity !== undefined) return [identity];
  if (headers === undefined || headers === null || typeof headers === "function") return [];
  const fields = headers instanceof Headers ? [...headers] : Object.entries(headers);
  const [, value] = fields.find(([name]) => name.toLowerCase() === "authorization") ?? [];
  return typeof value === "string" && /^(bearer|basic) /i.test(value) ? [null, value] : [];
}

export function isOwnedAlike(options, others) {
  const [one, other] = [ownerOf(options), ownerOf(others)];
  return one.length === other.length && one.every((part, at) => part === other[at]);
}

/**
 * What one owner's users of a store give. Whatever is made for the owner follows this alone, so that nobody who comes later
 * has a word in it.
 */
export class Given {
  /** By user, those who spoke last at the end; and the last word of all. */
  #users = new Map();
  #word;

  constructor(options) {
    this.first = options;
    this.#word = options;
  }

  /** Gives what the user gave before. */
  use(options, user) {
    const before = this.#users.get(user);
    this.#users.delete(user);
    this.#users.set(user, options);
    this.#word = options;
    return before;
  }

  leave(user) {
    this.#users.delete(user);
  }

  /** In the order in which they count. */
  latest = () => (this.#users.size === 0 ? [this.#word] : [...this.#users.values()].reverse());

  headers = (context) => {
    const given = this.latest().map(({ headers }) => headers).find((headers) => headers !== undefined);
    return typeof given === "function" ? given(context) : given;
  };

  listener(event) {
    return this.latest().map(({ on }) => on?.[event]).find((listener) => listener !== undefined);
  }
}

/**
 * A copy whose functions, at any depth of plain objects, are those that `latest()` has in their place when they are called;
 * where it has none there, the first ones. `latest()` gives a list of options, in the order in which they count.
 */
export function following(options, latest) {
  return follow(options, [], latest);
}

function follow(value, path, latest) {
  if (typeof value === "function") {
    const name = path.at(-1);
    // The platform's `fetch` is nobody's method; a store's `get` may be its own.
    const isFree = path.length === 1 || name === "fetch";
    return function (...args) {
      const parents = latest().map((options) => path.slice(0, -1).reduce((inner, key) => inner?.[key], options));
      const parent = parents.find((parent) => typeof parent?.[name] === "function");
      return (parent ? parent[name] : value).apply(isFree ? undefined : (parent ?? this), args);
    };
  }
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === "provider" ? inner : follow(inner, [...path, key], latest)]));
}

/** The names of options that are given now, or were a moment ago, and are not what they were `first`. */
export function changed(first, now, before = {}) {
  const names = new Set([...Object.keys(now), ...Object.keys(before)]);
  const isGiven = (name) => now[name] !== undefined || before[name] !== undefined;
  return [...names].filter((name) => !OWN.includes(name) && isGiven(name) && !alike(first[name], now[name]));
}

/** But for functions, which are followed. */
export function alike(a, b) {
  if (Object.is(a, b) || (typeof a === "function" && typeof b === "function")) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => alike(item, b[at]));
  if (a instanceof URL && b instanceof URL) return a.href === b.href;
  if (!isPlain(a) || !isPlain(b)) return false;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => alike(a[key], b[key]));
}

/** Says so to developers, once for each of the `names` that are not in `told` yet. */
export function warnOf(names, told) {
  for (const name of names) {
    if (told.has(name)) continue;
    told.add(name);
    tellDevelopers(`the option "${name}" changed. The session goes on with its first value; another \`key\` makes a session with the new one.`);
  }
}

export function tellDevelopers(text) {
  if (isDevelopment()) console.warn(`mcp-evergreen: ${text}`);
}

function isDevelopment() {
  try {
    // Bundlers put the value here; in a page without one there is no `process`.
    return process.env.NODE_ENV !== "production";
  } catch {
    return false;
  }
}

function isPlain(value) {
  if (value === null || typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
