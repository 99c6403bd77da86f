//! What a session remembers beyond its states.

use super::error::Error;
use super::status::{LastRecovery, Status};

/// What outlives a state.
pub(super) struct Past<P> {
    /// Sessions made so far.
    pub generation: u32,
    pub recoveries: u32,
    pub last_recovery: Option<LastRecovery>,
    pub last_error: Option<Box<Error<P>>>,
    pub verified_at_unix_ms: Option<u64>,
    /// The status that the session ended with.
    pub ended: Option<Box<Status<P>>>,
    pub slowest_handshake_ms: u64,
    /// When the server was found to be of the legacy era, on the monotonic clock.
    pub legacy_since: Option<u64>,
    /// How this server's gate refuses: status and JSON-RPC code.
    pub gate: Option<(u16, Option<i64>)>,
    /// Sessions in a row that were made by a recovery and lost before they answered anything.
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
            ended: None,
            slowest_handshake_ms: 0,
            legacy_since: None,
            gate: None,
            fruitless: 0,
            early_losses: 0,
            parted: None,
        }
    }
}
