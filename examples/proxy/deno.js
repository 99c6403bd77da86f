// A proxy for MCP servers without CORS headers, for Deno Deploy or `deno run --allow-net --allow-env deno.js`, after
// `deno add npm:mcp-evergreen`.

import { createProxy } from "mcp-evergreen/proxy";

const key = Deno.env.get("PROXY_KEY");

Deno.serve(
  createProxy({
    targets: Deno.env.get("TARGETS").split(" "),
    authorize: ({ headers }) => headers.get("Evergreen-Authorization") === `Bearer ${key}`,
  }),
);
