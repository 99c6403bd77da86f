// What the core needs of a page to authorize: a place to keep texts, a lock, and somebody who sends the user away.

import { forgetNote, leaveNote, takeNote } from "./notes.js";
import { authStorage, boolean, check, func, object, oneOf, pageUrl, webUrl, wrong } from "./checks.js";
import { inTime } from "./in_time.js";
import { written } from "./written.js";

/** The storages of providers that name none: they last as long as the page. */
const memories = new WeakMap();

/**
 * What providers without a storage have registered, by what asks the servers: a page may make a provider for each click.
 * It holds no token: who signs in is a provider's own.
 */
const clients = new WeakMap();

/** So many texts of a page's metadata are kept. */
const MAX_LEARNED = 64;

/** Who waits for a user is told by this name that one has signed in: what is stored may hold a token for it. */
const SIGNED_IN = "mcp-evergreen:signed-in";

/** What a host's storage did not take, by storage. */
const missed = new WeakMap();

/** The signals of those that ask a user, by provider and by what they ask for. */
const asking = new WeakMap();

/** Who is told that a grant was given up, by the storage and the key that it stands under. */
const holders = new WeakMap();

/** The signals of those who take what the user came back with, and of who is about to leave the page. */
const taking = new Set();
let leaving;

/** Those who wait for their turn, by the name of what they wait for, where the platform has no locks. */
const queues = new Map();

/** Stands before the address, among what is known for all providers. */
const METADATA = "metadata ";

const AUTH = { provider: object, ask: oneOf("auto", "click", "never"), fetch: func, trust: readTrust };
const TRUST = {
  issuer: (name, value) => {
    if (typeof value !== "string" || !URL.canParse(value)) throw wrong(name, "a URL as a string", value);
    return value;
  },
  resource: boolean,
  refreshScope: boolean,
};

/** Checks `options.auth`; gives what the module for authorizations takes for it. */
export function readAuth(auth, url, { identity = "", resource }) {
  const { provider, ask = "auto", fetch: send, trust } = check("auth", auth, AUTH);
  object("auth.provider", provider);
  const isUnattended = provider.grant !== undefined;
  if (isUnattended) func("auth.provider.grant", provider.grant);
  else func("auth.provider.open", provider.open);
  if (provider.wrap !== undefined) func("auth.provider.wrap", provider.wrap);
  if (provider.prepare !== undefined) func("auth.provider.prepare", provider.prepare);
  const text = (field) => {
    const value = provider[field];
    if (value !== undefined && typeof value !== "string") throw wrong(`auth.provider.${field}`, "a string", value);
    return value;
  };
  const key = `mcp-evergreen:auth:${JSON.stringify([identity, resource ?? url])}`;
  const clientKey = `mcp-evergreen:client:${text("clientId")}`;
  let hasLost = false;
  /** The user has come back, and what comes of it is not kept yet. */
  let isBack = false;
  /** The user has clicked in this tab; and what waits for another one's goes on. */
  let isClicked = false;
  let goOn;
  const host = {
    endpoint: url,
    fetch: send && (async (input, init) => send.call(undefined, input, init)),
    trust,
    redirectUrl: isUnattended ? "" : redirectUrl(provider.redirectUrl),
    unattended: isUnattended,
    clientId: text("clientId"),
    clientSecret: text("clientSecret"),
    issuer: provider.issuer === undefined ? undefined : webUrl("auth.provider.issuer", provider.issuer),
    clientMetadata: JSON.stringify(object("auth.provider.clientMetadata", provider.clientMetadata ?? {})),
    resource,
    ask,
    /** Told of what goes on without the host's storage. */
    onwarning: undefined,
    /** Told of the address that the user is led to, and of its end. */
    onurl: undefined,
    /** Gives the name and the address of the server that the user is asked for. */
    server: undefined,
    /** In the click of a user's who wants to sign in; gives what is to be called once that is over. */
    prepare() {
      isClicked = true;
      goOn?.();
      const release = provider.prepare?.();
      return () => {
        isClicked = false;
        release?.();
      };
    },
    /** What is exchanged for a token where there is no user, as a form. */
    async grant(issuer, resource, scope) {
      const granted = inTime(provider.grant({ issuer, resource, scope }), GRANT_MS, "auth.provider.grant");
      const fields = Object.entries(await granted).filter(([, value]) => value !== undefined);
      return String(new URLSearchParams(fields));
    },
    /** `{ oauth, mcp }`: the provider's own, in the place of both ways to ask. */
    wrap: provider.wrap && ((ways) => provider.wrap(ways)),
    load: async () => (await marks.seen(() => kept.get(key))) ?? registrations.get(registration),
    /** Whoever has lost the turn knows less than who has it. */
    async keep(text) {
      if (hasLost) return;
      if (kept.lock !== undefined) registrations.set(registration, JSON.stringify({ ...JSON.parse(text), grant: undefined }));
      if (await kept.set(key, text)) await marks.tell(text);
      if (isBack && accessOf(text) !== undefined) {
        isBack = false;
        tellSignedIn(key);
      }
    },
    /** What was learned at an address, whoever makes the provider; and `learn(url)` forgets it. */
    known: (url) => registrations.get(METADATA + url),
    learn(url, text) {
      const name = METADATA + url;
      registrations.delete(name);
      if (text === undefined) return;
      const learned = [...registrations.keys()].filter((key) => key.startsWith(METADATA));
      if (learned.length >= MAX_LEARNED) registrations.delete(learned[0]);
      registrations.set(name, text);
    },
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
    async lock(signal) {
      await lock(kept.lock ?? key, signal, () => (hasLost = true));
      hasLost = false;
    },
    returned(signal) {
      const back = takeNote(key);
      if (back && !signal.aborted) {
        taking.add(signal);
        signal.addEventListener("abort", () => taking.delete(signal));
      }
      return back;
    },
    async open(url, state, pending, signal) {
      isBack = false;
      // In the other tab the user may be long; a click in this one is for this one.
      const isForTabs = kept.lock === undefined && !provider.navigates && !isClicked;
      // At once, where nobody is waited for: who is told that the user is asked is told where.
      if (!isForTabs && !isAsked(provider, key, signal)) host.onurl?.(url);
      const settled = await alone(provider, key, signal);
      try {
        if (isForTabs) await firstOfTabs(`${key}:user`, signal, host.load, new Promise((resolve) => (goOn = resolve)));
        if (provider.navigates) {
          await mayLeave(signal);
          // Whoever leaves the page leaves a note.
          leaveNote(key, { state, pending });
        }
        const { issuer, scope } = JSON.parse(pending);
        const scopes = Object.freeze(scope?.split(" ").filter(Boolean) ?? []);
        host.onurl?.(url);
        // Who waits for a click shows the address: a window is not all that there is.
        const server = host.server?.() ?? Object.freeze({ url: host.endpoint });
        const warn = (kind, hint) => host.onwarning?.(Object.freeze({ kind, hint }));
        const back = String(await provider.open(url, { state, signal, server, issuer, scopes, linked: ask === "click", warn }));
        isBack = true;
        return back;
      } finally {
        host.onurl?.();
        if (provider.navigates) forgetNote(key, state);
        settled();
      }
    },
    forget: () => forgetNote(key),
    /** Calls `gone` when another session of this page gives up the same grant; returns the way to stop that. */
    watch: (gone) => watch(provider.storage ?? provider, key, gone),
    /** Calls `signedIn` when a user signs in to the same, in this page or in another tab; returns the way to stop that. */
    hear: (signedIn) => hearSignedIn(key, signedIn),
    signedOut: () => holders.get(provider.storage ?? provider)?.get(key)?.forEach((gone) => gone()),
  };
  const registration = JSON.stringify([key, host.redirectUrl, host.clientMetadata]);
  const registrations = registered(send);
  const kept = provider.storage === undefined ? memory(provider) : lasting(provider.storage, () => host.onwarning?.(UNKEPT));
  const marks = kept.lock === undefined ? written(key) : { tell: async () => {}, seen: (read) => read() };
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

/** In a task of its own: what a task writes into localStorage, Firefox shows to other tabs after it. */
function tellSignedIn(key) {
  setTimeout(() => {
    const channel = signedInChannel();
    channel?.postMessage(key);
    channel?.close();
  });
}

function signedInChannel() {
  try {
    return new BroadcastChannel(SIGNED_IN);
  } catch {
    // A page may have none, such as one without an origin of its own.
    return undefined;
  }
}

function hearSignedIn(key, signedIn) {
  const channel = signedInChannel();
  if (!channel) return () => {};
  channel.onmessage = ({ data }) => data === key && signedIn();
  // A program that waits for nothing else ends.
  channel.unref?.();
  return () => channel.close();
}

const UNKEPT = Object.freeze({
  kind: "auth_storage",
  hint:
    "The provider's storage threw, or did not settle within 10 seconds: tokens and registrations are kept in the memory of " +
    "this page, and written again later.",
});

/** Whether another session of this page asks the user for the same. */
function isAsked(provider, key, signal) {
  const other = asking.get(provider)?.get(key);
  return other !== undefined && other.signal !== signal;
}

/**
 * Two sessions with one provider do not ask its user for the same: the second waits for what the first one gets, and asks
 * where that is given up. Gives what is to be called when the user has answered.
 */
async function alone(provider, key, signal) {
  if (!asking.has(provider)) asking.set(provider, new Map());
  const asked = asking.get(provider);
  for (let other; (other = asked.get(key)) && other.signal !== signal; ) {
    await over(other.signal, signal);
    signal.throwIfAborted();
    if (other.isSettled) throw new DOMException("Another session of this page has asked.", "OperationError");
  }
  const mine = { signal, isSettled: false };
  asked.set(key, mine);
  signal.addEventListener("abort", () => asked.get(key) === mine && asked.delete(key));
  return () => (mine.isSettled = !signal.aborted);
}

/**
 * The same among tabs with one storage: the second waits until the first's login is over. `clicked` ends the waiting, too.
 * Without locks nobody knows of the other tabs.
 */
async function firstOfTabs(name, signal, load, clicked) {
  const { locks } = globalThis.navigator ?? {};
  if (!locks?.request) return;
  const ended = over(signal);
  const waiting = new AbortController();
  const take = (options) =>
    new Promise((resolve, reject) => {
      const taken = (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : ended;
      };
      locks.request(name, options, taken).catch(reject);
    });
  const before = accessOf(await load());
  // A page that may have no locks asks for itself.
  if (await take({ ifAvailable: true }).catch(() => true)) return;
  signal.addEventListener("abort", () => waiting.abort());
  const turn = take({ signal: waiting.signal });
  turn.catch(() => {});
  await Promise.race([turn, clicked, ended]);
  waiting.abort();
  signal.throwIfAborted();
  if (accessOf(await load()) !== before) throw new DOMException("The user has signed in in another tab.", "OperationError");
}

function accessOf(text) {
  try {
    return JSON.parse(text).grant.access;
  } catch {
    return undefined;
  }
}

/** A page is not left while a session of it takes what its user came back with, nor by two at once. */
async function mayLeave(signal) {
  const isOther = (one) => one !== undefined && one !== signal && !one.aborted;
  for (let other; (other = [...taking, leaving].find(isOther)); ) {
    await over(other, signal);
    signal.throwIfAborted();
  }
  leaving = signal;
}

/** Once one of them is aborted. */
function over(...signals) {
  return new Promise((resolve) => signals.forEach((one) => (one.aborted ? resolve() : one.addEventListener("abort", resolve))));
}

/** What the host vouches for of its authorization server. */
export function readTrust(name, trust) {
  if (trust === undefined) return undefined;
  const { issuer, resource, refreshScope } = check(name, trust, TRUST);
  TRUST.issuer(`${name}.issuer`, issuer);
  return { issuer, resource, refreshScope };
}

/** An absolute one as it is written: authorization servers compare it so. */
function redirectUrl(given) {
  const { href } = pageUrl("auth.provider.redirectUrl", given);
  return URL.canParse(given) ? String(given) : href;
}

function registered(send = globalThis) {
  if (!clients.has(send)) clients.set(send, new Map());
  return clients.get(send);
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

/** A storage may take so long for one text, and a provider to say what is exchanged for a token. Others wait meanwhile. */
const STORAGE_MS = 10_000;
const GRANT_MS = 60_000;
const STORAGE = "The storage";

/**
 * A storage of the platform's, or `{ get, set }`. One that throws (it is full, or blocked) or never settles costs nobody a
 * token: what it does not take stays in memory, and is offered to it again.
 */
function lasting(storage, warn) {
  authStorage("auth.provider.storage", storage);
  const [read, write] = typeof storage.getItem === "function" ? ["getItem", "setItem"] : ["get", "set"];
  if (!missed.has(storage)) missed.set(storage, new Map());
  const here = missed.get(storage);
  /** Whether others can read it. */
  const set = async (key, text) => {
    try {
      await inTime(storage[write](key, text), STORAGE_MS, STORAGE);
      here.delete(key);
      return true;
    } catch {
      here.set(key, text);
      warn();
      return false;
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
        return await inTime(storage[read](key), STORAGE_MS, STORAGE);
      } catch {
        warn();
        return undefined;
      }
    },
  };
}

/** Milliseconds between two looks at who holds a lock: an answer is waited for no longer than 30 seconds. */
const HOLDER_MS = 15_000;

/**
 * One holder among all tabs, from when the promise resolves until the signal is aborted; and a task longer: what a task
 * writes into localStorage, Firefox shows to other tabs after it. A tab that holds on to it for longer than its requests
 * may take was frozen by the browser: it is taken from it, and `lost` called there once it goes on.
 */
export function lock(name, signal, lost) {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) return queue(name, signal);
  return new Promise((resolve, reject) => {
    const waiting = new AbortController();
    const stop = () => waiting.abort(signal.reason);
    let isHeld = false;
    const hold = () => {
      isHeld = true;
      clearInterval(look);
      resolve();
      if (signal.aborted) return undefined;
      return new Promise((release) => signal.addEventListener("abort", () => setTimeout(release)));
    };
    const request = (options) =>
      locks.request(name, options, hold).catch((error) => {
        if (isHeld) return signal.aborted || lost?.();
        if (options.signal && !signal.aborted) return undefined;
        clearInterval(look);
        return reject(error);
      });
    let seen = [];
    // Two that wait do not look at the same time.
    const look = setInterval(async () => {
      const { held = [] } = await locks.query().catch(() => ({}));
      const holder = held.find((lock) => lock.name === name)?.clientId;
      seen = holder === undefined || !seen.every((one) => one === holder) ? [] : [...seen, holder];
      if (isHeld || waiting.signal.aborted || seen.length < 3) return;
      waiting.abort();
      request({ steal: true });
    }, HOLDER_MS * (1 + Math.random() / 8));
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    request({ signal: waiting.signal });
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
