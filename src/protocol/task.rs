//! Tool calls that become tasks: polled as the server asks until they end. The modern era's extension
//! `io.modelcontextprotocol/tasks` (SEP-2663), and the experimental tasks of 2025-11-25.

use super::call::{Call, Place};
use super::era::Era;
use super::input::Round;
use super::json::quote;
use super::json_rpc::{self, RpcError};
use super::list::Gather;
use super::session::Session;
use super::state::Established;
use super::status::Event;
use super::time::Timer;
use super::{CallId, Code, Error, Field, Now, Outcome, Params, Payload};

/// Where the server names no pace.
const POLL_MS: u64 = 1_000;
/// A server that names none to speak of is asked no more often.
const POLL_FLOOR_MS: u64 = 100;

/// A tool call that runs on the server as a task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    id: String,
    /// Answers that the server waits for.
    pub round: Round,
    /// Keys of inputs that were answered: "SHOULD NOT answer twice" (SEP-2663).
    answered: Vec<String>,
    /// Its result is to be fetched (2025-11-25).
    fetch: bool,
}

/// What a server says of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Working,
    InputRequired,
    Completed,
    Failed,
    Cancelled,
}

impl Task {
    /// One of an earlier page.
    pub fn found_again(id: String) -> Self {
        Self { id, round: Round::default(), answered: Vec::new(), fetch: false }
    }

    /// Asks how it stands, gives what it waits for, or fetches its result.
    pub fn next_request(&self) -> (String, Params) {
        let inputs = self.round.members();
        let method = match (self.fetch, inputs.is_empty()) {
            (true, _) => "tasks/result",
            (false, true) => "tasks/get",
            (false, false) => "tasks/update",
        };
        (method.to_owned(), self.params(&inputs))
    }

    fn params(&self, more: &str) -> Params {
        let text = json_rpc::join(&format!("\"taskId\":{}", quote(&self.id)), more);
        Params { text: Some(format!("{{{text}}}")), meta: None, name: Some(self.id.clone()) }
    }

    /// The request that ends it.
    pub fn cancel_request(&self) -> (&'static str, Params) {
        ("tasks/cancel", self.params(""))
    }
}

impl<P: Payload> Session<P> {
    /// Whether the server runs this tool as a task only (2025-11-25, tasks: `taskSupport: "required"`).
    pub(super) fn must_be_task(&self, session: &Established<P>, call: &Call) -> bool {
        let declared = session.capabilities.as_ref().is_some_and(|declared| declared.contains(&"tasks"));
        let named = call.params.text.as_deref().is_some_and(|text| text.contains("\"task\""));
        let tool = call.params.name.as_ref().filter(|_| call.method == "tools/call");
        declared && !named && tool.is_some_and(|tool| self.task_tools.contains(tool))
    }

    /// Takes the result of a call if it says that the call became a task.
    pub(super) fn became_task(&mut self, id: CallId, era: Era, result: &P, now: Now) -> bool {
        let task = match era {
            Era::Legacy => self.calls.get(&id).filter(|call| call.method == "tools/call").and_then(|call| {
                // A caller that asked for a task wants to see it.
                let asked = call.params.text.as_deref().is_some_and(|text| text.contains("\"task\""));
                result.field(Field::Task).filter(|_| !asked)
            }),
            Era::Modern => Some(result.clone()),
        };
        let Some(task) = task else { return false };
        let Some(task_id) = task.field(Field::TaskId).and_then(|id| id.as_string()) else { return false };
        let Some(call) = self.calls.get_mut(&id) else { return false };
        call.task = Some(Task::found_again(task_id));
        call.round = None;
        call.maybe_ran = true;
        self.emit(Event::Task { call: id, task: task.clone() });
        self.task_told(id, era, &task, now);
        true
    }

    /// The answer to a request about a task.
    pub(super) fn task_answered(&mut self, id: CallId, era: Era, method: &str, result: &P, now: Now) {
        let Some(task) = self.calls.get_mut(&id).and_then(|call| call.task.as_mut()) else { return };
        match method {
            "tasks/result" => self.settle(id, Ok(result.clone())),
            "tasks/update" => {
                task.round = Round::default();
                self.poll(id, result, now);
            }
            _ => self.task_told(id, era, result, now),
        }
    }

    /// The server says how a task stands.
    fn task_told(&mut self, id: CallId, era: Era, told: &P, now: Now) {
        let stage = match told.field(Field::Status).and_then(|status| status.as_string()).as_deref() {
            Some("input_required") => Stage::InputRequired,
            Some("completed") => Stage::Completed,
            Some("failed") => Stage::Failed,
            Some("cancelled") => Stage::Cancelled,
            Some(_) | None => Stage::Working,
        };
        match (era, stage) {
            (_, Stage::Working) => self.poll(id, told, now),
            // Whatever it waits for is asked on the stream of this request.
            (Era::Legacy, _) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.next_request();
                    if let Some(task) = &mut call.task {
                        task.fetch = true;
                    }
                }
                self.dispatch(id, now);
            }
            (Era::Modern, Stage::InputRequired) => self.task_asks(id, told, now),
            (Era::Modern, Stage::Completed) => match told.field(Field::Result) {
                Some(result) => self.settle(id, Ok(result)),
                // What created it may have ended before it was asked for.
                None => self.poll(id, told, now),
            },
            (Era::Modern, Stage::Failed) => {
                let rpc = told.field(Field::Error).map(|error| RpcError::read(&error));
                let text =
                    rpc.as_ref().map_or("The task failed.".to_owned(), |rpc| rpc.message.chars().take(200).collect());
                let mut error = Error::boxed(Code::Rpc, Outcome::Executed, text);
                let (rpc_code, data) = rpc.map_or((None, None), |rpc| (Some(rpc.code), rpc.data));
                error.rpc_code = rpc_code;
                error.data = data;
                self.settle(id, Err(error));
            }
            (Era::Modern, Stage::Cancelled) => {
                let text = "The task was cancelled on the server.";
                self.settle(id, Err(Error::boxed(Code::Rpc, Outcome::Unknown, text)));
            }
        }
    }

    /// Asks again after a while. The server is at work: the call's clock starts anew.
    fn poll(&mut self, id: CallId, told: &P, now: Now) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.place = Place::Here;
        call.next_request();
        let named = told.field(Field::PollIntervalMs).or_else(|| told.field(Field::PollInterval));
        let named = named.and_then(|ms| ms.as_number()).filter(|ms| *ms >= 0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and the cast saturates"
        )]
        let wait = named.map_or(POLL_MS, |ms| ms as u64).max(POLL_FLOOR_MS);
        let deadline =
            call.deadline(now.mono.saturating_add(wait), self.config.timeout_ms, self.config.max_total_timeout_ms);
        self.timers.set(Timer::Call(id), deadline);
        self.timers.set(Timer::Resend(id), now.mono.saturating_add(wait));
    }

    fn task_asks(&mut self, id: CallId, told: &P, now: Now) {
        let Some(task) = self.calls.get_mut(&id).and_then(|call| call.task.as_mut()) else { return };
        let mut requests = told.field(Field::InputRequests).and_then(|requests| requests.entries()).unwrap_or_default();
        requests.retain(|(key, _)| !task.answered.contains(key));
        // The server has not taken notice yet.
        if requests.is_empty() {
            return self.poll(id, told, now);
        }
        let keys = requests.iter().map(|(key, _)| key.clone()).gather();
        task.round = Round::asking(&keys);
        task.answered.extend(keys);
        self.ask_for_inputs(id, requests, now);
    }
}
