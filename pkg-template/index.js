// The entry point. Everything public is documented in types.d.ts.

import { openSession } from "./connect.js";
import { Sessions } from "./manager.js";

export { McpError } from "./error.js";
export { toolHash } from "./tool_hash.js";
export { init, initAuth } from "./runtime.js";

export function connect(url, options) {
  return openSession(url, options);
}

export class SessionManager extends Sessions {
  constructor(defaults) {
    super(defaults, openSession);
  }
}
