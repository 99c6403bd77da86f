// What examples/chat has to talk to: a server that wants a login, one without CORS headers, and the proxy that leads there.

import { kind } from "../../e2e/lib/servers.mjs";
import { startMcpProxy } from "../../e2e/lib/mcp_proxy.mjs";
import { e2e } from "../../e2e/lib/paths.mjs";
import { startAuthorizationServer } from "../../e2e/servers/oidc.mjs";

const host = kind("TypeScript SDK (host)", process.execPath, [`${e2e}servers/ts_host.mjs`]);

/** The server without CORS headers is at `hiddenHost`, a name for this machine. */
export async function startWorld({ hiddenHost = "127.0.0.1" } = {}) {
  const as = await startAuthorizationServer();
  const [members, hidden] = await Promise.all([
    host.start({ env: { TITLE: "Members", ISSUER: as.issuer, INTROSPECTION: as.introspection.url, INTROSPECTION_AUTHORIZATION: as.introspection.authorization } }),
    host.start({ env: { TITLE: "Hidden", CORS: "none" } }),
  ]);
  const hiddenUrl = hidden.url.replace("127.0.0.1", hiddenHost);
  const proxy = await startMcpProxy({ targets: [hiddenUrl], resolve: async () => ["127.0.0.1"] });
  return {
    as,
    proxy,
    members: withEviction(members, members.url),
    hidden: withEviction(hidden, hiddenUrl),
    async close() {
      await Promise.all([members.kill(), hidden.kill(), proxy.close(), as.close()]);
    },
  };
}

const withEviction = (server, url) => ({
  url,
  /** How often each key was run; sessions under the key `session`. */
  ran: () => server.executions.started(),
  aborted: () => server.executions.aborted(),
  /** The server forgets all sessions. */
  evict: () => process.kill(server.pid, "SIGUSR2"),
  restart: () => server.restart(),
});
