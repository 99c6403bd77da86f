// The TypeScript SDK's Client, with the same servers.

import { createRequire } from "node:module";
import { LISTING, PATIENCE, PLAYS } from "./plays.mjs";

/** What the SDK makes of it. */
export async function sdk({ Client, StreamableHTTPClientTransport }, { url, play, options = {} }) {
  const client = new Client({ name: "field", version: "1" }, { versionNegotiation: { mode: "auto" } });
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
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: options.headers } }), limits);
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
