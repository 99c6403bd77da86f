//! What the server asks: requests on any stream, answered by a POST under the session that asked, or not at all.

use super::config::Handshake;
use super::era::legacy;
use super::json_rpc::{self, Id};
use super::repair::Relation;
use super::session::{Session, outgoing};
use super::{Field, Now, Output, Payload, Purpose, QuestionId};

/// An answer that the server does not take in this time is given up.
const ANSWER_MS: u64 = 30_000;
const METHOD_NOT_FOUND: i64 = -32601;

/// A request of the server's that the host has not answered.
#[derive(Debug)]
pub(super) struct Question {
    id: Id,
    generation: u32,
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
        if !host && !self.handled.contains(&method) {
            let refusal = Err((METHOD_NOT_FOUND, "Method not found".to_owned()));
            return self.post_answer(&id, &refusal, generation, now);
        }
        let question = QuestionId(self.fresh_id());
        self.questions.insert(question, Question { id, generation });
        self.output(Output::Ask { question, method, params, call: on.call(), generation });
    }

    /// Answers a question: a `result` as JSON text, or a JSON-RPC error. Dropped where the session that asked is gone.
    pub fn answer(&mut self, question: QuestionId, answer: Result<String, (i64, String)>, now: Now) {
        if let Some(question) = self.questions.remove(&question) {
            self.post_answer(&question.id, &answer, question.generation, now);
        }
    }

    fn post_answer(&mut self, id: &Id, answer: &Result<String, (i64, String)>, generation: u32, now: Now) {
        // Servers count their ids from 0 in each session: an answer to the old question 0 must not reach the new one.
        if self.relation(generation) == Relation::Gone {
            return;
        }
        let Some(session) = self.state.known() else { return };
        let exchange = outgoing(Purpose::Answer, Some(session), now);
        let headers = legacy::post_headers(Some(session));
        self.post(exchange, headers, json_rpc::response(id, answer), ANSWER_MS, now);
    }

    /// "notifications/cancelled": the server does not want the answer any more.
    pub(super) fn question_cancelled(&mut self, generation: u32, params: &P) {
        let Some(id) = params.field(Field::RequestId).and_then(|id| Id::read(&id)) else { return };
        let mut questions = self.questions.iter();
        let question = questions.find(|(_, question)| question.generation == generation && question.id == id);
        if let Some(question) = question.map(|(name, _)| *name) {
            self.withdraw_one(question);
        }
    }

    /// The session of this generation is gone, and its questions with it.
    pub(super) fn withdraw(&mut self, generation: u32) {
        let gone = self.questions.iter().filter(|(_, question)| question.generation == generation);
        let gone: Vec<_> = gone.map(|(name, _)| *name).collect();
        for question in gone {
            self.withdraw_one(question);
        }
    }

    pub(super) fn withdraw_one(&mut self, question: QuestionId) {
        if self.questions.remove(&question).is_some() {
            self.output(Output::Withdraw { question });
        }
    }
}
