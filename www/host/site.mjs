// The page's own server: the built site, and the control endpoint.

import { join } from "node:path";
import { fileAt, serve } from "../../tests/e2e/lib/static.mjs";
import { Refused } from "./world.mjs";

const ACTIONS = ["evict", "restart", "kill", "start", "drop", "refuse400", "refuse404", "refuse200", "busy", "calm"];

/** Serves the site in `folder` and the control of `world` on the loopback interface. */
export function serveSite(world, folder) {
  return serve(folder, {
    override(path, request) {
      if (path.startsWith("/control/")) return controlled(world, path, request);
      return path === "/" ? fileAt(join(folder, "index.html")) : undefined;
    },
  });
}

async function controlled(world, path, request) {
  if (!isOurPage(request)) return json(403, { error: "Only the demo page may do this." });
  if (path === "/control/servers" && request.method === "GET") {
    return json(200, [...world.values()].map((server) => server.describe()));
  }
  const [, id, action] = /^\/control\/servers\/(\w+)\/(\w+)$/.exec(path) ?? [];
  const server = world.get(id);
  if (server && action === "ledger" && request.method === "GET") {
    return json(200, server.ledger(new URL(request.url, "http://host").searchParams.get("prefix") ?? ""));
  }
  if (!server || !ACTIONS.includes(action) || request.method !== "POST") return json(404, { error: "There is no such control." });
  try {
    await server.act(action);
    return json(200, server.describe());
  } catch (error) {
    return json(error instanceof Refused ? 409 : 500, { error: error.message, ...server.describe() });
  }
}

/**
 * Another site's page must not stop processes here: not from its own origin, and not under a name of its own that it
 * has pointed at the loopback address.
 */
function isOurPage({ headers, socket, method }) {
  const names = ["127.0.0.1", "localhost"].map((name) => `${name}:${socket.localPort}`);
  if (!names.includes(headers.host)) return false;
  if (headers.origin !== undefined) return headers.origin === `http://${headers.host}`;
  return method === "GET" && (headers["sec-fetch-site"] ?? "same-origin") === "same-origin";
}

function json(status, value) {
  return { status, type: "application/json", body: JSON.stringify(value) };
}
