// The servers of the matrix, and how each is called and evicted.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as e2e from "../e2e/lib/servers.mjs";
import { python, root, target } from "../e2e/lib/paths.mjs";
import { run } from "../e2e/lib/processes.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));
const node = process.execPath;
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const { kind } = e2e;

/** Seconds without a request after which the servers with a time-out for idle sessions end one. */
const IDLE_SECONDS = 1;
/** What is waited for it: some servers look only now and then. */
const IDLE_WAIT = 3_000;

const idleByEnvironment = { env: { IDLE_TIMEOUT: String(IDLE_SECONDS) }, wait: IDLE_WAIT };

/** The tools that our own servers have; they keep record of what they did in a file. */
const ours = {
  count: (key) => ({ name: "count", arguments: { key } }),
  slow: (key, seconds) => ({ name: "slow", arguments: { key, seconds } }),
  executions: (server) => server.executions.started(),
};

/** Tools of others that fetch an address: ours, which counts the visits. */
function fetching(call) {
  return {
    count: (key, visits) => call(key, visits.url(key)),
    slow: (key, seconds, visits) => call(key, visits.url(key, seconds)),
    executions: (_, visits) => visits.started(),
  };
}

const venv = (name) => `${target}/matrix/${name}/bin/python`;
const inPython = (name, interpreter, program) => kind(name, interpreter, ["-B", `${here}servers/${program}.py`]);
const inNode = (name, program, options) => kind(name, node, [`${here}servers/${program}.mjs`], options);

function npmVersion(name, from = here) {
  return JSON.parse(readFileSync(`${from}node_modules/${name}/package.json`, "utf8")).version;
}

function pythonVersion(interpreter, name) {
  return run(interpreter, ["-c", `import importlib.metadata as m; print(m.version("${name}"))`]).then((text) => text.trim());
}

function crateVersion(folder) {
  return /name = "rmcp"\nversion = "(.+)"/.exec(readFileSync(`${here}${folder}/Cargo.lock`, "utf8"))[1];
}

function supergateway(version) {
  const program = `${here}node_modules/supergateway-${version}/dist/index.js`;
  return {
    name: "supergateway (stdio → Streamable HTTP, stateful)",
    version: () => npmVersion(`supergateway-${version}`),
    kind: kind(`supergateway ${version}`, node, ({ port, env }) => [
      program,
      ...["--stdio", `${node} ${here}servers/stdio.mjs`, "--outputTransport", "streamableHttp", "--stateful", "--cors"],
      ...["--port", String(port), "--logLevel", "none", ...(env.IDLE ? ["--sessionTimeout", env.IDLE] : [])],
    ]),
    ...ours,
    idle: { env: { IDLE: String(IDLE_SECONDS * 1000) }, wait: IDLE_WAIT },
    child: true,
  };
}

/** The TypeScript SDK's server behind something: `behind.mjs`. */
function behind(what, name, more = {}) {
  return {
    name: `@modelcontextprotocol/sdk, ${name}`,
    version: () => npmVersion("@modelcontextprotocol/sdk", `${root}tests/e2e/`),
    kind: inNode(`behind ${what}`, "behind", { env: { BEHIND: what } }),
    ...ours,
    fails: true,
    ...more,
  };
}

function rmcp(folder, binary) {
  return {
    name: "rmcp",
    version: () => crateVersion(folder),
    kind: kind(folder, `${target}/matrix/${folder}/debug/${binary}`, []),
    ...ours,
    fails: true,
    cors: "add",
    idle: idleByEnvironment,
    idleEndsRunning: true,
  };
}

/**
 * `name`, `version()`, `kind` (of `servers.mjs` of the e2e suite), `env`; the parameters of a call
 * that writes and of one that takes its time, and the server's own record of both; `cors`: `add`
 * where the proxy has to add the headers; `era` where the server speaks the modern one too, which knows no eviction;
 * `deletes: false` where DELETE ends more than the session;
 * `path` of the endpoint, where it is not /mcp;
 * `idle` where idle sessions can be made to end soon; `child` where each session has a process of its
 * own behind the server, which may crash; `fails` where there is a tool that throws the
 * words of a refusal; `json` where answers come as plain JSON, with their head.
 */
export const SERVERS = [
  {
    name: "@modelcontextprotocol/sdk",
    version: () => npmVersion("sdk-1.17"),
    kind: inNode("sdk 1.17", "sdk_1_17"),
    ...ours,
  },
  {
    name: "@modelcontextprotocol/sdk, one transport for all",
    version: () => npmVersion("sdk-1.17"),
    kind: inNode("sdk 1.17, one transport", "sdk_1_17", { env: { ONE_TRANSPORT: "1" } }),
    ...ours,
    // After it the transport is closed for good, and answers no initialize.
    deletes: false,
  },
  {
    name: "@modelcontextprotocol/sdk",
    version: () => npmVersion("@modelcontextprotocol/sdk", `${root}tests/e2e/`),
    kind: e2e.typescriptSdk,
    ...ours,
    fails: true,
  },
  {
    name: "@modelcontextprotocol/sdk, JSON answers",
    version: () => npmVersion("@modelcontextprotocol/sdk", `${root}tests/e2e/`),
    kind: e2e.typescriptSdk,
    env: { JSON: "1" },
    ...ours,
    fails: true,
    json: true,
  },
  {
    name: "@modelcontextprotocol/server, sessions for legacy clients",
    version: () => npmVersion("@modelcontextprotocol/server"),
    kind: inNode("server 2", "server_2"),
    ...ours,
  },
  {
    name: "@modelcontextprotocol/server-everything",
    version: () => npmVersion("@modelcontextprotocol/server-everything", `${root}tests/e2e/`),
    kind: e2e.everything,
    ...fetching((key, data) => ({ name: "gzip-file-as-resource", arguments: { name: key, data, outputType: "resource" } })),
  },
  {
    name: "mcp (Python)",
    version: () => pythonVersion(venv("mcp-1.25"), "mcp"),
    kind: inPython("Python 1.25", venv("mcp-1.25"), "python_1"),
    ...ours,
  },
  {
    name: "mcp (Python)",
    version: () => pythonVersion(venv("mcp-1.30"), "mcp"),
    kind: inPython("Python 1.30", venv("mcp-1.30"), "python_1"),
    ...ours,
    idle: idleByEnvironment,
  },
  {
    name: "mcp (Python)",
    version: () => pythonVersion(python, "mcp"),
    kind: e2e.pythonSdk,
    era: "legacy",
    ...ours,
    fails: true,
    idle: idleByEnvironment,
  },
  {
    name: "mcp (Python), JSON answers",
    version: () => pythonVersion(python, "mcp"),
    kind: e2e.pythonSdkJson,
    era: "legacy",
    ...ours,
    fails: true,
    json: true,
    idle: idleByEnvironment,
  },
  {
    name: "fastmcp",
    version: () => pythonVersion(venv("fastmcp"), "fastmcp"),
    kind: inPython("fastmcp", venv("fastmcp"), "fastmcp_4"),
    era: "legacy",
    ...ours,
    idle: idleByEnvironment,
  },
  rmcp("rmcp-0.8", "matrix-rmcp-0_8"),
  { ...rmcp("rmcp-3", "matrix-rmcp-3"), era: "legacy" },
  supergateway(3),
  supergateway(4),
  behind("nginx", "behind nginx as it comes"),
  behind("gateway", "behind a gateway that refuses unknown methods"),
  behind("prefix", "behind a path prefix", { path: "/apps/one/mcp" }),
  {
    name: "@playwright/mcp",
    version: () => npmVersion("@playwright/mcp"),
    kind: kind("playwright", node, ({ port }) => [
      `${here}node_modules/@playwright/mcp/cli.js`,
      ...["--headless", "--isolated", "--no-sandbox", "--executable-path", chromium],
      ...["--host", "127.0.0.1", "--port", String(port), "--allowed-hosts", "*"],
    ]),
    ...fetching((_, url) => ({
      name: "browser_evaluate",
      arguments: { function: `() => fetch("${url}", { mode: "no-cors" }).then(() => "visited")` },
    })),
    cors: "add",
  },
];
