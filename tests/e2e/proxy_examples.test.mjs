// The files of examples/proxy: that for Node is run, those for others are given what their platforms have.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { installed } from "./lib/install.mjs";
import { root } from "./lib/paths.mjs";
import { freePort } from "./lib/ports.mjs";
import { typescriptSdk } from "./lib/servers.mjs";
import { until } from "./lib/until.mjs";

const bounded = { timeout: 60_000 };
const TARGETS = "https://mcp.example.com/mcp https://1.1.1.1";
const PROXY_KEY = "the key";

let folder;
before(async () => {
  folder = mkdtempSync(`${await installed()}/fixtures-`);
  for (const file of ["bun.js", "cloudflare.js", "deno.js", "node.mjs", "vercel.js"]) copyFileSync(`${root}examples/proxy/${file}`, `${folder}/${file}`);
});
after(() => folder && rmSync(folder, { recursive: true, force: true }));

const load = (file) => import(pathToFileURL(`${folder}/${file}`));

/** What each platform is known by, and how it comes by its handler. */
const PLATFORMS = {
  cloudflare: {
    globals: { WebSocketPair: class {} },
    handler: async () => {
      const { default: worker } = await load("cloudflare.js");
      return (request) => worker.fetch(request, { TARGETS, PROXY_KEY });
    },
  },
  deno: {
    globals: { Deno: { env: { get: (name) => ({ TARGETS, PROXY_KEY })[name] }, serve: (handler) => (served = handler), resolveDns: async (_, type) => (type === "A" ? ["93.184.216.34"] : []) } },
    handler: () => load("deno.js").then(() => served),
  },
  bun: {
    globals: { Bun: { serve: ({ fetch, idleTimeout }) => (assert.equal(idleTimeout, 0), (served = fetch)) } },
    handler: () => load("bun.js").then(() => served),
  },
  vercel: {
    globals: { EdgeRuntime: "edge-runtime" },
    handler: async () => {
      const functions = await load("vercel.js");
      return (request) => functions[request.method](request);
    },
  },
};
let served;

for (const [name, { globals, handler: make }] of Object.entries(PLATFORMS)) {
  test(`${name}: goes where it is told to, for whom it is told to, and nowhere else`, bounded, async () => {
    const asked = [];
    const { fetch } = globalThis;
    Object.assign(process.env, { TARGETS, PROXY_KEY });
    Object.assign(globalThis, globals, {
      fetch: async (url, init) => {
        asked.push([url, init.method, Object.keys(Object.fromEntries(init.headers)).sort().join(" ")]);
        return Response.json({ ran: init.body && (await new Response(init.body).text()) }, { headers: { "set-cookie": "a=b" } });
      },
    });
    try {
      const handler = await make();
      const send = (target, headers, method = "POST") =>
        handler(new Request("https://host.example/api/mcp-proxy", { method, body: method === "POST" ? "{}" : undefined, headers: { "content-type": "application/json", cookie: "c=d", "evergreen-target": target, ...headers } }));
      const credential = { "evergreen-authorization": `Bearer ${PROXY_KEY}` };
      const mark = async (...given) => (await send(...given)).headers.get("evergreen-proxy");
      assert.equal(await mark("https://mcp.example.com/mcp"), "refused not_authorized");
      assert.equal(await mark("https://mcp.example.com/mcp", { "evergreen-authorization": "Bearer other" }), "refused not_authorized");
      assert.equal(await mark("https://127.0.0.1/mcp", credential), "refused private_target");
      assert.equal(await mark("https://other.example.com/mcp", credential), "refused not_listed");
      assert.equal((await handler(new Request("https://host.example/", { method: "OPTIONS", headers: { origin: "https://app.example" } }))).status, 204);
      assert.deepEqual(asked, []);
      // Which names there are is the platform's to know.
      const answer = await send("https://1.1.1.1/mcp", credential);
      assert.deepEqual([answer.status, answer.headers.get("set-cookie"), await answer.json()], [200, null, { ran: "{}" }]);
      assert.equal(await mark("https://1.1.1.1/mcp", credential, "GET"), "relayed");
      assert.deepEqual(asked[0], ["https://1.1.1.1/mcp", "POST", "accept-encoding content-type user-agent"]);
    } finally {
      for (const key of Object.keys(globals)) delete globalThis[key];
      globalThis.fetch = fetch;
    }
  });
}

test("node: run as it stands, in front of a real server", bounded, async () => {
  const server = await typescriptSdk.start();
  const port = await freePort();
  const env = { ...process.env, TARGETS: server.url, PROXY_KEY, PORT: String(port), OWN_NETWORK: "yes" };
  const child = spawn(process.execPath, [`${folder}/node.mjs`], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  try {
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    await until(() => said.includes("listening"));
    const { connect } = await import(pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/index.js`));
    const proxy = { url: `http://127.0.0.1:${port}/`, when: "always", headers: { "Evergreen-Authorization": `Bearer ${PROXY_KEY}` } };
    const session = await connect(server.url, { proxy });
    const whoami = async () => (await session.callTool({ name: "whoami", arguments: {} })).content[0].text;
    const before = await whoami();
    await server.restart();
    assert.notEqual(await whoami(), before);
    assert.equal(session.status.recoveries, 1);
    await session.close();
    const error = await connect(server.url, { proxy: { ...proxy, headers: {} } }).catch((error) => error);
    assert.deepEqual([error.code, error.outcome], ["proxy", "not_executed"]);
  } finally {
    child.kill();
    await ended;
    await server.kill();
  }
});
