// What a page leaves in sessionStorage when it goes to an authorization server, for the page that the user comes back to:
// `{ state, pending, from, at }`, and `url` once there is an answer. It holds secrets, and stays no longer than it is of use.

const NOTES = "mcp-evergreen:pending:";

/** What an authorization server adds to the address to which it sends the user back. */
const ANSWERS = ["code", "state", "iss", "error", "error_description", "error_uri", "session_state"];

/** Milliseconds after which nobody comes back for it: the user has so long, and a code lives ten minutes at most (RFC 6749, 4.1.2). */
const UNANSWERED_MS = 3_600_000;
const ANSWERED_MS = 600_000;

/** The states of the notes that this page has left: it has not been away yet. */
const own = new Set();

/** The times at which pages of this tab were left, by what for: nobody signs in so often in a minute. */
const LEFT = "mcp-evergreen:left:";
const LEFT_MS = 60_000;
const MAX_LEFT = 5;

export function leaveNote(key, { state, pending }) {
  sweep();
  const times = leftAt(key);
  if (times.length >= MAX_LEFT) throw new DOMException("The page has been left for this again and again.", "ConstraintError");
  sessionStorage.setItem(LEFT + key, JSON.stringify([...times, Date.now()]));
  own.add(state);
  sessionStorage.setItem(NOTES + key, JSON.stringify({ state, pending, from: location.href, at: Date.now() }));
}

/** Of this state, or of any. */
export function forgetNote(key, state) {
  const note = read(NOTES + key);
  if (note && (state === undefined || note.state === state)) storage().removeItem(NOTES + key);
}

/**
 * `[pending, url]` where the user has come back from what was begun for `key`, to this page or to a callback page. A user
 * who has come back without an answer has given it up.
 */
export function takeNote(key) {
  const note = read(NOTES + key);
  if (!note) {
    storage()?.removeItem(NOTES + key);
    sweep();
    return undefined;
  }
  const params = new URLSearchParams(location.search);
  const isHere = params.get("state") === note.state;
  // An authorization server of this origin may be asking the user just now.
  if (own.has(note.state) || (isHere && !isAuthorizationResponse(params))) return undefined;
  storage().removeItem(NOTES + key);
  sweep();
  const back = note.url ?? (isHere ? location.href : undefined);
  // The code is used up, and is nobody else's business.
  if (isHere) forgetResponse();
  return back === undefined ? undefined : [note.pending, back];
}

/** Whether an authorization server may have sent these (RFC 6749, 4.1.2). */
export function isAuthorizationResponse(params) {
  return params.has("code") || params.has("error");
}

/** Takes it out of this page's address. */
export function forgetResponse() {
  const url = new URL(location.href);
  for (const field of ANSWERS) url.searchParams.delete(field);
  history.replaceState(history.state, "", url);
}

/** Keeps the answer for the page that left the note; gives the address of that page, if there is one. */
export function answerNote(state, url) {
  const name = names().find((name) => read(name)?.state === state);
  const note = name && read(name);
  if (note) sessionStorage.setItem(name, JSON.stringify({ ...note, url, at: Date.now() }));
  sweep();
  return note?.from;
}

function leftAt(key) {
  try {
    const times = JSON.parse(storage()?.getItem(LEFT + key) ?? "[]");
    return times.filter((at) => Math.abs(Date.now() - at) < LEFT_MS);
  } catch {
    return [];
  }
}

/** What nobody takes goes when its time is over, and at once what a user has come back to without an answer. */
export function keepNotesShort() {
  if (storage() === undefined) return;
  const params = new URLSearchParams(location.search);
  for (const name of names()) {
    const note = read(name);
    const isLeft = note?.url === undefined && note?.from === location.href && !own.has(note.state);
    if (isLeft && params.get("state") !== note.state) storage().removeItem(name);
  }
  sweep();
}

/** Milliseconds that a note may stay; no number where it is none. */
function stays(note) {
  const age = Math.abs(Date.now() - note?.at);
  return (note?.url === undefined ? UNANSWERED_MS : ANSWERED_MS) - age;
}

let next;

function sweep() {
  clearTimeout(next);
  let soon = Infinity;
  for (const name of names()) {
    const ms = stays(read(name));
    if (ms > 0) soon = Math.min(soon, ms);
    else storage().removeItem(name);
  }
  for (const name of names(LEFT)) {
    const ms = Math.max(...leftAt(name.slice(LEFT.length))) + LEFT_MS - Date.now();
    if (ms > 0) soon = Math.min(soon, ms);
    else storage().removeItem(name);
  }
  if (soon < Infinity) next = setTimeout(sweep, soon);
}

function names(kind = NOTES) {
  return Object.keys(storage() ?? {}).filter((name) => name.startsWith(kind));
}

/** Whatever else may have been written there is none. */
function read(name) {
  try {
    const note = JSON.parse(storage()?.getItem(name) ?? null);
    const isNote = [note?.state, note?.pending, note?.from].every((text) => typeof text === "string" && text !== "");
    if (!isNote) return undefined;
    // The page goes back there: an address of a script's, or of another origin, is none.
    const { protocol, origin } = new URL(note.from);
    return /^https?:$/.test(protocol) && origin === location.origin ? note : undefined;
  } catch {
    return undefined;
  }
}

/** Workers have none, and a page in a sandbox may not look. */
function storage() {
  try {
    return globalThis.document === undefined ? undefined : sessionStorage;
  } catch {
    return undefined;
  }
}
