//! The session: commands in, facts in, outputs out. What follows from them is decided in the neighbouring files:
//! `send` (what goes out), `receive` (what an exchange brings), `answer` (what follows for a call), `repair` (whether the
//! session lives), `negotiate` and `establish` (how it is made), `question` and `input` (what the server asks), `close`.

use super::cache::Cache;
use super::call::{Call, Kind};
use super::config::{Connections, Handshake};
use super::era::{legacy, modern};
use super::exchange::Exchange;
use super::flight::Authorization;
use super::identity::Identity;
use super::interests::Interests;
use super::list::Queue;
use super::page::Page;
use super::past::Past;
use super::question::{Answers, Question};
use super::restoration::Restoration;
use super::secrets::Secrets;
use super::sorted::{Map, Set};
use super::state::State;
use super::status::Event;
use super::tabs::Tabs;
use super::task::Task;
use super::time::{Timer, Timers};
use super::tools::Tools;
use super::{
    CallId, CallOptions, Code, Config, Deadline, Error, ExchangeId, Now, Outcome, Output, Params, Payload, QuestionId,
};

/// One session with one server, through as many evictions as it takes.
pub struct Session<P> {
    pub(super) config: Config,
    pub(super) rng: fastrand::Rng,
    pub(super) state: State<P>,
    pub(super) calls: Map<CallId, Box<Call>>,
    pub(super) exchanges: Map<ExchangeId, Box<Exchange>>,
    pub(super) questions: Map<QuestionId, Question>,
    pub(super) answers: Answers,
    /// Methods of the server's requests that the host answers.
    pub(super) handled: Set<String>,
    /// From the current session's list.
    pub(super) tools: Tools,
    pub(super) cache: Cache<P>,
    pub(super) identity: Identity,
    /// What each request of the modern era carries in `_meta`.
    pub(super) stamp: String,
    pub(super) interests: Interests,
    pub(super) restoration: Option<Restoration>,
    pub(super) authorization: Authorization<P>,
    pub(super) timers: Timers,
    pub(super) past: Past<P>,
    pub(super) page: Page,
    pub(super) tabs: Tabs,
    /// `initialize` params of a host's own Client.
    pub(super) host_params: Params,
    /// The server's capabilities that it relies on.
    pub(super) used: Vec<&'static str>,
    /// Calls whose turn has not come, in order. Some may have settled meanwhile.
    pub(super) waiting: Queue<CallId>,
    outputs: Queue<Output<P>>,
    next_id: u64,
    pub(super) next_wire_id: u64,
}

/// Wire ids start at a random base, so that they differ between pages, and stay exact in JavaScript.
pub(super) const WIRE_ID_BASE: std::ops::Range<u64> = 1 << 40..1 << 52;

impl<P: Payload> Session<P> {
    /// `seed` is for jitter and ids only; it must differ between pages.
    #[must_use]
    pub fn new(config: Config, seed: u64, now: Now) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let next_wire_id = rng.u64(WIRE_ID_BASE);
        let tabs = Tabs::new(Self::shares(&config), &mut rng);
        let stamp = match &config.handshake {
            Handshake::Own { client_info, capabilities } => modern::stamp(client_info, capabilities),
            Handshake::Host => String::new(),
        };
        let legacy_since = config.known_legacy.then_some(now.mono);
        let generation = config.generation;
        Self {
            config,
            tools: Tools::default(),
            cache: Cache::default(),
            identity: Identity::default(),
            stamp,
            rng,
            state: State::new(),
            calls: Map::default(),
            exchanges: Map::default(),
            questions: Map::default(),
            answers: Answers::default(),
            handled: Set::default(),
            interests: Interests::default(),
            restoration: None,
            authorization: Authorization::default(),
            timers: Timers::default(),
            past: Past { legacy_since, generation, ..Past::new() },
            page: Page::default(),
            tabs,
            host_params: Params::default(),
            used: Vec::new(),
            waiting: Queue::default(),
            outputs: Queue::default(),
            next_id: 0,
            next_wire_id,
        }
    }

    /// The address of the endpoint. What may be a key in it is told nowhere.
    #[must_use]
    pub fn at(mut self, url: &str) -> Self {
        self.past.remember_address(url);
        self
    }

    /// Starts the handshake; settles with the `InitializeResult` when the session is ready.
    pub fn connect(&mut self, now: Now) -> CallId {
        self.command(Kind::Connect, String::new(), Params::default(), CallOptions::default(), now)
    }

    /// Sends a request; settles with its `result`. With [`Handshake::Host`], `initialize` starts the handshake.
    pub fn call(&mut self, method: String, params: Params, options: CallOptions, now: Now) -> CallId {
        if matches!(self.config.handshake, Handshake::Host) {
            self.host_speaks(&method, &params, now);
        }
        if matches!(self.config.handshake, Handshake::Host) && method == legacy::INITIALIZE {
            if self.state.known().is_none() {
                self.host_params = params;
            }
            return self.command(Kind::Connect, method, Params::default(), options, now);
        }
        self.note_use(&method);
        let mut own = Secrets::default();
        options.headers.iter().for_each(|(name, value)| own.add_field(name, value));
        self.past.remember_secrets(&own);
        self.page.used = Some(now.mono);
        self.command(Kind::Request, method, params, options, now)
    }

    /// Waits for a task that an earlier call became, by its id; settles with the result of that call.
    pub fn resume_task(&mut self, task: String, options: CallOptions, now: Now) -> CallId {
        let id = self.admit(Kind::Request, "tools/call".to_owned(), Params::default(), options, now);
        if let Some(call) = self.calls.get_mut(&id) {
            call.task = Some(Task::named(task, self.state.ready().map_or(0, |session| session.generation), now));
            call.maybe_ran = true;
        }
        self.dispatch(id, now);
        id
    }

    /// Sends a notification; settles with `{}` once the server has accepted it.
    pub fn notify(&mut self, method: String, params: Params, now: Now) -> CallId {
        let call = self.command(Kind::Notification, method, params, CallOptions::default(), now);
        self.host_is_initialized(call, now);
        call
    }

    /// Proves by a round trip that the session lives, and heals it if not; settles with `{}`.
    pub fn verify(&mut self, now: Now) -> CallId {
        self.command(Kind::Verify, legacy::PING.to_owned(), Params::default(), CallOptions::default(), now)
    }

    /// A new session, even where this one seems well; settles with `{}` when it is ready.
    pub fn reconnect(&mut self, now: Now) -> CallId {
        self.give_up("the host asked for a new session", now);
        self.give_up_handshake(now);
        self.command(Kind::Reconnect, String::new(), Params::default(), CallOptions::default(), now)
    }

    fn command(&mut self, kind: Kind, method: String, params: Params, options: CallOptions, now: Now) -> CallId {
        let id = self.admit(kind, method, params, options, now);
        self.dispatch(id, now);
        id
    }

    /// Enters a command; its clock runs.
    pub(super) fn admit(
        &mut self,
        kind: Kind,
        method: String,
        params: Params,
        options: CallOptions,
        now: Now,
    ) -> CallId {
        let id = CallId(self.fresh_id());
        let call = Call::new(kind, method, params, options, now.mono);
        let deadline = call.deadline(now.mono, self.config.timeout_ms, self.config.max_total_timeout_ms);
        self.timers.set(Timer::Call(id), deadline);
        self.note_interest(id, &call);
        self.calls.insert(id, Box::new(call));
        id
    }

    /// Sends a command, or parks it until there is a session.
    pub(super) fn dispatch(&mut self, id: CallId, now: Now) {
        if self.settle_stale(id) {
            return;
        }
        if self.is_offline() && !matches!(self.state, State::Closed) {
            return self.hold_offline(id, now);
        }
        if self.waits_for_stream(id) {
            return;
        }
        match &self.state {
            State::Ready(_) => {
                if !self.waits_for_token(id, now) && !self.waits_for_owner(id, now) {
                    self.send_call(id, now);
                }
            }
            State::Establishing(_) => {
                if let Some(establishing) = self.state.establishing_mut() {
                    establishing.parked.push(id);
                }
                self.extend_handshake();
                if self.identity.found.is_none() {
                    self.hasten(now);
                }
            }
            State::Closed => {
                let closed =
                    || Error::boxed(Code::Closed, Outcome::NotExecuted, "The session was closed. Connect again.");
                let error = self.past.parted.clone().unwrap_or_else(closed);
                self.settle(id, Err(error.with_outcome(self.outcome(id))));
            }
        }
    }

    /// Ends a command. It settles once: the second time there is nothing left to settle.
    pub(super) fn settle(&mut self, id: CallId, mut result: Result<P, Box<Error<P>>>) {
        let Some(call) = self.forget(id) else { return };
        if let Err(error) = &mut result {
            error.outcome = call.outcome_with(error.outcome);
        }
        self.output(Output::Settle { call: id, result });
    }

    pub(super) fn forget(&mut self, id: CallId) -> Option<Box<Call>> {
        self.timers.clear(Timer::Call(id));
        self.timers.clear(Timer::Resend(id));
        self.timers.clear(Timer::Resume(id));
        self.withdraw_inputs(id);
        self.leave_lists(id);
        let call = self.calls.remove(&id)?;
        self.interest_ended(id, &call);
        Some(call)
    }

    /// Nothing waits for what has ended: a list would grow as long as nothing else ends it.
    fn leave_lists(&mut self, id: CallId) {
        let others = |waiting: &CallId| *waiting != id;
        self.waiting.retain(others);
        self.identity.waiting.retain(others);
        self.identity.held.retain(others);
        self.page.parked.retain(others);
        if let Some(flight) = &mut self.authorization.flight {
            flight.calls.retain(others);
        }
        if let Some(restoration) = &mut self.restoration {
            restoration.held.retain(others);
        }
        if let Some(establishing) = self.state.establishing_mut() {
            establishing.parked.retain(others);
        }
        if let Some(session) = self.state.ready_mut() {
            if let Some(check) = &mut session.check {
                check.waiting.retain(|(waiting, _)| *waiting != id);
            }
            if let Some(held) = &mut session.held {
                held.retain(others);
            }
        }
    }

    pub(super) fn outcome(&self, id: CallId) -> super::Outcome {
        self.calls.get(&id).map_or(super::Outcome::NotExecuted, |call| call.outcome())
    }

    pub(super) fn emit(&mut self, event: Event<P>) {
        self.output(Output::Emit(event));
    }

    pub(super) fn output(&mut self, output: Output<P>) {
        self.outputs.push(output);
    }

    pub(super) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn fresh_wire_id(&mut self) -> u64 {
        self.next_wire_id += 1;
        self.next_wire_id
    }

    /// What to do next; `None` when there is nothing.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        if self.outputs.is_empty() {
            self.say_wishes();
        }
        self.outputs.pop()
    }

    /// A service worker answers for the page, or may: from now on nobody knows how long a request waits in the browser's
    /// queue, and no time is left out for it. For good: what was sent before may have gone through it.
    pub fn hide_queue(&mut self) {
        if self.config.connections == Connections::SixOfOwnOrigin {
            self.config.connections = Connections::Six;
        }
    }

    /// When `handle_timeout` is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.timers.next()
    }
}
