// The list of a manager's servers that the host keeps from one page life to the next: their names, addresses, titles and
// icons, and the options that are plain data. What may hold secrets, or is code, is not in it.

import { object } from "./checks.js";
import { report } from "./events.js";
import { isServerName, SERVER_IN_WORDS } from "./manager_names.js";
import { readServer, safeIcons, safeTitle } from "./manager_options.js";
import { readConnect, readUrl } from "./options.js";

/** Options that are kept. */
const PLAIN = [
  ...["capabilities", "clientInfo", "credentials", "era", "keepAlive", "listen", "maxEventBytes", "maxInputRounds"],
  ...["maxMessageBytes", "maxPages", "maxResumes", "maxTotalTimeout", "offline", "recovery", "resource", "share", "timeout"],
  ...["trustAnnotations", "unreachable"],
];
/** Options without which a server is not what it was: those who had them need them again. */
const NEEDED = ["auth", "fetch", "filters", "handlers", "headers", "identity", "proxy"];

/** More than these are nobody's list. */
const MAX_SERVERS = 256;

/** Milliseconds that the store has to answer. */
const STORE_MS = 5_000;

/** `warning.kind`, wherever something is amiss with the list. */
const KIND = "kept_servers";

/**
 * What is kept of a server: `{ name, url, title, icons, learned: { title, icons, legacyUntil }, options, needs }`, of which
 * `title` and `icons` are the host's, and those in `learned` the server's; until `legacyUntil` it is not asked for its era. `needs` names the options that it was opened with and that
 * are not kept.
 */
export function recordOf({ name, url, title, icons, learned, asked }) {
  const { filters, options } = asked;
  const plain = Object.fromEntries(PLAIN.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]));
  const hasFunctions = Object.values(filters).some((filter) => Object.values(filter).some((choice) => typeof choice === "function"));
  if (!hasFunctions && Object.keys(filters).length > 0) plain.filters = filters;
  const proxy = withoutSecrets(options.proxy);
  if (proxy !== undefined) plain.proxy = proxy;
  const isKept = { filters: !hasFunctions, proxy: proxy !== undefined };
  const needs = NEEDED.filter((key) => !isKept[key] && (key === "filters" || options[key] !== undefined));
  return { name, url, title, icons, learned, options: plain, needs };
}

/** The option `proxy` as data; nothing where it has header fields, which may be its credential. */
function withoutSecrets(proxy) {
  if (proxy instanceof URL) return proxy.href;
  if (proxy?.headers !== undefined) return undefined;
  return proxy?.url instanceof URL ? { ...proxy, url: proxy.url.href } : proxy;
}

export class KeptServers {
  #store;
  #key;
  #warn;
  /** As JSON, by name: what was written last. */
  #written = new Map();
  /** What stood there before, by name, of those that are being opened. */
  #before = new Map();
  #writing = Promise.resolve();

  /** `warn(warning, name)`; the lists of two users are two. */
  constructor(store, identity, warn) {
    this.#store = store;
    this.#key = `mcp-evergreen:servers:${JSON.stringify([identity ?? null])}`;
    this.#warn = (hint, name = "") => warn(Object.freeze({ kind: KIND, hint }), name);
  }

  /** By name. What cannot be used is left out, with a warning. */
  async read() {
    try {
      await this.#writing;
      const text = await within(this.#store.read(this.#key));
      const records = parse(text, this.#warn);
      for (const [name, record] of records) this.#written.set(name, JSON.stringify(record));
      return records;
    } catch (error) {
      this.#fail("read", error);
      return new Map();
    }
  }

  put(record) {
    const { name } = record;
    const text = JSON.stringify(record);
    if (this.#written.get(name) === text) return this.#writing;
    this.#written.set(name, text);
    return this.#change((records) => {
      const known = records.get(name);
      if (!this.#before.has(name)) this.#before.set(name, known);
      const now = JSON.parse(text);
      const isTold = now.learned.title !== undefined || now.learned.icons.length > 0 || now.learned.legacyUntil !== undefined;
      records.set(name, isTold || known?.url !== now.url ? now : { ...now, learned: known.learned });
    });
  }

  remove(name) {
    this.#written.delete(name);
    this.#before.delete(name);
    return this.#change((records) => records.delete(name));
  }

  /** It is open: from now on it was there before. */
  settle(name) {
    this.#writing = this.#writing.then(() => void this.#before.delete(name));
  }

  /** As it was before it was opened. */
  revert(name) {
    this.#written.delete(name);
    return this.#change((records) => {
      if (!this.#before.has(name)) return;
      const before = this.#before.get(name);
      this.#before.delete(name);
      if (before) records.set(name, before);
      else records.delete(name);
    });
  }

  /** One after the other, each on what stands there then. */
  #change(change) {
    const write = (text) => {
      const records = parse(text, () => {});
      change(records);
      return JSON.stringify({ servers: [...records.values()] });
    };
    this.#writing = this.#writing.then(() => within(this.#store.update(this.#key, write))).catch((error) => this.#fail("written", error));
    return this.#writing;
  }

  #fail(what, error) {
    this.#warn(`The list of servers could not be ${what}: ${late(error) ?? "the store failed"}. Sessions go on without it.`);
    if (!late(error)) report(error);
  }
}

const LATE = new Error(`the store did not answer within ${STORE_MS} ms`);
const late = (error) => (error === LATE ? error.message : undefined);

async function within(answer) {
  let timer;
  const bound = new Promise((_, reject) => (timer = setTimeout(reject, STORE_MS, LATE)));
  try {
    return await Promise.race([answer, bound]);
  } finally {
    clearTimeout(timer);
  }
}

/** `warn(hint, name?)` hears of what is left out. */
function parse(text, warn) {
  const records = new Map();
  if (text === null || text === undefined) return records;
  let servers;
  try {
    ({ servers } = JSON.parse(text));
  } catch {
    // Below.
  }
  if (!Array.isArray(servers)) {
    warn("What the store holds is no list of servers. It is not used, and written over when a server is opened.");
    return records;
  }
  if (servers.length > MAX_SERVERS) warn(`The store's list has more than ${MAX_SERVERS} servers. The others are left out.`);
  for (const [at, entry] of servers.slice(0, MAX_SERVERS).entries()) {
    try {
      const record = valid(entry);
      records.set(record.name, record);
    } catch (error) {
      const name = isServerName(entry?.name) ? entry.name : "";
      const which = name === "" ? `The ${at + 1}. server of the store's list` : `The server "${name}" of the store's list`;
      warn(`${which} is left out: ${error.message}. Open it anew.`, name);
    }
  }
  return records;
}

/** A TypeError says what is wrong with it. */
function valid(entry) {
  const { name, url, title, icons, learned, options = {}, needs = [] } = object("it", entry);
  if (!isServerName(name)) throw new TypeError(`its name is none: expected ${SERVER_IN_WORDS}`);
  const href = readUrl(url);
  if (!Array.isArray(needs) || needs.some((need) => !NEEDED.includes(need))) throw new TypeError("needs: expected names of options");
  const { filters, ...plain } = object("options", options);
  const kept = Object.fromEntries(Object.entries(plain).filter(([key]) => PLAIN.includes(key) || key === "proxy"));
  readServer({ filters });
  // Handlers declare what they answer, and come with the host's own options.
  const { capabilities: _, ...rest } = kept;
  readConnect(href, rest);
  if (filters !== undefined) kept.filters = filters;
  return {
    name,
    url: href,
    title: safeTitle(title),
    icons: icons === undefined ? undefined : safeIcons(icons),
    learned: { title: safeTitle(learned?.title), icons: safeIcons(learned?.icons), legacyUntil: Number.isFinite(learned?.legacyUntil) ? learned.legacyUntil : undefined },
    options: kept,
    needs,
  };
}
