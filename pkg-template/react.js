"use client";

// Sessions in React: one for each url and key, shared by all components that use it.

import { createContext, createElement, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { McpError } from "./error.js";
import { following, tellDevelopers } from "./latest.js";
import { ServersStore } from "./servers_store.js";
import { idleStore, SessionStore } from "./session_store.js";

/** More users than these do not sign in, in one component and so many milliseconds: its credentials change by themselves. */
const MAX_USERS = 3;
const USERS_MS = 10_000;

const RESTLESS = new McpError(
  "The credentials in `headers` are others with each render, so that they do not tell whose session it is: none is made until they " +
    "come to rest. Give `identity`, which names the user, and `headers` as a function.",
  {
    code: "invalid_option",
    outcome: "not_executed",
    diagnosis: Object.freeze({ kind: "changing_credentials", header: "Authorization", hint: "Give the option `identity`, and `headers` as a function." }),
  },
);

const stores = new Map();
const idle = idleStore();
const restless = idleStore(RESTLESS);
const Provided = createContext(undefined);

/** Whose session it is: whom `identity` names, or the `Bearer` or `Basic` value among the header fields. */
function ownerOf({ identity, headers }) {
  if (identity !== undefined) return [identity];
  if (headers === undefined || headers === null || typeof headers === "function") return [];
  const fields = headers instanceof Headers ? [...headers] : Object.entries(headers);
  const [, value] = fields.find(([name]) => name.toLowerCase() === "authorization") ?? [];
  return typeof value === "string" && /^(bearer|basic) /i.test(value) ? [null, value] : [];
}

/** As text; `undefined` where credentials that are others with each render name nobody, until they have been the same for a while. */
function useOwner(owner) {
  const [known] = useState(() => ({ text: undefined, since: 0, users: [], isRestless: false }));
  const [, renderAnew] = useState(0);
  const text = JSON.stringify(owner);
  const isGuessed = owner.length > 1;
  useEffect(() => {
    if (!isGuessed) return undefined;
    const before = known.isRestless;
    look(known, text, Date.now());
    const again = () => renderAnew((count) => count + 1);
    if (known.isRestless !== before) again();
    // Timers are a moment early.
    const timer = known.isRestless && setTimeout(again, USERS_MS + 50);
    return () => clearTimeout(timer);
  });
  return isGuessed && known.isRestless ? undefined : text;
}

function look(known, text, now) {
  if (known.text !== text) {
    known.users = [...known.users.filter((at) => now - at < USERS_MS), now];
    Object.assign(known, { text, since: now });
    known.isRestless ||= known.users.length > MAX_USERS;
    if (known.isRestless) tellOnce(RESTLESS);
  } else if (now - known.since >= USERS_MS) Object.assign(known, { users: [], isRestless: false });
}

let isTold = false;

function tellOnce({ message }) {
  if (!isTold) tellDevelopers(`useMcp: ${message}`);
  isTold = true;
}

function storeOf(url, options, owner) {
  const id = `${JSON.stringify([url, options.key ?? null])} ${owner}`;
  const known = stores.get(id);
  if (known) return known;
  const store = new SessionStore(url, options, {
    // Another store may have taken its place while it lingered.
    used: () => stores.has(id) || stores.set(id, store),
    ended: () => stores.get(id) === store && stores.delete(id),
  });
  // On a server nobody subscribes, and nothing may be left behind.
  if (typeof document !== "undefined") stores.set(id, store);
  return store;
}

export function useMcp(url, options = {}) {
  const provided = useContext(Provided);
  const given = provided ? over(options, provided.defaults) : options;
  const { key, enabled = true } = given;
  const href = String(url);
  const isItsOwn = !provided || options.identity !== undefined || options.headers !== undefined;
  const owner = useOwner(isItsOwn ? ownerOf(given) : provided.owner);
  const [user] = useState(() => ({}));
  // The options of the first to use it count: a url, a key and a user name one session.
  const store = useMemo(() => {
    if (!enabled) return idle;
    return owner === undefined ? restless : storeOf(href, given, owner);
  }, [href, key, owner, Boolean(enabled)]);
  // Before anybody subscribes.
  useEffect(() => store.use(given, user));
  useEffect(() => () => store.leave(user), [store]);
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot);
}

/** `undefined` counts as absent. */
function over(options, defaults) {
  return { ...defaults, ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) };
}

export function McpProvider({ children, ...options }) {
  const { defaults = {} } = options;
  const [known] = useState(() => ({ options, store: new ServersStore(options) }));
  const owner = ownerOf(defaults);
  useEffect(() => {
    known.options = options;
    known.store.use(options);
  });
  useEffect(() => known.store.subscribe(() => {}), [known]);
  // Who is below renders anew for another user; of all else the latest is used.
  const value = useMemo(() => {
    const latest = () => known.options.defaults ?? {};
    const { identity, headers: _, ...rest } = defaults;
    const headers = (context) => {
      const { headers } = latest();
      return typeof headers === "function" ? headers(context) : headers;
    };
    const followed = following({ ...rest, headers }, () => [latest()].map(({ headers: _, ...rest }) => rest));
    return { store: known.store, owner, defaults: identity === undefined ? followed : { ...followed, identity } };
  }, [known, JSON.stringify(owner)]);
  return createElement(Provided.Provider, { value }, children);
}

export function useMcpServers() {
  const store = useContext(Provided)?.store;
  if (!store) throw new Error("useMcpServers: there is no McpProvider above this component");
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot);
}
