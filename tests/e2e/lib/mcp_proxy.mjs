// The package's own proxy, as a host runs it in Node, with a record of what was asked of it.

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { installed } from "./install.mjs";
import { listen } from "./ports.mjs";

/** `options` as `createProxy` takes them. `asked`: what came, in order, as `POST /mcp tools/call`, preflights left out. */
export async function startMcpProxy(options) {
  const { createProxy, nodeListener } = await import(pathToFileURL(`${await installed()}/node_modules/mcp-evergreen/proxy.js`));
  const handler = createProxy({ allowPrivateTargets: true, ...options });
  const asked = [];
  const server = createServer(
    nodeListener(async (request) => {
      const target = request.headers.get("evergreen-target");
      if (target !== null) {
        const rpc = request.method === "POST" ? /"method":"([^"]+)"/.exec(await request.clone().text())?.[1] : undefined;
        asked.push([request.method, new URL(target).pathname, rpc].filter(Boolean).join(" "));
      }
      return handler(request);
    }),
  );
  const url = `http://127.0.0.1:${await listen(server)}/mcp-proxy`;
  return {
    url,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
