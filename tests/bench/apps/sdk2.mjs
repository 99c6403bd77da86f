// The TypeScript SDK, 2.x.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

export async function open(url) {
  const client = new Client({ name: "app", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return { call: (params, onprogress) => client.callTool(params, onprogress && { onprogress }) };
}
