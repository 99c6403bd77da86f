// A service worker: import() throws here, and so does await at the top level.

import { connect } from "/node_modules/mcp-evergreen/index.js";

/** With it, the module for authorizations is needed, too. The server asks for none. */
const provider = { redirectUrl: "https://app.test/", open: () => Promise.reject(new Error("nobody is asked")) };
const options = { auth: { provider } };

let session;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => {
  const answer = async () => {
    session ??= await connect(event.data, options);
    return (await session.callTool({ name: "whoami", arguments: {} })).content[0].text;
  };
  event.waitUntil(
    answer().then(
      (ok) => event.source.postMessage({ ok }),
      (error) => event.source.postMessage({ error: String(error) }),
    ),
  );
});
