//! The token endpoint (RFC 6749, sections 4.1.3, 5 and 6), and what the user comes back with.

use super::discovery::{document, scalar, seconds};
use super::record::{Grant, Pending};
use super::text::{form, query_field, query_fields};
use super::trust::difference;
use super::{Fetch, Settings, Spends, Trouble, trouble};
use crate::protocol::codec::json::lenient;
use serde::Deserialize;

/// A token is refreshed so long before it expires; short-lived ones in the last tenth of their life.
const AHEAD_MS: u64 = 60_000;

const FOREIGN: &str =
    "What came back is not the answer to this authorization request (`state` is another): it was not used.";
const WRONG_ISSUER: &str = "What came back was not sent by the authorization server that was asked, by its `iss`";
const NO_ISSUER: &str = "What came back does not say who sent it (`iss`), as the authorization server says that all of its \
                         answers do (`authorization_response_iss_parameter_supported`): it was not used (RFC 9207, section \
                         2.4). Other clients may not look.";
const DECLINED: &str = "The authorization was declined.";
const NO_CODE: &str = "What came back from the authorization server holds no code, or several.";

/// The code in the URL that the user came back with. Who sent it is checked before anything else in it is looked at
/// (RFC 9207, section 2.4; compared as texts).
pub(super) fn code(pending: &Pending, url: &str) -> Result<String, Refused> {
    if query_fields(url, "state").ne([pending.state.as_str()]) {
        return Err(Refused::Grant(trouble("wrong_state", FOREIGN)));
    }
    if let Some(iss) = query_fields(url, "iss").find(|iss| *iss != pending.issuer) {
        let what = difference(&pending.issuer, &iss);
        let text = format!("{WRONG_ISSUER} ({what}): it was not used. Other clients may not compare them.");
        return Err(Refused::Grant(Trouble::new("wrong_issuer", text)));
    }
    if pending.sends_iss && query_field(url, "iss").is_none() {
        return Err(Refused::Grant(trouble("wrong_issuer", NO_ISSUER)));
    }
    match query_field(url, "error").as_deref() {
        None => {
            let mut codes = query_fields(url, "code");
            let code = codes.next().filter(|code| !code.is_empty() && codes.next().is_none());
            code.ok_or_else(|| Refused::Grant(trouble("no_code", NO_CODE)))
        }
        Some("access_denied") => Err(Refused::Grant(trouble("declined", DECLINED))),
        Some(error) => {
            let told = told(error, &pending.state);
            Err(Refused::by(error, refusal("The authorization server refused", error, told).said(None, told)))
        }
    }
}

/// The error, where it may be told: one of the specifications', or what is as plain as they are. `sent`: what was sent along,
/// which may be quoted back.
pub(super) fn told<'a>(error: &'a str, sent: &str) -> Option<&'a str> {
    const KNOWN: &[&str] = &[
        "invalid_request",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "invalid_client",
        "invalid_grant",
        "unsupported_grant_type",
        "invalid_target",
        "login_required",
        "consent_required",
        "interaction_required",
        "invalid_redirect_uri",
        "invalid_client_metadata",
        "slow_down",
        "bad_refresh_token",
        "bad_verification_code",
    ];
    // Names and kinds of grants are shorter.
    let is_secret = |value: &str| value.len() >= 20 && error.contains(value);
    let is_quoted = sent.contains(error) || sent.split(['&', '=', '"']).any(is_secret);
    Some(error).filter(|error| KNOWN.contains(error) || is_code(error) && !is_quoted)
}

/// What a refusal is called, and not a sentence.
fn is_code(error: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
    (1..=64).contains(&error.len()) && error.bytes().all(is_plain)
}

fn refusal(who: &str, error: &str, told: Option<&str>) -> Trouble {
    let more = match error {
        "invalid_target" => INVALID_TARGET,
        "invalid_client" | "unauthorized_client" => UNKNOWN_CLIENT,
        _ => "",
    };
    let kind = if error == "invalid_target" { "resource_refused" } else { "refused" };
    Trouble::new(kind, format!("{who}: {}.{more}", told.unwrap_or("it names an error of its own")))
}

const INVALID_TARGET: &str = " It does not take the `resource` that says which server the token is for (RFC 8707), which every \
                              authorization of MCP sends. Other clients may leave it out; `auth.trust` with the `issuer` \
                              and `resource: false` does.";
const UNKNOWN_CLIENT: &str = " It does not know this client, or not so.";

/// Asks for tokens in exchange for the code.
pub(super) fn exchange(pending: &Pending, code: &str) -> Fetch {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &pending.redirect),
        ("code_verifier", &pending.verifier),
    ];
    fields.extend(pending.resource.as_deref().map(|resource| ("resource", resource)));
    Fetch { spends: Some(Spends::Code), ..post(&pending.token_endpoint, fields, &pending.client) }
}

/// Asks for tokens in exchange for the refresh token; `bare`: without `resource`.
pub(super) fn refresh(grant: &Grant, settings: &Settings, bare: bool) -> Option<Fetch> {
    let token = grant.refresh.as_deref()?;
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    fields.extend(grant.resource.as_deref().filter(|_| !bare).map(|resource| ("resource", resource)));
    // "If omitted is treated as equal to the scope originally granted" (RFC 6749, section 6); not by all.
    let names_scope = settings.trust.as_ref().is_some_and(|trust| trust.refresh_scope);
    fields.extend(grant.scope.as_deref().filter(|_| names_scope).map(|scope| ("scope", scope)));
    Some(Fetch { spends: Some(Spends::RefreshToken), ..post(&grant.token_endpoint, fields, &grant.client) })
}

/// Takes the tokens back (RFC 7009): the refresh token, and what came of it.
pub(super) fn revoke(grant: &Grant) -> Option<Fetch> {
    let (token, hint) = match &grant.refresh {
        Some(token) => (token, "refresh_token"),
        None => (&grant.access, "access_token"),
    };
    let fields = vec![("token", token.as_str()), ("token_type_hint", hint)];
    Some(post(grant.revocation_endpoint.as_deref()?, fields, &grant.client))
}

fn post<'a>(url: &str, mut fields: Vec<(&'a str, &'a str)>, client: &'a super::registration::Client) -> Fetch {
    let proof = client.authenticate(&mut fields);
    // Neither needs a preflight. Some answer with a form unless they are told.
    let accept = ("accept", "application/json".to_owned());
    let content_type = ("content-type", "application/x-www-form-urlencoded".to_owned());
    Fetch {
        method: "POST",
        url: url.to_owned(),
        headers: [accept, content_type].into_iter().chain(proof).collect(),
        body: Some(form(&fields)),
        spends: None,
        keeps: false,
    }
}

/// What a token endpoint gave.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub refresh_at: Option<u64>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The authorization server does not know this client, or not so.
    Client(Trouble),
    /// … does not take the code or the refresh token: its use is over.
    Grant(Trouble),
    /// … does not grant this scope.
    Scope(Trouble),
    /// … does not take `resource`.
    Target(Trouble),
    /// It gave none, and said nothing of its own about the grant: perhaps it was not even asked.
    Nothing(Trouble),
}

impl Refused {
    /// By the error that it names.
    fn by(error: &str, trouble: Trouble) -> Self {
        match error {
            "invalid_client" | "unauthorized_client" => Self::Client(trouble),
            "invalid_scope" => Self::Scope(trouble),
            "invalid_target" => Self::Target(trouble),
            "temporarily_unavailable" | "server_error" | "slow_down" => Self::Nothing(trouble.retryable()),
            _ => Self::Grant(trouble),
        }
    }

    /// The request itself is refused, and perhaps for what it names as the resource (RFC 8707, section 2).
    pub fn may_be_for_resource(&self) -> bool {
        let is_request = |trouble: &Trouble| trouble.said.error.as_deref() == Some("invalid_request");
        matches!(self, Self::Target(_)) || matches!(self, Self::Grant(trouble) if is_request(trouble))
    }

    pub fn trouble(self) -> Trouble {
        match self {
            Self::Client(trouble)
            | Self::Grant(trouble)
            | Self::Scope(trouble)
            | Self::Target(trouble)
            | Self::Nothing(trouble) => trouble,
        }
    }
}

/// The `error` of an answer to what was `sent`, where it may be told.
pub(super) fn error(text: &str, sent: &str) -> Option<String> {
    let answer = Answer::read(text);
    answer.error.as_deref().and_then(|error| told(error, sent)).map(str::to_owned)
}

/// An answer that is JSON (RFC 6749, sections 5.1 and 5.2), or a form, which some servers send whatever they were asked
/// for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(deserialize_with = "lenient")]
    access_token: Option<String>,
    #[serde(deserialize_with = "lenient")]
    token_type: Option<String>,
    #[serde(deserialize_with = "scalar")]
    expires_in: Option<String>,
    #[serde(deserialize_with = "lenient")]
    refresh_token: Option<String>,
    #[serde(deserialize_with = "lenient")]
    error: Option<String>,
}

impl Answer {
    fn read(text: &str) -> Self {
        let text = text.trim();
        document(text).unwrap_or_else(|| {
            let is_form = !text.contains(['<', '{', '\n', ' ']) && text.contains('=');
            let url = format!("?{}", text.trim_start_matches('\u{feff}'));
            let field = |name: &str| query_field(&url, name).filter(|_| is_form);
            Self {
                access_token: field("access_token"),
                token_type: field("token_type"),
                expires_in: field("expires_in"),
                refresh_token: field("refresh_token"),
                error: field("error"),
            }
        })
    }

    /// The error that the authorization server names: not every `error` in a body is OAuth's. What stands before it (a
    /// gateway, a framework) says "Not Found", and says so with a status.
    fn error(&self, status: u16) -> Option<&str> {
        const GRAVE: &[&str] = &["invalid_grant", "bad_refresh_token", "invalid_client", "unauthorized_client"];
        let error = self.error.as_deref().filter(|error| is_code(error))?;
        let by_itself = matches!(status, 200..=299 | 400..=407 | 409..=424 | 426..=428);
        (by_itself || GRAVE.contains(&error)).then_some(error)
    }
}

/// Reads the answer of a token endpoint to what was `sent`.
pub(super) fn tokens(status: u16, text: &str, sent: &str, now_unix_ms: u64) -> Result<Tokens, Refused> {
    let answer = Answer::read(text);
    let is_good = (200..300).contains(&status);
    // It goes into a header.
    let access = answer.access_token.as_deref().filter(|token| is_good && is_visible(token));
    // Some call what is a bearer token by a name of their own; but these are other things.
    let other = |kind: &str| ["dpop", "mac", "n_a", "pop"].contains(&&*kind.to_ascii_lowercase());
    if let (Some(access), false) = (access, answer.token_type.as_deref().is_some_and(other)) {
        let lifetime = answer.expires_in.as_deref().and_then(seconds);
        let lifetime = lifetime.filter(|seconds| *seconds > 0).map(|seconds| seconds.saturating_mul(1000));
        return Ok(Tokens {
            access: access.to_owned(),
            refresh: answer.refresh_token.filter(|token| !token.is_empty()),
            refresh_at: lifetime.map(|ms| now_unix_ms.saturating_add(ms - AHEAD_MS.min(ms / 10))),
        });
    }
    let who = format!("The token endpoint refused with HTTP {status}");
    Err(match answer.error(status) {
        Some(error) => {
            let told = told(error, sent);
            Refused::by(error, refusal(&who, error, told).said(Some(status), told))
        }
        None if is_good => Refused::Nothing(trouble("bad_token", NO_BEARER).said(Some(status), None)),
        None => {
            let trouble = Trouble::new("refused", format!("{who}{UNSAID}")).said(Some(status), None);
            Refused::Nothing(trouble.retryable())
        }
    })
}

const NO_BEARER: &str = "The token endpoint answered without a bearer token that can be sent.";
const UNSAID: &str = ", and named no error of OAuth (RFC 6749, section 5.2): something before it may have answered. What was \
                      granted is kept.";

/// More than this no server takes in a header.
const MAX_TOKEN: usize = 1 << 16;

pub(super) fn is_visible(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}
