// A module worker that shares the session of the page which posts it the server's URL; it posts what came of a call.

import { connect } from "/node_modules/mcp-evergreen/index.js";
import { settle, text } from "./kit.mjs";

onmessage = async ({ data: url }) => {
  const call = async () => {
    const handlers = { "elicitation/create": () => ({ action: "decline" }) };
    const session = await connect(url, { era: "legacy", share: { key: "tabs" }, handlers });
    const echo = text(await session.callTool({ name: "echo", arguments: { message: "hi" } }));
    const { share, sessionTag } = session.status;
    return { echo, share, sessionTag };
  };
  const { ok, error } = await settle(call());
  postMessage(error ? { error } : { ok });
};
