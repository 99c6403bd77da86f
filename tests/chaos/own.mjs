// Our own servers, of both eras, which refuse, break and end as the plan of a seed tells them to. What a tool does is to leave
// a line in the ledger, as its first deed.

import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Answer } from "./answer.mjs";
import { dice } from "./dice.mjs";
import { worded } from "./words.mjs";

const LATEST = "2025-11-25";
const MODERN = "2026-07-28";
const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";
const SERVER_KEY = "io.modelcontextprotocol/serverInfo";
const SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId";
const CAPABILITIES = { tools: {}, resources: {} };
const SERVER_INFO = { name: "chaos", version: "1" };
const TOOLS = [{ name: "slow", inputSchema: { type: "object" } }];
const STYLES = ["json", "sse", "early sse", "early json"];

/** `backends(world, ledger)` starts the seed's, `forget(world)` ends them. */
export function startOwn() {
  return {
    most: 48,
    backends: (world, ledger) => Promise.all(Array.from({ length: world.plan.pods }, (_, index) => new Pod({ world, index, ledger }).start())),
    forget: ({ pods }) => Promise.all(pods.map((pod) => pod.close())),
    close() {},
  };
}

class Pod {
  down = false;
  /** `{ streams, running, resumable }` by id. */
  #sessions = new Map();
  #open = new Set();
  #server;
  path = "/mcp";

  constructor({ world, index, ledger }) {
    Object.assign(this, { world, index, ledger, era: world.plan.era });
  }

  // A port for each: a process accepts one connection of each listening socket at a time.
  async start() {
    this.#server = createServer((req, res) => void this.#take(req, res));
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.port = this.#server.address().port;
    return this;
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  // ── What the world does to it ──

  /** Forgets all sessions; what becomes of the calls under them is in the plan. */
  async evict() {
    for (const session of this.#sessions.values()) {
      for (const stream of session.streams) stream.end();
      for (const answer of session.running) this.#torn(answer);
    }
    this.#sessions.clear();
  }

  async restart(ms) {
    this.down = true;
    this.#sessions.clear();
    for (const res of this.#open) res.destroy();
    const { flips } = this.world.plan.server;
    if (flips && this.world.plan.client.era === "auto") this.era = this.era === "legacy" ? "modern" : "legacy";
    await sleep(ms);
    this.up();
  }

  up() {
    this.down = false;
  }

  #torn(answer) {
    const { running, refusal } = this.world.plan.server;
    if (running === "breaks") answer.destroy();
    if (running === "ends") answer.end();
    if (running === "terminated") answer.terminate();
    if (running === "refused") answer.refuse(worded(refusal, answer.id));
  }

  // ── What it is asked ──

  async #take(req, res) {
    res.on("error", () => {});
    if (this.down) return void res.destroy();
    this.#open.add(res);
    res.once("close", () => this.#open.delete(res));
    const chunks = [];
    try {
      for await (const chunk of req) chunks.push(chunk);
    } catch {
      return;
    }
    const message = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
    if (this.world.plan.server.gate > 0) await sleep(this.world.plan.server.gate);
    if (res.destroyed || this.down) return;
    if (this.era === "modern") this.#modern(message, res);
    else this.#legacy(req, message, res);
  }

  #legacy({ method, headers }, message, res) {
    const id = headers["mcp-session-id"];
    if (message.method === "initialize") return this.#initialize(message, res);
    if (id === undefined) return json(res, 400, error(null, -32000, "Bad Request: Server not initialized"));
    const session = this.#sessions.get(id);
    if (!session) return this.#refuse(message, res);
    if (method === "GET") return this.#listen(session, headers["last-event-id"], res);
    if (method === "DELETE") return this.#sessions.delete(id), void res.writeHead(200).end();
    if (message.id === undefined || message.method === undefined) return void res.writeHead(202).end();
    return this.#call(session, message, res);
  }

  #refuse(message, res) {
    const { status, type, body } = worded(this.world.plan.server.refusal, message.id);
    res.writeHead(status, { ...(type ? { "content-type": type } : {}), "x-chaos": "refused" }).end(body);
  }

  #initialize({ id, params }, res) {
    const session = randomUUID();
    this.#sessions.set(session, { streams: new Set(), running: new Set(), resumable: new Map() });
    const protocolVersion = params?.protocolVersion > LATEST ? LATEST : params?.protocolVersion;
    const result = { protocolVersion, capabilities: CAPABILITIES, serverInfo: SERVER_INFO };
    json(res, 200, { jsonrpc: "2.0", id, result }, { "mcp-session-id": session });
  }

  #listen(session, lastEventId, res) {
    if (lastEventId !== undefined) {
      const answer = session.resumable.get(lastEventId.split("/")[0]);
      if (!answer) return json(res, 404, error(null, -32000, "no such event"));
      return answer.resume(res, lastEventId);
    }
    if (this.world.plan.server.hears === "405") return void res.writeHead(405).end();
    res.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    session.streams.add(res);
    res.once("close", () => session.streams.delete(res));
  }

  #modern({ id, method, params }, res) {
    if (id === undefined) return void res.writeHead(202).end();
    if (method === "initialize" || params?._meta?.[VERSION_KEY] !== MODERN) {
      const refused = { code: -32022, message: "Unsupported protocol version", data: { supported: [MODERN] } };
      return json(res, 400, { jsonrpc: "2.0", id, error: refused });
    }
    if (method === "subscriptions/listen") {
      res.writeHead(200, { "content-type": "text/event-stream" });
      const told = { notifications: params.notifications, _meta: { [SUBSCRIPTION_KEY]: id } };
      res.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged", params: told })}\n\n`);
      return undefined;
    }
    return this.#call(undefined, { id, method, params }, res);
  }

  #call(session, { id, method, params }, res) {
    const whole = (result) => (session ? result : { resultType: "complete", ttlMs: 0, cacheScope: "private", ...result });
    const simple = {
      ping: {},
      "server/discover": { supportedVersions: [MODERN], capabilities: CAPABILITIES, _meta: { [SERVER_KEY]: SERVER_INFO } },
      "tools/list": { tools: TOOLS },
    };
    if (Object.hasOwn(simple, method)) return json(res, 200, { jsonrpc: "2.0", id, result: whole(simple[method]) });
    const key = method === "resources/read" ? params.uri.split("/").at(-1) : params?.arguments?.key;
    const [token, delivery] = key.split(".");
    appendFileSync(this.ledger, `started ${method} ${key} ${process.pid}\n`);
    this.world.say(`backend ${this.index + 1} runs delivery ${Number(delivery)}`, token);
    const text = `counted ${key}`;
    const result = whole(method === "resources/read" ? { contents: [{ uri: params.uri, text }] } : { content: [{ type: "text", text }] });

    const { plan } = this.world;
    const d = dice(plan.seed, "answer", token);
    const style = d.chance(0.7) ? plan.server.answer : d.pick(STYLES);
    const answer = new Answer({ id, res, style, session: plan.server.resumable ? session : undefined, note: (what) => this.world.note(Number(delivery), what) });
    session?.running.add(answer);
    answer.ended.then(() => session?.running.delete(answer));
    const progressToken = params._meta?.progressToken;
    if (progressToken !== undefined && d.chance(0.5)) {
      answer.say({ method: "notifications/progress", params: { progressToken, progress: 1, message: text } });
    }
    // The tool runs on, whoever has given it up.
    const call = this.world.calls.get(token);
    const { seconds = 0 } = params.arguments ?? {};
    this.world.doing(this.#end(answer, { call, seconds, result, progressToken, text }), `the tool of ${token}`);
    return undefined;
  }

  async #end(answer, { call, seconds, result, progressToken, text }) {
    const { how, of, after, spoke } = (this.world.armed && call?.ending) || {};
    if (how === undefined || how === "error") {
      await sleep(seconds * 1_000);
      if (how === "error") answer.fail(...of);
      else answer.finish({ result });
      return;
    }
    if (spoke && progressToken !== undefined) {
      answer.say({ method: "notifications/progress", params: { progressToken, progress: 2, message: text } });
    }
    await sleep(after);
    if (answer.over) return;
    if (how === "terminated") return void answer.terminate();
    if (this.era === "modern") return void answer.refuse({ status: 400, type: "application/json", body: JSON.stringify(error(null, -32000, "Bad Request: Server not initialized")) });
    this.world.say(`backend ${this.index + 1} loses its sessions, and refuses the call that it runs`, call.token);
    answer.refuse(worded(this.world.plan.server.refusal, answer.id));
    await this.evict();
  }
}

const error = (id, code, message) => ({ jsonrpc: "2.0", id, error: { code, message } });

function json(res, status, body, headers = {}) {
  res.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
