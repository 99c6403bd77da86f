//! What is remembered beyond the states.

use super::Lifecycle;
use crate::protocol::era::legacy;
use crate::protocol::error::Error;
use crate::protocol::policy::verdict::Form;
use crate::protocol::status::{LastRecovery, Status};

/// What outlives a state.
pub(super) struct History<P> {
    /// Sessions made so far.
    pub(super) generation: u32,
    pub(super) recoveries: u32,
    pub(super) last_recovery: Option<LastRecovery>,
    pub(super) last_error: Option<Box<Error<P>>>,
    pub(super) verified_at_unix_ms: Option<u64>,
    /// The same on the monotonic clock.
    pub(super) proven_at: Option<u64>,
    /// The status that the session ended with.
    pub(super) ended: Option<Box<Status<P>>>,
    /// When the server was found to be of the legacy era, on the monotonic clock.
    pub(super) legacy_since: Option<u64>,
    /// The generation of the last session that the server itself refused.
    pub(super) refused: u32,
    /// The generation of the last session that a ping has shown gone, and how that was refused.
    pub(super) ping_refused: Option<(u32, Option<Form>)>,
    /// When a handshake may go out that a hedge was refused, on the monotonic clock.
    pub(super) hedge_not_before: u64,
    /// How long the last handshake took.
    pub(super) handshake_ms: u64,
    /// The version that `initialize` offers.
    pub(super) offers: &'static str,
    /// Capabilities that the server does not declare and yet has: it answered a list of theirs.
    pub(super) shown: Vec<&'static str>,
    /// The endpoint was taken for its address with the other final slash.
    pub(super) other_slash: bool,
    /// Sessions in a row that were made by a recovery and refused at once: before they answered anything.
    pub(super) fruitless: u32,
    /// Sessions in a row that were made by a recovery and lost soon.
    pub(super) early_losses: u32,
    /// Why a host's own Client must connect anew.
    pub(super) parted: Option<Box<Error<P>>>,
}

impl<P> History<P> {
    pub fn new() -> Self {
        Self {
            generation: 0,
            recoveries: 0,
            last_recovery: None,
            last_error: None,
            verified_at_unix_ms: None,
            proven_at: None,
            ended: None,
            legacy_since: None,
            refused: 0,
            ping_refused: None,
            hedge_not_before: 0,
            handshake_ms: 0,
            offers: legacy::LATEST,
            shown: Vec::new(),
            other_slash: false,
            fruitless: 0,
            early_losses: 0,
            parted: None,
        }
    }
}

impl<P> Lifecycle<P> {
    /// The generation of the last session that the server itself refused.
    pub fn refused_generation(&self) -> u32 {
        self.history.refused
    }

    /// Sessions in a row that were made by a recovery and refused at once: before they answered anything.
    pub fn fruitless(&self) -> u32 {
        self.history.fruitless
    }

    /// Another such.
    pub fn was_fruitless(&mut self) {
        self.history.fruitless += 1;
    }

    /// Sessions in a row that were made by a recovery and lost soon.
    pub fn early_losses(&self) -> u32 {
        self.history.early_losses
    }

    /// A ping has shown the session of this generation gone, and was refused in this form.
    pub fn ping_refused(&mut self, generation: u32, form: Option<Form>) {
        self.history.ping_refused = Some((generation, form));
    }

    /// In which form the ping was refused that has shown the session of this generation gone; `None` where none has.
    pub fn form_of_ping(&self, generation: u32) -> Option<Option<&Form>> {
        let pinged = self.history.ping_refused.as_ref().filter(|(pinged, _)| *pinged == generation);
        pinged.map(|(_, form)| form.as_ref())
    }

    /// When the server last answered, on the monotonic clock and since the epoch.
    pub fn proven_at(&self) -> Option<u64> {
        self.history.proven_at
    }

    pub fn verified_at_unix_ms(&self) -> Option<u64> {
        self.history.verified_at_unix_ms
    }

    pub fn recoveries(&self) -> u32 {
        self.history.recoveries
    }

    pub fn last_recovery(&self) -> Option<&LastRecovery> {
        self.history.last_recovery.as_ref()
    }

    pub fn note_recovery(&mut self, recovery: LastRecovery) {
        self.history.last_recovery = Some(recovery);
    }

    pub fn last_error(&self) -> Option<&Error<P>> {
        self.history.last_error.as_deref()
    }

    /// The status that the session ended with.
    pub fn ended(&self) -> Option<&Status<P>> {
        self.history.ended.as_deref()
    }

    /// Why a host's own Client must connect anew.
    pub fn parted(&self) -> Option<&Error<P>> {
        self.history.parted.as_deref()
    }

    /// Whether the server has this capability, which it does not declare: it answered a list of it.
    pub fn has_shown(&self, capability: &str) -> bool {
        self.history.shown.contains(&capability)
    }

    pub fn shows(&mut self, capability: &'static str) {
        self.history.shown.push(capability);
    }
}
