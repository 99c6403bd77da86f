// Events of a session as rows of a sequence diagram. No page is needed for it.

/**
 * What a verdict is called, how it looks, and why it is none other. The meaning is always in the words, never in the colour
 * alone.
 */
const VERDICTS = {
  ok: ["ok", "good", "The server answered it."],
  evicted: ["evicted", "bad", "It says that the session is gone, and says so before anything runs: a new session is made, under which the call can be sent once more."],
  suspect: ["suspect: is it alive?", "warn", "It may mean that the session is gone, or something else: a ping tells which."],
  unknown_outcome: ["outcome unknown", "bad", "It may have run before it was cut off: it is not sent again, unless it is safe to repeat."],
  transient: ["busy", "warn", "The server, or what stands before it, is busy or restarting: the session may live."],
  other_era: ["other protocol version", "warn", "The server speaks another protocol version now: the session is made anew in that one."],
  not_eviction: ["error, session lives", "warn", "A refusal that has nothing to do with the session: whoever asked is told."],
};

/** Refusals that mean something of their own, the first that fits. */
const REFUSALS = [
  // "The server MUST either return Content-Type: text/event-stream … or else HTTP 405" (2025-11-25, transports, Listening 2).
  [({ method, status }) => method === "GET" && status === 405, "no listening stream", "plain", "The server offers no listening stream, as it may: what it would say unasked does not come."],
  // "The server MAY respond to this request with HTTP 405" (the same, Session Management 5).
  [({ method, status }) => method === "DELETE" && status === 405, "not ended by clients", "plain", "The server does not let clients end sessions, as it may."],
  [({ status, verdict }) => status === 401 && verdict === "not_eviction", "wants a token", "warn", "The server wants a token, or another one: where the session can get one, the request is sent again."],
  [({ purpose, status, verdict }) => purpose === "discover" && status < 500 && !["ok", "transient"].includes(verdict), "speaks with sessions", "plain", "The server does not know the question, which is how older revisions answer it: the handshake follows."],
  [({ generation, verdict }) => generation === 0 && verdict !== "ok", "refused", "warn", "There was no session yet that it could be about: the server refused the handshake."],
];

/** Which way a row goes, or where it stands, in words. */
export const LANES = {
  "page-session": "Page to session",
  "session-page": "Session to page",
  "session-server": "Session to server",
  "server-session": "Server to session",
  page: "Page",
  session: "Session",
  server: "Server",
};

/** The row of a `wire` event. */
export function wireRow(event) {
  const { phase, at } = event;
  const what = event.rpcMethod ?? event.purpose;
  if (phase === "sent") {
    const notes = [];
    if (event.generation > 0 && event.purpose !== "initialize") notes.push(`session ${event.generation}`);
    if (event.attempt > 1) notes.push(event.purpose === "call" ? "sent once more" : `attempt ${event.attempt}`);
    return { lane: "session-server", at, text: `${event.method} ${what}`, note: notes.join(", ") || undefined, wire: event };
  }
  const row = { lane: "server-session", at, note: inMs(event.duration), wire: event };
  if (phase === "answered") {
    const [tag, tone] = verdictOf(event);
    return { ...row, text: `${event.status} ${what}`, tag, tone };
  }
  return { ...row, text: what, tag: phase === "aborted" ? "given up" : "no answer", tone: phase === "aborted" ? "warn" : "bad", lost: true };
}

/** `[tag, tone, why]` of an answer. */
function verdictOf(event) {
  const [, ...known] = REFUSALS.find(([fits]) => fits(event)) ?? [];
  if (known.length > 0) return known;
  return VERDICTS[event.verdict] ?? ["refused", "warn", "What it means is not known to these tools."];
}

/** Why the session takes this step of an exchange as it does, in a sentence. */
export function whyOf(event) {
  switch (event.phase) {
    case "sent":
      return whySent(event);
    case "answered":
      return verdictOf(event)[2];
    case "aborted":
      return "Nobody waits for it any more: who asked gave it up, or the session ended it.";
    default:
      return "It broke below HTTP: the network, the server's end, or CORS. A page cannot tell these apart.";
  }
}

function whySent({ purpose, attempt, generation }) {
  if (purpose === "call" && attempt > 1) return `The same call once more, under session ${generation}: the refusal proved that it had not run.`;
  const told = {
    discover: "What does the server speak?",
    initialize: "The handshake that makes a session.",
    initialized: "The end of the handshake.",
    call: "What the page asked for.",
    notification: "What the page told the server.",
    ping: "Is the session alive?",
    restore: "Puts back what the session before this one held.",
    listen: "Opens the stream on which the server speaks unasked.",
    cancelled: "Tells the server that nobody waits for a request any more.",
    answer: "The answer to a question of the server's.",
    delete: "Ends the session on the server.",
  };
  return told[purpose] ?? "";
}

export function recoveringRow({ reason }) {
  return { lane: "session", text: "recovering:", tone: "warn", note: reason };
}

export function recoveredRow({ duration, retried, restored, lost }) {
  const notes = [`in ${inMs(duration)}`, retried === 1 ? "1 call sent once more" : `${retried} calls sent once more`];
  if (restored.length > 0) notes.push(`restored: ${restored.join(", ")}`);
  if (lost.length > 0) notes.push(`lost: ${lost.join(", ")}`);
  return { lane: "session", text: "recovered", tone: lost.length > 0 ? "warn" : "good", note: notes.join(", ") };
}

export function warningRow({ kind, hint }) {
  return { lane: "session", text: `${kind}:`, tone: "warn", note: hint };
}

export function closeRow({ reason }) {
  return { lane: "session", text: "closed:", tone: "plain", note: reason };
}

/** The row of a status that waits; `undefined` for any other. */
export function waitingRow({ state, waitingFor }) {
  if (state !== "waiting" || !waitingFor) return undefined;
  const next = waitingFor.until === undefined ? "" : `, next try in ${inSeconds(waitingFor.until - Date.now())}`;
  return { lane: "session", text: "waiting:", tone: "warn", note: `${waitingFor.why}${next}` };
}

export function logRow({ level, logger, data }) {
  return { lane: "server-session", text: `log ${level}`, tone: "plain", note: `${logger ? `${logger}: ` : ""}${typeof data === "string" ? data : JSON.stringify(data)}`, foreign: true };
}

function inMs(duration) {
  return duration === undefined ? undefined : `${Math.round(duration)} ms`;
}

/** Whole seconds to come, at least one. */
export function inSeconds(ms) {
  return `${Math.max(1, Math.ceil(ms / 1000))} s`;
}
