// mcp-evergreen, as it is installed.

import { connect } from "mcp-evergreen";

/** `kept`: what is learned of the server stays in this browser. */
export async function open(url, given) {
  const { kept, ...options } = given ?? {};
  const persist = kept ? localStorage : undefined;
  const session = await connect(url, { clientInfo: { name: "app", version: "1.0.0" }, persist, ...options });
  return { session, call: (params, onprogress) => session.callTool(params, onprogress && { onprogress }) };
}
