// What grows with what a page has: each at `n` and at half of it, so that what is not linear shows. Gives lines as feats.mjs.

import { held } from "./feats.mjs";
import { busy, median } from "./lab.mjs";

/** Of what costs the same for each, however many there are: half as much again, which machines alone do to short works. */
const LINEAR = 1.5;

/** Sessions in one manager, and a call on each. */
export async function manySessions(lab, { smoke }) {
  const count = smoke ? 50 : 1_000;
  const page = await lab.page();
  await page.play("manager", lab.server.url, { count: 1 });
  const before = await held(page);
  await page.play("manager", lab.server.url, { count: count / 2 });
  const between = await held(page);
  const opened = await page.play("manager", lab.server.url, { count });
  const after = await held(page);
  await page.open("bare");
  // Of the thread: what a call takes on the wall, the server takes as well.
  const ways = {
    many: () => page.play("managerCalls", { count, sessions: count }),
    one: () => page.play("managerCalls", { count, sessions: 1 }),
    bare: () => page.play("calls", "bare", { count, atOnce: 32 }),
  };
  const took = { many: [], one: [], bare: [] };
  for (const round of lab.rounds(smoke ? 1 : 5, -1)) {
    for (const [name, run] of Object.entries(ways)) {
      const began = await busy(page);
      await run();
      if (round >= 0) took[name].push(((await busy(page)) - began) / count);
    }
  }
  await page.close();
  // Both managers stay open.
  const kib = (from, to, sessions) => (to.heap - from.heap + to.wasm - from.wasm) / sessions / 1024;
  const each = kib(between, after, count);
  const perCall = median(took.many);
  const among = median(took.many.map((ms, round) => ms / took.one[round]));
  const title = `${count} sessions in one manager`;
  const detail = `of the bare fetch ${median(took.bare).toFixed(2)}`;
  return [
    { name: "manySessions", title: `${title}: ms to open each`, value: opened / count },
    { name: "manySessions", title: `${title}: ms of the thread for a call`, value: perCall, limit: 1, detail, good: smoke ? undefined : perCall <= 1 },
    { name: "manySessions", title: `${title}: a call, times one where all are of one session`, value: among, limit: LINEAR, good: smoke ? undefined : among <= LINEAR },
    {
      name: "manySessions",
      title: `${title}: KiB of each`,
      value: each,
      limit: 6,
      detail: `of the ${count / 2} before ${kib(before, between, count / 2).toFixed(1)}`,
      // Of few, most is what the first of all needs.
      good: smoke ? undefined : each <= 6,
    },
  ];
}

/** A long list of tools, page by page. */
export async function tools(lab, { smoke }) {
  const count = smoke ? 1_000 : 10_000;
  const page = await lab.page();
  await page.open("ours");
  const list = async (tools) => {
    lab.server.setTools(tools);
    lab.server.takeSeen();
    const ms = await page.play("tools", "ours", { count: tools });
    return { ms, requests: lab.server.takeSeen().length };
  };
  const lines = await doubled(lab, "tools", `a list of ${count} tools`, list, count, smoke);
  await page.close();
  return lines;
}

/** Very many events in one stream. */
export async function events(lab, { smoke }) {
  const count = smoke ? 10_000 : 100_000;
  const page = await lab.page();
  await page.open("ours");
  const lines = await doubled(lab, "manyEvents", `${count} events in a stream`, async (events) => ({ ms: await page.play("events", "ours", { count: events }) }), count, smoke);
  await page.close();
  return lines;
}

/** A session with many subscriptions, of which a server knows nothing any more. */
export async function restored(lab, { smoke }) {
  const count = smoke ? 20 : 200;
  const page = await lab.page();
  const restore = async (subscriptions) => {
    await page.open("ours");
    await page.play("subscribe", "ours", { count: subscriptions });
    lab.server.evict();
    lab.server.takeSeen();
    const ms = await page.play("calls", "ours", { count: 1, atOnce: 1 });
    // What is put back goes beside the call.
    const until = Date.now() + 20_000;
    const seen = [];
    const again = () => seen.push(...lab.server.takeSeen());
    for (again(); seen.filter((method) => method === "resources/subscribe").length < subscriptions && Date.now() < until; again()) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { ms, requests: seen.filter((method) => method === "resources/subscribe").length };
  };
  const lines = await doubled(lab, "restored", `${count} subscriptions restored before a call`, restore, count, smoke);
  await page.close();
  return lines;
}

/** `run(n)` gives `{ ms, requests? }`: what each of `count` takes, times what each of half as many takes. */
async function doubled(lab, name, title, run, count, smoke) {
  await run(count / 2);
  const ratios = [];
  const took = [];
  let requests;
  for (const _ of lab.rounds(smoke ? 1 : 5)) {
    const half = await run(count / 2);
    const whole = await run(count);
    ratios.push(whole.ms / half.ms / 2);
    took.push(whole.ms);
    requests = whole.requests === undefined ? undefined : [half.requests, whole.requests];
  }
  const value = median(ratios);
  const detail = `${median(took).toFixed(0)} ms in all`;
  const lines = [{ name, title: `${title}: of each, times what it is among half as many`, value, limit: LINEAR, detail, good: value <= LINEAR }];
  if (requests) lines.push({ name, title: `${title}: requests`, value: requests[1], limit: 2 * requests[0], good: requests[1] === 2 * requests[0], exact: true });
  return lines;
}
