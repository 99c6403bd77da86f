// examples/chat, built with the packed package, in a browser that blocks popups: its user adds servers, signs in, chats and
// answers, while the servers forget sessions, restart and go away.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { root } from "../e2e/lib/paths.mjs";
import { listen } from "../e2e/lib/ports.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { until } from "../e2e/lib/until.mjs";
import { builtChat } from "./chat/build.mjs";
import { User } from "./chat/user.mjs";
import { startWorld } from "./chat/world.mjs";

let folder;
let site;
let world;
let browser;
before(async () => {
  folder = await builtChat();
  [site, world, browser] = await Promise.all([
    serve(folder, { override: (path) => fileAt(`${folder}${path === "/" ? "/index.html" : path}`) }),
    startWorld(),
    launchBrowser(["--host-resolver-rules=MAP far.test 127.0.0.1"]),
  ]);
});
after(async () => {
  await browser?.close();
  await world?.close();
  await site?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** What the page shows in red. */
const failures = ({ page }) => page.$$eval("[role=alert], .failed", (all) => all.map(({ innerText }) => innerText));

function chatting(name, play) {
  test(name, { timeout: 240_000 }, async () => {
    const context = await browser.createBrowserContext();
    const user = new User(context, await context.newPage());
    try {
      await user.page.goto(site.url);
      await play(user);
      assert.deepEqual(user.errors, [], "nothing is left uncaught in the page");
    } catch (error) {
      error.stack += `\n\nOn the page:\n${await user.sees()}\n\nUncaught:\n${user.errors.join("\n")}`;
      throw error;
    } finally {
      await context.close();
    }
  });
}

chatting("a server is added, signed in to by a click, chatted with, evicted and restarted; after a reload all is there", async (user) => {
  const { as, members, hidden, far, proxy } = world;

  await user.adds(members.url);
  await user.seesServer(members.url, "sign-in wanted");
  assert.equal((await user.windows()).length, 1, "no window opens by itself");
  await user.signsIn("Sign in");
  await user.seesServer("Members", "ready");
  await user.seesTools("Members", 5);
  assert.deepEqual([as.counts.signedIn, as.counts.registered], [1, 1]);

  assert.equal(await user.says("count key=plain"), "counted plain");

  await user.begins("steps key=walk steps=8");
  await user.seesCall("step ");
  assert.equal(await user.hears(), "made 8 steps");

  await user.begins("steps key=run steps=500");
  await user.seesCall("step ");
  await user.presses("Cancel");
  assert.equal(await user.hears(), "The user has cancelled this call.");
  await until(() => members.aborted().run === 1, "the server is told");

  await user.begins("book key=trip");
  await user.isAsked("Members (book) asks");
  await user.fills("Seats *", "99");
  await user.presses("Answer");
  await user.reads("Expected 9 at most.");
  await user.fills("Seats *", "3");
  await user.presses("At the window");
  await user.presses("Answer");
  assert.equal(await user.hears(), 'booked {"meal":"none","seats":3,"window":true}');

  await user.begins("pay key=bill");
  await user.isAsked("Members (pay) asks");
  await user.reads(`It wants you to visit: ${members.url}?pay=bill`);
  await user.presses("Open");
  assert.equal(await user.hears(), "paying: accept");
  const paid = await until(async () => (await user.windows()).find((page) => page.url().endsWith("?pay=bill")), "the page is open");
  await paid.close();
  await user.page.bringToFront();

  await user.begins("poem about=otters");
  await user.isAsked("Members (poem) asks");
  await user.presses("Ask script");
  await user.presses("Give this answer");
  assert.equal(await user.hears(), "the model says: I am a script. You said: A poem about otters");

  const sessions = members.ran().session;
  members.evict();
  assert.equal(await user.says("count key=evicted"), "counted evicted");
  await members.restart();
  assert.equal(await user.says("count key=restarted"), "counted restarted");
  assert.equal(members.ran().session, sessions + 2);

  await as.revoke();
  await user.begins("count key=revoked");
  await user.seesServer("Members", "sign-in wanted");
  await user.signsIn("Sign in");
  assert.equal(await user.hears(), "counted revoked");

  await user.adds(hidden.url, proxy.url);
  await user.seesServer("Hidden", "ready");
  const hiddenCount = `${new URL(hidden.url).host.replace(/\W+/g, "-")}__count`;
  assert.equal(await user.says(`${hiddenCount} key=hidden`), "counted hidden");
  hidden.evict();
  assert.equal(await user.says(`${hiddenCount} key=again`), "counted again");
  assert.ok(proxy.asked.includes("POST /mcp tools/call"), proxy.asked.join("\n"));

  await user.adds(far.url, proxy.url);
  await user.seesServer("Far", "ready");
  await user.seesTools("Far", 5);
  await user.page.setOfflineMode(true);
  await user.seesServer("Far", "this device is offline");
  await user.begins("far-test__count key=offline");
  await user.seesCall('"offline"');
  assert.equal(far.ran().offline, undefined);
  await user.page.setOfflineMode(false);
  assert.equal(await user.hears(), "counted offline");

  assert.deepEqual(await failures(user), ["The user has cancelled this call."]);
  await user.page.reload();
  await user.seesServer("Members", "ready");
  await user.seesServer("Hidden", "ready");
  assert.equal(await user.says(`count key=reloaded\n${hiddenCount} key=reloaded`), "counted reloaded\ncounted reloaded");
  assert.deepEqual([as.counts.signedIn, as.counts.registered, (await user.windows()).length], [2, 1, 1]);

  const { session: _m, ...once } = members.ran();
  const { session: _h, ...hiddenOnce } = hidden.ran();
  assert.deepEqual(once, { plain: 1, walk: 1, run: 1, trip: 1, evicted: 1, restarted: 1, revoked: 1, reloaded: 1 });
  assert.deepEqual(hiddenOnce, { hidden: 1, again: 1, reloaded: 1 });
  assert.equal(far.ran().offline, 1);
  assert.deepEqual(await failures(user), []);

  await user.pressesAt("Hidden", "Sign out");
  await user.seesServer("Hidden", "sign-in wanted");
  await user.pressesAt("Hidden", "Sign in");
  await user.seesServer("Hidden", "ready");
  await user.pressesAt("Members", "Sign out");
  await user.seesServer("Members", "sign-in wanted");
  await user.signsIn("Sign in");
  await user.seesServer("Members", "ready");
  await user.pressesAt("Members", "Remove");
  await user.page.reload();
  await user.seesServer("Hidden", "ready");
  assert.ok(!(await user.sees()).includes("Members"));
});

chatting("a real model by a key: tools go to it and their results, by both kinds of API; the key is kept nowhere", async (user) => {
  const { hidden, proxy } = world;
  const api = await startModelApi();
  try {
    await user.adds(hidden.url, proxy.url);
    await user.seesServer("Hidden", "ready");
    for (const [kind, address] of [["anthropic", api.url], ["openai", `${api.url}/v1`]]) {
      await user.chooses("Kind", kind);
      await user.fills("Address", address, 1);
      await user.fills("Key", "THE-KEY");
      await user.presses("Use");
      assert.equal(await user.says(`please count ${kind}`), `it said: counted ${kind}`);
    }
    assert.deepEqual(api.keys, ["THE-KEY", "THE-KEY", "Bearer THE-KEY", "Bearer THE-KEY"]);
    assert.deepEqual([hidden.ran().anthropic, hidden.ran().openai], [1, 1]);
    assert.doesNotMatch(await user.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage })), /THE-KEY/);
    api.fails = true;
    await user.begins("and again");
    await user.reads("the model is overloaded");
  } finally {
    await api.close();
  }
});

chatting("axe finds nothing serious, in light and in dark, wide and narrow", async (user) => {
  const { page } = user;
  await user.adds(world.members.url);
  await user.seesServer(world.members.url, "sign-in wanted");
  await user.adds(world.hidden.url, world.proxy.url);
  await user.seesServer("Hidden", "ready");
  await user.begins("book key=axe");
  await user.isAsked("Hidden (book) asks");
  await page.evaluate(readFileSync(`${root}www/node_modules/axe-core/axe.min.js`, "utf8"));
  for (const [scheme, width] of [["light", 1200], ["dark", 1200], ["light", 400]]) {
    await page.setViewport({ width, height: 800 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    const violations = await page.evaluate(async () => (await axe.run(document)).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`));
    assert.deepEqual(violations, [], `${scheme}, ${width}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width}: nothing is cut off`);
  }
});

/** Both APIs, by a model that calls the tool `count` with the last word that it was told, and then says what came of it. */
async function startModelApi() {
  const api = { keys: [], fails: false };
  const server = createServer(async (req, res) => {
    const cors = { "access-control-allow-origin": "*", "access-control-allow-headers": "*, authorization" };
    if (req.method === "OPTIONS") return res.writeHead(204, cors).end();
    const { messages, tools } = JSON.parse((await req.toArray()).join(""));
    const json = (status, value) => res.writeHead(status, { ...cors, "content-type": "application/json" }).end(JSON.stringify(value));
    if (api.fails) return json(529, { error: { message: "the model is overloaded" } });
    const { role, content } = messages.at(-1);
    const isAnthropic = req.url === "/v1/messages";
    api.keys.push(req.headers[isAnthropic ? "x-api-key" : "authorization"]);
    if (isAnthropic) {
      const { name } = tools.find(({ name, input_schema }) => name.endsWith("__count") && input_schema.properties.key);
      const [block] = content;
      const answer = block.type === "tool_result" ? { type: "text", text: `it said: ${block.content}` } : { type: "tool_use", id: "use-1", name, input: { key: block.text.split(" ").at(-1) } };
      return json(200, { content: [answer] });
    }
    const { name } = tools.map((tool) => tool.function).find(({ name, parameters }) => name.endsWith("__count") && parameters.properties.key);
    const call = () => ({ id: "call-1", type: "function", function: { name, arguments: JSON.stringify({ key: content.split(" ").at(-1) }) } });
    return json(200, { choices: [{ message: role === "tool" ? { content: `it said: ${content}` } : { content: null, tool_calls: [call()] } }] });
  });
  api.url = `http://127.0.0.1:${await listen(server)}`;
  api.close = () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve)));
  return api;
}
