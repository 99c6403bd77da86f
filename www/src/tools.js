// Which tool comes first, and with which arguments.

import { plainSchema } from "./form_schema.js";

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
  const schema = plainSchema(tool.inputSchema ?? {});
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
