// An OAuthClientProvider of the SDKs as what our own flow needs of a host: it keeps, and shows, and has its say where the
// flow asks for tokens.

import { lock } from "./authorization.js";
import { needsIssuer, readCallback } from "./host_callback.js";
import { hosts, required, seam } from "./host_errors.js";
import { Requests, issuerOf } from "./host_requests.js";
import { covers } from "./host_resource.js";
import { inTime } from "./in_time.js";

/** What we keep beside the tokens, which a provider stores as they are: the record of our own flow, as text. */
const RECORD = "mcp-evergreen";

const NO_GRANT = "authProvider.prepareTokenRequest: gave no grant_type, and without a redirectUrl there is no code";

/** A provider may take so long to say what is exchanged for a token. */
const GRANT_MS = 60_000;

/** The issuers that clients were used at first, by provider and id, for providers that do not store it. */
const owners = new WeakMap();

/** The names of locks of providers, which no other tab has. */
const names = new WeakMap();

/** As `readAuth` gives it for `options.auth`; and `prepare()`, `finish(callback, issuer)`, `forgetDiscovery()`. */
export function byOurselves({ authProvider: provider, errors, trust }, endpoint, send) {
  const redirectUrl = String(provider.redirectUrl ?? "");
  const requests = new Requests(provider, endpoint, send);
  /** What was kept last, for providers that have not stored it yet. */
  let last;
  /** What was kept with the tokens. */
  let record;
  /** The client that the provider has. */
  let known;
  /** The one that it had before this began, with all that it has of it. */
  let own;
  let hasTokens = false;
  /** What the user came back with, and whether that was but the code. */
  let back;
  let isBare = false;
  /** Another tab has taken the turn from this one, and knows more. */
  let hasLost = false;
  /** The token that the provider had last, as far as was seen; and the one that requests go with since then, and before. */
  let seen;
  let goes = {};
  let before;
  /** What is kept of a token of which nothing new was said: all that the provider has of it. */
  const stored = async (access) => {
    const kept = await provider.tokens();
    return kept?.access_token === access ? kept : { access_token: access, token_type: "Bearer" };
  };
  const saved = async (info) => provider.saveClientInformation?.(info, { issuer: info.issuer });
  return {
    endpoint,
    fetch: requests.fetch,
    requests,
    trust,
    redirectUrl,
    /** The user is away from here, and comes back by `finish`. */
    leaves: true,
    /** There is none: the provider says what is exchanged for a token. */
    unattended: redirectUrl === "",
    namesResource: typeof provider.validateResourceURL === "function",
    /** What a provider takes anew, it may have anew; but what is configured for a machine is that, and no other. */
    clientIsRenewable: redirectUrl !== "" && typeof provider.saveClientInformation === "function",
    clientMetadata: JSON.stringify(provider.clientMetadata ?? {}),
    /** A client that the provider knows is used as it is. */
    async prepare() {
      await requests.begin();
      const issuer = requests.issuer ?? (await provider.tokens())?.issuer;
      own = await provider.clientInformation(issuer === undefined ? undefined : { issuer });
      known = own?.client_id;
      requests.first = known;
      this.clientId = known ?? provider.clientMetadataUrl;
      this.clientSecret = own?.client_secret;
      // Without a word of it that is what it is (RFC 7591, section 2), and what the SDKs take first.
      const { token_endpoint_auth_method: wanted } = provider.clientMetadata ?? {};
      this.clientAuthMethod = own?.token_endpoint_auth_method ?? (wanted && wanted !== "none" ? wanted : "client_secret_basic");
    },
    /** As the SDK does, a client is stored with its `issuer`. */
    bound() {
      if (own?.client_id === undefined) return undefined;
      return own.issuer ?? owners.get(provider)?.get(own.client_id) ?? ownerOf(own.client_id, last ?? record);
    },
    async bind(issuer) {
      const bound = this.bound();
      if (bound !== undefined) return bound;
      if (!owners.has(provider)) owners.set(provider, new Map());
      owners.get(provider).set(own.client_id, issuer);
      await saved({ ...own, issuer });
      return issuer;
    },
    /** From now on requests go with this token. */
    goWith(token) {
      if (goes.token !== token) before = goes.token;
      goes = { token, seen };
    },
    /** Whether the provider has the token still that goes along with this: its user may have signed out, or be another. */
    async isCurrent(authorization) {
      const { access_token: now } = (await provider.tokens()) ?? {};
      if (now !== goes.seen) return false;
      return goes.token === undefined ? before === undefined || authorization !== `Bearer ${before}` : authorization === `Bearer ${goes.token}`;
    },
    async load() {
      const tokens = await provider.tokens();
      seen = tokens?.access_token;
      hasTokens = Boolean(tokens?.access_token);
      if (!hasTokens) return last && JSON.stringify({ ...JSON.parse(last), grant: undefined });
      record = tokens[RECORD];
      const { access_token: access, refresh_token: refresh, scope } = tokens;
      const its = [record, last].find((text) => read(text).grant?.access === access);
      if (its !== undefined) {
        if (this.namesResource || isFor(its, endpoint)) return its;
        // It is another server's: that one keeps it.
        hasTokens = false;
        return JSON.stringify({ ...read(its), grant: undefined });
      }
      // Of another client's life: good until it is refused, and then refreshed by who gave it.
      const issuer = String(tokens.issuer ?? issuerOf(await provider.discoveryState?.()) ?? "");
      const grant = { issuer, token_endpoint: "", client: { id: "", method: "none" }, scope, access, refresh };
      return JSON.stringify({ ...read(last ?? record), grant });
    },
    async keep(text) {
      if (hasLost) return;
      last = text;
      const { clients = {}, forgotten, grant } = JSON.parse(text);
      requests.forgotten = forgotten;
      if (forgotten !== undefined && forgotten === known) {
        known = undefined;
        await provider.invalidateCredentials?.("client");
      }
      const [issuer, { id, secret }] = grant ? [grant.issuer, grant.client] : (Object.entries(clients).at(-1) ?? ["", {}]);
      if (id && id !== known && id !== this.clientId) {
        known = id;
        await saved({ ...requests.registered.get(id), client_id: id, client_secret: secret, issuer });
      }
      if (!grant) {
        if (hasTokens) await provider.invalidateCredentials?.("tokens");
        hasTokens = false;
        seen = undefined;
        return;
      }
      const { access, refresh, scope } = grant;
      const said = requests.saidOf(access) ?? (await stored(access));
      const tokens = { ...said, refresh_token: refresh, scope: said.scope ?? scope, issuer: issuer || said.issuer, [RECORD]: text };
      await provider.saveTokens(tokens, issuer ? { issuer } : undefined);
      hasTokens = true;
      seen = access;
    },
    /** One of all that have this provider, and of all tabs that may have another one for the same client. */
    async lock(signal) {
      if (!names.has(provider)) names.set(provider, `mcp-evergreen:${Math.random()}`);
      await lock(names.get(provider), signal);
      const client = known ?? this.clientId;
      const lost = () => (hasLost = true);
      if (client !== undefined) await lock(`mcp-evergreen:host:${JSON.stringify([endpoint, client])}`, signal, lost);
      hasLost = false;
    },
    returned() {
      const returned = back;
      back = undefined;
      return returned;
    },
    /** What the server is called where tokens are asked for. */
    async name(said) {
      const url = new URL(endpoint);
      url.hash = "";
      const resource = await provider.validateResourceURL(url, said);
      return resource && String(resource);
    },
    /** What is exchanged for a token, as a form. */
    async grant(issuer, resource, scope) {
      await requests.tell(issuer, resource);
      const asked = provider.prepareTokenRequest(scope ?? provider.clientMetadata?.scope);
      const form = new URLSearchParams(await seam(() => inTime(asked, GRANT_MS, "authProvider.prepareTokenRequest")));
      if (!form.has("grant_type")) throw hosts(new TypeError(NO_GRANT));
      if (resource !== undefined) form.delete("resource");
      return String(form);
    },
    /** The user is away from here: the Client hears that it is not authorized, until `finish`. */
    async open(url, _state, pending) {
      const to = new URL(url);
      const { issuer, resource } = JSON.parse(pending);
      await requests.tell(issuer, resource);
      const state = await provider.state?.();
      if (state) to.searchParams.set("state", state);
      // The grant has its name from our own: a provider may give the same for any user.
      await provider.saveCodeVerifier(state ? JSON.stringify({ ...JSON.parse(pending), asked: state }) : pending);
      await provider.redirectToAuthorization(to);
      throw required(errors);
    },
    async finish(callback, issuer) {
      const { params, isCode, iss } = readCallback(callback, issuer);
      isBare = isCode && iss === undefined;
      const pending = await provider.codeVerifier();
      // An authorization that others have begun has none of it.
      const { state, asked = state, scope } = read(pending);
      // The Client's host has compared it where it gives but the code; what comes back otherwise has it (RFC 6749, 4.1.2).
      const isAnswer = isCode || params.get("state") === asked;
      params.set("state", isAnswer ? String(state ?? "") : "");
      Object.assign(requests, { kept: pending, scope });
      const url = new URL(redirectUrl);
      url.search = params;
      back = [pending, url.href];
    },
    /** What is told of an answer that was not taken. */
    notFinished(error) {
      return isBare && error.diagnosis?.kind === "wrong_issuer" ? needsIssuer(error) : error;
    },
    async forgetDiscovery() {
      await provider.invalidateCredentials?.("discovery");
    },
  };
}

/** The issuer of what was granted to a client, by the record of our own flow. */
function ownerOf(id, record) {
  const { grant } = read(record);
  return grant?.client?.id === id ? grant.issuer : undefined;
}

/** Whether what is kept was granted for this endpoint, as far as that is known (RFC 8707). */
function isFor(record, endpoint) {
  const { resource } = read(record).grant ?? {};
  return typeof resource !== "string" || covers(resource, endpoint);
}

/** What was kept, by us or by others. */
function read(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
