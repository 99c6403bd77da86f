//! How long a handshake is waited for, and what is done meanwhile: another one beside one that may be lost, and a connection
//! for one that starves.

use super::Session;
use super::cancel::STARVED_MS;
use crate::protocol::calls::Queue;
use crate::protocol::config::Connections;
use crate::protocol::error::Diagnosis;
use crate::protocol::exchanges::Exchange;
use crate::protocol::lifecycle::Step;
use crate::protocol::time::Timer;
use crate::protocol::{Code, Error, ExchangeId, Now, Payload};

/// The longest that one handshake's request may take where nobody who waits for it has more time.
const HANDSHAKE_MS: u64 = 30_000;
/// A handshake without a head for so long, or for three times what the last one took, may be lost.
const HEDGE_MS: u64 = 5_000;
/// A head without an answer is worth so many times as much.
const HEAD_SHARE: u64 = 2;

/// "HTTP/1.1 allows six connections per host", for all tabs together.
const NO_CONNECTION: Diagnosis = Diagnosis {
    kind: "no_connection",
    header: None,
    hint: "A browser has six connections to a host with HTTP/1.1, for all its tabs together, and other tabs that listen to \
           it may hold them all. Let tabs have one session (`share`) or not listen (`listen: \"never\"`), or let the server \
           speak HTTP/2.",
};

impl<P: Payload> Session<P> {
    /// A request that nothing came of may never have left the browser.
    pub(in crate::protocol) fn hint_at_connections(&self, mut error: Box<Error<P>>) -> Box<Error<P>> {
        let is_alone = self.config.connections != Connections::Many && !self.config.shared;
        let is_silence = |error: &Error<P>| error.code == Code::Timeout;
        let nothing_came = self.lifecycle.last_error().is_none_or(is_silence)
            && self.exchanges.iter().all(|(_, exchange)| exchange.head().is_none());
        if !is_alone || !nothing_came {
            return error;
        }
        error.message.push(' ');
        error.message.push_str(NO_CONNECTION.hint);
        error.with_diagnosis(NO_CONNECTION)
    }

    /// The answer to `initialize` takes its time. One that was lost is followed by another, where a session was lost: the
    /// server was there a moment ago. If that is lost, too, the next one takes its place, later and later.
    pub(in crate::protocol) fn handshake_due(&mut self, now: Now) {
        let Some(&Step::Handshake { exchange, hedge }) = self.lifecycle.establishing().map(|it| &it.step) else {
            return;
        };
        self.free_connection(now);
        if self.hedge_at(exchange, hedge).is_some_and(|at| at <= now.mono) {
            hedge.map(|hedge| self.abort(hedge, now));
            let end = self.handshake_end(exchange).unwrap_or_default();
            let hedge = self.send_initialize(end.saturating_sub(now.mono).max(HEDGE_MS), now);
            self.lifecycle.hedged(hedge);
        }
        self.watch_handshake(now);
    }

    pub(in crate::protocol) fn watch_handshake(&mut self, now: Now) {
        let starved = now.mono.saturating_add(STARVED_MS);
        let hedge = match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(&Step::Handshake { exchange, hedge }) => self.hedge_at(exchange, hedge),
            Some(_) | None => None,
        };
        let at = hedge.filter(|at| *at > now.mono).map_or(starved, |at| at.min(starved));
        self.effects.set_timer(Timer::Step, at);
    }

    /// When the next one is sent beside the first; `None` where one of them has come to nothing, or waits for a token.
    fn hedge_at(&self, first: ExchangeId, hedge: Option<ExchangeId>) -> Option<u64> {
        let first = self.exchanges.get(first)?;
        let (sent, ms) = match hedge {
            None => {
                let share = if first.head().is_some() { HEAD_SHARE } else { 1 };
                (first.sent().mono, self.hedge_ms().saturating_mul(share))
            }
            Some(hedge) => {
                let sent = self.exchanges.get(hedge)?.sent().mono;
                let doubled = sent.saturating_sub(first.sent().mono).saturating_mul(2);
                (sent, doubled.min(HANDSHAKE_MS.max(self.hedge_ms())))
            }
        };
        Some(sent.saturating_add(ms))
    }

    /// The host wants a session now: a handshake that takes longer than they do is given up for another one.
    pub(in crate::protocol) fn give_up_handshake(&mut self, now: Now) {
        let Some(&Step::Handshake { exchange, hedge }) = self.lifecycle.establishing().map(|it| &it.step) else {
            return;
        };
        let latest = hedge.filter(|hedge| self.is_under_way(*hedge)).unwrap_or(exchange);
        let waited = self.exchanges.get(latest).map_or(0, |latest| now.mono.saturating_sub(latest.sent().mono));
        if waited >= self.hedge_ms() && !self.is_offline() {
            self.abort(exchange, now);
            hedge.map(|hedge| self.abort(hedge, now));
            self.handshake(now);
        }
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
        self.exchanges.has(id) || self.authorization.holds(id)
    }

    fn hedge_ms(&self) -> u64 {
        HEDGE_MS.max(self.lifecycle.handshake_ms().saturating_mul(3))
    }

    /// How long a handshake's request may take that is sent at this time: as any other call, or as long as one of those who
    /// wait for it has. Whoever comes while it is under way does not begin that anew.
    pub(in crate::protocol) fn handshake_ms(&self, sent: u64) -> u64 {
        let usual = HANDSHAKE_MS.min(self.config.timeout_ms);
        if self.lifecycle.known().is_none() {
            return usual;
        }
        let times = self.calls.queued(Queue::Session).filter_map(|id| {
            let own = self.calls.get(id)?.options().timeout_ms.unwrap_or(self.config.timeout_ms);
            Some(self.effects.timer_at(Timer::Call(id))?.saturating_sub(sent).min(own))
        });
        times.max().map_or(usual, |longest| longest.max(usual))
    }

    /// When a handshake that is under way has had its time.
    fn handshake_end(&self, first: ExchangeId) -> Option<u64> {
        let sent = self.exchanges.get(first)?.sent().mono;
        Some(sent.saturating_add(self.handshake_ms(sent)))
    }

    /// Somebody else waits for the handshake that is under way, perhaps for longer.
    pub(in crate::protocol) fn extend_handshake(&mut self) {
        let (exchange, hedge) = match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(&Step::Handshake { exchange, hedge }) => (exchange, hedge),
            Some(_) | None => return,
        };
        let Some(until) = self.handshake_end(exchange) else { return };
        for id in [Some(exchange), hedge].into_iter().flatten() {
            // The rest of a refusal has a time of its own.
            let refused = self.exchanges.get(id).is_some_and(Exchange::is_refused);
            if !refused && self.effects.timer_at(Timer::Exchange(id)).is_some_and(|at| at < until) {
                self.effects.set_timer(Timer::Exchange(id), until);
            }
        }
    }
}
