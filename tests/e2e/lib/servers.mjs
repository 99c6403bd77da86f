// Real MCP servers as child processes that can be killed and started again on their port.

import { randomBytes } from "node:crypto";
import { executionLog } from "./executions.mjs";
import { e2e, python } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { startProcess } from "./processes.mjs";

/** The tools of the servers in this directory. */
const OUR = {
  whoami: { name: "whoami", arguments: {} },
  slow: (key, seconds) => ({ name: "slow", arguments: { key, seconds } }),
};

/**
 * A way to start one kind of server. `args` is a list, or makes one from `{ port, env }`.
 * `start({ port?, env?, bare? })` resolves to
 * `{ pid, token, url, port, executions, kill(), stop(), restart(), freeze(), thaw(), output() }`;
 * `restart` kills the process, where it lives, and starts another on the same port. `token` is what
 * this process alone was told at its birth, and what its `whoami` gives away. A `bare` server
 * inherits nothing of our environment.
 */
export function kind(name, command, args, { env: own = {}, whoami = OUR.whoami, slow = OUR.slow } = {}) {
  return {
    name,
    /** The parameters of a tool call whose result differs between one process and the next. */
    whoami,
    /** The parameters of a tool call that takes `seconds`. */
    slow,
    async start({ port, env = {}, bare = false } = {}) {
      port ??= await freePort();
      const executions = executionLog();
      let token;
      const launch = () => {
        token = randomBytes(8).toString("hex");
        return startProcess(command, typeof args === "function" ? args({ port, env }) : args, {
          port,
          bare,
          env: {
            PROCESS_TOKEN: token,
            PORT: String(port),
            EXECUTIONS: executions.path,
            END_WITH_STDIN: "1",
            ...own,
            ...env,
          },
        });
      };
      let child = await launch();
      return {
        url: `http://127.0.0.1:${port}/mcp`,
        port,
        executions,
        get pid() {
          return child.pid;
        },
        get token() {
          return token;
        },
        async restart() {
          await child.kill();
          child = await launch();
        },
        kill: () => child.kill(),
        stop: () => child.stop(),
        freeze: () => child.freeze(),
        thaw: () => child.thaw(),
        output: () => child.output(),
      };
    },
  };
}

const node = process.execPath;
const everythingProgram = `${e2e}node_modules/@modelcontextprotocol/server-everything/dist/index.js`;
const typescriptProgram = `${e2e}servers/ts_server.mjs`;
const modernProgram = `${e2e}servers/ts_modern.mjs`;
const pythonProgram = `${e2e}servers/python_server.py`;

/** The reference server of the MCP project: answers as SSE, refuses with 400 and no id. */
export const everything = kind("server-everything", node, [everythingProgram, "streamableHttp"], {
  // It prints its environment, PROCESS_TOKEN included.
  whoami: { name: "get-env", arguments: {} },
  // It ignores the key.
  slow: (key, seconds) => ({ name: "trigger-long-running-operation", arguments: { key, duration: seconds, steps: 1 } }),
});
/** The official Python SDK, which speaks both eras: answers as SSE, refuses with 404 and -32600. */
export const pythonSdk = kind("Python SDK", python, [pythonProgram]);
/** The same with plain JSON answers. */
export const pythonSdkJson = kind("Python SDK (JSON)", python, [pythonProgram], { env: { JSON: "1" } });
/** The official TypeScript SDK: answers as SSE, refuses with 404 and -32001. */
export const typescriptSdk = kind("TypeScript SDK", node, [typescriptProgram]);
/** The same with plain JSON answers, refusing with 400 "No valid session ID provided". */
export const typescriptSdkJson = kind("TypeScript SDK (JSON, 400)", node, [typescriptProgram], {
  env: { JSON: "1", REFUSAL: "400" },
});
/** The official TypeScript SDK of the modern era: plain JSON answers where a tool says nothing before its result. */
export const typescriptModern = kind("TypeScript SDK 2", node, [modernProgram]);
/** The same with every answer as SSE, and without the legacy era. */
export const typescriptModernSse = kind("TypeScript SDK 2 (SSE, modern only)", node, [modernProgram], {
  env: { SSE: "1", MODERN_ONLY: "1" },
});
