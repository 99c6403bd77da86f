// From a URL and options to a session that is ready.

import { abortable } from "./abortable.js";
import { Authority } from "./authority.js";
import { Link } from "./link.js";
import { readConnect } from "./options.js";
import { Keeper } from "./persist.js";
import { authority, runtimeFor } from "./runtime.js";
import { Session } from "./session.js";

const LATE =
  "The store that `persist` names did not answer within five seconds, or a quarter of `timeout`: what it may hold of an earlier " +
  "page life is not used, and a new session is made.";

/**
 * `extras`: the name that the host has for the server, who else is told of events, who else listens to them, who is given
 * the ways to sign in and out before there is a session, and until when the server is known to speak the legacy era.
 */
export async function openSession(url, options, extras = {}) {
  const config = readConnect(url, options);
  if (config.signal?.aborted) throw config.signal.reason;
  let link;
  let isLinked;
  const linked = new Promise((resolve) => (isLinked = resolve));
  extras.begun?.({
    // In the click itself, unless the WebAssembly is still loading.
    authorize: async (signal) => (link ?? (await linked)).authorize(signal),
    signOut: async () => (link ? link.signOut() : config.auth && new Authority(authority, config.auth).signOut()),
  });
  const instance = await abortable(runtimeFor(config), config.signal);
  const keeper = config.persist && new Keeper(config.persist, config, instance.binding(config.core));
  const kept = await keeper?.claim(config);
  config.core.legacyUntil = (await keeper?.legacyUntil(config)) || extras.legacyUntil;
  link = new Link(instance, config, { ...extras, keeper });
  isLinked(link);
  if (keeper?.isLate) link.warn("persisted_session", LATE);
  try {
    if (kept) link.takeUp(kept);
    await link.connect(config.signal);
  } catch (error) {
    // Nobody has a handle to it: it must not go on trying. What this close comes to is of no interest to anybody.
    link.close(true).catch(() => {});
    throw error;
  }
  return new Session(link);
}
