/**
 * What sessions do, for people: `<mcp-evergreen-devtools>` draws it in a page while one develops, and {@link Recording} keeps
 * it where there is no page. Nothing else of the package imports this module. Importing it defines the element, where there
 * are pages; it works under `script-src 'self'; style-src 'none'`, and needs constructable style sheets and container queries
 * (Chromium 105, Firefox 110, Safari 16.4).
 */

import type { McpServersSnapshot, McpSnapshot } from "./store.js";
import type { ConnectOptions, Session, SessionEvents, SessionManager, Status, WireEvent, RecoveredEvent, Diagnosis } from "./types.js";

/** Which way a message goes, or where a note stands. */
export type Lane = "page-session" | "session-page" | "session-server" | "server-session" | "page" | "session" | "server";

/** One row of the diagram. */
export interface Row {
  readonly lane: Lane;
  /** What was said. */
  readonly text: string;
  /** The verdict, in words. */
  readonly tag?: string | undefined;
  readonly tone: "good" | "bad" | "warn" | "plain";
  /** Small print: session, attempt, time taken. */
  readonly note?: string | undefined;
  /** The name of the session; absent for what is of no one session. */
  readonly session?: string | undefined;
  /** The offsets of the rows that follow count from here. */
  readonly opens?: boolean | undefined;
  /** The message did not arrive. */
  readonly lost?: boolean | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The same for people: a time of the day, or an offset from the row that opens. */
  readonly when: string;
  /** The event that it was made from. */
  readonly wire?: WireEvent | undefined;
  readonly recovered?: RecoveredEvent | undefined;
  readonly warning?: Diagnosis | undefined;
  /** It is a note of the host's. */
  readonly host?: true | undefined;
  /** It holds the server's own words: it is in no redacted report. */
  readonly foreign?: true | undefined;
}

/** A row that the host adds: what the page asked for, or what was done to the server. It is in every report, as it is. */
export interface Note extends Partial<Pick<Row, "tag" | "tone" | "note" | "session" | "opens" | "lost" | "at">> {
  lane: Lane;
  text: string;
}

/** The options of {@link Recording.watch} and {@link Recording.listeners}. */
export interface WatchOptions {
  /** What the session is called. Default: `server 1`, `server 2` … A manager's sessions have their names. */
  name?: string | undefined;
  /**
   * Whether the server's log messages are recorded. Listening to them keeps the standing stream open
   * ({@link ConnectOptions.listen}): the session behaves otherwise than unwatched. Default `false`.
   */
  log?: boolean | undefined;
}

/** The options of a report. */
export interface ReportOptions {
  /**
   * Whether addresses, URIs, the names of tools that changed, and all words of servers are left out. Tokens, session ids, headers and
   * bodies are in no report. Default `true`.
   */
  redact?: boolean | undefined;
}

/** What there is to tell of a session, for a report. Times are ISO 8601. */
export interface ReportedSession {
  readonly name: string;
  readonly state: Status["state"];
  /** Why it was closed. */
  readonly ended?: string;
  readonly generation: number;
  readonly recoveries: number;
  readonly [more: string]: unknown;
}

/** All that was recorded, as plain data. */
export interface Report {
  /** When it was made, ISO 8601. */
  readonly made: string;
  /** The package and its version. */
  readonly package: string;
  readonly redacted: boolean;
  readonly sessions: readonly ReportedSession[];
  /** Oldest first. `why` says of a step on the wire why the session took it so. */
  readonly messages: readonly { readonly at: string; readonly lane: Lane; readonly text: string; readonly why?: string; readonly [more: string]: unknown }[];
}

/** What `useMcp` and `useMcpServers` give, and `getSnapshot` of a store. */
export type WatchedSnapshot = Pick<McpSnapshot, "session" | "callTool"> | Pick<McpServersSnapshot, "servers" | "get" | "callTool">;

/** What sessions tell of themselves, kept. It needs no page. */
export class Recording {
  /**
   * @param options.limit How many rows are kept; the oldest go. Default 3000.
   * @param options.log As {@link WatchOptions.log}, for all that is watched.
   * @throws {TypeError} `limit` is no whole number of 1 or more.
   */
  constructor(options?: { limit?: number | undefined; log?: boolean | undefined });

  /** Oldest first. The array is another one after {@link Recording.clear} only. */
  readonly rows: readonly Row[];

  /** The sessions that were heard of, with the latest status of each; `ended` is why one was closed. */
  readonly sessions: readonly { readonly name: string; readonly status: Status; readonly ended?: string | undefined }[];

  /**
   * Records what a session does from now on, or all sessions of a manager, present and future. Of what `useMcp` and
   * `useMcpServers` give it takes the sessions that are open: in an effect for each,
   * `useEffect(() => tools.current.watch(mcp), [mcp])`. The same source is watched once.
   *
   * @returns The way to stop.
   * @throws {TypeError} It is none of them.
   */
  watch(source: Session | SessionManager | WatchedSnapshot, options?: WatchOptions): () => void;

  /**
   * Listeners for {@link ConnectOptions.on}, which hear the handshake, too. In place of {@link Recording.watch}.
   *
   * @throws {TypeError} The name is empty.
   */
  listeners(name: string, options?: Pick<WatchOptions, "log">): { [E in keyof SessionEvents]?: (detail: SessionEvents[E]) => void };

  /** Stops all that {@link Recording.watch} began; what is recorded stays. */
  stop(): void;

  /** @throws {TypeError} There is no such lane, or the text is none. */
  note(note: Note): void;

  /** Rows from now on are shown folded under this title. @returns The way to end the group. */
  group(title: string): () => void;

  /** Forgets a session; its rows stay. */
  forget(name: string): void;

  /** Forgets the rows. */
  clear(): void;

  /** Calls the observer after each change. @returns The way to stop that. */
  observe(observer: (change: object) => void): () => void;

  /** The rows as they may be shown to others. */
  rowsFor(options?: ReportOptions): readonly Row[];

  /** For a file beside a bug report. */
  report(options?: ReportOptions): Report;

  /** The same as text, for the report itself. */
  toText(options?: ReportOptions): string;
}

/** Why the session takes a step on the wire as it does, in a sentence. */
export function whyOf(event: WireEvent): string;

/** A button of the group "Break it". */
export interface DevtoolsAction {
  label: string;
  /** More about it, shown where the pointer rests. */
  title?: string | undefined;
  /** What it does. An error is drawn into the diagram. */
  run(): unknown;
}

/** Where the platform has it; nothing else of the types needs a page. */
type Element = typeof globalThis extends { HTMLElement: { prototype: infer E } } ? E : object;

/**
 * `<mcp-evergreen-devtools>`. Attributes: `whole` for reports that are not redacted, `theme="light"` or `"dark"` where the page's is not
 * the system's. The slot `empty` is what stands where nothing was recorded yet; `--mcp-devtools-height` is the height of the
 * diagram (default `27.5rem`).
 *
 * It listens as long as it is in a page, and to nothing out of it.
 */
export interface McpEvergreenDevtools extends Element {}

export class McpEvergreenDevtools {
  constructor();
  readonly recording: Recording;
  /** The attribute `whole`, the other way round. */
  redact: boolean;
  /** The buttons of the group "Break it". Default: none, and the group is not there. */
  actions: readonly DevtoolsAction[];
  /** As {@link Recording.watch}. */
  watch(source: Session | SessionManager | WatchedSnapshot, options?: WatchOptions): () => void;
  /** As {@link Recording.listeners}. */
  listeners(name: string, options?: Pick<WatchOptions, "log">): ReturnType<Recording["listeners"]>;
  /** As {@link Recording.note}. */
  note(note: Note): void;
  /** As {@link Recording.group}. */
  group(title: string): () => void;
  /** The diagram goes to its end, and along with it, also where somebody had scrolled back. */
  follow(): void;
  /** Chooses the latest row that `find` says yes to, and scrolls to it within the diagram. @returns Whether one is drawn. */
  choose(find: (row: Row) => boolean | undefined): boolean;
  /** As {@link Recording.clear}. */
  clear(): void;
  /** As {@link Recording.report}. Default: redacted as {@link McpEvergreenDevtools.redact} says. */
  report(options?: ReportOptions): Report;
  /** As {@link Recording.toText}. */
  toText(options?: ReportOptions): string;
}

declare global {
  interface HTMLElementTagNameMap {
    "mcp-evergreen-devtools": McpEvergreenDevtools;
  }
}

// @ts-ignore -- the tag in JSX; without React's types it says nothing.
declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      // @ts-ignore -- as above
      "mcp-evergreen-devtools": DetailedHTMLProps<HTMLAttributes<McpEvergreenDevtools>, McpEvergreenDevtools> & { whole?: boolean | "" | undefined; theme?: "light" | "dark" | undefined };
    }
  }
}
