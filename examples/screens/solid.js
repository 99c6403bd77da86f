// A server in Solid: `const mcp = createMcp(url, options)`, and `mcp().tools` in the component. `mcpServersStore` in the
// place of `mcpStore` is for many servers.

import { createSignal, onCleanup } from "solid-js";
import { mcpStore } from "mcp-evergreen/store";

export function createMcp(url, options) {
  const { getServerSnapshot, getSnapshot, subscribe } = mcpStore(url, options);
  const [mcp, set] = createSignal(getServerSnapshot());
  // Nothing is opened where a server renders.
  if (typeof window === "undefined") return mcp;
  onCleanup(subscribe(() => set(getSnapshot)));
  set(getSnapshot);
  return mcp;
}
