// Whether it is the user's turn.

/** `status.waitingFor.why` while clocks stand still. */
const USER = "sign-in";
/** The same until a call, or a click, asks anew. */
const FAILED = "the next call: the authorization failed";

/** The user is asked at this moment. */
export function asksUser(status) {
  return status?.waitingFor?.why === USER;
}

/** Nothing goes on before the user has signed in. What names no address that may be gone to, no user mends. */
export function wantsSignIn(status, error) {
  if (status?.state === "ready" || (error ?? status?.lastError)?.diagnosis?.kind === "unsafe_url") return false;
  return [USER, FAILED].includes(status?.waitingFor?.why) || ["auth", "unauthorized"].includes(error?.code);
}

/** A screen opens no window by itself: where the host does not say when its user is asked, a click does. */
export function askedByClick({ auth, ...options }) {
  if (auth === undefined) return options;
  const isWhole = auth !== null && typeof auth === "object";
  return { ...options, auth: isWhole && auth.ask === undefined ? { ...auth, ask: "click" } : auth };
}

/** In a click, where there is no session yet that could be led on: what the provider opens waits for it. Gives what is to be called then. */
export function prepared(auth) {
  const asks = auth?.ask !== "never" && typeof auth?.provider?.prepare === "function";
  const release = asks ? auth.provider.prepare() : undefined;
  return () => release?.();
}

/** Of a session that may wait for its user by now. */
export async function signIn(session, auth) {
  if (!auth) await session.verify();
  else await session.authorize();
}
