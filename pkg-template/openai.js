// The interface `MCPServer` of `@openai/agents` over a Session: what it has of its own for that throws in a page.

import { boolean, check, func, object, text, wrong } from "./checks.js";

const given = (_name, value) => value;

const OPTIONS = {
  name: text,
  cacheToolsList: boolean,
  useStructuredContent: boolean,
  toolFilter: (name, value) => (typeof value === "function" ? value : object(name, value)),
  toolMetaResolver: func,
  customDataExtractor: func,
  errorFunction: (name, value) => (value === null ? value : func(name, value)),
  toolInputGuardrails: given,
  toolOutputGuardrails: given,
};

/** The SDK's own text, but where a call may have run: that one asks the model to try again. */
function told({ error }) {
  if (error?.outcome !== "unknown") return "An error occurred while running the tool. Please try again.";
  return "The connection was lost before the tool answered: it may have run. Do not simply call it again. Find out first whether it did, or ask the user.";
}

/** What of a result the SDK looks for on its content. */
const BESIDE = ["structuredContent", "isError", "_meta"];

/** The tool has run: content that is none is no reason to throw. */
function blocksOf(content) {
  if (Array.isArray(content)) return [...content];
  return typeof content === "string" ? [{ type: "text", text: content }] : [];
}

export class SessionServer {
  #make;
  #session;
  #connecting;
  #caches;
  #tools;
  /** How often lists were forgotten, and the server closed. */
  #generation = 0;
  #closes = 0;
  #stops = [];
  /** The SDK would keep lists by the name of a server, and hears of no change: they are kept here. */
  cacheToolsList = false;
  errorFunction = told;

  constructor(session, options) {
    const isMade = typeof session === "function";
    if (!isMade && typeof session?.callTool !== "function") throw wrong("session", "a Session, or a function that gives one", session);
    const { name, cacheToolsList = false, ...others } = check("", options, OPTIONS);
    this.#caches = cacheToolsList;
    if (isMade) this.#make = session;
    else this.#session = session;
    Object.defineProperty(this, "name", { value: name ?? (isMade ? "mcp-evergreen" : new URL(session.url).host), enumerable: true });
    Object.assign(this, others);
  }

  async connect() {
    const closes = this.#closes;
    const session = await this.#live();
    // Of two that connect at once, the second finds what the first did.
    if (!this.#caches || this.#stops.length > 0 || closes !== this.#closes) return;
    this.#stops = ["toolschange", "recovered"].map((event) => session.on(event, () => this.#forget()));
  }

  /** A session that was made here is closed with it. */
  async close() {
    this.#stops.forEach((stop) => stop());
    this.#stops = [];
    this.#closes++;
    this.#forget();
    const connecting = this.#connecting;
    this.#connecting = undefined;
    await (await connecting?.catch(() => undefined))?.close();
  }

  async listTools() {
    const session = await this.#live();
    if (this.#tools) return [...this.#tools];
    const generation = this.#generation;
    const tools = [];
    for await (const tool of session.tools()) tools.push(tool);
    // One that was under way when the tools changed may be of before.
    if (this.#stops.length > 0 && generation === this.#generation) this.#tools = tools;
    return [...tools];
  }

  async callToolResult(name, args, meta, { signal } = {}) {
    const session = await this.#live();
    const result = await session.callTool({ name, arguments: args ?? {} }, { signal, ...(meta && { _meta: meta }) });
    return Array.isArray(result?.content) ? result : { ...result, content: blocksOf(result?.content) };
  }

  /** The content alone; the rest of the result hangs on it, where the SDK looks for it. */
  async callTool(...call) {
    const result = await this.callToolResult(...call);
    const content = [...result.content];
    for (const name of BESIDE) {
      if (result[name] !== undefined) Object.defineProperty(content, name, { value: result[name], configurable: true });
    }
    return content;
  }

  async listResources(params) {
    return (await this.#live()).listResources(params);
  }

  async listResourceTemplates(params) {
    return (await this.#live()).listResourceTemplates(params);
  }

  async readResource(uri) {
    return (await this.#live()).readResource({ uri });
  }

  async invalidateToolsCache() {
    this.#forget();
  }

  #forget() {
    this.#generation++;
    this.#tools = undefined;
  }

  /** What failed is tried again with the next request. */
  #live() {
    if (this.#session) return Promise.resolve(this.#session);
    if (!this.#connecting) {
      const connecting = Promise.resolve().then(this.#make);
      this.#connecting = connecting;
      connecting.catch(() => this.#connecting === connecting && (this.#connecting = undefined));
    }
    return this.#connecting;
  }
}
