//! The life of the page that a session is in: hidden, asleep, offline, leaving; and the ping that keeps a session from
//! lying idle.

use super::Session;
use super::close::delete_request;
use crate::protocol::calls::{Place, Queue};
use crate::protocol::config::Offline;
use crate::protocol::exchanges::Cursor;
use crate::protocol::lifecycle::{State, Step, Wait};
use crate::protocol::page::{LOOK_MS, OFFLINE, PageChange};
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, Now, Outcome, Payload};

/// What comes back comes back spread over this time.
const SPREAD_MS: u64 = 2_000;

impl<P: Payload> Session<P> {
    /// Something has happened to the page.
    pub fn handle_page(&mut self, change: PageChange, now: Now) {
        if self.lifecycle.is_closed() {
            return;
        }
        match change {
            PageChange::Hidden => self.goes_away(now),
            PageChange::Frozen => {
                self.goes_away(now);
                if self.page.freezes() {
                    self.pause_stream(now);
                    self.keep_record(now);
                }
            }
            PageChange::Visible | PageChange::Thawed => self.page_comes_back(now),
            PageChange::Leaving => self.leave(now),
            PageChange::Offline => self.goes_offline(),
            PageChange::Online => self.goes_online(now),
        }
    }

    fn goes_offline(&mut self) {
        if self.page.goes_offline() {
            self.effects.clear_timer(Timer::Wake);
            if self.config.offline == Offline::Fail {
                self.fail_parked();
            }
            self.emit(Event::StateChange);
        }
    }

    fn goes_online(&mut self, now: Now) {
        if self.page.goes_online() {
            self.emit(Event::StateChange);
            self.wake(now);
        }
    }

    fn goes_away(&mut self, now: Now) {
        self.page.goes_away(now);
        self.effects.clear_timer(Timer::Look);
        self.effects.clear_timer(Timer::KeepAlive);
    }

    fn page_comes_back(&mut self, now: Now) {
        let back = self.page.comes_back(now);
        if back.was_frozen && self.config.persists {
            self.emit(Event::Reclaim);
        }
        if let Some(since) = back.away_since {
            self.doubt_since(since, now);
        }
        if back.away_since.is_some() || back.was_frozen {
            self.wake(now);
        }
        self.effects.set_timer(Timer::Look, now.mono.saturating_add(LOOK_MS));
        self.keep_alive(now);
    }

    /// A visible page looks at the clocks.
    pub(in crate::protocol) fn look_due(&mut self, now: Now) {
        if let Some(since) = self.page.look(now) {
            self.doubt_since(since, now);
            self.wake(now);
        }
        self.effects.set_timer(Timer::Look, now.mono.saturating_add(LOOK_MS));
    }

    fn doubt_since(&mut self, since: Now, now: Now) {
        let listens = self.lifecycle.known().is_some() && self.listening.is_on();
        self.page.doubt_since(since, listens, now);
    }

    /// At once where a caller waits; else soon: what sent this page to sleep has sent others, too.
    fn wake(&mut self, now: Now) {
        let queued = [Queue::Session, Queue::Network].into_iter().any(|queue| self.calls.is_any_queued(queue));
        let waits = queued || self.calls.any(|call| matches!(call.place(), Place::Broken(_)));
        let spread = self.rng.u64(0..=SPREAD_MS);
        let wait = if waits { 0 } else { spread };
        self.effects.set_timer(Timer::Wake, now.mono.saturating_add(wait));
    }

    /// One attempt at everything that stood still.
    pub(in crate::protocol) fn wake_due(&mut self, now: Now) {
        if self.page.is_offline() {
            return;
        }
        let waiting = self.calls.dequeue_all(Queue::Network);
        let doubtful = self.page.take_doubt().filter(|_| waiting.is_empty());
        waiting.into_iter().for_each(|id| self.dispatch(id, now));
        let mut stuck = self.calls.those(|call| matches!(call.place(), Place::Broken(_)));
        stuck.retain(|id| self.effects.timer_at(Timer::Resume(*id)).is_none());
        stuck.into_iter().for_each(|id| self.resume(id, now));
        match self.lifecycle.state() {
            State::Ready(_) => {
                self.listen(now);
                if doubtful.is_some_and(|since| self.lifecycle.proven_at() < Some(since)) {
                    self.check(None, now);
                }
            }
            // One that waits for a call, and not for the network, goes on waiting.
            State::Establishing(establishing) => {
                if let Step::Backoff { until, why, .. } = &establishing.step
                    && (until.mono != u64::MAX || *why == Wait::Offline)
                {
                    self.session_is_wanted(now);
                }
            }
            State::Closed => {}
        }
    }

    /// An open stream would keep the page out of the back/forward cache. It is opened again when the page goes on.
    fn pause_stream(&mut self, now: Now) {
        let open = self.lifecycle.ready().and_then(|_| self.listening.open());
        let Some((exchange, before)) = open else { return };
        before.map(|before| self.abort(before, now));
        let cursor =
            self.close_stream(exchange, now).map_or_else(Cursor::default, |exchange| exchange.cursor().clone());
        self.listening.ended(cursor, 0);
        self.forget_cached();
    }

    /// The session is ended on the server, unless it is wanted later, by a later page life or by a call that may still
    /// be running. A host's own Client ends its sessions itself.
    fn leave(&mut self, now: Now) {
        self.keep_record(now);
        let own = self.config.handshake.is_own();
        let broke_off = self.page.may_have_broken_off(now);
        if own && !self.config.persists && !self.tabs.is_shared() && self.calls.is_empty() && !broke_off {
            let delete = self.lifecycle.known().and_then(|session| delete_request(session, now));
            self.shut("the page was left", now);
            if let Some(delete) = delete {
                self.delete(delete, now);
            }
        }
    }

    fn keep_record(&mut self, now: Now) {
        let record = if self.config.persists { self.record(now) } else { None };
        if let Some(record) = record {
            self.emit(Event::Keep { record });
        }
    }

    /// Whether nobody sees the page.
    pub(in crate::protocol) fn is_away(&self) -> bool {
        self.page.is_away()
    }

    /// Whether nothing is to be sent.
    pub(in crate::protocol) fn is_offline(&self) -> bool {
        self.page.is_offline()
    }

    pub(in crate::protocol) fn why_offline(&self) -> Option<Wait> {
        self.page.is_offline().then_some(Wait::Offline)
    }

    /// A call without a network waits, or fails.
    pub(in crate::protocol) fn hold_offline(&mut self, id: CallId, now: Now) {
        if self.config.offline == Offline::Fail {
            let outcome = self.calls.outcome(id);
            return self.settle(id, Err(offline_error(outcome)));
        }
        match self.lifecycle.establishing() {
            Some(_) => {
                self.calls.enqueue(id, Queue::Session);
                self.session_is_wanted(now);
            }
            None => self.calls.enqueue(id, Queue::Network),
        }
    }

    /// No attempt is made to have a session before the network is back.
    pub(in crate::protocol) fn wait_for_network(&mut self, now: Now) {
        if self.config.offline == Offline::Fail {
            self.fail_parked();
        }
        self.wait_for_a_call(Wait::Offline, now);
    }

    fn fail_parked(&mut self) {
        for id in self.calls.dequeue_all(Queue::Session) {
            let outcome = self.calls.outcome(id);
            self.settle(id, Err(offline_error(outcome)));
        }
    }

    /// The next ping that keeps the session, if the host wants any.
    pub(in crate::protocol) fn keep_alive(&mut self, now: Now) {
        if let Some(every) = self.config.keep_alive_ms.filter(|_| !self.page.is_away()) {
            self.effects.set_timer(Timer::KeepAlive, now.mono.saturating_add(every));
        }
    }

    /// It is left out where the server was heard meanwhile, or is at work.
    pub(in crate::protocol) fn keep_alive_due(&mut self, now: Now) {
        let every = self.config.keep_alive_ms.unwrap_or_default();
        let quiet = now.mono.saturating_sub(self.lifecycle.proven_at().unwrap_or_default());
        let busy = self.calls.any(|call| matches!(call.place(), Place::Sent(_)));
        if quiet >= every && !busy && !self.page.is_offline() {
            self.check(None, now);
        }
        let wait = if quiet < every { every - quiet } else { every };
        self.effects.set_timer(Timer::KeepAlive, now.mono.saturating_add(wait));
    }
}

fn offline_error<P>(outcome: Outcome) -> Box<Error<P>> {
    Error::boxed(Code::Network, outcome, OFFLINE.hint).with_diagnosis(OFFLINE).retryable()
}
