// What went wrong, as the Clients of others know it.

import { McpError } from "./error.js";

/** (JSON-RPC 2.0, 5.1: Internal error.) */
const INTERNAL_ERROR = -32603;

/** The TypeScript SDK, version 2, knows its errors by this. */
const BRANDS = Symbol.for("mcp.sdk.errorBrands");
/** … and while it negotiates, what authorization threw, by this. */
const AUTH_SEAM = Symbol.for("mcp.authSeamEscape");

/** What the host's own code threw, or is to be thrown at it as it is. */
const own = new WeakSet();

/** … where it is no object, which has no identity: on the way to the host it is the value in here. */
class Bare {
  constructor(value) {
    this.value = value;
  }
}

/** What `seams` gives, by provider. */
const seamed = new WeakMap();

export function rpcError({ rpcCode, message, data, code, outcome, retryable }) {
  return { code: rpcCode ?? INTERNAL_ERROR, message, data: rpcCode === undefined ? { code, outcome, retryable } : data };
}

/** The error that a host's `send` rejects with, of the host's own classes where it gave them. */
export function thrown(error, { errors = {}, authority }) {
  // The user was sent away, or the provider threw: that is what the host waits for.
  const theirs = [error, error.cause].find((one) => own.has(one));
  if (theirs) return given(theirs);
  const lack = error.httpStatus === 403 && authority?.lack();
  if (lack) return Object.assign(lack, { outcome: error.outcome });
  const { UnauthorizedError, StreamableHTTPError, SdkHttpError } = errors;
  const told = refusalIn(error);
  const { code, httpStatus, message } = told;
  if (code === "auth" && UnauthorizedError) return like(new UnauthorizedError(message), told);
  if (httpStatus === undefined) return error;
  const said = saying(httpStatus, authority?.statusText(httpStatus));
  const ofStatus = (sdkCode) => {
    if (StreamableHTTPError) return like(new StreamableHTTPError(httpStatus, message), told);
    return SdkHttpError ? like(new SdkHttpError(sdkCode, message, said), told) : told;
  };
  // The provider got another token, and that was refused, too: nobody is to be sent away for it.
  if (httpStatus === 401 && authority?.isAsked && told === error) return marked(ofStatus("CLIENT_HTTP_AUTHENTICATION"), AUTH_SEAM, true);
  if (httpStatus === 401 && code === "unauthorized") {
    const isOfStatus = !authority?.isAsked && (StreamableHTTPError || SdkHttpError);
    if (!isOfStatus) return marked(UnauthorizedError ? like(new UnauthorizedError(message), told) : unauthorized(told), AUTH_SEAM, true);
  }
  return ofStatus("CLIENT_HTTP_NOT_IMPLEMENTED");
}

/** Why the session may be there still, after what came of its DELETE. A server need not end sessions (405), and nothing has to be sent. */
export function notTerminated(farewell, { StreamableHTTPError, SdkHttpError } = {}) {
  const { ok, status, statusText = "", thrown } = farewell ?? {};
  if (farewell === undefined || ok || status === 405 || thrown?.isOutdated) return undefined;
  if (status === undefined) return given(thrown);
  const message = `The server refused to end the session (HTTP ${status}). It may have it still; this transport is closed.`;
  const error = new McpError(message, { code: "http", outcome: "unknown", httpStatus: status });
  if (StreamableHTTPError) return like(new StreamableHTTPError(status, message), error);
  const sdkCode = "CLIENT_HTTP_FAILED_TO_TERMINATE_SESSION";
  return SdkHttpError ? like(new SdkHttpError(sdkCode, message, saying(status, statusText)), error) : error;
}

/** The server's refusal, where the provider has no other token; else the error. */
function refusalIn(error) {
  const { code, outcome, retryable, cause } = error;
  if (code !== "auth" || cause?.httpStatus === undefined) return error;
  return new McpError(cause.message, { code: "unauthorized", outcome, retryable, httpStatus: cause.httpStatus });
}

const saying = (status, statusText = "") => ({ status, statusText, text: undefined });

/** What `run` throws is the host's own, and reaches it as it is. */
export async function seam(run) {
  try {
    return await run();
  } catch (error) {
    throw hosts(error);
  }
}

/** An error that the host's provider threw. */
export function hosts(error) {
  const isObject = (typeof error === "object" && error !== null) || typeof error === "function";
  const kept = isObject ? error : new Bare(error);
  own.add(kept);
  return isObject ? marked(error, AUTH_SEAM, true) : kept;
}

/** The same, where it is thrown at the host. */
export function given(error) {
  return error instanceof Bare ? error.value : error;
}

/** A provider of the host's: what its methods throw is its own, wherever they are called. */
export function seams(provider) {
  if (!seamed.has(provider)) {
    // Not of the provider itself: a Proxy of what is frozen may show nothing but what is there.
    const get = (_target, name) => {
      const member = provider[name];
      return typeof member === "function" ? (...args) => seam(() => member.apply(provider, args)) : member;
    };
    seamed.set(provider, new Proxy({}, { get }));
  }
  return seamed.get(provider);
}

/** A scope is missing, and nobody is asked for more: `why`. */
export function lacksScope({ scope, resourceMetadataUrl, errorDescription }, errors, why) {
  const init = { requiredScope: scope, resourceMetadataUrl, errorDescription };
  const { InsufficientScopeError } = errors ?? {};
  const error = forbidden(`The server refuses the token for want of a scope (HTTP 403, \`requiredScope\`), and ${why}.`);
  if (InsufficientScopeError) return hosts(like(new InsufficientScopeError(init), error));
  if (errors?.StreamableHTTPError) return hosts(like(new errors.StreamableHTTPError(403, error.message), error));
  error.name = "InsufficientScopeError";
  return hosts(Object.assign(marked(error, BRANDS, new Set(["mcp.OAuthClientFlowError", "mcp.InsufficientScopeError"])), init));
}

/** More scopes were asked for so often, and there are still too few. */
export function steppedUp(times, { StreamableHTTPError, SdkHttpError } = {}) {
  const asked = times === 1 ? "one step-up" : `${times} step-ups`;
  const error = forbidden(`The server refuses the token for want of a scope (HTTP 403), after ${asked} in a row (option maxStepUpRetries).`);
  if (StreamableHTTPError) return hosts(like(new StreamableHTTPError(403, error.message), error));
  if (SdkHttpError) return hosts(like(new SdkHttpError("CLIENT_HTTP_FORBIDDEN", error.message, saying(403, "Forbidden")), error));
  return hosts(error);
}

/** The user has to authorize. */
export function required({ UnauthorizedError } = {}) {
  const message = "The user was sent to the authorization server. Call finishAuth, and connect again.";
  return hosts(UnauthorizedError ? new UnauthorizedError(message) : unauthorized({ message, code: "auth", outcome: "not_executed" }));
}

function forbidden(message) {
  return new McpError(message, { code: "unauthorized", outcome: "not_executed", httpStatus: 403 });
}

function like(own, error) {
  const { outcome, retryable, diagnosis } = error;
  return Object.assign(own, { outcome, retryable, diagnosis, cause: error });
}

function unauthorized(error) {
  const own = new McpError(error.message, error);
  own.name = "UnauthorizedError";
  return marked(own, BRANDS, new Set(["mcp.UnauthorizedError"]));
}

function marked(error, key, value) {
  if (Object.isExtensible(error)) Object.defineProperty(error, key, { value, configurable: true });
  return error;
}
