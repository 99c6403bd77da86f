// As main.js, with the WebAssembly from where this app serves it.

import { connect, init } from "mcp-evergreen";

globalThis.whoami = async (url) => {
  await init("/assets/mcp.wasm");
  globalThis.session ??= await connect(url);
  return (await session.callTool({ name: "whoami", arguments: {} })).content[0].text;
};
