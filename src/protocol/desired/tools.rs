//! What the server's tool list tells about how its tools are to be called.

use super::tool_list::ToolPage;
use crate::protocol::bounds;
use crate::protocol::era::param_headers::ParamHeader;
use crate::protocol::policy::safety::Licence;
use std::mem;

use litemap::LiteMap;

/// How one tool is to be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tool {
    /// A second run does no harm, by its annotations.
    pub repeatable: bool,
    /// It runs as a task only.
    pub is_task: bool,
    /// Its parameters that are repeated in header fields.
    pub param_headers: Vec<ParamHeader>,
    /// Of its definition; `None` where that has no text, and is like no other.
    pub hash: Option<u64>,
    /// The request that the page answered on which it stands.
    pub asked: u64,
}

impl Tool {
    pub fn is_special(&self) -> bool {
        self.repeatable || self.is_task || !self.param_headers.is_empty()
    }
}

/// The tools of the list that are to be called in a way of their own. What a list does not name any more is forgotten once
/// all of its pages were seen. Until the list of a new session is read, that of the one before tells.
#[derive(Debug, Default)]
pub(super) struct Tools {
    special: LiteMap<String, Tool>,
    /// Those of the list that is being read.
    latest: LiteMap<String, Tool>,
    /// The request that the latest page answered.
    asked: u64,
    /// The server has told of a change since: no page that answers a request up to this one says that a second run does no
    /// harm.
    outdated: u64,
}

impl Tools {
    /// What says now that a second run of this tool does no harm.
    pub fn licence(&self, name: &str) -> Option<Licence> {
        let tool = self.special.get(name).filter(|tool| tool.repeatable && tool.asked > self.outdated)?;
        Some(Licence { hash: tool.hash?, since: tool.asked, is_checked: false })
    }

    /// The list is another by now, or may be: what was asked up to this request is no licence to run a tool twice.
    pub fn outdate(&mut self, asked: u64) {
        self.outdated = self.outdated.max(asked);
    }

    pub fn is_task(&self, name: &str) -> bool {
        self.special.get(name).is_some_and(|tool| tool.is_task)
    }

    pub fn param_headers(&self, name: &str) -> &[ParamHeader] {
        self.special.get(name).map(|tool| tool.param_headers.as_slice()).unwrap_or_default()
    }

    pub fn learn(&mut self, page: &ToolPage, is_first: bool, is_last: bool) {
        if page.asked < self.asked {
            return;
        }
        self.asked = page.asked;
        if is_first || self.latest.len() + page.special.len() > bounds::TOOLS {
            self.latest.clear();
        }
        add(&mut self.latest, &page.special);
        if is_last {
            return self.special = self.latest.clone();
        }
        if !self.special.is_empty() {
            let named: LiteMap<_, _> = page.hashes.iter().map(|(name, _)| (name.as_str(), ())).collect();
            self.special.retain(|name, _| !named.contains_key(name.as_str()));
        }
        if self.special.len() + page.special.len() > bounds::TOOLS {
            self.special.clear();
        }
        add(&mut self.special, &page.special);
    }
}

/// Sorted once: the server chooses the names, and how many there are.
fn add(known: &mut LiteMap<String, Tool>, page: &[(String, Tool)]) {
    *known = mem::take(known).into_iter().chain(page.iter().cloned()).collect();
}
