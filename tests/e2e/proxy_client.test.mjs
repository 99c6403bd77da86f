// The option `proxy`, in Node: the package's own handler, and a `fetch` that hides what CORS would hide in a page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { installed } from "./lib/install.mjs";
import { startWorld } from "./lib/oauth.mjs";
import { until } from "./lib/until.mjs";

const folder = pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/`);
const [{ connect, SessionManager }, { EvergreenTransport }, { createProxy }, { TestServer }] = await Promise.all(
  ["index.js", "transport.js", "proxy.js", "testing.js"].map((file) => import(new URL(file, folder))),
);

const bounded = { timeout: 30_000 };
const say = (session, message = "otters") => session.callTool({ name: "echo", arguments: { message } }, { timeout: 5_000 }).then((result) => result.content[0].text);
const failed = async (promise) => {
  const { code, outcome, diagnosis, retryable, httpStatus } = await promise.then(() => assert.fail("it went well"), (error) => error);
  return { code, outcome, kind: diagnosis?.kind, retryable, httpStatus };
};

let proxies = 0;

/**
 * A server at `server.fetch` that the page sees nothing of while `hides()`, and a proxy that sees all. `went` has what was
 * sent, by its way: `["direct initialize", "proxy initialize", …]`.
 */
function world(server, { hides = () => true, handler, url = server.url, ...options } = {}) {
  const went = [];
  const reached = [];
  // What the ways lead to is remembered by the proxy, too.
  const proxy = `https://host.example/proxy/${++proxies}`;
  const behind = async (input, init) => {
    reached.push(Object.fromEntries(init.headers));
    const body = init.body === undefined ? undefined : await new Response(init.body).text();
    return server.fetch(input, { ...init, body });
  };
  const own = createProxy({ targets: [url], allowPrivateTargets: true, resolve: async () => ["93.184.216.34"], fetch: behind, ...options });
  const state = { hides, handler: handler ?? own };
  const fetch = async (input, init) => {
    const byProxy = String(input) === proxy;
    const what = init.method === "POST" ? (JSON.parse(init.body).method ?? "answer") : init.method;
    went.push(`${byProxy ? "proxy" : "direct"} ${what}`);
    if (byProxy) return state.handler(new Request(proxy, { ...init, signal: init.signal, duplex: "half" }));
    if (state.hides(what)) throw new TypeError("Failed to fetch");
    return server.fetch(input, init);
  };
  return { went, reached, proxy, state, fetch, own };
}

const echoes = (options) => new TestServer({ tools: { echo: ({ message }) => `Echo: ${message}` }, ...options });

// ── Which way ──

test("a server that hides its answers is reached by the proxy from the handshake on, and a call is sent once", bounded, async () => {
  const server = echoes();
  const { went, proxy, fetch, reached } = world(server);
  const session = await connect(server.url, { fetch, proxy, listen: "never" });
  assert.equal(await say(session), "Echo: otters");
  await session.close();
  assert.deepEqual(went, [
    "direct server/discover", "proxy server/discover", "proxy initialize", "proxy notifications/initialized", "proxy tools/call", "proxy DELETE",
  ]);
  assert.equal(server.count("tools/call"), 1);
  assert.deepEqual(reached.flatMap((headers) => Object.keys(headers)).filter((name) => /^evergreen-|^cookie|^origin/.test(name)), []);
});

test("an eviction is healed through the proxy in as many requests as without", bounded, async () => {
  const server = echoes();
  const { went, proxy, fetch } = world(server);
  const session = await connect(server.url, { fetch, proxy, era: "legacy", listen: "never" });
  went.length = 0;
  server.evict();
  assert.equal(await say(session), "Echo: otters");
  assert.deepEqual(went, ["proxy tools/call", "proxy initialize", "proxy notifications/initialized", "proxy tools/call"]);
  assert.deepEqual([server.sessionsMade, session.status.recoveries], [2, 1]);
  await session.close();
});

test("a server that a page can read is never asked by the proxy, whatever becomes of it", bounded, async () => {
  const server = echoes();
  const { went, proxy, fetch, state } = world(server, { hides: () => false });
  const session = await connect(server.url, { fetch, proxy, era: "legacy", listen: "never", recovery: { baseDelay: 1, maxDelay: 5 } });
  assert.equal(await say(session), "Echo: otters");
  // An outage: neither a call nor a new handshake takes the other way.
  state.hides = () => true;
  const lost = await failed(say(session));
  assert.deepEqual([lost.code, lost.outcome], ["network", "unknown"]);
  went.length = 0;
  await failed(session.reconnect());
  assert.ok(went.includes("direct initialize"), String(went));
  state.hides = () => false;
  assert.equal(await say(session), "Echo: otters");
  await session.close();
  assert.deepEqual(went.filter((one) => one.startsWith("proxy")), []);
});

test("a call that fails opaquely may have run: it is not sent the other way", bounded, async () => {
  const server = echoes();
  const { went, proxy, fetch, state } = world(server, { hides: () => false });
  const session = await connect(server.url, { fetch, proxy, era: "legacy", listen: "never" });
  state.hides = (what) => what === "tools/call";
  const { code, outcome } = await failed(say(session));
  assert.deepEqual([code, outcome], ["network", "unknown"]);
  assert.deepEqual(went.filter((one) => one.includes("tools/call")), ["direct tools/call"]);
  await session.close();
});

test("with `always` nothing is asked directly", bounded, async () => {
  const server = echoes({ era: "modern" });
  const { went, proxy, fetch } = world(server, { hides: () => false });
  const session = await connect(server.url, { fetch, proxy: { url: proxy, when: "always" }, listen: "never" });
  assert.equal(await say(session), "Echo: otters");
  await session.close();
  assert.deepEqual(went.filter((one) => !one.startsWith("proxy")), []);
  assert.equal(session.status.era, "modern");
});

test("what led to an endpoint is remembered: the next session asks that way at once", bounded, async () => {
  const server = echoes();
  const { went, proxy, fetch } = world(server);
  const options = { fetch, proxy, era: "legacy", listen: "never" };
  await (await connect(server.url, options)).close();
  assert.equal(went[0], "direct initialize");
  went.length = 0;
  await (await connect(server.url, options)).close();
  assert.deepEqual(went, ["proxy initialize", "proxy notifications/initialized", "proxy DELETE"]);
});

test("a session that was taken up, whose way nobody knows, asks for it by what runs nothing, once", bounded, async () => {
  const server = echoes();
  const client = () => new Client({ name: "host", version: "1" });
  const first = new EvergreenTransport(server.url, { fetch: server.fetch, listen: "never" });
  await client().connect(first);
  for (const [hides, way] of [[() => true, "proxy"], [() => false, "direct"]]) {
    const { went, proxy, fetch } = world(server, { hides });
    const second = client();
    await second.connect(new EvergreenTransport(server.url, { fetch, proxy, sessionId: first.sessionId, protocolVersion: "2025-11-25", listen: "never" }));
    const calls = await Promise.all(["a", "b"].map((message) => second.callTool({ name: "echo", arguments: { message } })));
    assert.deepEqual(calls.map(({ content }) => content[0].text), ["Echo: a", "Echo: b"]);
    assert.deepEqual(went, ["direct server/discover", `${way} tools/call`, `${way} tools/call`]);
  }
  assert.deepEqual([server.count("tools/call"), server.sessionsMade], [4, 1]);
});

/** A session that was taken up, and whose question for the way is open until `settle(answer)`; `asked` are the questions' signals. */
async function undecided(server) {
  const went = [];
  const asked = [];
  let settle;
  const answer = new Promise((resolve) => (settle = resolve));
  const fetch = async (input, init) => {
    const { method } = JSON.parse(init.body ?? "{}");
    went.push(method ?? init.method);
    if (method !== "server/discover") return server.fetch(input, init);
    asked.push(init.signal);
    const gone = new Promise((_, reject) => init.signal.addEventListener("abort", () => reject(init.signal.reason)));
    return Promise.race([answer, gone]);
  };
  const first = new EvergreenTransport(server.url, { fetch: server.fetch, listen: "never" });
  await new Client({ name: "host", version: "1" }).connect(first);
  const client = new Client({ name: "host", version: "1" });
  const options = { fetch, proxy: `https://host.example/proxy/${++proxies}`, sessionId: first.sessionId, protocolVersion: "2025-11-25", listen: "never" };
  await client.connect(new EvergreenTransport(server.url, options));
  const call = (message, signal) => client.callTool({ name: "echo", arguments: { message } }, undefined, { signal }).then(({ content }) => content[0].text, (error) => `failed ${error.name}`);
  return { went, asked, settle, call };
}

test("one who gives up while the way is asked for ends at once, and takes nothing from the others", bounded, async () => {
  const server = echoes();
  const { went, asked, settle, call } = await undecided(server);
  const stop = new AbortController();
  const [aborted, other] = [call("a", stop.signal), call("b")];
  await until(() => asked.length === 1);
  stop.abort();
  assert.match(await aborted, /^failed/);
  assert.deepEqual([asked[0].aborted, went.includes("tools/call")], [false, false], "the question goes on for the other");
  settle(new Response("{}"));
  assert.equal(await other, "Echo: b");
  assert.deepEqual([asked.length, server.count("tools/call")], [1, 1]);
});

test("where all give up, the question for the way is given up, and the next call asks it anew", bounded, async () => {
  const server = echoes();
  const { asked, settle, call } = await undecided(server);
  const stop = new AbortController();
  const both = ["a", "b"].map((message) => call(message, stop.signal));
  await until(() => asked.length === 1);
  stop.abort();
  for (const one of await Promise.all(both)) assert.match(one, /^failed/);
  // The cancellations that follow ask for the way, too.
  await until(() => asked[0].aborted);
  settle(new Response("{}"));
  assert.equal(await call("c"), "Echo: c");
  assert.equal(server.count("tools/call"), 1);
});

test("a manager's sessions and the drop-in transport go by the proxy as well", bounded, async () => {
  const server = echoes();
  const { went, proxy, fetch } = world(server);
  const manager = new SessionManager({ fetch, proxy, era: "legacy", listen: "never" });
  assert.equal(await say(await manager.open("one", server.url)), "Echo: otters");
  await manager.close();
  const client = new Client({ name: "host", version: "1" });
  await client.connect(new EvergreenTransport(server.url, { fetch, proxy, listen: "never" }));
  server.evict();
  assert.equal((await client.callTool({ name: "echo", arguments: { message: "x" } })).content[0].text, "Echo: x");
  await client.close();
  assert.deepEqual(went.filter((one) => one.startsWith("direct")), ["direct initialize"]);
  assert.deepEqual(server.requests.filter(({ method }) => method === "tools/call").map(({ status }) => status), [200, 404, 200]);
});

// ── What the proxy says, and what says it ──

test("what the proxy refuses is said with what helps, was never run, and the session goes on", bounded, async () => {
  const server = echoes();
  const { proxy, fetch, state, own } = world(server);
  const session = await connect(server.url, { fetch, proxy, era: "legacy", listen: "never" });
  const refuse = (reason, status) => (state.handler = async () => Response.json({ error: reason }, { status, headers: { "evergreen-proxy": `refused ${reason}` } }));
  for (const [reason, status] of [["not_listed", 403], ["not_authorized", 403], ["request_too_large", 413], ["private_target", 403], ["no_such_reason", 400]]) {
    refuse(reason, status);
    const told = await failed(say(session));
    assert.deepEqual(told, { code: "proxy", outcome: "not_executed", kind: "proxy_refused", retryable: false, httpStatus: status }, reason);
  }
  state.handler = own;
  assert.equal(await say(session), "Echo: otters");
  assert.deepEqual([server.count("tools/call"), server.sessionsMade], [1, 1], "no refusal was taken for the server's");
  await session.close();
});

test("a target that the proxy refuses ends the connect, in words, and is never contacted", bounded, async () => {
  const server = echoes();
  const { proxy, fetch, reached } = world(server, { allowPrivateTargets: false, url: "https://mcp.example.com/mcp" });
  const error = await connect(server.url, { fetch, proxy }).catch((error) => error);
  assert.deepEqual([error.code, error.outcome, error.httpStatus, error.diagnosis.kind], ["proxy", "not_executed", 403, "proxy_refused"]);
  assert.match(error.message, /private or local/);
  assert.deepEqual(reached, []);
});

for (const [what, answers, expected] of [
  ["a page", () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }), { code: "proxy", kind: "not_a_proxy", retryable: false, httpStatus: 200 }],
  ["a 404 of some host's", () => new Response("Not Found", { status: 404 }), { code: "proxy", kind: "not_a_proxy", retryable: false, httpStatus: 404 }],
  ["a login that it leads to", () => new Response(null, { status: 302, headers: { location: "/login" } }), { code: "proxy", kind: "not_a_proxy", retryable: false, httpStatus: 302 }],
  ["another's answer that looks like MCP", () => Response.json({ jsonrpc: "2.0", id: 1, result: {} }), { code: "proxy", kind: "not_a_proxy", retryable: false, httpStatus: 200 }],
  ["a platform whose proxy is just deployed", () => new Response("busy", { status: 503 }), { code: "network", kind: "not_a_proxy", retryable: true, httpStatus: undefined }],
  ["nothing", () => Promise.reject(new TypeError("Failed to fetch")), { code: "network", kind: "proxy_unreached", retryable: true, httpStatus: undefined }],
]) {
  test(`where ${what} answers at the proxy's address, the error says so`, bounded, async () => {
    const server = echoes();
    const { proxy, fetch, reached } = world(server, { handler: async () => answers() });
    const { outcome, ...told } = await failed(connect(server.url, { fetch, proxy, recovery: { baseDelay: 1, maxDelay: 2 } }));
    assert.deepEqual(told, expected);
    assert.deepEqual(reached, []);
  });
}

test("a call whose answer is none of the proxy's may have run: it is not sent again", bounded, async () => {
  const server = echoes();
  const { proxy, fetch, state, own, went } = world(server);
  const session = await connect(server.url, { fetch, proxy, era: "legacy", listen: "never" });
  went.length = 0;
  let once = true;
  state.handler = async (request) => {
    const isCall = request.method === "POST" && (await request.clone().text()).includes("tools/call");
    const answer = await own(request);
    if (!isCall || !once) return answer;
    once = false;
    return new Response("<title>524: a timeout occurred</title>", { status: 524 });
  };
  const { code, outcome, kind } = await failed(say(session));
  assert.deepEqual([code, outcome, kind], ["proxy", "unknown", "not_a_proxy"]);
  assert.deepEqual(went.filter((one) => one.includes("tools/call")), ["proxy tools/call"]);
  assert.equal(await say(session), "Echo: otters");
  assert.equal(server.count("tools/call"), 2);
  await session.close();
});

test("what the proxy asks of its users goes to it alone; what the host adds for the server goes on where the proxy passes it", bounded, async () => {
  const server = echoes();
  const seen = [];
  const authorize = (request) => seen.push(request.headers.get("evergreen-authorization")) > 0 && seen.at(-1) === "Bearer mine";
  const { fetch, reached, proxy } = world(server, { authorize, passHeaders: ["X-Api-Key"] });
  let asked = 0;
  const headers = async () => ({ "Evergreen-Authorization": ++asked && "Bearer mine" });
  const session = await connect(server.url, { fetch, proxy: { url: proxy, headers }, headers: { "x-api-key": "k", authorization: "Bearer server's" }, era: "legacy", listen: "never" });
  assert.equal(await say(session), "Echo: otters");
  await session.close();
  assert.deepEqual([...new Set(reached.map((headers) => `${headers.authorization} ${headers["x-api-key"]}`))], ["Bearer server's k"]);
  assert.ok(reached.length > 2 && asked === reached.length && seen.length === asked);
  assert.doesNotMatch(JSON.stringify(reached), /mine|"evergreen-/);

  const other = world(server);
  const told = await connect(server.url, { fetch: other.fetch, proxy: other.proxy, headers: { "x-api-key": "k" } }).catch((error) => error);
  assert.deepEqual([told.code, told.outcome], ["proxy", "not_executed"]);
  assert.match(told.message, /passHeaders/);
  const bad = await connect(server.url, { fetch, proxy: { url: proxy, headers: { authorization: "Bearer x" } } }).catch((error) => error);
  assert.match(String(bad.cause ?? bad), /proxy\.headers/);
});

test("a redirect of the server's is seen through the proxy, and followed within its origin", bounded, async () => {
  const server = echoes();
  const moved = { fetch: async (input, init) => (String(input).endsWith("/old") ? new Response(null, { status: 308, headers: { location: "/mcp" } }) : server.fetch(server.url, init)) };
  const url = new URL("/old", server.url).href;
  const { proxy, fetch, went } = world(moved, { url: new URL(url).origin });
  const session = await connect(url, { fetch, proxy, era: "legacy", listen: "never" });
  assert.equal(await say(session), "Echo: otters");
  await session.close();
  const away = { fetch: async () => new Response(null, { status: 307, headers: { location: "https://elsewhere.example.com/" } }) };
  const other = world(away, { url: new URL(url).origin });
  const { kind } = await failed(connect(url, { fetch: other.fetch, proxy: other.proxy, era: "legacy" }));
  assert.equal(kind, "other_origin");
  assert.ok(went.length > 0);
});

test("a bad option is a TypeError that names it", bounded, async () => {
  for (const [given, name] of [
    [5, "proxy"], ["/relative", "proxy"], ["ftp://x", "proxy"], [{}, "proxy.url"], [{ url: "https://a:b@x" }, "proxy.url"], [{ url: "https://x", when: "never" }, "proxy.when"],
    [{ url: "https://x", oauth: "yes" }, "proxy.oauth"], [{ url: "https://x", headers: 5 }, "proxy.headers"], [{ url: "https://x", header: {} }, "proxy.header"],
  ]) {
    const error = await connect("https://mcp.example.com", { proxy: given }).catch((error) => error);
    assert.ok(error instanceof TypeError && error.message.startsWith(name), `${JSON.stringify(given)}: ${error.message}`);
  }
});

// ── OAuth ──

/** `startWorld` behind a proxy: what `hides(url, method)` says is hidden from the page, also where it ran. */
function authorized({ hides = () => true, oauth, when, targets = ["https://mcp.example/mcp", "https://as.example"], ...more }) {
  const servers = startWorld(more);
  const url = `https://host.example/proxy/${++proxies}`;
  const went = [];
  const byProxy = (send) =>
    createProxy({
      targets,
      allowPrivateTargets: true,
      resolve: async () => ["93.184.216.34"],
      fetch: async (input, init) => send(input, { ...init, body: init.body && (await new Response(init.body).text()) }),
    });
  const way = (send) => async (input, init) => {
    const [method, target] = [init.method ?? "GET", String(input)];
    if (target === url) {
      went.push(`proxy ${method} ${new Headers(init.headers).get("evergreen-target")}`);
      return byProxy(send)(new Request(url, { ...init, duplex: "half" }));
    }
    went.push(`direct ${method} ${target}`);
    const hidden = hides(target, method);
    // A form is no reason for a preflight: the server does what it says, and only the answer is hidden.
    if (!hidden || method !== "GET") {
      const answer = await send(input, init);
      if (!hidden) return answer;
    }
    throw new TypeError("Failed to fetch");
  };
  const auth = { ...servers.auth, fetch: way(servers.auth.fetch) };
  const options = { ...servers.options, fetch: way(servers.options.fetch), auth, proxy: { url, oauth, when } };
  return { servers, went, options, connect: () => connect(servers.url, options) };
}

test("OAuth with nothing that a page can read: everything by the proxy, once, and in the server's own name", bounded, async () => {
  const { servers, went, connect } = authorized({ oauth: true });
  const session = await connect();
  await session.callTool({ name: "any", arguments: {} });
  await session.close();
  assert.deepEqual(went.filter((one) => one.startsWith("direct POST https://as")), []);
  assert.equal(went.filter((one) => one === "proxy POST https://as.example/token").length, 1);
  assert.deepEqual([servers.registered, servers.issued], [1, 1]);
  assert.equal(servers.opened[0].resource, "https://mcp.example/mcp");
  const [token] = servers.of("/token");
  assert.equal(token.form.resource, "https://mcp.example/mcp");
  assert.doesNotMatch(JSON.stringify(servers.requests), /host\.example|"evergreen-/);
});

test("without `oauth: true` registrations and tokens never go by the proxy, also where that is the end of it", bounded, async () => {
  const { servers, went, options } = authorized({});
  const warnings = [];
  const { code } = await failed(connect(servers.url, { ...options, on: { warning: ({ kind, hint }) => kind === "proxy" && warnings.push(hint) } }));
  assert.equal(code, "auth");
  assert.match(warnings[0], /oauth: true/);
  assert.deepEqual(went.filter((one) => /^proxy POST https:\/\/as/.test(one)), []);
  assert.ok(went.some((one) => one.startsWith("proxy GET https://as.example/.well-known")), "metadata does");
  assert.equal(servers.issued, 0);
});

test("what a page can read of OAuth is asked directly: metadata by its own way, tokens with the authorization server", bounded, async () => {
  const { went, connect } = authorized({ hides: (target) => target.startsWith("https://mcp.example") });
  const session = await connect();
  await session.close();
  assert.deepEqual([...new Set(went.filter((one) => one.includes("as.example")).map((one) => one.split(" ")[0]))], ["direct"]);
  assert.ok(went.includes("proxy GET https://mcp.example/.well-known/oauth-protected-resource/mcp"));
});

for (const [what, hides] of [
  ["all of which is hidden", undefined],
  // So that nothing but what is posted goes by the proxy.
  ["whose metadata a page can read", (target, method) => method === "POST"],
]) {
  test(`an authorization server that the proxy's list lacks, ${what}, is named in a warning and in the error`, bounded, async () => {
    const { options, servers, went } = authorized({ oauth: true, targets: ["https://mcp.example/mcp"], hides });
    const warnings = [];
    const error = await connect(servers.url, { ...options, on: { warning: ({ kind, hint }) => warnings.push([kind, hint]) } }).catch((error) => error);
    assert.ok(warnings.some(([kind, hint]) => kind === "proxy" && /`targets` must have/.test(hint)), JSON.stringify(warnings));
    assert.match(error.message, /not among the proxy's `targets`/);
    if (hides) assert.deepEqual([error.code, error.diagnosis.kind, went.filter((one) => /POST.*register/.test(one))], ["auth", "proxy_refused", ["proxy POST https://as.example/register"]]);
  });
}

test("a token that expires is refreshed by the proxy while the session is healed", bounded, async () => {
  const { servers, connect } = authorized({ oauth: true });
  const session = await connect();
  servers.valid.clear();
  await session.callTool({ name: "any", arguments: {} });
  await session.close();
  assert.deepEqual([servers.issued, servers.refreshes(), servers.opened.length], [2, 1, 1]);
});
