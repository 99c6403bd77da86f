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

/**
 * The parameters of a request, as texts taken at call time: what the caller does to the object later changes nothing. What
 * the core has to know of them is said beside the text: it looks for no member in there.
 */
export function paramsToJson(params, given, trace) {
  const { _meta, inputResponses, requestState, ...rest } = params ?? {};
  const all = _meta === undefined && given === undefined ? trace : traced({ ..._meta, ...given }, trace);
  const meta = all && toJson("_meta", all);
  if (params === undefined) return { meta };
  const more = rareIn(rest, { inputResponses, requestState });
  return { text: toJson("params", rest), meta, name: string(rest.name), more };
}

/** A caller's own trace is not mixed with another. */
function traced(meta, trace) {
  return meta.traceparent === undefined ? { ...trace, ...meta } : meta;
}

/** What few requests have; `undefined` of the others. */
function rareIn({ uri, taskId, level, cursor, task }, given) {
  const isGiven = given.inputResponses !== undefined || given.requestState !== undefined;
  const inputs = isGiven ? toJson("params", given).slice(1, -1) : "";
  if ([uri, taskId, level, cursor, task].every((value) => value === undefined) && inputs === "") return undefined;
  return {
    uri: string(uri),
    taskId: string(taskId),
    level: string(level),
    cursor: cursor !== undefined,
    task: task !== undefined,
    inputs: inputs === "" ? undefined : inputs,
  };
}

function string(value) {
  return typeof value === "string" ? value : undefined;
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
