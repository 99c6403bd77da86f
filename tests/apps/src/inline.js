// As main.js, with the WebAssembly in the bundle.

import { connect } from "mcp-evergreen/inline";

globalThis.whoami = async (url) => {
  globalThis.session ??= await connect(url);
  return (await session.callTool({ name: "whoami", arguments: {} })).content[0].text;
};
