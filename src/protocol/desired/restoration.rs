//! What a session held is put back into the one that took its place, with a deadline: what is asked for, what came of it,
//! and which calls wait until the tools are compared.

use super::attempt::{Attempt, MOST_TRIES, TOOL_LIST, What};
use super::recovery::{Changes, LastRecovery};
use super::state::{Item, StateRequest};
use super::tool_list::{ToolChanges, ToolList, ToolPage};
use super::{Desired, MAX_PAGES};
use crate::protocol::{CallId, ExchangeId, Now};
use litemap::LiteMap;

/// A restoration under way: `recovered` is told when it is over.
#[derive(Debug)]
pub(super) struct Restoration {
    generation: u32,
    recovery: LastRecovery,
    open: LiteMap<ExchangeId, Attempt>,
    changes: Changes,
    /// The new server's tools, once all of them are known.
    tools: Option<ToolList>,
}

/// A restoration that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    pub generation: u32,
    pub recovery: LastRecovery,
    pub changes: Changes,
    /// Lists that the app has seen and that may be others now.
    pub stale_lists: Vec<&'static str>,
    /// The tools as the app has seen them, and the new server's.
    before: Option<ToolList>,
    after: Option<ToolList>,
}

/// How a tool of the new server compares with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Same,
    Another,
    Unknown,
}

impl Finished {
    pub fn compare(&self, tool: &str) -> Compared {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before.agrees(tool, after) => Compared::Same,
            (_, Some(_)) => Compared::Another,
            (_, None) => Compared::Unknown,
        }
    }
}

/// What was under way in a restoration whose session is gone.
#[derive(Debug, Default)]
pub(crate) struct Abandoned {
    /// What was asked for once more.
    pub again: Vec<ExchangeId>,
    /// What was being put back.
    pub open: Vec<ExchangeId>,
}

impl<P> Desired<P> {
    /// A session was made anew. `is_other`: the server says another name or version of itself.
    pub fn recovers(&mut self, is_other: bool) {
        self.tools_are_old |= is_other;
        self.tool_list.iter_mut().for_each(ToolList::sort);
    }

    /// Whether a tool that the app has seen may be another one now.
    pub fn may_have_changed(&self, tool: &str) -> bool {
        self.tools_are_old && self.tool_list.as_ref().is_some_and(|tools| tools.is_cut || tools.has(tool))
    }

    /// The restoration begins.
    pub fn restore(&mut self, generation: u32, recovery: LastRecovery, changes: Changes) {
        let open = LiteMap::new_vec();
        self.restoration = Some(Restoration { generation, recovery, open, changes, tools: None });
    }

    /// Whether the app knows tools that are to be compared.
    pub fn has_seen_tools(&self) -> bool {
        self.tool_list.is_some()
    }

    /// What the new session is to hold, apart from what calls ask it for that are sent under it.
    pub fn to_restore(&self, is_sent: impl Fn(CallId) -> bool) -> Vec<StateRequest> {
        self.state.to_restore(is_sent)
    }

    /// It was asked for in this exchange; `None`: it cannot be asked for, and is lost.
    pub fn asked(&mut self, attempt: Attempt, exchange: Option<ExchangeId>) {
        let Some(exchange) = exchange else { return self.not_restored(&attempt) };
        match (&attempt.what, &mut self.restoration) {
            (What::Again(_), _) => drop(self.again.insert(exchange, attempt)),
            (_, Some(restoration)) => drop(restoration.open.insert(exchange, attempt)),
            (_, None) => {}
        }
    }

    /// It is asked for once more at this time, where it has not been too often and there is time.
    pub fn ask_at(&mut self, attempt: Attempt, at: u64) {
        if attempt.tries >= MOST_TRIES || at >= attempt.until {
            return self.not_restored(&attempt);
        }
        self.later.push((at, attempt));
    }

    /// When something is to be asked for once more.
    pub fn next_attempt_at(&self) -> Option<u64> {
        self.later.iter().map(|(at, _)| *at).min()
    }

    /// All that is to be asked for once more, for [`Self::due`].
    pub fn take_later(&mut self) -> Vec<(u64, Attempt)> {
        std::mem::take(&mut self.later)
    }

    /// Gives it back where it is to be asked for now. What is not due yet is kept; where the app has asked for something
    /// else meanwhile, the session holds that.
    pub fn due(&mut self, at: u64, attempt: Attempt, now: Now) -> Option<Attempt> {
        if attempt.request().is_some_and(|request| !self.state.wants(request)) {
            self.overtaken(&attempt);
            return None;
        }
        if at > now.mono {
            self.later.push((at, attempt));
            return None;
        }
        Some(attempt)
    }

    fn overtaken(&mut self, attempt: &Attempt) {
        let What::State(request) = &attempt.what else { return };
        if let Some(restoration) = self.restoration.as_mut().filter(|_| self.state.holds(&request.item())) {
            restoration.recovery.restored.extend(attempt.name());
        }
    }

    /// It is lost.
    pub fn not_restored(&mut self, attempt: &Attempt) {
        if let Some(restoration) = &mut self.restoration {
            restoration.recovery.lost.extend(attempt.name());
        }
    }

    /// The session holds it. Gives the request back.
    pub fn restored(&mut self, attempt: &Attempt) -> Option<StateRequest> {
        if let Some(restoration) = &mut self.restoration {
            restoration.recovery.restored.extend(attempt.name());
        }
        attempt.request().cloned()
    }

    /// This exchange, under the session of this generation, was answered: what was asked for in it?
    pub fn answered(&mut self, exchange: ExchangeId, generation: u32) -> Option<Attempt> {
        let restoration = self.restoration.as_mut().filter(|it| it.generation == generation);
        let open = restoration.and_then(|restoration| restoration.open.remove(&exchange));
        self.again.remove(&exchange).or(open)
    }

    /// The listening stream is acknowledged: with it, the subscriptions. Says whether that was waited for.
    pub fn stream_acknowledged(&mut self, stream: ExchangeId, wanted: &[String], granted: &[String]) -> bool {
        let Some(restoration) = &mut self.restoration else { return false };
        if restoration.open.remove(&stream).is_none() {
            return false;
        }
        for uri in wanted {
            let name = Item::Subscription(uri.clone()).to_string();
            let list = &mut restoration.recovery;
            if granted.contains(uri) { list.restored.push(name) } else { list.lost.push(name) }
        }
        true
    }

    /// It ended before that.
    pub fn stream_ended(&mut self, stream: ExchangeId) -> Option<Attempt> {
        self.restoration.as_mut()?.open.remove(&stream)
    }

    /// The app wants to hear something else: another stream takes its place, or none. Says whether this one was waited for,
    /// and none is now.
    pub fn stream_replaced(&mut self, stream: ExchangeId, next: Option<ExchangeId>) -> bool {
        let Some(restoration) = &mut self.restoration else { return false };
        match (restoration.open.remove(&stream), next) {
            (Some(attempt), Some(next)) => {
                restoration.open.insert(next, attempt);
                false
            }
            (attempt, None) => attempt.is_some(),
            (None, Some(_)) => false,
        }
    }

    /// A page of the new server's tool list, which `params` continue. Returns what is to be asked for next.
    pub fn compare_page(
        &mut self,
        attempt: Attempt,
        page: ToolPage,
        params: Option<String>,
        now: Now,
    ) -> Option<Attempt> {
        let What::Tools { mut seen, pages, .. } = attempt.what else { return None };
        seen.add(page, pages == 1);
        let has_more = params.is_some();
        if has_more && pages < MAX_PAGES {
            return Some(Attempt::of(What::Tools { seen, pages: pages + 1, params }, now));
        }
        seen.sort();
        let mut known = self.tool_list.clone().unwrap_or_default();
        known.sort();
        let restoration = self.restoration.as_mut()?;
        // Of a list that has no end to be seen, nothing is said.
        if has_more || seen.is_cut || known.is_cut {
            restoration.recovery.lost.push(TOOL_LIST.to_owned());
            return None;
        }
        restoration.changes.tools = ToolChanges::between(&known, &seen);
        restoration.tools = Some(seen);
        None
    }

    /// Whether the new server's tools are compared, and it is not known yet what they are.
    pub fn is_comparing(&self) -> bool {
        self.has_seen_tools() && self.restoration.as_ref().is_some_and(|restoration| restoration.tools.is_none())
    }

    /// The restoration, once everything is put back or lost.
    pub fn take_finished(&mut self) -> Option<Finished> {
        let waits = self.later.iter().any(|(_, attempt)| attempt.name().is_some());
        let finished = self.restoration.take_if(|restoration| !waits && restoration.open.is_empty())?;
        let Restoration { generation, recovery, changes, tools, .. } = finished;
        let mut before = match &tools {
            Some(tools) => {
                self.tools_are_old = false;
                self.tool_list.replace(tools.clone())
            }
            None => self.tool_list.clone(),
        };
        before.iter_mut().for_each(ToolList::sort);
        let not_compared = recovery.lost.iter().any(|name| name == TOOL_LIST);
        let stale_lists = self.listed.iter().copied().chain(not_compared.then_some("tools")).collect();
        Some(Finished { generation, recovery, changes, stale_lists, before, after: tools })
    }

    /// The session went while its restoration was under way: what was open is lost with it.
    pub fn abandon_restoration(&mut self) -> Abandoned {
        let again = std::mem::take(&mut self.again).keys().copied().collect();
        let later = std::mem::take(&mut self.later);
        let Some(restoration) = &mut self.restoration else { return Abandoned { again, ..Abandoned::default() } };
        let open = std::mem::take(&mut restoration.open);
        let given_up = open.values().chain(later.iter().map(|(_, attempt)| attempt));
        restoration.recovery.lost.extend(given_up.filter_map(Attempt::name));
        Abandoned { again, open: open.keys().copied().collect() }
    }
}
