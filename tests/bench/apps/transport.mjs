// mcp-evergreen as the transport of the TypeScript SDK's Client, 2.x.

import { Client } from "@modelcontextprotocol/client";
import { EvergreenTransport } from "mcp-evergreen/transport";

export async function open(url) {
  const client = new Client({ name: "app", version: "1.0.0" });
  await client.connect(new EvergreenTransport(new URL(url)));
  return { call: (params, onprogress) => client.callTool(params, onprogress && { onprogress }) };
}
