// The one class of errors.

/** `data.elicitations` says which URLs the user must visit first (2025-11-25, Elicitation, URL Elicitation Required Error). */
export const URL_ELICITATION_REQUIRED = -32042;

export class McpError extends Error {
  constructor(message, { code, outcome, retryable = false, cause, ...more }) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.outcome = outcome;
    this.retryable = retryable;
    for (const field of ["rpcCode", "httpStatus", "diagnosis", "data", "isAnswer"]) {
      if (more[field] !== undefined) this[field] = more[field];
    }
  }

  /** Without `data` and `cause`: those may hold what a server or a platform said, and do not belong in a log. */
  toJSON() {
    const { name, message, code, outcome, retryable, rpcCode, httpStatus, diagnosis } = this;
    return { name, message, code, outcome, retryable, rpcCode, httpStatus, diagnosis };
  }
}

Object.defineProperty(McpError.prototype, "name", { value: "McpError", configurable: true, writable: true });

/** The plain error of the core as one that can be thrown. */
export function fromCore({ message, ...fields }) {
  return new McpError(message, fields);
}

/** The WebAssembly could not be loaded. */
export function loadError(message, { cause, httpStatus, diagnosis, retryable = true } = {}) {
  return new McpError(message, { code: "load", outcome: "not_executed", retryable, cause, httpStatus, diagnosis });
}

/** For what was open when the module crashed. */
export function crashed(outcome, { cause }) {
  const what = outcome === "unknown" ? " Whether the server ran this call is not known." : "";
  const message = `The WebAssembly module crashed, and all that it had open ended.${what} A session that is not closed goes on in another; else connect again.`;
  return new McpError(message, { code: "crashed", outcome, retryable: outcome === "not_executed", cause });
}

/** For what is asked of something that was closed. */
export function closed(what) {
  return new McpError(`${what} is closed. Nothing was sent.`, { code: "closed", outcome: "not_executed" });
}
