//! The server's requests: which are asked of the host, of another tab's, or answered at once, and when answers are sent.

use super::Session;
use super::send::posted;
use crate::protocol::codec::json::Members;
use crate::protocol::codec::json_rpc::{self, Id};
use crate::protocol::era::legacy;
use crate::protocol::error::Diagnosis;
use crate::protocol::exchanges::Exchange;
use crate::protocol::lifecycle::{Relation, SessionId};
use crate::protocol::questions::{Deferred, Question, To, why_refused};
use crate::protocol::status::Event;
use crate::protocol::{CallId, ExchangeId, Field, Now, Output, Params, Payload, Purpose, QuestionId, bounds};
use serde_json::value::RawValue;

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

/// What a call failed with that the server had asked something for.
pub(in crate::protocol) const NO_HANDLER: Diagnosis = Diagnosis {
    kind: "no_handler",
    header: None,
    hint: "The server wanted to ask something for this call, and there is no handler for it: give `handlers`, such as \
           `handlers[\"elicitation/create\"]`.",
};

/// A request of the server's, as it came.
pub(in crate::protocol) struct Asked<P> {
    pub id: Id,
    pub method: String,
    pub params: Option<P>,
    /// What the exchange was sent for on whose stream it came.
    pub on: Purpose,
    pub generation: u32,
}

impl<P: Payload> Session<P> {
    /// From now on requests of the server's with this method are asked of the host; others get -32601.
    pub fn set_handled(&mut self, method: String) {
        self.questions.handle(method);
    }

    /// The server asks.
    pub(in crate::protocol) fn asked(&mut self, asked: Asked<P>, now: Now) {
        // A host's own Client answers everything itself.
        let host = self.config.handshake.is_hosts();
        if !host && asked.method == legacy::PING {
            return self.post_answer(&asked.id, &Ok("{}".to_owned()), asked.generation, now);
        }
        if asked.on != Purpose::Listen || !self.offer(&asked.id, &asked.method, asked.params.as_ref(), now) {
            self.asked_here(asked, now);
        }
    }

    /// It is asked of this tab.
    pub(in crate::protocol) fn asked_here(&mut self, asked: Asked<P>, now: Now) {
        let Asked { id, method, params, on, generation } = asked;
        let host = self.config.handshake.is_hosts();
        // A question on the standing stream belongs to the call that is under way, if there is but one.
        let call = on.call().or_else(|| self.exchanges.only_call_under(generation));
        if !host && !self.questions.handles(&method) {
            self.calls.ask_in_vain(call);
            let refusal = Err((METHOD_NOT_FOUND, "Method not found").into());
            return self.post_answer(&id, &refusal, generation, now);
        }
        // Under one session an id is used once (2025-11-25, Basic, Requests): on a stream that was resumed it is the same
        // question, which the server was not sure to have asked.
        if self.questions.named(generation, &id).is_some() {
            return;
        }
        if let Some(why) = why_refused(&method, params.as_ref(), self.own_capabilities()) {
            return self.post_answer(&id, &Err((INVALID_PARAMS, why).into()), generation, now);
        }
        if self.questions.is_full() {
            return self.post_answer(&id, &Err((INTERNAL_ERROR, TOO_MANY).into()), generation, now);
        }
        let question = QuestionId(self.effects.fresh_id());
        let (params, token) = if host { own_token(question, params) } else { (params, None) };
        self.questions.ask(question, Question { to: To::Request { id }, generation, call, token });
        self.stop_clock(call, now);
        self.output(Output::Ask { question, method, params, call, generation });
    }

    /// Progress that a host's own Client tells with its answer to a question, with the server's token in place of ours;
    /// `None` where nobody waits for that any more.
    pub(in crate::protocol) fn progress_of_client(&self, params: &Params) -> Option<Params> {
        let mut told = Members::parse(params.text.as_deref()?)?;
        let token = self.questions.token(QuestionId(told.read(Field::ProgressToken.as_str())?))?;
        told.retain(|name| name != Field::ProgressToken.as_str());
        told.push(Field::ProgressToken.as_str(), &RawValue::from_string(token.to_json()).ok()?);
        Some(Params { text: Some(told.to_text()), ..params.clone() })
    }

    /// Whether the app answers requests of the server's.
    pub(in crate::protocol) fn answers_questions(&self) -> bool {
        if self.config.handshake.is_own() {
            return self.questions.handles_any();
        }
        // A host's own Client declares what it answers.
        self.client.answers_questions()
    }

    /// A call was given up, and with it what was asked on its behalf.
    pub(in crate::protocol) fn withdraw_asked_for(&mut self, call: CallId, now: Now) {
        for question in self.questions.of_call(call) {
            self.withdraw_one(question, now);
        }
    }

    /// Answers a question: a `result` as JSON text, or a JSON-RPC error. Dropped where the question was withdrawn: that is
    /// told all the same, once what the host did for it has ended.
    pub fn answer(&mut self, question: QuestionId, answer: Result<String, json_rpc::ErrorObject>, now: Now) {
        let Some(question) = self.questions.answered(question) else { return };
        self.start_clock(question.call, now);
        match (question.to, question.call) {
            (To::Request { id }, _) => self.post_answer(&id, &answer, question.generation, now),
            (To::Input { key }, Some(call)) => self.input_given(call, &key, answer, now),
            (To::Input { .. }, None) => {}
        }
    }

    /// Answers the server, as soon as no more than [`bounds::ANSWERS`] are under way.
    fn post_answer(&mut self, id: &Id, answer: &Result<String, json_rpc::ErrorObject>, generation: u32, now: Now) {
        // Servers count their ids from 0 in each session: an answer to the old question 0 must not reach the new one.
        if self.lifecycle.relation(generation) == Relation::Gone && !planted!("answer_to_another_session") {
            return;
        }
        if self.answers_under_way() < bounds::ANSWERS {
            return self.put_answer(json_rpc::response(id, answer), now);
        }
        let deferred = self.questions.defer(json_rpc::response(id, answer), generation);
        if deferred == (Deferred::LeftOut { is_first: true }) {
            self.emit(Event::Warning { kind: FLOOD.kind, header: FLOOD.header, hint: FLOOD.hint });
        }
    }

    /// On the wire, or waiting for a token.
    fn answers_under_way(&self) -> usize {
        self.exchanges.count(Purpose::Answer) + self.authorization.held_for(Purpose::Answer)
    }

    fn put_answer(&mut self, body: String, now: Now) {
        let Some(session) = self.lifecycle.known() else { return };
        let exchange = Exchange::outgoing(Purpose::Answer, Some(session), now).within(ANSWER_MS);
        self.send(posted(exchange, (legacy::post_headers(Some(session)), body)), now);
    }

    /// Answers that waited for others.
    pub(in crate::protocol) fn post_waiting(&mut self, now: Now) {
        while self.answers_under_way() < bounds::ANSWERS {
            let Some((body, generation)) = self.questions.next_deferred() else { return };
            if self.lifecycle.relation(generation) != Relation::Gone {
                self.put_answer(body, now);
            }
        }
    }

    /// A request on the stream of `initialize`, whose session is not made yet: only a ping may come there (2025-11-25,
    /// lifecycle, Initialization), and the session's id has come with the head.
    pub(in crate::protocol) fn asked_early(&mut self, on: ExchangeId, id: &Id, method: &str, now: Now) {
        let under_way = self.answers_under_way();
        let Some(on) = self.exchanges.get(on) else { return };
        let made_for = on.owner();
        let Some(head) = on.head().filter(|_| under_way < bounds::ANSWERS) else { return };
        let answer = match method {
            legacy::PING => Ok("{}".to_owned()),
            _ => Err((METHOD_NOT_FOUND, "Method not found").into()),
        };
        let session = head.session_id.as_deref().and_then(SessionId::parse);
        let exchange = Exchange::outgoing::<P>(Purpose::Answer, None, now).under(session, made_for).within(ANSWER_MS);
        let mut headers = legacy::post_headers::<P>(None);
        headers.extend(exchange.session().map(|id| ("mcp-session-id".to_owned(), id.expose().to_owned())));
        self.send(posted(exchange, (headers, json_rpc::response(id, &answer))), now);
    }

    /// "notifications/cancelled": the server does not want the answer any more.
    pub(in crate::protocol) fn question_cancelled(&mut self, generation: u32, params: &P, now: Now) {
        let Some(id) = Id::of(params, Field::RequestId) else { return };
        if let Some(question) = self.questions.named(generation, &id) {
            self.withdraw_one(question, now);
        }
    }

    /// The session of this generation is gone, and its questions with it.
    pub(in crate::protocol) fn withdraw(&mut self, generation: u32, now: Now) {
        for question in self.questions.of_session(generation) {
            // With one of them all inputs of a call are withdrawn.
            match self.questions.needed_by(question) {
                Some(call) => self.inputs_lost(call, generation, now),
                None => self.withdraw_one(question, now),
            }
        }
    }

    pub(in crate::protocol) fn withdraw_one(&mut self, question: QuestionId, now: Now) {
        if let Some(call) = self.take_back_question(question) {
            self.start_clock(call, now);
        }
    }

    /// The host is told. Returns the call that it was asked for.
    pub(super) fn take_back_question(&mut self, question: QuestionId) -> Option<Option<CallId>> {
        // A host's own Client answers for itself.
        let is_told = self.config.handshake.is_own();
        let taken = self.questions.withdraw(question, is_told)?;
        self.output(Output::Withdraw { question });
        Some(taken.call)
    }

    /// What this client declares, as JSON text; `None` where a host's own Client declares it.
    pub(super) fn own_capabilities(&self) -> Option<&str> {
        self.config.handshake.own().map(|(_, capabilities)| capabilities)
    }
}

/// A host's own Client is told a progress token that no other session's question has: the question's name.
fn own_token<P: Payload>(question: QuestionId, params: Option<P>) -> (Option<P>, Option<Id>) {
    let meta = params.as_ref().and_then(|params| params.field(Field::Meta));
    let token = meta.as_ref().and_then(|meta| Id::of(meta, Field::ProgressToken));
    let own = P::parse(&question.0.to_string()).filter(|_| token.is_some());
    match (params, meta, own) {
        (Some(params), Some(meta), Some(own)) => {
            (Some(params.with(Field::Meta, meta.with(Field::ProgressToken, own))), token)
        }
        (params, ..) => (params, None),
    }
}
