// Free ports on the loopback interface, which nobody else takes.

import { createServer } from "node:net";

// Below the range from which the kernel takes ports for outgoing connections: between the death
// of a server and its restart no client socket can occupy its port.
const LOWEST = 20_000;
const HIGHEST = 32_000;
/** Test files run side by side: each process has a block of ports of its own. */
const BLOCK = 200;

let block;

/** A port that nobody listens on, and that stays ours across a restart of the server. */
export async function freePort() {
  const { first, next } = await (block ??= ownBlock());
  for (let attempt = 1; attempt < BLOCK; attempt++) {
    const port = first + next();
    if (await isFree(port)) return port;
  }
  throw new Error(`none of the ports from ${first} to ${first + BLOCK - 1} is free`);
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

/** Whoever listens on the first port of a block has the block, until the process ends, however it ends. */
async function ownBlock() {
  const blocks = (HIGHEST - LOWEST) / BLOCK;
  const start = Math.floor(Math.random() * blocks);
  for (let tried = 0; tried < blocks; tried++) {
    const first = LOWEST + ((start + tried) % blocks) * BLOCK;
    const holder = await listener(first);
    if (!holder) continue;
    holder.unref();
    // One after the other: a port comes up again when all others were given out.
    let given = 0;
    return { first, next: () => 1 + (given++ % (BLOCK - 1)) };
  }
  throw new Error(`none of the ${blocks} blocks of ports is free`);
}

async function isFree(port) {
  const probe = await listener(port);
  if (probe) await new Promise((resolve) => probe.close(resolve));
  return probe !== undefined;
}

function listener(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    // No host: a server on all interfaces would collide as well.
    server.listen(port, () => resolve(server));
  });
}
