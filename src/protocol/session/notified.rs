//! What the server tells: progress, and every other notification, on whichever stream.

use super::Session;
use crate::protocol::calls::Call;
use crate::protocol::codec::json_rpc::Id;
use crate::protocol::policy::verdict::is_own;
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{ExchangeId, Field, Now, Output, Payload, Purpose};

impl<P: Payload> Session<P> {
    pub(in crate::protocol) fn notified(&mut self, id: ExchangeId, method: String, params: Option<P>, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let (purpose, generation) = (exchange.purpose(), exchange.generation());
        let event_id = exchange.cursor().event_id.clone();
        let progress_token = exchange.request_id().filter(|_| !exchange.is_concluded());
        if purpose == Purpose::Listen && self.told_on_stream(id, &method, params.as_ref(), now) {
            return;
        }
        match (method.as_str(), purpose, &params) {
            ("notifications/progress", Purpose::Call(call), Some(progress)) => {
                let token = Id::of(progress, Field::ProgressToken);
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

    fn progressed(&mut self, id: crate::protocol::CallId, params: P, now: Now) {
        if !self.calls.get(id).is_some_and(|call| call.options().progress) {
            return;
        }
        let progress = params.number(Field::Progress);
        if self.calls.progressed(id, progress) {
            let resets = |call: &&Call<P>| call.options().reset_timeout_on_progress && !call.is_paused();
            if let Some(call) = self.calls.get(id).filter(resets) {
                let deadline = call.deadline(now.mono, self.config.timeout_ms, self.config.max_total_timeout_ms);
                self.effects.set_timer(Timer::Call(id), deadline);
            }
            self.output(Output::Progress { call: id, params });
        }
    }
}
