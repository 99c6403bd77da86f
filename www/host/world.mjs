// What the demo stands on: real MCP servers in processes of their own, each behind a recording proxy, and what can be
// done to them.

import { endSession } from "../../tests/e2e/lib/bare_client.mjs";
import { answer, startProxy } from "../../tests/e2e/lib/proxy.mjs";
import * as kinds from "../../tests/e2e/lib/servers.mjs";

const SERVERS = { everything: kinds.everything, python: kinds.pythonSdk };

/** A call by which executions are told apart: by the value of that argument. */
const STORM = { everything: { tool: "echo", argument: "message" }, python: { tool: "count", argument: "key" } };

const refusal = (status, code, message) =>
  answer({ status, body: ({ rpcId }) => JSON.stringify({ jsonrpc: "2.0", id: rpcId ?? null, error: { code, message } }), headers: { "content-type": "application/json" } });

/** How sessions are refused that the server has forgotten. */
const REFUSALS = {
  refuse404: refusal(404, -32001, "Session not found"),
  refuse400: refusal(400, -32000, "Bad Request: No valid session ID provided"),
  refuse200: refusal(200, -32600, "Session not found"),
};

const BUSY = answer({
  status: 503,
  headers: { "retry-after": "1", "access-control-expose-headers": "Mcp-Session-Id, Retry-After" },
  body: { jsonrpc: "2.0", id: null, error: { code: -32000, message: "Busy" } },
});
const BUSY_TIMES = 2;

/** Starts every server. The proxies add the CORS headers that a server lacks. */
export async function startWorld() {
  const started = Object.entries(SERVERS).map(async ([id, kind]) => {
    // `get-env` shows a server's environment to whoever asks: it gets nothing of ours.
    const process = await kind.start({ bare: true });
    const proxy = await startProxy(process.url, { cors: "add", gateway: true });
    return [id, new DemoServer(id, kind, process, proxy)];
  });
  return new Map(await Promise.all(started));
}

class DemoServer {
  #kind;
  #process;
  #proxy;
  #running = true;
  /** Ends what is left of being busy. */
  #calm = () => {};
  /** Labels of the sessions that the server has forgotten. */
  #ended = new Set();
  /** One thing at a time is done to a server. */
  #busy = Promise.resolve();

  constructor(id, kind, process, proxy) {
    this.id = id;
    this.#kind = kind;
    this.#process = process;
    this.#proxy = proxy;
  }

  get name() {
    return this.#kind.name;
  }

  get pid() {
    return this.#process.pid;
  }

  /** What only the present process was told. */
  get token() {
    return this.#process.token;
  }

  /** What the proxy saw. */
  get recording() {
    return this.#proxy.recording;
  }

  /** What the page is told. */
  describe() {
    const { name: tool, arguments: given } = this.#kind.whoami;
    return {
      id: this.id,
      label: this.name,
      url: this.#proxy.url,
      running: this.#running,
      pid: this.#running ? this.pid : undefined,
      suggest: { tool, arguments: given },
      storm: STORM[this.id],
    };
  }

  /** How often the calls ran whose key begins with `prefix`: by the server's own book, or else by what it answered. */
  ledger(prefix) {
    const own = this.#process.executions.started();
    const answered = this.recording.records.filter(({ tool, status, refused }) => tool === "echo" && status === 200 && !refused);
    const counts = answered.reduce((sum, { key }) => ({ ...sum, [key]: (sum[key] ?? 0) + 1 }), own);
    return Object.fromEntries(Object.entries(counts).filter(([key]) => key.startsWith(prefix)));
  }

  /** @param {"evict" | "restart" | "kill" | "start" | "drop" | "refuse400" | "refuse404" | "refuse200" | "busy" | "calm"} action */
  act(action) {
    const done = this.#busy.then(() => this.#act(action));
    this.#busy = done.catch(() => {});
    return done;
  }

  async #act(action) {
    switch (action) {
      case "evict":
        return this.#evict();
      case "refuse400":
      case "refuse404":
      case "refuse200":
        return this.#forget(REFUSALS[action]);
      case "drop":
        return this.#proxy.drop();
      case "busy":
        this.#calm();
        this.#calm = this.#proxy.when({ http: "POST" }, refused(BUSY), { times: BUSY_TIMES });
        return;
      case "calm":
        return this.#calm();
      case "kill":
        this.#running = false;
        return this.#process.kill();
      case "start":
        if (this.#running) return;
      // falls through: `restart` starts what is not running, too
      case "restart":
        this.#running = false;
        await this.#process.restart();
        this.#running = true;
    }
  }

  /** Ends it for good. */
  async close() {
    await this.#proxy.close();
    await this.#process.kill();
  }

  /** Ends every session behind the page's back: the DELETEs do not go through the proxy. */
  async #evict() {
    if (!this.#running) throw new Refused("The server is not running.");
    const sessions = this.#heldSessions();
    const ended = await Promise.all(sessions.map((session) => endSession(this.#process.url, this.recording.sessionId(session))));
    sessions.forEach((session) => this.#ended.add(session));
    if (!ended.some((status) => status < 400)) throw new Refused("The server has no session: connect first.");
  }

  /** From here on the proxy refuses every session that there is, in that way. */
  #forget(action) {
    const sessions = this.#heldSessions();
    if (sessions.length === 0) throw new Refused("The server has no session: connect first.");
    for (const session of sessions) {
      this.#ended.add(session);
      this.#proxy.when({ session }, refused(action));
    }
  }

  #heldSessions() {
    const seen = new Set(this.recording.records.map(({ session }) => session).filter(Boolean));
    return [...seen].filter((session) => !this.#ended.has(session));
  }
}

/** Notes on the record that the server did not see the request. */
function refused(action) {
  return (exchange) => {
    exchange.record.refused = true;
    return action(exchange);
  };
}

/** Something that cannot be done at present; the message is for the visitor. */
export class Refused extends Error {}
