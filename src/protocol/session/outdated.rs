//! A request whose token is not the one any more that whoever keeps the tokens has: it was not sent. Who is signed in is
//! found out first, and what was held goes out with what is kept by then, in a session of that user's.

use super::Session;
use super::foreign::changing;
use crate::protocol::authorization::Held;
use crate::protocol::calls::Queue;
use crate::protocol::codec::http::Method;
use crate::protocol::exchanges::Answer;
use crate::protocol::status::WireStep;
use crate::protocol::{ExchangeId, Now, Outcome, Payload, Purpose};

impl<P: Payload> Session<P> {
    /// Takes it that this was not sent, for its token was not the one to go with.
    pub(in crate::protocol) fn take_outdated(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let (purpose, method) = (exchange.purpose(), exchange.method());
        // The one before has had it, and led elsewhere.
        if exchange.is_dispatched() {
            return self.take_failure(id, None, None, now);
        }
        let late = exchange.token() < self.authorization.token();
        let repeated = exchange.repeated();
        let command = purpose.call().filter(|_| method == Method::Post);
        let ends = self.lifecycle.is_closed() || matches!(purpose, Purpose::Delete | Purpose::Cancelled);
        if ends || command.is_none() && repeated.is_none() || !late && !self.look_up_token(now) {
            return self.conclude(id, Answer::Unusable { error: changing(Outcome::NotExecuted) }, now);
        }
        let Some(exchange) = self.remove_exchange(id, now) else { return };
        let duration_ms = now.mono.saturating_sub(exchange.sent().mono);
        self.emit(exchange.wire(id, WireStep::Aborted { duration_ms }, now));
        if let Some(call) = command {
            self.calls.unsent(call);
            return if late { self.dispatch(call, now) } else { self.park(call, Queue::Token, now) };
        }
        let Some(request) = repeated else { return };
        let held = Held { id, exchange: exchange.anew(None), request, refused: None };
        if late { self.resend(held, now) } else { self.authorization.hold(held) }
    }

    /// What is kept is loaded once more. Says no where nobody keeps any, or it has been another each time.
    fn look_up_token(&mut self, now: Now) -> bool {
        let may = self.config.authorizes && (self.authorization.is_under_way() || self.authorization.may_look_up());
        if !may {
            return false;
        }
        // That is nobody's credential that changes by itself: somebody has put it there.
        self.identity.user_agreed();
        self.authorize(None, now);
        true
    }
}
