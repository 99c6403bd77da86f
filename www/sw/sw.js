// The service worker: it answers what the page asks of the server "in this page", and lets everything else pass.
//
//   <scope>in-page/<world>/mcp             the endpoint
//   <scope>in-page/<world>/auth/<what>     its authorization server
//   <scope>in-page/<world>/control/<what>  what the page does to it

import { World } from "./world.js";

const WELL_KNOWN = "/.well-known/oauth-authorization-server";
const { href: scope, pathname: scopePath } = new URL(self.registration.scope);
/** One for each tab. When the browser stops the worker they are gone, as the sessions of a server that restarts. */
const worlds = new Map();

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
// A page that was reloaded past the worker is not its own any more.
self.addEventListener("message", (event) => {
  if (event.data === "claim") event.waitUntil(self.clients.claim());
});
self.addEventListener("fetch", (event) => {
  const answer = answerTo(event.request);
  if (answer) event.respondWith(answer);
});

function answerTo(request) {
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return undefined;
  // RFC 8414: the well-known part stands before the issuer's path.
  const isMetadata = pathname.startsWith(WELL_KNOWN);
  const path = isMetadata ? pathname.slice(WELL_KNOWN.length) : pathname;
  if (!path.startsWith(`${scopePath}in-page/`)) return undefined;
  const [name, part, what = ""] = path.slice(`${scopePath}in-page/`.length).split("/");
  const world = worldOf(name);
  if (part === "mcp") return world.mcp(request);
  if (part === "auth") return world.tokens.answer(request, isMetadata ? "metadata" : what);
  if (part === "control") return controlled(world, what, request);
  return undefined;
}

function worldOf(name) {
  if (!worlds.has(name)) worlds.set(name, new World(`${scope}in-page/${name}/mcp`));
  return worlds.get(name);
}

async function controlled(world, what, request) {
  if (what === "ledger") return Response.json(world.ledger(new URL(request.url).searchParams.get("prefix") ?? ""));
  if (request.method !== "POST") return Response.json(world.describe());
  try {
    world.act(what);
    return Response.json(world.describe());
  } catch (error) {
    return Response.json({ error: error.message }, { status: 404 });
  }
}
