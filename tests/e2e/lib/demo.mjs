// What the tests of the demo's page share.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PagePilot } from "../../../www/host/pilot.mjs";

export const text = (page, selector) => page.$eval(selector, (element) => element.textContent);

/** A test with a page of its own; nothing may be left uncaught in it. */
export function tests(browser, url) {
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

/** After a pause that the server asked for: at the first or the second try. */
export async function answeredAgain(pilot) {
  for (let tries = 1; ; tries++) {
    const { kind, title, text } = await pilot.call();
    if (kind === "ok") return;
    assert.ok(tries < 4, `${title} ${text}`);
    assert.match(title, /overloaded|outcome_unknown|network/);
    await sleep(tries * 700);
  }
}

export async function assertStorm(page) {
  const counts = {};
  for (const name of ["once", "twice", "lost", "retried"]) counts[name] = Number(await text(page, `#storm-${name}`));
  const { retried, ...rest } = counts;
  assert.deepEqual(rest, { once: 200, twice: 0, lost: 0 });
  assert.ok(retried > 0, "the session retried");
}
