// The run of one seed as all who take part in it know it: its clock, what was said on the wire, and whether things go wrong now.

import { setTimeout as sleep } from "node:timers/promises";
import { dice } from "./dice.mjs";
import { keyOf } from "./ledger.mjs";
import { faultOf } from "./plan.mjs";

/** Milliseconds for what is under way when the client has ended. */
const PATIENCE = 20_000;
/** Longer than any tool runs, and any copy is held back. */
const LONGEST_MS = 5_000;
const RESTART = "a restart";
const EVICTION = "an eviction";
/** What may end a session after all was said to be well. */
const MISHAPS = [RESTART, EVICTION];

export class World {
  /** Things go wrong from when the client is connected until it says that it is enough. */
  armed = false;
  /** When that was. */
  armedAt = 0;
  /** What passed the proxy, in order: see `proxy.mjs`. */
  requests = [];
  /** Everything that happened, in words: `{ at, what, token }`. */
  timeline = [];
  /** The backend that made a session, by its id. */
  owners = new Map();
  /** What our own servers tell of the answer to a delivery, by its number. */
  notes = new Map();
  /** Requests to the backends that are under way. */
  onward = new Set();
  /** A page in place of every answer, while it is set. */
  outage;
  #began = performance.now();
  #timers = new Set();
  #seen = new Map();
  #busy = new Map();
  #deliveries = 0;

  constructor(plan) {
    this.plan = plan;
    this.calls = new Map(plan.calls.map((call) => [call.token, call]));
  }

  /** Milliseconds since the run began. */
  get now() {
    return performance.now() - this.#began;
  }

  say(what, token) {
    this.timeline.push({ at: this.now, what, token });
  }

  /** From now on things go wrong. */
  arm() {
    this.armed = true;
    this.armedAt = this.now;
    this.say("── the client is connected; from here on things go wrong ──");
    for (const event of this.plan.events) this.later(event.at, () => this.armed && this.#happen(event));
  }

  /** From now on all is well, and where it is not, it is mended. */
  async calm() {
    this.armed = false;
    this.outage = undefined;
    // On a busy machine a process that is killed may live on for a while.
    const mishaps = [...this.#busy].filter(([, what]) => MISHAPS.includes(what)).map(([over]) => over);
    await Promise.all(mishaps);
    this.say("── from here on all is well ──");
    await Promise.all(this.pods.map((pod) => pod.up()));
  }

  note(delivery, what) {
    this.notes.set(delivery, { ...this.notes.get(delivery), ...what });
  }

  later(ms, run) {
    const timer = setTimeout(() => (this.#timers.delete(timer), run()), ms);
    this.#timers.add(timer);
  }

  #happen({ what, pod, ms, page, delivers }) {
    const at = `backend ${pod + 1}`;
    if (what === "outage") {
      this.say(`the gateway answers everything with ${page.status} for ${ms} ms, and ${delivers ? "lets it through" : "lets nothing through"}`);
      this.outage = { page, delivers };
      return this.later(ms, () => (this.outage = undefined));
    }
    if (what === "evict") {
      this.say(`${at} evicts all sessions`);
      return void this.evict(this.pods[pod]);
    }
    this.say(`${at} is killed, and comes back after ${ms} ms`);
    void this.doing(this.pods[pod].restart(ms), RESTART);
  }

  /** The backend forgets its sessions. */
  evict(pod) {
    const made = [...this.owners].filter(([, owner]) => owner === pod).map(([id]) => id);
    return this.doing(pod.evict(made), EVICTION);
  }

  /** How many requests like this one there were before. */
  nth(rpc, token) {
    const name = `${rpc} ${token}`;
    const nth = this.#seen.get(name) ?? 0;
    this.#seen.set(name, nth + 1);
    return nth;
  }

  fault(request) {
    if (!this.armed) return undefined;
    const fault = faultOf(this.plan, request);
    if (fault || !this.outage) return fault;
    const { page, delivers } = this.outage;
    return delivers ? { kind: "page after", page, ms: 20 } : { kind: "page before", page };
  }

  /** The backend of a request: the one that made its session, or another where nothing sticks. */
  route(request) {
    const made = this.owners.get(request.sid);
    if (this.pods.length === 1) return this.pods[0];
    const d = dice(this.plan.seed, "route", request.rpc, request.token, request.nth, request.deliveries.length);
    const strays = this.armed && !this.plan.sticky && d.chance(this.plan.strays);
    if (made === undefined) return this.armed ? d.pick(this.pods) : this.pods[0];
    return strays ? this.pods.find((pod) => pod !== made) : made;
  }

  nextDelivery() {
    return ++this.#deliveries;
  }

  /** What must be over before the ledger is read. */
  doing(promise, what) {
    const quiet = Promise.resolve(promise).catch(() => {}).finally(() => this.#busy.delete(quiet));
    this.#busy.set(quiet, what);
    return promise;
  }

  async end() {
    for (const timer of this.#timers) clearTimeout(timer);
    const until = performance.now() + PATIENCE;
    // Some servers never answer the first of two copies.
    const giveUp = setTimeout(() => this.onward.forEach((request) => request.destroy()), LONGEST_MS);
    while (this.#busy.size > 0) {
      await Promise.race([Promise.all(this.#busy.keys()), sleep(PATIENCE, undefined, { ref: false })]);
      if (performance.now() > until) throw new Error(`these are not over: ${[...this.#busy.values()].join(", ")}`);
    }
    clearTimeout(giveUp);
  }

  /** What the client is to do: see `client.mjs`. */
  script() {
    const { client, window, calls, era } = this.plan;
    const keyed = calls.map((call) => ({ ...call, key: keyOf(call.token), ending: undefined }));
    const last = Array.from({ length: 2 }, (_, nth) => {
      const token = `s${this.plan.seed}f${nth}`;
      return { token, key: keyOf(token), kind: "pay", seconds: 0, timeout: 8_000 };
    });
    return { options: client, window, calls: keyed, last, era };
  }
}
