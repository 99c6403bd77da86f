// What must hold, asked of the ledger alone: what the servers really ran, and what the client told of its calls. What the client
// believed on its way (its clock, its verdicts) is no argument here.

/** Milliseconds that a timer may be late on a machine that is busy. */
const SLACK = 500;
/** Requests of one session, whatever happens in the seconds that a run takes. */
const MOST_REQUESTS = 400;
/** In time, says README, is a refusal within this many milliseconds, … */
const GATE_MS = 1_000;
/** … or within so many of the server's round trips, where that is longer, … */
const ROUND_TRIPS = 3;
/** … but not beyond. */
const MOST_GATE_MS = 3_000;
/** What the proxy measures is a little less than what the client does: this decides nothing but ties. */
const TIE_MS = 50;
const HANDSHAKE = ["initialize", "notifications/initialized", "ping", "server/discover"];

/**
 * Judges a run: `plan`, `requests` and `notes` of the world, `entries` of the ledger, `told` by the client, and `lag`, the most
 * that this process was late. Resolves to `{ violations: [{ law, token, why }], counts }`.
 */
export function judge({ plan, requests, entries, told, lag = 0 }) {
  const violations = [];
  const counts = { calls: 0, ok: 0, recovered: 0, unknown: 0, not_executed: 0, executed: 0, aborted: 0, copies: 0, browsers: 0, admitted: {}, ends: {} };
  const broken = (law, token, why) => violations.push({ law, token, why });
  if (told.error) {
    broken("connects", undefined, `could not connect: ${JSON.stringify(told.error)}`);
    return { violations, counts };
  }
  const calls = [...told.calls, ...told.last];
  const deliveries = new Map(requests.flatMap((request) => request.deliveries.map((delivery) => [delivery.number, { delivery, request }])));
  for (const call of calls) judgeCall(call);
  const last = told.last.at(-1);
  if (last.ok === undefined) broken("heals", last.token, `all is well, and ${told.last.length} calls in a row failed: ${JSON.stringify(last.error)}`);
  if (requests.length > MOST_REQUESTS) broken("never hot", undefined, `${requests.length} requests for ${calls.length} calls`);
  return { violations, counts };

  function judgeCall(call) {
    const { token, kind, timeout, took, ok, error, hung, aborted } = call;
    const own = requests.filter((request) => request.token === token);
    // Copies of the browser's share the id of the send that they copy.
    const ran = entries.filter((entry) => entry.token === token).map((entry) => deliveries.get(entry.delivery));
    const sends = [...new Set(ran.map(({ request }) => request.send))];
    counts.calls += 1;
    const browsers = ran.filter(({ request }) => request.copyOf !== undefined).length;
    counts.browsers += browsers;
    counts.copies += ran.length - sends.length - browsers;
    if (aborted && ok === undefined) counts.aborted += 1;
    else if (ok !== undefined) counts.ok += 1;
    else counts[error?.outcome] = (counts[error?.outcome] ?? 0) + 1;
    if (ok !== undefined && new Set(own.map(({ send }) => send)).size > 1) counts.recovered += 1;

    const end = `${error?.code ?? (hung ? "hung" : "ok")} ${error?.outcome ?? ""}`.trim();
    if (!aborted) counts.ends[end] = (counts.ends[end] ?? 0) + 1;
    if (hung) return broken("settles", token, `nothing ${Math.round(took)} ms after it was made, with ${timeout} ms to go`);
    if (took > timeout + SLACK + 2 * lag) broken("settles", token, `it took ${Math.round(took)} ms of ${timeout}`);
    if (error && !aborted && error.name !== "McpError") broken("errors", token, `${error.name}: ${error.message}`);
    if (error?.code === "crashed") broken("errors", token, error.message);
    if (kind !== "list") {
      const mine = (text) => text === undefined || text.startsWith(`counted ${token}.`);
      if (!mine(ok)) broken("never crossed", token, `its result is ${JSON.stringify(ok)}`);
      if (!call.heard.every(mine)) broken("never crossed", token, `it heard ${JSON.stringify(call.heard)}`);
      if (ok !== undefined && ran.length === 0) broken("ok is executed", token, "it has a result, and never ran");
      if (error?.outcome === "executed" && ran.length === 0) broken("executed is executed", token, `it never ran: ${error.message}`);
    }
    if (error?.outcome === "not_executed" && ran.length > 0) notExecuted(call, ran, own);
    if (kind === "pay" && sends.length > 1) twice(call, sends, ran, own);
  }

  /** Told as `not_executed`, and it ran. */
  function notExecuted({ token, error }, ran, own) {
    // What lets nothing through answered one copy in time, when another had run.
    const limited = ({ answer, copied, inTime }) => copied && inTime && [401, 403, 429].includes(answer?.status);
    if (ran.every(({ request }) => limited(cameTo(request.send, own)))) return admit("told as not executed: a copy had run");
    const came = own.map(({ answer, fault }) => `${answerOf(answer)}${fault ? ` (${fault})` : ""}`).join("; ");
    broken("not_executed is not executed", token, `it ran ${ran.length} times. To its sends came ${came}. ${error.code}: ${error.message}`);
  }

  /** Ran under several sends of the client's, each of which had an id of its own. */
  function twice({ token }, sends, ran, own) {
    for (const send of sends.slice(0, -1)) {
      const { answer, copied, inTime, took, limit } = cameTo(send, own);
      const refused = answer?.by === "server" && !answer.spoke && (answer.refusedRunning || (answer.refused ?? answer.status >= 400));
      const limited = answer?.by === "gateway" && answer.status === 429 && copied;
      if ((limited || (refused && (copied || answer.refusedRunning))) && inTime && plan.client.recovery.mode === "default") {
        admit(copied ? `ran twice: a copy met the ${limited ? "limiter" : "refusal"} in time` : "ran twice: refused in time while it ran");
        continue;
      }
      const when = `${Math.round(took)} ms after the send, ${Math.round(limit)} are the gate's`;
      broken("never twice", token, `it ran under ${sends.length} sends. To the first came ${answerOf(answer)} (${when})`);
      return;
    }
  }

  /** What came to a send of the client's: the answer to its last copy, where there were several, whether in time, and how late. */
  function cameTo(send, own) {
    const copies = own.filter((request) => request.send === send);
    const [first, last] = [copies[0], copies.at(-1)];
    const { answer } = last;
    const took = answer ? last.at + answer.took - first.at : Infinity;
    const limit = gateMs(first);
    const copied = copies.length > 1 || copies.some((request) => request.deliveries.length > 1 || request.fault === "copy later");
    return { answer, took, limit, inTime: took <= limit + TIE_MS, copied };
  }

  function answerOf(answer) {
    if (!answer) return "nothing";
    const running = answer.refusedRunning ? ", refused while it ran" : answer.refused ? ", refused" : "";
    return `${answer.status ?? "no head"} by the ${answer.by} after ${Math.round(answer.took)} ms${running}${answer.spoke ? ", after it had spoken" : ""}`;
  }

  /** What README calls "in time" for this request. */
  function gateMs(request) {
    const trips = requests.filter(({ at, rpc, answer }) => HANDSHAKE.includes(rpc) && at < request.at && answer?.status < 400);
    const slowest = Math.max(0, ...trips.map(({ answer }) => answer.took));
    // The client sees a round trip longer by what this process, in which it may be, was late.
    return Math.min(MOST_GATE_MS, Math.max(GATE_MS, ROUND_TRIPS * (slowest + lag)));
  }

  function admit(what) {
    counts.admitted[what] = (counts.admitted[what] ?? 0) + 1;
  }
}
