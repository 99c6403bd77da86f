//! What a session held is put back into the one that took its place, beside the calls and with a deadline. It gates
//! nothing but the retry of a tool that may have changed. What is refused for a moment is asked for again.

use super::attempt::{Attempt, MOST_TRIES, Restoring, TOOL_LIST, pause_after};
use super::call::{Call, Place};
use super::exchange::{Answer, Exchange};
use super::interests::ToolChanges;
use super::list::Gather;
use super::listen::{Listening, Turn};
use super::session::Session;
use super::sorted::Map;
use super::status::{Changes, Event, LastRecovery};
use super::time::Timer;
use super::tools::{self, NOT_HARMLESS, ToolList};
use super::verdict::Verdict;
use super::wishes::Topic;
use super::{CallId, Code, Error, ExchangeId, Field, Now, Outcome, Payload, backoff, bounds};

/// Pages of the tool list that are read to compare it, or to find one tool.
pub(super) const MAX_PAGES: u32 = 64;
const REPLACED: &str = "The server was replaced while it refused this call, and this tool is another now. It was not \
                        sent to the new one: list the tools, and decide again.";
const NOT_COMPARED: &str = "The server was replaced while it refused this call, and its tools could not be compared with \
                            those before. It was not sent to the new one: list the tools, and decide again.";

/// A restoration under way: `recovered` is told when it is over.
#[derive(Debug)]
pub(super) struct Restoration {
    generation: u32,
    recovery: LastRecovery,
    open: Map<ExchangeId, Attempt>,
    changes: Changes,
    /// The new server's tools, once all of them are known.
    tools: Option<ToolList>,
    /// Calls of tools whose definition may have changed.
    pub held: Vec<CallId>,
}

impl<P: Payload> Session<P> {
    /// The session was made anew: puts back what the old one held.
    pub(super) fn restore(&mut self, recovery: LastRecovery, changes: Changes, parked: Vec<CallId>, now: Now) {
        let Some(generation) = self.state.ready().map(|session| session.generation) else { return };
        self.interests.tools_are_old |= changes.server;
        self.interests.tools.iter_mut().for_each(ToolList::sort);
        let mut restoration =
            Restoration { generation, recovery, open: Map::default(), changes, tools: None, held: Vec::new() };
        for id in parked {
            let relies = self.calls.get(&id).is_some_and(|call| call.relies_on_annotations());
            if relies || self.interests.tools_are_old && self.may_have_changed(id) {
                restoration.held.push(id);
            } else {
                self.dispatch(id, now);
            }
        }
        self.restoration = Some(restoration);
        if self.interests.tools.is_some() {
            let tools = Restoring::Tools { seen: ToolList::default(), pages: 1, params: None };
            self.attempt(Attempt::of(tools, now), now);
        }
        let by_request = self.state.ready().is_some_and(|session| session.era().holds_by_request());
        // The tab that leads sees to its stream. One that waits for its turn told nothing before, either.
        let has_turn = self.tabs.acts() && self.interests.turn != Turn::Later;
        if !by_request && has_turn && self.interests.wishes.subscriptions().next().is_some() {
            self.listen(now);
            self.attempt(Attempt::of(Restoring::Stream, now), now);
        }
        let says = |id: CallId| self.calls.get(&id).is_some_and(|call| self.is_under(call, generation));
        for saying in self.interests.wishes.to_restore(says).into_iter().filter(|_| by_request) {
            self.attempt(Attempt::of(Restoring::Wish(saying), now), now);
        }
        self.finish_restoration(now);
    }

    /// Holds a call until the new session's list is compared, if that is under way.
    pub(super) fn hold_until_compared(&mut self, id: CallId) -> bool {
        let compares = self.restoration.as_mut().filter(|restoration| restoration.tools.is_none());
        let compares = compares.filter(|_| self.interests.tools.is_some());
        compares.map(|restoration| restoration.held.push(id)).is_some()
    }

    /// Whether this call was sent before, to a tool whose definition the app has seen.
    fn may_have_changed(&self, id: CallId) -> bool {
        self.calls.get(&id).is_some_and(|call| {
            let known = self.interests.tools.as_ref().zip(call.params.name.as_ref());
            call.sends > 0
                // What became a task is only asked about.
                && call.task.is_none()
                && call.method == "tools/call"
                && known.is_some_and(|(tools, name)| tools.is_cut || tools.has(name))
        })
    }

    /// Whether this call is on the wire under the session of this generation.
    fn is_under(&self, call: &Call, generation: u32) -> bool {
        let Place::Sent(exchange) = call.place else { return false };
        self.exchanges.get(&exchange).is_some_and(|exchange| exchange.generation == generation)
    }

    /// Asks the server for it; what cannot be asked for is lost.
    pub(super) fn attempt(&mut self, mut attempt: Attempt, now: Now) {
        attempt.tries += 1;
        let left = attempt.until.saturating_sub(now.mono);
        let exchange = match &attempt.what {
            Restoring::Wish(saying) | Restoring::Again(saying) => {
                let (method, params) = saying.request();
                self.restore_request(method, Some(params), left, now)
            }
            Restoring::Stream => self.open_stream_id(),
            Restoring::Tools { params, .. } => self.restore_request("tools/list", params.clone(), left, now),
        };
        let Some(exchange) = exchange else { return self.not_restored(&attempt) };
        match (&attempt.what, &mut self.restoration) {
            (Restoring::Again(_), _) => self.interests.again.insert(exchange, attempt),
            (_, Some(restoration)) => restoration.open.insert(exchange, attempt),
            (_, None) => {}
        }
    }

    /// It is asked for again after a pause, where it has not been too often and there is time.
    fn attempt_later(&mut self, attempt: Attempt, floor_ms: u64, now: Now) {
        let pause = backoff::delay(attempt.tries, &self.config.recovery, floor_ms, &mut self.rng);
        self.attempt_at(attempt, now.mono.saturating_add(pause));
    }

    fn attempt_at(&mut self, attempt: Attempt, at: u64) {
        if attempt.tries >= MOST_TRIES || at >= attempt.until {
            return self.not_restored(&attempt);
        }
        self.interests.later.push((at, attempt));
        self.set_restore_timer();
    }

    fn set_restore_timer(&mut self) {
        match self.interests.later.iter().map(|(at, _)| *at).min() {
            Some(at) => self.timers.set(Timer::Restore, at),
            None => self.timers.clear(Timer::Restore),
        }
    }

    /// The pause is over.
    pub(super) fn restore_due(&mut self, now: Now) {
        for (at, attempt) in std::mem::take(&mut self.interests.later) {
            let wanted = match &attempt.what {
                Restoring::Wish(saying) | Restoring::Again(saying) => self.interests.wishes.wants(saying),
                Restoring::Stream | Restoring::Tools { .. } => true,
            };
            match wanted {
                false => self.overtaken(&attempt),
                true if at > now.mono => self.interests.later.push((at, attempt)),
                // Nothing is sent now; it counts as asked.
                true if self.is_offline() => {
                    self.attempt_later(Attempt { tries: attempt.tries + 1, ..attempt }, 0, now)
                }
                true => self.attempt(attempt, now),
            }
        }
        self.set_restore_timer();
        self.finish_restoration(now);
    }

    /// The app has asked for something else meanwhile: the session holds that.
    fn overtaken(&mut self, attempt: &Attempt) {
        let Restoring::Wish(saying) = &attempt.what else { return };
        let holds = self.interests.wishes.holds(&saying.topic());
        let restoration = self.restoration.as_mut().filter(|_| holds);
        restoration.into_iter().for_each(|restoration| restoration.recovery.restored.extend(attempt.name()));
    }

    fn not_restored(&mut self, attempt: &Attempt) {
        if let Some(restoration) = &mut self.restoration {
            restoration.recovery.lost.extend(attempt.name());
        }
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
        self.relisted(id, exchange, &answer, now);
        let restoration = self.restoration.as_mut().filter(|it| it.generation == exchange.generation);
        let open = restoration.and_then(|restoration| restoration.open.remove(&id));
        let Some(attempt) = self.interests.again.remove(&id).or(open) else { return };
        match (attempt.what, answer) {
            (Restoring::Tools { mut seen, pages, .. }, Answer::Result(page)) if is_bounded(&page) => {
                let page = self.compare_page(exchange, page, &mut seen, pages == 1);
                self.compare_tools(seen, pages, &page, now);
            }
            (Restoring::Stream, _) => {}
            (Restoring::Again(saying), Answer::Result(_)) => self.accepted(saying, exchange.generation, now),
            (Restoring::Wish(saying), Answer::Result(_)) => {
                let name = saying.topic().to_string();
                self.restoration.iter_mut().for_each(|restoration| restoration.recovery.restored.push(name.clone()));
                self.accepted(saying, exchange.generation, now);
            }
            (what, answer) => {
                let attempt = Attempt { what, ..attempt };
                match pause_after(&answer, verdict) {
                    Some(floor_ms) => self.attempt_later(attempt, floor_ms, now),
                    None => self.not_restored(&attempt),
                }
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

    /// It ended before that. It may be about to be opened again.
    pub(super) fn stream_lost(&mut self, id: ExchangeId, now: Now) {
        let Some(attempt) = self.restoration.as_mut().and_then(|it| it.open.remove(&id)) else { return };
        match self.timers.at(Timer::Listen) {
            Some(at) => self.attempt_at(attempt, at),
            None => self.not_restored(&attempt),
        }
        self.finish_restoration(now);
    }

    /// The app wants to hear something else: another stream takes its place, or none.
    pub(super) fn stream_replaced(&mut self, id: ExchangeId, now: Now) {
        let open = self.open_stream_id();
        let Some(restoration) = &mut self.restoration else { return };
        match (restoration.open.remove(&id), open) {
            (Some(attempt), Some(open)) => {
                restoration.open.insert(open, attempt);
            }
            (Some(_), None) => self.finish_restoration(now),
            (None, _) => {}
        }
    }

    fn compare_tools(&mut self, mut seen: ToolList, pages: u32, page: &P, now: Now) {
        let more = tools::next_cursor(page);
        if more.is_some() && pages < MAX_PAGES {
            let rest = Restoring::Tools { seen, pages: pages + 1, params: more };
            return self.attempt(Attempt::of(rest, now), now);
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
        let waits = self.interests.later.iter().any(|(_, attempt)| attempt.name().is_some());
        let Some(restoration) = self.restoration.take_if(|restoration| !waits && restoration.open.is_empty()) else {
            return;
        };
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
            let relies = self.calls.get(&id).is_some_and(|call| call.relies_on_annotations());
            let text = match (&known, &tools) {
                (Some(known), Some(tools)) if known.agrees(&name, tools) => {
                    self.dispatch(id, now);
                    continue;
                }
                _ if relies => {
                    self.settle(id, Err(Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, NOT_HARMLESS)));
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
        self.timers.clear(Timer::Restore);
        let later = std::mem::take(&mut self.interests.later);
        let Some(restoration) = &mut self.restoration else { return };
        let open = std::mem::take(&mut restoration.open);
        let given_up = open.values().chain(later.iter().map(|(_, attempt)| attempt));
        restoration.recovery.lost.extend(given_up.filter_map(Attempt::name));
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

/// Whether this page of a tool list is no longer than one may be.
fn is_bounded<P: Payload>(page: &P) -> bool {
    page.field(Field::Tools).and_then(|tools| tools.count()).is_none_or(|count| count <= bounds::ITEMS)
}
