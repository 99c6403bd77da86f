// The TypeScript SDK's Client, with the same servers.

import { createRequire } from "node:module";
import { LISTING, PATIENCE, PLAYS, REDIRECT, agree } from "./plays.mjs";

/** What the SDK makes of it. */
export async function sdk({ Client, StreamableHTTPClientTransport }, { url, play, options = {}, signsIn }) {
  let client = new Client({ name: "field", version: "1" }, { versionNegotiation: { mode: "auto" } });
  const authProvider = signsIn ? signIn() : undefined;
  const limits = { timeout: PATIENCE, maxTotalTimeout: PATIENCE };
  const listed = async (list) => (await client[LISTING[list]](undefined, limits))[list].map(({ name }) => name);
  const it = {
    all: listed,
    page: listed,
    read: () => client.readResource({ uri: "x://r" }, limits),
    prompt: () => client.getPrompt({ name: "p" }, limits),
    complete: () => client.complete({ ref: { type: "ref/prompt", name: "p" }, argument: { name: "a", value: "" } }, limits),
    call: (params, onprogress) => client.callTool(params, { ...limits, ...(onprogress && { onprogress }) }),
  };
  const play_ = async () => {
    const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider, requestInit: { headers: options.headers } });
    const first = transport();
    try {
      await client.connect(first, limits);
    } catch (error) {
      if (authProvider?.code === undefined) throw error;
      await first.finishAuth(authProvider.code);
      client = new Client({ name: "field", version: "1" }, { versionNegotiation: { mode: "auto" } });
      await client.connect(transport(), limits);
    }
    return PLAYS[play](it);
  };
  let bell;
  const late = new Promise((_, fail) => (bell = setTimeout(() => fail(new Error("no answer in time")), 2 * PATIENCE)));
  try {
    return { value: await Promise.race([play_(), late]) };
  } catch (error) {
    return { failed: String(error?.message ?? error).split("\n")[0].slice(0, 90) };
  } finally {
    clearTimeout(bell);
    client.close().catch(() => {});
  }
}

/** The SDK, as it was installed for the tests. */
export async function sdkOf(directory) {
  return import(createRequire(`${directory}/`).resolve("@modelcontextprotocol/client"));
}

/** A provider that keeps what it is given, and whose user agrees at once. */
function signIn() {
  const kept = {};
  return {
    get code() {
      return kept.code;
    },
    redirectUrl: REDIRECT,
    clientMetadata: { client_name: "field", redirect_uris: [REDIRECT] },
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier,
    redirectToAuthorization: async (url) => void (kept.code = new URL(await agree(url)).searchParams.get("code")),
  };
}
