// What is done to the host's answer to an elicitation (2025-11-25, Elicitation).

/** The handler's result, checked, with the defaults of the form where its content lacks them (SEP-1034). */
export function withDefaults(result, params) {
  if (!["accept", "decline", "cancel"].includes(result?.action)) {
    throw new TypeError('The handler of elicitation/create gave no action: expected "accept", "decline" or "cancel"');
  }
  const { properties } = params?.requestedSchema ?? {};
  if (result.action !== "accept" || !isObject(properties)) return result;
  const defaults = Object.entries(properties)
    .filter(([name, schema]) => own(result.content, name) === undefined && schema?.default !== undefined)
    .map(([name, schema]) => [name, schema.default]);
  return { ...result, content: { ...result.content, ...Object.fromEntries(defaults) } };
}

function own(content, name) {
  return Object.hasOwn(content ?? {}, name) ? content[name] : undefined;
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}
