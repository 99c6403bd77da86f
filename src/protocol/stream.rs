//! Event streams that break before the answer: resumed by a GET with `Last-Event-ID` (2025-11-25, transports,
//! Resumability and Redelivery).

use super::call::Place;
use super::era::legacy;
use super::exchange::Exchange;
use super::http::{Method, Request};
use super::listen::LONGEST_RETRY_MS;
use super::repair::Relation;
use super::send::{Parcel, outgoing};
use super::session::Session;
use super::state::Established;
use super::time::Timer;
use super::{CallId, Code, Error, Now, Outcome, Payload, Purpose, backoff};

/// Where a stream can be taken up again. Per stream: an event id is no cursor of another one, nor of another session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The `id:` of the last event that had one.
    pub event_id: Option<String>,
    /// The `retry:` of the last event that had one, in milliseconds.
    pub retry_ms: Option<u64>,
    /// Attempts since the last event.
    pub tries: u32,
    /// All attempts.
    pub resumed: u32,
}

/// Added to `retry:` so that the clients of a server that closes all streams at once do not come back at once.
const SPREAD_MS: u64 = 100;
/// The longest wait of a call whose clock is the host's, or stands still.
const CLOCKLESS_MS: u64 = 30_000;
/// A stream that ends after each event is resumed ever more slowly, by as much each time; so often.
const RESUMED_OFTEN: u32 = 10;
/// Of an event id: with a longer one a stream cannot be taken up again.
const MAX_ID_BYTES: usize = 4 << 10;

impl Cursor {
    /// An event came. One that says nothing but when to come back is no sign of life.
    pub fn saw(&mut self, id: Option<String>, retry_ms: Option<u64>, has_message: bool) {
        if id.is_some() || has_message {
            self.tries = 0;
        }
        if let Some(id) = id {
            // An empty id resets the cursor (WHATWG HTML, 9.2.6).
            self.event_id = Some(id).filter(|id| !id.is_empty() && is_field_value(id));
        }
        self.retry_ms = retry_ms.or(self.retry_ms);
    }

    /// How long to wait before the next attempt: as the server said, up to `longest`; longer from the second attempt on,
    /// and where the stream ends again and again.
    pub fn wait(&mut self, longest: u64, recovery: &super::config::Recovery, rng: &mut fastrand::Rng) -> u64 {
        self.tries += 1;
        let floor = SPREAD_MS.saturating_mul(u64::from(self.resumed.min(RESUMED_OFTEN)));
        self.resumed += 1;
        let said = self.retry_ms.unwrap_or_default().max(floor).min(longest);
        match self.tries {
            1 => said.saturating_add(rng.u64(0..SPREAD_MS)),
            tries => backoff::delay(tries - 1, recovery, said, rng),
        }
    }
}

/// Whether HTTP carries it (RFC 9110, 5.5), and a server that bounds its header fields takes it.
fn is_field_value(id: &str) -> bool {
    id.len() <= MAX_ID_BYTES && !id.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f)
}

/// A stream of a call that waits to be resumed.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub cursor: Cursor,
    pub generation: u32,
    /// The id of the request that the stream answers.
    pub wire_id: Option<u64>,
}

impl<P: Payload> Session<P> {
    /// The stream of a call ended before its answer. Says whether it will be resumed; not before `floor_ms`, if that leaves
    /// time for the answer.
    pub(super) fn resume_later(&mut self, id: CallId, exchange: &Exchange, floor_ms: Option<u64>, now: Now) -> bool {
        let mut cursor = exchange.cursor.clone();
        let gone = self.relation(exchange.generation) == Relation::Gone || !exchange.era.resumes();
        if gone || cursor.event_id.is_none() || cursor.tries >= self.config.max_resumes {
            return false;
        }
        // A server may have its client wait for as long as the call has: half of that, so that there is time for the answer.
        let left = self.timers.at(Timer::Call(id)).map(|at| at.saturating_sub(now.mono));
        let longest = left.map_or(CLOCKLESS_MS, |left| (left / 2).min(LONGEST_RETRY_MS));
        let floor = floor_ms.unwrap_or_default();
        if floor > longest {
            return false;
        }
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let wait = cursor.wait(longest, &self.config.recovery, &mut self.rng).max(floor);
        call.place = Place::Broken(Broken { cursor, generation: exchange.generation, wire_id: exchange.wire_id });
        self.timers.set(Timer::Resume(id), now.mono.saturating_add(wait));
        true
    }

    /// It is time to resume the stream of a call.
    pub(super) fn resume(&mut self, id: CallId, now: Now) {
        if self.is_offline() {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Place::Broken(broken) = &call.place else { return };
        let (broken, attempt) = (broken.clone(), call.sends);
        let session = self.state.known().filter(|session| session.generation == broken.generation);
        // The event ids of a dead session mean nothing to the new one.
        let (Some(session), true) = (session, self.relation(broken.generation) != Relation::Gone) else {
            let text = "The session was lost while the call may have been running.";
            return self.lost(id, broken.generation, Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, text), now);
        };
        let mut parcel = stream_request(Purpose::Call(id), session, broken.cursor, now);
        parcel.0.wire_id = broken.wire_id;
        parcel.0.attempt = attempt;
        let sent = self.send(parcel, now);
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Sent(sent);
        }
    }

    /// Hears the rest of a stream that the host knows an event of, in place of sending the call: it was sent before.
    pub(super) fn take_up(&mut self, id: CallId, event_id: String, now: Now) {
        let (Some(session), Some(call)) = (self.state.ready(), self.calls.get_mut(&id)) else { return };
        call.sends += 1;
        call.safe = false;
        call.licence = None;
        call.maybe_ran = true;
        let cursor = Cursor { event_id: Some(event_id), ..Cursor::default() };
        let parcel = stream_request(Purpose::Call(id), session, cursor, now);
        let sent = self.send(parcel, now);
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Sent(sent);
        }
    }
}

/// A GET that opens or resumes an event stream.
pub(super) fn stream_request<P>(purpose: Purpose, session: &Established<P>, cursor: Cursor, now: Now) -> Parcel {
    let mut headers = vec![("accept".to_owned(), "text/event-stream".to_owned())];
    headers.extend(legacy::session_headers(session));
    // The field's value is the id in UTF-8 (WHATWG HTML, 9.2.3), and Fetch takes a value byte by byte.
    let bytes = |id: &String| id.bytes().map(char::from).collect();
    headers.extend(cursor.event_id.as_ref().map(|id| ("last-event-id".to_owned(), bytes(id))));
    let mut exchange = outgoing(purpose, Some(session), now);
    exchange.method = Method::Get;
    exchange.cursor = cursor;
    (exchange, Request { method: Method::Get, headers, body: None, rpc_method: None })
}
