//! What follows for a command from how its exchange was answered.

use super::Session;
use super::refused::session_refused_for_good;
use crate::protocol::calls::Kind;
use crate::protocol::codec::http::Method;
use crate::protocol::codec::shape::{shaped, too_long};
use crate::protocol::era::modern::ResultType;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::Relation;
use crate::protocol::policy::verdict::{Refusal, Verdict, asks_for_session};
use crate::protocol::status::Event;
use crate::protocol::{CallId, Code, Error, Now, Outcome, Payload, error::Diagnosis};

/// The server handed out a session id that the page cannot see (Fetch, CORS-safelisted response headers).
pub(in crate::protocol) const HIDDEN_SESSION_ID: Diagnosis = Diagnosis {
    kind: "hidden_session_id",
    header: Some("Mcp-Session-Id"),
    hint: "The server answered `initialize` without a session id that this page can read, and then asked for one. It \
           probably does not expose it: it must send `Access-Control-Expose-Headers: Mcp-Session-Id`.",
};

impl<P: Payload> Session<P> {
    pub(in crate::protocol) fn call_answered(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        if !self.calls.put_back(id) {
            return;
        }
        match answer {
            Answer::Result(result) => {
                self.proven(exchange.generation(), now);
                self.call_succeeded(id, exchange, result, now);
            }
            Answer::Lost { .. } if self.resume_later(id, exchange, None, now) => {}
            Answer::Lost { error } => self.broke_off(id, exchange.generation(), error, now),
            // A moment's refusal says nothing of the stream, which the server may keep.
            Answer::Refused { ref refusal, retry_after, .. }
                if exchange.method() == Method::Get
                    && matches!(verdict, Verdict::Transient | Verdict::NotEviction)
                    && matches!(refusal.status, 401 | 408 | 425 | 429 | 500..)
                    && self.resume_later(id, exchange, retry_after, now) => {}
            // The stream cannot be resumed, whatever the reason: the call itself was taken.
            Answer::Refused { error, .. }
                if exchange.method() == Method::Get && !(exchange.is_stream() && verdict == Verdict::NotEviction) =>
            {
                self.lost(id, exchange.generation(), error, now);
            }
            // The request that would have resumed the stream was not sent, or led elsewhere: that says nothing of the call.
            Answer::Unusable { error } if exchange.method() == Method::Get && exchange.head().is_none() => {
                if !self.resume_later(id, exchange, None, now) {
                    self.lost(id, exchange.generation(), error, now);
                }
            }
            Answer::Unusable { error } => self.settle(id, Err(error)),
            Answer::Accepted => {
                let text = "The server accepted the request with HTTP 202 and gave no answer.";
                self.settle(id, Err(Error::boxed(Code::Protocol, Outcome::Unknown, text).with_status(202)));
            }
            Answer::Refused { refusal, error, retry_after } => match verdict {
                Verdict::Evicted => self.refused_with_session(id, exchange, true, error, now),
                Verdict::UnknownOutcome { session_gone: true } => {
                    self.refused_with_session(id, exchange, false, error, now);
                }
                Verdict::UnknownOutcome { session_gone: false } => self.lost(id, exchange.generation(), error, now),
                Verdict::Suspect => self.suspected(id, exchange, &refusal, error, now),
                Verdict::Transient => self.busy(id, exchange, error, retry_after.unwrap_or_default(), now),
                Verdict::OtherEra => self.other_era(id, exchange, &refusal, error, now),
                Verdict::NotEviction => self.refused_for_itself(id, exchange, &refusal, error, now),
            },
        }
    }

    /// The refusal is none of the session's.
    fn refused_for_itself(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        refusal: &Refusal,
        error: Box<Error<P>>,
        now: Now,
    ) {
        let verifies = self.calls.get(id).is_some_and(|call| call.kind() == Kind::Verify);
        if exchange.session().is_none() && !refusal.own_id && asks_for_session(refusal) {
            let Diagnosis { kind, header, hint } = HIDDEN_SESSION_ID;
            self.emit(Event::Warning { kind, header, hint });
            let error = Error::boxed(Code::Cors, error.outcome, hint);
            let error = error.with_status(refusal.status).with_diagnosis(HIDDEN_SESSION_ID);
            self.settle(id, Err(error));
        } else if verifies && refusal.rpc_code.is_some() {
            // "If it does not know ping": an answer all the same.
            self.proven(exchange.generation(), now);
            self.settle(id, Ok(P::empty()));
        } else if !self.relist(id, exchange, &error, now) {
            if (200..300).contains(&refusal.status) {
                self.proven(exchange.generation(), now);
            }
            self.refusal_stands(id, error, now);
        }
    }

    fn call_succeeded(&mut self, id: CallId, exchange: &Exchange, result: P, now: Now) {
        let Some(call) = self.calls.get(id) else { return };
        let (verifies, is_first) = (call.kind() == Kind::Verify, !call.params().has_cursor);
        let method = exchange.rpc_method().map(str::to_owned).unwrap_or_default();
        if call.task().is_some() {
            return self.task_answered(id, exchange, &method, &result, now);
        }
        if let Some(error) = too_long(&method, &result) {
            return self.settle(id, Err(error));
        }
        let is_described = exchange.era().describes_results() && !self.is_hosts_own(exchange.era());
        let result_type = if is_described { ResultType::of(&result) } else { ResultType::Complete };
        match result_type {
            ResultType::Complete => {}
            ResultType::InputRequired => return self.input_required(id, &result, now),
            ResultType::Task if method == "tools/call" && self.became_task(id, exchange, &result, now) => return,
            // "Unrecognized resultType: an invalid response" (2026-07-28, basic, ResultType).
            ResultType::Task | ResultType::Unknown => {
                let text = "The server answered with a `resultType` that is none of this request's.";
                return self.settle(id, Err(Error::boxed(Code::Protocol, Outcome::Unknown, text)));
            }
        }
        if method == "tools/call" && !exchange.era().describes_results() && self.became_task(id, exchange, &result, now)
        {
            return;
        }
        let result = match self.shape(&method, result) {
            Ok(result) => result,
            Err(error) => return self.settle(id, Err(error)),
        };
        let result = match method.as_str() {
            "tools/list" => {
                let (result, page) = self.learn_tools(exchange, is_first, result);
                self.desired.saw_tools(page, is_first);
                result
            }
            "resources/list" | "resources/templates/list" => {
                self.desired.saw_list("resources");
                result
            }
            "prompts/list" => {
                self.desired.saw_list("prompts");
                result
            }
            "resources/subscribe" | "resources/unsubscribe" => {
                self.listen(now);
                result
            }
            _ => result,
        };
        self.state_request_accepted(id, exchange.generation(), now);
        // What an older session was told may have changed since.
        let current = self.lifecycle.relation(exchange.generation()) == Relation::Current;
        if current && is_described {
            self.keep(id, exchange, &result, now);
        }
        self.settle(id, Ok(if verifies { P::empty() } else { result }));
    }

    /// A host's own Client gets results as they came.
    pub(in crate::protocol) fn shape(&self, method: &str, result: P) -> Result<P, Box<Error<P>>> {
        if self.config.handshake.is_hosts() { Ok(result) } else { shaped(method, result) }
    }

    pub(in crate::protocol) fn notification_answered(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        self.calls.put_back(id);
        match answer {
            Answer::Result(_) | Answer::Accepted | Answer::Unusable { .. } => {
                self.proven(exchange.generation(), now);
                self.settle(id, Ok(P::empty()));
            }
            Answer::Lost { error } => self.broke_off(id, exchange.generation(), error, now),
            Answer::Refused { error, .. } => {
                // What a dead session refused is not replayed: it may speak of that session's requests.
                let error = match self.calls.get(id) {
                    Some(call) if verdict.session_gone() => {
                        let text = session_refused_for_good(call);
                        Error::boxed(Code::SessionLost, Outcome::Unknown, text).retryable()
                    }
                    Some(_) | None => error,
                };
                self.settle(id, Err(error));
                self.aside_answered(exchange, verdict, now);
            }
        }
    }

    /// A `cancelled` or an answer of the host's: nobody waits for what becomes of it.
    pub(in crate::protocol) fn aside_answered(&mut self, exchange: &Exchange, verdict: Verdict, now: Now) {
        if verdict.session_gone() {
            self.session_refused(exchange.generation(), false, now);
        } else if verdict == Verdict::Suspect
            && self.lifecycle.relation(exchange.generation()) == Relation::Current
            && !self.is_known_alive(now)
        {
            self.check(None, now);
        }
    }
}
