// A module worker. It connects to the URL of the first message and calls `whoami`, and calls it again
// at the second message; each time it posts what came of it.

import { connect } from "/node_modules/mcp-evergreen/index.js";
import { settle, text } from "./kit.mjs";

let session;

onmessage = async ({ data: url }) => {
  const call = async () => {
    session ??= await connect(url);
    return text(await session.callTool({ name: "whoami", arguments: {} }));
  };
  postMessage(await settle(call()));
};
