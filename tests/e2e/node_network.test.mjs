// Where Node says why there is no answer, the caller is told; what found no connection has not run.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { TestServer, bounded, echo } from "./lib/dropin.mjs";
import { installed } from "./lib/install.mjs";

const { connect } = await import(`${await installed()}/node_modules/mcp-evergreen/index.js`);

const settled = (promise) => promise.then(() => "ok", ({ code, outcome, message, cause }) => ({ code, outcome, message, cause }));

/** The server, on a port of this machine. */
async function listening() {
  const server = new TestServer({ tools: { echo }, listen: false });
  const http = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, headers } = request;
    const answer = await server.fetch(server.url, { method, headers, ...(method === "POST" && { body: Buffer.concat(chunks).toString() }) });
    response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), connection: "close" });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => (http.closeAllConnections(), http.close(resolve)));
  return { url: `http://127.0.0.1:${http.address().port}/mcp`, close };
}

test("a call while the server is down was not sent, and its message says that the connection was refused", bounded, async () => {
  const { url, close } = await listening();
  const session = await connect(url, { era: "legacy" });
  await close();
  const { code, outcome, message, cause } = await settled(session.callTool({ name: "echo", arguments: { x: 1 } }));
  assert.deepEqual([code, outcome, cause.cause.code], ["network", "not_executed", "ECONNREFUSED"]);
  assert.match(message, /^The connection was refused/);
  await session.close({ terminate: false });
});

test("by a fetch of the host's own nothing is proven", bounded, async () => {
  const { url, close } = await listening();
  const session = await connect(url, { era: "legacy", fetch: (...given) => fetch(...given) });
  await close();
  const { code, outcome, message } = await settled(session.callTool({ name: "echo", arguments: { x: 1 } }));
  assert.deepEqual([code, outcome], ["network", "unknown"]);
  assert.match(message, /^The connection was refused/);
  await session.close({ terminate: false });
});

test("a name that is not found, and a port that does not speak TLS", bounded, async () => {
  const { url, close } = await listening();
  for (const [address, words] of [
    ["http://no-such-host.invalid/mcp", /^The server's name was not found/],
    [url.replace("http:", "https:"), /^No secure connection came to be/],
  ]) {
    const { code, outcome, message } = await settled(connect(address));
    assert.deepEqual([code, outcome], ["network", "not_executed"]);
    assert.match(message, words);
    assert.doesNotMatch(message, /CORS/);
  }
  await close();
});
