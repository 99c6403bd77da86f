// What the suite starts where the TypeScript SDK's Client is compared: over its own transport, or over ours. It plays the
// same host both times.

import { createRequire } from "node:module";

const { MCP_CONFORMANCE_CONTEXT = "{}", MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_PROTOCOL_VERSION: version, OVER, PACKAGE, SDK } = process.env;
const sdk = await import(createRequire(`${SDK}/`).resolve("@modelcontextprotocol/client"));
const { auth, Client, StreamableHTTPClientTransport, UnauthorizedError } = sdk;
const { EvergreenTransport } = await import(`${PACKAGE}/transport.js`);
const context = JSON.parse(MCP_CONFORMANCE_CONTEXT);
const url = new URL(process.argv[2]);

/** A user who agrees to everything at once. */
class Provider {
  #kept = { ...(context.client_id && { client: { client_id: context.client_id, client_secret: context.client_secret } }) };
  redirectUrl = "http://localhost:3000/callback";
  clientMetadataUrl = "https://conformance-test.local/client-metadata.json";
  clientMetadata = { client_name: "sdk", redirect_uris: [this.redirectUrl], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] };
  clientInformation = () => this.#kept.client;
  saveClientInformation = (client) => void (this.#kept.client = client);
  tokens = () => this.#kept.tokens;
  saveTokens = (tokens) => void (this.#kept.tokens = tokens);
  saveCodeVerifier = (verifier) => void (this.#kept.verifier = verifier);
  codeVerifier = () => this.#kept.verifier;
  saveDiscoveryState = (state) => void (this.#kept.discovery = state);
  discoveryState = () => this.#kept.discovery;
  invalidateCredentials = () => void (this.#kept = {});
  async redirectToAuthorization(to) {
    const { headers } = await fetch(to, { redirect: "manual" });
    this.callback = new URL(headers.get("location")).searchParams;
  }
}

/** One that there is no user for. */
class Workload {
  clientMetadata = { client_name: "sdk", redirect_uris: [], grant_types: ["urn:ietf:params:oauth:grant-type:jwt-bearer"] };
  #tokens;
  get redirectUrl() {}
  clientInformation = () => ({ client_id: context.client_id });
  tokens = () => this.#tokens;
  saveTokens = (tokens) => void (this.#tokens = tokens);
  redirectToAuthorization() {}
  saveCodeVerifier() {}
  codeVerifier() {}
  prepareTokenRequest(scope) {
    const grant = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: context.valid_jwt };
    return new URLSearchParams({ ...grant, ...(scope && { scope }) });
  }
}

/** All that the SDK ships, each where it is at home. */
async function providerOf() {
  const { client_id: clientId, client_secret: clientSecret } = context;
  switch (scenario) {
    case "auth/client-credentials-basic":
      return new sdk.ClientCredentialsProvider({ clientId, clientSecret });
    case "auth/client-credentials-jwt":
      return new sdk.PrivateKeyJwtProvider({ clientId, privateKey: context.private_key_pem, algorithm: context.signing_algorithm });
    case "auth/enterprise-managed-authorization":
      return new sdk.CrossAppAccessProvider({ clientId, clientSecret, assertion });
    case "auth/wif-jwt-bearer":
      return new Workload();
    case "auth/dpop":
    case "auth/dpop-nonce": {
      const session = await sdk.DpopSession.create();
      return Object.assign(new Provider(), { dpop: () => session });
    }
    default:
      return scenario.startsWith("auth/") ? new Provider() : undefined;
  }
}

async function assertion({ authorizationServerUrl: audience, resourceUrl: resource, scope, fetchFn }) {
  const { idp_client_id: clientId, idp_id_token: idToken, idp_token_endpoint: tokenEndpoint } = context;
  const { jwtAuthGrant } = await sdk.requestJwtAuthorizationGrant({ tokenEndpoint, audience, resource, idToken, clientId, scope, fetchFn });
  return jwtAuthGrant;
}

const provider = await providerOf();
const open = () => {
  const options = { authProvider: provider, onInsufficientScope: "reauthorize" };
  return OVER === "own" ? new StreamableHTTPClientTransport(url, options) : new EvergreenTransport(url, { ...options, ...(OVER === "ours, by the SDK" && { auth }), errors: { UnauthorizedError } });
};

async function authorized(transport, run) {
  for (let tries = 0; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || !provider?.callback || tries === 2) throw error;
      const { callback } = provider;
      provider.callback = undefined;
      await transport().finishAuth(callback);
    }
  }
}

let transport;
let client;
await authorized(() => transport, async () => {
  transport = open();
  client = new Client(
    { name: "sdk", version: "1.0.0" },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
      versionNegotiation: { mode: version === "2026-07-28" ? "auto" : "legacy" },
    },
  );
  client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: {} }));
  client.setRequestHandler("roots/list", () => ({ roots: [] }));
  client.setRequestHandler("sampling/createMessage", () => ({ model: "m", role: "assistant", content: { type: "text", text: "x" } }));
  await client.connect(transport);
});
const call = (params) => authorized(() => transport, () => client.callTool(params));

const ARGUMENTS = {
  add_numbers: { a: 5, b: 3 },
  json_schema_echo: undefined,
};
if (client.getServerCapabilities()?.tools || scenario.startsWith("auth/")) {
  const { tools } = await authorized(() => transport, () => client.listTools());
  const calls = context.toolCalls ?? tools.map(({ name, inputSchema }) => ({ name, arguments: argumentsOf(name, inputSchema, tools) }));
  for (const params of calls) await call(params).catch((error) => provider && Promise.reject(error));
}
for (const [capability, list, get] of [
  ["prompts", "listPrompts", (client, { prompts: [first] }) => first && client.getPrompt({ name: first.name })],
  ["resources", "listResources", (client, { resources: [first] }) => first && client.readResource({ uri: first.uri })],
]) {
  if (client.getServerCapabilities()?.[capability]) await client[list]().then((page) => get(client, page)).catch(() => {});
}
await client.close();
process.exit(0);

function argumentsOf(name, schema, tools) {
  if (name === "json_schema_echo") return { schema: tools.find(({ name }) => name === "json_schema_2020_12_tool")?.inputSchema };
  if (ARGUMENTS[name]) return ARGUMENTS[name];
  const sample = { string: "x", number: 1, integer: 1, boolean: true, array: [], object: {} };
  return Object.fromEntries(Object.entries(schema?.properties ?? {}).map(([field, { type }]) => [field, sample[type] ?? null]));
}
