// The least that is an MCP client, for tests of the servers and of the proxy: no recovery, no care.

/** A session with the server at `url`; `send` returns `{ status, headers, text }` as they came. */
export async function bareSession(url) {
  let id;
  let next = 1;
  const post = async (message, extra = {}) => {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        // As a page would: some servers send CORS headers only then.
        origin: "http://127.0.0.1:1",
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
        ...(id ? { "mcp-session-id": id } : {}),
        ...extra,
      },
      body: JSON.stringify({ jsonrpc: "2.0", ...message }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const session = {
    get id() {
      return id;
    },
    send: (method, params) => post({ id: next++, method, params }),
    notify: (method) => post({ method }),
    call: (name, args = {}) => session.send("tools/call", { name, arguments: args }),
    end: () => endSession(url, id),
  };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bare", version: "0" } };
  id = (await session.send("initialize", params)).headers.get("mcp-session-id");
  await session.notify("notifications/initialized");
  return session;
}

/** Ends a session by DELETE, as any client that knows its id can. */
export async function endSession(url, id) {
  const response = await fetch(url, { method: "DELETE", headers: { "mcp-session-id": id } });
  await response.text();
  return response.status;
}
