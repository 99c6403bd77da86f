// The SDKs' `authProvider`: a token for each request, and what to do about a refusal.

/** What a refusal says of itself (RFC 6750, 3; RFC 9728, 5.1). */
function challenge(response) {
  const header = response.headers.get("www-authenticate") ?? "";
  const field = (name) => new RegExp(`\\b${name}=(?:"([^"]*)"|([^\\s,]+))`, "i").exec(header)?.slice(1).find(Boolean);
  const metadata = field("resource_metadata");
  return {
    error: field("error"),
    scope: field("scope"),
    resourceMetadataUrl: metadata && URL.canParse(metadata) ? new URL(metadata) : undefined,
  };
}

/** An OAuthClientProvider by the SDK's own `auth`, as `{ token, onUnauthorized, onForbidden, finish }`. */
function byTheSdk({ authProvider: provider, auth, onInsufficientScope, errors = {} }, url, fetchFn) {
  let known = {};
  const run = async (more) => {
    const { resourceMetadataUrl, scope } = known;
    const result = await auth(provider, { serverUrl: new URL(url), resourceMetadataUrl, scope, fetchFn, ...more });
    if (result === "AUTHORIZED") return;
    throw errors.UnauthorizedError ? new errors.UnauthorizedError() : undefined;
  };
  const scopes = (...texts) => [...new Set(texts.flatMap((text) => text?.split(" ") ?? []))].join(" ") || undefined;
  return {
    token: async () => (await provider.tokens())?.access_token,
    onUnauthorized({ response }) {
      const { scope, resourceMetadataUrl = known.resourceMetadataUrl } = challenge(response);
      known = { resourceMetadataUrl, scope: scopes(known.scope, scope) };
      return run();
    },
    /** A scope is missing: more are asked for, which a refresh cannot give. Says whether that is worth another try. */
    async onForbidden({ response }) {
      const { error, scope, resourceMetadataUrl = known.resourceMetadataUrl } = challenge(response);
      if (error !== "insufficient_scope" || onInsufficientScope === "throw") return false;
      known = { resourceMetadataUrl, scope: scopes(known.scope, (await provider.tokens())?.scope, scope) };
      await run({ forceReauthorization: true });
      return true;
    },
    finish(callback, issuer) {
      const isText = typeof callback === "string";
      const authorizationCode = isText ? callback : callback.get("code");
      if (!authorizationCode) throw new TypeError("callback: holds no code");
      return run({ authorizationCode, iss: issuer ?? (isText ? undefined : (callback.get("iss") ?? undefined)) });
    },
  };
}

export function isOAuth(provider) {
  return typeof provider?.tokens === "function" && typeof provider.clientInformation === "function";
}

/**
 * `{ token, fetch, failure, finish }`. `fetch` asks the provider when a request meets a refusal, one question for all, and
 * sends the request once more.
 */
export function tokens(options, url, send) {
  const { authProvider } = options;
  const provider = isOAuth(authProvider) ? byTheSdk(options, url, send) : authProvider;
  let asking;
  const ask = async (question, response) => {
    try {
      return await provider[question]({ response, serverUrl: new URL(url), fetchFn: send });
    } finally {
      asking = undefined;
    }
  };
  const bearer = async () => {
    const token = await auth.token();
    return token ? `Bearer ${token}` : null;
  };
  const auth = {
    /** What the provider threw last. */
    failure: undefined,
    token: () => provider.token?.(),
    finish(callback, issuer) {
      if (!provider.finish) throw new TypeError("finishAuth needs an OAuthClientProvider as authProvider");
      return provider.finish(callback, issuer);
    },
    async fetch(input, init) {
      const response = await send(input, init);
      const question = { 401: "onUnauthorized", 403: "onForbidden" }[response.status];
      // Nothing that another address said is the gate's word on what was sent.
      if (!question || !provider[question] || response.followed) return response;
      const before = new Headers(init.headers).get("authorization");
      try {
        // Somebody else may have got a new one meanwhile.
        const known = (await bearer()) !== before || (await (asking ??= ask(question, response)));
        if (known === false) return response;
        auth.failure = undefined;
      } catch (error) {
        auth.failure = error;
        // Its body may have been read by the provider.
        return new Response(null, { status: 401, headers: response.headers });
      }
      const now = await bearer();
      if (!response.bodyUsed) response.body?.cancel().catch(() => {});
      const headers = new Headers(init.headers);
      if (now) headers.set("authorization", now);
      return send(input, { ...init, headers });
    },
  };
  return auth;
}
