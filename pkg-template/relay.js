// The server's questions under a host's own Client, which answers them itself. The core names each by a number of its own,
// which is its id and its progress token here: servers count theirs from 0 in each session, and the user's answer to a
// dialog of the lost session would answer the new session's question 0.

import { toJson } from "./json.js";

export class Relay {
  #answer;
  #refuse;
  #deliver;
  /** Those that are neither answered nor withdrawn. */
  #open = new Set();

  constructor({ answer, refuse }, deliver) {
    this.#answer = answer;
    this.#refuse = refuse;
    this.#deliver = deliver;
  }

  get areTaken() {
    return true;
  }

  ask(question, method, params) {
    this.#open.add(question);
    this.#deliver({ jsonrpc: "2.0", id: question, method, ...(params !== undefined && { params }) });
  }

  withdraw(question) {
    if (!this.#open.delete(question)) return;
    const params = { requestId: question, reason: "The server no longer waits for this answer." };
    this.#deliver({ jsonrpc: "2.0", method: "notifications/cancelled", params });
  }

  withdrawAll() {
    for (const question of [...this.#open]) this.withdraw(question);
  }

  /** The host's answer. One that is late goes nowhere. */
  answer({ id, result, error }) {
    if (!this.#open.has(id)) return;
    const text = toJson("result", result ?? {});
    const data = error?.data === undefined ? undefined : toJson("error.data", error.data);
    this.#open.delete(id);
    if (error) this.#refuse(id, error.code, error.message, data);
    else this.#answer(id, text);
  }
}
