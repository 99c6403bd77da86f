//! What one attempt to make a session has tried, and what is remembered from one to the next.

use super::{Discovered, Established, Lifecycle, SessionId, Step};
use crate::protocol::era::memory::LEGACY_MS;
use crate::protocol::error::Error;
use crate::protocol::{ExchangeId, Now};

impl<P> Lifecycle<P> {
    /// The next session, which counts as made.
    pub fn next_session(
        &mut self,
        id: Option<SessionId>,
        version: &'static str,
        handshake: P,
        now: Now,
    ) -> Box<Established<P>> {
        self.history.generation += 1;
        Established::new(self.history.generation, id, version, handshake, now)
    }

    /// Sessions made so far.
    pub fn generation(&self) -> u32 {
        self.history.generation
    }

    /// What `server/discover` told in this attempt.
    pub fn discovered(&mut self, what: Discovered) {
        if let Some(establishing) = self.state.establishing_mut() {
            establishing.discovered = what;
        }
    }

    /// Another version is offered in this attempt. Says whether one was already.
    pub fn renegotiates(&mut self) -> bool {
        let establishing = self.state.establishing_mut();
        establishing.is_some_and(|establishing| std::mem::replace(&mut establishing.renegotiated, true))
    }

    /// The old session was ended, so that a single-session server can make a new one.
    pub fn cleared(&mut self) {
        if let Some(establishing) = self.state.establishing_mut() {
            establishing.cleared = true;
        }
    }

    /// A second handshake was sent beside the first.
    pub fn hedged(&mut self, with: ExchangeId) {
        if let Some(Step::Handshake { hedge, .. }) = self.state.establishing_mut().map(|it| &mut it.step) {
            *hedge = Some(with);
        }
    }

    /// The attempt failed: the next one begins from nothing. Says whether one was under way.
    pub fn attempt_failed(&mut self, now: Now) -> bool {
        let Some(establishing) = self.state.establishing_mut() else { return false };
        establishing.failed += 1;
        establishing.failing_since.get_or_insert(now.mono);
        establishing.cleared = false;
        establishing.renegotiated = false;
        establishing.discovered = Discovered::Nothing;
        true
    }

    /// The attempts that failed do not count.
    pub fn forget_attempts(&mut self) {
        if let Some(establishing) = self.state.establishing_mut() {
            establishing.failed = 0;
        }
    }

    /// The pause is cut short.
    pub fn pause_until(&mut self, at: Now) {
        if let Some(Step::Backoff { until, .. }) = self.state.establishing_mut().map(|it| &mut it.step) {
            *until = at;
        }
    }

    /// Why the latest attempt failed.
    pub fn note_error(&mut self, error: Box<Error<P>>) {
        self.history.last_error = Some(error);
    }

    /// What failed last is mended.
    pub fn forget_error(&mut self) {
        self.history.last_error = None;
    }

    /// The server is of the legacy era.
    pub fn speaks_legacy(&mut self, now: Now) {
        self.history.legacy_since = Some(now.mono);
    }

    /// Whether it still is, is to be asked again.
    pub fn forget_legacy(&mut self) {
        self.history.legacy_since = None;
    }

    pub fn is_known_legacy(&self, now: Now) -> bool {
        self.history.legacy_since.is_some_and(|since| now.mono.saturating_sub(since) < LEGACY_MS)
    }

    /// The version that `initialize` offers.
    pub fn offers(&self) -> &'static str {
        self.history.offers
    }

    pub fn offer(&mut self, version: &'static str) {
        self.history.offers = version;
    }

    /// How long the last handshake took.
    pub fn handshake_ms(&self) -> u64 {
        self.history.handshake_ms
    }

    pub fn handshake_took(&mut self, ms: u64) {
        self.history.handshake_ms = ms;
    }

    /// When a handshake may go out after a hedge that was refused, on the monotonic clock.
    pub fn hedge_not_before(&self) -> u64 {
        self.history.hedge_not_before
    }

    pub fn hedge_refused(&mut self, not_before: u64) {
        self.history.hedge_not_before = not_before;
    }

    /// The endpoint was taken for its address with the other final slash.
    pub fn took_other_slash(&self) -> bool {
        self.history.other_slash
    }

    pub fn take_other_slash(&mut self) {
        self.history.other_slash = true;
    }
}
