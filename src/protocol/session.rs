//! The session: commands in, facts in, outputs out. What follows from them is decided in the neighbouring files:
//! `send` (what goes out), `receive` (what an exchange brings), `answer` (what follows for a call), `repair` (whether the
//! session lives), `negotiate` and `establish` (how it is made), `question` and `input` (what the server asks), `close`.

use super::authorization::Authorization;
use super::calls::{Call, Calls, Kind, Queue, Task};
use super::client::Client;
use super::config::{Connections, Handshake};
use super::desired::Desired;
use super::era::{legacy, modern};
use super::exchange::Exchange;
use super::gate::Gate;
use super::identity::Identity;
use super::json_rpc::REQUEST_ID_BASE;
use super::lifecycle::{Lifecycle, State};
use super::listening::Listening;
use super::page::Page;
use super::questions::Questions;
use super::status::Event;
use super::tabs::Tabs;
use super::time::{Timer, Timers};
use super::{CallId, CallOptions, Code, Config, Deadline, Error, ExchangeId, Now, Outcome, Output, Params, Payload};
use std::collections::VecDeque;

use litemap::LiteMap;

mod answer;
mod authorization;
mod cache;
mod cancel;
mod clock;
mod close;
mod desired;
mod establish;
mod failure;
mod foreign;
mod hearing;
mod hedge;
mod host_client;
mod identity;
mod initialized;
mod input;
mod listen;
mod liveness;
mod negotiate;
mod notified;
mod offers;
mod page;
mod questions;
mod receive;
mod record;
mod redirect;
mod refused;
mod repair;
mod restoration;
pub(super) mod send;
mod shared_session;
mod snapshot;
mod stream;
mod subscribe;
mod tabs;
mod task;
mod tools;

/// One session with one server, through as many evictions as it takes.
pub struct Session<P> {
    config: Config,
    rng: fastrand::Rng,
    lifecycle: Lifecycle<P>,
    calls: Calls<P>,
    exchanges: LiteMap<ExchangeId, Box<Exchange>>,
    questions: Questions,
    desired: Desired<P>,
    identity: Identity,
    listening: Listening,
    authorization: Authorization<P>,
    timers: Timers,
    gate: Gate,
    page: Page,
    tabs: Tabs,
    client: Client,
    outputs: VecDeque<Output<P>>,
    next_id: u64,
    next_wire_id: u64,
}

impl<P: Payload> Session<P> {
    /// `seed` is for jitter and ids only; it must differ between pages.
    #[must_use]
    pub fn new(config: Config, seed: u64, now: Now) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let next_wire_id = rng.u64(REQUEST_ID_BASE);
        let tabs = Tabs::new(Self::shares(&config), &mut rng);
        let stamp = match &config.handshake {
            Handshake::Own { client_info, capabilities } => modern::stamp(client_info, capabilities),
            Handshake::Host => String::new(),
        };
        let lifecycle = Lifecycle::new(config.generation, config.known_legacy, now);
        Self {
            config,
            desired: Desired::default(),
            identity: Identity::default(),
            rng,
            lifecycle,
            calls: Calls::default(),
            exchanges: LiteMap::default(),
            questions: Questions::default(),
            listening: Listening::default(),
            authorization: Authorization::default(),
            timers: Timers::default(),
            gate: Gate::default(),
            page: Page::default(),
            tabs,
            client: Client::new(stamp),
            outputs: VecDeque::default(),
            next_id: 0,
            next_wire_id,
        }
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
            if self.lifecycle.known().is_none() {
                self.client.initializes(params);
            }
            return self.command(Kind::Connect, method, Params::default(), options, now);
        }
        self.note_use(&method);
        self.remember_own(&options);
        self.page.is_used(now);
        self.command(Kind::Request, method, params, options, now)
    }

    /// Waits for a task that an earlier call became, by its id; settles with the result of that call.
    pub fn resume_task(&mut self, task: String, options: CallOptions, now: Now) -> CallId {
        let id = self.admit(Kind::Request, "tools/call".to_owned(), Params::default(), options, now);
        let generation = self.lifecycle.ready().map_or(0, |session| session.generation);
        self.calls.became(id, Task::named(task, generation, now));
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
    fn admit(&mut self, kind: Kind, method: String, params: Params, options: CallOptions, now: Now) -> CallId {
        let id = CallId(self.fresh_id());
        let call = Call::new(kind, method, params, options, now.mono);
        let deadline = call.deadline(now.mono, self.config.timeout_ms, self.config.max_total_timeout_ms);
        self.timers.set(Timer::Call(id), deadline);
        self.state_requested(id, &call);
        self.calls.admit(id, call);
        id
    }

    /// Sends a command, or parks it until there is a session.
    fn dispatch(&mut self, id: CallId, now: Now) {
        if self.settle_stale(id) {
            return;
        }
        if self.is_offline() && !self.lifecycle.is_closed() {
            return self.hold_offline(id, now);
        }
        if self.waits_for_stream(id) {
            return;
        }
        match self.lifecycle.state() {
            State::Ready(_) => {
                if !self.waits_for_token(id, now) && !self.waits_for_owner(id, now) {
                    self.send_call(id, now);
                }
            }
            State::Establishing(_) => {
                self.calls.enqueue(id, Queue::Session);
                self.extend_handshake();
                if self.identity.found().is_none() {
                    self.hasten(now);
                }
            }
            State::Closed => {
                let closed =
                    || Error::boxed(Code::Closed, Outcome::NotExecuted, "The session was closed. Connect again.");
                let error = self.lifecycle.parted().cloned().map_or_else(closed, Box::new);
                self.settle(id, Err(error.with_outcome(self.calls.outcome(id))));
            }
        }
    }

    /// Ends a command. It settles once: the second time there is nothing left to settle.
    fn settle(&mut self, id: CallId, mut result: Result<P, Box<Error<P>>>) {
        let Some(call) = self.forget(id) else { return };
        if let Err(error) = &mut result {
            error.outcome = call.outcome_with(error.outcome);
        }
        self.output(Output::Settle { call: id, result });
    }

    fn forget(&mut self, id: CallId) -> Option<Box<Call<P>>> {
        self.timers.clear(Timer::Call(id));
        self.timers.clear(Timer::Resend(id));
        self.timers.clear(Timer::Resume(id));
        self.withdraw_inputs(id);
        let call = self.calls.remove(id)?;
        self.state_request_ended(id, &call);
        Some(call)
    }

    fn emit(&mut self, event: Event<P>) {
        self.output(Output::Emit(event));
    }

    fn output(&mut self, output: Output<P>) {
        self.outputs.push_back(output);
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn fresh_wire_id(&mut self) -> u64 {
        self.next_wire_id += 1;
        self.next_wire_id
    }

    /// What to do next; `None` when there is nothing.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        if self.outputs.is_empty() {
            self.say_wants();
        }
        self.outputs.pop_front()
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
