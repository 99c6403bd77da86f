// What is measured of ours alone, or cannot be said by one ratio. Each gives lines:
// `{ name, title, value, limit, good, exact }`; what is `exact` holds however busy the machine is.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { installed } from "../e2e/lib/install.mjs";
import { fileAt, serve } from "../e2e/lib/static.mjs";
import { bundles } from "./bundle.mjs";
import { Lab, median } from "./lab.mjs";

/** Milliseconds that each file takes from afar. */
const LATENCY = 80;

/** An eviction under one call: the round trips that it takes, and how long they take. */
export async function oneCall(lab, { smoke }) {
  const page = await lab.page();
  const call = () => page.play("calls", "ours", { count: 1, atOnce: 1 });
  const lines = [];
  for (const [what, how, most] of [
    ["404", {}, 4],
    ["a doubtful 200, which a ping settles", { suspicious: true }, 5],
  ]) {
    const [plain, healed, trips] = [[], [], []];
    for (const _ of lab.rounds(smoke ? 2 : 20)) {
      // A session that is lost again and again is made anew after a pause.
      await page.open("ours");
      await call();
      plain.push(await call());
      lab.server.evict(how);
      lab.server.takeSeen();
      healed.push(await call());
      trips.push(lab.server.takeSeen().length);
    }
    const value = Math.max(...trips);
    const detail = `${median(healed).toFixed(1)} ms, a call without it ${median(plain).toFixed(1)} ms`;
    const title = `round trips of a call whose session is gone: ${what}`;
    lines.push({ name: "oneCall", title, value, limit: most, detail, good: value === most, exact: true });
  }
  await page.close();
  return lines;
}

/** An eviction under a thousand calls. */
export async function herd(lab, { smoke }) {
  const page = await lab.page();
  const count = smoke ? 200 : 1_000;
  const all = () => page.play("calls", "ours", { count, atOnce: count });
  const ratios = [];
  let handshakes = 0;
  for (const _ of lab.rounds(smoke ? 1 : 7)) {
    await page.open("ours");
    await all();
    const plain = await all();
    lab.server.evict();
    lab.server.takeSeen();
    ratios.push((await all()) / plain);
    handshakes = Math.max(handshakes, lab.server.takeSeen().filter((method) => method === "initialize").length);
  }
  await page.close();
  const title = `${count} calls at once, with an eviction under them`;
  const ratio = median(ratios);
  return [
    { name: "herd", title: `${title}: times what they take without it`, value: ratio, limit: 1.3, good: ratio <= 1.3 },
    { name: "herd", title: `${title}: handshakes`, value: handshakes, limit: 1, good: handshakes === 1, exact: true },
  ];
}

/** Very many calls that wait for their turn: each costs what it costs among few. */
export async function crowd(lab, { smoke }) {
  const [few, many] = smoke ? [100, 200] : [500, 4_000];
  const page = await lab.page();
  await page.open("ours");
  const perCall = async (count) => (await page.play("calls", "ours", { count, atOnce: count })) / count;
  await perCall(few);
  const ratios = [];
  for (const _ of lab.rounds(smoke ? 1 : 3)) ratios.push((await perCall(many)) / (await perCall(few)));
  await page.close();
  const value = median(ratios);
  const title = `a call among ${many} that are made at once, times one among ${few}`;
  return [{ name: "crowd", title, value, limit: 1.2, good: value <= 1.2 }];
}

/** What is held after very many calls, beside what was held after some. */
export async function memory(lab, { smoke }) {
  const [some, many] = smoke ? [500, 2_000] : [1_000, 50_000];
  const page = await lab.page();
  await page.open("ours");
  const calls = (count) => page.play("calls", "ours", { count, atOnce: 32 });
  await calls(some);
  const early = await calls(some);
  const before = await held(page);
  // In parts: the debugger's protocol does not wait for minutes.
  for (let done = some; done < many; done += Math.min(5_000, many - some)) await calls(Math.min(5_000, many - done));
  const after = await held(page);
  const late = await calls(some);
  await page.close();
  const line = (what, own, limit) => ({
    name: "memory",
    title: `after ${many} calls, times what was there after ${some}: ${what}`,
    value: own(after) === own(before) ? 1 : own(after) / own(before),
    limit,
    detail: `${own(after)}, before ${own(before)}`,
    good: own(after) <= own(before) * limit,
  });
  return [
    line("WebAssembly memory, bytes", ({ wasm }) => wasm, 1.05),
    line("JavaScript heap, bytes", ({ heap }) => heap, 1.05),
    line("event listeners", ({ listeners }) => listeners, 1),
    line("AbortControllers", ({ controllers }) => controllers + 1, 1),
    line("functions", ({ functions }) => functions, 1.05),
    {
      name: "memory",
      title: `after ${many} calls, times what was there after ${some}: ms per call`,
      value: late / early,
      limit: 1.2,
      good: late <= early * 1.2,
    },
  ];
}

/** What is in use, after collections. */
export async function held({ page, devtools }) {
  for (let time = 0; time < 3; time++) {
    await devtools.send("HeapProfiler.collectGarbage");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const { metrics } = await devtools.send("Performance.getMetrics");
  const count = async (constructor) => {
    const prototype = await page.evaluateHandle(`${constructor}.prototype`);
    const objects = await page.queryObjects(prototype);
    const found = await objects.evaluate((objects) => objects.length);
    await Promise.all([objects.dispose(), prototype.dispose()]);
    return found;
  };
  return {
    heap: usedSize,
    wasm: await page.evaluate("memory.buffer.byteLength"),
    listeners: metrics.find(({ name }) => name === "JSEventListeners").value,
    controllers: await count("AbortController"),
    functions: await count("Function"),
  };
}

/** From the import to the first result, where each file comes from afar: without a bundler, times what a bundled app takes. */
export async function afar(lab, { smoke }) {
  const packaged = `${await installed()}/node_modules/mcp-evergreen/`;
  const app = await readFile(new URL("apps/ours.mjs", import.meta.url), "utf8");
  const plain = { bundle: "bundle.js", inline: "bundle_inline.js", modules: "index.js" };
  let asked = [];
  const file = (path) => fileAt(path.startsWith("/package/") ? path.replace("/package/", packaged) : path.replace("/apps/", bundles));
  const override = (path) => {
    if (path === "/work.mjs") return fileAt(fileURLToPath(new URL("page/work.mjs", import.meta.url)));
    if (!/^\/(apps|package)\//.test(path)) return undefined;
    // Without a bundler the app's own code is in the page.
    const name = /^\/apps\/(\w+)\.js$/.exec(path)?.[1];
    if (plain[name]) return { type: "text/javascript", body: app.replace('"mcp-evergreen"', `"/package/${plain[name]}"`) };
    asked.push(path);
    return new Promise((resolve) => setTimeout(() => resolve(file(path)), LATENCY));
  };
  const site = await serve(bundles, { override });
  const there = new Lab({ browser: lab.browser, site, server: lab.server });
  const took = { ours: [] };
  const files = {};
  for (const _ of lab.rounds(smoke ? 1 : 7)) {
    for (const name of ["ours", ...Object.keys(plain)]) {
      const page = await there.page();
      asked = [];
      (took[name] ??= []).push(await page.play("start", name, lab.server.url));
      files[name] = asked.length;
      await page.close();
    }
  }
  await site.close();
  const all = { bundle: ["bundle.js", 2], inline: ["bundle_inline.js", 1], modules: ["its modules, one by one"] };
  return Object.entries(all).flatMap(([name, [title, most]]) => {
    const value = median(took[name].map((ms, round) => ms / took.ours[round]));
    const limit = most && 1.2;
    const start = { name: "afar", title: `start, ${LATENCY} ms a file, without a bundler, times the bundled app: ${title}`, value, limit, good: most ? value <= limit : undefined };
    const count = { name: "afar", title: `files of the package until then: ${title}`, value: files[name], limit: most, good: files[name] === most, exact: true };
    return most ? [{ ...start, detail: `${median(took[name]).toFixed(0)} ms` }, count] : [{ ...start, detail: `${files[name]} files` }];
  });
}
