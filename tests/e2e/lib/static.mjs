// A static file server for pages.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { e2e } from "./paths.mjs";
import { listen } from "./ports.mjs";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>e2e</title>
<script type="importmap">{ "imports": {
  "mcp-evergreen": "/node_modules/mcp-evergreen/index.js",
  "mcp-evergreen/auth": "/node_modules/mcp-evergreen/auth.js",
  "mcp-evergreen/grants": "/node_modules/mcp-evergreen/grants.js",
  "mcp-evergreen/skills": "/node_modules/mcp-evergreen/skills.js"
} }</script>
`;

/** Where an authorization server sends its users back to. */
const CALLBACK = `<!doctype html>
<meta charset="utf-8">
<title>callback</title>
<script type="module">
  import { completeAuthorization } from "/node_modules/mcp-evergreen/auth.js";
  completeAuthorization();
</script>
`;

/**
 * Serves the directory `root`; `/` is a page with an import map for the package, `/callback.html` one that completes an
 * authorization, `/page/` is this
 * suite's directory of that name. `override(path, request)` may return `{ status, type, body, headers }`,
 * or a promise of it, in place of a file; `headers` go with every answer.
 */
export async function serve(root, { override = () => undefined, headers = {} } = {}) {
  const requests = [];
  const server = createServer(async (req, res) => {
    const path = pathOf(req.url);
    requests.push(path);
    const answer = (await override(path, req)) ?? (await file(root, path));
    res.writeHead(answer.status ?? 200, { "content-type": answer.type, "cache-control": "no-store", ...headers, ...answer.headers });
    res.end(answer.body);
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/`,
    /** The paths that were asked for. */
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function file(root, path) {
  if (path === "/") return { type: TYPES[".html"], body: PAGE };
  if (path === "/callback.html") return { type: TYPES[".html"], body: CALLBACK };
  return fileAt(path.startsWith("/page/") ? join(e2e, path) : join(root, path));
}

/** The path of a request, without dot segments; empty where it is none. */
function pathOf(url) {
  try {
    return normalize(decodeURIComponent(new URL(url, "http://host").pathname));
  } catch {
    return "";
  }
}

/** One file as an answer. */
export async function fileAt(from) {
  try {
    return { type: TYPES[extname(from)] ?? "application/octet-stream", body: await readFile(from) };
  } catch {
    return { status: 404, type: "text/plain", body: "not found" };
  }
}
