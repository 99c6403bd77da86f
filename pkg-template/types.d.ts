/// <reference lib="esnext.disposable" />

/**
 * Sessions with servers of the Model Context Protocol (MCP) over Streamable HTTP that survive eviction: when the
 * server has lost the session, it is made anew and the refused call is sent once more.
 *
 * Durations are in milliseconds, sizes in bytes, points in time in milliseconds since the epoch. "MCP" followed by a
 * section refers to the specification, revision 2025-11-25.
 */

// ── Connecting ───────────────────────────────────────────────────────────────────────────────────

/**
 * Connects to an MCP server and resolves when the session is ready for calls. Loads the WebAssembly first, where that
 * has not been done. (MCP, Lifecycle: Initialization.)
 *
 * @param url The server's MCP endpoint: `http:` or `https:`, without user name and password. In a page it may be
 *   relative to the page; what begins with a host's name (`mcp.example.com/mcp`) is a URL without its scheme, and refused: a path
 *   that looks so is written `./`.
 * @throws {TypeError} An unknown option, or one of a wrong type; the message names it. Nothing was sent.
 * @throws {McpError} The server cannot be reached, refuses, or is no MCP server; or the WebAssembly could not be
 *   loaded (`code: "load"`). Nothing goes on in the background after that.
 * @throws The signal's reason, where `options.signal` was aborted.
 */
export function connect(url: string | URL, options?: ConnectOptions): Promise<Session>;

/**
 * Loads the WebAssembly ahead of the first {@link connect}, or from another place than the file in the package. What
 * is loaded once is kept: later calls do nothing. A load that failed is not remembered: the next `init` or `connect`
 * tries again.
 *
 * @param source Where the WebAssembly comes from: a URL, a `Response`, the bytes, a compiled module, or a promise of
 *   one of these. Default: `wasm/mcp_evergreen_bg.wasm` beside the package's code.
 * @throws {TypeError} `source` is something else.
 * @throws {McpError} With `code: "load"`; the message says what came instead and what to do.
 */
export function init(source?: WasmSource | Promise<WasmSource>): Promise<void>;

/**
 * The same for the second WebAssembly module, which authorizes: it is loaded at the first {@link connect} with the option
 * `auth`, and not at all without one.
 *
 * @param source As for {@link init}. Default: `wasm/mcp_evergreen_auth_bg.wasm` beside the package's code.
 * @throws {TypeError} `source` is something else.
 * @throws {McpError} With `code: "load"`.
 */
export function initAuth(source?: WasmSource | Promise<WasmSource>): Promise<void>;

/** Where the WebAssembly can come from. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssemblyModule;

/** The options of {@link connect}. `undefined` counts as absent. */
export interface ConnectOptions {
  /**
   * Who the host is. Servers log it, and some decide by it.
   * Default: the name and version of this package. (MCP, Lifecycle: Initialization.)
   */
  clientInfo?: Implementation | undefined;
  /**
   * What the host can do for the server, sent as it is. `sampling`, `elicitation` and `roots` need their handler in
   * {@link ConnectOptions.handlers}; a handler alone declares its capability as `{}`. For `elicitation` that means
   * forms; `{ form: {}, url: {} }` declares both modes, and a mode that was not declared is refused.
   * Default: what the handlers declare. (MCP, Lifecycle: Capability Negotiation.)
   */
  capabilities?: ClientCapabilities | undefined;
  /**
   * Who answers the server's requests, by method. They are in force before the first byte is sent. A request without
   * a handler is answered with "method not found". Default: none.
   */
  handlers?: RequestHandlers | undefined;
  /** Listeners from the first moment on; see {@link Session.on}. Default: none. */
  on?: { [E in keyof SessionEvents]?: ((detail: SessionEvents[E]) => void) | undefined } | undefined;
  /**
   * Headers for the MCP endpoint, such as `authorization`, read anew for each request. They cannot replace the
   * headers that the session sets itself. A function that throws fails the request. One that does not settle holds up the
   * requests that it is asked for, until their time is up; where it is only asked who is signed in (`persist`, `share`, the
   * cache), five seconds or half of `timeout`: then that is not known, nothing of an earlier page or of the cache is used,
   * and the event `warning` says so, with the kind `slow_headers`. Default: none.
   */
  headers?: RequestHeaders | ((context: HeaderContext) => RequestHeaders | Promise<RequestHeaders>) | undefined;
  /** Used in place of the global `fetch`, for the MCP endpoint alone. It must honour `signal`. */
  fetch?: Fetch | undefined;
  /**
   * By way of `mcp-evergreen/proxy`, for servers that send no CORS headers: its URL, or {@link ProxyRoute}. Default: none.
   */
  proxy?: string | URL | ProxyRoute | undefined;
  /** The `credentials` mode of every request. Default `"omit"`; a proxy that knows its users by cookies needs another. */
  credentials?: "omit" | "same-origin" | "include" | undefined;
  /**
   * Gets tokens where the server wants them, and new ones before they expire or when they are refused. A call that the
   * server refused for its token waits for the next one, and is sent once more. Default: a 401 is the caller's, with
   * `code: "unauthorized"`; a static token goes into {@link ConnectOptions.headers}. By plain http nothing is authorized, but
   * on this machine: a server that wants no login is reached all the same. (MCP, Authorization.)
   */
  auth?: AuthOptions | undefined;
  /**
   * What the server is called in OAuth, where that is not `url` (behind a proxy): its metadata must name this address or
   * a parent of it. Default `url`. (RFC 8707, RFC 9728.)
   */
  resource?: string | undefined;
  /**
   * Who is signed in. Tokens, persisted and shared sessions are kept apart by it, and it alone says whose the session and
   * its cached results are: for another user, open another session. Default: nobody in particular; then another
   * `Bearer` or `Basic` value in `headers` (none is another as well), or another grant, empties the cache at once, and no
   * request goes out under a session that was made with the one before: the next call makes a session of its own, once a
   * minute at most, and once for nobody; at once, however often, where a user has signed in by `auth`. A call that comes sooner waits; where that would take more than half of its time
   * it fails with `"invalid_option"` and the diagnosis `"changing_credentials"`, which is a `warning` as well. Give `identity` where a
   * user's values are renewed in `headers`; a JSON Web Token with a `sub` that differs only in `exp`, `nbf`, `iat` and `jti`
   * is the same user's without it (RFC 7519, 4.1).
   */
  identity?: string | undefined;
  /**
   * Which era of the protocol is spoken: `"legacy"` has sessions (2024-11-05 to 2025-11-25), `"modern"` has none
   * (2026-07-28). `"auto"` asks the server by `server/discover`, and remembers for an hour which endpoints are legacy.
   * Default `"auto"`. (MCP 2026-07-28, Versioning.)
   */
  era?: "auto" | "legacy" | "modern" | undefined;
  /** How a lost session is made anew. */
  recovery?: RecoveryOptions | undefined;
  /**
   * Whether `readOnlyHint` and `idempotentHint` of a tool decide if a call whose outcome is unknown may be repeated.
   * Default `false`: clients must consider annotations untrusted, unless they come from a trusted server. Before such a call
   * is sent again the list of tools is read again, and has to say the same of its tool.
   * (MCP, Tools: Data Types.)
   */
  trustAnnotations?: boolean | undefined;
  /**
   * Milliseconds until a request without an answer fails with `code: "timeout"`; also for the handshake. From 1 to
   * 2 147 483 647. Default 60 000. (MCP, Lifecycle: Timeouts.)
   */
  timeout?: number | undefined;
  /**
   * Milliseconds that a request may take at most, whatever progress it reports, and however long the user is asked.
   * Default: no bound.
   */
  maxTotalTimeout?: number | undefined;
  /** Bytes that a JSON answer may have at most; a longer one fails with `code: "too_large"`. Default 64 MiB. */
  maxMessageBytes?: number | undefined;
  /** Bytes that one event of a stream may have at most; a longer one fails with `code: "too_large"`. Default 16 MiB. */
  maxEventBytes?: number | undefined;
  /**
   * How often in a row a broken event stream is resumed without a new event: 0 to 1000. Default 5.
   * (MCP, Transports: Resumability and Redelivery.)
   */
  maxResumes?: number | undefined;
  /**
   * How often one call may ask for input before it fails with `code: "protocol"`: 0 to 1000. Default 10.
   * (MCP 2026-07-28, Multi Round-Trip Requests.)
   */
  maxInputRounds?: number | undefined;
  /**
   * When the standing stream is open, on which the server sends what belongs to no call. It takes one of the six
   * connections that a browser has per origin with HTTP/1.1: at most three sessions of a page listen to one origin, the
   * others wait for their turn, with the `warning` `"stream_budget"`. Where the browser says that the origin speaks HTTP/2
   * or 3 (for another origin than the page's it needs `Timing-Allow-Origin`), and outside of browsers, there is no bound.
   * - `"auto"`: while there is a handler, a subscription, or a listener for what the server says unasked:
   *   `notification`, `toolschange`, `resourceschange`, `promptschange`, `resourceupdate`, `log`, `elicitationcomplete`.
   * - `"always"`, `"never"`.
   *
   * Default `"auto"`. (MCP, Transports: Listening for Messages from the Server.)
   */
  listen?: "auto" | "always" | "never" | undefined;
  /**
   * What becomes of calls (and of connecting) while the device is offline: `"wait"` for the network as long as their
   * time-out allows, or `"fail"` at once with `code: "network"` and `outcome: "not_executed"`. Either way nothing is
   * attempted before the network is back. Servers on this device are reached without one. Default `"wait"`.
   */
  offline?: "wait" | "fail" | undefined;
  /**
   * What becomes of a first connect while the server cannot be reached or is too busy: `"fail"`, after what `recovery`
   * allows; or `"wait"`: it resolves with a session in the state `"waiting"` (`status.lastError` says why), which comes
   * back by itself when the server is there, with pauses that grow up to the length of the outage, or with the next call.
   * What no waiting can mend (a wrong URL, no version in common, a login that failed) fails either way. Default `"fail"`;
   * `"wait"` for {@link SessionManager.open} and `useMcp`.
   */
  unreachable?: "wait" | "fail" | undefined;
  /**
   * Milliseconds after which a session that lies idle is pinged, so that a server which counts idle time keeps it: 1 to
   * 2 147 483 647. Left out while traffic flows, paused while the page is hidden. Default: never. (MCP, Ping.)
   */
  keepAlive?: number | undefined;
  /**
   * Where the session is kept while the page is loaded anew: `sessionStorage`, or functions that may give promises. Its
   * id, era, version and handshake, its subscriptions, the log level and `pendingTasks` are kept, bound to `url`,
   * `identity`, `clientInfo`, `capabilities` and `era`, for a day; tokens never. The first call of the next page life
   * then goes out without a handshake, and heals the session if the server has evicted it. One page holds a session at a
   * time: a duplicated tab gets its own. Nothing of it is used before it is known that it was made for whoever is signed in
   * now; another's is dropped. What cannot be read is dropped, with the `warning` `"persisted_session"`, and so it is where
   * the store does not answer within five seconds, or a quarter of `timeout` where that is less. A page
   * that ends without `pagehide` (a crash) leaves nothing. Whoever can read the store can use the session. Default: not
   * kept; the session ends with the page.
   */
  persist?: WebStorage | SessionStore | undefined;
  /**
   * Tabs (and workers) of one origin that name the same key share one session and one listening stream with the server.
   * Those that differ in `url`, `identity`, `clientInfo`, `capabilities` or `era` do not meet. One of them leads: it makes
   * the session and listens. When it closes, crashes or stops, another takes over; see {@link Status.share}.
   *
   * - Shared: the session, what the server says unasked (every tab hears it), what is subscribed (the server is told of
   *   an unsubscribing once no other tab wants the resource), the log level, recoveries.
   * - Each tab's own: its calls with their progress, and the questions that come on their streams. A call of a tab that
   *   dies is gone with it. A question that comes on the listening stream goes to a tab that has a call under way.
   * - Each tab has its own `headers`, `auth`, listeners and handlers: give them all the same.
   *
   * {@link Session.close} ends the session on the server in the last tab; in the others it only leaves. A page that is left
   * ends nothing. Needs Web Locks and a BroadcastChannel: where there are none (pages of plain http: that are not of this
   * device), the tab has a session of its own, and there is the `warning` `"share_unavailable"`. Not together with
   * `persist`. Default: not shared.
   */
  share?: {
    /** The name of the group: not empty. */
    key: string;
  } | undefined;
  /**
   * How many pages {@link Session.tools} and the like get at most: 1 to 1 000 000. A longer list fails with
   * `code: "too_large"`. Default 64. (MCP, Pagination.)
   */
  maxPages?: number | undefined;
  /**
   * Says whether a tool's structured content fits the tool's `outputSchema`. It does where this gives nothing, `true`,
   * `{ valid: true }`, an empty list or an empty string; anything else says why not, and so does what it throws. The call then
   * fails with `code: "protocol"`, `outcome: "executed"` and the diagnosis `"structured_content"`, and is not made again;
   * `cause` is what came. So does one whose tool has a schema and gives no structured content. A result with `isError` is not
   * asked for. Where the tools were not listed since they changed last, they are listed after the call, all pages; where they
   * cannot be, the call fails so, too. A task that is resumed is checked where its tool is known, as in {@link Session.pendingTasks}.
   * Default: nothing is checked; a validator of the TypeScript SDK's is one line:
   * `(schema, value) => validator.getValidator(schema)(value)`.
   * (MCP, Tools: Output Schema.)
   */
  validate?: ((schema: any, value: unknown) => Validity | Promise<Validity>) | undefined;
  /**
   * Where the host is in its trace: read for each request of the host's as it is made, and sent in the request's `_meta`,
   * the same again where the request is sent again. A caller's own `_meta.traceparent` takes its place. What it throws, or a
   * member that is no string, goes to `reportError`, and the request goes without. Default: no trace.
   * (MCP 2026-07-28, Overview: `_meta`; W3C, Trace Context.)
   */
  trace?: (() => TraceContext | undefined) | undefined;
  /** Aborts the connecting. It has no effect on the session once that is ready. */
  signal?: AbortSignal | undefined;
}

/** A proxy that runs the handler of `mcp-evergreen/proxy`. */
export interface ProxyRoute {
  /** Where it is; in a page it may be relative to it. */
  url: string | URL;
  /**
   * `"cors"`: only where the page sees nothing of the server's answer to `server/discover` or `initialize`. They decide for the
   * session, and for an hour for the endpoint; a call never changes its way. `"always"`: for every request. Default `"cors"`.
   */
  when?: "cors" | "always" | undefined;
  /**
   * Whether registrations, tokens and revocations of OAuth go by the proxy, too, **which then sees codes and tokens**. Metadata
   * goes by it where the page cannot read it, in any case. Default `false`.
   */
  oauth?: boolean | undefined;
  /** For the proxy alone, such as its own credential in `Evergreen-Authorization`; read anew for each request. Default: none. */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>) | undefined;
}

/** What {@link ConnectOptions.validate} says. */
export type Validity = void | null | boolean | string | Error | readonly unknown[] | { readonly valid: boolean; readonly [key: string]: unknown };

/** A place in a trace, in the formats of W3C's Trace Context and Baggage. Other members are left out. */
export interface TraceContext {
  traceparent?: string | undefined;
  tracestate?: string | undefined;
  baggage?: string | undefined;
}

/** Who authorizes, and how. */
export interface AuthOptions {
  /** Shows, and stores. */
  provider: AuthProvider | GrantProvider;
  /**
   * When the user is asked to sign in. A token that can be had without the user is had in any case, without a window.
   * - `"auto"`: as soon as a call needs it.
   * - `"click"`: by {@link Session.authorize}. Until then calls wait, and their clocks stand still (`maxTotalTimeout` runs);
   *   `connect` gives a session that waits, and `status.waitingFor.why` is `"sign-in"`. A login in another session or tab
   *   with the same `storage` is one for this session as well.
   * - `"never"`: by {@link Session.authorize}; what needs it fails with `code: "unauthorized"`.
   *
   * Default `"auto"`; in `mcp-evergreen/react` and `mcp-evergreen/store` `"click"`.
   */
  ask?: "auto" | "click" | "never" | undefined;
  /**
   * Used in place of the global `fetch` for what OAuth asks: the metadata of the MCP server and of its authorization server,
   * registrations, tokens, revocations. {@link ConnectOptions.fetch} is not used for those: what it adds is for the MCP
   * endpoint. It is asked not to follow redirects, and must honour `signal`.
   */
  fetch?: Fetch | undefined;
  /** An authorization server that the host knows, and vouches for. Default: none. */
  trust?: AuthTrust | undefined;
}

/**
 * The host's word for *its* authorization server, where that departs from the specifications in what makes nobody else less
 * safe: metadata that names another issuer than the MCP server does (RFC 8414, section 3.3), PKCE that is not announced, a
 * `resource` that is not taken (RFC 8707). PKCE is sent all the same, `state` and `iss` are checked, and clients and tokens
 * are bound to their issuer as ever. Nobody becomes this server by calling himself so: it is asked at its own address.
 */
export interface AuthTrust {
  /** Its issuer identifier, exactly: as the MCP server names it, or as its own metadata does. */
  issuer: string;
  /**
   * Whether `resource` is sent. `false` where the server refuses every request that has it. Default: it is sent, and left
   * out from then on where it was refused as `invalid_target`.
   */
  resource?: boolean | undefined;
  /** Whether a refresh names the scope that was granted (RFC 6749, section 6). Default `false`. */
  refreshScope?: boolean | undefined;
}

/**
 * How a host takes part in an authorization. `popup` and `redirect` of `mcp-evergreen/auth` make one; anything else that
 * can show a page and say where it led (an extension's `identity.launchWebAuthFlow`, a native shell) can be one as well.
 */
export interface AuthProvider {
  /** Where the authorization server sends the user back to. In a page it may be relative to it. */
  redirectUrl: string | URL;
  /**
   * The client's name with the authorization server: an id that was registered there; or an https URL with a path at
   * which a Client ID Metadata Document is, used where the server takes those. Default: none, the client is registered
   * dynamically (RFC 7591).
   */
  clientId?: string | undefined;
  /** The secret of a registered client. What stands in a page is no secret: prefer public clients. */
  clientSecret?: string | undefined;
  /**
   * The `issuer` of the authorization server that `clientId` was registered with: id and secret are sent to no other one
   * (`code: "auth"`, `diagnosis.kind: "other_issuer"`). Default: the one that it is first used with, which is kept in
   * `storage`, under a key of the client's own, before it is used; without a `storage` by this provider object. Name it: the
   * first server that asks may be anybody's. An id that was registered with two servers needs two providers.
   */
  issuer?: string | undefined;
  /** What is registered where the client is registered dynamically. Defaults: what fits `redirectUrl` and the server. */
  clientMetadata?: ClientMetadata | undefined;
  /**
   * Where tokens and registrations are kept: a `Storage`, or an object like it. Tabs that use the same one share them,
   * and refresh once for all. What stands in `localStorage` can be read by every script of the origin. One that throws (it
   * is full, or blocked), or does not settle within ten seconds, costs no login: what it did not take stays in the memory of the page, and is offered to it again; the
   * event `warning` says so, with the kind `auth_storage`. Default: the memory of this page; the same for all sessions with this provider object.
   */
  storage?: AuthStorage | undefined;
  /**
   * `open` leaves the page: what is needed to go on when the user comes back stands in `sessionStorage` meanwhile. It goes
   * when the user is back, with an answer or without.
   */
  navigates?: boolean | undefined;
  /**
   * Shows `url` to the user, and resolves with the URL that the user was sent back to. What it throws fails the calls
   * that wait, with `code: "auth"`; errors named `NotAllowedError`, `AbortError` and `TimeoutError` count as blocked,
   * closed and too late. `url` is https, or http on this machine. Where the authorization server refused something that can
   * be left out or made anew (a client that it has forgotten, `offline_access`), it is called once more for the same login,
   * with the same `signal` and another `state`.
   */
  open(url: string, options: AuthOpenOptions): string | URL | Promise<string | URL>;
  /**
   * Called in the click of {@link Session.authorize}, before anything is fetched: a window opened here is not blocked, and
   * {@link AuthProvider.open} leads it on. Gives what is called when that is over, whether `open` was called or not.
   */
  prepare?(): (() => void) | undefined;
}

/** What is asked of a {@link GrantProvider}. */
export interface GrantRequest {
  /** The authorization server, as it names itself. */
  readonly issuer: string;
  /** The MCP server, as its metadata names it (RFC 8707). */
  readonly resource?: string | undefined;
  /** What the server wants, or lists. */
  readonly scope?: string | undefined;
}

/**
 * In place of an {@link AuthProvider} where there is no user: a service, a workload, an enterprise that has signed its users in. Ready
 * made in `mcp-evergreen/grants`.
 */
export interface GrantProvider extends Pick<AuthProvider, "clientId" | "clientSecret" | "issuer" | "clientMetadata" | "storage"> {
  /**
   * The fields of the request for a token: `grant_type` and what belongs to it. The client's authentication and `resource` are
   * added. Called for each token. What it throws fails the calls that wait, with `code: "auth"`, as their `cause`.
   */
  grant(asked: GrantRequest): Readonly<Record<string, string | undefined>> | Promise<Readonly<Record<string, string | undefined>>>;
}

/** What {@link AuthProvider.open} is told beside the URL. */
export interface AuthOpenOptions {
  /** The `state` that the URL of the answer must have. */
  readonly state: string;
  /** Aborted when the authorization is over, or nobody waits any more. */
  readonly signal: AbortSignal;
  /** The MCP server that the user signs in to: the user must be shown which one. */
  readonly server: { readonly name?: string; readonly url: string };
  /** The `issuer` of its authorization server. */
  readonly issuer: string;
  /** What is asked for; empty where nothing is named. */
  readonly scopes: readonly string[];
  /** The host shows `url` as a link (`auth.ask` is `"click"`): where no window can be opened, the answer is waited for all the same. */
  readonly linked: boolean;
  /** Raises a `warning` on the session, such as that no window can be opened here. */
  readonly warn: (kind: DiagnosisKind, hint: string) => void;
}

/** Where texts are kept. They hold tokens. */
export type AuthStorage =
  | Pick<WebStorage, "getItem" | "setItem">
  | {
      get(key: string): string | null | undefined | Promise<string | null | undefined>;
      set(key: string, text: string): unknown;
    };

/** (RFC 7591, Client Metadata.) */
export interface ClientMetadata {
  client_name?: string | undefined;
  client_uri?: string | undefined;
  logo_uri?: string | undefined;
  /** Scopes to ask for where neither the server's refusal nor its metadata names any. */
  scope?: string | undefined;
  [key: string]: unknown;
}

/** How a lost session is made anew. */
export interface RecoveryOptions {
  /**
   * What is sent again after the session was lost.
   * - `"default"`: a call that the server refused before running it, once; and, where it may have run, only what is
   *   safe to repeat.
   * - `"strict"`: only what is safe to repeat, even after a clear refusal, or a redirect that would send it once more.
   * - `"off"`: nothing. The session is made anew all the same.
   *
   * Safe to repeat are the methods that only read or that set the same thing again, and calls that were marked
   * {@link RequestOptions.repeatable}. Default `"default"`.
   */
  mode?: "default" | "strict" | "off" | undefined;
  /** Handshakes that a waiting call sees fail before it fails, too: 1 to 100. Default 2. */
  maxAttempts?: number | undefined;
  /** Milliseconds before the second handshake, doubled with each further one, with jitter added. Default 500. */
  baseDelay?: number | undefined;
  /** Milliseconds between two handshakes at most, unless the server asks for more. Default 30 000. */
  maxDelay?: number | undefined;
}

/** Header names and values; `undefined` leaves a header out. */
export type RequestHeaders = Record<string, string | undefined> | Headers;

/** For which request headers are wanted. */
export interface HeaderContext {
  /** Why the request is sent. */
  readonly purpose: Purpose;
  /** Its HTTP method. */
  readonly method: "POST" | "GET" | "DELETE";
  /** Where it goes: the MCP endpoint. */
  readonly url: string;
}

/**
 * Why a request is sent. `"discover"` asks which era the server speaks; `"listen"` opens or resumes the standing stream; `"restore"` puts back what a lost session held.
 */
export type Purpose =
  | "discover"
  | "initialize"
  | "initialized"
  | "call"
  | "notification"
  | "ping"
  | "restore"
  | "listen"
  | "cancelled"
  | "answer"
  | "delete";

// ── The session ──────────────────────────────────────────────────────────────────────────────────

/**
 * A session with one server, through as many evictions as it takes. Made by {@link connect}; it lives until
 * {@link Session.close}, also where no reference to it is left.
 *
 * Every promise settles: within the time-out of its request, or at once with the session's end. While the user is asked
 * on a request's behalf, that clock stands still ({@link RequestOptions.timeout}). Arguments are taken at the time of the
 * call; what the caller does to its objects later changes nothing. Results are the objects that the engine's own JSON parser
 * made. Where the type of a result has a list, there is one: what the server writes as `null` or `{}`, or leaves out, is an
 * empty array, and anything else in its place is an error with `code: "protocol"`.
 *
 * Every method that returns a promise rejects with
 * - a `TypeError` for a wrong argument or option, which it names; nothing was sent;
 * - an {@link McpError} for everything else that goes wrong.
 */
export interface Session {
  /** The server's endpoint. */
  readonly url: string;

  /** The state of the session: a frozen snapshot, the same object until something but `verifiedAt` changes. */
  readonly status: Status;

  /**
   * Calls a tool. A tool that reports a failure of its own resolves, with `isError: true`. (MCP, Tools: Calling Tools.)
   */
  callTool<Structured = unknown>(params: CallToolParams, options?: RequestOptions): Promise<CallToolResult<Structured>>;

  /**
   * Waits for a task that an earlier call became: an entry of {@link Session.pendingTasks}, what
   * {@link RequestOptions.ontask} told, or its `taskId`; also after the page was loaded anew. Resolves with the result of
   * that call. A task that the server does not know any more rejects with `code: "rpc"`.
   *
   * Servers count their tasks anew after a restart. Where `createdAt` is given, or was told for this id (in
   * `pendingTasks`, or in the life of this session), the server must tell the same: else it rejects with
   * `code: "outcome_unknown"`, and the server's task of that id is left alone. Until the server has told it, giving the
   * call up does not cancel the task. A task of which only the id is known is whatever the server has by it.
   * (Extension io.modelcontextprotocol/tasks; MCP 2025-11-25, Tasks.)
   */
  resumeTask<Structured = unknown>(
    task: string | { readonly taskId: string; readonly createdAt?: string | null | undefined },
    options?: RequestOptions,
  ): Promise<CallToolResult<Structured>>;

  /**
   * Tool calls of an earlier page life that had become tasks, and that nobody waits for yet: with
   * {@link ConnectOptions.persist}, for {@link Session.resumeTask}. `name` is the tool's; `createdAt` is as the server
   * told it (ISO 8601), and absent where it told none.
   */
  readonly pendingTasks: readonly { readonly taskId: string; readonly name?: string; readonly createdAt?: string }[];

  /** One page of the server's tools; {@link Session.tools} gives all. (MCP, Tools: Listing Tools.) */
  listTools(params?: PageParams, options?: RequestOptions): Promise<ListToolsResult>;

  /** One page of the server's resources. (MCP, Resources: Listing Resources.) */
  listResources(params?: PageParams, options?: RequestOptions): Promise<ListResourcesResult>;

  /** One page of the server's resource templates. (MCP, Resources: Resource Templates.) */
  listResourceTemplates(params?: PageParams, options?: RequestOptions): Promise<ListResourceTemplatesResult>;

  /** One page of the server's prompts. (MCP, Prompts: Listing Prompts.) */
  listPrompts(params?: PageParams, options?: RequestOptions): Promise<ListPromptsResult>;

  /**
   * All tools, page by page: a page is asked for when the items of the one before are used up. `options` are those of
   * each request.
   *
   * Next to what a request throws, iterating throws an {@link McpError} with `code: "too_large"` after
   * {@link ConnectOptions.maxPages} pages. Cursors belong to a session: where it is lost between two pages and the next one
   * refuses the cursor, the list is begun anew, once, and what was given is not given again. Any other cursor that leads
   * nowhere (one that comes again, is no string, or is refused with -32602) ends the list with what there is, and there is
   * the `warning` `"bad_cursor"`. (MCP, Pagination.)
   */
  tools(options?: RequestOptions): AsyncGenerator<Tool, void, undefined>;

  /** All resources; see {@link Session.tools}. */
  resources(options?: RequestOptions): AsyncGenerator<Resource, void, undefined>;

  /** All resource templates; see {@link Session.tools}. */
  resourceTemplates(options?: RequestOptions): AsyncGenerator<ResourceTemplate, void, undefined>;

  /** All prompts; see {@link Session.tools}. */
  prompts(options?: RequestOptions): AsyncGenerator<Prompt, void, undefined>;

  /**
   * Reads a resource. One that does not exist rejects with `code: "rpc"` and `rpcCode` -32002 or -32602, as the server
   * has it. (MCP, Resources: Reading Resources.)
   */
  readResource(params: ReadResourceParams, options?: RequestOptions): Promise<ReadResourceResult>;

  /**
   * Asks to be told by the event `resourceupdate` when the resource changes. What was subscribed to is subscribed to
   * again under each new session; what the app wanted last counts, also for calls made while the session is made anew.
   * Where the standing stream has to wait for its turn (`listen`), the resource is told of from then on; in the modern era
   * it is told first as `stale`. (MCP, Resources: Subscriptions.)
   */
  subscribeResource(params: ResourceParams, options?: RequestOptions): Promise<EmptyResult>;

  /** Takes {@link Session.subscribeResource} back. (MCP, Resources: Subscriptions.) */
  unsubscribeResource(params: ResourceParams, options?: RequestOptions): Promise<EmptyResult>;

  /** The messages of a prompt. (MCP, Prompts: Getting a Prompt.) */
  getPrompt(params: GetPromptParams, options?: RequestOptions): Promise<GetPromptResult>;

  /** Suggestions for the value of an argument. (MCP, Completion.) */
  complete(params: CompleteParams, options?: RequestOptions): Promise<CompleteResult>;

  /**
   * From this level on the server's log messages come, by the event `log`. Each new session is told the level again.
   * (MCP, Logging: Setting Log Level.)
   */
  setLoggingLevel(level: LoggingLevel, options?: RequestOptions): Promise<EmptyResult>;

  /**
   * Sends any request and resolves with its `result`; extensions included. `_meta` in `params` goes through as it is.
   * `initialize` is the session's own and rejects with a `TypeError`.
   */
  request<Result = unknown>(method: string, params?: Params, options?: RequestOptions): Promise<Result>;

  /**
   * Sends a notification, such as `notifications/roots/list_changed`, and resolves when the server has accepted it. It is
   * never sent twice.
   */
  notify(method: string, params?: Params): Promise<void>;

  /** One round trip to the server, as it is. (MCP, Ping.) */
  ping(options?: RequestOptions): Promise<EmptyResult>;

  /**
   * Calls the listener each time the event happens, at once. What a listener throws goes to `reportError`, or to the
   * console where there is none, never into the session. A listener for what the server says unasked keeps the standing
   * stream open: see {@link ConnectOptions.listen}.
   *
   * @returns The way to stop listening.
   * @throws {TypeError} There is no such event, or the listener is no function.
   */
  on<E extends keyof SessionEvents>(event: E, listener: (detail: SessionEvents[E]) => void): () => void;

  /**
   * Signs the user in, whatever `auth.ask` says; to be called in a click, which opens the window at once, and leads it on when
   * it is known where to. Resolves when the user has signed in and the session is ready; at once where a grant is there that
   * nothing has refused. A server that is open may offer a login, too. What the user does not finish rejects this promise
   * (`code: "auth"`); with `ask: "click"` the calls that wait go on waiting. Where the browser lets no window open even in
   * the click, the `warning` `"popup_blocked"` says so, and `status.waitingFor.url` does as a link.
   *
   * While `connect` with `ask: "auto"` is still under way there is no session to call this of: give `popup` a `window`
   * of the click, connect with `ask: "click"`, or use {@link SessionManager.authorize}. Of tabs that share a session
   * (`share`) any can sign in: one that has, makes the session where the leading tab still waits for its user.
   */
  authorize(options?: SignalOptions): Promise<Status>;

  /** Proves by a round trip that the session lives, and heals it where it does not. */
  verify(options?: SignalOptions): Promise<Status>;

  /**
   * Makes a new session, even where this one seems well, and ends the old one on the server; for all tabs that share it.
   * What is running meanwhile and is refused for that is not sent again unless it is safe to repeat.
   */
  reconnect(options?: SignalOptions): Promise<Status>;

  /**
   * Ends the session: whatever is open rejects with `code: "closed"`. Resolves when the server has taken notice, after
   * five seconds at most. A second call is the same as the first. (MCP, Transports: Session Management 5.)
   */
  close(options?: CloseOptions): Promise<void>;

  /**
   * {@link Session.close}, and then forgets the tokens of this user: they are revoked where the authorization server
   * offers that, and gone from the storage; other sessions of the page with the same grant lose it, too. For another user,
   * connect again with another {@link ConnectOptions.identity}. Rejects where the storage fails.
   */
  signOut(): Promise<void>;

  /**
   * Takes a handler for requests of the server's, or another one than before.
   *
   * @throws {TypeError} The method needs a capability that was not declared: give {@link connect} the handler. Or servers send no
   * such request: `"elicitation"` for `"elicitation/create"`.
   */
  setRequestHandler<M extends `${string}/${string}`>(method: M, handler: HandlerOf<M>): void;

  /** What the server can do, as it said in the latest handshake. */
  getServerCapabilities(): ServerCapabilities | undefined;
  /** Name and version of the server, as it said in the latest handshake. */
  getServerVersion(): Implementation | undefined;
  /** What the server says about its use, as it said in the latest handshake. */
  getInstructions(): string | undefined;

  /** `await using`: the same as {@link Session.close}. Where the platform has `Symbol.asyncDispose`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The options of a request. `undefined` counts as absent. */
export interface RequestOptions {
  /**
   * Gives the request up: its promise rejects at once with `signal.reason`, and the server is told. A signal that is
   * aborted already sends nothing. (MCP, Cancellation.)
   */
  signal?: AbortSignal | undefined;
  /**
   * As {@link ConnectOptions.timeout}, for this request. While a handler of yours is asked on its behalf, or the user has
   * to authorize, the clock stands still: a handler that never answers keeps the request open, unless `maxTotalTimeout`
   * ends it. A question on the listening stream names no request: it counts as asked on behalf of the one that is under
   * way, where there is but one.
   */
  timeout?: number | undefined;
  /** As {@link ConnectOptions.maxTotalTimeout}, for this request. It runs also while the user is asked. */
  maxTotalTimeout?: number | undefined;
  /** Whether a progress notification starts the clock of `timeout` anew. Default `false`. */
  resetTimeoutOnProgress?: boolean | undefined;
  /** Asks the server for progress and is called with it. (MCP, Progress.) */
  onprogress?: ((progress: Progress) => void) | undefined;
  /**
   * Called when a tool call becomes a task, which is polled from then on as the server asks; each answer starts the clock
   * of `timeout` anew. Giving the call up cancels the task. (Extension io.modelcontextprotocol/tasks.)
   */
  ontask?: ((task: Task) => void) | undefined;
  /**
   * What becomes of a result that asks for input: `"auto"` asks the handlers and sends the call once more, `"manual"` gives
   * it to the caller, who sends `inputResponses` and `requestState` among the parameters of a call of its own. Default
   * `"auto"`. (MCP 2026-07-28, Multi Round-Trip Requests.)
   */
  inputRequired?: "auto" | "manual" | undefined;
  /**
   * `"reload"` asks the server, also where it said that an earlier result of the same request is fresh for a while.
   * Default `"default"`. (MCP 2026-07-28, Caching.)
   */
  cache?: "default" | "reload" | undefined;
  /** Whether the server may be asked twice without harm. Default: by the method; `false` for tools. */
  repeatable?: boolean | undefined;
  /** Sent as `_meta` of the parameters, beside what `params._meta` holds. */
  _meta?: Record<string, unknown> | undefined;
  /** Headers for this request, over those of {@link ConnectOptions.headers}. */
  headers?: RequestHeaders | undefined;
}

/** The options of what can be given up. */
export interface SignalOptions {
  /** Gives it up: the promise rejects at once with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/** A store for {@link ConnectOptions.persist}. One that is asynchronous may lose what is written as the page ends. */
export interface SessionStore {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  set(key: string, text: string): void | Promise<void>;
  remove(key: string): void | Promise<void>;
}

/** The options of {@link Session.close}. */
export interface CloseOptions {
  /** Whether the session also ends on the server, by a DELETE. Default `true`. */
  terminate?: boolean | undefined;
}

/** A tool call that runs on the server as a task. */
export interface Task {
  /** For {@link Session.resumeTask}. */
  readonly taskId: string;
  /** When it was created (ISO 8601): what tells it from another of this id. A host that stores tasks keeps both. */
  readonly createdAt?: string;
  readonly status: "working" | "input_required" | "completed" | "failed" | "cancelled";
  /** Milliseconds that the server keeps it; `null`: without a bound. */
  readonly ttlMs?: number | null;
  /** Milliseconds between two questions for it. */
  readonly pollIntervalMs?: number;
  readonly [key: string]: unknown;
}

/** How far a request has come. */
export interface Progress {
  /** Grows with each notification. */
  progress: number;
  /** What `progress` will be in the end, where that is known. */
  total?: number;
  /** For people. */
  message?: string;
  [key: string]: unknown;
}

// ── Status and events ────────────────────────────────────────────────────────────────────────────

/** A frozen snapshot of a session's state. */
export interface Status {
  /**
   * - `"connecting"`: the first handshake is under way.
   * - `"ready"`: calls go out.
   * - `"recovering"`: the session was lost and is being made anew; calls wait.
   * - `"waiting"`: nothing is under way until something happens: see `waitingFor`. The next call tries at once.
   * - `"closed"`: it has ended for good.
   */
  readonly state: "connecting" | "ready" | "recovering" | "waiting" | "closed";
  /** Which of the protocol's two ways of speaking: with sessions (`"legacy"`) or without. Absent before the first answer. */
  readonly era?: "legacy" | "modern";
  /** The negotiated revision, such as `"2025-11-25"`. Absent before the first handshake. */
  readonly protocolVersion?: string;
  /** As {@link Session.getServerVersion}. Absent before the first handshake. */
  readonly serverInfo?: Implementation;
  /** As {@link Session.getServerCapabilities}. Absent before the first handshake. */
  readonly capabilities?: ServerCapabilities;
  /** As {@link Session.getInstructions}. */
  readonly instructions?: string;
  /** A short hash of the session id, for logs. The id itself is nowhere to be read. Absent without an id. */
  readonly sessionTag?: string;
  /** How many sessions this one has had: 1 after the first handshake. */
  readonly generation: number;
  /**
   * When the server last answered under this session, in milliseconds since the epoch. Current as long as this is the
   * session's status; a snapshot that was replaced keeps what it had. Absent before the first answer.
   */
  readonly verifiedAt?: number | undefined;
  /**
   * With {@link ConnectOptions.share}: whether this tab makes the session and listens for all, or another does. Absent
   * where the session is not shared, and while that is not known.
   */
  readonly share?: "leading" | "following";
  /** How many times the session was made anew. */
  readonly recoveries: number;
  /** The latest of them. */
  readonly lastRecovery?: LastRecovery;
  /** With `"waiting"`: what for. */
  readonly waitingFor?: {
    /** A short reason, in words that can be shown as they are; all but `"sign-in"`, which is a code: show a button there. */
    readonly why: WaitingReason;
    /** Until when, in milliseconds since the epoch; absent where nobody knows. */
    readonly until?: number;
    /** With `"sign-in"`: the server that wants it. */
    readonly server?: { readonly name: string; readonly url: string };
    /**
     * With `"sign-in"`: where the user signs in, once that is known. As a link with `target="_blank"` it does where no window
     * can be opened; in a page that is embedded in another site's, with `rel="opener"`.
     */
    readonly url?: string;
  };
  /**
   * With {@link ConnectOptions.auth}: whether somebody is signed in, as far as is known: `true` for a button "Sign out", `false`
   * for "Sign in". A token that the server has refused counts until it is known that no other is to be had without the
   * user; one that only lacks a scope goes on counting. Absent without `auth`.
   */
  readonly signedIn?: boolean;
  /** Why the latest attempt to make the session failed. Absent once it is ready. */
  readonly lastError?: McpError;
}

/**
 * What a session can wait for. While it waits for the user to sign in (`"sign-in"`), the clocks of its calls stand still; after an
 * authorization that failed nothing happens before the next call.
 */
export type WaitingReason =
  | "about to make a new session"
  | "sign-in"
  | "the next call: the authorization failed"
  | "the server cannot be reached"
  | "the server cannot be reached or refuses new sessions"
  | "the server loses sessions soon after it made them"
  | "this device is offline";

/** What a recovery did. */
export interface LastRecovery {
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  /** Why the session had to be made anew. */
  readonly reason: string;
  /** Milliseconds from the loss to the new session. */
  readonly duration: number;
  /** How many calls were sent again. */
  readonly retried: number;
  /** What the session held and holds again. */
  readonly restored?: readonly string[];
  /** What could not be restored. */
  readonly lost?: readonly string[];
}

/** The events of a session, by name, with what their listeners get: frozen objects. */
export interface SessionEvents {
  /** Something in the status changed, apart from `verifiedAt`. */
  statechange: Status;
  /** The session was lost and is being made anew. */
  recovering: {
    /** Why it is taken for lost. */
    readonly reason: string;
    /** The generation of the lost session. */
    readonly generation: number;
  };
  /** The session was made anew, and what it held was put back as far as that could be done. */
  recovered: RecoveredEvent;
  /** A notification of the server's, as it came. */
  notification: {
    /** Such as `notifications/tools/list_changed`. */
    readonly method: string;
    /** Its parameters. */
    readonly params?: Params;
  };
  /**
   * The server has other tools: it said so (an empty detail), or a recovery found it, where the host had listed them;
   * a list that is the same after a recovery raises nothing, and one that could not be compared is `stale`.
   * (MCP, Tools: List Changed Notification.)
   */
  toolschange: Partial<ToolChanges> & StaleList;
  /**
   * The server has other resources; or, with `stale`, may have: the session was made anew since the host listed them
   * (templates too), or another server answers.
   * (MCP, Resources: List Changed Notification.)
   */
  resourceschange: StaleList;
  /** The same for prompts. (MCP, Prompts: List Changed Notification.) */
  promptschange: StaleList;
  /** A subscribed resource changed, or may have. (MCP, Resources: Subscriptions.) */
  resourceupdate: {
    /** Of the resource; the server may also name a part of what was subscribed to. */
    readonly uri: string;
    /** The session was made anew: an update may have been missed. Read the resource again where that matters. */
    readonly stale?: true;
  };
  /** A log message of the server's. (MCP, Logging: Log Message Notifications.) */
  log: {
    readonly level: LoggingLevel;
    /** Who says it. */
    readonly logger?: string | undefined;
    /** What: any JSON value. */
    readonly data: unknown;
  };
  /**
   * What the user was sent to a URL for is done there. Only for ids that the server named before, each once.
   * (MCP, Elicitation: Completion Notifications for URL Mode Elicitation.)
   */
  elicitationcomplete: {
    /** As in the `elicitationId` of its {@link ElicitParams}, or in the `data.elicitations` of an error with `rpcCode` -32042. */
    readonly elicitationId: string;
  };
  /** Something that somebody should mend; nothing has failed yet. */
  warning: Diagnosis;
  /** A step of one HTTP exchange, for inspectors and bug reports. No header, no body, no session id is in it. */
  wire: WireEvent;
  /** The session has ended for good. */
  close: {
    /** Why: the host closed it, the module crashed … */
    readonly reason: string;
  };
}

/** The detail of {@link SessionEvents.recovered}. */
export interface RecoveredEvent {
  /** Why the session had to be made anew. */
  readonly reason: string;
  /** The generation of the new session. */
  readonly generation: number;
  /** Milliseconds from the loss to the new session. */
  readonly duration: number;
  /** How many calls are sent again. */
  readonly retried: number;
  /** What the session held and holds again: `subscription <uri>`, `log level`. */
  readonly restored: readonly string[];
  /** What could not be restored, in the same words; `tool list` where the tools could not be compared. */
  readonly lost: readonly string[];
  /** What differs from before; empty where nothing does. */
  readonly changed: {
    /** The era that is spoken now, where the server has changed it. */
    readonly era?: "legacy" | "modern";
    /** The server's name or version. */
    readonly server?: true;
    /** Its capabilities. */
    readonly capabilities?: true;
    /** Its instructions. */
    readonly instructions?: true;
    /** Its tools, where the host had listed them. */
    readonly tools?: ToolChanges;
  };
  /** The URIs of subscribed resources: each may have changed while nobody was told, and is to be read again. */
  readonly stale: readonly string[];
  /**
   * Lists that the host has got and that may be others now: `resources` (templates too), `prompts`; `tools` only where
   * they could not be compared.
   */
  readonly staleLists: readonly ("resources" | "prompts" | "tools")[];
}

/** How the tools differ, by name. */
export interface ToolChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Another definition under the same name. */
  readonly changed: readonly string[];
}

/** A list that is to be got again. */
export interface StaleList {
  /** It may have changed, nobody knows. */
  readonly stale?: true;
}

/** A step of one HTTP exchange. */
export interface WireEvent {
  /** The same for all steps of one exchange. */
  readonly exchange: number;
  /** Why the request was sent. */
  readonly purpose: Purpose;
  /** Its HTTP method. */
  readonly method: "POST" | "GET" | "DELETE";
  /** The JSON-RPC method in it. */
  readonly rpcMethod?: string;
  /** The generation of the session that it was sent under; 0 where there was none. */
  readonly generation: number;
  /** 1 for the first send of a call, 2 for the second … */
  readonly attempt: number;
  /** What happened. */
  readonly phase: "sent" | "answered" | "failed" | "aborted";
  /** With `"answered"`: the HTTP status. */
  readonly status?: number;
  /** With `"answered"`: what the answer means. */
  readonly verdict?: "ok" | "evicted" | "suspect" | "unknown_outcome" | "transient" | "other_era" | "not_eviction";
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  /** Except with `"sent"`: milliseconds since it was sent. */
  readonly duration?: number;
}

// ── Errors ───────────────────────────────────────────────────────────────────────────────────────

/**
 * Whatever goes wrong, except for wrong arguments. `message` says what happened, what was tried and what to do; it
 * holds no token, no session id and no text of the server's.
 */
export class McpError extends Error {
  constructor(message: string, fields: McpErrorFields);
  readonly name: "McpError";
  /** Why it failed. */
  readonly code: ErrorCode;
  /** Whether the server ran the call. */
  readonly outcome: Outcome;
  /** Whether the same call may succeed later. With `outcome: "unknown"` it may then run twice. */
  readonly retryable: boolean;
  /** A cause that the host or the server's operator can mend. */
  readonly diagnosis?: Diagnosis;
  /**
   * The `data` of a JSON-RPC error, as it came (with `rpcCode` -32042: `{ elicitations }`, the URLs to visit before the
   * call is made again); `{ excerpt }` of another refusal, at most 200 characters of what came: the server's own words, such as
   * "Your key has expired", which stand in no `message`. `toJSON` leaves it out.
   */
  readonly data?: unknown;
  /** The code of a JSON-RPC error. */
  readonly rpcCode?: number;
  /** The HTTP status of the refusal. */
  readonly httpStatus?: number;
  /** What the platform threw, the very object. */
  readonly cause?: unknown;
  /** For logs: without `data`, `cause` and `stack`. */
  toJSON(): Pick<McpError, "name" | "message" | "code" | "outcome" | "retryable" | "rpcCode" | "httpStatus" | "diagnosis">;
}

/** What an {@link McpError} is made of. */
export interface McpErrorFields {
  code: ErrorCode;
  outcome: Outcome;
  retryable?: boolean | undefined;
  diagnosis?: Diagnosis | undefined;
  data?: unknown;
  rpcCode?: number | undefined;
  httpStatus?: number | undefined;
  cause?: unknown;
}

/**
 * Whether the server ran the call.
 * - `"not_executed"`: it was not sent, or was refused before it ran.
 * - `"executed"`: the server answered it.
 * - `"unknown"`: it may have run.
 */
export type Outcome = "not_executed" | "executed" | "unknown";

/**
 * Why something failed; in brackets the usual `outcome`.
 * - `"invalid_option"`: the option `headers` threw, or gave what cannot be sent; `cause` is what it threw. Or it gave
 *   another user's credentials again within a minute (see {@link ConnectOptions.identity}) [not_executed].
 * - `"load"`: the WebAssembly could not be loaded [not_executed].
 * - `"network"`: the request failed below HTTP: offline, refused, reset; or CORS, which a page cannot tell apart
 *   [unknown; not_executed while connecting].
 * - `"cors"`: the browser hid the answer or a header of it; `diagnosis` names the header [not_executed].
 * - `"http"`: an HTTP refusal that is no JSON-RPC error [not_executed or unknown, by its status].
 * - `"not_mcp"`: what answers at this URL is no MCP server [not_executed, or unknown later on].
 * - `"protocol"`: the server broke the protocol [executed or unknown].
 * - `"rpc"`: a JSON-RPC error of the server's; see `rpcCode` and `data` [executed].
 * - `"unsupported_version"`: there is no protocol version in common [not_executed].
 * - `"capability"`: the server lacks the capability [not_executed].
 * - `"session_lost"`: the session was lost and could not be made anew, or the new one refused the call as well
 *   [not_executed].
 * - `"outcome_unknown"`: the connection or the session ended while the call may have been running [unknown].
 * - `"overloaded"`: the server is busy and says so [not_executed].
 * - `"timeout"`: no answer in time [unknown, or not_executed where it was not sent].
 * - `"input"`: the server needs input that no handler gave [unknown].
 * - `"unauthorized"`: HTTP 401, and there is no option `auth`, or the new token was refused as well [not_executed].
 * - `"auth"`: the authorization failed; `diagnosis.kind` says why: `declined`, `popup_blocked`, `closed`, `cut_off`, `embedded`, `timeout`,
 *   `wrong_state`, `wrong_issuer`, `resource_mismatch`, `issuer_mismatch`, `mix_up`, `other_issuer`, `unsafe_url`, `no_pkce`,
 *   `no_client`, `not_registered`, `client_forgotten`, `unreachable`, `redirect_loop` … Where an authorization server refused, `data` is
 *   `{ status, error }`: the HTTP status, and its `error` where that is a plain code of up to 64 bytes [not_executed].
 * - `"proxy"`: the proxy of {@link ConnectOptions.proxy} refused the request (`diagnosis.kind` is `proxy_refused`)
 *   [not_executed], or what answers at its address is no such proxy (`not_a_proxy`) [unknown].
 * - `"too_large"`: the answer is larger than the bound, the list has more pages or more items (131 072 in one page), a
 *   batch has more than 1024 messages, or a call asks for more than 64 inputs at once [executed or unknown].
 * - `"unknown_tool"`: no server of a manager's has a tool of this name; the message names those that are open
 *   [not_executed].
 * - `"closed"`: the session was closed [not_executed, or unknown for what was open].
 * - `"crashed"`: the WebAssembly module crashed. Calls that were open end so; sessions go on in another instance, once a
 *   minute, and the next `connect` starts it anew [unknown, or not_executed].
 */
export type ErrorCode =
  | "invalid_option"
  | "load"
  | "network"
  | "cors"
  | "http"
  | "not_mcp"
  | "protocol"
  | "rpc"
  | "unsupported_version"
  | "capability"
  | "session_lost"
  | "outcome_unknown"
  | "overloaded"
  | "timeout"
  | "input"
  | "unauthorized"
  | "auth"
  | "proxy"
  | "too_large"
  | "unknown_tool"
  | "closed"
  | "crashed";

/** A cause that somebody can mend. */
export interface Diagnosis {
  /** A stable name. */
  readonly kind: DiagnosisKind;
  /** The header concerned. */
  readonly header?: string;
  /** What to do, in a sentence. */
  readonly hint: string;
  /** Where more is said of it: a section of a file in this package, such as `docs/field.md#redirect`. */
  readonly help?: string;
  /** With `invalid_tool`: the tool that was left out of the list, by the name that the server gives it. With `structured_content`: the tool. */
  readonly tool?: string;
  /** With `invalid_tool`: what is wrong with it. */
  readonly why?: string;
}

/** All that an {@link McpError.diagnosis} or a {@link SessionEvents.warning} can be. */
export type DiagnosisKind =
  | "asked_elsewhere"
  | "auth_storage"
  | "bad_cursor"
  | "bad_token"
  | "changing_credentials"
  | "client_forgotten"
  | "closed"
  | "cors"
  | "cut_off"
  | "declined"
  | "embedded"
  | "event_too_large"
  | "failed"
  | "flood"
  | "hidden_refusal"
  | "hidden_session_id"
  | "invalid_tool"
  | "issuer_mismatch"
  | "kept_servers"
  | "list_failed"
  | "local_network"
  | "login_page"
  | "malformed_event"
  | "mix_up"
  | "mixed_content"
  | "no_client"
  | "no_code"
  | "no_connection"
  | "no_handler"
  | "no_metadata"
  | "no_pkce"
  | "not_a_proxy"
  | "not_registered"
  | "not_returned"
  | "offline"
  | "other_issuer"
  | "other_origin"
  | "persisted_session"
  | "popup_blocked"
  | "proxy"
  | "proxy_failed"
  | "proxy_refused"
  | "proxy_unreached"
  | "redirect"
  | "redirect_loop"
  | "refused"
  | "resource_mismatch"
  | "resource_refused"
  | "sent_away"
  | "share_unavailable"
  | "slow_headers"
  | "stream_budget"
  | "structured_content"
  | "timeout"
  | "undeclared_capability"
  | "unexpected_request"
  | "unreachable"
  | "unsafe_url"
  | "unstable_sessions"
  | "wasm_csp"
  | "wasm_html"
  | "wasm_invalid"
  | "wasm_missing"
  | "web_page"
  | "wrong_issuer"
  | "wrong_state";

// ── Questions of the server's ────────────────────────────────────────────────────────────────────

/**
 * Answers a request of the server's. What it returns is the `result`; for `elicitation/create` in form mode, the
 * defaults of `requestedSchema` are added for the properties that an accepted `content` lacks (SEP-1034). What it throws
 * becomes a JSON-RPC error: with the error's `code`, `message` and `data` where `code` is a whole number, as of an error that
 * is meant for the server; else -32603 and no word of what failed (nor for a `DOMException`).
 */
export type RequestHandler<P = any, R = unknown> = (params: P, context: HandlerContext) => R | Promise<R>;

/**
 * Handlers by method; for the methods of the specification with their types. Another one is an extension's, and has a slash in its
 * name.
 */
export interface RequestHandlers {
  "sampling/createMessage"?: RequestHandler<CreateMessageParams, CreateMessageResult> | undefined;
  "elicitation/create"?: RequestHandler<ElicitParams, ElicitResult> | undefined;
  "roots/list"?: RequestHandler<Params | undefined, ListRootsResult> | undefined;
  [method: `${string}/${string}`]: RequestHandler | undefined;
}

/** The type of a method's handler. */
export type HandlerOf<M extends string> = M extends "sampling/createMessage" | "elicitation/create" | "roots/list"
  ? NonNullable<RequestHandlers[M]>
  : RequestHandler;

/** What a handler knows beside the parameters. */
export interface HandlerContext {
  /**
   * Aborted when nobody waits for the answer any more: the session was lost, or the server withdrew the request. A handler
   * that runs on counts as one of the 64 that may run in a session.
   */
  readonly signal: AbortSignal;
  /** Who asks. The user must be shown it. */
  readonly server: {
    /** The host's own name for it, where a {@link SessionManager} has one; else the name that the server claims. */
    readonly name: string;
    /** Its endpoint. */
    readonly url: string;
  };
  /** The call on whose stream the request came, where it came so. */
  readonly call?:
    | {
        /** The JSON-RPC method. */
        readonly method: string;
        /** The tool's or prompt's name or the resource's URI, where it has one. */
        readonly name?: string | undefined;
      }
    | undefined;
  /** The generation of the session that asks. */
  readonly generation: number;
  /** `_meta` of the parameters. */
  readonly _meta?: Record<string, unknown> | undefined;
}

// ── Many servers ─────────────────────────────────────────────────────────────────────────────────

/** Sessions with many servers, each by the name that the host gave it, and what the servers offer as one. */
export class SessionManager {
  /**
   * @param options Options for every session; those given to {@link SessionManager.open} replace them one by one. And
   *   where the list of servers is kept.
   * @throws {TypeError} An unknown option, or one of a wrong type.
   */
  constructor(options?: ManagerOptions);

  /**
   * The session of this name: the one that is open, the one that others are waiting for, or a new one. A name is free
   * again when its session has closed or could not be made. `options.signal` gives up this caller's wait; the
   * handshake ends when nobody waits for it any more.
   *
   * @param name 1 to 63 letters, digits, `_`, `.` and `-`; it begins with a letter or digit, does not end with `_` and
   *   holds no `__`. {@link OpenOptions.title} is what people see.
   * @returns The session; with `lazy: true` nothing, as soon as it is under way.
   * @throws {TypeError} A wrong name or option; or the name is open with another `url` or other options. Functions
   *   among the options are the same where they are the same object.
   * @throws {McpError} As {@link connect} with `unreachable: "wait"`, which is the default here; with `code: "closed"`
   *   once the manager is closed.
   */
  open<O extends OpenOptions>(name: string, url: string | URL, options?: O): Promise<O extends { lazy: true } ? undefined : Session>;

  /**
   * Opens the servers that {@link ManagerOptions.store} holds and that are not open, without waiting for them. They are in
   * {@link SessionManager.servers} at once, with titles and icons. What cannot be used of the store is left out, with the
   * `warning` `"kept_servers"`, and so is a server that was opened with options that are not kept (`headers`, `auth`,
   * `fetch`, `handlers`, `identity`, a function among `filters`, a `proxy` with `headers`) where `optionsFor` does not give them.
   *
   * @param optionsFor Options of one server, over those that are kept; `null` or `false` leaves it unopened. Default: none.
   * @returns The names of those that are under way now.
   * @throws {McpError} With `code: "closed"` once the manager is closed.
   */
  restore(
    optionsFor?: (server: ManagedServer) => OpenOptions | null | false | undefined | Promise<OpenOptions | null | false | undefined>,
  ): Promise<string[]>;

  /** The session of this name, where one is open and ready. */
  get(name: string): Session | undefined;

  /** All sessions that are open, by name. */
  sessions(): Map<string, Session>;

  /** What {@link Session.status} says of each, by name. */
  statuses(): Map<string, Status>;

  /**
   * All servers: those that are open or on their way, those that were opened with `lazy` and failed, and those that are
   * only kept. A frozen array, the same until something in it is another: then there is the event `servers`.
   */
  servers(): readonly ManagedServer[];

  /**
   * The tools of all servers, all pages, read now; without those that {@link OpenOptions.filters} leaves out. The event
   * `tools` tells when they are others. A server that cannot tell its tools stands in `failed`, and does not hide the
   * others'; what it listed before stays. One that was found to be away is waited for two seconds, and read on meanwhile;
   * one that is still connecting, or waits for its user to sign in, is not waited for, and stands in `pending`.
   *
   * @throws The signal's reason, where `options.signal` was aborted.
   */
  tools(options?: RequestOptions): Promise<ManagedTools>;

  /** The same for resources. */
  resources(options?: RequestOptions): Promise<ManagedResources>;

  /** The same for resource templates. */
  resourceTemplates(options?: RequestOptions): Promise<ManagedResourceTemplates>;

  /** The same for prompts. */
  prompts(options?: RequestOptions): Promise<ManagedPrompts>;

  /**
   * Calls a tool by the name that {@link SessionManager.tools} gave it, in this page life or in another. A server that is
   * still connecting, or whose tools were not read yet, is waited for where the name can be of one of its tools; `timeout`
   * runs meanwhile, but stands still while that server's user is asked to authorize.
   *
   * @param args The tool's arguments. Default: none.
   * @throws {McpError} As {@link Session.callTool}. With `code: "unknown_tool"` where no server that is open has a tool of
   *   this name, or it is filtered out; the message names the servers that are open.
   */
  callTool(name: string, args?: Record<string, unknown>, options?: RequestOptions): Promise<CallToolResult>;

  /**
   * As {@link Session.on}, for the events of all sessions, present and future, and for those of the manager itself. The
   * second argument is the server's name; it is empty where an event is of no one server.
   */
  on<E extends keyof ManagerEvents>(event: E, listener: (detail: ManagerEvents[E], name: string) => void): () => void;

  /**
   * {@link Session.authorize} of one server, to be called in a click: also while it is still connecting, when nobody has its
   * session yet. Resolves when the user has signed in and the session is ready.
   *
   * @throws {TypeError} No server of this name is open, or it was opened without `auth`.
   * @throws Why it could not be opened, where it failed: open it anew.
   */
  authorize(name: string, options?: SignalOptions): Promise<Status>;

  /**
   * {@link Session.signOut} of one server's session, or of all: also of those that are still connecting, or failed. Kept
   * servers stay in the list.
   *
   * @throws {TypeError} There is no server of this name.
   */
  signOut(name?: string): Promise<void>;

  /**
   * Closes one server's session, which frees its name, and takes it out of the kept list; or, without a name, closes all
   * sessions, and the manager for good: what is kept comes back with the next one.
   *
   * @param name A server's name: one that is not open, or kept only, is fine. Or the options for all.
   */
  close(name?: string | CloseOptions, options?: CloseServerOptions): Promise<void>;

  /** `await using`: the same as {@link SessionManager.close}. Where the platform has `Symbol.asyncDispose`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The options of {@link SessionManager}. */
export interface ManagerOptions extends Omit<ConnectOptions, "signal"> {
  /**
   * Where the list of servers is kept, for {@link SessionManager.restore}: a `Storage` such as `localStorage`,
   * `indexedDB`, or functions that may give promises. Kept are names, addresses, titles, icons, for an hour that a server speaks
   * the legacy era, and the options that are plain data, a `proxy` without `headers` among them; no tokens, headers or
   * identities. A secret in the query of a server's address is part of the address. The
   * lists of two values of `identity` are two. A store that fails, or does not answer within five seconds, costs no
   * session: there is a `warning`. Default: not kept.
   */
  store?: ServerStore | undefined;
}

/** A store for {@link ManagerOptions.store}. */
export type ServerStore =
  | Pick<WebStorage, "getItem" | "setItem">
  | Pick<IDBFactory, "open" | "cmp">
  | {
      get(key: string): string | null | undefined | Promise<string | null | undefined>;
      set(key: string, text: string): unknown;
    };

/** The options of {@link SessionManager.open}. */
export interface OpenOptions extends ConnectOptions {
  /**
   * Whether `open` resolves as soon as the session is under way. It is there by {@link SessionManager.get} once it is
   * ready; a failure stands in {@link SessionManager.servers} and in `failed` of the lists, until the name is opened anew or
   * closed. Default `false`.
   */
  lazy?: boolean | undefined;
  /** Which of the server's items the manager offers and calls. {@link Session} itself knows no filters. Default: all. */
  filters?:
    | {
        tools?: ManagedFilter<Tool> | undefined;
        /** By `uri`. */
        resources?: ManagedFilter<Resource> | undefined;
        /** By `uriTemplate`. */
        resourceTemplates?: ManagedFilter<ResourceTemplate> | undefined;
        prompts?: ManagedFilter<Prompt> | undefined;
      }
    | undefined;
  /** What people call the server, of up to 256 characters. Default: the `title` that the server gives itself, or the name. */
  title?: string | undefined;
  /** Default: those that the server gives itself. */
  icons?: readonly ManagedIcon[] | undefined;
}

/**
 * What is offered: what `allow` holds, or all without it; and of that what `deny` does not hold. By the server's own names,
 * or by a function that gives true or false at once; an item for which one throws is not offered.
 */
export interface ManagedFilter<T> {
  allow?: readonly string[] | ((item: T) => boolean | undefined) | undefined;
  deny?: readonly string[] | ((item: T) => boolean | undefined) | undefined;
}

/** The options of {@link SessionManager.close} for one server. */
export interface CloseServerOptions extends CloseOptions {
  /** Whether the server stays in the kept list. Default `false`. */
  keep?: boolean | undefined;
}

/** A server of a manager's. */
export interface ManagedServer {
  readonly name: string;
  /** Its endpoint. */
  readonly url: string;
  /** For people: the host's, the server's own, or the name. */
  readonly title: string;
  /** The host's, or the server's own, as far as a page can show them: eight at most, `https:` or `data:` images. */
  readonly icons: readonly ManagedIcon[];
  /** Absent where it is kept only, and before the first step to a session. */
  readonly status?: Status | undefined;
  /** Why it could not be opened. */
  readonly error?: unknown;
}

/** (MCP, Overview: Icons.) */
export type ManagedIcon = Icon;

/** Events of a manager beside those of its sessions. */
export interface ManagerEvents extends SessionEvents {
  /** {@link SessionManager.servers} gives something else. */
  servers: readonly ManagedServer[];
  /**
   * The tools that are offered now: a server has opened, closed, failed, recovered with other tools, or says that it has
   * others. While somebody listens they are read again as that happens; that is listening in the sense of
   * {@link ConnectOptions.listen}. What a server had before stays where it cannot be read again, beside the failure.
   */
  tools: ManagedTools;
  /** The same for resources. */
  resources: ManagedResources;
  /** The same for resource templates. */
  resourceTemplates: ManagedResourceTemplates;
  /** The same for prompts. */
  prompts: ManagedPrompts;
}

/** What is common to the lists of a manager. */
export interface ManagedLists {
  readonly failed: {
    /** The name of the server. */
    readonly server: string;
    /** Why what it offers could not be read. */
    readonly error: unknown;
  }[];
  /** The names of servers that are still connecting, or wait for their user to sign in. */
  readonly pending: string[];
}

/** The tools of a manager's servers. */
export interface ManagedTools extends ManagedLists {
  readonly tools: ManagedTool[];
}

/** A tool of a manager's. */
export interface ManagedTool {
  /**
   * For models, and for {@link SessionManager.callTool}: 1 to 64 of the characters `A-Z a-z 0-9 _ -`. No other tool of any
   * server has it, and it is the same whoever else is open: `<server>__<tool>` where that fits, else
   * `<server>_<tool>_<hash>` of what is readable in the names. The server's name is the host's, which the server cannot
   * choose. Of two tools to which a server gives one name the later one counts.
   */
  readonly name: string;
  /** For people: the tool's `title`, that of its annotations, or its own name. */
  readonly title: string;
  /** As {@link toolHash} of the tool. */
  readonly hash: string;
  /** The name of the server. */
  readonly server: string;
  /** The tool, as its server describes it. */
  readonly tool: Tool;
}

/** The resources of a manager's servers. */
export interface ManagedResources extends ManagedLists {
  readonly resources: { readonly title: string; readonly server: string; readonly resource: Resource }[];
}

/** The resource templates of a manager's servers. */
export interface ManagedResourceTemplates extends ManagedLists {
  readonly resourceTemplates: { readonly title: string; readonly server: string; readonly resourceTemplate: ResourceTemplate }[];
}

/** The prompts of a manager's servers. */
export interface ManagedPrompts extends ManagedLists {
  readonly prompts: { readonly title: string; readonly server: string; readonly prompt: Prompt }[];
}

/**
 * What tells one definition of a tool from another, for consents: SHA-256 of the JSON of all its members, in order (RFC
 * 8785), as 64 hexadecimal digits. A consent that is kept under the tool's server and this hash ends with the definition
 * that was consented to: the order of members does not count, everything else does.
 *
 * @throws {TypeError} The tool is no object.
 */
export function toolHash(tool: Tool): string;

// ── What the platform has ────────────────────────────────────────────────────────────────────────
// As far as the compiler's libraries know it (`dom`, `webworker`, or the types of Node.js, Deno or Bun); else what is needed
// of it, so that these types hold under `lib: ["es2022"]` alone.

type Platform<Name extends string, Otherwise> = typeof globalThis extends { [key in Name]: { prototype: infer Known } } ? Known : Otherwise;
type PlatformFunction<Name extends string, Otherwise> = typeof globalThis extends { [key in Name]: infer Known } ? Known : Otherwise;

type AbortSignal = Platform<
  "AbortSignal",
  {
    readonly aborted: boolean;
    readonly reason: any;
    addEventListener(type: "abort", listener: (event: any) => void, options?: any): void;
    removeEventListener(type: "abort", listener: (event: any) => void, options?: any): void;
  }
>;
type Headers = Platform<"Headers", { forEach(callback: (value: string, name: string, all: any) => void): void }>;
type Response = Platform<"Response", { readonly ok: boolean; arrayBuffer(): Promise<ArrayBuffer> }>;
type URL = Platform<"URL", { readonly href: string }>;
type Fetch = PlatformFunction<"fetch", (input: any, init?: any) => Promise<any>>;
type Request = Platform<"Request", { readonly url: string }>;
type RequestInit = PlatformFunction<"fetch", unknown> extends (input: any, init?: infer Init) => any ? NonNullable<Init> : object;
type URLSearchParams = Platform<"URLSearchParams", { get(name: string): string | null }>;
type IDBFactory = Platform<"IDBFactory", { open(name: string, version?: number): any; cmp(first: any, second: any): number }>;
type WebAssemblyModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Known } } } ? Known : object;

/** `localStorage`, `sessionStorage`, and their like. */
export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

// For the package's other entries.
export type {
  AbortSignal as PlatformAbortSignal,
  Fetch as PlatformFetch,
  Request as PlatformRequest,
  RequestInit as PlatformRequestInit,
  Response as PlatformResponse,
  URL as PlatformURL,
  URLSearchParams as PlatformURLSearchParams,
};

// ── What the specification defines ───────────────────────────────────────────────────────────────
// Revision 2025-11-25, and what 2026-07-28 adds. Each member that may be missing may be `undefined` as well. Members beyond
// these pass through; the types that the specification leaves open let them be read. Where `any` stands, the revisions, or the
// SDKs for them, have types that do not fit each other.

/** A JSON object of no certain kind. */
export type JsonObject = Record<string, any>;

/** What may be attached to anything: keys have a prefix, but for those that are reserved. (MCP, Overview: `_meta`.) */
export type Meta = Record<string, unknown>;

/** Parameters of a request or notification. */
export interface Params {
  /** (MCP, Overview: `_meta`.) */
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** Who speaks, or is spoken to. (MCP, Resources: Annotations.) */
export type Role = "user" | "assistant";

/** An image for people. Its address is foreign: it may tell its host who looks at it. (MCP, Overview: Icons.) */
export interface Icon {
  /** An `https:` or a `data:` URL. */
  src: string;
  /** Such as `image/png`, where the server's own may be wrong or too general. */
  mimeType?: string | undefined;
  /** Such as `"48x48"`, or `"any"`. Default: any size. */
  sizes?: string[] | undefined;
  /** For which background it is made. Default: any. */
  theme?: "light" | "dark" | undefined;
}

/** For whom something is, and how much it matters. (MCP, Resources: Annotations.) */
export interface Annotations {
  audience?: Role[] | undefined;
  /** From 0, least, to 1, most. */
  priority?: number | undefined;
  /** ISO 8601. */
  lastModified?: string | undefined;
}

/** Client or server. (MCP, Lifecycle: Initialization.) */
export interface Implementation {
  name: string;
  version: string;
  /** For people. Default: the name. */
  title?: string | undefined;
  description?: string | undefined;
  websiteUrl?: string | undefined;
  icons?: Icon[] | undefined;
  [key: string]: unknown;
}

/** (MCP, Lifecycle: Capability Negotiation.) */
export interface ClientCapabilities {
  roots?: { listChanged?: boolean | undefined; [key: string]: any } | undefined;
  /** `tools`: {@link CreateMessageParams.tools} may be asked for. */
  sampling?: { context?: JsonObject | undefined; tools?: JsonObject | undefined; [key: string]: any } | undefined;
  elicitation?: { form?: JsonObject | undefined; url?: JsonObject | undefined; [key: string]: any } | undefined;
  experimental?: Record<string, JsonObject> | undefined;
  extensions?: Record<string, JsonObject> | undefined;
  [key: string]: unknown;
}

/** (MCP, Lifecycle: Capability Negotiation.) */
export interface ServerCapabilities {
  tools?: { listChanged?: boolean | undefined; [key: string]: unknown } | undefined;
  resources?: { subscribe?: boolean | undefined; listChanged?: boolean | undefined; [key: string]: unknown } | undefined;
  prompts?: { listChanged?: boolean | undefined; [key: string]: unknown } | undefined;
  logging?: JsonObject | undefined;
  completions?: JsonObject | undefined;
  experimental?: Record<string, JsonObject> | undefined;
  extensions?: Record<string, JsonObject> | undefined;
  [key: string]: unknown;
}

/** (MCP, Pagination.) */
export interface PageParams extends Params {
  /** `nextCursor` of the page before. */
  cursor?: string | undefined;
}

/** (MCP, Tools: Listing Tools.) */
export interface ListToolsResult {
  tools: Tool[];
  /** For {@link PageParams.cursor}; absent on the last page. */
  nextCursor?: string | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Tools: Data Types.) */
export interface Tool {
  name: string;
  /** For people. Default: `annotations.title`, else the name. */
  title?: string | undefined;
  description?: string | undefined;
  icons?: Icon[] | undefined;
  /** A JSON Schema (2020-12, unless `$schema` says otherwise). */
  inputSchema: {
    type: "object";
    properties?: JsonObject | undefined;
    /** Names: `string[]`. */
    required?: any;
    [key: string]: unknown;
  };
  /**
   * A JSON Schema, of {@link CallToolResult.structuredContent}: of an object in 2025-11-25, of anything in 2026-07-28. See
   * {@link ConnectOptions.validate}.
   */
  outputSchema?: any;
  /** What the server claims of the tool. */
  annotations?:
    | {
        title?: string | undefined;
        readOnlyHint?: boolean | undefined;
        destructiveHint?: boolean | undefined;
        idempotentHint?: boolean | undefined;
        openWorldHint?: boolean | undefined;
        [key: string]: unknown;
      }
    | undefined;
  /** Whether it can run as a task. The session does what it says. Default `"forbidden"`. (MCP, Tasks.) */
  execution?: { taskSupport?: "forbidden" | "optional" | "required" | undefined } | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Tools: Calling Tools.) */
export interface CallToolParams extends Params {
  name: string;
  arguments?: Record<string, unknown> | undefined;
}

/**
 * What a tool gave. `Structured` is what the host takes its structured content for: nothing of it is checked, unless
 * {@link ConnectOptions.validate} does. (MCP, Tools: Tool Result.)
 */
export interface CallToolResult<Structured = unknown> {
  content: ContentBlock[];
  /** What {@link Tool.outputSchema} describes: an object in 2025-11-25, any JSON value in 2026-07-28. */
  structuredContent?: Structured | undefined;
  /** The tool failed, and `content` says how. */
  isError?: boolean | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Tools: Tool Result.) */
export type ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource;

export interface TextContent {
  type: "text";
  text: string;
  annotations?: Annotations | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

export interface ImageContent {
  type: "image";
  /** Base64. */
  data: string;
  mimeType: string;
  annotations?: Annotations | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

export interface AudioContent {
  type: "audio";
  /** Base64. */
  data: string;
  mimeType: string;
  annotations?: Annotations | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** A resource that can be read; it need not be in the list of resources. */
export interface ResourceLink extends Resource {
  type: "resource_link";
}

export interface EmbeddedResource {
  type: "resource";
  resource: ResourceContents;
  annotations?: Annotations | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** Which of the two it is tells `"text" in contents`. (MCP, Resources: Resource Contents.) */
export type ResourceContents = TextResourceContents | BlobResourceContents;

export type TextResourceContents = {
  uri: string;
  mimeType?: string | undefined;
  text: string;
  _meta?: Meta | undefined;
};

export type BlobResourceContents = {
  uri: string;
  mimeType?: string | undefined;
  /** Base64. */
  blob: string;
  _meta?: Meta | undefined;
};

/** (MCP, Overview: Responses.) What says no more than that it is done. */
export interface EmptyResult {
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Resources: Listing Resources.) */
export interface ListResourcesResult {
  resources: Resource[];
  /** For {@link PageParams.cursor}; absent on the last page. */
  nextCursor?: string | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Resources: Resource.) */
export interface Resource {
  uri: string;
  name: string;
  /** For people. Default: the name. */
  title?: string | undefined;
  description?: string | undefined;
  mimeType?: string | undefined;
  icons?: Icon[] | undefined;
  annotations?: Annotations | undefined;
  /** Bytes, before any encoding. */
  size?: number | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Resources: Resource Templates.) */
export interface ListResourceTemplatesResult {
  resourceTemplates: ResourceTemplate[];
  /** For {@link PageParams.cursor}; absent on the last page. */
  nextCursor?: string | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Resources: Resource Templates.) */
export interface ResourceTemplate {
  /** As in RFC 6570: see `UriTemplate` of `mcp-evergreen/uri-template`. */
  uriTemplate: string;
  name: string;
  /** For people. Default: the name. */
  title?: string | undefined;
  description?: string | undefined;
  /** Of all that match it, where they have one in common. */
  mimeType?: string | undefined;
  icons?: Icon[] | undefined;
  annotations?: Annotations | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** The parameters of what concerns one resource. */
export interface ResourceParams extends Params {
  uri: string;
}

/** (MCP, Resources: Reading Resources.) */
export type ReadResourceParams = ResourceParams;

/** (MCP, Resources: Reading Resources.) */
export interface ReadResourceResult {
  contents: ResourceContents[];
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Prompts: Listing Prompts.) */
export interface ListPromptsResult {
  prompts: Prompt[];
  /** For {@link PageParams.cursor}; absent on the last page. */
  nextCursor?: string | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Prompts: Data Types.) */
export interface Prompt {
  name: string;
  /** For people. Default: the name. */
  title?: string | undefined;
  description?: string | undefined;
  icons?: Icon[] | undefined;
  arguments?: PromptArgument[] | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Prompts: Data Types.) */
export interface PromptArgument {
  name: string;
  /** For people. Default: the name. */
  title?: string | undefined;
  description?: string | undefined;
  /** Default `false`. */
  required?: boolean | undefined;
  [key: string]: unknown;
}

/** (MCP, Prompts: Getting a Prompt.) */
export interface GetPromptParams extends Params {
  name: string;
  arguments?: Record<string, string> | undefined;
}

/** (MCP, Prompts: Getting a Prompt.) */
export interface GetPromptResult {
  description?: string | undefined;
  messages: PromptMessage[];
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Prompts: Data Types.) */
export interface PromptMessage {
  role: Role;
  content: ContentBlock;
  [key: string]: unknown;
}

/** (MCP, Completion: Requesting Completions.) */
export interface CompleteParams extends Params {
  /** What the argument belongs to; `uri` may be a template. */
  ref:
    | { type: "ref/prompt"; name: string; title?: string | undefined; [key: string]: unknown }
    | { type: "ref/resource"; uri: string; [key: string]: unknown };
  argument: {
    name: string;
    /** What the user has typed. */
    value: string;
  };
  /** Arguments that have their value already. */
  context?: { arguments?: Record<string, string> | undefined } | undefined;
}

/** (MCP, Completion: Completion Results.) */
export interface CompleteResult {
  completion: {
    /** 100 at most, the best first. */
    values: string[];
    total?: number | undefined;
    hasMore?: boolean | undefined;
    [key: string]: unknown;
  };
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** From the least to the most severe, as in RFC 5424. (MCP, Logging: Log Levels.) */
export type LoggingLevel = "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency";

/** (MCP, Sampling: Creating Messages.) */
export interface CreateMessageParams extends Params {
  messages: SamplingMessage[];
  /** Tokens that the answer may have at most. */
  maxTokens: number;
  systemPrompt?: string | undefined;
  modelPreferences?: ModelPreferences | undefined;
  /** What of this server or of all is to be put before the messages. Default `"none"`. */
  includeContext?: "none" | "thisServer" | "allServers" | undefined;
  temperature?: number | undefined;
  stopSequences?: string[] | undefined;
  /** For the model's provider. */
  metadata?: JsonObject | undefined;
  /** What the model may call; the server runs it. Needs `capabilities.sampling.tools`. (MCP, Sampling: Sampling with Tools.) */
  tools?: Tool[] | undefined;
  /** Whether it may, must or must not. Default `{ mode: "auto" }`. */
  toolChoice?: { mode?: "auto" | "required" | "none" | undefined } | undefined;
}

/** What matters to the server in a model; the host chooses. Priorities are from 0 to 1. (MCP, Sampling: Model Preferences.) */
export interface ModelPreferences {
  /** Names or parts of names of models, the most wanted first. */
  hints?: { name?: string | undefined; [key: string]: unknown }[] | undefined;
  costPriority?: number | undefined;
  speedPriority?: number | undefined;
  intelligencePriority?: number | undefined;
}

/** (MCP, Sampling: Data Types.) */
export interface SamplingMessage {
  role: Role;
  content: SamplingContent | SamplingContent[];
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Sampling: Message Content.) */
export type SamplingContent = TextContent | ImageContent | AudioContent | ToolUseContent | ToolResultContent;

/** The model calls a tool. (MCP, Sampling: Sampling with Tools.) */
export interface ToolUseContent {
  type: "tool_use";
  id: string;
  name: string;
  input: Record<string, unknown>;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** What came of it. (MCP, Sampling: Sampling with Tools.) */
export interface ToolResultContent {
  type: "tool_result";
  toolUseId: string;
  content: ContentBlock[];
  /** As in {@link CallToolResult}. */
  structuredContent?: any;
  isError?: boolean | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Sampling: Creating Messages.) */
export interface CreateMessageResult {
  role: Role;
  content: SamplingContent | SamplingContent[];
  /** The name of the model that was chosen. */
  model: string;
  /** `endTurn`, `stopSequence`, `maxTokens`, `toolUse`, or what the model's provider says. */
  stopReason?: string | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** What the server asks the user: `mode` is `"form"` where it is absent. (MCP, Elicitation.) */
export type ElicitParams = ElicitFormParams | ElicitUrlParams;

/** (MCP, Elicitation: Form Mode Elicitation Requests.) */
export interface ElicitFormParams extends Params {
  mode?: "form" | undefined;
  message: string;
  requestedSchema: ElicitSchema;
}

/** (MCP, Elicitation: URL Mode Elicitation Requests.) */
export interface ElicitUrlParams extends Params {
  mode: "url";
  message: string;
  /** Where the user is to go. It must be shown in full and opened only with the user's consent. */
  url: string;
  /** What `elicitationcomplete` names. */
  elicitationId: string;
}

/** A JSON Schema of one level: see `mcp-evergreen/elicitation`. (MCP, Elicitation: Requested Schema.) */
export interface ElicitSchema {
  $schema?: string | undefined;
  type: "object";
  properties: Record<string, PrimitiveSchema>;
  required?: string[] | undefined;
  [key: string]: unknown;
}

/** One field of a form. (MCP, Elicitation: Supported Schema Types.) */
export type PrimitiveSchema = StringSchema | NumberSchema | BooleanSchema | EnumSchema;

export interface StringSchema {
  type: "string";
  title?: string | undefined;
  description?: string | undefined;
  /** Characters (Unicode code points). */
  minLength?: number | undefined;
  maxLength?: number | undefined;
  format?: "email" | "uri" | "date" | "date-time" | undefined;
  default?: string | undefined;
}

export interface NumberSchema {
  type: "number" | "integer";
  title?: string | undefined;
  description?: string | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  default?: number | undefined;
}

export interface BooleanSchema {
  type: "boolean";
  title?: string | undefined;
  description?: string | undefined;
  default?: boolean | undefined;
}

/** A choice. (MCP, Elicitation: Supported Schema Types; SEP-1330.) */
export type EnumSchema =
  | UntitledSingleSelectEnumSchema
  | TitledSingleSelectEnumSchema
  | UntitledMultiSelectEnumSchema
  | TitledMultiSelectEnumSchema
  | LegacyTitledEnumSchema;

/** One of these. */
export interface UntitledSingleSelectEnumSchema {
  type: "string";
  title?: string | undefined;
  description?: string | undefined;
  enum: string[];
  default?: string | undefined;
}

/** One of these, each with its name for people. */
export interface TitledSingleSelectEnumSchema {
  type: "string";
  title?: string | undefined;
  description?: string | undefined;
  oneOf: { const: string; title: string }[];
  default?: string | undefined;
}

/** Several of these. */
export interface UntitledMultiSelectEnumSchema {
  type: "array";
  title?: string | undefined;
  description?: string | undefined;
  minItems?: number | undefined;
  maxItems?: number | undefined;
  items: { type: "string"; enum: string[] };
  default?: string[] | undefined;
}

/** Several of these, each with its name for people. */
export interface TitledMultiSelectEnumSchema {
  type: "array";
  title?: string | undefined;
  description?: string | undefined;
  minItems?: number | undefined;
  maxItems?: number | undefined;
  items: { anyOf: { const: string; title: string }[] };
  default?: string[] | undefined;
}

/** As before 2025-11-25: names for people in the order of the values. */
export interface LegacyTitledEnumSchema {
  type: "string";
  title?: string | undefined;
  description?: string | undefined;
  enum: string[];
  enumNames?: string[] | undefined;
  default?: string | undefined;
}

/** What the user has filled in, by the names of the fields. */
export type ElicitContent = Record<string, string | number | boolean | string[]>;

/** (MCP, Elicitation: Response Actions.) */
export interface ElicitResult {
  action: "accept" | "decline" | "cancel";
  /** With `"accept"` in form mode. */
  content?: ElicitContent | undefined;
  _meta?: Meta | undefined;
  [key: string]: unknown;
}

/** (MCP, Roots.) */
export interface ListRootsResult {
  roots: { uri: string; name?: string | undefined; _meta?: Meta | undefined; [key: string]: unknown }[];
  _meta?: Meta | undefined;
  [key: string]: unknown;
}
