// Redirects, and what stands at an address.


const moved = (status, location = "/mcp/") => ({ status, type: null, headers: { location } });
const SAME = "RFC 9110, 15.4.8: the same request at the other address, within the origin";

/** In a page: a redirect is opaque there, and the other slash all that can be tried. */
const UNSEEN = { value: undefined, code: "http", diagnosis: "redirect", wire: "discover|discover /mcp/|initialize /mcp/" };

/** Another path at which the whole server is. */
const at = (path, redirect) => ({
  on: { "server/discover": redirect, initialize: redirect, notification: redirect, "tools/list": redirect, [`POST ${path}`]: "good" },
  play: "tools",
  value: "tools t",
});

export const title = "Addresses";

export const rows = [
  { id: "redirect-307-slash", server: "redirects `/mcp` to `/mcp/` with 307", why: SAME, reported: true, ...at("/mcp/", moved(307)), wire: "discover|discover /mcp/|initialize /mcp/|initialized /mcp/|tools/list /mcp/" },
  { id: "redirect-308-slash", server: "redirects it with 308", why: SAME, reported: true, ...at("/mcp/", moved(308)), wire: "discover|discover /mcp/|initialize /mcp/|initialized /mcp/|tools/list /mcp/" },
  { id: "redirect-308-path", server: "has moved to another path of the origin for good", why: SAME, ...at("/v2/mcp", moved(308, "/v2/mcp")), wire: "discover|discover /v2/mcp|initialize /v2/mcp|initialized /v2/mcp|tools/list /v2/mcp", page: UNSEEN },
  { id: "redirect-307-path", server: "is at another path for now", why: SAME, ...at("/v2/mcp", moved(307, "/v2/mcp")), wire: "discover|discover /v2/mcp|initialize|initialize /v2/mcp|initialized|initialized /v2/mcp|tools/list|tools/list /v2/mcp", page: UNSEEN },
  { id: "redirect-301-slash", server: "redirects `/mcp` to `/mcp/` with 301", why: "the other slash is tried once, before anything has run", reported: true, ...at("/mcp/", moved(301)), wire: "discover|discover /mcp/|initialize /mcp/|initialized /mcp/|tools/list /mcp/" },
  { id: "redirect-elsewhere", server: "redirects to another origin", why: "neither session nor token leaves the origin", ...at("/none", moved(307, "https://elsewhere.invalid/mcp")), value: undefined, code: "http", diagnosis: "other_origin", wire: "discover|initialize", page: UNSEEN },
  { id: "redirect-probe", server: "redirects the probe alone, to another origin", why: "`initialize` decides", on: { "server/discover": moved(307, "https://elsewhere.invalid/mcp") }, play: "tools", value: "tools t", wire: "discover|initialize|initialized|tools/list", page: false },
  { id: "redirect-login", server: "redirects to a page where the user signs in", why: "it is said what to do", reported: true, ...at("/none", moved(302, "/login")), value: undefined, code: "http", diagnosis: "redirect", wire: "discover|discover /mcp/|initialize /mcp/" },
  { id: "redirect-loop", server: "redirects to itself without end", why: "three hops, and one other slash", ...at("/none", moved(307, "/mcp")), value: undefined, code: "http", diagnosis: "redirect", wire: "discover|discover|discover|discover|discover /mcp/|initialize /mcp/", page: UNSEEN },
];
