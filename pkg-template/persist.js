// What survives a reload: one record per endpoint and user, in the host's store. A session that lives has taken its
// record out of the store; it puts it back when its page ends or stops.

import { abortable } from "./abortable.js";
import { report } from "./events.js";

/** In localStorage: names of records that were taken up. A duplicated tab has copies of what is in sessionStorage. */
const SPENT = "mcp-evergreen:spent";
const MAX_SPENT = 100;

/** Milliseconds that the store has to answer; a quarter of the time-out where that is less. */
const STORE_MS = 5_000;

/** Keys of the sessions that live in this page. */
const held = new Set();

export class Keeper {
  #store;
  #key;
  #eraKey;
  #binding;
  #holds = false;
  /** The name of the record that was put back last. */
  #name;
  /** The store did not answer in time. */
  isLate = false;

  /** `binding`: the core's word for what a session is bound to, beside endpoint and user. */
  constructor(store, { url, identity }, binding) {
    this.#store = store;
    this.#key = `mcp-evergreen:session:${JSON.stringify([url, identity ?? null])}`;
    this.#eraKey = `mcp-evergreen:era:${url}`;
    this.#binding = binding;
  }

  /**
   * What an earlier page life left, unless another has taken it: `{ session, tasks }`. `session` is empty where it cannot
   * be read. Rejects with the signal's reason.
   */
  async claim(config) {
    // Two sessions alike in one page: the first is kept.
    if (held.has(this.#key)) return undefined;
    held.add(this.#key);
    this.#holds = true;
    return this.#within(config, async (over) => {
      try {
        const text = await this.#store.get(this.#key);
        if (over.aborted || text === null || text === undefined) return undefined;
        await this.#store.remove(this.#key);
        return over.aborted ? undefined : this.#read(text);
      } catch (error) {
        report(error);
        return undefined;
      }
    });
  }

  /** What `ask` gives, or nothing once the store has had its time. Who gives up the connect does not wait for it. */
  async #within({ signal, core }, ask) {
    const over = new AbortController();
    let late;
    const bound = new Promise((resolve) => {
      const pass = () => resolve((this.isLate = true) && undefined);
      late = setTimeout(pass, Math.min(STORE_MS, (core.timeout ?? Infinity) / 4));
    });
    try {
      return await abortable(Promise.race([ask(over.signal), bound]), signal);
    } catch (reason) {
      this.end();
      throw reason;
    } finally {
      over.abort();
      clearTimeout(late);
    }
  }

  #read(text) {
    let record;
    try {
      record = JSON.parse(text);
    } catch {
      // Below.
    }
    const { name, binding, session, tasks } = record ?? {};
    const isTask = (task) => typeof task?.taskId === "string" && ["string", "undefined"].includes(typeof task.createdAt);
    if ([name, binding, session].some((part) => typeof part !== "string") || !Array.isArray(tasks) || !tasks.every(isTask)) {
      return { session: "", tasks: [] };
    }
    return binding === this.#binding && spend(name) ? { session, tasks } : undefined;
  }

  /** Puts the record into the store: the page may end at any moment. */
  keep(session, tasks) {
    if (!this.#holds) return;
    const name = crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.#name = name;
    this.#quietly(() => this.#store.set(this.#key, JSON.stringify({ name, binding: this.#binding, session, tasks })));
  }

  /** The page goes on. Says whether the session is still its own. */
  reclaim() {
    const name = this.#name;
    if (name === undefined) return true;
    this.#name = undefined;
    if (!spend(name)) return false;
    this.#quietly(async () => {
      const text = await this.#store.get(this.#key);
      if (typeof text === "string" && nameOf(text) === name) await this.#store.remove(this.#key);
    });
    return true;
  }

  end() {
    if (this.#holds) held.delete(this.#key);
    this.#holds = false;
  }

  /** What is stored of the time until which the endpoint counts as one of the legacy era. */
  async legacyUntil(config) {
    // What was late once is not waited for again.
    if (this.isLate) return undefined;
    return this.#within(config, async () => {
      try {
        return Number(await this.#store.get(this.#eraKey));
      } catch {
        return undefined;
      }
    });
  }

  keepEra(legacyUntil) {
    const [store, key] = [this.#store, this.#eraKey];
    this.#quietly(() => (legacyUntil === undefined ? store.remove(key) : store.set(key, String(legacyUntil))));
  }

  /** A store that fails is the host's business. */
  #quietly(run) {
    new Promise((resolve) => resolve(run())).catch(report);
  }
}

function nameOf(text) {
  try {
    return JSON.parse(text)?.name;
  } catch {
    return undefined;
  }
}

/** Whatever else is there is somebody else's doing, and written over. */
function spentNames(text) {
  try {
    const spent = JSON.parse(text);
    return Array.isArray(spent) ? spent : [];
  } catch {
    return [];
  }
}

/** Takes a record up by its name; says whether nobody else did. */
function spend(name) {
  try {
    const spent = spentNames(localStorage.getItem(SPENT));
    if (spent.includes(name)) return false;
    localStorage.setItem(SPENT, JSON.stringify([...spent.slice(1 - MAX_SPENT), name]));
  } catch {
    // No localStorage here: that the record was in the store has to do.
  }
  return true;
}
