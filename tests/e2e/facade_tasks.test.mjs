// Tasks that are handed over from one session or page life to the next, in the JavaScript of the package.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Link } from "../../pkg-template/link.js";
import { readConnect } from "../../pkg-template/options.js";
import { Keeper } from "../../pkg-template/persist.js";
import { Session } from "../../pkg-template/session.js";
import { Core, URL_OF_ALL } from "./lib/core.mjs";

const ERROR = { code: "rpc", outcome: "executed", message: "no", retryable: false };
const [EARLY, LATE] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"];

/** A session over a core that takes up what an earlier page left; `keep()`: the tasks that it leaves in its turn. */
async function openWith(tasks) {
  let core;
  const runtime = { dead: undefined, watch: () => () => {}, open: (url, environment, config, host) => (core = new Core(host)) };
  let kept;
  const keeper = { keep: (record, tasks) => (kept = tasks), keepEra() {}, end() {} };
  const link = new Link(runtime, readConnect(URL_OF_ALL, {}), { keeper });
  link.takeUp({ session: "record", tasks });
  core.host.event("takenup");
  await link.connect();
  const keep = () => (core.host.event("keep", { record: "record" }), JSON.parse(JSON.stringify(kept)));
  return { session: new Session(link), core, keep };
}

const ENTRY = { taskId: "1", name: "long", createdAt: EARLY };
const OLD = { taskId: "2", name: "old" };

test("a pending task has when it was created, and is resumed with it by entry and by id alone", async () => {
  for (const name of [(entry) => entry, ({ taskId }) => taskId, ({ taskId }) => ({ taskId, createdAt: null })]) {
    const { session, core, keep } = await openWith([ENTRY, OLD]);
    assert.deepEqual(session.pendingTasks, [ENTRY, OLD]);
    const [entry, old] = session.pendingTasks;
    const results = [session.resumeTask(name(entry)), session.resumeTask(name(old))];
    await turn();
    assert.deepEqual(core.resumed.map(({ task }) => task), [["1", EARLY], ["2", undefined]]);
    assert.deepEqual(session.pendingTasks, []);
    assert.deepEqual(keep(), [OLD, ENTRY], "a reload finds them again");
    core.resumed.forEach(({ resolve }) => resolve({ content: [] }));
    await Promise.all(results);
    assert.deepEqual(keep(), []);
  }
});

test("a task of the same id that was created at another time is another entry", async () => {
  const { session, core, keep } = await openWith([ENTRY]);
  const given = { taskId: "1", createdAt: LATE };
  session.resumeTask(given).catch(() => {});
  await turn();
  assert.deepEqual(core.resumed[0].task, ["1", LATE]);
  assert.deepEqual(session.pendingTasks, [ENTRY]);
  assert.deepEqual(keep(), [given, ENTRY]);
});

test("a task that was told of is resumed by its id alone as the one that it was, also after nobody waited for it", async () => {
  const { session, core, keep } = await openWith([]);
  const told = [];
  const wait = (promise) => promise.catch((error) => error.code);
  const call = wait(session.callTool({ name: "long" }, { ontask: (task) => told.push(task) }));
  await turn();
  core.host.event("task", { call: core.calls[0].id, task: { taskId: "1", status: "working", createdAt: LATE } });
  core.host.event("task", { call: core.calls[0].id, task: { taskId: "1", status: "working", createdAt: EARLY } });
  assert.deepEqual(keep(), [ENTRY], "a call is one task at a time");
  const others = ["1", told[1]].map((task) => wait(session.resumeTask(task)));
  await turn();
  [core.calls[0], ...core.resumed].forEach(({ reject }) => reject(ERROR));
  assert.deepEqual(await Promise.all([call, ...others]), ["rpc", "rpc", "rpc"]);
  assert.deepEqual(keep(), []);
  wait(session.resumeTask("1"));
  wait(session.resumeTask(told[0]));
  wait(session.resumeTask("7"));
  await turn();
  assert.deepEqual(core.resumed.map(({ task }) => task.join(" ")), [`1 ${EARLY}`, `1 ${EARLY}`, `1 ${EARLY}`, `1 ${LATE}`, "7 "]);
});

test("a time that is no text is not handed over, and a call that was given up before it began hands nothing on", async () => {
  const { session, core, keep } = await openWith([ENTRY]);
  session.callTool({ name: "x" }).catch(() => {});
  await turn();
  for (const createdAt of [5, null, "", {}]) {
    core.host.event("task", { call: core.calls[0].id, task: { taskId: "3", createdAt } });
    assert.deepEqual(keep(), [{ taskId: "3", name: "x" }, ENTRY]);
  }
  await assert.rejects(session.resumeTask(ENTRY, { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.deepEqual([session.pendingTasks, core.resumed], [[ENTRY], []]);
});

for (const [given, says] of [
  [undefined, /^task: expected a taskId, or an object with taskId and createdAt, as in pendingTasks, got undefined$/],
  [5, /^task: expected a taskId.*got 5/],
  ["", /^task: expected a taskId.*got an empty string/],
  [null, /^task: expected a taskId.*got null/],
  [["1"], /^task: expected a taskId.*got an array/],
  [{}, /^task\.taskId: expected a string that is not empty, got undefined/],
  [{ taskId: "" }, /^task\.taskId: .*got an empty string/],
  [{ taskId: 1, createdAt: EARLY }, /^task\.taskId: .*got 1/],
  [{ taskId: "1", createdAt: 5 }, /^task\.createdAt: expected a string that is not empty, got 5/],
  [{ taskId: "1", createdAt: "" }, /^task\.createdAt: .*got an empty string/],
  [{ taskId: "1", createdAt: new Date(0) }, /^task\.createdAt: .*got object/],
]) {
  test(`resumeTask refuses ${JSON.stringify(given)}`, async () => {
    const { session, core } = await openWith([]);
    await assert.rejects(session.resumeTask(given), { name: "TypeError", message: says });
    assert.deepEqual(core.resumed, []);
  });
}

test("of what an earlier page left, tasks without a time are read, and those with a time that is none are not", async () => {
  const core = { timeout: 1_000 };
  for (const [tasks, read] of [
    [[OLD, ENTRY], { session: "s", tasks: [OLD, ENTRY] }],
    [[{ ...ENTRY, createdAt: 5 }], { session: "", tasks: [] }],
    [[{ ...ENTRY, createdAt: null }], { session: "", tasks: [] }],
  ]) {
    const text = JSON.stringify({ name: `${Math.random()}`, binding: "b", session: "s", tasks });
    const keeper = new Keeper({ get: () => text, set() {}, remove() {} }, { url: URL_OF_ALL }, "b");
    assert.deepEqual(await keeper.claim({ core }), read);
    keeper.end();
  }
});
