// What is done to a server, and what must come of it. Each play returns a row: what was seen, and
// `problems`, a list of what should not have been.

import { setTimeout as sleep } from "node:timers/promises";
import { endSession } from "../e2e/lib/bare_client.mjs";
import { onStage } from "./stage.mjs";

const CALLS = 20;
/** How long a tool runs that the end of the session interrupts, and when the end comes. */
const RUNS_SECONDS = 5;
const ENDS_AFTER = 2_500;
/** How long a gateway may take to notice that the server behind it is gone. */
const NOTICED_AFTER = 500;

/** The ways in which the sessions of a server end. */
export function endings(entry) {
  const { deletes = true, idle, child } = entry;
  return ["restart", ...(deletes ? ["DELETE"] : []), ...(idle ? ["idle"] : []), ...(child ? ["crash behind it"] : [])];
}

/** The session ends while nothing runs; then come many calls at once. */
export function evict(house, entry, ending) {
  return onStage(house, entry, environment(entry, ending), async (stage) => {
    const { recording } = stage;
    await warmUp(entry, stage, house);
    const mark = recording.records.length;
    const wireMark = (await stage.wire()).length;
    await end(ending, entry, stage);
    const keys = Array.from({ length: CALLS }, (_, i) => stage.key(`k${i}`));
    const results = await stage.calls(keys.map((key) => entry.count(key, house.visits)));

    const ran = stage.executions();
    const executions = keys.map((key) => ran[key] ?? 0);
    const row = {
      ...refusalOf(recording.since(mark)),
      verdicts: verdictsOf((await stage.wire()).slice(wireMark)),
      initializes: recording.counts(mark).initialize ?? 0,
      executions: range(executions),
      calls: `${results.filter(({ error }) => !error).length} / ${CALLS}`,
      problems: [],
    };
    const expect = (holds, problem) => holds || row.problems.push(problem);
    expect(row.status !== undefined, "nothing was refused");
    expect(row.initializes === 1, `${row.initializes} re-initializes`);
    expect(executions.every((times) => times === 1), `executions per call: ${executions}`);
    for (const { error } of results) expect(!error, `a call failed: ${JSON.stringify(error)}`);
    if (row.problems.length > 0) row.problems.push(transcript(recording, mark));
    return row;
  });
}

/** The session ends while a tool runs in it. */
export function endInFlight(house, entry, ending) {
  return onStage(house, entry, environment(entry, ending), async (stage) => {
    const { recording } = stage;
    await warmUp(entry, stage, house);
    const mark = recording.records.length;
    const key = stage.key("slow");
    const calling = stage.calls([entry.slow(key, RUNS_SECONDS, house.visits)]);
    await started(stage, key);
    const over = sleep(RUNS_SECONDS * 1000 + 500);
    await sleep(ENDS_AFTER);
    await end(ending, entry, stage);
    const [{ ok, error }] = await calling;
    const [after] = await stage.calls([entry.count(stage.key("after"), house.visits)]);
    // Whatever still runs has come to its end.
    await over;

    const row = {
      caller: whatCame(error),
      executions: stage.executions()[key],
      sends: sendsOf(key, recording.since(mark)).length,
      after: after.error ? after.error.code : "ok",
      problems: [],
    };
    const expect = (holds, problem) => holds || row.problems.push(problem);
    expect(row.executions === 1, `it ran ${row.executions} times`);
    expect(error ? error.outcome === "unknown" : ok !== undefined, `the caller got ${JSON.stringify(error)}`);
    expect(!after.error, `the next call failed: ${JSON.stringify(after.error)}`);
    // An idle server may have ended the next one, too.
    expect((await stage.generation()) > 1, "the session did not end");
    if (row.problems.length > 0) row.problems.push(transcript(recording, mark));
    return row;
  });
}

/** A server of both eras, spoken to in the modern one: it is restarted under a tool, and then called many times at once. */
export function inModernEra(house, entry) {
  return onStage(house, { ...entry, era: "modern" }, {}, async (stage) => {
    const { recording } = stage;
    await warmUp(entry, stage, house);
    const mark = recording.records.length;
    const key = stage.key("slow");
    const calling = stage.calls([entry.slow(key, RUNS_SECONDS, house.visits)]);
    await started(stage, key);
    await end("restart", entry, stage);
    const keys = Array.from({ length: CALLS }, (_, i) => stage.key(`m${i}`));
    const results = await stage.calls(keys.map((one) => entry.count(one, house.visits)));
    const [{ ok, error }] = await calling;
    const ran = stage.executions();
    const executions = keys.map((one) => ran[one] ?? 0);
    const row = {
      caller: whatCame(error),
      initializes: recording.counts(0).initialize ?? 0,
      executions: range(executions),
      calls: `${results.filter((result) => !result.error).length} / ${CALLS}`,
      problems: [],
    };
    const expect = (holds, problem) => holds || row.problems.push(problem);
    expect((await stage.era()) === "modern", "another era was spoken");
    expect(row.initializes === 0, `${row.initializes} initializes`);
    expect(error ? error.outcome === "unknown" : ok !== undefined, `the caller got ${JSON.stringify(error)}`);
    expect(executions.every((times) => times === 1), `executions per call: ${executions}`);
    for (const { error } of results) expect(!error, `a call failed: ${JSON.stringify(error)}`);
    if (row.problems.length > 0) row.problems.push(transcript(recording, mark));
    return row;
  });
}

/** A tool throws the words of a refusal, and the session lives. */
export function soundDead(house, entry) {
  return onStage(house, entry, {}, async (stage) => {
    const { recording } = stage;
    await warmUp(entry, stage, house);
    const mark = recording.records.length;
    const wireMark = (await stage.wire()).length;
    const key = stage.key("thrown");
    const [{ error }] = await stage.calls([{ name: "fail_session", arguments: { key } }]);
    const row = {
      ...refusalOf(recording.since(mark), 200),
      verdicts: verdictsOf((await stage.wire()).slice(wireMark)),
      initializes: recording.counts(mark).initialize ?? 0,
      executions: stage.executions()[key],
      caller: whatCame(error),
      problems: [],
    };
    const expect = (holds, problem) => holds || row.problems.push(problem);
    expect(row.initializes === 0, `${row.initializes} re-initializes`);
    expect(row.executions === 1, `it ran ${row.executions} times`);
    expect(error?.rpcCode === -32600 && /Session not found/.test(error.message), `the caller got ${JSON.stringify(error)}`);
    expect((await stage.generation()) === 1, "the session was given up");
    if (row.problems.length > 0) row.problems.push(transcript(recording, mark));
    return row;
  });
}

/**
 * A tool runs three seconds on a connection that was used before; the process dies, and the socket
 * without a header. The browser sends the POST again by itself, and meets the next process.
 */
export function resend(house, entry) {
  const RAN = 3_000;
  return onStage(house, entry, {}, async (stage) => {
    const { recording } = stage;
    await warmUp(entry, stage, house);
    const mark = recording.records.length;
    const key = stage.key("slow");
    const calling = stage.calls([entry.slow(key, 10, house.visits)]);
    await started(stage, key);
    await sleep(RAN);
    // The copy arrives while the old process dies, and is let through when the next one is there.
    const restarted = stage.server.restart();
    stage.proxy.when({ key }, async (exchange) => {
      await restarted;
      await exchange.forward(exchange);
    });
    await restarted;
    const [{ error }] = await calling;
    await sleep(1_000);
    const copies = sendsOf(key, recording.since(mark));
    const row = {
      ...refusalOf(copies),
      copies: copies.map(String).join(", "),
      executions: stage.executions()[key],
      caller: whatCame(error),
      problems: [],
    };
    const expect = (holds, problem) => holds || row.problems.push(problem);
    expect(copies.length === 2 && copies[0].rpcId === copies[1].rpcId, "the browser did not send it again, or we did");
    expect(copies[0]?.status === "reset" && copies[1]?.status === 404, `the copies: ${row.copies}`);
    expect(row.executions === 1, `it ran ${row.executions} times`);
    expect(error?.outcome === "unknown", `the caller got ${JSON.stringify(error)}`);
    if (row.problems.length > 0) row.problems.push(transcript(recording, mark));
    return row;
  });
}

// ── Steps ──

const environment = (entry, ending) => (ending === "idle" ? entry.idle.env : {});

/** One call that goes well; the connection is used after it. */
async function warmUp(entry, { calls, key }, { visits }) {
  const [{ error }] = await calls([entry.count(key("warm"), visits)]);
  if (error) throw new Error(`the first call failed: ${JSON.stringify(error)}`);
}

async function end(ending, entry, { server, recording }) {
  if (ending === "restart") return server.restart();
  if (ending === "idle") return sleep(entry.idle.wait);
  if (ending === "crash behind it") {
    process.kill(server.executions.pid(), "SIGKILL");
    return sleep(NOTICED_AFTER);
  }
  const status = await endSession(new URL(entry.path ?? server.url, server.url).href, recording.sessionId("s1"));
  if (status >= 300) throw new Error(`DELETE was answered with ${status}`);
}

async function started({ executions }, key) {
  for (const until = Date.now() + 15_000; executions()[key] === undefined; await sleep(20)) {
    if (Date.now() > until) throw new Error(`${key} did not start`);
  }
}

// ── What was seen ──

/** What became of a call. */
function whatCame(error) {
  if (!error) return "ok";
  const text = error.code === "rpc" ? `${error.rpcCode} ${error.message}` : error.code;
  return `\`${text}\`, ${error.outcome}`;
}

/** The first answer under the old session that is no result: status and words. */
function refusalOf(records, status) {
  const isRefusal = (record) => record.tool && record.session === "s1" && typeof record.status === "number" && isNoResult(record);
  const refused = records.find((record) => isRefusal(record) && (status === undefined || record.status === status));
  return refused ? { status: refused.status, words: words(refused.said) } : {};
}

function isNoResult({ status, said }) {
  return status >= 400 || (bodies(said).some((body) => body?.error) && !bodies(said).some((body) => body?.result));
}

/** What an answer says, in its own words. */
function words(said) {
  const error = bodies(said).find((body) => body?.error)?.error;
  const text = error?.message ?? error ?? said;
  const code = error?.code === undefined ? "" : `${error.code} `;
  return `${code}${String(text).replace(/\s+/g, " ").trim()}`.slice(0, 80);
}

/** The JSON in an answer, plain or in the data of its events. */
function bodies(said) {
  const texts = [said, ...said.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5))];
  return texts.flatMap((text) => {
    try {
      return [JSON.parse(text)];
    } catch {
      return [];
    }
  });
}

/** The requests that carried a call, whoever sent them. */
function sendsOf(key, records) {
  return records.filter(({ tool, params }) => tool && JSON.stringify(params).includes(key));
}

/** The verdicts on calls that were no plain answer, and on the pings that settled a suspicion. */
function verdictsOf(wire) {
  const told = wire.filter(({ phase, verdict, purpose }) => phase === "answered" && (purpose === "ping" || (purpose === "call" && verdict !== "ok")));
  return [...new Set(told.map(({ purpose, verdict }) => (purpose === "ping" ? `ping: ${verdict}` : verdict)))];
}

function range(numbers) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(most) : `${least}–${most}`;
}

function transcript(recording, mark) {
  return Object.entries(recording.summary(mark)).map(([line, times]) => `${line} ×${times}`).join(", ");
}
