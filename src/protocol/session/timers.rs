//! What is due: every timer, and who acts when its time has come.

use super::Session;
use crate::protocol::time::Timer;
use crate::protocol::{Now, Payload};

impl<P: Payload> Session<P> {
    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.effects.take_due(now.mono) {
            match timer {
                Timer::Call(id) => self.timed_out(id, now),
                Timer::Resend(id) => self.dispatch(id, now),
                Timer::Resume(id) => self.resume(id, now),
                Timer::Exchange(id) => self.exchange_timed_out(id, now),
                Timer::Listen => self.listen_due(now),
                Timer::Restore => self.restore_due(now),
                Timer::Step if planted!("step_timer_ignored") => {}
                Timer::Step => self.step_due(now),
                Timer::Wake => self.wake_due(now),
                Timer::Look => self.look_due(now),
                Timer::Check => self.check_due(now),
                Timer::Held => self.stream_is_late(now),
                Timer::KeepAlive => self.keep_alive_due(now),
                Timer::Leader => self.leader_due(now),
                Timer::Offer => self.offer_due(now),
                Timer::Owner => self.owner_due(now),
                Timer::Identify => self.identify_due(now),
            }
        }
        self.send_waiting(now);
    }
}
