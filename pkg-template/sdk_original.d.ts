/** The TypeScript SDK, version 2, as it is: see `mcp-evergreen/sdk`. */
export * from "@modelcontextprotocol/client";
