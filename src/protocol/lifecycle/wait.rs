//! What a session waits for while nothing is under way.

/// All that a session can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Wait {
    /// The user, while the clocks of the calls stand still.
    SignIn,
    /// The network.
    Offline,
    /// After a handshake that failed.
    Server,
    /// After a ping that failed.
    Answer,
    /// After sessions that did not last.
    Losses,
    /// Nobody waits: a while, so that not all clients come back at once.
    Spread,
    /// No time will mend it.
    Call,
}

impl Wait {
    /// In JavaScript: `waitingFor.why`.
    pub(in crate::protocol) fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Offline => "this device is offline",
            Self::Server => "the server cannot be reached or refuses new sessions",
            Self::Answer => "the server cannot be reached",
            Self::Losses => "the server loses sessions soon after it made them",
            Self::Spread => "about to make a new session",
            Self::Call => "the next call: the authorization failed",
        }
    }
}
