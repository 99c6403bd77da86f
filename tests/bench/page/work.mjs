// The work, in the page. Each returns the milliseconds that it took.

const ECHO = { name: "echo", arguments: { message: "otters" } };
const apps = {};

/** From nothing to the first result. */
export async function start(name, url, options) {
  const began = performance.now();
  await open(name, url, options);
  await echo(apps[name]);
  return performance.now() - began;
}

export async function open(name, url, options) {
  apps[name] = await (await import(`/apps/${name}.js`)).open(url, options);
}

export async function end(name) {
  await apps[name].session.close();
}

/** `count` calls, as many of them at a time as `atOnce`. */
export async function calls(name, { count, atOnce }) {
  const app = apps[name];
  let left = count;
  const began = performance.now();
  const lane = async () => {
    while (left-- > 0) await echo(app);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return performance.now() - began;
}

export async function texts(name, { count, bytes }) {
  return repeated(count, async () => {
    const { content } = await apps[name].call({ name: "text", arguments: { bytes } });
    if (content[0].text.length !== bytes) throw new Error(`${content[0].text.length} of ${bytes} bytes came`);
  });
}

export async function rows(name, { count, rows }) {
  return repeated(count, async () => {
    const { structuredContent } = await apps[name].call({ name: "rows", arguments: { count: rows } });
    if (structuredContent.rows.length !== rows) throw new Error(`${structuredContent.rows.length} of ${rows} rows came`);
  });
}

export async function events(name, { count }) {
  let seen = 0;
  const took = await repeated(1, async () => {
    check(await apps[name].call({ name: "events", arguments: { count } }, ({ progress }) => (seen += progress > 0 ? 1 : 0)));
  });
  if (seen !== count) throw new Error(`${seen} of ${count} notifications came`);
  return took;
}

/** All pages of the list of tools. */
export async function tools(name, { count }) {
  let seen = 0;
  const took = await repeated(1, async () => {
    for await (const tool of apps[name].session.tools()) seen += tool.name === `tool${seen}` ? 1 : 0;
  });
  if (seen !== count) throw new Error(`${seen} of ${count} tools came`);
  return took;
}

export async function subscribe(name, { count }) {
  const { session } = apps[name];
  await Promise.all(Array.from({ length: count }, (_, index) => session.subscribeResource({ uri: `file:///otters/${index}` })));
}

async function repeated(count, run) {
  const began = performance.now();
  for (let done = 0; done < count; done++) await run();
  return performance.now() - began;
}

async function echo(app) {
  check(await app.call(ECHO));
}

function check({ content }) {
  if (content[0].text !== "otters") throw new Error("this is not what the tool said");
}

/** `count` sessions of one manager, opened 32 at a time. */
export async function manager(url, { count }) {
  const { SessionManager } = await import("/apps/manager.js");
  globalThis.manager = new SessionManager({ clientInfo: { name: "app", version: "1.0.0" } });
  return lanes(count, (at) => globalThis.manager.open(`server${at}`, url));
}

/** `count` calls, 32 at a time, on as many of the manager's `sessions` in turn. */
export function managerCalls({ count, sessions }) {
  return lanes(count, async (at) => check(await globalThis.manager.get(`server${at % sessions}`).callTool(ECHO)));
}

async function lanes(count, run) {
  const all = Array(count).keys();
  const began = performance.now();
  const lane = async () => {
    for (const at of all) await run(at);
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  return performance.now() - began;
}
