// What real servers answer when a session is gone. The other tests stand on this: when a new
// version of a server says it otherwise, it is seen here first.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { bareSession, endSession } from "./lib/bare_client.mjs";
import * as servers from "./lib/servers.mjs";

const GONE = [
  [servers.everything, 400, undefined, -32000, "Bad Request: No valid session ID provided"],
  [servers.pythonSdk, 404, null, -32600, "Session not found"],
  [servers.pythonSdkJson, 404, null, -32600, "Session not found"],
  [servers.typescriptSdk, 404, null, -32001, "Session not found"],
  [servers.typescriptSdkJson, 400, null, -32000, "Bad Request: No valid session ID provided"],
];

for (const [kind, status, id, code, message] of GONE) {
  describe(kind.name, () => {
    let server;
    before(async () => (server = await kind.start()));
    after(() => server?.kill());

    const isRefusal = (answer) => {
      assert.equal(answer.status, status);
      assert.deepEqual(JSON.parse(answer.text), { jsonrpc: "2.0", ...(id === null ? { id } : {}), error: { code, message } });
      assert.equal(answer.headers.get("access-control-allow-origin"), "*", "a page may read the refusal");
    };

    test("refuses a session of the process before it", async () => {
      const session = await bareSession(server.url);
      const before = [server.pid, (await session.call(kind.whoami.name)).text];
      await server.restart();
      isRefusal(await session.call(kind.whoami.name));
      const fresh = await bareSession(server.url);
      const now = [server.pid, (await fresh.call(kind.whoami.name)).text];
      assert.notEqual(now[0], before[0]);
      assert.notEqual(now[1], before[1]);
    });

    test("refuses a session that was DELETEd", async () => {
      const session = await bareSession(server.url);
      assert.equal(await endSession(server.url, session.id), 200);
      isRefusal(await session.send("ping"));
    });

    test("exposes Mcp-Session-Id to pages", async () => {
      const response = await fetch(server.url, { method: "POST", headers: { origin: "http://127.0.0.1:1" } });
      await response.text();
      assert.match(response.headers.get("access-control-expose-headers"), /mcp-session-id/i);
    });

    if (kind !== servers.everything) {
      test("answers a tool that throws with the words of a refusal: 200, and the session lives", async () => {
        const session = await bareSession(server.url);
        const answer = await session.call("fail_session", { key: "thrown" });
        assert.equal(answer.status, 200);
        assert.match(answer.text, /"code":-32600,"message":"(MCP error -32600: )?Session not found"/);
        assert.equal((await session.send("ping")).status, 200);
        assert.deepEqual(server.executions.started(), { thrown: 1 });
      });
    }
  });
}

test("Python SDK: a session that idles too long is gone", { timeout: 120_000 }, async () => {
  const server = await servers.pythonSdk.start({ env: { IDLE_TIMEOUT: "1.5" } });
  try {
    const session = await bareSession(server.url);
    assert.equal((await session.send("ping")).status, 200);
    await sleep(3_000);
    assert.equal((await session.send("ping")).status, 404);
  } finally {
    await server.kill();
  }
});

test("a frozen server accepts and never answers, and goes on when it is thawed", { timeout: 120_000 }, async () => {
  const server = await servers.typescriptSdk.start();
  try {
    const session = await bareSession(server.url);
    server.freeze();
    const waiting = session.send("ping");
    assert.equal(await Promise.race([waiting, sleep(300, "silence")]), "silence");
    server.thaw();
    assert.equal((await waiting).status, 200);
  } finally {
    await server.kill();
  }
});
