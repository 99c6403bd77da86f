// The tables as Markdown.

const CODE = (text) => `\`${String(text).replaceAll("|", "\\|")}\``;

/** All of it; `chromium` is the browser's version, `seconds` how long it took. */
export function report({ evicted, inFlight, soundsDead, resent, modern }, { chromium, seconds }) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  const date = new Date().toISOString().slice(0, 10);
  return `# Real servers, evicted

The packed package in headless ${chromium.replace(/^\w+\//, "Chromium ")}, Node ${process.versions.node} for the servers written in JavaScript, on ${date}:
\`cargo xtask matrix\` (${minutes} ${minutes === 1 ? "minute" : "minutes"} once all servers are installed). Each server comes from its registry,
runs as a process of its own behind a recording proxy, and is called from a page. What was refused, sent and
re-initialized is counted at the proxy, what ran by the server's own record.

## Evicted, then 20 calls at once

\`restart\`: the process is killed and another starts on its port. \`DELETE\`: somebody else ends the session.
\`idle\`: the server's own time-out, set to a second. \`crash behind it\`: the stdio server behind the gateway is killed.
The refusal is the first one that the calls met; a suspicion is settled by a ping.

\`createMcpHandler\` of @modelcontextprotocol/server keeps no sessions, so there is nothing to evict: the row is its
transport with a session id generator.

${table(["server", "version", "evicted by", "refusal", "verdict", "re-initializes", "executions per call", "calls ok"], evicted, (row) => [
  row.ending,
  `${row.status} ${CODE(row.words)}`,
  row.verdicts?.join(", "),
  row.initializes,
  row.executions,
  row.calls,
])}
## Ended while a tool was running

A write of five seconds; the session ends in the middle of it. It must have run once, and the caller must get what the
server answered, or an error with \`outcome: "unknown"\`. Where it was sent twice, the second copy is the browser's. The
TypeScript SDK with JSON answers never answers a call whose session was DELETEd: there it is the call's own time-out.

${table(["server", "version", "ended by", "the caller got", "executions", "times sent", "the next call"], inFlight, (row) => [
  row.ending,
  row.caller,
  row.executions,
  row.sends,
  row.after,
])}
## A live session that only sounds dead

A tool throws a JSON-RPC error -32600 \`Session not found\`. The session lives, and the error is the answer.

${table(["server", "version", "answer", "verdict", "re-initializes", "executions", "the caller got"], soundsDead, (row) => [
  `${row.status} ${CODE(row.words)}`,
  row.verdicts?.join(", "),
  row.initializes,
  row.executions,
  row.caller,
])}
## Sent again by the browser

A tool runs for three seconds on a connection that was used before; the process dies, and the socket without a header.
The browser sends the POST a second time by itself, and the next process refuses the copy.

${table(["server", "version", "on the wire", "refusal", "executions", "the caller got"], resent, (row) => [
  CODE(row.copies),
  `${row.status} ${CODE(row.words)}`,
  row.executions,
  row.caller,
])}
## Without sessions

Servers of both eras, spoken to in the modern one (2026-07-28): the process is killed under a tool, another starts on its
port, and 20 calls come at once. Nothing is initialized; the tool's caller gets its answer or \`outcome: "unknown"\`.

${table(["server", "version", "the tool's caller got", "executions per call", "calls ok"], modern, (row) => [
  row.caller,
  row.executions,
  row.calls,
])}
\\* This server sends no CORS headers: the proxy adds them, and answers the preflights.
`;
}

function table(head, rows, cells) {
  const line = (values) => `| ${values.join(" | ")} |\n`;
  const body = rows.map((row) => {
    const name = `${row.name}${row.cors === "add" ? " \\*" : ""}`;
    const failed = row.problems.length > 0 ? "**FAILED** " : "";
    return line([`${failed}${name}`, row.version, ...cells(row).map((cell) => cell ?? "")]);
  });
  return line(head) + line(head.map(() => "---")) + body.join("");
}
