//! Event streams that break before the answer: resumed by a GET with `Last-Event-ID` (2025-11-25, transports,
//! Resumability and Redelivery).

use super::Session;
use super::listen::LONGEST_RETRY_MS;
use super::send::Parcel;
use crate::protocol::calls::{Broken, Place};
use crate::protocol::codec::http::{Method, Request};
use crate::protocol::era::legacy;
use crate::protocol::exchanges::Cursor;
use crate::protocol::exchanges::Exchange;
use crate::protocol::lifecycle::{Established, Relation};
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, Now, Outcome, Payload, Purpose};

/// The longest wait of a call whose clock is the host's, or stands still.
const CLOCKLESS_MS: u64 = 30_000;
impl<P: Payload> Session<P> {
    /// The stream of a call ended before its answer. Says whether it will be resumed; not before `floor_ms`, if that leaves
    /// time for the answer.
    pub(in crate::protocol) fn resume_later(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        floor_ms: Option<u64>,
        now: Now,
    ) -> bool {
        let mut cursor = exchange.cursor().clone();
        let gone = self.lifecycle.relation(exchange.generation()) == Relation::Gone || !exchange.era().resumes();
        if gone || cursor.event_id.is_none() || cursor.tries >= self.config.max_resumes {
            return false;
        }
        // A server may have its client wait for as long as the call has: half of that, so that there is time for the answer.
        let left = self.effects.timer_at(Timer::Call(id)).map(|at| at.saturating_sub(now.mono));
        let longest = left.map_or(CLOCKLESS_MS, |left| (left / 2).min(LONGEST_RETRY_MS));
        let floor = floor_ms.unwrap_or_default();
        if floor > longest {
            return false;
        }
        if !self.calls.has(id) {
            return false;
        }
        let wait = cursor.wait(longest, &self.config.recovery, &mut self.rng).max(floor);
        self.calls.broke(id, Broken { cursor, generation: exchange.generation(), request_id: exchange.request_id() });
        self.effects.set_timer(Timer::Resume(id), now.mono.saturating_add(wait));
        true
    }

    /// It is time to resume the stream of a call.
    pub(in crate::protocol) fn resume(&mut self, id: CallId, now: Now) {
        if self.is_offline() {
            return;
        }
        let Some(call) = self.calls.get(id) else { return };
        let Place::Broken(broken) = call.place() else { return };
        let (broken, attempt) = (broken.clone(), call.sends());
        let session = self.lifecycle.known().filter(|session| session.generation() == broken.generation);
        // The event ids of a dead session mean nothing to the new one.
        let (Some(session), true) = (session, self.lifecycle.relation(broken.generation) != Relation::Gone) else {
            let text = "The session was lost while the call may have been running.";
            return self.lost(id, broken.generation, Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, text), now);
        };
        let (exchange, request) = stream_request(Purpose::Call(id), session, broken.cursor, broken.request_id, now);
        let sent = self.send((exchange.of_attempt(attempt), request), now);
        self.calls.resumed(id, sent);
    }

    /// Hears the rest of a stream that the host knows an event of, in place of sending the call: it was sent before.
    pub(in crate::protocol) fn take_up(&mut self, id: CallId, event_id: String, now: Now) {
        let Some(session) = self.lifecycle.ready() else { return };
        self.calls.taken_up(id);
        let cursor = Cursor { event_id: Some(event_id), ..Cursor::default() };
        let parcel = stream_request(Purpose::Call(id), session, cursor, None, now);
        let sent = self.send(parcel, now);
        self.calls.resumed(id, sent);
    }
}

/// A GET that opens or resumes an event stream; `answers`: the request that it answers.
pub(in crate::protocol) fn stream_request<P>(
    purpose: Purpose,
    session: &Established<P>,
    cursor: Cursor,
    answers: Option<u64>,
    now: Now,
) -> Parcel {
    let mut headers = vec![("accept".to_owned(), "text/event-stream".to_owned())];
    headers.extend(legacy::session_headers(session));
    // The field's value is the id in UTF-8 (WHATWG HTML, 9.2.3), and Fetch takes a value byte by byte.
    let bytes = |id: &String| id.bytes().map(char::from).collect();
    headers.extend(cursor.event_id.as_ref().map(|id| ("last-event-id".to_owned(), bytes(id))));
    let exchange = Exchange::outgoing(purpose, Some(session), now).taking_up(cursor, answers);
    (exchange, Request { method: Method::Get, headers, body: None, rpc_method: None })
}
