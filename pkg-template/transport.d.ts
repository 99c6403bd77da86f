/**
 * A `Transport` for the Clients of others: the TypeScript SDK's (`@modelcontextprotocol/sdk` 1.x,
 * `@modelcontextprotocol/client` 2.x) and the AI SDK's. It stands where their `StreamableHTTPClientTransport` or
 * `{ type: "http", url }` stood; when the server has lost the session, it is made anew beneath the Client, with the
 * Client's own `initialize`, and what was refused is sent once more.
 */

import type {
  AuthTrust,
  ConnectOptions,
  McpError,
  PlatformAbortSignal as AbortSignal,
  PlatformRequestInit as RequestInit,
  PlatformResponse as Response,
  PlatformURL as URL,
  PlatformURLSearchParams as URLSearchParams,
  SessionEvents,
  Status,
} from "./types.js";

/** A JSON-RPC message, as the host's Client has it. */
type Message = any;
type RequestId = string | number;

/**
 * The transport. Give it to `client.connect()`; the Client does the rest.
 *
 * It ends (`onclose`) when the host closes it, and when the Client could not go on: see
 * {@link EvergreenTransportOptions.reconnectOn}. Never while a session is being made anew.
 */
export class EvergreenTransport {
  /**
   * @param url The server's MCP endpoint, as for `connect`.
   * @throws {TypeError} An option is of a wrong type; the message names it.
   */
  constructor(url: string | URL, options?: EvergreenTransportOptions);

  /** Loads the WebAssembly. A Client's `connect()` calls it. @throws {McpError} With `code: "load"`. */
  start(): Promise<void>;

  /**
   * Sends a message of the Client's. For a request it resolves once the server is known to have it, and rejects where
   * the request fails before that, with an {@link McpError} (or one of {@link EvergreenTransportOptions.errors}) whose
   * `outcome` says whether the server ran it; a failure after that is a JSON-RPC error with code -32603 and
   * `data: { code, outcome, retryable }`. An eviction is no failure, and a notification does not wait for a session.
   */
  send(message: Message | Message[], options?: SendOptions): Promise<void>;

  /** Ends the transport, and leaves the session on the server: see {@link EvergreenTransport.terminateSession}. */
  close(): Promise<void>;

  /**
   * Ends the session on the server by a DELETE. What is open fails. Call `close()` after it. Where the server refuses that, but for
   * a 405, or cannot be reached, it rejects, as the SDK's does, and `sessionId` stays.
   */
  terminateSession(): Promise<void>;

  /**
   * Finishes an authorization that led the user away from the page: the parameters of the redirect, or its code alone. Where the
   * authorization server says who it is in its answers (`iss`, RFC 9207), the code needs the `issuer` beside it.
   * @throws {TypeError} The code came alone, and was not enough.
   */
  finishAuth(callback: string | URLSearchParams, issuer?: string): Promise<void>;

  /**
   * Hears the rest of a stream from this event on: what was called on it and is still open gets its answer, and notifications
   * come as ever. Resolves once the stream is there. (MCP, Transports: Resumability and Redelivery.)
   */
  resumeStream(lastEventId: string, options?: { onresumptiontoken?: ((token: string) => void) | undefined }): Promise<void>;

  /** The id of the session, once the handshake is over. It is a secret: not for logs. */
  get sessionId(): string | undefined;
  /** The version that the Client negotiated. */
  protocolVersion?: string;
  setProtocolVersion(version: string): void;
  get hasPerRequestStream(): boolean;
  get supportsProtocolVersionDiscovery(): boolean;
  get waitsForProtocolVersionDiscovery(): boolean;
  get supportsMcpToolParameterHeaders(): boolean;

  /** The state of the session; undefined before `start()`. */
  get status(): Status | undefined;
  /** As `Session.on`, after `start()`. */
  on<E extends keyof SessionEvents>(event: E, listener: (detail: SessionEvents[E]) => void): () => void;

  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: Message, extra?: any) => void;
}

/** Options for one message, as the Clients give them. */
export interface SendOptions {
  /** Not used over HTTP. */
  relatedRequestId?: RequestId | undefined;
  /**
   * Hears the rest of an earlier request's stream, in place of sending this one. A token of a session that is gone fails
   * with `outcome: "unknown"`. (MCP, Transports: Resumability and Redelivery.)
   */
  resumptionToken?: string | undefined;
  /** Called with the id of each event of the request's stream. */
  onresumptiontoken?: ((token: string) => void) | undefined;
  /** Gives the request up; the server is told. */
  signal?: AbortSignal | undefined;
  /** As `signal`. */
  requestSignal?: AbortSignal | undefined;
  /** Called when the request is over, unless it was given up. */
  onRequestStreamEnd?: (() => void) | undefined;
  /** Headers for this request; those that the session sets itself are left out. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The options of the SDKs' transports, as they are, and ours. Unknown ones are left alone. The clock of a request is its
 * Client's: `timeout` bounds what the transport asks by itself, and how long it lets a request wait because the server is
 * busy (`Retry-After`). A server that wants more is told as `overloaded` at once. Results are handed on as they came.
 */
export interface EvergreenTransportOptions
  extends Pick<
    ConnectOptions,
    | "recovery"
    | "trustAnnotations"
    | "timeout"
    | "maxMessageBytes"
    | "maxEventBytes"
    | "maxResumes"
    | "offline"
    | "keepAlive"
    | "proxy"
    | "on"
    | "headers"
  > {
  /**
   * `{ token(), onUnauthorized?() }`: a token for each request, and what to do about a 401; one question serves all requests
   * that were refused. After that they are sent once more, as far as {@link EvergreenTransportOptions.recovery} allows: what was
   * refused late, or under the call's own id, may have run, and ends with `outcome: "unknown"` instead.
   *
   * Or an `OAuthClientProvider`: it stores and shows, and the authorization is ours. Where the user has to be sent away,
   * what is open rejects with an `UnauthorizedError`, as with the SDK's transports; {@link EvergreenTransport.finishAuth}
   * takes what the user comes back with. `saveTokens` gets one member more than the SDK's, `saveCodeVerifier` a longer
   * text; both are to be stored as they are. A client belongs to one authorization server: `clientInformation()` says to which
   * by `issuer`, as with the SDK; where it does not, to the first that it is used with, and `saveClientInformation` is called
   * with that before. With another one it is not used: one is registered there where the provider has `saveClientInformation`.
   *
   * What a provider may have beside, it has a say with: `prepareTokenRequest` (without a `redirectUrl` nobody is sent away, and it
   * says what is exchanged for a token), `addClientAuthentication`, `validateResourceURL`, `scopeForRefresh`, `dpop`,
   * `discoveryState` and `saveDiscoveryState`, `invalidateCredentials`; `clientInformation` and the like are told the `issuer`.
   * `tokens()` is asked with each request: who has signed out, or in as another, is seen by the next one, which goes in a session of
   * that user's. What it throws reaches the host as it is. A provider that lacks a member is a `TypeError` that names it. Transports with one
   * provider ask it one after the other. A token that was granted for another server's `resource` is not sent.
   */
  authProvider?: any;
  /** An authorization server that the host knows, and vouches for, with an `OAuthClientProvider`. Default: none. */
  trust?: AuthTrust | undefined;
  /** The SDK's function `auth`: an `OAuthClientProvider` then authorizes by that, in place of by us. */
  auth?: ((provider: any, options: any) => Promise<unknown>) | undefined;
  /** What every request has; `headers` among it. */
  requestInit?: RequestInit | undefined;
  /** Used in place of the global `fetch`, as the SDK's transports use it: for the MCP endpoint and for OAuth alike. */
  fetch?: ((url: string | URL, init?: RequestInit) => Promise<Response>) | undefined;
  /** `"same-origin"` (default) follows a redirect within the origin, where the platform shows it; `"follow"` any. */
  redirectPolicy?: "same-origin" | "follow" | undefined;
  /** Bounds for what is tried again: pauses in milliseconds, and how often a broken stream is resumed. */
  reconnectionOptions?:
    | {
        maxReconnectionDelay?: number | undefined;
        initialReconnectionDelay?: number | undefined;
        reconnectionDelayGrowFactor?: number | undefined;
        maxRetries?: number | undefined;
      }
    | undefined;
  /** Taken and not used: the core has its own clock. */
  reconnectionScheduler?: any;
  /** A session that the host stored: its Client does not initialize. */
  sessionId?: string | undefined;
  /** The version of that session. */
  protocolVersion?: string | undefined;
  /**
   * The params of the `initialize` that made that session, to make it anew when it is lost. Without them its loss fails
   * what is open with `code: "session_lost"`, and ends the transport.
   */
  initializeParams?: unknown;
  /** What a 403 for want of a scope does: ask for more (default), or fail, with an `InsufficientScopeError`. */
  onInsufficientScope?: "reauthorize" | "throw" | undefined;
  /** How often in a row more is asked for, before it fails as a 403. Default 1. */
  maxStepUpRetries?: number | undefined;
  /**
   * Whether the SDK's `auth` compares no issuers. With our own flow, {@link EvergreenTransportOptions.trust} names the
   * authorization server that is vouched for; without it this is a `TypeError`.
   */
  skipIssuerMetadataValidation?: boolean | undefined;

  /** As in `connect`. Default: that of `requestInit`, else `"same-origin"`, as the SDKs have it. */
  credentials?: "omit" | "same-origin" | "include" | undefined;
  /** As in `connect`. Default `"always"`: the Clients listen as soon as they are connected. */
  listen?: "auto" | "always" | "never" | undefined;
  /**
   * A Client reads once, when it connects, what the server can do. When the transport ends, so that the host connects
   * anew, because the server is another after a recovery:
   * - `"never"`: only where it speaks another protocol version.
   * - `"incompatible"` (default): where a capability is gone that is in use, too.
   * - `"any-change"`: where it says anything else of itself.
   */
  reconnectOn?: "never" | "incompatible" | "any-change" | undefined;
  /** Called when the session was made anew, with what the server says of itself now. */
  onreinitialize?:
    | ((result: {
        protocolVersion?: string | undefined;
        capabilities?: unknown;
        serverInfo?: unknown;
        instructions?: string | undefined;
      }) => void)
    | undefined;
  /** Called with each new session id: undefined where the server keeps no session. It is a secret. */
  onsessionidchange?: ((sessionId: string | undefined) => void) | undefined;
  /**
   * Whether `close()` ends the session on the server, too: it resolves once the server has answered, or after a second, and
   * `onerror` is called where the server refuses. Default `false`, as the TypeScript SDK has it.
   */
  terminateSessionOnClose?: boolean | undefined;
  /** The SDK's own error classes, for hosts that test `instanceof`. What is thrown has an {@link McpError} as `cause`. */
  errors?:
    | {
        /**
         * For a 401 about which the provider can do nothing, or for which the user was sent away. Without a provider, or where another
         * token was refused as well, the next two are thrown, as by the SDKs.
         */
        UnauthorizedError?: (new (message?: string) => Error) | undefined;
        /** Of `client` 2.x, for a 403 for want of a scope, with `onInsufficientScope: "throw"`, or where nobody can ask for more. */
        InsufficientScopeError?: (new (init: any) => Error) | undefined;
        /** Of `sdk` 1.x, for other refusals. */
        StreamableHTTPError?: (new (code: number | undefined, message: string | undefined) => Error) | undefined;
        /** Of `client` 2.x, for other refusals. */
        SdkHttpError?: (new (code: any, message: string, data: any) => Error) | undefined;
      }
    | undefined;
}

export type { McpError, Status };
