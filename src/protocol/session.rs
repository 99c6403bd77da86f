//! The session: commands in, facts in, outputs out. What follows from them is decided in the neighbouring files:
//! `receive` (what an exchange brings), `answer` (what follows for a call), `repair` (whether the session lives),
//! `establish` (how it is made), `question` (what the server asks), `close`.

use super::authorize::Authorization;
use super::call::{Call, Kind, Place, Repair};
use super::config::Handshake;
use super::era::legacy;
use super::exchange::{CONNECTIONS, Exchange};
use super::http::{Method, Request};
use super::interests::{Interests, Restoration};
use super::json_rpc;
use super::past::Past;
use super::question::Question;
use super::sorted::{Map, Set};
use super::state::{Established, State};
use super::status::{Event, WireStep};
use super::stream::Cursor;
use super::time::{Timer, Timers};
use super::{
    CallId, CallOptions, Code, Config, Deadline, Error, ExchangeId, Now, Outcome, Output, Params, Payload, Purpose,
    QuestionId,
};
use std::collections::VecDeque;

/// One session with one server, through as many evictions as it takes.
pub struct Session<P> {
    pub(super) config: Config,
    pub(super) rng: fastrand::Rng,
    pub(super) state: State<P>,
    pub(super) calls: Map<CallId, Call>,
    pub(super) exchanges: Map<ExchangeId, Exchange>,
    pub(super) questions: Map<QuestionId, Question>,
    /// Methods of the server's requests that the host answers.
    pub(super) handled: Set<String>,
    /// Tools that are safe to repeat, from the current session's list; empty unless annotations are trusted.
    pub(super) repeatable_tools: Set<String>,
    pub(super) interests: Interests,
    pub(super) restoration: Option<Restoration>,
    pub(super) authorization: Authorization<P>,
    pub(super) timers: Timers,
    pub(super) past: Past<P>,
    /// `initialize` params of a host's own Client.
    pub(super) host_params: Params,
    /// The server's capabilities that it relies on.
    pub(super) used: Vec<&'static str>,
    outputs: VecDeque<Output<P>>,
    next_id: u64,
    next_wire_id: u64,
}

/// Wire ids start at a random base, so that they differ between pages, and stay exact in JavaScript.
const WIRE_ID_BASE: std::ops::Range<u64> = 1 << 40..1 << 52;

impl<P: Payload> Session<P> {
    /// `seed` is for jitter and ids only; it must differ between pages.
    #[must_use]
    pub fn new(config: Config, seed: u64, _now: Now) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let next_wire_id = rng.u64(WIRE_ID_BASE);
        Self {
            config,
            rng,
            state: State::new(),
            calls: Map::default(),
            exchanges: Map::default(),
            questions: Map::default(),
            handled: Set::default(),
            repeatable_tools: Set::default(),
            interests: Interests::default(),
            restoration: None,
            authorization: Authorization::default(),
            timers: Timers::default(),
            past: Past::new(),
            host_params: Params::default(),
            used: Vec::new(),
            outputs: VecDeque::new(),
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
        if matches!(self.config.handshake, Handshake::Host) && method == legacy::INITIALIZE {
            if self.state.known().is_none() {
                self.host_params = params;
            }
            return self.command(Kind::Connect, method, Params::default(), options, now);
        }
        self.note_use(&method);
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
        self.calls.insert(id, call);
        id
    }

    /// Sends a command, or parks it until there is a session.
    pub(super) fn dispatch(&mut self, id: CallId, now: Now) {
        if self.settle_stale(id) {
            return;
        }
        match &self.state {
            State::Ready(_) => {
                if !self.waits_for_token(id, now) {
                    self.send_call(id, now);
                }
            }
            State::Establishing(_) => {
                if let Some(establishing) = self.state.establishing_mut() {
                    establishing.parked.push(id);
                }
                self.hasten(now);
            }
            State::Closed => {
                let closed =
                    || Error::new(Code::Closed, Outcome::NotExecuted, "The session was closed. Connect again.");
                let error = self.past.parted.as_deref().cloned().unwrap_or_else(closed);
                self.settle(id, Err(Box::new(Error { outcome: self.outcome(id), ..error })));
            }
        }
    }

    /// Sends a command under the session that is ready.
    pub(super) fn send_call(&mut self, id: CallId, now: Now) {
        let wire_id = self.next_wire_id + 1;
        let (State::Ready(session), Some(call)) = (&self.state, self.calls.get_mut(&id)) else { return };
        if let Some(missing) = legacy::missing_capability(session, &call.method) {
            let message =
                format!("The server does not declare the capability `{missing}`, which {} needs.", call.method);
            let error = Error::new(Code::Capability, call.outcome(), message);
            self.interest_refused(id, now);
            return self.settle(id, Err(Box::new(error)));
        }
        let (purpose, body) = match call.kind {
            Kind::Connect | Kind::Reconnect | Kind::Close => {
                let result = session.handshake.clone();
                return self.settle(id, Ok(result));
            }
            // The handshake's own notification, of a host's Client: ours has gone out.
            Kind::Notification if call.method == legacy::INITIALIZED => return self.settle(id, Ok(P::empty())),
            Kind::Notification => (Purpose::Notification(id), json_rpc::notification(&call.method, &call.params)),
            Kind::Request | Kind::Verify => {
                (Purpose::Call(id), json_rpc::request(wire_id, &call.method, &call.params, call.options.progress))
            }
        };
        self.next_wire_id = wire_id;
        call.sends += 1;
        call.safe = call.options.repeatable
            || legacy::is_safe_to_repeat(&call.method)
            || call
                .params
                .name
                .as_ref()
                .is_some_and(|tool| call.method == "tools/call" && self.repeatable_tools.contains(tool));
        if let Some(resume) = &call.options.resume {
            let event_id = resume.event_id.clone();
            return self.take_up(id, event_id, now);
        }
        let mut headers = legacy::post_headers(Some(session));
        headers.extend(call.options.headers.iter().cloned());
        let exchange = Exchange {
            attempt: call.sends,
            rpc_method: Some(call.method.clone()),
            wire_id: purpose.wants_response().then_some(wire_id),
            ..outgoing(purpose, Some(session), now)
        };
        let request =
            Request { method: Method::Post, headers, body: Some(body), rpc_method: exchange.rpc_method.clone() };
        let sent = self.send(exchange, request, now);
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Sent(sent);
        }
    }

    /// Sends one message of our own. `timeout_ms` bounds the exchange.
    pub(super) fn post(
        &mut self,
        exchange: Exchange,
        headers: Vec<(String, String)>,
        body: String,
        timeout_ms: u64,
        now: Now,
    ) -> ExchangeId {
        let rpc_method = exchange.rpc_method.clone();
        let exchange = Exchange { timeout_ms: Some(timeout_ms), ..exchange };
        self.send(exchange, Request { method: Method::Post, headers, body: Some(body), rpc_method }, now)
    }

    pub(super) fn send(&mut self, exchange: Exchange, request: Request, now: Now) -> ExchangeId {
        let id = ExchangeId(self.fresh_id());
        if let Some((exchange, request)) = self.hold_for_token(id, exchange, request, now) {
            self.transmit(id, exchange, request, now);
        }
        id
    }

    pub(super) fn transmit(&mut self, id: ExchangeId, mut exchange: Exchange, request: Request, now: Now) {
        if let Some(timeout_ms) = exchange.timeout_ms {
            self.timers.set(Timer::Exchange(id), now.mono.saturating_add(timeout_ms));
        }
        exchange.sent = now;
        exchange.ahead = self.exchanges.len();
        exchange.connected_at = (exchange.ahead < CONNECTIONS).then_some(now.mono);
        let purpose = exchange.purpose;
        self.emit(exchange.wire(id, WireStep::Sent, now));
        self.exchanges.insert(id, exchange);
        self.output(Output::Send { exchange: id, purpose, request });
    }

    /// Gives an exchange up.
    pub(super) fn abort(&mut self, id: ExchangeId, now: Now) -> Option<Exchange> {
        if let Some(held) = self.authorization.release(id) {
            return Some(held);
        }
        let exchange = self.remove_exchange(id, now)?;
        if !exchange.concluded {
            let duration_ms = now.mono.saturating_sub(exchange.sent.mono);
            self.emit(exchange.wire(id, WireStep::Aborted { duration_ms }, now));
        }
        self.output(Output::Abort { exchange: id });
        Some(exchange)
    }

    /// An exchange is over; the next in the browser's queue may have its connection.
    pub(super) fn remove_exchange(&mut self, id: ExchangeId, now: Now) -> Option<Exchange> {
        self.timers.clear(Timer::Exchange(id));
        let exchange = self.exchanges.remove(&id)?;
        if let Some((_, next)) = self.exchanges.iter_mut().nth(CONNECTIONS - 1) {
            next.connected_at.get_or_insert(now.mono);
        }
        Some(exchange)
    }

    /// Ends a command. It settles once: the second time there is nothing left to settle.
    pub(super) fn settle(&mut self, id: CallId, mut result: Result<P, Box<Error<P>>>) {
        let Some(call) = self.forget(id) else { return };
        if let Err(error) = &mut result {
            error.outcome = call.outcome_with(error.outcome);
        }
        self.output(Output::Settle { call: id, result });
    }

    pub(super) fn forget(&mut self, id: CallId) -> Option<Call> {
        self.timers.clear(Timer::Call(id));
        self.timers.clear(Timer::Resend(id));
        self.timers.clear(Timer::Resume(id));
        let call = self.calls.remove(&id)?;
        self.interest_ended(id, &call);
        Some(call)
    }

    pub(super) fn outcome(&self, id: CallId) -> super::Outcome {
        self.calls.get(&id).map_or(super::Outcome::NotExecuted, Call::outcome)
    }

    /// Whether this call may be sent once more after this kind of repair; if so, that is spent.
    pub(super) fn spend(&mut self, id: CallId, repair: Repair) -> bool {
        self.calls.get_mut(&id).is_some_and(|call| call.spend(repair))
    }

    pub(super) fn emit(&mut self, event: Event<P>) {
        self.output(Output::Emit(event));
    }

    pub(super) fn output(&mut self, output: Output<P>) {
        self.outputs.push_back(output);
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
        self.outputs.pop_front()
    }

    /// When `handle_timeout` is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.timers.next()
    }
}

/// A POST that is about to be sent under this session.
pub(super) fn outgoing<P>(purpose: Purpose, session: Option<&Established<P>>, now: Now) -> Exchange {
    Exchange {
        purpose,
        generation: session.map_or(0, |session| session.generation),
        session: session.and_then(|session| session.id.clone()),
        method: Method::Post,
        rpc_method: None,
        wire_id: None,
        attempt: 1,
        sent: now,
        ahead: 0,
        connected_at: None,
        token: 0,
        timeout_ms: None,
        again: None,
        repaired: Vec::new(),
        head: None,
        head_after: 0,
        concluded: false,
        cursor: Cursor::default(),
    }
}
