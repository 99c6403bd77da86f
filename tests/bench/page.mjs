// The two ways to read the same stream, in the page.

import { connect } from "mcp-evergreen";

let session;

export async function open(url) {
  session = await connect(url);
}

/** Milliseconds that our client takes from the call to its result. */
export async function ours(given) {
  let seen = 0;
  const began = performance.now();
  const { content } = await session.callTool(
    { name: "stream", arguments: given },
    { onprogress: ({ progress }) => (seen += progress > 0 ? 1 : 0) },
  );
  const took = performance.now() - began;
  return check(took, seen, given, content[0].text === "done");
}

/** Milliseconds that the least takes which can be written: fetch, split, parse. */
export async function bare(given, url) {
  let seen = 0;
  let done = false;
  const began = performance.now();
  const params = { name: "stream", arguments: given, _meta: { progressToken: 1 } };
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
  });
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + text).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      for (const line of event.split("\n")) {
        if (!line.startsWith("data: ")) continue;
        const message = JSON.parse(line.slice(6));
        if (message.method === "notifications/progress") seen += message.params.progress > 0 ? 1 : 0;
        else done = message.result.content[0].text === "done";
      }
    }
  }
  return check(performance.now() - began, seen, given, done);
}

function check(took, seen, { count }, done) {
  if (seen !== count || !done) throw new Error(`${seen} of ${count} notifications came${done ? "" : ", and no result"}`);
  return took;
}
