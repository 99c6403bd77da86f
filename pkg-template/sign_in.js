// Whether it is the user's turn.

/** `status.waitingFor.why` while clocks stand still. */
const USER = "sign-in";
/** The same until a call, or a click, asks anew. */
const FAILED = "the next call: the authorization failed";

/** The user is asked at this moment. */
export function asksUser(status) {
  return status?.waitingFor?.why === USER;
}

/** Nothing goes on before the user has signed in. */
export function wantsSignIn(status, error) {
  if (status?.state === "ready") return false;
  return [USER, FAILED].includes(status?.waitingFor?.why) || ["auth", "unauthorized"].includes(error?.code);
}
