/** Sessions in React: `useMcp`. React 18 or later is a peer of this entry alone. */

import type {
  CallToolResult,
  ConnectOptions,
  GetPromptResult,
  McpError,
  PlatformURL as URL,
  Prompt,
  ReadResourceResult,
  RequestOptions,
  Resource,
  ResourceTemplate,
  Session,
  Status,
  Tool,
} from "./types.js";

/**
 * A session with the server at `url`, as long as a component that uses it is mounted, and what the server has, kept up to
 * date. All components that name the same `url`, `options.key` and user share one session; the options of the first one
 * count, but for `headers`, of which the latest are read for each request. The user is `options.identity`, or without it the
 * `Bearer` or `Basic` value in `options.headers`, where those are no function: another one has a session of its own, however
 * many there are. A component that gives other credentials with every render has one session, which is its own. It connects when it is mounted, never while rendering, nor on a server. When the last user is unmounted, the
 * session is closed a second later.
 *
 * Everything in the result keeps its identity until it changes.
 */
export function useMcp(url: string | URL, options?: UseMcpOptions): UseMcpResult;

/** Those of `connect`, without its `signal`. */
export interface UseMcpOptions extends Omit<ConnectOptions, "signal"> {
  /** Tells sessions with the same server and user apart: a panel of its own, say. */
  key?: string | undefined;
}

/** What a component gets. */
export interface UseMcpResult {
  /** Undefined until it is connected. */
  readonly session: Session | undefined;
  /** Its state; `"closed"` where it could not be connected, too. */
  readonly status: Status;
  /**
   * What the server has, all pages; empty until it is listed. A list that the server announces anew is asked for at once, and
   * more and more seldom (up to 15 seconds apart) where one announcement follows upon the other; one that could not be had is
   * asked for again, after a second at first and a minute at most, and when the session was made anew.
   */
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly resourceTemplates: readonly ResourceTemplate[];
  readonly prompts: readonly Prompt[];
  /** Why connecting failed. A list that cannot be had is told to `on.warning`, as `"list_failed"`, once in a row. */
  readonly error: McpError | TypeError | undefined;
  /**
   * Calls a tool, as soon as there is a session: its time-out and its signal count from now on. Once the last user is
   * unmounted and the session closed, it rejects with the code `"closed"`. So do `readResource` and `getPrompt`.
   */
  readonly callTool: <Structured = unknown>(
    name: string,
    args?: Record<string, unknown>,
    options?: RequestOptions,
  ) => Promise<CallToolResult<Structured>>;
  readonly readResource: (uri: string, options?: RequestOptions) => Promise<ReadResourceResult>;
  readonly getPrompt: (name: string, args?: Record<string, string>, options?: RequestOptions) => Promise<GetPromptResult>;
  /** Connects anew, as long as somebody uses it. */
  readonly retry: () => void;
  /** Closes the session, for all who share it, until {@link UseMcpResult.retry} or a call. */
  readonly disconnect: () => void;
}
