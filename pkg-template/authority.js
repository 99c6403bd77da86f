// What the second WebAssembly module does for one user with one server.

import { crashed, fromCore } from "./error.js";

export class Authority {
  #load;
  #auth;

  /** `load()` gives the instance; `auth` is what `readAuth` made of a provider. */
  constructor(load, auth) {
    this.#load = load;
    this.#auth = auth;
  }

  /**
   * `{ token, refreshAt }`, `{ needsUser }`, `{ error }`, or `{ thrown }` where the provider threw what kept a request from being sent.
   * Ends with the signal, and what it has under way with it.
   */
  async authorize(wanted, { signal, asked } = {}) {
    const result = await this.#use(signal, (instance, resolve) => instance.authorize(this.#auth, wanted, asked, resolve));
    const thrown = this.#auth.failure?.();
    return result.error && thrown !== undefined ? { thrown } : result;
  }

  /** Forgets the tokens, here and at the authorization server. */
  async signOut() {
    this.#auth.forget?.();
    try {
      await this.#use(undefined, (instance, ...settle) => instance.signOut(this.#auth, ...settle));
    } finally {
      this.#auth.signedOut?.();
    }
  }

  /** Takes what the user has come back with from an authorization server. */
  async takeReturned() {
    const { error, thrown } = await this.authorize({ ask: false, finish: true });
    if (thrown !== undefined) throw thrown;
    if (error) throw fromCore(error);
  }

  async #use(signal, run) {
    const instance = await this.#load();
    signal?.throwIfAborted();
    let unwatch;
    let running;
    try {
      return await new Promise((resolve, reject) => {
        unwatch = instance.watch(() => reject(crashed("not_executed", instance.dead)));
        running = run(instance, resolve, reject);
        signal?.addEventListener("abort", () => reject(signal.reason));
      });
    } finally {
      unwatch();
      running?.free();
    }
  }
}
