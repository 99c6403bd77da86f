/**
 * An MCP server in the shape of `fetch`, for hosts' own tests: give `server.fetch` as the option `fetch`. It evicts, stalls, breaks streams and asks questions on command. Nothing
 * is sent anywhere.
 */

import type {
  PlatformRequest as Request,
  PlatformRequestInit as RequestInit,
  PlatformResponse as Response,
  PlatformURL as URL,
} from "./types.js";

/** What the server is; everything can be changed later by {@link TestServer.become}. */
export interface TestServerOptions {
  /** With sessions (MCP 2025-11-25 and older; default), or without (2026-07-28): then there is nothing to evict. */
  era?: "legacy" | "modern";
  /** `serverInfo.name` and `.version`. Default `"test"`, `"1"`. */
  name?: string;
  version?: string;
  /** Default: tools, resources with `subscribe`, prompts, logging. */
  capabilities?: Record<string, unknown>;
  instructions?: string;
  /** The version that it negotiates. Default: the client's, up to 2025-11-25. */
  protocolVersion?: string;
  /** Its tools, by name: a function, or a definition with one as `call`. A string is a text result. */
  tools?: Record<string, ToolFunction | ({ call: ToolFunction } & Record<string, unknown>)>;
  /** Answers by method: a result, or a function that gives one, or throws `{ code, message, data }`. */
  answers?: Record<string, unknown | ((params: any, context: Context) => unknown)>;
  /** Whether it answers by event streams: only those can carry questions and progress. Default `false`. */
  sse?: boolean;
  /** Whether its events have ids, and a stream that broke can be resumed. Default `false`. */
  resumable?: boolean;
  /** Whether it has standing streams. Default `true`. */
  listen?: boolean;
  /** Milliseconds on {@link TestServer.clock} after which it evicts a session that is not used. Default: never. */
  sessionTtl?: number;
  /** How it refuses a session that it does not hold: one of the ways seen in the field, or your own. Default `"A"`. */
  refuse?: Refusal | ((message: any) => { status: number; headers: Record<string, string>; body: string | null });
}

/**
 * - A: 404, -32001, id null. B: 404, -32600, the request's id. C: 404, text. D: 400, -32000, id null.
 * - E: 200, -32600, the request's id. F: 404, -32001, the request's id. G: 400, -32600. H: 404, -32600, "server-error".
 */
export type Refusal = "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H";

/** What a tool does. */
export type ToolFunction = (args: any, context: Context) => unknown;

/** What a tool or an answer can do beside answering; the functions only where the server answers by event streams. */
export interface Context {
  /** `"s1"` for the first session that was made. */
  session: string;
  /** Asks the client on the stream of the answer; resolves with its response. */
  ask?(method: string, params?: unknown): Promise<Answer>;
  notify?(method: string, params?: unknown): void;
  /** Where the client asked for progress. */
  progress?(progress: { progress: number; total?: number; message?: string }): void;
}

/** The client's response to a question. */
export interface Answer {
  session?: string;
  id: string | number;
  result?: any;
  error?: { code: number; message: string; data?: unknown };
}

export class TestServer {
  constructor(options?: TestServerOptions);
  /** Where it seems to be. */
  readonly url: string;
  /** Bound: it can be handed over as it is. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The clock of {@link TestServerOptions.sessionTtl}, in milliseconds. */
  readonly clock: { readonly now: number; advance(ms: number): void };
  /** What was asked of it, in order. */
  readonly requests: {
    http: string;
    method?: string;
    id?: string | number;
    params?: any;
    /** Undefined where it held no such session. */
    session?: string;
    headers: Record<string, string>;
    status?: number;
  }[];
  /** Responses of the client's, in order. */
  readonly answers: Answer[];
  /** How many sessions it has made. */
  readonly sessionsMade: number;
  /** How many standing streams are open. */
  readonly streams: number;
  /** How often a method was asked. */
  count(method: string): number;
  /** Is another server from now on; the sessions stay. */
  become(options: TestServerOptions): void;
  /** Forgets all sessions. */
  evict(): void;
  /** Requests with this method wait until the function is called that this returns. */
  stall(method: string): () => void;
  /** The next answer to this method breaks off, before its head or after it; the server ran it all the same. */
  break(method: string, options?: { head?: boolean }): void;
  /** The answers and streams that are open break off. */
  breakStreams(): void;
  /** Says something to every session on its standing stream. */
  notify(method: string, params?: unknown): void;
  /** Asks the latest session on its standing stream. @throws Where it has none. */
  ask(method: string, params?: unknown): Promise<Answer>;
}
