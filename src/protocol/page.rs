//! The page that a session is in: hidden, asleep, offline; and what waits for it.

use super::Now;
use super::error::Diagnosis;

/// Milliseconds: a session that nobody looked at for longer may be gone.
const AWAY_MS: u64 = 5 * 60_000;
/// A session that was last used longer ago is left for the next call to heal.
const LATELY_MS: u64 = 30 * 60_000;
/// While the page is visible the clocks are compared this often: a device that slept tells nobody.
pub(crate) const LOOK_MS: u64 = 60_000;
/// Firefox, and WebKit at a reload, end what is under way a moment before they say that the page is left.
const LEAVING_MS: u64 = 2_000;

pub(crate) const OFFLINE: Diagnosis =
    Diagnosis { kind: "offline", header: None, hint: "This device is offline. Try again when it is back." };

/// What happens to the page, or the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageChange {
    /// Nobody sees it.
    Hidden,
    /// Somebody sees it, from the beginning on or again.
    Visible,
    /// It stops, into the back/forward cache or for another reason. It may never go on.
    Frozen,
    /// It goes on.
    Thawed,
    /// It ends.
    Leaving,
    /// The device has lost its network.
    Offline,
    /// It is back.
    Online,
}

/// What is known of the page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Since when it is hidden or frozen.
    away: Option<Now>,
    frozen: bool,
    offline: bool,
    /// When the clocks were compared last.
    looked: Now,
    /// When the host asked for something last, on the monotonic clock.
    used: Option<u64>,
    /// Since when a proof is wanted that the session lives.
    doubtful_since: Option<u64>,
    /// When the connection of a call broke last, on the monotonic clock: the call may still be running.
    broke_off: Option<u64>,
}

/// How the page was when it came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Back {
    pub was_frozen: bool,
    /// Since when it was away, where that was for long.
    pub away_since: Option<Now>,
}

impl Page {
    /// Nobody sees it.
    pub fn goes_away(&mut self, now: Now) {
        self.away.get_or_insert(now);
    }

    /// It stops. Says whether it did not stand still already.
    pub fn freezes(&mut self) -> bool {
        !std::mem::replace(&mut self.frozen, true)
    }

    /// Somebody sees it, and the clocks are compared from now on.
    pub fn comes_back(&mut self, now: Now) -> Back {
        self.looked = now;
        let away_since = self.away.take().filter(|since| now.since(*since) > AWAY_MS);
        Back { was_frozen: std::mem::take(&mut self.frozen), away_since }
    }

    /// Compares the clocks: after a sleep, one of them or the timer is late. Returns since when it slept.
    pub fn look(&mut self, now: Now) -> Option<Now> {
        let before = std::mem::replace(&mut self.looked, now);
        (now.since(before) > LOOK_MS + AWAY_MS).then_some(before)
    }

    /// Says whether that is new.
    pub fn goes_offline(&mut self) -> bool {
        !std::mem::replace(&mut self.offline, true)
    }

    /// Says whether that is new.
    pub fn goes_online(&mut self) -> bool {
        std::mem::take(&mut self.offline)
    }

    /// Whether nobody sees it.
    pub fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Whether nothing is to be sent.
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// The host asks for something.
    pub fn note_use(&mut self, now: Now) {
        self.used = Some(now.mono);
    }

    /// The session may be gone since it was left alone then. Whoever `listens`, or used it lately before that, wants to know.
    pub fn doubt_since(&mut self, since: Now, listens: bool, now: Now) {
        let used = self.used.is_some_and(|used| since.mono.saturating_sub(used) < LATELY_MS);
        if used || listens {
            self.doubtful_since = Some(now.mono);
        }
    }

    /// Since when a proof is wanted that the session lives.
    pub fn take_doubt(&mut self) -> Option<u64> {
        self.doubtful_since.take()
    }

    /// The connection of a call broke.
    pub fn call_broke_off(&mut self, now: Now) {
        self.broke_off = Some(now.mono);
    }

    /// Whether a call that broke off just now may be one of those that the browser ends when the page is left.
    pub fn may_have_broken_off(&self, now: Now) -> bool {
        self.broke_off.is_some_and(|at| now.mono.saturating_sub(at) <= LEAVING_MS)
    }
}
