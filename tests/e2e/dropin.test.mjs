// What must hold under a Client that keeps state of its own: EvergreenTransport over the package's own test server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client as Client2, SdkHttpError, UnauthorizedError as Unauthorized2 } from "@modelcontextprotocol/client";
import { UnauthorizedError as Unauthorized1 } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as types from "@modelcontextprotocol/sdk/types.js";
import { EvergreenTransport, INFO, TestServer, bounded, connected, echo, failure, of, text } from "./lib/dropin.mjs";
import { until } from "./lib/until.mjs";

// ── 1. The SDK's options ──

test("requestInit, headers and a token go with every request, and the token wins", bounded, async () => {
  let token = "t1";
  const { client, server, call } = await connected({ listen: false }, {
    requestInit: { headers: { authorization: "Bearer static", "x-a": "1" } },
    headers: () => ({ "x-b": "2" }),
    authProvider: { token: async () => token },
  });
  token = undefined;
  await call("echo");
  const seen = server.requests.map(({ headers }) => [headers.authorization, headers["x-a"], headers["x-b"]].join());
  assert.deepEqual([seen[0], seen.at(-1)], ["Bearer t1,1,2", "Bearer static,1,2"]);
  await client.close();
});

test("a 401 asks the provider once for all requests, and each is sent once more", bounded, async () => {
  let token = "old";
  const asked = [];
  const server = new TestServer({ tools: { echo } });
  let valid = "old";
  const guarded = async (input, init) => {
    if (new Headers(init.headers).get("authorization") === `Bearer ${valid}`) return server.fetch(input, init);
    return new Response("", { status: 401, headers: { "www-authenticate": "Bearer" } });
  };
  const authProvider = {
    token: async () => token,
    async onUnauthorized({ response, serverUrl, fetchFn }) {
      asked.push([response.status, serverUrl.href, typeof fetchFn]);
      await sleep(20);
      token = valid;
    },
  };
  const transport = new EvergreenTransport(server.url, { fetch: guarded, authProvider });
  const client = new Client2(INFO);
  await client.connect(transport);
  valid = "new";
  const results = await Promise.all([1, 2, 3].map((x) => client.callTool({ name: "echo", arguments: { x } })));
  assert.deepEqual(results.map(text), ["s1 1", "s1 2", "s1 3"]);
  assert.deepEqual(asked, [[401, server.url, "function"]]);
  assert.equal(server.sessionsMade, 1);
  await client.close();
});

// [what, the refusal, milliseconds until it comes, options, how often the tool runs, how the call ends]
for (const [what, refusal, after, recovery, runs, end] of [
  ["in time", {}, 0, {}, 2, "ran"],
  ["late", {}, 2_500, {}, 1, "unknown"],
  ["under the call's own id", { own: true }, 0, {}, 1, "unknown"],
  ["late, for a scope", { status: 403 }, 2_500, {}, 1, "unknown"],
  ["in time, in strict mode", {}, 0, { mode: "strict" }, 1, "not_executed"],
  ["late, in strict mode", {}, 2_500, { mode: "strict" }, 1, "unknown"],
  ["in time, where nothing is sent again", {}, 0, { mode: "off" }, 1, "not_executed"],
]) {
  test(`what a provider renews: a refusal ${what}`, bounded, async () => {
    const server = new TestServer({ tools: { echo } });
    let ran = 0;
    let token = 1;
    const fetch = async (input, init) => {
      const body = init.body && JSON.parse(init.body);
      if (body?.method !== "tools/call") return server.fetch(input, init);
      if (++ran > 1) return server.fetch(input, init);
      await sleep(after);
      const { own, status = 401 } = refusal;
      const error = { jsonrpc: "2.0", id: body.id, error: { code: -32001, message: "the bank refuses" } };
      const headers = { "www-authenticate": `Bearer error="${status === 403 ? "insufficient_scope" : "invalid_token"}"` };
      return new Response(own ? JSON.stringify(error) : "", { status, headers });
    };
    const renew = async () => void token++;
    const authProvider = { token: async () => `t${token}`, onUnauthorized: renew, onForbidden: renew };
    const client = new Client1(INFO);
    await client.connect(new EvergreenTransport(server.url, { fetch, authProvider, recovery }));
    const call = client.callTool({ name: "echo", arguments: { x: 1 } });
    assert.equal(await call.then(() => "ran", (error) => error.outcome ?? error.data?.outcome ?? error.message), end);
    assert.equal(ran, runs);
    await client.close();
  });
}

test("a session that is gone when the provider has a token after a while is made anew", bounded, async () => {
  const server = new TestServer({ tools: { echo } });
  let [token, valid] = ["old", "old"];
  const fetch = async (input, init) =>
    new Headers(init.headers).get("authorization") === `Bearer ${valid}`
      ? server.fetch(input, init)
      : new Response("", { status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"' } });
  const onUnauthorized = async () => {
    await sleep(1_500);
    server.evict();
    token = valid;
  };
  const client = new Client1(INFO);
  await client.connect(new EvergreenTransport(server.url, { fetch, authProvider: { token: async () => token, onUnauthorized } }));
  valid = "new";
  assert.equal(text(await client.callTool({ name: "echo", arguments: { x: 1 } })), "s2 1");
  await client.close();
});

test("a 401 for good is the SDK's UnauthorizedError, of either version, and the provider's own error passes", bounded, async () => {
  const locked = async () => new Response("", { status: 401 });
  const attempt = async (Client, options) => {
    const transport = new EvergreenTransport("https://mcp.test/mcp", { fetch: locked, ...options });
    return failure(new Client(INFO).connect(transport));
  };
  const errors = { UnauthorizedError: Unauthorized1 };
  const one = await attempt(Client1, { errors, authProvider: { token: async () => "x" } });
  assert.ok(one instanceof Unauthorized1);
  assert.deepEqual([one.outcome, one.cause.code], ["not_executed", "unauthorized"]);
  const two = await attempt(Client2, { authProvider: { token: async () => "x" } });
  assert.ok(two instanceof Unauthorized2);
  assert.equal(two.name, "UnauthorizedError");
  const mine = new Error("the user said no");
  const onUnauthorized = async () => {
    throw mine;
  };
  assert.equal(await attempt(Client1, { authProvider: { token: async () => "x", onUnauthorized } }), mine);
});

test("an OAuthClientProvider drives our own flow: sent away, brought back, refreshed", bounded, async () => {
  const server = new TestServer({ tools: { echo } });
  const issuer = "https://as.test";
  const seen = [];
  let valid;
  const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  const fetch = async (input, init = {}) => {
    const { origin, pathname } = new URL(input);
    if (pathname.startsWith("/.well-known/oauth-protected-resource")) return json({ resource: server.url, authorization_servers: [issuer] });
    if (origin === issuer && pathname === "/.well-known/oauth-authorization-server") {
      const endpoints = { authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, registration_endpoint: `${issuer}/register` };
      return json({ issuer, ...endpoints, response_types_supported: ["code"], code_challenge_methods_supported: ["S256"], grant_types_supported: ["authorization_code", "refresh_token"], token_endpoint_auth_methods_supported: ["none"] });
    }
    if (pathname === "/register") return json({ ...JSON.parse(init.body), client_id: "registered" }, 201);
    if (pathname === "/token") {
      const body = Object.fromEntries(new URLSearchParams(init.body));
      seen.push([body.grant_type, body.code ?? body.refresh_token, body.client_id]);
      await sleep(20);
      valid = `t${seen.length}`;
      return json({ access_token: valid, token_type: "Bearer", refresh_token: `r${seen.length}`, expires_in: 3600 });
    }
    const token = new Headers(init.headers).get("authorization");
    if (origin === "https://mcp.test" && pathname === "/mcp" && token === `Bearer ${valid}`) return server.fetch(input, init);
    return new Response("", { status: pathname === "/mcp" ? 401 : 404, headers: { "www-authenticate": "Bearer" } });
  };
  const stored = {};
  const provider = {
    redirectUrl: "https://host.test/callback",
    clientMetadata: { client_name: "host", redirect_uris: ["https://host.test/callback"] },
    state: () => "mine",
    clientInformation: () => stored.client,
    saveClientInformation: (client) => void (stored.client = client),
    tokens: () => stored.tokens && JSON.parse(stored.tokens),
    saveTokens: (tokens) => void (stored.tokens = JSON.stringify(tokens)),
    saveCodeVerifier: (verifier) => void (stored.verifier = verifier),
    codeVerifier: () => stored.verifier,
    redirectToAuthorization: (url) => void (stored.sent = url),
  };
  const open = () => new EvergreenTransport(server.url, { fetch, authProvider: provider, errors: { UnauthorizedError: Unauthorized1 } });
  const first = open();
  assert.ok((await failure(new Client1(INFO).connect(first))) instanceof Unauthorized1);
  assert.deepEqual([stored.sent.origin, stored.sent.searchParams.get("state")], [issuer, "mine"]);
  await failure(first.finishAuth(new URLSearchParams({ code: "c0", state: "another" })));
  // It was sent along, and comes back with everything but a bare code (RFC 6749, 4.1.2).
  for (const state of [{}, { state: "" }]) await failure(first.finishAuth(new URLSearchParams({ code: "c0", ...state })));
  assert.deepEqual(seen, [], "an answer to another question is not taken");
  await first.finishAuth("c1");
  const client = new Client1(INFO);
  await client.connect(open());
  const call = async (x) => text(await client.callTool({ name: "echo", arguments: { x } }));
  assert.equal(await call(1), "s1 1");
  valid = "none";
  assert.deepEqual(await Promise.all([2, 3].map(call)), ["s1 2", "s1 3"]);
  assert.deepEqual(seen, [
    ["authorization_code", "c1", "registered"],
    ["refresh_token", "r1", "registered"],
  ]);
  // Others with the same provider use what one of them has got: a refresh token is used once.
  const others = [1, 2, 3].map(() => new Client1(INFO));
  for (const other of others) await other.connect(open());
  valid = "none";
  await Promise.all(others.map((other) => other.callTool({ name: "echo", arguments: { x: 4 } })));
  assert.deepEqual(seen.slice(2), [["refresh_token", "r2", "registered"]]);
  for (const other of [client, ...others]) await other.close();
});

test("a Client whose provider has another user's tokens goes on in a session of that user's", bounded, async () => {
  const server = new TestServer({ tools: { echo } });
  const stored = { access_token: "of-ann", token_type: "Bearer" };
  let valid = "of-ann";
  const under = [];
  const fetch = async (input, init = {}) => {
    const headers = new Headers(init.headers);
    if (headers.get("authorization") !== `Bearer ${valid}`) return new Response("", { status: 401, headers: { "www-authenticate": "Bearer" } });
    under.push([headers.get("mcp-session-id"), valid]);
    return server.fetch(input, init);
  };
  const provider = {
    redirectUrl: "https://host.test/callback",
    clientMetadata: { redirect_uris: ["https://host.test/callback"] },
    clientInformation: () => ({ client_id: "c" }),
    tokens: () => ({ ...stored }),
    saveTokens: (tokens) => void Object.assign(stored, tokens),
    saveCodeVerifier: () => {},
    codeVerifier: () => "",
    redirectToAuthorization: () => assert.fail("nobody is asked"),
  };
  const client = new Client1(INFO);
  await client.connect(new EvergreenTransport(server.url, { fetch, authProvider: provider, listen: "never" }));
  const call = async (x) => text(await client.callTool({ name: "echo", arguments: { x } }));
  assert.equal(await call(1), "s1 1");
  // In another tab somebody else signs in.
  valid = stored.access_token = "of-bob";
  assert.equal(await call(2), "s2 2");
  assert.equal(await call(3), "s2 3");
  const users = (id) => [...new Set(under.filter(([session]) => session === id).map(([, user]) => user))];
  const [first, second] = [...new Set(under.map(([session]) => session))].filter(Boolean);
  assert.deepEqual([users(first), users(second), server.sessionsMade], [["of-ann"], ["of-bob"], 2]);
  await client.close();
});

test("other refusals are of the SDK's classes where the host gives them", bounded, async () => {
  const fetch = async () => new Response("no", { status: 405 });
  const errors = { StreamableHTTPError };
  const one = await failure(new Client1(INFO).connect(new EvergreenTransport("https://mcp.test/mcp", { fetch, errors })));
  assert.ok(one instanceof StreamableHTTPError);
  assert.equal(one.code, 405);
  const two = await failure(
    new Client2(INFO).connect(new EvergreenTransport("https://mcp.test/mcp", { fetch, errors: { SdkHttpError } })),
  );
  assert.ok(two instanceof SdkHttpError);
  assert.equal(two.status, 405);
  const three = await failure(new Client1(INFO).connect(new EvergreenTransport("https://mcp.test/mcp", { fetch })));
  assert.deepEqual([three.name, three.code, three.httpStatus], ["McpError", "not_mcp", 405]);
});

test("redirects are followed within the origin, or anywhere where the host says so", bounded, async () => {
  const server = new TestServer({ tools: { echo } });
  const moved = (to) => async (input, init) =>
    new URL(input).pathname === "/old" ? new Response(null, { status: 308, headers: { location: to } }) : server.fetch(input, init);
  const client = new Client1(INFO);
  await client.connect(new EvergreenTransport("https://mcp.test/old", { fetch: moved("/mcp") }));
  assert.equal(text(await client.callTool({ name: "echo", arguments: { x: 1 } })), "s1 1");
  await client.close();
  const elsewhere = new EvergreenTransport("https://mcp.test/old", { fetch: moved("https://evil.test/mcp") });
  assert.match((await failure(new Client1(INFO).connect(elsewhere))).message, /redirect/);
  const seen = [];
  const fetch = (input, init) => (seen.push(init.redirect), server.fetch(input, init));
  await new Client1(INFO).connect(new EvergreenTransport(server.url, { fetch, redirectPolicy: "follow" }));
  assert.equal(seen[0], "follow");
});

test("where a redirect for good leads is remembered only as long as MCP is served there", bounded, async () => {
  const server = new TestServer({ tools: { echo } });
  let to;
  const asked = [];
  const fetch = async (input, init) => {
    const { pathname } = new URL(input);
    asked.push(pathname);
    if (pathname === "/maintenance") return new Response("back soon", { status: 503 });
    if (pathname === "/login") return new Response("<html>sign in", { headers: { "content-type": "text/html" } });
    return pathname === "/old" && to ? new Response(null, { status: 308, headers: { location: to } }) : server.fetch(input, init);
  };
  const client = new Client1(INFO);
  await client.connect(new EvergreenTransport("https://mcp.test/old", { fetch }));
  const call = async () => text(await client.callTool({ name: "echo", arguments: { x: 1 } }));
  for (const page of ["/maintenance", "/login"]) {
    to = page;
    await failure(client.listTools());
    to = undefined;
    assert.match(await call(), / 1$/, page);
  }
  to = "/new";
  await call();
  asked.length = 0;
  await call();
  assert.deepEqual(asked, ["/new"]);
  await client.close();
});

// ── 3. The version ──

test("another version after a recovery is a typed error, then the close", bounded, async () => {
  const scene = await connected({ protocolVersion: "2025-06-18" });
  const { server, call } = scene;
  assert.equal(scene.transport.protocolVersion, "2025-06-18");
  server.evict();
  server.become({ protocolVersion: "2025-03-26" });
  const error = await failure(call("echo"));
  assert.deepEqual([error.code, error.outcome], ["unsupported_version", "unknown"]);
  await until(() => scene.closes === 1);
  const [first, second] = of(server, "initialize");
  assert.equal(first.params.protocolVersion, types.LATEST_PROTOCOL_VERSION);
  assert.deepEqual(second.params, { ...first.params, protocolVersion: "2025-06-18" });
});

// ── 4. What the server can do ──

for (const [reconnectOn, change, closes] of [
  [undefined, { version: "2" }, false],
  [undefined, { capabilities: { prompts: {} } }, true],
  ["never", { capabilities: { prompts: {} } }, false],
  ["any-change", { instructions: "new" }, true],
  ["any-change", {}, false],
]) {
  test(`reconnectOn ${reconnectOn ?? "as it is"}: ${JSON.stringify(change)} ${closes ? "ends" : "does not end"} it`, bounded, async () => {
    const results = [];
    const onreinitialize = (result) => results.push(result);
    const scene = await connected({}, { reconnectOn, onreinitialize });
    await scene.call("echo");
    scene.server.evict();
    scene.server.become(change);
    const settled = await scene.call("echo", { x: 1 }).then(text, (error) => error.code);
    await (closes ? until(() => scene.closes > 0) : sleep(20));
    assert.deepEqual([settled, scene.closes], closes ? ["session_lost", 1] : ["s2 1", 0]);
    assert.equal(results.length, closes ? 0 : 1);
    if (!closes) assert.equal(results[0].serverInfo.version, change.version ?? "1");
    await scene.client.close();
  });
}

// ── 5. Tools ──

test("list_changed comes only with a real difference, and a tool that changed under a call is not called", bounded, async () => {
  const notes = [];
  const scene = await connected({ tools: { echo, other: echo } }, {}, {
    handle: (client) =>
      client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => void notes.push("tools")),
  });
  const { client, server, call } = scene;
  await client.listTools();
  server.evict();
  server.become({ version: "2" });
  assert.equal(text(await call("echo", { x: 1 })), "s2 1");
  await sleep(50);
  assert.deepEqual(notes, []);
  server.evict();
  let ran = 0;
  server.become({ version: "3", tools: { echo: { description: "Deletes", call: () => `${++ran}` }, other: echo } });
  const error = await failure(call("echo", { x: 2 }));
  assert.deepEqual([error.code, error.outcome, ran], ["session_lost", "unknown", 0]);
  await until(() => notes.length === 1);
  await client.close();
});

// ── 6. Progress ──

test("progress has the Client's own token, and goes on after a retry where it was", bounded, async () => {
  let runs = 0;
  let hold;
  const held = new Promise((resolve) => (hold = resolve));
  const prompts = {
    "prompts/get": async (_params, { progress }) => {
      for (const n of runs++ ? [1, 2, 3, 4] : [1, 2]) progress({ progress: n });
      if (runs === 1) await held;
      return { messages: [] };
    },
  };
  const { client, server } = await connected({ sse: true, answers: prompts });
  const heard = [];
  const got = client.getPrompt({ name: "p" }, { onprogress: ({ progress }) => heard.push(progress) });
  await until(() => heard.length === 2);
  server.breakStreams();
  await got;
  hold();
  assert.deepEqual([heard, runs], [[1, 2, 3, 4], 2]);
  const tokens = of(server, "prompts/get").map(({ params }) => params._meta.progressToken);
  assert.equal(new Set(tokens).size, 2);
  await client.close();
});

// ── 7. The Client's own clock ──

for (const [version, Client] of [["1", Client1], ["2", Client2]]) {
  test(`SDK ${version} hears all the progress that comes in one chunk with the result`, bounded, async () => {
    const heard = [];
    const inOneChunk = async (input, init) => {
      const message = init.method === "POST" ? JSON.parse(init.body) : {};
      if (message.method !== "tools/call") return server.fetch(input, init);
      const { progressToken } = message.params._meta;
      const steps = Array.from({ length: 200 }, (_, n) => ({ method: "notifications/progress", params: { progressToken, progress: n + 1 } }));
      const answer = { id: message.id, result: { content: [] } };
      const events = [...steps, answer].map((one) => `data: ${JSON.stringify({ jsonrpc: "2.0", ...one })}\n\n`);
      return new Response(events.join(""), { headers: { "content-type": "text/event-stream" } });
    };
    const server = new TestServer({ tools: { echo } });
    const client = new Client(INFO);
    await client.connect(new EvergreenTransport(server.url, { fetch: inOneChunk }));
    const options = { onprogress: ({ progress }) => heard.push(progress) };
    await (version === "1" ? client.callTool({ name: "echo" }, undefined, options) : client.callTool({ name: "echo" }, options));
    assert.deepEqual(heard, Array.from({ length: 200 }, (_, n) => n + 1));
    await client.close();
  });
}

test("a call that times out while it is parked is never sent, one on the wire is cancelled under its id there", bounded, async () => {
  const { client, server, call } = await connected({ tools: { echo, slow: () => new Promise(() => {}) } });
  server.evict();
  const release = server.stall("initialize");
  const parked = failure(call("echo", { x: "parked" }, { timeout: 1_000 }));
  assert.equal((await parked).code, types.ErrorCode.RequestTimeout);
  release();
  assert.equal(text(await call("echo", { x: "after" })), "s2 after");
  const sent = of(server, "tools/call").filter(({ params }) => params.arguments.x === "parked");
  assert.deepEqual(sent.map(({ session }) => session), [undefined], "only the refused send");
  const slow = call("slow", {}, { timeout: 1_000 });
  assert.equal((await failure(slow)).code, types.ErrorCode.RequestTimeout);
  await until(() => of(server, "notifications/cancelled").length === 1);
  const [{ params }] = of(server, "notifications/cancelled");
  assert.equal(params.requestId, of(server, "tools/call").at(-1).id);
  await client.close();
});

// ── 8. Resumption tokens ──

test("a resumption token resumes; one of a dead session is unknown at once, without a second POST", bounded, async () => {
  let finish;
  const { client, server, transport, call } = await connected({
    sse: true,
    resumable: true,
    tools: { echo, slow: () => new Promise((resolve) => (finish = resolve)) },
  });
  const tokens = [];
  const stop = new AbortController();
  const first = call("slow", {}, { onresumptiontoken: (token) => tokens.push(token), signal: stop.signal });
  await until(() => tokens.length === 1);
  const before = server.count("tools/call");
  const again = call("slow", {}, { resumptionToken: tokens[0], onresumptiontoken: (token) => tokens.push(token) });
  await sleep(50);
  finish("done");
  assert.equal(text(await again), "done");
  assert.equal(server.count("tools/call"), before, "no second POST");
  stop.abort("no longer wanted");
  await failure(first);

  server.evict();
  assert.equal(text(await call("echo", { x: 1 })), "s2 1");
  const posts = server.requests.length;
  const error = await failure(call("slow", {}, { resumptionToken: tokens[0] }));
  assert.deepEqual([error.code, error.outcome], ["outcome_unknown", "unknown"]);
  assert.equal(server.requests.slice(posts).filter(({ method }) => method === "tools/call").length, 0);
  assert.equal(transport.status.state, "ready");
  await client.close();
});

test("resumeStream hears the rest of a stream: its call's answer, and what else comes there", bounded, async () => {
  let finish;
  const { client, server, transport, call } = await connected({
    sse: true,
    resumable: true,
    tools: { echo, slow: () => new Promise((resolve) => (finish = resolve)) },
  });
  const tokens = [];
  const first = call("slow", {}, { onresumptiontoken: (token) => tokens.push(token) });
  first.catch(() => {});
  await until(() => tokens.length === 1);
  const before = server.count("tools/call");
  const heard = [];
  const onmessage = transport.onmessage;
  transport.onmessage = (message) => {
    heard.push(message);
    onmessage(message);
  };
  const later = [];
  await transport.resumeStream(tokens[0], { onresumptiontoken: (token) => later.push(token) });
  finish("done");
  assert.equal(text(await first), "done");
  await sleep(50);
  assert.deepEqual(heard.map(({ result }) => text(result)), ["done"], "once, whichever stream it came on");
  assert.equal(server.count("tools/call"), before, "nothing is sent again");
  // Of a session that is gone there is no rest.
  server.evict();
  await call("echo", { x: 1 });
  const posts = server.requests.length;
  assert.equal((await failure(transport.resumeStream(tokens[0]))).outcome, "unknown");
  assert.equal(server.requests.length, posts);
  for (const wrong of [undefined, 7, ""]) assert.equal((await failure(transport.resumeStream(wrong))).constructor, TypeError);
  await client.close();
});

// ── 9. A session that the host stored ──

test("a stored session is taken up; with its initialize it is healed, without it its end is told", bounded, async () => {
  const { server, transport, client } = await connected({}, {});
  const { sessionId, protocolVersion } = transport;
  const [{ params: initializeParams }] = of(server, "initialize");
  await client.close();
  for (const stored of [{ initializeParams }, {}]) {
    const again = new EvergreenTransport(server.url, { fetch: server.fetch, sessionId, protocolVersion, ...stored });
    const second = new Client1(INFO);
    let closes = 0;
    second.onclose = () => closes++;
    await second.connect(again);
    const call = () => second.callTool({ name: "echo", arguments: { x: 1 } });
    if (stored.initializeParams) {
      assert.equal(text(await call()), "s1 1");
      server.evict();
      assert.equal(text(await call()), "s2 1");
      assert.notEqual(again.sessionId, sessionId);
      await second.close();
    } else {
      const error = await failure(call());
      assert.deepEqual([error.code, error.outcome], ["session_lost", "unknown"]);
      await until(() => closes === 1);
    }
  }
  assert.equal(of(server, "initialize").length, 2);
});

// ── 10. Messages as they are ──

test("ids keep their type, and send neither rejects for an eviction nor waits for a parked notification", bounded, async () => {
  const server = new TestServer({ tools: { echo } });
  const ids = [];
  const transport = new EvergreenTransport(server.url, { fetch: server.fetch, onsessionidchange: (id) => ids.push(id) });
  const messages = [];
  transport.onmessage = (message) => messages.push(message);
  await transport.start();
  assert.equal(transport.sessionId, undefined);
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: INFO };
  await transport.send({ jsonrpc: "2.0", id: 0, method: "initialize", params });
  assert.equal(transport.sessionId, undefined, "until the handshake is over");
  await transport.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  assert.equal(typeof transport.sessionId, "string");
  const call = (id) => transport.send({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "echo", arguments: { x: id } } });
  server.evict();
  const release = server.stall("initialize");
  const sent = [call("a"), call(1), call("1")];
  await until(() => transport.status.state === "recovering");
  await transport.send({ jsonrpc: "2.0", method: "notifications/roots/list_changed" });
  release();
  await Promise.all(sent);
  assert.deepEqual(messages.map(({ id, result }) => [id, result.content && text(result)]), [
    [0, undefined],
    ["a", "s2 a"],
    [1, "s2 1"],
    ["1", "s2 1"],
  ]);
  await until(() => server.count("notifications/roots/list_changed") === 1);
  assert.deepEqual([ids.length, new Set(ids).size, ids[1]], [2, 2, transport.sessionId]);
  await transport.close();
});

test("a failure that is no answer rejects with what is known of it; an error of the server's is an answer", bounded, async () => {
  const { client, server, call } = await connected({ tools: { echo } });
  const answer = await failure(call("none"));
  assert.deepEqual([answer.code, answer instanceof types.McpError], [-32602, true]);
  server.break("tools/call", { head: true });
  const error = await failure(call("echo"));
  assert.deepEqual([error.name, error.outcome], ["McpError", "unknown"]);
  await client.close();
});

test("one listener's fault, or the host's, stays its own", bounded, async () => {
  const scene = await connected({}, {
    onsessionidchange() {
      throw new Error("mine");
    },
  });
  await until(() => scene.errors.length === 1);
  assert.equal(text(await scene.call("echo", { x: 1 })), "s1 1");
  await scene.client.close();
});
