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
  if (own.has(note?.state)) return undefined;
  storage()?.removeItem(NOTES + key);
  sweep();
  if (!note) return undefined;
  const url = new URL(location.href);
  const isHere = url.searchParams.get("state") === note.state;
  const back = note.url ?? (isHere ? location.href : undefined);
  if (isHere) {
    // The code is used up, and is nobody else's business.
    for (const field of ANSWERS) url.searchParams.delete(field);
    history.replaceState(history.state, "", url);
  }
  return back === undefined ? undefined : [note.pending, back];
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

function sweep() {
  for (const name of names()) {
    const { url, at } = read(name) ?? {};
    const age = Math.abs(Date.now() - at);
    if (!(age < (url === undefined ? UNANSWERED_MS : ANSWERED_MS))) storage().removeItem(name);
  }
}

function names() {
  return Object.keys(storage() ?? {}).filter((name) => name.startsWith(NOTES));
}

/** Whatever else may have been written there is none. */
function read(name) {
  try {
    const note = JSON.parse(storage()?.getItem(name) ?? null);
    const isNote = [note?.state, note?.pending, note?.from].every((text) => typeof text === "string" && text !== "");
    // The page goes back there.
    return isNote && new URL(note.from).origin === location.origin ? note : undefined;
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
