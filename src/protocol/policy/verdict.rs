//! What a refusal means. Pure policy: from status, words and whether the request carried a session id to a verdict.
//!
//! To a POST under a session 404 and 410 say that it is gone ("MUST respond … with HTTP 404 Not Found", 2025-11-25,
//! transports, Session Management 3), whatever their words; unless the error is under the request's own id, or its code is
//! -32601. 400 says so in the plain words of a lost session. Servers in the field say it with 401, 403, 422, 5xx and 200 as
//! well, with any code and any id: nothing of that is proof, and a ping tells. The words are looked for in the places where
//! a refusal has them, never inside a `result`.

use crate::protocol::codec::http::Method;
use crate::protocol::codec::json_rpc::{HEADER_MISMATCH, UNSUPPORTED_PROTOCOL_VERSION};
use crate::protocol::era::Era;
pub use crate::protocol::policy::refusal::Refusal;
pub(in crate::protocol) use crate::protocol::policy::refusal::{Form, is_own};
use crate::protocol::policy::words::{self, Words};

/// What a refusal means.
///
/// ```
/// use mcp_evergreen::Verdict;
///
/// assert_eq!(Verdict::Evicted.as_str(), "evicted");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The gate refused it: it did not run, and the session is gone.
    Evicted,
    /// The gate, or a live session: a ping tells.
    Suspect,
    /// The session or the connection went while the call may have been running.
    UnknownOutcome {
        /// The session is known to be gone.
        session_gone: bool,
    },
    /// The server is busy or restarting; the session may live.
    Transient,
    /// The server speaks only another protocol version now.
    OtherEra,
    /// An answer, or a refusal for another reason.
    NotEviction,
}

impl Verdict {
    /// Whether the session is gone, by the server's plain word.
    #[must_use]
    pub fn session_gone(self) -> bool {
        matches!(self, Self::Evicted | Self::UnknownOutcome { session_gone: true })
    }

    /// The verdict's name in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Suspect => "suspect",
            Self::UnknownOutcome { .. } => "unknown_outcome",
            Self::Transient => "transient",
            Self::OtherEra => "other_era",
            Self::NotEviction => "not_eviction",
        }
    }
}

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The HTTP method.
    pub method: Method,
    /// The era that it was asked in.
    pub era: Era,
    /// Whether `Mcp-Session-Id` went with it. Never with `initialize`.
    pub with_session: bool,
    /// The answer came later than a gate refuses (`exchanges`).
    pub late: bool,
}

const METHOD_NOT_FOUND: i64 = -32601;

/// The verdict.
#[must_use]
pub fn classify(asked: &Asked, refusal: &Refusal) -> Verdict {
    let other_version = refusal.rpc_code == Some(UNSUPPORTED_PROTOCOL_VERSION);
    let agreed = asked.with_session || asked.era == Era::Modern;
    // "MUST respond with 400" (2026-07-28, Versioning). Where a version was agreed on, with another status it may be a
    // handler's word, or that of a server behind this one.
    if other_version && (!agreed || refusal.status == 400) {
        return Verdict::OtherEra;
    }
    let words = Words::read(&refusal.words);
    // Only a gate of the modern era says so: a legacy request lacks the header fields that it wants.
    if asked.era == Era::Legacy && refusal.status == 400 && refusal.rpc_code == Some(HEADER_MISMATCH) {
        return Verdict::Suspect;
    }
    let verdict = match asked.method {
        Method::Post if asked.era == Era::Modern => modern(refusal, words),
        Method::Post => post(refusal, words),
        Method::Get => get(refusal, words),
        Method::Delete => delete(refusal, words),
    };
    // What it says of the call is its status's; what it says of the era is looked into.
    if other_version && matches!(verdict, Verdict::NotEviction) {
        return Verdict::Suspect;
    }
    if asked.era == Era::Modern && asked.method == Method::Post {
        return verdict;
    }
    match verdict {
        // A request without a session id cannot be refused for it.
        Verdict::Evicted | Verdict::Suspect if !asked.with_session => without_session(refusal),
        Verdict::Evicted if asked.late && !planted!("resend_taken_for_refusal") => {
            Verdict::UnknownOutcome { session_gone: true }
        }
        verdict @ (Verdict::Evicted
        | Verdict::Suspect
        | Verdict::UnknownOutcome { .. }
        | Verdict::Transient
        | Verdict::OtherEra
        | Verdict::NotEviction) => verdict,
    }
}

fn post(refusal: &Refusal, words: Words) -> Verdict {
    let gone = words.lookup || words.ending;
    match refusal.status {
        // An error under the request's own id was made behind the gate, on some servers: doubt, not proof.
        404 | 410 if planted!("own_id_404_is_proof") => Verdict::Evicted,
        404 | 410 if refusal.own_id || refusal.rpc_code == Some(METHOD_NOT_FOUND) => Verdict::Suspect,
        404 | 410 => Verdict::Evicted,
        400 if !refusal.own_id && gone && planted!("words_of_another_session") => Verdict::Evicted,
        400 if !refusal.own_id && words::is_plain_refusal(&refusal.words) => Verdict::Evicted,
        // A proxy's word on a request that took too long, or on a client that seemed gone.
        408 | 499 if !refusal.own_id && !gone => Verdict::UnknownOutcome { session_gone: false },
        429 => Verdict::Transient,
        500.. if words.lookup => Verdict::Suspect,
        503 if !words.ending => Verdict::Transient,
        500.. if words.ending || !refusal.is_answer() => Verdict::UnknownOutcome { session_gone: false },
        500.. if words.mention => Verdict::Suspect,
        500.. => Verdict::NotEviction,
        // No list of words decides that a refusal is not the session's: a ping does.
        401 | 403 => Verdict::Suspect,
        400.. if words.mention || !refusal.is_answer() => Verdict::Suspect,
        _ if gone || (refusal.rpc_code.is_some() && !refusal.own_id) => Verdict::Suspect,
        _ => Verdict::NotEviction,
    }
}

/// The modern era has no session to lose: what sounds like it is the word of a server that does not speak this era any
/// more, or an answer. `server/discover` tells.
fn modern(refusal: &Refusal, words: Words) -> Verdict {
    let gone = words.lookup || words.ending;
    match refusal.status {
        401 | 403 if !gone || refusal.is_about_credentials() => Verdict::NotEviction,
        408 | 499 if !refusal.own_id => Verdict::UnknownOutcome { session_gone: false },
        429 => Verdict::Transient,
        500.. if words.lookup => Verdict::Suspect,
        503 if !words.ending => Verdict::Transient,
        500.. if words.ending || !refusal.own_id => Verdict::UnknownOutcome { session_gone: false },
        500.. => Verdict::NotEviction,
        _ if gone => Verdict::Suspect,
        400.. if !refusal.own_id => Verdict::Suspect,
        _ => Verdict::NotEviction,
    }
}

/// A GET's refusal is never more than a hint: some servers answer so while the POST channel is healthy.
fn get(refusal: &Refusal, words: Words) -> Verdict {
    let gone = words.lookup || words.ending;
    match refusal.status {
        404 | 410 => Verdict::Suspect,
        400 if gone || !refusal.has_body => Verdict::Suspect,
        405 | 409 => Verdict::NotEviction,
        401 if refusal.is_about_credentials() => Verdict::NotEviction,
        429 => Verdict::Transient,
        _ if words.lookup => Verdict::Suspect,
        500.. => Verdict::Transient,
        _ if words.mention => Verdict::Suspect,
        _ => Verdict::NotEviction,
    }
}

/// What cannot be ended because it is gone is ended.
fn delete(refusal: &Refusal, words: Words) -> Verdict {
    match refusal.status {
        404 | 410 => Verdict::Evicted,
        400 if words.lookup || words.ending => Verdict::Evicted,
        429 | 500.. => Verdict::Transient,
        _ => Verdict::NotEviction,
    }
}

fn without_session(refusal: &Refusal) -> Verdict {
    match refusal.status {
        503 => Verdict::Transient,
        500.. if !refusal.own_id => Verdict::UnknownOutcome { session_gone: false },
        _ => Verdict::NotEviction,
    }
}

/// Whether a refusal speaks of sessions, and not of credentials.
pub(in crate::protocol) fn speaks_of_sessions(refusal: &Refusal) -> bool {
    let words = Words::read(&refusal.words);
    (words.lookup || words.ending) && !refusal.is_about_credentials()
}

/// Whether a refusal of a request that carried no session id asks for one.
#[must_use]
pub fn asks_for_session(refusal: &Refusal) -> bool {
    matches!(refusal.status, 400..500) && Words::read(&refusal.words).lookup
}

/// Whether a single-session server refuses `initialize` because it still holds the session before.
#[must_use]
pub fn says_already_initialized(refusal: &Refusal) -> bool {
    matches!(refusal.status, 400..500) && refusal.words.to_ascii_lowercase().contains("already initialized")
}
