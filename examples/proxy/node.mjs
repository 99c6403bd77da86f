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

createServer(nodeListener(proxy)).listen(Number(PORT), () => console.log(`listening on ${PORT}`));
