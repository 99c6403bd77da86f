// Sessions in React: one for each url and key, shared by all components that use it.

import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { abortable } from "./abortable.js";
import { CallClock } from "./call_clock.js";
import { closed } from "./error.js";
import { connect } from "./index.js";
import { FAILED, HAD, Listed, NONE } from "./listed.js";
import { readRequest } from "./options.js";

/** A session that nobody uses any more is kept for so long: React unmounts and mounts anew, and users come back. */
const LINGER_MS = 1_000;

/** More users than these do not sign in, in one component and so many milliseconds: its credentials change by themselves. */
const MAX_USERS = 8;
const USERS_MS = 10_000;

/** Where `connect` names none. */
const TIMEOUT_MS = 60_000;

/** `status.waitingFor.why` while clocks stand still. */
const USER = "sign-in";
const METHOD_NOT_FOUND = -32601;

const CONNECTING = Object.freeze({ state: "connecting", era: "legacy", generation: 0, recoveries: 0 });
const NOTHING = Object.freeze([]);

/** What is listed, where the server has it: the capability, and the event that tells of another list. */
const LISTS = {
  tools: ["tools", "toolschange"],
  resources: ["resources", "resourceschange"],
  resourceTemplates: ["resources", "resourceschange"],
  prompts: ["prompts", "promptschange"],
};

const FIRST = Object.freeze({
  session: undefined,
  status: CONNECTING,
  error: undefined,
  ...Object.fromEntries(Object.keys(LISTS).map((name) => [name, NOTHING])),
});

const stores = new Map();

class Store {
  #id;
  #url;
  #options;
  /** The latest that a component gave: they are read for each request. */
  #headers;
  #snapshot = FIRST;
  #listeners = new Set();
  /** The session, or the promise of it; undefined while nobody wants one. */
  #opening;
  /** Ends that. */
  #stop;
  #linger;
  /** The last user has left. */
  #isLeft = false;
  /** Of calls that wait for the session. */
  #clocks = new Set();
  #lists = [];

  constructor(id, url, options) {
    this.#id = id;
    this.#url = url;
    this.#options = options;
    this.#headers = options.headers;
  }

  /** What a component gives now. But for its header fields, the options of the first count. */
  use({ headers }) {
    this.#headers = headers;
  }

  subscribe = (listener) => {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    this.#isLeft = false;
    // Another store may have taken its place while it lingered.
    if (!stores.has(this.#id)) stores.set(this.#id, this);
    this.#listeners.add(listener);
    this.#open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#leave();
    };
  };

  snapshot = () => this.#snapshot;

  /** What components call: bound, and the same for the life of the store. */
  actions = {
    callTool: (name, args, options) => this.#with(options, (session, options) => session.callTool({ name, arguments: args }, options)),
    readResource: (uri, options) => this.#with(options, (session, options) => session.readResource({ uri }, options)),
    getPrompt: (name, args, options) => this.#with(options, (session, options) => session.getPrompt({ name, arguments: args }, options)),
    retry: () => {
      if (this.#isLeft) return;
      this.#drop();
      this.#open();
    },
    disconnect: () => this.#drop(),
  };

  async #with(options, run) {
    const { signal, timeout = this.#options.timeout ?? TIMEOUT_MS, maxTotalTimeout = this.#options.maxTotalTimeout } = readRequest(options);
    if (signal?.aborted) throw signal.reason;
    // Nobody would close what is opened now.
    if (this.#isLeft) throw closed("The session");
    const opening = this.#open();
    if (this.#snapshot.session) return run(this.#snapshot.session, options);
    const clock = new CallClock(timeout, maxTotalTimeout);
    clock.run(!this.#asksUser);
    this.#clocks.add(clock);
    try {
      const session = await abortable(Promise.race([opening, clock.late]), signal);
      return run(session, clock.left(options));
    } finally {
      clock.stop();
      this.#clocks.delete(clock);
    }
  }

  get #asksUser() {
    return this.#snapshot.status.waitingFor?.why === USER;
  }

  #open() {
    this.#opening ??= this.#connect();
    // Called before the component is mounted, which may come to nothing.
    if (this.#listeners.size === 0 && this.#linger === undefined) this.#leave();
    return this.#opening;
  }

  #leave() {
    this.#linger = setTimeout(() => this.#end(), LINGER_MS);
  }

  #connect() {
    const mine = () => this.#opening === opening;
    const { key: _, on = {}, ...options } = this.#options;
    const headers = (context) => (typeof this.#headers === "function" ? this.#headers(context) : this.#headers);
    const heard = {
      ...on,
      statechange: (status) => {
        on.statechange?.(status);
        if (mine()) this.#set({ status });
      },
    };
    this.#stop = new AbortController();
    const opening = connect(this.#url, { unreachable: "wait", ...options, headers, on: heard, signal: this.#stop.signal });
    if (this.#snapshot !== FIRST) this.#set(FIRST);
    opening.then(
      (session) => mine() && this.#connected(session, mine),
      (error) => {
        if (!mine()) return;
        // The next who asks tries again.
        this.#opening = undefined;
        this.#set({ error, status: { ...CONNECTING, state: "closed", lastError: error } });
      },
    );
    return opening;
  }

  #connected(session, mine) {
    this.#set({ session, status: session.status, error: undefined });
    this.#lists = Object.entries(LISTS).map(([name, [capability, event]]) => {
      let failures = 0;
      const list = new Listed(async () => {
        const { capabilities, state } = session.status;
        if (state === "closed") return NONE;
        // Some servers declare nothing at all.
        const declares = Object.keys(capabilities ?? {}).length > 0;
        if (declares && !capabilities[capability]) return NONE;
        try {
          const items = [];
          for await (const item of session[name]()) items.push(item);
          if (mine()) this.#set({ [name]: Object.freeze(items) });
          failures = 0;
          return HAD;
        } catch (error) {
          // One list that fails takes nothing from the session, nor from the others: its listeners are told, once in a row.
          if (declares && mine() && ++failures === 1) {
            this.#options.on?.warning?.({ kind: "list_failed", hint: `The list of ${name} could not be had: ${error.message}` });
          }
          return error.rpcCode === METHOD_NOT_FOUND ? HAD : FAILED;
        }
      });
      session.on(event, () => list.news());
      // One that waits for its server has no lists yet; what could not be had before may be had now.
      session.on("statechange", ({ state }) => state === "ready" && list.missed());
      if (session.status.state !== "waiting") list.news();
      return list;
    });
  }

  #set(changes) {
    this.#snapshot = Object.freeze({ ...this.#snapshot, ...changes });
    for (const clock of this.#clocks) clock.run(!this.#asksUser);
    for (const listener of [...this.#listeners]) listener();
  }

  #drop() {
    const opening = this.#opening;
    this.#opening = undefined;
    for (const list of this.#lists.splice(0)) list.stop();
    // Whoever waits for a session that is not made is told at once.
    this.#stop?.abort(closed("The session"));
    this.#set({ ...FIRST, status: { ...CONNECTING, state: "closed" } });
    opening?.then((session) => session.close()).catch(() => {});
  }

  #end() {
    this.#linger = undefined;
    this.#isLeft = true;
    if (stores.get(this.#id) === this) stores.delete(this.#id);
    this.#drop();
  }
}

/** Whose session it is: whom `identity` names, or the `Bearer` or `Basic` value among the header fields. */
function ownerOf({ identity, headers }) {
  if (identity !== undefined) return [identity];
  if (headers === undefined || headers === null || typeof headers === "function") return [];
  const fields = headers instanceof Headers ? [...headers] : Object.entries(headers);
  const [, value] = fields.find(([name]) => name.toLowerCase() === "authorization") ?? [];
  return typeof value === "string" && /^(bearer|basic) /i.test(value) ? [null, value] : [];
}

let restless = 0;

/**
 * As text. Credentials that are others with each render name nobody: their component has a session of its own, which
 * nobody else's component shares.
 */
function useOwner(options) {
  const [known] = useState(() => ({ users: new Map(), itself: undefined }));
  const owner = ownerOf(options);
  const text = JSON.stringify(owner);
  const isGuessed = owner.length > 1;
  useEffect(() => {
    if (!isGuessed || known.itself !== undefined || known.users.has(text)) return;
    for (const [user, at] of known.users) if (Date.now() - at > USERS_MS) known.users.delete(user);
    known.users.set(text, Date.now());
    if (known.users.size > MAX_USERS) known.itself = JSON.stringify([null, null, ++restless]);
  }, [text]);
  return isGuessed ? (known.itself ?? text) : text;
}

function storeOf(url, options, owner) {
  const id = `${JSON.stringify([url, options.key ?? null])} ${owner}`;
  let store = stores.get(id);
  if (!store) {
    store = new Store(id, url, options);
    // On a server nobody subscribes, and nothing may be left behind.
    if (typeof document === "undefined") return store;
    stores.set(id, store);
  }
  return store;
}

const first = () => FIRST;

export function useMcp(url, options = {}) {
  const { key } = options;
  const href = String(url);
  const owner = useOwner(options);
  // The options of the first to use it count: a url, a key and a user name one session.
  const store = useMemo(() => storeOf(href, options, owner), [href, key, owner]);
  // Before anybody subscribes.
  useEffect(() => store.use(options));
  const snapshot = useSyncExternalStore(store.subscribe, store.snapshot, first);
  return useMemo(() => ({ ...snapshot, ...store.actions }), [snapshot, store]);
}
