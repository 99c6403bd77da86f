//! `notifications/initialized`: what is said after a handshake that succeeded, and what may come of it.

use super::Session;
use super::answer::HIDDEN_SESSION_ID;
use super::establish::OTHER_SERVER;
use super::send::Own;
use crate::protocol::era::legacy;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::Step;
use crate::protocol::policy::verdict::{Refusal, Verdict, asks_for_session, speaks_of_sessions};
use crate::protocol::{CallId, Code, Error, ExchangeId, Now, Outcome, Params, Payload, Purpose};

/// Some servers answer no notification at all: after so long the first call will tell. It takes no more than a quarter
/// of the time that the caller has.
const INITIALIZED_MS: u64 = 1_500;
const INITIALIZED_SHARE: u64 = 4;

impl<P: Payload> Session<P> {
    /// With [`crate::protocol::config::Handshake::Host`], the host's own `notifications/initialized` goes on with the handshake.
    pub(in crate::protocol) fn host_is_initialized(&mut self, id: CallId, now: Now) {
        let is = self.calls.get(id).is_some_and(|call| call.method() == legacy::INITIALIZED);
        if is && self.lifecycle.establishing().is_some_and(|e| matches!(e.step, Step::Made { .. })) {
            self.initialized(now);
        }
    }

    /// Sends it under the new session. Nothing else goes out before it is answered: some servers end a session that is
    /// used earlier.
    pub(in crate::protocol) fn initialized(&mut self, now: Now) {
        if let Some(error) = self.client_cannot_go_on() {
            return self.part(error, OTHER_SERVER, now);
        }
        let Some(fresh) = self.lifecycle.take_fresh() else { return };
        let (method, params) = (legacy::INITIALIZED, Params::default());
        let timeout_ms = INITIALIZED_MS.min(self.config.timeout_ms / INITIALIZED_SHARE);
        let own = Own { purpose: Purpose::Initialized, method, params: &params, timeout_ms };
        let parcel = self.own_notification(own, &fresh, now);
        let exchange = self.send(parcel, now);
        self.step(Step::Initialized { exchange, fresh });
        if planted!("call_before_initialized") {
            self.established(now);
        }
    }

    pub(in crate::protocol) fn initialized_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        let is_awaited = |step: &Step<P>| matches!(step, Step::Initialized { exchange, .. } if *exchange == id);
        if !self.lifecycle.establishing().is_some_and(|establishing| is_awaited(&establishing.step)) {
            return;
        }
        match answer {
            // It was not sent, or has led elsewhere.
            Answer::Unusable { error } if exchange.head().is_none() => {
                self.drop_fresh(now);
                self.attempt_failed(error, 0, now);
            }
            Answer::Refused { refusal, error, .. } if undoes_handshake(&refusal, &error) => {
                self.handshake_undone(&refusal, error, now);
            }
            // "404: the session is gone" (2025-11-25, transports, Session Management 3); or a server that knows no such
            // method.
            Answer::Refused { .. } if verdict == Verdict::Evicted => self.prove(now),
            // It may be the network, or a server that hangs up on what it does not answer.
            Answer::Lost { error } if error.code != Code::Timeout => self.prove(now),
            _ if self.lifecycle.fruitless() > 0 => self.prove(now),
            Answer::Accepted
            | Answer::Result(_)
            | Answer::Unusable { .. }
            | Answer::Refused { .. }
            | Answer::Lost { .. } => self.established(now),
        }
    }

    /// A ping under the new session tells whether it holds.
    fn prove(&mut self, now: Now) {
        let Some(fresh) = self.lifecycle.take_fresh() else { return };
        let ping = self.ping_fresh(&fresh, now);
        self.step_with_ping(Step::Proof { ping, fresh }, now);
    }

    fn handshake_undone(&mut self, refusal: &Refusal, error: Box<Error<P>>, now: Now) {
        let hidden = self.lifecycle.fresh().is_some_and(|fresh| fresh.id().is_none());
        let mut error = error;
        if speaks_of_sessions(refusal) {
            // There is nothing to end; the next one may hold.
            self.lifecycle.take_fresh();
            error.retryable = true;
        }
        let error = if hidden && asks_for_session(refusal) {
            let error = Error::boxed(Code::Cors, Outcome::NotExecuted, HIDDEN_SESSION_ID.hint);
            error.with_status(refusal.status).with_diagnosis(HIDDEN_SESSION_ID)
        } else {
            error
        };
        if planted!("leaked_session") {
            self.lifecycle.take_fresh();
        }
        // Servers cap sessions.
        self.drop_fresh(now);
        self.attempt_failed(error, 0, now);
    }
}

/// The handshake has succeeded with `initialize`: what a notification meets undoes it only where it says that the session
/// or the credentials do not hold.
fn undoes_handshake<P>(refusal: &Refusal, error: &Error<P>) -> bool {
    refusal.status == 401 || error.code == Code::Auth || speaks_of_sessions(refusal)
}
