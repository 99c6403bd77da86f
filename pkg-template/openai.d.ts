/**
 * The interface `MCPServer` of `@openai/agents` over a Session. The SDK's own servers throw in a page; this one is a host's
 * session, with all that it outlives:
 *
 * ```js
 * const server = new SessionServer(await connect("https://example.com/mcp"));
 * const agent = new Agent({ name: "a", mcpServers: [server] });
 * ```
 * The SDK itself is not needed for it.
 */
import type { PageParams, PlatformAbortSignal as AbortSignal, Session } from "./types.js";

/** What the SDK lets a server say; each is handed on as it is. */
export interface SessionServerOptions {
  /** How the SDK calls the server, in traces and where it names tools by servers. Default: the host of its address. */
  name?: string | undefined;
  /**
   * Whether lists of tools are kept until the server says that they have changed, or its session was made anew. That needs a
   * listening stream. Default `false`.
   */
  cacheToolsList?: boolean | undefined;
  /** The model gets `structuredContent` where there is any. Default `false`. */
  useStructuredContent?: boolean | undefined;
  toolFilter?: any;
  toolMetaResolver?: any;
  customDataExtractor?: any;
  toolInputGuardrails?: any;
  toolOutputGuardrails?: any;
  /**
   * What the model is told of an error, `({ context, error }) => string`; `null`: the error is thrown. By default the SDK's text, but
   * of `outcome: "unknown"` that the tool may have run and is not simply to be called again. As every server's, it goes before
   * `mcpConfig.errorFunction` of the agent: whoever has one there gives it here, too.
   */
  errorFunction?: any;
}

/** For `Agent({ mcpServers })`. Errors are those of the Session: `McpError`, with `outcome`. */
export class SessionServer {
  /**
   * @param session A session of the host's, which `close()` leaves open; or a function that gives one, called by the first
   * `connect()`, and again after it failed or was closed: `close()` closes that.
   * @throws {TypeError} An option is unknown, or of a wrong type; the message names it.
   */
  constructor(session: Session | (() => Session | Promise<Session>), options?: SessionServerOptions);
  readonly name: string;
  /** `false`: the SDK's own cache hears of no change. See {@link SessionServerOptions.cacheToolsList}. */
  cacheToolsList: boolean;
  useStructuredContent?: boolean;
  toolFilter?: any;
  toolMetaResolver?: any;
  customDataExtractor?: any;
  toolInputGuardrails?: any;
  toolOutputGuardrails?: any;
  errorFunction: any;
  connect(): Promise<void>;
  close(): Promise<void>;
  /** All pages. */
  listTools(): Promise<any[]>;
  callTool(
    toolName: string,
    args: Record<string, unknown> | null,
    meta?: Record<string, unknown> | null,
    options?: { signal?: AbortSignal },
  ): Promise<any>;
  callToolResult(
    toolName: string,
    args: Record<string, unknown> | null,
    meta?: Record<string, unknown> | null,
    options?: { signal?: AbortSignal },
  ): Promise<any>;
  listResources(params?: PageParams): Promise<any>;
  listResourceTemplates(params?: PageParams): Promise<any>;
  readResource(uri: string): Promise<any>;
  invalidateToolsCache(): Promise<void>;
}
