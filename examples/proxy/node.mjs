// A proxy for MCP servers without CORS headers, for `node node.mjs`.

import { createServer } from "node:http";
import { createProxy, nodeListener } from "mcp-evergreen/proxy";

const { TARGETS, PROXY_KEY, PORT = "8787", OWN_NETWORK } = process.env;

const proxy = createProxy({
  targets: TARGETS.split(" "),
  authorize: ({ headers }) => headers.get("Evergreen-Authorization") === `Bearer ${PROXY_KEY}`,
  // Only where the targets are servers of your own.
  allowPrivateTargets: OWN_NETWORK === "yes",
  onerror: console.error,
});

// A browser may send a request twice where a connection that it keeps ends under it.
createServer({ keepAliveTimeout: 65_000 }, nodeListener(proxy)).listen(Number(PORT), () => console.log(`listening on ${PORT}`));
