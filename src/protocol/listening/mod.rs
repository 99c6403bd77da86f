//! The room of the standing stream, on which the server speaks unasked: how it stands, and what it is about. At most one per
//! session; with another session it begins anew.

mod heard;

pub(super) use heard::{Acknowledged, Heard};

use super::ExchangeId;
use super::exchanges::Cursor;

/// How the standing stream of a session stands.
#[derive(Debug, Default)]
pub(super) enum Stream {
    /// Nobody listens.
    #[default]
    Off,
    /// It is open, or being opened. `short` counts the streams before it that ended soon.
    Open { exchange: ExchangeId, short: u32, heard: Heard },
    /// It ended, and is going to be opened again.
    Ended { cursor: Cursor, short: u32 },
    /// Nobody has the token that it needs: it is asked for again after a grant, or when a call was answered.
    Denied,
    /// This server has none.
    Refused,
}

/// When the standing stream may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    #[default]
    Now,
    /// Once another session's stream is closed.
    Later,
    /// That was not asked yet.
    Unknown,
}

/// What is known of the standing stream.
#[derive(Debug, Default)]
pub(super) struct Listening {
    stream: Stream,
    /// One was open under this session, or acknowledged: there is one, whatever is told later.
    had_stream: bool,
    /// Calls wait for its head.
    holds_calls: bool,
    /// Calls that waited for the head waited in vain: none does any more, in any session.
    is_slow: bool,
    turn: Turn,
}

impl Listening {
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Returns what held before.
    pub fn set_turn(&mut self, turn: Turn) -> Turn {
        std::mem::replace(&mut self.turn, turn)
    }

    /// Whether the standing stream may be open.
    pub fn turn(&self) -> Turn {
        self.turn
    }

    /// Another session begins, or none.
    pub fn begin(&mut self) {
        *self = Self { is_slow: self.is_slow, turn: self.turn, ..Self::default() };
    }

    /// What is open: the stream, and the one that it is to replace.
    pub fn open(&self) -> Option<(ExchangeId, Option<ExchangeId>)> {
        match &self.stream {
            Stream::Open { exchange, heard, .. } => Some((*exchange, heard.before())),
            Stream::Off | Stream::Ended { .. } | Stream::Denied | Stream::Refused => None,
        }
    }

    pub fn is_refused(&self) -> bool {
        matches!(self.stream, Stream::Refused)
    }

    /// It is open, or is going to be.
    pub fn is_on(&self) -> bool {
        matches!(self.stream, Stream::Open { .. } | Stream::Ended { .. })
    }

    pub fn had_stream(&self) -> bool {
        self.had_stream
    }

    /// There was one, where this says so.
    pub fn note_stream(&mut self, was: bool) {
        self.had_stream |= was;
    }

    /// It is being opened.
    pub fn opened(&mut self, exchange: ExchangeId, short: u32, heard: Heard) {
        self.stream = Stream::Open { exchange, short, heard };
    }

    /// It is going to be opened again, from here.
    pub fn ended(&mut self, cursor: Cursor, short: u32) {
        self.stream = Stream::Ended { cursor, short };
    }

    /// Nobody listens any more.
    pub fn off(&mut self) {
        self.stream = Stream::Off;
    }

    pub fn denied(&mut self) {
        self.stream = Stream::Denied;
    }

    pub fn refused(&mut self) {
        self.stream = Stream::Refused;
    }

    /// There may be a token now. Says whether that changes anything.
    pub fn allow(&mut self) -> bool {
        let denied = matches!(self.stream, Stream::Denied);
        if denied {
            self.stream = Stream::Off;
        }
        denied
    }

    /// The server says on this stream what it will tell; `None` where it is not the one that counts.
    pub fn acknowledge(&mut self, on: ExchangeId, granted: &[String]) -> Option<Acknowledged> {
        match &mut self.stream {
            Stream::Open { exchange, heard, .. } if *exchange == on => {
                self.had_stream = true;
                Some(heard.acknowledge(granted))
            }
            Stream::Open { .. } | Stream::Off | Stream::Ended { .. } | Stream::Denied | Stream::Refused => None,
        }
    }

    /// Whether calls are to wait for its head.
    pub fn may_hold_calls(&self) -> bool {
        !self.is_slow
    }

    pub fn holds_calls(&self) -> bool {
        self.holds_calls
    }

    pub fn hold_calls(&mut self) {
        self.holds_calls = true;
    }

    pub fn release_calls(&mut self) {
        self.holds_calls = false;
    }

    /// They have waited long enough, and so it will be at this server's if the stream was open.
    pub fn mark_slow(&mut self) {
        self.is_slow |= matches!(self.stream, Stream::Open { .. });
    }
}
