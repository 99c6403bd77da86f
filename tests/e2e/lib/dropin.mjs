// A Client of the host's own over EvergreenTransport, and the package's own test server.

import assert from "node:assert/strict";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { installed } from "./install.mjs";

const app = await installed();
export const { EvergreenTransport } = await import(`${app}/node_modules/mcp-evergreen/transport.js`);
export const { TestServer } = await import(`${app}/node_modules/mcp-evergreen/testing.js`);

export const bounded = { timeout: 120_000 };
export const INFO = { name: "host", version: "1.0.0" };
export const text = (result) => result.content[0].text;
export const echo = ({ x }, { session }) => `${session} ${x}`;

/** A Client of version 1 that is connected: `{ client, transport, server, errors, closes, call }`. */
export async function connected(serverOptions, options, { Client = Client1, capabilities = { elicitation: {}, roots: {} }, handle = () => {} } = {}) {
  const server = new TestServer({ tools: { echo }, ...serverOptions });
  const transport = new EvergreenTransport(server.url, { fetch: server.fetch, ...options });
  const client = new Client(INFO, { capabilities });
  const scene = { client, transport, server, errors: [], closes: 0 };
  client.onerror = (error) => scene.errors.push(error);
  client.onclose = () => scene.closes++;
  handle(client);
  await client.connect(transport);
  scene.call = (name, args = {}, options) => client.callTool({ name, arguments: args }, undefined, options);
  return scene;
}

export const of = (server, method) => server.requests.filter((request) => request.method === method);
export const failure = (promise) => promise.then((value) => assert.fail(`it gave ${JSON.stringify(value)}`), (error) => error);
