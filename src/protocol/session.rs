//! The session: commands in, outputs out. What follows is decided in the neighbouring files, of which `src/lib.rs` has the
//! map: `send`, `receive`, `answer` and `refused` (calls), `repair` (whether the session lives), `negotiate` and `establish`
//! (how it is made), `questions` and `input` (what the server asks), `close`.

use super::authorization::Authorization;
use super::calls::{Call, Calls, Kind, Queue};
use super::client::Client;
use super::codec::json_rpc::MISSING_CLIENT_CAPABILITY;
use super::desired::Desired;
use super::effect::Effects;
use super::era::{legacy, modern};
use super::exchanges::Exchanges;
use super::identity::Identity;
use super::lifecycle::{Lifecycle, State};
use super::listening::Listening;
use super::page::Page;
use super::policy::answer::is_answer;
use super::questions::Questions;
use super::status::Event;
use super::tabs::Tabs;
use super::time::Timer;
use super::{CallId, CallOptions, Code, Config, Deadline, Error, Now, Output, Params, Payload};

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
mod heed;
mod host_client;
mod identity;
mod initialized;
mod input;
mod listen;
mod liveness;
mod negotiate;
mod notified;
mod offers;
mod outdated;
mod page;
mod proxied;
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
mod timers;
mod tools;

/// One session with one server, through as many evictions as it takes.
pub struct Session<P> {
    config: Config,
    rng: fastrand::Rng,
    lifecycle: Lifecycle<P>,
    calls: Calls<P>,
    exchanges: Exchanges,
    questions: Questions,
    desired: Desired<P>,
    identity: Identity,
    listening: Listening,
    authorization: Authorization<P>,
    page: Page,
    tabs: Tabs,
    client: Client,
    effects: Effects<P>,
}

impl<P: Payload> Session<P> {
    /// `seed` is for jitter and ids only; it must differ between pages.
    #[must_use]
    pub fn new(config: Config, seed: u64, now: Now) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let exchanges = Exchanges::new(config.connections, &mut rng);
        let tabs = Tabs::new(Self::shares(&config), &mut rng);
        let stamp = config.handshake.own().map(|(client_info, capabilities)| modern::stamp(client_info, capabilities));
        let lifecycle = Lifecycle::new(config.generation, config.known_legacy, now);
        Self {
            config,
            desired: Desired::default(),
            identity: Identity::default(),
            rng,
            lifecycle,
            calls: Calls::default(),
            exchanges,
            questions: Questions::default(),
            listening: Listening::default(),
            authorization: Authorization::default(),
            page: Page::default(),
            tabs,
            client: Client::new(stamp.unwrap_or_default()),
            effects: Effects::default(),
        }
    }

    /// Starts the handshake; settles with the `InitializeResult` when the session is ready.
    pub fn connect(&mut self, now: Now) -> CallId {
        self.command(Kind::Connect, String::new(), Params::default(), CallOptions::default(), now)
    }

    /// Sends a request; settles with its `result`. A host's own Client starts the handshake by `initialize`.
    pub fn call(&mut self, method: String, params: Params, options: CallOptions, now: Now) -> CallId {
        if self.config.handshake.is_hosts() {
            self.host_speaks(&method, &params, now);
        }
        if self.config.handshake.is_hosts() && method == legacy::INITIALIZE {
            if self.lifecycle.known().is_none() {
                self.client.initializes(params);
            }
            return self.command(Kind::Connect, method, Params::default(), options, now);
        }
        self.note_use(&method);
        self.remember_own(&options);
        self.page.note_use(now);
        self.command(Kind::Request, method, params, options, now)
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
        let id = CallId(self.effects.fresh_id());
        let call = Call::new(kind, method, params, options, now.mono);
        let deadline = call.deadline(now.mono, self.config.timeout_ms, self.config.max_total_timeout_ms);
        self.effects.set_timer(Timer::Call(id), deadline);
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
        if self.park_until_stream(id) {
            return;
        }
        match self.lifecycle.state() {
            State::Ready(_) => {
                if !self.park_until_token(id, now) && !self.park_until_owner(id, now) {
                    self.send_call(id, now);
                }
            }
            State::Establishing(_) => {
                self.park(id, Queue::Session, now);
                self.extend_handshake();
                if self.identity.found().is_none() {
                    self.session_is_wanted(now);
                }
            }
            State::Closed => self.settle_closed(id, "The session was closed. Connect again."),
        }
    }

    /// Ends a command. It settles once: the second time there is nothing left to settle.
    fn settle(&mut self, id: CallId, mut result: Result<P, Box<Error<P>>>) {
        let Some(call) = self.forget(id) else { return };
        if let Err(error) = &mut result {
            error.outcome = call.outcome_with(error.outcome);
            let lacks_handler = call.asked_in_vain() || error.rpc_code == Some(MISSING_CLIENT_CAPABILITY);
            if error.code == Code::Rpc && lacks_handler && self.config.handshake.is_own() {
                error.diagnosis.get_or_insert(questions::NO_HANDLER);
            }
            error.is_answer = self.config.handshake.is_hosts() && is_answer(call.method(), error);
        }
        self.output(Output::Settle { call: id, result });
    }

    fn forget(&mut self, id: CallId) -> Option<Box<Call<P>>> {
        let timers = [Timer::Call(id), Timer::Resend(id), Timer::Resume(id)];
        timers.into_iter().for_each(|timer| self.effects.clear_timer(timer));
        self.withdraw_inputs(id);
        let call = self.calls.remove(id)?;
        self.state_request_ended(id, &call);
        self.nobody_waits_for_user();
        Some(call)
    }

    fn emit(&mut self, event: Event<P>) {
        self.output(Output::Emit(event));
    }

    fn output(&mut self, output: Output<P>) {
        self.effects.output(output);
    }

    /// What to do next; `None` when there is nothing.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        if !self.effects.has_output() {
            self.say_wants();
        }
        self.effects.poll_output()
    }

    /// A service worker answers for the page, or may: from now on nobody knows how long a request waits in the browser's
    /// queue, and no time is left out for it. For good: what was sent before may have gone through it.
    pub fn hide_queue(&mut self) {
        self.exchanges.hide_queue();
    }

    /// When `handle_timeout` is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.effects.next_deadline()
    }
}
