// The official suite, one scenario at a time: only so do the client's exit code and its time-outs count.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../", import.meta.url));
const PROGRAM = `${here}node_modules/@modelcontextprotocol/conformance/dist/index.js`;
const NODE = `${here}node_modules/node/bin/node`;
/** What the suite asks for. */
const OLDEST_NODE = 22;

/** Milliseconds for the client; the browser gives up before. */
const TIMEOUT = 90_000;

/** Its client scenarios as `name@version`; those of no version of the specification as `name@extension`. */
export async function catalogue() {
  const { stdout } = await suite(["list", "--client"]);
  return stdout.split("\n").flatMap((line) => {
    const [, name, versions] = /^ {2}- (\S+) \[(.+)\]$/.exec(line) ?? [];
    return name ? versions.split(",").map((version) => `${name}@${version}`) : [];
  });
}

/** Runs one scenario; `{ passed, total, exit, why }`. */
export async function runScenario(scenario, version, browser, { client: program = `${here}client.mjs`, env = {} } = {}) {
  const spec = version === "extension" ? [] : ["--spec-version", version];
  const client = `"${process.execPath}" "${program}"`;
  const { stdout, stderr, exit } = await suite(
    ["client", "--command", client, "--scenario", scenario, ...spec, "--timeout", TIMEOUT, "--verbose"],
    { ...env, ...(browser && { CONFORMANCE_BROWSER: browser }) },
  );
  const checks = checksIn(stdout);
  const count = (status) => checks.filter((check) => check.status === status).length;
  return {
    passed: count("SUCCESS"),
    total: count("SUCCESS") + count("FAILURE") + count("WARNING"),
    exit,
    why: [...checks.filter(({ status }) => ["FAILURE", "WARNING"].includes(status)).map(complaint), clientSaid(stderr)]
      .filter(Boolean)
      .join("; "),
  };
}

/** A scenario that is skipped has none. */
function checksIn(stdout) {
  return stdout.startsWith("[") ? JSON.parse(stdout) : [];
}

function complaint({ name, description, errorMessage }) {
  return `${name}: ${errorMessage ?? description}`;
}

function clientSaid(stderr) {
  return /^Stderr:\n([^]+?)\n\n/m.exec(stderr)?.[1].trim() ?? /CLIENT TIMED OUT/.exec(stderr)?.[0];
}

function suite(args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(node(), [PROGRAM, ...args.map(String)], { cwd: here, env: { ...process.env, ...env } });
    const end = () => child.kill();
    process.once("exit", end);
    const said = { stdout: "", stderr: "" };
    for (const from of ["stdout", "stderr"]) child[from].on("data", (chunk) => (said[from] += chunk));
    child.once("error", reject);
    child.once("close", (code, signal) => {
      process.off("exit", end);
      resolve({ ...said, exit: signal ?? code });
    });
  });
}

function node() {
  if (existsSync(NODE)) return NODE;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return process.execPath;
  throw new Error(`the suite needs Node.js ${OLDEST_NODE}: \`npm ci\` in tests/conformance gets it, with install scripts allowed`);
}
