//! What the server asks, under which session, and where the answer goes: requests on any stream, answered by a POST under the
//! session that asked, or not at all; and inputs that a call needs, answered by that call once more.

mod round;
mod trust;

pub(crate) use round::{Round, asked_too_often};
pub(crate) use trust::{why_refused, without_unsafe};

use super::bounds;
use super::codec::json_rpc::Id;
use super::{CallId, QuestionId};
use std::collections::VecDeque;

use litemap::LiteMap;

/// The server's requests and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    /// Methods that the host answers.
    handled: LiteMap<String, ()>,
    /// What the host has not answered.
    open: LiteMap<QuestionId, Question>,
    /// Questions that were withdrawn, and what the host does for them has not ended.
    withdrawn: LiteMap<QuestionId, ()>,
    /// Answers that wait until others have been taken, by the generation of their session.
    answers: VecDeque<(String, u32)>,
    /// Some were left out.
    is_flooded: bool,
}

/// A request of the server's that the host has not answered.
#[derive(Debug)]
pub(crate) struct Question {
    pub to: To,
    pub generation: u32,
    /// The call on whose behalf it is asked.
    pub call: Option<CallId>,
    /// The server's progress token, where a host's own Client was told the question's name in its place: servers count
    /// tokens from 0 in each session, as they do ids.
    pub token: Option<Id>,
}

/// Where the answer goes.
#[derive(Debug)]
pub(crate) enum To {
    /// To the server, in response to its request.
    Request { id: Id },
    /// With the call, once more.
    Input { key: String },
}

impl Question {
    fn is(&self, generation: u32, asked: &Id) -> bool {
        self.generation == generation && matches!(&self.to, To::Request { id } if id == asked)
    }

    fn is_input(&self) -> bool {
        matches!(self.to, To::Input { .. })
    }
}

/// What becomes of an answer that cannot be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deferred {
    Waits,
    /// Too many wait. `is_first`: that happens for the first time.
    LeftOut {
        is_first: bool,
    },
}

/// What the host answers.
impl Questions {
    /// From now on the host answers requests with this method.
    pub fn handle(&mut self, method: String) {
        self.handled.insert(method, ());
    }

    pub fn handles(&self, method: &str) -> bool {
        self.handled.contains_key(method)
    }

    pub fn handles_any(&self) -> bool {
        !self.handled.is_empty()
    }
}

/// From the question to its answer.
impl Questions {
    /// No more requests are asked of the host at a time.
    pub fn is_full(&self) -> bool {
        self.open.len() + self.withdrawn.len() >= bounds::QUESTIONS
    }

    /// The host is still busy with as many as it may be asked at a time.
    pub fn is_busy_in_vain(&self) -> bool {
        self.withdrawn.len() >= bounds::QUESTIONS
    }

    pub fn ask(&mut self, name: QuestionId, question: Question) {
        self.open.insert(name, question);
    }

    /// The host has answered, or what it did for a withdrawn question has ended: then there is none.
    pub fn answered(&mut self, name: QuestionId) -> Option<Question> {
        self.withdrawn.remove(&name);
        self.open.remove(&name)
    }

    /// Whether something is asked on behalf of this call.
    pub fn is_asked_for(&self, call: CallId) -> bool {
        self.open.values().any(|question| question.call == Some(call))
    }

    /// Takes a question back. Where `is_told`, the host tells when what it does for it has ended.
    pub fn withdraw(&mut self, name: QuestionId, is_told: bool) -> Option<Question> {
        let question = self.open.remove(&name)?;
        if is_told {
            self.withdrawn.insert(name, ());
        }
        Some(question)
    }

    pub fn all(&self) -> Vec<QuestionId> {
        self.those(|_| true)
    }

    /// What is asked on behalf of this call.
    pub fn of_call(&self, call: CallId) -> Vec<QuestionId> {
        self.those(|question| question.call == Some(call))
    }

    /// The inputs that this call needs.
    pub fn inputs_of(&self, call: CallId) -> Vec<QuestionId> {
        self.those(|question| question.call == Some(call) && question.is_input())
    }

    /// What the session of this generation has asked.
    pub fn of_session(&self, generation: u32) -> Vec<QuestionId> {
        self.those(|question| question.generation == generation)
    }

    /// The call that needs this input; `None` where it is none, or is not open.
    pub fn needed_by(&self, name: QuestionId) -> Option<CallId> {
        self.open.get(&name).filter(|question| question.is_input())?.call
    }

    /// The server's progress token of an open question.
    pub fn token(&self, name: QuestionId) -> Option<&Id> {
        self.open.get(&name)?.token.as_ref()
    }

    /// The request with this id.
    pub fn named(&self, generation: u32, id: &Id) -> Option<QuestionId> {
        self.open.iter().find(|(_, question)| question.is(generation, id)).map(|(name, _)| *name)
    }

    fn those(&self, are: impl Fn(&Question) -> bool) -> Vec<QuestionId> {
        self.open.iter().filter(|(_, question)| are(question)).map(|(name, _)| *name).collect()
    }
}

/// Answers that cannot be sent at once.
impl Questions {
    pub fn defer(&mut self, answer: String, generation: u32) -> Deferred {
        if self.answers.len() < bounds::ANSWERS_WAITING {
            self.answers.push_back((answer, generation));
            return Deferred::Waits;
        }
        Deferred::LeftOut { is_first: !std::mem::replace(&mut self.is_flooded, true) }
    }

    /// The next one, and the generation of its session.
    pub fn next_deferred(&mut self) -> Option<(String, u32)> {
        self.answers.pop_front()
    }
}
