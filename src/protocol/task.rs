//! Tool calls that become tasks: polled as the server asks until they end. The modern era's extension
//! `io.modelcontextprotocol/tasks` (SEP-2663), and the experimental tasks of 2025-11-25.

use super::bounds;
use super::call::{Call, Place, Repair};
use super::era::Era;
use super::exchange::Exchange;
use super::input::{Round, asked_too_often};
use super::json::quote;
use super::json_rpc::{self, RpcError};
use super::list::Gather;
use super::receive::EXCERPT;
use super::session::Session;
use super::state::Established;
use super::status::Event;
use super::time::Timer;
use super::{CallId, Code, Error, Field, Now, Outcome, Params, Payload};

/// Where the server names no pace.
const POLL_MS: u64 = 1_000;
/// That doubles so often at most, where each question takes a session of its own.
const MOST_DOUBLED: u32 = 5;
/// The longest that a task may take, where neither the host nor the server names a bound; and the longest that a server may
/// name.
const TOTAL_MS: u64 = 3_600_000;
const LONGEST_TTL_MS: u64 = 24 * TOTAL_MS;
const ANOTHER: &str = "The call became a task, and the server does not say, by the task's `createdAt`, that it still has \
                       the same one: what became of the call is not known.";
/// A result that could not be fetched is no better off for what else the server answered within this time.
const FETCH_MS: u64 = 60_000;
/// A server that names none to speak of is asked no more often.
const POLL_FLOOR_MS: u64 = 100;

/// A tool call that runs on the server as a task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    id: TaskId,
    /// Answers that the server waits for.
    pub round: Round,
    /// Keys of inputs that were answered: "SHOULD NOT answer twice" (SEP-2663).
    answered: Vec<String>,
    /// Its result is to be fetched (2025-11-25).
    fetch: bool,
    /// Since when repairs are spent on it, on the monotonic clock.
    repaired_since: u64,
    /// Questions about it, in a row, for each of which a session had to be made.
    lost: u32,
    /// What was told of it when it was made; `None` where only its id is known.
    made: Option<Made>,
    /// The generation of the session that it was made under, or was found again under.
    generation: u32,
    /// When it has had its time, on the monotonic clock, where the host names no bound.
    until: u64,
}

/// A task's name, for header fields and as it came: a text of JSON's need not be one of Unicode's.
#[derive(Clone, Debug)]
struct TaskId {
    text: String,
    json: String,
}

impl TaskId {
    fn read<P: Payload>(value: &P) -> Option<Self> {
        Some(Self { text: value.as_string()?, json: value.to_json()? })
    }
}

/// What tells a task from another of the same name: servers count their ids anew after a restart.
#[derive(Clone, Debug)]
struct Made {
    created_at: Option<String>,
    ttl: Option<String>,
}

impl Made {
    fn read<P: Payload>(told: &P) -> Self {
        let text = |field| told.field(field).and_then(|value| value.to_json());
        Self { created_at: text(Field::CreatedAt), ttl: text(Field::Ttl) }
    }

    /// Whether both may be of one task; where it `must_be_told`, whether they are.
    fn is_like(&self, told: &Self, must_be_told: bool) -> bool {
        let agrees = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        match must_be_told {
            true => self.created_at.is_some() && self.created_at == told.created_at && agrees(&self.ttl, &told.ttl),
            false => agrees(&self.created_at, &told.created_at),
        }
    }
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

impl Stage {
    fn named(name: &str) -> Option<Self> {
        match name {
            "working" => Some(Self::Working),
            "input_required" => Some(Self::InputRequired),
            "completed" => Some(Self::Completed),
            "failed" => Some(Self::Failed),
            "cancelled" => Some(Self::Cancelled),
            _ => None,
        }
    }
}

impl Task {
    /// One of which nothing but its id is known.
    pub fn named(id: String, generation: u32, now: Now) -> Self {
        Self::of(TaskId { json: quote(&id), text: id }, generation, now)
    }

    fn of(id: TaskId, generation: u32, now: Now) -> Self {
        let until = now.mono.saturating_add(TOTAL_MS);
        Self {
            id,
            round: Round::default(),
            answered: Vec::new(),
            fetch: false,
            repaired_since: now.mono,
            lost: 0,
            made: None,
            generation,
            until,
        }
    }

    /// Whether a server of this era knows the task under the session of this generation, and no other by its name. In the
    /// modern era it belongs to no session.
    pub fn is_known_to(&self, era: Era, generation: u32) -> bool {
        era == Era::Modern || self.generation == generation
    }

    /// Asks how it stands, gives what it waits for, or fetches its result.
    pub fn next_request(&self, era: Era, generation: u32) -> (String, Params) {
        let inputs = self.round.members();
        let method = match (self.fetch && self.is_known_to(era, generation), inputs.is_empty()) {
            (true, _) => "tasks/result",
            (false, true) => "tasks/get",
            (false, false) => "tasks/update",
        };
        (method.to_owned(), self.params(&inputs))
    }

    fn params(&self, more: &str) -> Params {
        let text = json_rpc::join(&json_rpc::member("taskId", &self.id.json), more);
        Params { text: Some(format!("{{{text}}}")), task_id: Some(self.id.text.clone()), ..Params::default() }
    }

    /// Whether it goes on with what the host has answered.
    pub fn has_inputs(&self) -> bool {
        !self.round.members().is_empty()
    }

    /// The request that ends it.
    pub fn cancel_request(&self) -> (&'static str, Params) {
        ("tasks/cancel", self.params(""))
    }
}

impl<P: Payload> Session<P> {
    /// Whether the server runs this tool as a task only (2025-11-25, tasks: `taskSupport: "required"`).
    pub(super) fn goes_as_task(&self, session: &Established<P>, call: &Call) -> bool {
        let declared = session.era() == Era::Legacy
            && session.capabilities.as_ref().is_some_and(|declared| declared.contains(&"tasks"));
        let tool = call.params.name.as_ref().filter(|_| call.method == "tools/call");
        declared && !call.params.has_task && tool.is_some_and(|tool| self.tools.is_task(tool))
    }

    /// Takes the result of a call if it says that the call became a task.
    pub(super) fn became_task(&mut self, id: CallId, exchange: &Exchange, result: &P, now: Now) -> bool {
        let task = match exchange.era {
            // Where we asked for none, a member of this name is the result's own; a caller that did wants to see it.
            Era::Legacy => self.calls.get(&id).filter(|call| call.as_task).and_then(|_| result.field(Field::Task)),
            Era::Modern => Some(result.clone()),
        };
        let Some(task) = task else { return false };
        let Some(task_id) = task.field(Field::TaskId).and_then(|id| TaskId::read(&id)) else { return false };
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let mut named = Task::of(task_id, exchange.generation, now);
        named.made = Some(Made::read(&task));
        let ttl = task.field(Field::TtlMs).or_else(|| task.field(Field::Ttl)).and_then(|ttl| milliseconds(&ttl));
        if let Some(ttl) = ttl {
            named.until = now.mono.saturating_add(ttl.min(LONGEST_TTL_MS));
        }
        call.task = Some(named);
        call.round = None;
        call.maybe_ran = true;
        self.emit(Event::Task { call: id, task: task.clone() });
        self.task_told(id, exchange, &task, now);
        true
    }

    /// The answer to a request about a task.
    pub(super) fn task_answered(&mut self, id: CallId, exchange: &Exchange, method: &str, result: &P, now: Now) {
        let Some(task) = self.calls.get_mut(&id).and_then(|call| call.task.as_mut()) else { return };
        match method {
            "tasks/result" => self.settle(id, self.shape("tools/call", result.clone())),
            "tasks/update" => {
                task.round = Round::default();
                self.poll(id, result, now);
            }
            _ if !self.is_same_task(id, exchange, result) => {
                self.settle(id, Err(Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, ANOTHER)));
            }
            _ => self.task_told(id, exchange, result, now),
        }
    }

    /// Whether what `tasks/get` tells is of the task that the call became. A server that keeps its tasks beyond its sessions
    /// says so with the task's `createdAt`. One that was named by its id alone, under a session that is gone since, cannot be
    /// compared.
    fn is_same_task(&mut self, id: CallId, exchange: &Exchange, told: &P) -> bool {
        let Some(task) = self.calls.get_mut(&id).and_then(|call| call.task.as_mut()) else { return false };
        let (now, must_be_told) = (Made::read(told), !task.is_known_to(exchange.era, exchange.generation));
        if task.made.is_none() && must_be_told && task.generation > 0 {
            return false;
        }
        let is_same = task.made.get_or_insert_with(|| now.clone()).is_like(&now, must_be_told);
        if is_same {
            task.generation = exchange.generation;
        }
        is_same
    }

    /// The server says how a task stands.
    fn task_told(&mut self, id: CallId, exchange: &Exchange, told: &P, now: Now) {
        let status = told.field(Field::Status).and_then(|status| status.as_string());
        let Some(stage) = status.as_deref().and_then(Stage::named) else {
            let text = "The server says of the task nothing that a client can know: its `status` is none of working, \
                        input_required, completed, failed and cancelled.";
            return self.give_up_call(id, Error::boxed(Code::Protocol, Outcome::Unknown, text), "unknown status", now);
        };
        match (exchange.era, stage) {
            (_, Stage::Working) => self.poll(id, told, now),
            // Whatever it waits for is asked on the stream of this request.
            (Era::Legacy, _) => {
                self.goes_on_with_task(id, now);
                if let Some(task) = self.calls.get_mut(&id).and_then(|call| call.task.as_mut()) {
                    task.fetch = true;
                }
                self.dispatch(id, now);
            }
            (Era::Modern, Stage::InputRequired) => self.task_asks(id, told, now),
            (Era::Modern, Stage::Completed) => match told.field(Field::Result) {
                Some(result) => self.settle(id, self.shape("tools/call", result)),
                // What created it may have ended before it was asked for.
                None => self.poll(id, told, now),
            },
            (Era::Modern, Stage::Failed) => {
                let rpc = told.field(Field::Error).map(|error| RpcError::read(&error));
                let words = |rpc: &RpcError<P>| self.past.redact(&rpc.message, exchange, EXCERPT);
                let text = rpc.as_ref().map_or("The task failed.".to_owned(), words);
                let mut error = Error::boxed(Code::Rpc, Outcome::Executed, text);
                let (rpc_code, data) = rpc.map_or((None, None), |rpc| (Some(rpc.code), rpc.data));
                error.rpc_code = rpc_code;
                error.data = data.and_then(|data| self.past.redact_data(data, exchange));
                self.settle(id, Err(error));
            }
            (Era::Modern, Stage::Cancelled) => {
                let text = "The task was cancelled on the server.";
                self.settle(id, Err(Error::boxed(Code::Rpc, Outcome::Unknown, text)));
            }
        }
    }

    /// What comes next about it is a request of its own. But that the server tells how it stands does not renew what was
    /// spent on fetching its result: a server that answers the one and refuses the other would be asked without end.
    fn goes_on_with_task(&mut self, id: CallId, now: Now) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(task) = &mut call.task else { return };
        if !task.fetch || now.mono.saturating_sub(task.repaired_since) >= FETCH_MS {
            task.repaired_since = now.mono;
            call.next_request();
        }
    }

    /// Asks again after a while, but not later than the call's time-out. The server is at work: the call's clock starts
    /// anew.
    fn poll(&mut self, id: CallId, told: &P, now: Now) {
        let lost = self.calls.get(&id).is_some_and(|call| call.was_repaired(Repair::Session));
        self.goes_on_with_task(id, now);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.place = Place::Here;
        let lost = call.task.as_mut().map_or(0, |task| {
            task.lost = if lost { (task.lost + 1).min(MOST_DOUBLED) } else { 0 };
            task.lost
        });
        let floor = if lost > 1 { POLL_MS << lost } else { POLL_FLOOR_MS };
        let named = told.field(Field::PollIntervalMs).or_else(|| told.field(Field::PollInterval));
        let timeout = call.options.timeout_ms.unwrap_or(self.config.timeout_ms);
        let wait = named.and_then(|ms| milliseconds(&ms)).unwrap_or(POLL_MS).max(floor).min(timeout);
        let next = now.mono.saturating_add(wait);
        let mut deadline = call.deadline(next, self.config.timeout_ms, self.config.max_total_timeout_ms);
        if let (None, Some(task)) = (call.total_deadline(self.config.max_total_timeout_ms), &call.task) {
            deadline = deadline.min(task.until);
        }
        self.timers.set(Timer::Call(id), deadline);
        self.timers.set(Timer::Resend(id), next);
    }

    fn task_asks(&mut self, id: CallId, told: &P, now: Now) {
        let Some(task) = self.calls.get_mut(&id).and_then(|call| call.task.as_mut()) else { return };
        let requests = told.field(Field::InputRequests).and_then(|requests| requests.entries(bounds::QUESTIONS));
        let mut requests = requests.unwrap_or_default();
        requests.retain(|(key, _)| !task.answered.contains(key));
        // The server has not taken notice yet.
        if requests.is_empty() {
            return self.poll(id, told, now);
        }
        let keys = requests.iter().map(|(key, _)| key.clone()).gather();
        task.round = Round::asking(&keys);
        task.answered.extend(keys);
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.rounds >= self.config.max_input_rounds {
            return self.give_up_call(id, asked_too_often(), "too many questions", now);
        }
        call.rounds += 1;
        self.ask_for_inputs(id, requests, now);
    }
}

/// A span of time, as servers write it; `None` where it is none.
fn milliseconds<P: Payload>(value: &P) -> Option<u64> {
    let ms = value.as_number().filter(|ms| *ms >= 0.0)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and the cast saturates")]
    Some(ms as u64)
}
