//! Which endpoints are remembered as ones of the legacy era: they are not asked again for a while.

use litemap::LiteMap;

/// Milliseconds: a server may be upgraded to speak both.
pub const LEGACY_MS: u64 = 3_600_000;

/// Whether a memory that holds `until`, in milliseconds since the epoch, holds now. Clocks are set back, and what was
/// stored may have been written by anybody: none holds for longer than the span.
#[must_use]
pub fn holds(until: u64, now_unix_ms: u64) -> bool {
    (1..=LEGACY_MS).contains(&until.saturating_sub(now_unix_ms))
}

/// One for all sessions of a page. Times are in milliseconds since the epoch.
#[derive(Debug, Default)]
pub struct Memory {
    until: LiteMap<String, u64>,
}

impl Memory {
    /// Nothing is remembered.
    #[must_use]
    pub const fn new() -> Self {
        Self { until: LiteMap::new() }
    }

    /// Whether the endpoint was found to be of the legacy era a while ago.
    #[must_use]
    pub fn knows_legacy(&self, endpoint: &str, now_unix_ms: u64) -> bool {
        self.until.get(endpoint).is_some_and(|until| holds(*until, now_unix_ms))
    }

    /// What [`Event::EraLearned`](crate::protocol::Event::EraLearned) tells of the endpoint.
    pub fn learn(&mut self, endpoint: &str, legacy_until: Option<u64>) {
        match legacy_until {
            Some(until) => drop(self.until.insert(endpoint.to_owned(), until)),
            None => drop(self.until.remove(endpoint)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_remembered_for_an_hour_and_not_once_it_speaks_both() {
        let mut memory = Memory::new();
        memory.learn("a", Some(LEGACY_MS + 10));
        let known = |memory: &Memory, now| ["a", "b"].map(|endpoint| memory.knows_legacy(endpoint, now));
        assert_eq!(known(&memory, 10), [true, false]);
        assert_eq!([9, LEGACY_MS + 9, LEGACY_MS + 10].map(|now| known(&memory, now)[0]), [false, true, false]);
        memory.learn("a", None);
        assert_eq!(known(&memory, 10), [false, false]);
    }

    #[test]
    fn what_anybody_stored_holds_for_no_longer_than_the_span() {
        assert_eq!(
            [0, 7, 8, 7 + LEGACY_MS, 8 + LEGACY_MS, u64::MAX].map(|until| holds(until, 7)),
            [false, false, true, true, false, false]
        );
    }
}
