// The SDKs' `authProvider`: a token for each request, and what to do about a refusal.

import { abortable } from "./abortable.js";
import { challenge } from "./challenge.js";
import { needsIssuer, notGranted, readCallback } from "./host_callback.js";
import { hosts, required, seam } from "./host_errors.js";
import { Audiences } from "./host_resource.js";

/** An OAuthClientProvider by the SDK's own `auth`, as `{ token, onUnauthorized, onForbidden, finish }`. */
function byTheSdk({ authProvider: provider, auth, skipIssuerMetadataValidation, errors = {} }, url, fetchFn) {
  let known = {};
  const audiences = Audiences.of(provider);
  const run = async (send, more) => {
    const { resourceMetadataUrl, scope } = known;
    const given = { serverUrl: new URL(url), resourceMetadataUrl, scope, fetchFn: audiences.watch(send), skipIssuerMetadataValidation };
    const result = await auth(provider, { ...given, ...more });
    if (result === "AUTHORIZED") return;
    throw required(errors);
  };
  const scopes = (...texts) => [...new Set(texts.flatMap((text) => text?.split(" ") ?? []))].join(" ") || undefined;
  return {
    async token() {
      const { access_token: token } = (await provider.tokens()) ?? {};
      return audiences.isAnothers(token, url) ? undefined : token;
    },
    onUnauthorized({ response, fetchFn }) {
      const { scope, resourceMetadataUrl = known.resourceMetadataUrl } = of(response);
      known = { resourceMetadataUrl, scope: scopes(known.scope, scope) };
      return run(fetchFn);
    },
    /** A scope is missing: more are asked for, which a refresh cannot give. Says whether that is worth another try. */
    async onForbidden({ response, fetchFn }) {
      const { error, scope, resourceMetadataUrl = known.resourceMetadataUrl } = of(response);
      if (error !== "insufficient_scope") return false;
      const { scope: granted } = (await provider.tokens()) ?? {};
      known = { resourceMetadataUrl, scope: scopes(known.scope, granted, scope) };
      await run(fetchFn, { forceReauthorization: scopes(granted, known.scope) !== scopes(granted) });
      return true;
    },
    async finish(callback, issuer) {
      const { code: authorizationCode, iss, error } = readCallback(callback, issuer);
      if (error !== undefined || !authorizationCode) throw notGranted(error, errors);
      try {
        await run(fetchFn, { authorizationCode, iss });
      } catch (thrown) {
        throw iss === undefined && thrown?.name === "IssuerMismatchError" && thrown.received === undefined ? needsIssuer(thrown) : thrown;
      }
    },
  };
}

const of = ({ headers }) => challenge(headers.get("www-authenticate"));

/** Ends of the last turn, by provider. */
const turns = new WeakMap();

/** A turn lasts so many milliseconds at most: a user may be long, and what never settles keeps nobody waiting for good. */
const TURN_MS = 30_000;

/**
 * One after the other of all that have this provider: what is granted to one is there for the next, and no refresh token is spent
 * twice. One that is given up ends its turn at once, unless it may have spent one. `run(watch)` sends by `watch(send)`.
 */
async function inTurn(provider, signal, run) {
  const before = turns.get(provider) ?? Promise.resolve();
  let end;
  turns.set(provider, new Promise((resolve) => (end = resolve)));
  try {
    await abortable(before, signal);
  } catch (gone) {
    before.then(end);
    throw gone;
  }
  const timer = setTimeout(end, TURN_MS);
  // A provider that is no OAuthClientProvider may send in ways of its own.
  let spends = !isOAuth(provider);
  let isGone = false;
  const watch = (send) => async (input, init) => {
    const asks = !isGone && init?.method === "POST" && new URLSearchParams(String(init.body)).has("grant_type");
    if (asks) spends = true;
    const response = isGone || (await send(input, init));
    if (asks) spends = response.ok;
    // To go on after an error would send the user away, for nobody.
    return isGone ? new Promise(() => {}) : response;
  };
  let leave;
  const gone = new Promise((_resolve, reject) => {
    leave = () => {
      isGone = !spends;
      if (isGone) reject(signal.reason);
    };
  });
  signal?.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([run(watch), gone]);
  } finally {
    signal?.removeEventListener("abort", leave);
    clearTimeout(timer);
    end();
  }
}

/** Who is asked what to do about a refusal. */
const QUESTIONS = { 401: "onUnauthorized", 403: "onForbidden" };

/** Where the answer itself is gone. */
function bare(status, challenge) {
  return new Response(null, { status, headers: challenge === undefined ? {} : { "www-authenticate": challenge } });
}

export function isOAuth(provider) {
  return typeof provider?.tokens === "function" && typeof provider.clientInformation === "function";
}

/**
 * `{ token, fetch, authorize, stepsUp, finish }`. `send` is for all that is asked, `proven` for the MCP endpoint. Whether what was
 * refused is sent once more is the core's to say: it has `authorize` ask the provider, one question for all.
 */
export function tokens(options, url, send, proven) {
  const { authProvider } = options;
  const provider = isOAuth(authProvider) ? byTheSdk(options, url, send) : authProvider;
  /** Answers that refused a token, by status: a provider may look at all that they say. */
  const refused = new Map();
  const forget = (status) => {
    const { response } = refused.get(status) ?? {};
    refused.delete(status);
    if (response && !response.bodyUsed) response.body?.cancel().catch(() => {});
  };
  const bearer = async () => {
    const token = await auth.token();
    return token ? `Bearer ${token}` : null;
  };
  const auth = {
    /** Whether the provider can do anything about a want of scopes. */
    stepsUp: Boolean(provider[QUESTIONS[403]]),
    token: () => seam(() => provider.token?.()),
    finish(callback, issuer) {
      if (!provider.finish) throw new TypeError("finishAuth needs an OAuthClientProvider as authProvider");
      return provider.finish(callback, issuer);
    },
    async fetch(input, init) {
      const response = await proven(input, init);
      const { status } = response;
      // Nothing that another address said is the gate's word on what was sent.
      if (!provider[QUESTIONS[status]] || response.bodyUsed || response.followed) return response;
      forget(status);
      refused.set(status, { response: response.clone(), before: new Headers(init.headers).get("authorization") });
      return response;
    },
    /** As an `Authority` does. Each request asks the provider for the token that it goes with. */
    async authorize({ status, challenge }, { signal } = {}) {
      const granted = { same: true };
      if (status === undefined) return granted;
      const question = QUESTIONS[status];
      const ask = async (watch) => {
        const { response = bare(status, challenge), before } = refused.get(status) ?? {};
        // Somebody else may have got a new one meanwhile.
        if (before !== undefined && (await bearer()) !== before) return { ...granted, found: true };
        const fetchFn = provider === authProvider ? send : watch(send);
        return (await provider[question]({ response, serverUrl: new URL(url), fetchFn })) !== false && granted;
      };
      try {
        const got = provider[question] && (await inTurn(authProvider, signal, (watch) => seam(() => ask(watch))));
        if (got) return got;
      } catch (error) {
        return { thrown: hosts(error) };
      } finally {
        forget(status);
      }
      const refusal = new Error(`The server refuses the token (HTTP ${status}), and the provider has no other.`);
      return { thrown: Object.assign(refusal, { httpStatus: status }) };
    },
  };
  return auth;
}
