// Transports with one provider ask it in turn: what one spends, no other one spends again, and none waits for good.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bounded, failure } from "./lib/dropin.mjs";
import { WAYS, codeFlow, connect, json, login, startWorld } from "./lib/providers.mjs";
import { until } from "./lib/until.mjs";

for (const [way, sdk, options] of WAYS) {
  test(`${way}: transports with one provider spend no refresh token twice`, bounded, async () => {
    const spent = new Set();
    const world = startWorld({
      async granting(form, _headers, world) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        if (form.refresh_token === undefined || !spent.has(form.refresh_token)) {
          spent.add(form.refresh_token);
          return world.issue({ refresh_token: `r${world.tokens}` });
        }
        world.reused = true;
        return json({ error: "invalid_grant" }, 400);
      },
    });
    const provider = codeFlow();
    const scenes = [await login(sdk, world, provider, options)];
    for (const _ of [1, 2]) scenes.push(await connect(sdk, world, provider, options));
    const before = world.forms.length;
    for (const _ of [1, 2]) {
      world.valid = "another";
      const results = await Promise.all(scenes.flatMap(({ call }) => [call(1), call(2)]).map((result) => result.catch(String)));
      assert.deepEqual(results, [1, 2, 3].flatMap((session) => [`s${session} 1`, `s${session} 2`]));
    }
    assert.deepEqual([world.reused, world.forms.length - before], [undefined, 2]);
    for (const { client } of scenes) await client.close();
  });

  for (const [what, turnMs, closes] of [
    ["a provider that never settles keeps no other transport waiting for good", 300, false],
    ["a transport that is closed keeps none waiting for the answer of its provider", 2 ** 31 - 1, true],
  ]) {
    test(`${way}: ${what}`, bounded, async (t) => {
      const { setTimeout } = globalThis;
      t.after(() => (globalThis.setTimeout = setTimeout));
      globalThis.setTimeout = (run, ms, ...more) => setTimeout(run, ms === 30_000 ? turnMs : ms, ...more);
      const world = startWorld();
      const provider = codeFlow();
      const [one, two] = [await login(sdk, world, provider, options), await connect(sdk, world, provider, options)];
      // A stream that is refused has the provider asked, too: it would be the other transport's that never hears of it.
      await until(() => world.server.streams === 2, "both listen");
      let isAsked;
      const asked = new Promise((resolve) => (isAsked = resolve));
      provider.redirectToAuthorization = () => {
        isAsked();
        return new Promise(() => {});
      };
      world.valid = "another";
      one.call(1).catch(() => {});
      await asked;
      provider.redirectToAuthorization = (url) => void (provider.kept.to = url);
      if (closes) await one.client.close();
      const error = await failure(two.call(2));
      assert.ok(error instanceof sdk.Unauthorized, String(error.stack));
      await Promise.all([one, two].map(({ client }) => client.close()));
    });
  }

  test(`${way}: a transport that is closed while it refreshes leaves no spent token to the next`, bounded, async () => {
    let isSent, answer;
    const sent = new Promise((resolve) => (isSent = resolve));
    const answered = new Promise((resolve) => (answer = resolve));
    const world = startWorld({
      async granting(form, _headers, world) {
        if (form.refresh_token !== undefined) {
          isSent();
          await answered;
        }
        return world.issue({ refresh_token: `r${world.tokens}` });
      },
    });
    const provider = codeFlow();
    const [one, two] = [await login(sdk, world, provider, options), await connect(sdk, world, provider, options)];
    await until(() => world.server.streams === 2, "both listen");
    world.valid = "another";
    one.call(1).catch(() => {});
    await sent;
    await one.client.close();
    const refused = world.refusals;
    const result = two.call(2);
    await until(() => world.refusals > refused, "the other is refused as well");
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer();
    assert.equal(await result, "s2 2");
    const spent = world.forms.map((form) => form.refresh_token).filter(Boolean);
    assert.equal(new Set(spent).size, spent.length, String(spent));
    await two.client.close();
  });
}

for (const [way, sdk, more] of WAYS) {
  for (const under of [false, true]) {
    const when = under ? "while calls are under way" : "before";
    test(`${way}: a login of another tab, ${when}, whose token has expired is refreshed once`, bounded, async () => {
      let codes = 0;
      let waiting = 0;
      let open;
      const held = under && new Promise((resolve) => (open = resolve));
      const world = startWorld({
        granting: (form) => world.issue({ refresh_token: form.code ? `r${++codes}` : "next" }),
        on: async (_url, { body }) => {
          if (!/"x":[345]/.test(body)) return;
          waiting++;
          await held;
        },
      });
      const provider = codeFlow({ state: () => String(Math.random()) }, { client: { client_id: "c" } });
      const { client, call } = await login(sdk, world, provider, more);
      await call(1);
      const ask = () => [3, 4, 5].map((x) => call(x));
      const asked = under ? ask() : undefined;
      if (under) await until(() => waiting === 3);
      // The user signs in anew in another tab.
      delete provider.kept.tokens;
      const other = await login(sdk, world, provider, more);
      await other.call(2);
      world.valid = "neither of them";
      world.forms.length = 0;
      world.server.requests.length = 0;
      open?.();
      const said = await Promise.all(asked ?? ask());
      assert.deepEqual(said.map((text) => text.split(" ")[1]), ["3", "4", "5"]);
      assert.deepEqual(world.forms.map(({ refresh_token }) => refresh_token), ["r2"]);
      assert.equal(world.server.requests.filter(({ method }) => method === "tools/call").length, 3);
      assert.ok((await other.call(6)).endsWith(" 6"));
      assert.equal(world.forms.length, 1);
      await Promise.all([client.close(), other.client.close()]);
    });
  }
}
