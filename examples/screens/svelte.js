// A server in Svelte: `const mcp = mcpReadable(url, options)`, and `$mcp.tools` in the component. It is open while somebody
// subscribes. `mcpServersStore` in the place of `mcpStore` is for many servers.

import { readable } from "svelte/store";
import { mcpStore } from "mcp-evergreen/store";

export function mcpReadable(url, options) {
  const { getServerSnapshot, getSnapshot, subscribe } = mcpStore(url, options);
  return readable(getServerSnapshot(), (set) => {
    // Nothing is opened where a server renders.
    if (typeof window === "undefined") return undefined;
    const stop = subscribe(() => set(getSnapshot()));
    set(getSnapshot());
    return stop;
  });
}
