// llms.txt, in the form of llmstxt.org: what there is to read, as Markdown.

import { GROUPS } from "../pages.mjs";

const TYPES = [
  ["types.d.ts", "the API of `mcp-evergreen`, with units, defaults and errors"],
  ["auth.d.ts", "the API of `mcp-evergreen/auth`"],
];

export function llms() {
  const line = ({ title, source, about }) => `- [${title}](${source})${about ? `: ${about}` : ""}`;
  const groups = GROUPS.map(({ name, pages }) => {
    const lines = pages.filter(({ source, to }) => source && to !== "index.html").map(line);
    if (name === "Reference") lines.unshift(...TYPES.map(([file, about]) => `- [${file}](${file}): ${about}`));
    return `## ${name}\n\n${lines.join("\n")}\n`;
  });
  return `# mcp-evergreen

> Sessions with Model Context Protocol (MCP) servers over Streamable HTTP that survive eviction, for hosts that live in a web page.
> When a server has forgotten the session, it is made anew and the refused call is sent once more. A call that may have run is
> never run twice. \`npm install mcp-evergreen\`; \`import { connect } from "mcp-evergreen"\`.

${groups.join("\n")}`;
}
