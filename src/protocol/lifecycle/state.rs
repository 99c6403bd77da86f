//! The state of a session and every transition. What a state needs lives in its variant.

use super::wait::Wait;
use crate::protocol::era::Era;
use crate::protocol::identity::Owner;
use crate::protocol::{ExchangeId, Now, error::Error};
use std::fmt;

/// An `Mcp-Session-Id`. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SessionId(String);

impl SessionId {
    /// Bytes. It goes along with each request: servers and what stands before them take header fields of some 8 KiB in all.
    pub const MOST: usize = 8 << 10;

    /// "The session ID MUST only contain visible ASCII characters" (2025-11-25, transports, Session Management 1).
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (1..=Self::MOST).contains(&text.len()) && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        valid.then(|| Self(text.to_owned()))
    }

    /// For the header, and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A short hash for logs (FNV-1a, 32 bits).
    pub fn tag(&self) -> String {
        let hash =
            self.0.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("{hash:08x}")
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId(#{})", self.tag())
    }
}

/// A session that the server has made.
#[derive(Debug)]
pub(crate) struct Established<P> {
    /// 1 for the first.
    pub generation: u32,
    /// `None` where the server keeps no session.
    pub id: Option<SessionId>,
    pub version: &'static str,
    /// The `InitializeResult`.
    pub handshake: P,
    /// What it declares; `None`: nothing is checked.
    pub capabilities: Option<Vec<&'static str>>,
    pub since: Now,
    /// Whose credentials made it; `None`: that is not known.
    pub made_for: Option<Owner>,
    /// The server has answered something under it.
    pub proven: bool,
    /// A ping that is to tell whether it lives.
    pub check: Option<Check>,
    /// When the last ping was sent that was answered, on the monotonic clock.
    pub alive_at: Option<u64>,
}

impl<P> Established<P> {
    pub fn era(&self) -> Era {
        Era::of(self.version)
    }

    /// The capability that this request needs and the server does not declare.
    pub fn missing_capability(&self, method: &str) -> Option<&'static str> {
        let needed = self.era().needed_capability(method, self.version)?;
        self.capabilities.as_ref().filter(|declared| !declared.contains(&needed)).map(|_| needed)
    }
}

/// A ping that asks whether the session that is ready lives, one for all who wait.
#[derive(Debug)]
pub(crate) struct Check {
    pub ping: ExchangeId,
    /// Since when it is asked, on the monotonic clock.
    pub since: u64,
}

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
    /// The driver's word on why the server cannot be reached; `error` is what `connect` fails with.
    Probe { error: Box<Error<P>> },
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
                let check = old.check.take();
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
                let generation = old.generation;
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
        match &self.establishing()?.step {
            Step::Made { fresh }
            | Step::Confirm { fresh, .. }
            | Step::Initialized { fresh, .. }
            | Step::Proof { fresh, .. } => Some(fresh),
            Step::Idle
            | Step::Discover { .. }
            | Step::Handshake { .. }
            | Step::Check { .. }
            | Step::Clearing { .. }
            | Step::Probe { .. }
            | Step::Elsewhere
            | Step::Backoff { .. } => None,
        }
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
        let step = &mut self.establishing_mut()?.step;
        match std::mem::replace(step, Step::Idle) {
            Step::Made { fresh }
            | Step::Confirm { fresh, .. }
            | Step::Initialized { fresh, .. }
            | Step::Proof { fresh, .. } => Some(fresh),
            other @ (Step::Idle
            | Step::Discover { .. }
            | Step::Handshake { .. }
            | Step::Check { .. }
            | Step::Clearing { .. }
            | Step::Probe { .. }
            | Step::Elsewhere
            | Step::Backoff { .. }) => {
                *step = other;
                None
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_prints_as_a_tag() {
        // The published FNV-1a vector for "foobar".
        let id = SessionId::parse("foobar").expect("visible ASCII");
        assert_eq!((id.tag(), format!("{id:?}")), ("bf9cf968".to_owned(), "SessionId(#bf9cf968)".to_owned()));
    }
}
