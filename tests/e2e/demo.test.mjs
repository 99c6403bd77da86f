// The demo: its headless run, its page with real servers and with none, every button, its control endpoint, and its end.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get, request } from "node:http";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { TestServer } from "../../pkg-template/testing.js";
import { builtSite } from "../../www/host/build.mjs";
import { PagePilot } from "../../www/host/pilot.mjs";
import { serveSite } from "../../www/host/site.mjs";
import { startWorld } from "../../www/host/world.mjs";
import { launchBrowser } from "./lib/chrome.mjs";
import { root } from "./lib/paths.mjs";
import { fileAt, serve } from "./lib/static.mjs";
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

const text = (page, selector) => page.$eval(selector, (element) => element.textContent);

/** A test with a page of its own; nothing may be left uncaught in it. */
function tests(browser, url) {
  return function onPage(name, play, { timeout = 180_000, viewport } = {}) {
    test(name, { timeout }, async () => {
      const pilot = await PagePilot.open(browser(), url(), viewport);
      try {
        await play(pilot, pilot.page);
        assert.deepEqual(pilot.errors, []);
      } catch (error) {
        error.message += `\n\nOn the page:\n${(await pilot.rows().catch(() => [])).slice(-60).join("\n")}`;
        throw error;
      } finally {
        await pilot.close();
      }
    });
  };
}

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
      await page.waitForFunction(() => document.getElementById("rows").textContent.includes("1 call sent once more"));
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
    await page.waitForFunction(() => document.getElementById("recoveries").textContent === "1");
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

describe("the page, from plain files under a path", () => {
  const BASE = "/some/where/";
  // Wherever a library that makes forms would put it: titles, descriptions, names and values.
  const BAD = '<img src=x onerror="globalThis.ran=1">';
  const property = { type: "string", title: `a & b ${BAD}`, description: BAD, default: BAD, "x-info": { variant: "modal", content: BAD } };
  const bad = new TestServer({
    listen: false,
    tools: {
      [BAD]: {
        title: BAD,
        description: BAD,
        inputSchema: { type: "object", title: BAD, properties: { [BAD]: { type: "string" }, chosen: { ...property, enum: [BAD] }, plain: property }, required: [BAD] },
        call: () => BAD,
      },
    },
  });
  let site;
  let browser;
  before(async () => {
    const folder = await builtSite();
    site = await serve(folder, {
      override(path, request) {
        if (path === `${BASE}bad/mcp`) return asked(bad, request);
        if (!path.startsWith(BASE)) return { status: 404, type: "text/plain", body: "" };
        return fileAt(`${folder}/${path.slice(BASE.length) || "index.html"}`);
      },
    });
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });
  const url = () => site.url + BASE.slice(1);
  const onPage = tests(() => browser, url);

  onPage("the first visit: connected by itself, and “Show me” shows a healed call in one click", async (pilot, page) => {
    assert.deepEqual(await page.$$eval("#server-choices .name", (names) => names.map((name) => name.textContent)), ["In this page"]);
    assert.equal((await pilot.status()).state, "ready");
    await pilot.press("show");
    const result = await pilot.result();
    assert.equal(result.healed, true);
    assert.match(result.text, /Hello, otter!\nprocess 1, session s2/);
    assert.ok((await pilot.rows()).some((row) => /404 tools\/call +\[evicted\]/.test(row)));
    assert.match(await text(page, "#announce"), /Healed on the way/);
  });

  onPage("every button that hurts, and a call after it", async (pilot, page) => {
    for (const action of ["evict", "restart", "refuse404", "refuse400", "refuse200"]) {
      await pilot.press(action);
      const result = await pilot.call();
      assert.deepEqual([result.kind, result.healed], ["ok", true], `${action}: ${result.title} ${result.text}`);
    }
    await pilot.press("kill");
    assert.equal((await pilot.call()).kind, "error");
    await pilot.press("kill");
    assert.equal((await pilot.call()).kind, "ok");

    await pilot.press("busy");
    await answeredAgain(pilot);

    for (const word of ["wanted", "expired"]) {
      await pilot.press("expire");
      const result = await pilot.call();
      assert.equal(result.kind, "ok", `${word}: ${result.title} ${result.text}`);
      assert.equal((await pilot.rows()).filter((row) => row.includes("401 tools/call")).length, word === "wanted" ? 1 : 2);
    }

    await pilot.press("offline");
    assert.equal(await page.$eval("#offline", (button) => button.getAttribute("aria-pressed")), "true");
    await pilot.click("#call");
    await page.waitForFunction(() => document.getElementById("rows").lastElementChild.textContent.includes("offline") === false);
    await pilot.press("offline");
    await page.waitForFunction(() => document.getElementById("result").dataset.kind !== "pending", { timeout: 60_000 });
    await answeredAgain(pilot);
  });

  onPage("dropped streams: a call that runs is resumed and runs once", async (pilot, page) => {
    await pilot.chooseTool("slow");
    const before = await page.$eval("#result", ({ dataset }) => dataset.serial);
    await page.click("#call");
    await page.waitForFunction(() => /[1-3] of 4/.test(document.getElementById("result-title").textContent));
    await pilot.press("drop");
    await page.waitForFunction((before) => !["", before].includes(document.getElementById("result").dataset.serial), { timeout: 60_000 }, before);
    assert.match((await pilot.result()).text, /Done after 3 s, once, by process 1\./);
  });

  onPage("the storm: 200 executed once, none twice, none lost", async (pilot, page) => {
    await pilot.press("storm", { timeout: 150_000 });
    await assertStorm(page);
  });

  onPage("side by side: one click shows the difference", async (pilot, page) => {
    await pilot.press("compare", { timeout: 120_000 });
    assert.equal(await text(page, "#compare-sum"), "Failed calls out of 5: official SDK 4, mcp-evergreen 0.");
    const ok = await page.$$eval("#compare-rows td", (cells) => cells.map(({ dataset }) => dataset.ok));
    assert.deepEqual(ok, ["true", "true", ...Array(4).fill(["false", "true"]).flat()]);
  });

  onPage("a form from the schema: its values are sent, what does not fit is refused, and JSON is the same", async (pilot, page) => {
    await page.$eval("#form input[type=text]", (field) => (field.value = ""));
    await page.type("#form input[type=text]", "beaver");
    await page.keyboard.press("Tab");
    await page.select("#form select", "French");
    await page.click("#form input[type=checkbox]");
    assert.match((await pilot.call()).text, /BONJOUR, BEAVER!/);
    await pilot.press("as-json");
    assert.deepEqual(JSON.parse(await page.$eval("#arguments", ({ value }) => value)), { name: "beaver", language: "French", loud: true });
    await page.$eval("#arguments", (field) => (field.value = '{ "name": "mole" }'));
    await pilot.press("as-json");
    assert.match((await pilot.call()).text, /mole|MOLE/);

    await page.click("#form input[type=text]", { count: 3 });
    for (const key of ["Backspace", "Tab"]) await page.keyboard.press(key);
    const before = await page.$eval("#result", ({ dataset }) => dataset.serial);
    await pilot.press("call");
    assert.match(await text(page, "#arguments-error"), /name: /);
    assert.equal(await page.$eval("#result", ({ dataset }) => dataset.serial), before);
  });

  onPage("results by what they are: image, link, structure, a failure of the tool's", async (pilot, page) => {
    await pilot.chooseTool("draw");
    await pilot.call();
    const image = await page.$eval("#result-body img", async (image) => (await image.decode(), [image.naturalWidth, image.naturalHeight]));
    assert.deepEqual(image, [148, 80]);
    assert.deepEqual(await page.$eval("#result-body a", ({ href, rel }) => [href, rel]), ["https://modelcontextprotocol.io/", "noopener noreferrer"]);
    assert.deepEqual(JSON.parse(await text(page, "#result-body details pre")), { colour: "green", trees: 3 });
    await pilot.chooseTool("fail");
    const failed = await pilot.call();
    assert.deepEqual([failed.kind, failed.text], ["error", "The tool failed: out of acorns"]);
  });

  onPage("the diagram: paused, inspected by keyboard, and saved as SVG and JSON", async (pilot, page) => {
    await pilot.press("pause");
    const before = await page.$$eval("#rows > li", (rows) => rows.length);
    await pilot.call();
    assert.equal(await page.$$eval("#rows > li", (rows) => rows.length), before);
    assert.match(await text(page, "#pause"), /Resume \(\d+\)/);
    await pilot.press("pause");
    const rows = await page.$$eval("#rows > li", (rows) => rows.length);
    assert.ok(rows > before);

    await page.focus("#timeline");
    for (const key of ["End", "ArrowUp"]) await page.keyboard.press(key);
    const inspected = await text(page, "#inspect");
    assert.match(inspected, /Server to session: 200 tools\/call.*exchange.*status200.*sent .*then answered 200/);

    // What the two buttons hand to the visitor.
    const saved = async (id) => {
      await page.evaluate(() => {
        globalThis.saved = undefined;
        URL.createObjectURL = (blob) => ((globalThis.saved = blob), "#");
      });
      await pilot.press(id);
      return page.evaluate(async () => ({ type: saved.type, text: await saved.text() }));
    };
    const json = await saved("save-json");
    assert.equal(JSON.parse(json.text).length, rows);
    assert.ok(JSON.parse(json.text).some(({ wire }) => wire?.rpcMethod === "tools/call" && wire.status === 200));
    const svg = await saved("save-svg");
    assert.equal(svg.type, "image/svg+xml");
    const drawn = await page.evaluate(async (text) => {
      const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
      const image = new Image();
      image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
      await image.decode();
      return { root: parsed.documentElement.localName, rows: parsed.querySelectorAll("g").length, arrows: parsed.querySelectorAll(".arrow").length, height: image.naturalHeight };
    }, svg.text);
    const arrows = await page.$$eval("#rows .arrow", (arrows) => arrows.length);
    assert.deepEqual(drawn, { root: "svg", rows, arrows, height: 100 + 34 * rows });

    await pilot.press("clear");
    assert.equal(await page.$$eval("#rows > li", (rows) => rows.length), 0);
    assert.equal(await page.$eval("#empty", ({ hidden }) => hidden), false);
  });

  onPage("servers of one's own: a wrong address is refused in words, another is kept over a reload and removed", async (pilot, page) => {
    for (const [wrong, words] of [["", /Enter the address/], ["nowhere", /no address/], ["ftp://127.0.0.1/", /https:/], ["https://a:b@c/", /name and a password/]]) {
      await page.$eval("#url", (field, wrong) => (field.value = wrong), wrong);
      await pilot.press("add");
      assert.match(await text(page, "#url-error"), words);
    }
    await page.$eval("#url", (field, url) => (field.value = url), `${url()}nowhere`);
    await pilot.press("add");
    await page.waitForFunction(() => document.getElementById("result").dataset.kind === "error");
    assert.equal((await pilot.result()).title, "connect: not_mcp");
    assert.equal((await pilot.status()).state, "not connected");
    await page.reload();
    await page.waitForSelector("html[data-ready]");
    await pilot.choose(`${url()}nowhere`);
    await pilot.press("remove");
    assert.deepEqual(await page.$$eval("#server-choices .name", (names) => names.map((name) => name.textContent)), ["In this page"]);
    assert.equal(await page.evaluate(() => localStorage.getItem("servers")), "[]");
  });

  onPage("a reload past the service worker connects again", async (pilot, page) => {
    const client = await page.createCDPSession();
    await page.evaluate(() => (globalThis.before = true));
    await client.send("Page.reload", { ignoreCache: true });
    await page.waitForFunction(() => !globalThis.before && "ready" in document.documentElement.dataset);
    assert.equal((await pilot.call()).kind, "ok");
  });

  onPage("nothing of a server's schema runs as a script in the page", async (pilot, page) => {
    await page.$eval("#url", (field, url) => (field.value = url), `${url()}bad/mcp`);
    await pilot.press("add");
    await page.waitForFunction((bad) => document.getElementById("form").dataset.tool === bad, {}, BAD);
    assert.match(await text(page, "#form"), /a & b/);
    assert.equal(await page.$$eval("#form img, #tool-about img", (found) => found.length), 0);
    const result = await pilot.call();
    assert.deepEqual([result.kind, result.text.includes(BAD)], ["ok", true]);
    assert.equal(await page.$$eval("#result-body img", (found) => found.length), 0);
    assert.equal(await page.evaluate(() => globalThis.ran), undefined);
  });

  for (const [name, scheme, viewport] of [
    ["light", "light", { width: 1360, height: 900 }],
    ["dark", "dark", { width: 1360, height: 900 }],
    ["on a phone", "light", { width: 390, height: 844 }],
  ]) {
    onPage(`${name}: axe finds nothing serious, nothing is cut off, and the layout does not jump`, async (pilot, page) => {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await pilot.press("show");
      await pilot.press("compare", { timeout: 120_000 });
      await pilot.press("kill");
      await pilot.call();
      await page.evaluate(readFileSync(`${root}www/node_modules/axe-core/axe.min.js`, "utf8"));
      const found = await page.evaluate(async () => {
        const { violations } = await axe.run(document, { resultTypes: ["violations"] });
        return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target).slice(0, 4).join(", ")}`);
      });
      assert.deepEqual(found.filter((line) => /^(serious|critical)/.test(line)), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      const shift = await page.evaluate(
        () => new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntries().reduce((sum, { value, hadRecentInput }) => sum + (hadRecentInput ? 0 : value), 0))).observe({ type: "layout-shift", buffered: true }) ?? setTimeout(() => resolve(0), 300)),
      );
      assert.ok(shift < 0.05, `layout shift ${shift}`);
    }, { viewport });
  }

  onPage("it is there in less than a second", async (pilot, page) => {
    const times = [];
    // A busy machine has quiet moments.
    for (let load = 0; load < 30 && !(Math.min(...times) < 1000); load++) {
      const began = performance.now();
      await page.goto(url());
      await page.waitForSelector("html[data-ready]");
      times.push(Math.round(performance.now() - began));
    }
    assert.ok(Math.min(...times) < 1000, `${times} ms`);
  });
});

/** What a server in the shape of `fetch` answers to a request over the network. */
async function asked(server, request) {
  const { method, headers } = request;
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const answer = await server.fetch(server.url, { method, headers, body: Buffer.concat(chunks).toString() });
  return { status: answer.status, type: "application/json", headers: Object.fromEntries(answer.headers), body: await answer.text() };
}

/** After a pause that the server asked for: at the first or the second try. */
async function answeredAgain(pilot) {
  for (let tries = 1; ; tries++) {
    const { kind, title, text } = await pilot.call();
    if (kind === "ok") return;
    assert.ok(tries < 4, `${title} ${text}`);
    assert.match(title, /overloaded|outcome_unknown|network/);
    await sleep(tries * 700);
  }
}

async function assertStorm(page) {
  const counts = {};
  for (const name of ["once", "twice", "lost", "retried"]) counts[name] = Number(await text(page, `#storm-${name}`));
  const { retried, ...rest } = counts;
  assert.deepEqual(rest, { once: 200, twice: 0, lost: 0 });
  assert.ok(retried > 0, "the session retried");
}
