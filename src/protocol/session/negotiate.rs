//! Which era is spoken: asked before the first call, and again whenever the server says otherwise.

use super::Session;
use super::send::Own;
use crate::protocol::codec::json_rpc::UNSUPPORTED_PROTOCOL_VERSION;
use crate::protocol::config::EraChoice;
use crate::protocol::era::memory::LEGACY_MS;
use crate::protocol::era::{legacy, modern};
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::{Discovered, Since, Step};
use crate::protocol::policy::probe::{Evidence, weigh};
use crate::protocol::policy::verdict::Refusal;
use crate::protocol::status::Event;
use crate::protocol::{Code, Error, ExchangeId, Now, Outcome, Params, Payload, Purpose, error::Diagnosis};

/// The question is cheap: a server that takes longer to answer it is in trouble, or does not know it. It takes no more
/// than a third of the time that the caller has.
const DISCOVER_MS: u64 = 3_000;
const DISCOVER_SHARE: u64 = 3;

/// What most servers speak.
const COMMON_VERSION: &str = "2025-06-18";

/// A server of the modern era whose CORS rules know only the header fields of the legacy one.
const HIDDEN_ERA: Diagnosis = Diagnosis {
    kind: "cors",
    header: Some("Access-Control-Allow-Headers"),
    hint: "The server speaks protocol version 2026-07-28, but its CORS rules do not allow the header fields of that \
           version: it must name MCP-Protocol-Version, Mcp-Method, Mcp-Name and each Mcp-Param-… in \
           Access-Control-Allow-Headers.",
};

impl<P: Payload> Session<P> {
    /// Begins to make a session, in the era that the server is known to speak, or by asking for it.
    pub(in crate::protocol) fn begin(&mut self, now: Now) {
        if self.is_offline() {
            return self.wait_for_network(now);
        }
        match (self.config.handshake.is_own(), self.config.era) {
            (false, _) | (true, EraChoice::Legacy) => self.handshake(now),
            (true, EraChoice::Auto) if self.lifecycle.is_known_legacy(now) => self.handshake(now),
            (true, EraChoice::Auto | EraChoice::Modern) => self.discover(now),
        }
    }

    /// There is a session: whoever makes the next one to this endpoint need not ask which era it is of.
    pub(in crate::protocol) fn tell_era(&mut self, now: Now) {
        let could_be_either = self.config.handshake.is_own() && self.config.era == EraChoice::Auto;
        if let Some(session) = self.lifecycle.ready().filter(|_| could_be_either) {
            let until = session.era().has_sessions().then(|| now.unix_ms.saturating_add(LEGACY_MS));
            self.emit(Event::EraLearned { legacy_until_unix_ms: until });
        }
    }

    fn discover(&mut self, now: Now) {
        if self.delegate_to_leader(now) {
            return;
        }
        self.exchanges.fresh_request_id();
        let timeout = DISCOVER_MS.min(self.config.timeout_ms / DISCOVER_SHARE);
        let params = Params::default();
        let parcel = self.own_request(
            Own { purpose: Purpose::Discover, method: modern::DISCOVER, params: &params, timeout_ms: timeout },
            None,
            now,
        );
        let exchange = self.send(parcel, now);
        self.step(Step::Discover { exchange });
        if planted!("discover_beside_initialize") && self.lifecycle.recoveries() > 0 {
            self.handshake(now);
        }
    }

    pub(in crate::protocol) fn discover_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        now: Now,
    ) {
        let Some(establishing) = self.lifecycle.establishing() else { return };
        if !matches!(establishing.step, Step::Discover { exchange } if exchange == id) {
            return;
        }
        let pinned = self.config.era == EraChoice::Modern;
        let is_last = establishing.failed + 1 >= self.config.recovery.max_attempts;
        match weigh(answer) {
            Evidence::Modern(result) => self.discover_succeeded(exchange, result, now),
            Evidence::Legacy if pinned => {
                let text =
                    "The server does not speak protocol version 2026-07-28, and the option `era` allows no other.";
                let error = Error::boxed(Code::UnsupportedVersion, Outcome::NotExecuted, text);
                self.attempt_failed(error, 0, now);
            }
            Evidence::Legacy => {
                self.lifecycle.discovered(Discovered::Legacy);
                self.lifecycle.speaks_legacy(now);
                self.handshake(now);
            }
            Evidence::Again(error) if establishing.discovered == Discovered::Again => {
                self.attempt_failed(error, 0, now);
            }
            Evidence::Again(_) => {
                self.lifecycle.discovered(Discovered::Again);
                self.discover(now);
            }
            Evidence::Hidden(error) if pinned => self.attempt_failed(error, 0, now),
            Evidence::Hidden(_) => {
                self.lifecycle.discovered(Discovered::Hidden);
                self.handshake(now);
            }
            Evidence::Unclear(error) if pinned || establishing.discovered == Discovered::Doubted => {
                self.attempt_failed(error, 0, now);
            }
            Evidence::Failing { error, retry_after }
                if pinned || establishing.discovered == Discovered::Doubted || !is_last || retry_after > 0 =>
            {
                self.attempt_failed(error, retry_after, now);
            }
            Evidence::Unclear(_) | Evidence::Failing { .. } => {
                self.lifecycle.discovered(Discovered::Unclear);
                self.handshake(now);
            }
            Evidence::None { error, retry_after } => self.attempt_failed(error, retry_after, now),
        }
    }

    /// The server is of the modern era, and has told what else there is to know.
    fn discover_succeeded(&mut self, exchange: &Exchange, result: P, now: Now) {
        if let Some(error) = self.cannot_be_kept(&result) {
            return self.attempt_failed(error, 0, now);
        }
        self.lifecycle.forget_legacy();
        self.lifecycle.handshake_took(now.mono.saturating_sub(exchange.sent().mono));
        let doubted = self.lifecycle.establishing().is_some_and(|it| matches!(it.since, Since::Doubt { .. }));
        let capabilities = legacy::capabilities(&result);
        let fresh = self.lifecycle.next_session(None, modern::VERSION, result, now);
        let fresh = fresh.declaring(capabilities).of_owner(exchange.owner()).answered();
        match if doubted { self.ping(now) } else { None } {
            Some(ping) => self.step_with_ping(Step::Confirm { ping, fresh }, now),
            None => {
                self.step(Step::Made { fresh });
                self.established(now);
            }
        }
    }

    /// `initialize` failed below HTTP. A page cannot see whether a server that replaced the legacy one refused it: the
    /// next attempt asks.
    pub(in crate::protocol) fn initialize_lost(&mut self, error: &Error<P>) {
        if error.code == Code::Network && !planted!("era_hidden_forever") {
            self.lifecycle.forget_legacy();
        }
    }

    /// The version to offer after `initialize` was refused for the one that it offered: the newest in common, where the
    /// refusal names any; where it only speaks of the version, one that every server of the field knows. Once in each
    /// attempt (2025-11-25, lifecycle, Version Negotiation and Error Handling).
    pub(in crate::protocol) fn other_version(&mut self, refusal: &Refusal, error: &Error<P>) -> Option<&'static str> {
        let own = self.config.handshake.is_own();
        self.lifecycle.establishing()?;
        if !own || matches!(refusal.status, 401 | 403 | 404 | 405 | 429 | 503) {
            return None;
        }
        if self.lifecycle.renegotiates() {
            self.lifecycle.offer(legacy::LATEST);
            return None;
        }
        let named = error.data.as_ref().and_then(P::to_json).unwrap_or_default();
        let words = [&*refusal.words, "\n", &named].concat();
        if words.contains(modern::VERSION) && self.config.era != EraChoice::Legacy {
            return None;
        }
        let offered = self.lifecycle.offers();
        let common = legacy::VERSIONS.into_iter().find(|version| *version != offered && words.contains(version));
        let speaks_of_it = refusal.rpc_code != Some(UNSUPPORTED_PROTOCOL_VERSION)
            && refusal.words.to_ascii_lowercase().contains("version")
            && offered != COMMON_VERSION;
        common.or(speaks_of_it.then_some(COMMON_VERSION))
    }

    /// The server was told to be of the legacy era, and refused to make a session as one of the modern era does, or as
    /// one that was replaced since may. Says whether it is asked.
    pub(in crate::protocol) fn doubt_legacy(&mut self, other_era: bool, error: &mut Error<P>, now: Now) -> bool {
        let own = self.config.handshake.is_own();
        let Some(establishing) = self.lifecycle.establishing() else { return false };
        let (discovered, doubted) = (establishing.discovered, matches!(establishing.since, Since::Doubt { .. }));
        if !own || self.config.era != EraChoice::Auto || discovered == Discovered::Legacy {
            return false;
        }
        if discovered == Discovered::Hidden {
            if other_era {
                error.code = Code::Cors;
                HIDDEN_ERA.hint.clone_into(&mut error.message);
                error.diagnosis = Some(HIDDEN_ERA);
            }
            return false;
        }
        if discovered == Discovered::Unclear {
            // It is asked once more: it may not have been awake.
            self.lifecycle.discovered(Discovered::Doubted);
        }
        self.lifecycle.forget_legacy();
        if doubted && !other_era {
            return false;
        }
        if doubted && self.lifecycle.known().is_some_and(|old| !old.era().has_sessions()) {
            return self.check_in_same_era(discovered, now);
        }
        self.step(Step::Idle);
        if doubted {
            self.doubted_is_gone("the server speaks another protocol version now", now);
        }
        // A call that lost its questions with the session may have begun.
        if self.lifecycle.establishing().is_some_and(|establishing| matches!(establishing.step, Step::Idle)) {
            self.begin(now);
        }
        true
    }

    /// A server that could not be reached is there again, and of the era that it was of: a ping tells whether what is between
    /// us lives. Says whether one is sent.
    fn check_in_same_era(&mut self, discovered: Discovered, now: Now) -> bool {
        if discovered != Discovered::Nothing {
            return false;
        }
        let Some(ping) = self.ping(now) else { return false };
        self.lifecycle.discovered(Discovered::Again);
        self.step_with_ping(Step::Check { ping }, now);
        true
    }
}
