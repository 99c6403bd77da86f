// Child processes that never outlive the test which started them.

import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const running = new Set();

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => process.exit(1));
}

/**
 * Starts a program and waits until its `port` accepts connections, or it has printed what `says` matches.
 * `env` is added to the environment, or is all of it with `bare`; `deadline` is in milliseconds.
 */
export async function startProcess(command, args, { port, says, env = {}, bare = false, cwd, deadline = 120_000 }) {
  // The pipe to stdin closes when this process dies, however it dies; our own servers end then.
  const child = spawn(command, args, { cwd, env: { ...(bare ? {} : process.env), ...env }, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  child.stdin.on("error", () => {});

  let output = "";
  const keep = (chunk) => (output = (output + chunk).slice(-20_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);

  const exited = new Promise((resolve) => {
    child.once("error", (error) => keep(String(error)));
    child.once("close", () => {
      running.delete(child);
      resolve();
    });
  });
  const hasExited = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

  const give = {
    pid: child.pid,
    exited,
    output: () => output,
    /** Ends it at once, without a goodbye, and waits until it is gone. */
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    /** Asks it to end, and ends it by force after two seconds. */
    async stop() {
      child.kill("SIGTERM");
      await Promise.race([exited, sleep(2_000, undefined, { ref: false })]);
      await give.kill();
    },
    /** Stops it without closing anything: the kernel goes on accepting its connections. */
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
  };

  const until = Date.now() + deadline;
  while (!(says ? says.test(output) : await accepts(port))) {
    if (hasExited()) throw new Error(`${command} ${args.join(" ")} ended before it was ready:\n${output}`);
    if (Date.now() > until) {
      await give.kill();
      throw new Error(`${command} ${args.join(" ")} was not ready within ${deadline} ms:\n${output}`);
    }
    await sleep(20);
  }
  return give;
}

/** Runs a program to its end; rejects with its output when it fails. */
export function run(command, args, { cwd, env = {}, timeout = 120_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
    child.once("error", (error) => (output += error));
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${signal ?? code}:\n${output}`));
    });
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
