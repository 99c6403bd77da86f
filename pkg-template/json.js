// Values of the host's as JSON texts.

/** The JSON text of a value; a TypeError that names what in it is in the way. */
export function toJson(name, value) {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    // A stack that ran out is an InternalError in Firefox.
    const tooDeep = cause instanceof RangeError || cause?.name === "InternalError";
    const reason = tooDeep ? "is nested too deeply" : (obstacle(name, value, []) ?? cause?.message);
    throw new TypeError(`${name}: cannot be written as JSON: ${reason}`, { cause });
  }
}

/** The parameters of a request, as texts taken at call time: what the caller does to the object later changes nothing. */
export function paramsToJson(params, meta) {
  if (params === undefined) return { meta: meta && toJson("_meta", meta) };
  const { _meta, ...rest } = params;
  const both = _meta === undefined && meta === undefined ? undefined : { ..._meta, ...meta };
  return { text: toJson("params", rest), meta: both && toJson("_meta", both), name: nameIn(rest) };
}

function nameIn({ name, uri }) {
  return typeof name === "string" ? name : typeof uri === "string" ? uri : undefined;
}

function obstacle(path, value, above) {
  if (typeof value === "bigint") return `${path} is a BigInt`;
  if (value === null || typeof value !== "object" || typeof value.toJSON === "function") return undefined;
  if (above.includes(value)) return `${path} refers back to what it is part of`;
  for (const [key, inner] of Object.entries(value)) {
    const found = obstacle(Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, inner, [...above, value]);
    if (found) return found;
  }
  return undefined;
}
