// Many sessions, each by the name that the host gave its server, and what their servers offer as one.

import { abortable } from "./abortable.js";
import { CallClock } from "./call_clock.js";
import { noMore, object, wrong } from "./checks.js";
import { closed } from "./error.js";
import { report } from "./events.js";
import { KeptServers, recordOf } from "./kept_servers.js";
import { KINDS } from "./managed_lists.js";
import { ManagedServer } from "./managed_server.js";
import { ManagerListeners } from "./manager_events.js";
import { canBeOf, isServerName, SERVER_IN_WORDS } from "./manager_names.js";
import { readCloseOne, readManager, readServer } from "./manager_options.js";
import { readClose, readRequest, readSignal, readUrl } from "./options.js";
import { copy, same } from "./same.js";
import { callFound, unknownTool } from "./unlisted_tools.js";

/** Where neither the call nor the manager names one: as `connect`. */
const TIMEOUT_MS = 60_000;

/** Milliseconds that lists of all wait for a server that is known to be away: its own goes on being read. */
const AWAY_MS = 2_000;

const METHODS = Object.keys(KINDS);

export class Sessions {
  #defaults;
  #openSession;
  /** By name. */
  #servers = new Map();
  /** What the host keeps of servers, by name; those that are not open as well. */
  #records = new Map();
  #kept;
  #listeners = new ManagerListeners();
  /** Called when something about a server is another. */
  #watchers = new Set();
  #snapshot;
  #closed = false;
  /** How often all were signed out. */
  #left = 0;

  constructor(options, openSession) {
    const { store, defaults } = readManager(options);
    this.#defaults = defaults;
    this.#openSession = openSession;
    const warn = (warning, name) => this.#listeners.emit("warning", warning, name);
    this.#kept = store && new KeptServers(store, defaults.identity, warn);
    this.#listeners.observeOwn(() => this.#follow());
  }

  // ── Servers ──

  async open(name, url, options) {
    if (!isServerName(name)) throw new TypeError(`name: expected ${SERVER_IN_WORDS}`);
    const { signal, lazy, title, icons, ...asked } = readServer(options === undefined ? {} : options);
    if (this.#closed) throw closed("The manager");
    if (signal?.aborted) throw signal.reason;
    const server = this.#enter(name, readUrl(url), copy(asked), { title, icons });
    if (!lazy) return this.#wait(server, signal);
    server.waiting++;
    server.isLazy = true;
    // What is wrong with the options is the caller's to mend; all else is told by the event.
    await Promise.race([server.begun, server.promise]);
    return undefined;
  }

  /** The server that is open, or one that is opened now. */
  #enter(name, url, asked, shown) {
    const known = this.#servers.get(name);
    if (known === undefined || known.error !== undefined) return this.#start(name, url, asked, shown);
    if (same({ url: known.url, ...known.asked }, { url, ...asked })) return known;
    throw new TypeError(`name: "${name}" is open with another url or other options; close that session first`);
  }

  #start(name, url, asked, { title, icons }) {
    const before = this.#records.get(name);
    const learned = before?.url === url ? before.learned : undefined;
    const server = new ManagedServer({ name, url, title, icons, asked, learned, before }, {
      changed: (kind) => this.#isIn(server) && this.#emitList(kind, name),
      warn: (warning) => this.#listeners.emit("warning", Object.freeze(warning), name),
    });
    const tap = (event, detail) => {
      server.hear(event, detail);
      if (event === "era") return;
      this.#listeners.emit(event, detail, name);
      // One that could not be made is closed before that is told.
      if (event === "close" && server.session) this.#forget(server);
      else if (event === "statechange") this.#changed(server);
    };
    const { signal } = server.stop;
    signal.addEventListener("abort", () => this.#forget(server));
    this.#servers.set(name, server);
    const opening = this.#openSession(url, { unreachable: "wait", ...this.#defaults, ...asked.options, signal }, {
      name,
      tap,
      outer: this.#listeners,
      legacyUntil: learned?.legacyUntil,
      begun: (begun) => {
        server.begins(begun);
        this.#changed(server);
      },
    });
    server.promise = opening.then((session) => this.#opened(server, session), (error) => this.#failed(server, error));
    server.promise.catch(() => {});
    return server;
  }

  /** A caller who gives up leaves the handshake to the others; the last one ends it. */
  #wait(server, signal) {
    server.waiting++;
    if (!signal) return server.promise;
    return new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal.reason);
        if (--server.waiting > 0 || server.session) return;
        server.stop.abort(signal.reason);
        this.#revert(server);
      };
      signal.addEventListener("abort", abort, { once: true });
      server.promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }

  #opened(server, session) {
    server.session = session;
    if (server.status?.state === "closed") this.#forget(server);
    this.#follow();
    this.#changed(server);
    this.#kept?.settle(server.name);
    return session;
  }

  #failed(server, error) {
    server.error = error;
    if (!this.#isIn(server)) throw error;
    // Whoever waited for it is told, and it is as if it had not been asked for.
    const isRefused = server.signOut === undefined;
    if (server.isLazy && !isRefused) {
      this.#changed(server);
      for (const kind of METHODS) this.#emitList(kind, server.name);
    } else {
      this.#forget(server);
      this.#revert(server);
    }
    throw error;
  }

  #isIn(server) {
    return this.#servers.get(server.name) === server;
  }

  #forget(server) {
    server.end();
    if (!this.#isIn(server)) return;
    this.#servers.delete(server.name);
    this.#told(server.name);
    for (const kind of METHODS) if (server.lists[kind].offers !== undefined || server.error !== undefined) this.#emitList(kind, server.name);
  }

  /** Something about it is another. */
  #changed(server) {
    if (!this.#isIn(server)) return;
    if (this.#kept && server.error === undefined && server.signOut !== undefined) {
      const record = recordOf(server);
      this.#records.set(server.name, record);
      void this.#kept.put(record);
    }
    this.#told(server.name);
  }

  #told(name) {
    this.#snapshot = undefined;
    for (const watcher of [...this.#watchers]) watcher();
    if (this.#listeners.hear("servers")) this.#listeners.emit("servers", this.servers(), name);
  }

  #unkeep(name) {
    this.#records.delete(name);
    return this.#kept?.remove(name);
  }

  /** What could not be opened is not for the next page life, unless it was there before: then as it was. */
  #revert({ name, before }) {
    if (before) this.#records.set(name, before);
    else this.#records.delete(name);
    void this.#kept?.revert(name);
    this.#told(name);
  }

  async restore(optionsFor = () => ({})) {
    if (typeof optionsFor !== "function") throw wrong("optionsFor", "a function", optionsFor);
    if (this.#closed) throw closed("The manager");
    const left = this.#left;
    const records = (await this.#kept?.read()) ?? new Map();
    const begun = [];
    for (const [name, record] of records) {
      // Whoever has left opens no more.
      if (this.#closed || this.#left !== left) break;
      if (this.#servers.has(name)) continue;
      this.#records.set(name, record);
      if (await this.#restoreOne(record, optionsFor, left)) begun.push(name);
    }
    this.#told("");
    return begun;
  }

  /** Says whether it is on its way. */
  async #restoreOne(record, optionsFor, left) {
    const { name, url, title, icons, options, needs } = record;
    const warn = (hint) => this.#listeners.emit("warning", Object.freeze({ kind: "kept_servers", hint }), name);
    try {
      const given = await optionsFor(shown(record));
      if (given === null || given === false) return false;
      const missing = needs.filter((need) => given?.[need] === undefined);
      if (missing.length > 0) {
        warn(`The server "${name}" was opened with ${missing.join(", ")}, which is not kept: give it again, to restore or to open.`);
        return false;
      }
      if (this.#left !== left) return false;
      await this.open(name, url, { title, icons, ...options, ...given, lazy: true });
      return true;
    } catch (error) {
      warn(`The server "${name}" was not opened: ${error?.message}`);
      return false;
    }
  }

  get(name) {
    return this.#servers.get(name)?.session;
  }

  sessions() {
    return new Map([...this.#servers].filter(([, { session }]) => session).map(([name, { session }]) => [name, session]));
  }

  statuses() {
    return new Map([...this.sessions()].map(([name, session]) => [name, session.status]));
  }

  servers() {
    this.#snapshot ??= Object.freeze([...new Map([...this.#records, ...this.#servers]).values()].map(shown));
    return this.#snapshot;
  }

  // ── What they offer ──

  tools(options) {
    return this.#list("tools", options);
  }

  resources(options) {
    return this.#list("resources", options);
  }

  resourceTemplates(options) {
    return this.#list("resourceTemplates", options);
  }

  prompts(options) {
    return this.#list("prompts", options);
  }

  async #list(kind, options) {
    const { signal } = readRequest(options);
    if (signal?.aborted) throw signal.reason;
    if (this.#closed) throw closed("The manager");
    const asked = [...this.#servers.values()].filter(({ session, isPending }) => session && !isPending);
    await abortable(Promise.all(asked.map((server) => this.#read(server, kind, options))), signal);
    return this.#offered(kind);
  }

  /** What goes wrong stands in the list. */
  #read(server, kind, options) {
    const list = server.lists[kind];
    const read = () => list.read(server.session, options).catch(() => {});
    // One question waits for it, however often it is asked for.
    return server.isAway ? atMost(AWAY_MS, list.reading ?? read()) : read();
  }

  /** As it was read last. */
  #offered(kind) {
    const servers = [...this.#servers.values()];
    const failures = servers.map(({ name, error, lists, isAway, status }) => ({ server: name, error: error ?? lists[kind].error ?? (isAway ? status.lastError : undefined) }));
    return Object.freeze({
      [kind]: servers.flatMap(({ lists }) => lists[kind].offers ?? []),
      failed: failures.filter(({ error }) => error !== undefined),
      pending: servers.filter(({ isPending }) => isPending).map(({ name }) => name),
    });
  }

  #emitList(kind, name) {
    if (this.#listeners.hear(kind)) this.#listeners.emit(kind, this.#offered(kind), name);
  }

  /** Lists that somebody listens to are kept up to date. */
  #follow() {
    const kinds = METHODS.filter((kind) => this.#listeners.hear(kind));
    for (const server of this.#servers.values()) server.follow(kinds);
  }

  async callTool(name, args, options) {
    if (typeof name !== "string") throw wrong("name", "a string", name);
    if (args !== undefined) object("args", args);
    const { signal } = readRequest(options);
    if (signal?.aborted) throw signal.reason;
    if (this.#closed) throw closed("The manager");
    for (const server of this.#servers.values()) {
      const tool = server.lists.tools.names.get(name);
      if (tool !== undefined && server.session) return server.session.callTool({ name: tool, arguments: args }, options);
    }
    return this.#seek(name, args, options);
  }

  /** A tool of a server whose list was not read yet, such as one that a model has heard of in an earlier page life. */
  async #seek(name, args, options) {
    const servers = [...this.#servers.values()];
    const candidates = servers.filter((server) => canBeOf(server.name, name) && !server.lists.tools.isFresh);
    if (candidates.length === 0) throw unknownTool(name, servers);
    const { timeout = TIMEOUT_MS, maxTotalTimeout } = { ...this.#defaults, ...readRequest(options) };
    const clock = new CallClock(timeout, maxTotalTimeout);
    const watch = () => clock.run(!candidates.some(({ isAsking }) => isAsking));
    this.#watchers.add(watch);
    watch();
    try {
      return await callFound(candidates, name, { args, options, clock, unknown: (failure) => unknownTool(name, [...this.#servers.values()], failure) });
    } finally {
      this.#watchers.delete(watch);
    }
  }

  on(event, listener) {
    return this.#listeners.add(event, listener);
  }

  /** In a user's click: what needs that is done before this returns. */
  async authorize(name, options) {
    const signal = readSignal(options);
    if (this.#closed) throw closed("The manager");
    if (signal?.aborted) throw signal.reason;
    const server = this.#named(name);
    if (server.error !== undefined) throw server.error;
    return server.authorize(signal);
  }

  #named(name) {
    const server = this.#servers.get(name);
    if (server !== undefined) return server;
    throw new TypeError(`name: no server of this name is open; there are ${[...this.#servers.keys()].join(", ") || "none"}`);
  }

  // ── The end ──

  async signOut(name) {
    if (name === undefined) this.#left++;
    const servers = name === undefined ? [...this.#servers.values()] : [this.#named(name)];
    await Promise.all(
      servers.map((server) => {
        this.#forget(server);
        if (server.session) return server.session.signOut();
        // One that still connects has no session: it goes no further.
        server.stop.abort(closed("The session"));
        return server.signOut?.();
      }),
    );
  }

  async close(name, options) {
    if (typeof name === "string") return this.#closeOne(name, options);
    const { terminate } = readClose(name);
    this.#closed = true;
    const servers = [...this.#servers.values()];
    await Promise.all(
      servers.map(async ({ stop, session }) => {
        if (session) return session.close({ terminate }).catch(report);
        stop.abort(closed("The manager"));
      }),
    );
    this.#servers.clear();
    this.#told("");
  }

  async #closeOne(name, options) {
    const { keep = false, ...close } = readCloseOne(options);
    const server = this.#servers.get(name);
    const unkept = keep ? undefined : this.#unkeep(name);
    if (server) {
      // Its name is free at once.
      this.#forget(server);
      server.stop.abort(closed("The session"));
      await server.session?.close(close);
    } else this.#told(name);
    await unkept;
  }

  static {
    noMore(this, "on", "get");
    if (Symbol.asyncDispose) {
      this.prototype[Symbol.asyncDispose] = function () {
        return this.close();
      };
    }
  }
}

/** What hosts see of a server, or of what is kept of one. */
function shown({ name, url, title, icons, learned, status, error }) {
  return Object.freeze({ name, url, title: title ?? learned.title ?? name, icons: icons ?? learned.icons ?? [], status, error });
}

async function atMost(ms, promise) {
  let timer;
  const over = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, over]);
  clearTimeout(timer);
}
