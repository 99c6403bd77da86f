// What stands between the public Session and the core: open promises, signals, listeners, questions of the server's,
// and what becomes of all of them when the module crashes.

import { abortable } from "./abortable.js";
import { Authority } from "./authority.js";
import { closed, crashed, fromCore } from "./error.js";
import { Listeners, report } from "./events.js";
import { AwaitedElicitations, derived } from "./notifications.js";
import { Questions } from "./questions.js";
import { asksUser } from "./sign_in.js";
import { takeStatus } from "./status.js";
import { Structured } from "./structured.js";
import { Tasks } from "./tasks.js";

/** What is asked of a session and holds beyond the answer. */
const KEPT = ["resources/subscribe", "resources/unsubscribe", "logging/setLevel"];

/** How long a session that a host's own Client uses says why it ended. */
const FAREWELL_MS = 10_000;

/** Between two crashes that a session outlives. */
const REVIVAL_PAUSE_MS = 60_000;

export class Link {
  #runtime;
  #core;
  #name;
  #tap;
  #listeners = new Listeners();
  /** A manager's, for all its sessions. */
  #outer;
  #listening = false;
  #questions;
  #awaited = new AwaitedElicitations();
  /** Promises that are not settled: `{ fail(error), ranMaybe }`. */
  #open = new Set();
  /** Calls by the core's number, for questions that come on their streams. */
  #calls = new Map();
  #status;
  #closing;
  #unwatch;
  #unwatchGrant;
  #authority;
  /** Ends the authorization that is under way. */
  #authorizing;
  /** Where the user is to sign in, while that is known. */
  #signInUrl;
  /** Stops hearing that the user has signed in elsewhere. */
  #unhear;
  /** Where the session is kept for a later page life. */
  #keeper;
  #tasks = new Tasks();
  #ended = false;
  #config;
  #host;
  /** How the session could be taken up by another core. */
  #record;
  /** It was ready once: whoever connected has a handle to it. */
  #wasReady = false;
  /** While another instance is made that takes the session up. */
  #reviving;
  #revivedAt = -Infinity;
  /** When its instance crashed, where it goes on in another and was not ready there yet. */
  #revival;
  /** The instance whose death was seen to. */
  #mourned;

  constructor(runtime, config, { name, tap, outer, questions, keeper } = {}) {
    this.#config = config;
    this.url = config.url;
    this.capabilities = config.capabilities;
    this.maxPages = config.maxPages;
    this.trace = config.trace;
    this.structured = config.validate && new Structured(config.validate);
    this.#authority = config.authority ?? (config.auth && new Authority(runtime.authority, config.auth));
    if (config.auth) {
      config.auth.onwarning = (warning) => this.#tell("warning", warning);
      config.auth.server = () => this.#server;
      config.auth.onurl = (url) => {
        if (url === this.#signInUrl) return;
        this.#signInUrl = url;
        // Where it is not told yet that the user is asked, the address goes with that; and its end with what comes of it.
        const isTold = asksUser(this.#status);
        if (url !== undefined && isTold) this.#event("statechange", this.#tellCore((core) => core.status()) ?? {});
      };
    }
    this.#unwatchGrant = config.auth?.watch?.(() => this.#tellCore((core) => core.signedOut()));
    this.#name = name;
    this.#tap = tap;
    this.#keeper = keeper;
    this.#outer = outer;
    const io = {
      about: (call, generation) => this.#about(call, generation),
      answer: (question, text) => this.#tellCore((core) => core.answer(question, text)),
      refuse: (question, ...refusal) => this.#tellCore((core) => core.refuse(question, ...refusal)),
    };
    this.#questions = questions?.(io) ?? new Questions(config.handlers, io);
    for (const [event, listener] of config.on) this.#listeners.add(event, listener);
    this.#host = {
      event: quietly((event, detail) => this.#event(event, detail)),
      notification: quietly((method, params, call) => this.#notification(method, params, call)),
      ask: quietly((...question) => this.#ask(...question)),
      withdraw: quietly((question) => this.#questions.withdraw(question)),
      authorize: (token, status, challenge, ask) => this.#authorize({ token, status, challenge, ask }),
      giveUpAuthorization: () => this.#authorizing?.abort(),
    };
    this.#begin(runtime, config.environment, config.core);
  }

  #begin(runtime, environment, core) {
    this.#runtime = runtime;
    this.#listening = false;
    this.#core = runtime.open(this.url, environment, core, this.#host);
    const refresh = () => this.#listen();
    const stops = [runtime.watch(() => this.#die()), this.#listeners.observe(refresh), this.#outer?.observe(refresh)];
    this.#unwatch = () => stops.forEach((stop) => stop?.());
    refresh();
  }

  on(event, listener) {
    return this.#listeners.add(event, listener);
  }

  /**
   * Tells the core whether somebody waits for what the server says unasked. That nobody does, a moment later: who takes
   * one listener for another in between leaves the stream open.
   */
  #listen() {
    this.#tellCore((core) => core.setTraced(this.#listeners.hear("wire") || this.#outer?.hear("wire")));
    if (this.#isHeard) this.#tellListening(true);
    else queueMicrotask(() => this.#tellListening(this.#isHeard));
  }

  #tellListening(listening) {
    if (listening === this.#listening) return;
    this.#listening = listening;
    this.#tellCore((core) => core.setListening(listening));
  }

  get #isHeard() {
    return this.#questions.areTaken || this.#listeners.hearUnasked || this.#outer?.hearUnasked === true;
  }

  /** The same object until something but `verifiedAt` changes. */
  get status() {
    this.#status ??= this.#snapshot(this.#tellCore((core) => core.status()) ?? {});
    return this.#status;
  }

  #snapshot(raw) {
    if (asksUser(raw)) Object.assign(raw.waitingFor, { server: this.#server, ...(this.#signInUrl && { url: this.#signInUrl }) });
    const isCurrent = (status) => status === this.#status;
    return takeStatus(raw, (status) =>
      isCurrent(status) ? this.#tellCore((core) => core.status())?.verifiedAt : undefined,
    );
  }

  /** What the core gives; `undefined` where it is dead, or dies of it, or has ended. */
  #tellCore(tell) {
    try {
      return this.#dead || !this.#core ? undefined : tell(this.#core);
    } catch (error) {
      if (!this.#dead) throw error;
    }
    return undefined;
  }

  get #dead() {
    return this.#runtime.dead;
  }

  connect(signal) {
    return this.#command((resolve, reject) => this.#core.connect(resolve, reject), { signal });
  }

  /** Takes up a session that was made elsewhere; says whether the id can be one. */
  adopt(id, version, initialize) {
    return this.#tellCore((core) => core.adopt(id, version, initialize));
  }

  /** Takes up what an earlier page life left, once it is known that it is of whoever is signed in now. */
  takeUp({ session, tasks }) {
    this.#tasks.keepFound(this.#tellCore((core) => core.takeUp(session)) ? tasks : []);
  }

  get pendingTasks() {
    return this.#tasks.left;
  }

  get sessionId() {
    return this.#tellCore((core) => core.sessionId());
  }

  /**
   * `onstream(event?)` hears of what comes on the call's stream: a message, or the id of an event; `hostId` goes to the
   * tap with the notifications that come there.
   */
  call(method, { text, meta, name, more }, { signal, onprogress, onstream, hostId, ontask, _meta, ...options }) {
    const progress = onprogress && quietly((params) => onprogress(withoutToken(params)));
    const given = isEmpty(options) ? undefined : options;
    return this.#command(
      (resolve, reject) => this.#core.call(method, text, meta, name, given, resolve, reject, progress, more),
      { signal, ranMaybe: true, about: { method, name: name ?? more?.uri }, onstream, hostId, ontask },
    );
  }

  /** `{ taskId, createdAt? }` */
  /** The name of the tool that a task runs, where it is known. */
  toolOf(named) {
    return this.#tasks.find(named).name;
  }

  resumeTask(named, { signal, onprogress, ontask, _meta, ...options }) {
    const task = this.#tasks.find(named);
    const { taskId, name, createdAt } = task;
    const send = (resolve, reject) => {
      this.#tasks.run(task);
      return this.#core.resumeTask(taskId, createdAt, options, resolve, reject);
    };
    return this.#command(send, { signal, ranMaybe: true, about: { method: "tools/call", name }, task });
  }

  notify(method, { text, meta }) {
    return this.#command((resolve, reject) => this.#core.notify(method, text, meta, resolve, reject), { ranMaybe: true });
  }

  verify(signal) {
    return this.#command((resolve, reject) => this.#core.verify(resolve, reject), { signal });
  }

  reconnect(signal) {
    return this.#command((resolve, reject) => this.#core.reconnect(resolve, reject), { signal });
  }

  /** One goodbye, however often it is asked for. */
  close(terminate) {
    this.#closing ??= this.#close(terminate);
    return this.#closing;
  }

  async #close(terminate) {
    // What ends the session on the server is the instance that takes it up.
    if (this.#dead) this.#die();
    if (this.#reviving) await this.#reviving;
    if (this.#dead || !this.#core) return;
    try {
      await this.#send((resolve, reject) => this.#core.close(terminate, resolve, reject), {});
    } catch (error) {
      // A crash has closed it, too.
      if (error.code !== "crashed") throw error;
    }
  }

  /** Called in a user's click: what needs that, such as a window, is done before this returns. */
  authorize(signal) {
    if (!this.#config.auth) return Promise.reject(new TypeError("authorize: the session was made without the option `auth`"));
    const release = this.#core && !signal?.aborted ? this.#config.auth.prepare?.() : undefined;
    const done = this.#command((resolve, reject) => this.#core.signIn(resolve, reject), { signal });
    return done.finally(() => release?.());
  }

  /** While it waits for the user: one who has signed in to the same in another session or tab has done so for this one. */
  #hearSignedIn(waits) {
    if (waits) this.#unhear ??= this.#config.auth?.hear?.(() => this.#tellCore((core) => core.signedInElsewhere()));
    else {
      this.#unhear?.();
      this.#unhear = undefined;
    }
  }

  /** After the close: what ends the session on the server still needs the token. */
  async signOut() {
    await this.close(true);
    await this.#authority?.signOut();
    this.#tellCore((core) => core.authorized({}));
    if (!this.#authority) return;
    this.#status = takeStatus({ ...this.status, signedIn: false });
    this.#tell("statechange", this.#status);
  }

  async #authorize(wanted) {
    const { signal } = (this.#authorizing = new AbortController());
    const asked = () => this.#tellCore((core) => core.userAsked()) === true;
    const result = await this.#authority.authorize(wanted, { signal, asked }).catch((thrown) => (signal.aborted ? { needsUser: true } : { thrown }));
    this.#tellCore((core) => core.authorized(result));
  }

  handle(method, handler) {
    if (this.#questions.handle(method, handler)) this.#tellCore((core) => core.setHandled(method));
    this.#listen();
  }

  /** `send` starts it and returns the core's number for it; `ranMaybe`: the server may run it. */
  #command(send, options = {}) {
    const begun = this.#reviving && abortable(this.#reviving, options.signal);
    return begun ? begun.then(() => this.#send(send, options)) : this.#send(send, options);
  }

  #send(send, { signal, ranMaybe = false, about, onstream, hostId, ontask, task }) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!this.#core) return reject(closed("The session"));
      if (this.#dead) return reject(crashed("not_executed", this.#dead));
      let call;
      const take = () => {
        signal?.removeEventListener("abort", abort);
        this.#tasks.end(this.#calls.get(call)?.task ?? task);
        this.#calls.delete(call);
        const taken = this.#open.delete(entry);
        this.#retire();
        return taken;
      };
      const abort = () => {
        if (!take()) return;
        reject(signal.reason);
        if (call !== undefined) this.#cancel(call);
      };
      const entry = { ranMaybe, fail: (error) => take() && reject(error) };
      this.#open.add(entry);
      signal?.addEventListener("abort", abort, { once: true });
      try {
        call = send(
          (value) => {
            if (!take()) return;
            if (KEPT.includes(about?.method)) this.#record = this.#tellCore((core) => core.record());
            resolve(value);
          },
          (error) => {
            this.#awaited.addFrom(error);
            entry.fail(fromCore(error));
          },
        );
      } catch (error) {
        // What dies of it fails with all the rest.
        if (!this.#dead) entry.fail(error);
        return;
      }
      if (signal?.aborted) this.#cancel(call);
      else if (about && this.#open.has(entry)) {
        this.#calls.set(call, { about: Object.freeze(about), onstream, hostId, ontask: ontask && quietly(ontask), task });
      }
    });
  }

  /** Why is nobody's business but the host's: the server is not told. */
  #cancel(call) {
    this.#tellCore((core) => core.cancel(call));
  }

  /** Somebody should mend this. */
  warn(kind, hint) {
    this.#event("warning", { kind, hint });
  }

  #event(event, detail) {
    if (event === "keep") return this.#keeper.keep(detail.record, this.#tasks.kept);
    if (event === "era") {
      this.#keeper?.keepEra(detail.legacyUntil);
      return this.#tap?.(event, detail);
    }
    if (event === "takenup") return this.#tasks.takeFound();
    if (event === "reclaim") return this.#keeper.reclaim() || this.#tellCore((core) => core.takenOver());
    if (event === "eventid") return this.#calls.get(detail.call)?.onstream?.(detail);
    if (event === "statechange") {
      this.#status = this.#snapshot(detail);
      this.#hearSignedIn(asksUser(detail));
      if (detail.state === "ready") {
        this.#tasks.keepFound([]);
        this.#wasReady = true;
        this.#record = this.#tellCore((core) => core.record());
      }
      this.#tell(event, this.#status);
      if (detail.state === "ready") this.#tellRevived();
    } else if (event === "task") {
      const call = this.#calls.get(detail.call);
      if (call) {
        this.#tasks.end(call.task);
        call.task = this.#tasks.tell(detail.task, call.about.name);
        call.ontask?.(detail.task);
      }
    } else this.#tellAll(event, detail);
    if (event === "close") {
      this.#ended = true;
      this.#unwatchGrant?.();
      this.#authorizing?.abort();
      this.#keeper?.end();
      this.#retire();
    }
  }

  /** On whose stream it came is a transport's business. */
  #notification(method, params, call) {
    const from = this.#calls.get(call);
    from?.onstream?.();
    this.#tellAll("notification", params === undefined ? { method } : { method, params }, from?.hostId);
  }

  /** What happened, and what follows from it for those who listen. */
  #tellAll(event, detail = {}, hostId) {
    this.#tell(event, Object.freeze(detail), hostId);
    for (const [name, more] of derived(event, detail, this.#awaited)) this.#tell(name, Object.freeze(more));
  }

  /**
   * A session that has ended is not held by the instance that others go on using: the core has whatever the host gave it,
   * and the host may have a handle to the session. Later, in no frame of the WebAssembly's; a host's own Client is told
   * for a while why it ended.
   */
  #retire() {
    if (!this.#ended || this.#open.size > 0 || !this.#core) return;
    this.#unwatch();
    const free = () => {
      this.#tellCore((core) => core.free());
      this.#core = undefined;
    };
    if (this.#config.core.handshake !== "host") queueMicrotask(free);
    else setTimeout(free, FAREWELL_MS)?.unref?.();
  }

  #tell(event, detail, hostId) {
    if (event === "toolschange") this.structured?.forget();
    this.#listeners.emit(event, detail);
    this.#tap?.(event, detail, hostId);
  }

  #ask(question, method, params, call, generation) {
    if (method === "elicitation/create") this.#awaited.add(params?.elicitationId);
    this.#calls.get(call)?.onstream?.();
    this.#questions.ask(question, method, params, call, generation);
  }

  /** As whoever asks the user for it may name it. */
  get #server() {
    return Object.freeze({ name: this.#name ?? this.#status?.serverInfo?.name ?? this.url, url: this.url });
  }

  #about(call, generation) {
    return { server: this.#server, call: this.#calls.get(call)?.about, generation };
  }

  #die() {
    const before = this.#status ?? {};
    const dead = this.#dead;
    if (this.#mourned === dead) return;
    this.#mourned = dead;
    // Whoever waits for a task may go on waiting for it in another core.
    const tasks = this.#tasks.running;
    for (const { fail, ranMaybe } of [...this.#open]) fail(crashed(ranMaybe ? "unknown" : "not_executed", dead));
    this.#questions.withdrawAll();
    this.#authorizing?.abort();
    this.#hearSignedIn(false);
    this.#unwatch();
    if (before.state === "closed" || this.#ended) return this.#keeper?.end();
    // What kills one core may kill the next: once in a while.
    const again = performance.now() - this.#revivedAt > REVIVAL_PAUSE_MS;
    if (!this.#wasReady || this.#closing || !again || this.#config.core.handshake === "host") return this.#end(before, dead);
    this.#tasks.leave(tasks);
    let begun;
    this.#reviving = new Promise((resolve) => (begun = resolve));
    this.#revive(before, dead).finally(() => begun((this.#reviving = undefined)));
  }

  /** The session ends with the instance. */
  #end({ waitingFor, ...known }, dead) {
    this.#ended = true;
    this.#unwatchGrant?.();
    this.#core = undefined;
    this.#keeper?.end();
    this.#status = takeStatus({ ...known, state: "closed", lastError: crashed("not_executed", dead) });
    this.#tell("statechange", this.#status);
    this.#tell("close", Object.freeze({ reason: "crashed" }));
  }

  /** The session goes on in an instance of its own. What the server told meanwhile is not known. */
  async #revive({ waitingFor, ...known }, dead) {
    const at = performance.now();
    this.#revivedAt = at;
    const { generation } = known;
    const reason = "the WebAssembly module crashed";
    this.#status = takeStatus({ ...known, state: "recovering", lastError: crashed("not_executed", dead) });
    this.#tell("recovering", Object.freeze({ reason, generation }));
    this.#tell("statechange", this.#status);
    try {
      const instance = await this.#runtime.successor();
      this.#revival = at;
      const { environment, core } = this.#config;
      this.#begin(instance, { ...environment, handled: this.#questions.methods }, { ...core, generation });
      if (this.#record !== undefined && !environment.share) this.#core.takeUp(this.#record);
    } catch {
      if (!this.#ended) this.#end(known, dead);
      return;
    }
    // Calls go to the new instance, each with its own clock. A server that does not answer ends nothing.
    if (!this.#closing) this.#send((resolve, reject) => this.#core.connect(resolve, reject), {}).catch(() => {});
  }

  #tellRevived() {
    if (this.#revival === undefined) return;
    const at = this.#revival;
    this.#revival = undefined;
    if (!this.#closing) this.#tellCore((core) => core.succeeds(performance.now() - at));
  }
}

/** Most calls have no options; to look each up from the core is more work than all else that it asks. */
function isEmpty(options) {
  for (const _ in options) return false;
  return true;
}

/** A function that the core may call: whatever happens in it stays out of the core. */
function quietly(run) {
  return (...args) => {
    try {
      run(...args);
    } catch (error) {
      report(error);
    }
  };
}

function withoutToken({ progressToken, ...progress }) {
  return progress;
}
