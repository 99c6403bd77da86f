// Managers of the packed package in Node, and servers that list what a test wants them to.

import { pathToFileURL } from "node:url";
import { startScripted } from "../servers/scripted.mjs";
import { installed } from "./install.mjs";

export const { SessionManager, toolHash } = await import(pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/index.js`));

export const object = { type: "object" };
export const text = ({ content }) => content[0].text;
export const names = ({ tools }) => tools.map(({ name }) => name);
const LEGACY = { era: "legacy", recovery: { baseDelay: 20, maxDelay: 100 } };

/** A server that lists these tools, and whose tools say their own names. */
export async function scripted(t, tools, { capabilities = { tools: { listChanged: true } }, ...more } = {}) {
  const server = await startScripted();
  t.after(() => server.close());
  const list = { tools: tools.map((tool) => (typeof tool === "string" ? { name: tool, inputSchema: object } : tool)) };
  const become = (change = {}) =>
    server.become({
      capabilities,
      ...more,
      ...change,
      answers: {
        "tools/list": () => list,
        "tools/call": ({ name, arguments: args }) => ({ content: [{ type: "text", text: JSON.stringify([name, args]) }] }),
        ...more.answers,
        ...change.answers,
      },
    });
  become();
  return Object.assign(server, { list, evict: become, called: () => server.received.filter(({ method }) => method === "tools/call").length });
}

export function manage(t, options) {
  const manager = new SessionManager({ ...LEGACY, ...options });
  t.after(() => manager.close());
  return manager;
}

/** A `fetch` that never answers, and one of a server that is none. */
export const hang = (_, { signal }) => new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
export const refuse = async () => new Response("<html>", { status: 404, headers: { "content-type": "text/html" } });

/** A store as `localStorage` is one, with its `texts`. */
export function memory() {
  const texts = new Map();
  return { texts, getItem: (key) => texts.get(key) ?? null, setItem: (key, text) => void texts.set(key, text) };
}
