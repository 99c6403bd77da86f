// A proxy for MCP servers without CORS headers, as a Cloudflare Worker: `wrangler deploy`. `TARGETS` is a variable, such as
// "https://mcp.example.com/mcp https://login.example.com", `PROXY_KEY` a secret that your pages get from your own login.
//
// In wrangler.toml: compatibility_flags = ["enable_request_signal"], so that a page that gives up ends the request.

import { createProxy } from "mcp-evergreen/proxy";

let proxy;

export default {
  fetch(request, env) {
    proxy ??= createProxy({
      targets: env.TARGETS.split(" "),
      authorize: ({ headers }) => headers.get("Evergreen-Authorization") === `Bearer ${env.PROXY_KEY}`,
    });
    return proxy(request);
  },
};
