// mcp-evergreen, as it is installed.

import { connect } from "mcp-evergreen";

export async function open(url, options) {
  const session = await connect(url, { clientInfo: { name: "app", version: "1.0.0" }, ...options });
  return { session, call: (params, onprogress) => session.callTool(params, onprogress && { onprogress }) };
}
