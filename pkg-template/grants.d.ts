/**
 * Providers for the option `auth` where there is no user to send away, and tokens that are of no use to whoever steals them: the
 * authorization extensions of MCP. A secret in a page is none: what has one belongs in a worker of a server, or in Node.
 *
 * ```js
 * const provider = clientCredentials({ clientId: "my-service", clientSecret, issuer: "https://as.example.com" });
 * const session = await connect("https://example.com/mcp", { auth: { provider } });
 * ```
 */
import type { AuthProvider, GrantProvider, GrantRequest } from "./types.js";

/**
 * Who the client is. All errors are `TypeError`s that name the member, and come before anything is sent; what of a key shows only when
 * it is used is the `cause` of the error that the calls fail with (`code: "auth"`).
 */
export interface ClientOptions {
  /** As it is registered with the authorization server. */
  clientId: string;
  /** Proves who the client is (`client_secret_basic` or `client_secret_post`, as the authorization server takes it). */
  clientSecret?: string | undefined;
  /**
   * Proves it by a signed assertion instead (`private_key_jwt`, RFC 7523): a `CryptoKey`, which need not be extractable, a JWK, or
   * PEM (PKCS #8).
   */
  privateKey?: string | object | undefined;
  /** Of that key. */
  algorithm?: "ES256" | "ES384" | "RS256" | "PS256" | undefined;
  /** The `kid` of that key, where the authorization server knows several. */
  keyId?: string | undefined;
  /** The authorization server that the client is registered with: nobody else gets what proves who it is. */
  issuer?: string | undefined;
  /** Asked for in place of what the server wants. */
  scope?: string | undefined;
  /** Where tokens are kept, as for other providers. Default: in memory. */
  storage?: AuthProvider["storage"];
}

/** Extension `io.modelcontextprotocol/oauth-client-credentials`; RFC 6749, section 4.4. */
export function clientCredentials(options: ClientOptions): GrantProvider;

/**
 * Workload identity federation; RFC 7523, section 2.1. `assertion` gives the JWT that the workload's platform has made for the
 * authorization server; what it throws is the `cause` of the error.
 */
export function workloadIdentity(
  options: ClientOptions & { assertion: (asked: GrantRequest) => string | Promise<string> },
): GrantProvider;

/**
 * Enterprise-managed authorization: extension `io.modelcontextprotocol/enterprise-managed-authorization`. The user has signed in
 * with the enterprise's identity provider: `idToken` gives the ID token, which is exchanged there for a grant (ID-JAG, RFC 8693) for
 * the MCP server's authorization server. An answer whose `issued_token_type` is not that of an ID-JAG is passed on to nobody.
 */
export function enterpriseManaged(
  options: ClientOptions & {
    idToken: (asked: GrantRequest) => string | Promise<string>;
    /** The identity provider, and who the client is to it. */
    idp: {
      /** An absolute `https:` URL; `http:` to this machine alone. */
      tokenEndpoint: string;
      clientId: string;
      clientSecret?: string | undefined;
      fetch?: ((url: string, init: any) => Promise<any>) | undefined;
    };
  },
): GrantProvider;

/**
 * The same provider, with tokens that are bound to a key of this client's (DPoP, RFC 9449): of `popup` and `redirect`, or of one of
 * these. The key cannot be read out. Each request has a proof of its own, and the nonces of both servers are heeded.
 *
 * The provider may be of a class: its methods are called on itself.
 *
 * A token that the authorization server did not bind (its `token_type` is `Bearer`, as where it knows no DPoP) is used by nobody: the
 * calls that wait fail with `code: "auth"`, and why is the `cause`. A provider is for servers with DPoP, or without.
 * @throws {TypeError} There is no IndexedDB here, or the pair is not one for ECDSA with P-256, its public key extractable. A
 * key that cannot be had later is the `cause` of the error that the calls fail with.
 */
export function withDpop<P extends AuthProvider | GrantProvider>(
  provider: P,
  options?: {
    /**
     * `"indexeddb"` (default): made once, and kept there. `"memory"`: another one for each page life. Or a pair of the host's, for
     * ECDSA with P-256.
     */
    key?: "indexeddb" | "memory" | { readonly privateKey: object; readonly publicKey: object } | undefined;
    /** The name of the key in IndexedDB. Default `"dpop"`. */
    name?: string | undefined;
  },
): P;
