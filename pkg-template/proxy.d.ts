/**
 * A proxy for pages whose MCP servers send no CORS headers: a function from Request to Response on web standards alone, for
 * Cloudflare Workers, Deno, Vercel, Bun and Node. It keeps no state. What it is told and what it tells is described in
 * `docs/proxy.md` of this package.
 */

/** Who may use the proxy, and what it goes to. One of {@link ProxyOptions.targets} and {@link ProxyOptions.authorize} is needed. */
export interface ProxyOptions {
  /**
   * The servers that it goes to: absolute URLs, each with all that lies at its origin, or below its path where it has one (then
   * the metadata of OAuth at that origin is read, too). The authorization servers belong here as well, where the page cannot
   * read their metadata. Default: every public server, for those whom `authorize` lets through.
   */
  targets?: readonly (string | URL)[] | undefined;
  /**
   * Says who may use it: anything but `true` refuses. `request` is without its body; the credential of the page's user is
   * best in the header `Evergreen-Authorization`, which no target gets. `Origin` alone proves nothing: only browsers tell the
   * truth in it. Default: everybody may, for `targets`.
   */
  authorize?: ((request: Request, context: { target: URL }) => boolean | Promise<boolean>) | undefined;
  /** Origins of the pages that are served; requests without an `Origin` are not concerned. Default: all. */
  origins?: readonly string[] | undefined;
  /** Header fields that are passed on beside those of MCP, such as `X-Api-Key`. Default: none. */
  passHeaders?: readonly string[] | undefined;
  /** Ports beside 443 that may be gone to; those of `targets` may always. Default: none. */
  ports?: readonly number[] | undefined;
  /**
   * Lets it go to loopback, private, CGNAT and unique local addresses, and to names of the local network: for tests, and for
   * servers of one's own network. Link-local addresses (cloud metadata) stay refused. Default `false`.
   */
  allowPrivateTargets?: boolean | undefined;
  /**
   * All addresses of a name: the request is refused where one of them is not public. Default: the system's resolver in Node,
   * Bun and Deno. Where there is none (Workers, edge functions), names are not looked up, and the platform is relied on to have
   * no private network.
   */
  resolve?: ((hostname: string) => Promise<readonly string[]>) | undefined;
  /**
   * Used in place of what the platform has. In Node that is a connection to an address that was checked; a `fetch` of one's own,
   * as in all other runtimes, looks the name up once more.
   */
  fetch?: typeof globalThis.fetch | undefined;
  /** Milliseconds until the head of an answer must be there, the request's own body included. Default 300 000. */
  headTimeout?: number | undefined;
  /** Default 16 MiB. */
  maxRequestBytes?: number | undefined;
  /** Of one answer, or one event stream. Default 64 MiB. */
  maxResponseBytes?: number | undefined;
  /** Told of what was thrown in here, or by `authorize`. Default: nobody. */
  onerror?: ((error: unknown) => void) | undefined;
}

/**
 * The proxy as a handler. Throws a TypeError where neither `targets` nor `authorize` is given, or an option is wrong. What the
 * handler refuses it answers with JSON, `{ error, message }`.
 */
export function createProxy(options: ProxyOptions): (request: Request) => Promise<Response>;

/** A handler as a listener for `createServer` of `node:http` or `node:https`. */
export function nodeListener(
  handler: (request: Request) => Response | Promise<Response>,
): (incoming: unknown, outgoing: unknown) => Promise<void>;
