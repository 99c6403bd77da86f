// A server in Vue: `const mcp = useMcp(url, options)` in setup; then `mcp.tools` in the template, `mcp.value.tools` in code.
// `mcpServersStore` in the place of `mcpStore` is for many servers.

import { onScopeDispose, shallowRef } from "vue";
import { mcpStore } from "mcp-evergreen/store";

export function useMcp(url, options) {
  const { getServerSnapshot, getSnapshot, subscribe } = mcpStore(url, options);
  const mcp = shallowRef(getServerSnapshot());
  // Nothing is opened where a server renders.
  if (typeof window === "undefined") return mcp;
  onScopeDispose(subscribe(() => (mcp.value = getSnapshot())));
  mcp.value = getSnapshot();
  return mcp;
}
