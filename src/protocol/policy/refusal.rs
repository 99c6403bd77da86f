//! A refusal, as it was read: what it says, whose answer it is, and what it proves of the call. What that of a call means
//! for the session is [`crate::protocol::policy::verdict`]'s; what that of a ping proves is
//! [`Refusal::blames_session`]'s.

use crate::protocol::codec::json::{self, Members};
use crate::protocol::codec::json_rpc::{
    HEADER_MISMATCH, Id, MISSING_CLIENT_CAPABILITY, Message, REQUEST_ID_BASE, UNSUPPORTED_PROTOCOL_VERSION,
};
use crate::protocol::oauth::Bearer;
use crate::protocol::policy::words::{Words, gone_behind};
use crate::protocol::{Outcome, Payload, bounds, error::Code};
use serde_json::value::RawValue;

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The code of a JSON-RPC error.
    pub rpc_code: Option<i64>,
    /// The JSON-RPC error has the request's own id.
    pub own_id: bool,
    /// What it says, from the places where a refusal says it.
    pub words: String,
    /// There was a body.
    pub has_body: bool,
    /// `WWW-Authenticate`
    pub challenge: Option<String>,
}

/// How a refusal is put.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    status: u16,
    code: Option<i64>,
    own_id: bool,
    words: String,
    of_session: bool,
}

impl Form {
    /// Whether a gate that puts it so may have put it like the other: with the same status and code, both under the request's
    /// own id or neither, and either in the same words or both in words about the session.
    pub fn is_like(&self, other: &Self) -> bool {
        let alike = (self.status, self.code, self.own_id) == (other.status, other.code, other.own_id);
        alike && (self.of_session && other.of_session || self.words == other.words)
    }
}

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

impl Refusal {
    /// From a head alone, whose body did not come: nobody knows what it would have said, nor to whom. It may have been the
    /// request's own answer.
    pub(in crate::protocol) fn unread(status: u16, challenge: Option<String>) -> Self {
        Self { status, challenge, own_id: true, ..Self::default() }
    }

    /// From a body that was read as text: JSON in any Content-Type, an event stream, or plain words.
    #[must_use]
    pub fn from_text(status: u16, challenge: Option<String>, text: &str, request_id: Option<u64>) -> Self {
        let mut refusal = Self { status, challenge, has_body: !text.trim().is_empty(), ..Self::default() };
        let text = text.trim_start_matches('\u{feff}').trim();
        let data = text.lines().find_map(|line| line.strip_prefix("data:")).map(str::trim);
        let json = data.unwrap_or(text);
        match serde_json::from_str::<&RawValue>(json) {
            Ok(_) => refusal.read_json(json, request_id),
            // It was cut, and nobody knows whose it is.
            Err(_) if text.len() >= bounds::REFUSAL && text.starts_with(['{', '[']) => {
                refusal.own_id = true;
                text.clone_into(&mut refusal.words);
            }
            // Cut JSON that may hold a result: what a result says is not the server's own word.
            Err(_) if text.contains("\"result\"") => {}
            Err(_) => text.clone_into(&mut refusal.words),
        }
        // In a batch, in another event, as a text or a fraction: where our number stands, which is drawn at random, it is
        // said to us.
        refusal.own_id |= request_id.is_some_and(|id| id >= REQUEST_ID_BASE.start && text.contains(&id.to_string()));
        refusal
    }

    fn read_json(&mut self, text: &str, request_id: Option<u64>) {
        if let Some(error) = json::at::<Members>(text, &["error"]) {
            self.rpc_code = error.read("code");
            let id = json::at(text, &["id"]).map(Id::Integer);
            let id = id.or_else(|| json::at(text, &["id"]).map(Id::Text));
            self.own_id = is_own(id.as_ref(), request_id);
        }
        let places: [&[&str]; 7] = [
            &[],
            &["error"],
            &["error", "message"],
            &["error", "data", "message"],
            &["message"],
            &["detail"],
            &["jsonRpcError", "message"],
        ];
        self.words = places.iter().filter_map(|path| json::at(text, path)).collect::<Vec<String>>().join("\n");
    }

    /// From a message of a 2xx answer. `None` where it is no refusal.
    #[must_use]
    pub fn from_message<P: Payload>(status: u16, message: &Message<P>, request_id: Option<u64>) -> Option<Self> {
        let base = Self { status, has_body: true, ..Self::default() };
        match message {
            Message::Error { id, error } => Some(Self {
                rpc_code: Some(error.code),
                own_id: is_own(id.as_ref(), request_id),
                words: error.words(),
                ..base
            }),
            Message::Other { words } => Some(Self { words: words.clone(), ..base }),
            Message::Result { .. } | Message::Request { .. } | Message::Notification { .. } => None,
        }
    }

    /// Whether it is a JSON-RPC error under the request's own id. Where that id stands otherwise, nobody knows.
    pub(in crate::protocol) fn is_answer(&self) -> bool {
        self.own_id && self.rpc_code.is_some()
    }

    /// Whether it says that the session is gone, by its status or its words. To a ping this is proof; what it means for a
    /// call is [`crate::protocol::policy::retry`]'s.
    pub(in crate::protocol) fn blames_session(&self) -> bool {
        let words = Words::read(&self.words);
        let gone = words.lookup || words.ending;
        match self.status {
            404 | 410 => true,
            _ if self.wants_modern_headers() => true,
            _ if self.rpc_code == Some(UNSUPPORTED_PROTOCOL_VERSION) => true,
            401 => (gone || words.mention) && !self.is_about_credentials(),
            429 => gone,
            400..500 if planted!("wordless_refusal_blames_session") && self.words.is_empty() => true,
            400..500 => gone || words.mention,
            _ => gone,
        }
    }

    /// A legacy request lacks the header fields that a server of the modern era wants: it has no sessions any more.
    pub(in crate::protocol) fn wants_modern_headers(&self) -> bool {
        self.status == 400 && self.rpc_code == Some(HEADER_MISMATCH)
    }

    /// In which form it came. A gate refuses every request in the same.
    pub(in crate::protocol) fn form(&self) -> Form {
        let words = Words::read(&self.words);
        let of_session = words.lookup || words.ending || words.mention;
        Form { status: self.status, code: self.rpc_code, own_id: self.own_id, words: self.words.clone(), of_session }
    }

    /// Whether a handler may have made it: a gate's refusal has the same form as that of a ping then.
    pub(in crate::protocol) fn may_be_a_handlers(&self) -> bool {
        self.own_id || self.status < 400
    }

    /// "-32601" under the request's own id, and not a word of sessions: an answer of a session that lives.
    pub(in crate::protocol) fn says_method_not_found(&self) -> bool {
        let words = Words::read(&self.words);
        self.own_id && self.rpc_code == Some(METHOD_NOT_FOUND) && !words.lookup && !words.ending
    }

    /// Whether nothing but its own words is needed to know that a ping is worth it.
    pub(in crate::protocol) fn is_plain_about_session(&self) -> bool {
        let words = Words::read(&self.words);
        matches!(self.status, 404 | 410) || words.lookup || words.ending
    }

    /// Whether its words, or its challenge, say that the credentials are the problem.
    pub(in crate::protocol) fn is_about_credentials(&self) -> bool {
        Words::read(&self.words).credentials || names_an_error(self.challenge.as_deref())
    }

    /// "insufficient_scope" (RFC 6750, 3.1): the token is good, and not for this.
    pub(in crate::protocol) fn lacks_scope(&self) -> bool {
        let error = self.challenge.as_deref().and_then(|challenge| Bearer::parse(challenge)?.error);
        error.as_deref() == Some("insufficient_scope")
    }

    /// Whether it names a reason that is none of the session's: credentials, permission, a rate.
    pub(in crate::protocol) fn explains_itself(&self) -> bool {
        matches!(self.status, 401 | 403 | 429) && !self.blames_session()
    }

    /// Did the server run the call, as far as the refusal itself proves, where it is the answer? `late`: it did not come
    /// from the gate, or not at once.
    #[must_use]
    pub fn outcome(&self, late: bool) -> Outcome {
        let words = Words::read(&self.words);
        let of_session = words.lookup || words.ending || (words.mention && self.status >= 400);
        match (self.status, self.rpc_code) {
            // Version and header fields are looked at before anything else (2026-07-28, basic).
            (400, Some(HEADER_MISMATCH | UNSUPPORTED_PROTOCOL_VERSION)) if !late => return Outcome::NotExecuted,
            (400, Some(MISSING_CLIENT_CAPABILITY)) if !late && planted!("missed_capability_is_proof") => {
                return Outcome::NotExecuted;
            }
            // That a capability is missed may be found out by what a handler asks for.
            (400, Some(HEADER_MISMATCH | UNSUPPORTED_PROTOCOL_VERSION | MISSING_CLIENT_CAPABILITY)) => {
                return Outcome::Unknown;
            }
            _ => {}
        }
        match self.status {
            // A proxy may say that what stands behind it went away with the call, or was not reached.
            200..300
                if !matches!(self.rpc_code, Some(METHOD_NOT_FOUND | INVALID_PARAMS)) && gone_behind(&self.words) =>
            {
                Outcome::Unknown
            }
            200..300 if self.is_answer() && !of_session => Outcome::Executed,
            // Lacking credentials, it was not applied (RFC 9110, 15.5.2); but a handler may pass on such a status.
            401 if !late && !self.own_id && (self.is_about_credentials() || self.challenge.is_some()) => {
                Outcome::NotExecuted
            }
            403 if !late && !self.own_id && self.lacks_scope() => Outcome::NotExecuted,
            401 | 403 if !late && !of_session && !self.own_id => Outcome::NotExecuted,
            401 | 403 | 404 | 408 | 410 | 499 => Outcome::Unknown,
            400..500 if self.is_answer() && !of_session => Outcome::Executed,
            // Refused for what the request is, or for how many there are: nothing looks at that after the call has run. That a
            // body is too large (413) is said by some platforms of the answer.
            400 | 405 | 406 | 411 | 414 | 415 | 417 | 421 | 426 | 428 | 429 | 431
                if !of_session && !late && !self.own_id =>
            {
                Outcome::NotExecuted
            }
            _ => Outcome::Unknown,
        }
    }

    /// The code of the error that the caller gets, where the refusal is the answer.
    #[must_use]
    pub fn code(&self) -> Code {
        match (self.status, self.rpc_code) {
            (401, _) => Code::Unauthorized,
            (429 | 503, _) => Code::Overloaded,
            (_, Some(_)) => Code::Rpc,
            (200..300, None) => Code::Protocol,
            (_, None) => Code::Http,
        }
    }
}

/// RFC 6750, section 3.1: a challenge with an `error` speaks of the token, not of the session.
fn names_an_error(challenge: Option<&str>) -> bool {
    challenge.is_some_and(|challenge| {
        let challenge = challenge.to_ascii_lowercase();
        ["invalid_token", "insufficient_scope", "invalid_request"].iter().any(|error| challenge.contains(error))
    })
}

/// Whether a response's id is the request's. Some servers give a number back as text: where but one request was sent,
/// nothing else can be meant.
pub(in crate::protocol) fn is_own(id: Option<&Id>, request_id: Option<u64>) -> bool {
    match (id, request_id) {
        (Some(Id::Integer(id)), Some(request_id)) => u64::try_from(*id) == Ok(request_id),
        (Some(Id::Text(text)), Some(request_id)) => *text == request_id.to_string(),
        (Some(Id::Integer(_) | Id::Text(_) | Id::Exact(_)) | None, _) => false,
    }
}
