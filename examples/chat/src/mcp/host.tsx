// All that this host knows of MCP, with callback.ts; the rest is a model and screens. The list of servers and the tokens
// are kept in this browser.

import type { ReactNode } from "react";
import type { ContentBlock, RequestOptions, SamplingContent } from "mcp-evergreen";
import { popup } from "mcp-evergreen/auth";
import type { FormField } from "mcp-evergreen/elicitation";
import { McpProvider, type McpServersSnapshot, type SamplingQuestion } from "mcp-evergreen/react";
import type { Model, ToolSpec, ToolUse, Turn } from "../models/model";

export { useMcpServers, type PendingQuestion } from "mcp-evergreen/react";
export type { FormField, SamplingQuestion };

const provider = popup({ redirectUrl: "callback.html", clientMetadata: { client_name: "Evergreen chat" }, storage: localStorage });
const defaults = {
  clientInfo: { name: "evergreen-chat", version: "1.0.0" },
  capabilities: { elicitation: { form: {}, url: {} } },
  auth: { provider },
};

export function Mcp({ children }: { children: ReactNode }) {
  return <McpProvider store={localStorage} defaults={defaults} questions={["elicitation", "sampling"]} children={children} />;
}

/** Opens a server, under a name that no other has; where it has no CORS headers and there is a proxy, by that. */
export function add({ servers, open }: McpServersSnapshot, url: string, proxy: string) {
  const host = new URL(url).host.replace(/[^a-z0-9]+/gi, "-").replace(/^-/, "").slice(0, 40);
  const names = [host, ...servers.map((_, at) => `${host}-${at + 2}`)];
  return open(names.find((name) => !servers.some((server) => server.name === name))!, url, proxy ? { proxy } : {});
}

export function specs(tools: McpServersSnapshot["tools"]): ToolSpec[] {
  return tools.map(({ name, tool }) => ({ name, description: tool.description ?? "", schema: tool.inputSchema }));
}

/** Calls a tool for the model, which is told in words what came of it. */
export async function call({ callTool }: McpServersSnapshot, { name, args }: ToolUse, options: RequestOptions) {
  try {
    const { content, isError = false } = await callTool(name, args, { resetTimeoutOnProgress: true, ...options });
    return { text: content.map(words).join("\n"), isError };
  } catch (error) {
    return { text: error instanceof Error ? error.message : String(error), isError: true };
  }
}

const words = (block: ContentBlock | SamplingContent) => (block.type === "text" ? block.text : `[${block.type}]`);

/** What a server asks the model. */
export function asked({ params: { messages, systemPrompt, maxTokens } }: SamplingQuestion) {
  const turns = messages.map(({ role, content }): Turn => ({ role, text: [content].flat().map(words).join("\n"), uses: [] }));
  return { turns, system: systemPrompt, maxTokens };
}

export function answer({ accept }: SamplingQuestion, model: Model, text: string) {
  accept({ role: "assistant", content: { type: "text", text }, model: model.name });
}
