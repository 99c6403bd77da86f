// The least that can be written: `fetch`, and `JSON.parse`.

const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
let count = 0;

export async function open(url) {
  const clientInfo = { name: "app", version: "1.0.0" };
  const post = (message) =>
    fetch(url, { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", ...message }) });

  const version = "2025-11-25";
  const params = { protocolVersion: version, capabilities: {}, clientInfo };
  const made = await post({ id: ++count, method: "initialize", params });
  await made.json();
  headers["mcp-session-id"] = made.headers.get("mcp-session-id");
  headers["mcp-protocol-version"] = version;
  await post({ method: "notifications/initialized" });

  return {
    async call(params, onprogress) {
      const id = ++count;
      const _meta = onprogress && { progressToken: id };
      const response = await post({ id, method: "tools/call", params: { ...params, _meta } });
      if (!response.headers.get("content-type").startsWith("text/event-stream")) {
        return JSON.parse(await response.text()).result;
      }
      return lastOf(response, onprogress);
    },
  };
}

async function lastOf(response, onprogress) {
  let result;
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + text).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      for (const line of event.split("\n")) {
        if (!line.startsWith("data: ")) continue;
        const message = JSON.parse(line.slice(6));
        if (message.method === "notifications/progress") onprogress(message.params);
        else result = message.result;
      }
    }
  }
  return result;
}
