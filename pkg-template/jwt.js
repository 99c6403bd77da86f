// Signed assertions and proofs (RFC 7515, RFC 7519) by the platform's own cryptography.

/** What an algorithm is to WebCrypto, for the key and for the signature; `private_key_jwt` and DPoP know no others here. */
const ALGORITHMS = {
  ES256: { key: { name: "ECDSA", namedCurve: "P-256" }, sign: { name: "ECDSA", hash: "SHA-256" } },
  ES384: { key: { name: "ECDSA", namedCurve: "P-384" }, sign: { name: "ECDSA", hash: "SHA-384" } },
  RS256: { key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, sign: { name: "RSASSA-PKCS1-v1_5" } },
  PS256: { key: { name: "RSA-PSS", hash: "SHA-256" }, sign: { name: "RSA-PSS", saltLength: 32 } },
};

export const NAMES = Object.keys(ALGORITHMS);

export function base64url(bytes) {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

const utf8 = (text) => new TextEncoder().encode(text);

export async function sha256(text) {
  return base64url(await crypto.subtle.digest("SHA-256", utf8(text)));
}

/** A key as the host has it: a `CryptoKey`, a JWK, or PEM (PKCS #8). */
export async function readKey(given, algorithm) {
  const { key } = ALGORITHMS[algorithm];
  if (typeof given === "string") {
    const text = given.replace(/-----(?:BEGIN|END) PRIVATE KEY-----|\s/g, "");
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return crypto.subtle.importKey("pkcs8", bytes, key, false, ["sign"]);
  }
  return given.kty === undefined ? given : crypto.subtle.importKey("jwk", given, key, false, ["sign"]);
}

/** A JWT of these claims. */
export async function signed(key, algorithm, header, claims) {
  const part = (value) => base64url(utf8(JSON.stringify(value)));
  const text = `${part({ alg: algorithm, ...header })}.${part(claims)}`;
  return `${text}.${base64url(await crypto.subtle.sign(ALGORITHMS[algorithm].sign, key, utf8(text)))}`;
}

export function unique() {
  return base64url(crypto.getRandomValues(new Uint8Array(16)));
}

/** In seconds. */
export function seconds() {
  return Math.floor(Date.now() / 1000);
}
