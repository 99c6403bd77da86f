// The clock of a call that waits for a session to be made: as the core's, it stands still while the user is asked to
// authorize, but for the bound over everything.

import { McpError } from "./error.js";

export class CallClock {
  #begun = performance.now();
  /** Of the call's own time, in milliseconds. */
  #spent = 0;
  #since;
  #timer;
  #total;
  #fail;
  #timeout;
  #maxTotal;
  /** Rejects when the time is up. */
  late = new Promise((_, reject) => (this.#fail = reject));

  constructor(timeout, maxTotal) {
    this.#timeout = timeout;
    this.#maxTotal = maxTotal;
    // Whoever waits hears of it.
    this.late.catch(() => {});
    if (maxTotal !== undefined) this.#total = setTimeout(() => this.#end(), maxTotal);
    this.run(true);
  }

  run(runs) {
    clearTimeout(this.#timer);
    const now = performance.now();
    if (this.#since !== undefined) this.#spent += now - this.#since;
    this.#since = runs ? now : undefined;
    if (runs) this.#timer = setTimeout(() => this.#end(), this.#timeout - this.#spent);
  }

  /** Ends it, and gives the options of the call with what is left. */
  left(options) {
    this.stop();
    const rest = (ms, spent) => Math.max(1, Math.round(ms - spent));
    const total = this.#maxTotal === undefined ? {} : { maxTotalTimeout: rest(this.#maxTotal, performance.now() - this.#begun) };
    return { ...options, timeout: rest(this.#timeout, this.#spent), ...total };
  }

  stop() {
    this.run(false);
    clearTimeout(this.#total);
  }

  #end() {
    const waited = Math.round(performance.now() - this.#begun);
    const message = `Not sent within ${waited} ms: there is no session. See \`status.waitingFor\` and \`status.lastError\`.`;
    this.#fail(new McpError(message, { code: "timeout", outcome: "not_executed", retryable: true }));
    this.stop();
  }
}
