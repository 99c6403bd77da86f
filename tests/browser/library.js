// A server that is a function, for the library: it lists in pages, asks questions and says things unasked.

const JSON_TYPE = { "content-type": "application/json" };
const STREAM_TYPE = { "content-type": "text/event-stream" };
const event = (message) => `data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`;

/**
 * `control.evict()`; `control.say(message)` on the standing stream; `control.ran`: names of tools that were run, in order;
 * `control.fails`: the method that is answered with an error; `control.log`: a line for each request; `control.sent`: bodies of answers and of `initialize`, as JSON texts.
 */
export function libraryServer(control) {
  let sessions = 0;
  let live;
  let standing;
  const answers = new Map();
  Object.assign(control, { ran: [], log: [], sent: [] });
  control.evict = () => {
    live = undefined;
    standing?.close();
    standing = undefined;
  };
  control.say = (message) => standing.enqueue(new TextEncoder().encode(event(message)));
  control.live = (session) => (live = session);
  control.listens = () => standing !== undefined;
  return async (url, { method, headers, body, signal }) => {
    const message = body === undefined ? {} : JSON.parse(body);
    const { id, params } = message;
    const what = message.method ?? (method === "POST" ? "answer" : method);
    const session = headers["mcp-session-id"];
    const answer = (value, status = 200, more = {}) => {
      control.log.push(`${what}→${status}`);
      return new Response(value && JSON.stringify({ jsonrpc: "2.0", id, ...value }), { status, headers: { ...JSON_TYPE, ...more } });
    };
    if (what === "initialize") {
      live = `s${++sessions}`;
      control.sent.push(JSON.stringify(params.capabilities));
      const capabilities = { tools: { listChanged: true }, resources: { subscribe: true }, logging: {}, prompts: {}, completions: {} };
      const result = { protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: "library", version: "1" }, instructions: "Be kind." };
      return answer({ result }, 200, { "mcp-session-id": live });
    }
    if (session !== live) return answer({ id: null, error: { code: -32001, message: "Session not found" } }, 404);
    if (what === "DELETE") return answer(undefined);
    if (what === "GET") {
      control.log.push("GET→stream");
      const stream = new ReadableStream({ start: (controller) => (standing = controller), cancel: () => (standing = undefined) });
      signal.addEventListener("abort", () => (standing = undefined));
      return new Response(stream, { status: 200, headers: STREAM_TYPE });
    }
    if (what === "answer") {
      control.sent.push(JSON.stringify(message.error ?? message.result));
      answers.get(id)?.(message);
      return answer(undefined, 202);
    }
    if (id === undefined) return answer(undefined, 202);
    if (what === control.fails) return answer({ error: { code: -32603, message: "broken" } });
    if (what === "tools/list") return pages(params?.cursor, answer);
    if (what === "resources/list") return answer({ result: { resources: [{ uri: "file:///a", name: "a", size: 3 }, { name: "without an address" }] } });
    if (what === "tools/call") {
      control.ran.push(params.name);
      if (params.name === "ask") return asking(params.arguments, { id, answers, control });
      if (params.name === "steps") return stepping(params, id);
    }
    return answer({ result: { session, got: params ?? null } });
  };

  function pages(cursor, answer) {
    const schema = { type: "object" };
    // Cursors are of one session.
    if (cursor === undefined) return answer({ result: { tools: [{ name: "a", inputSchema: schema, icons: [] }, { name: 5 }], nextCursor: `${live}-2` } });
    if (cursor !== `${live}-2`) return answer({ error: { code: -32602, message: "no such cursor" } });
    return answer({ result: { tools: [{ name: "b", title: "Bee", inputSchema: schema }] } });
  }
}

/**
 * A server that a page sees nothing of, and at /proxy one who sees all. `control.went`: a line for each request, with the way it
 * went; `control.says`: what the proxy says in its own name.
 */
export function behindProxy(control, server) {
  control.went = [];
  return async (url, init) => {
    const headers = new Headers(init.headers);
    const what = init.body === undefined ? init.method : (JSON.parse(init.body).method ?? "answer");
    const target = headers.get("evergreen-target");
    if (!new URL(url, location.href).pathname.startsWith("/proxy")) {
      control.went.push(`direct ${what}`);
      if (control.isOpen) return server(url, { ...init, headers: Object.fromEntries(headers) });
      throw new TypeError("Failed to fetch");
    }
    control.went.push(`proxy ${what} ${target} ${headers.get("x-csrf")}`);
    if (control.says) return new Response("", { status: 403, headers: { "evergreen-proxy": control.says } });
    const answer = await server(target, { ...init, headers: Object.fromEntries(headers) });
    answer.headers.set("evergreen-proxy", "relayed");
    return answer;
  };
}

/** Servers by the path of their URL. */
export const byPath = (servers) => async (url, init) => servers[new URL(url).pathname]?.(url, init) ?? new Response("", { status: 404 });

function stepping({ _meta }, id) {
  const progress = (progress) => event({ method: "notifications/progress", params: { progressToken: _meta?.progressToken, progress, total: 2 } });
  const text = progress(1) + progress(2) + event({ id, result: { content: [] } });
  return new Response(text, { status: 200, headers: STREAM_TYPE });
}

/** On the stream of the call: `{ method, params }`, to be answered before the call is. `withdraw`: it is taken back. */
function asking({ withdraw, ...question }, { id, answers, control }) {
  control.log.push("tools/call→asks");
  const stream = new ReadableStream({
    start(controller) {
      const say = (message) => controller.enqueue(new TextEncoder().encode(event(message)));
      const end = (answered) => {
        say({ id, result: { content: [], answered } });
        controller.close();
      };
      answers.set("q1", ({ result, error }) => end(result ?? error));
      say({ id: "q1", ...question });
      if (withdraw) {
        setTimeout(() => {
          say({ method: "notifications/cancelled", params: { requestId: "q1" } });
          end("withdrawn");
        }, 100);
      }
    },
  });
  return new Response(stream, { status: 200, headers: STREAM_TYPE });
}
