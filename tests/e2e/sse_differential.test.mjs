// Our event stream parser beside npm's eventsource-parser, over generated streams: the same events, but for what the
// WHATWG standard (HTML, 9.2.6) decides, which is listed and shown below.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { before, test } from "node:test";
import { createParser } from "eventsource-parser";
import { root } from "./lib/paths.mjs";

const STREAMS = 10_000;
const SEED = 20251125;

const PIECES = [
  "\n", "\n", "\n", "\n", "\n\n", "\r", "\r\n", "\r\r", "\r\n\r\n", "data: ", "data: x", "data: ö", "data:", "data", "data:  two spaces", "id: 7", "id:", "id",
  "id: a\0b", "event: ping", "event: message", "event:", "event", "retry: 300", "retry: 3s", "retry:", "retry: -1",
  "retry: 99999999999999999999999", ": a comment", ":", "unknown: field", "dat", "Data: x", " data: x", '{"jsonrpc":"2.0"}', "x",
  " ", "\ufeff", "ö", "€", "😀", "\u2028", "\0",
].map((text) => Buffer.from(text));
const BROKEN = [[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80], [0xed, 0xa0, 0x80]].map((bytes) => Buffer.from(bytes));

// mulberry32
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A stream as pieces of bytes: well-formed lines mostly, cut anywhere, in the middle of characters too. */
function stream(next) {
  const below = (count) => Math.floor(next() * count);
  const parts = next() < 0.2 ? [Buffer.from("\ufeff")] : [];
  const lineEnd = ["\n", "\r", "\r\n"][below(3)];
  for (let count = below(60); count > 0; count -= 1) {
    parts.push(next() < 0.03 ? BROKEN[below(BROKEN.length)] : PIECES[below(PIECES.length)]);
    if (next() < 0.8) parts.push(Buffer.from(lineEnd));
  }
  const whole = Buffer.concat(parts);
  const cuts = Array.from({ length: below(6) }, () => below(whole.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, n) => whole.subarray(from, cuts[n]));
}

/** What ours says: `[{ id, retry, name, data }]` for each stream. */
function ours(streams) {
  const input = streams.map((pieces) => JSON.stringify(pieces.map((piece) => piece.toString("hex")))).join("\n");
  const command = ["run", "--quiet", "--package", "mcp-evergreen", "--example", "sse_events"];
  const run = spawnSync("cargo", command, { cwd: root, input, encoding: "utf8", maxBuffer: 1 << 28 });
  assert.equal(run.status, 0, run.stderr || String(run.error));
  return run.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** What theirs says, in the same form. */
function theirs(pieces) {
  const events = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push({ id: id ?? null, retry: null, name: event ?? "", data }),
    onRetry: (retry) => events.push({ id: null, retry, name: "", data: "" }),
  });
  const decoder = new TextDecoder();
  for (const piece of pieces) parser.feed(decoder.decode(piece, { stream: true }));
  parser.feed(decoder.decode());
  return { events, flush: () => (parser.feed(":\n"), events) };
}

const one = (text) => [[Buffer.from(text)]];
const event = (fields) => ({ id: null, retry: null, name: "", data: "", ...fields });

before(() => ours(one("")), { timeout: 600_000 });

test("both parsers bring the same events", () => {
  const next = random(SEED);
  const streams = Array.from({ length: STREAMS }, () => stream(next));
  const all = ours(streams);
  let compared = 0;
  streams.forEach((pieces, n) => {
    // What carries neither data nor a retry brings nothing to an application; see the second and third difference.
    const tells = ({ data, retry }) => data !== "" || retry !== null;
    // Beyond 2^53 the numbers are written differently.
    const bounded = (told) => ({ ...told, retry: told.retry === null ? null : Math.min(told.retry, 2 ** 53) });
    const expected = theirs(pieces).flush().filter(tells).map(bounded);
    assert.deepEqual(all[n].filter(tells).map(bounded), expected, JSON.stringify(pieces.map(String)));
    compared += expected.length;
  });
  assert.ok(compared > STREAMS, `${compared} events were compared`);
});

test("ours brings the same events whatever the cuts: after every byte, and in two at each byte", () => {
  const next = random(SEED + 1);
  const streams = Array.from({ length: 300 }, () => Buffer.concat(stream(next)));
  const whole = ours(streams.map((bytes) => [bytes]));
  assert.ok(whole.flat().length > streams.length, `${whole.flat().length} events`);
  assert.deepEqual(ours(streams.map((bytes) => Array.from(bytes, (byte) => Buffer.of(byte)))), whole);
  const long = Buffer.concat(streams.slice(0, 5));
  const halves = Array.from(long, (_, at) => [long.subarray(0, at), long.subarray(at)]);
  const [expected] = ours([[long]]);
  for (const [at, events] of ours(halves).entries()) assert.deepEqual(events, expected, `cut at ${at}`);
});

test("difference: a CR at the end of what has arrived ends the line at once", () => {
  // "lines must be separated by either a U+000D CARRIAGE RETURN U+000A LINE FEED (CRLF) character pair, a single U+000A LINE
  // FEED (LF) character, or a single U+000D CARRIAGE RETURN (CR) character": the event is complete; theirs waits for more.
  const pieces = one("data: a\r\r");
  assert.deepEqual(ours(pieces), [[event({ data: "a" })]]);
  assert.deepEqual(theirs(pieces[0]).events, []);
  assert.deepEqual(theirs(pieces[0]).flush(), [event({ data: "a" })]);
});

test("difference: an id without data is told", () => {
  // "Set the last event ID string of the event source to the value of the last event ID buffer" comes before "If the data
  // buffer is an empty string, set the data buffer and the event type buffer to the empty string and return": a stream is
  // resumed after it. Theirs forgets it.
  const pieces = one("id: 7\n\n");
  assert.deepEqual(ours(pieces), [[event({ id: "7" })]]);
  assert.deepEqual(theirs(pieces[0]).flush(), []);
});

test("difference: an event with empty data is no event", () => {
  // "If the field name is "data": Append the field value to the data buffer, then append a single U+000A LINE FEED (LF)
  // character": the buffer is not empty then, and a browser's EventSource dispatches an event with empty data, as theirs
  // does. No message of MCP's is empty: ours tells of it where it has an id, and leaves it out where it has none.
  const pieces = one("data\n\nid: 7\ndata:\n\n");
  assert.deepEqual(ours(pieces), [[event({ id: "7" })]]);
  assert.deepEqual(theirs(pieces[0]).flush(), [event({}), event({ id: "7" })]);
});

test("difference: only a byte order mark is dropped at the beginning", () => {
  // "one leading U+FEFF BYTE ORDER MARK character must be ignored if any are present", which the decoder does. Theirs drops
  // the three characters as which Latin-1 would show it, too.
  const pieces = one("ï»¿data: a\n\n");
  assert.deepEqual(ours(pieces), [[]]);
  assert.deepEqual(theirs(pieces[0]).flush(), [event({ data: "a" })]);
});
