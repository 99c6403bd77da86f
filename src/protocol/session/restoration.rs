//! What a session held is put back into the one that took its place, beside the calls and with a deadline. It gates
//! nothing but the retry of a tool that may have changed. What is refused for a moment is asked for again.

use super::Session;
use super::tools::NOT_HARMLESS;
use crate::protocol::calls::{Call, Place, Queue};
use crate::protocol::codec::json;
use crate::protocol::desired::{Ask, Attempt, Changes, Compared, LastRecovery, ToolChanges, next_cursor};
use crate::protocol::effect::Succession;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::listening::Turn;
use crate::protocol::policy::backoff;
use crate::protocol::policy::verdict::Verdict;
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, ExchangeId, Field, Now, Outcome, Payload, bounds};

const REPLACED: &str = "The server was replaced while it refused this call, and this tool is another now. It was not \
                        sent to the new one: list the tools, and decide again.";
const NOT_COMPARED: &str = "The server was replaced while it refused this call, and its tools could not be compared with \
                            those before. It was not sent to the new one: list the tools, and decide again.";

impl<P: Payload> Session<P> {
    /// The session was made anew: puts back what the old one held.
    pub(in crate::protocol) fn restore(&mut self, succession: Succession, now: Now) {
        let Succession { recovery, changes, mut parked } = succession;
        let Some(generation) = self.lifecycle.ready().map(|session| session.generation()) else { return };
        self.desired.recovers(changes.server);
        if planted!("lost_parked_call") {
            parked.drain(..1.min(parked.len()));
        }
        for id in parked {
            if self.calls.get(id).is_some_and(|call| self.waits_for_tools(call)) {
                self.calls.enqueue(id, Queue::Comparison);
            } else {
                self.dispatch(id, now);
            }
        }
        self.desired.restore(generation, recovery, changes);
        if self.desired.has_seen_tools() {
            self.attempt(Attempt::tools(now), now);
        }
        let by_request = self.lifecycle.ready().is_some_and(|session| session.era().holds_by_request());
        // The tab that leads sees to its stream. One that waits for its turn told nothing before, either.
        let has_turn = self.tabs.acts() && self.listening.turn() != Turn::Later;
        if !by_request && has_turn && self.desired.subscriptions().next().is_some() {
            self.listen(now);
            self.attempt(Attempt::stream(now), now);
        }
        let is_sent = |id: CallId| self.calls.get(id).is_some_and(|call| self.is_under(call, generation));
        for request in self.desired.to_restore(is_sent).into_iter().filter(|_| by_request) {
            self.attempt(Attempt::state(request, now), now);
        }
        self.finish_restoration(now);
    }

    /// Whether this call was sent before, to a tool that may be another one now.
    fn waits_for_tools(&self, call: &Call<P>) -> bool {
        // What became a task is only asked about.
        let was_sent = call.sends() > 0 && call.task().is_none() && call.method() == "tools/call";
        let tool = call.params().name.as_ref().filter(|_| was_sent);
        call.relies_on_annotations() || tool.is_some_and(|tool| self.desired.may_have_changed(tool))
    }

    /// Whether this call is on the wire under the session of this generation.
    fn is_under(&self, call: &Call<P>, generation: u32) -> bool {
        let &Place::Sent(exchange) = call.place() else { return false };
        self.exchanges.get(exchange).is_some_and(|exchange| exchange.generation() == generation)
    }

    /// Asks the server for it; what cannot be asked for is lost.
    pub(in crate::protocol) fn attempt(&mut self, mut attempt: Attempt, now: Now) {
        let exchange = match attempt.begin(now) {
            Ask::Request { method, params, left_ms } => self.restore_request(method, params, left_ms, now),
            Ask::Stream => self.open_stream_id(),
        };
        self.desired.asked(attempt, exchange);
    }

    /// It is asked for again after a pause, where it has not been too often and there is time.
    fn attempt_later(&mut self, attempt: Attempt, floor_ms: u64, now: Now) {
        let pause = backoff::delay(attempt.tries(), &self.config.recovery, floor_ms, &mut self.rng);
        self.desired.ask_at(attempt, now.mono.saturating_add(pause));
        self.set_restore_timer();
    }

    fn set_restore_timer(&mut self) {
        match self.desired.next_attempt_at() {
            Some(at) => self.effects.set_timer(Timer::Restore, at),
            None => self.effects.clear_timer(Timer::Restore),
        }
    }

    /// The pause is over.
    pub(in crate::protocol) fn restore_due(&mut self, now: Now) {
        for (at, attempt) in self.desired.take_later() {
            match self.desired.due(at, attempt, now) {
                // Nothing is sent now.
                Some(mut attempt) if self.is_offline() => {
                    attempt.skip();
                    self.attempt_later(attempt, 0, now);
                }
                Some(attempt) => self.attempt(attempt, now),
                None => {}
            }
        }
        self.set_restore_timer();
        self.finish_restoration(now);
    }

    pub(in crate::protocol) fn restore_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        if verdict.session_gone() {
            self.session_refused(exchange.generation(), false, now);
        }
        if verdict == Verdict::OtherEra {
            self.check(None, now);
        }
        self.relisted(id, exchange, &answer, now);
        let Some(attempt) = self.desired.answered(id, exchange.generation()) else { return };
        match (attempt.tool_page(), answer) {
            _ if attempt.is_stream() => {}
            (Some(number), Answer::Result(page)) if is_bounded(&page) => {
                let (page, read) = self.learn_tools(exchange, number == 1, page);
                if let Some(next) = self.desired.compare_page(attempt, read, next_cursor(&page), now) {
                    self.attempt(next, now);
                }
            }
            (None, Answer::Result(_)) => {
                if let Some(request) = self.desired.restored(&attempt) {
                    self.accepted(request, exchange.generation(), now);
                }
            }
            (_, answer) => match pause_after(&answer, verdict) {
                Some(floor_ms) => self.attempt_later(attempt, floor_ms, now),
                None => self.desired.not_restored(&attempt),
            },
        }
        self.finish_restoration(now);
    }

    fn open_stream_id(&self) -> Option<ExchangeId> {
        self.lifecycle.ready().and_then(|_| self.listening.open()).map(|(exchange, _)| exchange)
    }

    /// The listening stream is acknowledged: with it, the subscriptions.
    pub(in crate::protocol) fn stream_restored(
        &mut self,
        id: ExchangeId,
        wanted: &[String],
        granted: &[String],
        now: Now,
    ) {
        if self.desired.stream_acknowledged(id, wanted, granted) {
            self.finish_restoration(now);
        }
    }

    /// It ended before that. It may be about to be opened again.
    pub(in crate::protocol) fn stream_lost(&mut self, id: ExchangeId, now: Now) {
        let Some(attempt) = self.desired.stream_ended(id) else { return };
        match self.effects.timer_at(Timer::Listen) {
            Some(at) => {
                self.desired.ask_at(attempt, at);
                self.set_restore_timer();
            }
            None => self.desired.not_restored(&attempt),
        }
        self.finish_restoration(now);
    }

    /// The app wants to hear something else: another stream takes its place, or none.
    pub(in crate::protocol) fn stream_replaced(&mut self, id: ExchangeId, now: Now) {
        let open = self.open_stream_id();
        if self.desired.stream_replaced(id, open) {
            self.finish_restoration(now);
        }
    }

    /// Tells `recovered` once everything is put back or lost.
    fn finish_restoration(&mut self, now: Now) {
        let Some(finished) = self.desired.take_finished() else { return };
        for id in self.calls.dequeue_all(Queue::Comparison) {
            let call = self.calls.get(id);
            let relies = call.is_some_and(|call| call.relies_on_annotations());
            let tool = call.and_then(|call| call.params().name.as_deref()).unwrap_or_default();
            let text = match finished.compare(tool) {
                Compared::Same => {
                    self.dispatch(id, now);
                    continue;
                }
                Compared::Another | Compared::Unknown if relies => {
                    self.settle(id, Err(Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, NOT_HARMLESS)));
                    continue;
                }
                Compared::Another => REPLACED,
                Compared::Unknown => NOT_COMPARED,
            };
            self.settle(id, Err(Error::boxed(Code::SessionLost, Outcome::NotExecuted, text)));
        }
        let (generation, recovery, changes) = (finished.generation, finished.recovery, finished.changes);
        let stale = self.desired.subscriptions().map(str::to_owned).collect();
        if !recovery.restored.is_empty() || !recovery.lost.is_empty() {
            self.lifecycle.note_recovery(recovery.clone());
            self.emit(Event::StateChange);
        }
        self.tell_recovered(generation, recovery, changes, stale, finished.stale_lists);
    }

    /// A core that crashed had this session before, and told nothing since: `ms` ago.
    pub fn handle_succession(&mut self, ms: u64, now: Now) {
        let Some(generation) = self.lifecycle.ready().map(|session| session.generation()) else { return };
        let recovery = LastRecovery {
            at_unix_ms: now.unix_ms,
            reason: "the WebAssembly module crashed",
            duration_ms: ms,
            retried: 0,
            restored: Vec::new(),
            lost: Vec::new(),
        };
        let stale = self.desired.subscriptions().map(str::to_owned).collect();
        self.tell_recovered(generation, recovery, Changes::default(), stale, vec!["tools", "resources", "prompts"]);
    }

    /// That the session was made anew, and what follows from it for those who listen.
    fn tell_recovered(
        &mut self,
        generation: u32,
        recovery: LastRecovery,
        changes: Changes,
        stale: Vec<String>,
        stale_lists: Vec<&'static str>,
    ) {
        let lists = changes.lists(&stale_lists);
        let for_client = self.client_lists(&changes, &stale_lists);
        let (tools, uris) = (changes.tools.clone(), stale.clone());
        self.emit(Event::Recovered { generation, recovery, changes, stale, stale_lists });
        for list in for_client {
            let method = ["notifications/", list, "/list_changed"].concat();
            self.emit(Event::ForClient { method, params: None });
        }
        if self.config.handshake.is_hosts() {
            for uri in &uris {
                let params = P::parse(&[r#"{"uri":"#, &*json::quote(uri), "}"].concat());
                self.emit(Event::ForClient { method: "notifications/resources/updated".to_owned(), params });
            }
        }
        self.tell_stale(lists, tools, uris);
    }

    /// Changes may have been missed.
    pub(in crate::protocol) fn tell_stale(
        &mut self,
        lists: Vec<&'static str>,
        mut tools: Option<ToolChanges>,
        uris: Vec<String>,
    ) {
        for list in lists {
            let tools = if list == "tools" { tools.take() } else { None };
            self.emit(Event::ListChanged { list, tools });
        }
        uris.into_iter().for_each(|uri| self.emit(Event::ResourceStale { uri }));
    }

    /// The lists that a host's own Client is told of.
    fn client_lists(&self, changes: &Changes, not_compared: &[&'static str]) -> Vec<&'static str> {
        let Some(session) = self.lifecycle.known().filter(|_| self.config.handshake.is_hosts()) else {
            return Vec::new();
        };
        let declared = session.handshake().field(Field::Capabilities);
        let has = |list: &str| {
            let field = if list == "prompts" { Field::Prompts } else { Field::Resources };
            declared.as_ref().and_then(|declared| declared.field(field)).is_some_and(|has| has.is_truthy())
        };
        changes.lists_for_client(not_compared, has)
    }

    /// The session went while its restoration was under way: what was open is lost with it.
    pub(in crate::protocol) fn abandon_restoration(&mut self, now: Now) {
        let abandoned = self.desired.abandon_restoration();
        self.effects.clear_timer(Timer::Restore);
        for exchange in abandoned.again {
            self.abort(exchange, now);
        }
        // Whoever gives the session up makes the next one: nobody here may begin with it.
        self.calls.requeue(Queue::Comparison, Queue::Session);
        for exchange in abandoned.open {
            self.abort(exchange, now);
        }
        self.finish_restoration(now);
    }
}

/// How long the server is left alone, at least, where it refused something for a moment only. It is safe to repeat.
fn pause_after<P>(answer: &Answer<P>, verdict: Verdict) -> Option<u64> {
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

/// Whether this page of a tool list is no longer than one may be.
fn is_bounded<P: Payload>(page: &P) -> bool {
    page.field(Field::Tools).and_then(|tools| tools.count()).is_none_or(|count| count <= bounds::ITEMS)
}
