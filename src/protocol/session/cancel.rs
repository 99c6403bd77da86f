//! What is given up before it is answered: by the host, or because its time is up.

use super::Session;
use super::close::delete_request;
use super::send::Own;
use crate::protocol::calls::{Call, Kind, Place, Queue, Task};
use crate::protocol::codec::json_rpc;
use crate::protocol::era::legacy;
use crate::protocol::exchanges::Answer;
use crate::protocol::lifecycle::{Establishing, Relation, Since, Step};
use crate::protocol::policy::verdict::Verdict;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, Now, Outcome, Params, Payload, Purpose};

/// The server's answer to `notifications/cancelled` is not waited for longer.
const CANCELLED_MS: u64 = 10_000;
/// Six HTTP/1.1 connections are all there is per origin: a handshake that gets no answer, while none of them becomes free
/// for so long, may wait for one that a request of the dead session holds.
pub(in crate::protocol) const STARVED_MS: u64 = 3_000;

impl<P: Payload> Session<P> {
    /// Gives a command up: it is not settled any more, and the server is told where it may be running.
    pub fn cancel(&mut self, id: CallId, reason: Option<String>, now: Now) {
        let Some(call) = self.forget(id) else { return };
        if planted!("settled_after_cancel") {
            self.output(crate::protocol::Output::Settle { call: id, result: Ok(P::empty()) });
        }
        self.withdraw_asked_for(id, now);
        self.withdraw_from_wire(&call, reason.as_deref(), now);
        if call.kind() == Kind::Connect && self.is_first() {
            self.connect_given_up("the host gave up connecting", now);
        }
        self.send_waiting(now);
    }

    /// The time of a command is up.
    pub(super) fn timed_out(&mut self, id: CallId, now: Now) {
        let Some(call) = self.calls.get(id) else { return };
        let (kind, outcome, waited) = (call.kind(), call.outcome(), now.mono.saturating_sub(call.made()));
        if kind == Kind::Close || kind == Kind::Connect && self.is_first() && self.waits_for_server() {
            return self.settle(id, Ok(P::empty()));
        }
        let sent = call.is_on_wire();
        let message = self.waited_for(id, call, waited, now);
        let mut error = Error::boxed(Code::Timeout, outcome, message).retryable();
        if kind == Kind::Connect && !self.has_no_token(id, now) {
            error = self.hint_at_connections(error);
        }
        self.give_up_call(id, error, "timed out", now);
        if kind == Kind::Connect && self.is_first() {
            self.connect_given_up("no answer in time", now);
        } else if sent {
            // A server that answers nothing any more is not "ready".
            self.check(None, now);
        }
    }

    /// What a command was waiting for when its time was up.
    fn waited_for(&self, id: CallId, call: &Call<P>, waited: u64, now: Now) -> String {
        let sent = call.is_on_wire();
        if !sent && self.has_no_token(id, now) {
            return self.no_token_within(waited, call.outcome());
        }
        let (begins, why) = if call.kind() == Kind::Connect {
            ("The server did not answer the handshake", ".")
        } else if sent {
            ("No answer", ". The server was told that the call is given up; it may have run.")
        } else if call.outcome() == Outcome::Unknown {
            ("No answer", ". The call may have run; it was waiting to be sent again.")
        } else if call.is_subscribing() {
            ("The server did not acknowledge the subscription", ".")
        } else if self.lifecycle.ready().is_none() {
            ("Not sent", ": there is no session. See `status.waitingFor` and `status.lastError`.")
        } else if call.is_queued(Queue::Turn) {
            ("Not sent", ": too many calls before it were not answered.")
        } else if call.sends() > 0 {
            ("Refused before it ran, and not sent again", ".")
        } else {
            ("Not sent", ": what it waits for did not come. See `status.waitingFor`.")
        };
        format!("{begins} within {waited} ms{why}")
    }

    /// What keeps a command from being sent is not the MCP server.
    fn has_no_token(&self, id: CallId, now: Now) -> bool {
        let is_parked = self.calls.get(id).is_some_and(|call| call.is_queued(Queue::Token));
        self.authorization.is_under_way() && (is_parked || !self.authorization.is_usable(now))
    }

    fn no_token_within(&self, waited: u64, outcome: Outcome) -> String {
        let why = match self.authorization.waits_for_user() {
            true => "the user has not authorized it yet",
            false => {
                "the authorization server has given no token: it does not answer, or is slow, or another tab of this site has begun to \
                      ask it and was frozen by the browser"
            }
        };
        match outcome {
            Outcome::Unknown => {
                format!("No answer within {waited} ms. The call may have run; it was to be sent again, and {why}.")
            }
            Outcome::NotExecuted | Outcome::Executed => format!("Not sent within {waited} ms: {why}."),
        }
    }

    /// Ends a command with an error, and tells the server that its answer is not wanted any more.
    pub(in crate::protocol) fn give_up_call(&mut self, id: CallId, mut error: Box<Error<P>>, reason: &str, now: Now) {
        let Some(call) = self.forget(id) else { return };
        error.outcome = call.outcome_with(error.outcome);
        self.output(crate::protocol::Output::Settle { call: id, result: Err(error) });
        self.withdraw_asked_for(id, now);
        self.withdraw_from_wire(&call, Some(reason), now);
    }

    /// There never was a session, neither here nor in a core that this one follows.
    pub(in crate::protocol) fn is_first(&self) -> bool {
        let is_first = |establishing: &Establishing<P>| matches!(establishing.since, Since::First);
        self.config.generation == 0 && self.lifecycle.establishing().is_some_and(is_first)
    }

    fn connect_given_up(&mut self, reason: &'static str, now: Now) {
        if self.config.handshake.is_own() {
            let delete = self.lifecycle.fresh().and_then(|fresh| delete_request(fresh, now));
            self.shut(reason, now);
            if let Some(delete) = delete {
                self.delete(delete, now);
            }
            return;
        }
        let step = self.lifecycle.establishing().map(|establishing| &establishing.step);
        if let Some(&Step::Handshake { exchange, hedge }) = step {
            self.abort(exchange, now);
            hedge.map(|hedge| self.abort(hedge, now));
            self.step(Step::Idle);
        }
    }

    /// Aborts a call's exchange, and tells the server: closing the connection alone is no cancellation (2025-11-25,
    /// transports, Sending Messages 6). Neither waits for the other: six connections are all there is.
    fn withdraw_from_wire(&mut self, call: &Call<P>, reason: Option<&str>, now: Now) {
        let session = self.lifecycle.ready().map(|session| (session.era(), session.generation()));
        let is_there = |task: &&Task| session.is_some_and(|(era, generation)| task.is_known_to(era, generation));
        if let Some(task) = call.task().filter(is_there)
            && !planted!("task_not_cancelled")
        {
            let (method, params) = task.cancel_request();
            self.post_aside(method, &params, now);
        }
        let (request_id, generation) = match call.place() {
            Place::Sent(id) => match self.abort(*id, now) {
                Some(exchange) => (exchange.request_id(), exchange.generation()),
                None => return,
            },
            Place::Broken(broken) => (broken.request_id, broken.generation),
            Place::Relisting { list, .. } => {
                self.abort(*list, now);
                return;
            }
            Place::Here | Place::Queued(_) | Place::InQuestion(_) | Place::Asking | Place::Subscribing => return,
        };
        let saw_it = self.lifecycle.relation(generation) != Relation::Gone || planted!("old_cancel") && generation > 0;
        if let Some(request_id) = request_id.filter(|_| saw_it) {
            self.post_cancelled(request_id, reason, now);
        }
    }

    /// While the browser's queue moves, a handshake in it gets its turn.
    pub(in crate::protocol) fn connection_freed(&mut self, now: Now) {
        let step = self.lifecycle.establishing().map(|establishing| &establishing.step);
        if let Some(Step::Handshake { hedge: None, .. }) = step
            && self.exchanges.is_queue_full()
            && self.effects.timer_at(Timer::Step).is_some()
        {
            self.effects.set_timer(Timer::Step, now.mono.saturating_add(STARVED_MS));
        }
    }

    /// Where a handshake starves, one request of the dead session gives its connection up: a stream that only listens, or
    /// the youngest call.
    pub(in crate::protocol) fn free_connection(&mut self, now: Now) {
        if planted!("all_given_up_for_a_handshake") {
            self.free_youngest(now);
        }
        if !self.exchanges.is_queue_full() {
            return;
        }
        let listens = self.exchanges.iter().find(|(_, exchange)| exchange.purpose() == Purpose::Listen);
        if let Some(stream) = listens.map(|(id, _)| id) {
            self.abort(stream, now);
            return;
        }
        self.free_youngest(now);
    }

    fn free_youngest(&mut self, now: Now) {
        let calls = self.exchanges.iter().filter_map(|(id, exchange)| Some((id, exchange.purpose().call()?)));
        let Some((id, call)) = calls.max() else { return };
        let Some(exchange) = self.abort(id, now) else { return };
        if self.calls.get(call).is_some_and(|call| call.is_sent_in(id)) && !exchange.is_concluded() {
            let text =
                "The session was lost while the call may have been running, and the new one needed its connection.";
            let error = Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, text).retryable();
            self.call_answered(call, &exchange, Answer::Lost { error }, Verdict::NotEviction, now);
        }
        if planted!("all_given_up_for_a_handshake") {
            self.free_youngest(now);
        }
    }

    fn post_cancelled(&mut self, request_id: u64, reason: Option<&str>, now: Now) {
        let Some(session) = self.lifecycle.known().filter(|session| session.era().says_cancelled()) else { return };
        let reason = reason.map(|reason| format!(",\"reason\":{}", json_rpc::quote(reason))).unwrap_or_default();
        let text = Some(format!("{{\"requestId\":{request_id}{reason}}}"));
        let (method, params) = (legacy::CANCELLED, Params { text, ..Params::default() });
        let parcel = self.own_notification(
            Own { purpose: Purpose::Cancelled, method, params: &params, timeout_ms: CANCELLED_MS },
            session,
            now,
        );
        self.send(parcel, now);
    }

    /// Sends a request whose answer nobody waits for.
    fn post_aside(&mut self, method: &str, params: &Params, now: Now) {
        self.exchanges.fresh_request_id();
        let Some(session) = self.lifecycle.ready() else { return };
        let own = Own { purpose: Purpose::Cancelled, method, params, timeout_ms: CANCELLED_MS };
        let parcel = self.own_request(own, Some(session), now);
        self.send(parcel, now);
    }
}
