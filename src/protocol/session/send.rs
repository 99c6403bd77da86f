//! What goes out: a message as its era wants it, and the exchange that carries it.

use super::Session;
use crate::protocol::calls::{Call, Doubt, Kind, Queue, Task};
use crate::protocol::codec::http::{Method, Request};
use crate::protocol::codec::json_rpc;
use crate::protocol::era::{Era, legacy, modern, param_headers};
use crate::protocol::exchanges::Exchange;
use crate::protocol::lifecycle::{Established, State};
use crate::protocol::policy::safety::Safety;
use crate::protocol::questions::Round;
use crate::protocol::status::WireStep;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, ExchangeId, Now, Output, Params, Payload, Purpose};

/// So many requests are under way at a time: as many as an HTTP/2 server lets a client have at least (RFC 9113, 6.5.2;
/// with HTTP/1.1 the browser sends six). What is beyond that would only be refused with the rest if the session is gone.
const AT_ONCE: usize = 100;
/// How long a stream whose answer was taken is given to end by itself while others may wait for its connection.
const HURRIED_MS: u64 = 100;

/// Header fields and body.
type Message = (Vec<(String, String)>, String);

/// A message of our own.
pub(in crate::protocol) struct Own<'a> {
    pub purpose: Purpose,
    pub method: &'a str,
    pub params: &'a Params,
    /// Bounds the exchange.
    pub timeout_ms: u64,
}

/// A request that is about to be sent, and what is known of it.
pub(in crate::protocol) type Parcel = (Box<Exchange>, Request);

impl<P: Payload> Session<P> {
    /// Sends a command under the session that is ready.
    pub(in crate::protocol) fn send_call(&mut self, id: CallId, now: Now) {
        let (State::Ready(session), Some(call)) = (self.lifecycle.state(), self.calls.get(id)) else { return };
        let (era, kind) = (session.era(), call.kind());
        let hosts_own = self.is_hosts_own(era);
        let missing = session.missing_capability(call.method()).filter(|missing| !self.lifecycle.has_shown(missing));
        // Asking for a list harms nobody.
        if let Some(missing) = missing.filter(|_| !legacy::is_list(call.method())) {
            let message =
                format!("The server does not declare the capability `{missing}`, which {} needs.", call.method());
            let error = Error::boxed(Code::Capability, call.outcome(), message);
            self.state_request_refused(id, now);
            return self.settle(id, Err(error));
        }
        let wanted_elsewhere = self.ends_for_others(call);
        match kind {
            Kind::Connect | Kind::Reconnect | Kind::Close => {
                let result = session.handshake().clone();
                self.settle(id, Ok(result));
            }
            Kind::Notification
                if self.is_clients_progress(call) && self.progress_of_client(call.params()).is_none() =>
            {
                self.settle(id, Ok(P::empty()));
            }
            // The handshake's own notification, of a host's Client: ours has gone out.
            Kind::Notification if call.method() == legacy::INITIALIZED || !era.has_notification(call.method()) => {
                self.settle(id, Ok(P::empty()));
            }
            Kind::SignIn => self.settle(id, Ok(P::empty())),
            Kind::Request if hosts_own => self.put_on_wire(id, now),
            Kind::Request | Kind::Verify if !era.has_sessions() && call.method() == legacy::PING => {
                self.check(Some((id, Doubt::Asked)), now);
            }
            Kind::Request if !era.holds_by_request() && self.held_without_request(id, now) => {}
            Kind::Request if self.answer_from_cache(id, now) => {}
            Kind::Request if wanted_elsewhere => self.settle(id, Ok(P::empty())),
            Kind::Request | Kind::Verify | Kind::Notification => self.put_on_wire(id, now),
        }
    }

    /// Calls beyond [`AT_ONCE`] go out when others have ended, or wait with the rest for the session that is being made.
    pub(in crate::protocol) fn send_waiting(&mut self, now: Now) {
        self.post_waiting(now);
        while self.exchanges.len() < AT_ONCE || self.lifecycle.ready().is_none() {
            let Some(id) = self.calls.dequeue(Queue::Turn) else { return };
            self.dispatch(id, now);
        }
    }

    fn put_on_wire(&mut self, id: CallId, now: Now) {
        let (State::Ready(_), Some(call)) = (self.lifecycle.state(), self.calls.get(id)) else { return };
        if call.kind() == Kind::Request && self.exchanges.len() >= AT_ONCE {
            return self.calls.enqueue(id, Queue::Turn);
        }
        if let Some(event_id) = call.options().resume.as_ref().map(|resume| resume.event_id.clone()) {
            return self.take_up(id, event_id, now);
        }
        if self.hold_for_licence(id, now) {
            return;
        }
        let (State::Ready(session), Some(call)) = (self.lifecycle.state(), self.calls.get(id)) else { return };
        let asked = call.round().is_some() || call.task().is_some_and(Task::has_inputs);
        if session.era().asks_by_request() && asked {
            return self.round_lost(id, now);
        }
        let (method, params) = self.wording(session, call);
        let request_id = self.exchanges.latest_request() + 1;
        let as_task = self.goes_as_task(session, call);
        let (purpose, (mut headers, body)) = match call.kind() {
            Kind::Notification => (Purpose::Notification(id), self.compose_notification(session, &method, &params)),
            Kind::Request | Kind::Verify | Kind::Connect | Kind::Reconnect | Kind::SignIn | Kind::Close => {
                let message =
                    self.compose(session.era(), Some(session), request_id, (&method, &params), call.options().progress);
                (Purpose::Call(id), message)
            }
        };
        headers.extend(call.options().headers.iter().cloned());
        let licence = call.params().name.as_ref().and_then(|tool| self.desired.licence(tool));
        let safety = Safety::of(call.options().repeatable, &method, licence);
        let id_in_it = purpose.wants_response().then_some(request_id);
        let exchange = Exchange::outgoing(purpose, Some(session), now).with_message(&method, id_in_it);
        let mut exchange = exchange.of_attempt(call.sends() + 1);
        call.options().headers.iter().for_each(|(name, value)| exchange.conceal(name, value));
        if !planted!("id_reuse") {
            self.exchanges.fresh_request_id();
        }
        let sent = self.send(posted(exchange, (headers, body)), now);
        self.calls.sent(id, sent, safety, as_task);
    }

    /// The method and params that a call is sent with now: its own, with what was answered to the server; or those that
    /// ask for its task.
    fn wording(&self, session: &Established<P>, call: &Call<P>) -> (String, Params) {
        if let Some(task) = call.task() {
            return task.next_request(session.era(), session.generation());
        }
        if let Some(params) = self.is_clients_progress(call).then(|| self.progress_of_client(call.params())).flatten() {
            return (call.method().to_owned(), params);
        }
        let inputs = call.round().map(Round::members);
        let as_task = if self.goes_as_task(session, call) { r#""task":{}"# } else { "" };
        (call.method().to_owned(), call.params().with(inputs.as_deref(), as_task))
    }

    fn is_clients_progress(&self, call: &Call<P>) -> bool {
        self.config.handshake.is_hosts() && call.kind() == Kind::Notification && call.method() == legacy::PROGRESS
    }

    /// A request of our own under this session, or before there is one, with the request id that was drawn last.
    pub(in crate::protocol) fn own_request(&self, own: Own<'_>, session: Option<&Established<P>>, now: Now) -> Parcel {
        let Own { purpose, method, params, timeout_ms } = own;
        let request_id = self.exchanges.latest_request();
        let attempts = self.lifecycle.establishing().filter(|_| session.is_none()).map_or(0, |it| it.failed);
        let exchange = Exchange::outgoing(purpose, session, now).with_message(method, Some(request_id));
        let exchange = exchange.of_attempt(attempts + 1).within(timeout_ms);
        let session = if planted!("initialize_with_id") { session.or(self.lifecycle.known()) } else { session };
        let message = self.compose(exchange.era(), session, request_id, (method, params), false);
        posted(exchange, message)
    }

    /// A notification of our own under this session.
    pub(in crate::protocol) fn own_notification(&self, own: Own<'_>, session: &Established<P>, now: Now) -> Parcel {
        let Own { purpose, method, params, timeout_ms } = own;
        let exchange = Exchange::outgoing(purpose, Some(session), now).with_message(method, None).within(timeout_ms);
        posted(exchange, self.compose_notification(session, method, params))
    }

    /// A request as this era wants it.
    fn compose(
        &self,
        era: Era,
        session: Option<&Established<P>>,
        request_id: u64,
        (method, params): (&str, &Params),
        progress: bool,
    ) -> Message {
        if !era.stamps_requests() {
            return (legacy::post_headers(session), json_rpc::request(request_id, method, params, progress, ""));
        }
        let (headers, params, stamp) = self.stamped(method, params);
        (headers, json_rpc::request(request_id, method, &params, progress, &stamp))
    }

    /// A notification as the era of this session wants it.
    fn compose_notification(&self, session: &Established<P>, method: &str, params: &Params) -> Message {
        if !session.era().stamps_requests() {
            return (legacy::post_headers(Some(session)), json_rpc::notification(method, params, ""));
        }
        let (headers, params, stamp) = self.stamped(method, params);
        (headers, json_rpc::notification(method, &params, &stamp))
    }

    fn stamped(&self, method: &str, params: &Params) -> (Vec<(String, String)>, Params, String) {
        let mut headers = modern::headers(method, params);
        let tool = params.name.as_ref().filter(|_| method == "tools/call");
        let repeated = tool.map(|tool| self.desired.param_headers(tool)).unwrap_or_default();
        if let (false, Some(text)) = (repeated.is_empty(), &params.text) {
            headers.extend(param_headers::fields(repeated, text));
        }
        if self.config.handshake.is_own() {
            let meta = params.meta.as_deref().map(modern::without_stamp);
            let stamp = modern::stamp_with_level(self.client.stamp(), self.desired.log_level());
            return (headers, Params { meta, ..params.clone() }, stamp);
        }
        // A host's own Client writes its own.
        let stamp = if params.meta.is_some() { "" } else { self.client.stamp() };
        (headers, params.clone(), stamp.to_owned())
    }

    pub(in crate::protocol) fn send(&mut self, (exchange, request): Parcel, now: Now) -> ExchangeId {
        let id = ExchangeId(self.effects.fresh_id());
        if let Some((exchange, request)) = self.hold_for_token(id, exchange, request, now) {
            self.transmit(id, exchange, request, now);
        }
        id
    }

    pub(in crate::protocol) fn transmit(
        &mut self,
        id: ExchangeId,
        mut exchange: Box<Exchange>,
        request: Request,
        now: Now,
    ) {
        if let Some(timeout_ms) = exchange.timeout_ms() {
            self.effects.set_timer(Timer::Exchange(id), now.mono.saturating_add(timeout_ms));
        }
        let credentials = (self.identity.fields(), self.identity.owner());
        exchange.goes_out(credentials, self.identity.confidential().along(), now);
        let identify = self.is_anothers(&exchange);
        if !identify && exchange.owner().is_some() && exchange.made_for().is_some() {
            self.settle_owner(exchange.generation(), exchange.owner());
        }
        let purpose = exchange.purpose();
        self.emit(exchange.wire(id, WireStep::Sent, now));
        self.exchanges.begins(id, exchange, now);
        self.output(Output::Send { exchange: id, purpose, request, identify });
        self.hurry_streams(now);
    }

    /// Where something may wait in the browser's queue, streams whose answer was taken hold no connection for long.
    pub(in crate::protocol) fn hurry_streams(&mut self, now: Now) {
        if !self.exchanges.may_queue() {
            return;
        }
        let until = now.mono.saturating_add(HURRIED_MS);
        for (id, _) in self.exchanges.iter().filter(|(_, exchange)| exchange.is_concluded()) {
            if self.effects.timer_at(Timer::Exchange(id)).is_some_and(|at| at > until) {
                self.effects.set_timer(Timer::Exchange(id), until);
            }
        }
    }

    /// Gives an exchange up.
    pub(in crate::protocol) fn abort(&mut self, id: ExchangeId, now: Now) -> Option<Box<Exchange>> {
        if let Some(held) = self.authorization.release(id) {
            return Some(held);
        }
        let exchange = self.remove_exchange(id, now)?;
        if !exchange.is_concluded() {
            let duration_ms = now.mono.saturating_sub(exchange.sent().mono);
            self.emit(exchange.wire(id, WireStep::Aborted { duration_ms }, now));
        }
        self.output(Output::Abort { exchange: id });
        Some(exchange)
    }

    /// An exchange is over; the next in the browser's queue may have its connection.
    pub(in crate::protocol) fn remove_exchange(&mut self, id: ExchangeId, now: Now) -> Option<Box<Exchange>> {
        self.effects.clear_timer(Timer::Exchange(id));
        let exchange = self.exchanges.ends(id, now)?;
        self.connection_freed(now);
        Some(exchange)
    }
}

pub(in crate::protocol) fn posted(exchange: Box<Exchange>, (headers, body): Message) -> Parcel {
    let rpc_method = exchange.rpc_method().map(str::to_owned);
    (exchange, Request { method: Method::Post, headers, body: Some(body), rpc_method })
}
