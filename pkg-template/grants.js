// Providers for the option `auth` where there is no user, and what makes tokens useless to whoever steals them.

import { check, func, object, oneOf, text, webUrl, wrong, wrongWord } from "./checks.js";
import { withProofs } from "./host_dpop.js";
import { Requests } from "./host_requests.js";
import { inTime } from "./in_time.js";
import { checkKey, NAMES, readKey, seconds, signed, unique } from "./jwt.js";
import { keptPair, makePair, Proofs } from "./proofs.js";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_JAG = "urn:ietf:params:oauth:token-type:id-jag";
const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Whoever gives a token of another kind, or a key, may take so long. */
const WORD_MS = 30_000;
const KEY_MS = 10_000;

/** A client's own assertion is good for so many seconds. */
const LIFETIME = 300;

const any = (_name, value) => value;

/** Whatever goes there is a secret: in clear it goes to this machine alone. */
function endpoint(name, value) {
  const url = URL.canParse(text(name, value)) ? new URL(value) : undefined;
  const isOwn = url?.protocol === "http:" && /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol !== "https:" && !isOwn) throw new TypeError(`${name}: expected an absolute https: URL, or http: to this machine`);
  return value;
}

const CLIENT = {
  clientId: text,
  clientSecret: text,
  privateKey: (name, value) => (typeof value === "string" ? text(name, value) : object(name, value)),
  algorithm: oneOf(...NAMES),
  keyId: text,
  issuer: webUrl,
  scope: text,
  storage: any,
};

/** A client that acts for itself (RFC 6749, 4.4): it proves who it is by a secret, or by a key (RFC 7523, 2.2). */
export function clientCredentials(options) {
  const given = readClient(options);
  if (!given.clientSecret && !given.privateKey) throw new TypeError("clientCredentials: needs a clientSecret or a privateKey");
  return provider(given, async ({ scope }) => ({ grant_type: "client_credentials", scope: given.scope ?? scope }));
}

/** A workload that its platform vouches for (RFC 7523, 2.1): `assertion({ issuer, resource, scope })` gives the platform's JWT. */
export function workloadIdentity(options) {
  const given = readClient(options, { assertion: func });
  func("assertion", given.assertion);
  const grant = async (asked) => {
    const assertion = await word("assertion", given.assertion, asked);
    return { grant_type: JWT_BEARER, assertion, scope: given.scope ?? asked.scope };
  };
  return provider(given, grant);
}

/**
 * A user whom the enterprise has signed in already: the identity provider gives, for the ID token, a grant for the MCP server's
 * authorization server (ID-JAG), which that one takes.
 */
export function enterpriseManaged(options) {
  const given = readClient(options, { idToken: func, idp: object });
  func("idToken", given.idToken);
  const idp = check("idp", given.idp ?? wrongIdp(), { tokenEndpoint: endpoint, clientId: text, clientSecret: text, fetch: func });
  text("idp.tokenEndpoint", idp.tokenEndpoint);
  text("idp.clientId", idp.clientId);
  const grant = async (asked) => {
    const scope = given.scope ?? asked.scope;
    const form = new URLSearchParams({
      grant_type: TOKEN_EXCHANGE,
      requested_token_type: ID_JAG,
      audience: asked.issuer,
      ...(asked.resource !== undefined && { resource: asked.resource }),
      ...(scope !== undefined && { scope }),
      subject_token: await word("idToken", given.idToken, asked),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      client_id: idp.clientId,
      ...(idp.clientSecret !== undefined && { client_secret: idp.clientSecret }),
    });
    return { grant_type: JWT_BEARER, assertion: await exchanged(idp, form), scope };
  };
  return provider(given, grant);
}

/**
 * The same provider with tokens that are bound to a key of this page's (RFC 9449). `key`: `"indexeddb"` (default) keeps it for
 * later page lives, `"memory"` does not; or a pair of the host's.
 */
export function withDpop(of, options) {
  object("provider", of);
  const { key = "indexeddb", name = "dpop" } = check("", options, { key: any, name: text });
  const isPair = typeof key === "object" && key !== null;
  if (!isPair && !["indexeddb", "memory"].includes(key)) throw wrongWord("key", '"indexeddb", "memory" or a pair of CryptoKeys', key);
  if (isPair) checkPair(key);
  if (key === "indexeddb" && typeof globalThis.indexedDB?.open !== "function") {
    throw new TypeError('key: there is no IndexedDB here that could keep it: give "memory", or a pair of CryptoKeys');
  }
  let proofs;
  const make = async () => new Proofs(isPair ? key : key === "memory" ? await makePair() : await keptKey(name));
  const dpop = () => {
    proofs ??= make();
    // What could not be had is asked for again.
    proofs.catch(() => (proofs = undefined));
    return proofs;
  };
  return Object.assign(delegate(of, ["asks", "wrap"]), { asks: { ...of.asks, dpop }, wrap });
}

async function keptKey(name) {
  try {
    return await inTime(keptPair(name), KEY_MS, "IndexedDB");
  } catch (cause) {
    const how = 'give "memory", or a pair of CryptoKeys';
    throw new Error(`withDpop: the key \`${name}\` could not be had from IndexedDB: see \`cause\`. Where it cannot be kept, ${how}.`, { cause });
  }
}

/** Has what `of` has, be it of its class: its methods are called on itself. */
function delegate(of, without) {
  const own = {};
  for (let from = of; from !== null && from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) {
      if (name === "constructor" || without.includes(name) || Object.hasOwn(own, name)) continue;
      const get = () => (typeof of[name] === "function" ? of[name].bind(of) : of[name]);
      Object.defineProperty(own, name, { get, set: (value) => (of[name] = value), enumerable: true, configurable: true });
    }
  }
  return own;
}

function checkPair({ privateKey, publicKey }) {
  const isFor = ({ algorithm }) => algorithm?.name === "ECDSA" && algorithm.namedCurve === "P-256";
  const isPair = privateKey?.type === "private" && isFor(privateKey) && publicKey?.type === "public" && isFor(publicKey);
  if (!isPair) throw new TypeError("key: expected a pair of CryptoKeys for ECDSA with P-256: { privateKey, publicKey }");
  // Each proof has it.
  if (publicKey.extractable !== true) throw new TypeError("key.publicKey: expected a CryptoKey that is extractable");
  checkKey("key.privateKey", privateKey, "ES256");
}

function readClient(options, more = {}) {
  const given = check("", options, { ...CLIENT, ...more });
  text("clientId", given.clientId);
  if (given.privateKey && !given.algorithm) throw new TypeError(`algorithm: the privateKey needs one of ${NAMES.join(", ")}`);
  if (given.privateKey && given.clientSecret) throw new TypeError("clientSecret: cannot go with a privateKey; choose one");
  if (given.privateKey) checkKey("privateKey", given.privateKey, given.algorithm);
  return given;
}

function wrongIdp() {
  throw wrong("idp", "an object", undefined);
}

async function word(name, give, asked) {
  const given = await inTime(give(Object.freeze({ ...asked })), WORD_MS, name);
  if (typeof given !== "string" || given === "") throw wrong(`what ${name} gives`, "a JWT as a string", given);
  return given;
}

/** The grant of the identity provider. */
async function exchanged({ tokenEndpoint, fetch: send = fetch }, form) {
  const headers = { accept: "application/json", "content-type": "application/x-www-form-urlencoded" };
  const signal = AbortSignal.timeout(WORD_MS);
  const asked = send(tokenEndpoint, { method: "POST", headers, body: String(form), credentials: "omit", redirect: "error", signal });
  const response = await inTime(asked, WORD_MS, "The request to idp.tokenEndpoint");
  const read = await inTime(response.json(), WORD_MS, "The answer of idp.tokenEndpoint").catch(() => ({}));
  if (!response.ok || typeof read?.access_token !== "string") {
    const error = /^[a-z_]{1,64}$/.test(read?.error ?? "") ? `: ${read.error}` : "";
    throw new Error(`The identity provider gave no grant (HTTP ${response.status}${error}).`);
  }
  // Another token of the user's is nothing for the MCP server's authorization server (RFC 8693, 2.2.1).
  const type = read.issued_token_type;
  if (type !== ID_JAG) {
    const isTold = typeof type === "string" && /^urn:ietf:params:oauth:token-type:[a-z\d_-]{1,32}$/.test(type);
    const got = isTold ? type : type === undefined ? "none" : "another";
    throw new Error(`The identity provider gave no ID-JAG: expected the issued_token_type ${ID_JAG}, got ${got}. Nothing of it was passed on.`);
  }
  return read.access_token;
}

function provider({ clientId, clientSecret, privateKey, algorithm, keyId, issuer, storage }, grant) {
  let key;
  const prove = async (_headers, form, url, metadata) => {
    key ??= await readKey("privateKey", privateKey, algorithm);
    const now = seconds();
    const claims = { iss: clientId, sub: clientId, aud: metadata?.issuer ?? url, jti: unique(), iat: now, exp: now + LIFETIME };
    form.set("client_assertion", await signed(key, algorithm, { typ: "JWT", ...(keyId && { kid: keyId }) }, claims));
    form.set("client_assertion_type", ASSERTION);
  };
  return {
    clientId,
    clientSecret,
    issuer,
    storage,
    grant,
    asks: privateKey ? { addClientAuthentication: prove } : {},
    wrap,
  };
}

/** In the place of both ways to ask: of authorization servers, and of the MCP server. */
function wrap({ endpoint, oauth, mcp }) {
  const { dpop } = this.asks;
  const requests = new Requests({ ...this.asks, bindsAll: true, clientMetadata: {}, clientInformation: () => undefined, tokens: () => undefined }, endpoint, oauth);
  const bound = { dpop, tokens: () => ({ token_type: "DPoP" }) };
  const failure = () => {
    const { failure } = requests;
    requests.failure = undefined;
    return failure;
  };
  return { oauth: requests.fetch, mcp: dpop ? withProofs(bound, mcp) : mcp, failure };
}
