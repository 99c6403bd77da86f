//! The end of a session: by `close`, by a connect that failed, and on the server by DELETE.

use super::Session;
use super::send::Parcel;
use crate::protocol::calls::Kind;
use crate::protocol::codec::http::{Head, Method, Request};
use crate::protocol::effect::Effect;
use crate::protocol::era::legacy;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::{Established, SessionId, Since, State, Step};
use crate::protocol::status::{Phase, Status};
use crate::protocol::time::Timer;
use crate::protocol::{CallId, CallOptions, Code, Error, ExchangeId, Now, Outcome, Params, Payload, Purpose};

/// How long the answer to DELETE is waited for.
const DELETE_MS: u64 = 5_000;

impl<P: Payload> Session<P> {
    /// Ends the session: all that is open settles with an error; with `terminate`, DELETE is sent where there is a
    /// session to end, which no other tab shares (2025-11-25, transports, Session Management 5). Settles with `{}` when the server has answered or
    /// after five seconds.
    pub fn close(&mut self, terminate: bool, now: Now) -> CallId {
        let delete = match self.lifecycle.state() {
            _ if !terminate || self.tabs.has_company() => None,
            State::Ready(session) => delete_request(session, now),
            State::Establishing(establishing) => match (&establishing.step, &establishing.since) {
                (Step::Made { fresh } | Step::Initialized { fresh, .. } | Step::Proof { fresh, .. }, _) => {
                    delete_request(fresh, now)
                }
                (_, Since::Doubt { old, .. }) => delete_request(old, now),
                _ => None,
            },
            State::Closed => None,
        };
        if !terminate
            && let Some(&Step::Handshake { exchange, hedge }) = self.lifecycle.establishing().map(|it| &it.step)
        {
            self.abort(exchange, now);
            hedge.map(|hedge| self.abort(hedge, now));
        }
        self.shut("the host closed the session", now);
        let id = self.admit(Kind::Close, String::new(), Params::default(), CallOptions::default(), now);
        match delete {
            Some(delete) => drop(self.delete(delete, now)),
            None => self.settle(id, Ok(P::empty())),
        }
        id
    }

    /// Everything ends here, but for the DELETE.
    pub(in crate::protocol) fn shut(&mut self, reason: &'static str, now: Now) {
        if self.lifecycle.is_closed() {
            return;
        }
        let last = Status { phase: Phase::Closed, waiting_for: None, ..self.status() };
        self.say_bye();
        self.lifecycle.close(last);
        self.listening.begin();
        self.authorization.end();
        self.effects.push(Effect::WithdrawAll);
        self.calls.ids().into_iter().for_each(|id| self.effects.push(Effect::SettleClosed(id)));
        // What ends a session on the server goes on: servers cap sessions. One that is being made is ended once it is known.
        // One whose answer was taken made a session that is ended, or gone, with the others.
        let ends = |exchange: &Exchange| {
            exchange.purpose() == Purpose::Delete
                || exchange.purpose() == Purpose::Initialize && !exchange.is_concluded()
        };
        for (exchange, ends) in self.exchanges.iter().map(|(id, exchange)| (id, ends(exchange))).collect::<Vec<_>>() {
            match ends {
                true => self.effects.set_timer(Timer::Exchange(exchange), now.mono.saturating_add(DELETE_MS)),
                false if planted!("open_after_close") => {}
                false => self.effects.push(Effect::Abort(exchange)),
            }
        }
        self.effects.push(Effect::EndUnwanted);
        self.effects.push(Effect::Closed(reason));
        for timer in [
            Timer::Listen,
            Timer::Restore,
            Timer::Step,
            Timer::Check,
            Timer::Held,
            Timer::Wake,
            Timer::Look,
            Timer::KeepAlive,
            Timer::Owner,
            Timer::Identify,
        ] {
            self.effects.clear_timer(timer);
        }
        self.heed(now);
    }

    /// A command ends with the session, or comes after it.
    pub(in crate::protocol) fn settle_closed(&mut self, id: CallId, text: &str) {
        let closed = || Error::boxed(Code::Closed, Outcome::NotExecuted, text);
        let error = self.lifecycle.parted().cloned().map_or_else(closed, Box::new);
        self.settle(id, Err(error.with_outcome(self.calls.outcome(id))));
    }

    pub(in crate::protocol) fn delete(&mut self, parcel: Parcel, now: Now) -> ExchangeId {
        let id = self.send(parcel, now);
        self.effects.set_timer(Timer::Exchange(id), now.mono.saturating_add(DELETE_MS));
        id
    }

    /// Sessions whose ids are known are ended on the server, now that nobody is to have them.
    pub(super) fn end_all_unwanted(&mut self, now: Now) {
        let begun = self.exchanges.iter().filter(|(_, exchange)| exchange.purpose() == Purpose::Initialize);
        let begun = begun.filter_map(|(id, exchange)| Some((id, exchange.head().cloned()?))).collect::<Vec<_>>();
        for (exchange, head) in begun {
            self.end_unwanted(exchange, &head, now);
        }
    }

    /// A session that was made while this one was closed is ended on the server, whatever it says of itself.
    pub(in crate::protocol) fn end_unwanted(&mut self, id: ExchangeId, head: &Head, now: Now) {
        let made_for = self.abort(id, now).and_then(|exchange| exchange.owner());
        let Some(session) = head.session_id.as_deref().filter(|_| head.is_success()).and_then(SessionId::parse) else {
            return;
        };
        let headers = vec![("mcp-session-id".to_owned(), session.expose().to_owned())];
        let exchange = Exchange::outgoing::<P>(Purpose::Delete, None, now).deleting().under(Some(session), made_for);
        self.delete((exchange, Request { method: Method::Delete, headers, body: None, rpc_method: None }), now);
    }

    /// A session that was made when it was not waited for any more is ended on the server.
    pub(in crate::protocol) fn end_late(&mut self, exchange: &Exchange, answer: Answer<P>, now: Now) {
        if let Answer::Result(result) = answer
            && let Ok(late) = self.read_handshake(exchange, result, now)
            && let Some(delete) = self.end_of(&late, now)
        {
            self.delete(delete, now);
        }
    }

    /// The DELETE of a session that is not needed beside the one that is in use, or may be. Some servers give their one
    /// client the same id again.
    pub(in crate::protocol) fn end_of(&self, unneeded: &Established<P>, now: Now) -> Option<Parcel> {
        let doubted = match self.lifecycle.establishing().map(|establishing| &establishing.since) {
            Some(Since::Doubt { old, .. }) => Some(&**old),
            Some(Since::First | Since::Lost { .. }) | None => None,
        };
        let in_use = [self.lifecycle.ready(), doubted, self.lifecycle.fresh()];
        let is_used = in_use.into_iter().flatten().any(|session| session.id() == unneeded.id());
        if is_used { None } else { delete_request(unneeded, now) }
    }

    /// Whatever the answer is (405 is a legal one): the session is ended for us.
    pub(in crate::protocol) fn delete_answered(&mut self, id: ExchangeId, now: Now) {
        match self.lifecycle.state() {
            // What is open after the end is another DELETE.
            State::Closed if !self.exchanges.is_empty() => {}
            State::Closed => {
                for call in self.calls.those(|call| call.kind() == Kind::Close) {
                    self.settle(call, Ok(P::empty()));
                }
            }
            State::Establishing(establishing) => {
                if matches!(establishing.step, Step::Clearing { exchange } if exchange == id) {
                    self.handshake(now);
                }
            }
            State::Ready(_) => {}
        }
    }
}

/// The DELETE that ends this session; `None` where the server keeps none.
pub(in crate::protocol) fn delete_request<P>(session: &Established<P>, now: Now) -> Option<Parcel> {
    session.id()?;
    let exchange = Exchange::outgoing(Purpose::Delete, Some(session), now).deleting();
    let headers = legacy::session_headers(session);
    Some((exchange, Request { method: Method::Delete, headers, body: None, rpc_method: None }))
}
