// Signed assertions and proofs (RFC 7515, RFC 7519) by the platform's own cryptography.

const RSA = "2a864886f70d0101";

/**
 * What an algorithm is to WebCrypto, for the key and for the signature; `private_key_jwt` and DPoP know no others here. `oid`: what a
 * PKCS #8 has where it is for that (RFC 5480, RFC 8017), in hex.
 */
const ALGORITHMS = {
  ES256: { oid: "2a8648ce3d030107", key: { name: "ECDSA", namedCurve: "P-256" }, sign: { name: "ECDSA", hash: "SHA-256" } },
  ES384: { oid: "2b81040022", key: { name: "ECDSA", namedCurve: "P-384" }, sign: { name: "ECDSA", hash: "SHA-384" } },
  RS256: { oid: RSA, key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, sign: { name: "RSASSA-PKCS1-v1_5" } },
  PS256: { oid: RSA, key: { name: "RSA-PSS", hash: "SHA-256" }, sign: { name: "RSA-PSS", saltLength: 32 } },
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

/** The PKCS #8 in a PEM. */
function pkcs8(pem) {
  const text = pem.replace(/-----(?:BEGIN|END) PRIVATE KEY-----|\s/g, "");
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

const isJwk = ({ kty }) => kty !== undefined;

/** Complains of what is no private key for the algorithm, as far as that can be seen before it is used. */
export function checkKey(name, given, algorithm) {
  if (!(typeof given === "string" ? isPem : isJwk(given) ? isPrivateJwk : isPrivateKey)(given, ALGORITHMS[algorithm], algorithm)) {
    throw new TypeError(`${name}: expected a private key for ${algorithm}: a CryptoKey that may sign, a JWK, or PEM (PKCS #8)`);
  }
}

function isPem(given, { oid }) {
  try {
    const [first, ...more] = pkcs8(given);
    // It stands at the front.
    const front = more.slice(0, 40).map((byte) => byte.toString(16).padStart(2, "0"));
    return first === 0x30 && front.join("").includes(oid);
  } catch {
    return false;
  }
}

function isPrivateJwk(given, { key }, algorithm) {
  const isCurve = key.namedCurve !== undefined;
  const needed = isCurve ? ["x", "y", "d"] : ["n", "e", "d"];
  if (given.kty !== (isCurve ? "EC" : "RSA") || (isCurve && given.crv !== key.namedCurve)) return false;
  return needed.every((member) => typeof given[member] === "string") && (given.alg === undefined || given.alg === algorithm);
}

function isPrivateKey({ type, algorithm, usages }, { key }) {
  const isFor = algorithm?.name === key.name && algorithm.namedCurve === key.namedCurve && algorithm.hash?.name === key.hash;
  return type === "private" && isFor && Array.isArray(usages) && usages.includes("sign");
}

/** A key as the host has it: a `CryptoKey`, a JWK, or PEM (PKCS #8). */
export async function readKey(name, given, algorithm) {
  const { key } = ALGORITHMS[algorithm];
  try {
    if (typeof given === "string") return await crypto.subtle.importKey("pkcs8", pkcs8(given), key, false, ["sign"]);
    return isJwk(given) ? await crypto.subtle.importKey("jwk", given, key, false, ["sign"]) : given;
  } catch (cause) {
    throw new TypeError(`${name}: cannot be used as a private key for ${algorithm}: see \`cause\``, { cause });
  }
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
