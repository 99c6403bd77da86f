//! What the app wants held beyond one session: subscriptions, the log level, the standing stream, and what it knows of
//! the tools. After a recovery it is put back beside the calls, with a deadline, and gates nothing but the retry of a
//! tool that may have changed.

use super::bounds;
use super::call::{Call, Place};
use super::exchange::{Answer, Exchange};
use super::list::Gather;
use super::listen::{Listening, Turn};
use super::session::Session;
use super::sorted::Map;
use super::status::{Changes, Event, LastRecovery};
use super::tools::{self, ToolList};
use super::verdict::Verdict;
use super::wishes::{Saying, Topic, Wishes};
use super::{CallId, Code, Error, ExchangeId, Field, Now, Outcome, Params, Payload, Purpose};

/// What is not put back by then is lost.
const RESTORE_MS: u64 = 10_000;
/// Pages of the tool list that are read to compare it, or to find one tool.
pub(super) const MAX_PAGES: u32 = 64;
const TOOL_LIST: &str = "tool list";
const REPLACED: &str = "The server was replaced while it refused this call, and this tool is another now. It was not \
                        sent to the new one: list the tools, and decide again.";
const NOT_COMPARED: &str = "The server was replaced while it refused this call, and its tools could not be compared with \
                            those before. It was not sent to the new one: list the tools, and decide again.";

/// What the app wants, whatever session there is.
#[derive(Debug, Default)]
pub(super) struct Interests {
    pub host_listens: bool,
    pub turn: Turn,
    pub wishes: Wishes,
    /// Said once more, because something else may have overtaken it.
    again: Map<ExchangeId, Saying>,
    /// The tools as the app has seen them; `None` where it never listed them.
    pub tools: Option<ToolList>,
    /// The server is another since then, and its tools were not compared.
    pub tools_are_old: bool,
    /// What else the app has listed: `resources`, `prompts`.
    listed: Vec<&'static str>,
}

/// What is being put back.
#[derive(Debug)]
enum Restoring {
    Wish(Saying),
    /// The stream of the modern era, with all subscriptions.
    Stream,
    Tools {
        seen: ToolList,
        pages: u32,
    },
}

/// A restoration under way: `recovered` is told when it is over.
#[derive(Debug)]
pub(super) struct Restoration {
    generation: u32,
    recovery: LastRecovery,
    open: Map<ExchangeId, Restoring>,
    changes: Changes,
    /// The new server's tools, once all of them are known.
    tools: Option<ToolList>,
    /// Calls of tools whose definition may have changed.
    pub held: Vec<CallId>,
}

impl Restoring {
    fn name(&self) -> String {
        match self {
            Self::Wish(saying) => saying.topic().to_string(),
            Self::Stream => "subscriptions".to_owned(),
            Self::Tools { .. } => TOOL_LIST.to_owned(),
        }
    }
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

    fn accepted(&mut self, saying: Saying, generation: u32, now: Now) {
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
        let exchange = self.say(&saying, now);
        self.interests.again.extend(exchange.map(|exchange| (exchange, saying)));
    }

    fn say(&mut self, saying: &Saying, now: Now) -> Option<ExchangeId> {
        let (method, params) = saying.request();
        self.restore_request(method, Some(params), now)
    }

    /// The app has seen a page of another list.
    pub(super) fn saw_list(&mut self, list: &'static str) {
        if !self.interests.listed.contains(&list) {
            self.interests.listed.push(list);
        }
    }

    /// The session was made anew: puts back what the old one held.
    pub(super) fn restore(&mut self, recovery: LastRecovery, changes: Changes, parked: Vec<CallId>, now: Now) {
        let Some(generation) = self.state.ready().map(|session| session.generation) else { return };
        self.interests.tools_are_old |= changes.server;
        self.interests.tools.iter_mut().for_each(ToolList::sort);
        let mut restoration =
            Restoration { generation, recovery, open: Map::default(), changes, tools: None, held: Vec::new() };
        for id in parked {
            if self.interests.tools_are_old && self.may_have_changed(id) {
                restoration.held.push(id);
            } else {
                self.dispatch(id, now);
            }
        }
        let mut put_back = |what: Restoring, exchange| match exchange {
            Some(exchange) => restoration.open.insert(exchange, what),
            None => restoration.recovery.lost.push(what.name()),
        };
        if self.interests.tools.is_some() {
            let exchange = self.restore_request("tools/list", None, now);
            put_back(Restoring::Tools { seen: ToolList::default(), pages: 1 }, exchange);
        }
        let by_request = self.state.ready().is_some_and(|session| session.era().holds_by_request());
        // The tab that leads sees to its stream. One that waits for its turn told nothing before, either.
        let has_turn = self.tabs.acts() && self.interests.turn != Turn::Later;
        if !by_request && has_turn && self.interests.wishes.subscriptions().next().is_some() {
            self.listen(now);
            put_back(Restoring::Stream, self.open_stream_id());
        }
        let says = |id: CallId| self.calls.get(&id).is_some_and(|call| self.is_under(call, generation));
        for saying in self.interests.wishes.to_restore(says).into_iter().filter(|_| by_request) {
            let exchange = self.say(&saying, now);
            put_back(Restoring::Wish(saying), exchange);
        }
        self.restoration = Some(restoration);
        self.finish_restoration(now);
    }

    /// Whether this call was sent before, to a tool whose definition the app has seen.
    fn may_have_changed(&self, id: CallId) -> bool {
        self.calls.get(&id).is_some_and(|call| {
            let known = self.interests.tools.as_ref().zip(call.params.name.as_ref());
            call.sends > 0
                && call.method == "tools/call"
                && known.is_some_and(|(tools, name)| tools.is_cut || tools.has(name))
        })
    }

    /// Whether this call is on the wire under the session of this generation.
    fn is_under(&self, call: &Call, generation: u32) -> bool {
        let Place::Sent(exchange) = call.place else { return false };
        self.exchanges.get(&exchange).is_some_and(|exchange| exchange.generation == generation)
    }

    /// `None` where it cannot be asked of this server.
    pub(super) fn restore_request(&mut self, method: &str, params: Option<String>, now: Now) -> Option<ExchangeId> {
        self.fresh_wire_id();
        let session = self.state.ready().filter(|session| session.missing_capability(method).is_none())?;
        let params = Params { text: params, ..Params::default() };
        let timeout = RESTORE_MS.min(self.config.timeout_ms);
        let parcel = self.own_request(Purpose::Restore, Some(session), method, &params, timeout, now);
        Some(self.send(parcel, now))
    }

    pub(super) fn restore_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        if verdict.session_gone() {
            self.session_refused(exchange.generation, false, now);
        }
        if verdict == Verdict::OtherEra {
            self.check(None, now);
        }
        if let (Some(saying), Answer::Result(_)) = (self.interests.again.remove(&id), &answer) {
            return self.accepted(saying, exchange.generation, now);
        }
        self.relisted(id, exchange, &answer, now);
        let restoration = self.restoration.as_mut().filter(|it| it.generation == exchange.generation);
        let Some(what) = restoration.and_then(|restoration| restoration.open.remove(&id)) else { return };
        match (what, answer) {
            (Restoring::Tools { mut seen, pages }, Answer::Result(page)) if is_bounded(&page) => {
                let page = self.compare_page(exchange, page, &mut seen, pages == 1);
                self.compare_tools(seen, pages, &page, now);
            }
            (Restoring::Stream, _) => {}
            (Restoring::Wish(saying), Answer::Result(_)) => {
                let name = saying.topic().to_string();
                self.restoration.iter_mut().for_each(|restoration| restoration.recovery.restored.push(name.clone()));
                self.accepted(saying, exchange.generation, now);
            }
            (
                what,
                Answer::Result(_)
                | Answer::Accepted
                | Answer::Refused { .. }
                | Answer::Unusable { .. }
                | Answer::Lost { .. },
            ) => {
                let name = what.name();
                self.restoration.iter_mut().for_each(|restoration| restoration.recovery.lost.push(name.clone()));
            }
        }
        self.finish_restoration(now);
    }

    fn open_stream_id(&self) -> Option<ExchangeId> {
        match self.state.ready().map(|session| &session.listening) {
            Some(&Listening::Open { exchange, .. }) => Some(exchange),
            Some(Listening::Off | Listening::Ended { .. } | Listening::Denied | Listening::Refused) | None => None,
        }
    }

    /// The listening stream is acknowledged: with it, the subscriptions.
    pub(super) fn stream_restored(&mut self, id: ExchangeId, wanted: &[String], granted: &[String], now: Now) {
        let Some(restoration) = &mut self.restoration else { return };
        if restoration.open.remove(&id).is_none() {
            return;
        }
        for uri in wanted {
            let name = Topic::Subscription(uri.clone()).to_string();
            let list = &mut restoration.recovery;
            if granted.contains(uri) { list.restored.push(name) } else { list.lost.push(name) }
        }
        self.finish_restoration(now);
    }

    /// It ended before that.
    pub(super) fn stream_lost(&mut self, id: ExchangeId, now: Now) {
        let Some(restoration) = &mut self.restoration else { return };
        if let Some(what) = restoration.open.remove(&id) {
            restoration.recovery.lost.push(what.name());
            self.finish_restoration(now);
        }
    }

    /// The app wants to hear something else: another stream takes its place, or none.
    pub(super) fn stream_replaced(&mut self, id: ExchangeId, now: Now) {
        let open = self.open_stream_id();
        let Some(restoration) = &mut self.restoration else { return };
        match (restoration.open.remove(&id), open) {
            (Some(what), Some(open)) => {
                restoration.open.insert(open, what);
            }
            (Some(_), None) => self.finish_restoration(now),
            (None, _) => {}
        }
    }

    fn compare_tools(&mut self, mut seen: ToolList, pages: u32, page: &P, now: Now) {
        let more = tools::next_cursor(page);
        if let Some(params) = more.clone().filter(|_| pages < MAX_PAGES) {
            let exchange = self.restore_request("tools/list", Some(params), now);
            let restoring = Restoring::Tools { seen, pages: pages + 1 };
            if let (Some(restoration), Some(exchange)) = (&mut self.restoration, exchange) {
                restoration.open.insert(exchange, restoring);
            }
            return;
        }
        seen.sort();
        let mut known = self.interests.tools.clone().unwrap_or_default();
        known.sort();
        let Some(restoration) = &mut self.restoration else { return };
        // Of a list that has no end to be seen, nothing is said.
        if more.is_some() || seen.is_cut || known.is_cut {
            return restoration.recovery.lost.push(TOOL_LIST.to_owned());
        }
        restoration.changes.tools = ToolChanges::between(&known, &seen);
        restoration.tools = Some(seen);
    }

    /// Tells `recovered` once everything is put back or lost.
    fn finish_restoration(&mut self, now: Now) {
        if !self.restoration.as_ref().is_some_and(|restoration| restoration.open.is_empty()) {
            return;
        }
        let Some(restoration) = self.restoration.take() else { return };
        let Restoration { generation, recovery, changes, tools, held, .. } = restoration;
        let mut known = match &tools {
            Some(tools) => {
                self.interests.tools_are_old = false;
                self.interests.tools.replace(tools.clone())
            }
            None => self.interests.tools.clone(),
        };
        known.iter_mut().for_each(ToolList::sort);
        for id in held {
            let name = self.calls.get(&id).and_then(|call| call.params.name.clone()).unwrap_or_default();
            let text = match (&known, &tools) {
                (Some(known), Some(tools)) if known.agrees(&name, tools) => {
                    self.dispatch(id, now);
                    continue;
                }
                (_, Some(_)) => REPLACED,
                (_, None) => NOT_COMPARED,
            };
            self.settle(id, Err(Error::boxed(Code::SessionLost, Outcome::NotExecuted, text)));
        }
        let stale: Vec<String> = self.interests.wishes.subscriptions().map(str::to_owned).gather();
        let not_compared = recovery.lost.iter().any(|name| name == TOOL_LIST);
        let stale_lists = self.interests.listed.iter().copied().chain(not_compared.then_some("tools")).gather();
        if !recovery.restored.is_empty() || !recovery.lost.is_empty() {
            self.past.last_recovery = Some(recovery.clone());
            self.emit(Event::StateChange);
        }
        self.emit(Event::Recovered { generation, recovery, changes, stale, stale_lists });
    }

    /// The session went while its restoration was under way: what was open is lost with it.
    pub(super) fn abandon_restoration(&mut self, now: Now) {
        for exchange in std::mem::take(&mut self.interests.again).into_keys() {
            self.abort(exchange, now);
        }
        let Some(restoration) = &mut self.restoration else { return };
        let open = std::mem::take(&mut restoration.open);
        restoration.recovery.lost.extend(open.values().map(Restoring::name));
        // Whoever gives the session up makes the next one: nobody here may begin with it.
        let held = std::mem::take(&mut restoration.held);
        if let Some(establishing) = self.state.establishing_mut() {
            establishing.parked.extend(held);
        }
        for exchange in open.into_keys() {
            self.abort(exchange, now);
        }
        self.finish_restoration(now);
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
    fn between(old: &ToolList, new: &ToolList) -> Option<Self> {
        let names = |of: &ToolList, keep: &dyn Fn(&str) -> bool| -> Vec<String> {
            of.names().filter(|name| keep(name)).cloned().gather()
        };
        let changes = Self {
            added: names(new, &|name| !old.has(name)),
            removed: names(old, &|name| !new.has(name)),
            changed: names(new, &|name| old.has(name) && !old.agrees(name, new)),
        };
        (changes != Self::default()).then_some(changes)
    }
}

/// Whether this page of a tool list is no longer than one may be.
fn is_bounded<P: Payload>(page: &P) -> bool {
    page.field(Field::Tools).and_then(|tools| tools.count()).is_none_or(|count| count <= bounds::ITEMS)
}
