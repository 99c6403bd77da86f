// What went over the wire, in the order in which it arrived at the proxy.

/** How much of a body is kept. */
const HEARD_BYTES = 2_000;

/** Every request, as records and as lines like `tools/call→404 s1`. */
export class Recording {
  /** Everything but preflights. */
  records = [];
  /** CORS preflights: a browser sends them by itself. */
  preflights = [];
  #labels = new Map();

  add(req, body) {
    const record = new Record(req, body, this);
    (record.preflight ? this.preflights : this.records).push(record);
    return record;
  }

  /** A label for a session id: `s1` is the first that was seen. Ids appear in no output. */
  label(id) {
    if (!this.#labels.has(id)) this.#labels.set(id, `s${this.#labels.size + 1}`);
    return this.#labels.get(id);
  }

  /** The id behind a label, for requests behind the client's back. */
  sessionId(label) {
    for (const [id, known] of this.#labels) if (known === label) return id;
    throw new Error(`no session ${label} was seen`);
  }

  /** The requests from the `mark`-th on. `mark` is `records.length` at some earlier time. */
  since(mark = 0) {
    return this.records.slice(mark);
  }

  /** One line per request, in order. */
  transcript(mark = 0) {
    return this.since(mark).map(String);
  }

  /** The same, with equal lines counted: `{ "tools/call→404 s1": 50, … }`. */
  summary(mark = 0) {
    return tally(this.transcript(mark));
  }

  /** How many requests there were of each kind: `{ initialize: 1, "tools/call": 2, DELETE: 1 }`. */
  counts(mark = 0) {
    return tally(this.since(mark).map((record) => record.kind));
  }

  /** How often each tool call was sent; calls are told apart by their `key` or `message`. */
  sends(mark = 0) {
    const calls = this.since(mark).filter((record) => record.rpc === "tools/call");
    return tally(calls.map((record) => record.key));
  }
}

class Record {
  /** The HTTP status, or `reset` when the socket was destroyed before any header. */
  status;
  /** When it is over: `complete`, `aborted by client` or `cut by server`. */
  ended;
  at = Date.now();
  #made;
  #heard = [];
  #heardBytes = 0;

  constructor(req, body, recording) {
    const message = parse(body);
    const id = req.headers["mcp-session-id"];
    this.recording = recording;
    this.http = req.method;
    this.path = req.url;
    this.headers = req.headers;
    this.preflight = req.method === "OPTIONS";
    this.rpc = message?.method;
    this.rpcId = message?.id;
    this.params = message?.params;
    this.tool = this.rpc === "tools/call" ? message.params?.name : undefined;
    this.key = message?.params?.arguments?.key ?? message?.params?.arguments?.message;
    this.withSession = id !== undefined;
    this.session = this.withSession ? recording.label(id) : undefined;
    this.kind = this.rpc ?? (this.http === "POST" ? "answer" : this.http);
  }

  get answered() {
    return this.status !== undefined;
  }

  answer(status, headers) {
    this.status = status;
    this.answeredAt = Date.now();
    const id = headers["mcp-session-id"];
    if (this.rpc === "initialize" && status === 200 && id) this.#made = this.recording.label(id);
  }

  /** Takes in a piece of the server's body. */
  hear(chunk) {
    if (this.#heardBytes >= HEARD_BYTES) return;
    this.#heard.push(chunk);
    this.#heardBytes += chunk.length;
  }

  /** How the server's body begins. */
  get said() {
    return Buffer.concat(this.#heard).subarray(0, HEARD_BYTES).toString();
  }

  reset() {
    this.status = "reset";
    this.cut();
  }

  cut() {
    this.endedAt ??= Date.now();
    this.ended ??= "cut by server";
  }

  closed(finished) {
    this.endedAt ??= Date.now();
    this.ended ??= finished ? "complete" : "aborted by client";
  }

  toString() {
    const outcome = this.status ?? (this.ended === "aborted by client" ? "aborted" : "…");
    const session = this.#made ?? this.session;
    return `${this.kind}→${outcome}${session ? ` ${session}` : ""}`;
  }
}

function parse(body) {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** How often each value occurs. */
export function tally(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
