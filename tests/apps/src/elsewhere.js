// As main.js, with the WebAssembly from where this app serves it.

import { connect, init, initAuth } from "mcp-evergreen";

/** With it, the module for authorizations is needed, too. The server asks for none. */
const provider = { redirectUrl: "https://app.test/", open: () => Promise.reject(new Error("nobody is asked")) };
const options = { auth: { provider } };

globalThis.whoami = async (url) => {
  await Promise.all([init("/assets/mcp.wasm"), initAuth("/assets/mcp_auth.wasm")]);
  globalThis.session ??= await connect(url, options);
  return (await session.callTool({ name: "whoami", arguments: {} })).content[0].text;
};
