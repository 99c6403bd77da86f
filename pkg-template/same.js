// Whether what is asked for is what was asked for before.

/** Who has the tokens: two of them are two users, however alike they look. */
const ITSELF = "provider";

/** Plain objects and arrays are copied, so that what the host does to them later does not count. */
export function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === ITSELF ? inner : copy(inner)]));
}

export function same(a, b) {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => same(item, b[at]));
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => (key === ITSELF ? a[key] === b[key] : same(a[key], b[key])));
}

function isPlain(value) {
  if (value === null || typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
