// Who listens to a manager: to the events of its sessions, and to its own.

import { EVENTS, Listeners, report } from "./events.js";
import { KINDS } from "./managed_lists.js";

const OWN = ["servers", ...Object.keys(KINDS)];

export class ManagerListeners {
  /** To the sessions' events. */
  #outer = new Listeners();
  #own = new Map(OWN.map((event) => [event, new Set()]));
  #observers = new Set();

  add(event, listener) {
    const listeners = this.#own.get(event);
    if (!listeners && !EVENTS.includes(event)) {
      throw new TypeError(`event: there is none of this name; there are ${[...EVENTS, ...OWN].join(", ")}`);
    }
    if (!listeners) return this.#outer.add(event, listener);
    if (typeof listener !== "function") throw new TypeError(`listener of "${event}": expected a function`);
    const entry = { listener };
    listeners.add(entry);
    // Lists are other ones where the servers say so.
    const announced = KINDS[event]?.event;
    const off = announced && this.#outer.add(announced, () => {});
    this.#changed();
    return () => {
      if (!listeners.delete(entry)) return;
      off?.();
      this.#changed();
    };
  }

  hear(event) {
    return this.#own.has(event) ? this.#own.get(event).size > 0 : this.#outer.hear(event);
  }

  get hearUnasked() {
    return this.#outer.hearUnasked;
  }

  /** For sessions: calls the observer whenever listeners to their events come or go; returns the way to stop that. */
  observe(observer) {
    return this.#outer.observe(observer);
  }

  /** The same for the manager's own. */
  observeOwn(observer) {
    this.#observers.add(observer);
  }

  #changed() {
    for (const observer of this.#observers) observer();
  }

  emit(event, ...details) {
    const listeners = this.#own.get(event);
    if (!listeners) return this.#outer.emit(event, ...details);
    for (const { listener } of [...listeners]) {
      try {
        listener(...details);
      } catch (error) {
        report(error);
      }
    }
  }
}
