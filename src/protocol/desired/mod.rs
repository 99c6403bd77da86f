//! The desired state: what the app wants held whatever session there is, what it knows of the tools, and the results that
//! stay fresh. After a recovery it is put back ([`restoration`]).
//!
//! The room sees no other one: what it must know of a session or a call it is told, and what is to be done it returns.

mod attempt;
mod cache;
mod recovery;
mod restoration;
mod state;
mod tool_list;
mod tools;

pub(crate) use attempt::{Ask, Attempt, RESTORE_MS};
pub(crate) use cache::Asked;
pub use recovery::{Changes, LastRecovery};
pub(crate) use restoration::Compared;
pub(crate) use state::StateRequest;
pub use tool_list::ToolChanges;
pub(crate) use tool_list::{ToolPage, next_cursor};

use super::era::param_headers::ParamHeader;
use super::policy::safety::Licence;
use super::{CallId, ExchangeId};
use cache::Cache;
use litemap::LiteMap;
use restoration::Restoration;
use state::DesiredState;
use tool_list::ToolList;
use tools::Tools;

/// Pages of the tool list that are read to compare it, or to find one tool.
pub(crate) const MAX_PAGES: u32 = 64;

/// What the app wants, whatever session there is.
#[derive(Debug)]
pub(crate) struct Desired<P> {
    state: DesiredState,
    /// Somebody in the host listens for what the server says unasked.
    listens: bool,
    /// The tools as the app has seen them; `None` where it never listed them.
    tool_list: Option<ToolList>,
    /// The server is another since then, and its tools were not compared.
    tools_are_old: bool,
    /// What else the app has listed: `resources`, `prompts`.
    listed: Vec<&'static str>,
    /// From the server's list.
    tools: Tools,
    cache: Cache<P>,
    restoration: Option<Restoration>,
    /// Asked for once more, because something else may have overtaken it. Nobody is told.
    again: LiteMap<ExchangeId, Attempt>,
    /// Refused for a moment: when each is asked for once more, on the monotonic clock.
    later: Vec<(u64, Attempt)>,
}

impl<P> Default for Desired<P> {
    fn default() -> Self {
        Self {
            state: DesiredState::default(),
            listens: false,
            tool_list: None,
            tools_are_old: false,
            listed: Vec::new(),
            tools: Tools::default(),
            cache: Cache::default(),
            restoration: None,
            again: LiteMap::new_vec(),
            later: Vec::new(),
        }
    }
}

/// Subscriptions, the log level, the standing stream.
impl<P> Desired<P> {
    /// A call is made: it is taken at its word.
    pub fn requested(&mut self, call: CallId, request: StateRequest) {
        self.state.requested(call, request);
    }

    /// The call has ended: unless the server refused it, what it asked for counts.
    pub fn ended(&mut self, call: CallId, request: &StateRequest) {
        self.state.ended(call, request);
    }

    /// The server refused it. Returns what the session of this generation is to be asked for now.
    pub fn refused(&mut self, call: CallId, request: &StateRequest, generation: u32) -> Option<StateRequest> {
        self.state.refused(call, request, generation)
    }

    /// The server accepted it. Returns what its session is to be asked for now: what the app wanted meanwhile may have been
    /// overtaken.
    pub fn accepted(&mut self, request: StateRequest, generation: u32) -> Option<StateRequest> {
        self.state.accepted(request, generation)
    }

    /// A session that was taken up holds this.
    pub fn take_up(&mut self, generation: u32, level: Option<String>, uris: Vec<String>) {
        self.state.take_up(generation, level, uris);
    }

    /// The log level that is wanted.
    pub fn log_level(&self) -> Option<&str> {
        self.state.log_level()
    }

    /// URIs of the subscriptions that are wanted.
    pub fn subscriptions(&self) -> impl Iterator<Item = &str> {
        self.state.subscriptions()
    }

    /// Somebody in the host listens for what the server says unasked, or nobody does any more.
    pub fn set_listens(&mut self, listens: bool) {
        self.listens = listens;
    }

    /// Whether somebody in the host listens.
    pub fn listens(&self) -> bool {
        self.listens
    }

    /// Whether anything is wanted that comes on the standing stream.
    pub fn wants_stream(&self) -> bool {
        self.listens || self.subscriptions().next().is_some()
    }
}

/// Lists, and how tools are to be called.
impl<P> Desired<P> {
    /// A session takes the place of the one before: nothing that was asked with a request id up to this one is used again, nor
    /// licenses a second run.
    pub fn session_began(&mut self, asked: u64) {
        self.tools.outdate(asked);
        self.forget_results(asked);
    }

    /// A page of the current session's tool list came.
    pub fn learn_tools(&mut self, page: &ToolPage, is_first: bool, is_last: bool) {
        self.tools.learn(page, is_first, is_last);
    }

    /// The app has seen a page of the tool list.
    pub fn saw_tools(&mut self, page: ToolPage, is_first: bool) {
        self.tool_list.get_or_insert_default().add(page, is_first);
    }

    /// The app has seen a page of another list.
    pub fn saw_list(&mut self, list: &'static str) {
        if !self.listed.contains(&list) {
            self.listed.push(list);
        }
    }

    /// What says now that a second run of this tool does no harm, by its annotations.
    pub fn licence(&self, tool: &str) -> Option<Licence> {
        self.tools.licence(tool)
    }

    /// Whether this tool runs as a task only.
    pub fn is_task(&self, tool: &str) -> bool {
        self.tools.is_task(tool)
    }

    /// The parameters of this tool that are repeated in header fields.
    pub fn param_headers(&self, tool: &str) -> &[ParamHeader] {
        self.tools.param_headers(tool)
    }
}
