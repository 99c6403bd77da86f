/** Sessions in React: `useMcp`, and many servers by `McpProvider`. React 18 or later is a peer of this entry alone. */

import type { McpServersOptions, McpServersSnapshot, McpSnapshot, McpStoreOptions } from "./store.js";
import type { PlatformURL as URL } from "./types.js";

/**
 * A session with the server at `url`, as long as a component that uses it is mounted, and what the server has, kept up to
 * date. All components that name the same `url`, `options.key` and user share one session. The user is `options.identity`, or
 * without it the `Bearer` or `Basic` value in `options.headers`, where those are no function: another one has a session of its
 * own, and the session of the one before keeps the options that were theirs. A component whose `identity` or credentials change
 * more than three times in ten seconds has none until they have been the same for ten seconds: `error` says so
 * (`diagnosis.kind` `"changing_credentials"`), and in development a warning on the console, once. A token that is renewed
 * belongs into a function, with `identity`. Both hold for the servers of a {@link McpProvider} as well.
 *
 * Functions among the options and `headers` are always those of the component that was rendered last, of those that give one.
 * The other options of the first component count: one that changes is a warning on the console in development.
 *
 * It connects when it is mounted, never while rendering, nor on a server. When the last user is unmounted, the session is
 * closed a second later. Everything in the result keeps its identity until it changes.
 */
export function useMcp(url: string | URL, options?: UseMcpOptions): UseMcpResult;

/** Options of the session; over the `defaults` of a {@link McpProvider} above, one by one. */
export interface UseMcpOptions extends McpStoreOptions {
  /** Tells sessions with the same server and user apart: a panel of its own, say. */
  key?: string | undefined;
  /** `false`: there is no session, `status.state` is `"closed"`, and calls reject with the code `"closed"`. Default `true`. */
  enabled?: boolean | undefined;
}

/** What a component gets. */
export type UseMcpResult = McpSnapshot;

/**
 * Many servers for the components below, by {@link useMcpServers}: they are there as long as it is mounted, and a second
 * longer. Its `defaults` are those of {@link useMcp} below as well, with sessions that are the components' own.
 */
export function McpProvider(props: McpProviderProps): { type: any; props: any; key: string | null };

export interface McpProviderProps extends McpServersOptions {
  /** What React can render. */
  children?: unknown;
}

/** The servers of the {@link McpProvider} above. @throws {Error} There is none. */
export function useMcpServers(): McpServersSnapshot;

export type {
  FormQuestion,
  ListsRead,
  McpServersOptions,
  McpServersSnapshot,
  PendingCall,
  PendingQuestion,
  QuestionKind,
  SamplingQuestion,
  ServerEntry,
  UrlQuestion,
} from "./store.js";
