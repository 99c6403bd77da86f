//! What is known of a tool call that runs on the server as a task: the modern era's extension
//! `io.modelcontextprotocol/tasks` (SEP-2663), and the experimental tasks of 2025-11-25.

use crate::protocol::codec::json::quote;
use crate::protocol::era::Era;
use crate::protocol::questions::Round;
use crate::protocol::{Field, Now, Params, Payload, json_rpc};

/// The longest that a task may take, where neither the host nor the server names a bound; and the longest that a server may
/// name.
const TOTAL_MS: u64 = 3_600_000;
const LONGEST_TTL_MS: u64 = 24 * TOTAL_MS;
/// Requests for a task's result have new repairs once in this time only: each may be refused, and the questions between them
/// answered, again and again.
const FETCH_MS: u64 = 60_000;
/// Questions in a row for each of which a session had to be made are counted up to this many.
const MOST_LOST: u32 = 5;

/// A task that is handed over from another session, page or program.
///
/// ```
/// use mcp_evergreen::TaskHandle;
///
/// let kept = TaskHandle { id: "7".into(), created_at: Some("2026-11-28T03:00:00Z".into()) };
/// assert_eq!(TaskHandle::from("7").created_at, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskHandle {
    /// Its `taskId`.
    pub id: String,
    /// Its `createdAt` (ISO 8601), as the server told it. Servers count their ids anew after a restart: without it, whatever
    /// task has this id is taken for it.
    pub created_at: Option<String>,
}

impl From<&str> for TaskHandle {
    /// The task that is known by its id alone.
    fn from(id: &str) -> Self {
        Self { id: id.to_owned(), created_at: None }
    }
}

/// A tool call that runs on the server as a task.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    id: TaskId,
    /// Answers that the server waits for.
    round: Round,
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
    /// The generation of the session that it was made under, or was found again under; `None`: it was handed over, and no
    /// server has said yet that it has this one.
    generation: Option<u32>,
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
        // `null` and an empty text tell nothing.
        let created_at = told.field(Field::CreatedAt).filter(P::is_truthy).and_then(|value| value.to_json());
        Self { created_at, ttl: told.field(Field::Ttl).and_then(|value| value.to_json()) }
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
pub(crate) enum Stage {
    Working,
    InputRequired,
    Completed,
    Failed,
    Cancelled,
}

impl Stage {
    pub fn named(name: &str) -> Option<Self> {
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
    /// One that was handed over. `generation`: of the session that there is; 0 where there is none.
    pub fn handed_over(handle: TaskHandle, generation: u32, now: Now) -> Self {
        let mut task = Self::of(TaskId { json: quote(&handle.id), text: handle.id }, generation, now);
        if let Some(at) = handle.created_at.filter(|_| !planted!("task_of_another_time")) {
            task.made = Some(Made { created_at: Some(quote(&at)), ttl: None });
            task.generation = planted!("task_cancelled_unseen").then_some(generation);
        }
        task
    }

    /// The one that a result tells of; `None` where it names none.
    pub fn told<P: Payload>(told: &P, generation: u32, now: Now) -> Option<Self> {
        let mut task = Self::of(TaskId::read(&told.field(Field::TaskId)?)?, generation, now);
        task.made = Some(Made::read(told));
        let ttl = told.field(Field::TtlMs).or_else(|| told.field(Field::Ttl)).and_then(|ttl| milliseconds(&ttl));
        if let Some(ttl) = ttl {
            task.until = now.mono.saturating_add(ttl.min(LONGEST_TTL_MS));
        }
        Some(task)
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
            generation: Some(generation),
            until,
        }
    }

    /// Whether a server of this era knows the task under the session of this generation, and no other by its name. In the
    /// modern era it belongs to no session.
    pub fn is_known_to(&self, era: Era, generation: u32) -> bool {
        self.generation.is_some_and(|own| !era.asks_for_tasks() || own == generation)
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

    /// Says whether what `tasks/get` tells under a session of this era and generation is of this task, which is that session's
    /// then. A server that keeps its
    /// tasks beyond its sessions says so with the task's `createdAt`. One that was named by its id alone, under a session
    /// that is gone since, cannot be compared.
    pub fn recognizes<P: Payload>(&mut self, era: Era, generation: u32, told: &P) -> bool {
        let (now, must_be_told) = (Made::read(told), !self.is_known_to(era, generation));
        if self.made.is_none() && must_be_told && self.generation != Some(0) {
            return false;
        }
        let is_same = self.made.get_or_insert_with(|| now.clone()).is_like(&now, must_be_told);
        if is_same {
            self.generation = Some(generation);
        }
        is_same
    }

    /// Whether what comes next about it has repairs of its own.
    pub(super) fn renews_repairs(&mut self, now: Now) -> bool {
        let renews = !self.fetch || now.mono.saturating_sub(self.repaired_since) >= FETCH_MS;
        if renews {
            self.repaired_since = now.mono;
        }
        renews
    }

    /// It was asked about. Returns for how many such questions, in a row, a session had to be made.
    pub(super) fn was_asked_about(&mut self, session_was_made: bool) -> u32 {
        self.lost = if session_was_made { (self.lost + 1).min(MOST_LOST) } else { 0 };
        self.lost
    }

    /// It has ended: its result is to be fetched.
    pub fn fetch_result(&mut self) {
        self.fetch = true;
    }

    /// Of what the server asks for, what was not answered yet; it is awaited from now on, where there is any.
    pub fn asks<P>(&mut self, mut requests: Vec<(String, P)>) -> Vec<(String, P)> {
        requests.retain(|(key, _)| !self.answered.contains(key));
        if !requests.is_empty() {
            let keys: Vec<String> = requests.iter().map(|(key, _)| key.clone()).collect();
            self.round = Round::asking(&keys, None);
            self.answered.extend(keys);
        }
        requests
    }

    /// What it waits for.
    pub fn round(&mut self) -> &mut Round {
        &mut self.round
    }

    /// The server has what it waited for, or will not take it.
    pub fn end_round(&mut self) {
        self.round = Round::default();
    }

    /// When it has had its time, on the monotonic clock, where the host names no bound.
    pub fn until(&self) -> u64 {
        self.until
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

/// A span of time, as servers write it; `None` where it is none.
pub(crate) fn milliseconds<P: Payload>(value: &P) -> Option<u64> {
    let ms = value.as_number().filter(|ms| *ms >= 0.0)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and the cast saturates")]
    Some(ms as u64)
}
