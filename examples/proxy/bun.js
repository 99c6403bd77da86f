// A proxy for MCP servers without CORS headers, for `bun bun.js`.

import { createProxy } from "mcp-evergreen/proxy";

const { TARGETS, PROXY_KEY, PORT = "8787" } = process.env;

Bun.serve({
  port: Number(PORT),
  // A stream may be silent for longer than any time-out.
  idleTimeout: 0,
  fetch: createProxy({
    targets: TARGETS.split(" "),
    authorize: ({ headers }) => headers.get("Evergreen-Authorization") === `Bearer ${PROXY_KEY}`,
  }),
});
