//! The life of the page that a session is in: hidden, asleep, offline, leaving; and the ping that keeps a session from
//! lying idle.

use super::call::Place;
use super::close::delete_request;
use super::config::{Handshake, Offline};
use super::error::Diagnosis;
use super::listen::Listening;
use super::session::Session;
use super::state::{State, Step};
use super::status::Event;
use super::stream::Cursor;
use super::time::Timer;
use super::{CallId, Code, Error, Now, Outcome, Payload};

/// Milliseconds: a session that nobody looked at for longer may be gone.
const AWAY_MS: u64 = 5 * 60_000;
/// A session that was last used longer ago is left for the next call to heal.
const LATELY_MS: u64 = 30 * 60_000;
/// While the page is visible the clocks are compared this often: a device that slept tells nobody.
const LOOK_MS: u64 = 60_000;
/// What comes back comes back spread over this time.
const SPREAD_MS: u64 = 2_000;
/// Firefox, and WebKit at a reload, end what is under way a moment before they say that the page is left.
const LEAVING_MS: u64 = 2_000;
const WHY_OFFLINE: &str = "this device is offline";

pub(super) const OFFLINE: Diagnosis =
    Diagnosis { kind: "offline", header: None, hint: "This device is offline. Try again when it is back." };

/// What happens to the page, or the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageChange {
    /// Nobody sees it.
    Hidden,
    /// Somebody sees it, from the beginning on or again.
    Visible,
    /// It stops, into the back/forward cache or for another reason. It may never go on.
    Frozen,
    /// It goes on.
    Thawed,
    /// It ends.
    Leaving,
    /// The device has lost its network.
    Offline,
    /// It is back.
    Online,
}

/// What is known of the page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Since when it is hidden or frozen.
    away: Option<Now>,
    frozen: bool,
    offline: bool,
    /// When the clocks were compared last.
    looked: Now,
    /// When the host asked for something last, on the monotonic clock.
    pub used: Option<u64>,
    /// Since when a proof is wanted that the session lives.
    doubtful_since: Option<u64>,
    /// Calls that wait for the network.
    pub parked: Vec<CallId>,
    /// When the connection of a call broke last, on the monotonic clock: the call may still be running.
    pub broke_off: Option<u64>,
}

impl<P: Payload> Session<P> {
    /// Something has happened to the page.
    pub fn handle_page(&mut self, change: PageChange, now: Now) {
        if matches!(self.state, State::Closed) {
            return;
        }
        match change {
            PageChange::Hidden => self.goes_away(now),
            PageChange::Frozen => {
                self.goes_away(now);
                if !std::mem::replace(&mut self.page.frozen, true) {
                    self.pause_stream(now);
                    self.keep_record(now);
                }
            }
            PageChange::Visible | PageChange::Thawed => self.is_back(now),
            PageChange::Leaving => self.leave(now),
            PageChange::Offline if !self.page.offline => {
                self.page.offline = true;
                self.timers.clear(Timer::Wake);
                if self.config.offline == Offline::Fail {
                    self.fail_parked();
                }
                self.emit(Event::StateChange);
            }
            PageChange::Online if self.page.offline => {
                self.page.offline = false;
                self.emit(Event::StateChange);
                self.wake(now);
            }
            PageChange::Offline | PageChange::Online => {}
        }
    }

    fn goes_away(&mut self, now: Now) {
        self.page.away.get_or_insert(now);
        self.timers.clear(Timer::Look);
        self.timers.clear(Timer::KeepAlive);
    }

    fn is_back(&mut self, now: Now) {
        let away = self.page.away.take();
        let long = away.filter(|since| now.since(*since) > AWAY_MS);
        let frozen = std::mem::take(&mut self.page.frozen);
        if frozen && self.config.persists {
            self.emit(Event::Reclaim);
        }
        if let Some(since) = long {
            self.doubt_after(since, now);
        }
        if long.is_some() || frozen {
            self.wake(now);
        }
        self.page.looked = now;
        self.timers.set(Timer::Look, now.mono.saturating_add(LOOK_MS));
        self.keep_alive(now);
    }

    /// A visible page looks at the clocks: after a sleep, one of them or the timer is late.
    pub(super) fn look_due(&mut self, now: Now) {
        if now.since(self.page.looked) > LOOK_MS + AWAY_MS {
            self.doubt_after(self.page.looked, now);
            self.wake(now);
        }
        self.page.looked = now;
        self.timers.set(Timer::Look, now.mono.saturating_add(LOOK_MS));
    }

    /// Whoever listens, or used the session lately before it was left alone, wants to know whether it lives.
    fn doubt_after(&mut self, since: Now, now: Now) {
        let used = self.page.used.is_some_and(|used| since.mono.saturating_sub(used) < LATELY_MS);
        let listening = self.state.known().map(|session| &session.listening);
        if used || matches!(listening, Some(Listening::Open { .. } | Listening::Ended { .. })) {
            self.page.doubtful_since = Some(now.mono);
        }
    }

    /// At once where a caller waits; else soon: what sent this page to sleep has sent others, too.
    fn wake(&mut self, now: Now) {
        let parked = self.state.establishing().is_some_and(|establishing| !establishing.parked.is_empty());
        let waits = parked || self.calls.values().any(|call| matches!(call.place, Place::Broken(_)));
        let spread = self.rng.u64(0..=SPREAD_MS);
        let wait = if waits || !self.page.parked.is_empty() { 0 } else { spread };
        self.timers.set(Timer::Wake, now.mono.saturating_add(wait));
    }

    /// One attempt at everything that stood still.
    pub(super) fn wake_due(&mut self, now: Now) {
        if self.page.offline {
            return;
        }
        let waiting = std::mem::take(&mut self.page.parked);
        let doubtful = self.page.doubtful_since.take().filter(|_| waiting.is_empty());
        waiting.into_iter().for_each(|id| self.dispatch(id, now));
        let broken = self.calls.iter().filter(|(_, call)| matches!(call.place, Place::Broken(_))).map(|(id, _)| *id);
        let stuck: Vec<_> = broken.filter(|id| self.timers.at(Timer::Resume(*id)).is_none()).collect();
        stuck.into_iter().for_each(|id| self.resume(id, now));
        match &self.state {
            State::Ready(_) => {
                self.listen(now);
                if doubtful.is_some_and(|since| self.past.proven_at < Some(since)) {
                    self.check(None, now);
                }
            }
            // One that waits for a call, and not for the network, goes on waiting.
            State::Establishing(establishing) => {
                if let Step::Backoff { until, why, .. } = &establishing.step
                    && (until.mono != u64::MAX || *why == WHY_OFFLINE)
                {
                    self.hasten(now);
                }
            }
            State::Closed => {}
        }
    }

    /// An open stream would keep the page out of the back/forward cache. It is opened again when the page goes on.
    fn pause_stream(&mut self, now: Now) {
        let Some(Listening::Open { exchange, heard, .. }) = self.state.ready().map(|session| &session.listening) else {
            return;
        };
        let (exchange, before) = (*exchange, heard.before());
        before.map(|before| self.abort(before, now));
        let cursor = self.close_stream(exchange, now).map_or_else(Cursor::default, |exchange| exchange.cursor);
        self.set_listening_state(Listening::Ended { cursor, short: 0 });
        self.forget_cached();
    }

    /// The session is ended on the server, unless it is wanted later, by a later page life or by a call that may still
    /// be running. A host's own Client ends its sessions itself.
    fn leave(&mut self, now: Now) {
        self.keep_record(now);
        let own = matches!(self.config.handshake, Handshake::Own { .. });
        let broke_off = self.page.broke_off.is_some_and(|at| now.mono.saturating_sub(at) <= LEAVING_MS);
        if own && !self.config.persists && !self.tabs.is_shared() && self.calls.is_empty() && !broke_off {
            let delete = self.state.known().and_then(|session| delete_request(session, now));
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
    pub(super) fn is_away(&self) -> bool {
        self.page.away.is_some()
    }

    /// Whether nothing is to be sent.
    pub(super) fn is_offline(&self) -> bool {
        self.page.offline
    }

    pub(super) fn why_offline(&self) -> Option<&'static str> {
        self.page.offline.then_some(WHY_OFFLINE)
    }

    /// A call without a network waits, or fails.
    pub(super) fn hold_offline(&mut self, id: CallId, now: Now) {
        if self.config.offline == Offline::Fail {
            let outcome = self.outcome(id);
            return self.settle(id, Err(offline_error(outcome)));
        }
        match self.state.establishing_mut() {
            Some(establishing) => {
                establishing.parked.push(id);
                self.hasten(now);
            }
            None => self.page.parked.push(id),
        }
    }

    /// No attempt is made to have a session before the network is back.
    pub(super) fn wait_for_network(&mut self, now: Now) {
        if self.config.offline == Offline::Fail {
            self.fail_parked();
        }
        self.wait_for_a_call(WHY_OFFLINE, now);
    }

    fn fail_parked(&mut self) {
        let parked = self.state.establishing_mut().map(|establishing| std::mem::take(&mut establishing.parked));
        for id in parked.unwrap_or_default() {
            let outcome = self.outcome(id);
            self.settle(id, Err(offline_error(outcome)));
        }
    }

    /// The next ping that keeps the session, if the host wants any.
    pub(super) fn keep_alive(&mut self, now: Now) {
        if let Some(every) = self.config.keep_alive_ms.filter(|_| self.page.away.is_none()) {
            self.timers.set(Timer::KeepAlive, now.mono.saturating_add(every));
        }
    }

    /// It is left out where the server was heard meanwhile, or is at work.
    pub(super) fn keep_alive_due(&mut self, now: Now) {
        let every = self.config.keep_alive_ms.unwrap_or_default();
        let quiet = now.mono.saturating_sub(self.past.proven_at.unwrap_or_default());
        let busy = self.calls.values().any(|call| matches!(call.place, Place::Sent(_)));
        if quiet >= every && !busy && !self.page.offline {
            self.check(None, now);
        }
        let wait = if quiet < every { every - quiet } else { every };
        self.timers.set(Timer::KeepAlive, now.mono.saturating_add(wait));
    }
}

fn offline_error<P>(outcome: Outcome) -> Box<Error<P>> {
    Error::boxed(Code::Network, outcome, OFFLINE.hint).with_diagnosis(OFFLINE).retryable()
}
