//! A session that the server has made, or that was taken up.

use crate::protocol::era::Era;
use crate::protocol::identity::Owner;
use crate::protocol::{ExchangeId, Now};
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
    generation: u32,
    /// `None` where the server keeps no session.
    id: Option<SessionId>,
    version: &'static str,
    /// The `InitializeResult`.
    handshake: P,
    /// What it declares; `None`: nothing is checked.
    capabilities: Option<Vec<&'static str>>,
    since: Now,
    /// Whose credentials made it; `None`: that is not known.
    made_for: Option<Owner>,
    /// The server has answered something under it.
    proven: bool,
    /// A ping that is to tell whether it lives.
    check: Option<Check>,
    /// When the last ping was sent that was answered, on the monotonic clock.
    alive_at: Option<u64>,
}

/// A ping that asks whether the session that is ready lives, one for all who wait.
#[derive(Debug)]
pub(crate) struct Check {
    pub ping: ExchangeId,
    /// Since when it is asked, on the monotonic clock.
    pub since: u64,
}

impl<P> Established<P> {
    pub(super) fn new(
        generation: u32,
        id: Option<SessionId>,
        version: &'static str,
        handshake: P,
        since: Now,
    ) -> Box<Self> {
        let made_for = None;
        let (capabilities, check, alive_at) = (None, None, None);
        let proven = false;
        Box::new(Self { generation, id, version, handshake, capabilities, since, made_for, proven, check, alive_at })
    }

    /// With what it declares; `None`: nothing is checked.
    pub fn declaring(mut self: Box<Self>, capabilities: Option<Vec<&'static str>>) -> Box<Self> {
        self.capabilities = capabilities;
        self
    }

    /// Made with these credentials; `None`: that is not known.
    pub fn of_owner(mut self: Box<Self>, owner: Option<Owner>) -> Box<Self> {
        self.made_for = owner;
        self
    }

    /// The server has answered something under it.
    pub fn answered(mut self: Box<Self>) -> Box<Self> {
        self.proven = true;
        self
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    pub fn id(&self) -> Option<&SessionId> {
        self.id.as_ref()
    }

    pub fn version(&self) -> &'static str {
        self.version
    }

    /// The `InitializeResult`.
    pub fn handshake(&self) -> &P {
        &self.handshake
    }

    /// What it declares; `None`: nothing is known of it.
    pub fn capabilities(&self) -> Option<&[&'static str]> {
        self.capabilities.as_deref()
    }

    /// Whose credentials made it; `None`: that is not known.
    pub fn made_for(&self) -> Option<Owner> {
        self.made_for
    }

    /// The ping that is to tell whether it lives.
    pub fn check(&self) -> Option<&Check> {
        self.check.as_ref()
    }

    /// When the last ping was sent that was answered, on the monotonic clock.
    pub fn alive_at(&self) -> Option<u64> {
        self.alive_at
    }

    pub fn era(&self) -> Era {
        Era::of(self.version)
    }

    /// The capability that this request needs and the server does not declare.
    pub fn missing_capability(&self, method: &str) -> Option<&'static str> {
        let needed = self.era().needed_capability(method, self.version)?;
        self.capabilities.as_ref().filter(|declared| !declared.contains(&needed)).map(|_| needed)
    }
}

/// What the room learns of it.
impl<P> Established<P> {
    /// Since when there is it, and whether the server has answered something under it.
    pub(super) fn record(&self) -> (Now, bool) {
        (self.since, self.proven)
    }

    pub(super) fn has_answered(&mut self) {
        self.proven = true;
    }

    /// It is asked by this ping whether it lives.
    pub(super) fn check_begins(&mut self, ping: ExchangeId, now: Now) {
        self.check = Some(Check { ping, since: now.mono });
    }

    /// Another ping takes the place of the one that was not answered.
    pub(super) fn asked_again(&mut self, again: ExchangeId) {
        self.check.iter_mut().for_each(|check| check.ping = again);
    }

    pub(super) fn check_ends(&mut self) -> Option<Check> {
        self.check.take()
    }

    pub(super) fn was_alive_at(&mut self, mono: u64) {
        self.alive_at = Some(mono);
    }

    pub(super) fn set_owner(&mut self, owner: Option<Owner>) {
        self.made_for = owner;
    }

    pub(super) fn owner_mut(&mut self) -> Option<&mut Owner> {
        self.made_for.as_mut()
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
