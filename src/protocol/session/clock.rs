//! The clocks of calls whose user is asked.

use super::Session;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Now, Payload};

impl<P: Payload> Session<P> {
    /// The clock of a call stands still while the user is asked on its behalf; its bound over everything does not.
    pub(in crate::protocol) fn stop_clock(&mut self, call: Option<CallId>, now: Now) {
        let Some((id, at)) = call.and_then(|id| Some((id, self.effects.timer_at(Timer::Call(id))?))) else { return };
        if !self.calls.pause(id, at, now.mono) {
            return;
        }
        let Some(call) = self.calls.get(id) else { return };
        match call.total_deadline(self.config.max_total_timeout_ms) {
            Some(total) => self.effects.set_timer(Timer::Call(id), total),
            None => self.effects.clear_timer(Timer::Call(id)),
        }
    }

    pub(in crate::protocol) fn start_clock(&mut self, call: Option<CallId>, now: Now) {
        let Some(id) = call.filter(|id| !self.questions.is_asked_for(*id) && !self.waits_for_user(*id)) else { return };
        let Some(left) = self.calls.go_on(id) else { return };
        let Some(call) = self.calls.get(id) else { return };
        let total = call.total_deadline(self.config.max_total_timeout_ms).unwrap_or(u64::MAX);
        self.effects.set_timer(Timer::Call(id), now.mono.saturating_add(left).min(total));
    }
}
