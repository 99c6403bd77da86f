//! What the server tells: progress, and every other notification, on whichever stream.

use super::json_rpc::Id;
use super::session::Session;
use super::status::Event;
use super::time::Timer;
use super::verdict::is_own;
use super::{ExchangeId, Field, Now, Output, Payload, Purpose};

impl<P: Payload> Session<P> {
    pub(super) fn notified(&mut self, id: ExchangeId, method: String, params: Option<P>, now: Now) {
        let Some(exchange) = self.exchanges.get(&id) else { return };
        let (purpose, generation) = (exchange.purpose, exchange.generation);
        let event_id = exchange.cursor.event_id.clone();
        let progress_token = exchange.wire_id.filter(|_| !exchange.concluded);
        if purpose == Purpose::Listen && self.told_on_stream(id, &method, params.as_ref(), now) {
            return;
        }
        match (method.as_str(), purpose, &params) {
            ("notifications/progress", Purpose::Call(call), Some(progress)) => {
                let token = progress.field(Field::ProgressToken).and_then(|token| Id::read(&token));
                if is_own(token.as_ref(), progress_token) {
                    return self.progressed(call, progress.clone(), now);
                }
            }
            ("notifications/cancelled", _, Some(cancelled)) => self.question_cancelled(generation, cancelled, now),
            _ => self.forget_changed(&method, params.as_ref()),
        }
        self.pass_on(purpose, event_id, &method, params.as_ref());
        self.emit(Event::Notification { method, params, call: purpose.call() });
    }

    fn progressed(&mut self, id: super::CallId, params: P, now: Now) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.options.progress) else { return };
        // "The progress value MUST increase with each notification" (2025-11-25, progress): a call that was sent again
        // begins anew.
        let progress = params.field(Field::Progress).and_then(|progress| progress.as_number());
        let repeats = call.sends > 1 && progress <= call.progress;
        call.progress = if repeats { call.progress } else { progress };
        if !repeats && call.options.reset_timeout_on_progress && call.paused.is_none() {
            let deadline = call.deadline(now.mono, self.config.timeout_ms, self.config.max_total_timeout_ms);
            self.timers.set(Timer::Call(id), deadline);
        }
        if !repeats {
            self.output(Output::Progress { call: id, params });
        }
    }
}
