// The option `proxy`: what a host may say, and the `fetch` that heeds it.

import { func, object, wrong } from "./checks.js";
import { Ways } from "./proxied.js";

/** `{ url, when, oauth, headers }`. */
export function readProxy(name, given) {
  const isUrl = typeof given === "string" || given instanceof URL;
  const { url, when = "cors", oauth = false, headers = {}, ...others } = isUrl ? { url: given } : object(name, given);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`${name}.${unknown}: there is no such option; there are url, when, oauth, headers`);
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const read = URL.canParse(url, base) ? new URL(url, base) : undefined;
  if (!/^https?:$/.test(read?.protocol) || read.username || read.password) {
    throw new TypeError(`${isUrl ? name : `${name}.url`}: expected an absolute http: or https: URL without a user, or in a page one relative to it`);
  }
  read.hash = "";
  if (when !== "always" && when !== "cors") throw wrong(`${name}.when`, '"always" or "cors"', when);
  if (typeof oauth !== "boolean") throw wrong(`${name}.oauth`, "true or false", oauth);
  if (typeof headers !== "function") object(`${name}.headers`, headers);
  const own = typeof headers === "function" ? func(`${name}.headers`, headers) : () => headers;
  return { url: read.href, when, oauth, headers: async () => own() };
}

/** `{ mcp, oauth }`, each in the place of a `fetch`; those of the host are used where they are given. */
export function proxied({ proxy, endpoint, send, sendOauth, warn }) {
  const own = (given) => given ?? ((input, init) => fetch(input, init));
  const ways = new Ways({ proxy, endpoint, send: own(send), sendOauth: own(sendOauth), warn });
  return { mcp: (input, init) => ways.mcp(input, init), oauth: (input, init) => ways.oauth(input, init) };
}
