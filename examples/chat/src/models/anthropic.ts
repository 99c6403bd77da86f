import { post, type Access, type Model, type Turn } from "./model";

/** Anthropic's Messages API. */
export function anthropic({ url, key, model }: Access): Model {
  const headers = { "x-api-key": key, "anthropic-version": "2023-06-01", "anthropic-dangerous-direct-browser-access": "true" };
  return {
    name: model,
    async reply({ turns, tools = [], system, maxTokens = 4096, signal }) {
      const given = tools.map(({ name, description, schema }) => ({ name, description, input_schema: schema }));
      const body = { model, max_tokens: maxTokens, system, messages: messages(turns), ...(given.length > 0 && { tools: given }) };
      const { content }: { content: Block[] } = await post(`${url}/v1/messages`, headers, body, signal);
      return {
        text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
        uses: content.flatMap((block) => (block.type === "tool_use" ? [{ id: block.id, name: block.name, args: block.input }] : [])),
      };
    },
  };
}

type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> }
  | { type: "tool_result"; tool_use_id: string; content: string; is_error: boolean };

/** What was said in a row by one side is one message. */
function messages(turns: readonly Turn[]) {
  const all: { role: "user" | "assistant"; content: Block[] }[] = [];
  for (const turn of turns) {
    const role = turn.role === "assistant" ? "assistant" : "user";
    const last = all.at(-1);
    if (last?.role === role) last.content.push(...blocks(turn));
    else all.push({ role, content: blocks(turn) });
  }
  return all;
}

function blocks(turn: Turn): Block[] {
  if (turn.role === "tool") return [{ type: "tool_result", tool_use_id: turn.id, content: turn.text, is_error: turn.isError }];
  const text: Block[] = turn.text === "" ? [] : [{ type: "text", text: turn.text }];
  if (turn.role === "user") return text;
  return [...text, ...turn.uses.map(({ id, name, args }): Block => ({ type: "tool_use", id, name, input: args }))];
}
