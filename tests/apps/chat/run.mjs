// examples/chat in development, and servers to add to it. `cargo xtask chat` sees to what it needs; Ctrl-C ends everything.

import { spawn } from "node:child_process";
import { chat } from "./build.mjs";
import { startWorld } from "./world.mjs";

const { members, hidden, proxy } = await startWorld();
console.log(`Servers to add:
  ${members.url}  wants a login
  ${hidden.url}  has no CORS headers: the proxy ${proxy.url} leads there
Messages to try:
  steps key=a steps=20
  book key=b
  poem about=otters
Ctrl-C ends everything.`);

const env = { ...process.env, VITE_SERVERS: `${members.url} ${hidden.url}`, VITE_PROXY: proxy.url };
const vite = spawn(`${chat}node_modules/.bin/vite`, ["--host", "127.0.0.1"], { cwd: chat, env, stdio: "inherit" });
vite.once("exit", (code) => process.exit(code ?? 0));
for (const signal of ["SIGINT", "SIGTERM"]) process.prependOnceListener(signal, () => (vite.kill(), process.exit(0)));
