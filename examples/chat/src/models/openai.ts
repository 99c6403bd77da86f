import { post, type Access, type Model, type Turn } from "./model";

/** The Chat Completions API, which many models have. */
export function openai({ url, key, model }: Access): Model {
  return {
    name: model,
    async reply({ turns, tools = [], system, maxTokens, signal }) {
      const given = tools.map(({ name, description, schema }) => ({ type: "function", function: { name, description, parameters: schema } }));
      const first = system === undefined ? [] : [{ role: "system", content: system }];
      const body = { model, max_completion_tokens: maxTokens, messages: [...first, ...turns.map(message)], ...(given.length > 0 && { tools: given }) };
      const { choices }: Answer = await post(`${url}/chat/completions`, { authorization: `Bearer ${key}` }, body, signal);
      const { content, tool_calls = [] } = choices[0]!.message;
      const uses = tool_calls.map(({ id, function: { name, arguments: args } }) => ({ id, name, args: JSON.parse(args || "{}") }));
      return { text: content ?? "", uses };
    },
  };
}

interface Answer {
  choices: { message: { content: string | null; tool_calls?: Call[] } }[];
}

interface Call {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

function message(turn: Turn) {
  if (turn.role === "tool") return { role: "tool", tool_call_id: turn.id, content: turn.text };
  if (turn.role === "user" || turn.uses.length === 0) return { role: turn.role, content: turn.text };
  const calls = turn.uses.map(({ id, name, args }): Call => ({ id, type: "function", function: { name, arguments: JSON.stringify(args) } }));
  return { role: "assistant", content: turn.text || null, tool_calls: calls };
}
