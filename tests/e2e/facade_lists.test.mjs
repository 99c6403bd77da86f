// Lists in pages, as the JavaScript of the package goes through them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { McpError } from "../../pkg-template/error.js";
import { allPages } from "../../pkg-template/pages.js";

/** A list of four pages whose cursors belong to the session; it is lost before the second, third … page that is named. */
async function listed(losses, isRefused = true) {
  let generation = 1;
  const asked = [];
  const list = async ({ cursor } = {}) => {
    const [under, at] = cursor?.split(":").map(Number) ?? [generation, 0];
    asked.push(at);
    if (cursor && under !== generation && isRefused) throw new McpError("no", { code: "rpc", outcome: "executed", rpcCode: -32602 });
    return { tools: [{ name: `t${at}` }, { name: "twice" }], ...(at < 3 && { nextCursor: `${generation}:${at + 1}` }) };
  };
  const names = [];
  const warnings = [];
  const end = await (async () => {
    const options = { maxPages: 10, version: () => "2025-11-25", generation: () => generation, warn: (hint) => warnings.push(hint) };
    for await (const { name } of allPages(list, "tools", options)) {
      names.push(name);
      if (losses.includes(name)) generation++;
    }
  })().catch((error) => error.rpcCode);
  return { names, warnings, end, asked };
}

test("a list whose session is lost between two pages is begun anew, and gives nothing again", async () => {
  const whole = await listed(["t1"]);
  assert.deepEqual(whole.names, ["t0", "twice", "t1", "twice", "t2", "t3"]);
  assert.deepEqual([whole.warnings, whole.asked], [[], [0, 1, 2, 0, 1, 2, 3]]);
  assert.deepEqual((await listed(["t1"], false)).asked, [0, 1, 2, 3], "a cursor that the new session takes is one");
  assert.equal((await listed(["t0", "t2"])).end, -32602, "a second time it throws");
});
