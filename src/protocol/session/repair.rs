//! Whether the session lives, and how it is given up.

use super::Session;
use super::close::delete_request;
use super::liveness::Told;
use crate::protocol::calls::Queue;
use crate::protocol::config::EraChoice;
use crate::protocol::effect::{Effect, Fate};
use crate::protocol::lifecycle::{Established, Loss, Relation, Wait};
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{Code, Error, Now, Outcome, Payload};

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
                self.doubted_is_gone(REASON, now);
            }
            Relation::Gone => {}
        }
    }

    /// By itself, and not because a tab has ended it.
    fn refused_by_server(&mut self, generation: u32) {
        self.lifecycle.refused_by_server(generation, self.tabs.has_ended());
    }

    /// Gives the session up. What follows is heeded before this returns.
    fn lose(&mut self, reason: &'static str, loss: Loss, now: Now) {
        let Some(lost) = self.lifecycle.lose(reason, loss, self.tabs.has_ended(), now) else { return };
        self.effects.clear_timer(Timer::Check);
        self.listening.release_calls();
        if let Some(check) = lost.check {
            self.effects.push(Effect::Abort(check.ping));
        }
        self.effects.push(Effect::HangUp);
        self.effects.push(Effect::Park(Queue::Stream));
        self.tell_host(Event::Recovering { reason, generation: lost.generation });
        self.tell_host(Event::StateChange);
        self.effects.push(Effect::Begin(loss));
        self.effects.push(Effect::Withdraw(lost.generation));
        self.decide_all(Fate::Gone(lost.generation));
        self.heed(now);
    }

    pub(super) fn tell_host(&mut self, event: Event<P>) {
        self.effects.push(Effect::Emit(Box::new(event)));
    }

    /// What becomes of the calls that wait for the answer to a ping.
    fn decide_all(&mut self, fate: Fate) {
        for id in self.calls.in_question() {
            self.effects.push(Effect::Decide(id, fate));
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
        self.doubted_is_gone(reason, now);
    }

    /// Another tab has made the next one, which takes its place at once.
    pub(in crate::protocol) fn replaced(&mut self, reason: &'static str, now: Now) {
        self.lose(reason, Loss::Replaced, now);
        self.doubted_is_gone(reason, now);
    }

    /// In doubt, and known to be gone now.
    pub(in crate::protocol) fn doubted_is_gone(&mut self, reason: &'static str, now: Now) {
        let Some(generation) = self.lifecycle.give_up_doubted(reason) else { return };
        self.effects.push(Effect::HangUp);
        self.tell_host(Event::Recovering { reason, generation });
        self.effects.push(Effect::Withdraw(generation));
        self.effects.push(Effect::GoOn);
        self.heed(now);
    }

    /// The session was ready when it was asked.
    pub(in crate::protocol) fn checked(&mut self, generation: u32, told: Told<P>, now: Now) {
        match told {
            Told::Alive => {
                self.proven(generation, now);
                self.end_check();
                self.decide_all(Fate::Lives);
                self.heed(now);
            }
            Told::Gone => self.lose("a ping found the session gone", Loss::Refused { caller_waits: false }, now),
            // Something answers, and only a call can tell more.
            Told::Unclear(error) if error.http_status.is_some_and(|status| status < 500) => {
                self.end_check();
                for id in self.calls.asked_whether_it_lives() {
                    self.settle(id, Err(error.clone()));
                }
                self.decide_all(Fate::Unclear);
                self.heed(now);
            }
            Told::Unclear(error) => self.doubt(error, now),
        }
    }

    fn end_check(&mut self) {
        self.effects.clear_timer(Timer::Check);
        self.lifecycle.check_ends();
    }

    /// The server cannot be reached: the session may live.
    fn doubt(&mut self, error: Box<Error<P>>, now: Now) {
        if !self.lifecycle.doubt(now) {
            return;
        }
        self.listening.release_calls();
        self.effects.clear_timer(Timer::Check);
        self.effects.push(Effect::Park(Queue::Stream));
        self.tell_host(Event::StateChange);
        self.decide_all(Fate::Unreachable);
        self.heed(now);
        if self.calls.is_any_queued(Queue::Session) || error.code != Code::Network {
            return self.doubt_persists(error, now);
        }
        let wait = self.spread();
        self.back_off(wait, 0, Wait::Answer, now);
    }

    /// Where nobody waits: a server that goes ends all its streams at once, and its clients must not come back at once.
    pub(super) fn spread(&mut self) -> u64 {
        let most = self.config.recovery.max_delay_ms / 2;
        self.rng.u64(if planted!("herd_without_jitter") { most } else { 0 }..=most)
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
            Some(era) if !era.has_sessions() => self.handshake(now),
            Some(_) | None => self.begin(now),
        }
    }

    pub(in crate::protocol) fn doubt_checked(&mut self, told: Told<P>, now: Now) {
        match told {
            Told::Alive => self.reached_again(now),
            Told::Gone => {
                self.refused_by_server(self.lifecycle.known().map_or(0, |old| old.generation()));
                self.doubted_is_gone("a ping found the session gone", now);
            }
            Told::Unclear(error) => self.doubt_persists(error, now),
        }
    }

    pub(in crate::protocol) fn confirmed(&mut self, told: Told<P>, now: Now) {
        let opaque = matches!(told, Told::Unclear(_));
        match told {
            Told::Alive => {
                self.drop_fresh(now);
                self.reached_again(now);
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
                self.doubted_is_gone("the server answers everything but this session", now);
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
    fn reached_again(&mut self, now: Now) {
        self.lifecycle.reach_again();
        let parked = self.calls.dequeue_all(Queue::Session);
        let generation = self.lifecycle.ready().map_or(0, |session| session.generation());
        self.proven(generation, now);
        self.effects.push(Effect::KeepAlive);
        self.tell_host(Event::StateChange);
        parked.into_iter().for_each(|id| self.effects.push(Effect::Release(id)));
        self.effects.push(Effect::Listen);
        self.heed(now);
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
