// The sequence diagram: page, session and server, one list item per message.

const MAX_ROWS = 3000;

/** What a verdict is called, and how it looks. Meaning is always in the words, never in the colour alone. */
const VERDICTS = {
  ok: ["ok", "good"],
  evicted: ["evicted", "bad"],
  suspect: ["suspect: is it alive?", "warn"],
  unknown_outcome: ["outcome unknown", "bad"],
  transient: ["busy", "warn"],
  other_era: ["other protocol version", "warn"],
  not_eviction: ["error, session lives", "warn"],
};

const LANES = {
  "page-session": "Page to session",
  "session-page": "Session to page",
  "session-server": "Session to server",
  "server-session": "Server to session",
  page: "Page",
  session: "Session",
  server: "Server",
};

/**
 * @typedef {object} Row
 * @property {keyof LANES} lane  which way a message goes, or where a note stands
 * @property {string} text       what was said
 * @property {string} [tag]      the verdict, in words
 * @property {"good"|"bad"|"warn"|"plain"} tone
 * @property {string} [note]     small print: session, attempt, time taken
 * @property {boolean} [opens]   the offsets that follow count from here
 * @property {boolean} [lost]    the message did not arrive
 * @property {number} at         milliseconds since the epoch
 * @property {string} when       the same for people, from the row that opens
 * @property {object} [wire]     the event that it was drawn from
 */

/** @param {(id: string) => HTMLElement} byId */
export function timeline(byId) {
  const list = byId("rows");
  const scroller = byId("timeline");
  /** @type {Row[]} */
  let rows = [];
  let held = [];
  let paused = false;
  let chosen;
  let start;
  let latest;
  let atEnd = true;
  let scrolling = false;

  let top = 0;
  // Rows that come into view change their height: only who scrolls back leaves the end.
  scroller.addEventListener("scroll", () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    if (scrollHeight - scrollTop - clientHeight < 40) atEnd = true;
    else if (scrollTop < top - 1) atEnd = false;
    top = scrollTop;
  }, { passive: true });
  list.addEventListener("click", ({ target }) => choose(target.closest("li")));
  scroller.addEventListener("keydown", (event) => {
    const items = list.children;
    if (items.length === 0) return;
    const at = chosen ? [...items].indexOf(chosen) : items.length;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(items[Math.min(items.length - 1, Math.max(0, to))]);
    chosen.scrollIntoView({ block: "nearest" });
  });

  /** Adds one row. @param {Partial<Row>} row */
  function add({ at, ...row }) {
    // A note on the session belongs to the message before it.
    at ??= (row.lane === "session" && latest) || Date.now();
    latest = at;
    if (row.opens || start === undefined) start = at;
    const when = row.opens ? clock(at) : `+${Math.max(0, Math.round(at - start))} ms`;
    const whole = { tone: "plain", ...row, at, when };
    if (!paused) return draw(whole);
    held.push(whole);
    if (held.length > MAX_ROWS) held.shift();
    byId("pause").textContent = `Resume (${held.length})`;
  }

  function draw(row) {
    rows.push(row);
    byId("empty").hidden = true;
    list.append(itemOf(row));
    if (rows.length > MAX_ROWS) {
      rows.shift();
      list.firstElementChild.remove();
    }
    if (!atEnd || scrolling) return;
    scrolling = true;
    setTimeout(() => {
      scrolling = false;
      if (atEnd) scroller.scrollTop = scroller.scrollHeight;
    });
  }

  /** Draws one `wire` event. */
  function wire(event) {
    const { phase, at } = event;
    const what = event.rpcMethod ?? event.purpose;
    if (phase === "sent") {
      const notes = [];
      if (event.purpose !== "initialize") notes.push(`session ${event.generation}`);
      if (event.attempt > 1) notes.push(event.purpose === "call" ? "sent once more" : `attempt ${event.attempt}`);
      add({ lane: "session-server", at, text: `${event.method} ${what}`, note: notes.join(", "), wire: event });
    } else if (phase === "answered") {
      const refused = event.generation === 0 && event.verdict !== "ok";
      const [tag, tone] = (!refused && VERDICTS[event.verdict]) || ["refused", "warn"];
      add({ lane: "server-session", at, text: `${event.status} ${what}`, tag, tone, note: took(event.duration), wire: event });
    } else {
      const tag = phase === "aborted" ? "given up" : "no answer";
      add({ lane: "server-session", at, text: what, tag, tone: "bad", note: took(event.duration), lost: true, wire: event });
    }
  }

  function choose(item) {
    if (!item) return;
    chosen?.removeAttribute("aria-current");
    chosen = item;
    chosen.setAttribute("aria-current", "true");
    const row = rows[[...list.children].indexOf(item)];
    byId("inspect").replaceChildren(...inspected(row, rows));
  }

  function pause(on) {
    paused = on;
    byId("pause").setAttribute("aria-pressed", String(on));
    byId("pause").textContent = on ? "Resume" : "Pause";
    if (on) return;
    held.forEach(draw);
    held = [];
  }

  function clear() {
    list.replaceChildren();
    rows = [];
    held = [];
    chosen = start = latest = undefined;
    atEnd = true;
    byId("empty").hidden = false;
    byId("inspect").replaceChildren(element("p", "hint", "Choose a message to see all of it."));
    if (paused) pause(true);
  }

  return { add, wire, clear, pause, get rows() { return rows; }, get paused() { return paused; } };
}

function itemOf({ lane, text, tag, tone, note, opens, lost, when }) {
  const item = element("li", "event");
  item.dataset.lane = lane;
  item.dataset.tone = tone;
  if (opens) item.dataset.opens = "";
  if (lost) item.dataset.lost = "";
  item.append(element("span", "when", when));

  const body = element("span", "message");
  body.append(element("span", "hidden", `${LANES[lane]}: `));
  const words = element("span", "words");
  words.append(breakable(text));
  if (tag) words.append(" ", element("span", `tag ${tone}`, tag));
  if (note) words.append(" ", element("span", "note", note.replaceAll(" ms", "\u00a0ms")));
  body.append(words);
  if (lane.includes("-")) {
    const arrow = element("span", "arrow");
    arrow.setAttribute("aria-hidden", "true");
    body.append(arrow);
  }
  item.append(body);
  return item;
}

/** All that is known of a message, and the other steps of its exchange. */
function inspected(row, rows) {
  const head = element("p", "inspect-head", `${LANES[row.lane]}: ${row.text}${row.tag ? `, ${row.tag}` : ""}`);
  const facts = { time: new Date(row.at).toISOString(), ...(row.note && { note: row.note }), ...row.wire };
  delete facts.at;
  const list = element("dl");
  for (const [name, value] of Object.entries(facts)) {
    const pair = element("div");
    const text = typeof value === "number" && !Number.isInteger(value) ? value.toFixed(1) : String(value);
    pair.append(element("dt", "", name === "duration" ? "duration, ms" : name), element("dd", "", text));
    list.append(pair);
  }
  if (row.wire === undefined) return [head, list];
  const steps = rows.filter(({ wire }) => wire?.exchange === row.wire.exchange);
  const told = steps.map(({ when, wire }) => `${wire.phase}${wire.status ? ` ${wire.status}` : ""} ${when}`).join(", then ");
  return [head, list, element("p", "hint", `The exchange: ${told}.`)];
}

function took(duration) {
  return duration === undefined ? undefined : `${Math.round(duration)} ms`;
}

function clock(at) {
  return new Date(at).toLocaleTimeString("en-GB");
}

/** Method names are long: they may break after a slash. */
function breakable(text) {
  const node = element("span", "text");
  for (const part of text.split(/(?<=\/)/)) node.append(part, element("wbr"));
  return node;
}

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}
