// What the core needs of a page to authorize: a place to keep texts, a lock, and somebody who sends the user away.

import { NOTES } from "./notes.js";
import { func, object, wrong } from "./checks.js";

/** What an authorization server adds to the address to which it sends the user back. */
const ANSWERS = ["code", "state", "iss", "error", "error_description", "error_uri", "session_state"];

/** The storages of providers that name none: they last as long as the page. */
const memories = new WeakMap();

/** Checks `options.auth`; gives what the module for authorizations takes for it. */
export function readAuth(auth, url, { identity = "", resource, fetch }) {
  const { provider, ...others } = object("auth", auth);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`auth.${unknown}: there is no such option; there is provider`);
  object("auth.provider", provider);
  func("auth.provider.open", provider.open);
  const text = (field) => {
    const value = provider[field];
    if (value !== undefined && typeof value !== "string") throw wrong(`auth.provider.${field}`, "a string", value);
    return value;
  };
  const kept = provider.storage === undefined ? memory(provider) : keeper(provider.storage);
  const key = `mcp-evergreen:auth:${JSON.stringify([identity, resource ?? url])}`;
  return {
    endpoint: url,
    fetch,
    redirectUrl: redirectUrl(provider.redirectUrl),
    clientId: text("clientId"),
    clientSecret: text("clientSecret"),
    issuer: text("issuer"),
    clientMetadata: JSON.stringify(object("auth.provider.clientMetadata", provider.clientMetadata ?? {})),
    resource,
    load: async () => (await kept.get(key)) ?? undefined,
    keep: async (text) => kept.set(key, text),
    lock: (signal) => lock(kept.lock ?? key, signal),
    returned: () => returned(key),
    async open(url, state, pending, signal) {
      // Whoever leaves the page leaves a note.
      if (provider.navigates) {
        sessionStorage.setItem(NOTES + key, JSON.stringify({ state, pending, from: location.href }));
      }
      const back = await provider.open(url, { state, signal });
      return String(back);
    },
  };
}

/** An absolute one as it is written: authorization servers compare it so. */
function redirectUrl(given) {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  if ((typeof given !== "string" && !(given instanceof URL)) || !URL.canParse(given, base)) {
    throw wrong("auth.provider.redirectUrl", "a URL, or in a page one relative to it", given);
  }
  return URL.canParse(given) ? String(given) : new URL(given, base).href;
}

function memory(provider) {
  if (!memories.has(provider)) {
    const texts = new Map();
    // Nobody else sees it: other tabs are not kept waiting.
    const lock = `mcp-evergreen:${Math.random()}`;
    memories.set(provider, { get: (key) => texts.get(key), set: (key, text) => texts.set(key, text), lock });
  }
  return memories.get(provider);
}

/** A storage of the platform's, or `{ get, set }`. */
function keeper(storage) {
  object("auth.provider.storage", storage);
  if (typeof storage.getItem === "function") {
    return { get: (key) => storage.getItem(key), set: (key, text) => storage.setItem(key, text) };
  }
  for (const method of ["get", "set"]) func(`auth.provider.storage.${method}`, storage[method]);
  return { get: (key) => storage.get(key), set: (key, text) => storage.set(key, text) };
}

/**
 * One holder among all tabs, from when the promise resolves until the signal is aborted; and a task longer: what a task
 * writes into localStorage, Firefox shows to other tabs after it.
 */
function lock(name, signal) {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) return undefined;
  return new Promise((resolve, reject) => {
    const hold = () => {
      resolve();
      return new Promise((release) => signal.addEventListener("abort", () => setTimeout(release)));
    };
    locks.request(name, { signal }, hold).catch(reject);
  });
}

/** `[pending, url]` where the user has come back from what was begun for `key`, to this page or to a callback page. */
function returned(key) {
  if (!hasSessionStorage()) return undefined;
  const note = JSON.parse(sessionStorage.getItem(NOTES + key));
  const url = new URL(location.href);
  const isHere = note && url.searchParams.get("state") === note.state;
  const back = note?.url ?? (isHere ? location.href : undefined);
  if (back === undefined) return undefined;
  sessionStorage.removeItem(NOTES + key);
  if (isHere) {
    // The code is used up, and is nobody else's business.
    for (const field of ANSWERS) url.searchParams.delete(field);
    history.replaceState(history.state, "", url);
  }
  return [note.pending, back];
}

/** Workers have none, and a page in a sandbox may not look. */
function hasSessionStorage() {
  try {
    return globalThis.document !== undefined && sessionStorage !== null;
  } catch {
    return false;
  }
}
