// What tools give, against what they say of it; where the host is in its trace; and the words that the types know.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { withDefaults } from "../../pkg-template/elicitation.js";
import { open } from "./lib/core.mjs";

const SCHEMA = { type: "object", required: ["n"] };
const TOOLS = { tools: [{ name: "t", inputSchema: {}, outputSchema: SCHEMA }, { name: "plain", inputSchema: {} }] };

/** Calls a tool that gives `result`, and answers what else is asked by `answer`. */
async function callChecked(options, result, { name = "t", answer = () => TOOLS } = {}) {
  const { session, core } = await open(options);
  const asked = [];
  const { call } = core;
  core.call = (method, ...rest) => {
    const id = call.call(core, method, ...rest);
    const { resolve, reject } = core.calls.at(-1);
    asked.push(method);
    queueMicrotask(() => {
      if (method === "tools/call") return resolve(result);
      const answered = answer(method);
      return answered instanceof Error ? reject({ code: "rpc", outcome: "executed", message: answered.message }) : resolve(answered);
    });
    return id;
  };
  const settled = await session.callTool({ name }).then((ok) => ({ ok }), (error) => ({ error }));
  return { ...settled, asked, session, core };
}

const content = [];

for (const [what, verdict] of [
  ["nothing", undefined],
  ["null", null],
  ["true", true],
  ["that it is valid", { valid: true, data: {} }],
  ["no errors", []],
  ["no words", ""],
  ["a promise of true", Promise.resolve(true)],
]) {
  test(`structured content of which validate says ${what} is the caller's`, async () => {
    const given = [];
    const result = { content, structuredContent: { n: 1 } };
    const { ok, asked } = await callChecked({ validate: (...args) => (given.push(args), verdict) }, result);
    assert.equal(ok, result);
    assert.deepEqual(given, [[SCHEMA, { n: 1 }]]);
    assert.deepEqual(asked, ["tools/call", "tools/list"]);
  });
}

const MISFIT = new Error("n is missing");
for (const [what, validate, cause] of [
  ["throws", () => { throw MISFIT; }, MISFIT],
  ["rejects", () => Promise.reject(MISFIT), MISFIT],
  ["returns an error", () => MISFIT, MISFIT],
  ["says false", () => false, false],
  ["says why not", () => "n is missing", "n is missing"],
  ["says that it is not valid", () => ({ valid: false, errorMessage: "n" }), { valid: false, errorMessage: "n" }],
  ["lists errors", () => [MISFIT], [MISFIT]],
]) {
  test(`structured content of which validate ${what} fails the call, which was executed and is not made again`, async () => {
    const { error, asked } = await callChecked({ validate }, { content, structuredContent: {} });
    const { name, code, outcome, retryable, diagnosis } = error;
    assert.deepEqual([name, code, outcome, retryable, diagnosis.kind, diagnosis.tool], ["McpError", "protocol", "executed", false, "structured_content", "t"]);
    assert.deepEqual(error.cause, cause);
    assert.match(error.message, /"t" does not fit its outputSchema/);
    assert.deepEqual(asked, ["tools/call", "tools/list"]);
  });
}

test("a tool with a schema that gives no structured content fails the call; one that failed itself, or has no schema, does not", async () => {
  const validate = () => assert.fail("nothing is to be validated");
  const missing = await callChecked({ validate }, { content });
  assert.deepEqual([missing.error.code, missing.error.outcome], ["protocol", "executed"]);
  assert.match(missing.error.message, /is missing/);
  for (const [result, name, wire] of [
    [{ content, isError: true }, "t", ["tools/call"]],
    [{ content, structuredContent: 5 }, "plain", ["tools/call", "tools/list"]],
    [{ resultType: "input_required", inputRequests: {} }, "t", ["tools/call"]],
  ]) {
    const { ok, asked } = await callChecked({ validate }, result, { name });
    assert.equal(ok, result);
    assert.deepEqual(asked, wire);
  }
});

test("schemas are those of the latest list: listed once, and again when the tools changed", async () => {
  const { session, core, asked } = await callChecked({ validate: () => true }, { content, structuredContent: {} });
  await session.callTool({ name: "t" });
  assert.deepEqual(asked, ["tools/call", "tools/list", "tools/call"]);
  core.host.event("notification", { method: "notifications/tools/list_changed" });
  await Promise.all([session.callTool({ name: "t" }), session.callTool({ name: "plain" })]);
  assert.deepEqual(asked.slice(3), ["tools/call", "tools/call", "tools/list"]);
});

test("where the schemas cannot be had, the call says so and that it was executed", async () => {
  const { error } = await callChecked({ validate: () => true }, { content, structuredContent: {} }, { answer: () => new Error("no list") });
  assert.deepEqual([error.code, error.outcome, error.cause.message], ["protocol", "executed", "no list"]);
  assert.match(error.message, /could not be listed/);
});

test("who gives the call up while its schema is asked for is told at once", async () => {
  const { session, core } = await open({ validate: () => true });
  const stop = new AbortController();
  const call = session.callTool({ name: "t" }, { signal: stop.signal });
  await turn();
  core.calls[0].resolve({ content, structuredContent: {} });
  await turn();
  assert.equal(core.calls[1].method, "tools/list");
  stop.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
});

test("a task of an earlier page life is checked by its tool's name", async () => {
  const { session, core, link } = await open({ validate: () => false });
  await Promise.all([session.listTools(), core.calls[0]?.resolve(TOOLS)]);
  core.resumeTask = (task, createdAt, options, resolve) => (queueMicrotask(() => resolve({ content, structuredContent: {} })), 90);
  link.takeUp({ session: "s", tasks: [{ taskId: "1", name: "t" }, { taskId: "2", name: "plain" }] });
  core.host.event("takenup");
  await assert.rejects(session.resumeTask("1"), { code: "protocol", outcome: "executed" });
  assert.deepEqual(await session.resumeTask("2"), { content, structuredContent: {} });
  assert.deepEqual(await session.resumeTask("3"), { content, structuredContent: {} });
});

test("a field that is called as what every object has gets its default, too", () => {
  const requestedSchema = { properties: { constructor: { type: "string", default: "c" } } };
  assert.deepEqual(withDefaults({ action: "accept", content: {} }, { requestedSchema }).content, { constructor: "c" });
  assert.deepEqual(withDefaults({ action: "accept" }, { requestedSchema }).content, { constructor: "c" });
});

test("without validate nothing is listed", async () => {
  const { ok, asked } = await callChecked({}, { content, structuredContent: 5 });
  assert.equal(ok.structuredContent, 5);
  assert.deepEqual(asked, ["tools/call"]);
});

test("each request has the trace of its moment; a caller's own takes its place, whole", async () => {
  const told = [];
  globalThis.reportError = (error) => told.push(error);
  try {
    let now;
    const { session, core } = await open({ trace: () => now() });
    const metaWith = (trace, params, options) => {
      now = trace;
      session.request("x/y", params, options).catch(() => {});
      return core.calls.at(-1).meta && JSON.parse(core.calls.at(-1).meta);
    };
    const [traceparent, tracestate] = ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=b"];
    assert.deepEqual(metaWith(() => ({ traceparent, tracestate, other: 1 })), { traceparent, tracestate });
    assert.deepEqual(metaWith(() => ({ traceparent, tracestate: undefined }), { _meta: { a: 1 } }, { _meta: { b: 2 } }), { traceparent, a: 1, b: 2 });
    assert.deepEqual(metaWith(() => ({ traceparent, tracestate }), { _meta: { traceparent: "mine" } }), { traceparent: "mine" });
    assert.deepEqual(metaWith(() => ({ traceparent, tracestate }), {}, { _meta: { traceparent: "mine" } }), { traceparent: "mine" });
    assert.equal(metaWith(() => undefined), undefined);
    assert.equal(metaWith(() => ({})), undefined);
    assert.deepEqual(metaWith(() => undefined, { _meta: {} }), {});
    assert.deepEqual(told, []);
    assert.equal(metaWith(() => ({ traceparent: 5 })), undefined);
    assert.equal(metaWith(() => "00-"), undefined);
    assert.equal(metaWith(() => { throw new Error("no span"); }), undefined);
    assert.deepEqual(told.map(({ message }) => message), ["trace.traceparent: expected a string, got 5", "trace: expected an object, got string", "no span"]);
  } finally {
    delete globalThis.reportError;
  }
});

test("types.d.ts names every kind of diagnosis, and all that a session waits for", async () => {
  const text = (path) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
  const unionOf = async (name) => {
    const [, union] = new RegExp(`export type ${name} =\\n([^;]*);`).exec(await text("pkg-template/types.d.ts"));
    return [...union.matchAll(/"([^"]+)"/g)].map(([, member]) => member).sort();
  };
  const sources = [];
  for (const [folder, extension] of [["src", ".rs"], ["pkg-template", ".js"]]) {
    const files = await readdir(new URL(`../../${folder}`, import.meta.url), { recursive: true });
    sources.push(...files.filter((file) => file.endsWith(extension)).map((file) => `${folder}/${file}`));
  }
  // The fields of a form have kinds of their own, and so have questions, and items that a program in Rust lists.
  for (const file of ["pkg-template/form.js", "pkg-template/question_queue.js", "src/browser/client/pages.rs"]) sources.splice(sources.indexOf(file), 1);
  const code = (await Promise.all(sources.map(text))).map((source) => source.split("#[cfg(test)]")[0]).join("\n");
  const [, troubles] = /const KINDS: &\[&str\] = &\[([^\]]*)\]/.exec(code);
  const places = [troubles, ...code.matchAll(/\bkind(?::|",) ("\w+"|\w+ \? "\w+" : "\w+")|\bwarn\(("\w+")|(?<=\blet kind = if [^{]*)\{ "\w+" \} else \{ "\w+" \}/g)].map(String);
  const kinds = places.flatMap((place) => [...place.matchAll(/"([a-z_]+)"/g)].map(([, kind]) => kind));
  assert.deepEqual(await unionOf("DiagnosisKind"), [...new Set(kinds)].sort());

  const [, waits] = /impl Wait \{([\s\S]*?)\n\}/.exec(code);
  assert.deepEqual(await unionOf("WaitingReason"), [...waits.matchAll(/=> "([^"]+)"/g)].map(([, reason]) => reason).sort());
});
