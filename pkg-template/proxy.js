// A proxy for pages whose servers send no CORS headers: one function from Request to Response, which keeps no state.

import { addressAtHome, hostAtHome } from "./proxy_address.js";
import { func, object, wrong } from "./checks.js";
import { nodeListener, pinned, systemResolve } from "./proxy_node.js";
import { isNeeded, MARK, PASS, REDIRECTS, SHOW, STATUS, TARGET } from "./proxy_wire.js";

export { nodeListener };

const MIB = 1024 * 1024;
const METHODS = ["GET", "POST", "DELETE"];
/** Bodies whose length is known and no more than this are sent in one piece: not every server takes chunks. */
const ONE_PIECE = 4 * MIB;
const MAX_URL = 4_096;

/** What comes back, beside what begins with `mcp-`. */
const RETURNED = ["allow", "content-type", "location", "retry-after", "www-authenticate"];

/** What no host may have passed on: the browser's own, what connections need, and what tells who is behind. */
const NEVER =
  /^(?:cookie2?|set-cookie2?|origin|referer|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|content-encoding|expect|forwarded|via|x-forwarded-.*|x-real-ip|proxy-.*|sec-.*|access-control-.*|evergreen-.*)$/;

/** Where the metadata of OAuth stands (RFC 8414, RFC 9728, OpenID Connect Discovery), beside a resource or below its path. */
const METADATA =
  /^\/\.well-known\/(?:oauth-protected-resource|oauth-authorization-server|openid-configuration)(?:\/|$)|\/\.well-known\/openid-configuration$/;

/** What is not sent on, or not answered for. `sent`: the target may have it. */
class Refusal extends Error {
  constructor(status, reason, message, sent = false) {
    super(message);
    Object.assign(this, { status, reason, sent });
  }
}

/** The proxy, as a function `(request: Request) => Promise<Response>`. */
export function createProxy(options) {
  const rules = readOptions(options);
  return async (request) => {
    const origin = request.headers.get("origin");
    try {
      if (request.method === "OPTIONS" && !request.headers.has(TARGET)) return preflight(request);
      return open(await relay(request, rules), origin);
    } catch (error) {
      // What broke in here is nobody's business but its log's.
      const refusal = error instanceof Refusal ? error : new Refusal(500, "broken", "The proxy failed at this request.", true);
      if (refusal !== error) rules.onerror?.(error);
      return open(inWords(refusal), origin);
    }
  };
}

// ── What a host may say ──

const OPTIONS = {
  targets: (name, value) => {
    if (!Array.isArray(value) || value.length === 0) throw wrong(name, "a list of URLs that is not empty", value);
    return value;
  },
  authorize: func,
  origins: (name, value) => {
    if (!Array.isArray(value) || !value.every((one) => URL.canParse(one) && new URL(one).origin === one)) {
      throw new TypeError(`${name}: expected a list of origins, such as "https://app.example.com"`);
    }
    return value;
  },
  passHeaders: (name, value) => {
    if (!Array.isArray(value)) throw wrong(name, "a list of header names", value);
    return value.map((one) => {
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(one)) throw new TypeError(`${name}: expected header names`);
      if (NEVER.test(one.toLowerCase())) throw new TypeError(`${name}: ${one} is never passed on`);
      return one.toLowerCase();
    });
  },
  ports: (name, value) => {
    const isPort = (one) => Number.isInteger(one) && one > 0 && one < 65_536;
    if (!Array.isArray(value) || !value.every(isPort)) throw new TypeError(`${name}: expected a list of port numbers`);
    return value;
  },
  allowPrivateTargets: (name, value) => {
    if (typeof value !== "boolean") throw wrong(name, "true or false", value);
    return value;
  },
  resolve: func,
  fetch: func,
  headTimeout: atLeastOne,
  maxRequestBytes: atLeastOne,
  maxResponseBytes: atLeastOne,
  onerror: func,
};

function atLeastOne(name, value) {
  if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 31 - 1) throw wrong(name, `a whole number from 1 to ${2 ** 31 - 1}`, value);
  return value;
}

function readOptions(options) {
  const given = {};
  for (const [name, value] of Object.entries(object("options", options ?? {}, options))) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new TypeError(`${name}: there is no such option; there are ${Object.keys(OPTIONS).join(", ")}`);
    }
    if (value !== undefined) given[name] = OPTIONS[name](name, value);
  }
  if (!given.targets && !given.authorize) {
    throw new TypeError(
      "A proxy needs `targets`, the list of servers that it goes to, or `authorize(request)`, which says who may use it: " +
        "without either, everybody could send anything anywhere through it. An Origin alone can be forged.",
    );
  }
  const send = given.fetch && ((...input) => given.fetch.call(undefined, ...input));
  const connect = send ? undefined : pinned();
  return {
    ports: [],
    passHeaders: [],
    headTimeout: 300_000,
    maxRequestBytes: 16 * MIB,
    maxResponseBytes: 64 * MIB,
    resolve: systemResolve(),
    ...given,
    targets: given.targets?.map((target, at) => readTarget(`targets[${at}]`, target, given)),
    send: connect ?? byFetch(send),
  };
}

function readTarget(name, target, { allowPrivateTargets }) {
  const url = typeof target === "string" || target instanceof URL ? parse(String(target)) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new TypeError(`${name}: expected an absolute https: or http: URL without a user, query or fragment`);
  }
  const home = hostAtHome(url.hostname);
  if (home && !(home.own && allowPrivateTargets)) {
    const help = home.own ? " The option `allowPrivateTargets` allows those of your own network." : "";
    throw new TypeError(`${name}: leads to ${home.what}, and no public server.${help}`);
  }
  return url;
}

function parse(text) {
  return URL.canParse(text) ? new URL(text) : undefined;
}

// ── One request ──

async function relay(request, rules) {
  const { method, headers } = request;
  if (!METHODS.includes(method)) {
    throw new Refusal(405, "method", `The method ${method.slice(0, 20)} is not passed on: MCP needs ${METHODS.join(", ")}.`);
  }
  const target = targetOf(headers);
  checkTarget(target, rules);
  const origin = headers.get("origin");
  if (rules.origins && origin !== null && !rules.origins.includes(origin)) {
    throw new Refusal(403, "origin", "Pages of this origin are not served: it is not among the proxy's `origins`.");
  }
  await askHost(request, target, rules);
  checkListed(target, method, rules);
  const passed = passedHeaders(headers, rules);
  const given = new Headers(passed);
  given.set("accept-encoding", "identity");
  given.set("user-agent", "mcp-evergreen-proxy");

  const stop = new AbortController();
  const giveUp = () => stop.abort(new DOMException("Nobody waits any more.", "AbortError"));
  if (request.signal?.aborted) giveUp();
  request.signal?.addEventListener("abort", giveUp);
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    stop.abort(new DOMException("The head took too long.", "TimeoutError"));
  }, rules.headTimeout);
  const state = {};
  let answer;
  let body;
  try {
    body = method === "POST" ? await bodyOf(request, given, rules, state, stop.signal) : undefined;
    const addresses = await until(resolved(target, rules), stop.signal);
    // From here on the target may have it.
    state.sent = true;
    answer = await until(rules.send(target, { method, headers: given, body, signal: stop.signal }, addresses), stop.signal);
  } catch (error) {
    request.signal?.removeEventListener("abort", giveUp);
    stop.abort();
    if (body instanceof ReadableStream && !body.locked) body.cancel(error).catch(() => {});
    if (error instanceof Refusal) throw error;
    if (state.refusal) throw state.refusal;
    if (isLate) {
      const seconds = rules.headTimeout / 1_000;
      throw new Refusal(504, "timeout", `The target did not answer within ${seconds} s (\`headTimeout\`).`, Boolean(state.sent));
    }
    const sent = Boolean(state.sent) && error?.sent !== false;
    throw new Refusal(502, "unreachable", "The target could not be reached, or broke the connection before it answered.", sent);
  } finally {
    clearTimeout(late);
  }
  // What ends the answer ends the wait for whoever asked, too.
  const over = () => request.signal?.removeEventListener("abort", giveUp);
  return returned(answer, request, rules, stop, over);
}

/** The URL of the request; as URL reads it there is one notation of each host only. */
function targetOf(headers) {
  const text = headers.get(TARGET);
  if (text === null) {
    throw new Refusal(
      400,
      "no_target",
      `This is a proxy of mcp-evergreen for MCP servers: the request names none in the header ${TARGET}. Give this address as the option \`proxy\` of connect.`,
    );
  }
  const url = text.length <= MAX_URL ? parse(text) : undefined;
  if (!url) throw new Refusal(400, "bad_target", `The header ${TARGET} is no absolute URL of at most ${MAX_URL} characters.`);
  if (url.username || url.password) throw new Refusal(400, "bad_target", "The target's URL holds a user name or a password.");
  url.hash = "";
  return url;
}

/** What can be said of a URL by itself. */
function checkTarget(url, { targets = [], ports, allowPrivateTargets = false }) {
  const { protocol, hostname, port, origin } = url;
  if (protocol !== "https:" && protocol !== "http:") {
    throw new Refusal(403, "scheme", `The target's scheme is ${protocol.slice(0, 20)}, and only https: is passed on.`);
  }
  const home = hostAtHome(hostname);
  if (home && !(home.own && allowPrivateTargets)) throw atHome(hostname, home);
  const isListed = targets.some((one) => one.origin === origin);
  if (isListed || home) return;
  if (protocol === "http:") throw new Refusal(403, "scheme", "The target is an http: URL: tokens would go in the clear. List it in `targets` to allow that.");
  if (port && !ports.includes(Number(port))) {
    throw new Refusal(403, "port", `The target's port is ${port}, and not 443. List it in \`targets\` or \`ports\` to allow that.`);
  }
}

function atHome(hostname, { what, own }) {
  const help = own ? " The proxy's option `allowPrivateTargets` is for servers of one's own network." : "";
  const message = `The target ${hostname} leads to ${what}: no public server. It was not contacted.${help}`;
  return new Refusal(403, "private_target", message);
}

/** Without the body: that is the target's. */
async function askHost(request, target, { authorize, onerror }) {
  if (!authorize) return;
  const { url, method, headers } = request;
  const bare = new Request(url, { method, headers });
  let isAllowed;
  try {
    isAllowed = await authorize(bare, { target: new URL(target) });
  } catch (error) {
    onerror?.(error);
    throw new Refusal(500, "authorize_failed", "The proxy's `authorize` failed, and does not tell who may use it.");
  }
  if (isAllowed !== true) {
    throw new Refusal(403, "not_authorized", "The proxy's `authorize` did not allow this request: its credential is missing or not good.");
  }
}

function checkListed(url, method, { targets }) {
  if (!targets) return;
  const listed = targets.filter(({ origin }) => origin === url.origin);
  // Of a listed origin everything is, whatever its paths are read as.
  if (listed.some(({ pathname }) => pathname === "/")) return;
  if (listed.length > 0 && !isPlain(url.pathname)) {
    throw new Refusal(403, "not_listed", "The target's path can be read as another one, and only one path of its origin is among the proxy's `targets`.");
  }
  const isBelow = (path) => url.pathname === path || url.pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
  const isIn = ({ pathname }) => (method === "GET" && METADATA.test(url.pathname)) || isBelow(pathname.replace(/(.)\/$/, "$1"));
  if (listed.some(isIn)) return;
  throw new Refusal(403, "not_listed", `The target ${url.origin} (or this path of it) is not among the proxy's \`targets\`.`);
}

/**
 * Whether every server reads this path as it stands here: no encoded `/ \ . ; % ? #` that is decoded too early, no segment that
 * becomes `..` where its end is cut off (`..;`), no control characters, no overlong UTF-8, and nothing that looks like any of it.
 */
function isPlain(path) {
  if (/%(?:2f|5c|2e|3b|25|3f|23)/i.test(path)) return false;
  let read;
  try {
    read = decodeURIComponent(path).normalize("NFKC");
  } catch {
    return false;
  }
  return !/[\p{Cc}\\%?#]|\/\.\./u.test(read) && read.split("/").length === path.split("/").length;
}

function passedHeaders(headers, { passHeaders }) {
  const wanted = (headers.get(PASS) ?? "").split(",").map((name) => name.trim().toLowerCase()).filter(Boolean);
  const barred = wanted.find((name) => !isNeeded(name) && !passHeaders.includes(name));
  if (barred !== undefined) {
    throw new Refusal(400, "header_not_passed", "A header that the host adds is none of MCP's: name it in the proxy's `passHeaders`.");
  }
  return [...headers].filter(([name]) => isNeeded(name) || passHeaders.includes(name));
}

/** A name that leads home is found out here; the addresses are those that are connected to, where the runtime lets one choose. */
async function resolved({ hostname }, { resolve, allowPrivateTargets = false }) {
  if (/^\[|^[\d.]+$/.test(hostname) || !resolve) return undefined;
  const name = hostname.replace(/\.+$/, "");
  let addresses;
  try {
    addresses = await resolve(name);
  } catch {
    addresses = [];
  }
  if (!Array.isArray(addresses) || addresses.length === 0) {
    throw new Refusal(502, "unresolved", `The name ${name} leads to no address. Nothing was sent.`);
  }
  for (const address of addresses) {
    const home = addressAtHome(String(address));
    if (home && !(home.own && allowPrivateTargets)) throw atHome(name, home);
  }
  return addresses.map(String);
}

/** Bounded; and in one piece where it is small. */
async function bodyOf(request, headers, { maxRequestBytes }, state, signal) {
  if (!request.body) return new Uint8Array();
  const tooLarge = () => new Refusal(413, "request_too_large", `The request is larger than ${maxRequestBytes} bytes (\`maxRequestBytes\`).`, Boolean(state.sent));
  const told = /^\d+$/.test(request.headers.get("content-length") ?? "") ? Number(request.headers.get("content-length")) : undefined;
  if (told > maxRequestBytes) throw tooLarge();
  const body = bounded(request.body, maxRequestBytes, () => (state.refusal = tooLarge()));
  if (!(told <= ONE_PIECE)) return body;
  const bytes = new Uint8Array(await until(new Response(body).arrayBuffer(), signal));
  headers.set("content-length", String(bytes.length));
  return bytes;
}

// ── The answer ──

function returned({ status, headers, body }, request, { maxResponseBytes }, stop, over) {
  const wrongAnswer = (reason, message) => {
    stop.abort();
    over();
    throw new Refusal(502, reason, message, true);
  };
  if (!(status >= 200 && status <= 599)) wrongAnswer("bad_answer", "The target answered with no HTTP status that can be passed on.");
  if (Number(headers.get("content-length")) > maxResponseBytes) {
    wrongAnswer("answer_too_large", `The target's answer is larger than ${maxResponseBytes} bytes (\`maxResponseBytes\`).`);
  }
  const kept = new Headers([...headers].filter(([name]) => RETURNED.includes(name) || name.startsWith("mcp-")));
  if (headers.has("content-encoding") && headers.get("content-encoding") !== "identity") kept.set("content-encoding", headers.get("content-encoding"));
  kept.set(MARK, "relayed");
  const isShown = REDIRECTS.includes(status) && request.headers.has(SHOW);
  if (isShown) kept.set(STATUS, String(status));
  if ([204, 205, 304].includes(status) || REDIRECTS.includes(status) || !body) {
    body?.cancel().catch(() => {});
    over();
    return new Response(null, { status: isShown ? 200 : status, headers: kept });
  }
  const ended = () => {
    over();
    stop.abort();
  };
  return new Response(bounded(body, maxResponseBytes, () => new Error("The answer is too large."), ended), { status, headers: kept });
}

/** The platform's `fetch`, or the host's. It decodes what is compressed. */
function byFetch(own = (...input) => fetch(...input)) {
  return async (url, { method, headers, body, signal }) => {
    const isStream = body !== undefined && !(body instanceof Uint8Array);
    const init = { method, headers, body, signal, redirect: "manual", ...(isStream && { duplex: "half" }) };
    const answer = await own(url.href, init);
    const given = new Headers(answer.headers);
    if (given.has("content-encoding")) given.delete("content-length");
    given.delete("content-encoding");
    return { status: answer.status, headers: given, body: answer.body };
  };
}

/** The stream, as it comes, up to so many bytes; cancelling it cancels what it comes from. */
function bounded(stream, max, tooLarge, ended = () => {}) {
  const reader = stream.getReader();
  let bytes = 0;
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          ended();
          return controller.close();
        }
        bytes += value.byteLength;
        if (bytes <= max) return controller.enqueue(value);
        const error = tooLarge();
        reader.cancel(error).catch(() => {});
        throw error;
      } catch (error) {
        ended();
        controller.error(error);
      }
    },
    cancel(reason) {
      ended();
      return reader.cancel(reason).catch(() => {});
    },
  });
}

function until(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Why not, for whoever reads it: `{ error, message }`. */
function inWords({ status, reason, message, sent }) {
  const headers = { "content-type": "application/json", [MARK]: `${sent ? "failed" : "refused"} ${reason}` };
  if (status === 405) headers.allow = METHODS.join(", ");
  return new Response(`${JSON.stringify({ error: reason, message })}\n`, { status, headers });
}

// ── What a browser wants to see ──

/** Nobody is known by a preflight: what is asked is checked with the request itself. */
function preflight({ headers }) {
  const asked = headers.get("access-control-request-headers") ?? "";
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": METHODS.join(", "),
      ...(/^[\w\s,.!#$%&'*+^`|~-]{1,4096}$/.test(asked) && { "access-control-allow-headers": asked }),
      "access-control-max-age": "7200",
      vary: "Access-Control-Request-Headers",
    },
  });
}

/** Every answer, refusals too: without that a page sees none of it. Nothing here is anybody's by a cookie. */
function open(response, origin) {
  const { headers } = response;
  if (origin !== null) headers.set("access-control-allow-origin", "*");
  const exposed = new Set(["mcp-session-id", "mcp-protocol-version", "www-authenticate", "retry-after", "location", MARK, STATUS]);
  for (const [name] of headers) if (name.startsWith("mcp-")) exposed.add(name);
  headers.set("access-control-expose-headers", [...exposed].join(", "));
  // What others say is no page of the proxy's origin.
  headers.set("x-content-type-options", "nosniff");
  headers.set("content-security-policy", "default-src 'none'; sandbox");
  headers.set("x-accel-buffering", "no");
  // So that a page can tell whether its streams share one connection.
  headers.set("timing-allow-origin", "*");
  // One address here stands for many.
  headers.set("cache-control", "no-store");
  return response;
}
