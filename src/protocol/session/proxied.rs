//! What the host's proxy says in its own name: it is no answer of the server's, and says nothing of the session.

use super::Session;
use crate::protocol::exchanges::Answer;
use crate::protocol::policy::proxy;
use crate::protocol::{Code, Error, ExchangeId, Now, Outcome, Payload};

impl<P: Payload> Session<P> {
    /// See [`proxy::diagnosis`].
    pub(super) fn take_proxied(&mut self, id: ExchangeId, said: &str, status: u16, now: Now) {
        let diagnosis = proxy::diagnosis(said);
        // The server, or what stands before the proxy, may be there again in a moment.
        let passes = matches!(status, 0 | 429 | 502..=504);
        let message = match status {
            0 => diagnosis.hint.to_owned(),
            _ => format!("{} (HTTP {status})", diagnosis.hint),
        };
        if passes {
            let error = Error::boxed(Code::Network, Outcome::Unknown, message).with_diagnosis(diagnosis).retryable();
            return self.conclude(id, Answer::Lost { error }, now);
        }
        let outcome = if proxy::is_refused(said) { Outcome::NotExecuted } else { Outcome::Unknown };
        let error = Error::boxed(Code::Proxy, outcome, message).with_status(status).with_diagnosis(diagnosis);
        self.conclude(id, Answer::Unusable { error }, now);
    }
}
