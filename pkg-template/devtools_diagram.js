// The sequence diagram: one list item per message, and all that is known of the chosen one.

import { LANES, whyOf } from "./devtools_rows.js";
import { element } from "./devtools_dom.js";

/** Milliseconds after a gesture in which a scroll is the visitor's. */
const GESTURE = 1_000;
const GESTURES = ["wheel", "touchmove", "pointerdown", "keydown"];

export class Diagram {
  #list = element("ol", { id: "rows", "aria-label": "Messages between page, session and server, oldest first" });
  #empty = element("div", { class: "empty", id: "empty" });
  #scroller;
  #inspect = element("div", { class: "inspect", id: "inspect", role: "group", "aria-label": "The chosen message", tabindex: "0" });
  #recording;
  #rowOf = new WeakMap();
  /** The item of a group that is folded, by group. */
  #folded = new Map();
  #chosen;
  #paused = false;
  #missed = 0;
  #only;
  #following = true;
  #scrolling = false;
  #gestureUntil = 0;
  #top = 0;

  constructor(recording, empty) {
    this.#recording = recording;
    this.#empty.append(empty);
    const label = "Sequence diagram: arrow keys go from message to message";
    this.#scroller = element("div", { class: "scroll", id: "timeline", role: "group", tabindex: "0", "aria-label": label }, this.#list, this.#empty);
    for (const gesture of GESTURES) this.#scroller.addEventListener(gesture, (event) => this.#gesture(event), { passive: true });
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#scroller.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button) this.#unfold(button);
      else this.#choose(target.closest("li"));
    });
    this.#inspectNothing();
  }

  get nodes() {
    return [this.#scroller, this.#inspect];
  }

  get missed() {
    return this.#missed;
  }

  get paused() {
    return this.#paused;
  }

  /** Only this session's messages, and what is of no one session; `undefined`: all. */
  set only(name) {
    this.#only = name;
    this.redraw();
  }

  pause(on) {
    this.#paused = on;
    this.#missed = 0;
    if (!on) this.redraw();
  }

  /** To the end, and along with it from now on. */
  follow() {
    this.#following = true;
    this.#gestureUntil = 0;
    this.#toEnd();
  }

  /** The latest row that `find` says yes to, where it is drawn. */
  choose(find) {
    const items = [...this.#list.children];
    const item = items.findLast((item) => this.#rowOf.has(item) && find(this.#rowOf.get(item)));
    if (!item) return false;
    this.#following = item === items.at(-1);
    this.#choose(item);
    // The page itself stays where it is.
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    const row = item.getBoundingClientRect();
    if (row.top < top || row.bottom > bottom) this.#scroller.scrollTop += row.top - top - 8;
    return true;
  }

  redraw() {
    this.#chosen = undefined;
    this.#top = 0;
    this.#folded.clear();
    this.#list.replaceChildren();
    for (const row of this.#recording.rows) this.#draw(row);
    this.#empty.hidden = this.#list.childElementCount > 0;
    this.#inspectNothing();
    this.#toEnd();
  }

  clear() {
    this.#missed = 0;
    this.#following = true;
    this.redraw();
  }

  add(row, dropped) {
    if (this.#paused) return void (this.#missed += 1);
    if (dropped) this.#drop(dropped);
    this.#draw(row);
    this.#empty.hidden = true;
    this.#toEnd();
  }

  /** A group has ended: its item says so. */
  group(group) {
    const item = this.#folded.get(group);
    if (item) this.#name(item, group);
  }

  #draw(row) {
    if (this.#only !== undefined && row.session !== undefined && row.session !== this.#only) return;
    if (!row.group || row.group.unfolded) return void this.#list.append(this.#itemOf(row));
    const item = this.#folded.get(row.group) ?? this.#groupItem(row.group);
    this.#name(item, row.group);
  }

  #itemOf(row) {
    const item = itemOf(row, this.#only === undefined && this.#recording.sessions.length > 1);
    this.#rowOf.set(item, row);
    return item;
  }

  #groupItem(group) {
    const button = element("button", { type: "button", class: "fold", "aria-expanded": "false" });
    const item = element("li", { class: "event folded", "data-opens": "" }, button);
    this.#folded.set(group, item);
    this.#list.append(item);
    return item;
  }

  #name(item, { title, rows, open }) {
    item.firstElementChild.textContent = `${title}: ${rows} messages${open ? "…" : ", show them"}`;
  }

  #unfold(button) {
    const item = button.parentElement;
    const [group] = [...this.#folded].find(([, folded]) => folded === item) ?? [];
    if (!group) return;
    group.unfolded = true;
    this.#folded.delete(group);
    const items = this.#recording.rows.filter((row) => row.group === group).map((row) => this.#itemOf(row));
    item.replaceWith(...items);
    this.#following = false;
    this.#choose(items[0]);
    this.#scroller.focus();
    items[0]?.scrollIntoView({ block: "nearest" });
  }

  #drop(row) {
    if (row.group && !row.group.unfolded) {
      row.group.rows -= 1;
      const item = this.#folded.get(row.group);
      if (item && row.group.rows === 0) item.remove();
      return;
    }
    const first = this.#list.firstElementChild;
    if (first && this.#rowOf.get(first) === row) first.remove();
  }

  /** Who presses on a row means the row; on the box itself there is its scrollbar. */
  #gesture({ type, target }) {
    if (type !== "pointerdown" || target === this.#scroller) this.#gestureUntil = Date.now() + GESTURE;
  }

  #scrolled() {
    if (this.#look()) this.#gestureUntil = Date.now() + GESTURE;
    else this.#toEnd();
  }

  /**
   * Whether it is the visitor who scrolls: only who scrolls back leaves the end. Rows that come into view change their height,
   * and engines tell of a scroll when they paint.
   */
  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const isBack = scrollTop < this.#top - 1;
    this.#top = scrollTop;
    if (Date.now() > this.#gestureUntil) return false;
    if (scrollHeight - scrollTop - clientHeight < 40) this.#following = true;
    else if (isBack) this.#following = false;
    return true;
  }

  #toEnd() {
    if (this.#scrolling) return;
    this.#scrolling = true;
    setTimeout(() => {
      this.#scrolling = false;
      this.#look();
      if (!this.#following) return;
      const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
      if (scrollHeight - scrollTop - clientHeight > 1) this.#scroller.scrollTop = scrollHeight;
      this.#top = this.#scroller.scrollTop;
    });
  }

  #key(event) {
    if (event.target !== this.#scroller) return;
    const items = [...this.#list.children];
    if (items.length === 0) return;
    const at = this.#chosen ? items.indexOf(this.#chosen) : items.length;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = Math.min(items.length - 1, Math.max(0, to));
    this.#following = next === items.length - 1;
    this.#choose(items[next]);
    this.#chosen.scrollIntoView({ block: "nearest" });
  }

  #choose(item) {
    if (!item) return;
    this.#chosen?.removeAttribute("aria-current");
    this.#chosen = item;
    item.setAttribute("aria-current", "true");
    const row = this.#rowOf.get(item);
    this.#inspect.replaceChildren(...(row ? inspected(row, this.#recording.rows) : [element("p", { class: "inspect-head" }, item.textContent)]));
    this.#inspect.scrollTop = 0;
  }

  #inspectNothing() {
    this.#inspect.replaceChildren(element("p", { class: "hint" }, "Choose a message to see all of it, and why the session took it so."));
  }
}

function itemOf({ lane, text, tag, tone, note, opens, lost, when, session }, isOneOfMany) {
  const item = element("li", { class: "event", "data-lane": lane, "data-tone": tone });
  item.toggleAttribute("data-opens", Boolean(opens));
  item.toggleAttribute("data-lost", Boolean(lost));
  const words = element("span", { class: "words" }, breakable(text));
  if (tag) words.append(" ", element("span", { class: `tag ${tone}` }, tag));
  if (note) words.append(" ", element("span", { class: "note" }, note.replaceAll(" ms", "\u00a0ms")));
  if (isOneOfMany && session) words.append(" ", element("span", { class: "who" }, session));
  const body = element("span", { class: "message" }, element("span", { class: "hidden" }, `${LANES[lane]}: `), words);
  if (lane.includes("-")) body.append(element("span", { class: "arrow", "aria-hidden": "true" }));
  item.append(element("span", { class: "when" }, when), body);
  return item;
}

/** All that is known of a message, why it was taken so, and the other steps of its exchange. */
function inspected(row, rows) {
  const head = element("p", { class: "inspect-head" }, `${LANES[row.lane]}: ${row.text}${row.tag ? `, ${row.tag}` : ""}`);
  const facts = { time: new Date(row.at).toISOString(), session: row.session, note: row.note, ...row.wire, ...row.recovered };
  delete facts.at;
  const list = element("dl", {});
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    list.append(element("div", {}, element("dt", {}, name === "duration" ? "duration, ms" : name), element("dd", {}, shown(value))));
  }
  if (row.wire === undefined) return [head, list];
  const why = element("p", { class: "why" }, whyOf(row.wire));
  const steps = rows.filter(({ wire, session }) => session === row.session && wire?.exchange === row.wire.exchange);
  const told = steps.map(({ when, wire }) => `${wire.phase}${wire.status ? ` ${wire.status}` : ""} ${when}`).join(", then ");
  return [head, why, list, element("p", { class: "hint" }, `The exchange: ${told}.`)];
}

function shown(value) {
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(1);
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

/** Method names are long: they may break after a slash. */
function breakable(text) {
  const node = element("span", { class: "text" });
  for (const part of text.split(/(?<=\/)/)) node.append(part, element("wbr", {}));
  return node;
}
