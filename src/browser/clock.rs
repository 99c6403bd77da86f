//! The platform's clocks, and the seed.

use super::js;
use crate::protocol::Now;

/// The time on both clocks.
#[must_use]
pub fn now() -> Now {
    // Both are finite and positive; the cast drops fractions of a millisecond.
    Now { mono: js::monotonic_ms() as u64, unix_ms: js_sys::Date::now() as u64 }
}

/// For jitter and ids: differs between pages.
#[must_use]
pub fn seed() -> u64 {
    match js::random_bytes(8).map(<[u8; 8]>::try_from) {
        Ok(Ok(bytes)) => u64::from_le_bytes(bytes),
        // No `crypto` here: good enough for what the seed is for.
        Err(_) | Ok(Err(_)) => js_sys::Math::random().to_bits() ^ now().unix_ms.rotate_left(32),
    }
}
