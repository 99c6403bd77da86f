// DPoP with a key of the page's own (RFC 9449): it is made here, cannot be read out, and is kept in IndexedDB.

import { seconds, sha256, signed, unique } from "./jwt.js";

const DATABASE = "mcp-evergreen";
const STORE = "keys";
const CURVE = { name: "ECDSA", namedCurve: "P-256" };

const request = (asked) =>
  new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

/** The pair that is kept by this name; made where there is none. Two tabs have the same: the first one's. */
export async function keptPair(name) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await request(opening);
  try {
    const store = (mode) => database.transaction(STORE, mode).objectStore(STORE);
    const known = await request(store("readonly").get(name));
    if (known) return known;
    const made = await makePair();
    // Another tab may have been here meanwhile.
    await request(store("readwrite").add(made, name)).catch((error) => {
      if (error?.name !== "ConstraintError") throw error;
    });
    return (await request(store("readonly").get(name))) ?? made;
  } finally {
    database.close();
  }
}

export function makePair() {
  return crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
}

/** Proofs by one pair, with the nonces that servers want, by their origins. */
export class Proofs {
  #pair;
  #jwk;
  #nonces = new Map();

  constructor(pair) {
    this.#pair = pair;
  }

  async buildProof({ htm, htu, accessToken }) {
    const { publicKey, privateKey } = this.#pair;
    if (!this.#jwk) {
      const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
      this.#jwk = { crv, kty, x, y };
    }
    const url = new URL(htu);
    const nonce = this.#nonces.get(url.origin);
    url.hash = url.search = "";
    const claims = {
      jti: unique(),
      htm,
      htu: url.href,
      iat: seconds(),
      ...(nonce !== undefined && { nonce }),
      ...(accessToken !== undefined && { ath: await sha256(accessToken) }),
    };
    return signed(privateKey, "ES256", { typ: "dpop+jwt", jwk: this.#jwk }, claims);
  }

  observeNonce({ headers }, url) {
    const nonce = headers.get("dpop-nonce");
    if (nonce) this.#nonces.set(new URL(url).origin, nonce);
  }
}
