// The sessions with their lights: what each says of itself, and how long ago its server last proved it.

import { element } from "./devtools_dom.js";
import { stateOf } from "./devtools_recording.js";
import { inSeconds } from "./devtools_rows.js";

export class Sessions {
  #list = element("ul", { class: "sessions", "aria-label": "Sessions" });
  #recording;
  #onOnly;
  /** `{ item, parts }` by name. */
  #items = new Map();
  #only;

  constructor(recording, onOnly) {
    this.#recording = recording;
    this.#onOnly = onOnly;
  }

  get node() {
    return this.#list;
  }

  redraw() {
    const sessions = this.#recording.sessions;
    const names = new Set(sessions.map(({ name }) => name));
    for (const [name, { item }] of this.#items) {
      if (names.has(name)) continue;
      item.remove();
      this.#items.delete(name);
      if (this.#only === name) this.#choose(undefined);
    }
    for (const { name } of sessions) if (!this.#items.has(name)) this.#items.set(name, this.#made(name));
    for (const { parts } of this.#items.values()) parts.only.hidden = sessions.length < 2;
    if (sessions.length === 0) this.#list.replaceChildren(element("li", { class: "none", "data-state": "none" }, lamp(), "No session yet."));
    else this.#list.querySelector(".none")?.remove();
    this.tick();
  }

  /** What depends on the time. */
  tick() {
    for (const session of this.#recording.sessions) {
      const made = this.#items.get(session.name);
      if (!made) continue;
      const { status } = session;
      const state = stateOf(session);
      made.item.dataset.state = state;
      put(made.parts.state, state);
      put(made.parts.verified, proof(status));
      put(made.parts.generation, String(status.generation));
      put(made.parts.recoveries, String(status.recoveries));
      put(made.parts.about, about(session));
    }
  }

  #made(name) {
    const part = (tag, className) => element(tag, { class: className });
    const parts = { state: part("strong", "state"), verified: part("dd", "verified"), generation: part("dd", "generation"), recoveries: part("dd", "recoveries"), about: part("p", "about") };
    parts.only = element("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Only this", element("span", { class: "hidden" }, `: ${name}`));
    parts.only.addEventListener("click", () => this.#choose(this.#only === name ? undefined : name));
    const fact = (words, node) => element("div", {}, element("dt", {}, words), node);
    const facts = element("dl", {}, fact("Last proof of life", parts.verified), fact("Session", parts.generation), fact("Recoveries", parts.recoveries));
    const light = element("div", { class: "light" }, lamp(), element("span", { class: "name" }, name), parts.state);
    const item = element("li", { "data-session": name }, light, facts, parts.only, parts.about);
    this.#list.append(item);
    return { item, parts };
  }

  #choose(name) {
    this.#only = name;
    for (const [other, { parts }] of this.#items) parts.only.setAttribute("aria-pressed", String(other === name));
    this.#onOnly(name);
  }
}

const lamp = () => element("span", { class: "lamp", "aria-hidden": "true" });

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function about({ status, ended }) {
  if (ended !== undefined) return `Closed: ${ended}.`;
  if (status.waitingFor) {
    const { why, until } = status.waitingFor;
    return until === undefined ? `Waiting: ${why}.` : `Waiting: ${why}. Next try in ${inSeconds(until - Date.now())}.`;
  }
  if (!status.serverInfo) return status.state === "connecting" ? "Shaking hands…" : "";
  const { name, version } = status.serverInfo;
  return `${name} ${version ?? ""} · MCP ${status.protocolVersion ?? "?"}`;
}

/** When the server last answered. */
function proof({ verifiedAt }) {
  if (verifiedAt === undefined) return "–";
  const whole = Math.max(0, Math.floor((Date.now() - verifiedAt) / 1000));
  if (whole < 60) return `${whole} s ago`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s ago`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min ago`;
}
