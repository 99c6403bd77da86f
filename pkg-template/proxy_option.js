// The option `proxy`: what a host may say, and the `fetch` that heeds it.

import { boolean, check, object, oneOf } from "./checks.js";
import { Ways } from "./proxied.js";

const PROXY = {
  url: (_name, value) => value,
  when: oneOf("always", "cors"),
  oauth: boolean,
  headers: (name, value) => (typeof value === "function" ? value : object(name, value)),
};

/** `{ url, when, oauth, headers }`. */
export function readProxy(name, given) {
  const isUrl = typeof given === "string" || given instanceof URL;
  const { url, when = "cors", oauth = false, headers = {} } = isUrl ? { url: given } : check(name, given, PROXY);
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const read = URL.canParse(url, base) ? new URL(url, base) : undefined;
  if (!/^https?:$/.test(read?.protocol) || read.username || read.password) {
    throw new TypeError(`${isUrl ? name : `${name}.url`}: expected an absolute http: or https: URL without a user, or in a page one relative to it`);
  }
  read.hash = "";
  const own = typeof headers === "function" ? headers : () => headers;
  return { url: read.href, when, oauth, headers: async () => own() };
}

/** `{ mcp, oauth }`, each in the place of a `fetch`; those of the host are used where they are given. */
export function proxied({ proxy, endpoint, send, sendOauth, warn }) {
  const own = (given) => given ?? ((input, init) => fetch(input, init));
  const ways = new Ways({ proxy, endpoint, send: own(send), sendOauth: own(sendOauth), warn });
  return { mcp: (input, init) => ways.mcp(input, init), oauth: (input, init) => ways.oauth(input, init) };
}
