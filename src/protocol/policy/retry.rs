//! Whether a call is sent once more, a ping is asked first, or with which outcome it ends. The table is README.md's, "What
//! is retried, and what is not"; there is one test for each of its rows.
//!
//! Two rules carry it. A call that may have run is sent again only if a second run does no harm. And
//! [`Outcome::NotExecuted`] is a proof: a refusal at the gate is the licence to send a call once more, but no proof that no
//! copy of it ran, since a browser may deliver a POST twice.

use crate::protocol::Outcome;
use crate::protocol::config::Mode;

/// What is known of a call when one of its sends has come to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) struct Known {
    /// What the host allows to be sent again.
    pub mode: Mode,
    /// A second run does no harm.
    pub safe: bool,
    /// This send, or one before it, may have run: what follows depends on [`Self::safe`] then.
    pub maybe_ran: bool,
    /// Sends are left, and the repair that would come first is not spent.
    pub repairable: bool,
}

/// How a send came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum End {
    /// It was refused, and its session is gone. `at_gate`: its own refusal is of the gate's kind, and came in time.
    SessionGone {
        /// See [`End::SessionGone`].
        at_gate: bool,
    },
    /// It may be a refusal of the session's.
    Doubtful,
    /// As [`End::Doubtful`]; the session lives. The refusal is the answer, with this outcome.
    SessionLives {
        /// What the refusal itself proves.
        outcome: Outcome,
    },
    /// As [`End::Doubtful`]; the ping told nothing. `explained`: the refusal says itself why, and not for the session.
    SessionUnclear {
        /// What the refusal itself proves.
        outcome: Outcome,
        /// See [`End::SessionUnclear`].
        explained: bool,
    },
    /// No answer came: the connection broke, the stream ended, a gateway lost the server.
    Lost,
    /// No connection came to be: nothing was sent.
    Unsent,
    /// The server is busy. `at_gate`: a rate limit refused it before it was dispatched.
    Busy {
        /// What the refusal itself proves.
        outcome: Outcome,
        /// See [`End::Busy`].
        at_gate: bool,
    },
    /// Its token was refused, or is too narrow; `outcome` is what that proves.
    TokenRefused {
        /// What the refusal itself proves.
        outcome: Outcome,
    },
    /// The server speaks another version. `at_gate`: it said so in time.
    OtherVersion {
        /// See [`End::OtherVersion`].
        at_gate: bool,
    },
}

/// What follows for the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Next {
    /// It is sent once more, after the repair.
    SendAgain,
    /// A ping tells whether its session lives.
    Ping,
    /// It ends so.
    Settle(Outcome),
}

/// What follows for a call whose send came to this end.
pub(in crate::protocol) fn next(call: Known, end: End) -> Next {
    // No send so far can have run, or another run does no harm.
    let clean = call.safe || !call.maybe_ran;
    let again = |may: bool, outcome: Outcome| {
        if may && call.repairable { Next::SendAgain } else { Next::Settle(outcome) }
    };
    match end {
        End::Doubtful => Next::Ping,
        End::SessionGone { at_gate: true } => again(allows_refused(call) && clean, Outcome::Unknown),
        // What serves a version refuses all others before it looks at anything else.
        End::OtherVersion { at_gate: true } => again(allows_refused(call) && clean, Outcome::NotExecuted),
        End::SessionGone { at_gate: false } | End::OtherVersion { at_gate: false } | End::Lost => {
            again(allows_safe(call), Outcome::Unknown)
        }
        End::Unsent => again(allows_safe(call), Outcome::NotExecuted),
        End::SessionLives { outcome } => Next::Settle(outcome),
        End::SessionUnclear { outcome, explained } => {
            again(allows_safe(call) && !explained, if explained { outcome } else { Outcome::Unknown })
        }
        End::Busy { outcome, at_gate: true } => again(allows_refused(call) && clean, outcome),
        End::Busy { outcome, at_gate: false } => again(allows_safe(call), outcome),
        End::TokenRefused { outcome } => {
            let clean = clean && (call.safe || outcome == Outcome::NotExecuted);
            again(allows_refused(call) && clean, outcome)
        }
    }
}

/// Whether a redirect that repeats the request is followed. `at_gate`: it came in time.
pub(in crate::protocol) fn is_redirect_followed(mode: Mode, safe: bool, at_gate: bool) -> bool {
    safe || at_gate && mode == Mode::Default
}

/// Whether the host allows that what was refused before it ran is sent again.
fn allows_refused(call: Known) -> bool {
    match call.mode {
        Mode::Default => true,
        Mode::Strict => call.safe,
        Mode::Off => false,
    }
}

/// Whether what may have run is sent again: where that does no harm.
fn allows_safe(call: Known) -> bool {
    (call.safe || planted!("retry_after_unknown")) && call.mode != Mode::Off
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Executed, NotExecuted, Unknown};

    const AGAIN: Next = Next::SendAgain;
    const GATE: End = End::SessionGone { at_gate: true };
    const LATE: End = End::SessionGone { at_gate: false };

    fn call(mode: Mode) -> Known {
        Known { mode, safe: false, maybe_ran: false, repairable: true }
    }

    /// What follows in the modes default, strict and off: for a call that is not safe to repeat, and for one that is.
    fn row(end: End) -> [[Next; 3]; 2] {
        [false, true]
            .map(|safe| [Mode::Default, Mode::Strict, Mode::Off].map(|mode| next(Known { safe, ..call(mode) }, end)))
    }

    fn settled(outcome: Outcome) -> Next {
        Next::Settle(outcome)
    }

    #[test]
    fn refused_at_the_gate() {
        let no = settled(Unknown);
        assert_eq!(row(GATE), [[AGAIN, no, no], [AGAIN, AGAIN, no]]);
    }

    #[test]
    fn refused_late_or_not_in_the_gates_words() {
        let no = settled(Unknown);
        assert_eq!(row(LATE), [[no, no, no], [AGAIN, AGAIN, no]]);
    }

    #[test]
    fn perhaps_refused() {
        assert_eq!(row(End::Doubtful), [[Next::Ping; 3]; 2]);
        for outcome in [NotExecuted, Executed, Unknown] {
            assert_eq!(row(End::SessionLives { outcome }), [[settled(outcome); 3]; 2], "the refusal is the answer");
        }
    }

    #[test]
    fn perhaps_refused_and_the_ping_tells_nothing() {
        let no = settled(Unknown);
        let unclear = |explained| row(End::SessionUnclear { outcome: NotExecuted, explained });
        assert_eq!(unclear(false), [[no, no, no], [AGAIN, AGAIN, no]]);
        assert_eq!(unclear(true), [[settled(NotExecuted); 3]; 2], "it says itself why");
    }

    #[test]
    fn no_answer_came() {
        let no = settled(Unknown);
        assert_eq!(row(End::Lost), [[no, no, no], [AGAIN, AGAIN, no]]);
    }

    #[test]
    fn no_connection_came_to_be() {
        let no = settled(NotExecuted);
        assert_eq!(row(End::Unsent), [[no, no, no], [AGAIN, AGAIN, no]]);
    }

    #[test]
    fn too_many_requests() {
        let no = settled(NotExecuted);
        let busy = End::Busy { outcome: NotExecuted, at_gate: true };
        assert_eq!(row(busy), [[AGAIN, no, no], [AGAIN, AGAIN, no]]);
    }

    #[test]
    fn service_unavailable() {
        let no = settled(Unknown);
        let busy = End::Busy { outcome: Unknown, at_gate: false };
        assert_eq!(row(busy), [[no, no, no], [AGAIN, AGAIN, no]]);
    }

    #[test]
    fn a_token_that_was_refused() {
        let no = settled(NotExecuted);
        assert_eq!(row(End::TokenRefused { outcome: NotExecuted }), [[AGAIN, no, no], [AGAIN, AGAIN, no]]);
        let no = settled(Unknown);
        assert_eq!(row(End::TokenRefused { outcome: Unknown }), [[no, no, no], [AGAIN, AGAIN, no]]);
    }

    #[test]
    fn another_version() {
        let no = settled(NotExecuted);
        assert_eq!(row(End::OtherVersion { at_gate: true }), [[AGAIN, no, no], [AGAIN, AGAIN, no]]);
        let no = settled(Unknown);
        assert_eq!(row(End::OtherVersion { at_gate: false }), [[no, no, no], [AGAIN, AGAIN, no]]);
    }

    #[test]
    fn a_redirect_that_repeats_the_request() {
        let row = |safe, at_gate| {
            [Mode::Default, Mode::Strict, Mode::Off].map(|mode| is_redirect_followed(mode, safe, at_gate))
        };
        assert_eq!((row(false, true), row(false, false)), ([true, false, false], [false; 3]));
        assert_eq!((row(true, true), row(true, false)), ([true; 3], [true; 3]));
    }

    const ALL: [End; 12] = [
        GATE,
        LATE,
        End::Doubtful,
        End::SessionLives { outcome: NotExecuted },
        End::SessionUnclear { outcome: NotExecuted, explained: true },
        End::SessionUnclear { outcome: NotExecuted, explained: false },
        End::Lost,
        End::Busy { outcome: NotExecuted, at_gate: true },
        End::Busy { outcome: Unknown, at_gate: false },
        End::TokenRefused { outcome: NotExecuted },
        End::OtherVersion { at_gate: true },
        End::OtherVersion { at_gate: false },
    ];

    #[test]
    fn what_may_have_run_before_is_sent_again_only_if_that_does_no_harm() {
        for end in ALL {
            assert_ne!(next(Known { maybe_ran: true, ..call(Mode::Default) }, end), AGAIN, "{end:?}");
        }
        assert_eq!(next(Known { maybe_ran: true, safe: true, ..call(Mode::Default) }, GATE), AGAIN);
    }

    #[test]
    fn after_each_repair_once_and_three_times_in_all() {
        for end in ALL {
            for safe in [false, true] {
                assert_ne!(next(Known { repairable: false, safe, ..call(Mode::Default) }, end), AGAIN, "{end:?}");
            }
        }
    }

    #[test]
    fn a_call_that_ends_on_an_eviction_is_never_told_as_not_executed() {
        for end in [GATE, LATE] {
            for mode in [Mode::Default, Mode::Strict, Mode::Off] {
                for (safe, repairable) in [(false, false), (false, true), (true, false), (true, true)] {
                    let ends = next(Known { safe, repairable, ..call(mode) }, end);
                    assert!(matches!(ends, Next::SendAgain | Next::Settle(Unknown)), "{mode:?} {end:?}");
                }
            }
        }
    }
}
