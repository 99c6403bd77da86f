// Connects at the first call, and goes on with that session.

import { connect } from "mcp-evergreen";

/** With it, the module for authorizations is needed, too. The server asks for none. */
const provider = { redirectUrl: "https://app.test/", open: () => Promise.reject(new Error("nobody is asked")) };
const options = { auth: { provider } };

globalThis.whoami = async (url) => {
  globalThis.session ??= await connect(url, options);
  return (await session.callTool({ name: "whoami", arguments: {} })).content[0].text;
};
