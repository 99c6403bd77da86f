// `mcp-evergreen/grants`: tokens without a user, and tokens that are bound to a key. The authorization server checks what it is sent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, importJWK, jwtVerify } from "jose";
import { TestServer, bounded, echo, failure, text } from "./lib/dropin.mjs";
import { installed } from "./lib/install.mjs";
import { store } from "./lib/oauth.mjs";
import { root } from "./lib/paths.mjs";

const folder = `${await installed()}/node_modules/mcp-evergreen`;
const { connect } = await import(`${folder}/index.js`);
const { clientCredentials, enterpriseManaged, withDpop, workloadIdentity } = await import(`${folder}/grants.js`);

const ISSUER = "https://as.test";
const MCP = "https://mcp.test/mcp";
const ID_JAG = "urn:ietf:params:oauth:token-type:id-jag";
const json = (body, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

/** `granting(form, headers)` says what the token endpoint answers where that is no token. */
function startWorld({ granting = () => undefined, bound = false, methods } = {}) {
  const world = { server: new TestServer({ tools: { echo } }), forms: [], proofs: new Set(), tokens: 0, nonce: undefined };
  const proof = async (headers, { htm, htu, token }) => {
    const jwt = headers.get("dpop");
    if (!jwt) return "invalid_dpop_proof";
    const { jwk, alg, typ } = decodeProtectedHeader(jwt);
    const { payload } = await jwtVerify(jwt, await importJWK(jwk, alg));
    assert.deepEqual([typ, Object.keys(jwk).sort(), payload.htm, payload.htu], ["dpop+jwt", ["crv", "kty", "x", "y"], htm, htu]);
    assert.equal(payload.ath !== undefined, token !== undefined);
    assert.ok(!world.proofs.has(payload.jti));
    world.proofs.add(payload.jti);
    world.key ??= jwk.x;
    if (jwk.x !== world.key) return "invalid_dpop_proof";
    return world.nonce !== undefined && payload.nonce !== world.nonce ? "use_dpop_nonce" : undefined;
  };
  world.fetch = async (input, init = {}) => {
    const { origin, pathname } = new URL(input);
    const headers = new Headers(init.headers);
    if (pathname.startsWith("/.well-known/oauth-protected-resource")) return json({ resource: MCP, authorization_servers: [ISSUER], scopes_supported: ["a"] });
    if (pathname === "/.well-known/oauth-authorization-server") return json({ issuer: ISSUER, token_endpoint: `${ISSUER}/token`, token_endpoint_auth_methods_supported: methods });
    if (origin === "https://idp.test") {
      const form = Object.fromEntries(new URLSearchParams(init.body));
      world.exchange = form;
      return form.subject_token === "id-token" ? json({ access_token: `jag for ${form.audience}`, token_type: "N_A", issued_token_type: ID_JAG }) : json({ error: "invalid_grant", error_description: "s3cret" }, 400);
    }
    if (pathname === "/token") {
      const form = Object.fromEntries(new URLSearchParams(init.body));
      world.forms.push({ ...form, ...(headers.has("authorization") && { authorization: headers.get("authorization") }) });
      const refusal = bound && (await proof(headers, { htm: "POST", htu: `${ISSUER}/token` }));
      if (refusal) return json({ error: refusal }, 400, { "dpop-nonce": world.nonce });
      world.valid = `t${++world.tokens}`;
      return (await granting(form)) ?? json({ access_token: world.valid, token_type: bound ? "DPoP" : "Bearer", expires_in: 3600 });
    }
    if (pathname !== "/mcp") return new Response("", { status: 404 });
    const [scheme, token] = (headers.get("authorization") ?? "").split(" ");
    const refuse = (error) => new Response("", { status: 401, headers: { "www-authenticate": `${bound ? "DPoP" : "Bearer"} error="${error}"`, ...(world.nonce && { "dpop-nonce": world.nonce }) } });
    if (!token || token !== world.valid || scheme !== (bound ? "DPoP" : "Bearer")) return refuse("invalid_token");
    const refusal = bound && (await proof(headers, { htm: init.method, htu: MCP, token }));
    return refusal ? refuse(refusal) : world.server.fetch(input, init);
  };
  return world;
}

const open = (world, provider, more = {}) => connect(MCP, { fetch: world.fetch, auth: { provider, fetch: world.fetch }, ...more });

/** It outlives an eviction, and a token that is taken back. */
async function lives(world, provider) {
  const session = await open(world, provider);
  const call = async (x) => text(await session.callTool({ name: "echo", arguments: { x } }));
  assert.equal(await call(1), "s1 1");
  world.server.evict();
  assert.equal(await call(2), "s2 2");
  world.valid = "another";
  assert.equal(await call(3), "s2 3");
  await session.close();
}

test("client credentials by a secret", bounded, async () => {
  const world = startWorld();
  await lives(world, clientCredentials({ clientId: "mine", clientSecret: "s3cret", issuer: ISSUER }));
  const form = { grant_type: "client_credentials", scope: "a", resource: MCP, authorization: `Basic ${btoa("mine:s3cret")}` };
  assert.deepEqual(world.forms, [form, form]);
});

test("an assertion, an ID token or a grant that never comes ends the authorization, in words", bounded, async (t) => {
  const { setTimeout } = globalThis;
  t.after(() => (globalThis.setTimeout = setTimeout));
  globalThis.setTimeout = (run, ms, ...more) => setTimeout(run, { 30_000: 50, 60_000: 500 }[ms] ?? ms, ...more);
  const never = () => new Promise(() => {});
  const idp = { tokenEndpoint: "https://idp.test/token", clientId: "idp" };
  for (const [provider, words] of [
    [workloadIdentity({ clientId: "mine", assertion: never }), "assertion did not settle within 30000 ms."],
    [enterpriseManaged({ clientId: "mine", idToken: never, idp }), "idToken did not settle within 30000 ms."],
    [enterpriseManaged({ clientId: "mine", idToken: () => "id-token", idp: { ...idp, fetch: never } }), "The request to idp.tokenEndpoint did not settle within 30000 ms."],
    [{ clientId: "mine", grant: never }, "auth.provider.grant did not settle within 60000 ms."],
  ]) {
    const world = startWorld();
    const error = await failure(open(world, provider));
    assert.deepEqual([error.code, error.outcome, error.cause.name, error.cause.message], ["auth", "not_executed", "TimeoutError", words]);
    assert.deepEqual(world.forms, []);
  }
});

test("a key that is not to be had is told by its name, and nothing is sent without its proof", bounded, async (t) => {
  const world = startWorld({ bound: true });
  const storage = store();
  const of = () => Object.assign(clientCredentials({ clientId: "mine", clientSecret: "s3cret" }), { storage });
  await (await open(world, withDpop(of(), { key: "memory" }))).close();
  const { indexedDB } = globalThis;
  t.after(() => (globalThis.indexedDB = indexedDB));
  globalThis.indexedDB = {
    open() {
      throw new DOMException("It is blocked.", "SecurityError");
    },
  };
  const sent = [];
  const fetch = (input, init) => {
    if (String(input) === MCP) sent.push(init.method);
    return world.fetch(input, init);
  };
  const error = await failure(open({ ...world, fetch }, withDpop(of(), { name: "mine" })));
  assert.deepEqual([error.code, error.outcome, error.retryable, error.cause.cause.name], ["auth", "not_executed", false, "SecurityError"], String(error.stack));
  assert.match(error.message, /DPoP/);
  assert.match(error.cause.message, /^withDpop: the key `mine` could not be had from IndexedDB/);
  assert.deepEqual(sent, []);
});

test("client credentials by a key: as a CryptoKey, as a JWK, as PEM", bounded, async () => {
  for (const algorithm of ["ES256", "ES384", "RS256", "PS256"]) {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    const bare = await generateKeyPair(algorithm);
    for (const [key, verifier] of [[bare.privateKey, bare.publicKey], [await exportJWK(privateKey), publicKey], [await exportPKCS8(privateKey), publicKey]]) {
      const world = startWorld({ methods: ["private_key_jwt"] });
      await lives(world, clientCredentials({ clientId: "mine", privateKey: key, algorithm, keyId: "k1", issuer: ISSUER }));
      const ids = new Set();
      for (const { client_assertion: assertion, client_assertion_type: type, ...form } of world.forms) {
        assert.deepEqual(form, { grant_type: "client_credentials", scope: "a", resource: MCP });
        assert.equal(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        const { payload, protectedHeader } = await jwtVerify(assertion, verifier, { issuer: "mine", subject: "mine", audience: ISSUER });
        assert.deepEqual(protectedHeader, { alg: algorithm, typ: "JWT", kid: "k1" });
        ids.add(payload.jti);
      }
      assert.equal(ids.size, 2);
    }
  }
});

test("a workload by its platform's assertion, and what its platform throws is the cause", bounded, async () => {
  const world = startWorld();
  const asked = [];
  await lives(world, workloadIdentity({ clientId: "mine", assertion: (given) => `jwt ${asked.push(given)}` }));
  assert.deepEqual(asked, Array(2).fill({ issuer: ISSUER, resource: MCP, scope: "a" }));
  assert.deepEqual(world.forms.map(({ grant_type, assertion, client_id }) => [grant_type, assertion, client_id]), [1, 2].map((n) => ["urn:ietf:params:oauth:grant-type:jwt-bearer", `jwt ${n}`, "mine"]));
  const gone = new Error("no platform");
  const error = await failure(open(startWorld(), workloadIdentity({ clientId: "mine", assertion: () => Promise.reject(gone) })));
  assert.deepEqual([error.code, error.cause], ["auth", gone]);
  for (const wrong of [undefined, "", 7]) {
    const none = startWorld();
    const { cause } = await failure(open(none, workloadIdentity({ clientId: "mine", assertion: () => wrong })));
    assert.match(cause.message, /^what assertion gives: expected a JWT as a string/);
    assert.deepEqual(none.forms, []);
  }
});

test("what the authorization server refuses is told, and asked for once", bounded, async () => {
  for (const error of ["invalid_grant", "invalid_scope", "unauthorized_client"]) {
    const world = startWorld({ granting: () => json({ error, error_description: "s3cret" }, 400) });
    const failed = await failure(open(world, workloadIdentity({ clientId: "mine", assertion: () => "jwt" })));
    assert.deepEqual([failed.code, failed.diagnosis.kind, failed.data], ["auth", "refused", { status: 400, error }]);
    assert.doesNotMatch(`${failed.message} ${failed.stack}`, /s3cret/);
    assert.equal(world.forms.length, 1, error);
  }
});

test("an enterprise's user by a grant of its identity provider", bounded, async () => {
  const world = startWorld();
  const idp = { tokenEndpoint: "https://idp.test/token", clientId: "at the idp", fetch: world.fetch };
  await lives(world, enterpriseManaged({ clientId: "mine", clientSecret: "s3cret", issuer: ISSUER, idToken: () => "id-token", idp }));
  assert.deepEqual(world.exchange, {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    requested_token_type: ID_JAG,
    audience: ISSUER,
    resource: MCP,
    scope: "a",
    subject_token: "id-token",
    subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    client_id: "at the idp",
  });
  assert.deepEqual(world.forms.map(({ grant_type, assertion }) => [grant_type, assertion]), Array(2).fill(["urn:ietf:params:oauth:grant-type:jwt-bearer", `jag for ${ISSUER}`]));
  const none = startWorld();
  const { cause } = await failure(open(none, enterpriseManaged({ clientId: "mine", idToken: () => "old", idp: { ...idp, fetch: none.fetch } })));
  assert.equal(cause.message, "The identity provider gave no grant (HTTP 400: invalid_grant).");
  assert.deepEqual(none.forms, []);
});

test("another token of the identity provider's is no grant, and is passed on to nobody", bounded, async () => {
  for (const [type, told] of [["urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:access_token"], [undefined, "none"], ["s3cret", "another"], [[ID_JAG], "another"]]) {
    const world = startWorld();
    const fetch = async () => json({ access_token: "at the idp", token_type: "Bearer", issued_token_type: type });
    const idp = { tokenEndpoint: "https://idp.test/token", clientId: "at the idp", fetch };
    const { code, cause } = await failure(open(world, enterpriseManaged({ clientId: "mine", clientSecret: "s3cret", idToken: () => "id-token", idp })));
    assert.equal(code, "auth");
    assert.equal(cause.message, `The identity provider gave no ID-JAG: expected the issued_token_type ${ID_JAG}, got ${told}. Nothing of it was passed on.`);
    assert.deepEqual(world.forms, []);
  }
});

test("tokens are bound to a key, and the nonces of both servers are heeded", bounded, async () => {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  for (const key of ["memory", pair]) {
    const world = startWorld({ bound: true });
    world.nonce = "n1";
    const provider = withDpop(clientCredentials({ clientId: "mine", clientSecret: "s3cret", issuer: ISSUER }), { key });
    const session = await open(world, provider);
    const call = async (x) => text(await session.callTool({ name: "echo", arguments: { x } }));
    assert.deepEqual(await Promise.all([1, 2].map(call)), ["s1 1", "s1 2"]);
    world.nonce = "n2";
    assert.equal(await call(3), "s1 3");
    assert.equal(world.server.count("tools/call"), 3, "what wanted another nonce had run nothing");
    await session.close();
  }
  // A token that is stolen is of no use with another key.
  const world = startWorld({ bound: true });
  const storage = store();
  const client = () => clientCredentials({ clientId: "mine", clientSecret: "s3cret", issuer: ISSUER, storage });
  await (await open(world, withDpop(client(), { key: pair }))).close();
  const error = await failure(open(world, withDpop(client(), { key: "memory" })));
  assert.ok(["auth", "unauthorized"].includes(error.code), String(error.stack));
});

test("a token that is not bound to the key is used by nobody, and why is told", bounded, async () => {
  for (const type of ["Bearer", undefined]) {
    let sent = 0;
    const world = startWorld({ granting: () => json({ access_token: world.valid, token_type: type, expires_in: 3600 }) });
    const fetch = (input, init) => {
      if (new Headers(init?.headers).get("authorization")?.includes(world.valid ?? "none yet")) sent++;
      return world.fetch(input, init);
    };
    const provider = withDpop(clientCredentials({ clientId: "mine", clientSecret: "s3cret", issuer: ISSUER }), { key: "memory" });
    const error = await failure(connect(MCP, { fetch, auth: { provider, fetch } }));
    assert.deepEqual([error.code, error.outcome], ["auth", "not_executed"]);
    assert.match(error.cause.message, /^The authorization server did not bind the token to the key: its answer has another token_type than DPoP/);
    assert.deepEqual([world.forms.length, sent], [1, 0]);
  }
});

test("a provider of a host's own class is bound to a key with all that it has", bounded, async () => {
  class Base {
    get issuer() {
      return ISSUER;
    }
    grant({ scope }) {
      return { grant_type: "client_credentials", scope };
    }
  }
  class Mine extends Base {
    #secret = "s3cret";
    clientId = "mine";
    storage = store();
    get clientSecret() {
      return this.#secret;
    }
    async grant(asked) {
      return { ...super.grant(asked), secret: this.#secret };
    }
  }
  for (const own of [new Mine(), Object.freeze(new Mine())]) {
    const world = startWorld({ bound: true });
    const provider = withDpop(own, { key: "memory" });
    await lives(world, provider);
    const form = { grant_type: "client_credentials", scope: "a", secret: "s3cret", resource: MCP, authorization: `Basic ${btoa("mine:s3cret")}` };
    assert.deepEqual(world.forms, [form, form]);
    assert.deepEqual([provider.issuer, provider.storage], [ISSUER, own.storage]);
  }
});

test("a client's proof goes to no other authorization server", bounded, async () => {
  const { privateKey } = await generateKeyPair("ES256");
  for (const proof of [{ clientSecret: "s3cret" }, { privateKey, algorithm: "ES256" }]) {
    const world = startWorld();
    const error = await failure(open(world, clientCredentials({ clientId: "mine", issuer: "https://theirs.test", ...proof })));
    assert.equal(error.diagnosis.kind, "other_issuer");
    assert.deepEqual(world.forms, []);
  }
});

test("what it takes is told by name, before anything is sent", async () => {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, false, ["sign", "verify"]);
  const fine = () => clientCredentials({ clientId: "a", clientSecret: "b" });
  for (const [words, make] of [
    [/^clientCredentials: needs a clientSecret or a privateKey/, () => clientCredentials({ clientId: "a" })],
    [/^clientId: expected a string that is not empty, got undefined/, () => clientCredentials({ clientSecret: "b" })],
    [/^algorithm: the privateKey needs one of ES256/, () => clientCredentials({ clientId: "a", privateKey: {} })],
    [/^algorithm: expected "ES256" or/, () => clientCredentials({ clientId: "a", privateKey: {}, algorithm: "none" })],
    [/^clientSecret: cannot go with a privateKey/, () => clientCredentials({ clientId: "a", privateKey: {}, algorithm: "ES256", clientSecret: "b" })],
    [/^nonsense: there is no such option/, () => clientCredentials({ clientId: "a", clientSecret: "b", nonsense: 1 })],
    [/^assertion: expected a function/, () => workloadIdentity({ clientId: "a" })],
    [/^idToken: expected a function/, () => enterpriseManaged({ clientId: "a", idp: {} })],
    [/^idp: expected an object/, () => enterpriseManaged({ clientId: "a", idToken: () => "" })],
    [/^idp.tokenEndpoint: expected a string/, () => enterpriseManaged({ clientId: "a", idToken: () => "", idp: {} })],
    ...["http://idp.test/token", "::::", "/token", "ftp://idp.test/", "http://localhost.idp.test/", "http://127.0.0.1.idp.test/"].map((tokenEndpoint) => [
      /^idp\.tokenEndpoint: expected an absolute https: URL, or http: to this machine$/,
      () => enterpriseManaged({ clientId: "a", idToken: () => "", idp: { tokenEndpoint, clientId: "b" } }),
    ]),
    ...["not a url", "as.test", "javascript:1"].map((issuer) => [/^issuer: expected an absolute http: or https: URL$/, () => clientCredentials({ clientId: "a", clientSecret: "b", issuer })]),
    [/^key: there is no IndexedDB here.*"memory"/, () => withDpop(fine())],
    [/^key: expected a pair of CryptoKeys for ECDSA with P-256/, () => withDpop(fine(), { key: pair })],
    [/^key: expected "indexeddb", "memory" or a pair/, () => withDpop(fine(), { key: 7 })],
    [/^options: expected an object, got null$/, () => withDpop(fine(), null)],
    [/^options: expected an object, got 7$/, () => withDpop(fine(), 7)],
    [/^name: expected a string that is not empty/, () => withDpop(fine(), { key: "memory", name: "" })],
    [/^nonsense: there is no such option; there are key, name$/, () => withDpop(fine(), { key: "memory", nonsense: 1 })],
    [/^options: expected an object, got null$/, () => clientCredentials(null)],
    [/^provider: expected an object/, () => withDpop(undefined, { key: "memory" })],
  ]) {
    assert.throws(make, (error) => (error instanceof TypeError && words.test(error.message)) || assert.fail(`${error}`));
  }
  for (const tokenEndpoint of ["https://idp.test/token", "http://localhost:1/", "http://127.0.0.1/", "http://[::1]:1/"]) {
    enterpriseManaged({ clientId: "a", issuer: "http://localhost:1", idToken: () => "", idp: { tokenEndpoint, clientId: "b" } });
  }
  const rejects = (provider, words) => assert.rejects(connect(MCP, { auth: { provider } }), (error) => error instanceof TypeError && words.test(error.message));
  await rejects({ grant: 7 }, /^auth\.provider\.grant: expected a function/);
  await rejects({ grant: () => ({}), wrap: 7 }, /^auth\.provider\.wrap: expected a function/);
});

test("a key that cannot be used is told by name, before anything is sent", async () => {
  const made = (name, more, usages = ["sign", "verify"], extractable = false) => crypto.subtle.generateKey({ name, ...more }, extractable, usages);
  const p256 = await made("ECDSA", { namedCurve: "P-256" });
  const p384 = await made("ECDSA", { namedCurve: "P-384" });
  const ecdh = await made("ECDH", { namedCurve: "P-256" }, ["deriveBits"]);
  const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const rs256 = await made("RSASSA-PKCS1-v1_5", { ...rsa, hash: "SHA-256" });
  const rs512 = await made("RSASSA-PKCS1-v1_5", { ...rsa, hash: "SHA-512" });
  const open256 = await made("ECDSA", { namedCurve: "P-256" }, ["sign", "verify"], true);
  const open384 = await made("ECDSA", { namedCurve: "P-384" }, ["sign", "verify"], true);
  const jwk = await exportJWK(open256.privateKey);
  const pem = await exportPKCS8(open256.privateKey);
  for (const [privateKey, algorithm] of [
    ["garbage", "ES256"],
    ["not a pem", "ES256"],
    ["MAMCAQE=", "ES256"],
    [pem.replaceAll("PRIVATE", "EC PRIVATE"), "ES256"],
    [pem, "ES384"],
    [await exportPKCS8(open384.privateKey), "ES256"],
    [pem, "RS256"],
    [{}, "ES256"],
    [p256, "ES256"],
    [p256.publicKey, "ES256"],
    [p256.privateKey, "ES384"],
    [p384.privateKey, "ES256"],
    [ecdh.privateKey, "ES256"],
    [rs256.privateKey, "ES256"],
    [rs256.privateKey, "PS256"],
    [rs512.privateKey, "RS256"],
    [{ kty: "RSA", n: "s3cret", e: "AQAB", d: "s3cret" }, "ES256"],
    [{ ...jwk, d: undefined }, "ES256"],
    [{ ...jwk, alg: "ES384" }, "ES256"],
    [jwk, "ES384"],
    [jwk, "RS256"],
  ]) {
    for (const make of [clientCredentials, (given) => workloadIdentity({ ...given, assertion: () => "jwt" })]) {
      const words = `privateKey: expected a private key for ${algorithm}: a CryptoKey that may sign, a JWK, or PEM (PKCS #8)`;
      assert.throws(() => make({ clientId: "a", privateKey, algorithm }), { name: "TypeError", message: words });
    }
  }
  const fine = clientCredentials({ clientId: "a", clientSecret: "b" });
  const raw = await crypto.subtle.exportKey("jwk", p256.publicKey);
  const shut = await crypto.subtle.importKey("jwk", raw, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  for (const [key, words] of [
    [{ privateKey: p256.privateKey, publicKey: shut }, /^key\.publicKey: expected a CryptoKey that is extractable$/],
    [{ privateKey: p256.privateKey, publicKey: p384.publicKey }, /^key: expected a pair of CryptoKeys for ECDSA with P-256/],
    [{ privateKey: p384.privateKey, publicKey: p256.publicKey }, /^key: expected a pair of CryptoKeys for ECDSA with P-256/],
    [ecdh, /^key: expected a pair of CryptoKeys for ECDSA with P-256/],
    [{}, /^key: expected a pair of CryptoKeys for ECDSA with P-256/],
  ]) {
    assert.throws(() => withDpop(fine, { key }), (error) => (error instanceof TypeError && words.test(error.message)) || assert.fail(`${error}`));
  }
});

test("a key that fails only where it is used is the cause of the error, and nothing is sent for it", bounded, async () => {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const cut = (await exportPKCS8(privateKey)).replace(/\n[^\n]+\n-----END/, "\n-----END");
  for (const key of [{ ...(await exportJWK(privateKey)), d: "AAAA" }, cut]) {
    const world = startWorld({ methods: ["private_key_jwt"] });
    const error = await failure(open(world, clientCredentials({ clientId: "mine", privateKey: key, algorithm: "ES256", issuer: ISSUER })));
    assert.deepEqual([error.code, error.outcome, error.cause?.name], ["auth", "not_executed", "TypeError"], String(error.stack));
    assert.equal(error.cause.message, "privateKey: cannot be used as a private key for ES256: see `cause`");
    assert.ok(error.cause.cause instanceof Error);
    assert.doesNotMatch(error.message, /did not answer/);
    assert.deepEqual(world.forms, []);
  }
  // The key of the proofs cannot be had; once it can, it goes on.
  const gone = new Error("no key");
  const { generateKey } = crypto.subtle;
  const world = startWorld({ bound: true });
  const provider = withDpop(clientCredentials({ clientId: "mine", clientSecret: "s3cret", issuer: ISSUER }), { key: "memory" });
  Object.defineProperty(crypto.subtle, "generateKey", { configurable: true, value: () => Promise.reject(gone) });
  try {
    const error = await failure(open(world, provider));
    assert.deepEqual([error.code, error.cause], ["auth", gone]);
    assert.deepEqual(world.forms, []);
  } finally {
    delete crypto.subtle.generateKey;
  }
  assert.equal(crypto.subtle.generateKey, generateKey);
  await (await open(world, provider)).close();
});

test("the documentation's example runs as it stands", bounded, async () => {
  const [, code] = /\n## Tokens without a user\n[\s\S]*?```js\n([\s\S]*?)```/.exec(readFileSync(`${root}docs/extensions.md`, "utf8"));
  const { privateKey } = await generateKeyPair("ES256");
  const world = startWorld({ bound: true, methods: ["private_key_jwt"] });
  const AsyncFunction = (async () => {}).constructor;
  const written = code.replace(/^import .*$/gm, "").replace("https://as.example.com", ISSUER);
  const run = new AsyncFunction("connect", "clientCredentials", "withDpop", "privateKey", `${written}\nreturn session;`);
  // Here is neither that server nor an IndexedDB.
  const here = (_url, { auth }) => open(world, auth.provider);
  const session = await run(here, clientCredentials, (provider) => withDpop(provider, { key: "memory" }), privateKey);
  assert.equal(text(await session.callTool({ name: "echo", arguments: { x: 1 } })), "s1 1");
  await session.close();
});
