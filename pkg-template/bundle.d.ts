// `mcp-evergreen/bundle` and `mcp-evergreen/bundle/inline`: the entry and `mcp-evergreen/auth` in one file.

export * from "./types.js";
export * from "./auth.js";
