/** What a conversation is made of, whoever the model is. */
export type Turn =
  | { role: "user"; text: string }
  | { role: "assistant"; text: string; uses: ToolUse[] }
  | { role: "tool"; id: string; text: string; isError: boolean };

/** A tool that the model wants to be called. */
export interface ToolUse {
  id: string;
  name: string;
  args: Record<string, unknown>;
}

/** What a model is told of a tool. */
export interface ToolSpec {
  name: string;
  description: string;
  /** A JSON Schema, of an object. */
  schema: { type: "object"; properties?: Record<string, { type?: unknown }> | undefined };
}

export interface Request {
  turns: readonly Turn[];
  tools?: readonly ToolSpec[];
  system?: string | undefined;
  maxTokens?: number;
  signal: AbortSignal;
}

export interface Model {
  name: string;
  reply(request: Request): Promise<{ text: string; uses: ToolUse[] }>;
}

/** Where a real model is. */
export interface Access {
  url: string;
  key: string;
  model: string;
}

/** Asks a model's API; its answer, or an error with what it says. */
export async function post(url: string, headers: Record<string, string>, body: unknown, signal: AbortSignal) {
  const init = { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body), signal };
  const response = await fetch(url, init);
  const answer = await response.json().catch(() => undefined);
  if (!response.ok) throw new Error(answer?.error?.message ?? `The model's API answered with ${response.status}.`);
  return answer;
}
