// <mcp-evergreen-devtools>: what sessions do, drawn in the page while one develops; and the same as text without a page.

import { Diagram } from "./devtools_diagram.js";
import { element, save, whileBusy } from "./devtools_dom.js";
import { Recording } from "./devtools_recording.js";
import { whyOf } from "./devtools_rows.js";
import { Sessions } from "./devtools_sessions.js";
import { styles } from "./devtools_style.js";
import { diagramSvg } from "./devtools_svg.js";

export { Recording, whyOf };

/** Where there are no pages, the rest of the module is of use all the same. */
const Base = globalThis.HTMLElement ?? class {};
const NAME = "mcp-evergreen-devtools";
const TICK = 250;

export class McpEvergreenDevtools extends Base {
  #recording = new Recording();
  /** What is listened to while the element is in the page. */
  #watched = new Map();
  #actions = [];
  #sessions;
  #diagram;
  #buttons;
  #broken;
  #said;
  #ticking;
  #unobserve;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles()];
    this.#diagram = new Diagram(this.#recording, emptySlot());
    this.#sessions = new Sessions(this.#recording, (name) => (this.#diagram.only = name));
    this.#broken = element("div", { class: "broken", role: "group", "aria-label": "Break it", hidden: "" });
    this.#said = element("p", { class: "said", role: "status" });
    this.#buttons = this.#tools();
    const heading = element("h2", { class: "heading" }, "On the wire");
    const head = element("div", { class: "wire-head" }, heading, element("div", { class: "tools" }, ...Object.values(this.#buttons)));
    const lanes = element("div", { class: "lanes", "aria-hidden": "true" }, ...["Page", "Session", "Server"].map((name) => element("span", {}, name)));
    root.append(element("div", { class: "root" }, this.#sessions.node, this.#broken, head, this.#said, lanes, ...this.#diagram.nodes));
    // Set on the tag before the browser knew it.
    for (const name of ["actions", "redact"]) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  get recording() {
    return this.#recording;
  }

  get redact() {
    return !this.hasAttribute("whole");
  }

  set redact(on) {
    this.toggleAttribute("whole", !on);
  }

  get actions() {
    return this.#actions;
  }

  set actions(actions) {
    const all = [...(actions ?? [])];
    for (const { label, run } of all) {
      if (typeof label !== "string" || typeof run !== "function") throw new TypeError("actions: expected { label, run } of each");
    }
    this.#actions = all;
    this.#broken.replaceChildren(...all.map((action) => this.#actionButton(action)));
    this.#broken.hidden = all.length === 0;
  }

  watch(source, options) {
    const stop = this.#recording.watch(source, options);
    const entry = { options, stop };
    this.#watched.set(source, entry);
    return () => {
      entry.stop();
      if (this.#watched.get(source) === entry) this.#watched.delete(source);
    };
  }

  listeners(name, options) {
    return this.#recording.listeners(name, options);
  }

  note(row) {
    this.#recording.note(row);
  }

  group(title) {
    return this.#recording.group(title);
  }

  follow() {
    this.#diagram.follow();
  }

  choose(find) {
    return this.#diagram.choose(find);
  }

  clear() {
    this.#recording.clear();
  }

  report(options = { redact: this.redact }) {
    return this.#recording.report(options);
  }

  toText(options = { redact: this.redact }) {
    return this.#recording.toText(options);
  }

  connectedCallback() {
    for (const [source, entry] of this.#watched) entry.stop = this.#recording.watch(source, entry.options);
    this.#unobserve ??= this.#recording.observe((change) => this.#changed(change));
    this.#ticking ??= setInterval(() => this.#sessions.tick(), TICK);
    this.#sessions.redraw();
    this.#diagram.redraw();
  }

  /** Out of the page it listens to nothing; what was given to `connect` goes on filling the recording. */
  disconnectedCallback() {
    // Moved within the page, it is back at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      clearInterval(this.#ticking);
      this.#unobserve?.();
      this.#ticking = this.#unobserve = undefined;
      for (const { stop } of this.#watched.values()) stop();
    });
  }

  #changed({ row, dropped, sessions, group, cleared }) {
    if (row) this.#diagram.add(row, dropped);
    if (group) this.#diagram.group(group);
    if (sessions) this.#sessions.redraw();
    if (cleared) this.#diagram.clear();
    this.#namePause();
  }

  #tools() {
    const button = (id, words, press) => {
      const made = element("button", { type: "button", class: "quiet", id }, words);
      made.addEventListener("click", press);
      return made;
    };
    const pause = button("pause", "Pause", () => {
      this.#diagram.pause(!this.#diagram.paused);
      pause.setAttribute("aria-pressed", String(this.#diagram.paused));
      this.#namePause();
    });
    pause.setAttribute("aria-pressed", "false");
    return {
      pause,
      copy: button("copy", "Copy report", () => this.#copy()),
      json: button("save-json", "Save report", () => save("mcp-evergreen.json", "application/json", JSON.stringify(this.report(), null, 2))),
      svg: button("save-svg", "Save picture", () =>
        save("mcp-evergreen.svg", "image/svg+xml", diagramSvg(this.#recording.rowsFor({ redact: this.redact }), "mcp-evergreen on the wire")),
      ),
      clear: button("clear", "Clear", () => this.clear()),
    };
  }

  #namePause() {
    const { paused, missed } = this.#diagram;
    this.#buttons.pause.textContent = paused ? (missed > 0 ? `Resume (${missed})` : "Resume") : "Pause";
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.toText());
      this.#said.textContent = this.redact ? "Copied, without addresses and words of the servers." : "Copied.";
    } catch {
      this.#said.textContent = "This page may not write to the clipboard: save the report instead.";
    }
  }

  #actionButton({ label, title, run }) {
    const button = element("button", { type: "button", title }, label);
    button.addEventListener("click", () =>
      whileBusy(button, async () => {
        this.note({ lane: "server", text: label, tone: "warn", opens: true });
        try {
          await run();
        } catch (error) {
          this.note({ lane: "server", text: `${label}: ${error?.message ?? error}`, tone: "bad" });
        }
      }),
    );
    return button;
  }
}

function emptySlot() {
  const slot = element("slot", { name: "empty" });
  slot.append(element("p", {}, "Every message is drawn here as it happens."));
  return slot;
}

if (globalThis.customElements && !customElements.get(NAME)) customElements.define(NAME, McpEvergreenDevtools);
