//! Which results are kept, and whose call is answered with one: those of whoever is signed in, asked with the header fields
//! that the host adds now.

use super::Session;
use crate::protocol::calls::{Call, Queue};
use crate::protocol::desired::Asked;
use crate::protocol::exchanges::Exchange;
use crate::protocol::{CallId, Now, Payload};

/// What input was given for, and what was asked with header fields of the call's own, is a result of its own.
fn is_plain<P>(call: &Call<P>) -> bool {
    call.round().is_none() && call.params().inputs.is_none() && call.options().headers.is_empty()
}

impl<P: Payload> Session<P> {
    /// Nothing that was asked so far is used again.
    pub(in crate::protocol) fn forget_cached(&mut self) {
        self.desired.forget_results(self.exchanges.latest_request());
    }

    /// Settles a call from the cache, if that is fresh and the caller does not want to ask anew. Says whether the call is
    /// seen to, by that or by whoever says which header fields the host would add now.
    pub(in crate::protocol) fn answer_from_cache(&mut self, id: CallId, now: Now) -> bool {
        let Some(call) = self.calls.get(id).filter(|call| !call.options().reload && is_plain(call)) else {
            return false;
        };
        let params = call.params().text.as_deref().unwrap_or_default();
        let Some((value, fields)) = self.desired.fresh(call.method(), params, now) else { return false };
        if !self.config.identified {
            if self.config.fields_vary && !self.identity.is_fresh() {
                if !self.calls.is_any_queued(Queue::Fields) {
                    self.identify(now);
                }
                self.calls.enqueue(id, Queue::Fields);
                return true;
            }
            if fields != self.identity.fields() {
                return false;
            }
        }
        let Some(value) = value.thawed() else { return false };
        self.settle(id, Ok(value));
        true
    }

    /// Keeps a result for as long as its `ttlMs` says.
    pub(in crate::protocol) fn keep(&mut self, id: CallId, exchange: &Exchange, result: &P, now: Now) {
        let Some(call) = self.calls.get(id).filter(|call| is_plain(call)) else { return };
        let asked = Asked {
            method: call.method(),
            params: call.params().text.as_deref().unwrap_or_default(),
            uri: call.params().uri.as_ref(),
            request_id: exchange.request_id().unwrap_or_default(),
            fields: exchange.fields(),
        };
        self.desired.keep(&asked, result, now);
    }

    pub(in crate::protocol) fn cursor_refused(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(id).filter(|call| call.method().ends_with("/list")) {
            self.desired.cursor_refused(call.method());
        }
    }

    /// The server says that something has changed.
    pub(in crate::protocol) fn forget_changed(&mut self, method: &str, params: Option<&P>) {
        self.desired.changed(method, params, self.exchanges.latest_request());
    }
}
