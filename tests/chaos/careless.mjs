// Clients that break the law, made of ours by a `fetch` that does so. Each must be found out, or the law finds nothing.

const isCall = ({ method, body }) => method === "POST" && /"method":"tools\/call"/.test(body ?? "");

/** Sends each call once more that failed, whatever that means. */
async function resends(url, init) {
  const given = await fetch(url, init).catch((error) => ({ error }));
  if (!isCall(init) || (given.error === undefined && given.status < 500) || init.signal?.aborted) {
    if (given.error) throw given.error;
    return given;
  }
  const [id] = /(?<="id":)\d+/.exec(init.body);
  const other = String(Number(id) + 1_000_000);
  const again = await fetch(url, { ...init, body: init.body.replace(`"id":${id}`, `"id":${other}`) });
  const { status, headers } = again;
  return new Response((await again.text()).replace(`"id":${other}`, `"id":${id}`), { status, headers });
}

/** Lets each call through, and then knows nothing of it. */
async function denies(url, init) {
  if (!isCall(init)) return fetch(url, init);
  await (await fetch(url, init)).text();
  return new Response("Forbidden", { status: 403 });
}

/** Gives each call the result of one before it. */
const crosses = (() => {
  let last;
  return async (url, init) => {
    const given = await fetch(url, init);
    if (!isCall(init) || given.status !== 200) return given;
    const { status, headers } = given;
    const text = await given.text();
    const told = last;
    last = /counted s\d+[cf]\d+\.\d+/.exec(text)?.[0] ?? last;
    return new Response(told ? text.replace(/counted s\d+[cf]\d+\.\d+/, told) : text, { status, headers });
  };
})();

/** Makes up a result, and sends nothing. */
async function invents(url, init) {
  if (!isCall(init)) return fetch(url, init);
  const { id, params } = JSON.parse(init.body);
  const result = { content: [{ type: "text", text: `counted ${params.arguments.key}` }] };
  return Response.json({ jsonrpc: "2.0", id, result: { resultType: "complete", ...result } });
}

/** By the law that each breaks. */
export const CARELESS = {
  "never twice": resends,
  "not_executed is not executed": denies,
  "never crossed": crosses,
  "ok is executed": invents,
};
