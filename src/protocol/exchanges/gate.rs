//! How fast the server's gate is, and so within which time a refusal can be the gate's. Whether one is in time says
//! [`super::Exchanges::time_refusal`].
//!
//! A gate refuses before it dispatches, at once. A refusal that comes later may be that of a second copy of the request
//! (Chromium and Firefox send a POST again by themselves when a reused connection dies before any header), of a server
//! that went while the call was running, or of a proxy: the call may have run.

/// A gate is never thought faster than this, nor slower than [`SLOWEST_MS`].
const FASTEST_MS: u64 = 1_000;
const SLOWEST_MS: u64 = 3_000;
/// A refusal may take so many of the gate's usual round trips.
const ROUND_TRIPS: u64 = 3;
/// So many round trips are remembered.
const RECENT: usize = 5;

/// The recent round trips of requests that no handler keeps waiting: those of the handshake, and pings.
#[derive(Debug, Default)]
pub(super) struct Gate {
    recent: Vec<u64>,
}

impl Gate {
    /// A request of that kind was answered after this many milliseconds.
    pub fn passed_after(&mut self, ms: u64) {
        if self.recent.len() == RECENT {
            self.recent.remove(0);
        }
        self.recent.push(ms);
    }

    /// The usual round trip: the median of the recent ones.
    pub fn round_trip_ms(&self) -> u64 {
        let mut sorted = self.recent.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// The time within which a refusal is the gate's.
    pub fn time_ms(&self) -> u64 {
        let slowest = if planted!("gate_without_cap") { u64::MAX } else { SLOWEST_MS };
        self.round_trip_ms().saturating_mul(ROUND_TRIPS).clamp(FASTEST_MS, slowest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_as_fast_as_it_was_lately_within_bounds() {
        let mut gate = Gate::default();
        assert_eq!(gate.time_ms(), 1_000);
        (0..3).for_each(|_| gate.passed_after(600));
        assert_eq!(gate.time_ms(), 1_800);
        gate.passed_after(60_000);
        assert_eq!(gate.time_ms(), 1_800, "one slow answer changes nothing");
        (0..5).for_each(|_| gate.passed_after(60_000));
        assert_eq!(gate.time_ms(), 3_000);
        (0..3).for_each(|_| gate.passed_after(5));
        assert_eq!(gate.time_ms(), 1_000, "what was long ago does not count");
    }
}
