// An MCP server in the shape of `fetch`, for hosts' own tests: it evicts, stalls, breaks and asks on command.

import { boolean, check, func, object, oneOf, string, text, wrong } from "./checks.js";

const LATEST = "2025-11-25";
const MODERN = "2026-07-28";
const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";
const SERVER_KEY = "io.modelcontextprotocol/serverInfo";
const SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId";
const CAPABILITIES = { tools: { listChanged: true }, resources: { subscribe: true }, prompts: {}, logging: {} };
const JSON_TYPE = { "content-type": "application/json" };
const STREAM_TYPE = { "content-type": "text/event-stream" };
const METHOD_NOT_FOUND = { code: -32601, message: "Method not found" };

const refusal = (status, id, code, message) => (asked) => ({
  status,
  headers: JSON_TYPE,
  body: JSON.stringify({ jsonrpc: "2.0", id: id === "own" ? (asked.id ?? null) : id, error: { code, message } }),
});

/** How servers in the field say that a session is gone. */
const REFUSALS = {
  A: refusal(404, null, -32001, "Session not found"),
  B: refusal(404, "own", -32600, "Session not found"),
  C: () => ({ status: 404, headers: { "content-type": "text/plain" }, body: "Session not found" }),
  D: refusal(400, null, -32000, "Bad Request: No valid session ID provided"),
  E: refusal(200, "own", -32600, "Session not found"),
  F: refusal(404, "own", -32001, "Session not found"),
  G: refusal(400, null, -32600, "Invalid Request: session not found"),
  H: refusal(404, "server-error", -32600, "Session not found"),
};

const OPTIONS = {
  era: oneOf("legacy", "modern"),
  name: text,
  version: text,
  capabilities: object,
  instructions: string,
  protocolVersion: text,
  tools: (name, value) => {
    for (const [tool, given] of Object.entries(object(name, value))) func(`${name}["${tool}"]`, given?.call);
  },
  answers: object,
  sse: boolean,
  resumable: boolean,
  listen: boolean,
  sessionTtl: (name, value) => {
    if (typeof value !== "number" || !(value >= 0)) throw wrong(name, "milliseconds", value);
  },
  refuse: (_name, value) => {
    if (typeof value === "function" || Object.hasOwn(REFUSALS, value)) return;
    throw new TypeError(`refuse: expected one of ${Object.keys(REFUSALS).join(", ")}, or a function`);
  },
};

/** Time that passes when the test says so. */
class Clock {
  #now = 0;

  get now() {
    return this.#now;
  }

  advance(ms) {
    this.#now += ms;
  }
}

export class TestServer {
  /** Where it seems to be: nothing is sent there. */
  url = "https://mcp.test/mcp";
  clock = new Clock();
  /** What was asked of it, in order: `{ http, method, id, params, session, status }`. */
  requests = [];
  /** Questions that were answered, in order: `{ session, id, result?, error? }`. */
  answers = [];
  #options;
  #refuse = REFUSALS.A;
  /** `{ name, used, streams }` by id. */
  #sessions = new Map();
  /** What stands for the session where there are none. */
  #endless = { name: undefined, streams: new Set(), answering: new Set(), questions: 0, opened: 0 };
  #made = 0;
  #questions = new Map();
  #stalled = [];
  #pending = new Set();
  #breaking;

  constructor(options) {
    this.fetch = this.fetch.bind(this);
    this.become(options);
  }

  /** Another server from now on; the sessions stay. */
  become(options) {
    check("", options, OPTIONS);
    this.#options = { ...this.#options, ...options };
    const { refuse = this.#refuse } = options ?? {};
    this.#refuse = typeof refuse === "string" ? REFUSALS[refuse] : refuse;
  }

  /** Forgets all sessions. Their streams break off. */
  evict() {
    for (const session of this.#sessions.values()) this.#end(session);
    this.#sessions.clear();
  }

  /** Requests with this method wait, all from now on, until the function is called that this returns. */
  stall(method) {
    text("method", method);
    const entry = { method };
    entry.released = new Promise((resolve) => (entry.release = resolve));
    this.#stalled.push(entry);
    return () => {
      this.#stalled = this.#stalled.filter((other) => other !== entry);
      entry.release();
    };
  }

  /** The next answer to this method breaks off: before its head, or after. The server runs it all the same. */
  break(method, options) {
    text("method", method);
    const { head = false } = check("", options, { head: boolean });
    this.#breaking = { method, head };
  }

  /** The answers and streams that are open break off. */
  breakStreams() {
    for (const stream of [...this.#pending]) stream.error(new TypeError("network error"));
  }

  /** Says something to every session on its standing stream. */
  notify(method, params) {
    const streams = [...this.#sessions.values(), this.#endless].flatMap(({ streams }) => [...streams]);
    for (const stream of streams) stream.write({ method, params: stream.about ? stream.about(params) : params });
  }

  /** Asks the latest session, on its standing stream; resolves with the response. */
  ask(method, params) {
    const session = [...this.#sessions.values()].at(-1);
    return this.#question(session, [...(session?.streams ?? [])], method, params);
  }

  /** How many sessions it has made. */
  get sessionsMade() {
    return this.#made;
  }

  /** How many standing streams are open. */
  get streams() {
    return [...this.#sessions.values(), this.#endless].reduce((sum, { streams }) => sum + streams.size, 0);
  }

  /** How often a method was asked, as a request or a notification. */
  count(method) {
    return this.requests.filter((request) => request.method === method).length;
  }

  async fetch(input, init = {}) {
    const request = new Request(input, { ...init, signal: undefined, body: undefined });
    const message = init.body ? JSON.parse(init.body) : {};
    const record = {
      http: request.method,
      method: message.method,
      id: message.id,
      params: message.params,
      session: this.#sessions.get(request.headers.get("mcp-session-id"))?.name,
      headers: Object.fromEntries(request.headers),
    };
    this.requests.push(record);
    const { signal } = init;
    signal?.throwIfAborted();
    const aborted = new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    aborted.catch(() => {});
    const answered = this.#answer(record, message, request.headers, signal);
    const { status, headers, body } = await Promise.race([answered, aborted]);
    record.status = status;
    return new Response(body, { status, headers });
  }

  async #answer(record, message, headers, signal) {
    const broken = this.#breaking?.method === message.method ? this.#breaking : undefined;
    if (broken) this.#breaking = undefined;
    for (const { method, released } of [...this.#stalled]) if (method === message.method) await released;
    const answer = await this.#serve(record, message, headers, signal);
    if (broken && !broken.head) throw new TypeError("Failed to fetch");
    if (broken) answer.body = new ReadableStream({ pull: (stream) => stream.error(new TypeError("network error")) });
    return answer;
  }

  async #serve({ http }, message, headers, signal) {
    if (this.#options.era === "modern") return this.#serveModern(message, signal);
    if (message.method === "initialize") return this.#initialize(message);
    const session = this.#find(headers.get("mcp-session-id"));
    if (!session) return this.#refuse(message);
    session.used = this.clock.now;
    if (http === "DELETE") {
      this.#end(session);
      this.#sessions.delete(session.id);
      return { status: 200, headers: {}, body: null };
    }
    if (http === "GET") return this.#listen(session, headers, signal);
    if (message.id === undefined) return { status: 202, headers: {}, body: null };
    if (message.method === undefined) return this.#answered(session, message);
    return this.#call(session, message, signal);
  }

  /** Without sessions (2026-07-28). */
  async #serveModern({ id, method, params }, signal) {
    const { name = "test", version = "1", instructions, capabilities = CAPABILITIES } = this.#options;
    if (id === undefined) return { status: 202, headers: {}, body: null };
    if (method === "initialize" || params?._meta?.[VERSION_KEY] !== MODERN) {
      const data = { supported: [MODERN], requested: params?.protocolVersion };
      const error = { code: -32022, message: "Unsupported protocol version", data };
      return { status: 400, headers: JSON_TYPE, body: response({ id, error }) };
    }
    if (method === "subscriptions/listen") {
      const stream = this.#stream(this.#endless, signal, () => this.#endless.streams.delete(stream));
      this.#endless.streams.add(stream);
      const subscription = { [SUBSCRIPTION_KEY]: id };
      stream.about = (more) => ({ ...more, _meta: { ...more?._meta, ...subscription } });
      stream.write({ method: "notifications/subscriptions/acknowledged", params: stream.about({ notifications: params.notifications }) });
      return { status: 200, headers: STREAM_TYPE, body: stream.body };
    }
    const answer = await this.#result(this.#endless, method, params, {});
    const discovered = { supportedVersions: [MODERN], capabilities, instructions, _meta: { [SERVER_KEY]: { name, version } } };
    const result = method === "server/discover" ? discovered : answer.result;
    const whole = { resultType: "complete", ttlMs: 0, cacheScope: "private", ...result };
    const status = answer.error?.code === METHOD_NOT_FOUND.code && !result ? 404 : 200;
    return { status, headers: JSON_TYPE, body: response({ id, ...(result ? { result: whole } : answer) }) };
  }

  #find(id) {
    const session = this.#sessions.get(id);
    const { sessionTtl = Infinity } = this.#options;
    if (!session || this.clock.now - session.used <= sessionTtl) return session;
    this.#end(session);
    this.#sessions.delete(id);
    return undefined;
  }

  #end({ streams }) {
    for (const stream of [...streams]) stream.close();
  }

  #initialize({ id, params }) {
    const { name = "test", version = "1", capabilities = CAPABILITIES, instructions, protocolVersion } = this.#options;
    const session = { id: `session-${++this.#made}-${Math.random().toString(36).slice(2)}`, streams: new Set(), answering: new Set() };
    Object.assign(session, { name: `s${this.#made}`, used: this.clock.now, questions: 0, opened: 0 });
    this.#sessions.set(session.id, session);
    const result = {
      protocolVersion: protocolVersion ?? (params?.protocolVersion <= LATEST ? params.protocolVersion : LATEST),
      capabilities,
      serverInfo: { name, version },
      ...(instructions !== undefined && { instructions }),
    };
    return { status: 200, headers: { ...JSON_TYPE, "mcp-session-id": session.id }, body: response({ id, result }) };
  }

  #listen(session, headers, signal) {
    const lastId = headers.get("last-event-id");
    const broken = [...session.answering].find(({ log }) => log.some(({ id }) => id === lastId));
    if (broken) return { status: 200, headers: STREAM_TYPE, body: broken.resume(lastId, signal) };
    if (this.#options.listen === false) return { status: 405, headers: {}, body: null };
    const stream = this.#stream(session, signal, () => session.streams.delete(stream));
    session.streams.add(stream);
    return { status: 200, headers: STREAM_TYPE, body: stream.body };
  }

  #answered(session, message) {
    this.answers.push({ session: session.name, ...message });
    const key = `${session.name} ${message.id}`;
    this.#questions.get(key)?.(message);
    this.#questions.delete(key);
    return { status: 202, headers: {}, body: null };
  }

  #question(session, streams, method, params) {
    return new Promise((resolve, reject) => {
      if (streams.length === 0) return reject(new Error("there is no stream to ask on"));
      // As servers do: from 0 in each session.
      const id = session.questions++;
      this.#questions.set(`${session.name} ${id}`, resolve);
      for (const stream of streams) stream.write({ id, method, params });
    });
  }

  async #call(session, { id, method, params }, signal) {
    const { sse = false } = this.#options;
    if (!sse) {
      const body = response({ id, ...(await this.#result(session, method, params, {})) });
      return { status: 200, headers: JSON_TYPE, body };
    }
    const stream = this.#stream(session, signal);
    session.answering.add(stream);
    const token = params?._meta?.progressToken;
    const voice = {
      ask: (method, params) => this.#question(session, [stream], method, params),
      notify: (method, params) => stream.write({ method, params }),
      progress: (progress) =>
        token === undefined || stream.write({ method: "notifications/progress", params: { ...progress, progressToken: token } }),
    };
    this.#result(session, method, params, voice).then((answer) => {
      stream.write({ id, ...answer });
      stream.close();
    });
    return { status: 200, headers: STREAM_TYPE, body: stream.body };
  }

  async #result(session, method, params = {}, voice) {
    try {
      return { result: await this.#run(method, params, { session: session.name, ...voice }) };
    } catch (error) {
      if (!Number.isInteger(error?.code)) return { error: { code: -32603, message: String(error?.message ?? error) } };
      const { code, message, data } = error;
      return { error: { code, message, data } };
    }
  }

  async #run(method, params, context) {
    const { answers = {}, tools = {} } = this.#options;
    if (Object.hasOwn(answers, method)) {
      const answer = answers[method];
      return typeof answer === "function" ? answer(params, context) : answer;
    }
    switch (method) {
      case "ping":
      case "logging/setLevel":
      case "resources/subscribe":
      case "resources/unsubscribe":
        return {};
      case "resources/list":
        return { resources: [] };
      case "resources/templates/list":
        return { resourceTemplates: [] };
      case "prompts/list":
        return { prompts: [] };
      case "tools/list":
        return { tools: Object.entries(tools).map(([name, tool]) => definition(name, tool)) };
      case "tools/call": {
        const tool = Object.hasOwn(tools, params.name) ? tools[params.name] : undefined;
        if (!tool) throw { code: -32602, message: `Unknown tool: ${params.name}` };
        const result = await (typeof tool === "function" ? tool : tool.call)(params.arguments ?? {}, context);
        return typeof result === "string" ? { content: [{ type: "text", text: result }] } : result;
      }
      default:
        throw METHOD_NOT_FOUND;
    }
  }

  /** With `resumable`, what is written while it is broken is kept, and each event has an id. */
  #stream(session, signal, closed = () => {}) {
    const { resumable = false } = this.#options;
    const name = resumable && ++session.opened;
    let controller;
    let over = false;
    const end = (run) => {
      if (!this.#pending.delete(stream)) return;
      closed();
      run();
    };
    const open = (signal) => {
      const body = new ReadableStream({ start: (given) => (controller = given), cancel: () => end(() => {}) });
      this.#pending.add(stream);
      signal?.addEventListener("abort", () => stream.error(signal.reason));
      return body;
    };
    const stream = {
      log: [],
      write(message) {
        if (resumable) stream.log.push({ id: `${session.name}-${name}-${stream.log.length}`, message });
        stream.send(stream.log.at(-1) ?? { message });
      },
      send: (entry) => this.#pending.has(stream) && controller.enqueue(event(entry)),
      close() {
        over = true;
        end(() => controller.close());
      },
      error: (error) => end(() => controller.error(error)),
      resume(lastId, signal) {
        const body = open(signal);
        for (const entry of stream.log.slice(stream.log.findIndex(({ id }) => id === lastId) + 1)) stream.send(entry);
        if (over) stream.close();
        return body;
      },
    };
    stream.body = open(signal);
    // "The server SHOULD immediately send an event with an id and an empty data field" (Sending Messages 6).
    if (resumable) stream.write(undefined);
    return stream;
  }
}

function response(message) {
  return JSON.stringify({ jsonrpc: "2.0", ...message });
}

function event({ id, message }) {
  const lines = [...(id ? [`id: ${id}`, "retry: 10"] : []), `data: ${message ? response(message) : ""}`];
  return new TextEncoder().encode(`${lines.join("\n")}\n\n`);
}

function definition(name, tool) {
  const { call: _, ...rest } = typeof tool === "function" ? {} : tool;
  return { name, inputSchema: { type: "object" }, ...rest };
}
