// Free ports on the loopback interface.

import { createServer } from "node:net";

// Below the range from which the kernel takes ports for outgoing connections: between the death
// of a server and its restart no client socket can occupy its port.
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** A port that nobody listens on, and that stays ours across a restart of the server. */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
  throw new Error("no free port found in 100 attempts");
}

/** Starts a node:http server on a free port of the loopback interface; returns the port. */
export async function listen(server) {
  const port = await freePort();
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return port;
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    // No host: a server on all interfaces would collide as well.
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}
