// What to put into the tool list and the arguments field.

const MAX_PAGES = 20;

/** Every tool of the server, following at most MAX_PAGES cursors. */
export async function allTools(session) {
  const tools = [];
  let cursor;
  for (let page = 0; page < MAX_PAGES; page++) {
    const result = await session.listTools(cursor === undefined ? {} : { cursor });
    tools.push(...result.tools);
    cursor = result.nextCursor;
    if (cursor === undefined) break;
  }
  return tools;
}

/** The tool to select first: the suggested one, else one that needs no arguments, else the first. */
export function firstTool(tools, suggest) {
  return (
    tools.find((tool) => tool.name === suggest?.tool) ??
    tools.find((tool) => !tool.inputSchema?.required?.length) ??
    tools[0]
  );
}

/** Arguments that a tool's schema accepts as far as a guess can tell: required properties, and those with a default. */
export function sampleArguments(tool) {
  const schema = tool.inputSchema ?? {};
  const sample = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property?.default !== undefined) sample[name] = property.default;
    else if (schema.required?.includes(name)) sample[name] = sampleValue(property ?? {});
  }
  return sample;
}

function sampleValue(schema) {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum?.length) return schema.enum[0];
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "number":
    case "integer":
      return schema.minimum ?? 1;
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return {};
    default:
      return "hello";
  }
}

/** `{ value }`, or `{ error }` that says what is wrong with the text. */
export function parseArguments(text) {
  let value;
  try {
    value = JSON.parse(text.trim() || "{}");
  } catch (error) {
    return { error: `Not JSON: ${error.message}` };
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return { error: "Arguments are a JSON object, such as {}." };
  }
  return { value };
}

/** A tool's result as text. */
export function resultText(result) {
  const parts = (result.content ?? []).map((item) => {
    if (item.type === "text") return item.text;
    if (item.type === "resource_link") return `[link] ${item.uri}`;
    if (item.type === "resource") return item.resource?.text ?? `[resource] ${item.resource?.uri}`;
    return `[${item.type}${item.mimeType ? `, ${item.mimeType}` : ""}]`;
  });
  if (parts.length === 0 && result.structuredContent !== undefined) {
    parts.push(JSON.stringify(result.structuredContent, null, 2));
  }
  return parts.join("\n") || "(an empty result)";
}
