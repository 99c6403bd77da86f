// The OAuth providers that the SDKs ship, and what any provider may have of its own, under EvergreenTransport: by the SDK's
// `auth` and by our own flow. The authorization server checks what it is sent.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as v2 from "@modelcontextprotocol/client";
import { StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { decodeJwt, exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import { EvergreenTransport, INFO, TestServer, bounded, echo, failure, text } from "./lib/dropin.mjs";
import { ISSUER, RESOURCE, SDKS, WAYS, codeFlow, connect, json, login, startWorld } from "./lib/providers.mjs";

/** A session that outlives an eviction, and a token that is taken back. */
async function lives({ call }, world) {
  assert.equal(await call(1), "s1 1");
  world.server.evict();
  assert.equal(await call(2), "s2 2");
  world.valid = "another";
  assert.equal(await call(3), "s2 3");
}

for (const [way, sdk, options] of WAYS) {
  const { providers } = sdk;
  const jwt = async (more) => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    return { publicKey, provider: new providers.PrivateKeyJwtProvider({ clientId: "mine", privateKey: await exportPKCS8(privateKey), algorithm: "ES256", ...more }) };
  };

  test(`${way}: ClientCredentialsProvider`, bounded, async () => {
    const world = startWorld({ metadata: { authorization_endpoint: undefined, code_challenge_methods_supported: undefined, ...(options.auth && { authorization_endpoint: `${ISSUER}/a` }) } });
    const provider = new providers.ClientCredentialsProvider({ clientId: "mine", clientSecret: "s3cret", scope: "a b", expectedIssuer: ISSUER });
    const scene = await connect(sdk, world, provider, options);
    await lives(scene, world);
    const form = { grant_type: "client_credentials", scope: "a b", resource: RESOURCE, authorization: `Basic ${btoa("mine:s3cret")}` };
    assert.deepEqual(world.forms, [form, form]);
    await scene.client.close();
  });

  test(`${way}: a client's credentials go to no other authorization server than theirs`, bounded, async () => {
    for (const make of [
      (expectedIssuer) => new providers.ClientCredentialsProvider({ clientId: "mine", clientSecret: "s3cret", expectedIssuer }),
      async (expectedIssuer) => (await jwt({ expectedIssuer })).provider,
    ]) {
      const world = startWorld();
      await failure(connect(sdk, world, await make("https://theirs.test"), options));
      assert.deepEqual(world.forms, []);
    }
  });

  test(`${way}: PrivateKeyJwtProvider`, bounded, async () => {
    const world = startWorld({ metadata: { token_endpoint_auth_methods_supported: ["private_key_jwt"] } });
    const { provider, publicKey } = await jwt({ expectedIssuer: ISSUER });
    const scene = await connect(sdk, world, provider, options);
    await lives(scene, world);
    assert.equal(world.forms.length, 2);
    for (const { client_assertion: assertion, client_assertion_type: type, client_id, client_secret, authorization, ...form } of world.forms) {
      assert.deepEqual(form, { grant_type: "client_credentials", resource: RESOURCE });
      assert.deepEqual([type, authorization, client_secret], ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer", undefined, undefined]);
      const { payload } = await jwtVerify(assertion, publicKey, { issuer: "mine", subject: "mine" });
      assert.equal(payload.aud, ISSUER, "for whoever is asked, by its metadata");
    }
    assert.notEqual(decodeJwt(world.forms[0].client_assertion).jti, decodeJwt(world.forms[1].client_assertion).jti);
    await scene.client.close();
  });

  test(`${way}: StaticPrivateKeyJwtProvider`, bounded, async () => {
    const world = startWorld();
    const provider = new providers.StaticPrivateKeyJwtProvider({ clientId: "mine", jwtBearerAssertion: "a.b.c", expectedIssuer: ISSUER });
    const scene = await connect(sdk, world, provider, options);
    await lives(scene, world);
    assert.deepEqual(world.forms.map((form) => form.client_assertion), ["a.b.c", "a.b.c"]);
    await scene.client.close();
  });

  if (providers.CrossAppAccessProvider) {
    test(`${way}: CrossAppAccessProvider`, bounded, async () => {
      const world = startWorld();
      const told = [];
      const assertion = async ({ authorizationServerUrl, resourceUrl, scope }) => `jag ${told.push([authorizationServerUrl, resourceUrl, scope])}`;
      const provider = new providers.CrossAppAccessProvider({ assertion, clientId: "mine", clientSecret: "s3cret", expectedIssuer: ISSUER });
      const scene = await connect(sdk, world, provider, options);
      await lives(scene, world);
      assert.deepEqual(told, Array(2).fill([ISSUER, RESOURCE, undefined]));
      assert.deepEqual(world.forms.map(({ grant_type, assertion }) => [grant_type, assertion]), [1, 2].map((n) => ["urn:ietf:params:oauth:grant-type:jwt-bearer", `jag ${n}`]));
      // What the callback throws reaches the host as it is.
      const gone = new Error("the identity provider is gone");
      provider.saveTokens(undefined);
      provider._assertionCallback = () => Promise.reject(gone);
      assert.equal(await failure(connect(sdk, startWorld(), provider, options)), gone);
      await scene.client.close();
    });

    test(`${way}: dpop(), with nonces of both servers`, bounded, async () => {
      const world = startWorld();
      world.bound = true;
      world.nonce = "n1";
      const session = await v2.DpopSession.create();
      const provider = codeFlow({ dpop: () => session });
      const scene = await login(sdk, world, provider, options);
      assert.equal(provider.kept.tokens.token_type, "DPoP");
      assert.equal(await scene.call(1), "s1 1");
      world.nonce = "n2";
      assert.deepEqual(await Promise.all([2, 3].map(scene.call)), ["s1 2", "s1 3"]);
      world.server.evict();
      assert.equal(await scene.call(4), "s2 4");
      assert.equal(world.server.requests.filter(({ method }) => method === "tools/call").length, 5, "the eviction's, and no other, goes twice");
      await scene.client.close();
    });
  }

  test(`${way}: what a provider says of its tokens' requests`, bounded, async () => {
    const told = [];
    const world = startWorld({
      resource: { resource: "https://elsewhere.test/mcp" },
      granting: (form, _headers, world) => world.issue({ refresh_token: `r${world.tokens}`, scope: "a b" }),
    });
    const provider = codeFlow({
      async validateResourceURL(url, said) {
        told.push([String(url), said]);
        return new URL("https://mcp.test/all");
      },
      addClientAuthentication(headers, params, url, metadata) {
        told.push([String(url), metadata?.issuer]);
        headers.set("x-proof", "yes");
        params.set("proof", "yes");
      },
      scopeForRefresh: (tokens) => tokens.scope,
    }, { client: { client_id: "mine", client_secret: "s3cret", issuer: ISSUER } });
    const scene = await login(sdk, world, provider, options);
    assert.equal(provider.kept.to.searchParams.get("resource"), "https://mcp.test/all");
    assert.deepEqual(told.slice(0, 1), [[RESOURCE, "https://elsewhere.test/mcp"]]);
    assert.ok(told.some(([url, issuer]) => url === `${ISSUER}/token` && issuer === ISSUER));
    world.valid = "another";
    assert.equal(await scene.call(1), "s1 1");
    const [exchange, refresh] = world.forms;
    assert.deepEqual([exchange.grant_type, exchange.proof, exchange.resource], ["authorization_code", "yes", "https://mcp.test/all"]);
    for (const form of world.forms) assert.deepEqual([form.client_id, form.client_secret, form.authorization], [undefined, undefined, undefined]);
    assert.equal(refresh.grant_type, "refresh_token");
    if (sdk.providers === v2) assert.equal(refresh.scope, "a b");
    await scene.client.close();
  });

  test(`${way}: the code is exchanged as prepareTokenRequest says`, bounded, async () => {
    const world = startWorld();
    const provider = codeFlow({
      prepareTokenRequest: async () =>
        new URLSearchParams({ grant_type: "authorization_code", code: "c1", code_verifier: await provider.codeVerifier(), redirect_uri: provider.redirectUrl, audience: "mine" }),
    });
    const scene = await login(sdk, world, provider, options);
    const [{ audience, code_verifier: verifier, resource }] = world.forms;
    assert.deepEqual([audience, resource, /^[\w.~-]{43,128}$/.test(verifier)], ["mine", RESOURCE, true]);
    await scene.client.close();
  });

  test(`${way}: what was discovered is the provider's to keep, and is not asked again`, bounded, async () => {
    const world = startWorld();
    let state;
    const more = { saveDiscoveryState: (given) => void (state = structuredClone(given)), discoveryState: () => state };
    const provider = codeFlow(more);
    const scene = await login(sdk, world, provider, options);
    assert.deepEqual([state.authorizationServerUrl, state.authorizationServerMetadata.issuer, state.resourceMetadata.resource], [ISSUER, ISSUER, RESOURCE]);
    // But where a token is refused that was taken: the server may have another authorization server now.
    const known = world.asked.length;
    world.valid = "another";
    await scene.call(1).catch(() => {});
    if (!options.auth) assert.ok(world.asked.slice(known).some((asked) => asked.startsWith("GET /.well-known/oauth-protected-resource")));
    await scene.client.close();
    // Another page life of another user.
    const before = world.asked.length;
    await (await login(sdk, world, codeFlow(more), options)).client.close();
    assert.deepEqual(world.asked.slice(before).filter((asked) => asked.startsWith("GET")), []);
  });

  test(`${way}: with clients by issuer, each authorization server has its own`, bounded, async () => {
    const clients = new Map();
    const asked = [];
    const kept = {};
    const more = {
      clientInformation(context) {
        asked.push(context?.issuer);
        return clients.get(context?.issuer);
      },
      saveClientInformation: (client, context) => void clients.set(context?.issuer ?? client.issuer, client),
      saveTokens(tokens, context) {
        kept.issuers = [tokens.issuer, context?.issuer ?? tokens.issuer];
        kept.tokens = tokens;
      },
    };
    // Version 1 tells no context.
    if (sdk.providers !== v2 && options.auth) return;
    const world = startWorld();
    await (await login(sdk, world, codeFlow(more, kept), options)).client.close();
    assert.deepEqual([[...clients.keys()], clients.get(ISSUER).client_id, kept.issuers], [[ISSUER], "registered", [ISSUER, ISSUER]]);
    assert.ok(asked.includes(ISSUER));
    kept.tokens = undefined;
    await (await login(sdk, world, codeFlow(more, kept), options)).client.close();
    assert.equal(world.asked.filter((asked) => asked === "POST /register").length, 1, "it is known there");
  });

  test(`${way}: finishAuth with but the code says what it needs where the answer has iss`, bounded, async () => {
    if (sdk.providers !== v2 && options.auth) return; // Version 1 does not look.
    const world = startWorld({ metadata: { authorization_response_iss_parameter_supported: true } });
    const provider = codeFlow();
    const transport = new EvergreenTransport(RESOURCE, { fetch: world.fetch, authProvider: provider, errors: sdk.errors, ...options });
    await failure(new sdk.Client(INFO).connect(transport));
    const error = await failure(transport.finishAuth("c1"));
    assert.ok(error instanceof TypeError, String(error.stack));
    assert.match(error.message, /^finishAuth: .*iss.*searchParams/);
    assert.deepEqual(world.forms, []);
    assert.equal((await failure(transport.finishAuth(7))).constructor, TypeError);
  });

  test(`${way}: a step-up is tried as often as maxStepUpRetries says, and not at all where the host throws`, bounded, async () => {
    for (const [more, name, redirects] of [
      [{ maxStepUpRetries: 0 }, undefined, 0],
      [{ onInsufficientScope: "throw" }, "InsufficientScopeError", 0],
      [{}, undefined, 1],
    ]) {
      const world = startWorld();
      const provider = codeFlow();
      const { client, call } = await login(sdk, world, provider, { ...options, ...more });
      provider.kept.to = undefined;
      world.lacks = "more";
      const error = await failure(call(1));
      assert.equal(Number(provider.kept.to !== undefined), redirects, `${JSON.stringify(more)}: ${error.stack}`);
      if (name) assert.equal(error.name, name, String(error.stack));
      if (redirects) assert.equal(provider.kept.to.searchParams.get("scope"), "more");
      if (name === "InsufficientScopeError") {
        assert.ok(error instanceof v2.InsufficientScopeError);
        assert.equal(error.requiredScope, "more");
      }
      await client.close();
    }
  });

  test(`${way}: after the last step-up the refusal is told as one, and not as a user who was sent away`, bounded, async () => {
    const classes = sdk.providers === v2 ? [{ UnauthorizedError: v2.UnauthorizedError, SdkHttpError: v2.SdkHttpError }, undefined] : [{ ...sdk.errors, StreamableHTTPError }];
    for (const errors of classes) {
      const world = startWorld();
      const provider = new sdk.providers.ClientCredentialsProvider({ clientId: "me", clientSecret: "s" });
      const { client, call } = await connect(sdk, world, provider, { ...options, errors });
      world.lacks = "more";
      for (const again of [1, 2]) {
        const error = await failure(call(again));
        const status = error.code === 403 ? 403 : (error.httpStatus ?? error.data?.status ?? error.status);
        assert.deepEqual([status, error.outcome], [403, "not_executed"], String(error.stack));
        assert.ok(!(error instanceof sdk.Unauthorized), String(error.stack));
        assert.match(error.message, /want of a scope \(HTTP 403\), after one step-up in a row \(option maxStepUpRetries\)/);
        if (errors?.SdkHttpError) assert.deepEqual([error instanceof v2.SdkHttpError, error.code], [true, "CLIENT_HTTP_FORBIDDEN"]);
        if (errors?.StreamableHTTPError) assert.ok(error instanceof StreamableHTTPError);
      }
      await client.close();
    }
  });

  test(`${way}: what a provider throws is what the host catches, wherever that was`, bounded, async () => {
    const always = ["tokens", "clientInformation", "saveClientInformation", "saveTokens", "saveCodeVerifier", "codeVerifier", "redirectToAuthorization", "state", "discoveryState", "saveDiscoveryState", "validateResourceURL"];
    // The SDK's own function takes some of it for a refresh that failed.
    const ours = options.auth ? [] : ["scopeForRefresh", "addClientAuthentication", "dpop", "prepareTokenRequest"];
    for (const member of [...always, ...ours]) {
      for (const mine of [new Error("mine"), Object.freeze(new Error("mine")), Object.assign(new Error("mine"), { code: "auth", httpStatus: 401 }), "mine"]) {
        const world = startWorld({ granting: (_form, _headers, world) => world.issue({ refresh_token: `r${world.tokens}` }) });
        let calls = 0;
        const provider = codeFlow({
          [member]() {
            calls++;
            throw mine;
          },
        });
        const caught = [];
        const open = () => new EvergreenTransport(RESOURCE, { fetch: world.fetch, authProvider: provider, errors: sdk.errors, ...options });
        const transport = open();
        const keep = (error) => caught.push(error);
        await new sdk.Client(INFO).connect(transport).catch(keep);
        const state = provider.kept.to?.searchParams.get("state");
        if (provider.kept.to) await transport.finishAuth(new URLSearchParams({ code: "c1", iss: ISSUER, ...(state && { state }) })).catch(keep);
        const client = new sdk.Client(INFO);
        await client.connect(open()).catch(keep);
        world.valid = "another";
        await client.callTool({ name: "echo", arguments: { x: 1 } }).catch(keep);
        await client.close();
        if (sdk.providers === v2 || !options.auth) assert.ok(calls > 0, member);
        assert.ok(calls === 0 || caught.includes(mine), `${member} threw ${String(mine)}, and there came ${caught.join(", ")}`);
      }
    }
  });

  test(`${way}: the token that was granted for one server is not shown to another`, bounded, async () => {
    const OTHER = "https://other.test/mcp";
    const shown = [];
    const world = startWorld({
      on(url, init) {
        if (!url.startsWith("https://other.test/")) return undefined;
        if (url !== OTHER) return url.includes("protected-resource") ? json({ resource: OTHER, authorization_servers: [ISSUER] }) : new Response("", { status: 404 });
        shown.push(new Headers(init.headers).get("authorization"));
        return new Response("", { status: 401, headers: { "www-authenticate": "Bearer" } });
      },
    });
    const provider = codeFlow();
    const scene = await login(sdk, world, provider, options);
    assert.equal(await scene.call(1), "s1 1");
    const token = provider.kept.tokens.access_token;
    await failure(new sdk.Client(INFO).connect(new EvergreenTransport(OTHER, { fetch: world.fetch, authProvider: provider, errors: sdk.errors, ...options })));
    assert.ok(shown.length > 0);
    assert.ok(!shown.some((shown) => shown?.includes(token)), String(shown));
    // It is left where it is good.
    assert.equal(provider.kept.tokens.access_token, token);
    assert.equal(await scene.call(2), "s1 2");
    await scene.client.close();
  });
}

test("a token of the host's that lacks a scope is an InsufficientScopeError, as with the SDK", bounded, async () => {
  const challenge = 'Bearer error="insufficient_scope", scope="more", error_description="say please"';
  for (const authProvider of [{ token: async () => "t" }, { token: async () => "t", onUnauthorized: async () => {} }, undefined]) {
    for (const Original of [undefined, v2.StreamableHTTPClientTransport]) {
      const server = new TestServer({ tools: { echo } });
      const send = (input, init) => (String(init.body).includes('"tools/call"') ? new Response("", { status: 403, headers: { "www-authenticate": challenge } }) : server.fetch(input, init));
      const options = { fetch: send, authProvider, errors: { InsufficientScopeError: v2.InsufficientScopeError } };
      const client = new v2.Client(INFO);
      await client.connect(Original ? new Original(new URL(RESOURCE), options) : new EvergreenTransport(RESOURCE, options));
      const error = await failure(client.callTool({ name: "echo", arguments: {} }));
      assert.ok(error instanceof v2.InsufficientScopeError, String(error.stack));
      assert.deepEqual([error.requiredScope, error.errorDescription], ["more", "say please"]);
      if (!Original) assert.equal(error.outcome, "not_executed");
      await client.close();
    }
  }
});

test("a member of the options that is null is absent, as with the SDK; one of a wrong type is named", bounded, async () => {
  const members = ["requestInit", "reconnectionOptions", "fetch", "authProvider", "sessionId", "protocolVersion", "redirectPolicy", "onInsufficientScope", "maxStepUpRetries", "skipIssuerMetadataValidation", "reconnectionScheduler", "auth", "trust", "errors", "headers", "recovery", "on", "proxy", "listen", "credentials", "reconnectOn", "initializeParams", "timeout", "onsessionidchange", "onreinitialize", "terminateSessionOnClose"];
  const server = new TestServer({ tools: { echo } });
  for (const provider of [null, codeFlow({}, { tokens: { access_token: "t", token_type: "Bearer" } })]) {
    const options = { ...Object.fromEntries(members.map((member) => [member, null])), authProvider: provider, fetch: server.fetch };
    const client = new v2.Client(INFO);
    await client.connect(new EvergreenTransport(RESOURCE, options));
    assert.match(text(await client.callTool({ name: "echo", arguments: { x: 1 } })), / 1$/);
    await client.close();
  }
  new EvergreenTransport(RESOURCE, null);
  new EvergreenTransport(RESOURCE, { requestInit: { headers: null }, reconnectionOptions: { maxRetries: null, initialReconnectionDelay: null } });
  for (const [words, options] of [
    [/^options: expected an object, got 5/, 5],
    [/^requestInit: expected an object, got string/, { requestInit: "x" }],
    [/^reconnectionOptions: expected an object, got 3/, { reconnectionOptions: 3 }],
    [/^reconnectionOptions\.maxRetries: expected a whole number .*got -1/, { reconnectionOptions: { maxRetries: -1 } }],
    [/^reconnectionOptions\.initialReconnectionDelay: expected a whole number of milliseconds .*got string/, { reconnectionOptions: { initialReconnectionDelay: "1" } }],
    [/^fetch: expected a function, got object/, { fetch: {} }],
    [/^headers: expected an object, got 1/, { headers: 1 }],
    [/^errors: expected an object, got true|^errors: expected an object, got boolean/, { errors: true }],
    [/^recovery: expected an object, got string/, { recovery: "off" }],
    [/^sessionId: expected a string, got 5/, { sessionId: 5 }],
    [/^onsessionidchange: expected a function, got string/, { onsessionidchange: "x" }],
  ]) {
    assert.throws(() => new EvergreenTransport(RESOURCE, options), (error) => error instanceof TypeError && words.test(error.message) ? true : assert.fail(`${error}`));
  }
});

test("a provider that lacks what it takes is told by name, before anything is sent", async () => {
  const send = () => assert.fail("something was sent");
  const make = (authProvider, more = {}) => () => new EvergreenTransport(RESOURCE, { fetch: send, authProvider, ...more });
  for (const [words, authProvider, more] of [
    [/^authProvider: expected an OAuthClientProvider, or \{ token\(\) \}/, {}],
    [/^authProvider: expected an object, got a string|^authProvider: expected an object, got string/, "token"],
    [/^authProvider\.saveTokens: expected a function/, codeFlow({ saveTokens: undefined })],
    [/^authProvider\.codeVerifier: expected a function/, codeFlow({ codeVerifier: undefined })],
    [/^authProvider\.dpop: expected a function/, codeFlow({ dpop: {} })],
    [/^authProvider\.prepareTokenRequest: expected a function/, codeFlow({ prepareTokenRequest: "client_credentials" })],
    [/^authProvider: has neither a redirectUrl.* nor prepareTokenRequest/, codeFlow({ redirectUrl: undefined })],
    [/^skipIssuerMetadataValidation: .*give trust: \{ issuer \}.*auth/, codeFlow(), { skipIssuerMetadataValidation: true }],
    [/^maxStepUpRetries: expected a whole number, at least 0, got -1/, codeFlow(), { maxStepUpRetries: -1 }],
    [/^onInsufficientScope: expected "reauthorize" or "throw"/, codeFlow(), { onInsufficientScope: "ask" }],
    [/^auth: expected a function/, codeFlow(), { auth: true }],
  ]) {
    assert.throws(make(authProvider, more), (error) => error instanceof TypeError && words.test(error.message) ? true : assert.fail(`${error}`));
  }
  make(codeFlow(), { skipIssuerMetadataValidation: true, trust: { issuer: ISSUER } })();
  make(codeFlow(), { skipIssuerMetadataValidation: true, auth: v2.auth })();
});

test("an authorization server that is not checked is used with the SDK's auth, or where the host vouches for it", bounded, async () => {
  for (const more of [{ auth: v2.auth }, { trust: { issuer: ISSUER } }]) {
    const world = startWorld({ metadata: { issuer: `${ISSUER}/tenant` } });
    const provider = codeFlow();
    const options = { skipIssuerMetadataValidation: true, ...more };
    const transport = new EvergreenTransport(RESOURCE, { fetch: world.fetch, authProvider: provider, ...options });
    assert.equal((await failure(new v2.Client(INFO).connect(transport))).name, "UnauthorizedError");
    assert.equal(provider.kept.to.origin, ISSUER);
  }
});

test("a redirect that brings no code is told, by the error's name alone", bounded, async () => {
  for (const options of [{}, { auth: v2.auth }]) {
    const world = startWorld();
    const provider = codeFlow();
    const transport = new EvergreenTransport(RESOURCE, { fetch: world.fetch, authProvider: provider, ...options });
    await failure(new v2.Client(INFO).connect(transport));
    const state = provider.kept.to.searchParams.get("state") ?? undefined;
    const params = new URLSearchParams({ error: "access_denied", error_description: "s3cret words", iss: ISSUER, ...(state && { state }) });
    const error = await failure(transport.finishAuth(params));
    assert.doesNotMatch(String(error.stack), /s3cret/);
    assert.deepEqual(world.forms, []);
  }
});

test("a discovery that is of yesterday is forgotten, once", bounded, async () => {
  const old = "https://old.test";
  let state = { authorizationServerUrl: old, resourceMetadata: { resource: RESOURCE, authorization_servers: [old] } };
  const invalidated = [];
  const provider = codeFlow({
    discoveryState: () => state,
    saveDiscoveryState: (given) => void (state = given),
    invalidateCredentials(what) {
      invalidated.push(what);
      if (what === "discovery") state = undefined;
    },
  });
  const world = startWorld();
  await (await login(SDKS[2], world, provider)).client.close();
  assert.deepEqual([invalidated, state.authorizationServerUrl], [["discovery"], ISSUER]);
});

for (const [version, sdk] of Object.entries(SDKS)) {
  for (const begins of ["the transport", "the host, by auth"]) {
    for (const ends of ["finishAuth", "the host, by auth"]) {
      test(`SDK ${version}, by its auth: ${begins} begins a login, and ${ends} ends it`, bounded, async () => {
        const provider = codeFlow({}, { client: { client_id: "c" } });
        const world = startWorld({
          granting: ({ code_verifier: verifier }) => {
            const challenge = createHash("sha256").update(verifier).digest("base64url");
            return challenge === provider.kept.to.searchParams.get("code_challenge") ? undefined : json({ error: "invalid_grant" }, 400);
          },
        });
        const open = () => new EvergreenTransport(RESOURCE, { fetch: world.fetch, authProvider: provider, errors: sdk.errors, auth: sdk.auth });
        const byAuth = (more) => sdk.auth(provider, { serverUrl: RESOURCE, fetchFn: world.fetch, ...more });
        if (begins === "the transport") await failure(new sdk.Client(INFO).connect(open()));
        else assert.equal(await byAuth(), "REDIRECT");
        if (ends === "finishAuth") await open().finishAuth("c1");
        else assert.equal(await byAuth({ authorizationCode: "c1" }), "AUTHORIZED");
        const { call, client } = await connect(sdk, world, provider, { auth: sdk.auth });
        assert.equal(await call(1), "s1 1");
        await client.close();
      });
    }
  }
}
