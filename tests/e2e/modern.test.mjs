// The modern era (2026-07-28) against real servers that speak it.

import assert from "node:assert/strict";
import { ENGINE } from "./lib/engine.mjs";
import * as servers from "./lib/servers.mjs";
import { stage } from "./lib/stage.mjs";
import { until } from "./lib/until.mjs";

const wire = stage();
const CLOCK = "test://clock";
const TTL = "60000";

const KINDS = [servers.typescriptModern, servers.typescriptModernSse, servers.pythonSdk];

for (const kind of KINDS) {
  const modern = { server: kind, connect: false };

  wire(`${kind.name}: calls, lists, reads and prompts, without a session`, modern, async ({ proxy, recording, run }) => {
    await run(connectModern, proxy.url, { listen: "never" });
    const told = await run(async ({ text }) => {
      const { tools } = await session.listTools();
      return {
        status: session.status,
        echo: text(await session.callTool({ name: "echo", arguments: { message: "größe" } })),
        tools: tools.map(({ name }) => name),
        resources: (await session.listResources()).resources.map(({ uri }) => uri),
        clock: (await session.readResource({ uri: "test://clock" })).contents[0].text,
        prompt: (await session.getPrompt({ name: "greet" })).messages[0].content.text,
        alive: (await session.verify()).state,
        closed: await session.close(),
      };
    });
    assert.deepEqual(
      [told.status.era, told.status.protocolVersion, told.status.generation, told.status.sessionTag, told.status.serverInfo.version],
      ["modern", "2026-07-28", 1, undefined, "1.0.0"],
    );
    assert.deepEqual([told.echo, told.clock, told.prompt, told.alive], ["Echo: größe", "0", "Good day", "ready"]);
    assert.ok(told.tools.includes("slow") && told.resources.includes(CLOCK));
    assert.deepEqual(recording.transcript(), [
      "server/discover→200",
      "tools/list→200",
      "tools/call→200",
      "resources/list→200",
      "resources/read→200",
      "prompts/get→200",
      "server/discover→200",
    ]);
    for (const { rpc, headers, params } of recording.records) {
      assert.equal(headers["mcp-method"], rpc);
      assert.equal(headers["mcp-protocol-version"], "2026-07-28");
      assert.equal(headers["mcp-name"], params.name ?? params.uri);
      assert.equal(params._meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    }
    const ids = recording.records.map(({ rpcId }) => rpcId);
    assert.equal(new Set(ids).size, ids.length);
  });

  wire(`${kind.name}: input is asked for through the handlers, round after round`, modern, async ({ server, proxy, recording, run }) => {
    await run(connectModern, proxy.url, { answers: [{ seats: 3 }, { seats: 3 }] });
    const booked = await run(async ({ text }) => text(await session.callTool({ name: "book", arguments: { key: "b" } })));
    assert.equal(booked, "booked 3");
    assert.deepEqual(await run(() => heard.asked), ["How many?", "3 seats?"]);
    assert.deepEqual(server.executions.started(), { b: 1 });
    const rounds = recording.records.filter(({ tool }) => tool === "book");
    assert.equal(new Set(rounds.map(({ rpcId }) => rpcId)).size, 3, "each round has an id of its own");
    assert.deepEqual(rounds.map(({ params }) => Object.keys(params.inputResponses ?? {})), [[], ["seats"], ["sure"]]);
    const state = JSON.parse(/"request[sS]tate":("(?:[^"\\]|\\.)*")/.exec(rounds[1].said)[1]);
    assert.deepEqual(rounds.map(({ params }) => params.requestState), [undefined, undefined, state]);
    for (const { params } of rounds) {
      assert.deepEqual(params.arguments, { key: "b" });
      assert.deepEqual(params._meta["io.modelcontextprotocol/clientCapabilities"].elicitation, {});
    }
  });

  wire(`${kind.name}: a host answers by itself`, modern, async ({ server, proxy, run }) => {
    await run(connectModern, proxy.url);
    const rounds = await run(async () => {
      const params = { name: "book", arguments: { key: "b" } };
      const seats = { action: "accept", content: { seats: 2 } };
      const first = await session.callTool(params, { inputRequired: "manual" });
      const second = await session.callTool({ ...params, inputResponses: { seats } }, { inputRequired: "manual" });
      const { requestState } = second;
      const third = await session.callTool({ ...params, inputResponses: { sure: seats }, requestState }, { inputRequired: "manual" });
      return [first, second, third];
    });
    assert.deepEqual(rounds.map(({ resultType }) => resultType), ["input_required", "input_required", "complete"]);
    assert.equal(rounds[0].inputRequests.seats.params.message, "How many?");
    assert.equal(rounds[2].content[0].text, "booked 2");
    assert.deepEqual(server.executions.started(), { b: 1 });
    assert.deepEqual(await run(() => heard.asked), []);
  });

  wire(`${kind.name}: one stream tells what changes`, modern, async ({ server, proxy, recording, run }) => {
    await run(connectModern, proxy.url);
    await run((_, uri) => session.subscribeResource({ uri }), CLOCK);
    assert.ok(listens(recording).at(-1).said.includes("acknowledged"), "the subscription is confirmed by the server");
    assert.deepEqual(listens(recording).at(-1).params.notifications, {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: [CLOCK],
    });
    await command(server, "/touch");
    await command(server, "/lists");
    assert.ok(await run(({ until }) => until(() => heard.updates.length > 0 && heard.lists.length > 2)));
    assert.deepEqual(await run(() => [heard.updates, heard.lists.sort()]), [[{ uri: CLOCK }], ["prompts", "resources", "tools"]]);
    await oneStream(recording);

    await run((_, uri) => session.unsubscribeResource({ uri }), CLOCK);
    await until(() => listens(recording).at(-1).params.notifications.resourceSubscriptions === undefined);
    await oneStream(recording);
    await command(server, "/touch");
    await command(server, "/lists");
    assert.ok(await run(({ until }) => until(() => heard.lists.length > 5)));
    assert.equal(await run(() => heard.updates.length), 1);
    await run(() => session.close());
    await until(() => listens(recording).every(({ ended }) => ended === "aborted by client"));
    assert.deepEqual(Object.keys(recording.counts()).sort(), ["server/discover", "subscriptions/listen"]);
  });

  wire(`${kind.name}: what the server lets be kept is asked for once`, { ...modern, env: { TTL } }, async ({ server, proxy, recording, run }) => {
    await run(connectModern, proxy.url);
    const reads = (rpc) => recording.records.filter((record) => record.rpc === rpc).length;
    const read = (options = {}) =>
      run(async (_, uri, options) => (await session.readResource({ uri }, options)).contents[0].text, CLOCK, options);
    await run((_, uri) => session.subscribeResource({ uri }), CLOCK);
    await run(async () => {
      for (let i = 0; i < 3; i++) await session.listTools();
    });
    assert.equal(reads("tools/list"), 1);
    assert.deepEqual([await read(), await read()], ["0", "0"]);
    assert.equal(reads("resources/read"), 1);
    await run(() => session.readResource({ uri: "test://slow" }));
    assert.equal(reads("resources/read"), 2, "another resource is another answer");

    // What has changed is not fresh any more, and nothing else.
    await command(server, "/touch");
    assert.ok(await run(({ until }) => until(() => heard.updates.length > 0)));
    assert.deepEqual([await read(), await read()], ["1", "1"]);
    assert.equal(reads("resources/read"), 3);
    assert.equal(await read({ cache: "reload" }), "1");
    assert.equal(reads("resources/read"), 4);
    await run(() => session.listTools());
    assert.equal(reads("tools/list"), 1);
    await command(server, "/lists");
    assert.ok(await run(({ until }) => until(() => heard.lists.includes("tools"))));
    await run(() => session.listTools());
    assert.equal(reads("tools/list"), 2);
  });

  wire(`${kind.name}: without a time to live every list is asked for`, modern, async ({ proxy, recording, run }) => {
    await run(connectModern, proxy.url);
    await run(() => session.listTools().then(() => session.listTools()));
    assert.equal(recording.counts()["tools/list"], 2);
  });

  wire(`${kind.name}: progress and the log come with the answer`, modern, async ({ proxy, recording, run }) => {
    await run(connectModern, proxy.url);
    const call = () =>
      run(async () => {
        const told = [];
        heard.logs.length = 0;
        await session.callTool({ name: "steps", arguments: { key: "s", steps: 3 } }, { onprogress: ({ progress, total }) => told.push([progress, total]) });
        return { told, logs: heard.logs.map(({ level, data }) => `${level} ${data}`) };
      });
    const steps = [[1, 3], [2, 3], [3, 3]];
    assert.deepEqual(await call(), { told: steps, logs: [] });
    await run(() => session.setLoggingLevel("info"));
    assert.deepEqual(await call(), { told: steps, logs: ["info step 1", "info step 2", "info step 3"] });
    assert.equal(recording.counts()["logging/setLevel"], undefined, "the level goes with each request");
  });

  wire(`${kind.name}: a call that is given up is given up by the server, too`, modern, async ({ server, proxy, recording, run }) => {
    await run(connectModern, proxy.url);
    const mark = recording.records.length;
    const called = run(async ({ settle }) => {
      globalThis.giveUp = new AbortController();
      return settle(session.callTool({ name: "slow", arguments: { key: "a", seconds: 100 } }, { signal: giveUp.signal }));
    });
    await until(() => server.executions.started().a === 1);
    await run(() => giveUp.abort(new Error("enough")));
    assert.equal((await called).error.message, "enough");
    await until(() => server.executions.aborted().a === 1);
    // The stream that the handlers have opened may come at any time.
    const { "subscriptions/listen": _, ...counts } = recording.counts(mark);
    assert.deepEqual(counts, { "tools/call": 1 });
    assert.equal(recording.since(mark).find(({ tool }) => tool === "slow").ended, "aborted by client");
  });

  wire(`${kind.name}: killed with a call, a read and a stream open: everything works again by itself`, modern, async ({ server, proxy, recording, run }) => {
    // The process takes its time to come back.
    await run(connectModern, proxy.url, { recovery: { maxAttempts: 50, baseDelay: 100, maxDelay: 300 } });
    await run((_, uri) => session.subscribeResource({ uri }), CLOCK);
    const open = run(({ settle }) =>
      Promise.all([
        settle(session.callTool({ name: "slow", arguments: { key: "w", seconds: 100 } })),
        settle(session.callTool({ name: "steps", arguments: { key: "s", steps: 2_000 } }, { onprogress() {} })),
        settle(session.callTool({ name: "slow", arguments: { key: "r", seconds: 3 } }, { repeatable: true })),
        settle(session.readResource({ uri: "test://slow" })),
      ]),
    );
    await until(() => ["w", "r", "s", "slow"].every((key) => server.executions.started()[key] === 1));
    await until(() => recording.records.some(({ tool, said }) => tool === "steps" && said.includes("progress")));
    const mark = recording.records.length;
    await server.restart();
    const [write, steps, repeatable, read] = await open;
    // One had no answer yet, the other a part of it.
    assert.deepEqual([write.error?.code, write.error?.outcome], ["network", "unknown"], JSON.stringify(write));
    // WebKit may take a connection that breaks between two pieces of a stream for the stream's end.
    const codes = ENGINE === "webkit" ? ["network", "outcome_unknown"] : ["network"];
    assert.ok(codes.includes(steps.error?.code) && steps.error.outcome === "unknown", JSON.stringify(steps));
    if (steps.error.code === "network") assert.match(steps.error.message, /broke before the answer was complete/);
    assert.equal(repeatable.ok?.content[0].text, "counted r", JSON.stringify(repeatable));
    assert.equal(read.ok?.contents[0].text, server.token, JSON.stringify(read));
    assert.deepEqual(server.executions.started(), { w: 1, s: 1, r: 2, slow: 2 });
    // The browser sends a request again by itself, where a connection breaks before any header: with the same id.
    const ids = (what) => new Set(recording.records.filter(({ rpc, key }) => [rpc, key].includes(what)).map(({ rpcId }) => rpcId));
    assert.deepEqual([ids("resources/read").size, ids("r").size, ids("w").size, ids("s").size], [2, 2, 1, 1]);

    // Nobody does anything: the stream is there again, and what it may have missed is told.
    assert.ok(await run(({ until }) => until(() => heard.updates.some(({ stale }) => stale))), "what was not told is stale");
    await until(() => listens(recording).some(({ at, said, ended }) => at > recording.since(mark)[0].at && !ended && said.includes("acknowledged")));
    await oneStream(recording);
    await run(() => void (heard.updates.length = 0));
    await command(server, "/touch");
    assert.ok(await run(({ until }) => until(() => heard.updates.length > 0)));
    assert.deepEqual(await run(() => heard.updates), [{ uri: CLOCK }]);
    assert.equal(await run(async ({ text }) => text(await session.callTool({ name: "count", arguments: { key: "after" } }))), "counted after");
    const { state, era, generation } = await run(() => session.status);
    assert.deepEqual({ state, era, generation }, { state: "ready", era: "modern", generation: 1 });
    // Between two questions for its era the server may have come up and made a session, which is not wanted then.
    const sessions = (method) => recording.since(mark).map(String).filter((line) => line.startsWith(method)).map((line) => line.split(" ")[1]);
    const made = sessions("initialize→200 ");
    assert.deepEqual(recording.since(mark).filter(({ http }) => http !== "POST").map(({ http }) => http), made.map(() => "DELETE"));
    assert.deepEqual(sessions("DELETE"), made);
  });
}

for (const kind of [servers.typescriptModern, servers.typescriptModernSse]) {
  wire(`${kind.name}: parameters are mirrored as the server checks it`, { server: kind, connect: false, env: { TTL } }, async ({ server, proxy, recording, run }) => {
    await run(connectModern, proxy.url, { listen: "never" });
    const query = (region, tenant) =>
      run(async ({ text }, given) => text(await session.callTool({ name: "query", arguments: given })), { region, tenant });
    const params = (mark) => recording.since(mark).filter(({ tool }) => tool).map(({ status, headers }) => [status, headers["mcp-param-region"], headers["mcp-param-tenant"]]);

    // Nobody has listed the tools yet: the refusal makes us do it.
    assert.equal(await query("eu", "otter"), "eu of otter");
    assert.deepEqual(recording.transcript(1), ["tools/call→400", "tools/list→200", "tools/call→200"]);
    let mark = recording.records.length;
    assert.equal(await query(" größe ", "otter"), " größe  of otter");
    assert.deepEqual(params(mark), [[200, "=?base64?IGdyw7bDn2Ug?=", undefined]]);

    // The server has another schema now, and the list that we may keep does not know it.
    await command(server, "/swap");
    mark = recording.records.length;
    assert.equal(await query("eu", "otter"), "eu of otter");
    assert.deepEqual(params(mark), [[400, "eu", undefined], [200, undefined, "otter"]]);
    assert.equal(recording.counts(mark)["tools/list"], 1);
  });
}

// ── Details ──

// Runs in the page: `session`, and `heard` what it told.
async function connectModern({ connect }, url, { answers = [], ...options } = {}) {
  globalThis.heard = { asked: [], updates: [], lists: [], logs: [], recovered: [], warnings: [] };
  const handlers = {
    "elicitation/create"({ message }) {
      heard.asked.push(message);
      const content = answers.shift();
      return content ? { action: "accept", content } : { action: "decline" };
    },
  };
  const on = {
    resourceupdate: (detail) => heard.updates.push({ ...detail }),
    log: (detail) => heard.logs.push(detail),
    recovered: (detail) => heard.recovered.push(detail),
    warning: (detail) => heard.warnings.push(detail),
  };
  for (const list of ["tools", "resources", "prompts"]) on[`${list}change`] = ({ stale }) => stale || heard.lists.push(list);
  globalThis.session = await connect(url, { handlers, on, ...options });
}

const command = ({ port }, path) => fetch(`http://127.0.0.1:${port}${path}`, { method: "POST" });

const listens = (recording) => recording.records.filter(({ rpc }) => rpc === "subscriptions/listen");

/** A stream is replaced before it is given up, and the proxy hears of that last. */
const oneStream = (recording) =>
  until(() => {
    const open = listens(recording).filter(({ ended }) => !ended);
    return open.length === 1 && open[0].said.includes("acknowledged");
  });
