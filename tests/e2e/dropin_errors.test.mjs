// What a Client of an SDK hears of a refusal, beside what it hears over the SDK's own transport: the same class, code and status.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as v2 from "@modelcontextprotocol/client";
import { UnauthorizedError as Unauthorized1 } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as Original1, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { EvergreenTransport, INFO, TestServer, bounded, echo, failure } from "./lib/dropin.mjs";
import { RESOURCE, codeFlow, json, startWorld } from "./lib/providers.mjs";

const { SdkHttpError, UnauthorizedError, auth } = v2;
const SDKS = {
  1: { Client: Client1, Original: Original1, errors: { UnauthorizedError: Unauthorized1, StreamableHTTPError } },
  2: { Client: v2.Client, Original: v2.StreamableHTTPClientTransport, errors: { UnauthorizedError, SdkHttpError } },
};

/** What tells errors apart, for a host. */
const told = ({ constructor, code, status, statusText }) => ({ constructor, code, status, statusText });

for (const [version, { Client, Original, errors }] of Object.entries(SDKS)) {
  /** The error of the SDK's own transport, and of ours. */
  const both = async (run) => {
    const theirs = await run((options) => new Original(new URL(RESOURCE), options));
    const ours = await run((options) => new EvergreenTransport(RESOURCE, { errors, ...options }));
    assert.deepEqual(told(ours), told(theirs), `${ours.stack}\n${theirs.stack}`);
    return ours;
  };

  for (const status of [400, 401, 403, 405, 409, 422, 500]) {
    test(`SDK ${version}: a call that is refused with ${status}, without a provider`, bounded, async () => {
      await both(async (transport) => {
        const server = new TestServer({ tools: { echo } });
        const fetch = async (input, init) =>
          String(init.body).includes('"tools/call"') ? new Response("the body", { status, statusText: "words of its own" }) : server.fetch(input, init);
        const client = new Client(INFO);
        await client.connect(transport({ fetch }));
        const error = await failure(client.callTool({ name: "echo", arguments: {} }));
        await client.close();
        return error;
      });
    });
  }

  for (const [by, options] of [["our own flow", {}], ["the SDK's auth", { auth }]]) {
    test(`SDK ${version}, by ${by}: a token that is refused after a refresh is no reason to send the user away`, bounded, async () => {
      const ours = await both(async (transport) => {
        const world = startWorld({ granting: () => json({ access_token: "untaken", token_type: "Bearer" }) });
        world.issue();
        const client = { client_id: "c" };
        const provider = codeFlow({ redirectToAuthorization: () => assert.fail("nobody is sent away") }, { client });
        provider.kept.tokens = { access_token: world.valid, token_type: "Bearer", refresh_token: "r" };
        const own = { prepareTokenRequest: () => new URLSearchParams({ grant_type: "client_credentials" }), redirectUrl: undefined };
        const host = new Client(INFO);
        await host.connect(transport({ fetch: world.fetch, authProvider: Object.assign(provider, own), ...options }));
        world.valid = "another";
        const error = await failure(host.callTool({ name: "echo", arguments: {} }));
        await host.close();
        return error;
      });
      assert.ok(!(ours instanceof errors.UnauthorizedError), String(ours.stack));
    });
  }

  for (const status of [500, 404, 405]) {
    test(`SDK ${version}: a session that the server does not end, with ${status}`, bounded, async () => {
      const run = async (transport) => {
        const server = new TestServer({ tools: { echo } });
        const fetch = async (input, init) => (init.method === "DELETE" ? new Response("no", { status, statusText: "words" }) : server.fetch(input, init));
        const client = new Client(INFO);
        const one = transport({ fetch });
        await client.connect(one);
        const id = one.sessionId;
        const heard = [];
        client.onerror = (error) => heard.push(error);
        const error = await one.terminateSession().then(() => undefined, (error) => error);
        assert.equal(one.sessionId, status === 405 ? undefined : id);
        if (error) assert.equal(heard.at(-1), error);
        await client.close();
        return error ?? {};
      };
      await both(run);
    });
  }

  test(`SDK ${version}: a session that cannot be ended for want of a network`, bounded, async () => {
    const gone = new TypeError("fetch failed");
    await both(async (transport) => {
      const server = new TestServer({ tools: { echo } });
      const fetch = async (input, init) => {
        if (init.method === "DELETE") throw gone;
        return server.fetch(input, init);
      };
      const client = new Client(INFO);
      const one = transport({ fetch });
      await client.connect(one);
      const error = await failure(one.terminateSession());
      assert.equal(error, gone);
      await client.close();
      return error;
    });
  });
}

test("a refresh that fails costs what is kept none of its members", bounded, async () => {
  const tokens = { refresh_token: "r", expires_in: 3600, scope: "a", id_token: "who" };
  const granting = startWorld({ granting: (form, _headers, { issue }) => (form.refresh_token ? json({}, 500) : issue(tokens)) });
  const provider = codeFlow({}, { client: { client_id: "c" } });
  const errors = SDKS[1].errors;
  const open = () => new EvergreenTransport(RESOURCE, { fetch: granting.fetch, authProvider: provider, errors });
  const first = open();
  await failure(new Client1(INFO).connect(first));
  await first.finishAuth("code");
  const second = new Client1(INFO);
  await second.connect(open());
  const { id_token, expires_in } = provider.kept.tokens;
  granting.valid = "another";
  await failure(second.callTool({ name: "echo", arguments: {} }));
  assert.deepEqual([provider.kept.tokens.id_token, provider.kept.tokens.expires_in], [id_token, expires_in]);
  assert.equal(id_token, "who");
  await second.close();
});
