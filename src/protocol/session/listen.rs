//! The standing stream: a GET on which the server speaks unasked (2025-11-25, transports, Listening for Messages).
//! At most one per session, opened when it is useful, opened again when it ends.

use super::Session;
use super::stream::stream_request;
use crate::protocol::calls::{Kind, Queue};
use crate::protocol::config::Listen;
use crate::protocol::exchanges::Cursor;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::listening::{Heard, Stream, Turn};
use crate::protocol::policy::backoff;
use crate::protocol::policy::verdict::Verdict;
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, ExchangeId, Now, Payload, Purpose};

/// A stream that ends sooner is opened again more and more slowly.
const SHORT_MS: u64 = 5_000;
/// The server's `retry:` is obeyed up to this.
pub(in crate::protocol) const LONGEST_RETRY_MS: u64 = 15 * 60_000;
/// A server may answer only when it has something to say; but a request that was lost is not waited for.
const HEAD_MS: u64 = 5 * 60_000;
/// Calls wait for the head of the standing stream for two round trips, and no shorter or longer than this.
const HELD_MS: (u64, u64) = (50, 300);
const EVENT_TOO_LARGE: &str = "The server sent an event larger than maxEventBytes on the stream on which it speaks \
                               unasked. The stream is opened again; what came before it is open is missed.";

impl<P: Payload> Session<P> {
    /// Whether somebody in the host listens for what the server says unasked.
    pub fn set_listening(&mut self, listening: bool, now: Now) {
        self.desired.set_listens(listening);
        self.listen(now);
    }

    /// Whether a listening stream may be open: each holds a connection, and a browser has six for a host.
    pub fn allow_stream(&mut self, allowed: bool, now: Now) {
        let next = if allowed { Turn::Now } else { Turn::Unknown };
        let before = self.listening.set_turn(next);
        if before == next {
            return;
        }
        if let (Turn::Later, Stream::Off, true) = (before, self.listening.stream(), self.lifecycle.ready().is_some()) {
            // What changed while it waited was not told.
            self.listening.ended(Cursor::default(), 0);
        }
        self.listen(now);
    }

    /// The stream that is wanted may not be open yet, and nobody knows for how long: what needs it does not wait for it.
    pub fn stream_waits(&mut self, now: Now) {
        self.listening.set_turn(Turn::Later);
        self.subscriptions_wait(now);
    }

    /// Whether one would be open if it were allowed.
    #[must_use]
    pub fn wants_stream(&self) -> bool {
        self.lifecycle.known().is_some() && !self.listening.is_refused() && self.is_to_listen()
    }

    /// Whether this tab wants to hear what the server says unasked.
    pub(in crate::protocol) fn wants_to_hear(&self) -> bool {
        match self.config.listen {
            Listen::Always => true,
            Listen::Auto => self.desired.wants_stream(),
            Listen::Never => false,
        }
    }

    fn is_to_listen(&self) -> bool {
        self.tabs.acts()
            && (self.wants_to_hear() || self.tabs.others_listen() || self.tabs.others_uris().next().is_some())
    }

    pub(in crate::protocol) fn wants_to_listen(&self) -> bool {
        self.is_to_listen() && self.listening.turn() == Turn::Now
    }

    /// Opens the standing stream where it is wanted and not open, and closes it where it is not wanted any more.
    pub(in crate::protocol) fn listen(&mut self, now: Now) {
        let wanted = self.wants_to_listen();
        let Some(session) = self.lifecycle.ready() else { return };
        if session.era().listens_by_request() {
            return self.listen_modern(wanted, now);
        }
        match (self.listening.stream(), wanted) {
            (Stream::Off, true) => {
                let mut cursor = Cursor { event_id: self.tabs.take_event_id(), ..Cursor::default() };
                if planted!("event_id_of_the_old_session") {
                    cursor.event_id =
                        self.exchanges.iter().find_map(|(_, exchange)| exchange.cursor().event_id.clone());
                }
                self.open_stream(cursor, 0, now);
            }
            (Stream::Open { .. }, true) if planted!("standing_stream_twice") => {
                self.open_stream(Cursor::default(), 0, now);
            }
            // It ended while the session was in doubt, and no timer runs.
            (Stream::Ended { .. }, true) if self.effects.timer_at(Timer::Listen).is_none() => self.listen_due(now),
            (Stream::Open { exchange, .. }, false) => {
                let exchange = *exchange;
                self.close_stream(exchange, now);
                self.listening.off();
            }
            (Stream::Ended { .. } | Stream::Denied, false) => {
                self.effects.clear_timer(Timer::Listen);
                self.listening.off();
            }
            (Stream::Off | Stream::Refused, false)
            | (Stream::Open { .. } | Stream::Ended { .. } | Stream::Denied | Stream::Refused, true) => {}
        }
    }

    /// There may be a token now. Says whether that changes anything.
    pub(in crate::protocol) fn listen_if_denied(&mut self) -> bool {
        self.lifecycle.ready().is_some() && self.listening.allow()
    }

    /// Where the app answers the server's requests, the stream on which a server of the legacy era may ask goes out
    /// before the calls: one that is not open yet loses the question. They wait for its head, a moment.
    pub(in crate::protocol) fn listen_first(&mut self, now: Now) {
        let may_ask =
            self.lifecycle.ready().is_some_and(|session| session.era().asks_by_request()) && self.answers_questions();
        if !may_ask || !self.listening.may_hold_calls() || !self.is_to_listen() || self.listening.turn() == Turn::Later
        {
            return;
        }
        self.listening.hold_calls();
        let wait = self.exchanges.round_trip_ms().saturating_mul(2).clamp(HELD_MS.0, HELD_MS.1);
        self.effects.set_timer(Timer::Held, now.mono.saturating_add(wait));
        self.listen(now);
    }

    /// A command is about to be sent. Says whether it waits for the head of the standing stream.
    pub(in crate::protocol) fn park_until_stream(&mut self, id: CallId) -> bool {
        let is_request = self.calls.get(id).is_some_and(|call| call.kind() == Kind::Request);
        let waits = is_request && self.listening.holds_calls();
        if waits {
            self.calls.enqueue(id, Queue::Stream);
        }
        waits
    }

    /// The calls that waited for the standing stream go out.
    pub(in crate::protocol) fn release_held(&mut self, now: Now) {
        self.effects.clear_timer(Timer::Held);
        self.listening.release_calls();
        for id in self.calls.dequeue_all(Queue::Stream) {
            self.dispatch(id, now);
        }
    }

    /// They have waited long enough, and so it will be at this server's.
    pub(in crate::protocol) fn stream_is_late(&mut self, now: Now) {
        self.listening.mark_slow();
        self.release_held(now);
    }

    /// It is time to open the stream again.
    pub(in crate::protocol) fn listen_due(&mut self, now: Now) {
        let wanted = self.wants_to_listen();
        // It is opened again when the network is back, and with it the page.
        if self.is_offline() {
            return;
        }
        let Some(session) = self.lifecycle.ready() else { return };
        if !wanted {
            return self.listening.off();
        }
        if let Stream::Ended { cursor, short } = self.listening.stream() {
            let (cursor, short) = (cursor.clone(), *short);
            if planted!("listen_not_opened_again") && session.era().listens_by_request() {
                return;
            }
            if session.era().listens_by_request() {
                self.subscribe_again(short, now);
            } else {
                self.open_stream(cursor, short, now);
            }
        }
    }

    fn open_stream(&mut self, cursor: Cursor, short: u32, now: Now) {
        let Some(session) = self.lifecycle.ready() else { return };
        self.listening.note_stream(cursor.event_id.is_some());
        let (exchange, request) = stream_request(Purpose::Listen, session, cursor, None, now);
        let exchange = self.send((exchange.within(HEAD_MS), request), now);
        self.listening.opened(exchange, short, Heard::default());
    }

    /// The session is lost: its stream holds a connection, and its event ids mean nothing to the next session.
    pub(in crate::protocol) fn hang_up(&mut self, now: Now) {
        self.effects.clear_timer(Timer::Listen);
        self.calls.enqueue_subscribers();
        if let Some((exchange, before)) = self.listening.open() {
            self.abort(exchange, now);
            before.map(|before| self.abort(before, now));
        }
        self.abandon_restoration(now);
    }

    /// Nobody wants to hear it now.
    pub(in crate::protocol) fn close_stream(&mut self, id: ExchangeId, now: Now) -> Option<Box<Exchange>> {
        let exchange = self.abort(id, now)?;
        self.stream_was_open(&exchange);
        Some(exchange)
    }

    /// What was open for a while, or had said something, was the server's stream.
    fn stream_was_open(&mut self, exchange: &Exchange) {
        let by_get = self.lifecycle.known().is_some_and(|session| !session.era().listens_by_request());
        self.listening.note_stream(by_get && exchange.is_stream());
    }

    /// The stream is not open any more, or will not be: whoever waits for it goes on, and the one that it was to replace
    /// is closed. Says how many short ones there were before it; `None` where it is not the one that counts.
    pub(in crate::protocol) fn stream_over(&mut self, id: ExchangeId, now: Now) -> Option<u32> {
        let &Stream::Open { exchange, short, ref heard } = self.listening.stream() else { return None };
        let before = heard.before();
        if exchange != id {
            return None;
        }
        before.map(|before| self.abort(before, now));
        self.release_held(now);
        Some(short)
    }

    pub(in crate::protocol) fn listen_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        let Some(short) = self.stream_over(id, now) else { return };
        // One that was refused on itself may stay open, for nothing.
        self.abort(id, now);
        // Acknowledged, in the modern era.
        let had_stream = self.listening.had_stream();
        let has_stream = had_stream || exchange.is_stream() && (exchange.is_dispatched() || lived(exchange, now));
        match answer {
            Answer::Accepted if exchange.is_stream() => {
                self.stream_was_open(exchange);
                self.listen_again(exchange, short, 0, now);
            }
            Answer::Lost { .. } => {
                self.stream_was_open(exchange);
                self.listen_again(exchange, short, 0, now);
                self.check(None, now);
            }
            Answer::Refused { retry_after, .. } if verdict == Verdict::Transient => {
                self.listen_again(exchange, short, retry_after.unwrap_or_default(), now);
            }
            // The stream before it is still open on the server.
            Answer::Refused { refusal, .. } if refusal.status == 409 => self.listen_again(exchange, short, 0, now),
            Answer::Refused { refusal, error, .. } if refusal.status == 401 && self.config.authorizes => {
                self.listening.denied();
                self.subscribers_denied(&error);
            }
            // What is not allowed now may be allowed later.
            Answer::Refused { refusal, error, .. } if matches!(refusal.status, 401 | 403) => {
                self.listen_again(exchange, short, 0, now);
                self.subscribers_denied(&error);
                if verdict == Verdict::Suspect {
                    self.check(None, now);
                }
            }
            // Something before the server, or another server; one that has no such stream answers the request, and
            // acknowledged none before.
            Answer::Refused { refusal, error, .. }
                if exchange.era().listens_by_request()
                    && (refusal.rpc_code.is_none() || verdict == Verdict::Suspect || had_stream)
                    && error.code != Code::Auth =>
            {
                self.listen_again(exchange, short, 0, now);
                if verdict != Verdict::NotEviction || had_stream {
                    self.check(None, now);
                }
            }
            Answer::Refused { .. } => {
                self.stream_refused(exchange, short, has_stream, now);
                // "404 → start a new session" is said of every request; but some servers refuse each GET so while POST
                // works. A ping on the POST channel tells.
                if matches!(verdict, Verdict::Suspect | Verdict::OtherEra) {
                    self.check(None, now);
                }
            }
            // The server has not seen it: the host's header fields could not be had, or its proxy refused it.
            Answer::Unusable { error } if matches!(error.code, Code::InvalidOption | Code::Proxy) => {
                self.listen_again(exchange, short, 0, now);
            }
            // Asked for what came after the event before, it would send the same again.
            Answer::Unusable { .. } if exchange.is_stream() => {
                self.emit(Event::Warning { kind: "event_too_large", header: None, hint: EVENT_TOO_LARGE });
                self.listen_from_here(exchange, short, now);
            }
            Answer::Accepted | Answer::Result(_) | Answer::Unusable { .. } => {
                self.no_stream(exchange, short, has_stream, now);
            }
        }
        self.stream_lost(id, now);
        if self.listening.is_refused() {
            self.no_subscriptions(now);
        }
    }

    fn stream_refused(&mut self, exchange: &Exchange, short: u32, has_stream: bool, now: Now) {
        if exchange.cursor().event_id.is_some() && planted!("stream_given_up") {
            self.listening.refused();
        } else if exchange.cursor().event_id.is_some() {
            // It does not know the event any more; a stream from here on it may well have.
            self.listen_from_here(exchange, short, now);
        } else {
            self.no_stream(exchange, short, has_stream, now);
        }
    }

    /// This is no stream. A server that had one a moment ago is asked again, one that never had is not.
    fn no_stream(&mut self, exchange: &Exchange, short: u32, has_stream: bool, now: Now) {
        if has_stream {
            return self.listen_again(exchange, short, 0, now);
        }
        self.listening.refused();
    }

    /// Opens it again without asking for what was missed.
    fn listen_from_here(&mut self, exchange: &Exchange, short: u32, now: Now) {
        let cursor = Cursor { event_id: None, ..exchange.cursor().clone() };
        self.listen_later(exchange, cursor, short, 0, now);
    }

    fn listen_again(&mut self, exchange: &Exchange, short: u32, floor_ms: u64, now: Now) {
        self.listen_later(exchange, exchange.cursor().clone(), short, floor_ms, now);
    }

    fn listen_later(&mut self, exchange: &Exchange, mut cursor: Cursor, short: u32, floor_ms: u64, now: Now) {
        // What changes until it is open again is not told.
        self.forget_cached();
        let lived = lived(exchange, now);
        let short = if lived || planted!("stream_without_backoff") { 0 } else { short + 1 };
        let floor = floor_ms.max(cursor.retry_ms.unwrap_or_default().min(LONGEST_RETRY_MS));
        let wait = if lived {
            cursor.wait(LONGEST_RETRY_MS, &self.config.recovery, &mut self.rng)
        } else {
            backoff::delay(short, &self.config.recovery, floor, &mut self.rng)
        };
        self.listening.ended(cursor, short);
        self.effects.set_timer(Timer::Listen, now.mono.saturating_add(wait));
    }
}

/// Whether a stream that has ended was open for longer than a moment.
fn lived(exchange: &Exchange, now: Now) -> bool {
    exchange.is_stream() && now.mono.saturating_sub(exchange.sent().mono) >= SHORT_MS
}
