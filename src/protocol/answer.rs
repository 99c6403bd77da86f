//! What follows for a command from how its exchange was answered.

use super::backoff;
use super::call::{Kind, Place, Repair};
use super::config::{EraChoice, Handshake, Mode};
use super::era::Era;
use super::era::modern::ResultType;
use super::era::negotiation::{Common, supported};
use super::exchange::{Answer, Exchange};
use super::http::Method;
use super::repair::Relation;
use super::session::Session;
use super::state::IfAlive;
use super::status::Event;
use super::time::Timer;
use super::verdict::{Verdict, asks_for_session};
use super::{CallId, Code, Error, Now, Outcome, Payload, error::Diagnosis};

/// The server handed out a session id that the page cannot see (Fetch, CORS-safelisted response headers).
pub(super) const HIDDEN_SESSION_ID: Diagnosis = Diagnosis {
    kind: "hidden_session_id",
    header: Some("Mcp-Session-Id"),
    hint: "The server answered `initialize` without a session id that this page can read, and then asked for one. It \
           probably does not expose it: it must send `Access-Control-Expose-Headers: Mcp-Session-Id`.",
};

const INVALID_PARAMS: i64 = -32602;

pub(super) const REFUSED_LATE: &str =
    "The session was refused, but later than a gate refuses: the browser may have sent the call twice.";

impl<P: Payload> Session<P> {
    pub(super) fn call_answered(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.place = Place::Here;
        let verifies = call.kind == Kind::Verify;
        match answer {
            Answer::Result(result) => {
                self.proven(exchange.generation, now);
                self.call_succeeded(id, exchange, result, now);
            }
            Answer::Lost { .. } if self.resume_later(id, exchange, now) => {}
            Answer::Lost { error } => self.unknown(id, exchange.generation, error, now),
            // The stream cannot be resumed, whatever the reason: the call itself was taken.
            Answer::Refused { error, .. }
                if exchange.method == Method::Get && !(exchange.is_stream() && verdict == Verdict::NotEviction) =>
            {
                self.unknown(id, exchange.generation, error, now);
            }
            // The request that would have resumed the stream was not sent, or led elsewhere: that says nothing of the call.
            Answer::Unusable { error } if exchange.method == Method::Get && exchange.head.is_none() => {
                if !self.resume_later(id, exchange, now) {
                    self.unknown(id, exchange.generation, error, now);
                }
            }
            Answer::Unusable { error } => self.settle(id, Err(error)),
            Answer::Accepted => {
                let text = "The server accepted the request with HTTP 202 and gave no answer.";
                self.settle(id, Err(Error::boxed(Code::Protocol, Outcome::Unknown, text).with_status(202)));
            }
            Answer::Refused { refusal, mut error, retry_after } => match verdict {
                Verdict::Evicted => {
                    self.past.gate = Some((refusal.status, refusal.rpc_code));
                    self.evicted(id, exchange, now);
                }
                Verdict::Suspect => {
                    let late = exchange.head_after > self.gate_ms();
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.maybe_ran |= late;
                    }
                    let gate = !late && self.past.gate == Some((refusal.status, refusal.rpc_code));
                    self.suspected(id, exchange, error, gate, now);
                }
                Verdict::UnknownOutcome { session_gone: true } => {
                    self.unknown_and_gone(id, exchange.generation, error, now)
                }
                Verdict::UnknownOutcome { session_gone: false } => self.unknown(id, exchange.generation, error, now),
                Verdict::Transient => {
                    let late = exchange.head_after > self.gate_ms();
                    // A rate limiter refuses before it dispatches, and so does a server that says when to come back.
                    // Any other 503 may be a proxy's word on a connection that broke.
                    let gate = !late && (refusal.status == 429 || retry_after.is_some());
                    self.busy(id, error, gate, retry_after.unwrap_or_default(), now);
                }
                Verdict::OtherEra if exchange.head_after > self.gate_ms() => {
                    self.unknown(id, exchange.generation, error, now);
                }
                Verdict::OtherEra if self.other_era(id, exchange, &error, now) => {}
                Verdict::OtherEra => {
                    let text = "The server no longer speaks the negotiated protocol version. Connect again.";
                    error.code = Code::UnsupportedVersion;
                    error.outcome = Outcome::NotExecuted;
                    error.message = text.to_owned();
                    self.settle(id, Err(error));
                }
                Verdict::NotEviction if exchange.session.is_none() && asks_for_session(&refusal) => {
                    self.emit(Event::Warning {
                        kind: HIDDEN_SESSION_ID.kind,
                        header: HIDDEN_SESSION_ID.header,
                        hint: HIDDEN_SESSION_ID.hint,
                    });
                    let error = Error::boxed(Code::Cors, Outcome::NotExecuted, HIDDEN_SESSION_ID.hint);
                    let error = error.with_status(refusal.status).with_diagnosis(HIDDEN_SESSION_ID);
                    self.settle(id, Err(error));
                }
                // "If it does not know ping": an answer all the same.
                Verdict::NotEviction if verifies && refusal.rpc_code.is_some() => {
                    self.proven(exchange.generation, now);
                    self.settle(id, Ok(P::empty()));
                }
                Verdict::NotEviction if self.relist(id, exchange, &error, now) => {}
                Verdict::NotEviction => {
                    if error.rpc_code == Some(INVALID_PARAMS) {
                        self.cursor_refused(id);
                    }
                    self.interest_refused(id, now);
                    if (200..300).contains(&refusal.status) {
                        self.proven(exchange.generation, now);
                    }
                    self.settle(id, Err(error));
                }
            },
        }
    }

    fn call_succeeded(&mut self, id: CallId, exchange: &Exchange, result: P, now: Now) {
        let Some(call) = self.calls.get(&id) else { return };
        let verifies = call.kind == Kind::Verify;
        let method = exchange.rpc_method.clone().unwrap_or_default();
        if call.task.is_some() {
            return self.task_answered(id, exchange.era, &method, &result, now);
        }
        let result_type = match exchange.era {
            Era::Modern if !self.is_hosts_own(exchange.era) => ResultType::of(&result),
            Era::Legacy | Era::Modern => ResultType::Complete,
        };
        match result_type {
            ResultType::Complete => {}
            ResultType::InputRequired => return self.input_required(id, &result, now),
            ResultType::Task if method == "tools/call" && self.became_task(id, Era::Modern, &result, now) => return,
            // "Unrecognized resultType: an invalid response" (2026-07-28, basic, ResultType).
            ResultType::Task | ResultType::Unknown => {
                let text = "The server answered with a `resultType` that is none of this request's.";
                return self.settle(id, Err(Error::boxed(Code::Protocol, Outcome::Unknown, text)));
            }
        }
        let result = match method.as_str() {
            "tools/list" => {
                let result = self.learn_tools(exchange, result);
                self.saw_tools(id, &result);
                result
            }
            "resources/list" | "resources/templates/list" => {
                self.saw_list("resources");
                result
            }
            "prompts/list" => {
                self.saw_list("prompts");
                result
            }
            "resources/subscribe" | "resources/unsubscribe" => {
                self.listen(now);
                result
            }
            "tools/call" if exchange.era == Era::Legacy && self.became_task(id, Era::Legacy, &result, now) => return,
            _ => result,
        };
        self.interest_accepted(id, exchange.generation, now);
        // What an older session was told may have changed since.
        let current = self.relation(exchange.generation) == Relation::Current;
        if current && exchange.era == Era::Modern && !self.is_hosts_own(exchange.era) {
            self.keep(id, &result, now);
        }
        self.settle(id, Ok(if verifies { P::empty() } else { result }));
    }

    /// The server does not speak the version that the call was sent in. Says whether that is mended.
    fn other_era(&mut self, id: CallId, exchange: &Exchange, error: &Error<P>, now: Now) -> bool {
        let own = matches!(self.config.handshake, Handshake::Own { .. });
        if !own || self.config.era != EraChoice::Auto {
            return false;
        }
        match exchange.era {
            // "retry even when `supported` contains the version just sent"; once.
            Era::Modern if supported(error) == Common::Modern => {
                let again = self.spend(id, Repair::Envelope);
                if again {
                    self.dispatch(id, now);
                }
                again
            }
            Era::Modern => {
                self.suspected(id, exchange, Box::new(error.clone()), true, now);
                true
            }
            Era::Legacy => {
                self.past.legacy_since = None;
                self.evicted(id, exchange, now);
                true
            }
        }
    }

    /// The gate refused it: a new session, then once more.
    fn evicted(&mut self, id: CallId, exchange: &Exchange, now: Now) {
        let again = self.may_resend_refused(id) && self.spend(id, Repair::Session);
        if !again {
            self.refused_for_good(id);
        }
        self.session_refused(exchange.generation, again, now);
        if again {
            self.dispatch(id, now);
        }
    }

    /// A call that was refused before it was dispatched may be sent again.
    pub(super) fn may_resend_refused(&self, id: CallId) -> bool {
        let safe = self.calls.get(&id).is_some_and(|call| call.safe);
        match self.config.recovery.mode {
            Mode::Default => true,
            Mode::Strict => safe,
            Mode::Off => false,
        }
    }

    /// Settles a call that its session refused and that is not sent again.
    pub(super) fn refused_for_good(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let message = if call.kind == Kind::Notification {
            "The server refused the session. A notification is not sent again under a new one: it may speak of the old \
             session's requests."
        } else if call.was_repaired(Repair::Session) {
            "The server refused the session, and refused the new session too. The call was not sent a third time. If \
             several servers answer at this address, they must share sessions or keep each client on one of them."
        } else if call.has_sends_left() {
            "The server refused the session. `recovery.mode` does not allow to send this call again."
        } else {
            "The server refused the session. The call was sent three times, and is not sent again."
        };
        let error = Error::boxed(Code::SessionLost, call.outcome(), message).retryable();
        self.settle(id, Err(error));
    }

    /// It sounds like the gate. A ping under the same session tells.
    fn suspected(&mut self, id: CallId, exchange: &Exchange, error: Box<Error<P>>, gate: bool, now: Now) {
        match self.relation(exchange.generation) {
            Relation::Current => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.place = Place::InQuestion;
                }
                self.check(Some((id, IfAlive::Settle(error))), now);
            }
            // The session cannot be asked any more; but this is how its gate refuses.
            Relation::Gone if gate => self.evicted(id, exchange, now),
            Relation::Gone | Relation::Doubted => self.unknown(id, exchange.generation, error, now),
        }
    }

    /// The call may have run: sent again only if a second run does no harm.
    pub(super) fn unknown(&mut self, id: CallId, generation: u32, error: Box<Error<P>>, now: Now) {
        let again = self.may_resend_unknown(id, Repair::Connection);
        if !again {
            let what = match error.http_status.filter(|status| !(200..300).contains(status)) {
                Some(status) => format!("The server failed with HTTP {status} while the call may have been running."),
                None => error.message.clone(),
            };
            self.settle_unknown(id, &what, error);
        }
        match self.relation(generation) {
            Relation::Current => self.check(again.then_some((id, IfAlive::Resend)), now),
            Relation::Gone | Relation::Doubted if again => self.dispatch(id, now),
            Relation::Gone | Relation::Doubted => {}
        }
    }

    /// As [`Self::unknown`], and the session is gone: the refusal came later than a gate refuses.
    fn unknown_and_gone(&mut self, id: CallId, generation: u32, error: Box<Error<P>>, now: Now) {
        let again = self.may_resend_unknown(id, Repair::Session);
        if !again {
            self.settle_unknown(id, REFUSED_LATE, error);
        }
        self.session_refused(generation, again, now);
        if again {
            self.dispatch(id, now);
        }
    }

    fn may_resend_unknown(&mut self, id: CallId, repair: Repair) -> bool {
        let Some(call) = self.calls.get_mut(&id) else { return false };
        call.place = Place::Here;
        call.maybe_ran = true;
        call.safe && self.config.recovery.mode != Mode::Off && call.spend(repair)
    }

    pub(super) fn settle_unknown(&mut self, id: CallId, what: &str, mut error: Box<Error<P>>) {
        let again = self.calls.get(&id).is_some_and(|call| call.sends > 1);
        let why = if again { "It was sent again once." } else { "It was not sent again, because it may have run." };
        if error.code != Code::Network {
            error.code = Code::OutcomeUnknown;
        }
        error.message = format!("{what} {why}");
        error.outcome = Outcome::Unknown;
        self.settle(id, Err(error));
    }

    /// The server is busy: the session may live. `gate`: it refused before it dispatched.
    fn busy(&mut self, id: CallId, mut error: Box<Error<P>>, gate: bool, floor_ms: u64, now: Now) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.maybe_ran |= !gate;
        let (safe, outcome) = (call.safe, call.outcome());
        let may = match self.config.recovery.mode {
            Mode::Default => safe || gate,
            Mode::Strict => safe,
            Mode::Off => false,
        };
        let wait = backoff::delay(1, &self.config.recovery, floor_ms, &mut self.rng);
        let until = now.mono.saturating_add(wait);
        let in_time = self.timers.at(Timer::Call(id)).is_some_and(|deadline| until < deadline);
        if may && in_time && self.spend(id, Repair::Busy) {
            self.timers.set(Timer::Resend(id), until);
        } else {
            error.outcome = outcome;
            self.settle(id, Err(error.retryable()));
        }
    }

    pub(super) fn notification_answered(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Here;
        }
        match answer {
            Answer::Result(_) | Answer::Accepted | Answer::Unusable { .. } => {
                self.proven(exchange.generation, now);
                self.settle(id, Ok(P::empty()));
            }
            Answer::Lost { error } => self.unknown(id, exchange.generation, error, now),
            Answer::Refused { error, .. } => {
                // What a dead session refused is not replayed: it may speak of that session's requests.
                if verdict.session_gone() {
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.maybe_ran |= verdict != Verdict::Evicted;
                    }
                    self.refused_for_good(id);
                    self.session_refused(exchange.generation, false, now);
                } else {
                    self.settle(id, Err(error));
                }
            }
        }
    }

    /// A `cancelled` or an answer of the host's: nobody waits for what becomes of it.
    pub(super) fn aside_answered(&mut self, exchange: &Exchange, verdict: Verdict, now: Now) {
        if verdict.session_gone() {
            self.session_refused(exchange.generation, false, now);
        }
    }
}
