// An OAuthClientProvider of the SDKs as what our own flow needs of a host: it keeps, and shows.

import { required } from "./host_errors.js";

/** What we keep beside the tokens, which a provider stores as they are: the record of our own flow, as text. */
const RECORD = "mcp-evergreen";

/** As `readAuth` gives it for `options.auth`; and `prepare()`, `finish(callback, issuer)`. */
export function byOurselves({ authProvider: provider, errors, trust }, endpoint, fetch) {
  const redirectUrl = String(provider.redirectUrl ?? "");
  /** What was kept last, for providers that have not stored it yet. */
  let last;
  /** The client that the provider has. */
  let known;
  let hasTokens = false;
  /** What the user came back with. */
  let back;
  return {
    endpoint,
    fetch,
    trust,
    redirectUrl,
    /** The user is away from here, and comes back by `finish`. */
    leaves: true,
    /** What a provider takes anew, it may have anew. */
    clientIsRenewable: typeof provider.saveClientInformation === "function",
    clientMetadata: JSON.stringify(provider.clientMetadata ?? {}),
    /** A client that the provider knows is used as it is. */
    async prepare() {
      const client = await provider.clientInformation();
      known = client?.client_id;
      this.clientId = known ?? provider.clientMetadataUrl;
      this.clientSecret = client?.client_secret;
    },
    async load() {
      const tokens = await provider.tokens();
      hasTokens = Boolean(tokens?.access_token);
      if (!hasTokens) return last && JSON.stringify({ ...JSON.parse(last), grant: undefined });
      if (typeof tokens[RECORD] === "string") return tokens[RECORD];
      // Of another client's life: good until it is refused.
      const nobody = { issuer: "", token_endpoint: "", client: { id: "", method: "none" } };
      return JSON.stringify({ grant: { ...nobody, scope: tokens.scope, access: tokens.access_token } });
    },
    async keep(text) {
      last = text;
      const { clients = {}, forgotten, grant } = JSON.parse(text);
      if (forgotten !== undefined && forgotten === known) {
        known = undefined;
        await provider.invalidateCredentials?.("client");
      }
      const client = grant?.client ?? Object.values(clients).at(-1);
      if (client && client.id !== known && client.id !== this.clientId) {
        known = client.id;
        await provider.saveClientInformation?.({ client_id: client.id, client_secret: client.secret });
      }
      if (!grant) {
        if (hasTokens) await provider.invalidateCredentials?.("tokens");
        hasTokens = false;
        return;
      }
      const { access, refresh, scope } = grant;
      await provider.saveTokens({ access_token: access, token_type: "Bearer", refresh_token: refresh, scope, [RECORD]: text });
      hasTokens = true;
    },
    lock: () => undefined,
    returned() {
      const returned = back;
      back = undefined;
      return returned;
    },
    /** The user is away from here: the Client hears that it is not authorized, until `finish`. */
    async open(url, _state, pending) {
      const to = new URL(url);
      const state = await provider.state?.();
      if (state) to.searchParams.set("state", state);
      await provider.saveCodeVerifier(state ? JSON.stringify({ ...JSON.parse(pending), state }) : pending);
      await provider.redirectToAuthorization(to);
      throw required(errors);
    },
    async finish(callback, issuer) {
      const params = new URLSearchParams(typeof callback === "string" ? { code: callback } : callback);
      if (issuer) params.set("iss", issuer);
      const pending = await provider.codeVerifier();
      // The Client's host has compared it where it was given but the code.
      if (!params.has("state")) params.set("state", JSON.parse(pending).state);
      const url = new URL(redirectUrl);
      url.search = params;
      back = [pending, url.href];
    },
  };
}
