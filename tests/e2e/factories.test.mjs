// Whatever a host makes with options complains of wrong ones at once, by their names, as `connect` does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { popup, redirect } from "../../pkg-template/auth.js";
import { Recording } from "../../pkg-template/devtools.js";
import { clientCredentials, withDpop } from "../../pkg-template/grants.js";
import { SessionServer } from "../../pkg-template/openai.js";
import { createProxy, nodeListener } from "../../pkg-template/proxy.js";
import { Skills } from "../../pkg-template/skills.js";
import { TestServer } from "../../pkg-template/testing.js";

const redirectUrl = "https://app.example/callback";
const session = { on: () => () => {}, status: {}, callTool() {}, request() {} };

// [what is called; its options; what the message says]
const WRONG = [popup, redirect].flatMap((provider) =>
  [
    [undefined, /^redirectUrl: expected a URL, or in a page one relative to it, got undefined$/],
    [null, /^options: expected an object, got null$/],
    [{ redirectURL: "/callback.html" }, /^redirectURL: there is no such option; there are redirectUrl, /],
    [{ redirectUrl: "/callback.html" }, /^redirectUrl: expected a URL, or in a page one relative to it, got string$/],
    [{ redirectUrl: 5 }, /^redirectUrl: .*got 5$/],
    [{ redirectUrl, clientId: 5 }, /^clientId: expected a string, got 5$/],
    [{ redirectUrl, clientSecret: {} }, /^clientSecret: expected a string, got object$/],
    [{ redirectUrl, issuer: "as.example" }, /^issuer: expected an absolute http: or https: URL$/],
    [{ redirectUrl, clientMetadata: "x" }, /^clientMetadata: expected an object, got string$/],
    [{ redirectUrl, client_name: "x" }, /^client_name: there is no such option/],
    [{ redirectUrl, scope: ["a"] }, /^scope: there is no such option/],
    [{ redirectUrl, storage: "localStorage" }, /^storage: expected an object, got string$/],
    [{ redirectUrl, storage: {} }, /^storage\.get: expected a function, got undefined$/],
    [{ redirectUrl, storage: { getItem() {} } }, /^storage\.setItem: expected a function, got undefined$/],
    [{ redirectUrl, timeout: Infinity }, /^timeout: expected a whole number of milliseconds .*got Infinity$/],
    [{ redirectUrl, open() {} }, /^open: there is no such option/],
  ].map(([options, says]) => [provider, options, says]),
);
WRONG.push(
  [popup, { redirectUrl, window: 5 }, /^window: expected a Window, as open\(\) gives it, or null, got 5$/],
  [popup, { redirectUrl, width: "520" }, /^width: expected a number of CSS pixels above 0, got string$/],
  [popup, { redirectUrl, height: 0 }, /^height: .*got 0$/],
  [redirect, { redirectUrl, window: null }, /^window: there is no such option/],
  [clientCredentials, { clientId: "a", clientSecret: "b", algorithm: "HS256" }, /^algorithm: expected "ES256" or .*got "HS256"$/],
  [(options) => withDpop({}, options), { key: "local" }, /^key: expected "indexeddb", "memory" or a pair of CryptoKeys, got "local"$/],
  [createProxy, { targets: [redirectUrl], orgins: [] }, /^orgins: there is no such option/],
  [nodeListener, undefined, /^handler: expected a function, got undefined$/],
  [(options) => new Skills(session, options), { parse() {} }, /^parse: there is no such option/],
  [(options) => new SessionServer(session, options), { nme: "x" }, /^nme: there is no such option/],
  [(options) => new Recording(options), { limt: 5 }, /^limt: there is no such option; there are limit, log$/],
  [(options) => new Recording(options), { log: "yes" }, /^log: expected true or false, got string$/],
  [(options) => new Recording().watch(session, options), { naem: "x" }, /^naem: there is no such option; there are name, log$/],
  [(options) => new Recording().listeners("x", options), { logs: true }, /^logs: there is no such option/],
  [(options) => new Recording().report(options), { redacted: false }, /^redacted: there is no such option; there are redact$/],
  [(options) => new TestServer(options), null, /^options: expected an object, got null$/],
  [(options) => new TestServer(options), { tool: {} }, /^tool: there is no such option; there are era, /],
  [(options) => new TestServer(options), { tools: { a: 5 } }, /^tools\["a"\]: expected a function, got undefined$/],
  [(options) => new TestServer(options), { era: "future" }, /^era: expected "legacy" or "modern", got "future"$/],
  [(options) => new TestServer(options), { refuse: "Z" }, /^refuse: expected one of A, B, /],
  [(options) => new TestServer().become(options), { sessionTimeout: 5 }, /^sessionTimeout: there is no such option/],
  [(options) => new TestServer().break("tools/call", options), { heads: true }, /^heads: there is no such option; there are head$/],
);

for (const [make, options, message] of WRONG) {
  test(`${make.name || make} of ${JSON.stringify(options)}`, () => {
    assert.throws(() => make(options), (error) => error.constructor === TypeError && message.test(error.message));
  });
}

test("what is right is taken", () => {
  const storage = { get() {}, set() {} };
  const { redirectUrl: kept, ...given } = popup({ redirectUrl: new URL(redirectUrl), storage, width: 500.5, height: undefined, window: null, clientMetadata: { scope: "a" } });
  assert.equal(String(kept), redirectUrl);
  assert.equal(given.storage, storage);
  assert.equal(redirect({ redirectUrl, prepare: undefined, timeout: 5 }).navigates, true);
});
