// What version 1 of the TypeScript SDK has in `client/streamableHttp.js`, with our transport under its name: for hosts that
// make one themselves.

import { auth, UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { EvergreenTransport } from "./transport.js";

/** As the SDK throws it: what the server refused, by its HTTP status. */
export class StreamableHTTPError extends Error {
  constructor(code, message) {
    super(`Streamable HTTP error: ${message}`);
    this.code = code;
  }
}

const errors = { StreamableHTTPError, UnauthorizedError };

/** Authorizes as the SDK does, and throws what it throws. */
export class StreamableHTTPClientTransport extends EvergreenTransport {
  constructor(url, options) {
    super(url, { auth, ...options, errors: { ...errors, ...options?.errors } });
  }
}
