// Authorization servers. The MCP server and its authorization server have one origin here.

const PRM = "GET /.well-known/oauth-protected-resource/mcp";
const METADATA = "GET /.well-known/oauth-authorization-server";

const json = (status, value) => ({ status, body: JSON.stringify(value) });
const refused = (error, status = 400) => json(status, { error });
const tokens = { access_token: "access-1", token_type: "Bearer", expires_in: 3600, refresh_token: "refresh-1" };
const metadata = (more) => json(200, { issuer: "$BASE", authorization_endpoint: "$BASE/authorize", token_endpoint: "$BASE/token", registration_endpoint: "$BASE/register", response_types_supported: ["code"], code_challenge_methods_supported: ["S256"], ...more });
const challenge = (more = "") => ({ status: 401, type: null, headers: { "www-authenticate": `Bearer error="invalid_token"${more}` } });

/** A server that wants a token, and one that works. */
const GOOD = {
  "server/discover": [challenge(), "good"],
  [PRM]: json(200, { resource: "$BASE/mcp", authorization_servers: ["$BASE"] }),
  [METADATA]: metadata(),
  "POST /register": json(201, { client_id: "c1", redirect_uris: ["http://127.0.0.1:9/callback"] }),
  "GET /authorize": { type: "text/plain", body: "$BACK" },
  "POST /token": json(200, tokens),
};

const SIGNED_IN = "discover|answer /register|answer /token|discover|initialize|initialized";
const row = (on, more) => ({ signsIn: true, on: { ...GOOD, ...on }, play: "tools", value: "tools t", wire: `${SIGNED_IN}|tools/list`, ...more });
/** The token expires at the first call. */
const refreshed = (...replies) => row({ "tools/call": [challenge(), "good"], "POST /token": [json(200, tokens), ...replies] }, { play: "call", value: "says done", wire: `${SIGNED_IN}|tools/call${"|answer /token".repeat(replies.length)}|tools/call` });
const unregistered = (reply, failed) => row({ "POST /register": reply }, { value: undefined, code: "auth", diagnosis: "not_registered", failed: `auth (not_registered): The authorization server did not register this client ${failed}`, wire: "discover|answer /register" });
const TOLD = "what is known of the cause is told";
const LESS = "what is not said has its default (RFC 7591, section 2): it is tried once more with less";
const BOUND = "the grant is bound to it already (RFC 8707, section 2.2): once more without, before anybody is asked";

export const title = "Authorization servers";

export const rows = [
  { id: "auth", server: "wants a token, and names an authorization server that works", why: "nothing is wrong", ...row({}) },
  { id: "auth-no-metadata", server: "names no metadata of its own, and has that of the authorization server at its origin", why: "2025-03-26, Authorization, 2.3", reported: true, ...row({ [PRM]: { status: 404, type: null } }) },
  { id: "auth-twice", server: "names its metadata twice in one challenge, and the first place is dead", why: "RFC 9110, section 11.2, forbids it; the second can be nothing else", reported: true, ...row({ [PRM]: { status: 404, type: null }, "GET /meta.json": GOOD[PRM], "server/discover": [challenge(', resource_metadata="$BASE/dead", resource_metadata="$BASE/meta.json"'), "good"] }) },
  { id: "auth-two-challenges", server: "names it in two challenges, and the first place is dead", why: "the same", ...row({ [PRM]: { status: 404, type: null }, "GET /meta.json": GOOD[PRM], "server/discover": [challenge(', resource_metadata="$BASE/dead", Bearer resource_metadata="$BASE/meta.json"'), "good"] }) },
  { id: "auth-form", server: "has a token endpoint that answers with a form, whatever it is asked for", why: "it can mean nothing else", reported: true, ...row({ "POST /token": { type: "application/x-www-form-urlencoded", body: "access_token=access-1&token_type=bearer" } }) },
  { id: "auth-expires-text", server: "writes `expires_in` as text", why: "the meaning is plain", reported: true, ...row({ "POST /token": json(200, { ...tokens, expires_in: "3600" }) }) },
  { id: "auth-own-query", server: "has an authorization endpoint with a query that holds `state` and `client_id`", why: "RFC 6749, section 3.1: no parameter is there twice", ...row({ [METADATA]: metadata({ authorization_endpoint: "$BASE/authorize?tenant=t&state=s&client_id=x" }) }) },
  { id: "auth-refresh-target", server: "refuses a refresh for its `resource`, as `invalid_target`", why: BOUND, reported: true, ...refreshed(refused("invalid_target"), json(200, { ...tokens, access_token: "access-2" })) },
  { id: "auth-refresh-request", server: "refuses it as `invalid_request`", why: BOUND, reported: true, ...refreshed(refused("invalid_request"), json(200, { ...tokens, access_token: "access-2" })) },
  { id: "auth-register-less", server: "registers no client with `application_type`, or with a method or grant that it does not know", why: LESS, reported: true, ...row({ "POST /register": [refused("invalid_client_metadata"), GOOD["POST /register"]] }), wire: "discover|answer /register|answer /register|answer /token|discover|initialize|initialized|tools/list" },
  { id: "auth-register-page", server: "answers a registration with 403 and a page", why: TOLD, reported: true, ...unregistered({ status: 403, type: "text/html", body: "<html>blocked" }, "(HTTP 403).") },
  { id: "auth-register-redirect", server: "refuses the redirect URL", why: TOLD, reported: true, ...unregistered(refused("invalid_redirect_uri"), "(HTTP 400, invalid_redirect_uri). It does not take the redirect URL") },
  { id: "auth-register-own", server: "refuses it with an error of its own", why: TOLD, ...unregistered(refused("quota_exceeded", 403), "(HTTP 403, quota_exceeded).") },
  { id: "auth-token-own", server: "refuses the code with 200 and an error of its own", why: TOLD, reported: true, ...row({ "POST /token": json(200, { error: "incorrect_client_credentials" }) }, { value: undefined, code: "auth", diagnosis: "refused", failed: "auth (refused): The token endpoint refused with HTTP 200: incorrect_client_credentials.", wire: "discover|answer /register|answer /token" }) },
  { id: "auth-token-page", server: "answers the code with 502 and a page", why: TOLD, ...row({ "POST /token": { status: 502, type: "text/html", body: "<html>" } }, { value: undefined, code: "auth", failed: "auth (refused): The token endpoint refused with HTTP 502", wire: "discover|answer /register|answer /token" }) },
  { id: "auth-refresh-silence", server: "does not answer a refresh", why: "who did not answer is said", ...refreshed({ hang: true }), value: undefined, code: "timeout", failed: "timeout: Not sent within", wire: `${SIGNED_IN}|tools/call|answer /token` },
];
