// Many sessions, each by the name that the host gave its server.

import { closed } from "./error.js";
import { Listeners, report } from "./events.js";
import { wrong } from "./checks.js";
import { readDefaults, readSignal } from "./options.js";

/** So that `<name>__<tool>` can be taken apart in one way only. */
const NAME = /^(?!.*__)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}(?<!_)$/;
const NAME_IN_WORDS =
  "1 to 63 of the characters A-Z a-z 0-9 _ . - that begin with a letter or digit, do not end with _ and hold no __";

export class Sessions {
  #defaults;
  #openSession;
  /** By name: `{ asked, stop, waiting, promise, session? }`. */
  #entries = new Map();
  #listeners = new Listeners();
  #closed = false;

  constructor(defaults, openSession) {
    this.#defaults = readDefaults(defaults);
    this.#openSession = openSession;
  }

  async open(name, url, options = {}) {
    if (typeof name !== "string" || !NAME.test(name)) throw new TypeError(`name: expected ${NAME_IN_WORDS}`);
    if (options === null || typeof options !== "object") throw wrong("options", "an object", options);
    if (this.#closed) throw closed("The manager");
    const { signal, ...rest } = options;
    readSignal({ signal });
    if (signal?.aborted) throw signal.reason;
    const asked = copy({ url: String(url), options: rest });
    const known = this.#entries.get(name);
    if (known && !same(known.asked, asked)) {
      throw new TypeError(`name: "${name}" is open with another url or other options; close that session first`);
    }
    return wait(known ?? this.#start(name, url, rest, asked), signal);
  }

  #start(name, url, options, asked) {
    const stop = new AbortController();
    const entry = { asked, stop, waiting: 0 };
    const forget = () => this.#entries.get(name) === entry && this.#entries.delete(name);
    const tap = (event, detail) => {
      if (event === "close") forget();
      this.#listeners.emit(event, detail, name);
    };
    stop.signal.addEventListener("abort", forget);
    this.#entries.set(name, entry);
    entry.promise = this.#openSession(url, { unreachable: "wait", ...this.#defaults, ...options, signal: stop.signal }, {
      name,
      tap,
      outer: this.#listeners,
      begun: ({ signOut }) => (entry.signOut = signOut),
    }).then(
      (session) => (entry.session = session),
      (error) => {
        forget();
        throw error;
      },
    );
    return entry;
  }

  get(name) {
    return this.#entries.get(name)?.session;
  }

  sessions() {
    return new Map([...this.#entries].filter(([, { session }]) => session).map(([name, { session }]) => [name, session]));
  }

  statuses() {
    return new Map([...this.sessions()].map(([name, session]) => [name, session.status]));
  }

  async tools(options) {
    const lists = await Promise.all(
      [...this.sessions()].map(async ([server, session]) => {
        try {
          const tools = [];
          for await (const tool of session.tools(options)) tools.push({ name: `${server}__${tool.name}`, server, tool });
          return { tools };
        } catch (error) {
          return { failed: { server, error } };
        }
      }),
    );
    return {
      tools: lists.flatMap(({ tools = [] }) => tools),
      failed: lists.flatMap(({ failed = [] }) => failed),
    };
  }

  on(event, listener) {
    return this.#listeners.add(event, listener);
  }

  async signOut() {
    await Promise.all(
      [...this.#entries.values()].map(({ stop, session, signOut }) => {
        if (session) return session.signOut();
        // One that still connects has no session: it goes no further.
        stop.abort(closed("The session"));
        return signOut?.();
      }),
    );
  }

  async close(options) {
    this.#closed = true;
    const entries = [...this.#entries.values()];
    await Promise.all(
      entries.map(async ({ stop, session }) => {
        if (session) return session.close(options).catch(report);
        stop.abort(closed("The manager"));
      }),
    );
    this.#entries.clear();
  }

  static {
    if (Symbol.asyncDispose) {
      this.prototype[Symbol.asyncDispose] = function () {
        return this.close();
      };
    }
  }
}

/** A caller who gives up leaves the handshake to the others; the last one ends it. */
function wait(entry, signal) {
  entry.waiting++;
  if (!signal) return entry.promise;
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      if (--entry.waiting === 0 && !entry.session) entry.stop.abort(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    entry.promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Who has the tokens: two of them are two users, however alike they look. */
const ITSELF = "provider";

/** Plain objects and arrays are copied, so that what the host does to them later does not count. */
function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === ITSELF ? inner : copy(inner)]));
}

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => same(item, b[at]));
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => (key === ITSELF ? a[key] === b[key] : same(a[key], b[key])));
}

function isPlain(value) {
  if (value === null || typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
