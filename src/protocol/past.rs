//! What a session remembers beyond its states.

use super::era::legacy;
use super::error::Error;
use super::gate::Gate;
use super::status::{LastRecovery, Status};
use super::verdict::Form;

/// What outlives a state.
pub(super) struct Past<P> {
    /// Sessions made so far.
    pub generation: u32,
    pub recoveries: u32,
    pub last_recovery: Option<LastRecovery>,
    pub last_error: Option<Box<Error<P>>>,
    pub verified_at_unix_ms: Option<u64>,
    /// The same on the monotonic clock.
    pub proven_at: Option<u64>,
    /// The status that the session ended with.
    pub ended: Option<Box<Status<P>>>,
    /// How long its gate takes.
    pub gate: Gate,
    /// When the server was found to be of the legacy era, on the monotonic clock.
    pub legacy_since: Option<u64>,
    /// The generation of the last session that the server itself refused.
    pub refused: u32,
    /// The generation of the last session that a ping has shown gone, and how that was refused.
    pub ping_refused: Option<(u32, Option<Form>)>,
    /// When a handshake may go out that a hedge was refused, on the monotonic clock.
    pub hedge_not_before: u64,
    /// How long the last handshake took.
    pub handshake_ms: u64,
    /// The version that `initialize` offers.
    pub offers: &'static str,
    /// Capabilities that the server does not declare and yet has: it answered a list of theirs.
    pub shown: Vec<&'static str>,
    /// The endpoint was taken for its address with the other final slash.
    pub other_slash: bool,
    /// Sessions in a row that were made by a recovery and refused at once: before they answered anything.
    pub fruitless: u32,
    /// Sessions in a row that were made by a recovery and lost soon.
    pub early_losses: u32,
    /// Why a host's own Client must connect anew.
    pub parted: Option<Box<Error<P>>>,
}

impl<P> Past<P> {
    pub fn new() -> Self {
        Self {
            generation: 0,
            recoveries: 0,
            last_recovery: None,
            last_error: None,
            verified_at_unix_ms: None,
            proven_at: None,
            ended: None,
            gate: Gate::default(),
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
