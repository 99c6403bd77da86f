// DPoP under the Clients of others (RFC 9449): a provider of the SDK has the key, and knows the nonces.

import { seam } from "./host_errors.js";

/** Whether this answer wants a proof with a nonce, before anything else (RFC 9449, 9). */
function wantsNonce({ status, headers }) {
  if (status !== 401 || !headers.has("dpop-nonce")) return false;
  const challenge = headers.get("www-authenticate") ?? "";
  return /(?:^|[\s,])dpop(?:\s|$)/i.test(challenge) && /\berror="?use_dpop_nonce\b/i.test(challenge);
}

export function isBound({ token_type: type } = {}) {
  return String(type).toLowerCase() === "dpop";
}

/** There is no proof, and so nothing is sent. The core knows it by `isUnproven`. */
export class UnprovenError extends Error {
  isUnproven = true;
}

/** What whoever has the key throws is told as that, and not as trouble with the network. */
async function byKey(run) {
  try {
    return await seam(run);
  } catch (cause) {
    throw new UnprovenError("The proof that goes with the token (DPoP) could not be made.", { cause });
  }
}

/**
 * `send` for the MCP endpoint: what goes with a token that is bound to the provider's key goes with a proof, each with one of
 * its own. An answer that wants another nonce has run nothing (RFC 9449, 9): the same request goes again with that, once.
 */
export function withProofs(provider, send) {
  if (!provider?.dpop) return send;
  return async (input, init) => {
    const token = /^Bearer (.+)$/i.exec(new Headers(init?.headers).get("authorization") ?? "")?.[1];
    const session = token && (await byKey(async () => isBound(await provider.tokens()) && provider.dpop()));
    if (!session) return send(input, init);
    const htm = (init.method ?? "GET").toUpperCase();
    const prove = async () => {
      const headers = new Headers(init.headers);
      headers.set("authorization", `DPoP ${token}`);
      headers.set("dpop", await byKey(() => session.buildProof({ htm, htu: new URL(input), accessToken: token })));
      return send(input, { ...init, headers: Object.fromEntries(headers) });
    };
    let response = await prove();
    if (wantsNonce(response)) {
      session.observeNonce(response, input);
      response.body?.cancel().catch(() => {});
      response = await prove();
    }
    session.observeNonce(response, input);
    return response;
  };
}

/** A request for tokens, with a proof: `post(proof)` sends it. The authorization server may want a nonce, too (RFC 9449, 8). */
export async function proven(session, url, post) {
  const proof = () => session.buildProof({ htm: "POST", htu: url });
  let response = await post(await proof());
  if (response.status === 400) {
    const said = await response.clone().json().catch(() => undefined);
    if (said?.error === "use_dpop_nonce") {
      session.observeNonce(response, url);
      response = await post(await proof());
    }
  }
  session.observeNonce(response, url);
  return response;
}
