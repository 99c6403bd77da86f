// The time line: a sequence diagram of three lanes (page, session, server), one list item per message.

const MAX_ROWS = 400;

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
 * @param {HTMLOListElement} rows
 * @param {HTMLElement} scroller
 * @param {HTMLElement} empty shown while there are no rows
 */
export function timeline(rows, scroller, empty) {
  let start;
  let latest;

  /**
   * Adds one row.
   * @param {object} row
   * @param {keyof LANES} row.lane  which way a message goes, or where a note stands
   * @param {string} row.text       what was said
   * @param {string} [row.tag]      the verdict, in words
   * @param {"good"|"bad"|"warn"|"plain"} [row.tone]
   * @param {string} [row.note]     small print: session, attempt, time taken
   * @param {boolean} [row.opens]   the offsets that follow count from here
   * @param {boolean} [row.lost]    the message did not arrive
   * @param {number} [row.at]       ms since epoch; a note on the session belongs to the message before it
   */
  function add({ lane, text, tag, tone = "plain", note, opens, lost, at }) {
    at ??= (lane === "session" && latest) || Date.now();
    latest = at;
    const stick = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    if (opens || start === undefined) start = at;

    const item = element("li", "event");
    item.dataset.lane = lane;
    item.dataset.tone = tone;
    if (opens) item.dataset.opens = "";
    if (lost) item.dataset.lost = "";
    item.append(element("span", "when", opens ? clock(at) : `+${Math.max(0, Math.round(at - start))} ms`));

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

    empty.hidden = true;
    rows.append(item);
    while (rows.childElementCount > MAX_ROWS) rows.firstElementChild.remove();
    if (stick) scroller.scrollTop = scroller.scrollHeight;
  }

  /** Draws one `wire` event. */
  function wire(event) {
    const { phase, at } = event;
    const what = event.rpcMethod ?? event.purpose;
    if (phase === "sent") {
      const notes = [];
      if (event.purpose !== "initialize") notes.push(`session ${event.generation}`);
      if (event.attempt > 1) notes.push(event.purpose === "call" ? "sent once more" : `attempt ${event.attempt}`);
      add({ lane: "session-server", at, text: `${event.method} ${what}`, note: notes.join(", ") });
    } else if (phase === "answered") {
      const refused = event.generation === 0 && event.verdict !== "ok";
      const [tag, tone] = (!refused && VERDICTS[event.verdict]) || ["refused", "warn"];
      add({ lane: "server-session", at, text: `${event.status} ${what}`, tag, tone, note: took(event.duration) });
    } else {
      const tag = phase === "aborted" ? "given up" : "no answer";
      add({ lane: "server-session", at, text: what, tag, tone: "bad", note: took(event.duration), lost: true });
    }
  }

  function clear() {
    rows.replaceChildren();
    start = latest = undefined;
    empty.hidden = false;
  }

  return { add, wire, clear };
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
