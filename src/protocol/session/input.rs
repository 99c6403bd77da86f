//! Calls that need input before they can be completed: the server answers `input_required`, the host is asked, and the
//! call is sent once more with what it answered (2026-07-28, patterns, Multi Round-Trip Requests).

use super::Session;
use crate::protocol::calls::{Place, Repair};
use crate::protocol::codec::json_rpc;
use crate::protocol::policy::backoff;
use crate::protocol::policy::retry::{End, Next};
use crate::protocol::questions::{Question, Round, To, asked_too_often, why_refused};
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, Field, Now, Outcome, Output, Payload, QuestionId, bounds};

const REPLACED: &str = "The server was replaced while it waited for input.";

const STILL_BUSY: &str = "The server needs input, and too many handlers still run for questions that were taken back: see the \
                          `signal` that handlers are given.";
const NO_INPUT: &str = "there is no input for it";

impl<P: Payload> Session<P> {
    /// The server answered a call with `input_required`.
    pub(in crate::protocol) fn input_required(&mut self, id: CallId, result: &P, now: Now) {
        let rounds = self.calls.asked_for_input(id);
        let Some(call) = self.calls.get(id) else { return };
        let bad = |text: &str| Error::boxed(Code::Protocol, Outcome::Unknown, text);
        let error = if call.options().manual_input {
            return self.settle(id, Ok(result.clone()));
        } else if !matches!(call.method(), "tools/call" | "prompts/get" | "resources/read") {
            Some(bad("The server asked for input on a request that cannot have any."))
        } else if rounds > self.config.max_input_rounds {
            Some(asked_too_often())
        } else {
            None
        };
        self.calls.was_delivered(id, true);
        let asked = result.field(Field::InputRequests);
        let requests = asked.as_ref().and_then(|requests| requests.entries(bounds::QUESTIONS));
        let state = result.field(Field::RequestState);
        let error = error.or(match (&requests, &state) {
            (None, _) if asked.is_some_and(|asked| asked.is_object()) => {
                Some(bounds::too_many("inputs", bounds::QUESTIONS))
            }
            (None, None) => Some(bad("The server asked for input and named none, and gave no state.")),
            (_, Some(state)) if state.as_string().is_none() => Some(bad("The server's `requestState` is no string.")),
            _ => None,
        });
        if let Some(error) = error {
            return self.settle(id, Err(error));
        }
        let state = state.and_then(|state| state.to_json());
        let requests = requests.unwrap_or_default();
        let keys = requests.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        self.calls.begin_round(id, Round::asking(&keys, state));
        if requests.is_empty() {
            // "MAY retry immediately"; a server that sheds load would be asked again and again.
            let wait = backoff::delay(rounds, &self.config.recovery, 0, &mut self.rng);
            return self.effects.set_timer(Timer::Resend(id), now.mono.saturating_add(wait));
        }
        self.ask_for_inputs(id, requests, now);
    }

    /// Asks the host for each of these; nothing is asked if one of them cannot be answered.
    pub(in crate::protocol) fn ask_for_inputs(&mut self, id: CallId, requests: Vec<(String, P)>, now: Now) {
        if self.questions.is_busy_in_vain() {
            return self.give_up_call(id, Error::boxed(Code::Input, Outcome::Unknown, STILL_BUSY), NO_INPUT, now);
        }
        let mut asked = Vec::new();
        for (key, request) in requests {
            let method = request.text(Field::Method).unwrap_or_default();
            let params = request.field(Field::Params);
            let undeclared = !self.questions.handles(&method)
                || why_refused(&method, params.as_ref(), self.own_capabilities()).is_some();
            if undeclared {
                let text = "The server needs input that this client did not declare it can give: see `handlers`.";
                let error = Error::boxed(Code::Input, Outcome::Unknown, text);
                // A task would wait for it for ever.
                return self.give_up_call(id, error, NO_INPUT, now);
            }
            asked.push((key, method, params));
        }
        self.calls.asks(id);
        let generation = self.lifecycle.known().map_or(0, |session| session.generation());
        for (key, method, params) in asked {
            let question = QuestionId(self.effects.fresh_id());
            self.questions.ask(question, Question { to: To::Input { key }, generation, call: Some(id), token: None });
            self.output(Output::Ask { question, method, params, call: Some(id), generation });
        }
        self.stop_clock(Some(id), now);
    }

    /// The host has answered one of them.
    pub(in crate::protocol) fn input_given(
        &mut self,
        id: CallId,
        key: &str,
        answer: Result<String, json_rpc::ErrorObject>,
        now: Now,
    ) {
        let Some(round) = self.calls.round(id) else { return };
        let Ok(input) = answer else {
            let text = "The server needs input, and the handler that was asked for it failed.";
            let error = Error::boxed(Code::Input, Outcome::Unknown, text);
            return self.give_up_call(id, error, NO_INPUT, now);
        };
        round.give(key, input);
        if round.is_complete() {
            self.calls.put_back(id);
            self.dispatch(id, now);
        }
    }

    /// A call is over: what was asked on its behalf is not wanted any more.
    pub(in crate::protocol) fn withdraw_inputs(&mut self, id: CallId) {
        for question in self.questions.inputs_of(id) {
            self.take_back_question(question);
        }
    }

    /// The server that asked is another one now: what it was told and what it remembers are void.
    pub(in crate::protocol) fn inputs_lost(&mut self, id: CallId, generation: u32, now: Now) {
        self.withdraw_inputs(id);
        if !self.calls.get(id).is_some_and(|call| matches!(call.place(), Place::Asking)) {
            return;
        }
        self.calls.void_inputs(id);
        self.start_clock(Some(id), now);
        self.lost(id, generation, Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, REPLACED), now);
    }

    /// The server is of the legacy era now, and knows nothing of what it asked: the call begins anew, or fails.
    pub(in crate::protocol) fn round_lost(&mut self, id: CallId, now: Now) {
        self.calls.end_round(id);
        self.calls.note_may_have_run(id, true);
        if self.next(id, Repair::Session, End::Lost) == Next::SendAgain {
            self.dispatch(id, now);
        } else {
            self.settle_unknown(id, REPLACED, Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, REPLACED));
        }
    }
}
