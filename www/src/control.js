// The demo's own servers: the one in the service worker, those of `cargo xtask demo`, and how to break them.

/**
 * @typedef {object} DemoServer
 * @property {string} id
 * @property {"page" | "process" | "own"} kind  in the service worker; a process; somebody's, which cannot be broken from here
 * @property {string} label
 * @property {string} url      where the page connects to
 * @property {string} [control]  address of its controls
 * @property {string[]} actions  what can be done to it
 * @property {boolean} [running]
 * @property {string} [process]  which one runs, in words
 * @property {{ tool: string, arguments: object }} [suggest]  a call whose answer shows which process ran it
 * @property {{ tool: string, argument: string }} [storm]  a call that is counted by the value of that argument
 */

const ALL = ["evict", "restart", "kill", "start", "drop", "refuse404", "refuse400", "refuse200", "busy"];
const WORKER_PATIENCE = 5_000;

/** The server in the service worker, where there can be one. @returns {Promise<DemoServer | undefined>} */
export async function serverInPage() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return undefined;
  try {
    await serviceWorker.register(new URL("sw.js", document.baseURI));
    const { active } = await serviceWorker.ready;
    if (!serviceWorker.controller) await controlled(serviceWorker, active);
    const base = new URL(`in-page/${worldName()}/`, document.baseURI).href;
    const server = {
      id: "page",
      kind: "page",
      label: "In this page",
      url: `${base}mcp`,
      control: `${base}control/`,
      actions: [...ALL, "expire"],
      suggest: { tool: "greet", arguments: { name: "otter", language: "English", loud: false } },
      storm: { tool: "count", argument: "key" },
    };
    return Object.assign(server, inWords(await (await fetch(`${server.control}state`)).json()));
  } catch {
    return undefined;
  }
}

function controlled(serviceWorker, active) {
  return new Promise((resolve, reject) => {
    serviceWorker.addEventListener("controllerchange", resolve, { once: true });
    setTimeout(() => reject(new Error("The service worker does not answer.")), WORKER_PATIENCE);
    active.postMessage("claim");
  });
}

/** Each tab has its own, which a reload keeps. */
function worldName() {
  const name = sessionStorage.getItem("world") ?? crypto.randomUUID();
  sessionStorage.setItem("world", name);
  return name;
}

/** The processes behind the page's own site; none where it comes from plain files. @returns {Promise<DemoServer[]>} */
export async function serverProcesses() {
  try {
    const response = await fetch(new URL("control/servers", document.baseURI));
    const isOurs = response.ok && response.headers.get("content-type")?.startsWith("application/json");
    return isOurs ? (await response.json()).map(ofProcess) : [];
  } catch {
    return [];
  }
}

function ofProcess(server) {
  const control = new URL(`control/servers/${server.id}/`, document.baseURI).href;
  return { ...server, kind: "process", control, actions: ALL, ...inWords(server) };
}

function inWords({ running, process, pid }) {
  return { running, process: running ? `process ${pid ?? process}` : undefined };
}

/** Does one of its `actions` to a server, and notes on it how it is afterwards. */
export async function control(server, action) {
  const response = await fetch(`${server.control}${action}`, { method: "POST" });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `The control endpoint answered ${response.status}.`);
  Object.assign(server, inWords(answer));
}

/** How often each key that begins with `prefix` was run, by the server's own book. */
export async function ledger(server, prefix) {
  return (await fetch(`${server.control}ledger?prefix=${encodeURIComponent(prefix)}`)).json();
}
