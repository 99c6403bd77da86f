//! What the server asks: requests on any stream, answered by a POST under the session that asked, or not at all.

use super::bounds;
use super::config::Handshake;
use super::era::legacy;
use super::error::Diagnosis;
use super::json::Json;
use super::json_rpc::{self, Id};
use super::list::Gather;
use super::repair::Relation;
use super::send::{outgoing, posted};
use super::session::Session;
use super::sorted::Set;
use super::state::SessionId;
use super::status::Event;
use super::time::Timer;
use super::{CallId, ExchangeId, Field, Now, Output, Payload, Purpose, QuestionId};

/// An answer that the server does not take in this time is given up.
const ANSWER_MS: u64 = 30_000;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const INTERNAL_ERROR: i64 = -32603;
const TOO_MANY: &str = "Too many requests of this server's wait for an answer";
const FLOOD: Diagnosis = Diagnosis {
    kind: "flood",
    header: None,
    hint: "The server asks more than this client can answer: some of its requests are left without an answer.",
};

/// Answers that wait until others have been taken, by the generation of their session.
#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: Vec<(String, u32)>,
    /// Some were left out.
    is_flooded: bool,
    /// Questions that were withdrawn, and what the host does for them has not ended.
    pub withdrawn: Set<QuestionId>,
}

/// A request of the server's that the host has not answered.
#[derive(Debug)]
pub(super) struct Question {
    pub to: To,
    pub generation: u32,
    /// The call on whose behalf it is asked.
    pub call: Option<CallId>,
}

impl Question {
    fn is(&self, generation: u32, asked: &Id) -> bool {
        self.generation == generation && matches!(&self.to, To::Request { id } if id == asked)
    }
}

/// Where the answer goes.
#[derive(Debug)]
pub(super) enum To {
    /// To the server, in response to its request.
    Request { id: Id },
    /// With the call, once more.
    Input { key: String },
}

impl<P: Payload> Session<P> {
    /// From now on requests of the server's with this method are asked of the host; others get -32601.
    pub fn set_handled(&mut self, method: String) {
        self.handled.insert(method);
    }

    pub(super) fn asked(&mut self, id: Id, method: String, params: Option<P>, on: Purpose, generation: u32, now: Now) {
        // A host's own Client answers everything itself.
        let host = matches!(self.config.handshake, Handshake::Host);
        if !host && method == legacy::PING {
            return self.post_answer(&id, &Ok("{}".to_owned()), generation, now);
        }
        if on != Purpose::Listen || !self.offer(&id, &method, params.as_ref(), now) {
            self.asked_here(id, method, params, on, generation, now);
        }
    }

    pub(super) fn asked_here(
        &mut self,
        id: Id,
        method: String,
        params: Option<P>,
        on: Purpose,
        generation: u32,
        now: Now,
    ) {
        let host = matches!(self.config.handshake, Handshake::Host);
        if !host && !self.handled.contains(&method) {
            let refusal = Err((METHOD_NOT_FOUND, "Method not found".to_owned()));
            return self.post_answer(&id, &refusal, generation, now);
        }
        // Under one session an id is used once (2025-11-25, Basic, Requests): on a stream that was resumed it is the same
        // question, which the server was not sure to have asked.
        if self.questions.values().any(|question| question.is(generation, &id)) {
            return;
        }
        if let Some(why) = self.why_refused(&method, params.as_ref()) {
            return self.post_answer(&id, &Err((INVALID_PARAMS, why.to_owned())), generation, now);
        }
        if self.questions.len() + self.answers.withdrawn.len() >= bounds::QUESTIONS {
            return self.post_answer(&id, &Err((INTERNAL_ERROR, TOO_MANY.to_owned())), generation, now);
        }
        let call = on.call().or_else(|| self.only_call_under(generation));
        let question = QuestionId(self.fresh_id());
        self.questions.insert(question, Question { to: To::Request { id }, generation, call });
        self.stop_clock(call, now);
        self.output(Output::Ask { question, method, params, call, generation });
    }

    /// Whether the app answers requests of the server's.
    pub(super) fn answers_questions(&self) -> bool {
        match &self.config.handshake {
            Handshake::Own { .. } => self.handled.first().is_some(),
            // A host's own Client declares what it answers.
            Handshake::Host => {
                let params = Json::parse(self.host_params.text.as_deref().unwrap_or_default()).unwrap_or_default();
                let declares = |name: &str| params.get("capabilities").is_some_and(|all| all.get(name).is_some());
                ["sampling", "elicitation", "roots"].into_iter().any(declares)
            }
        }
    }

    /// A question on the standing stream belongs to the call that is under way, if there is but one.
    fn only_call_under(&self, generation: u32) -> Option<CallId> {
        let mut calls =
            self.exchanges.values().filter(|exchange| exchange.generation == generation && !exchange.concluded);
        let mut calls = calls.by_ref().filter_map(|exchange| exchange.purpose.call());
        let only = calls.next();
        only.filter(|_| calls.next().is_none())
    }

    /// A call was given up, and with it what was asked on its behalf.
    pub(super) fn withdraw_asked_for(&mut self, call: CallId, now: Now) {
        let asked = self.questions.iter().filter(|(_, question)| question.call == Some(call));
        for question in asked.map(|(name, _)| *name).gather() {
            self.withdraw_one(question, now);
        }
    }

    /// Answers a question: a `result` as JSON text, or a JSON-RPC error. Dropped where the question was withdrawn: that is
    /// told all the same, once what the host did for it has ended.
    pub fn answer(&mut self, question: QuestionId, answer: Result<String, (i64, String)>, now: Now) {
        self.answers.withdrawn.remove(&question);
        let Some(question) = self.questions.remove(&question) else { return };
        self.start_clock(question.call, now);
        match (question.to, question.call) {
            (To::Request { id }, _) => self.post_answer(&id, &answer, question.generation, now),
            (To::Input { key }, Some(call)) => self.input_given(call, &key, answer, now),
            (To::Input { .. }, None) => {}
        }
    }

    /// The clock of a call stands still while the user is asked on its behalf; its bound over everything does not.
    pub(super) fn stop_clock(&mut self, call: Option<CallId>, now: Now) {
        let Some((id, call)) = call.and_then(|id| Some((id, self.calls.get_mut(&id)?))) else { return };
        let Some(at) = self.timers.at(Timer::Call(id)).filter(|_| call.paused.is_none()) else { return };
        call.paused = Some(at.saturating_sub(now.mono));
        match call.total_deadline(self.config.max_total_timeout_ms) {
            Some(total) => self.timers.set(Timer::Call(id), total),
            None => self.timers.clear(Timer::Call(id)),
        }
    }

    pub(super) fn start_clock(&mut self, call: Option<CallId>, now: Now) {
        let asked = |id: &CallId| self.questions.values().any(|question| question.call == Some(*id));
        let Some(id) = call.filter(|id| !asked(id) && !self.waits_for_user(*id)) else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(left) = call.paused.take() else { return };
        let total = call.total_deadline(self.config.max_total_timeout_ms).unwrap_or(u64::MAX);
        self.timers.set(Timer::Call(id), now.mono.saturating_add(left).min(total));
    }

    /// Answers the server, as soon as no more than [`bounds::ANSWERS`] are under way.
    fn post_answer(&mut self, id: &Id, answer: &Result<String, (i64, String)>, generation: u32, now: Now) {
        // Servers count their ids from 0 in each session: an answer to the old question 0 must not reach the new one.
        if self.relation(generation) == Relation::Gone {
            return;
        }
        if self.answers_under_way() < bounds::ANSWERS {
            return self.put_answer(json_rpc::response(id, answer), now);
        }
        if self.answers.waiting.len() < bounds::ANSWERS_WAITING {
            return self.answers.waiting.push((json_rpc::response(id, answer), generation));
        }
        if !std::mem::replace(&mut self.answers.is_flooded, true) {
            self.emit(Event::Warning { kind: FLOOD.kind, header: FLOOD.header, hint: FLOOD.hint });
        }
    }

    /// On the wire, or waiting for a token.
    fn answers_under_way(&self) -> usize {
        let sent = self.exchanges.values().filter(|exchange| exchange.purpose == Purpose::Answer).count();
        sent + self.authorization.held_for(Purpose::Answer)
    }

    fn put_answer(&mut self, body: String, now: Now) {
        let Some(session) = self.state.known() else { return };
        let mut exchange = outgoing(Purpose::Answer, Some(session), now);
        exchange.timeout_ms = Some(ANSWER_MS);
        self.send(posted(exchange, (legacy::post_headers(Some(session)), body)), now);
    }

    /// Answers that waited for others.
    pub(super) fn post_waiting(&mut self, now: Now) {
        while !self.answers.waiting.is_empty() && self.answers_under_way() < bounds::ANSWERS {
            let (body, generation) = self.answers.waiting.remove(0);
            if self.relation(generation) != Relation::Gone {
                self.put_answer(body, now);
            }
        }
    }

    /// A request on the stream of `initialize`, whose session is not made yet: only a ping may come there (2025-11-25,
    /// lifecycle, Initialization), and the session's id has come with the head.
    pub(super) fn asked_early(&mut self, on: ExchangeId, id: &Id, method: &str, now: Now) {
        let under_way = self.answers_under_way();
        let Some(on) = self.exchanges.get(&on) else { return };
        let made_for = on.owner;
        let Some(head) = on.head.as_ref().filter(|_| under_way < bounds::ANSWERS) else { return };
        let answer = match method {
            legacy::PING => Ok("{}".to_owned()),
            _ => Err((METHOD_NOT_FOUND, "Method not found".to_owned())),
        };
        let mut exchange = outgoing::<P>(Purpose::Answer, None, now);
        exchange.session = head.session_id.as_deref().and_then(SessionId::parse);
        exchange.made_for = made_for;
        exchange.timeout_ms = Some(ANSWER_MS);
        let mut headers = legacy::post_headers::<P>(None);
        headers.extend(exchange.session.as_ref().map(|id| ("mcp-session-id".to_owned(), id.expose().to_owned())));
        self.send(posted(exchange, (headers, json_rpc::response(id, &answer))), now);
    }

    /// "notifications/cancelled": the server does not want the answer any more.
    pub(super) fn question_cancelled(&mut self, generation: u32, params: &P, now: Now) {
        let Some(id) = params.field(Field::RequestId).and_then(|id| Id::read(&id)) else { return };
        let mut questions = self.questions.iter();
        let question = questions.find(|(_, question)| question.is(generation, &id));
        if let Some(question) = question.map(|(name, _)| *name) {
            self.withdraw_one(question, now);
        }
    }

    /// The session of this generation is gone, and its questions with it.
    pub(super) fn withdraw(&mut self, generation: u32, now: Now) {
        let gone = self.questions.iter().filter(|(_, question)| question.generation == generation);
        let gone = gone.map(|(name, question)| (*name, question.call)).gather();
        for (question, call) in gone {
            let Some(asked) = self.questions.get(&question) else { continue };
            match (&asked.to, call) {
                (To::Input { .. }, Some(call)) => self.inputs_lost(call, generation, now),
                (To::Input { .. }, None) | (To::Request { .. }, _) => self.withdraw_one(question, now),
            }
        }
    }

    pub(super) fn withdraw_one(&mut self, question: QuestionId, now: Now) {
        if let Some(gone) = self.questions.remove(&question) {
            self.start_clock(gone.call, now);
            self.is_withdrawn(question);
        }
    }

    pub(super) fn is_withdrawn(&mut self, question: QuestionId) {
        // A host's own Client answers for itself.
        if matches!(self.config.handshake, Handshake::Own { .. }) {
            self.answers.withdrawn.insert(question);
        }
        self.output(Output::Withdraw { question });
    }
}
