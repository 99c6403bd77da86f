// The server's questions under a host's own Client, which answers them itself.
//
// Servers count their ids from 0 in each session: the user's answer to a dialog of the lost session would answer the new
// session's question 0. So the host sees ids of ours, each once.

import { toJson } from "./json.js";

export class Relay {
  #answer;
  #refuse;
  #deliver;
  /** The core's questions by our ids, until they are answered or withdrawn. */
  #open = new Map();
  /** The server's progress tokens by our ids. */
  #tokens = new Map();
  #count = 0;

  constructor({ answer, refuse }, deliver) {
    this.#answer = answer;
    this.#refuse = refuse;
    this.#deliver = deliver;
  }

  get areTaken() {
    return true;
  }

  ask(question, method, params, _call, generation) {
    const id = `evergreen-${generation}-${++this.#count}`;
    this.#open.set(id, question);
    const progressToken = params?._meta?.progressToken;
    if (progressToken !== undefined) {
      this.#tokens.set(id, progressToken);
      params = { ...params, _meta: { ...params._meta, progressToken: id } };
    }
    this.#deliver({ jsonrpc: "2.0", id, method, ...(params !== undefined && { params }) });
  }

  withdraw(question) {
    for (const [id, open] of this.#open) {
      if (open !== question) continue;
      this.#open.delete(id);
      this.#tokens.delete(id);
      const params = { requestId: id, reason: "The server no longer waits for this answer." };
      this.#deliver({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    }
  }

  withdrawAll() {
    for (const question of [...this.#open.values()]) this.withdraw(question);
  }

  /** The host's answer. One that is late goes nowhere. */
  answer({ id, result, error }) {
    const question = this.#open.get(id);
    if (question === undefined) return;
    const text = toJson("result", result ?? {});
    const data = error?.data === undefined ? undefined : toJson("error.data", error.data);
    this.#open.delete(id);
    this.#tokens.delete(id);
    if (error) this.#refuse(question, error.code, error.message, data);
    else this.#answer(question, text);
  }

  /** The host's progress with an answer, with the server's token; `undefined` where nobody waits for that. */
  progress(params) {
    const progressToken = this.#tokens.get(params?.progressToken);
    return progressToken === undefined ? undefined : { ...params, progressToken };
  }

  /** Another session knows nothing of these. */
  forget() {
    this.#tokens.clear();
  }
}
