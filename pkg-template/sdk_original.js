// The TypeScript SDK, version 2, as it is. Where a bundler leads its name to `mcp-evergreen/sdk`, this one's name leads to it.

export * from "@modelcontextprotocol/client";
