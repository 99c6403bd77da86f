// An MCP server that lives in the page's service worker, and what can be done to it.

import { TestServer } from "mcp-evergreen/testing";
import { Tokens } from "./tokens.js";
import { tools } from "./tools.js";

/** How a server refuses a session that it does not hold. */
const REFUSALS = { refuse400: "D", refuse404: "A", refuse200: "E" };
/** So many requests in a row are told to come back later, and in how many seconds. */
const BUSY = { times: 2, seconds: 1 };
const CORS_FREE = { "content-type": "application/json" };

export class World {
  #server;
  #process = 0;
  #running = true;
  #busy = 0;
  /** How often a key was counted: it outlives the processes, as a database does. */
  #ledger = new Map();

  /** @param {string} url of the endpoint */
  constructor(url) {
    this.tokens = new Tokens(url);
    this.#start();
  }

  #start() {
    this.#process += 1;
    this.#running = true;
    this.#server = new TestServer({
      name: "in this page",
      version: `1.0.${this.#process}`,
      sse: true,
      resumable: true,
      tools: tools({ process: this.#process, count: (key) => this.#ledger.set(key, (this.#ledger.get(key) ?? 0) + 1) }),
    });
  }

  /** @param {string} action */
  act(action) {
    switch (action) {
      case "evict":
        return this.act("refuse404");
      case "refuse400":
      case "refuse404":
      case "refuse200":
        this.#server.become({ refuse: REFUSALS[action] });
        return this.#server.evict();
      case "drop":
        return this.#server.breakStreams();
      case "busy":
        this.#busy = BUSY.times;
        return;
      case "calm":
        this.#busy = 0;
        return;
      case "expire":
        return this.tokens.expire();
      case "kill":
        this.#running = false;
        return this.#server.breakStreams();
      case "start":
        if (this.#running) return;
      // falls through: what does not run is started by `restart`, too
      case "restart":
        this.#server.breakStreams();
        return this.#start();
      default:
        throw new Error("There is no such control.");
    }
  }

  describe() {
    return { running: this.#running, process: this.#process };
  }

  /** How often each key that begins with `prefix` was counted. */
  ledger(prefix) {
    return Object.fromEntries([...this.#ledger].filter(([key]) => key.startsWith(prefix)));
  }

  /** @param {Request} request */
  async mcp(request) {
    if (!this.#running) return Response.error();
    const { method, url, headers, signal } = request;
    const body = method === "POST" ? await request.text() : undefined;
    if (!this.tokens.accept(headers.get("authorization"))) return this.tokens.refusal();
    if (this.#busy > 0 && method === "POST") {
      this.#busy -= 1;
      const error = { code: -32000, message: "Busy" };
      return new Response(JSON.stringify({ jsonrpc: "2.0", id: null, error }), {
        status: 503,
        headers: { ...CORS_FREE, "retry-after": String(BUSY.seconds) },
      });
    }
    try {
      return await this.#server.fetch(url, { method, headers, body, signal });
    } catch {
      return Response.error();
    }
  }
}
