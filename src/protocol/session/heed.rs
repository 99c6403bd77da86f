//! Effects are heeded: the one place that hands what has happened to the session on to the rooms that it concerns. In which
//! order stands in [`Effect`].

use super::Session;
use crate::protocol::calls::Queue;
use crate::protocol::effect::{Effect, Fate};
use crate::protocol::lifecycle::{Established, Loss, Step, Wait};
use crate::protocol::policy::backoff;
use crate::protocol::status::Event;
use crate::protocol::{CallId, Now, Payload};

/// The longest that a caller waits because sessions were refused at once.
const CALLER_MS: u64 = 2_000;
/// Early losses that cost no pause: a server that is being worked on is restarted again and again.
const FREE_LOSSES: u32 = 2;
const UNANSWERED: &str = "The session was closed before the call was answered.";
const UNSTABLE: &str = "The server loses sessions soon after it made them, again and again. If several servers answer at \
                        this address, they must share sessions, or the load balancer must keep each client on one of \
                        them (sticky sessions). New sessions are made more and more slowly until one lives longer.";

impl<P: Payload> Session<P> {
    /// Heeds all that has happened, to its end.
    pub(super) fn heed(&mut self, now: Now) {
        while let Some(effect) = self.effects.next() {
            match effect {
                Effect::WithdrawAll => self.questions.all().into_iter().for_each(|it| self.withdraw_one(it, now)),
                Effect::SettleClosed(id) => self.settle_closed(id, UNANSWERED),
                Effect::Abort(exchange) => drop(self.abort(exchange, now)),
                Effect::HangUp => self.hang_up(now),
                Effect::Park(from) => self.calls.requeue(from, Queue::Session),
                Effect::InPlace => self.start_anew(now),
                Effect::KeepAlive => self.keep_alive(now),
                Effect::Emit(event) => self.emit(*event),
                Effect::ListenFirst => self.listen_first(now),
                Effect::Begin(loss) => self.begin_after(loss, now),
                Effect::Withdraw(generation) => self.withdraw(generation, now),
                Effect::Decide(id, fate) => self.decide(id, fate, now),
                Effect::Release(id) => self.dispatch(id, now),
                Effect::Restore(succession) => self.restore(*succession, now),
                Effect::Listen => self.listen(now),
                Effect::GoOn => self.go_on_without_doubted(now),
                Effect::EndUnwanted => self.end_all_unwanted(now),
                Effect::Closed(reason) => {
                    self.emit(Event::StateChange);
                    self.emit(Event::Close { reason });
                }
            }
        }
    }

    /// The session that is ready now hears and holds nothing yet.
    fn start_anew(&mut self, now: Now) {
        self.listening.begin();
        self.desired.session_began(self.exchanges.latest_request());
        self.tell_era(now);
    }

    /// The next session is made: at once where somebody waits for it; after a pause where the server refuses sessions at once,
    /// or where nobody waits.
    fn begin_after(&mut self, loss: Loss, now: Now) {
        if loss == Loss::Replaced {
            // It is at hand.
            return;
        }
        // A session that the host connected may lie idle; one that was made for waiting calls may not.
        let caller_waits = loss != Loss::Refused { caller_waits: false };
        let waits = caller_waits || self.calls.is_any_queued(Queue::Session) || !self.calls.in_question().is_empty();
        let early = self.lifecycle.early_losses().saturating_sub(FREE_LOSSES);
        let why = Wait::Losses;
        if self.lifecycle.fruitless() > 0 {
            let wait = backoff::delay(self.lifecycle.fruitless(), &self.config.recovery, 0, &mut self.rng);
            self.back_off(wait, wait.min(CALLER_MS), why, now);
        } else if waits && !(planted!("callers_pause_after_early_losses") && early > 0) {
            self.begin(now);
        } else if early > 0 {
            // Who works on a server that restarts again and again does not wait for this.
            let wait = backoff::delay(early, &self.config.recovery, 0, &mut self.rng);
            let callers_wait = if planted!("callers_pause_after_early_losses") { wait } else { 0 };
            self.back_off(wait, callers_wait, why, now);
        } else {
            let wait = self.spread();
            self.back_off(wait, 0, Wait::Spread, now);
        }
        if self.lifecycle.early_losses() == FREE_LOSSES + 1 {
            self.emit(Event::Warning { kind: "unstable_sessions", header: None, hint: UNSTABLE });
        }
    }

    /// What becomes of a call that waited for the answer to a ping.
    fn decide(&mut self, id: CallId, fate: Fate, now: Now) {
        let Some(doubt) = self.calls.take_doubt(id) else { return };
        match fate {
            Fate::Lives => self.doubt_dispelled(id, doubt, now),
            Fate::Gone(generation) => {
                if !planted!("waiting_calls_lost") && self.resend_or_settle_when_gone(generation, id, doubt) {
                    self.dispatch(id, now);
                }
            }
            Fate::Unclear => {
                if self.resend_or_settle_in_doubt(id, doubt) {
                    self.dispatch(id, now);
                }
            }
            Fate::Unreachable => {
                if self.resend_or_settle_in_doubt(id, doubt) {
                    self.calls.enqueue(id, Queue::Session);
                }
            }
        }
    }

    /// The session in doubt is known to be gone: nothing has to be asked under it any more.
    fn go_on_without_doubted(&mut self, now: Now) {
        match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(&Step::Check { ping }) => {
                self.abort(ping, now);
                self.begin(now);
            }
            Some(&Step::Confirm { ping, .. }) => {
                self.abort(ping, now);
                match self.lifecycle.fresh().map(Established::era) {
                    Some(era) if !era.has_sessions() => self.established(now),
                    Some(_) | None => self.initialized(now),
                }
            }
            Some(Step::Backoff { .. }) => self.session_is_wanted(now),
            // A handshake is under way, or about to be.
            _ => {}
        }
    }
}
