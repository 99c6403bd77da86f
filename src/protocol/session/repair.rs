//! Whether the session lives, and how it is given up.

use super::Session;
use super::close::delete_request;
use super::liveness::Told;
use crate::protocol::backoff;
use crate::protocol::calls::{Doubt, Queue};
use crate::protocol::config::EraChoice;
use crate::protocol::era::Era;
use crate::protocol::lifecycle::{Established, Loss, Relation, Step, Wait};
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, Now, Outcome, Payload};

/// The longest that a caller waits because sessions were refused at once.
const CALLER_MS: u64 = 2_000;
/// Early losses that cost no pause: a server that is being worked on is restarted again and again.
const FREE_LOSSES: u32 = 2;
const UNSTABLE: &str = "The server loses sessions soon after it made them, again and again. If several servers answer at \
                        this address, they must share sessions, or the load balancer must keep each client on one of \
                        them (sticky sessions). New sessions are made more and more slowly until one lives longer.";
/// A server that shows its answer to `initialize`, and hides its refusals.
const HIDDEN_REFUSAL: &str = "The server answers `initialize`, but its refusals are hidden from this page: it must send \
                              `Access-Control-Allow-Origin` on every response, errors included.";

impl<P: Payload> Session<P> {
    /// The server answered under this session.
    pub(in crate::protocol) fn proven(&mut self, generation: u32, now: Now) {
        if self.lifecycle.proven(generation, now) && self.listen_if_denied() {
            self.listen(now);
        }
    }

    /// A refusal says that the session of this generation is gone. What an older one was told changes nothing.
    pub(in crate::protocol) fn session_refused(&mut self, generation: u32, caller_waits: bool, now: Now) {
        const REASON: &str = "the server refused the session";
        match self.lifecycle.relation(generation) {
            Relation::Current => self.lose(REASON, Loss::Refused { caller_waits }, now),
            Relation::Doubted => {
                self.refused_by_server(generation);
                self.condemned(REASON, now);
            }
            Relation::Gone => {}
        }
    }

    /// By itself, and not because a tab has ended it.
    fn refused_by_server(&mut self, generation: u32) {
        self.lifecycle.refused_by_server(generation, self.tabs.has_ended());
    }

    /// Gives the session up and starts to make a new one: at once where somebody waits for it.
    fn lose(&mut self, reason: &'static str, loss: Loss, now: Now) {
        let Some(lost) = self.lifecycle.lose(reason, loss, self.tabs.has_ended(), now) else { return };
        let generation = lost.generation;
        let doubted = self.calls.in_question();
        self.listening.release_calls();
        self.calls.requeue(Queue::Stream, Queue::Session);
        self.timers.clear(Timer::Check);
        if let Some(check) = &lost.check {
            self.abort(check.ping, now);
        }
        self.hang_up(now);
        self.emit(Event::Recovering { reason, generation });
        self.emit(Event::StateChange);
        // A session that the host connected may lie idle; one that was made for waiting calls may not.
        let caller_waits = !matches!(loss, Loss::Refused { caller_waits: false });
        let waits = caller_waits || self.calls.is_any_queued(Queue::Session) || !doubted.is_empty();
        let early = self.lifecycle.early_losses().saturating_sub(FREE_LOSSES);
        let why = Wait::Losses;
        if matches!(loss, Loss::Replaced) {
            // Nothing to do for it.
        } else if self.lifecycle.fruitless() > 0 {
            let wait = backoff::delay(self.lifecycle.fruitless(), &self.config.recovery, 0, &mut self.rng);
            self.back_off(wait, wait.min(CALLER_MS), why, now);
        } else if waits {
            self.begin(now);
        } else if early > 0 {
            // Who works on a server that restarts again and again does not wait for this.
            let wait = backoff::delay(early, &self.config.recovery, 0, &mut self.rng);
            self.back_off(wait, 0, why, now);
        } else {
            let wait = self.spread();
            self.back_off(wait, 0, Wait::Spread, now);
        }
        if self.lifecycle.early_losses() == FREE_LOSSES + 1 {
            self.emit(Event::Warning { kind: "unstable_sessions", header: None, hint: UNSTABLE });
        }
        // Calls that lose their questions may go on at once: what they wait for is under way.
        self.withdraw(generation, now);
        for id in doubted {
            let Some(doubt) = self.calls.take_doubt(id) else { continue };
            if self.is_refused_with(generation, id, doubt) {
                self.dispatch(id, now);
            }
        }
    }

    /// The host wants a new session: the old one is ended on the server.
    pub(in crate::protocol) fn give_up(&mut self, reason: &'static str, now: Now) {
        let Some(old) = self.lifecycle.living() else { return };
        let delete = delete_request(old, now);
        if let (true, Some(delete)) = (self.ends_for_all(delete.is_some()), delete) {
            self.delete(delete, now);
        }
        self.lose_to_another(reason, now);
    }

    /// The session goes on elsewhere.
    pub(in crate::protocol) fn lose_to_another(&mut self, reason: &'static str, now: Now) {
        self.lose(reason, Loss::Host, now);
        self.condemned(reason, now);
    }

    /// Another tab has made the next one, which takes its place at once.
    pub(in crate::protocol) fn replaced(&mut self, reason: &'static str, now: Now) {
        self.lose(reason, Loss::Replaced, now);
        self.condemned(reason, now);
    }

    /// In doubt, and known to be gone now.
    pub(in crate::protocol) fn condemned(&mut self, reason: &'static str, now: Now) {
        let Some(generation) = self.lifecycle.give_up_doubted(reason) else { return };
        self.hang_up(now);
        self.withdraw(generation, now);
        self.emit(Event::Recovering { reason, generation });
        match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(&Step::Check { ping }) => {
                self.abort(ping, now);
                self.begin(now);
            }
            Some(&Step::Confirm { ping, .. }) => {
                self.abort(ping, now);
                match self.lifecycle.fresh().map(Established::era) {
                    Some(Era::Modern) => self.established(now),
                    Some(Era::Legacy) | None => self.initialized(now),
                }
            }
            Some(Step::Backoff { .. }) => self.hasten(now),
            // A handshake is under way, or about to be.
            _ => {}
        }
    }

    /// The session was ready when it was asked.
    pub(in crate::protocol) fn checked(&mut self, generation: u32, told: Told<P>, now: Now) {
        match told {
            Told::Alive => {
                self.proven(generation, now);
                for id in self.end_check() {
                    let Some(doubt) = self.calls.take_doubt(id) else { continue };
                    self.doubt_dispelled(id, doubt, now);
                }
            }
            Told::Gone => self.lose("a ping found the session gone", Loss::Refused { caller_waits: false }, now),
            // Something answers, and only a call can tell more.
            Told::Unclear(error) if error.http_status.is_some_and(|status| status < 500) => {
                for id in self.end_check() {
                    let Some(doubt) = self.calls.take_doubt(id) else { continue };
                    if let Doubt::Asked = doubt {
                        self.settle(id, Err(error.clone()));
                    } else if self.is_sent_again_in_doubt(id, doubt) {
                        self.dispatch(id, now);
                    }
                }
            }
            Told::Unclear(error) => self.doubt(error, now),
        }
    }

    /// The check is over: who waited for it?
    fn end_check(&mut self) -> Vec<CallId> {
        self.timers.clear(Timer::Check);
        self.lifecycle.check_ends();
        self.calls.in_question()
    }

    /// The server cannot be reached: the session may live.
    fn doubt(&mut self, error: Box<Error<P>>, now: Now) {
        if !self.lifecycle.doubt(now) {
            return;
        }
        self.listening.release_calls();
        self.calls.requeue(Queue::Stream, Queue::Session);
        self.timers.clear(Timer::Check);
        self.emit(Event::StateChange);
        for id in self.calls.in_question() {
            let Some(doubt) = self.calls.take_doubt(id) else { continue };
            if self.is_sent_again_in_doubt(id, doubt) {
                self.calls.enqueue(id, Queue::Session);
            }
        }
        if self.calls.is_any_queued(Queue::Session) || error.code != Code::Network {
            return self.doubt_persists(error, now);
        }
        let wait = self.spread();
        self.back_off(wait, 0, Wait::Answer, now);
    }

    /// Where nobody waits: a server that goes ends all its streams at once, and its clients must not come back at once.
    fn spread(&mut self) -> u64 {
        self.rng.u64(0..=self.config.recovery.max_delay_ms / 2)
    }

    /// A page cannot tell a refusal without CORS headers from a server that is down. A server that answers
    /// `initialize` and still not a ping under the old session has refused it.
    fn doubt_persists(&mut self, error: Box<Error<P>>, now: Now) {
        if self.is_offline() {
            return self.wait_for_network(now);
        }
        let hidden = error.code == Code::Network && self.config.era != EraChoice::Modern;
        match self.lifecycle.known().map(Established::era) {
            _ if !hidden => self.attempt_failed(error, 0, now),
            // `server/discover` is what was hidden.
            Some(Era::Modern) => self.handshake(now),
            Some(Era::Legacy) | None => self.begin(now),
        }
    }

    pub(in crate::protocol) fn doubt_checked(&mut self, told: Told<P>, now: Now) {
        match told {
            Told::Alive => self.reprieve(now),
            Told::Gone => {
                self.refused_by_server(self.lifecycle.known().map_or(0, |old| old.generation));
                self.condemned("a ping found the session gone", now);
            }
            Told::Unclear(error) => self.doubt_persists(error, now),
        }
    }

    pub(in crate::protocol) fn confirmed(&mut self, told: Told<P>, now: Now) {
        let opaque = matches!(told, Told::Unclear(_));
        match told {
            Told::Alive => {
                self.drop_fresh(now);
                self.reprieve(now);
            }
            Told::Unclear(error) if error.code != Code::Network => {
                self.drop_fresh(now);
                self.attempt_failed(error, 0, now);
            }
            Told::Gone | Told::Unclear(_) => {
                if opaque {
                    let header = Some("Access-Control-Allow-Origin");
                    self.emit(Event::Warning { kind: "hidden_refusal", header, hint: HIDDEN_REFUSAL });
                }
                self.condemned("the server answers everything but this session", now);
            }
        }
    }

    /// A new session that is not needed is ended on the server.
    pub(in crate::protocol) fn drop_fresh(&mut self, now: Now) {
        if let Some(delete) = self.lifecycle.take_fresh().and_then(|fresh| self.end_of(&fresh, now)) {
            self.delete(delete, now);
        }
    }

    /// The session in doubt lives.
    fn reprieve(&mut self, now: Now) {
        self.lifecycle.is_reached_again();
        let parked = self.calls.dequeue_all(Queue::Session);
        let generation = self.lifecycle.ready().map_or(0, |session| session.generation);
        self.proven(generation, now);
        self.keep_alive(now);
        self.emit(Event::StateChange);
        for id in parked {
            self.dispatch(id, now);
        }
        self.listen(now);
    }

    /// The session before the new one was refused at once; is this one?
    pub(in crate::protocol) fn proved(&mut self, told: Told<P>, now: Now) {
        match told {
            Told::Unclear(error) if error.code == Code::Network => {
                self.drop_fresh(now);
                self.attempt_failed(error, 0, now);
            }
            Told::Alive | Told::Unclear(_) => self.established(now),
            Told::Gone => {
                self.lifecycle.was_fruitless();
                self.lifecycle.take_fresh();
                let text = "The server makes sessions and refuses each of them at once.";
                let error = Error::boxed(Code::SessionLost, Outcome::NotExecuted, text).retryable();
                self.attempt_failed(error, 0, now);
            }
        }
    }
}
