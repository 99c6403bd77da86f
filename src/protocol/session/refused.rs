//! What follows for a call that was refused, or whose answer was lost. [`crate::protocol::policy::retry`] decides; here it is done.

use super::Session;
use crate::protocol::calls::{Call, Doubt, Kind, Repair};
use crate::protocol::config::EraChoice;
use crate::protocol::exchanges::Exchange;
use crate::protocol::lifecycle::Relation;
use crate::protocol::policy::backoff;
use crate::protocol::policy::probe::{Common, supported};
use crate::protocol::policy::retry::{End, Next};

use crate::protocol::policy::verdict::{Form, Refusal};
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, Now, Outcome, Payload};

const INVALID_PARAMS: i64 = -32602;

const REFUSED_LATE: &str = "The session was refused, but not at once, or not in the words of a session that is gone: the \
                            call may have begun before.";

impl<P: Payload> Session<P> {
    /// What follows for a call, where this repair would come before it is sent again. If it is sent again, the repair is
    /// spent.
    pub(in crate::protocol) fn next(&mut self, id: CallId, repair: Repair, end: End) -> Next {
        self.calls.next(id, self.config.recovery.mode, repair, end, self.exchanges.latest_request())
    }

    /// Its session is gone, and it was refused with it. `at_gate`: its own refusal is the gate's.
    pub(in crate::protocol) fn refused_with_session(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        at_gate: bool,
        error: Box<Error<P>>,
        now: Now,
    ) {
        // What this side has ended refuses what was running under it.
        let ended = match self.lifecycle.relation(exchange.generation()) {
            Relation::Gone => self.lifecycle.refused_generation() != exchange.generation(),
            Relation::Current | Relation::Doubted => self.tabs.has_ended(),
        };
        let again = self.resend_or_settle_without_session(id, at_gate && !ended, error);
        self.session_refused(exchange.generation(), again, now);
        if again {
            self.dispatch(id, now);
        }
    }

    /// As [`Self::refused_with_session`], where the session is given up already. Says whether the call is to be sent again; if
    /// not, it is settled.
    pub(in crate::protocol) fn resend_or_settle_without_session(
        &mut self,
        id: CallId,
        at_gate: bool,
        error: Box<Error<P>>,
    ) -> bool {
        if !self.calls.has(id) {
            return false;
        }
        self.calls.refused_with_session(id, at_gate);
        let again = self.next(id, Repair::Session, End::SessionGone { at_gate }) == Next::SendAgain;
        let generation = self.lifecycle.known().map_or(0, |session| session.generation());
        if again {
            self.calls.note_refused_by(id, generation);
        }
        match self.calls.get(id) {
            Some(call) if !again && at_gate && (call.is_safe() || !call.maybe_ran()) => {
                let text = session_refused_for_good(call);
                let proven = planted!("eviction_proves_not_executed");
                let outcome = if proven { Outcome::NotExecuted } else { Outcome::Unknown };
                self.settle(id, Err(Error::boxed(Code::SessionLost, outcome, text).retryable()));
            }
            Some(_) if !again => self.settle_unknown(id, REFUSED_LATE, error),
            Some(_) | None => {}
        }
        again
    }

    /// It may be a refusal of the session's: a ping under the same session tells.
    pub(in crate::protocol) fn suspected(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        refusal: &Refusal,
        error: Box<Error<P>>,
        now: Now,
    ) {
        let blames = refusal.blames_session();
        let form = refusal.may_be_a_handlers().then(|| refusal.form());
        let explained = refusal.explains_itself();
        let late = exchange.is_late() && !planted!("late_suspicion");
        let at_gate = blames && !late;
        if !self.calls.has(id) {
            return;
        }
        self.calls.note_may_have_run(id, late);
        let relation = self.lifecycle.relation(exchange.generation());
        let downgrades = planted!("downgrade_from_a_refusal") && !exchange.era().has_sessions();
        if relation == Relation::Current && (downgrades || planted!("suspicion_is_proof")) {
            return self.refused_with_session(id, exchange, at_gate, error, now);
        }
        let doubt = Doubt::Refused { error, at_gate, form, explained };
        match relation {
            Relation::Current if !refusal.is_plain_about_session() && self.is_known_alive(now) => {
                self.doubt_dispelled(id, doubt, now);
            }
            Relation::Current => {
                if self.next(id, Repair::Session, End::Doubtful) == Next::Ping {
                    self.check(Some((id, doubt)), now);
                }
            }
            // It cannot be asked any more: what the server said of it before has to do.
            Relation::Gone if blames && self.lifecycle.refused_generation() == exchange.generation() => {
                if self.resend_or_settle_when_gone(exchange.generation(), id, doubt) {
                    self.dispatch(id, now);
                }
            }
            Relation::Gone | Relation::Doubted => {
                if self.resend_or_settle_in_doubt(id, doubt) {
                    self.dispatch(id, now);
                }
            }
        }
    }

    /// The session lives: what sounded like a refusal of it is the answer.
    pub(in crate::protocol) fn doubt_dispelled(&mut self, id: CallId, doubt: Doubt<P>, now: Now) {
        match doubt {
            Doubt::Refused { error, .. } => {
                let outcome = error.outcome;
                if let Next::Settle(outcome) = self.next(id, Repair::Session, End::SessionLives { outcome }) {
                    self.refusal_stands(id, error.with_outcome(outcome), now);
                }
            }
            Doubt::Lost => self.dispatch(id, now),
            Doubt::Asked => self.settle(id, Ok(P::empty())),
        }
    }

    /// The session of this generation is gone. Says whether the call is to be sent again; if not, it is settled. Where no ping
    /// has shown that, nobody knows what the refusal was meant for.
    pub(in crate::protocol) fn resend_or_settle_when_gone(
        &mut self,
        generation: u32,
        id: CallId,
        doubt: Doubt<P>,
    ) -> bool {
        let any_gate = planted!("any_loss_licences_doubt").then_some(None);
        let Some(gate) = self.lifecycle.form_of_ping(generation).or(any_gate) else {
            return self.resend_or_settle_in_doubt(id, doubt);
        };
        match doubt {
            Doubt::Refused { error, at_gate, form, .. } => {
                let like = |form: &Form| gate.is_some_and(|gate| gate.is_like(form));
                let like_it = form.as_ref().is_none_or(like) || planted!("tools_words");
                let at_gate = at_gate && !self.tabs.has_ended() && like_it;
                self.resend_or_settle_without_session(id, at_gate, error)
            }
            Doubt::Lost | Doubt::Asked => {
                self.calls.put_back(id);
                true
            }
        }
    }

    /// Nobody can tell whether the session lives. Says whether the call is to be sent again; if not, it is settled.
    pub(in crate::protocol) fn resend_or_settle_in_doubt(&mut self, id: CallId, doubt: Doubt<P>) -> bool {
        let Doubt::Refused { error, explained, .. } = doubt else {
            self.calls.put_back(id);
            return true;
        };
        let outcome = error.outcome;
        self.calls.put_back(id);
        self.calls.was_delivered(id, outcome != Outcome::NotExecuted);
        match self.next(id, Repair::Connection, End::SessionUnclear { outcome, explained }) {
            Next::SendAgain => true,
            Next::Settle(outcome) => {
                self.settle(id, Err(error.with_outcome(outcome)));
                false
            }
            Next::Ping => false,
        }
    }

    /// The refusal is the answer.
    pub(in crate::protocol) fn refusal_stands(&mut self, id: CallId, mut error: Box<Error<P>>, now: Now) {
        // What was refused is a question about its task.
        if self.calls.get(id).is_some_and(|call| call.task().is_some()) {
            error.outcome = Outcome::Unknown;
        }
        if error.rpc_code == Some(INVALID_PARAMS) {
            self.cursor_refused(id);
        }
        self.state_request_refused(id, now);
        self.settle(id, Err(error));
    }

    /// No answer came, and the call may have run.
    pub(in crate::protocol) fn lost(&mut self, id: CallId, generation: u32, error: Box<Error<P>>, now: Now) {
        self.lost_in(End::Lost, id, generation, error, now);
    }

    /// Nothing came to be of its exchange; the error says whether it was sent.
    pub(in crate::protocol) fn broke_off(&mut self, id: CallId, generation: u32, error: Box<Error<P>>, now: Now) {
        let polls = self.calls.get(id).is_some_and(|call| call.task().is_some());
        let end = if error.outcome == Outcome::NotExecuted && !polls { End::Unsent } else { End::Lost };
        self.lost_in(end, id, generation, error, now);
    }

    fn lost_in(&mut self, end: End, id: CallId, generation: u32, error: Box<Error<P>>, now: Now) {
        if !self.calls.put_back(id) {
            return;
        }
        self.calls.note_may_have_run(id, end == End::Lost);
        let next = self.next(id, Repair::Connection, end);
        let again = next == Next::SendAgain;
        if next == Next::Settle(Outcome::NotExecuted) && self.calls.outcome(id) == Outcome::NotExecuted {
            self.settle(id, Err(error));
        } else if !again {
            let what = match error.http_status.filter(|status| !(200..300).contains(status)) {
                Some(status) => format!("The server failed with HTTP {status} while the call may have been running."),
                None => error.message.clone(),
            };
            self.settle_unknown(id, &what, error);
        }
        match self.lifecycle.relation(generation) {
            Relation::Current => self.check(again.then_some((id, Doubt::Lost)), now),
            Relation::Gone | Relation::Doubted if again => self.dispatch(id, now),
            Relation::Gone | Relation::Doubted => {}
        }
    }

    pub(in crate::protocol) fn settle_unknown(&mut self, id: CallId, what: &str, mut error: Box<Error<P>>) {
        let again = self.calls.get(id).is_some_and(|call| call.sends() > 1);
        let why = if again { "It was sent again once." } else { "It was not sent again, because it may have run." };
        if error.code != Code::Network {
            error.code = Code::OutcomeUnknown;
        }
        error.message = format!("{what} {why}");
        self.settle(id, Err(error.with_outcome(Outcome::Unknown)));
    }

    /// The server is busy (429, 503): the session is kept.
    pub(in crate::protocol) fn busy(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        error: Box<Error<P>>,
        floor_ms: u64,
        now: Now,
    ) {
        let at_gate = planted!("busy_is_the_gate") && floor_ms > 0;
        let outcome = if at_gate { Outcome::NotExecuted } else { error.outcome };
        self.calls.note_may_have_run(id, outcome != Outcome::NotExecuted);
        let Some(call) = self.calls.get(id) else { return };
        let wait = backoff::delay(1, &self.config.recovery, floor_ms, &mut self.rng);
        let until = now.mono.saturating_add(wait);
        // A host's own Client has a clock that nobody sees here: it is told of a longer wait than calls have by default.
        let host = self.config.handshake.is_hosts();
        let bound = if host { call.made().saturating_add(self.config.timeout_ms) } else { u64::MAX };
        let in_time = self.effects.timer_at(Timer::Call(id)).is_some_and(|deadline| until < deadline.min(bound));
        let end = End::Busy { outcome, at_gate: outcome == Outcome::NotExecuted };
        if in_time && self.next(id, Repair::Busy, end) == Next::SendAgain {
            return self.effects.set_timer(Timer::Resend(id), until);
        }
        self.settle(id, Err(error.retryable()));
        // Waiting is not what helps: it may be a proxy's word on a server that went, and its sessions with it.
        if exchange.status() == 503
            && self.lifecycle.relation(exchange.generation()) == Relation::Current
            && !self.is_known_alive(now)
        {
            self.check(None, now);
        }
    }

    /// The server does not speak the version that the call was sent in.
    pub(in crate::protocol) fn other_era(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        refusal: &Refusal,
        mut error: Box<Error<P>>,
        now: Now,
    ) {
        let exchange = if planted!("late_other_era") { &exchange.anew(None) } else { exchange };
        if exchange.is_late() {
            return self.lost(id, exchange.generation(), error, now);
        }
        let own = self.config.handshake.is_own();
        if own && self.config.era == EraChoice::Auto {
            if exchange.era().has_sessions() {
                self.lifecycle.forget_legacy();
                return self.suspected(id, exchange, refusal, error, now);
            }
            if supported(&error) != Common::Modern {
                return self.suspected(id, exchange, refusal, error, now);
            }
            // "retry even when `supported` contains the version just sent"; once.
            if self.next(id, Repair::Envelope, End::OtherVersion { at_gate: true }) == Next::SendAgain {
                return self.dispatch(id, now);
            }
        }
        let text = "The server no longer speaks the negotiated protocol version. Connect again.";
        error.code = Code::UnsupportedVersion;
        error.message = text.to_owned();
        self.settle(id, Err(error));
    }
}

/// Why a call that its session refused is not sent again.
pub(in crate::protocol) fn session_refused_for_good<P>(call: &Call<P>) -> &'static str {
    if call.kind() == Kind::Notification {
        "The server refused the session. A notification is not sent again under a new one: it may speak of the old \
         session's requests."
    } else if call.was_repaired(Repair::Session) {
        "The server refused the session, and refused the new session too. The call was not sent a third time. If several \
         servers answer at this address, they must share sessions or keep each client on one of them."
    } else if call.has_sends_left() {
        "The server refused the session. `recovery.mode` does not allow to send this call again."
    } else {
        "The server refused the session. The call was sent three times, and is not sent again."
    }
}
