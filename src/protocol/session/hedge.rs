//! How long a handshake is waited for, and what is done meanwhile: another one beside one that may be lost, and a connection
//! for one that starves.

use super::Session;
use super::cancel::STARVED_MS;
use crate::protocol::calls::Queue;
use crate::protocol::lifecycle::Step;
use crate::protocol::time::Timer;
use crate::protocol::{ExchangeId, Now, Payload};

/// The longest that one handshake's request may take where nobody waits for it.
const HANDSHAKE_MS: u64 = 30_000;
/// A handshake without a head for so long, or for three times what the last one took, may be lost.
const HEDGE_MS: u64 = 5_000;

impl<P: Payload> Session<P> {
    /// The answer to `initialize` takes its time. One that was lost is followed by another, once, where a session was lost:
    /// the server was there a moment ago.
    pub(in crate::protocol) fn handshake_due(&mut self, now: Now) {
        let Some(&Step::Handshake { exchange, hedge }) = self.lifecycle.establishing().map(|it| &it.step) else {
            return;
        };
        self.free_connection(now);
        let first = self.exchanges.get(&exchange);
        let waited = first.filter(|it| it.head.is_none()).map_or(0, |it| now.mono.saturating_sub(it.sent.mono));
        if hedge.is_none() && waited >= self.hedge_ms() {
            let hedge = self.send_initialize(now);
            self.lifecycle.hedged(hedge);
        }
        self.watch_handshake(now);
    }

    pub(in crate::protocol) fn watch_handshake(&mut self, now: Now) {
        let starved = now.mono.saturating_add(STARVED_MS);
        let hedge = match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(Step::Handshake { exchange, hedge: None }) => self.exchanges.get(exchange),
            Some(_) | None => None,
        };
        let hedge = hedge.map(|exchange| exchange.sent.mono.saturating_add(self.hedge_ms()));
        let at = hedge.filter(|at| *at > now.mono).map_or(starved, |at| at.min(starved));
        self.timers.set(Timer::Step, at);
    }

    /// Whether this exchange is the handshake that is waited for, and there is no other.
    pub(in crate::protocol) fn is_only_handshake(&self, id: ExchangeId) -> bool {
        let (first, second) = match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(&Step::Handshake { exchange, hedge: Some(hedge) }) if hedge == id => (hedge, Some(exchange)),
            Some(&Step::Handshake { exchange, hedge }) => (exchange, hedge),
            Some(_) | None => return false,
        };
        first == id && !second.is_some_and(|other| self.is_under_way(other))
    }

    /// Whether an exchange was not concluded: it is on the wire, or waits for a token.
    pub(in crate::protocol) fn is_under_way(&self, id: ExchangeId) -> bool {
        self.exchanges.contains_key(&id) || self.authorization.holds(id)
    }

    fn hedge_ms(&self) -> u64 {
        HEDGE_MS.max(self.lifecycle.handshake_ms().saturating_mul(3))
    }

    /// How long a handshake's request may take: as long as somebody waits for it, or as for any other call.
    pub(in crate::protocol) fn handshake_ms(&self, now: Now) -> u64 {
        let usual = HANDSHAKE_MS.min(self.config.timeout_ms);
        if self.lifecycle.known().is_none() {
            return usual;
        }
        let deadlines = self.calls.queued(Queue::Session).filter_map(|id| self.timers.at(Timer::Call(id)));
        let longest = deadlines.max().map_or(0, |at| at.saturating_sub(now.mono));
        longest.max(usual)
    }

    /// Somebody else waits for the handshake that is under way, perhaps for longer.
    pub(in crate::protocol) fn extend_handshake(&mut self, now: Now) {
        let (exchange, hedge) = match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(&Step::Handshake { exchange, hedge }) => (exchange, hedge),
            Some(_) | None => return,
        };
        let until = now.mono.saturating_add(self.handshake_ms(now));
        for id in [Some(exchange), hedge].into_iter().flatten() {
            if self.timers.at(Timer::Exchange(id)).is_some_and(|at| at < until) {
                self.timers.set(Timer::Exchange(id), until);
            }
        }
    }
}
