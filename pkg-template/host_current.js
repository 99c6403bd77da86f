// The SDKs ask a provider for its token with each request: whoever has signed out, or in as another, is seen by the next one.

import { UnprovenError } from "./host_dpop.js";

/** Nothing was sent. The core knows it by `isOutdated`, and asks for the token that there is. */
class OutdatedError extends Error {
  isOutdated = true;
}

/** `send` for the MCP endpoint: nothing goes out with a token that the provider does not have any more. */
export function withCurrent(oauth, send) {
  if (!oauth) return send;
  return async (input, init) => {
    let isCurrent;
    try {
      isCurrent = await oauth.isCurrent(new Headers(init.headers).get("authorization"));
    } catch (cause) {
      throw new UnprovenError("authProvider.tokens threw.", { cause });
    }
    if (!isCurrent) throw new OutdatedError("The provider has another token by now.");
    return send(input, init);
  };
}
