//! One thing that is put back into a session, or asked for again: how often, and until when.

use super::state::StateRequest;
use super::tool_list::ToolList;
use crate::protocol::Now;

/// What is not put back by then is lost.
pub(crate) const RESTORE_MS: u64 = 10_000;
/// What is refused for a moment is asked for so often in all.
pub(super) const MOST_TRIES: u32 = 4;
/// Its name for the host.
pub(super) const TOOL_LIST: &str = "tool list";

/// What is being put back.
#[derive(Clone, Debug)]
pub(super) enum What {
    State(StateRequest),
    /// What was put back, or asked for, may have been overtaken. Nobody is told of it.
    Again(StateRequest),
    /// The stream of the modern era, with all subscriptions.
    Stream,
    Tools {
        seen: ToolList,
        pages: u32,
        /// Where the list continues.
        params: Option<String>,
    },
}

/// What the server is to be asked.
pub(crate) enum Ask {
    /// For an answer to this, within `left_ms`.
    Request { method: &'static str, params: Option<String>, left_ms: u64 },
    /// To acknowledge the stream that is open.
    Stream,
}

/// One thing that is put back, or asked for again.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(super) what: What,
    /// How often it was asked for.
    pub(super) tries: u32,
    /// On the monotonic clock; then it is lost.
    pub(super) until: u64,
}

impl Attempt {
    pub(super) fn of(what: What, now: Now) -> Self {
        Self { what, tries: 0, until: now.mono.saturating_add(RESTORE_MS) }
    }

    pub fn state(request: StateRequest, now: Now) -> Self {
        Self::of(What::State(request), now)
    }

    /// What may have been overtaken.
    pub fn again(request: StateRequest, now: Now) -> Self {
        Self::of(What::Again(request), now)
    }

    pub fn stream(now: Now) -> Self {
        Self::of(What::Stream, now)
    }

    /// The first page of the tool list.
    pub fn tools(now: Now) -> Self {
        Self::of(What::Tools { seen: ToolList::default(), pages: 1, params: None }, now)
    }

    /// It is asked for now.
    pub fn begin(&mut self, now: Now) -> Ask {
        self.tries += 1;
        let left_ms = self.until.saturating_sub(now.mono);
        match &self.what {
            What::State(request) | What::Again(request) => {
                let (method, params) = request.message();
                Ask::Request { method, params: Some(params), left_ms }
            }
            What::Stream => Ask::Stream,
            What::Tools { params, .. } => Ask::Request { method: "tools/list", params: params.clone(), left_ms },
        }
    }

    /// It could not be sent, which counts as asked.
    pub fn skip(&mut self) {
        self.tries += 1;
    }

    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// The request, where it is one that changes what the session holds.
    pub fn request(&self) -> Option<&StateRequest> {
        match &self.what {
            What::State(request) | What::Again(request) => Some(request),
            What::Stream | What::Tools { .. } => None,
        }
    }

    /// The page of the tool list that it asks for: 1 for the first.
    pub fn tool_page(&self) -> Option<u32> {
        match self.what {
            What::Tools { pages, .. } => Some(pages),
            What::State(_) | What::Again(_) | What::Stream => None,
        }
    }

    pub fn is_stream(&self) -> bool {
        matches!(self.what, What::Stream)
    }

    /// Its name for the host, where that is told of it.
    pub(super) fn name(&self) -> Option<String> {
        Some(match &self.what {
            What::State(request) => request.item().to_string(),
            What::Again(_) => return None,
            What::Stream => "subscriptions".to_owned(),
            What::Tools { .. } => TOOL_LIST.to_owned(),
        })
    }
}
