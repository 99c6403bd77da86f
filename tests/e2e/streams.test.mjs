// How many listening streams a page has open with one origin.

import assert from "node:assert/strict";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";

const wire = stage();
const SETTING = { server: servers.typescriptSdk, connect: false };

/** Opens eight sessions that listen; `warned` are those that do not, in order. */
const openEight = async ({ connect }, url) => {
  globalThis.warned = [];
  const open = (name) => {
    const warning = ({ kind }) => kind === "stream_budget" && warned.push(name);
    return connect(`${url}?server=${name}`, { era: "legacy", on: { toolschange() {}, warning } });
  };
  globalThis.sessions = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(open));
};

const streams = (recording) => recording.records.filter(({ http }) => http === "GET");
const openStreams = (recording) => streams(recording).filter(({ endedAt }) => endedAt === undefined);
const nameOf = ({ path }) => Number(path.split("server=")[1]);

wire("eight servers behind one HTTP/1.1 origin are all usable, and three of them are listened to", SETTING, async ({ proxy, recording, run }) => {
  await run(openEight, proxy.url);
  await until(() => openStreams(recording).length === 3, () => `three streams, not ${streams(recording).length}`);
  const echoes = await run(({ text }) =>
    Promise.all(sessions.map(async (session, name) => text(await session.callTool({ name: "echo", arguments: { message: `${name}` } })))),
  );
  assert.deepEqual(echoes, [0, 1, 2, 3, 4, 5, 6, 7].map((name) => `Echo: ${name}`));
  assert.equal(openStreams(recording).length, 3);
  const warned = await run(({ until }) => until(() => warned.length === 5 && warned));
  const listening = openStreams(recording).map(nameOf);
  assert.deepEqual([...listening, ...warned].sort(), [0, 1, 2, 3, 4, 5, 6, 7], "each listens, or is told once that it does not");

  for (const turn of [0, 1]) {
    const mark = streams(recording).length;
    await run((_, name) => sessions[name].close(), listening[turn]);
    await until(() => streams(recording).length > mark, "the next stream");
    assert.deepEqual(streams(recording).slice(mark).map(nameOf), [warned[turn]], "who waits longest is next");
    await until(() => openStreams(recording).length === 3, "three streams");
  }
  assert.equal((await run(() => warned)).length, 5);
});

wire("a session that nobody listens to any more gives its stream to the next", SETTING, async ({ proxy, recording, run }) => {
  await run(async ({ connect }, url) => {
    const open = (name) => connect(`${url}?server=${name}`, { era: "legacy" });
    globalThis.sessions = [];
    for (const name of [0, 1, 2, 3]) sessions.push(await open(name));
    globalThis.stops = sessions.map((session) => session.on("toolschange", () => {}));
  }, proxy.url);
  await until(() => openStreams(recording).length === 3, "three streams");
  await run(() => stops[1]());
  await until(() => streams(recording).length === 4, "a fourth");
  assert.equal(nameOf(streams(recording)[3]), 3);
  // The one that gave its stream away stands in line again.
  await run(() => (sessions[1].on("toolschange", () => {}), sessions[0].close()));
  await until(() => streams(recording).length === 5, "a fifth");
  assert.equal(nameOf(streams(recording)[4]), 1);
});

wire("in the modern era a subscription does not wait for the stream's turn, and the resource is told as stale when it comes", { server: servers.typescriptModern, connect: false }, async ({ server, proxy, recording, run }) => {
  const uri = "test://clock";
  await run(async ({ connect }, url, uri) => {
    globalThis.heard = [];
    globalThis.warned = [];
    globalThis.sessions = [];
    for (const name of [0, 1, 2, 3]) {
      const on = {
        resourceupdate: ({ uri, stale }) => heard.push(`${name} ${uri}${stale ? " stale" : ""}`),
        warning: ({ kind }) => warned.push(`${name} ${kind}`),
      };
      const session = await connect(`${url}?server=${name}`, { era: "modern", on: {} });
      session.on("warning", on.warning);
      sessions.push(session);
      // It is the subscription that wants the stream.
      await session.subscribeResource({ uri });
      session.on("resourceupdate", on.resourceupdate);
    }
  }, proxy.url, uri);
  const listens = () => recording.records.filter(({ rpc }) => rpc === "subscriptions/listen");
  const listening = () => [...new Set(listens().map(nameOf))].sort();
  assert.deepEqual(await run(() => warned), ["3 stream_budget"]);
  assert.deepEqual(listening(), [0, 1, 2]);
  await run(() => sessions[1].close());
  await run(({ until }, told) => until(() => heard.includes(told)), `3 ${uri} stale`);
  assert.deepEqual(listening(), [0, 1, 2, 3]);
  await fetch(new URL("/touch", server.url), { method: "POST" });
  await run(({ until }, told) => until(() => told.every((line) => heard.includes(line))), [0, 2, 3].map((name) => `${name} ${uri}`));
});

wire("where the browser says that an origin speaks a later HTTP, there is no bound", SETTING, async ({ proxy, recording, run }) => {
  const warned = await run(async ({ connect }, url) => {
    performance.getEntriesByType = () => [{ name: "https://example.com/", nextHopProtocol: "http/1.1" }, { name: url, nextHopProtocol: "h2" }];
    const warned = [];
    const open = (name) => connect(`${url}?server=${name}`, { era: "legacy", on: { toolschange() {}, warning: ({ kind }) => warned.push(kind) } });
    globalThis.sessions = await Promise.all([0, 1, 2, 3, 4].map(open));
    return warned;
  }, proxy.url);
  await until(() => openStreams(recording).length === 5, () => `five streams, not ${openStreams(recording).length}`);
  assert.deepEqual(warned, []);
});
