/**
 * What version 1 of the TypeScript SDK (`@modelcontextprotocol/sdk`) has in `client/streamableHttp.js`, with our transport under
 * the name of its own: for hosts, and for packages that you cannot change, that make one themselves. A bundler's alias or an
 * import map leads that one subpath here:
 *
 * ```js
 * // vite.config.js
 * export default {
 *   resolve: { alias: { "@modelcontextprotocol/sdk/client/streamableHttp.js": "mcp-evergreen/sdk-v1" } },
 * };
 * ```
 * The SDK is an optional peer of this package: 1.13 or later.
 */
import { EvergreenTransport, type EvergreenTransportOptions } from "./transport.js";

/** What the server refused. */
export class StreamableHTTPError extends Error {
  /** The HTTP status. */
  readonly code: number | undefined;
  constructor(code: number | undefined, message: string | undefined);
}

/**
 * In the place of the SDK's transport. It authorizes by the SDK's `auth`, and throws what the SDK throws; `auth: undefined` has it
 * authorize by our own flow.
 */
export class StreamableHTTPClientTransport extends EvergreenTransport {
  /** @throws {TypeError} An option is of a wrong type; the message names it. */
  constructor(url: string | URL, options?: EvergreenTransportOptions);
}
/** The SDK's options, and ours. */
export type StreamableHTTPClientTransportOptions = EvergreenTransportOptions;
