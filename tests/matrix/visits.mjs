// A place for tools that fetch: how often an address was visited is how often the tool ran.

import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "../e2e/lib/ports.mjs";

/** Starts it: `{ url(key, seconds?), started(), close() }`; a visit lasts so many seconds. */
export async function startVisits() {
  const visits = {};
  const server = createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url, "http://host");
    const key = pathname.slice(1);
    visits[key] = (visits[key] ?? 0) + 1;
    await sleep(Number(searchParams.get("seconds")) * 1000);
    res.end(`visited ${key}`);
  });
  const port = await listen(server);
  return {
    url: (key, seconds = 0) => `http://127.0.0.1:${port}/${key}?seconds=${seconds}`,
    /** How often each key was asked for. */
    started: () => ({ ...visits }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
