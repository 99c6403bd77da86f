// The table as a page.

/** `tables` with what came of their rows: docs/field.md. */
export function page(tables, results, version) {
  const rows = tables.flatMap(({ rows }) => rows);
  const of = (list, test) => list.filter(({ id }) => test(results.get(id))).length;
  const parts = [
    "# Servers as they are",
    "",
    "What a server, or what stands before it, may do wrong, what we do, and what the TypeScript SDK does " +
      `(\`@modelcontextprotocol/client\` ${version}, version negotiation on) in the same run. \`cargo xtask test field\` plays every row ` +
      "against a server on loopback and compares the result and the wire; `cargo xtask test field --write` writes this page. A row " +
      "that is missing: see CONTRIBUTING.md.",
    "",
    `Of ${rows.length} rows we do ${of(rows, ({ wrong }) => wrong.length === 0)} as the second column says, and the SDK copes with ` +
      `${of(rows, ({ copes }) => copes)}.`,
    "",
    "Where the SDK's column is empty, it does as well. An error's `diagnosis.help` names the section of this page that has its cause.",
  ];
  for (const { title, rows } of tables.filter(({ rows }) => rows.length > 0)) {
    parts.push("", `## ${title}`, "", "| the server … | what is right, and what we do | why | the SDK |", "|---|---|---|---|");
    for (const row of rows) parts.push(`| <a id="${row.id}"></a>${row.server} | ${right(row)} | ${row.why} | ${theirs(row, results.get(row.id))} |`);
    const exempt = rows.filter(({ exempt }) => exempt);
    if (exempt.length > 0) {
      parts.push("", "Left refused, by the specification's own word:", "");
      for (const row of exempt) parts.push(`- \`${row.id}\`: ${row.exempt}`);
    }
  }
  parts.push("", "## By diagnosis", "", "| `diagnosis.kind` | what happened |", "|---|---|");
  for (const [kind, text] of Object.entries(DIAGNOSES)) parts.push(`| <a id="${kind}"></a>\`${kind}\` | ${text} |`);
  return `${parts.join("\n")}\n`;
}

/** What a diagnosis names, for `diagnosis.help`. */
const DIAGNOSES = {
  authorization: "The authorization failed: the error's message says why, and `diagnosis.kind` names it (`declined`, `popup_blocked`, `closed`, `cut_off`, `embedded`, `issuer_mismatch`, `other_issuer`, `mix_up`, `not_registered` …). `data` has the HTTP status and the `error` of an authorization server that refused. What it may do wrong: [Authorization servers](#authorization-servers).",
  changing_credentials: "The credentials changed again within a minute after a session was made for the ones before. No request goes out under a session that was made with others; where they are of one user, give the option `identity`.",
  cors: "Something answers, and the browser hides the answer. The server must send `Access-Control-Allow-Origin` with every response, also with refusals, and allow the header fields that it is sent. Clients outside of browsers do not notice.",
  hidden_session_id: "The server hands out a session id that the page cannot see: `Access-Control-Expose-Headers: Mcp-Session-Id` is missing. Clients outside of browsers do not notice.",
  hidden_refusal: "The server refuses lost sessions without CORS headers, so that a page cannot tell a refusal from an outage.",
  unreachable: "Nothing answers at the address.",
  no_connection: "No byte came of the handshake, over HTTP/1.1 in a page: a browser has six connections to a host, for all its tabs together, and six tabs that listen hold them all. `share`, `listen: \"never\"` or HTTP/2 leave room.",
  offline: "This device is offline. Calls wait, or fail at once with `offline: \"fail\"`.",
  mixed_content: "A page that came over https: asked for an http: address, which browsers block.",
  local_network: "The address is one of the user's device or local network, and the browser keeps the page from it. The user can allow it in the browser's settings for the site.",
  redirect: "The server redirects, and the other final slash is no endpoint either. Give `connect` the final address. Other clients may follow any redirect; here that would carry the session, and what `headers` adds, to an address that nobody chose.",
  other_origin: "The server redirects to another origin. Give `connect` the final address.",
  web_page: "A web page answers in the place of an MCP server: the path is wrong, or something before the server answers.",
  login_page: "A page where the user signs in answers in the place of the MCP server. Let the user sign in first, and send what it wants: `headers`, or `credentials: \"include\"` for cookies.",
  flood: "The server asks more than this client can answer: some of its requests are left without an answer.",
};

function right(row) {
  if (row.value !== undefined) return row.value.replace(/, healed$/, "; the session is made anew").replace(/^says (done|$)/, "the result").replace(/^(tools|resources|resourceTemplates|prompts) (.*)$/, (_, what, names) => (names === "" ? "an empty list" : `connected, ${what} listed`)).replace(/^(contents|messages|values) $/, "an empty list") + (row.warning ? `; warning \`${row.warning}\`` : "");
  const code = row.code ?? row.failed;
  return `error: \`${code}\`${row.diagnosis ? `, diagnosis \`${row.diagnosis}\`` : ""}`;
}

function theirs(row, { sdk, copes }) {
  if (copes) return row.exempt ? "takes it" : "";
  return sdk.failed === undefined ? `comes to “${sdk.value}”` : `fails: ${words(sdk.failed)}`;
}

/** Without what differs from run to run, or would be more of the table. */
function words(text) {
  const bare = text.replace(/127\.0\.0\.1:\d+/g, "…").replace(/[{[<].*/, "…").replaceAll("|", "\\|");
  return bare.length > 60 ? `${bare.slice(0, 60)}…` : bare;
}
