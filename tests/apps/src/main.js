// Connects at the first call, and goes on with that session.

import { connect } from "mcp-evergreen";

globalThis.whoami = async (url) => {
  globalThis.session ??= await connect(url);
  return (await session.callTool({ name: "whoami", arguments: {} })).content[0].text;
};
