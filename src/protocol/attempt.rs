//! One thing that is put back into a session, or asked for again: how often, and until when.

use super::Now;
use super::exchange::Answer;
use super::tools::ToolList;
use super::verdict::Verdict;
use super::wishes::Saying;

/// What is not put back by then is lost.
pub(super) const RESTORE_MS: u64 = 10_000;
/// What is refused for a moment is asked for so often in all.
pub(super) const MOST_TRIES: u32 = 4;
/// Its name for the host.
pub(super) const TOOL_LIST: &str = "tool list";

/// What is being put back.
#[derive(Clone, Debug)]
pub(super) enum Restoring {
    Wish(Saying),
    /// What was put back, or asked for, may have been overtaken. Nobody is told of it.
    Again(Saying),
    /// The stream of the modern era, with all subscriptions.
    Stream,
    Tools {
        seen: ToolList,
        pages: u32,
        /// Where the list continues.
        params: Option<String>,
    },
}

/// One thing that is put back, or asked for again.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub what: Restoring,
    /// How often it was asked for.
    pub tries: u32,
    /// On the monotonic clock; then it is lost.
    pub until: u64,
}

impl Attempt {
    pub fn of(what: Restoring, now: Now) -> Self {
        Self { what, tries: 0, until: now.mono.saturating_add(RESTORE_MS) }
    }

    /// What may have been overtaken.
    pub fn again(saying: Saying, now: Now) -> Self {
        Self::of(Restoring::Again(saying), now)
    }

    /// Its name for the host, where that is told of it.
    pub fn name(&self) -> Option<String> {
        Some(match &self.what {
            Restoring::Wish(saying) => saying.topic().to_string(),
            Restoring::Again(_) => return None,
            Restoring::Stream => "subscriptions".to_owned(),
            Restoring::Tools { .. } => TOOL_LIST.to_owned(),
        })
    }
}

/// How long the server is left alone, at least, where it refused something for a moment only. It is safe to repeat.
pub(super) fn pause_after<P>(answer: &Answer<P>, verdict: Verdict) -> Option<u64> {
    match answer {
        Answer::Lost { .. } => Some(0),
        Answer::Refused { refusal, retry_after, .. } => {
            let passes = match verdict {
                Verdict::Transient | Verdict::UnknownOutcome { session_gone: false } => true,
                Verdict::Suspect => refusal.status >= 500 || refusal.status == 425,
                Verdict::Evicted | Verdict::UnknownOutcome { .. } | Verdict::OtherEra | Verdict::NotEviction => false,
            };
            passes.then(|| retry_after.unwrap_or_default())
        }
        Answer::Result(_) | Answer::Accepted | Answer::Unusable { .. } => None,
    }
}
