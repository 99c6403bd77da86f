//! What happens to a call between its requests: rounds of input, and the task that it became.

use super::{Calls, Repair, Task};
use crate::protocol::questions::Round;
use crate::protocol::{CallId, Now};

impl<P> Calls<P> {
    /// The server asks for input. Returns how often it has.
    pub fn asked_for_input(&mut self, id: CallId) -> u32 {
        self.all.get_mut(&id).map_or(0, |call| {
            call.rounds += 1;
            call.rounds
        })
    }

    /// What it is to be sent again with.
    pub fn begin_round(&mut self, id: CallId, round: Round) {
        if let Some(call) = self.all.get_mut(&id) {
            call.round = Some(round);
            call.next_request();
        }
    }

    /// The round of input that is under way, of the call or of its task.
    pub fn round(&mut self, id: CallId) -> Option<&mut Round> {
        let call = self.all.get_mut(&id)?;
        Some(match &mut call.task {
            Some(task) => task.round(),
            None => call.round.get_or_insert_default(),
        })
    }

    /// What the host was asked is void; what its task waits for is not.
    pub fn void_inputs(&mut self, id: CallId) {
        if let Some(call) = self.all.get_mut(&id) {
            call.round = None;
        }
    }

    /// What was answered is void, or was taken.
    pub fn end_round(&mut self, id: CallId) {
        if let Some(call) = self.all.get_mut(&id) {
            call.round = None;
            call.task.iter_mut().for_each(Task::end_round);
        }
    }

    /// It became a task. Says whether there is such a call.
    pub fn became(&mut self, id: CallId, task: Task) -> bool {
        let Some(call) = self.all.get_mut(&id) else { return false };
        call.task = Some(task);
        call.round = None;
        call.maybe_ran = true;
        true
    }

    /// What comes next about its task is a request of its own. But that the server tells how it stands does not renew what was
    /// spent on fetching its result: a server that answers the one and refuses the other would be asked without end.
    pub fn goes_on_with_task(&mut self, id: CallId, now: Now) {
        let Some(call) = self.all.get_mut(&id) else { return };
        if call.task.as_mut().is_some_and(|task| task.renews_repairs(now)) {
            call.next_request();
        }
    }

    /// Its task is polled again. Returns how many questions about it, in a row, took a session of their own each.
    pub fn polls_again(&mut self, id: CallId, now: Now) -> u32 {
        let had_session_made = self.get(id).is_some_and(|call| call.was_repaired(Repair::Session));
        self.goes_on_with_task(id, now);
        self.put_back(id);
        self.task(id).map_or(0, |task| task.was_asked_about(had_session_made))
    }

    /// The task that it became.
    pub fn task(&mut self, id: CallId) -> Option<&mut Task> {
        self.all.get_mut(&id)?.task.as_mut()
    }
}
