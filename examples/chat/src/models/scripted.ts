import type { Model, ToolSpec, ToolUse } from "./model";

/** No model, but what stands in for one where there is no key: it calls the tools that the user names, one in each line. */
export const scripted: Model = {
  name: "script",
  async reply({ turns, tools = [] }) {
    const last = turns.at(-1);
    if (last?.role === "tool") {
      const from = turns.findLastIndex(({ role }) => role === "assistant");
      return { text: turns.slice(from + 1).map(({ text }) => text).join("\n"), uses: [] };
    }
    const lines = (last?.text ?? "").split("\n");
    const uses = lines.flatMap((line) => useOf(line, tools) ?? []);
    return { text: uses.length > 0 ? "" : help(tools, last?.text ?? ""), uses };
  },
};

/** Such as `steps key=a steps=5` or `echo {"message": "otters"}`: the tool by its whole name or the part after the server's. */
function useOf(line: string, tools: readonly ToolSpec[]): ToolUse | undefined {
  const words = line.split(/\s+/);
  const tool = tools.find(({ name }) => words.includes(name)) ?? tools.find(({ name }) => words.includes(name.split("__").at(-1)!));
  return tool && { id: crypto.randomUUID(), name: tool.name, args: json(line) ?? pairs(line, tool) };
}

function json(line: string) {
  if (!line.includes("{")) return undefined;
  try {
    return JSON.parse(line.slice(line.indexOf("{"))) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function pairs(line: string, { schema }: ToolSpec) {
  const found = [...line.matchAll(/(\w+)=("[^"]*"|\S+)/g)];
  return Object.fromEntries(found.map(([, name, text]) => [name!, valueOf(text!, schema.properties?.[name!]?.type)]));
}

function valueOf(text: string, type: unknown) {
  if (type === "number" || type === "integer") return Number(text);
  if (type === "boolean") return text === "true";
  return text.replace(/^"|"$/g, "");
}

function help(tools: readonly ToolSpec[], said: string) {
  if (tools.length === 0) return `I am a script. You said: ${said}`;
  const known = tools.map(({ name, schema }) => [name, ...Object.keys(schema.properties ?? {}).map((key) => `${key}=…`)].join(" "));
  return `I am a script. Write a tool and its arguments:\n${known.join("\n")}`;
}
