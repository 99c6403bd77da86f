// Real servers, as processes that are killed and started again. A seed has a lane to itself: one process or two that write into one
// ledger. The next seed of the same kind has them after it, for starting them is what takes time.

import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { dice } from "./dice.mjs";
import { freshLedger } from "./run.mjs";
import { kind, pythonSdk, typescriptModern, typescriptSdk } from "../e2e/lib/servers.mjs";
import { e2e } from "../e2e/lib/paths.mjs";

const MOST = 4;
const KINDS = {
  ts1: { legacy: typescriptSdk },
  ts2: { legacy: kind("TypeScript SDK 2, sessions", process.execPath, [`${e2e}servers/ts_sessions.mjs`]), modern: typescriptModern },
  python: { legacy: pythonSdk, modern: pythonSdk },
};

export function startReal(server) {
  const lanes = new Set();
  return {
    most: MOST,
    async lane(plan) {
      const json = dice(plan.seed, "style").chance(0.4);
      const name = `${plan.era} ${json}`;
      const free = [...lanes].filter((lane) => !lane.taken);
      let lane = free.find((lane) => lane.name === name);
      if (!lane && lanes.size >= MOST) {
        lanes.delete(free[0]);
        await free[0].close();
      }
      if (!lane) lanes.add((lane = new Lane(KINDS[server][plan.era], name, json)));
      lane.taken = true;
      return lane;
    },
    backends: ({ plan }, _, lane) => lane.pods(plan.pods),
    async forget({ pods }, lane) {
      await Promise.all(pods.map((pod) => pod.up()));
      lane.taken = false;
    },
    close: () => Promise.all([...lanes].map((lane) => lane.close())),
  };
}

class Lane {
  taken = false;
  ledger = freshLedger();
  #pods = [];

  constructor(kind, name, json) {
    Object.assign(this, { kind, name, json });
  }

  /** From where on the ledger is the next seed's. */
  mark() {
    return statSync(this.ledger).size;
  }

  async pods(count) {
    while (this.#pods.length < count) {
      const env = { EXECUTIONS: this.ledger, ...(this.json ? { JSON: "1" } : {}) };
      this.#pods.push(new Pod(await this.kind.start({ env })));
    }
    return this.#pods.slice(0, count);
  }

  async close() {
    await Promise.all(this.#pods.map((pod) => pod.close()));
  }
}

class Pod {
  down = false;
  path = "/mcp";
  #server;
  #restarted = Promise.resolve();

  constructor(server) {
    this.#server = server;
    this.port = server.port;
  }

  /** Ends the sessions that were made here. */
  async evict(sessions) {
    const headers = (id) => ({ "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" });
    await Promise.allSettled(sessions.map((id) => fetch(this.#server.url, { method: "DELETE", headers: headers(id) })));
  }

  /** One after the other. */
  restart(ms) {
    this.#restarted = this.#restarted.then(async () => {
      await this.#server.kill();
      await sleep(ms);
      await this.#server.restart();
    });
    return this.#restarted;
  }

  /** Resolves when it listens. */
  async up() {
    await this.#restarted;
  }

  async close() {
    await this.up().catch(() => {});
    await this.#server.kill();
  }
}
