// WebKitGTK's MiniBrowser on a display of its own, driven by WebDriver.

import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./ports.mjs";
import { startProcess } from "./processes.mjs";
import { startScreen } from "./screen.mjs";

/** Starts a browser with a profile of its own, which ends with the test process. Its pages have what `openPage` needs. */
export async function launchWebKit() {
  const screen = await startScreen();
  const port = await freePort();
  const driver = await startProcess(process.env.WEBKITDRIVER ?? "WebKitWebDriver", [`--port=${port}`], {
    port,
    env: { ...screen.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" },
  });
  const send = sender(`http://127.0.0.1:${port}`);
  const { sessionId, capabilities } = await send("POST", "/session", { capabilities: { alwaysMatch: {} } });
  const session = (method, path, body) => send(method, `/session/${sessionId}${path}`, body);
  await session("POST", "/timeouts", { script: 60_000, pageLoad: 60_000 });
  const first = await session("GET", "/window");
  const inWindow = windows(session);
  const pageIn = (handle) => new Page((...command) => inWindow(handle, ...command));

  return {
    version: async () => `WebKitGTK ${capabilities.browserVersion}`,
    async newPage() {
      const { handle } = await inWindow(first, "POST", "/window/new", { type: "window" });
      return pageIn(handle);
    },
    /** The window that a page has opened on an address that `isIt` likes. */
    async waitForTarget(isIt) {
      for (;;) {
        for (const handle of await session("GET", "/window/handles")) {
          const address = await inWindow(handle, "GET", "/url");
          if (isIt({ url: () => address })) return { page: async () => pageIn(handle) };
        }
        await sleep(20);
      }
    },
    async close() {
      await send("DELETE", `/session/${sessionId}`);
      await driver.kill();
      await screen.kill();
    },
  };
}

/** The commands of a driver go to the window that was chosen last, so one waits for the other. */
function windows(session) {
  let last = Promise.resolve();
  return (handle, ...command) => {
    const done = last.then(async () => {
      await session("POST", "/window", { handle });
      return session(...command);
    });
    last = done.catch(() => {});
    return done;
  };
}

class Page {
  #send;
  #listeners = [];
  #closed = false;

  constructor(send) {
    this.#send = send;
  }

  /** Of `pageerror` alone: what nobody caught in the page is told with the next `evaluate`. */
  on(event, listener) {
    if (event === "pageerror") this.#listeners.push(listener);
  }

  async goto(url) {
    await this.#send("POST", "/url", { url });
    await this.#execute(watch);
  }

  async reload() {
    await this.#send("POST", "/refresh", {});
    await this.#execute(watch);
  }

  /** The value of an expression, or of what a function gives for these arguments. */
  async evaluate(code, ...args) {
    const expression = typeof code === "function" ? `(${code})(...arguments)` : code;
    // The driver does nothing else while a script runs, so none runs long.
    await this.#execute(watch);
    let came = await this.#execute(begin, expression, args);
    while (came.pending) came = await this.#execute((id) => driven.soon(id), came.pending);
    for (const message of came.uncaught) for (const listener of this.#listeners) listener(new Error(message));
    if (came.thrown !== undefined) throw new Error(came.thrown);
    return came.text && JSON.parse(came.text);
  }

  async click(selector) {
    const found = await this.#send("POST", "/element", { using: "css selector", value: selector });
    await this.#send("POST", `/element/${Object.values(found)[0]}/click`, {});
  }

  async close() {
    this.#closed = true;
    await this.#send("DELETE", "/window");
  }

  isClosed() {
    return this.#closed;
  }

  #execute(fn, ...args) {
    return this.#send("POST", "/execute/sync", { script: `return (${fn})(...arguments)`, args });
  }
}

// In the page.
function watch() {
  if (globalThis.driven) return;
  const uncaught = [];
  addEventListener("error", ({ message }) => uncaught.push(message));
  addEventListener("unhandledrejection", ({ reason }) => uncaught.push(String(reason?.message ?? reason)));
  const running = new Map();
  const soon = async (id) => {
    const later = new Promise((resolve) => setTimeout(resolve, 50, { pending: id }));
    const came = await Promise.race([running.get(id), later]);
    return came.pending ? came : { ...came, uncaught: uncaught.splice(0) };
  };
  globalThis.driven = { running, soon };
}

// In the page.
function begin(expression, args) {
  const { running, soon } = driven;
  const id = running.size + 1;
  const run = async () => new Function(`return (${expression})`)(...args);
  const came = run().then((value) => ({ text: JSON.stringify(value) }), (error) => ({ thrown: `${error}\n${error?.stack}` }));
  running.set(id, came);
  return soon(id);
}

function sender(driver) {
  return async (method, path, body) => {
    const response = await fetch(driver + path, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path.replace(/^\/session\/[^/]+/, "")}: ${value.error}: ${value.message}`);
    return value;
  };
}
