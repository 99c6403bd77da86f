//! The two clocks, and what is due when. `Retry-After` dates, `verifiedAt` and a laptop's sleep need wall time;
//! deadlines need a clock that never goes back.

use super::{CallId, Deadline, ExchangeId};
use litemap::LiteMap;

/// The time, as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since an arbitrary moment; never goes back.
    pub mono: u64,
    /// Milliseconds since the Unix epoch; may jump.
    pub unix_ms: u64,
}

impl Now {
    /// Milliseconds since then, on the clock that says more: a device that sleeps may stop the one that never goes back.
    pub(super) fn since(self, then: Self) -> u64 {
        self.mono.saturating_sub(then.mono).max(self.unix_ms.saturating_sub(then.unix_ms))
    }
}

/// What can be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A command has had its time.
    Call(CallId),
    /// A call that waited goes out again.
    Resend(CallId),
    /// The stream of a call is resumed.
    Resume(CallId),
    /// An exchange of our own has had its time, or a stream whose answer was taken is still open.
    Exchange(ExchangeId),
    /// The standing stream is opened again.
    Listen,
    /// What was not put back is asked for again; after the stream, which may be part of that.
    Restore,
    /// The step of establishing the session.
    Step,
    /// The page is back.
    Wake,
    /// The clocks are compared.
    Look,
    /// A ping was not answered so far.
    Check,
    /// Calls have waited for the standing stream.
    Held,
    /// A session that lies idle is pinged.
    KeepAlive,
    /// The tab that leads has had time to answer.
    Leader,
    /// Nobody has claimed a question.
    Offer,
    /// A session may be made for another user again.
    Owner,
    /// The host has not said which header fields it would add.
    Identify,
}

/// Each timer runs at most once at a time.
#[derive(Debug, Default)]
pub(super) struct Timers {
    by_time: LiteMap<(u64, Timer), ()>,
    at: LiteMap<Timer, u64>,
}

impl Timers {
    /// Sets a timer, or moves it.
    pub fn set(&mut self, timer: Timer, at: u64) {
        self.clear(timer);
        self.by_time.insert((at, timer), ());
        self.at.insert(timer, at);
    }

    pub fn clear(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.by_time.remove(&(at, timer));
        }
    }

    pub fn at(&self, timer: Timer) -> Option<u64> {
        self.at.get(&timer).copied()
    }

    /// Takes one timer that is due.
    pub fn pop(&mut self, now: u64) -> Option<Timer> {
        let (_, timer) = *self.by_time.keys().next().filter(|(at, _)| *at <= now)?;
        self.clear(timer);
        Some(timer)
    }

    pub fn next(&self) -> Option<Deadline> {
        self.by_time.keys().next().map(|(at, timer)| Deadline {
            at: *at,
            why: match timer {
                Timer::Call(_) => "a command's time-out",
                Timer::Resend(_) => "a call goes out again",
                Timer::Listen => "the standing stream is opened again",
                Timer::Resume(_) => "a broken stream is resumed",
                Timer::Exchange(_) => "an exchange's time-out",
                Timer::Restore => "what a session held is put back once more",
                Timer::Step => "the next step of establishing the session",
                Timer::Wake => "the page is back",
                Timer::Look => "the clocks are compared",
                Timer::Check => "a ping was not answered so far",
                Timer::Held => "calls have waited for the standing stream",
                Timer::KeepAlive => "a session that lies idle is pinged",
                Timer::Leader => "the tab that leads has had time to answer",
                Timer::Offer => "nobody has claimed a question",
                Timer::Owner => "a session may be made for another user again",
                Timer::Identify => "the host has not said which header fields it adds",
            },
        })
    }
}
