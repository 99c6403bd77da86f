// What the server asks: who answers it, and what becomes of the answer.

import { withDefaults } from "./elicitation.js";

const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;

const ELICIT = "elicitation/create";

export class Questions {
  #handlers;
  #about;
  #answer;
  #refuse;
  /** Those whose handlers have not ended, with what tells these to stop. */
  #open = new Map();

  /**
   * `about(call, generation)` gives what a handler is told beside the parameters; `answer(question, text)` and
   * `refuse(question, code, message, data)`, data being a JSON text, take what comes of it.
   */
  constructor(handlers, { about, answer, refuse }) {
    this.#handlers = handlers;
    this.#about = about;
    this.#answer = answer;
    this.#refuse = refuse;
  }

  /** Those that are answered. */
  get methods() {
    return [...this.#handlers.keys()];
  }

  /** Whether somebody answers any. */
  get areTaken() {
    return this.#handlers.size > 0;
  }

  /** Says whether the method had no handler before. */
  handle(method, handler) {
    const isNew = !this.#handlers.has(method);
    this.#handlers.set(method, handler);
    return isNew;
  }

  ask(question, method, params, call, generation) {
    const handler = this.#handlers.get(method);
    if (!handler) return this.#refuse(question, METHOD_NOT_FOUND, `There is no handler for ${method}`);
    const stop = new AbortController();
    this.#open.set(question, stop);
    const context = Object.freeze({ signal: stop.signal, ...this.#about(call, generation), _meta: params?._meta });
    Promise.resolve()
      .then(() => (stop.signal.aborted ? undefined : handler(params, context)))
      .then((result) => (method === ELICIT && !stop.signal.aborted ? withDefaults(result, params) : result))
      .then((result) => JSON.stringify(result ?? {}))
      .then(
        (text) => this.#take(question, stop) && this.#answer(question, text),
        (error) => this.#take(question, stop) && this.#refuse(question, ...refusal(error)),
      );
  }

  /** The core counts the handlers that run, those of questions that were withdrawn as well. */
  #take(question, stop) {
    return this.#open.get(question) === stop && this.#open.delete(question);
  }

  withdraw(question) {
    this.#open.get(question)?.abort(new DOMException("The server no longer waits for this answer.", "AbortError"));
  }

  /** The core that asked is gone, and the next one has other questions. */
  withdrawAll() {
    for (const question of [...this.#open.keys()]) this.withdraw(question);
    this.#open.clear();
  }
}

/**
 * Code, message and data for the server: a handler chooses them by throwing an error with a whole number in `code`. Any other
 * failure speaks of the host (a path, a name, an address), and is not the server's business.
 */
function refusal(error) {
  const chosen = Number.isInteger(error?.code) && !(error instanceof DOMException);
  const message = chosen && typeof error.message === "string" && error.message !== "" ? error.message : "The handler failed";
  return [chosen ? error.code : INTERNAL_ERROR, message, chosen ? textOf(error.data) : undefined];
}

/** What is no JSON is left out: the rest says enough. */
function textOf(data) {
  try {
    return JSON.stringify(data);
  } catch {
    return undefined;
  }
}
