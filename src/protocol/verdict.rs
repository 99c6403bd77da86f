//! What a refusal means.

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The gate refused it: the call did not run, the session is gone.
    Evicted,
    /// The gate, or a live session: a ping tells.
    Suspect,
    /// The session or the connection went while the call may have been running.
    UnknownOutcome,
    /// The server is busy or restarting; the session may live.
    Transient,
    /// The server speaks only another protocol version now.
    OtherEra,
    /// An answer, or a refusal for another reason.
    NotEviction,
}

impl Verdict {
    /// The verdict's name in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Suspect => "suspect",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Transient => "transient",
            Self::OtherEra => "other_era",
            Self::NotEviction => "not_eviction",
        }
    }
}
