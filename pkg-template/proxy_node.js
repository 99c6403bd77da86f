// What only Node can: connect to the address that was checked, and be asked by a server of `node:http`.

import { func } from "./checks.js";

/** Milliseconds that a connection is kept for the next request: well below what servers allow, so that none is used that just ends. */
const IDLE_MS = 2_000;

/** Others have these modules, too, but not all that they do. */
const isNode = () => globalThis.process?.release?.name === "node" && !["Bun", "Deno", "WebSocketPair", "EdgeRuntime"].some((name) => name in globalThis);

/** Asking the process keeps node: specifiers away from other platforms and bundlers. */
const builtin = (name) => globalThis.process?.getBuiltinModule?.(`node:${name}`);

/** All addresses of a name, as the system knows them; `undefined` where there is no such function. */
export function systemResolve() {
  const { Deno } = globalThis;
  if (Deno?.resolveDns) {
    return async (name) => {
      const found = await Promise.allSettled(["A", "AAAA"].map((type) => Deno.resolveDns(name, type)));
      return found.flatMap(({ value = [] }) => value);
    };
  }
  const dns = isNode() || globalThis.Bun ? builtin("dns") : undefined;
  return dns && (async (name) => (await dns.promises.lookup(name, { all: true })).map(({ address }) => address));
}

/**
 * `send(url, init, addresses)` of one proxy, in the shape of `fetch`: it connects to one of the addresses, whatever the name
 * leads to by then. `undefined` outside of Node. An error has `sent`: whether the connection was there.
 */
export function pinned() {
  if (!isNode()) return undefined;
  const [http, https, stream] = ["http", "https", "stream"].map(builtin);
  const kept = { keepAlive: true, timeout: IDLE_MS };
  const agents = { "http:": [http, new http.Agent(kept)], "https:": [https, new https.Agent(kept)] };
  return (url, { method, headers, body, signal }, addresses) =>
    new Promise((resolve, reject) => {
      const [{ request }, agent] = agents[url.protocol];
      const found = addresses?.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
      const lookup = (_name, { all }, tell) => (all ? tell(null, found) : tell(null, found[0].address, found[0].family));
      // A kept connection leads to an address that was checked as well.
      const onward = request(url, { method, headers: Object.fromEntries(headers), agent, signal, ...(found && { lookup }) });
      let sent = false;
      onward.once("socket", (socket) => {
        const connected = url.protocol === "https:" ? "secureConnect" : "connect";
        if (socket.connecting) socket.once(connected, () => (sent = true));
        else sent = true;
      });
      onward.once("error", (error) => reject(Object.assign(error, { sent })));
      onward.once("response", (answer) => {
        // What breaks off shows in the body.
        answer.on("error", () => {});
        resolve({ status: answer.statusCode, headers: fields(answer.rawHeaders), body: stream.Readable.toWeb(answer) });
      });
      // Nobody asked for another protocol: a status that is not passed on.
      onward.once("upgrade", (answer, socket) => {
        socket.destroy();
        resolve({ status: answer.statusCode, headers: fields(answer.rawHeaders), body: null });
      });
      onward.once("close", () => reject(Object.assign(new Error("The connection ended without an answer."), { sent })));
      if (body === undefined) onward.end();
      else if (body instanceof Uint8Array) onward.end(body);
      else stream.pipeline(stream.Readable.fromWeb(body), onward, (error) => error && onward.destroy(error));
    });
}

/** Without those of HTTP/2's own, which begin with a colon. */
function fields(raw) {
  const headers = new Headers();
  for (let at = 0; at < raw.length; at += 2) if (!raw[at].startsWith(":")) headers.append(raw[at], raw[at + 1]);
  return headers;
}

/** Bytes of a request that wait here to be read. */
const AHEAD = 65_536;

/**
 * The body as it comes. Where it is cancelled, what is left of it runs off unread, as Node has it with a body that nobody asked
 * for: the next request of the connection comes behind it. How long that may take, the server's `requestTimeout` says.
 */
function bodyOf(incoming) {
  const { finished } = builtin("stream");
  let isWanted = true;
  incoming.on("error", () => {});
  return new ReadableStream(
    {
      start(controller) {
        incoming.on("data", (chunk) => {
          if (!isWanted) return;
          controller.enqueue(new Uint8Array(chunk));
          if (controller.desiredSize <= 0) incoming.pause();
        });
        finished(incoming, { writable: false }, (error) => {
          if (!isWanted) return;
          if (error) controller.error(error);
          else controller.close();
        });
      },
      pull: () => void incoming.resume(),
      cancel() {
        isWanted = false;
        incoming.resume();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: AHEAD }),
  );
}

/** A handler for `createServer` of `node:http`, `node:https` or `node:http2`. */
export function nodeListener(handler) {
  func("handler", handler);
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort());
    outgoing.on("error", () => {});
    let unread;
    try {
      const { method } = incoming;
      const headers = fields(incoming.rawHeaders);
      const host = incoming.headers.host ?? incoming.headers[":authority"] ?? "localhost";
      const hasBody = method !== "GET" && method !== "HEAD";
      const url = new URL(incoming.url, `http://${host}`);
      unread = hasBody ? bodyOf(incoming) : undefined;
      const request = new Request(url, { method, headers, body: unread, duplex: "half", signal: gone.signal });
      const answer = await handler(request);
      unread = request.body;
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
      outgoing.flushHeaders?.();
      const reader = answer.body?.getReader();
      outgoing.once("close", () => reader?.cancel().catch(() => {}));
      for (let next; reader && !(next = await reader.read()).done; ) {
        if (!outgoing.write(next.value)) await new Promise((go) => outgoing.once("drain", go).once("close", go));
        if (outgoing.destroyed) return;
      }
      outgoing.end();
    } catch {
      // An answer that broke off is seen to have.
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(400).end();
    } finally {
      // Whoever reads it still reads it to its end, or cancels it.
      if (unread && !unread.locked) unread.cancel().catch(() => {});
    }
  };
}
