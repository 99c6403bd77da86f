// What went wrong, as the Clients of others know it.

import { McpError } from "./error.js";

/** (JSON-RPC 2.0, 5.1: Internal error.) */
const INTERNAL_ERROR = -32603;

/** The TypeScript SDK, version 2, knows its errors by this. */
const BRANDS = Symbol.for("mcp.sdk.errorBrands");
/** … and while it negotiates, what authorization threw, by this. */
const AUTH_SEAM = Symbol.for("mcp.authSeamEscape");

export function rpcError({ rpcCode, message, data, code, outcome, retryable }) {
  return { code: rpcCode ?? INTERNAL_ERROR, message, data: rpcCode === undefined ? { code, outcome, retryable } : data };
}

/** The error that a host's `send` rejects with, of the host's own classes where it gave them. */
export function thrown(error, { errors = {}, bearer }) {
  const { UnauthorizedError, StreamableHTTPError, SdkHttpError } = errors;
  // The user was sent away, or the provider threw: that is what the host waits for.
  if (error.cause?.[AUTH_SEAM]) return error.cause;
  const isProviders = error.code === "auth" && (bearer !== undefined || error.cause?.httpStatus !== undefined);
  if (isProviders && bearer?.failure !== undefined) return hosts(bearer.failure);
  const { httpStatus, message } = isProviders ? (error.cause ?? error) : error;
  const code = isProviders ? "unauthorized" : error.code;
  if (code === "auth" && UnauthorizedError) return like(new UnauthorizedError(message), error);
  if (httpStatus === 401 && code === "unauthorized") {
    const own = bearer?.failure ?? (UnauthorizedError ? like(new UnauthorizedError(message), error) : unauthorized(error));
    return marked(own, AUTH_SEAM, true);
  }
  if (httpStatus === undefined) return error;
  if (StreamableHTTPError) return like(new StreamableHTTPError(httpStatus, message), error);
  const status = { status: httpStatus, statusText: "", text: undefined };
  return SdkHttpError ? like(new SdkHttpError("CLIENT_HTTP_NOT_IMPLEMENTED", message, status), error) : error;
}

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
  return typeof error === "object" && error !== null ? marked(error, AUTH_SEAM, true) : error;
}

/** A scope is missing, and the host wants nobody asked for more. */
export function lacksScope({ scope, resourceMetadataUrl, errorDescription }, { InsufficientScopeError, StreamableHTTPError } = {}) {
  const init = { requiredScope: scope, resourceMetadataUrl, errorDescription };
  if (InsufficientScopeError) return hosts(new InsufficientScopeError(init));
  const message = "The server refuses the token for want of a scope (HTTP 403, `requiredScope`), and the host wants none asked for.";
  if (StreamableHTTPError) return hosts(new StreamableHTTPError(403, message));
  const own = new McpError(message, { code: "unauthorized", outcome: "not_executed", httpStatus: 403 });
  own.name = "InsufficientScopeError";
  return hosts(Object.assign(marked(own, BRANDS, new Set(["mcp.OAuthClientFlowError", "mcp.InsufficientScopeError"])), init));
}

/** The user has to authorize. */
export function required({ UnauthorizedError } = {}) {
  const message = "The user was sent to the authorization server. Call finishAuth, and connect again.";
  const fields = { code: "auth", outcome: "not_executed" };
  return marked(UnauthorizedError ? new UnauthorizedError(message) : unauthorized({ message, ...fields }), AUTH_SEAM, true);
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
