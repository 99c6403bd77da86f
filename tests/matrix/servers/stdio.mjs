// A small stdio server, for gateways to stand before. It ends when its stdin does.

import { McpServer } from "sdk-1.17/server/mcp.js";
import { StdioServerTransport } from "sdk-1.17/server/stdio.js";
import { z } from "zod-3";
import { count, slow } from "./tools.mjs";

const server = new McpServer({ name: "stdio", version: "1.0.0" });
server.registerTool("count", { inputSchema: { key: z.string() } }, count);
server.registerTool("slow", { inputSchema: { key: z.string(), seconds: z.number() } }, slow);
process.stdin.on("end", () => process.exit());
await server.connect(new StdioServerTransport());
