// What one server of a manager's lists: as it was read last, under names that are the manager's, without what the host has
// filtered out.

import { managerName } from "./manager_names.js";
import { passes } from "./manager_options.js";
import { toolHash } from "./tool_hash.js";

const METHOD_NOT_FOUND = -32601;

/** Names of tools that the server lists no more: it decides what becomes of a call, unless there are more than these. */
const MAX_FORMER = 10_000;

/**
 * By what a session and a manager call the list: the capability of who has it, the event that tells of another one, what
 * names an item (`key`), and what an item becomes.
 */
export const KINDS = {
  tools: {
    capability: "tools",
    event: "toolschange",
    key: "name",
    offer: (server, tool) => ({ name: managerName(server, tool.name), title: titleOf(tool), hash: toolHash(tool), server, tool }),
  },
  resources: { capability: "resources", event: "resourceschange", key: "uri", offer: (server, resource) => ({ title: titleOf(resource), server, resource }) },
  resourceTemplates: {
    capability: "resources",
    event: "resourceschange",
    key: "uriTemplate",
    offer: (server, resourceTemplate) => ({ title: titleOf(resourceTemplate), server, resourceTemplate }),
  },
  prompts: { capability: "prompts", event: "promptschange", key: "name", offer: (server, prompt) => ({ title: titleOf(prompt), server, prompt }) },
};

/** "title … falls back to annotations.title, then name" (MCP 2025-11-25, Schema: BaseMetadata). */
function titleOf({ title, annotations, name }) {
  const texts = [title, annotations?.title, name].filter((text) => typeof text === "string" && text !== "");
  return texts[0] ?? "";
}

const NONE = new Map();

export class ManagedList {
  #kind;
  #server;
  #filter;
  #changed;
  #warn;
  /** Readings that were begun, and the latest of them that has told something. */
  #begun = 0;
  #told = 0;
  /** What tells this list from another. */
  #print;
  /** How often another one was announced; and how often that was the case when the latest reading that succeeded began. */
  #announced = 0;
  #known;
  /** What the server offers; `undefined` before it was read. */
  offers;
  /** Why the latest reading failed. */
  error;
  /** Resolves with the end of the latest reading, while it is under way. */
  reading;
  /** Of tools, by the manager's names for them: the server's. Also of those that the server had before, as they were then. */
  names = NONE;

  /** `changed()` is called when there is something else to be told; `warn(warning)` of what is left out. */
  constructor(kind, { server, filter, changed, warn }) {
    this.#kind = kind;
    this.#server = server;
    this.#filter = filter;
    this.#changed = changed;
    this.#warn = warn;
  }

  /** It was read, and nothing was announced since. */
  get isFresh() {
    return this.#known === this.#announced;
  }

  /** The server has announced another one. */
  news() {
    this.#announced++;
  }

  /** Reads all of it. Rejects with what went wrong; what was there before stays. */
  read(session, options) {
    const reading = this.#read(session, options);
    const over = () => this.reading === settled && (this.reading = undefined);
    const settled = reading.then(over, over);
    this.reading = settled;
    return reading;
  }

  async #read(session, options) {
    const asked = ++this.#begun;
    const announced = this.#announced;
    try {
      const items = this.#has(session) ? await this.#collect(session, options) : new Map();
      if (asked <= this.#told) return;
      const offers = [...items].flatMap(([name, item]) => (passes(this.#filter, name, item) ? this.#offer(item) : []));
      if (this.#kind === "tools") this.#name(items, offers);
      this.#known = announced;
      this.#tell(asked, offers);
    } catch (error) {
      // One who gave up has learnt nothing.
      if (asked > this.#told && !options?.signal?.aborted) this.#tell(asked, this.offers, error);
      throw error;
    }
  }

  /** Some servers declare nothing at all. */
  #has({ status }) {
    const capabilities = status?.capabilities ?? {};
    return Object.keys(capabilities).length === 0 || capabilities[KINDS[this.#kind].capability] !== undefined;
  }

  async #collect(session, options) {
    const { key } = KINDS[this.#kind];
    // Of two with one name the later one counts, as it does for the session.
    const items = new Map();
    try {
      for await (const item of session[this.#kind](options)) if (typeof item?.[key] === "string") items.set(item[key], item);
    } catch (error) {
      if (error?.rpcCode !== METHOD_NOT_FOUND) throw error;
    }
    return items;
  }

  #offer(item) {
    try {
      return [Object.freeze(KINDS[this.#kind].offer(this.#server, item))];
    } catch {
      const why = "Its definition is nested too deeply.";
      this.#warn({ kind: "invalid_tool", tool: item.name, why, hint: "A tool was left out of the list. Its server's authors can mend it." });
      return [];
    }
  }

  #tell(asked, offers, error) {
    const [had, failed] = [this.#print, this.error];
    this.#told = asked;
    this.offers = offers;
    this.error = error;
    if (error === undefined) this.#print = this.#kind === "tools" ? offers.map(({ hash }) => hash).join() : JSON.stringify(offers);
    // A list that fails again and again is told once.
    if (had !== this.#print || (failed === undefined) !== (error === undefined)) this.#changed();
  }

  /** What the server lists and the host does not offer is not called by an earlier name either. */
  #name(items, offers) {
    const former = [...this.names].filter(([, tool]) => !items.has(tool));
    const current = offers.map(({ name, tool }) => [name, tool.name]);
    this.names = new Map(former.length > MAX_FORMER ? current : [...former, ...current]);
  }
}
