// What sessions tell of themselves, kept for whoever looks: in a page or without one.

import { LANES, closeRow, logRow, recoveredRow, recoveringRow, waitingRow, warningRow, whyOf, wireRow } from "./devtools_rows.js";
import { boolean, check, text } from "./checks.js";
import { version } from "./version.js";

const MAX_ROWS = 3000;

const RECORDING = {
  limit: (name, value) => {
    if (!(Number.isInteger(value) && value > 0)) throw new TypeError(`${name}: expected a number of rows, 1 or more`);
    return value;
  },
  log: boolean,
};
const WATCH = { name: text, log: boolean };
const LISTENERS = { log: boolean };
const REPORT = { redact: boolean };

export class Recording {
  #rows = [];
  /** `{ name, status, ended }` by name. */
  #sessions = new Map();
  /** What sessions without a name are called, for good. */
  #names = new WeakMap();
  /** What stops listening, by what is watched. */
  #watched = new Map();
  #observers = new Set();
  #limit;
  #log;
  #serial = 0;
  #group;
  /** When the latest row happened, and the one from which the offsets count. */
  #latest;
  #start;

  constructor(options) {
    const { limit = MAX_ROWS, log = false } = check("", options, RECORDING);
    this.#limit = limit;
    this.#log = log;
  }

  get rows() {
    return this.#rows;
  }

  get sessions() {
    return [...this.#sessions.values()];
  }

  watch(source, options) {
    const { name, log = this.#log } = check("", options, WATCH);
    const open = openIn(source);
    if (open) {
      const stops = open.map(([server, session]) => this.watch(session, { name: server ?? name, log }));
      return () => stops.forEach((stop) => stop());
    }
    if (typeof source?.on !== "function") throw new TypeError("watch: expected a Session, a SessionManager, or what useMcp or useMcpServers gives");
    this.#watched.get(source)?.();
    const isManager = typeof source.statuses === "function";
    const own = isManager ? undefined : (name ?? this.#nameFor(source));
    const stops = Object.entries(this.#listeners(log)).map(([event, listener]) =>
      source.on(event, (detail, server) => listener(detail, own ?? server)),
    );
    const statuses = isManager ? source.statuses() : [[own, source.status]];
    for (const [name, status] of statuses) this.#status(name, status);
    const stop = () => {
      for (const off of stops.splice(0)) off();
      if (this.#watched.get(source) === stop) this.#watched.delete(source);
    };
    this.#watched.set(source, stop);
    return stop;
  }

  listeners(name, options) {
    const { log = this.#log } = check("", options, LISTENERS);
    if (typeof name !== "string" || name === "") throw new TypeError("name: expected what the session is called");
    const all = Object.entries(this.#listeners(log));
    return Object.fromEntries(all.map(([event, listener]) => [event, (detail) => listener(detail, name)]));
  }

  stop() {
    for (const stop of [...this.#watched.values()]) stop();
  }

  note({ at, session, ...row } = {}) {
    if (!Object.hasOwn(LANES, row.lane)) throw new TypeError(`lane: expected one of ${Object.keys(LANES).join(", ")}`);
    if (typeof row.text !== "string") throw new TypeError("text: expected a string");
    this.#add({ ...row, at, session, host: true });
  }

  group(title) {
    const group = { id: ++this.#serial, title: String(title), rows: 0, open: true };
    this.#group = group;
    return () => {
      group.open = false;
      if (this.#group === group) this.#group = undefined;
      this.#tell({ group });
    };
  }

  forget(name) {
    if (this.#sessions.delete(name)) this.#tell({ sessions: true });
  }

  clear() {
    this.#rows = [];
    this.#start = this.#latest = undefined;
    this.#tell({ cleared: true });
  }

  /** Calls the observer with what has changed: `{ row, dropped }`, `{ sessions }`, `{ group }` or `{ cleared }`. */
  observe(observer) {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  report(options) {
    const { redact = true } = check("", options, REPORT);
    return {
      made: new Date().toISOString(),
      package: `mcp-evergreen ${version}`,
      redacted: redact,
      sessions: this.sessions.map((session) => reportedSession(session, redact)),
      messages: this.rowsFor({ redact }).map(reportedRow),
    };
  }

  /** The rows as they may be shown to others. */
  rowsFor(options) {
    const { redact = true } = check("", options, REPORT);
    return redact ? this.#rows.filter(({ foreign }) => !foreign).map(redactedRow) : [...this.#rows];
  }

  toText(options) {
    const { made, package: name, redacted, sessions, messages } = this.report(options);
    return [
      `${name}, ${made}${redacted ? "; without addresses, names and words of the servers" : ""}`,
      "",
      "Sessions",
      ...(sessions.length > 0 ? sessions.map(sessionText) : ["  none"]),
      "",
      "Messages",
      ...(messages.length > 0 ? messages.flatMap((message) => messageText(message, sessions.length > 1)) : ["  none"]),
      "",
    ].join("\n");
  }

  /**
   * Nothing but what a session tells of itself, unless `log` is wanted: a listener for what the server says unasked would open
   * a stream, and the session would behave otherwise than unwatched.
   */
  #listeners(log) {
    const add = (rowOf) => (detail, session) => this.#add({ ...rowOf(detail), session });
    return {
      wire: add(wireRow),
      recovering: add(recoveringRow),
      recovered: (detail, session) => this.#add({ ...recoveredRow(detail), session, recovered: detail }),
      warning: (detail, session) => this.#add({ ...warningRow(detail), session, warning: detail }),
      statechange: (status, session) => this.#status(session, status),
      close: (detail, session) => this.#closed(session, detail),
      ...(log && { log: add(logRow) }),
    };
  }

  #status(name, status) {
    if (!status) return;
    const before = this.#sessions.get(name);
    this.#sessions.set(name, { name, status });
    const row = waitingRow(status);
    // One wait is told once, however often its end moves.
    const isNew = before?.status.state !== "waiting" || before.status.waitingFor?.why !== status.waitingFor?.why;
    if (row && isNew) this.#add({ ...row, session: name });
    this.#tell({ sessions: true });
  }

  #closed(name, detail) {
    const { status } = this.#sessions.get(name) ?? { status: { state: "closed", generation: 0, recoveries: 0 } };
    this.#sessions.set(name, { name, status, ended: detail.reason });
    this.#add({ ...closeRow(detail), session: name });
    this.#tell({ sessions: true });
  }

  #add({ at, ...row }) {
    // A note on the session belongs to the message before it.
    at ??= (row.lane === "session" && this.#latest) || Date.now();
    this.#latest = at;
    if (row.opens || this.#start === undefined) this.#start = at;
    const when = row.opens ? new Date(at).toLocaleTimeString("en-GB") : `+${Math.max(0, Math.round(at - this.#start))} ms`;
    const whole = { tone: "plain", ...row, at, when, ...(this.#group && { group: this.#group }) };
    if (whole.group) whole.group.rows += 1;
    this.#rows.push(whole);
    const dropped = this.#rows.length > this.#limit ? this.#rows.shift() : undefined;
    this.#tell({ row: whole, dropped });
  }

  #tell(change) {
    for (const observer of [...this.#observers]) observer(change);
  }

  /** An address may be nobody's business: a session without a name is counted. */
  #nameFor(session) {
    if (!this.#names.has(session)) {
      let at = 1;
      while (this.#sessions.has(`server ${at}`)) at += 1;
      this.#names.set(session, `server ${at}`);
    }
    return this.#names.get(session);
  }
}

/** The state of a session for people and for reports: what is ended is closed. */
export function stateOf({ status, ended }) {
  return ended === undefined ? status.state : "closed";
}

function reportedSession({ name, status, ended }, redact) {
  const { generation, recoveries, era, protocolVersion, sessionTag, verifiedAt, waitingFor, lastRecovery, lastError, share, serverInfo } = status;
  const error = lastError && reportedError(lastError, redact);
  const recovery = lastRecovery && {
    ...lastRecovery,
    ...(lastRecovery.restored && { restored: heldBack(lastRecovery.restored, redact) }),
    ...(lastRecovery.lost && { lost: heldBack(lastRecovery.lost, redact) }),
  };
  return defined({
    name,
    state: stateOf({ status, ended }),
    ended,
    generation,
    recoveries,
    era,
    protocolVersion,
    sessionTag,
    share,
    verifiedAt: verifiedAt && new Date(verifiedAt).toISOString(),
    waitingFor: waitingFor?.why,
    lastRecovery: recovery,
    lastError: error,
    serverInfo: redact ? undefined : serverInfo,
  });
}

function reportedError({ code, outcome, httpStatus, rpcCode, diagnosis, message }, redact) {
  return defined({ code, outcome, httpStatus, rpcCode, diagnosis: diagnosis?.kind, message: redact ? undefined : message });
}

function reportedRow({ at, session, lane, text, tag, note, wire, recovered, host, foreign }) {
  const row = { at: new Date(at).toISOString(), session, lane, text, tag, note, host, foreign, recovered };
  if (!wire) return defined(row);
  const { at: _, ...facts } = wire;
  return defined({ ...row, wire: facts, why: whyOf(wire) });
}

function redactedRow({ recovered, warning, ...row }) {
  if (warning) return { ...row, note: warning.help };
  if (!recovered) return row;
  return { ...row, note: recoveredRow({ ...recovered, restored: heldBack(recovered.restored, true), lost: heldBack(recovered.lost, true) }).note, recovered: redactedRecovery(recovered) };
}

/** URIs and the names of tools are the server's. */
function redactedRecovery({ reason, generation, duration, retried, restored, lost, changed, stale, staleLists }) {
  const { tools, ...others } = changed;
  const count = (names) => names.length;
  return {
    ...{ reason, generation, duration, retried, staleLists },
    restored: heldBack(restored, true),
    lost: heldBack(lost, true),
    changed: { ...others, ...(tools && { tools: { added: count(tools.added), removed: count(tools.removed), changed: count(tools.changed) } }) },
    stale: stale.length,
  };
}

/** `subscription <uri>` without the URI. */
function heldBack(held, redact) {
  return redact ? held.map((what) => (what.startsWith("subscription ") ? "subscription" : what)) : [...held];
}

function sessionText({ name, state, ended, generation, recoveries, protocolVersion, verifiedAt, waitingFor, lastError }) {
  const parts = [
    ended === undefined ? state : `closed (${ended})`,
    `session ${generation}`,
    recoveries === 1 ? "1 recovery" : `${recoveries} recoveries`,
    protocolVersion && `MCP ${protocolVersion}`,
    verifiedAt && `last answer ${verifiedAt}`,
    waitingFor && `waits: ${waitingFor}`,
    lastError && `last error ${[lastError.code, lastError.diagnosis].filter(Boolean).join(" ")}`,
  ];
  return `  ${name}: ${parts.filter(Boolean).join(", ")}`;
}

const ARROWS = {
  "page-session": "page ──▶ session          ",
  "session-page": "page ◀── session          ",
  "session-server": "         session ──▶ server",
  "server-session": "         session ◀── server",
  page: "page                      ",
  session: "         session           ",
  server: "                     server",
};

function messageText({ at, session, lane, text, tag, note, wire, why }, many) {
  const words = [many && session && `${session}:`, text, tag && `[${tag}]`, note].filter(Boolean).join("  ");
  const line = `  ${at.slice(11, 23)}  ${ARROWS[lane]}  ${words}`;
  const isTold = wire && (wire.phase !== "sent" || wire.attempt > 1) && wire.verdict !== "ok";
  return isTold ? [line, `${" ".repeat(44)}${why}`] : [line];
}

function defined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** Sessions of a screen's snapshot, with their servers' names; undefined where it is none. */
function openIn(source) {
  if (typeof source?.callTool !== "function" || typeof source.on === "function") return undefined;
  const { servers, session } = source;
  const all = Array.isArray(servers) ? servers.map(({ name }) => [name, source.get(name)]) : [[undefined, session]];
  return all.filter(([, session]) => session !== undefined);
}
