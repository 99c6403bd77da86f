//! What waits for a token, and what is sent again under the next one. A token that was refused is mended as a session is.

use super::Session;
use crate::protocol::authorization::{Authorized, Challenge, Ended, Held, Leave, Origin};
use crate::protocol::calls::{Kind, Queue, Repair};
use crate::protocol::codec::http::{Method, Request};
use crate::protocol::config::Ask;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::Relation;
use crate::protocol::listening::Listening;
use crate::protocol::oauth::by_click;
use crate::protocol::policy::verdict::{Verdict, speaks_of_sessions};
use crate::protocol::status::Event;
use crate::protocol::{
    CallId, CallOptions, Code, Error, ExchangeId, Now, Outcome, Output, Params, Payload, Purpose, json_rpc,
};

impl<P: Payload> Session<P> {
    /// A call is about to be sent. Says whether it waits for a token.
    pub(in crate::protocol) fn park_until_token(&mut self, id: CallId, now: Now) -> bool {
        let waits = self.config.authorizes
            && !self.authorization.is_usable(now)
            && self
                .calls
                .get(id)
                .is_some_and(|call| matches!(call.kind(), Kind::Request | Kind::Notification | Kind::Verify));
        if waits {
            self.authorize(None, now);
            self.park(id, Queue::Token, now);
        }
        waits
    }

    /// A user is asked: in this tab, or in the one that makes the session.
    pub(in crate::protocol) fn asks_user(&self) -> bool {
        let elsewhere = || self.lifecycle.is_elsewhere();
        self.authorization.waits_for_user() || self.tabs.leader_asks() && elsewhere()
    }

    pub(in crate::protocol) fn waits_for_user(&self, id: CallId) -> bool {
        self.asks_user() && self.calls.get(id).is_some_and(|call| call.is_idle())
    }

    /// It waits; where that is for a user, its clock stands still.
    pub(in crate::protocol) fn park(&mut self, id: CallId, queue: Queue, now: Now) {
        self.calls.enqueue(id, queue);
        if self.waits_for_user(id) {
            self.stop_clock(Some(id), now);
        }
    }

    /// What is about to be sent; `None` where it is held until there is a token.
    pub(in crate::protocol) fn hold_for_token(
        &mut self,
        id: ExchangeId,
        mut exchange: Box<Exchange>,
        request: Request,
        now: Now,
    ) -> Option<(Box<Exchange>, Request)> {
        exchange.set_token(self.authorization.token(), None);
        if !self.config.authorizes || exchange.purpose() == Purpose::Delete {
            return Some((exchange, request));
        }
        let command = exchange.purpose().call().is_some() && exchange.method() == Method::Post;
        if !command {
            exchange.set_token(self.authorization.token(), Some(Box::new(request.clone())));
        }
        if command || self.authorization.is_usable(now) {
            return Some((exchange, request));
        }
        self.authorize(None, now);
        self.authorization.hold(Held { id, exchange, request, refused: None });
        None
    }

    /// One authorization at a time.
    pub(in crate::protocol) fn authorize(&mut self, challenge: Option<Challenge>, now: Now) {
        let ask = challenge.is_some() && self.leave_to_ask().may_ask();
        if self.authorization.begin(challenge.clone(), ask, now) {
            self.output(Output::Authorize { challenge, ask });
        }
    }

    fn leave_to_ask(&self) -> Leave {
        let clicked = self.calls.any(|call| call.kind() == Kind::SignIn);
        Leave { ask: self.config.ask, waits: self.somebody_waits(), clicked }
    }

    /// The user wants to sign in, or may be asked to: by a click, say. Settles with `{}` once that is done and there is a
    /// session. Where the user is signed in, as far as is known, nobody is asked.
    pub fn sign_in(&mut self, now: Now) -> CallId {
        let id = self.admit(Kind::SignIn, String::new(), Params::default(), CallOptions::default(), now);
        let unasked = Challenge { status: 401, www_authenticate: None };
        if self.lifecycle.is_closed() || !self.config.authorizes {
            self.dispatch(id, now);
        } else if let Some(challenge) = self.authorization.clicked() {
            self.output(Output::Authorize { challenge, ask: true });
            self.park(id, Queue::Token, now);
        } else if self.authorization.is_under_way() {
            self.park(id, Queue::Token, now);
        } else if self.authorization.grant().is_some() {
            self.go_on_for_leader();
            self.dispatch(id, now);
        } else {
            self.authorize(Some(unasked), now);
            self.park(id, Queue::Token, now);
        }
        id
    }

    /// A user has signed in to the same elsewhere: what is stored may hold a token for this session, too.
    pub fn handle_signed_in_elsewhere(&mut self) {
        if let Some(challenge) = self.authorization.tries_again() {
            self.output(Output::Authorize { challenge, ask: false });
        }
    }

    /// The leader of the tabs waits for its user, and the one of this tab has signed in: this tab makes the session.
    fn go_on_for_leader(&mut self) {
        if self.tabs.leader_asks() && self.lifecycle.is_elsewhere() {
            self.output(Output::Steal);
        }
    }

    /// Whoever was waited for is not waited for any more: the user need not go on.
    pub(in crate::protocol) fn nobody_waits_for_user(&mut self) {
        if self.authorization.asks_user() && !self.somebody_waits() {
            self.output(Output::GiveUpAuthorization);
        }
    }

    /// A command that is not on the wire waits.
    fn somebody_waits(&self) -> bool {
        self.calls.any(|call| !call.is_on_wire())
    }

    /// Takes an answer that refuses the token: what was refused is sent again under the next one. Any other answer is
    /// given back.
    pub(in crate::protocol) fn mend_token(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        now: Now,
    ) -> Option<Answer<P>> {
        if !self.config.authorizes {
            return Some(answer);
        }
        let Some((challenge, repair)) = refused_token(&answer) else {
            // A ping may be free to all.
            let proves = !matches!(answer, Answer::Lost { .. }) && exchange.purpose() != Purpose::Ping;
            if proves {
                self.authorization.mark_proven(exchange.token());
            }
            return Some(answer);
        };
        let late = exchange.token() < self.authorization.token();
        if !late && (self.was_asked_to_connect() || self.authorization.is_hopeless(&challenge, now)) {
            return Some(answer);
        }
        // Whoever joins an authorization that is for something else may be refused once more, and whoever went with what was found.
        let was_found = self.authorization.is_found(exchange.token());
        let joins = was_found || self.authorization.joins_another(&challenge) && !late;
        match exchange.purpose() {
            Purpose::Cancelled | Purpose::Delete => return Some(answer),
            // A stream is taken up under the session that it began in, or not at all.
            Purpose::Call(_)
                if exchange.method() == Method::Get
                    && self.lifecycle.relation(exchange.generation()) == Relation::Gone =>
            {
                return Some(answer);
            }
            // Of two handshakes, or of one that nobody waits for any more, nothing is mended.
            Purpose::Initialize if !self.is_only_handshake(id) => return Some(answer),
            Purpose::Call(call) | Purpose::Notification(call) if exchange.method() == Method::Post => {
                let Answer::Refused { error, .. } = &answer else { return Some(answer) };
                let outcome = error.outcome;
                let mode = self.config.recovery.mode;
                if !self.calls.next_with_token(call, mode, repair, joins, outcome) {
                    return Some(answer);
                }
                if late {
                    self.dispatch(call, now);
                } else {
                    self.authorize(Some(challenge), now);
                    self.park(call, Queue::Token, now);
                }
            }
            Purpose::Call(_)
            | Purpose::Notification(_)
            | Purpose::Discover
            | Purpose::Initialize
            | Purpose::Initialized
            | Purpose::Ping
            | Purpose::Restore
            | Purpose::Listen
            | Purpose::Answer => {
                let repeatable = if was_found { exchange.repeated() } else { exchange.repeatable_after(repair) };
                let Some(request) = repeatable else { return Some(answer) };
                let exchange = exchange.anew((!joins).then_some(repair));
                let held = Held { id, exchange, request, refused: Some(answer) };
                // It keeps its name: nothing of the refused attempt may be taken for the next one's.
                self.output(Output::Abort { exchange: id });
                if late {
                    self.resend(held, now);
                } else {
                    self.authorize(Some(challenge), now);
                    self.authorization.hold(held);
                }
            }
        }
        None
    }

    /// One `connect` asks the user once.
    fn was_asked_to_connect(&self) -> bool {
        self.authorization.asked_for().is_some_and(|connect| self.calls.has(connect))
    }

    /// The user is about to be asked: the clocks of those who wait stand still. Says whether there is anybody who waits.
    pub fn handle_user_asked(&mut self, now: Now) -> bool {
        let waits = self.somebody_waits();
        if !waits || !self.authorization.ask_user(self.connecting()) {
            return false;
        }
        self.stop_clocks_for_user(now);
        true
    }

    fn stop_clocks_for_user(&mut self, now: Now) {
        for id in self.calls.ids() {
            if self.waits_for_user(id) {
                self.stop_clock(Some(id), now);
            }
        }
        self.identity.show(self.signed_in());
        self.emit(Event::StateChange);
        self.tell_asking();
    }

    /// The host is told by the status. What waits goes on waiting, but for the host's own wish and a first `connect`, whose
    /// host needs the session to say so.
    fn user_awaited(&mut self, error: Option<Box<Error<P>>>, now: Now) {
        if let Some(mut error) = error {
            if let Some(diagnosis) = &mut error.diagnosis {
                diagnosis.hint = by_click(diagnosis.hint);
            }
            for id in self.calls.those(|call| call.kind() == Kind::SignIn) {
                self.settle(id, Err(error.clone()));
            }
            self.lifecycle.note_error(error);
        }
        self.stop_clocks_for_user(now);
        self.give_waiting_session();
    }

    /// To a first `connect`, whose host needs it to say that the user may be asked.
    pub(in crate::protocol) fn give_waiting_session(&mut self) {
        if self.config.ask == Ask::Click && self.config.handshake.is_own() {
            for id in self.calls.those(|call| call.kind() == Kind::Connect) {
                self.settle(id, Ok(P::empty()));
            }
        }
    }

    /// Where the token comes from that is told next.
    pub fn handle_origin(&mut self, origin: Origin) {
        self.authorization.comes_from(origin);
    }

    fn connecting(&self) -> Option<CallId> {
        self.calls.iter().find(|(_, call)| call.kind() == Kind::Connect).map(|(id, _)| id)
    }

    /// How the authorization ended.
    pub fn handle_authorized(&mut self, authorized: Authorized<P>, now: Now) {
        let over = match self.authorization.ended(authorized, self.leave_to_ask(), self.connecting(), now) {
            Some(Ended::Over(over)) => over,
            Some(Ended::Awaited { error }) => return self.user_awaited(error, now),
            Some(Ended::AskUser { challenge }) => return self.output(Output::Authorize { challenge, ask: true }),
            None => return,
        };
        let error = over.error;
        let waiting = self.calls.dequeue_all(Queue::Token);
        for id in self.calls.ids() {
            self.start_clock(Some(id), now);
        }
        if error.is_none() && self.lifecycle.ready().is_some() {
            self.lifecycle.forget_error();
        }
        if over.asked || over.another {
            // It may be another user than before: "MUST NOT be shared across authorization contexts".
            self.forget_cached();
        }
        if over.asked {
            self.identity.show(self.signed_in());
            self.emit(Event::StateChange);
            self.tell_asking();
        } else {
            self.show_signed_in();
        }
        if over.asked && error.is_none() {
            self.go_on_for_leader();
        }
        for held in over.held {
            match &error {
                Some(error) => self.deny(held, error.clone(), now),
                None => self.resend(held, now),
            }
        }
        for id in waiting {
            match &error {
                Some(error) => {
                    let outcome = self.calls.outcome(id);
                    self.settle(id, Err(error.clone().with_outcome(outcome)));
                }
                None => self.dispatch(id, now),
            }
        }
        if error.is_none() {
            self.listen_if_denied();
            // A session may be made at once for a user who has just agreed.
            self.owner_due(now);
        }
        self.take_found(now);
        self.listen(now);
    }

    /// Sends a held exchange, with an id that the server has not seen.
    pub(super) fn resend(&mut self, held: Held<P>, now: Now) {
        let Held { id, mut exchange, mut request, refused } = held;
        if self.lifecycle.relation(exchange.generation()) == Relation::Gone {
            if matches!(exchange.purpose(), Purpose::Answer | Purpose::Cancelled | Purpose::Listen) {
                return;
            }
            if exchange.purpose().call().is_some() && exchange.method() == Method::Get {
                let text = "The session was lost while the stream of the call waited for a token.";
                let error = Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, text).retryable();
                return self.deny(Held { id, exchange, request, refused }, error, now);
            }
        }
        if exchange.purpose() == Purpose::Listen && !self.wants_to_listen() {
            return self.stream_not_opened(id, Listening::off, now);
        }
        if let (Some(old), Some(body), true, true) =
            (exchange.request_id(), &request.body, refused.is_some(), exchange.method() == Method::Post)
        {
            let new = self.exchanges.fresh_request_id();
            request.body = Some(json_rpc::renumber(body, old, new));
            exchange.renumber(new);
        }
        exchange.set_token(self.authorization.token(), Some(Box::new(request.clone())));
        self.transmit(id, exchange, request, now);
    }

    /// A listening stream that was held is not opened.
    fn stream_not_opened(&mut self, id: ExchangeId, next: fn(&mut Listening), now: Now) {
        if self.stream_over(id, now).is_some() {
            next(&mut self.listening);
            self.stream_lost(id, now);
        }
    }

    /// There is no token, and the error says why.
    fn deny(&mut self, held: Held<P>, error: Box<Error<P>>, now: Now) {
        if held.exchange.purpose() == Purpose::Listen {
            let next = if planted!("refused_token_asked_without_end") { Listening::off } else { Listening::denied };
            self.stream_not_opened(held.id, next, now);
            return self.subscribers_denied(&error);
        }
        let answer = match held.refused {
            // That there is no token says nothing of the era.
            Some(Answer::Refused { .. }) if held.exchange.purpose() == Purpose::Discover => Answer::Unusable { error },
            Some(Answer::Refused { refusal, .. }) => Answer::Refused { refusal, error, retry_after: None },
            _ => Answer::Unusable { error },
        };
        self.answered(held.id, &held.exchange, answer, Verdict::NotEviction, now);
    }
}

/// "401: authorization required or token invalid"; "403: invalid scopes or insufficient permissions" (2025-11-25,
/// authorization, Error Handling). A 403 without the challenge is about something else.
fn refused_token<P>(answer: &Answer<P>) -> Option<(Challenge, Repair)> {
    let Answer::Refused { refusal, .. } = answer else { return None };
    let repair = match refusal.status {
        401 if !speaks_of_sessions(refusal) => Repair::Token,
        403 if refusal.lacks_scope() => Repair::Scope,
        _ => return None,
    };
    let challenge = Challenge { status: refusal.status, www_authenticate: refusal.challenge.clone() };
    Some((challenge, repair))
}
