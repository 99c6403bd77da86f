/**
 * The TypeScript SDK, version 2 (`@modelcontextprotocol/client`), with our transport under the name of its own: for hosts, and for
 * packages that you cannot change, that make a `StreamableHTTPClientTransport` themselves. A bundler's alias or an import map
 * leads the SDK's name here, and `mcp-evergreen/sdk-original` to the SDK:
 *
 * ```js
 * // vite.config.js
 * export default {
 *   resolve: {
 *     alias: [
 *       { find: /^@modelcontextprotocol\/client$/, replacement: "mcp-evergreen/sdk" },
 *       { find: /^mcp-evergreen\/sdk-original$/, replacement: "/…/node_modules/@modelcontextprotocol/client/dist/index.mjs" },
 *     ],
 *   },
 * };
 * ```
 * The SDK is an optional peer of this package: 2.0 or later.
 */
import { EvergreenTransport, type EvergreenTransportOptions } from "./transport.js";

export * from "@modelcontextprotocol/client";

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
