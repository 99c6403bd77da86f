// What the user comes back with from an authorization server, as hosts of the SDKs hand it on.

import { wrong } from "./checks.js";
import { McpError } from "./error.js";
import { hosts } from "./host_errors.js";

/** `{ code, iss, error, params, isCode }` of the code alone, or of all the parameters of the redirect. */
export function readCallback(callback, issuer) {
  const isCode = typeof callback === "string";
  if (!isCode && typeof callback?.get !== "function") {
    throw wrong("finishAuth", "the redirect's parameters as URLSearchParams, or its code as a string", callback);
  }
  if (issuer !== undefined && typeof issuer !== "string") throw wrong("finishAuth's issuer", "the redirect's `iss` as a string", issuer);
  const params = new URLSearchParams(isCode ? { code: callback } : callback);
  if (issuer !== undefined) params.set("iss", issuer);
  const field = (name) => params.get(name) ?? undefined;
  return { code: field("code"), iss: field("iss"), error: field("error"), params, isCode };
}

/** The host was given more than the code, and has handed on but that. */
export function needsIssuer(cause) {
  const message =
    "finishAuth: the authorization server says who it is in its answers (`iss`, RFC 9207), and the code alone does not: give it all " +
    "the parameters of the redirect, finishAuth(new URL(location.href).searchParams), or their `iss` as the second argument.";
  return new TypeError(message, { cause });
}

/** The redirect holds no code. `error` is a name where it is one of the specification's kind, and no text. */
export function notGranted(error, { UnauthorizedError } = {}) {
  const name = /^[a-z0-9_.-]{1,64}$/.test(error ?? "") ? `: ${error}` : "";
  const message = `The authorization server granted nothing${name}. The redirect holds no code.`;
  if (UnauthorizedError) return hosts(new UnauthorizedError(message));
  return new McpError(message, { code: "auth", outcome: "not_executed" });
}
