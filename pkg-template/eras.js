// Which endpoints are known to speak the legacy era only: they are not asked again for a while.

/** Milliseconds: a server may be upgraded. */
export const SPAN = 3_600_000;

const legacy = new Map();

export function isKnownLegacy(url) {
  return legacy.get(url) > Date.now();
}

export function learnEra(url, era) {
  if (era === "legacy") legacy.set(url, Date.now() + SPAN);
  else legacy.delete(url);
}
