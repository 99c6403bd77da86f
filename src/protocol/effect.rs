//! What follows from a fact: what is to be heeded when a session is lost, in doubt or checked, in one order; what the driver
//! is to do; what is due when.

use super::calls::Queue;
use super::lifecycle::Loss;
use super::status::{Changes, Event, LastRecovery};
use super::time::{Timer, Timers};
use super::{CallId, Deadline, ExchangeId, Output};
use std::collections::VecDeque;

/// What other rooms are to heed of what has happened to the session. They are heeded in the order in which they stand here:
/// at the end, settle; abort → park → start anew → emit → begin → withdraw → settle or send → listen → go on → end.
#[derive(Debug)]
pub(super) enum Effect<P> {
    /// All questions are void.
    WithdrawAll,
    /// A call ends with the session.
    SettleClosed(CallId),
    /// Nothing is wanted of this exchange any more.
    Abort(ExchangeId),
    /// The standing stream and what was being put back went with their session: they hold connections.
    HangUp,
    /// Whoever waits in this queue waits for the next session.
    Park(Queue),
    /// A session is in place: it hears and holds nothing yet.
    InPlace,
    /// The server was heard: it is asked again when it is silent for long.
    KeepAlive,
    /// The host is told.
    Emit(Box<Event<P>>),
    /// The standing stream is opened before the calls, where they wait for it.
    ListenFirst,
    /// The next session is made: at once where somebody waits for it, after a pause where sessions are lost again and again.
    Begin(Loss),
    /// The questions that the session of this generation asked are void.
    Withdraw(u32),
    /// A call that waited for the answer to a ping is settled, or sent again.
    Decide(CallId, Fate),
    /// A call that waited for a session is sent.
    Release(CallId),
    /// What the session holds that was lost is put back into the new one, and the calls that waited are sent.
    Restore(Box<Succession>),
    /// The standing stream is opened, where one is wanted.
    Listen,
    /// What is being done to have a session goes on, now that the one in doubt is known to be gone.
    GoOn,
    /// Sessions that are made for nobody any more are ended on the server.
    EndUnwanted,
    /// The host is told that this is the end, and why.
    Closed(&'static str),
}

/// A session has taken the place of one that was lost.
#[derive(Debug)]
pub(super) struct Succession {
    pub recovery: LastRecovery,
    pub changes: Changes,
    /// Calls that waited for it.
    pub parked: Vec<CallId>,
}

/// What is known of a session that was asked by a ping whether it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Lives,
    /// That of this generation is gone.
    Gone(u32),
    /// Something answers, and only a call can tell more.
    Unclear,
    /// Nothing answers.
    Unreachable,
}

impl<P> Effect<P> {
    fn rank(&self) -> u8 {
        match self {
            Self::WithdrawAll => 0,
            Self::SettleClosed(_) => 1,
            Self::Abort(_) => 2,
            Self::HangUp => 3,
            Self::Park(_) => 4,
            Self::InPlace | Self::KeepAlive => 5,
            Self::Emit(_) => 6,
            Self::ListenFirst => 7,
            Self::Begin(_) => 8,
            Self::Withdraw(_) => 9,
            Self::Decide(..) | Self::Release(_) | Self::Restore(_) => 10,
            Self::Listen => 11,
            Self::GoOn => 12,
            Self::EndUnwanted => 13,
            Self::Closed(_) => 14,
        }
    }
}

/// No fact has more effects: what has goes round in a circle.
const MOST: usize = 10_000;

/// What has to be done.
#[derive(Debug)]
pub(super) struct Effects<P> {
    waiting: Vec<Effect<P>>,
    /// Heeded since nothing was waiting.
    heeded: usize,
    outputs: VecDeque<Output<P>>,
    timers: Timers,
    /// Exchanges, calls and questions have names of one series.
    last_id: u64,
}

impl<P> Default for Effects<P> {
    fn default() -> Self {
        Self { waiting: Vec::new(), heeded: 0, outputs: VecDeque::new(), timers: Timers::default(), last_id: 0 }
    }
}

/// What has happened, for `session/repair.rs` to say and for `session/heed.rs` to heed; and names.
impl<P> Effects<P> {
    pub fn push(&mut self, effect: Effect<P>) {
        self.waiting.push(effect);
    }

    /// The next to be heeded: the first of those that come first in the order.
    pub fn next(&mut self) -> Option<Effect<P>> {
        let Some((at, _)) = self.waiting.iter().enumerate().min_by_key(|(_, effect)| effect.rank()) else {
            self.heeded = 0;
            return None;
        };
        self.heeded += 1;
        debug_assert!(self.heeded < MOST, "one fact has no end");
        Some(self.waiting.remove(at))
    }

    pub fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// For the driver.
impl<P> Effects<P> {
    pub fn output(&mut self, output: Output<P>) {
        self.outputs.push_back(output);
    }

    pub fn has_output(&self) -> bool {
        !self.outputs.is_empty()
    }

    pub fn poll_output(&mut self) -> Option<Output<P>> {
        self.outputs.pop_front()
    }

    /// Sets a timer, or moves it.
    pub fn set_timer(&mut self, timer: Timer, at: u64) {
        self.timers.set(timer, at);
    }

    pub fn clear_timer(&mut self, timer: Timer) {
        self.timers.clear(timer);
    }

    pub fn timer_at(&self, timer: Timer) -> Option<u64> {
        self.timers.at(timer)
    }

    /// Takes one timer that is due.
    pub fn take_due(&mut self, now: u64) -> Option<Timer> {
        self.timers.pop(now)
    }

    pub fn next_deadline(&self) -> Option<Deadline> {
        self.timers.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_heeded_in_one_order_and_equals_in_the_order_in_which_they_came() {
        let mut effects = Effects::<serde_json::Value>::default();
        effects.push(Effect::Closed("because"));
        effects.push(Effect::EndUnwanted);
        effects.push(Effect::GoOn);
        effects.push(Effect::Listen);
        effects.push(Effect::Decide(CallId(1), Fate::Unclear));
        effects.push(Effect::Withdraw(3));
        effects.push(Effect::Decide(CallId(2), Fate::Lives));
        effects.push(Effect::Release(CallId(3)));
        effects.push(Effect::SettleClosed(CallId(4)));
        effects.push(Effect::WithdrawAll);
        effects.push(Effect::ListenFirst);
        effects.push(Effect::Begin(Loss::Host));
        effects.push(Effect::Emit(Box::new(Event::StateChange)));
        effects.push(Effect::KeepAlive);
        effects.push(Effect::InPlace);
        effects.push(Effect::Park(Queue::Stream));
        effects.push(Effect::HangUp);
        effects.push(Effect::Abort(ExchangeId(9)));
        let order: Vec<String> = std::iter::from_fn(|| effects.next()).map(|effect| format!("{effect:?}")).collect();
        assert_eq!(
            order,
            [
                "WithdrawAll",
                "SettleClosed(CallId(4))",
                "Abort(ExchangeId(9))",
                "HangUp",
                "Park(Stream)",
                "KeepAlive",
                "InPlace",
                "Emit(StateChange)",
                "ListenFirst",
                "Begin(Host)",
                "Withdraw(3)",
                "Decide(CallId(1), Unclear)",
                "Decide(CallId(2), Lives)",
                "Release(CallId(3))",
                "Listen",
                "GoOn",
                "EndUnwanted",
                "Closed(\"because\")",
            ]
        );
    }
}
