//! One HTTP exchange: why it was sent, under which session, when, and what its answer is.

use super::cursor::Cursor;
use crate::protocol::calls::Repair;
use crate::protocol::codec::http::{Head, Method, Request};
use crate::protocol::codec::json_rpc::{Id, Message};
use crate::protocol::config::Connections;
use crate::protocol::era::Era;
use crate::protocol::error::Error;
use crate::protocol::identity::Owner;
use crate::protocol::identity::secrets::{Secrets, Traffic};
use crate::protocol::lifecycle::SessionId;
use crate::protocol::policy::verdict::{Asked, Refusal, Verdict, is_own};
use crate::protocol::status::{Event, Wire, WireStep};
use crate::protocol::{ExchangeId, Now, Purpose, ReadAs, bounds};

/// One request on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(super) purpose: Purpose,
    pub(super) era: Era,
    /// The generation of the session that it was sent under; 0 for `initialize`.
    pub(super) generation: u32,
    /// The `Mcp-Session-Id` that went with it.
    pub(super) session: Option<SessionId>,
    pub(super) method: Method,
    pub(super) rpc_method: Option<String>,
    /// The id of the JSON-RPC request in it.
    pub(super) request_id: Option<u64>,
    /// 1 for the first send of a call.
    pub(super) attempt: u32,
    pub(super) sent: Now,
    /// Exchanges that were open when it was sent.
    pub(super) ahead: usize,
    /// When there was a connection for it, if the origin has but [`CONNECTIONS`].
    pub(super) connected_at: Option<u64>,
    /// The host's header fields that it goes out with, as a hash.
    pub(super) fields: Option<u64>,
    /// Whose credentials it goes out with; `None`: that is not known.
    pub(super) owner: Option<Owner>,
    /// For whom the session in it was made; `None`: that is not known.
    pub(super) made_for: Option<Owner>,
    /// What goes along with it that is told nowhere.
    pub(super) secrets: Secrets,
    /// The token that it was sent with, counted.
    pub(super) token: u32,
    /// Bounds the exchange, from when it is sent.
    pub(super) timeout_ms: Option<u64>,
    /// What was sent, where it may have to be sent again as it is under another token.
    pub(super) again: Option<Box<Request>>,
    /// What was mended before it was sent again.
    pub(super) repaired: Vec<Repair>,
    pub(super) head: Option<Head>,
    /// What came on its stream shows that a handler has begun: no refusal that follows is the gate's.
    pub(super) dispatched: bool,
    /// Its refusal is not the gate's: it came too late, or after the dispatch.
    pub(super) late: bool,
    /// Its body is an event stream, by what it said and by how it began.
    pub(super) events: bool,
    /// Its answer was taken; what still comes on the stream is only requests and notifications.
    pub(super) concluded: bool,
    /// Where its event stream can be taken up again.
    pub(super) cursor: Cursor,
}

/// How an exchange was answered.
#[derive(Debug)]
pub(crate) enum Answer<P> {
    /// The `result` of the response to this request.
    Result(P),
    /// 2xx, where no response was expected.
    Accepted,
    /// A refusal, or a JSON-RPC error. `error` is for the caller, if that is the answer.
    Refused { refusal: Refusal, error: Box<Error<P>>, retry_after: Option<u64> },
    /// It was answered, but not with what can be used. `error` says what came instead.
    Unusable { error: Box<Error<P>> },
    /// The answer broke off or never came: below HTTP, by a stream that ended, or in time.
    Lost { error: Box<Error<P>> },
}

/// No queue of a browser's is thought longer.
const QUEUE_MS: u64 = 5_000;

/// "HTTP/1.1 allows six connections per host": what is sent beyond that waits in the browser.
pub(super) const CONNECTIONS: usize = 6;

/// What is known of it.
impl Exchange {
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub fn era(&self) -> Era {
        self.era
    }

    /// The generation of the session that it was sent under; 0 for `initialize`.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The `Mcp-Session-Id` that went with it.
    pub fn session(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    pub fn method(&self) -> Method {
        self.method
    }

    pub fn rpc_method(&self) -> Option<&str> {
        self.rpc_method.as_deref()
    }

    /// The id of the JSON-RPC request in it, or of the one that its stream answers.
    pub fn request_id(&self) -> Option<u64> {
        self.request_id
    }

    /// 1 for the first send of a call.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    pub fn sent(&self) -> Now {
        self.sent
    }

    /// The host's header fields that it goes out with, as a hash.
    pub fn fields(&self) -> Option<u64> {
        self.fields
    }

    /// Whose credentials it goes out with; `None`: that is not known.
    pub fn owner(&self) -> Option<Owner> {
        self.owner
    }

    /// For whom the session in it was made; `None`: that is not known.
    pub fn made_for(&self) -> Option<Owner> {
        self.made_for
    }

    /// The token that it was sent with, counted.
    pub fn token(&self) -> u32 {
        self.token
    }

    pub fn timeout_ms(&self) -> Option<u64> {
        self.timeout_ms
    }

    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// A refusal has begun to come.
    pub fn is_refused(&self) -> bool {
        self.head.as_ref().is_some_and(|head| !head.is_success())
    }

    /// A handler has begun: no refusal that follows is the gate's.
    pub fn is_dispatched(&self) -> bool {
        self.dispatched
    }

    /// Its refusal is not the gate's.
    pub fn is_late(&self) -> bool {
        self.late
    }

    /// Its answer was taken.
    pub fn is_concluded(&self) -> bool {
        self.concluded
    }

    /// Where its event stream can be taken up again.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Whether its body is an event stream, which may go on after the response.
    pub fn is_stream(&self) -> bool {
        self.events
    }
}

/// What comes of it.
impl Exchange {
    /// How long the server took, on the clock that says more: a device that slept stops one of them. Without the time in the
    /// browser's queue where there is one that can be seen: no more than a gate takes for each six that were ahead, nor than
    /// [`QUEUE_MS`].
    pub(super) fn took(&self, connections: Connections, gate_ms: u64, now: Now) -> u64 {
        let whole = now.since(self.sent);
        if connections != Connections::SixOfOwnOrigin {
            return whole;
        }
        let rounds = (self.ahead / CONNECTIONS) as u64;
        let queued = self.connected_at.unwrap_or(now.mono).saturating_sub(self.sent.mono);
        whole - queued.min(rounds.saturating_mul(gate_ms)).min(QUEUE_MS)
    }

    /// How to read the body that follows this head.
    pub fn read_as(&self, head: &Head, max_message: u64, max_event: u64) -> ReadAs {
        let media_type = head.media_type();
        match media_type.as_str() {
            _ if !head.is_success() => ReadAs::Text { max: bounds::REFUSAL as u64 },
            // There is nothing more to say, whatever the server says or leaves open: "a notification MUST NOT be replied
            // to" (JSON-RPC 2.0, 4.1).
            _ if !self.purpose.wants_response() && self.purpose != Purpose::Listen => ReadAs::Discard,
            _ if head.status == 204 || head.status == 202 && self.purpose == Purpose::Listen => ReadAs::Discard,
            "text/event-stream" => ReadAs::Events { max: max_event },
            _ if self.purpose.wants_response() || media_type == "application/json" => ReadAs::Json { max: max_message },
            _ => ReadAs::Discard,
        }
    }

    /// What was asked, for the verdict.
    pub fn asked(&self) -> Asked {
        Asked { era: self.era, method: self.method, with_session: self.session.is_some(), late: self.late }
    }

    /// Whether a response with this id is the answer. The rest of a stream that was taken up answers the request that
    /// opened it, whose id nobody here knows.
    pub fn is_answered_by(&self, id: Option<&Id>) -> bool {
        let taken_up = self.method == Method::Get && self.request_id.is_none() && self.purpose.wants_response();
        taken_up || is_own(id, self.request_id)
    }

    /// Whether a response with this id answers another request. With none, or a word in its place ("server-error"), it may be
    /// meant for this one.
    pub fn is_to_another(&self, id: Option<&Id>) -> bool {
        let named = match id {
            Some(Id::Text(text)) => text.contains(|digit: char| digit.is_ascii_digit()),
            Some(Id::Integer(_) | Id::Exact(_)) => true,
            None => false,
        };
        named && !self.is_answered_by(id)
    }

    /// Whether this message of a stream may be the answer. A standing stream is answered with a refusal alone, in the
    /// modern era, where it is a request.
    pub fn hears_answer<P>(&self, message: &Message<P>) -> bool {
        let refused = || match message {
            Message::Error { id, .. } => self.era.listens_by_request() && self.is_answered_by(id.as_ref()),
            Message::Result { .. } | Message::Request { .. } | Message::Notification { .. } | Message::Other { .. } => {
                false
            }
        };
        self.purpose.wants_response() || self.purpose == Purpose::Listen && refused()
    }

    pub fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |head| head.status)
    }

    /// What went along and came with the answer, and is told nowhere.
    pub fn traffic(&self) -> Traffic<'_> {
        let sent = self.session.iter().map(SessionId::expose);
        let received = self.head.as_ref().and_then(|head| head.session_id.as_deref());
        let received = received.filter(|id| (1..=SessionId::MOST).contains(&id.len()));
        Traffic { ids: sent.chain(received).collect(), secrets: &self.secrets }
    }

    /// For the host's time line.
    pub fn wire<P>(&self, exchange: ExchangeId, step: WireStep, now: Now) -> Event<P> {
        Event::Wire(Wire {
            exchange,
            purpose: self.purpose,
            method: self.method,
            rpc_method: self.rpc_method.clone(),
            generation: self.generation,
            attempt: self.attempt,
            step,
            at_unix_ms: now.unix_ms,
        })
    }

    /// The step of the time line that this answer is.
    pub fn answered<P>(&self, answer: &Answer<P>, verdict: Option<Verdict>, now: Now) -> WireStep {
        let duration_ms = now.mono.saturating_sub(self.sent.mono);
        match answer {
            Answer::Lost { .. } => WireStep::Failed { duration_ms },
            // A redirect, whose status is hidden; or nothing was sent.
            Answer::Unusable { .. } if self.head.is_none() => WireStep::Failed { duration_ms },
            Answer::Result(_) | Answer::Accepted | Answer::Refused { .. } | Answer::Unusable { .. } => {
                WireStep::Answered { status: self.status(), verdict, duration_ms }
            }
        }
    }
}
