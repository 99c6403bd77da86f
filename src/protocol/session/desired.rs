//! What the app asks to be held, and what the server says to that.

use super::Session;
use super::send::Own;
use crate::protocol::calls::Call;
use crate::protocol::desired::{Attempt, StateRequest};
use crate::protocol::{CallId, ExchangeId, Now, Params, Payload, Purpose};

/// What this call changes of what the session holds, if it does.
fn state_request<P>(call: &Call<P>) -> Option<StateRequest> {
    StateRequest::of(call.method(), call.params())
}

impl<P: Payload> Session<P> {
    /// A call is made.
    pub(in crate::protocol) fn state_requested(&mut self, id: CallId, call: &Call<P>) {
        if let Some(request) = state_request(call) {
            self.desired.requested(id, request);
        }
    }

    /// It is settled, or given up.
    pub(in crate::protocol) fn state_request_ended(&mut self, id: CallId, call: &Call<P>) {
        if let Some(request) = state_request(call) {
            self.desired.ended(id, &request);
        }
    }

    /// The server accepted what it asks for.
    pub(in crate::protocol) fn state_request_accepted(&mut self, id: CallId, generation: u32, now: Now) {
        if let Some(request) = self.calls.get(id).and_then(|call| state_request(call)) {
            self.accepted(request, generation, now);
        }
    }

    /// What the server does not grant is not wanted from the next session either.
    pub(in crate::protocol) fn state_request_refused(&mut self, id: CallId, now: Now) {
        let Some(request) = self.calls.get(id).and_then(|call| state_request(call)) else { return };
        let generation = self.lifecycle.known().map_or(0, |session| session.generation());
        let due = self.desired.refused(id, &request, generation);
        self.ask_again(due, now);
        self.listen(now);
    }

    pub(in crate::protocol) fn accepted(&mut self, request: StateRequest, generation: u32, now: Now) {
        if self.lifecycle.known().is_some_and(|session| session.generation() == generation) {
            let due = self.desired.accepted(request, generation);
            self.ask_again(due, now);
        }
    }

    fn ask_again(&mut self, request: Option<StateRequest>, now: Now) {
        let by_request = self.lifecycle.ready().is_some_and(|it| it.era().holds_by_request());
        let Some(request) = request.filter(|request| by_request && !self.is_wanted_elsewhere(request)) else { return };
        self.attempt(Attempt::again(request, now), now);
    }

    /// Whether this would end a subscription that another tab wants.
    fn is_wanted_elsewhere(&self, request: &StateRequest) -> bool {
        matches!(request, StateRequest::Unsubscribe(uri) if self.others_want(uri))
    }

    /// The same of a call.
    pub(in crate::protocol) fn ends_for_others(&self, call: &Call<P>) -> bool {
        state_request(call).is_some_and(|request| self.is_wanted_elsewhere(&request))
    }

    /// `None` where it cannot be asked of this server.
    pub(in crate::protocol) fn restore_request(
        &mut self,
        method: &str,
        params: Option<String>,
        timeout_ms: u64,
        now: Now,
    ) -> Option<ExchangeId> {
        self.exchanges.fresh_request_id();
        let session = self.lifecycle.ready().filter(|session| session.missing_capability(method).is_none())?;
        let params = Params { text: params, ..Params::default() };
        let timeout_ms = timeout_ms.min(self.config.timeout_ms);
        let own = Own { purpose: Purpose::Restore, method, params: &params, timeout_ms };
        let parcel = self.own_request(own, Some(session), now);
        Some(self.send(parcel, now))
    }
}
