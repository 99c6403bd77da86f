// Worlds behind tokens, and providers of the SDKs' kind, for EvergreenTransport.

import assert from "node:assert/strict";
import * as v2 from "@modelcontextprotocol/client";
import { auth as auth1, UnauthorizedError as Unauthorized1 } from "@modelcontextprotocol/sdk/client/auth.js";
import * as extensions1 from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { EvergreenTransport, INFO, TestServer, echo, failure, text } from "./dropin.mjs";

export const ISSUER = "https://as.test";
export const RESOURCE = "https://mcp.test/mcp";
const METADATA = `${ISSUER}/.well-known/oauth-authorization-server`;

export const json = (body, status = 200, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

/**
 * An MCP server behind tokens, and its authorization server. `granting(form, headers)` says what the token endpoint answers,
 * where it is not a token; `nonce` is what DPoP proofs must have; `on(url, init)` may answer first.
 */
export function startWorld({ metadata = {}, resource = {}, granting = () => undefined, on = () => undefined, scope } = {}) {
  const server = new TestServer({ tools: { echo } });
  const world = { server, asked: [], forms: [], proofs: [], tokens: 0, valid: undefined, bound: undefined, scope, refusals: 0 };
  world.issue = (more = {}) => {
    world.valid = `t${++world.tokens}`;
    return json({ access_token: world.valid, token_type: world.bound ? "DPoP" : "Bearer", expires_in: 3600, ...more });
  };
  world.fetch = async (input, init = {}) => {
    const url = String(input);
    const { origin, pathname } = new URL(url);
    const headers = new Headers(init.headers);
    const own = await on(url, init, world);
    if (own) return own;
    if (origin === new URL(RESOURCE).origin && pathname === "/mcp") return gate(url, init, headers);
    world.asked.push(`${init.method ?? "GET"} ${pathname}`);
    if (pathname.startsWith("/.well-known/oauth-protected-resource")) return json({ resource: RESOURCE, authorization_servers: [ISSUER], ...resource });
    if (url === METADATA) {
      const all = { issuer: ISSUER, authorization_endpoint: `${ISSUER}/authorize`, token_endpoint: `${ISSUER}/token`, registration_endpoint: `${ISSUER}/register` };
      return json({ ...all, response_types_supported: ["code"], code_challenge_methods_supported: ["S256"], ...metadata });
    }
    if (pathname === "/register") return json({ ...JSON.parse(init.body), client_id: "registered" }, 201);
    if (pathname === "/token") {
      const form = Object.fromEntries(new URLSearchParams(String(init.body)));
      world.forms.push({ ...form, authorization: headers.get("authorization") ?? undefined });
      if (world.bound) {
        const refusal = await proof(headers, { htm: "POST", htu: url });
        if (refusal) return json({ error: refusal }, 400, { "dpop-nonce": world.nonce ?? "" });
      }
      return (await granting(form, headers, world)) ?? world.issue();
    }
    return new Response("", { status: 404 });
  };
  /** What is wrong with the proof of a request. */
  async function proof(headers, { htm, htu, token }) {
    const jwt = headers.get("dpop");
    if (!jwt) return "invalid_dpop_proof";
    const { jwk, alg, typ } = decodeProtectedHeader(jwt);
    const { payload } = await jwtVerify(jwt, await importJWK(jwk, alg));
    assert.equal(typ, "dpop+jwt");
    assert.ok(!world.proofs.includes(payload.jti), "each request has a proof of its own");
    world.proofs.push(payload.jti);
    assert.deepEqual([payload.htm, payload.htu, payload.ath !== undefined], [htm, htu, token !== undefined]);
    world.key ??= await calculateJwkThumbprint(jwk);
    assert.equal(await calculateJwkThumbprint(jwk), world.key);
    return world.nonce !== undefined && payload.nonce !== world.nonce ? "use_dpop_nonce" : undefined;
  }
  async function gate(url, init, headers) {
    const refuse = (more, status = 401, extra = {}) => {
      world.refusals++;
      return new Response("", { status, headers: { "www-authenticate": `${world.bound ? "DPoP" : "Bearer"} ${more}`, ...extra } });
    };
    const [scheme, token] = (headers.get("authorization") ?? "").split(" ");
    if (token === undefined || token !== world.valid || scheme !== (world.bound ? "DPoP" : "Bearer")) return refuse('error="invalid_token"');
    if (world.bound) {
      const refusal = await proof(headers, { htm: init.method, htu: url, token });
      if (refusal) return refuse(`error="${refusal}"`, 401, { "dpop-nonce": world.nonce ?? "" });
    }
    if (world.lacks && String(init.body).includes('"tools/call"')) return refuse(`error="insufficient_scope", scope="${world.lacks}"`, 403);
    return server.fetch(url, init);
  }
  return world;
}

/** A provider whose user agrees at once. */
export function codeFlow(more = {}, kept = {}) {
  return {
    kept,
    redirectUrl: "https://host.test/callback",
    clientMetadata: { client_name: "host", redirect_uris: ["https://host.test/callback"], grant_types: ["authorization_code", "refresh_token"] },
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier,
    redirectToAuthorization: (url) => void (kept.to = url),
    ...more,
  };
}

export const SDKS = {
  1: { Client: Client1, auth: auth1, providers: extensions1, Unauthorized: Unauthorized1, errors: { UnauthorizedError: Unauthorized1 } },
  2: { Client: v2.Client, auth: v2.auth, providers: v2, Unauthorized: v2.UnauthorizedError, errors: undefined },
};
export const WAYS = Object.entries(SDKS).flatMap(([version, sdk]) => [
  [`SDK ${version}, by our own flow`, sdk, {}],
  [`SDK ${version}, by its auth`, sdk, { auth: sdk.auth }],
]);

export async function connect({ Client, errors }, world, authProvider, options = {}) {
  const open = () => new EvergreenTransport(RESOURCE, { fetch: world.fetch, authProvider, errors, ...options });
  const transport = open();
  const client = new Client(INFO);
  await client.connect(transport);
  return { client, transport, call: async (x) => text(await client.callTool({ name: "echo", arguments: { x } })) };
}

/** The same, with a user who is sent away and comes back. */
export async function login(sdk, world, provider, options = {}) {
  const first = new EvergreenTransport(RESOURCE, { fetch: world.fetch, authProvider: provider, errors: sdk.errors, ...options });
  const error = await failure(new sdk.Client(INFO).connect(first));
  assert.ok(error instanceof (sdk.errors?.UnauthorizedError ?? v2.UnauthorizedError), String(error.stack));
  const state = provider.kept.to.searchParams.get("state");
  await first.finishAuth(new URLSearchParams({ code: "c1", iss: ISSUER, ...(state && { state }) }));
  return connect(sdk, world, provider, options);
}
