// The least that is an authorization server: it registers any client and signs in whoever comes, without asking.

const LIFETIME_S = 3600;

export class Tokens {
  #resource;
  /** The one token that is good; none is wanted before the first `expire`. */
  #good;
  #wanted = false;
  #challenges = new Map();
  #refresh = new Set();

  /** @param {string} resource the endpoint that the tokens are for */
  constructor(resource) {
    this.#resource = resource;
  }

  get issuer() {
    return this.#resource.replace(/mcp$/, "auth");
  }

  /** No token that was given out so far is good any more. */
  expire() {
    this.#wanted = true;
    this.#good = undefined;
  }

  /** @param {string | null} authorization the header */
  accept(authorization) {
    return !this.#wanted || (this.#good !== undefined && authorization === `Bearer ${this.#good}`);
  }

  refusal() {
    const challenge = `Bearer error="invalid_token", resource_metadata="${this.issuer}/resource"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  }

  /** @param {Request} request to `issuer/…`, or for its metadata */
  async answer(request, path) {
    switch (path) {
      case "resource":
        return json({ resource: this.#resource, authorization_servers: [this.issuer] });
      case "metadata":
        return json({
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/authorize`,
          token_endpoint: `${this.issuer}/token`,
          registration_endpoint: `${this.issuer}/register`,
          response_types_supported: ["code"],
          grant_types_supported: ["authorization_code", "refresh_token"],
          code_challenge_methods_supported: ["S256"],
          token_endpoint_auth_methods_supported: ["none"],
        });
      case "register":
        return json({ ...(await request.json()), client_id: random(), token_endpoint_auth_method: "none" }, 201);
      case "authorize":
        return this.#authorize(new URL(request.url).searchParams);
      case "token":
        return this.#token(new URLSearchParams(await request.text()));
      default:
        return json({ error: "not_found" }, 404);
    }
  }

  /** Where the user would be sent back to, without the detour over a page of ours. */
  #authorize(asked) {
    const code = random();
    this.#challenges.set(code, asked.get("code_challenge"));
    const back = new URL(asked.get("redirect_uri"));
    back.searchParams.set("code", code);
    if (asked.has("state")) back.searchParams.set("state", asked.get("state"));
    return json({ location: back.href });
  }

  async #token(asked) {
    const refresh = asked.get("refresh_token");
    const held = refresh
      ? this.#refresh.delete(refresh)
      : await this.#proves(asked.get("code"), asked.get("code_verifier") ?? "");
    if (!held) return json({ error: "invalid_grant" }, 400);
    // Others may hold the token that is good: they go on with it.
    this.#good ??= random();
    const next = random();
    this.#refresh.add(next);
    return json({ access_token: this.#good, token_type: "Bearer", expires_in: LIFETIME_S, refresh_token: next });
  }

  async #proves(code, verifier) {
    const challenge = this.#challenges.get(code);
    this.#challenges.delete(code);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
    const proof = btoa(String.fromCharCode(...hash)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    return challenge !== undefined && challenge === proof;
  }
}

function json(value, status = 200) {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json", "cache-control": "no-store" } });
}

function random() {
  return crypto.randomUUID();
}
