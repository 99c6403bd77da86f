// What examples/chat has to talk to: a server that wants a login, one without CORS headers, and the proxy that leads there.

import { kind } from "../../e2e/lib/servers.mjs";
import { startMcpProxy } from "../../e2e/lib/mcp_proxy.mjs";
import { e2e } from "../../e2e/lib/paths.mjs";
import { startAuthorizationServer } from "../../e2e/servers/oidc.mjs";

const host = kind("TypeScript SDK (host)", process.execPath, [`${e2e}servers/ts_host.mjs`]);

/** An address for `far` that is not of this machine, since what is here is reached without a network: only the proxy finds it. */
const FAR = "https://far.test/mcp";

export async function startWorld() {
  const as = await startAuthorizationServer();
  const start = (env) => host.start({ env }).then(standing);
  const [members, hidden, far] = await Promise.all([
    start({ TITLE: "Members", ISSUER: as.issuer, INTROSPECTION: as.introspection.url, INTROSPECTION_AUTHORIZATION: as.introspection.authorization }),
    start({ TITLE: "Hidden", CORS: "none" }),
    start({ TITLE: "Far" }),
  ]);
  const proxy = await startMcpProxy({
    targets: [hidden.url, FAR],
    resolve: async () => ["127.0.0.1"],
    fetch: (input, init) => fetch(String(input).replace(FAR, far.url), init),
  });
  return {
    as,
    proxy,
    members,
    hidden,
    far: { ...far, url: FAR },
    async close() {
      await Promise.all([members, hidden, far, proxy, as].map((one) => one.close()));
    },
  };
}

const standing = (server) => ({
  url: server.url,
  /** How often each key was run; sessions under the key `session`. */
  ran: () => server.executions.started(),
  aborted: () => server.executions.aborted(),
  /** The server forgets all sessions. */
  evict: () => process.kill(server.pid, "SIGUSR2"),
  restart: () => server.restart(),
  close: () => server.kill(),
});
