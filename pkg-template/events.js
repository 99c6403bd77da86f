// Who listens to what.

/** Events that only messages bring which the server sends unasked. */
const UNASKED = ["notification", "toolschange", "resourceschange", "promptschange", "resourceupdate", "log", "elicitationcomplete"];

export const EVENTS = ["statechange", "recovering", "recovered", ...UNASKED, "warning", "wire", "close"];

export class Listeners {
  /** By event, of those that somebody has listened to. */
  #all = new Map();
  #observers = new Set();

  /** Returns the way to stop listening. */
  add(event, listener) {
    if (!EVENTS.includes(event)) throw new TypeError(`event: ${describe(event)} is none; there are ${EVENTS.join(", ")}`);
    if (typeof listener !== "function") throw new TypeError(`listener of "${event}": expected a function`);
    // An object of its own: the same function may listen twice, and each `off` takes one away.
    const entry = { listener };
    const listeners = this.#all.get(event) ?? new Set();
    this.#all.set(event, listeners.add(entry));
    this.#changed();
    return () => {
      if (listeners.delete(entry)) this.#changed();
    };
  }

  /** Whether somebody listens for what the server says unasked. */
  get hearUnasked() {
    return UNASKED.some((event) => this.hear(event));
  }

  hear(event) {
    return this.#all.get(event)?.size > 0;
  }

  /** Calls the observer whenever listeners come or go; returns the way to stop that. */
  observe(observer) {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  #changed() {
    for (const observer of [...this.#observers]) observer();
  }

  emit(event, ...details) {
    for (const { listener } of [...(this.#all.get(event) ?? [])]) {
      try {
        listener(...details);
      } catch (error) {
        report(error);
      }
    }
  }
}

/** Tells the platform of an error that is the host's own, as an uncaught one that stops nothing. */
export function report(error) {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}

function describe(value) {
  return typeof value === "string" ? `"${value}"` : `a value of type ${typeof value}`;
}
