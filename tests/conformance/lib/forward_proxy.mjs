// A forward proxy for a browser that talks to servers without CORS headers: it adds them, answers preflights, and lets
// nothing out of this machine. The browser's own rules stay in force: what these headers do not allow, it refuses.

import { Agent, createServer, request as httpRequest } from "node:http";
import { pipeline } from "node:stream";
import { listen } from "../../e2e/lib/ports.mjs";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "transfer-encoding"];

/** Starts it; `address` is what `--proxy-server` takes, `preflights` how many it answered. */
export async function startForwardProxy() {
  // A server that is asked to stop waits for its connections.
  const agent = new Agent({ keepAlive: false });
  let preflights = 0;

  const server = createServer((req, res) => {
    res.on("error", () => {});
    const url = loopback(req.url);
    if (!url) {
      res.writeHead(403).end("This proxy leads nowhere but to this machine.");
    } else if (isPreflight(req)) {
      preflights += 1;
      res.writeHead(204, allowed(req)).end();
    } else {
      forward(url, req, res, agent);
    }
  });
  server.on("connect", (_, socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"));

  const port = await listen(server);
  return {
    address: `http://127.0.0.1:${port}`,
    get preflights() {
      return preflights;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Where a request wants to go; `undefined` where it may not. */
function loopback(target) {
  // Only what is asked of a proxy is absolute.
  if (!URL.canParse(target)) return undefined;
  const url = new URL(target);
  return url.protocol === "http:" && LOOPBACK.includes(url.hostname) ? url : undefined;
}

function isPreflight({ method, headers }) {
  return method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;
}

function allowed({ headers }) {
  return {
    "access-control-allow-origin": headers.origin,
    "access-control-allow-methods": headers["access-control-request-method"],
    "access-control-allow-headers": headers["access-control-request-headers"] ?? "",
    vary: "origin",
  };
}

function forward(url, req, res, agent) {
  const onward = httpRequest(url, { agent, method: req.method, headers: without(req.headers, HOP_BY_HOP) });
  res.once("close", () => onward.destroy());
  onward.once("error", () => res.socket?.destroy());
  onward.once("response", (answer) => {
    res.writeHead(answer.statusCode, { ...exposed(req, answer), ...without(answer.headers, HOP_BY_HOP) });
    // The head of a stream comes long before its first byte.
    res.flushHeaders();
    pipeline(answer, res, (error) => error && res.socket?.destroy());
  });
  pipeline(req, onward, () => {});
}

/** What lets a page of another origin read this answer and all its headers. */
function exposed({ headers: { origin } }, { headers }) {
  if (origin === undefined) return {};
  return { "access-control-allow-origin": origin, "access-control-expose-headers": Object.keys(headers).join(", ") };
}

function without(headers, names) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
