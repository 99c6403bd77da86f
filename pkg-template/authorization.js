// What the core needs of a page to authorize: a place to keep texts, a lock, and somebody who sends the user away.

import { forgetNote, leaveNote, takeNote } from "./notes.js";
import { func, object, wrong } from "./checks.js";

/** The storages of providers that name none: they last as long as the page. */
const memories = new WeakMap();

/** What a host's storage did not take, by storage. */
const missed = new WeakMap();

/** The signals of those that ask a user, by provider and by what they ask for. */
const asking = new WeakMap();

/** Who is told that a grant was given up, by the storage and the key that it stands under. */
const holders = new WeakMap();

/** Those who wait for their turn, by the name of what they wait for, where the platform has no locks. */
const queues = new Map();

/** Checks `options.auth`; gives what the module for authorizations takes for it. */
export function readAuth(auth, url, { identity = "", resource }) {
  const { provider, fetch: send, trust, ...others } = object("auth", auth);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`auth.${unknown}: there is no such option; there are provider, fetch, trust`);
  object("auth.provider", provider);
  func("auth.provider.open", provider.open);
  if (send !== undefined) func("auth.fetch", send);
  const text = (field) => {
    const value = provider[field];
    if (value !== undefined && typeof value !== "string") throw wrong(`auth.provider.${field}`, "a string", value);
    return value;
  };
  const key = `mcp-evergreen:auth:${JSON.stringify([identity, resource ?? url])}`;
  const clientKey = `mcp-evergreen:client:${text("clientId")}`;
  const host = {
    endpoint: url,
    fetch: send && (async (input, init) => send.call(undefined, input, init)),
    trust: readTrust("auth.trust", trust),
    redirectUrl: redirectUrl(provider.redirectUrl),
    clientId: text("clientId"),
    clientSecret: text("clientSecret"),
    issuer: text("issuer"),
    clientMetadata: JSON.stringify(object("auth.provider.clientMetadata", provider.clientMetadata ?? {})),
    resource,
    /** Told of what goes on without the host's storage. */
    onwarning: undefined,
    load: async () => (await kept.get(key)) ?? undefined,
    keep: async (text) => kept.set(key, text),
    /** A client is its host's, whichever server and user it is used for. */
    bound: async () => (host.clientId === undefined ? undefined : issuerOf(await kept.get(clientKey))),
    async bind(issuer) {
      const over = new AbortController();
      await lock(kept.lock === undefined ? clientKey : `${kept.lock}:client`, over.signal);
      try {
        const bound = await host.bound();
        if (bound === undefined) await kept.set(clientKey, issuer);
        return bound ?? issuer;
      } finally {
        over.abort();
      }
    },
    lock: (signal) => lock(kept.lock ?? key, signal),
    returned: () => takeNote(key),
    async open(url, state, pending, signal) {
      await alone(provider, key, signal);
      // Whoever leaves the page leaves a note.
      if (provider.navigates) leaveNote(key, { state, pending });
      try {
        return String(await provider.open(url, { state, signal }));
      } finally {
        if (provider.navigates) forgetNote(key, state);
      }
    },
    forget: () => forgetNote(key),
    /** Calls `gone` when another session of this page gives up the same grant; returns the way to stop that. */
    watch: (gone) => watch(provider.storage ?? provider, key, gone),
    signedOut: () => holders.get(provider.storage ?? provider)?.get(key)?.forEach((gone) => gone()),
  };
  const kept = provider.storage === undefined ? memory(provider) : lasting(provider.storage, () => host.onwarning?.(UNKEPT));
  return host;
}

/** What was kept as an issuer, if it can be one. */
function issuerOf(kept) {
  return URL.canParse(kept ?? "") ? String(kept) : undefined;
}

function watch(storage, key, gone) {
  if (!holders.has(storage)) holders.set(storage, new Map());
  const keys = holders.get(storage);
  if (!keys.has(key)) keys.set(key, new Set());
  keys.get(key).add(gone);
  return () => keys.get(key)?.delete(gone) && keys.get(key).size === 0 && keys.delete(key);
}

const UNKEPT = Object.freeze({
  kind: "auth_storage",
  hint: "The provider's storage threw: tokens and registrations are kept in the memory of this page, and written again later.",
});

/** Two sessions with one provider do not ask its user for the same: the second waits for what the first one gets. */
async function alone(provider, key, signal) {
  if (!asking.has(provider)) asking.set(provider, new Map());
  const signals = asking.get(provider);
  const other = signals.get(key) ?? signal;
  if (other !== signal) {
    await new Promise((resolve) => [other, signal].forEach((one) => one.addEventListener("abort", resolve)));
    throw new DOMException("Another session of this page has asked.", "OperationError");
  }
  signals.set(key, signal);
  signal.addEventListener("abort", () => signals.delete(key));
}

/** What the host vouches for of its authorization server. */
export function readTrust(name, trust) {
  if (trust === undefined) return undefined;
  const { issuer, resource, refreshScope, ...others } = object(name, trust);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new TypeError(`${name}.${unknown}: there is no such option; there are issuer, resource, refreshScope`);
  }
  if (typeof issuer !== "string" || !URL.canParse(issuer)) throw wrong(`${name}.issuer`, "a URL as a string", issuer);
  for (const [field, value] of Object.entries({ resource, refreshScope })) {
    if (value !== undefined && typeof value !== "boolean") throw wrong(`${name}.${field}`, "true or false", value);
  }
  return { issuer, resource, refreshScope };
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

/**
 * A storage of the platform's, or `{ get, set }`. One that throws (it is full, or blocked) costs nobody a token: what it
 * does not take stays in memory, and is offered to it again.
 */
function lasting(storage, warn) {
  object("auth.provider.storage", storage);
  const isPlatforms = typeof storage.getItem === "function";
  const [read, write] = isPlatforms ? ["getItem", "setItem"] : ["get", "set"];
  for (const method of [read, write]) func(`auth.provider.storage.${method}`, storage[method]);
  if (!missed.has(storage)) missed.set(storage, new Map());
  const here = missed.get(storage);
  const set = async (key, text) => {
    try {
      await storage[write](key, text);
      here.delete(key);
    } catch {
      here.set(key, text);
      warn();
    }
  };
  return {
    set,
    async get(key) {
      if (here.has(key)) {
        const text = here.get(key);
        await set(key, text);
        return text;
      }
      try {
        return await storage[read](key);
      } catch {
        warn();
        return undefined;
      }
    },
  };
}

/**
 * One holder among all tabs, from when the promise resolves until the signal is aborted; and a task longer: what a task
 * writes into localStorage, Firefox shows to other tabs after it.
 */
function lock(name, signal) {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) return queue(name, signal);
  return new Promise((resolve, reject) => {
    const hold = () => {
      resolve();
      return new Promise((release) => signal.addEventListener("abort", () => setTimeout(release)));
    };
    locks.request(name, { signal }, hold).catch(reject);
  });
}

/** The same within one program. */
function queue(name, signal) {
  const before = queues.get(name) ?? Promise.resolve();
  const over = new Promise((release) => signal.addEventListener("abort", release));
  const mine = before.then(() => over);
  queues.set(name, mine);
  mine.then(() => queues.get(name) === mine && queues.delete(name));
  return before;
}
