// The TypeScript SDK's server behind what stands before servers. Both live and die together.
//
// Environment: PORT, EXECUTIONS; BEHIND: `nginx` (with its defaults, by NGINX), `gateway` (passes on the methods of
// 2025-11-25 and refuses all others), `prefix` (the server is at /apps/one/mcp, and nothing is anywhere else).

import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../e2e/lib/ports.mjs";
import { endWithParent } from "./tools.mjs";

const { PORT, BEHIND, NGINX = "nginx" } = process.env;
const program = fileURLToPath(new URL("../../e2e/servers/ts_server.mjs", import.meta.url));
const KNOWN = /^(?:initialize|ping|notifications\/.*|(?:tools|resources|prompts|completion|logging)\/.*)$/;

const inner = await freePort();
spawn(process.execPath, [program], { env: { ...process.env, PORT: String(inner), END_WITH_STDIN: "1" }, stdio: ["pipe", "inherit", "inherit"] });
endWithParent();
await answers(inner);
if (BEHIND === "nginx") startNginx();
else createServer(pass).listen(Number(PORT), "127.0.0.1");

/** Another process, which goes when the other end of its stdin does. */
function startNginx() {
  const directory = mkdtempSync(join(tmpdir(), "nginx-"));
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${directory}/${kind};`);
  const config = `
    daemon off; master_process off; pid ${directory}/pid; error_log stderr;
    events {}
    http { access_log off; ${temp.join(" ")} server { listen 127.0.0.1:${PORT}; location / { proxy_pass http://127.0.0.1:${inner}; } } }`;
  writeFileSync(`${directory}/nginx.conf`, config);
  const script = `"${NGINX}" -p ${directory} -c ${directory}/nginx.conf & cat > /dev/null; kill -9 $!`;
  // It takes sockets from a variable of this name.
  const { NGINX: _, ...env } = process.env;
  spawn("sh", ["-c", script], { env, stdio: ["pipe", "inherit", "inherit"] });
}

async function pass(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const refuse = (status, text) => response.writeHead(status, { "access-control-allow-origin": "*", "content-type": "text/plain" }).end(text);
  let path = request.url;
  if (BEHIND === "prefix") {
    if (!path.startsWith("/apps/one/")) return refuse(404, "nothing here");
    path = path.slice("/apps/one".length);
  }
  if (BEHIND === "gateway" && request.method === "POST" && !KNOWN.test(methodOf(body))) return refuse(403, "This method is not allowed here.");
  const upstream = send({ agent: false, port: inner, host: "127.0.0.1", path, method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  upstream.on("error", () => (response.headersSent ? response.destroy() : refuse(502, "Bad Gateway")));
  response.on("close", () => response.writableFinished || upstream.destroy());
  upstream.end(body);
}

/** A response has none, and is let through. */
function methodOf(body) {
  try {
    return JSON.parse(body).method ?? "ping";
  } catch {
    return "";
  }
}

async function answers(port) {
  for (let tries = 0; tries < 200; tries++) {
    const up = await fetch(`http://127.0.0.1:${port}/mcp`, { method: "OPTIONS" }).then(() => true, () => false);
    if (up) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error("the server behind did not start");
}
