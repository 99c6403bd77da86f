//! Tool calls that become tasks: polled as the server asks until they end. The modern era's extension
//! `io.modelcontextprotocol/tasks` (SEP-2663), and the experimental tasks of 2025-11-25.

use super::Session;
use crate::protocol::bounds;
use crate::protocol::calls::{Call, Kind, Stage, Task, milliseconds};
use crate::protocol::codec::json_rpc::RpcError;
use crate::protocol::exchanges::Exchange;
use crate::protocol::exchanges::wording::EXCERPT;
use crate::protocol::lifecycle::Established;
use crate::protocol::questions::asked_too_often;
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, CallOptions, Code, Error, Field, Now, Outcome, Params, Payload, TaskHandle};

/// Where the server names no pace. It doubles with every question that takes a session of its own.
const POLL_MS: u64 = 1_000;
const ANOTHER: &str = "The call became a task, and the server does not say, by the task's `createdAt`, that it still has \
                       the same one: what became of the call is not known.";
/// A server that names none to speak of is asked no more often.
const POLL_FLOOR_MS: u64 = 100;

impl<P: Payload> Session<P> {
    /// Waits for a task that an earlier call became; settles with the result of that call. Where the server does not say that
    /// it has the task of this `created_at`, it settles with [`Code::OutcomeUnknown`], and the server's task is left alone.
    pub fn resume_task(&mut self, task: TaskHandle, options: CallOptions, now: Now) -> CallId {
        let id = self.admit(Kind::Request, "tools/call".to_owned(), Params::default(), options, now);
        let generation = self.lifecycle.ready().map_or(0, |session| session.generation());
        self.calls.became(id, Task::handed_over(task, generation, now));
        self.dispatch(id, now);
        id
    }

    /// Whether the server runs this tool as a task only (2025-11-25, tasks: `taskSupport: "required"`).
    pub(in crate::protocol) fn goes_as_task(&self, session: &Established<P>, call: &Call<P>) -> bool {
        let declared = session.era().asks_for_tasks()
            && session.capabilities().is_some_and(|declared| declared.contains(&"tasks"));
        let tool = call.params().name.as_ref().filter(|_| call.method() == "tools/call");
        declared && !call.params().has_task && tool.is_some_and(|tool| self.desired.is_task(tool))
    }

    /// Takes the result of a call if it says that the call became a task.
    pub(in crate::protocol) fn became_task(&mut self, id: CallId, exchange: &Exchange, result: &P, now: Now) -> bool {
        // Where we asked for none, a member of this name is the result's own; a caller that did wants to see it.
        let went = || self.calls.get(id).filter(|call| call.went_as_task());
        let task = if exchange.era().asks_for_tasks() {
            went().and_then(|_| result.field(Field::Task))
        } else {
            Some(result.clone())
        };
        let Some(task) = task else { return false };
        let Some(named) = Task::told(&task, exchange.generation(), now) else { return false };
        if !self.calls.became(id, named) {
            return false;
        }
        self.emit(Event::Task { call: id, task: task.clone() });
        self.task_told(id, exchange, &task, now);
        true
    }

    /// The answer to a request about a task.
    pub(in crate::protocol) fn task_answered(
        &mut self,
        id: CallId,
        exchange: &Exchange,
        method: &str,
        result: &P,
        now: Now,
    ) {
        let (era, generation) = (exchange.era(), exchange.generation());
        match method {
            "tasks/result" => self.settle(id, self.shape("tools/call", result.clone())),
            "tasks/update" => {
                self.calls.end_round(id);
                self.poll(id, result, now);
            }
            _ if !self.calls.task(id).is_some_and(|task| task.recognizes(era, generation, result)) => {
                self.settle(id, Err(Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, ANOTHER)));
            }
            _ => self.task_told(id, exchange, result, now),
        }
    }

    /// The server says how a task stands.
    fn task_told(&mut self, id: CallId, exchange: &Exchange, told: &P, now: Now) {
        let status = told.text(Field::Status);
        let Some(stage) = status.as_deref().and_then(Stage::named) else {
            let text = "The server says of the task nothing that a client can know: its `status` is none of working, \
                        input_required, completed, failed and cancelled.";
            return self.give_up_call(id, Error::boxed(Code::Protocol, Outcome::Unknown, text), "unknown status", now);
        };
        if exchange.era().fetches_task_results() && stage != Stage::Working {
            // Whatever it waits for is asked on the stream of this request.
            self.calls.goes_on_with_task(id, now);
            self.calls.task(id).into_iter().for_each(Task::fetch_result);
            return self.dispatch(id, now);
        }
        match stage {
            Stage::Working => self.poll(id, told, now),
            Stage::InputRequired => self.task_asks(id, told, now),
            Stage::Completed => match told.field(Field::Result) {
                Some(result) => self.settle(id, self.shape("tools/call", result)),
                // What created it may have ended before it was asked for.
                None => self.poll(id, told, now),
            },
            Stage::Failed => {
                let rpc = told.field(Field::Error).map(|error| RpcError::read(&error));
                let words =
                    |rpc: &RpcError<P>| self.identity.confidential().redact(&rpc.message, &exchange.traffic(), EXCERPT);
                let text = rpc.as_ref().map_or("The task failed.".to_owned(), words);
                let mut error = Error::boxed(Code::Rpc, Outcome::Executed, text);
                let (rpc_code, data) = rpc.map_or((None, None), |rpc| (Some(rpc.code), rpc.data));
                error.rpc_code = rpc_code;
                error.data = data.and_then(|data| self.identity.confidential().redact_data(data, &exchange.traffic()));
                self.settle(id, Err(error));
            }
            Stage::Cancelled => {
                let text = "The task was cancelled on the server.";
                self.settle(id, Err(Error::boxed(Code::Rpc, Outcome::Unknown, text)));
            }
        }
    }

    /// Asks again after a while, but not later than the call's time-out. The server is at work: the call's clock starts
    /// anew.
    fn poll(&mut self, id: CallId, told: &P, now: Now) {
        let lost = self.calls.polls_again(id, now);
        let floor = if lost > 1 { POLL_MS << lost } else { POLL_FLOOR_MS };
        let Some(call) = self.calls.get(id) else { return };
        let named = told.field(Field::PollIntervalMs).or_else(|| told.field(Field::PollInterval));
        let timeout = call.options().timeout_ms.unwrap_or(self.config.timeout_ms);
        let timeout = if planted!("poll_without_ceiling") { u64::MAX } else { timeout };
        let wait = named.and_then(|ms| milliseconds(&ms)).unwrap_or(POLL_MS).max(floor).min(timeout);
        let next = now.mono.saturating_add(wait);
        let mut deadline = call.deadline(next, self.config.timeout_ms, self.config.max_total_timeout_ms);
        if let (None, Some(task)) = (call.total_deadline(self.config.max_total_timeout_ms), call.task()) {
            deadline = deadline.min(task.until());
        }
        self.effects.set_timer(Timer::Call(id), deadline);
        self.effects.set_timer(Timer::Resend(id), next);
    }

    fn task_asks(&mut self, id: CallId, told: &P, now: Now) {
        let requests = told.field(Field::InputRequests).and_then(|requests| requests.entries(bounds::QUESTIONS));
        let Some(task) = self.calls.task(id) else { return };
        let requests = task.asks(requests.unwrap_or_default());
        // The server has not taken notice yet.
        if requests.is_empty() {
            return self.poll(id, told, now);
        }
        let too_often = self.calls.asked_for_input(id) > self.config.max_input_rounds;
        if too_often && !planted!("task_asks_without_bound") {
            return self.give_up_call(id, asked_too_often(), "too many questions", now);
        }
        self.ask_for_inputs(id, requests, now);
    }
}
