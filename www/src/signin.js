// How the page signs in where a server wants a token.

import { popup } from "mcp-evergreen/auth";

/**
 * The server in the page has an authorization server that asks nobody anything: the answer to `authorize` says where the
 * user would be led. Others get a popup.
 *
 * @param {import("./control.js").DemoServer} server
 */
export function signInTo(server) {
  const redirectUrl = new URL("callback.html", document.baseURI).href;
  if (server.kind !== "page") return popup({ redirectUrl, storage: sessionStorage });
  return {
    redirectUrl,
    async open(url, { signal }) {
      return (await (await fetch(url, { signal })).json()).location;
    },
  };
}
