// What the demo stands on: real MCP servers in processes of their own, each behind a recording proxy, and what can be
// done to them.

import { endSession } from "../../tests/e2e/lib/bare_client.mjs";
import { startProxy } from "../../tests/e2e/lib/proxy.mjs";
import * as kinds from "../../tests/e2e/lib/servers.mjs";

const SERVERS = { everything: kinds.everything, python: kinds.pythonSdk };

/** Starts every server. The proxies add the CORS headers that a server lacks. */
export async function startWorld() {
  const started = Object.entries(SERVERS).map(async ([id, kind]) => {
    // `get-env` shows a server's environment to whoever asks: it gets nothing of ours.
    const process = await kind.start({ bare: true });
    const proxy = await startProxy(process.url, { cors: "add" });
    return [id, new DemoServer(id, kind, process, proxy)];
  });
  return new Map(await Promise.all(started));
}

class DemoServer {
  #kind;
  #process;
  #proxy;
  #running = true;
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
    };
  }

  /** @param {"evict" | "restart" | "kill" | "start"} action */
  act(action) {
    const done = this.#busy.then(() => this.#act(action));
    this.#busy = done.catch(() => {});
    return done;
  }

  async #act(action) {
    switch (action) {
      case "evict":
        return this.#evict();
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

  /** Ends the session that the page used last, behind its back: the DELETE does not go through the proxy. */
  async #evict() {
    if (!this.#running) throw new Refused("The server is not running.");
    const session = this.recording.records.findLast(({ session }) => session)?.session;
    if (!session) throw new Refused("Nobody has a session yet: connect first.");
    const status = await endSession(this.#process.url, this.recording.sessionId(session));
    if (status >= 400) throw new Refused("The server has no such session any more.");
  }
}

/** Something that cannot be done at present; the message is for the visitor. */
export class Refused extends Error {}
