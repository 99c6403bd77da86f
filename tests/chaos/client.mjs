// The app, in Node or in a page: it connects, calls what the script says, and tells how each call ended.

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Milliseconds after its time-out for which a call is waited for before it counts as hanging. */
const PATIENCE = 4_000;

/**
 * Plays the script (`World.script`) at `url` with the package's `connect`; `fetch` may be given in place of the platform's.
 * Resolves to `{ error }` where it could not connect, else to `{ calls, last, wire }`: how each call ended, and what the session
 * told of its wire. Its clock begins with the play, and `armed` is when it was connected.
 */
export async function play({ connect }, url, { options, window, calls, last }, { fetch } = {}) {
  const wire = [];
  const zero = performance.now();
  const since = () => performance.now() - zero;
  const on = {
    wire: ({ method, rpcMethod, generation, attempt, phase, status, verdict }) =>
      wire.push({ at: since(), what: `${rpcMethod ?? method} of session ${generation}, attempt ${attempt}: ${[phase, status, verdict].filter(Boolean).join(" ")}` }),
    statechange: ({ state, waitingFor }) => wire.push({ at: since(), what: `state ${state}${waitingFor ? `, for ${waitingFor.why}` : ""}` }),
  };
  let session;
  try {
    session = await connect(url, { ...options, on, timeout: 20_000, ...(fetch ? { fetch } : {}) });
  } catch (error) {
    return { error: told(error) };
  }
  const tell = (what) => globalThis.fetch(new URL(`/${what}`, url), { method: "POST" });
  await tell("arm");
  const armed = since();
  const begun = performance.now();
  const ends = calls.map(async (call) => {
    await sleep(call.at - (performance.now() - begun));
    return settle(session, call, since);
  });
  await sleep(window - (performance.now() - begun));
  await tell("calm");
  const ended = await Promise.all(ends);
  // Everything is well again: a call must get through before long.
  const tries = [];
  for (const call of last) {
    tries.push(await settle(session, call, since));
    if (tries.at(-1).ok !== undefined) break;
  }
  await Promise.race([session.close(), sleep(6_000)]);
  return { calls: ended, last: tries, wire, armed };
}

async function settle(session, call, since) {
  const { token, timeout, abortAfter } = call;
  const giveUp = new AbortController();
  const began = performance.now();
  const heard = [];
  const options = {
    timeout,
    ...(call.kind === "again" ? { repeatable: true } : {}),
    ...(abortAfter === undefined ? {} : { signal: giveUp.signal }),
    onprogress: ({ message }) => heard.push(message),
  };
  if (abortAfter !== undefined) setTimeout(() => giveUp.abort(new Error("given up")), abortAfter);
  let patience;
  const hanging = new Promise((resolve) => (patience = setTimeout(resolve, timeout + PATIENCE, { hung: true })));
  const end = await Promise.race([
    made(session, call, options).then(
      (ok) => ({ ok }),
      (error) => ({ error: told(error) }),
    ),
    hanging,
  ]);
  clearTimeout(patience);
  return { token, kind: call.kind, timeout, began: since() - (performance.now() - began), took: performance.now() - began, aborted: giveUp.signal.aborted, heard, ...end };
}

/** What the result of the call says. */
async function made(session, { kind, key, seconds }, options) {
  if (kind === "list") {
    const { tools } = await session.listTools({}, options);
    return tools.map(({ name }) => name).join(" ");
  }
  if (kind === "read") return (await session.readResource({ uri: `test://ran/${key}` }, options)).contents[0].text;
  return (await session.callTool({ name: "slow", arguments: { key, seconds } }, options)).content[0].text;
}

function told(error) {
  const { name, code, outcome, httpStatus, message } = error ?? {};
  return { name, code, outcome, httpStatus, message: String(message) };
}
