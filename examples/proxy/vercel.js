// A proxy for MCP servers without CORS headers, as a function of Vercel's: put it at `api/mcp-proxy.js`.

import { createProxy } from "mcp-evergreen/proxy";

const proxy = createProxy({
  targets: process.env.TARGETS.split(" "),
  authorize: ({ headers }) => headers.get("Evergreen-Authorization") === `Bearer ${process.env.PROXY_KEY}`,
});

/** Seconds. Streams that are open for longer are resumed. */
export const maxDuration = 300;

export { proxy as GET, proxy as POST, proxy as DELETE, proxy as OPTIONS };
