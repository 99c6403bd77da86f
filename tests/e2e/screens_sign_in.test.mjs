// Who signs in from a screen: with the store alone, in React, and with one of many servers; in a browser that blocks popups,
// with servers whose answers take longer than a click lets windows open for.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openApp } from "./lib/app.mjs";
import { launchBrowserOnScreen } from "./lib/chrome.mjs";
import { bundledHosts } from "./lib/hosts.mjs";
import { installed } from "./lib/install.mjs";
import { fileAt, serve } from "./lib/static.mjs";
import { until } from "./lib/until.mjs";
import { startScripted } from "./servers/scripted_as.mjs";

/** Milliseconds that each answer takes. */
const SLOW = 700;

const IMPORTS = {
  react: "/hosts/react.js",
  "mcp-evergreen": "/node_modules/mcp-evergreen/index.js",
  "mcp-evergreen/auth": "/node_modules/mcp-evergreen/auth.js",
  "mcp-evergreen/react": "/node_modules/mcp-evergreen/react.js",
  "mcp-evergreen/store": "/node_modules/mcp-evergreen/store.js",
};
const PAGE = `<!doctype html><title>app</title><div id="root"></div><button id="sign-in">Sign in</button>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`;

let site;
let browser;
/** The same whose user lets this page open as many windows as it likes. */
let lenient;
before(async () => {
  const [app, hosts] = [await installed(), await bundledHosts()];
  site = await serve(app, {
    override: (path) => {
      if (path === "/") return { type: "text/html", body: PAGE };
      return path.startsWith("/hosts/") ? fileAt(hosts + path.slice("/hosts".length)) : undefined;
    },
  });
  browser = await launchBrowserOnScreen();
  lenient = await launchBrowserOnScreen(["--disable-popup-blocking"]);
});
after(async () => {
  await browser?.close();
  await lenient?.close();
  await site?.close();
});

/**
 * How each is shown. Runs in the page: gives `now()`, with what is common to all, and `set(options)`. The button `#sign-in` is the
 * page's, or React's.
 */
const SCREENS = {
  async store(url, auth) {
    const { mcpStore } = await import("mcp-evergreen/store");
    const store = mcpStore(url, { auth });
    store.subscribe(() => {});
    document.getElementById("sign-in").onclick = () => authorize();
    return () => store.getSnapshot();
  },
  async servers(url, auth) {
    const { mcpServersStore } = await import("mcp-evergreen/store");
    const store = mcpServersStore({ servers: { a: url }, defaults: { auth } });
    store.subscribe(() => {});
    document.getElementById("sign-in").onclick = () => authorize();
    return () => {
      const { needSignIn, authorize, get } = store.getSnapshot();
      return { needsSignIn: needSignIn.includes("a"), callTool: (name) => get("a").callTool({ name }), authorize: () => authorize("a"), session: get("a") };
    };
  },
  async react(url, auth) {
    const { createElement, createRoot, StrictMode } = await import("react");
    const { useMcp } = await import("mcp-evergreen/react");
    document.getElementById("sign-in").remove();
    let mcp;
    const Server = () => {
      mcp = useMcp(url, { auth });
      return createElement("button", { id: "sign-in", onClick: () => authorize() }, mcp.needsSignIn ? "Sign in" : mcp.status.state);
    };
    createRoot(document.getElementById("root")).render(createElement(StrictMode, null, createElement(Server)));
    return () => mcp;
  },
  async provider(url, auth) {
    const { createElement, createRoot, StrictMode } = await import("react");
    const { McpProvider, useMcpServers } = await import("mcp-evergreen/react");
    document.getElementById("sign-in").remove();
    let many;
    const Servers = () => {
      many = useMcpServers();
      return createElement("button", { id: "sign-in", onClick: () => authorize() }, many.needSignIn.join());
    };
    const host = createElement(McpProvider, { servers: { a: { url, auth } } }, createElement(Servers));
    createRoot(document.getElementById("root")).render(createElement(StrictMode, null, host));
    return () => {
      const { needSignIn, authorize, get } = many ?? { needSignIn: [], get() {} };
      return { needsSignIn: needSignIn.includes("a"), callTool: (name) => get("a").callTool({ name }), authorize: () => authorize("a"), session: get("a") };
    };
  },
};

const windows = (context) => context.pages().then((pages) => pages.length);
const agree = async (window) => {
  await window.waitForSelector("#agree");
  await window.click("#agree");
};

function signing(what, how, knobs, play, browserOf = () => browser) {
  test(`${how}: ${what}`, { timeout: 120_000 }, async () => {
    const as = await startScripted(knobs);
    const context = await browserOf().createBrowserContext();
    try {
      const app = await openApp(context, site.url, as.url);
      const show = (ask) =>
        app.run(`async () => {
          const { popup } = await import("mcp-evergreen/auth");
          const provider = popup({ redirectUrl: "/callback.html" });
          const auth = ${JSON.stringify(ask)} === undefined ? { provider } : { provider, ask: ${JSON.stringify(ask)} };
          globalThis.now = await ({ async ${SCREENS[how].toString().replace(/^async /, "")} }).${how}(${JSON.stringify(as.url)}, auth);
          globalThis.authorize = () => void (globalThis.signedIn = now().authorize().then(() => "signed in", ({ code, name }) => code ?? name));
        }`);
      const press = async () => {
        await app.page.bringToFront();
        await app.page.click("#sign-in");
      };
      const wanted = () => until(() => app.run(() => now().needsSignIn), "the button is wanted");
      await play({ as, app, context, show, press, wanted });
      assert.deepEqual(app.errors, []);
    } finally {
      await context.close();
      await as.close();
    }
  });
}

async function clickEarlyAndLate({ as, app, context, show, press }) {
  await show();
  await press();
  const first = await app.nextPopup();
  await first.waitForSelector("#agree");
  assert.equal(await windows(context), 2);
  await first.click("#agree");
  assert.equal(await app.run(() => signedIn), "signed in");
  await app.run(() => now().session.signOut());
  await press();
  const second = await app.nextPopup();
  await second.waitForSelector("#agree");
  assert.equal(await windows(context), 2);
  await second.click("#agree");
  assert.equal(await app.run(() => signedIn), "signed in");
  await until(async () => (await windows(context)) === 1, "the window is closed");
  assert.equal(as.counts.asked, 2);
}

for (const how of Object.keys(SCREENS)) {
  signing("no window opens by itself, and that of the click is led on though the servers are slow", how, { delay: SLOW }, async ({ as, app, context, show, press, wanted }) => {
    await show();
    await wanted();
    await app.run(({ sleep }) => sleep(1_000));
    assert.deepEqual([await windows(context), as.counts.asked], [1, 0]);
    await press();
    await agree(await app.nextPopup());
    assert.equal(await app.run(() => signedIn), "signed in");
    assert.equal(await app.run(() => now().needsSignIn), false);
    assert.deepEqual([as.counts.asked, as.counts.registered, as.counts.codes], [1, 1, 1]);
    // In mid-life the same.
    as.revoke();
    await app.run(({ text }) => void (globalThis.called = now().callTool("read").then(text)));
    await wanted();
    await until(async () => (await windows(context)) === 1, "no window by itself");
    assert.equal(as.counts.asked, 1);
    await press();
    await agree(await app.nextPopup());
    assert.equal(await app.run(() => called), "read ran");
    await until(async () => (await windows(context)) === 1, "the window is closed");
  });

  const early = "a click before anything has answered, and another after the session was ended, open one window each";
  signing(early, how, { delay: SLOW }, clickEarlyAndLate);
  signing(`${early}, also where windows are let open`, how, { delay: SLOW }, clickEarlyAndLate, () => lenient);
}
