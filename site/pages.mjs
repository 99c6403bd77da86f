// What the site consists of, in the order of its navigation. A page lies where its source does; what it leads to in the
// repository comes along.

export const GROUPS = [
  {
    name: "Start",
    pages: [
      { source: "site/index.md", to: "index.html", title: "What this is" },
      { to: "demo/index.html", title: "Demo", about: "a page that breaks a session in every way there is, and shows it heal" },
      { source: "pkg-template/README.md", to: "package.html", title: "The package", about: "installing it, and an example of each thing it does" },
      { source: "docs/examples.md", title: "Examples", about: "beneath other clients, into models, in React, Vue, Svelte, Solid and Rust; each is run as a test" },
      { source: "examples/chat/README.md", title: "A host to copy", about: "a whole chat over many servers, for copying", copy: "examples/chat" },
    ],
  },
  {
    name: "Coming from",
    pages: [
      { source: "docs/guides/sdk.md", title: "the TypeScript SDK", about: "its Client, 1.x or 2.x, over a transport that recovers" },
      { source: "docs/guides/use-mcp.md", title: "use-mcp", about: "its hook by an alias, or another hook" },
      { source: "docs/guides/ai-sdk.md", title: "the AI SDK", about: "its MCP client over a transport that recovers" },
      { source: "docs/guides/mcp-use.md", title: "mcp-use", about: "its client and its hook for pages" },
    ],
  },
  {
    name: "Reference",
    pages: [
      { to: "reference/index.html", title: "API", about: "every option, method, event and error, with units and defaults" },
      { source: "README.md", title: "How it behaves", about: "what is retried and what is not, both eras, authorization, tabs, errors, departures from the specification" },
      { source: "docs/field.md", title: "Servers as they are", about: "what servers do wrong, what becomes of it, and what each diagnosis means" },
      { source: "docs/hosts.md", title: "Hosts", about: "packages that make the SDK's transport themselves, by an alias; and OAuth providers" },
      { source: "docs/proxy.md", title: "Proxy", about: "for servers without CORS headers" },
      { source: "docs/devtools.md", title: "Devtools", about: "what goes over the wire, drawn in the page; and the report to send" },
      { source: "docs/extensions.md", title: "Extensions", about: "tokens without a user, DPoP, skills" },
    ],
  },
  {
    name: "Evidence",
    pages: [
      { source: "docs/matrix.md", title: "Matrix", about: "real servers of many makes, evicted in a browser" },
      { source: "docs/bench.md", title: "Bench", about: "how fast and how large it is, beside others" },
      { source: "docs/chaos.md", title: "Chaos", about: "calls through a gateway that fails, judged by what the servers ran" },
      { source: "SECURITY.md", title: "Security", about: "threats, each with its test, and how to report a hole" },
    ],
  },
  {
    name: "Project",
    pages: [
      { source: "CHANGELOG.md", title: "Changelog", about: "what each version brings" },
      { source: "CONTRIBUTING.md", title: "Contributing", about: "two commands, the walk, and how a report becomes a row" },
      { source: "docs/architecture.md", title: "Architecture", about: "which part owns what, and one call through an eviction" },
      { source: "docs/crate.md", title: "The crate", about: "the same sessions in Rust" },
      { source: "VERSIONING.md", title: "Versioning", about: "what is promised to hosts, and which revisions are spoken" },
      { source: "DEPENDENCIES.md", title: "Dependencies", about: "what is taken from others" },
      { source: "ROADMAP.md", title: "Roadmap", about: "where this goes" },
    ],
  },
];
