// For which resource a token was granted (RFC 8707): another one does not get to see it.

/** So many tokens of a provider are remembered. */
const MAX_TOKENS = 16;

const known = new WeakMap();

/** Whether a resource, as its metadata names it, has the endpoint (RFC 9728, 3.3; MCP, Authorization: Resource Parameter). */
export function covers(resource, endpoint) {
  if (!URL.canParse(resource)) return false;
  const [whole, part] = [new URL(resource), new URL(endpoint)];
  const folder = (path) => (path.endsWith("/") ? path : `${path}/`);
  return whole.origin === part.origin && folder(part.pathname).startsWith(folder(whole.pathname));
}

/** What tokens of one provider were asked for by this page: which others it has is not known. */
export class Audiences {
  /** `resource`s, by access tokens. */
  #granted = new Map();
  #isNamed;

  constructor(isNamed) {
    this.#isNamed = isNamed;
  }

  static of(provider) {
    // Who names resources has them for whatever it likes.
    if (!known.has(provider)) known.set(provider, new Audiences(typeof provider.validateResourceURL === "function"));
    return known.get(provider);
  }

  isAnothers(token, endpoint) {
    const resource = this.#granted.get(token);
    return resource !== undefined && !this.#isNamed && !covers(resource, endpoint);
  }

  /** `send` for what is asked of authorization servers. */
  watch(send) {
    return async (input, init) => {
      const response = await send(input, init);
      const resource = init?.method === "POST" && new URLSearchParams(String(init.body)).get("resource");
      if (resource && response.ok) this.#keep(await tokenIn(response), resource);
      return response;
    };
  }

  #keep(token, resource) {
    if (typeof token !== "string") return;
    this.#granted.set(token, resource);
    if (this.#granted.size > MAX_TOKENS) this.#granted.delete(this.#granted.keys().next().value);
  }
}

async function tokenIn(response) {
  const said = await response
    .clone()
    .json()
    .catch(() => undefined);
  return said?.access_token;
}
