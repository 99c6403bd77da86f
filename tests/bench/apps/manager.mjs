// Many sessions.

export { SessionManager } from "mcp-evergreen";
