// The rules of elicitation that hold whatever the host's handler does (2025-11-25, Elicitation).

/** The mode of a request; `"form"` where it names none. */
export function modeOf(params) {
  return params?.mode ?? "form";
}

/** Whether the declared capability covers the mode; an empty one means forms. */
export function supports({ form, url } = {}, mode) {
  if (mode === "url") return url !== undefined;
  return mode === "form" && (form !== undefined || url === undefined);
}

/** The handler's result, checked, with the defaults of the form where its content lacks them (SEP-1034). */
export function withDefaults(result, params) {
  if (!["accept", "decline", "cancel"].includes(result?.action)) {
    throw new TypeError('The handler of elicitation/create gave no action: expected "accept", "decline" or "cancel"');
  }
  const { properties } = params?.requestedSchema ?? {};
  if (result.action !== "accept" || modeOf(params) !== "form" || !isObject(properties)) return result;
  const defaults = Object.entries(properties)
    .filter(([name, schema]) => result.content?.[name] === undefined && schema?.default !== undefined)
    .map(([name, schema]) => [name, schema.default]);
  return { ...result, content: { ...result.content, ...Object.fromEntries(defaults) } };
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}
