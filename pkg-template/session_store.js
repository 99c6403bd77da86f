// One session as a screen needs it: a snapshot of all that is known, who listens to it, and what can be done.

import { abortable } from "./abortable.js";
import { CallClock } from "./call_clock.js";
import { CallLog } from "./call_log.js";
import { object } from "./checks.js";
import { closed } from "./error.js";
import { report } from "./events.js";
import { connect } from "./index.js";
import { changed, following, Given, isOwnedAlike, warnOf } from "./latest.js";
import { FAILED, HAD, Listed, NONE } from "./listed.js";
import { readDefaults, readRequest } from "./options.js";
import { QuestionQueue } from "./question_queue.js";
import { askedByClick, asksUser, prepared, signIn, wantsSignIn } from "./sign_in.js";

/** A session that nobody uses any more is kept for so long: screens are unmounted and mounted anew, and users come back. */
export const LINGER_MS = 1_000;

/** Where `connect` names none. */
const TIMEOUT_MS = 60_000;

const METHOD_NOT_FOUND = -32601;

const asIs = (_name, value) => value;

const CONNECTING = Object.freeze({ state: "connecting", generation: 0, recoveries: 0 });
const CLOSED = Object.freeze({ ...CONNECTING, state: "closed" });
const NOTHING = Object.freeze([]);

/** What is listed, where the server has it: the capability, and the event that tells of another list. */
const LISTS = {
  tools: ["tools", "toolschange"],
  resources: ["resources", "resourceschange"],
  resourceTemplates: ["resources", "resourceschange"],
  prompts: ["prompts", "promptschange"],
};
const NAMES = Object.keys(LISTS);

/** What there is of a session that has not begun. */
const NONE_YET = Object.freeze({
  session: undefined,
  status: CONNECTING,
  error: undefined,
  needsSignIn: false,
  ...Object.fromEntries(NAMES.map((name) => [name, NOTHING])),
  listed: Object.freeze(Object.fromEntries(NAMES.map((name) => [name, false]))),
});
const QUIET = Object.freeze({ pendingQuestions: NOTHING, calls: NOTHING, busy: false });

export class SessionStore {
  #url;
  /** Of the owner whose session it is now. */
  #given;
  #snapshot;
  #first;
  #listeners = new Set();
  #hooks;
  /** Changes that developers were told of. */
  #told = new Set();
  /** The session, or the promise of it; undefined while nobody wants one. */
  #opening;
  /** Ends that. */
  #stop;
  /** Why it could not be made. */
  #failure;
  #linger;
  /** The last user has left. */
  #isLeft = false;
  /** Until somebody asks for it again. */
  #isDisconnected = false;
  /** Of calls that wait for the session. */
  #clocks = new Set();
  #lists = [];
  /** Events that the host is told of. */
  #heard = new Set();
  #questions = new QuestionQueue((pendingQuestions) => this.#set({ pendingQuestions }));
  #calls = new CallLog((calls) => this.#set({ calls, busy: calls.length > 0 }));

  /**
   * `hooks`: `used()` whenever somebody subscribes, `ended()` when the last one has left for good, and the `names` of options that
   * there are beside the store's.
   */
  constructor(url, options = {}, hooks = {}) {
    this.#url = url;
    this.#given = new Given(options);
    this.#hooks = hooks;
    this.#snapshot = this.#first = Object.freeze({ ...NONE_YET, ...QUIET, ...this.#actionsOf(this.#given) });
  }

  /** What `user` gives now: its functions are used from now on. Another owner has another session. */
  use(options, user = this) {
    if (!isOwnedAlike(this.#given.first, options)) return this.#become(options);
    const before = this.#given.use(options, user);
    warnOf(changed(this.#given.first, options, before), this.#told);
    if (this.#snapshot.session) this.#hear(this.#snapshot.session, this.#given);
  }

  leave(user) {
    this.#given.leave(user);
  }

  #become(options) {
    const isWanted = this.#listeners.size > 0 && !this.#isDisconnected;
    this.#given = new Given(options);
    this.#told.clear();
    this.#drop(this.#actionsOf(this.#given));
    if (isWanted) this.#open();
  }

  subscribe = (listener) => {
    // The same function may listen twice.
    const entry = { listener };
    clearTimeout(this.#linger);
    this.#linger = undefined;
    this.#isLeft = false;
    this.#hooks.used?.(this);
    this.#listeners.add(entry);
    // A window for the sign-in is no business of who only looks on.
    if (!this.#isDisconnected && !(this.#failure && this.#snapshot.needsSignIn)) this.#open();
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.#leave();
    };
  };

  getSnapshot = () => this.#snapshot;

  /** Before anything has happened, as on a server. */
  getServerSnapshot = () => this.#first;

  /** Bound, and the same as long as the owner is: those of an owner before do nothing any more. */
  #actionsOf(given) {
    // Nobody would close what is opened once the last one has left.
    const isOver = () => this.#isLeft || this.#given !== given;
    const call = (about, options, run) => this.#call(about, options, run, isOver);
    return {
      callTool: (name, args, options) => call({ method: "tools/call", name }, options, (session, options) => session.callTool({ name, arguments: args }, options)),
      readResource: (uri, options) => call({ method: "resources/read", name: uri }, options, (session, options) => session.readResource({ uri }, options)),
      getPrompt: (name, args, options) => call({ method: "prompts/get", name }, options, (session, options) => session.getPrompt({ name, arguments: args }, options)),
      authorize: async () => {
        if (isOver()) throw closed("The session");
        await this.#authorize();
      },
      retry: () => {
        if (isOver()) return;
        this.#drop();
        this.#open().catch(() => {});
      },
      disconnect: () => {
        if (this.#given !== given) return;
        this.#drop();
        this.#isDisconnected = true;
      },
    };
  }

  async #call(about, options, run, isOver) {
    const { signal } = readRequest(options);
    if (signal?.aborted) throw signal.reason;
    if (isOver()) throw closed("The session");
    return this.#calls.run(about, options, (options) => this.#with(options, run));
  }

  async #with(options, run) {
    const { signal, timeout = this.#given.first.timeout ?? TIMEOUT_MS, maxTotalTimeout = this.#given.first.maxTotalTimeout } = options;
    const opening = this.#open();
    if (this.#snapshot.session) return run(this.#snapshot.session, options);
    const clock = new CallClock(timeout, maxTotalTimeout);
    clock.run(!asksUser(this.#snapshot.status));
    this.#clocks.add(clock);
    try {
      const session = await abortable(Promise.race([opening, clock.late]), signal);
      return await run(session, clock.left(options));
    } finally {
      clock.stop();
      this.#clocks.delete(clock);
    }
  }

  /** In a click: what the provider opens is open before this returns. */
  async #authorize() {
    const { auth } = this.#given.first;
    const { session } = this.#snapshot;
    if (session && session.status.state !== "closed") return void (await signIn(session, auth));
    const release = prepared(auth);
    try {
      if (session) this.#drop();
      const made = await this.#open();
      if (asksUser(made.status)) await signIn(made, auth);
    } finally {
      release();
    }
  }

  #open() {
    this.#isDisconnected = false;
    if (!this.#opening) this.#connect();
    // Called before the component is mounted, which may come to nothing.
    if (this.#listeners.size === 0 && this.#linger === undefined) this.#leave();
    return this.#opening;
  }

  #leave() {
    this.#linger = setTimeout(() => this.#end(), LINGER_MS);
  }

  #connect() {
    const mine = () => this.#opening === opening;
    const given = this.#given;
    const { key: _k, enabled: _e, questions, on: _o, headers: _h, ...options } = given.first;
    const followed = askedByClick(following(options, given.latest));
    const { headers } = given;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#heard = new Set(["statechange"]);
    const on = {
      ...Object.fromEntries(this.#newListeners(given)),
      statechange: (status) => {
        given.listener("statechange")?.(status);
        // Ready is who has a session: a moment later.
        if (mine() && (this.#snapshot.session || status.state !== "ready")) this.#set({ status });
      },
    };
    const opening = (async () => {
      const own = ["questions", ...(this.#hooks.names ?? [])];
      readDefaults(given.first, Object.fromEntries(own.map((name) => [name, asIs])));
      const asked = this.#questions.handlers(questions);
      if (questions) followed.handlers = { ...asked, ...object("handlers", followed.handlers ?? {}) };
      return connect(this.#url, { unreachable: "wait", ...followed, headers, on, signal });
    })();
    this.#opening = opening;
    this.#failure = undefined;
    if (this.#snapshot.status !== CONNECTING) this.#set(NONE_YET);
    opening.then(
      (session) => mine() && this.#connected(session, mine, given),
      (error) => {
        if (!mine()) return;
        // The next who asks tries again.
        this.#opening = undefined;
        this.#failure = error;
        this.#set({ status: Object.freeze({ ...CLOSED, lastError: error }) });
      },
    );
  }

  // ── What the host listens to ──

  /** Of events that nobody has listened to. What is no function is `connect`'s to refuse. */
  #newListeners(given) {
    const wanted = given.latest().flatMap(({ on }) => Object.keys(on ?? {}));
    const fresh = [...new Set(wanted)].filter((event) => !this.#heard.has(event) && given.listener(event) !== undefined);
    for (const event of fresh) this.#heard.add(event);
    return fresh.map((event) => {
      const listener = given.listener(event);
      return [event, typeof listener === "function" ? (detail) => given.listener(event)?.(detail) : listener];
    });
  }

  /** What somebody has come to listen to. */
  #hear(session, given) {
    for (const [event, listener] of this.#newListeners(given)) {
      try {
        session.on(event, listener);
      } catch (error) {
        report(error);
      }
    }
  }

  // ── What the server has ──

  #connected(session, mine, given) {
    this.#set({ session, status: session.status });
    this.#hear(session, given);
    this.#lists = NAMES.map((name) => {
      const list = this.#follow(session, name, mine, given);
      session.on(LISTS[name][1], () => list.news());
      // One that waits for its server has no lists yet; what could not be had before may be had now.
      session.on("statechange", ({ state }) => state === "ready" && list.missed());
      if (session.status.state !== "waiting") list.news();
      return list;
    });
  }

  #follow(session, name, mine, given) {
    let failures = 0;
    const is = (items) => {
      if (!mine()) return;
      const known = this.#snapshot[name];
      const { listed } = this.#snapshot;
      const isSame = JSON.stringify(known) === JSON.stringify(items);
      if (isSame && listed[name]) return;
      this.#set({ [name]: isSame ? known : Object.freeze(items), listed: Object.freeze({ ...listed, [name]: true }) });
    };
    return new Listed(async () => {
      const { capabilities, state } = session.status;
      if (state === "closed") return NONE;
      // Some servers declare nothing at all.
      const declares = Object.keys(capabilities ?? {}).length > 0;
      if (declares && !capabilities[LISTS[name][0]]) return is([]), NONE;
      try {
        const items = [];
        for await (const item of session[name]()) items.push(item);
        is(items);
        failures = 0;
        return HAD;
      } catch (error) {
        if (error.rpcCode === METHOD_NOT_FOUND) return is([]), NONE;
        // One list that fails takes nothing from the session, nor from the others: its listeners are told, once in a row.
        if (declares && mine() && ++failures === 1) {
          given.listener("warning")?.(Object.freeze({ kind: "list_failed", hint: `The list of ${name} could not be had: ${error.message}` }));
        }
        return FAILED;
      }
    });
  }

  #set(changes) {
    const next = { ...this.#snapshot, ...changes };
    const { status } = next;
    next.error = this.#failure ?? status.lastError;
    next.needsSignIn = wantsSignIn(status, next.error);
    this.#snapshot = Object.freeze(next);
    for (const clock of this.#clocks) clock.run(!asksUser(status));
    for (const { listener } of [...this.#listeners]) listener();
  }

  // ── The end ──

  #drop(more) {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#failure = undefined;
    for (const list of this.#lists.splice(0)) list.stop();
    // Whoever waits for a session that is not made is told at once.
    this.#stop?.abort(closed("The session"));
    this.#questions.withdrawAll();
    this.#set({ ...NONE_YET, status: CLOSED, ...more });
    opening?.then((session) => session.close()).catch(() => {});
  }

  #end() {
    this.#linger = undefined;
    this.#isLeft = true;
    this.#isDisconnected = false;
    this.#hooks.ended?.(this);
    this.#drop();
  }
}

/** What is there where no session is wanted, or none can be: then `error` says why. */
export function idleStore(error) {
  const refuse = async () => {
    throw error ?? closed("The session");
  };
  const nothing = () => {};
  const actions = { callTool: refuse, readResource: refuse, getPrompt: refuse, authorize: refuse, retry: nothing, disconnect: nothing };
  const status = error ? Object.freeze({ ...CLOSED, lastError: error }) : CLOSED;
  const snapshot = Object.freeze({ ...NONE_YET, ...QUIET, status, error, ...actions });
  const get = () => snapshot;
  return { subscribe: () => nothing, getSnapshot: get, getServerSnapshot: get, use: nothing, leave: nothing };
}
