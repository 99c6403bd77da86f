//! What the current session's tool list tells about how its tools are to be called.

use super::tool_list::ToolPage;
use crate::protocol::bounds;
use crate::protocol::era::param_headers::ParamHeader;
use std::collections::BTreeMap;

/// How one tool is to be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tool {
    /// A second run does no harm, by its annotations.
    pub repeatable: bool,
    /// It runs as a task only.
    pub is_task: bool,
    /// Its parameters that are repeated in header fields.
    pub param_headers: Vec<ParamHeader>,
}

impl Tool {
    pub fn is_special(&self) -> bool {
        self.repeatable || self.is_task || !self.param_headers.is_empty()
    }
}

/// The tools of the list that are to be called in a way of their own. What a list does not name any more is forgotten once
/// all of its pages were seen.
#[derive(Debug, Default)]
pub(super) struct Tools {
    special: BTreeMap<String, Tool>,
    /// Those of the list that is being read.
    latest: BTreeMap<String, Tool>,
    /// The request that the latest page answered.
    asked: u64,
}

impl Tools {
    pub fn is_repeatable(&self, name: &str) -> bool {
        self.special.get(name).is_some_and(|tool| tool.repeatable)
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
        self.latest.extend(page.special.clone());
        if is_last {
            return self.special = self.latest.clone();
        }
        if !self.special.is_empty() {
            page.hashes.iter().for_each(|(name, _)| drop(self.special.remove(name)));
        }
        if self.special.len() + page.special.len() > bounds::TOOLS {
            self.special.clear();
        }
        self.special.extend(page.special.clone());
    }
}
