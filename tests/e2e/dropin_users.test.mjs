// A host that signs its user out, or in as another, under a Client that goes on: each request goes with the token that the
// provider has by then, and in a session of that user's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EvergreenTransport, INFO, TestServer, bounded, echo, failure, text } from "./lib/dropin.mjs";
import { ISSUER, RESOURCE, SDKS, codeFlow, json } from "./lib/providers.mjs";

/** A server that takes any user's token, and writes down who asked what in which session. */
function startTown() {
  const server = new TestServer({ tools: { echo } });
  const town = { server, wire: [] };
  town.fetch = async (input, init = {}) => {
    const { origin, pathname } = new URL(input);
    const headers = new Headers(init.headers);
    if (origin === new URL(RESOURCE).origin && pathname === "/mcp") {
      const user = /^Bearer of-(\w+)/.exec(headers.get("authorization"))?.[1] ?? "nobody";
      const { method = init.method } = init.body ? JSON.parse(init.body) : {};
      const session = headers.get("mcp-session-id") ?? "-";
      town.wire.push(`${method} ${user} ${user === "nobody" ? 401 : 200}`);
      if (user === "nobody") return new Response("", { status: 401, headers: { "www-authenticate": "Bearer" } });
      const response = await server.fetch(input, init);
      const made = response.headers.get("mcp-session-id");
      if (made) (town.of ??= new Map()).set(made, user);
      if (session !== "-") assert.equal(town.of.get(session), user, `${method} of ${user} in a session of ${town.of.get(session)}`);
      return response;
    }
    if (pathname.startsWith("/.well-known/oauth-protected-resource")) return json({ resource: RESOURCE, authorization_servers: [ISSUER] });
    if (pathname === "/.well-known/oauth-authorization-server") {
      const all = { issuer: ISSUER, authorization_endpoint: `${ISSUER}/authorize`, token_endpoint: `${ISSUER}/token` };
      return json({ ...all, response_types_supported: ["code"], code_challenge_methods_supported: ["S256"] });
    }
    const { code } = Object.fromEntries(new URLSearchParams(String(init.body)));
    if (pathname === "/token") return json({ access_token: `of-${code}`, token_type: "Bearer", expires_in: 3600, refresh_token: `r-${code}` });
    return new Response("", { status: 404 });
  };
  return town;
}

const signedIn = (name) => ({ access_token: `of-${name}`, token_type: "Bearer" });

/** A Client that is connected as ann; `more`: of the transport's options. */
async function asAnn(sdk, more = {}) {
  const town = startTown();
  const provider = codeFlow({}, { client: { client_id: "c" }, tokens: signedIn("ann") });
  const open = async () => {
    const transport = new EvergreenTransport(RESOURCE, { fetch: town.fetch, authProvider: provider, errors: sdk.errors, listen: "never", ...more });
    const client = new sdk.Client(INFO);
    await client.connect(transport);
    return { client, transport, call: async (x) => text(await client.callTool({ name: "echo", arguments: { x } })) };
  };
  const scene = { town, provider, open, ...(await open()) };
  assert.equal(await scene.call(1), "s1 1");
  town.wire.length = 0;
  return scene;
}

for (const [version, sdk] of Object.entries(SDKS)) {
  test(`SDK ${version}: the next call after another user has signed in is that user's, in a session of theirs`, bounded, async () => {
    const { town, provider, call, client } = await asAnn(sdk);
    for (const [who, session] of [["bob", "s2"], ["ann", "s3"], ["bob", "s4"]]) {
      provider.kept.tokens = signedIn(who);
      assert.equal(await call(2), `${session} 2`);
      assert.deepEqual(town.wire.splice(0), [`initialize ${who} 200`, `notifications/initialized ${who} 200`, `tools/call ${who} 200`]);
    }
    assert.deepEqual(await Promise.all([3, 4].map(call)), ["s4 3", "s4 4"]);
    await client.close();
  });

  test(`SDK ${version}: two Clients with one provider both see that another user has signed in`, bounded, async () => {
    const { town, provider, call, client, open } = await asAnn(sdk);
    const other = await open();
    provider.kept.tokens = signedIn("bob");
    const third = await open();
    town.wire.length = 0;
    assert.deepEqual((await Promise.all([call(2), other.call(2), third.call(2)])).map((said) => said.split(" ")[1]), ["2", "2", "2"]);
    assert.deepEqual(town.wire.filter((line) => !line.endsWith(" bob 200")), []);
    for (const one of [client, other.client, third.client]) await one.close();
  });

  test(`SDK ${version}: after the user has signed out nothing goes with the token, and the user is asked`, bounded, async () => {
    const { town, provider, call, client, open } = await asAnn(sdk);
    const other = await open();
    town.wire.length = 0;
    delete provider.kept.tokens;
    for (const one of [call, other.call]) {
      const error = await failure(one(2));
      assert.ok(error instanceof sdk.Unauthorized, String(error.stack));
    }
    assert.deepEqual(town.wire.filter((line) => !line.endsWith(" nobody 401")), []);
    assert.equal(provider.kept.to.pathname, "/authorize");
    for (const one of [client, other.client]) await one.close();
  });

  test(`SDK ${version}: the user that signs in by finishAuth is the next call's`, bounded, async () => {
    const { town, provider, transport, call, client } = await asAnn(sdk);
    delete provider.kept.tokens;
    await failure(call(2));
    await transport.finishAuth(new URLSearchParams({ code: "bob", iss: ISSUER, state: provider.kept.to.searchParams.get("state") }));
    town.wire.length = 0;
    assert.equal(await call(3), "s2 3");
    assert.deepEqual(town.wire.filter((line) => !line.endsWith(" bob 200")), []);
    await client.close();
  });

  test(`SDK ${version}: two grants are two, whatever state the provider gives`, bounded, async () => {
    const { town, provider, call, client } = await asAnn(sdk);
    provider.state = () => "always this";
    for (const [who, session] of [["bob", "s2"], ["ann", "s3"]]) {
      // In another tab, where the first one asks for nothing meanwhile.
      delete provider.kept.tokens;
      const other = new EvergreenTransport(RESOURCE, { fetch: town.fetch, authProvider: provider, errors: sdk.errors });
      await failure(new sdk.Client(INFO).connect(other));
      assert.equal(provider.kept.to.searchParams.get("state"), "always this");
      const back = (state) => new URLSearchParams({ code: who, iss: ISSUER, ...state });
      for (const state of [{ state: "another" }, { state: "" }, {}]) await failure(other.finishAuth(back(state)));
      await other.finishAuth(back({ state: "always this" }));
      town.wire.length = 0;
      assert.equal(await call(3), `${session} 3`);
      assert.deepEqual(town.wire, [`initialize ${who} 200`, `notifications/initialized ${who} 200`, `tools/call ${who} 200`]);
    }
    await client.close();
  });

  test(`SDK ${version}: what the provider throws where it is asked for its token is thrown at the host`, bounded, async () => {
    const { town, provider, call, client } = await asAnn(sdk);
    const locked = new Error("the keychain is locked");
    const { tokens } = provider;
    provider.tokens = () => {
      throw locked;
    };
    assert.equal(await failure(call(2)), locked);
    assert.deepEqual(town.wire, []);
    provider.tokens = tokens;
    assert.equal(await call(3), "s1 3");
    await client.close();
  });
}

test("the listening stream, and what ends the session, do not go with the token of a user who is gone", bounded, async () => {
  const { town, provider, transport } = await asAnn(SDKS[1], { listen: "always" });
  town.wire.length = 0;
  provider.kept.tokens = signedIn("bob");
  await transport.terminateSession();
  assert.deepEqual(town.wire, []);
});
