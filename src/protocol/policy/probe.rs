//! Which era a server speaks: what its answer to `server/discover` proves (2026-07-28, basic, Versioning, and
//! transports, Backward Compatibility). Pure policy.

use crate::protocol::bounds;
use crate::protocol::codec::json_rpc::{HEADER_MISMATCH, MISSING_CLIENT_CAPABILITY, UNSUPPORTED_PROTOCOL_VERSION};
use crate::protocol::era::{legacy, modern};
use crate::protocol::exchanges::Answer;
use crate::protocol::policy::verdict::{Refusal, speaks_of_sessions};
use crate::protocol::{Code, Error, Field, Outcome, Payload};

/// What an answer to `server/discover` proves.
#[derive(Debug)]
pub(crate) enum Evidence<P> {
    /// A server of the modern era, which said this of itself.
    Modern(P),
    /// A server that does not know the modern era.
    Legacy,
    /// A server of the modern era, which names the version that it was asked in: worth asking once more.
    Again(Box<Error<P>>),
    /// The request failed below HTTP. A page cannot see whether a legacy server's CORS rules refused its header fields.
    Hidden(Box<Error<P>>),
    /// Nothing, by a refusal that any gateway gives to a method that it does not know, or by silence: what answers
    /// `initialize` decides.
    Unclear(Box<Error<P>>),
    /// Nothing, by a server or gateway that fails: worth asking once more, and then as [`Evidence::Unclear`].
    Failing { error: Box<Error<P>>, retry_after: u64 },
    /// Nothing: it says nothing about the era, or a server of the modern era cannot serve us.
    None { error: Box<Error<P>>, retry_after: u64 },
}

pub(in crate::protocol) fn weigh<P: Payload>(answer: Answer<P>) -> Evidence<P> {
    match answer {
        Answer::Result(result) => {
            let versions = result.field(Field::SupportedVersions).filter(|versions| versions.count().is_some());
            match versions.map(|versions| common(&names(&versions))) {
                Some(Common::Modern) => Evidence::Modern(result),
                // Some legacy servers answer every request with an empty result.
                None | Some(Common::Legacy) => Evidence::Legacy,
                Some(Common::None(theirs)) => unsupported(&theirs),
            }
        }
        Answer::Accepted => Evidence::Legacy,
        Answer::Refused { refusal, error, retry_after } => refused(&refusal, error, retry_after.unwrap_or_default()),
        Answer::Unusable { error } if matches!(error.code, Code::NotMcp | Code::Protocol) => Evidence::Legacy,
        Answer::Lost { error } if error.code == Code::Network => Evidence::Hidden(error),
        // The stream ended without an answer.
        Answer::Lost { error } if error.code == Code::OutcomeUnknown => Evidence::Legacy,
        Answer::Lost { error } if error.code == Code::Timeout => Evidence::Unclear(error),
        // A redirect, perhaps of this request alone.
        Answer::Unusable { error } if error.code == Code::Http => Evidence::Unclear(error),
        Answer::Lost { error } | Answer::Unusable { error } => Evidence::None { error, retry_after: 0 },
    }
}

fn refused<P: Payload>(refusal: &Refusal, error: Box<Error<P>>, retry_after: u64) -> Evidence<P> {
    match refusal.rpc_code {
        Some(UNSUPPORTED_PROTOCOL_VERSION) => {
            return match supported(&error) {
                Common::Modern => Evidence::Again(error),
                Common::Legacy => Evidence::Legacy,
                Common::None(theirs) => unsupported(&theirs),
            };
        }
        Some(HEADER_MISMATCH | MISSING_CLIENT_CAPABILITY) => return Evidence::None { error, retry_after },
        Some(_) | None => {}
    }
    match refusal.status {
        // The modern era has no sessions to speak of.
        _ if speaks_of_sessions(refusal) => Evidence::Legacy,
        // The user was asked already, and nobody is allowed to ask.
        401 | 403 if error.code == Code::Auth => Evidence::None { error, retry_after },
        401 | 403 => Evidence::Unclear(error),
        429 => Evidence::None { error, retry_after },
        500.. => Evidence::Failing { error, retry_after },
        _ => Evidence::Legacy,
    }
}

/// What we have in common with a server that names its versions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Common {
    Modern,
    Legacy,
    /// Theirs, as far as they look like versions.
    None(Vec<String>),
}

/// From the `data` of -32022.
pub(crate) fn supported<P: Payload>(error: &Error<P>) -> Common {
    common(&listed(error))
}

/// The versions that the `data` of -32022 names, as far as they look like versions.
pub(crate) fn named<P: Payload>(error: &Error<P>) -> Vec<String> {
    listed(error).into_iter().filter(|name| legacy::is_date(name)).collect()
}

fn listed<P: Payload>(error: &Error<P>) -> Vec<String> {
    error.data.as_ref().and_then(|data| Some(names(&data.field(Field::Supported)?))).unwrap_or_default()
}

fn names<P: Payload>(versions: &P) -> Vec<String> {
    bounds::strings(versions, bounds::VERSIONS)
}

fn common(names: &[String]) -> Common {
    if names.iter().any(|name| name == modern::VERSION) {
        Common::Modern
    } else if names.iter().any(|name| legacy::version(name).is_some()) {
        Common::Legacy
    } else {
        // Only what looks like a version is repeated.
        Common::None(names.iter().filter(|name| legacy::is_date(name)).cloned().collect())
    }
}

fn unsupported<P>(theirs: &[String]) -> Evidence<P> {
    Evidence::None { error: unsupported_error(theirs), retry_after: 0 }
}

/// "Clients SHOULD surface the versions" (2026-07-28, basic, Versioning).
pub(crate) fn unsupported_error<P>(theirs: &[String]) -> Box<Error<P>> {
    let theirs = if theirs.is_empty() { "none that it names".to_owned() } else { theirs.join(", ") };
    let ours = legacy::VERSIONS.join(", ");
    let message = format!("The server speaks {theirs}; this client speaks {}, {ours}.", modern::VERSION);
    Error::boxed(Code::UnsupportedVersion, Outcome::NotExecuted, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refusal(status: u16, code: Option<i64>, words: &str, data: Value) -> Answer<Value> {
        let refusal = Refusal { status, rpc_code: code, words: words.into(), has_body: true, ..Refusal::default() };
        let error = Error { data: Some(data), ..Error::new(Code::Http, Outcome::NotExecuted, words) };
        Answer::Refused { refusal, error: Box::new(error), retry_after: None }
    }

    fn lost(code: Code) -> Answer<Value> {
        Answer::Lost { error: Error::boxed(code, Outcome::Unknown, "") }
    }

    #[test]
    fn what_an_answer_to_discover_proves() {
        let result = |versions: &[&str]| Answer::Result(json!({"supportedVersions": versions}));
        let dates = |versions: &[&str]| json!({"supported": versions});
        let rows: Vec<(&str, Answer<Value>, &str)> = vec![
            ("a DiscoverResult", result(&["2025-11-25", VERSION]), "modern"),
            ("one with legacy versions alone", result(&["2025-11-25"]), "legacy"),
            ("one with versions that nobody knows", result(&["2030-01-01"]), "none"),
            ("an empty result", Answer::Result(json!({})), "legacy"),
            ("202", Answer::Accepted, "legacy"),
            ("-32022 that names our version", refusal(400, Some(-32022), "", dates(&[VERSION])), "again"),
            ("-32022 with legacy versions", refusal(400, Some(-32022), "", dates(&["2025-06-18"])), "legacy"),
            ("-32022 with other versions", refusal(400, Some(-32022), "", dates(&["2030-01-01"])), "none"),
            ("-32020", refusal(400, Some(-32020), "", json!(null)), "none"),
            ("-32021", refusal(400, Some(-32021), "", json!(null)), "none"),
            ("-32000", refusal(400, Some(-32000), "Unsupported protocol version", json!(null)), "legacy"),
            ("-32601", refusal(404, Some(-32601), "Method not found", json!(null)), "legacy"),
            ("404 without JSON-RPC", refusal(404, None, "nothing here", json!(null)), "legacy"),
            ("401", refusal(401, None, "who are you", json!(null)), "unclear"),
            ("403", refusal(403, None, "forbidden", json!(null)), "unclear"),
            ("429", refusal(429, None, "slow down", json!(null)), "none"),
            ("401 that speaks of sessions", refusal(401, None, "no valid session", json!(null)), "legacy"),
            ("500", refusal(500, None, "oops", json!(null)), "failing"),
            ("500 that speaks of sessions", refusal(500, None, "session not found", json!(null)), "legacy"),
            ("503", refusal(503, None, "restarting", json!(null)), "failing"),
            ("a page", Answer::Unusable { error: Error::boxed(Code::NotMcp, Outcome::Unknown, "") }, "legacy"),
            ("a failure below HTTP", lost(Code::Network), "hidden"),
            ("no answer in time", lost(Code::Timeout), "unclear"),
            ("a stream that ends", lost(Code::OutcomeUnknown), "legacy"),
        ];
        for (name, answer, proves) in rows {
            let evidence = match weigh(answer) {
                Evidence::Modern(_) => "modern",
                Evidence::Legacy => "legacy",
                Evidence::Again(_) => "again",
                Evidence::Hidden(_) => "hidden",
                Evidence::Unclear(_) => "unclear",
                Evidence::Failing { .. } => "failing",
                Evidence::None { .. } => "none",
            };
            assert_eq!(evidence, proves, "{name}");
        }
    }

    const VERSION: &str = modern::VERSION;
}
