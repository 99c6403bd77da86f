// A host on the TypeScript SDK changes one import and one constructor, and its chats outlive the server's sessions.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { installed } from "./lib/install.mjs";
import { root } from "./lib/paths.mjs";
import { startProxy, withLeisure } from "./lib/proxy.mjs";
import { typescriptSdk } from "./lib/servers.mjs";

const bounded = { timeout: 120_000 };
const THEIRS = readFileSync(new URL("./fixtures/host/chat.mjs", import.meta.url), "utf8");
const OURS = THEIRS.replace(
  'import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";',
  'import { Client } from "@modelcontextprotocol/client";\nimport { EvergreenTransport } from "mcp-evergreen/transport";',
).replace("new StreamableHTTPClientTransport(", "new EvergreenTransport(");

let server;
let app;
before(async () => {
  server = await typescriptSdk.start();
  app = await installed();
  mkdirSync(`${app}/hosts`, { recursive: true });
  const link = `${app}/node_modules/@modelcontextprotocol`;
  try {
    symlinkSync(`${root}tests/e2e/node_modules/@modelcontextprotocol`, link);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
});
after(() => server?.kill());

/** A model that wants to know who answers, and repeats it. */
const model = (messages) => {
  const last = messages.at(-1);
  return last.role === "tool" ? { text: last.text } : { call: { name: "whoami", arguments: {} } };
};

/** Two turns of a chat, with a restart of the server between them; `turns` is what was answered. */
async function chatThroughRestart(name, source) {
  writeFileSync(`${app}/hosts/${name}.mjs`, source);
  const { Chat } = await import(`${app}/hosts/${name}.mjs`);
  const proxy = await startProxy(server.url);
  withLeisure(proxy);
  const chat = new Chat(model);
  const turns = [];
  try {
    await chat.connect(proxy.url);
    turns.push([server.pid, await chat.say("who are you?")]);
    await server.restart();
    turns.push([server.pid, await chat.say("and now?")]);
    return turns;
  } finally {
    await chat.close();
    await proxy.close();
  }
}

test("one import and one constructor change", () => {
  const lines = (text) => text.split("\n");
  const gone = lines(THEIRS).filter((line) => !lines(OURS).includes(line));
  const come = lines(OURS).filter((line) => !lines(THEIRS).includes(line));
  assert.equal(gone.length, 2, gone.join("\n"));
  assert.deepEqual(come.map((line) => line.trim()), [
    'import { Client } from "@modelcontextprotocol/client";',
    'import { EvergreenTransport } from "mcp-evergreen/transport";',
    "const transport = new EvergreenTransport(new URL(url));",
  ]);
});

test("with the SDK's own transport the chat ends with the session", bounded, async () => {
  await assert.rejects(chatThroughRestart("theirs", THEIRS));
});

test("with EvergreenTransport it goes on", bounded, async () => {
  for (const [pid, said] of await chatThroughRestart("ours", OURS)) assert.match(said, new RegExp(`^${pid} `));
});
