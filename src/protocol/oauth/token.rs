//! The token endpoint (RFC 6749, sections 4.1.3, 5 and 6), and what the user comes back with.

use super::discovery::member;
use super::record::{Grant, Pending};
use super::text::{form, query_field};
use super::{Fetch, Trouble, trouble};
use crate::protocol::json::Json;

/// A token is refreshed so long before it expires; short-lived ones in the last tenth of their life.
const AHEAD_MS: u64 = 60_000;

const FOREIGN: &str =
    "What came back is not the answer to this authorization request (`state` is another): it was not used.";
const WRONG_ISSUER: &str =
    "What came back was not sent by the authorization server that was asked (`iss`): it was not used.";
const DECLINED: &str = "The authorization was declined.";
const NO_CODE: &str = "What came back from the authorization server holds no code.";

/// The code in the URL that the user came back with. Who sent it is checked before anything else in it is looked at
/// (RFC 9207, section 2.4; compared as texts).
pub(super) fn code(pending: &Pending, url: &str) -> Result<String, Trouble> {
    if query_field(url, "state").as_deref() != Some(&pending.state) {
        return Err(trouble("wrong_state", FOREIGN));
    }
    match query_field(url, "iss") {
        Some(iss) if iss != pending.issuer => return Err(trouble("wrong_issuer", WRONG_ISSUER)),
        None if pending.sends_iss => return Err(trouble("wrong_issuer", WRONG_ISSUER)),
        Some(_) | None => {}
    }
    match query_field(url, "error").as_deref() {
        None => query_field(url, "code").filter(|code| !code.is_empty()).ok_or_else(|| trouble("no_code", NO_CODE)),
        Some("access_denied") => Err(trouble("declined", DECLINED)),
        Some(error) => Err(refusal("The authorization server refused", error)),
    }
}

/// Names the error where the specifications do: anything else is a stranger's text.
fn refusal(who: &str, error: &str) -> Trouble {
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
    ];
    let known = KNOWN.iter().find(|known| **known == error).copied();
    Trouble::new("refused", format!("{who}: {}.", known.unwrap_or("it names an error of its own")))
}

/// Asks for tokens in exchange for the code.
pub(super) fn exchange(pending: &Pending, code: &str) -> Fetch {
    let fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &pending.redirect),
        ("code_verifier", &pending.verifier),
        ("resource", &pending.resource),
    ];
    post(&pending.token_endpoint, fields, &pending.client)
}

/// Asks for tokens in exchange for the refresh token.
pub(super) fn refresh(grant: &Grant) -> Option<Fetch> {
    let token = grant.refresh.as_deref()?;
    let fields = vec![("grant_type", "refresh_token"), ("refresh_token", token), ("resource", &grant.resource)];
    Some(post(&grant.token_endpoint, fields, &grant.client))
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
    let content_type = ("content-type", "application/x-www-form-urlencoded".to_owned());
    Fetch {
        method: "POST",
        url: url.to_owned(),
        headers: [content_type].into_iter().chain(proof).collect(),
        body: Some(form(&fields)),
    }
}

/// What a token endpoint gave.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub refresh_at: Option<u64>,
}

/// Why a token endpoint gave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It does not know this client, or not so.
    Client(Trouble),
    /// The code or the refresh token is not taken.
    Grant(Trouble),
    /// Later perhaps.
    Busy(Trouble),
}

impl Refused {
    pub fn trouble(self) -> Trouble {
        match self {
            Self::Client(trouble) | Self::Grant(trouble) | Self::Busy(trouble) => trouble,
        }
    }
}

/// Reads the answer of a token endpoint.
pub(super) fn tokens(status: u16, text: &str, now_unix_ms: u64) -> Result<Tokens, Refused> {
    let document = Json::parse(text).unwrap_or_default();
    if !(200..300).contains(&status) {
        let error = member(&document, "error").unwrap_or_default();
        let trouble = refusal(&format!("The token endpoint refused with HTTP {status}"), error);
        return Err(match (status, error) {
            (429 | 500.., _) => Refused::Busy(trouble.retryable()),
            (_, "invalid_client" | "unauthorized_client") => Refused::Client(trouble),
            _ => Refused::Grant(trouble),
        });
    }
    // It goes into a header.
    let access = member(&document, "access_token").filter(|token| is_visible(token));
    let is_bearer = member(&document, "token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let (Some(access), true) = (access, is_bearer) else {
        let text = "The token endpoint answered without a bearer token that can be sent.";
        return Err(Refused::Grant(trouble("bad_token", text)));
    };
    // Some servers write it as a string.
    let lifetime = document.get("expires_in").and_then(|seconds| match seconds {
        Json::Number(text) | Json::Text(text) => text.split('.').next()?.parse::<u64>().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    });
    let lifetime = lifetime.filter(|seconds| *seconds > 0).map(|seconds| seconds.saturating_mul(1000));
    Ok(Tokens {
        access: access.to_owned(),
        refresh: member(&document, "refresh_token").filter(|token| !token.is_empty()).map(str::to_owned),
        refresh_at: lifetime.map(|ms| now_unix_ms.saturating_add(ms - AHEAD_MS.min(ms / 10))),
    })
}

fn is_visible(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}
