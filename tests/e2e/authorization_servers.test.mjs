// Authorization servers as they are in the field, against the installed package in Node: what a user meets in place of a
// login. What is read and decided has its transcripts in tests/protocol/oauth; here is what the host and its storage do.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { installed } from "./lib/install.mjs";
import { METADATA, PRM, answer, startWorld, store } from "./lib/oauth.mjs";
import { listen } from "./lib/ports.mjs";

let connect, EvergreenTransport, SessionManager;
before(async () => {
  const folder = pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/`);
  ({ connect, SessionManager } = await import(new URL("index.js", folder)));
  ({ EvergreenTransport } = await import(new URL("transport.js", folder)));
});

const SECRETS = /access-\d|refresh-\d|the-code|s3cret/;

/** `"ready"`, or the kind of the error, of which nothing secret is told. */
async function login(world, options = {}) {
  try {
    world.session = await connect(world.url, { ...world.options, ...options });
    return "ready";
  } catch (error) {
    assert.doesNotMatch(`${error.message} ${JSON.stringify(error)} ${error.diagnosis?.hint}`, SECRETS);
    return error.diagnosis?.kind ?? error.code;
  }
}

const call = (world) => world.session.callTool({ name: "x" }).then(() => "ok", (error) => error.diagnosis?.kind ?? error.code);

// ── A login, row by row: what the servers do, and what comes of it ──

const html = (status) => () => new Response("<html>Just a moment...</html>", { status, headers: { "content-type": "text/html" } });
const token = (reply) => ({ on: ({ url }, world) => (url.endsWith("/token") ? reply(world) : undefined) });
const trusted = (trust) => ({ trust: { issuer: "https://as.example", ...trust } });
const noPkce = { metadata: { code_challenge_methods_supported: undefined } };
const noResource = { back: ({ state }, { opened }) => `https://app.example/callback?${opened.at(-1).resource ? "error=invalid_target" : "code=the-code"}&state=${state}` };

for (const [what, setting, expected, { auth, opened } = {}] of [
  ["as the book says", {}, "ready", { opened: 1 }],
  ["a resource that lists the issuer with a slash", { resource: { authorization_servers: ["https://as.example/"] } }, "ready"],
  ["an issuer that calls itself with a slash", { metadata: { issuer: "https://as.example/" } }, "ready"],
  ["an issuer of another path", { metadata: { issuer: "https://as.example/t" } }, "issuer_mismatch", { opened: 0 }],
  ["the same, vouched for", { metadata: { issuer: "https://as.example/t" } }, "ready", { auth: trusted() }],
  ["an issuer of another origin, vouched for in vain", { metadata: { issuer: "https://evil.example" } }, "issuer_mismatch", { auth: trusted(), opened: 0 }],
  ["no word of PKCE", noPkce, "no_pkce", { opened: 0 }],
  ["the same, vouched for", noPkce, "ready", { auth: trusted() }],
  ["a server that does not take resource", noResource, "resource_refused", { opened: 1 }],
  ["the same, vouched for", noResource, "ready", { auth: trusted(), opened: 2 }],
  ["the same, known beforehand", noResource, "ready", { auth: trusted({ resource: false }), opened: 1 }],
  ["tokens as a form", token((world) => (world.valid.add("good"), new Response("access_token=good&token_type=bearer"))), "ready"],
  ["a token of a kind with a name of its own", token((world) => (world.valid.add("good"), answer(200, { access_token: "good", token_type: "user" }))), "ready"],
  ["a token that is bound to a key", token(() => answer(200, { access_token: "good", token_type: "DPoP" })), "bad_token", { opened: 1 }],
  ["a token endpoint that shows a page", token(html(403)), "refused", { opened: 1 }],
  ["a token endpoint that is busy", token(html(503)), "refused", { opened: 1 }],
  ["a token endpoint that redirects", token(() => answer(307, undefined, { location: "https://evil.example/" })), "refused", { opened: 1 }],
  ["a token endpoint that cannot be reached", token(() => Promise.reject(new TypeError("fetch failed"))), "unreachable", { opened: 1 }],
  ["metadata that is busy", { on: ({ url }) => (url === METADATA ? html(503)() : undefined) }, "unreachable", { opened: 0 }],
  ["a resource that is busy", { on: ({ url }) => (url === PRM ? html(502)() : undefined) }, "unreachable", { opened: 0 }],
  ["a resource that cannot be reached", { on: ({ url }) => (url === PRM ? Promise.reject(new TypeError("fetch failed")) : undefined) }, "unreachable", { opened: 0 }],
  ["an answer that comes of somebody else", { metadata: { authorization_response_iss_parameter_supported: true } }, "wrong_issuer", { opened: 1 }],
  ["the same, whatever the host vouches for", { metadata: { authorization_response_iss_parameter_supported: true } }, "wrong_issuer", { auth: trusted(), opened: 1 }],
]) {
  test(`a login: ${what}`, async () => {
    const world = startWorld(setting);
    Object.assign(world.auth, auth);
    assert.equal(await login(world), expected);
    if (opened !== undefined) assert.equal(world.opened.length, opened);
    assert.ok(world.opened.every(({ code_challenge_method: method }) => method === "S256"));
    await world.session?.close();
  });
}

// ── One connect asks the user once ──

for (const era of ["auto", "legacy", "modern"]) {
  for (const [what, setting] of [
    ["declines", { back: ({ state }) => `https://app.example/callback?error=access_denied&state=${state}` }],
    ["closes the window", { back: () => Promise.reject(new DOMException("closed", "AbortError")) }],
    ["is met by a server that is busy", { back: ({ state }) => `https://app.example/callback?error=server_error&state=${state}` }],
    ["comes back to a token endpoint that is busy", token(html(503))],
    ["gets a token that is refused", { on: ({ url }) => (url.endsWith("/mcp") && !url.includes("well-known") ? answer(401, {}, { "www-authenticate": "Bearer" }) : undefined) }],
    ["gets a token that lacks a scope", { on: ({ url, headers }) => (url.endsWith("example/mcp") && headers.authorization ? answer(403, {}, { "www-authenticate": 'Bearer error="insufficient_scope", scope="more"' }) : undefined) }],
  ]) {
    test(`one connect asks the user once, era ${era}, who ${what}`, async () => {
      const world = startWorld(setting);
      assert.notEqual(await login(world, { era }), "ready");
      assert.equal(world.opened.length, 1);
    });
  }
}

// ── What goes to whom ──

test("the session's fetch is for the MCP endpoint alone", async () => {
  const world = startWorld();
  assert.equal(await login(world), "ready");
  assert.deepEqual([...new Set(world.requests.filter(({ by }) => by === "session").map(({ url }) => url))], [world.url]);
  assert.ok(world.requests.some(({ by, url }) => by === "auth" && url === PRM));
  assert.ok(world.requests.filter(({ by }) => by === "auth").every(({ headers }) => headers.accept === "application/json"));
  await world.session.close();
});

test("by plain http nothing is authorized, and nothing secret sent; a server that wants no login is reached", async () => {
  const url = "http://mcp.example/mcp";
  const at = (reply) => Object.assign(startWorld({ on: (request) => (request.url === url ? reply(request) : undefined) }), { url });
  const refuses = at(() => answer(401, { error: "invalid_token" }, { "www-authenticate": "Bearer" }));
  assert.equal(await login(refuses), "unsafe_url");
  const [asked, ...others] = refuses.requests;
  assert.deepEqual([asked.by, asked.headers.authorization, others], ["session", undefined, []]);

  const serverInfo = { name: "s", version: "1" };
  const open = at(({ rpc }) => answer(rpc?.id === undefined ? 202 : 200, rpc?.id !== undefined ? { jsonrpc: "2.0", id: rpc.id, result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo } } : undefined));
  assert.equal(await login(open), "ready");
  await open.session.close();
  assert.ok(open.requests.every(({ by }) => by === "session"));
});

test("a secret goes to the issuer that it belongs to", async () => {
  for (const on of [({ url }) => (url === METADATA ? answer(503) : undefined), ({ url }) => (url.includes("well-known") ? answer(404) : undefined)]) {
    const world = startWorld({ on, provider: { clientId: "mine", clientSecret: "s3cret" } });
    assert.notEqual(await login(world), "ready");
    assert.ok(world.requests.every(({ headers, form }) => !JSON.stringify([headers, form]).includes("s3cret") && headers.authorization === undefined));
    assert.equal(world.opened.length, 0);
  }
});

/** Another MCP server, which has an authorization server of its own. */
const EVIL = "https://evil.example";
const evil = ({ url }, { opened }) => {
  const endpoints = { authorization_endpoint: `${EVIL}/authorize`, token_endpoint: `${EVIL}/token`, registration_endpoint: `${EVIL}/register` };
  switch (url) {
    case `${EVIL}/mcp`:
      return answer(401, {}, { "www-authenticate": "Bearer" });
    case `${EVIL}/.well-known/oauth-protected-resource/mcp`:
      return answer(200, { resource: `${EVIL}/mcp`, authorization_servers: [EVIL] });
    case `${EVIL}/.well-known/oauth-authorization-server`:
      return answer(200, { issuer: EVIL, ...endpoints, code_challenge_methods_supported: ["S256"] });
    case `${EVIL}/token`:
      return answer(200, { access_token: `evil-${opened.length}`, token_type: "Bearer" });
  }
};
/** Which origins were sent this. */
function told({ requests }, what) {
  const secret = (it) => JSON.stringify([it.form, it.headers]).includes(what) || atob(it.headers.authorization?.split("Basic ")[1] ?? "").includes(what);
  return [...new Set(requests.filter(secret).map(({ url }) => new URL(url).origin))];
}

test("a client with a secret belongs to one issuer, for every server of the host", async () => {
  const mine = { clientId: "mine", clientSecret: "s3cret" };
  const at = (world, url, provider = world.auth.provider) =>
    connect(url, { ...world.options, auth: { ...world.auth, provider } }).then(
      (session) => session.close().then(() => "ready"),
      (error) => error.diagnosis?.kind ?? error.code,
    );
  for (const given of [mine, { clientId: "mine" }]) {
    // One after the other; and after a reload, with what was stored.
    const storage = store();
    const world = startWorld({ on: evil, provider: { ...given, storage } });
    assert.deepEqual([await at(world, world.url), await at(world, `${EVIL}/mcp`)], ["ready", "other_issuer"]);
    assert.equal(await at(world, `${EVIL}/mcp`, { ...world.auth.provider }), "other_issuer");
    assert.deepEqual(told(world, "mine"), ["https://as.example"]);
    assert.equal(world.opened.length, 1);
    // Bound before it is used: the user never comes back.
    const away = startWorld({ on: evil, provider: { ...given, storage: store() }, back: () => Promise.reject(new DOMException("closed", "AbortError")) });
    assert.deepEqual([await at(away, away.url), await at(away, `${EVIL}/mcp`, { ...away.auth.provider })], ["closed", "other_issuer"]);
    // By its issuer it is at home elsewhere, too.
    assert.notEqual(await at(world, `${EVIL}/mcp`, { ...world.auth.provider, issuer: EVIL }), "other_issuer");
  }
  // All at once, in a storage that takes its time: whoever is first has it alone.
  const texts = new Map();
  const later = (value) => new Promise((resolve) => setTimeout(() => resolve(value), 5));
  const slow = { get: (key) => later(texts.get(key)), set: (key, text) => later().then(() => texts.set(key, text)) };
  for (const storage of [undefined, slow]) {
    const world = startWorld({ on: evil, provider: { ...mine, storage } });
    const kinds = await Promise.all([`${EVIL}/mcp`, world.url, `${EVIL}/mcp`, world.url].map((url) => at(world, url)));
    assert.equal(told(world, "s3cret").length, 1, JSON.stringify(kinds));
    assert.ok(kinds.includes("other_issuer"));
  }
});

test("of what the provider and the option auth may not be, the name is told", async () => {
  const world = startWorld();
  for (const [auth, says] of [
    [{ fetch: 7 }, /^auth\.fetch: /],
    [{ trust: "https://as.example" }, /^auth\.trust: /],
    [{ trust: {} }, /^auth\.trust\.issuer: /],
    [{ trust: { issuer: "as" } }, /^auth\.trust\.issuer: /],
    [{ trust: { issuer: "https://as.example", pkce: false } }, /^auth\.trust\.pkce: there is no such option/],
    [{ trust: { issuer: "https://as.example", resource: "no" } }, /^auth\.trust\.resource: /],
    [{ trusted: true }, /^auth\.trusted: there is no such option/],
  ]) {
    await assert.rejects(connect(world.url, { ...world.options, auth: { ...world.auth, ...auth } }), (error) => error instanceof TypeError && says.test(error.message));
  }
});

/** A server on this machine; `answers` by path: a status, and a body or a place. */
async function serve(answers) {
  const asked = [];
  const server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    const [status, body] = answers(req, origin) ?? [404, {}];
    const headers = status < 300 || status >= 400 ? { "content-type": "application/json" } : body && { location: body };
    res.writeHead(status, headers).end(status >= 300 && status < 400 ? "" : JSON.stringify(body));
  });
  const origin = `http://127.0.0.1:${await listen(server)}`;
  return { origin, asked, close: () => (server.closeAllConnections(), server.close()) };
}

for (const [what, to, expected, reached] of [
  ["within the origin is followed", (origin) => `${origin}/moved`, "ready", true],
  ["by a relative address, too", () => "/moved", "ready", true],
  ["of too many steps is not", () => "/again", "no_metadata", false],
  ["to another origin is not", (_, thief) => `${thief}/moved`, "no_metadata", false],
  ["to nowhere is not", () => "http://", "no_metadata", false],
  ["without an address is none", () => undefined, "no_metadata", false],
]) {
  test(`a redirect of metadata ${what}`, async () => {
    const thief = await serve(() => [200, {}]);
    const as = await serve(({ url }, origin) => {
      const document = { issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, code_challenge_methods_supported: ["S256"] };
      if (url === "/moved") return [200, document];
      if (url === "/again") return [302, "/again"];
      if (url.startsWith("/.well-known/oauth-authorization-server")) return [302, to(origin, thief.origin)];
      return url === "/token" ? [200, { access_token: "good", token_type: "Bearer" }] : undefined;
    });
    const mcp = await serve(({ url, headers, method }, origin) => {
      if (url === "/.well-known/oauth-protected-resource/mcp") return [200, { resource: `${origin}/mcp`, authorization_servers: [as.origin] }];
      if (url !== "/mcp") return undefined;
      return headers.authorization === "Bearer good" ? [method === "POST" ? 500 : 405, {}] : [401, {}];
    });
    const provider = { redirectUrl: "https://app.example/callback", clientId: "c", open: (_, { state }) => `https://app.example/callback?code=x&state=${state}` };
    const { code, diagnosis } = await connect(`${mcp.origin}/mcp`, { era: "legacy", timeout: 5_000, recovery: { maxAttempts: 1 }, auth: { provider } }).catch((error) => error);
    assert.equal(expected === "ready" ? code : diagnosis?.kind, expected === "ready" ? "http" : expected);
    assert.deepEqual([as.asked.includes("GET /moved"), thief.asked], [reached, []]);
    const places = ["GET /.well-known/oauth-authorization-server", "GET /.well-known/openid-configuration", "GET /moved", "GET /again", "POST /token"];
    assert.deepEqual(as.asked.filter((line) => !places.includes(line)), []);
    for (const server of [thief, as, mcp]) server.close();
  });
}

test("what is posted follows no redirect, not even within the origin", async () => {
  const as = await serve(({ url, method }, origin) => {
    if (url.startsWith("/.well-known/oauth-authorization-server")) {
      return [200, { issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, code_challenge_methods_supported: ["S256"] }];
    }
    return method === "POST" && url === "/token" ? [307, "/elsewhere"] : undefined;
  });
  const mcp = await serve(({ url }, origin) => {
    if (url === "/.well-known/oauth-protected-resource/mcp") return [200, { resource: `${origin}/mcp`, authorization_servers: [as.origin] }];
    return url === "/mcp" ? [401, {}] : undefined;
  });
  const provider = { redirectUrl: "https://app.example/callback", clientId: "c", open: (_, { state }) => `https://app.example/callback?code=x&state=${state}` };
  const { diagnosis } = await connect(`${mcp.origin}/mcp`, { era: "legacy", timeout: 5_000, auth: { provider } }).catch((error) => error);
  assert.equal(diagnosis.kind, "refused");
  assert.ok(!as.asked.some((line) => line.includes("elsewhere")));
  for (const server of [as, mcp]) server.close();
});

// ── Storage ──

for (const [what, storage, kinds] of [
  ["that is full", () => ({ ...store(), set: () => { throw new DOMException("full", "QuotaExceededError"); } }), ["auth_storage"]],
  ["that may not be looked at", () => ({ get: () => { throw new DOMException("no", "SecurityError"); }, set: () => Promise.reject(new Error("no")) }), ["auth_storage"]],
  ["that holds something else", () => ({ ...store(), get: () => "{" }), []],
  ["that holds no text", () => ({ ...store(), get: () => 7 }), []],
]) {
  test(`a storage ${what} costs nobody a login`, async () => {
    const world = startWorld({ provider: { storage: storage() } });
    const warned = new Set();
    assert.equal(await login(world, { on: { warning: ({ kind }) => warned.add(kind) } }), "ready");
    assert.deepEqual([...warned], kinds);
    if (kinds.length > 0) {
      world.valid.clear();
      assert.equal(await call(world), "ok");
      assert.deepEqual([world.refreshes(), world.opened.length], [1, 1], "the refresh token is not lost");
    }
    await world.session.close();
  });
}

test("a storage that is full for a while gets what it missed, and never serves what is old", async () => {
  const storage = store();
  let full = false;
  const set = storage.set;
  storage.set = (key, text) => {
    if (full) throw new DOMException("full", "QuotaExceededError");
    set(key, text);
  };
  const world = startWorld({ provider: { storage } });
  assert.equal(await login(world), "ready");
  full = true;
  world.valid.clear();
  assert.equal(await call(world), "ok");
  assert.match([...storage.texts.values()][0], /refresh-1/);
  full = false;
  world.valid.clear();
  assert.equal(await call(world), "ok");
  assert.deepEqual(world.requests.filter(({ form }) => form?.refresh_token).map(({ form }) => form.refresh_token), ["refresh-1", "refresh-2"]);
  assert.match([...storage.texts.values()][0], /refresh-3/);
  await world.session.close();
});

test("a storage that was cleared means that nobody is signed in", async () => {
  const storage = store();
  const world = startWorld({ provider: { storage } });
  assert.equal(await login(world), "ready");
  storage.texts.clear();
  world.valid.clear();
  assert.equal(await call(world), "ok");
  assert.deepEqual([world.refreshes(), world.opened.length, world.registered], [0, 2, 2]);
  await world.session.close();
});

test("sessions that share a storage refresh once, in the same second", async () => {
  const world = startWorld({ provider: { storage: store() } });
  const sessions = [];
  for (let i = 0; i < 5; i++) {
    assert.equal(await login(world), "ready");
    sessions.push(world.session);
  }
  assert.equal(world.opened.length, 1);
  world.valid.clear();
  await Promise.all(sessions.map((session) => session.callTool({ name: "x" })));
  assert.deepEqual([world.refreshes(), world.opened.length], [1, 1]);
  await Promise.all(sessions.map((session) => session.close()));
});

test("who authorizes keeps nobody waiting, and with a token in store nobody waits at all", async () => {
  const storage = store();
  const away = startWorld({ provider: { storage }, back: () => new Promise(() => {}) });
  const stop = new AbortController();
  const first = connect(away.url, { ...away.options, signal: stop.signal }).catch((error) => error);
  while (away.opened.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const other = startWorld({ provider: { storage } });
  assert.equal(await login(other), "ready");
  assert.equal(other.opened[0].client_id, away.opened[0].client_id, "one client for both");
  const third = startWorld({ provider: { storage } });
  third.valid = other.valid;
  assert.equal(await login(third), "ready");
  assert.deepEqual([third.opened.length, third.of("as.example").length], [0, 0]);
  stop.abort();
  await first;
  await Promise.all([other.session.close(), third.session.close()]);
});

test("two sessions of one page ask its user once for the same", async () => {
  for (const storage of [undefined, store()]) {
    const world = startWorld({ provider: { storage } });
    let answerNow;
    world.back = ({ state }) => new Promise((resolve) => (answerNow = () => resolve(`https://app.example/callback?code=the-code&state=${state}`)));
    const both = [1, 2].map(() => connect(world.url, world.options));
    while (!answerNow) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    answerNow();
    const sessions = await Promise.all(both);
    assert.deepEqual([world.opened.length, world.registered], [1, 1]);
    await Promise.all(sessions.map((session) => session.close()));
  }
  // What the one does not get, the other does not get either; and nothing is held against the client.
  const declined = ({ state }) => `https://app.example/callback?error=access_denied&state=${state}`;
  const world = startWorld({ back: (asked) => new Promise((resolve) => setTimeout(() => resolve(declined(asked)), 200)) });
  const kinds = await Promise.all([1, 2].map(() => connect(world.url, world.options).catch(({ diagnosis }) => diagnosis.kind)));
  assert.deepEqual([kinds.sort(), world.opened.length], [["asked_elsewhere", "declined"], 1]);
});

// ── Signing out ──

test("who signs out in one session is signed out in the others of the page that have the same grant", async () => {
  for (const storage of [undefined, store()]) {
    const world = startWorld({ provider: { storage } });
    const [ann, other] = [await connect(world.url, world.options), await connect(world.url, world.options)];
    await other.callTool({ name: "x" });
    await ann.signOut();
    const before = world.requests.length;
    await other.callTool({ name: "x" });
    const after = world.requests.slice(before);
    assert.ok(after.every(({ headers }) => headers.authorization !== "Bearer access-1"), "nothing is sent with what was given up");
    assert.deepEqual([world.opened.length, after.filter(({ rpc }) => rpc?.method === "initialize").at(-1)?.headers.authorization], [2, "Bearer access-2"]);
    assert.equal(after.at(-1).rpc.method, "tools/call");
    // Whose session has ended is told nothing, and holds nothing.
    await other.close();
    const last = await connect(world.url, world.options);
    await last.signOut();
  }
});

test("a manager signs out those that still connect, too", async () => {
  const storage = store();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const world = startWorld({ provider: { storage }, on: async ({ rpc }) => void (rpc?.method === "initialize" && (await held)) });
  const key = `mcp-evergreen:auth:${JSON.stringify(["", world.url])}`;
  const client = { id: "c", method: "none" };
  storage.set(key, JSON.stringify({ grant: { issuer: "https://as.example", client, token_endpoint: "https://as.example/token", access: "access-0" } }));
  const manager = new SessionManager({ ...world.options });
  const opening = manager.open("a", world.url).then(() => "open", ({ code }) => code);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await manager.signOut();
  release();
  assert.equal(await opening, "closed");
  assert.doesNotMatch([...storage.texts.values()].join(), /access-0/);
  await manager.close();
});

test("a call by a manager's name waits for the user to sign in, its clock stands still, and it hides no other server's tools", async () => {
  let signIn;
  const there = new Promise((resolve) => (signIn = resolve));
  const tools = ({ rpc, headers }) =>
    rpc?.method === "tools/list" && headers.authorization ? answer(200, { jsonrpc: "2.0", id: rpc.id, result: { tools: [{ name: "x", inputSchema: { type: "object" } }] } }) : undefined;
  const world = startWorld({ on: tools, back: async ({ state }) => (await there, `https://app.example/callback?code=the-code&state=${state}`) });
  const open = startWorld({ on: tools });
  const manager = new SessionManager();
  await manager.open("open", open.url, open.options);
  assert.equal(await manager.open("closed", world.url, { ...world.options, lazy: true }), undefined);
  const call = manager.callTool("closed__x", {}, { timeout: 1_000 });
  const bound = manager.callTool("closed__x", {}, { timeout: 1_000, maxTotalTimeout: 1_500 }).then(String, ({ code, outcome }) => `${code} ${outcome}`);
  while (manager.servers()[1].status?.waitingFor?.why !== "sign-in") await new Promise((resolve) => setTimeout(resolve, 5));
  const { tools: offered, failed, pending } = await manager.tools();
  assert.deepEqual([offered.map(({ name }) => name), failed, pending], [["open__x"], [], ["closed"]]);
  assert.equal(await bound, "timeout not_executed");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(world.requests.filter(({ rpc }) => rpc?.method === "tools/call").length, 0);
  signIn();
  assert.deepEqual((await call).content, []);
  assert.equal(world.requests.filter(({ rpc }) => rpc?.method === "tools/call").length, 1);
  assert.equal(world.opened.length, 1);
  await manager.close();
});

test("a manager keeps no token in its list of servers, and signs out a lazy one that still waits for its user", async () => {
  const kept = store();
  const storage = store();
  const world = startWorld({ provider: { storage, clientSecret: "s3cret", clientId: "mine" }, back: () => new Promise(() => {}) });
  const manager = new SessionManager({ store: kept });
  await manager.open("a", world.url, { ...world.options, headers: { "x-key": "s3cret" }, lazy: true });
  while (manager.servers()[0].status?.waitingFor?.why !== "sign-in") await new Promise((resolve) => setTimeout(resolve, 5));
  const [text] = kept.texts.values();
  assert.deepEqual(JSON.parse(text).servers.map(({ name, url, needs }) => [name, url, needs]), [["a", world.url, ["auth", "fetch", "headers"]]]);
  assert.doesNotMatch(text, SECRETS);
  await manager.signOut("a");
  assert.deepEqual(manager.servers().map(({ name, status }) => [name, status]), [["a", undefined]]);
  await manager.close();
});

// ── A host's own OAuthClientProvider ──

test("a drop-in whose client was forgotten registers anew, and its provider hears of it", async () => {
  const world = startWorld({ on: ({ form }) => (form?.client_id === "pruned" ? answer(401, { error: "invalid_client" }) : undefined) });
  let client = { client_id: "pruned" };
  let tokens, verifier, to;
  const invalidated = [];
  const authProvider = {
    redirectUrl: "https://app.example/callback",
    clientMetadata: { client_name: "x", redirect_uris: ["https://app.example/callback"] },
    clientInformation: () => client,
    saveClientInformation: (given) => (client = given),
    tokens: () => tokens,
    saveTokens: (given) => (tokens = given),
    redirectToAuthorization: (url) => (to = url),
    saveCodeVerifier: (text) => (verifier = text),
    codeVerifier: () => verifier,
    invalidateCredentials(what) {
      invalidated.push(what);
      if (what === "client") client = undefined;
    },
  };
  const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } } };
  const outcomes = [];
  for (let life = 0; life < 2; life++) {
    // One `fetch` for all, as the SDK has it.
    const transport = new EvergreenTransport(world.url, { authProvider, fetch: world.auth.fetch });
    transport.onerror = transport.onmessage = () => {};
    await transport.start();
    await assert.rejects(transport.send(initialize), { name: "UnauthorizedError" });
    outcomes.push(to.searchParams.get("client_id"));
    outcomes.push(await transport.finishAuth("the-code").then(() => "finished", ({ diagnosis }) => diagnosis.kind));
    await transport.close();
  }
  assert.deepEqual(outcomes, ["pruned", "client_forgotten", "client-1", "finished"]);
  assert.deepEqual(invalidated, ["client"]);
  assert.equal(tokens.access_token, "access-1");
});

/** A provider that keeps what it is given; `kept` is what it has. */
function keeper(kept) {
  return {
    redirectUrl: "https://app.example/callback",
    clientMetadata: { client_name: "x", redirect_uris: ["https://app.example/callback"] },
    clientInformation: () => kept.client,
    saveClientInformation: (given) => (kept.client = given),
    tokens: () => kept.tokens,
    saveTokens: (given) => (kept.tokens = given),
    redirectToAuthorization: (url) => (kept.to = url),
    saveCodeVerifier: (text) => (kept.verifier = text),
    codeVerifier: () => kept.verifier,
  };
}

/** A page life of a Client: the user is sent away, and comes back with a code. */
async function life(world, kept) {
  const transport = new EvergreenTransport(world.url, { authProvider: keeper(kept), fetch: world.auth.fetch });
  transport.onerror = transport.onmessage = () => {};
  await transport.start();
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } };
  await transport.send({ jsonrpc: "2.0", id: 1, method: "initialize", params }).catch(() => {});
  const finished = await transport.finishAuth("the-code").then(() => "finished", ({ diagnosis, code }) => diagnosis?.kind ?? code);
  await transport.close();
  return finished;
}

test("a drop-in's client belongs to one issuer; with another it is registered as another", async () => {
  for (const forgets of [() => {}, (kept) => (kept.tokens = undefined)]) {
    let issuer = "https://as.example";
    const registers = ({ url }) => {
      if (url === `${EVIL}/register`) return answer(201, { client_id: "client-of-evil" });
      if (url === "https://as.example/register") return answer(201, { client_id: "mine", client_secret: "s3cret" });
      if (url === PRM) return answer(200, { resource: "https://mcp.example/mcp", authorization_servers: [issuer] });
    };
    const world = startWorld({ on: (request, world) => registers(request) ?? evil(request, world) });
    const kept = {};
    assert.equal(await life(world, kept), "finished");
    assert.deepEqual([kept.client.client_id, kept.client.issuer], ["mine", "https://as.example"]);
    forgets(kept);
    world.valid.clear();
    issuer = EVIL;
    assert.equal(await life(world, kept), "finished");
    assert.equal(kept.to.searchParams.get("client_id"), "client-of-evil");
    assert.deepEqual([kept.client.client_id, kept.client.issuer], ["client-of-evil", EVIL]);
    assert.deepEqual(told(world, "s3cret"), ["https://as.example"]);
    // A client of the host's own, of which it is not known whose it is, is bound as it is used, and its provider hears of it.
    const own = { client: { client_id: "own", client_secret: "s3cret" } };
    issuer = "https://as.example";
    world.valid.clear();
    await life(world, own);
    assert.equal(own.client.issuer, "https://as.example");
  }
});

test("a drop-in that finishes what others have begun says so, and quotes nothing of it", async () => {
  const world = startWorld();
  const transport = new EvergreenTransport(world.url, { authProvider: keeper({ verifier: "s3cret verifier" }), fetch: world.auth.fetch });
  await transport.start();
  await assert.rejects(transport.finishAuth("the-code"), (error) => {
    assert.doesNotMatch(`${error.message} ${error.stack}`, SECRETS);
    return error.diagnosis?.kind === "wrong_state";
  });
  await transport.close();
});

test("a callback page leads to an address of its own origin, or nowhere", async () => {
  class Kept {
    getItem(name) {
      return this[name] ?? null;
    }
    setItem(name, text) {
      this[name] = text;
    }
    removeItem(name) {
      delete this[name];
    }
  }
  const page = { document: {}, sessionStorage: new Kept(), location: { origin: "https://app.example" } };
  Object.assign(globalThis, page);
  try {
    const { answerNote } = await import(pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/notes.js`));
    for (const [from, leads] of [
      ["https://app.example/work?x=1", true],
      ["https://evil.example/", false],
      ["https://app.example.evil.example/", false],
      ["javascript:alert(1)", false],
      ["data:text/html,x", false],
      ["//evil.example/", false],
      ["nowhere", false],
    ]) {
      page.sessionStorage.setItem("mcp-evergreen:pending:a", JSON.stringify({ state: "s", pending: "{}", from, at: Date.now() }));
      assert.equal(answerNote("another", "https://app.example/callback?code=c"), undefined);
      assert.equal(answerNote("s", "https://app.example/callback?code=c"), leads ? from : undefined, from);
    }
  } finally {
    for (const name of Object.keys(page)) delete globalThis[name];
  }
});
