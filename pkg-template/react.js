"use client";

// Sessions in React: one for each url and key, shared by all components that use it.

import { createContext, createElement, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { McpError } from "./error.js";
import { following, ownerOf, tellDevelopers } from "./latest.js";
import { checkUrl } from "./options.js";
import { idleServers, ServersStore } from "./servers_store.js";
import { idleStore, SessionStore } from "./session_store.js";

/** More users than these do not sign in, in one component and so many milliseconds: its credentials change by themselves. */
const MAX_USERS = 3;
const USERS_MS = 10_000;

const RESTLESS = restlessOf(
  "The credentials in `headers` are others with each render, so that they do not tell whose session it is: none is made until they " +
    "come to rest. Give `identity`, which names the user, and `headers` as a function.",
  "Give the option `identity`, and `headers` as a function.",
);
const RESTLESS_IDENTITY = restlessOf(
  "The option `identity` is another with each render, so that it does not tell whose session it is: none is made until it comes to " +
    "rest. Give one that is the same as long as the user is.",
  "Give an `identity` that is the same as long as the user is.",
);

function restlessOf(message, hint) {
  const diagnosis = Object.freeze({ kind: "changing_credentials", header: "Authorization", hint });
  return new McpError(message, { code: "invalid_option", outcome: "not_executed", diagnosis });
}

const stores = new Map();
const idle = idleStore();
const restless = new Map([RESTLESS, RESTLESS_IDENTITY].map((error) => [error, idleStore(error)]));
const Provided = createContext(undefined);

/** `{ text, error }`: there is an error where what is another with each render names nobody, until it has been the same for a while. */
function useOwner(owner) {
  const [known] = useState(() => ({ text: undefined, since: 0, users: [], isRestless: false }));
  const [, renderAnew] = useState(0);
  const text = JSON.stringify(owner);
  const isNamed = owner.length > 0;
  const error = owner.length > 1 ? RESTLESS : RESTLESS_IDENTITY;
  useEffect(() => {
    if (!isNamed) return undefined;
    const before = known.isRestless;
    look(known, text, error, Date.now());
    const again = () => renderAnew((count) => count + 1);
    if (known.isRestless !== before) again();
    // Timers are a moment early.
    const timer = known.isRestless && setTimeout(again, USERS_MS + 50);
    return () => clearTimeout(timer);
  });
  return { text, error: isNamed && known.isRestless ? error : undefined };
}

function look(known, text, error, now) {
  if (known.text !== text) {
    known.users = [...known.users.filter((at) => now - at < USERS_MS), now];
    Object.assign(known, { text, since: now });
    known.isRestless ||= known.users.length > MAX_USERS;
    if (known.isRestless) tellOnce(error);
  } else if (now - known.since >= USERS_MS) Object.assign(known, { users: [], isRestless: false });
}

const told = new Set();

function tellOnce(error) {
  if (!told.has(error)) tellDevelopers(`useMcp: ${error.message}`);
  told.add(error);
}

function storeOf(url, options, owner) {
  const id = `${JSON.stringify([url, options.key ?? null])} ${owner}`;
  const known = stores.get(id);
  if (known) return known;
  const store = new SessionStore(url, options, {
    // Another store may have taken its place while it lingered.
    used: () => stores.has(id) || stores.set(id, store),
    ended: () => stores.get(id) === store && stores.delete(id),
    names: ["key", "enabled"],
  });
  // On a server nobody subscribes, and nothing may be left behind.
  if (typeof document !== "undefined") stores.set(id, store);
  return store;
}

export function useMcp(url, options = {}) {
  const provided = useContext(Provided);
  const given = provided ? over(options, provided.defaults) : options;
  const { key, enabled = true } = given;
  const wrongUrl = whyNot(url);
  const href = wrongUrl ? wrongUrl.message : String(url);
  const named = ownerOf(given);
  const { text: owner, error } = useOwner(named.length === 0 && provided ? provided.owner : named);
  const [user] = useState(() => ({}));
  // The options of the first to use it count: a url, a key and a user name one session.
  const store = useMemo(() => {
    if (!enabled) return idle;
    if (wrongUrl) return idleStore(wrongUrl);
    return error ? restless.get(error) : storeOf(href, given, owner);
  }, [href, key, owner, error, Boolean(enabled)]);
  // Before anybody subscribes.
  useEffect(() => store.use(given, user));
  useEffect(() => () => store.leave(user), [store]);
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot);
}

/** Why it is no address: what it is another object of with each render would be another session with each. */
function whyNot(url) {
  try {
    checkUrl(url);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** `undefined` counts as absent. */
function over(options, defaults) {
  return { ...defaults, ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) };
}

export function McpProvider({ children, ...options }) {
  const { defaults = {} } = options;
  const owner = ownerOf(defaults);
  const { text, error } = useOwner(owner);
  // Of all that is no other owner's the latest is used; what was made for an owner before is left the last of its own.
  const bound = useMemo(() => boundTo(defaults), [text]);
  const store = useMemo(() => (error ? idleServers(error, Object.keys(options.servers ?? {})) : new ServersStore(options)), [text, error]);
  const [known] = useState(() => ({ store }));
  useEffect(() => {
    if (known.store !== store) known.store.end();
    known.store = store;
    bound.use(defaults);
    store.use(options);
  });
  useEffect(() => store.subscribe(() => {}), [store]);
  const value = useMemo(() => ({ store, owner, defaults: bound.options }), [store, bound]);
  return createElement(Provided.Provider, { value }, children);
}

/** Defaults as the components below get them, and the way to tell later ones of the same owner. */
function boundTo(defaults) {
  let latest = defaults;
  const { identity, headers: _, ...rest } = defaults;
  const headers = (context) => (typeof latest.headers === "function" ? latest.headers(context) : latest.headers);
  const followed = following({ ...rest, headers }, () => [latest].map(({ headers: _, ...rest }) => rest));
  return { options: identity === undefined ? followed : { ...followed, identity }, use: (later) => (latest = later) };
}

export function useMcpServers() {
  const store = useContext(Provided)?.store;
  if (!store) throw new Error("useMcpServers: there is no McpProvider above this component");
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot);
}
