// The gateway before the backends, one for each seed: it numbers each delivery, writes down everything, and makes it go wrong as
// the plan says. What it does to a request is in `faults.mjs`.

import { Agent, createServer, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { FAULTS } from "./faults.mjs";
import { UNNUMBERED } from "./ledger.mjs";

const HOP_BY_HOP = ["connection", "keep-alive", "transfer-encoding", "content-length", "x-chaos"];
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "Mcp-Session-Id, WWW-Authenticate, Retry-After",
};
const PREFLIGHT = {
  ...CORS,
  "access-control-allow-headers":
    "Content-Type, Authorization, MCP-Protocol-Version, Mcp-Session-Id, Last-Event-ID, Mcp-Method, Mcp-Name",
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-max-age": "7200",
};
/** Milliseconds for which a request waits for a backend that is being started. */
const PATIENCE = 1_500;
/** One connection for each request: the proxy must not add stale ones of its own. */
const agent = new Agent({ keepAlive: false, maxSockets: Infinity });

/** Starts it before `world.pods`. `files(path)` answers what is no MCP: the page of a browser. */
export async function startProxy(world, { files } = {}) {
  const names = new Map();
  const copies = new Map();

  const server = createServer({ keepAliveTimeout: 60_000 }, async (req, res) => {
    res.on("error", () => {});
    req.on("error", () => {});
    const chunks = [];
    try {
      for await (const chunk of req) chunks.push(chunk);
    } catch {
      return;
    }
    if (req.method === "OPTIONS") return void res.writeHead(204, PREFLIGHT).end();
    if (req.url === "/arm" || req.url === "/calm") {
      if (req.url === "/arm") world.arm();
      else await world.calm();
      return void res.writeHead(204, CORS).end();
    }
    if (req.url !== "/mcp") {
      const { status = 200, type, body } = (await files?.(req.url)) ?? { status: 404, type: "text/plain", body: "" };
      return void res.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
    }
    const exchange = new Exchange(world, req, res, Buffer.concat(chunks), { names, copies });
    await world.doing(exchange.play(), `request ${exchange.request.n}, ${exchange.request.rpc}, with ${exchange.request.fault}`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/mcp`;
  return {
    url,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One request of the client's, and what is done to it. */
export class Exchange {
  #body;
  #req;

  constructor(world, req, res, body, { names, copies }) {
    Object.assign(this, { world, res });
    this.#req = req;
    this.#body = body;
    const message = body.length > 0 ? JSON.parse(body.toString()) : {};
    const sid = req.headers["mcp-session-id"];
    const token = /"[^"]*?(s\d+[cf]\d+)\.000000"/.exec(body.toString())?.[1];
    const rpc = message.method ?? (message.id === undefined ? req.method : "response");
    // The client gives each send an id of its own: the same one twice is a copy that the browser made.
    const send = message.id === undefined || message.method === undefined ? undefined : `${sid ?? ""} ${message.id}`;
    this.request = {
      n: world.requests.length + 1,
      at: world.now,
      rpc,
      token,
      sid,
      nth: world.nth(rpc, token),
      send,
      copyOf: copies.get(send),
      deliveries: [],
    };
    if (send !== undefined && this.request.copyOf === undefined) copies.set(send, this.request.n);
    world.requests.push(this.request);
    if (sid !== undefined && !names.has(sid)) names.set(sid, `session ${names.size + 1}`);
    this.name = (id) => (id === undefined ? "" : names.get(id) ?? (names.set(id, `session ${names.size + 1}`), names.get(id)));
    res.once("close", () => {
      if (!res.writableFinished) this.gone = true;
      this.onGone?.();
    });
  }

  async play() {
    const { world, request } = this;
    const fault = world.fault(request);
    request.fault = fault?.kind;
    const copy = request.copyOf === undefined ? "" : `, a copy of ${request.copyOf} that the browser made`;
    const about = [this.name(request.sid), fault && described(fault)].filter(Boolean).map((what) => `, ${what}`).join("");
    this.say(`${request.rpc}${about}${copy}`);
    try {
      if (fault) await FAULTS[fault.kind](this, fault);
      else await this.pass(await this.deliver());
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      this.#fallen(error);
    }
  }

  say(what) {
    this.world.say(`${String(this.request.n).padStart(4)}  ${what}`, this.request.token);
  }

  sleep(ms) {
    return sleep(ms);
  }

  /** Sends the request to a backend; resolves to its answer when that has a head. `copy`: it was delivered before. */
  async deliver({ copy = false } = {}) {
    const { world, request } = this;
    const number = world.nextDelivery();
    const delivery = { number, copy, at: world.now };
    const until = world.now + PATIENCE;
    for (;;) {
      const pod = world.route(request);
      if (!pod.down) {
        request.deliveries.push(delivery);
        this.say(`      delivery ${number} to backend ${world.pods.indexOf(pod) + 1}${copy ? ", a copy" : ""}`);
        const answer = await this.#send(pod, delivery);
        if (answer) return answer;
        request.deliveries.pop();
      }
      if (this.gone) throw new Broken("given up");
      if (world.plan.down !== "wait" || world.now > until) throw new Broken("refused");
      await sleep(15);
    }
  }

  /** The answer, `undefined` where nobody listens. */
  #send(pod, delivery) {
    const { world, request } = this;
    const body = Buffer.from(this.#body.toString().replaceAll(`.${UNNUMBERED}"`, `.${String(delivery.number).padStart(UNNUMBERED.length, "0")}"`));
    return new Promise((resolve, reject) => {
      const onward = httpRequest({
        agent,
        host: "127.0.0.1",
        port: pod.port,
        path: pod.path,
        method: this.#req.method,
        headers: { ...without(this.#req.headers, HOP_BY_HOP), host: `127.0.0.1:${pod.port}`, ...(body.length > 0 ? { "content-length": body.length } : {}) },
      });
      world.onward.add(onward);
      onward.once("close", () => world.onward.delete(onward));
      this.onGone = () => void (this.released || onward.destroy());
      onward.once("error", (error) => (error.code === "ECONNREFUSED" ? resolve(undefined) : reject(new Broken("reset"))));
      onward.once("response", (stream) => {
        stream.on("error", () => {});
        const made = stream.headers["mcp-session-id"];
        if (made !== undefined && request.rpc === "initialize") world.owners.set(made, pod);
        delivery.status = stream.statusCode;
        resolve({ delivery, stream, status: stream.statusCode, headers: stream.headers });
      });
      onward.end(body);
    });
  }

  /** Nobody waits for the answer any more, but the backend goes on with it. */
  forget(delivered) {
    this.released = true;
    const endless = this.request.rpc === "GET" || this.request.rpc === "subscriptions/listen";
    const drained = ({ stream }) => (endless ? void stream.destroy() : new Promise((resolve) => stream.resume().once("close", resolve)));
    this.world.doing(delivered.then(drained, () => {}), `the answer to ${this.request.n}, ${this.request.rpc}, with ${this.request.fault}, that nobody hears`);
  }

  /** The backend's answer; its body is held back for `hold` ms, and cut after `cut` bytes. */
  async pass({ delivery, stream, status, headers }, { hold = 0, cut } = {}) {
    const { res, request, world } = this;
    if (res.destroyed) return void stream.destroy();
    const made = headers["mcp-session-id"];
    const notes = () => world.notes.get(delivery.number) ?? {};
    request.answer = { by: "server", status, delivery, refused: world.plan.server.refusal && headers["x-chaos"] === "refused" };
    res.writeHead(status, { ...without(headers, HOP_BY_HOP), ...CORS });
    res.flushHeaders();
    const headAt = world.now;
    if (hold > 0) await sleep(hold);
    let left = cut ?? Infinity;
    try {
      for await (const chunk of stream) {
        const part = chunk.subarray(0, left);
        left -= part.length;
        if (!res.write(part) && !res.closed) await Promise.race([once(res, "drain"), once(res, "close")]);
        if (left <= 0 || res.closed) break;
      }
    } catch {
      left = 0;
    }
    request.answer.took = world.now - request.at;
    Object.assign(request.answer, notes());
    const told = `${status}${made && request.rpc === "initialize" ? `, ${this.name(made)}` : ""}, head after ${Math.round(headAt - request.at)} ms`;
    if (left <= 0 || !stream.complete) {
      request.answer.cut = true;
      this.say(`      ← ${told}, broke off after ${Math.round(request.answer.took)} ms`);
      return void res.destroy();
    }
    this.say(`      ← ${told}${this.gone ? ", the client had gone" : ""}, whole after ${Math.round(request.answer.took)} ms`);
    res.end();
  }

  /** A page of the gateway's own. */
  page({ status, type, body, headers = {} }) {
    const { res, request, world } = this;
    if (res.destroyed) return;
    request.answer = { by: "gateway", status, took: world.now - request.at };
    this.say(`      ← ${status} by the gateway after ${Math.round(request.answer.took)} ms`);
    res.writeHead(status, { ...(type ? { "content-type": type } : {}), ...(world.plan.bare ? {} : CORS), ...headers }).end(body);
  }

  /** The connection dies. */
  reset(how = "before any head") {
    this.request.answer ??= { by: "gateway", took: this.world.now - this.request.at };
    this.say(`      ← reset ${how} after ${Math.round(this.world.now - this.request.at)} ms`);
    this.res.socket?.resetAndDestroy();
  }

  #fallen({ how }) {
    if (this.res.destroyed || this.res.headersSent) return void this.res.destroy();
    const { down, broken } = this.world.plan;
    const shown = how === "refused" ? down : broken;
    if (shown === "reset") this.reset();
    else this.page(shown === "wait" ? { status: 504, type: "text/plain", body: "" } : shown);
  }
}

/** What came of a delivery that has no answer: `refused` (nobody listens), `reset`, `given up`. */
export class Broken extends Error {
  constructor(how) {
    super(how);
    this.how = how;
  }
}

function described({ kind, page, ms, evicts, passes, bytes, delivered }) {
  const more = [
    page && `${page.status}${page.headers ? ", Retry-After" : ""}`,
    ms && `${ms} ms`,
    evicts && "evicting between",
    passes && `the ${passes}'s answer counts`,
    bytes !== undefined && `${bytes} bytes`,
    delivered && "delivered",
  ].filter(Boolean);
  return `[${kind}${more.length > 0 ? `: ${more.join(", ")}` : ""}]`;
}

const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

function without(headers, names) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
