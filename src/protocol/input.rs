//! Calls that need input before they can be completed: the server answers `input_required`, the host is asked, and the
//! call is sent once more with what it answered (2026-07-28, patterns, Multi Round-Trip Requests).

use super::bounds;
use super::call::{Place, Repair};
use super::policy::retry::{End, Next};
use super::question::{Question, To};
use super::session::Session;
use super::time::Timer;
use super::{CallId, Code, Error, Field, Now, Outcome, Output, Payload, QuestionId, backoff, json_rpc};

const REPLACED: &str = "The server was replaced while it waited for input.";

const STILL_BUSY: &str = "The server needs input, and too many handlers still run for questions that were taken back: see the \
                          `signal` that handlers are given.";
const NO_INPUT: &str = "there is no input for it";

/// What the server asked for, and what was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// JSON texts by the server's keys, which are JSON texts, too; `None` until the host has answered.
    inputs: Vec<(String, Option<String>)>,
    /// As JSON text: "The client MUST echo the exact string" (Multi Round-Trip Requests, Client 2), which need not be
    /// one of Unicode's.
    state: Option<String>,
}

impl Round {
    /// Nothing is answered yet.
    pub fn asking(keys: &[String]) -> Self {
        Self { inputs: keys.iter().map(|key| (key.clone(), None)).collect(), state: None }
    }

    /// For the params of the next send: members of a JSON object, without the braces.
    pub fn members(&self) -> String {
        let given = |(key, input): &(String, Option<String>)| Some(format!("{key}:{}", input.as_ref()?));
        let inputs = self.inputs.iter().filter_map(given).collect::<Vec<_>>().join(",");
        let inputs = if inputs.is_empty() { inputs } else { format!("\"inputResponses\":{{{inputs}}}") };
        let state = self.state.as_ref().map(|state| json_rpc::member("requestState", state));
        json_rpc::join(&inputs, &state.unwrap_or_default())
    }

    fn give(&mut self, key: &str, input: String) {
        if let Some((_, given)) = self.inputs.iter_mut().find(|(asked, _)| asked == key) {
            *given = Some(input);
        }
    }

    fn is_complete(&self) -> bool {
        self.inputs.iter().all(|(_, input)| input.is_some())
    }
}

pub(super) fn asked_too_often<P>() -> Box<Error<P>> {
    let text = "The server asked for input again and again. `maxInputRounds` bounds how often it may.";
    Error::boxed(Code::Protocol, Outcome::Unknown, text)
}

impl<P: Payload> Session<P> {
    /// The server answered a call with `input_required`.
    pub(super) fn input_required(&mut self, id: CallId, result: &P, now: Now) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let bad = |text: &str| Error::boxed(Code::Protocol, Outcome::Unknown, text);
        let error = if call.options.manual_input {
            return self.settle(id, Ok(result.clone()));
        } else if !matches!(call.method.as_str(), "tools/call" | "prompts/get" | "resources/read") {
            Some(bad("The server asked for input on a request that cannot have any."))
        } else if call.rounds >= self.config.max_input_rounds {
            Some(asked_too_often())
        } else {
            None
        };
        call.rounds += 1;
        call.delivered = true;
        let rounds = call.rounds;
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
        let keys: Vec<_> = requests.iter().map(|(key, _)| key.clone()).collect();
        if let Some(call) = self.calls.get_mut(&id) {
            call.round = Some(Round { state, ..Round::asking(&keys) });
            call.next_request();
        }
        if requests.is_empty() {
            // "MAY retry immediately"; a server that sheds load would be asked again and again.
            let wait = backoff::delay(rounds, &self.config.recovery, 0, &mut self.rng);
            return self.timers.set(Timer::Resend(id), now.mono.saturating_add(wait));
        }
        self.ask_for_inputs(id, requests, now);
    }

    /// Asks the host for each of these; nothing is asked if one of them cannot be answered.
    pub(super) fn ask_for_inputs(&mut self, id: CallId, requests: Vec<(String, P)>, now: Now) {
        if self.answers.withdrawn.len() >= bounds::QUESTIONS {
            return self.give_up_call(id, Error::boxed(Code::Input, Outcome::Unknown, STILL_BUSY), NO_INPUT, now);
        }
        let mut asked = Vec::new();
        for (key, request) in requests {
            let method = request.field(Field::Method).and_then(|method| method.as_string()).unwrap_or_default();
            let params = request.field(Field::Params);
            let undeclared = !self.handled.contains(&method) || self.why_refused(&method, params.as_ref()).is_some();
            if undeclared {
                let text = "The server needs input that this client did not declare it can give: see `handlers`.";
                let error = Error::boxed(Code::Input, Outcome::Unknown, text);
                // A task would wait for it for ever.
                return self.give_up_call(id, error, NO_INPUT, now);
            }
            asked.push((key, method, params));
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Asking;
        }
        let generation = self.state.known().map_or(0, |session| session.generation);
        for (key, method, params) in asked {
            let question = QuestionId(self.fresh_id());
            self.questions.insert(question, Question { to: To::Input { key }, generation, call: Some(id) });
            self.output(Output::Ask { question, method, params, call: Some(id), generation });
        }
        self.stop_clock(Some(id), now);
    }

    /// The host has answered one of them.
    pub(super) fn input_given(&mut self, id: CallId, key: &str, answer: Result<String, (i64, String)>, now: Now) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let round = match &mut call.task {
            Some(task) => &mut task.round,
            None => call.round.get_or_insert_default(),
        };
        let Ok(input) = answer else {
            let text = "The server needs input, and the handler that was asked for it failed.";
            let error = Error::boxed(Code::Input, Outcome::Unknown, text);
            return self.give_up_call(id, error, NO_INPUT, now);
        };
        round.give(key, input);
        if round.is_complete() {
            call.place = Place::Here;
            self.dispatch(id, now);
        }
    }

    /// A call is over: what was asked on its behalf is not wanted any more.
    pub(super) fn withdraw_inputs(&mut self, id: CallId) {
        let open = self.questions.iter();
        let open = open.filter(|(_, question)| question.call == Some(id) && matches!(question.to, To::Input { .. }));
        for question in open.map(|(name, _)| *name).collect::<Vec<_>>() {
            self.questions.remove(&question);
            self.is_withdrawn(question);
        }
    }

    /// The server that asked is another one now: what it was told and what it remembers are void.
    pub(super) fn inputs_lost(&mut self, id: CallId, generation: u32, now: Now) {
        self.withdraw_inputs(id);
        let Some(call) = self.calls.get_mut(&id).filter(|call| matches!(call.place, Place::Asking)) else { return };
        call.round = None;
        self.start_clock(Some(id), now);
        self.lost(id, generation, Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, REPLACED), now);
    }

    /// The server is of the legacy era now, and knows nothing of what it asked: the call begins anew, or fails.
    pub(super) fn round_lost(&mut self, id: CallId, now: Now) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.round = None;
        if let Some(task) = &mut call.task {
            task.round = Round::default();
        }
        call.maybe_ran = true;
        if self.next(id, Repair::Session, End::Lost) == Next::SendAgain {
            self.dispatch(id, now);
        } else {
            self.settle_unknown(id, REPLACED, Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, REPLACED));
        }
    }
}
