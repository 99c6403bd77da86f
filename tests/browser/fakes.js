// A server that is a function, and bodies that watch how they are read.

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const never = () => new Promise(() => {});
export const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
export const bytes = (text) => new TextEncoder().encode(text);

/** A Response of `chunks`; then it ends, breaks off with `error`, or stays open. `seen` notes a cancel. */
export function response(chunks, end, seen, init = {}) {
  const rest = [...chunks];
  const body = new ReadableStream({
    pull(controller) {
      if (rest.length > 0) return controller.enqueue(rest.shift());
      if (end === "close") return controller.close();
      if (end === "open") return never();
      controller.error(end);
    },
    cancel() {
      seen.push("cancelled");
    },
  }, { highWaterMark: 0 });
  return new Response(body, init);
}

/** A host's own idea of a Response, without streams. */
export const foreign = (text) => ({ status: 200, headers: new Map(), text: async () => text });

export const withoutBody = () => ({ status: 200, headers: new Map(), body: null });

/** Answers after a while, whatever the signal says. */
export const late = (response, ms) => async () => {
  await sleep(ms);
  return response;
};

/** Answers once with `response`, and keeps what it was called with. */
export function once(response, calls) {
  return function (url, init) {
    calls.push({ self: this, url, ...init });
    if (response instanceof Error) return Promise.reject(response);
    return Promise.resolve(response);
  };
}

const OK = { status: 200, headers: { "content-type": "application/json" } };

/** An MCP server of one page. `log` gets a line for each request, `control.next` the way to answer the next call. */
export function server(log, control) {
  let sessions = 0;
  let live;
  control.evict = () => (live = undefined);
  return async (url, { method, headers, body, signal }) => {
    signal.addEventListener("abort", () => log.push(`${name} aborted`));
    const message = body === undefined ? {} : JSON.parse(body);
    const { id, params } = message;
    const name = message.method ?? method;
    const session = headers["mcp-session-id"];
    const answer = (value, init = OK) => {
      log.push(`${name}→${init.status}`);
      return new Response(value && JSON.stringify({ jsonrpc: "2.0", id, ...value }), init);
    };
    if (name === "initialize") {
      live = `s${++sessions}`;
      const serverInfo = { name: "fake", version: "1" };
      const result = { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo };
      return answer({ result }, { status: 200, headers: { ...OK.headers, "mcp-session-id": live } });
    }
    if (session !== live) {
      return answer({ id: null, error: { code: -32001, message: "Session not found" } }, { ...OK, status: 404 });
    }
    if (name === "DELETE") return answer(undefined, { status: 200 });
    if (id === undefined) return answer(undefined, { status: 202 });
    const next = control.next;
    control.next = undefined;
    if (next === "silence") {
      log.push(`${name}→…`);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    if (next === "redirect") return { type: "opaqueredirect", status: 0, headers: new Headers() };
    if (next === "stream") {
      log.push(`${name}→stream`);
      const progress = { progressToken: params._meta?.progressToken, progress: 1 };
      const text = [
        { method: "notifications/progress", params: progress },
        { method: "notifications/message", params: { level: "info", data: "half-way" } },
        { id, result: { session } },
      ].map((message) => `data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`).join("");
      return new Response(text, { status: 200, headers: { "content-type": "text/event-stream" } });
    }
    return answer({ result: { session, got: params } });
  };
}
