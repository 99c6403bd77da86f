// The options of the SDKs' transports as they are, and ours beside them. Others are left alone: an SDK may have new ones.

import { isOAuth, tokens } from "./host_auth.js";
import { HostAuthority } from "./host_authority.js";
import { withCurrent } from "./host_current.js";
import { withProofs } from "./host_dpop.js";
import { seams } from "./host_errors.js";
import { byOurselves } from "./host_oauth.js";
import { readTrust } from "./authorization.js";
import { func, milliseconds, object, oneOf, times, wrong } from "./checks.js";
import { readConnect } from "./options.js";
import { proxied } from "./proxy_option.js";
import { authority } from "./runtime.js";

/** Those of `connect` that a transport takes, too. */
const SHARED = [
  "on",
  "recovery",
  "trustAnnotations",
  "timeout",
  "maxMessageBytes",
  "maxEventBytes",
  "maxResumes",
  "offline",
  "keepAlive",
  "proxy",
];
const any = (_name, value) => value;

/** … and what is the transport's own, by what it has to be. A member of either that is null is absent, as in the SDKs. */
const OWN = {
  requestInit: object,
  reconnectionOptions: object,
  fetch: func,
  redirectPolicy: any,
  authProvider: object,
  auth: func,
  onInsufficientScope: any,
  maxStepUpRetries: any,
  skipIssuerMetadataValidation: any,
  sessionId: (name, value) => {
    if (typeof value !== "string") throw wrong(name, "a string", value);
    return value;
  },
  protocolVersion: any,
  initializeParams: any,
  trust: any,
  headers: (name, value) => (typeof value === "function" ? value : object(name, value)),
  credentials: any,
  listen: any,
  reconnectOn: oneOf("never", "incompatible", "any-change"),
  terminateSessionOnClose: any,
  errors: object,
  onsessionidchange: func,
  onSessionIdChange: func,
  onreinitialize: func,
};

/** Those of `reconnectionOptions` that are used. */
const RECONNECTION = { maxRetries: times, initialReconnectionDelay: milliseconds, maxReconnectionDelay: milliseconds };

/** What `Link` takes, and what is the transport's own. */
export function readTransport(url, given) {
  object("options", given);
  const shared = Object.fromEntries(SHARED.map((name) => [name, given[name] ?? undefined]));
  const options = membersOf("", given, OWN);
  const { requestInit = {}, reconnectionOptions = {} } = options;
  shared.credentials = requestInit.credentials ?? options.credentials ?? "same-origin";
  // The Clients listen as soon as they are connected.
  shared.listen = options.listen ?? "always";
  const reconnection = membersOf("reconnectionOptions.", reconnectionOptions, RECONNECTION);
  shared.maxResumes ??= reconnection.maxRetries;
  shared.recovery = {
    baseDelay: reconnection.initialReconnectionDelay,
    maxDelay: reconnection.maxReconnectionDelay,
    ...object("recovery", shared.recovery ?? {}),
  };
  const config = readConnect(url, shared);
  const { sessionId, protocolVersion, initializeParams, terminateSessionOnClose = false, reconnectOn } = options;
  const send = byWay(follower(options), config);
  const trust = readTrust("trust", options.trust);
  // The SDK's own flow where the host gives its function, else ours.
  const { authProvider } = options;
  if (authProvider) checkProvider(options);
  const provider = isOAuth(authProvider) ? seams(authProvider) : undefined;
  const oauth = provider && !options.auth ? byOurselves({ ...options, authProvider: provider, trust }, config.url, send) : undefined;
  const proven = provider ? withProofs(provider, send) : send;
  const bearer = authProvider && !oauth ? tokens(options, config.url, send, proven) : undefined;
  const asked = oauth ? HostAuthority.ours(authority, oauth, options) : new HostAuthority(bearer, undefined, options);
  const answered = bearer ? bearer.fetch : withCurrent(oauth, proven);
  const own = typeof options.headers === "function" ? options.headers : () => options.headers;
  Object.assign(config.core, {
    handshake: "host",
    // Of our own flow it is known when the tokens are of another grant. Others' tokens say nothing of that.
    identified: oauth === undefined,
    authorizes: Boolean(authProvider),
    ...(reconnectOn !== undefined && { reconnectOn }),
  });
  Object.assign(config.environment, {
    headers: async (context) => {
      const headers = new Headers(requestInit.headers ?? undefined);
      for (const [name, value] of new Headers((await own(context)) ?? undefined)) headers.set(name, value);
      const token = await bearer?.token();
      if (token) headers.set("authorization", `Bearer ${token}`);
      return Object.fromEntries(headers);
    },
    fetch: asked.watch(answered),
  });
  return {
    ...config,
    auth: oauth,
    bearer,
    authority: asked,
    // An empty one is none, as in the SDKs.
    sessionId: sessionId || undefined,
    protocolVersion,
    initializeParams,
    terminateSessionOnClose,
    errors: options.errors,
    onsessionidchange: options.onsessionidchange ?? options.onSessionIdChange,
    onreinitialize: options.onreinitialize,
  };
}

function membersOf(path, given, readers) {
  const read = {};
  for (const [name, reader] of Object.entries(readers)) {
    const value = given[name] ?? undefined;
    if (value !== undefined) read[name] = reader(path + name, value);
  }
  return read;
}

/** What the SDK's providers are made of. */
const MEMBERS = ["tokens", "clientInformation", "saveTokens"];
/** … those that send a user away. */
const INTERACTIVE = ["redirectToAuthorization", "saveCodeVerifier", "codeVerifier"];
/** … and what any of them may have. */
const OPTIONAL = [
  "state",
  "saveClientInformation",
  "addClientAuthentication",
  "dpop",
  "validateResourceURL",
  "scopeForRefresh",
  "invalidateCredentials",
  "prepareTokenRequest",
  "saveAuthorizationServerUrl",
  "saveResourceUrl",
  "saveDiscoveryState",
  "discoveryState",
];

const NO_FLOW =
  "authProvider: has neither a redirectUrl, to which users come back, nor prepareTokenRequest, which says what is exchanged for a " +
  "token: give it one of them";
const NO_NAME =
  "skipIssuerMetadataValidation: whoever is not checked is to be named: give trust: { issuer }, the authorization server that you " +
  "vouch for; or auth, the SDK's function, which checks none of them";

/** Whoever authorizes finds all that it takes, before anything is sent. */
function checkProvider({ authProvider, auth, onInsufficientScope, maxStepUpRetries, skipIssuerMetadataValidation, trust }) {
  const choices = ["reauthorize", "throw"];
  if (onInsufficientScope !== undefined && !choices.includes(onInsufficientScope)) {
    throw wrong("onInsufficientScope", choices.map((one) => `"${one}"`).join(" or "), onInsufficientScope);
  }
  if (maxStepUpRetries !== undefined && !(Number.isSafeInteger(maxStepUpRetries) && maxStepUpRetries >= 0)) {
    throw wrong("maxStepUpRetries", "a whole number, at least 0", maxStepUpRetries);
  }
  if (!isOAuth(authProvider)) {
    const { token } = authProvider;
    if (typeof token !== "function") throw wrong("authProvider", "an OAuthClientProvider, or { token() }", authProvider);
    return;
  }
  const isUnattended = !authProvider.redirectUrl;
  for (const member of isUnattended ? MEMBERS : [...MEMBERS, ...INTERACTIVE]) func(`authProvider.${member}`, authProvider[member]);
  for (const member of OPTIONAL) {
    if (authProvider[member] !== undefined) func(`authProvider.${member}`, authProvider[member]);
  }
  if (auth !== undefined) return;
  if (isUnattended && !authProvider.prepareTokenRequest) {
    throw new TypeError(NO_FLOW);
  }
  if (skipIssuerMetadataValidation && trust === undefined) {
    throw new TypeError(NO_NAME);
  }
}

/** There is one `fetch` for MCP and for what OAuth asks, as in the SDK. */
function byWay(send, { url, proxy }) {
  if (!proxy) return send;
  const ways = proxied({ proxy, endpoint: url, send, sendOauth: send, warn: () => {} });
  return (input, init) => (isMcp(input, init, url) ? ways.mcp : ways.oauth)(input, init);
}

function isMcp(input, { headers } = {}, url) {
  const given = new Headers(headers);
  return String(input) === url || given.has("mcp-session-id") || given.get("accept")?.includes("text/event-stream") === true;
}

/** The host's `fetch` with its `requestInit`, and redirects as its `redirectPolicy` says. */
function follower({ fetch: given, requestInit = {}, redirectPolicy }) {
  const { method: _m, body: _b, headers: _h, signal: _s, ...base } = requestInit;
  const send = given ?? ((input, init) => fetch(input, init));
  return async (input, init) => {
    const all = { ...base, ...init, cache: base.cache ?? init.cache };
    // Within the origin the core follows by itself: whether a call may be sent once more is decided there.
    if (redirectPolicy !== "follow") return send(input, all);
    return plain(await send(input, { ...all, redirect: base.redirect ?? "follow" }));
  };
}

/** The core takes no Response that was redirected, but one that says so: it may answer another request, such as a GET. */
function plain(response) {
  if (!response.redirected) return response;
  const { status, statusText, headers, body } = response;
  return Object.assign(new Response(body, { status, statusText, headers }), { followed: true });
}
