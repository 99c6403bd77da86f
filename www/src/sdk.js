// The official TypeScript SDK as its users have it: its Client over its own transport.

import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { signInTo } from "./signin.js";

/** @param {import("./control.js").DemoServer} server */
export async function connectSdk(server, fetch) {
  const authProvider = server.kind === "page" ? provider(server) : undefined;
  const transport = () => new StreamableHTTPClientTransport(new URL(server.url), { fetch, authProvider });
  const client = new Client({ name: "official-sdk", version: "1.0.0" });
  // Without a listener, what its streams meet would go unheard.
  client.onerror = () => {};
  const first = transport();
  try {
    await client.connect(first);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await first.finishAuth(authProvider.code);
    await client.connect(transport());
  }
  return { callTool: (params) => client.callTool(params), close: () => client.close() };
}

function provider(server) {
  const { redirectUrl, open } = signInTo(server);
  let client, tokens, verifier;
  return {
    redirectUrl,
    clientMetadata: { client_name: "official-sdk", redirect_uris: [redirectUrl] },
    clientInformation: () => client,
    saveClientInformation: (given) => void (client = given),
    tokens: () => tokens,
    saveTokens: (given) => void (tokens = given),
    codeVerifier: () => verifier,
    saveCodeVerifier: (given) => void (verifier = given),
    async redirectToAuthorization(url) {
      this.code = new URL(await open(url, {})).searchParams.get("code");
    },
  };
}
