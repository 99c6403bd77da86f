// examples/chat, built with the packed package, in a browser that blocks popups: its user adds servers, signs in, chats and
// answers, while the servers forget sessions, restart and go away.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser } from "../e2e/lib/chrome.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { until } from "../e2e/lib/until.mjs";
import { builtChat } from "./chat/build.mjs";
import { User } from "./chat/user.mjs";
import { startWorld } from "./chat/world.mjs";

const ELSEWHERE = "elsewhere.test";

let site;
let world;
let browser;
before(async () => {
  const folder = await builtChat();
  const page = (path) => ({ "/": "/index.html" })[path] ?? path;
  [site, world, browser] = await Promise.all([
    serve(folder, { override: (path) => fileAt(folder + page(path)) }),
    startWorld({ hiddenHost: ELSEWHERE }),
    launchBrowser([`--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`]),
  ]);
});
after(async () => {
  await browser?.close();
  await world?.close();
  await site?.close();
});

async function chatting(name, play) {
  test(name, { timeout: 240_000 }, async () => {
    const context = await browser.createBrowserContext();
    const user = new User(context, await context.newPage());
    try {
      await user.page.goto(site.url);
      await play(user);
      assert.deepEqual(user.errors, [], "nothing is left uncaught in the page");
    } catch (error) {
      error.stack += `\n\nOn the page:\n${await user.sees()}`;
      throw error;
    } finally {
      await context.close();
    }
  });
}

chatting("a server is added, signed in to by a click, chatted with, evicted and restarted; after a reload all is there", async (user) => {
  const { as, members, hidden, proxy } = world;

  await user.adds(members.url);
  await user.seesServer(members.url, "sign-in wanted");
  assert.equal((await user.windows()).length, 1, "no window opens by itself");
  const window = await user.opens("Sign in");
  await window.waitForSelector("#agree");
  await window.click("#agree");
  await user.seesServer("Members", "ready");
  assert.deepEqual([as.counts.signedIn, as.counts.registered], [1, 1]);

  assert.equal(await user.says("count key=plain"), "counted plain");

  await user.begins("steps key=walk steps=4");
  await user.seesCall("step 2");
  assert.equal(await user.hears(), "made 4 steps");

  await user.begins("steps key=run steps=500");
  await user.seesCall("step 1");
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

  await user.adds(hidden.url, proxy.url);
  await user.seesServer("Hidden", "ready");
  const [host] = [new URL(hidden.url).host.replace(/\W+/g, "-")];
  assert.equal(await user.says(`${host}__count key=hidden`), "counted hidden");
  hidden.evict();
  assert.equal(await user.says(`${host}__count key=again`), "counted again");
  assert.ok(proxy.asked.includes("POST /mcp tools/call"), proxy.asked.join("\n"));

  await user.page.setOfflineMode(true);
  await user.seesServer("Hidden", "this device is offline");
  await user.begins(`${host}__count key=offline`);
  await user.presses("Cancel", { find: true });
  await user.page.setOfflineMode(false);
  assert.equal(await user.hears(), "counted offline");

  await user.page.reload();
  await user.seesServer("Members", "ready");
  await user.seesServer("Hidden", "ready");
  assert.equal(await user.says("count key=reloaded\n" + `${host}__count key=reloaded`), "counted reloaded\ncounted reloaded");
  assert.deepEqual([as.counts.signedIn, as.counts.registered, (await user.windows()).length], [1, 1, 1]);

  const { session: _m, ...once } = members.ran();
  const { session: _h, ...hiddenOnce } = hidden.ran();
  assert.deepEqual(once, { plain: 1, walk: 1, run: 1, trip: 1, evicted: 1, restarted: 1, reloaded: 1 });
  assert.deepEqual(hiddenOnce, { hidden: 1, again: 1, offline: 1, reloaded: 1 });
  await user.hasSeenNoFailure();
});
