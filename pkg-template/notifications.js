// Notifications of the server's that have an event of their own.

import { URL_ELICITATION_REQUIRED } from "./error.js";

const LISTS = {
  "notifications/tools/list_changed": "toolschange",
  "notifications/resources/list_changed": "resourceschange",
  "notifications/prompts/list_changed": "promptschange",
};

/** URL elicitations whose end is of interest: the oldest are forgotten. */
const MAX_AWAITED = 1_000;

/** The events that follow from this one, as `[name, detail]`. */
export function derived(event, { method, params }, awaited) {
  if (event !== "notification") return [];
  if (Object.hasOwn(LISTS, method)) return [[LISTS[method], {}]];
  switch (method) {
    case "notifications/resources/updated":
      return typeof params?.uri === "string" ? [["resourceupdate", { uri: params.uri }]] : [];
    case "notifications/message":
      return typeof params?.level === "string" ? [["log", { level: params.level, logger: params.logger, data: params.data }]] : [];
    case "notifications/elicitation/complete": {
      // "Clients MUST ignore notifications referencing unknown or already-completed IDs" (Elicitation, Completion
      // Notifications for URL Mode Elicitation).
      const { elicitationId } = params ?? {};
      return awaited.take(elicitationId) ? [["elicitationcomplete", { elicitationId }]] : [];
    }
    default:
      return [];
  }
}

/** The URL elicitations that the server has named and not told to be complete. */
export class AwaitedElicitations {
  #ids = new Set();

  add(id) {
    if (typeof id !== "string") return;
    this.#ids.add(id);
    if (this.#ids.size > MAX_AWAITED) this.#ids.delete(this.#ids.values().next().value);
  }

  /** Those that an error of a call names. */
  addFrom({ rpcCode, data }) {
    if (rpcCode !== URL_ELICITATION_REQUIRED || !Array.isArray(data?.elicitations)) return;
    for (const elicitation of data.elicitations) this.add(elicitation?.elicitationId);
  }

  /** Whether it was among them; from now on it is not. */
  take(id) {
    return this.#ids.delete(id);
  }
}
