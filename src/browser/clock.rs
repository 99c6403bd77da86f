//! The platform's clocks, and the seed.

use super::js;
use crate::protocol::Now;

/// The time on both clocks.
#[must_use]
pub fn now() -> Now {
    // Both are finite and positive; the cast drops fractions of a millisecond.
    Now { mono: js::performance_now() as u64, unix_ms: js_sys::Date::now() as u64 }
}

/// For jitter and ids: differs between pages.
#[must_use]
pub fn seed() -> u64 {
    let words = js_sys::Uint32Array::new_with_length(2);
    match js::random_values(&words) {
        Ok(_) => u64::from(words.get_index(0)) << 32 | u64::from(words.get_index(1)),
        // No `crypto` here: good enough for what the seed is for.
        Err(_) => js_sys::Math::random().to_bits() ^ now().unix_ms.rotate_left(32),
    }
}
