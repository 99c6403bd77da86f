// The TypeScript SDK, version 2, with our transport under its name: for hosts that make one themselves.

import * as sdk from "mcp-evergreen/sdk-original";
import { EvergreenTransport } from "./transport.js";

export * from "mcp-evergreen/sdk-original";

/** The first versions do not have all of them. */
const { auth, InsufficientScopeError, SdkHttpError, UnauthorizedError } = sdk;
const errors = { InsufficientScopeError, SdkHttpError, UnauthorizedError };

/** Authorizes as the SDK does, and throws what it throws. */
export class StreamableHTTPClientTransport extends EvergreenTransport {
  constructor(url, options) {
    super(url, { auth, ...options, errors: { ...errors, ...options?.errors } });
  }
}
