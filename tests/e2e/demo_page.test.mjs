// The demo's page from plain files, where a service worker plays the server: every button, what it shows, and how.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe } from "node:test";
import { TestServer } from "../../pkg-template/testing.js";
import { builtSite } from "../../www/host/build.mjs";
import { inside } from "../../www/host/pilot.mjs";
import { launchBrowser } from "./lib/chrome.mjs";
import { answeredAgain, assertStorm, tests, text } from "./lib/demo.mjs";
import { root } from "./lib/paths.mjs";
import { fileAt, serve } from "./lib/static.mjs";

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
  const sound = { type: "audio", mimeType: "audio/wav", data: wave(8_000, 4_000).toString("base64") };
  const singer = new TestServer({
    listen: false,
    tools: { sing: { inputSchema: { type: "object" }, call: () => ({ content: [sound, { ...sound, mimeType: `audio/wav;${BAD}` }] }) } },
  });
  const optional = new TestServer({
    listen: false,
    tools: {
      forecast: {
        inputSchema: {
          type: "object",
          $defs: { Unit: { type: "string", enum: ["C", "F"], title: "Unit" } },
          properties: {
            city: { type: "string", title: "City" },
            unit: { $ref: "#/$defs/Unit" },
            // As pydantic writes an Optional.
            days: { anyOf: [{ type: "integer" }, { type: "null" }], default: null, title: "Days" },
            note: { type: "string" },
          },
          required: ["city", "unit"],
        },
        call: (given) => JSON.stringify(given),
      },
    },
  });
  let site;
  let browser;
  before(async () => {
    const folder = await builtSite();
    site = await serve(folder, {
      override(path, request) {
        if (path === `${BASE}optional/mcp`) return asked(optional, request);
        if (path === `${BASE}silent/mcp`) return new Promise(() => {});
        if (path === `${BASE}bad/mcp`) return asked(bad, request);
        if (path === `${BASE}singer/mcp`) return asked(singer, request);
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
    // The punch line is to be seen: the story and its end, and in the diagram the refusal.
    assert.deepEqual(await page.$$eval("#story-steps li", (steps) => steps.map(({ textContent }) => textContent)), [
      "The page calls greet.",
      "The server answers.",
      "The server forgets the session, as one that restarts does.",
      "The page calls greet again, and knows of nothing.",
      "The server answers 404: it does not know the session any more. The call did not run.",
      "A new session is made: the handshake, as at the beginning.",
      "The same call is sent once more, in session 2.",
      "The page has its answer.",
    ]);
    assert.match(await text(page, "#story-title"), /^Healed: /);
    assert.match(await text(page, inside("[aria-current]")), /404.*evicted/);
    for (const selector of ["#story-title", "#story-steps li:last-child", inside("[aria-current]")]) assert.equal(await inView(page, selector), true, selector);
    assert.equal(await page.evaluate(() => document.activeElement.id), "show", "the focus stays");
  });

  onPage("on a phone, too, the end of “Show me” is in view", async (pilot, page) => {
    await pilot.press("show");
    for (const selector of ["#announce", "#story-title", "#story-steps li:last-child"]) assert.equal(await inView(page, selector), true, selector);
  }, { viewport: { width: 390, height: 844, hasTouch: true, isMobile: true } });

  onPage("it heals as fast after ten evictions as after one, and the storm after three others as the first", async (pilot, page) => {
    const times = [];
    for (let round = 0; round < 10; round++) {
      await pilot.press("evict");
      // By the call, or before it: the stream that ends with the session tells of the eviction as well.
      const { kind, took, title } = await pilot.call();
      assert.equal(kind, "ok", title);
      times.push(took);
    }
    // The least pause before another handshake is 500 ms.
    assert.ok(Math.min(...times.slice(5)) < 500, `${times} ms`);
    await pilot.press("show");
    await pilot.press("compare", { timeout: 120_000 });
    for (let storms = 0; storms < 3; storms++) {
      await pilot.press("storm", { timeout: 150_000 });
      await assertStorm(page);
    }
    // Their rows are folded, and what comes after them is in view.
    assert.equal((await page.$$eval(inside(".fold"), (folds) => folds.map(({ textContent }) => textContent))).filter((words) => /^Storm on “In this page”: \d+ messages, show them$/.test(words)).length, 3);
    await pilot.press("evict");
    await pilot.call();
    await page.waitForFunction(() => {
      const { shadowRoot } = document.getElementById("devtools");
      const row = shadowRoot.getElementById("rows").lastElementChild.getBoundingClientRect();
      return row.bottom <= shadowRoot.getElementById("timeline").getBoundingClientRect().bottom + 1;
    });
  }, { timeout: 480_000 });

  onPage("offline, a call waits for the network, and is answered when it is back", async (pilot, page) => {
    // Under a name that is not this device's own: that is reached without a network.
    await page.goto(url().replace("127.0.0.1", "demo.localhost"));
    await page.waitForSelector("html[data-ready]");
    await pilot.press("offline");
    await pilot.click("#call");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal((await pilot.result()).kind, "pending");
    assert.match(await text(page, inside("[data-session] .about")), /this device is offline/);
    assert.equal(await page.evaluate(() => navigator.onLine), false);
    await pilot.press("offline");
    await page.waitForFunction(() => document.getElementById("result").dataset.kind !== "pending");
    assert.equal((await pilot.result()).kind, "ok");
    assert.equal(await page.evaluate(() => navigator.onLine), true);
  });

  onPage("a storm that is stopped has lost nothing, and leaves nothing behind; the focus stays", async (pilot, page) => {
    await pilot.click("#storm");
    await page.waitForFunction(() => document.getElementById("storm-progress").value > 20);
    assert.equal(await text(page, "#connect"), "Stop and disconnect");
    assert.equal(await page.evaluate(() => document.activeElement.id), "storm");
    await pilot.click("#connect");
    await page.waitForFunction(() => document.getElementById("connect").textContent === "Connect", { timeout: 60_000 });
    assert.equal(await text(page, "#storm-lost"), "0");
    assert.ok(Number(await text(page, "#storm-once")) < 200, "it was stopped");
    assert.match(await text(page, inside("[data-session] .about")), /the host closed the session/);
    await pilot.connect();
    assert.equal((await pilot.call()).kind, "ok");
    assert.ok(!(await pilot.rows()).slice(-12).some((row) => row.includes("503")));
  });

  onPage("arguments that may be left out are in the form, and are sent only where they are filled in; references are followed", async (pilot, page) => {
    await add(pilot, `${url()}optional/mcp`);
    await pilot.formShown();
    const labels = await page.$$eval("#form label", (labels) => labels.map(({ textContent }) => textContent.trim()));
    for (const label of ["City", "Days (optional)", "note (optional)", "Unit"]) assert.ok(labels.some((found) => found.startsWith(label)), `${label} in ${labels}`);
    assert.equal(labels.some((label) => /anyOf|\$ref|#\//.test(label)), false, String(labels));
    assert.deepEqual(JSON.parse((await pilot.call()).text), { city: "hello", unit: "C" });
    const days = await page.$$eval("#form input[type=text]", (fields) => fields.findIndex((field) => field.labels[0]?.textContent.includes("Days")));
    const fields = await page.$$("#form input[type=text]");
    await fields[days].type("3");
    await page.keyboard.press("Tab");
    assert.deepEqual(JSON.parse((await pilot.call()).text), { city: "hello", unit: "C", days: 3 });
    await pilot.press("remove");
  });

  onPage("nothing of one server stands there as if it were of another", async (pilot, page) => {
    await add(pilot, `${url()}nowhere`);
    await page.waitForFunction(() => document.getElementById("result").dataset.kind === "error");
    await pilot.choose("page");
    assert.deepEqual(await pilot.result().then(({ kind, title }) => [kind, title]), ["none", "No result yet"]);
    await pilot.call();
    await pilot.choose(`${url()}nowhere`);
    assert.deepEqual(await pilot.result().then(({ kind, title }) => [kind, title]), ["none", "No result yet"]);
    assert.equal(await text(page, "#form"), "");
    await pilot.press("remove");
  });

  onPage("a link names a server, which is spoken to when the visitor says so", async (pilot, page) => {
    const asked = singer.requests.length;
    await page.goto(`${url()}?server=${encodeURIComponent(`${url()}singer/mcp`)}`);
    await page.waitForSelector("html[data-ready]");
    assert.equal(singer.requests.length, asked);
    assert.equal(await page.$eval("#server-choices :checked", ({ value }) => value), `${url()}singer/mcp`);
    await pilot.connect();
    assert.equal((await pilot.call()).kind, "ok");
    assert.match(await text(page, "footer"), /npm install mcp-evergreen · version \d+\.\d+\.\d+/);
  });

  onPage("a connect that is given up is cancelled, and no error", async (pilot, page) => {
    await page.$eval("#url", (field, address) => (field.value = address), `${url()}silent/mcp`);
    await page.click("#add");
    await page.waitForFunction(() => document.getElementById("connect").textContent === "Cancel");
    await page.click("#connect");
    await page.waitForFunction(() => document.getElementById("result-title").textContent === "connect: cancelled");
    assert.equal((await pilot.result()).kind, "none");
    await pilot.press("remove");
  });

  onPage("every button that hurts, and a call after it", async (pilot, page) => {
    const sessionOf = ({ text }) => /process \d+, session \w+/.exec(text)?.[0];
    let before = sessionOf(await pilot.call());
    assert.ok(before, "the tool says which session it ran in");
    for (const action of ["evict", "restart", "refuse404", "refuse400", "refuse200"]) {
      await pilot.press(action);
      const result = await pilot.call();
      // By the call, or before it: the standing stream ends with the session, too.
      const session = sessionOf(result);
      assert.deepEqual([result.kind, session !== before], ["ok", true], `${action}: ${result.title} ${result.text}`);
      before = session;
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
    await page.waitForFunction(() => document.getElementById("devtools").shadowRoot.getElementById("rows").lastElementChild.textContent.includes("offline") === false);
    await pilot.press("offline");
    await page.waitForFunction(() => document.getElementById("result").dataset.kind !== "pending", { timeout: 60_000 });
    await answeredAgain(pilot);
  });

  for (const action of ["evict", "restart", "refuse404"]) {
    onPage(`who breaks it by hand is told of the heal: ${action}, also before the call`, async (pilot, page) => {
      const steps = () => page.$$eval("#steps li", (items) => items.map((item) => item.hasAttribute("data-done")));
      await pilot.call();
      assert.deepEqual(await steps(), [true, true, false, false]);
      await pilot.press(action);
      await page.waitForFunction(() => document.getElementById("announce").textContent.startsWith("Healed before you called: session 2."));
      assert.deepEqual(await steps(), [true, true, true, true]);
      const { title, kind } = await pilot.call();
      assert.deepEqual([kind, /^Healed before you called: session 2\. Answered in \d+ ms$/.test(title)], ["ok", true], title);
      assert.deepEqual(await steps(), [true, true, true, true]);
      assert.match(await text(page, "#announce"), /^Healed before you called: session 2\. /);
      // Nothing was broken since.
      assert.match((await pilot.call()).title, /^Answered in/);
    });
  }

  onPage("a server that is busy: why nothing is healed, why the call is not sent again, and when to call", async (pilot, page) => {
    await pilot.press("busy");
    await pilot.call();
    assert.match(await text(page, "#announce"), /overloaded\. The session is alive.* not sent again by itself: call again in a second/);
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

  onPage("a sound is there to be played, and only what is one", async (pilot, page) => {
    await add(pilot, `${url()}singer/mcp`);
    await pilot.formShown();
    assert.equal((await pilot.call()).kind, "ok");
    const players = await page.$$eval("#result-body audio", (found) =>
      Promise.all(
        found.map(async (player) => {
          if (player.readyState === 0) await new Promise((resolve, reject) => Object.assign(player, { onloadedmetadata: resolve, onerror: reject }));
          return [player.duration, player.controls, player.autoplay];
        }),
      ),
    );
    assert.deepEqual(players, [[0.5, true, false]]);
    assert.equal(await text(page, "#result-body details summary"), "content of type audio");
    await pilot.press("remove");
  });

  onPage("a server that hides its session's id: the error says which header it lacks", async (pilot, page) => {
    const shy = new TestServer({ listen: false });
    const allows = { "access-control-allow-origin": "*", "access-control-allow-headers": "*, content-type", "access-control-allow-methods": "GET, POST, DELETE" };
    // Of another origin, as its port is another one.
    const front = createServer(async (request, response) => {
      if (request.method === "OPTIONS") return response.writeHead(204, allows).end();
      const { status, headers, body } = await asked(shy, request);
      response.writeHead(status, { ...headers, ...allows }).end(body);
    });
    await once(front.listen(0, "127.0.0.1"), "listening");
    try {
      await add(pilot, `http://127.0.0.1:${front.address().port}/mcp`);
      await page.waitForFunction(() => document.getElementById("result").dataset.kind === "error");
      const { title, text: said } = await pilot.result();
      assert.match(said, /The server did not run it\..*Access-Control-Expose-Headers/s, title);
      assert.equal(await text(page, "#result-body p strong"), "hidden session id");
      await pilot.press("remove");
    } finally {
      front.close();
      front.closeAllConnections();
    }
  });

  onPage("no button's label wraps or is cut off, however narrow the screen", async (pilot, page) => {
    for (const width of [320, 340, 350, 355, 360, 375, 390, 414, 480, 600, 768, 1024, 1100, 1360]) {
      await page.setViewport({ width, height: 844 });
      const odd = await page.$$eval("#break-buttons button", (buttons) =>
        buttons.flatMap((button) => {
          const range = document.createRange();
          range.selectNodeContents(button);
          const { width } = range.getBoundingClientRect();
          return range.getClientRects().length > 1 || width > button.clientWidth ? [`${button.textContent}: ${width} of ${button.clientWidth}`] : [];
        }),
      );
      assert.deepEqual(odd, [], `${width} wide`);
    }
  });

  onPage("the diagram: paused, inspected by keyboard, and saved as SVG and JSON", async (pilot, page) => {
    await pilot.press("pause");
    const before = await page.$$eval(inside("#rows > li"), (rows) => rows.length);
    await pilot.call();
    assert.equal(await page.$$eval(inside("#rows > li"), (rows) => rows.length), before);
    assert.match(await text(page, inside("#pause")), /Resume \(\d+\)/);
    await pilot.press("pause");
    const rows = await page.$$eval(inside("#rows > li"), (rows) => rows.length);
    assert.ok(rows > before);

    await page.focus(inside("#timeline"));
    for (const key of ["End", "ArrowUp"]) await page.keyboard.press(key);
    const inspected = await text(page, inside("#inspect"));
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
    const { messages, redacted } = JSON.parse(json.text);
    assert.deepEqual([messages.length, redacted], [rows, true]);
    assert.ok(messages.some(({ wire }) => wire?.rpcMethod === "tools/call" && wire.status === 200));
    const svg = await saved("save-svg");
    assert.equal(svg.type, "image/svg+xml");
    const drawn = await page.evaluate(async (text) => {
      const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
      const image = new Image();
      image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
      await image.decode();
      return { root: parsed.documentElement.localName, rows: parsed.querySelectorAll("g").length, arrows: parsed.querySelectorAll(".arrow").length, height: image.naturalHeight };
    }, svg.text);
    const arrows = await page.$$eval(inside("#rows .arrow"), (arrows) => arrows.length);
    assert.deepEqual(drawn, { root: "svg", rows, arrows, height: 100 + 34 * rows });

    await pilot.press("clear");
    assert.equal(await page.$$eval(inside("#rows > li"), (rows) => rows.length), 0);
    assert.equal(await page.$eval(inside("#empty"), ({ hidden }) => hidden), false);
  });

  onPage("servers of one's own: a wrong address is refused in words, another is kept over a reload and removed", async (pilot, page) => {
    for (const [wrong, words] of [["", /Enter the address/], ["nowhere", /no address/], ["ftp://127.0.0.1/", /https:/], ["https://a:b@c/", /name and a password/]]) {
      await page.$eval("#url", (field, wrong) => (field.value = wrong), wrong);
      await pilot.press("add");
      assert.match(await text(page, "#url-error"), words);
    }
    await add(pilot, `${url()}nowhere`);
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
    await add(pilot, `${url()}bad/mcp`);
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
    ["on a phone", "light", { width: 390, height: 844, hasTouch: true, isMobile: true }],
  ]) {
    onPage(`${name}: axe finds nothing, nothing is cut off, and the layout does not jump`, async (pilot, page) => {
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
      assert.deepEqual(found, []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      const table = await page.$eval(".table", ({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth);
      assert.equal(table, true, "both columns are in view");
      if (viewport.hasTouch) {
        const small = await page.$$eval("button, select, #url, .choices label", (targets) => targets.filter((target) => target.checkVisibility() && target.getBoundingClientRect().height < 44).map(({ textContent, id }) => id || textContent));
        assert.deepEqual(small, []);
      }
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

/** Whether all of an element's first line is in the window, under nothing that stands fast. */
function inView(page, selector) {
  return page.$eval(selector, (element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return top >= 0 && Math.min(bottom, top + 20) <= innerHeight;
  });
}

/** Adds a server of one's own. */
async function add(pilot, address) {
  await pilot.page.$eval("#url", (field, address) => (field.value = address), address);
  await pilot.press("add");
}

/** Silence: a file of so many samples, eight bits each. */
function wave(rate, samples) {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples, 4);
  head.write("WAVEfmt ", 8);
  // The format's size, PCM, one channel, samples and bytes per second, bytes and bits per sample.
  for (const [value, at] of [[16, 16], [rate, 24], [rate, 28], [samples, 40]]) head.writeUInt32LE(value, at);
  for (const [value, at] of [[1, 20], [1, 22], [1, 32], [8, 34]]) head.writeUInt16LE(value, at);
  head.write("data", 36);
  return Buffer.concat([head, Buffer.alloc(samples, 128)]);
}

/** What a server in the shape of `fetch` answers to a request over the network. */
async function asked(server, request) {
  const { method, headers } = request;
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const answer = await server.fetch(server.url, { method, headers, body: Buffer.concat(chunks).toString() });
  return { status: answer.status, type: "application/json", headers: Object.fromEntries(answer.headers), body: await answer.text() };
}
