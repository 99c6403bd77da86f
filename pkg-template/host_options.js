// The options of the SDKs' transports as they are, and ours beside them. Others are left alone: an SDK may have new ones.

import { isOAuth, tokens } from "./host_auth.js";
import { HostAuthority } from "./host_authority.js";
import { withProofs } from "./host_dpop.js";
import { byOurselves } from "./host_oauth.js";
import { readTrust } from "./authorization.js";
import { func, object, wrong } from "./checks.js";
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
const RECONNECT_ON = ["never", "incompatible", "any-change"];

/** What `Link` takes, and what is the transport's own. */
export function readTransport(url, options) {
  if (options === null || typeof options !== "object") throw wrong("options", "an object", options);
  const { requestInit = {}, reconnectionOptions: reconnection = {} } = options;
  const shared = Object.fromEntries(SHARED.map((name) => [name, options[name]]));
  shared.credentials = requestInit.credentials ?? options.credentials ?? "same-origin";
  // The Clients listen as soon as they are connected.
  shared.listen = options.listen ?? "always";
  shared.maxResumes ??= reconnection.maxRetries;
  shared.recovery = {
    baseDelay: reconnection.initialReconnectionDelay,
    maxDelay: reconnection.maxReconnectionDelay,
    ...options.recovery,
  };
  const config = readConnect(url, shared);
  const { reconnectOn, sessionId, initializeParams, terminateSessionOnClose = false } = options;
  if (reconnectOn !== undefined && !RECONNECT_ON.includes(reconnectOn)) {
    throw wrong("reconnectOn", RECONNECT_ON.map((one) => `"${one}"`).join(" or "), reconnectOn);
  }
  if (sessionId !== undefined && typeof sessionId !== "string") throw wrong("sessionId", "a string", sessionId);
  const send = byWay(follower(options), config);
  const trust = readTrust("trust", options.trust);
  // The SDK's own flow where the host gives its function, else ours.
  const { authProvider } = options;
  if (authProvider !== undefined && authProvider !== null) checkProvider(options);
  const oauth = isOAuth(authProvider) && !options.auth ? byOurselves({ ...options, trust }, config.url, send) : undefined;
  const proven = isOAuth(authProvider) ? withProofs(authProvider, send) : send;
  const bearer = authProvider && !oauth ? tokens(options, config.url, send, proven) : undefined;
  const asked = bearer?.asks ? new HostAuthority(bearer, undefined, options) : oauth && HostAuthority.ours(authority, oauth, options);
  const answered = bearer ? bearer.fetch : proven;
  const given = options.headers;
  const own = typeof given === "function" ? given : () => given;
  Object.assign(config.core, {
    handshake: "host",
    // Of our own flow it is known when the tokens are of another grant. Others' tokens say nothing of that.
    identified: oauth === undefined,
    authorizes: oauth !== undefined || bearer?.asks === true,
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
    fetch: asked ? asked.watch(answered) : answered,
  });
  return {
    ...config,
    auth: oauth,
    bearer,
    authority: asked,
    initializeParams,
    terminateSessionOnClose,
    errors: options.errors,
    onsessionidchange: options.onsessionidchange ?? options.onSessionIdChange,
    onreinitialize: options.onreinitialize,
  };
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
  object("authProvider", authProvider);
  if (auth !== undefined) func("auth", auth);
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
