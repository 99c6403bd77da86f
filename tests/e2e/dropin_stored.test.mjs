// What another client has stored in a provider, under EvergreenTransport: tokens of the SDK's own transport, a client that was
// registered elsewhere, and the scopes that a user is asked for once more.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bounded, failure } from "./lib/dropin.mjs";
import { ISSUER, WAYS, codeFlow, connect, json, startWorld } from "./lib/providers.mjs";

const OTHER = "https://other.test";
const STORED = { access_token: "t0", token_type: "Bearer", refresh_token: "r0", id_token: "id", scope: "read" };
const POST = { client_id: "c", client_secret: "s", token_endpoint_auth_method: "client_secret_post" };

/** A provider with what the SDK's transport has stored; `saved` is what it is told to store. */
function storing(more = {}, client = { client_id: "c" }, tokens = STORED) {
  const saved = [];
  const provider = codeFlow(more, { client, tokens });
  const { saveTokens } = provider;
  provider.saveTokens = (tokens) => {
    saved.push(tokens);
    saveTokens(tokens);
  };
  return { provider, saved };
}

for (const [way, sdk, options] of WAYS) {
  const isOwn = options.auth === undefined;

  test(`${way}: stored tokens of the SDK's are refreshed once, for all calls, and kept with all their members`, bounded, async () => {
    for (const client of [{ client_id: "c" }, POST]) {
      const world = startWorld({ granting: (_form, _headers, world) => world.issue({ scope: "read", id_token: "id1" }) });
      world.valid = "t0";
      const { provider, saved } = storing({}, client);
      const { call } = await connect(sdk, world, provider, options);
      world.valid = "t9";
      assert.deepEqual(await Promise.all([call(1), call(2), call(3)]), ["s1 1", "s1 2", "s1 3"]);
      assert.deepEqual(world.forms.map(({ grant_type, refresh_token, client_id, client_secret }) => [grant_type, refresh_token, client_id, client_secret]), [
        ["refresh_token", "r0", "c", client.client_secret],
      ]);
      const { access_token, token_type, refresh_token, scope, id_token, expires_in } = saved.at(-1);
      assert.deepEqual([access_token, token_type, refresh_token, scope, id_token, expires_in], ["t1", "Bearer", "r0", "read", "id1", 3600]);
      if (isOwn) assert.equal(saved.at(-1).issuer, ISSUER);
      // The refresh token was not rotated.
      world.valid = "t9";
      assert.equal(await call(4), "s1 4");
      assert.equal(world.forms[1].refresh_token, "r0");
      assert.equal(provider.kept.to, undefined);
    }
  });

  test(`${way}: a stored refresh token that is refused ends the grant, and the user is sent away`, bounded, async () => {
    const world = startWorld({ granting: () => json({ error: "invalid_grant" }, 400) });
    world.valid = "t0";
    const invalidated = [];
    const { provider } = storing({
      invalidateCredentials(what) {
        invalidated.push(what);
        provider.kept.tokens = undefined;
      },
    });
    const { call } = await connect(sdk, world, provider, options);
    world.valid = "t9";
    const error = await failure(call(1));
    assert.ok(error instanceof sdk.Unauthorized, String(error.stack));
    assert.deepEqual(invalidated, ["tokens"]);
    assert.equal(provider.kept.to.origin, ISSUER);
    assert.equal(world.forms.length, 1);
  });

  test(`${way}: the client proves who it is as it is registered`, bounded, async () => {
    const all = ["none", "client_secret_post", "client_secret_basic"];
    for (const [client, wanted, methods, expected] of [
      [{ ...POST, token_endpoint_auth_method: "client_secret_basic" }, undefined, all, "basic"],
      [POST, undefined, all, "post"],
      [{ client_id: "c", client_secret: "s" }, "client_secret_basic", all, "basic"],
      [{ client_id: "c", client_secret: "s" }, "none", all, "basic"],
      [{ client_id: "c", client_secret: "s" }, undefined, all, "basic"],
      [POST, undefined, undefined, "post"],
      [POST, undefined, ["client_secret_basic"], "basic"],
    ]) {
      const world = startWorld({ metadata: { token_endpoint_auth_methods_supported: methods } });
      world.valid = "t0";
      const { provider } = storing({}, client);
      provider.clientMetadata = { ...provider.clientMetadata, token_endpoint_auth_method: wanted };
      const { call } = await connect(sdk, world, provider, options);
      world.valid = "t9";
      await call(1);
      const [{ authorization, client_secret: secret }] = world.forms;
      assert.equal(authorization?.startsWith("Basic ") ? "basic" : secret && "post", expected, JSON.stringify([client, wanted, methods]));
    }
  });

  test(`${way}: after a step-up the same call goes with the new token, and whoever has not agreed is asked by the next one`, bounded, async () => {
    const world = startWorld({ scope: "write" });
    world.valid = "t0";
    const { provider } = storing({}, { client_id: "c" }, { access_token: "t0", token_type: "Bearer", scope: "read" });
    const { call, transport } = await connect(sdk, world, provider, options);
    const asked = [];
    provider.redirectToAuthorization = (url) => asked.push(url.searchParams.get("scope"));
    world.lacks = "write";
    for (const times of [1, 2]) {
      const error = await failure(call(times));
      assert.ok(error instanceof sdk.Unauthorized, String(error.stack));
      assert.equal(asked.length, times, "each call asks, once");
    }
    assert.ok(asked.every((scope) => scope.split(" ").includes("write")), String(asked));
    world.lacks = undefined;
    await transport.finishAuth("c1");
    assert.match(await call(3), /^s\d 3$/);
    assert.equal(provider.kept.tokens.access_token, world.valid);
  });
}

for (const [where, kept] of [
  ["the tokens", (provider) => (provider.kept.tokens = { ...STORED, issuer: OTHER })],
  ["the discovery", (provider) => (provider.discoveryState = () => provider.kept.discovery)],
]) {
  test(`a stored refresh token goes to nobody but the issuer that ${where} of the provider name`, bounded, async () => {
    const [, sdk] = WAYS.find(([way]) => way === "SDK 2, by our own flow");
    const world = startWorld();
    world.valid = "t0";
    const { provider, saved } = storing();
    provider.kept.discovery = { authorizationServerUrl: OTHER };
    kept(provider);
    const { call } = await connect(sdk, world, provider);
    world.valid = "t9";
    provider.saveDiscoveryState = (state) => (provider.kept.discovery = state);
    for (const times of [1, 2]) {
      const error = await failure(call(times));
      assert.ok(error instanceof sdk.Unauthorized, String(error.stack));
    }
    assert.equal(provider.kept.to.origin, ISSUER);
    assert.deepEqual(world.forms, []);
    // Nothing of them is lost.
    const { issuer, refresh_token, id_token, access_token } = saved.at(-1);
    assert.deepEqual([issuer, refresh_token, id_token, access_token], [OTHER, "r0", "id", "t0"]);
  });
}
