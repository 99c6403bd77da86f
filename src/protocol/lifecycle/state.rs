//! The state of a session and every transition. What a state needs lives in its variant.

use super::established::{Check, Established};
use super::wait::Wait;
use crate::protocol::{ExchangeId, Now, error::Error};

/// Why there is no session to send under.
#[derive(Debug)]
pub(crate) enum Since<P> {
    /// There never was one.
    First,
    /// The server has evicted it, or the host wants a new one.
    Lost { old: Box<Established<P>>, reason: &'static str, at: Now },
    /// The server cannot be reached: the session may live.
    Doubt { old: Box<Established<P>>, at: Now },
}

/// What establishing waits for.
#[derive(Debug)]
pub(crate) enum Step<P> {
    /// `connect`, or the `initialize` of a host's own Client.
    Idle,
    /// The answer to `server/discover`: which era?
    Discover { exchange: ExchangeId },
    /// The answer to `initialize`; `hedge` is a second one, sent because the first had no head for long.
    Handshake { exchange: ExchangeId, hedge: Option<ExchangeId> },
    /// A second ping under the session in doubt: the server answers `initialize`, does it still not answer this?
    Confirm { ping: ExchangeId, fresh: Box<Established<P>> },
    /// Nothing any more, or `notifications/initialized` of a host's own Client: the handshake succeeded.
    Made { fresh: Box<Established<P>> },
    /// The answer to `notifications/initialized`.
    Initialized { exchange: ExchangeId, fresh: Box<Established<P>> },
    /// A ping under the new session: the answer to `notifications/initialized` left open whether it holds, or the session
    /// before it was refused at once.
    Proof { ping: ExchangeId, fresh: Box<Established<P>> },
    /// A ping under the session in doubt.
    Check { ping: ExchangeId },
    /// DELETE of the old session, which a single-session server still holds.
    Clearing { exchange: ExchangeId },
    /// The driver's word on why the server cannot be reached; `error` is what `connect` fails with. `for_calls`: somebody waits
    /// for that.
    Probe { error: Box<Error<P>>, for_calls: bool },
    /// Another tab, which makes the session; or this one's part among them.
    Elsewhere,
    /// Time. A call may cut it short, down to `not_before`.
    Backoff { until: Now, not_before: u64, why: Wait },
}

/// What `server/discover` told in one attempt to make a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Discovered {
    /// It was not asked.
    #[default]
    Nothing,
    /// To ask once more in the same version.
    Again,
    /// The server is of the legacy era.
    Legacy,
    /// It failed below HTTP.
    Hidden,
    /// It was refused, or not answered, in a way that says nothing of eras.
    Unclear,
    /// After that `initialize` was refused as by a server of the modern era: it is asked again.
    Doubted,
}

#[derive(Debug)]
pub(crate) struct Establishing<P> {
    pub since: Since<P>,
    pub step: Step<P>,
    /// Attempts that have failed.
    pub failed: u32,
    /// When the first of them failed, on the monotonic clock.
    pub failing_since: Option<u64>,
    /// What `server/discover` told in this attempt.
    pub discovered: Discovered,
    /// The old session was ended so that a single-session server can make a new one: once in each attempt.
    pub cleared: bool,
    /// Another version was offered than the latest: once in each attempt.
    pub renegotiated: bool,
}

#[derive(Debug)]
pub(crate) enum State<P> {
    Establishing(Box<Establishing<P>>),
    Ready(Box<Established<P>>),
    Closed,
}

impl<P> State<P> {
    pub fn new() -> Self {
        Self::establish_since(Since::First)
    }

    fn establish_since(since: Since<P>) -> Self {
        Self::Establishing(Box::new(Establishing {
            since,
            step: Step::Idle,
            failed: 0,
            failing_since: None,
            discovered: Discovered::Nothing,
            cleared: false,
            renegotiated: false,
        }))
    }

    pub fn ready(&self) -> Option<&Established<P>> {
        match self {
            Self::Ready(established) => Some(established),
            Self::Establishing(_) | Self::Closed => None,
        }
    }

    pub fn ready_mut(&mut self) -> Option<&mut Established<P>> {
        match self {
            Self::Ready(established) => Some(established),
            Self::Establishing(_) | Self::Closed => None,
        }
    }

    pub fn establishing(&self) -> Option<&Establishing<P>> {
        match self {
            Self::Establishing(establishing) => Some(establishing),
            Self::Ready(_) | Self::Closed => None,
        }
    }

    pub fn establishing_mut(&mut self) -> Option<&mut Establishing<P>> {
        match self {
            Self::Establishing(establishing) => Some(establishing),
            Self::Ready(_) | Self::Closed => None,
        }
    }

    /// The session whose facts the host is shown: this one, or the one that was lost.
    pub fn known(&self) -> Option<&Established<P>> {
        match self {
            Self::Ready(established) => Some(established),
            Self::Establishing(establishing) => match &establishing.since {
                Since::Lost { old, .. } | Since::Doubt { old, .. } => Some(old),
                Since::First => None,
            },
            Self::Closed => None,
        }
    }

    pub fn known_mut(&mut self) -> Option<&mut Established<P>> {
        match self {
            Self::Ready(established) => Some(established),
            Self::Establishing(establishing) => match &mut establishing.since {
                Since::Lost { old, .. } | Since::Doubt { old, .. } => Some(old),
                Since::First => None,
            },
            Self::Closed => None,
        }
    }

    /// Ready → lost. Returns the check that was under way; `None` where there is nothing to lose.
    pub fn lose(&mut self, reason: &'static str, now: Now) -> Option<Option<Check>> {
        self.leave_ready(|old| Since::Lost { old, reason, at: now })
    }

    /// Ready → in doubt. As [`Self::lose`].
    pub fn doubt(&mut self, now: Now) -> Option<Option<Check>> {
        self.leave_ready(|old| Since::Doubt { old, at: now })
    }

    fn leave_ready(&mut self, since: impl FnOnce(Box<Established<P>>) -> Since<P>) -> Option<Option<Check>> {
        match std::mem::replace(self, Self::Closed) {
            Self::Ready(mut old) => {
                let check = old.check_ends();
                *self = Self::establish_since(since(old));
                Some(check)
            }
            other @ (Self::Establishing(_) | Self::Closed) => {
                *self = other;
                None
            }
        }
    }

    /// In doubt → lost: the server says so, or answers everything but this session. Returns its generation; `None` where
    /// it is not in doubt.
    pub fn give_up_doubted(&mut self, reason: &'static str) -> Option<u32> {
        let establishing = self.establishing_mut()?;
        match std::mem::replace(&mut establishing.since, Since::First) {
            Since::Doubt { old, at } => {
                let generation = old.generation();
                establishing.since = Since::Lost { old, reason, at };
                Some(generation)
            }
            since @ (Since::First | Since::Lost { .. }) => {
                establishing.since = since;
                None
            }
        }
    }

    /// In doubt → ready again, the same session.
    pub fn reach_again(&mut self) {
        *self = match std::mem::replace(self, Self::Closed) {
            Self::Establishing(establishing) => match establishing.since {
                Since::Doubt { old, .. } => Self::Ready(old),
                since @ (Since::First | Since::Lost { .. }) => {
                    Self::Establishing(Box::new(Establishing { since, ..*establishing }))
                }
            },
            other @ (Self::Ready(_) | Self::Closed) => other,
        };
    }

    /// The new session, in a step that holds one.
    pub fn fresh(&self) -> Option<&Established<P>> {
        let (Step::Made { fresh }
        | Step::Confirm { fresh, .. }
        | Step::Initialized { fresh, .. }
        | Step::Proof { fresh, .. }) = &self.establishing()?.step
        else {
            return None;
        };
        Some(fresh)
    }

    /// As [`Self::fresh`].
    pub fn fresh_mut(&mut self) -> Option<&mut Established<P>> {
        let (Step::Made { fresh }
        | Step::Confirm { fresh, .. }
        | Step::Initialized { fresh, .. }
        | Step::Proof { fresh, .. }) = &mut self.establishing_mut()?.step
        else {
            return None;
        };
        Some(fresh)
    }

    /// Takes the new session out of a step that holds one; the step is idle then.
    pub fn take_fresh(&mut self) -> Option<Box<Established<P>>> {
        self.fresh()?;
        let (Step::Made { fresh }
        | Step::Confirm { fresh, .. }
        | Step::Initialized { fresh, .. }
        | Step::Proof { fresh, .. }) = std::mem::replace(&mut self.establishing_mut()?.step, Step::Idle)
        else {
            return None;
        };
        Some(fresh)
    }

    /// Establishing → ready. Returns what came before.
    pub fn establish(&mut self, fresh: Box<Established<P>>) -> Option<Since<P>> {
        match std::mem::replace(self, Self::Ready(fresh)) {
            Self::Establishing(establishing) => Some(establishing.since),
            other @ (Self::Ready(_) | Self::Closed) => {
                *self = other;
                None
            }
        }
    }
}
