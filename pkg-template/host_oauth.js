// An OAuthClientProvider of the SDKs as what our own flow needs of a host: it keeps, and shows.

import { required } from "./host_errors.js";

/** What we keep beside the tokens, which a provider stores as they are: the record of our own flow, as text. */
const RECORD = "mcp-evergreen";

/** As `readAuth` gives it for `options.auth`; and `prepare()`, `finish(callback, issuer)`. */
export function byOurselves({ authProvider: provider, errors }, endpoint, fetch) {
  const redirectUrl = String(provider.redirectUrl ?? "");
  /** What was kept last, for providers that have not stored it yet. */
  let last;
  /** What the user came back with. */
  let back;
  return {
    endpoint,
    fetch,
    redirectUrl,
    clientMetadata: JSON.stringify(provider.clientMetadata ?? {}),
    /** A client that the provider knows is used as it is. */
    async prepare() {
      const client = await provider.clientInformation();
      this.clientId = client?.client_id ?? provider.clientMetadataUrl;
      this.clientSecret = client?.client_secret;
    },
    async load() {
      const tokens = await provider.tokens();
      if (!tokens?.access_token) return last;
      if (typeof tokens[RECORD] === "string") return tokens[RECORD];
      // Of another client's life: good until it is refused.
      const nobody = { issuer: "", resource: "", token_endpoint: "", client: { id: "", method: "none" } };
      return JSON.stringify({ grant: { ...nobody, scope: tokens.scope, access: tokens.access_token } });
    },
    async keep(text) {
      last = text;
      const { clients = {}, grant } = JSON.parse(text);
      const client = grant?.client ?? Object.values(clients).at(-1);
      if (client && client.id !== this.clientId) {
        await provider.saveClientInformation?.({ client_id: client.id, client_secret: client.secret });
      }
      if (!grant) return void (await provider.invalidateCredentials?.("tokens"));
      const { access, refresh, scope } = grant;
      await provider.saveTokens({ access_token: access, token_type: "Bearer", refresh_token: refresh, scope, [RECORD]: text });
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
