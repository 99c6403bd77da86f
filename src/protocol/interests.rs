//! What the app wants held beyond one session: subscriptions, the log level, the standing stream, and what it knows of
//! the tools. [`super::restoration`] puts it back after a recovery.

use super::attempt::Attempt;
use super::call::Call;
use super::listen::Turn;
use super::session::Session;
use super::tools::ToolList;
use super::wishes::{Saying, Wishes};
use super::{CallId, ExchangeId, Now, Params, Payload, Purpose};
use std::collections::BTreeMap;

/// What the app wants, whatever session there is.
#[derive(Debug, Default)]
pub(super) struct Interests {
    pub host_listens: bool,
    pub turn: Turn,
    pub wishes: Wishes,
    /// Said once more, because something else may have overtaken it.
    pub again: BTreeMap<ExchangeId, Attempt>,
    /// Refused for a moment: when each is asked once more, on the monotonic clock.
    pub later: Vec<(u64, Attempt)>,
    /// The tools as the app has seen them; `None` where it never listed them.
    pub tools: Option<ToolList>,
    /// The server is another since then, and its tools were not compared.
    pub tools_are_old: bool,
    /// What else the app has listed: `resources`, `prompts`.
    pub listed: Vec<&'static str>,
}

impl<P: Payload> Session<P> {
    /// A call is made.
    pub(super) fn note_interest(&mut self, id: CallId, call: &Call) {
        if let Some(saying) = Saying::of(call) {
            self.interests.wishes.ask(id, saying);
        }
    }

    /// It is settled, or given up.
    pub(super) fn interest_ended(&mut self, id: CallId, call: &Call) {
        if let Some(saying) = Saying::of(call) {
            self.interests.wishes.ended(id, &saying);
        }
    }

    /// The server accepted what it asks for.
    pub(super) fn interest_accepted(&mut self, id: CallId, generation: u32, now: Now) {
        if let Some(saying) = self.calls.get(&id).and_then(|call| Saying::of(call)) {
            self.accepted(saying, generation, now);
        }
    }

    /// What the server does not grant is not wanted from the next session either.
    pub(super) fn interest_refused(&mut self, id: CallId, now: Now) {
        let Some(saying) = self.calls.get(&id).and_then(|call| Saying::of(call)) else { return };
        let generation = self.state.known().map_or(0, |session| session.generation);
        let due = self.interests.wishes.refused(id, &saying, generation);
        self.say_again(due, now);
        self.listen(now);
    }

    pub(super) fn accepted(&mut self, saying: Saying, generation: u32, now: Now) {
        if self.state.known().is_some_and(|session| session.generation == generation) {
            let due = self.interests.wishes.accepted(saying, generation);
            self.say_again(due, now);
        }
    }

    fn say_again(&mut self, saying: Option<Saying>, now: Now) {
        let wanted_elsewhere = |saying: &Saying| matches!(saying, Saying::Unsubscribe(uri) if self.others_want(uri));
        let by_request = self.state.ready().is_some_and(|it| it.era().holds_by_request());
        let Some(saying) = saying.filter(|saying| by_request && !wanted_elsewhere(saying)) else {
            return;
        };
        self.attempt(Attempt::again(saying, now), now);
    }

    /// The app has seen a page of another list.
    pub(super) fn saw_list(&mut self, list: &'static str) {
        if !self.interests.listed.contains(&list) {
            self.interests.listed.push(list);
        }
    }

    /// `None` where it cannot be asked of this server.
    pub(super) fn restore_request(
        &mut self,
        method: &str,
        params: Option<String>,
        timeout_ms: u64,
        now: Now,
    ) -> Option<ExchangeId> {
        self.fresh_wire_id();
        let session = self.state.ready().filter(|session| session.missing_capability(method).is_none())?;
        let params = Params { text: params, ..Params::default() };
        let timeout = timeout_ms.min(self.config.timeout_ms);
        let parcel = self.own_request(Purpose::Restore, Some(session), method, &params, timeout, now);
        Some(self.send(parcel, now))
    }
}

/// How the tools of the new session differ from those that the app has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolChanges {
    /// Names that are new.
    pub added: Vec<String>,
    /// Names that are gone.
    pub removed: Vec<String>,
    /// Names whose definition is another.
    pub changed: Vec<String>,
}

impl ToolChanges {
    pub(super) fn between(old: &ToolList, new: &ToolList) -> Option<Self> {
        let names = |of: &ToolList, keep: &dyn Fn(&str) -> bool| -> Vec<String> {
            of.names().filter(|name| keep(name)).cloned().collect()
        };
        let changes = Self {
            added: names(new, &|name| !old.has(name)),
            removed: names(old, &|name| !new.has(name)),
            changed: names(new, &|name| old.has(name) && !old.agrees(name, new)),
        };
        (changes != Self::default()).then_some(changes)
    }
}
