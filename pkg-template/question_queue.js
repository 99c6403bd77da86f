// What servers ask, as a list that a screen shows: each question is answered from there, or withdrawn.

import { object, wrong } from "./checks.js";
import { accept, fields } from "./form.js";

const ELICIT = "elicitation/create";
const SAMPLE = "sampling/createMessage";
const METHODS = { elicitation: ELICIT, sampling: SAMPLE };

/** (MCP 2025-11-25, Sampling: Error Handling.) */
const REJECTED = { code: -1, message: "User rejected sampling request" };

const NOTHING = Object.freeze([]);

export class QuestionQueue {
  #changed;
  /** By id, in the order in which they came. */
  #open = new Map();
  #last = 0;

  /** `changed(questions)`: there are others now. */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Handlers for `connect` that put here what they are asked, for these kinds of questions. */
  handlers(kinds = []) {
    if (!Array.isArray(kinds) || kinds.some((kind) => !Object.hasOwn(METHODS, kind))) {
      throw wrong("questions", `a list of ${Object.keys(METHODS).map((kind) => `"${kind}"`).join(" and ")}`, kinds);
    }
    return Object.fromEntries(kinds.map((kind) => [METHODS[kind], (params, context) => this.#ask(METHODS[kind], params, context)]));
  }

  /** Nobody is left who could show them. */
  withdrawAll() {
    for (const { withdraw } of [...this.#open.values()]) withdraw();
  }

  #ask(method, params, { server, call, signal }) {
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      // Of an answer that does not fit nothing becomes but the error that says so.
      const settle = (answer) => {
        if (!this.#open.has(id)) return;
        const result = answer();
        if (!this.#open.delete(id)) return;
        signal.removeEventListener("abort", withdraw);
        this.#tell();
        resolve(result);
      };
      const fail = (error) => settle(() => Promise.reject(error));
      const withdraw = () => fail(signal.reason ?? new DOMException("Nobody answers this question any more.", "AbortError"));
      const shown = { id, ...answers(method, params, settle, fail), params, server, call };
      this.#open.set(id, { shown: Object.freeze(shown), withdraw });
      if (signal.aborted) return withdraw();
      signal.addEventListener("abort", withdraw, { once: true });
      this.#tell();
    });
  }

  #tell() {
    const shown = [...this.#open.values()].map((question) => question.shown);
    this.#changed(shown.length === 0 ? NOTHING : Object.freeze(shown));
  }
}

/** What it is, and how it is answered. */
function answers(method, params, settle, fail) {
  if (method === SAMPLE) {
    const reject = () => fail(Object.assign(new Error(REJECTED.message), REJECTED));
    return { kind: "sampling", accept: (result) => settle(() => sampled(result)), decline: reject, cancel: reject };
  }
  const isUrl = params?.mode === "url";
  return {
    kind: isUrl ? "url" : "form",
    fields: isUrl ? NOTHING : Object.freeze(fieldsOf(params)),
    accept: (content) => settle(() => (isUrl ? { action: "accept" } : accept(params, content))),
    decline: () => settle(() => ({ action: "decline" })),
    cancel: () => settle(() => ({ action: "cancel" })),
  };
}

/** The schema is the server's: one that is none asks for nothing. */
function fieldsOf(params) {
  try {
    return fields(params);
  } catch {
    return [];
  }
}

function sampled(result) {
  const { role, content, model } = object("result", result);
  if (role !== "assistant" && role !== "user") throw wrong("result.role", '"assistant" or "user"', role);
  if (content === null || typeof content !== "object") throw wrong("result.content", "a content block, or an array of them", content);
  if (typeof model !== "string") throw wrong("result.model", "a string", model);
  return result;
}
