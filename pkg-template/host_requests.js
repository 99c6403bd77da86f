// What our own flow asks of authorization servers, as a provider of the SDK wants it: it may know where they are, have a
// client there, say what is exchanged for a token, and prove who it is in its own way.

import { isBound, proven } from "./host_dpop.js";

const SERVER = /^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)|\/\.well-known\/openid-configuration$/;

/** So many are remembered. */
const MAX_SERVERS = 16;

export class Requests {
  #provider;
  #endpoint;
  #send;
  /** What the provider has kept of an earlier discovery. */
  #known;
  /** Of this one: `{ url, document }`. */
  #resource;
  /** The latest first. */
  #servers = [];
  /** What the token endpoint said last. */
  #said;
  /** What was registered, by client id: a provider stores all of it. */
  registered = new Map();
  /** What the provider threw. */
  failure;
  /** The scope that is asked for, and what is kept as code verifier. */
  scope;
  kept;
  /** The client that was forgotten, and the one that the provider gave before it was known for whom. */
  forgotten;
  first;

  constructor(provider, endpoint, send) {
    this.#provider = provider;
    this.#endpoint = endpoint;
    this.#send = send;
  }

  /** An authorization begins. `anew`: nothing that is kept is used. */
  async begin(anew) {
    this.failure = undefined;
    this.#resource = undefined;
    this.#known = anew ? undefined : await this.#provider.discoveryState?.();
    if (!this.#known?.authorizationServerUrl) this.#known = undefined;
  }

  /** It was not found out, but known. */
  get isKnown() {
    return this.#known !== undefined;
  }

  /** The authorization server that is known from before, as it names itself. */
  get issuer() {
    return issuerOf(this.#known);
  }

  /** What was said of this token, if it was got here: a provider stores all of it. */
  saidOf(token) {
    return this.#said?.access_token === token ? this.#said : undefined;
  }

  /** Tells the provider who authorizes, and for what. */
  async tell(issuer, resource) {
    const provider = this.#provider;
    const { document } = this.#servers.find(({ document }) => document.issuer === issuer) ?? {};
    await provider.saveAuthorizationServerUrl?.(issuer);
    if (resource) await provider.saveResourceUrl?.(resource);
    if (this.#known?.authorizationServerMetadata || !provider.saveDiscoveryState) return;
    const named = this.#resource?.document.authorization_servers ?? [];
    await provider.saveDiscoveryState({
      authorizationServerUrl: named.find((url) => bare(url) === bare(issuer)) ?? issuer,
      resourceMetadataUrl: this.#resource?.url,
      resourceMetadata: this.#resource?.document,
      authorizationServerMetadata: document,
    });
  }

  /** As `fetch`: for the flow it is the way to others. */
  fetch = async (input, init) => {
    try {
      const url = String(input);
      if (init.method === "GET") return await this.#find(url, init);
      if (String(new Headers(init.headers).get("content-type")).startsWith("application/json")) return await this.#register(url, init);
      const form = new URLSearchParams(init.body);
      return await (form.has("grant_type") ? this.#token(url, init, form) : this.#send(input, init));
    } catch (error) {
      // That nothing answers is for the flow to see.
      if (error instanceof Thrown) {
        this.failure = error.cause;
        throw error.cause;
      }
      throw error;
    }
  };

  async #find(url, init) {
    const { pathname, origin } = new URL(url);
    const isServer = SERVER.test(pathname);
    const document = this.#known && this.#remembered(isServer, origin);
    const response = document ? Response.json(document) : await this.#send(url, init);
    const read = response.ok ? await response.clone().json().catch(() => undefined) : undefined;
    if (read?.token_endpoint) this.#servers = [{ url, document: read }, ...this.#servers].slice(0, MAX_SERVERS);
    else if (!isServer && read?.authorization_servers) this.#resource = { url, document: read };
    return response;
  }

  #remembered(isServer, origin) {
    const { authorizationServerUrl, authorizationServerMetadata, resourceMetadata } = this.#known;
    if (!isServer) return resourceMetadata ?? { resource: this.#endpoint, authorization_servers: [String(authorizationServerUrl)] };
    return origin === new URL(authorizationServerUrl).origin ? authorizationServerMetadata : undefined;
  }

  #serverOf(field, url) {
    return this.#servers.find(({ document }) => document[field] === url)?.document ?? this.#known?.authorizationServerMetadata;
  }

  /** A provider may have a client for each authorization server. */
  async #register(url, init) {
    const issuer = this.#serverOf("registration_endpoint", url)?.issuer;
    const client = issuer && (await byProvider(() => this.#provider.clientInformation({ issuer })));
    if (client?.client_id && this.#isKnownAt(client, issuer)) return Response.json(client, { status: 201 });
    const response = await this.#send(url, init);
    const read = response.ok ? await response.clone().json().catch(() => undefined) : undefined;
    if (read?.client_id) this.registered.set(read.client_id, read);
    return response;
  }

  /** A client that does not say whose it is, and was given before anybody knew for whom, belongs elsewhere. */
  #isKnownAt({ client_id: id, issuer }, asked) {
    if (id === this.forgotten) return false;
    return issuer === undefined ? id !== this.first : bare(issuer) === bare(asked);
  }

  async #token(url, init, given) {
    const provider = this.#provider;
    const metadata = this.#serverOf("token_endpoint", url);
    const form = await byProvider(() => this.#form(given, metadata));
    const post = async (proof) => {
      const headers = new Headers(init.headers);
      if (proof) headers.set("dpop", proof);
      if (provider.addClientAuthentication) {
        headers.delete("authorization");
        for (const field of ["client_id", "client_secret"]) form.delete(field);
        await byProvider(() => provider.addClientAuthentication(headers, form, url, metadata));
      }
      return this.#send(url, { ...init, headers: Object.fromEntries(headers), body: String(form) });
    };
    const session = await byProvider(() => provider.dpop?.());
    const response = await (session ? proven(proofs(session), url, post) : post());
    const read = response.ok ? await response.clone().json().catch(() => undefined) : undefined;
    if (typeof read?.access_token === "string") {
      if (session && provider.bindsAll && !isBound(read)) throw new Thrown("", { cause: unbound() });
      this.#said = read;
    }
    // To the flow it is a token like others: the proofs are added where it is sent.
    if (!session || !isBound(read ?? {})) return response;
    return Response.json({ ...read, token_type: "Bearer" });
  }

  async #form(given, metadata) {
    const provider = this.#provider;
    const form = new URLSearchParams(given);
    if (given.get("grant_type") === "refresh_token" && provider.scopeForRefresh) {
      const scope = await provider.scopeForRefresh(await provider.tokens(metadata && { issuer: metadata.issuer }));
      if (scope) form.set("scope", scope);
      else form.delete("scope");
    }
    if (given.get("grant_type") !== "authorization_code") return form;
    const own = await provider.prepareTokenRequest?.(this.scope ?? provider.clientMetadata?.scope);
    if (!own) return form;
    // What the provider has as the code verifier is what is kept for the way back.
    if (own.get("code_verifier") === this.kept) own.set("code_verifier", given.get("code_verifier"));
    for (const field of ["resource", "client_id", "client_secret"]) {
      if (given.has(field)) own.set(field, given.get(field));
    }
    return own;
  }
}

/** What fails there is the provider's as well. */
function proofs(session) {
  return {
    buildProof: (request) => byProvider(() => session.buildProof(request)),
    observeNonce: (response, url) => session.observeNonce(response, url),
  };
}

function unbound() {
  const why = "its answer has another token_type than DPoP, so that whoever has the token may use it";
  return new Error(`The authorization server did not bind the token to the key: ${why}. It was not used. Without withDpop it would be.`);
}

/** What a provider threw, and not the network. */
class Thrown extends Error {}

async function byProvider(run) {
  try {
    return await run();
  } catch (cause) {
    throw new Thrown("", { cause });
  }
}

/** The authorization server that a provider has kept, as it names itself. */
export function issuerOf(known) {
  const { authorizationServerMetadata: document, authorizationServerUrl: url } = known ?? {};
  return document?.issuer ?? (url && String(url));
}

/** The slash after a bare host means nothing. */
export function bare(url) {
  return String(url).replace(/^(https?:\/\/[^/?#]+)\/$/i, "$1");
}
