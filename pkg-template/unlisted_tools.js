// Calls by names that no list has told yet: of servers that still connect, or whose tools were not read. And the error where
// there is no such tool.

import { abortable } from "./abortable.js";
import { McpError } from "./error.js";
import { toJson } from "./json.js";
import { readRequest } from "./options.js";

/** Characters of a name that an error tells. */
const MAX_TOLD = 64;

/**
 * Calls the tool of the first candidate that turns out to have it, with what its clock has left. `unknown(failure)` makes the
 * error where none has.
 */
export async function callFound(candidates, name, { args, options, clock, unknown }) {
  const { signal } = readRequest(options);
  // As they are now.
  const taken = args && JSON.parse(toJson("args", args));
  const over = new AbortController();
  try {
    const found = await abortable(Promise.race([firstOf(candidates, name, over.signal, unknown), clock.late]), signal);
    return found.session.callTool({ name: found.tool, arguments: taken }, clock.left(options));
  } finally {
    clock.stop();
    over.abort();
  }
}

/** `{ session, tool }`. */
async function firstOf(candidates, name, signal, unknown) {
  const failures = [];
  const tries = candidates.map(async (server) => {
    try {
      const session = await abortable(server.promise, signal);
      await server.lists.tools.read(session, { signal });
      const tool = server.lists.tools.names.get(name);
      if (tool !== undefined) return { session, tool };
    } catch (error) {
      failures.push({ server, error });
    }
    throw undefined;
  });
  try {
    return await Promise.any(tries);
  } catch {
    throw unknown(failures[0]);
  }
}

/** `failure`: a server that may have it, and why it did not tell its tools. */
export function unknownTool(name, servers, failure) {
  const called = JSON.stringify(name.slice(0, MAX_TOLD));
  if (failure) {
    const { server, error } = failure;
    const message = `${called} may be a tool of "${server.name}", whose tools could not be had: ${error?.message} The tool was not called.`;
    const { code = "unknown_tool", retryable = false, diagnosis, httpStatus } = error instanceof McpError ? error : {};
    return new McpError(message, { code, outcome: "not_executed", retryable, diagnosis, httpStatus, cause: error });
  }
  const names = (list) => list.map(({ name }) => name).join(", ");
  const [open, others] = [servers.filter(({ session }) => session), servers.filter(({ session }) => !session)];
  const message = [
    `No server that is open has a tool named ${called}; nothing was sent.`,
    open.length > 0 ? `Open: ${names(open)}.` : "None is open: open one first.",
    ...(others.length > 0 ? [`Not open: ${names(others)}.`] : []),
    "Names of tools are those that tools() of the manager gives.",
  ].join(" ");
  return new McpError(message, { code: "unknown_tool", outcome: "not_executed" });
}
