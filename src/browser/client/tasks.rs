//! Tool calls that became tasks, as they are handed over from one page life to the next. Servers count their ids anew after a
//! restart: what tells a task from the next of that id is its `createdAt`.

use super::Session;
use crate::protocol::{CallId, TaskHandle};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// A task of an earlier life of the page, that nobody waits for yet.
///
/// ```no_run
/// use mcp_evergreen::CallOptions;
///
/// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
/// for pending in session.pending_tasks() {
///     let result = session.resume_task(pending, CallOptions::default()).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PendingTask {
    /// As the server names it.
    pub task_id: String,
    /// The tool that it runs.
    #[serde(default, rename = "name", skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// ISO 8601, as the server told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

impl PendingTask {
    pub(super) fn of(task: TaskHandle, tool: Option<String>) -> Self {
        Self { task_id: task.id, tool, created_at: task.created_at }
    }

    fn is(&self, other: &Self) -> bool {
        self.task_id == other.task_id && self.created_at == other.created_at
    }
}

impl From<PendingTask> for TaskHandle {
    fn from(task: PendingTask) -> Self {
        Self { id: task.task_id, created_at: task.created_at }
    }
}

impl Session {
    /// Tool calls that had become tasks in an earlier life of the page, where the session is kept
    /// ([`Options::persist`](crate::Options)): [`Session::resume_task`] waits for one.
    ///
    /// ```no_run
    /// # fn show(session: mcp_evergreen::Session) {
    /// println!("{} tasks go on", session.pending_tasks().len());
    /// # }
    /// ```
    #[must_use]
    pub fn pending_tasks(&self) -> Vec<PendingTask> {
        self.program.tasks.left.borrow().clone()
    }
}

/// Of one session.
#[derive(Default)]
pub(super) struct Tasks {
    /// Those that calls wait for.
    running: RefCell<Vec<(CallId, PendingTask)>>,
    /// Those of an earlier page life, that nobody waits for yet.
    left: RefCell<Vec<PendingTask>>,
    /// The same, as they came from the store: theirs is who is signed in, as far as is known yet.
    found: RefCell<Vec<PendingTask>>,
}

impl Tasks {
    /// What is known of a task that the host names by its id alone.
    pub fn find(&self, mut task: TaskHandle) -> TaskHandle {
        if task.created_at.is_none() {
            let left = self.left.borrow();
            let known = left.iter().find(|left| left.task_id == task.id);
            task.created_at = known.and_then(|known| known.created_at.clone());
        }
        task
    }

    /// A call waits for it, until it ends.
    pub fn run(&self, call: CallId, task: PendingTask) {
        self.end(call);
        self.left.borrow_mut().retain(|left| !left.is(&task));
        self.running.borrow_mut().push((call, task));
    }

    pub fn end(&self, call: CallId) {
        self.running.borrow_mut().retain(|(own, _)| *own != call);
    }

    pub fn find_in_store(&self, tasks: Vec<PendingTask>) {
        self.found.replace(tasks);
    }

    /// They are of whoever is signed in.
    pub fn take_found(&self) {
        let found = self.found.take();
        let mut left = self.left.borrow_mut();
        left.splice(0..0, found);
    }

    /// All that the next page life may ask for, the latest first.
    pub fn kept(&self) -> Vec<PendingTask> {
        let mut kept: Vec<PendingTask> = Vec::new();
        let running: Vec<_> = self.running.borrow().iter().rev().map(|(_, task)| task.clone()).collect();
        for task in running.into_iter().chain(self.left.borrow().clone()).chain(self.found.borrow().clone()) {
            if !kept.iter().any(|kept| kept.is(&task)) {
                kept.push(task);
            }
        }
        kept
    }
}
