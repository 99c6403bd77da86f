// The demo: its headless run, its page with real servers, its control endpoint, and its end.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { get, request } from "node:http";
import { after, before, describe, test } from "node:test";
import { builtSite } from "../../www/host/build.mjs";
import { serveSite } from "../../www/host/site.mjs";
import { startWorld } from "../../www/host/world.mjs";
import { launchBrowser } from "./lib/chrome.mjs";
import { answeredAgain, assertStorm, tests, text } from "./lib/demo.mjs";
import { root } from "./lib/paths.mjs";
import { until } from "./lib/until.mjs";

const DEMO = `${root}www/demo.mjs`;

/** Starts the demo; `output()` is what it has printed, `ended` resolves to its exit code. */
function startDemo(...flags) {
  const child = spawn(process.execPath, [DEMO, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  return { child, output: () => output, ended: once(child, "close").then(([code]) => code) };
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("headless: a call survives a killed and restarted server, for each server", { timeout: 480_000 }, async () => {
  const demo = startDemo("--headless");
  assert.equal(await demo.ended, 0, demo.output());
  for (const server of ["server-everything", "Python SDK"]) assert.match(demo.output(), new RegExp(`── ${server} ─`));
  assert.equal(demo.output().match(/ok +the proxy counted one initialize, and the call twice/g)?.length, 2);
  assert.doesNotMatch(demo.output(), /FAILED/);
});

test("the demo says how it is used", async () => {
  const demo = startDemo("--headles");
  assert.equal(await demo.ended, 2);
  assert.match(demo.output(), /usage: /);
});

test("Ctrl-C ends the demo and its servers", { timeout: 240_000 }, async () => {
  const demo = startDemo();
  await until(() => demo.output().includes("Open http://127.0.0.1:") || demo.child.exitCode !== null, demo.output, 120_000);
  assert.equal(demo.child.exitCode, null, demo.output());
  const pids = [...demo.output().matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid));
  assert.equal(pids.length, 2);
  assert.deepEqual(pids.map(isAlive), [true, true]);
  demo.child.kill("SIGINT");
  assert.equal(await demo.ended, 0, demo.output());
  await until(() => !pids.some(isAlive), "the servers are gone");
});

describe("the page, with real servers", () => {
  let world;
  let site;
  let browser;
  before(async () => {
    world = await startWorld();
    site = await serveSite(world, await builtSite());
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await Promise.all([...(world?.values() ?? [])].map((server) => server.close()));
  });
  const onPage = tests(() => browser, () => site.url);

  for (const id of ["everything", "python"]) {
    onPage(`${id}: Evict, then Call: it heals, and the diagram tells it in order`, async (pilot, page) => {
      await pilot.choose(id);
      await pilot.connect();
      assert.equal((await pilot.call()).healed, false);
      await pilot.press("clear");
      await pilot.press("evict");
      const mark = world.get(id).recording.records.length;
      const result = await pilot.call();
      assert.equal(result.kind, "ok", result.text);
      assert.equal(result.healed, true);
      assert.ok(result.text.includes(world.get(id).token));

      const refusal = id === "python" ? 404 : 400;
      const rows = (await pilot.rows()).map((row) => row.replace(/^ +\S+( ms)? +/, "").replace(/ +(in )?\d+\u00a0ms/g, "").replace(/ +/g, " "));
      // The list of tools and the standing stream are asked for beside the call.
      assert.deepEqual(rows.filter((row) => !/tools\/list|listen|recovered/.test(row)), [
        "server session deleted behind our back",
        `page ──▶ session callTool ${result.tool}`,
        "session ──▶ server POST tools/call session 1",
        `session ◀── server ${refusal} tools/call [evicted]`,
        "session recovering: the server refused the session",
        "session ──▶ server POST initialize",
        "session ◀── server 200 initialize [ok]",
        "session ──▶ server POST notifications/initialized session 2",
        "session ◀── server 202 notifications/initialized [ok]",
        "session ──▶ server POST tools/call session 2, sent once more",
        "session ◀── server 200 tools/call [ok]",
        "page ◀── session result [ok]",
      ]);
      await page.waitForFunction(() => document.getElementById("devtools").shadowRoot.getElementById("rows").textContent.includes("1 call sent once more"));
      const { GET: _, "tools/list": __, ...counts } = world.get(id).recording.counts(mark);
      assert.deepEqual(counts, { "tools/call": 2, initialize: 1, "notifications/initialized": 1 });
      assert.deepEqual(await pilot.status(), { state: "ready", generation: "2", recoveries: "1" });
      assert.equal(await page.$$eval("#steps [data-done]", (steps) => steps.length), 4);
    });

    onPage(`${id}: a refusal of every kind heals; dropped streams and 503 do no harm`, async (pilot, page) => {
      await pilot.choose(id);
      await pilot.connect();
      for (const action of ["refuse404", "refuse400", "refuse200"]) {
        await pilot.press(action);
        const result = await pilot.call();
        assert.deepEqual([result.kind, result.healed], ["ok", true], `${action}: ${result.title} ${result.text}`);
      }
      await pilot.press("drop");
      assert.equal((await pilot.call()).kind, "ok");
      await pilot.press("busy");
      await answeredAgain(pilot);
      assert.equal(await page.$eval("#expire", (button) => button.disabled), true);
    });

  }

  onPage("the storm loses nothing, by the server's own book", async (pilot, page) => {
    await pilot.choose("python");
    await pilot.connect();
    await pilot.press("storm", { timeout: 150_000 });
    await assertStorm(page);
  });

  onPage("Kill server, Call, Start server, Call: the error says what is known, then it works again", async (pilot, page) => {
    await pilot.choose("everything");
    await pilot.connect();
    const server = world.get("everything");
    const killed = server.pid;
    await pilot.press("kill");
    assert.equal(isAlive(killed), false);
    assert.equal(await text(page, "#kill"), "Start server");
    assert.equal(await page.$eval("#evict", (button) => button.disabled), true);

    const failed = await pilot.call();
    assert.equal(failed.kind, "error");
    assert.match(failed.title, /network|session_lost|outcome_unknown/);
    assert.match(failed.text, /Whether the server ran it is not known|The server did not run it/);

    await pilot.press("kill");
    assert.equal(await text(page, "#kill"), "Kill server");
    const result = await pilot.call();
    assert.equal(result.kind, "ok", result.text);
    assert.ok(result.text.includes(server.token));
  });

  onPage("Verify now heals an evicted session before the next call", async (pilot, page) => {
    await pilot.choose("everything");
    await pilot.connect();
    await pilot.press("evict");
    await pilot.press("verify");
    await page.waitForFunction(() => document.getElementById("devtools").shadowRoot.querySelector('[data-session="server-everything"] .recoveries').textContent === "1");
    assert.equal((await pilot.call()).healed, false);
  });

  onPage("Disconnect ends the session on the server; Connect makes another; the other server's stays", async (pilot, page) => {
    await pilot.choose("everything");
    await pilot.connect();
    const mark = world.get("everything").recording.records.length;
    await pilot.press("connect");
    await page.waitForFunction(() => document.getElementById("connect").textContent === "Connect");
    const { GET: _, ...counts } = world.get("everything").recording.counts(mark);
    assert.deepEqual(counts, { DELETE: 1 });
    assert.equal(await page.$eval("#call", (button) => button.disabled), true);
    await pilot.connect();
    assert.equal((await pilot.call()).kind, "ok");
    await pilot.choose("page");
    assert.equal((await pilot.status()).state, "ready");
    assert.equal((await pilot.call()).kind, "ok");
  });

  onPage("arguments that are no JSON object are refused in words, and nothing is sent", async (pilot, page) => {
    await pilot.choose("everything");
    await pilot.connect();
    await pilot.press("as-json");
    const calls = () => world.get("everything").recording.counts()["tools/call"];
    const before = calls();
    for (const wrong of ["{", "[]", "3"]) {
      await page.$eval("#arguments", (field) => (field.value = ""));
      await page.type("#arguments", wrong);
      await pilot.press("call");
      assert.match(await text(page, "#arguments-error"), /JSON/);
      assert.equal(await page.evaluate(() => document.activeElement.id), "arguments");
    }
    assert.equal(calls(), before);
  });

  onPage("side by side: the SDK's transport fails where the session heals", async (pilot, page) => {
    await pilot.choose("python");
    await pilot.press("compare", { timeout: 120_000 });
    assert.equal(await text(page, "#compare-sum"), "Failed calls out of 5: official SDK 4, mcp-evergreen 0.");
  });

  describe("the control endpoint obeys the demo page alone", () => {
    const send = (method, path, headers) =>
      new Promise((resolve, reject) => {
        const { host, port } = new URL(site.url);
        const sent = request({ host: "127.0.0.1", port, method, path, headers: { host, ...headers } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.once("error", reject).end();
      });
    const kill = "/control/servers/everything/kill";

    for (const [name, expected, method, path, headers] of [
      ["another site's page", 403, "POST", kill, () => ({ origin: "http://example.com" })],
      ["a program without an origin", 403, "POST", kill, () => ({})],
      ["a name that points here", 403, "GET", "/control/servers", () => ({ host: "example.com" })],
      ["another site's page that reads", 403, "GET", "/control/servers", () => ({ "sec-fetch-site": "cross-site" })],
      ["a GET that would act", 404, "GET", kill, () => ({})],
      ["an unknown server", 404, "POST", "/control/servers/nobody/kill", () => ({ origin: new URL(site.url).origin })],
      ["an unknown action", 404, "POST", "/control/servers/everything/explode", () => ({ origin: new URL(site.url).origin })],
      ["the page", 200, "GET", "/control/servers", () => ({})],
    ]) {
      test(name, async () => {
        const { pid } = world.get("everything");
        assert.equal(await send(method, path, headers()), expected);
        assert.equal(isAlive(pid), true);
      });
    }

    test("a path that is none does not end the site", async () => {
      const { port } = new URL(site.url);
      for (const path of ["/%", "//", "/../Cargo.toml", "/%2e%2e/Cargo.toml"]) {
        const status = await new Promise((resolve, reject) => {
          get({ host: "127.0.0.1", port, path }, (answer) => resolve(answer.resume().statusCode)).once("error", reject);
        });
        assert.equal(status, 404, path);
      }
    });
  });
});
