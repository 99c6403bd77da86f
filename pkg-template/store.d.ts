/**
 * What sessions and servers know, as snapshots that a screen of any kind can subscribe to: `mcp-evergreen/react` is made of
 * it, and Vue, Svelte and Solid need a few lines.
 */

import type { FilledForm, FormField } from "./form.js";
import type {
  CallToolResult,
  CloseServerOptions,
  ConnectOptions,
  CreateMessageParams,
  CreateMessageResult,
  ElicitFormParams,
  ElicitUrlParams,
  GetPromptResult,
  HandlerContext,
  ManagedPrompts,
  ManagedResources,
  ManagedResourceTemplates,
  ManagedServer,
  ManagedTool,
  McpError,
  OpenOptions,
  PlatformURL as URL,
  Progress,
  Prompt,
  ReadResourceResult,
  RequestOptions,
  Resource,
  ResourceTemplate,
  ServerStore,
  Session,
  Status,
  Tool,
} from "./types.js";

/**
 * A session with the server at `url`. It connects when somebody subscribes (never before, nor on a server that renders) or
 * calls, and closes a second after the last one has left.
 */
export function mcpStore(url: string | URL, options?: McpStoreOptions): McpStore<McpSnapshot, McpStoreOptions>;

/** Many servers: a `SessionManager` that is there as long as somebody subscribes, and a second longer. */
export function mcpServersStore(options?: McpServersOptions): McpStore<McpServersSnapshot, McpServersOptions>;

/** What can be subscribed to. All functions are bound. */
export interface McpStore<Snapshot, Options> {
  /**
   * Calls the listener after each change.
   *
   * @returns The way to stop it.
   */
  readonly subscribe: (listener: () => void) => () => void;
  /** What is known now. It is frozen, and the same object until something is another. */
  readonly getSnapshot: () => Snapshot;
  /** The first one: for what is rendered on a server. */
  readonly getServerSnapshot: () => Snapshot;
  /**
   * Other options than before: their functions and `headers` are used from now on, of `mcpServersStore` also `servers`. Any
   * other that changes is left as it was, which is a warning on the console in development.
   *
   * Another `identity`, or where there is none another `Bearer` or `Basic` value in `headers` that are no function (also none),
   * is another user: what was made for the one before is closed with the options that were theirs, the calls under way end with
   * the code `"closed"`, and all options count anew. A token that is renewed belongs into `headers` beside an `identity`.
   */
  readonly setOptions: (options?: Options) => void;
}

/** Those of `connect`, without its `signal`. `auth.ask` is `"click"` unless it is named: no window opens by itself. */
export interface McpStoreOptions extends Omit<ConnectOptions, "signal"> {
  /**
   * Which of the server's questions stand in {@link McpSnapshot.pendingQuestions}, and are declared so; a handler of the
   * host's own goes before. A host that names one has to show it: the call that it is asked for waits. Forms alone are
   * declared by `"elicitation"`: for URLs as well give `capabilities: { elicitation: { form: {}, url: {} } }`. Default: none.
   */
  questions?: readonly QuestionKind[] | undefined;
}

export type QuestionKind = "elicitation" | "sampling";

/** What there is of one session. Each member keeps its identity until it changes; functions are the same until the user is another. */
export interface McpSnapshot {
  /** Undefined until it is connected; `status.state` is `"ready"` with it alone. */
  readonly session: Session | undefined;
  /** Its state; `"closed"` where it could not be connected, too. */
  readonly status: Status;
  /**
   * Why there is no session, or why it waits: undefined as soon as it is ready. A list that cannot be had is told to
   * `on.warning`, as `"list_failed"`, once in a row.
   */
  readonly error: McpError | TypeError | undefined;
  /** Nothing goes on before the user has signed in: {@link McpSnapshot.authorize} belongs on a button. */
  readonly needsSignIn: boolean;
  /**
   * What the server has, all pages; empty until it is listed. A list that the server announces anew is asked for at once, and
   * more and more seldom (up to 15 seconds apart) where one announcement follows upon the other; one that could not be had is
   * asked for again, after a second at first and a minute at most, and when the session was made anew.
   */
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly resourceTemplates: readonly ResourceTemplate[];
  readonly prompts: readonly Prompt[];
  /** Whether each list was there, be it empty. */
  readonly listed: ListsRead;
  /** What the server asks and nobody has answered, the oldest first; see {@link McpStoreOptions.questions}. */
  readonly pendingQuestions: readonly PendingQuestion[];
  /** The calls of the three functions below that are under way, with their progress. */
  readonly calls: readonly PendingCall[];
  /** Whether there are any. */
  readonly busy: boolean;
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
  /**
   * For a click, and to be called in it: asks the user to sign in, and resolves when the session is there. What the provider
   * opens (`popup`) is open before this returns, also where there is no session yet; `await` nothing before. Without the option
   * `auth` it asks the server whether the user is let in by now; with `ask: "never"` it does so where there is no session yet.
   *
   * @throws {McpError} As `connect`, `session.authorize`, and without `auth` `session.verify`.
   */
  readonly authorize: () => Promise<void>;
  /** Connects anew, as long as somebody uses it. */
  readonly retry: () => void;
  /** Closes the session, for all who share it, until `retry`, `authorize` or a call. Who comes to look on does not open it. */
  readonly disconnect: () => void;
}

/** By list. */
export interface ListsRead {
  readonly tools: boolean;
  readonly resources: boolean;
  readonly resourceTemplates: boolean;
  readonly prompts: boolean;
}

/** A call that is under way. */
export interface PendingCall {
  readonly id: number;
  /** The JSON-RPC method. */
  readonly method: string;
  /** The tool's or prompt's name, or the resource's URI. */
  readonly name: string;
  /** Of tool calls, what the server said last of how far it has come. Twenty times a second at most. */
  readonly progress: Progress | undefined;
  /** Gives the call up, which rejects with `reason`. Default: an `AbortError`. */
  readonly cancel: (reason?: unknown) => void;
}

/** A question of a server's. Texts are the server's: show them as text, and who asks beside them. */
export type PendingQuestion = FormQuestion | UrlQuestion | SamplingQuestion;

/** What is common to questions. An answer to one that is over does nothing. It is withdrawn when the server or its session no longer waits. */
interface Question extends Pick<HandlerContext, "server" | "call"> {
  /** Another for each question of a store's. */
  readonly id: number;
  /** The user says no. */
  readonly decline: () => void;
  /** The user says nothing: the dialog was closed. Of `"sampling"` the same as no. */
  readonly cancel: () => void;
}

/** A form to be filled in. (MCP, Elicitation: Form Mode.) */
export interface FormQuestion extends Question {
  readonly kind: "form";
  readonly params: ElicitFormParams;
  /** As `fields` of `mcp-evergreen/elicitation`. */
  readonly fields: readonly FormField[];
  /**
   * Answers, with the schema's defaults for what `content` lacks: values by name, or the `FormData` of the form that was shown.
   *
   * @throws {TypeError} It does not fit; `problems` of the error says why, as in `mcp-evergreen/elicitation`. The question
   *   stays.
   */
  readonly accept: (content?: { readonly [name: string]: unknown } | FilledForm) => void;
}

/** A page that the user is asked to visit; `accept` says that they consent. (MCP, Elicitation: URL Mode.) */
export interface UrlQuestion extends Question {
  readonly kind: "url";
  readonly params: ElicitUrlParams;
  readonly accept: () => void;
}

/** What a model is asked. (MCP, Sampling.) */
export interface SamplingQuestion extends Question {
  readonly kind: "sampling";
  readonly params: CreateMessageParams;
  /**
   * Answers with what the model said.
   *
   * @throws {TypeError} It has no `role`, `content` or `model`. The question stays.
   */
  readonly accept: (result: CreateMessageResult) => void;
}

/** The options of {@link mcpServersStore}. */
export interface McpServersOptions {
  /**
   * Servers by the host's names for them (as `SessionManager.open` takes them): an address, or that with options. They are
   * opened without waiting; one that is no more among them is closed, one with another `url` or `identity` is opened anew.
   */
  servers?: Readonly<Record<string, string | URL | ServerEntry>> | undefined;
  /** Where the servers are kept, and come back from: see `ManagerOptions.store`. Default: nowhere. */
  store?: ServerStore | undefined;
  /** Options of a server that comes back: see `SessionManager.restore`. */
  restore?: ((server: ManagedServer) => OpenOptions | null | false | undefined | Promise<OpenOptions | null | false | undefined>) | undefined;
  /** Options for every session, as {@link McpStoreOptions}; another user (see {@link McpStore.setOptions}) closes all, and opens them anew. */
  defaults?: Omit<ConnectOptions, "signal"> | undefined;
  /** As {@link McpStoreOptions.questions}, for all servers. */
  questions?: readonly QuestionKind[] | undefined;
}

/** A server that is wanted. */
export interface ServerEntry extends Omit<OpenOptions, "signal" | "lazy"> {
  url: string | URL;
}

/** What there is of all servers. Names of tools are a manager's: {@link ManagedTool.name}. */
export interface McpServersSnapshot {
  readonly servers: readonly ManagedServer[];
  readonly tools: readonly ManagedTool[];
  readonly resources: ManagedResources["resources"];
  readonly resourceTemplates: ManagedResourceTemplates["resourceTemplates"];
  readonly prompts: ManagedPrompts["prompts"];
  /** Whether anything was heard of each list. */
  readonly listed: ListsRead;
  /** Servers that could not be opened, or whose lists could not be had; each once. */
  readonly failed: readonly { readonly server: string; readonly error: unknown }[];
  /** Names of servers that are still connecting, or wait for their user to sign in. */
  readonly pending: readonly string[];
  /**
   * Names of servers that go no further before the user has signed in, where a click can help: they have `auth`, or `headers`
   * that may be others by now. Who was signed out by {@link McpServersSnapshot.signOut} is among them until it is opened or closed.
   */
  readonly needSignIn: readonly string[];
  readonly pendingQuestions: readonly PendingQuestion[];
  readonly calls: readonly PendingCall[];
  readonly busy: boolean;
  /** As `SessionManager.callTool`. */
  readonly callTool: <Structured = unknown>(
    name: string,
    args?: Record<string, unknown>,
    options?: RequestOptions,
  ) => Promise<CallToolResult<Structured>>;
  /** Opens a server that the user has added. */
  readonly open: (name: string, url: string | URL, options?: Omit<OpenOptions, "signal" | "lazy">) => Promise<void>;
  /** Closes one. It stays closed, also where the option `servers` names it, until it is opened. */
  readonly close: (name: string, options?: CloseServerOptions) => Promise<void>;
  /** Of one, or of all. */
  readonly signOut: (name?: string) => Promise<void>;
  /** For a click, and to be called in it: as {@link McpSnapshot.authorize}, of one server. */
  readonly authorize: (name: string) => Promise<void>;
  /** The session of this name, where it is open. */
  readonly get: (name: string) => Session | undefined;
}
