// How a Client of an SDK leaves its session, and what it hears of that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { TestServer, bounded, connected, echo } from "./lib/dropin.mjs";

test("close leaves the session, terminateSession ends it", bounded, async () => {
  const first = await connected();
  await first.client.close();
  await sleep(20);
  assert.deepEqual([first.server.requests.filter(({ http }) => http === "DELETE").length, first.closes], [0, 1]);
  const second = await connected();
  await second.transport.terminateSession();
  assert.equal(second.server.requests.at(-1).http, "DELETE");
  assert.deepEqual([second.transport.sessionId, second.closes], [undefined, 0]);
  await second.client.close();
  assert.equal(second.closes, 1);
});

// [what, what DELETE meets, when the close is over, what is told]
for (const [what, meet, after, told] of [
  ["that answers", async (send) => send(), ["DELETE", "answered", "closed"], []],
  ["that does not end it", async () => new Response("no", { status: 500 }), ["DELETE", "answered", "closed"], [500]],
  ["that cannot be reached", async () => Promise.reject(new TypeError("no network")), ["DELETE", "closed"], ["no network"]],
  ["that never answers", () => new Promise(() => {}), ["DELETE", "closed"], []],
]) {
  test(`terminateSessionOnClose: a close waits for a server ${what}`, bounded, async () => {
    const server = new TestServer({ tools: { echo } });
    const log = [];
    const fetch = async (input, init) => {
      if (init.method !== "DELETE") return server.fetch(input, init);
      // As on the way of a host's own, which may have to wait.
      await sleep(50);
      log.push("DELETE");
      const response = await meet(() => server.fetch(input, init));
      log.push("answered");
      return response;
    };
    const { client, transport, errors } = await connected({}, { fetch, terminateSessionOnClose: true });
    await Promise.all([client.close(), transport.close()]);
    log.push("closed");
    assert.deepEqual(log, after);
    assert.deepEqual(errors.map(({ httpStatus, message }) => httpStatus ?? message), told);
  });
}
