// Calls that are under way, for a screen: what they are, how far they have come, and how they are given up.

/** Milliseconds between two pictures of calls that are told of their progress. */
const PICTURE_MS = 50;

const NOTHING = Object.freeze([]);

export class CallLog {
  #changed;
  #calls = new Map();
  #last = 0;
  #timer;

  /** `changed(calls)`: there are others now, or they have come further. */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Keeps `{ method, name }` in the list until `send(options)` has ended. */
  async run(about, { signal, onprogress, ...options } = {}, send) {
    const id = ++this.#last;
    const stop = new AbortController();
    const abort = () => stop.abort(signal.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const progressed = (progress) => {
      this.#further(id, progress);
      onprogress?.(progress);
    };
    this.#calls.set(id, Object.freeze({ id, ...about, progress: undefined, cancel: (reason) => stop.abort(reason) }));
    this.#tell();
    try {
      return await send({ ...options, signal: stop.signal, ...(about.method === "tools/call" && { onprogress: progressed }) });
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#calls.delete(id);
      this.#tell();
    }
  }

  #further(id, progress) {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.set(id, Object.freeze({ ...call, progress: Object.freeze(progress) }));
    this.#timer ??= setTimeout(() => this.#tell(), PICTURE_MS);
  }

  #tell() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#changed(this.#calls.size === 0 ? NOTHING : Object.freeze([...this.#calls.values()]));
  }
}
