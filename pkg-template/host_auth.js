// The SDKs' `authProvider`: a token for each request, and what to do about a 401.

/**
 * `{ token, fetch, failure, finish }` for `{ token(), onUnauthorized?({ response, serverUrl, fetchFn }) }`. `fetch` asks
 * the provider once when a request meets a 401, one question for all, and sends the request once more.
 */
export function tokens({ authProvider: provider }, url, send) {
  let asking;
  const auth = {
    /** What the provider threw last. */
    failure: undefined,
    token: () => provider.token?.(),
    finish() {
      throw new TypeError("finishAuth needs an OAuthClientProvider as authProvider");
    },
    async fetch(input, init) {
      const response = await send(input, init);
      if (response.status !== 401 || !provider.onUnauthorized) return response;
      const before = new Headers(init.headers).get("authorization");
      try {
        // Somebody else may have got a new one meanwhile.
        if (before === (await bearer())) await (asking ??= ask(response));
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
  const bearer = async () => {
    const token = await auth.token();
    return token ? `Bearer ${token}` : null;
  };
  const ask = async (response) => {
    try {
      await provider.onUnauthorized({ response, serverUrl: new URL(url), fetchFn: send });
    } finally {
      asking = undefined;
    }
  };
  return auth;
}
