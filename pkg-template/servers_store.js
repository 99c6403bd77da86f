// Many servers as a screen needs them: a manager's sessions and lists in one snapshot.

import { CallLog } from "./call_log.js";
import { closed } from "./error.js";
import { SessionManager } from "./index.js";
import { alike, changed, following, isOwnedAlike, warnOf } from "./latest.js";
import { readRequest } from "./options.js";
import { QuestionQueue } from "./question_queue.js";
import { LINGER_MS } from "./session_store.js";
import { askedByClick, asksUser, prepared, signIn, wantsSignIn } from "./sign_in.js";

const NOTHING = Object.freeze([]);
const NAMES = ["tools", "resources", "resourceTemplates", "prompts"];

const NONE_YET = Object.freeze({
  servers: NOTHING,
  ...Object.fromEntries(NAMES.map((name) => [name, NOTHING])),
  listed: Object.freeze(Object.fromEntries(NAMES.map((name) => [name, false]))),
  failed: NOTHING,
  pending: NOTHING,
  needSignIn: NOTHING,
});

const QUIET = Object.freeze({ pendingQuestions: NOTHING, calls: NOTHING, busy: false });

export class ServersStore {
  /** `{ options }`: what the owner gave last. Whatever is made for the owner follows this alone. */
  #given;
  #first;
  #snapshot;
  #listeners = new Set();
  #manager;
  #linger;
  /** By name: `{ url, options }` as it was asked for last. */
  #asked = new Map();
  /** Names that the option `servers` has named. */
  #named = new Set();
  /** Options of those that came back, by name. */
  #returned = new Map();
  /** What could not even be tried, by name. */
  #refused = new Map();
  /** Names that were signed out here, until they are opened or closed. */
  #signedOut = new Set();
  /** By kind: what the manager could not read. */
  #failures = {};
  #told = new Set();
  #questions = new QuestionQueue((pendingQuestions) => this.#set({ pendingQuestions }));
  #calls = new CallLog((calls) => this.#set({ calls, busy: calls.length > 0 }));

  constructor(options = {}) {
    this.#given = { options };
    this.#snapshot = this.#first = Object.freeze({ ...NONE_YET, ...QUIET, ...this.#actionsOf(this.#given) });
  }

  /** What is wanted now: servers come and go, functions are used from now on. Another owner has another manager. */
  use(options) {
    const before = this.#given.options;
    const { servers: _s, defaults = {}, ...own } = options;
    if (!isOwnedAlike(before.defaults ?? {}, defaults)) return this.#become(options);
    this.#given.options = options;
    warnOf([...changed(before.defaults ?? {}, defaults, before.defaults), ...changed(withoutLists(before), own)], this.#told);
    if (this.#manager) this.#sync();
  }

  #become(options) {
    const isWanted = this.#manager !== undefined;
    this.#told.clear();
    this.#given = { options };
    this.#stop(this.#actionsOf(this.#given));
    if (isWanted) this.#start();
  }

  subscribe = (listener) => {
    const entry = { listener };
    clearTimeout(this.#linger);
    this.#listeners.add(entry);
    if (!this.#manager) this.#start();
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.#linger = setTimeout(() => this.#stop(), LINGER_MS);
    };
  };

  getSnapshot = () => this.#snapshot;

  /** Before anything has happened, as on a server. */
  getServerSnapshot = () => this.#first;

  /** Bound, and the same as long as the owner is: those of an owner before do nothing any more. */
  #actionsOf(given) {
    return {
      callTool: async (name, args, options) => {
        readRequest(options);
        const manager = this.#managed(given);
        return this.#calls.run({ method: "tools/call", name }, options, (options) => manager.callTool(name, args, options));
      },
      open: async (name, url, options = {}) => {
        this.#managed(given);
        await this.#open(name, url, options);
      },
      close: async (name, options) => {
        const manager = this.#managed(given);
        // What `servers` names stays closed until it is opened again.
        if (!this.#named.has(checked(name))) this.#forget(name);
        this.#signedOut.delete(name);
        await manager.close(name, options);
      },
      signOut: async (name) => {
        const manager = this.#managed(given);
        const leaving = manager.servers().filter((server) => (name === undefined || server.name === name) && (server.status ?? server.error));
        for (const { name } of leaving) if (this.#optionOf(name, "auth")) this.#signedOut.add(name);
        await manager.signOut(name);
      },
      authorize: async (name) => {
        this.#managed(given);
        await this.#authorize(name);
      },
      get: (name) => (this.#given === given ? this.#manager?.get(name) : undefined),
    };
  }

  #managed(given = this.#given) {
    if (!this.#manager || this.#given !== given) throw closed("The manager");
    return this.#manager;
  }

  #start() {
    const given = this.#given;
    const { store, questions, defaults = {} } = given.options;
    const { headers: _h, ...rest } = defaults;
    const followed = askedByClick(following(rest, () => [given.options.defaults ?? {}]));
    const headers = (context) => value(given.options.defaults?.headers, context);
    const manager = new SessionManager({
      ...followed,
      headers,
      ...(questions && { handlers: { ...this.#questions.handlers(questions), ...followed.handlers } }),
      ...(store && { store }),
    });
    this.#manager = manager;
    const isMine = () => this.#manager === manager;
    manager.on("servers", () => isMine() && this.#look());
    for (const kind of NAMES) manager.on(kind, (offered) => isMine() && this.#offer(kind, offered));
    this.#sync();
    if (store) {
      const optionsFor = (server) => (isMine() ? this.#restored(server) : false);
      manager.restore(optionsFor).then(() => isMine() && this.#look(), () => {});
    }
  }

  /** Opens and closes as the option `servers` says. */
  #sync() {
    const wanted = new Map(Object.entries(this.#given.options.servers ?? {}).map(([name, given]) => [name, read(given)]));
    for (const name of [...this.#named].filter((name) => !wanted.has(name))) {
      this.#forget(name);
      this.#manager.close(name).catch(() => {});
    }
    for (const [name, { url, options }] of wanted) {
      this.#named.add(name);
      const known = this.#asked.get(name);
      if (known?.url === url && known.options.identity === options.identity) {
        warnOf(changed(known.options, options, known.given), this.#told);
        known.given = options;
        continue;
      }
      if (known) this.#manager.close(name, { keep: true }).catch(() => {});
      this.#open(name, url, options).catch(() => {});
    }
    this.#look();
  }

  async #open(name, url, options) {
    const manager = this.#managed();
    const before = this.#asked.get(name);
    const isSame = before?.url === String(url) && alike(before.options, options);
    const entry = isSame ? before : this.#entry(String(url), options);
    entry.given = options;
    this.#asked.set(name, entry);
    try {
      await manager.open(name, url, { ...entry.followed, lazy: true });
      if (this.#manager === manager) this.#refused.delete(name);
    } catch (error) {
      // Another owner's lists are none of its business.
      if (this.#manager !== manager) throw error;
      if (this.#named.has(name)) this.#refused.set(name, error);
      else if (before) this.#asked.set(name, before);
      else this.#asked.delete(name);
      throw error;
    } finally {
      if (this.#manager === manager) this.#look();
    }
  }

  /** `given` are the latest options, whose functions are used. */
  #entry(url, options) {
    const entry = { url, options, given: options, followed: {} };
    const { headers, ...rest } = options;
    entry.followed = askedByClick(following(rest, () => [entry.given]));
    if (headers !== undefined) entry.followed.headers = (context) => value(entry.given.headers ?? headers, context);
    return entry;
  }

  #forget(name) {
    this.#named.delete(name);
    this.#asked.delete(name);
    this.#returned.delete(name);
    this.#refused.delete(name);
    this.#signedOut.delete(name);
  }

  /** Options of a server that comes back. */
  async #restored(server) {
    const { restore } = this.#given.options;
    const returned = this.#returned;
    const given = await restore?.(server);
    if (!given) return given;
    const options = askedByClick(given);
    returned.set(server.name, options);
    return options;
  }

  /** In a click: what the provider opens is open before this returns. */
  async #authorize(name) {
    const manager = this.#managed();
    const given = this.#given;
    const asked = this.#asked.get(name)?.followed;
    const auth = this.#optionOf(name, "auth");
    const session = manager.get(name);
    if (session) return void (await signIn(session, auth));
    const server = manager.servers().find((server) => server.name === name);
    const url = server?.url ?? this.#asked.get(name)?.url;
    if (url === undefined) throw new TypeError("name: there is no server of this name");
    const release = prepared(auth);
    try {
      if (asked === undefined && auth) {
        // With the options that are kept of it.
        if (server.error) await manager.close(name, { keep: true });
        await manager.restore((kept) => this.#given === given && kept.name === name && this.#restored(kept));
        return void (await manager.authorize(name));
      }
      const options = asked ?? ((await this.#restored(server)) || {});
      await manager.open(name, url, { ...options, lazy: true });
      const made = await manager.open(name, url, options);
      if (asksUser(made.status)) await signIn(made, auth);
    } finally {
      release();
    }
  }

  /** An option of a server's, its own or that of all. */
  #optionOf(name, option) {
    return (this.#asked.get(name)?.followed ?? this.#returned.get(name))?.[option] ?? this.#given.options.defaults?.[option];
  }

  // ── What there is ──

  #look() {
    const servers = this.#manager.servers();
    for (const { name, status, error } of servers) if (status ?? error) this.#signedOut.delete(name);
    const isHelped = ({ name, status, error }) => wantsSignIn(status, error) && (this.#optionOf(name, "auth") || this.#optionOf(name, "headers"));
    const waiting = servers.filter(isHelped).map(({ name }) => name);
    // Without a `store` they have no row any more.
    const needSignIn = [...waiting, ...this.#signedOut];
    this.#set({ servers, needSignIn: same(this.#snapshot.needSignIn, needSignIn), failed: this.#failed() });
  }

  #offer(kind, offered) {
    this.#failures[kind] = offered.failed;
    const { listed } = this.#snapshot;
    this.#set({
      [kind]: same(this.#snapshot[kind], offered[kind]),
      pending: same(this.#snapshot.pending, offered.pending),
      failed: this.#failed(),
      listed: listed[kind] ? listed : Object.freeze({ ...listed, [kind]: true }),
    });
  }

  /** Each server once. */
  #failed() {
    const refused = [...this.#refused].map(([server, error]) => ({ server, error }));
    const all = [...refused, ...Object.values(this.#failures).flat()];
    return same(this.#snapshot.failed, [...new Map(all.map((failure) => [failure.server, failure])).values()]);
  }

  #set(changes) {
    const before = this.#snapshot;
    if (Object.entries(changes).every(([key, value]) => before[key] === value)) return;
    this.#snapshot = Object.freeze({ ...before, ...changes });
    for (const { listener } of [...this.#listeners]) listener();
  }

  /** The owner is gone: at once. */
  end() {
    clearTimeout(this.#linger);
    if (this.#manager) this.#stop();
  }

  #stop(more) {
    const manager = this.#manager;
    this.#manager = undefined;
    this.#asked.clear();
    this.#named.clear();
    this.#returned = new Map();
    this.#refused.clear();
    this.#signedOut.clear();
    this.#failures = {};
    this.#questions.withdrawAll();
    this.#set({ ...NONE_YET, ...more });
    manager?.close().catch(() => {});
  }
}

/** Where there can be none, and why. */
export function idleServers(error, names) {
  const refuse = async () => {
    throw error;
  };
  const actions = { callTool: refuse, open: refuse, close: refuse, signOut: refuse, authorize: refuse, get: () => undefined };
  const failed = Object.freeze(names.map((server) => ({ server, error })));
  const snapshot = Object.freeze({ ...NONE_YET, ...QUIET, failed, ...actions });
  const nothing = () => {};
  const get = () => snapshot;
  return { subscribe: () => nothing, getSnapshot: get, getServerSnapshot: get, use: nothing, end: nothing };
}

/** A server as `servers` has it: its address, or that and options. */
function read(given) {
  if (typeof given === "string" || given instanceof URL) return { url: String(given), options: {} };
  const { url, ...options } = given ?? {};
  return { url: String(url), options };
}

function checked(name) {
  if (typeof name !== "string") throw new TypeError("name: expected a string");
  return name;
}

function value(headers, context) {
  return typeof headers === "function" ? headers(context) : headers;
}

function withoutLists({ servers: _s, defaults: _d, ...own }) {
  return own;
}

/** What was there before, where it says the same. */
function same(before, now) {
  const alike = before.length === now.length && now.every((item, at) => item === before[at] || (item.error !== undefined && item.error === before[at].error && item.server === before[at].server));
  return alike ? before : Object.freeze([...now]);
}
