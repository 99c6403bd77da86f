// Which endpoints are known to speak the legacy era only: they are not asked again for a while.

/** Milliseconds: a server may be upgraded. */
export const SPAN = 3_600_000;

/** Milliseconds. */
const ROUND = 900_000;

/** By URL, until when that is known; 0 of those that speak the other. */
const legacy = new Map();

export function isKnownLegacy(url) {
  return legacy.get(url) > Date.now();
}

export function learnEra(url, era) {
  legacy.set(url, era === "legacy" ? Date.now() + SPAN : 0);
}

/** Until when it is known of an endpoint, rounded so that it is seldom another; `undefined` where nothing is. */
export function knownUntil(url) {
  const until = legacy.get(url);
  return until > Date.now() ? Math.ceil(until / ROUND) * ROUND : undefined;
}

/** What an earlier page life knew; this one knows better. */
export function recallEra(url, until) {
  if (!legacy.has(url) && Number.isFinite(until) && until <= Date.now() + SPAN + ROUND) legacy.set(url, until);
}
