// One server, one proxy, one page with a session: what every play of the matrix starts from.

import { openPage } from "../e2e/lib/chrome.mjs";
import { startProxy } from "../e2e/lib/proxy.mjs";

/** Behind the front of a deploy, requests wait for the next process. */
const PATIENCE = 10_000;

let rows = 0;

/**
 * Runs `play` on it: `{ server, proxy, recording, key(name), calls(params[]), executions(), wire(), era(), generation() }`,
 * where `calls` makes all calls at once, in the page, and tells what became of each.
 */
export async function onStage({ browser, site, visits }, entry, env, play) {
  const row = rows++;
  const server = await entry.kind.start({ env: { ...entry.env, ...env } });
  const target = new URL(entry.path ?? server.url, server.url).href;
  const proxy = await startProxy(target, { cors: entry.cors ?? "pass", patience: PATIENCE });
  const page = await openPage(browser, site.url);
  const { recording } = proxy;
  const stage = {
    server,
    proxy,
    recording,
    /** A name for a call that no other row uses. */
    key: (name) => `r${row}-${name}`,
    calls: (params) => page.run(callInPage, params),
    executions: () => entry.executions(server, visits),
    wire: () => page.run(() => wires),
    era: () => page.run(() => session.status.era),
    generation: () => page.run(() => session.status.generation),
  };
  try {
    await page.run(connectInPage, proxy.url, entry.era ?? "auto");
    return await play(stage);
  } catch (error) {
    const said = server.output().split("\n").slice(-15).join("\n  ");
    error.message += `\nOn the wire:\n  ${recording.transcript().slice(0, 60).join("\n  ")}\nThe server said:\n  ${said}`;
    throw error;
  } finally {
    await page.close();
    await proxy.close();
    await server.kill();
  }
}

async function connectInPage({ connect }, url, era) {
  globalThis.wires = [];
  globalThis.session = await connect(url, { era, on: { wire: (event) => wires.push({ ...event }) } });
}

async function callInPage({ settle }, calls) {
  const call = async (params) => {
    const result = await session.callTool(params, { timeout: 30_000 });
    if (result.isError) throw new Error(JSON.stringify(result.content));
    return result.content[0].text ?? result.content[0].type;
  };
  return Promise.all(calls.map((params) => settle(call(params))));
}
