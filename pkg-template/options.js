// What a host may say, checked before anything is sent. Every complaint is a TypeError that names the option.

import { readAuth } from "./authorization.js";
import { boolean, bytes, check, func, maxPages, milliseconds, noSchema, object, oneOf, string, text, times, webUrl, whole, wrong } from "./checks.js";
import { EVENTS, report } from "./events.js";
import { toJson } from "./json.js";
import { proxied, readProxy } from "./proxy_option.js";

/** Capabilities that promise an answer to a request, with what is declared where the host gives only the handler. */
const PROMISES = {
  "sampling/createMessage": "sampling",
  "elicitation/create": "elicitation",
  "roots/list": "roots",
};

/** What is no method of a request, or is none of those that the specification has under these names. */
const NO_REQUESTS = /^(?:[^/]*$|(?:sampling|elicitation|roots|notifications)\/)/;

/** Of capabilities: far above what any has, and below what the core reads. */
const MAX_DEPTH = 64;

/** Headers that the session sets itself. */
const OURS = ["accept", "content-type", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id"];

/** (W3C, Trace Context and Baggage.) */
const TRACE = ["traceparent", "tracestate", "baggage"];

const CONNECT = {
  clientInfo: object,
  capabilities: object,
  handlers: object,
  on: object,
  headers: (name, value) => (typeof value === "function" ? value : headers(name, value) && value),
  fetch: func,
  proxy: readProxy,
  credentials: oneOf("omit", "same-origin", "include"),
  auth: object,
  resource: webUrl,
  identity: string,
  era: oneOf("auto", "legacy", "modern"),
  recovery: (name, value) => check(name, value, RECOVERY),
  trustAnnotations: boolean,
  timeout: milliseconds,
  maxTotalTimeout: milliseconds,
  maxMessageBytes: bytes,
  maxEventBytes: bytes,
  offline: oneOf("wait", "fail"),
  unreachable: oneOf("wait", "fail"),
  keepAlive: milliseconds,
  persist: store,
  share: (name, value) => check(name, value, { key: text }),
  listen: oneOf("auto", "always", "never"),
  maxResumes: times,
  maxInputRounds: times,
  maxPages,
  validate: func,
  trace: func,
  signal,
};

const RECOVERY = {
  mode: oneOf("default", "strict", "off"),
  maxAttempts: (name, value) => whole(name, value, 1, 100, "a whole number from 1 to 100"),
  baseDelay: milliseconds,
  maxDelay: milliseconds,
};

const REQUEST = {
  signal,
  timeout: milliseconds,
  maxTotalTimeout: milliseconds,
  resetTimeoutOnProgress: boolean,
  onprogress: func,
  ontask: func,
  repeatable: boolean,
  inputRequired: oneOf("auto", "manual"),
  cache: oneOf("default", "reload"),
  _meta: object,
  headers: (name, value) => headers(name, value).flat(),
};

/** Those of `CONNECT` that the core takes as they are given, and knows the defaults of. */
const CORE = [
  "era",
  "recovery",
  "trustAnnotations",
  "timeout",
  "maxTotalTimeout",
  "maxMessageBytes",
  "maxEventBytes",
  "offline",
  "unreachable",
  "keepAlive",
  "listen",
  "maxResumes",
  "maxInputRounds",
];

/** A host, perhaps with its port, of who leaves the scheme out: a URL takes the one for a path, the other for a scheme. */
const BARE_HOST = /^((?:localhost|\[[\da-f:.]+\]|\d+(?:\.\d+){3}|(?:[\p{L}\p{N}_-]+\.)+\p{L}[\p{L}\p{N}-]+\.?)(?::\d+)?|[\p{L}\p{N}_-]+:\d+)(?=[/?#]|$)/iu;

const SIGNAL = { signal };
const CLOSE = { terminate: boolean };

/**
 * The arguments of `connect`, as the core takes them (`core`), as whoever sends its requests does (`environment`), and as
 * the facade needs them.
 */
export function readConnect(url, options) {
  const href = readUrl(url);
  const given = check("", options, CONNECT);
  const handlers = readHandlers(given.handlers ?? {});
  const capabilities = readCapabilities(given.capabilities ?? {}, handlers);
  const clientInfo = given.clientInfo && readClientInfo(given.clientInfo);
  const declared = toJson("capabilities", capabilities);
  if (depthOf(declared) > MAX_DEPTH) throw new TypeError(`capabilities: nested more than ${MAX_DEPTH} levels deep`);
  const send = given.fetch && (async (input, init) => given.fetch.call(undefined, input, init));
  const auth = given.auth && readAuth(given.auth, href, given);
  const ways = given.proxy && proxied({ proxy: given.proxy, endpoint: href, send, sendOauth: auth?.fetch, warn: (kind, hint) => auth?.onwarning?.(Object.freeze({ kind, hint })) });
  if (auth && ways) auth.fetch = ways.oauth;
  const own = (input, init) => fetch(input, init);
  const wrapped = auth?.wrap?.({ endpoint: href, oauth: auth.fetch ?? own, mcp: ways?.mcp ?? send ?? own });
  if (wrapped) Object.assign(auth, { fetch: wrapped.oauth, failure: wrapped.failure });
  return {
    url: href,
    proxy: given.proxy,
    handlers,
    capabilities,
    on: readListeners(given.on ?? {}),
    signal: given.signal,
    auth,
    identity: given.identity,
    persist: given.persist,
    maxPages: given.maxPages ?? 64,
    validate: given.validate,
    trace: given.trace,
    environment: {
      headers: headerFunction(given.headers),
      fetch: wrapped?.mcp ?? ways?.mcp ?? send,
      via: given.proxy?.url,
      credentials: given.credentials ?? "omit",
      share: readShare(given),
      identity: given.identity,
      handled: [...handlers.keys()],
    },
    core: {
      ...Object.fromEntries(CORE.filter((name) => given[name] !== undefined).map((name) => [name, given[name]])),
      handshake: { own: { clientInfo, capabilities: declared } },
      authorizes: given.auth !== undefined,
      ...(auth && { ask: auth.ask }),
      identified: given.identity !== undefined,
      // An object is read anew for each request, too.
      fieldsVary: given.headers !== undefined,
      persists: given.persist !== undefined,
    },
  };
}

function readShare({ share, persist }) {
  if (!share) return undefined;
  text("share.key", share.key);
  if (persist) throw new TypeError("share: cannot go with persist: a shared session lives as long as one of its tabs; choose one");
  return share.key;
}

/** What goes into `_meta` of a request that is made now (SEP-414). What fails in here costs no call. */
export function readTrace(trace) {
  try {
    const given = object("trace", trace() ?? {});
    const kept = TRACE.filter((key) => given[key] !== undefined).map((key) => [key, string(`trace.${key}`, given[key])]);
    return kept.length > 0 ? Object.fromEntries(kept) : undefined;
  } catch (error) {
    report(error);
    return undefined;
  }
}

/** The options of one request; `headers` as a list of names and values in turn. */
export function readRequest(options) {
  noSchema(options);
  return check("", options, REQUEST);
}

export function readSignal(options) {
  return check("", options, SIGNAL).signal;
}

export function readClose(options) {
  return check("", options, CLOSE);
}

/** A task that is named by its id, or with when it was created: `{ taskId, createdAt? }`. */
export function readTask(given) {
  if (typeof given === "string" && given !== "") return { taskId: given };
  const expected = "a taskId, or an object with taskId and createdAt, as in pendingTasks";
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw wrong("task", expected, given);
  const { taskId, createdAt } = given;
  text("task.taskId", taskId);
  // What is absent is null in a database.
  return { taskId, createdAt: createdAt === null || createdAt === undefined ? undefined : text("task.createdAt", createdAt) };
}

/** The options that a manager, or a screen, gives to its sessions; `more`: readers of its own. */
export function readDefaults(options, more) {
  const { signal: _, ...readers } = CONNECT;
  return check("", options, { ...readers, ...more });
}

/** The options of one of its sessions, with readers of its own beside those of `connect`. */
export function readOpen(options, more) {
  return check("", options, { ...CONNECT, ...more });
}

/** Which capability a method needs that only a client can promise. */
export function promiseOf(method) {
  return Object.hasOwn(PROMISES, method) ? PROMISES[method] : undefined;
}

/** What can be an address, wherever it is relative to. */
export function checkUrl(given) {
  if (given === "" || (typeof given !== "string" && !(given instanceof URL))) throw wrong("url", "a string or a URL", given);
}

/** As it is asked: absolute, without a fragment. */
export function readUrl(given) {
  checkUrl(given);
  const [, host] = (typeof given === "string" && BARE_HOST.exec(given.trim())) || [];
  if (host !== undefined) throw new TypeError(`url: "${host}" looks like a host: write https://${host}, or ./${host} where it is a path relative to this page`);
  let url;
  try {
    url = new URL(given, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    throw new TypeError("url: expected an absolute http: or https: URL, or in a page one relative to it");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`url: expected http: or https:, got ${url.protocol}`);
  }
  if (url.username || url.password) {
    throw new TypeError("url: must hold no user name or password; send them in the option headers");
  }
  url.hash = "";
  return url.href;
}

function readClientInfo(info) {
  for (const field of ["name", "version"]) text(`clientInfo.${field}`, info[field]);
  return toJson("clientInfo", info);
}

function readHandlers(handlers) {
  const given = Object.entries(handlers).filter(([, handler]) => handler !== undefined);
  for (const [method, handler] of given) checkHandler(`handlers["${method}"]`, method, handler);
  return new Map(given);
}

/** Throws where this cannot be a handler of the method. */
export function checkHandler(name, method, handler) {
  if (typeof method !== "string" || method === "") throw wrong("method", "a string that is not empty", method);
  if (method === "ping") throw new TypeError(`${name}: the session answers pings itself`);
  if (!Object.hasOwn(PROMISES, method) && NO_REQUESTS.test(method)) {
    throw new TypeError(`${name}: servers send no such request; there are ${Object.keys(PROMISES).join(", ")}, and those of extensions, such as "vendor/ask"`);
  }
  func(name, handler);
}

function readCapabilities(capabilities, handlers) {
  const declared = { ...capabilities };
  for (const [method, capability] of Object.entries(PROMISES)) {
    if (handlers.has(method)) declared[capability] ??= {};
    else if (declared[capability] !== undefined) {
      throw new TypeError(`capabilities.${capability}: needs handlers["${method}"], which must be there before the first request`);
    }
  }
  return declared;
}

/** How deep a JSON text is nested. */
function depthOf(json) {
  let depth = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]/g)) {
    if (token === "[" || token === "{") deepest = Math.max(deepest, ++depth);
    else if (token === "]" || token === "}") depth--;
  }
  return deepest;
}

function readListeners(on) {
  for (const [event, listener] of Object.entries(on)) {
    if (!EVENTS.includes(event)) throw new TypeError(`on.${event}: there is no such event; there are ${EVENTS.join(", ")}`);
    if (listener !== undefined) func(`on.${event}`, listener);
  }
  return Object.entries(on).filter(([, listener]) => listener !== undefined);
}

/** Read anew for each request; what it gives then is checked as the option itself is. */
function headerFunction(given) {
  if (given === undefined) return undefined;
  const read = typeof given === "function" ? given : () => given;
  return async (context) => Object.fromEntries(headers("headers", (await read(Object.freeze({ ...context }))) ?? {}));
}

function headers(name, value) {
  const pairs = value instanceof Headers ? [...value] : Object.entries(object(name, value));
  const kept = pairs.filter(([, text]) => text !== undefined);
  for (const [header, text] of kept) {
    if (typeof text !== "string") throw wrong(`${name}["${header}"]`, "a string", text);
    if (OURS.includes(header.toLowerCase())) throw new TypeError(`${name}["${header}"]: the session sets this header itself`);
    let isTaken = false;
    try {
      // Node leaves `__proto__` out without a word.
      isTaken = new Headers({ [header]: text }).has(header);
    } catch {}
    if (!isTaken) throw new TypeError(`${name}["${header}"]: expected a header name and value as HTTP and this platform allow them`);
  }
  return kept;
}

/** `sessionStorage` and its like, or functions that may give promises. */
function store(name, value) {
  if (typeof value?.getItem === "function") {
    return {
      get: (key) => value.getItem(key),
      set: (key, text) => value.setItem(key, text),
      remove: (key) => value.removeItem(key),
    };
  }
  for (const method of ["get", "set", "remove"]) func(`${name}.${method}`, object(name, value)[method]);
  return value;
}

function signal(name, value) {
  if (typeof value?.aborted !== "boolean" || typeof value.addEventListener !== "function") {
    throw wrong(name, "an AbortSignal", value);
  }
  return value;
}
