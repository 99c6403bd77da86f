//! Tokens, as far as the session is concerned. Whoever drives the session has them, and adds them to what is sent; here
//! it is known that there is one, until when it is good, that one was refused, and what waits for the next.
//!
//! A token that was refused is mended as a session is: one authorization at a time, and what waits for it is sent again.

use super::call::{Kind, Place, Repair};
use super::exchange::{Answer, Exchange};
use super::flight::{Authorized, Challenge, Flight, Held, Origin, is_scope};
use super::http::{Method, Request};
use super::json_rpc;
use super::listen::Listening;
use super::policy::retry::{self, End, Known, Next};
use super::repair::Relation;
use super::session::Session;
use super::state::Step;
use super::status::Event;
use super::verdict::{Verdict, speaks_of_sessions};
use super::{CallId, Code, Error, ExchangeId, Now, Outcome, Output, Payload, Purpose};

/// A token that is refused at once is not followed by another one before this many milliseconds are over.
const PATIENCE_MS: u64 = 10_000;

impl<P: Payload> Session<P> {
    /// Whether a call that is about to be sent has to wait for a token.
    pub(super) fn waits_for_token(&mut self, id: CallId, now: Now) -> bool {
        let waits = self.config.authorizes
            && !self.authorization.is_usable(now)
            && self
                .calls
                .get(&id)
                .is_some_and(|call| matches!(call.kind, Kind::Request | Kind::Notification | Kind::Verify));
        if waits {
            self.authorize(None, now);
            self.park_for_token(id, now);
        }
        waits
    }

    /// A user is asked: in this tab, or in the one that makes the session.
    pub(super) fn asks_user(&self) -> bool {
        let elsewhere = || self.state.establishing().is_some_and(|it| matches!(it.step, Step::Elsewhere));
        self.authorization.asks_user() || self.tabs.leader_asks && elsewhere()
    }

    pub(super) fn waits_for_user(&self, id: CallId) -> bool {
        self.asks_user() && self.calls.get(&id).is_some_and(|call| matches!(call.place, Place::Here))
    }

    fn park_for_token(&mut self, id: CallId, now: Now) {
        if let Some(flight) = &mut self.authorization.flight {
            flight.calls.push(id);
        }
        if self.waits_for_user(id) {
            self.stop_clock(Some(id), now);
        }
    }

    /// What is about to be sent; `None` where it is held until there is a token.
    pub(super) fn hold_for_token(
        &mut self,
        id: ExchangeId,
        mut exchange: Box<Exchange>,
        request: Request,
        now: Now,
    ) -> Option<(Box<Exchange>, Request)> {
        exchange.token = self.authorization.token;
        if !self.config.authorizes || exchange.purpose == Purpose::Delete {
            return Some((exchange, request));
        }
        let command = exchange.purpose.call().is_some() && exchange.method == Method::Post;
        if !command {
            exchange.again = Some(Box::new(request.clone()));
        }
        if command || self.authorization.is_usable(now) {
            return Some((exchange, request));
        }
        self.authorize(None, now);
        if let Some(flight) = &mut self.authorization.flight {
            flight.held.push(Held { id, exchange, request, refused: None });
        }
        None
    }

    /// One authorization at a time.
    pub(super) fn authorize(&mut self, challenge: Option<Challenge>, now: Now) {
        let ask = challenge.is_some() && self.somebody_waits();
        if self.authorization.flight.is_some() {
            return;
        }
        self.authorization.in_vain = false;
        let flight = Flight { challenge: challenge.clone(), ask, asked: false, calls: Vec::new(), held: Vec::new() };
        self.authorization.flight = Some(flight);
        // Asked for once: what could not be refreshed is refreshed when it is refused.
        self.authorization.refresh_at_unix_ms = self.authorization.refresh_at_unix_ms.filter(|at| now.unix_ms < *at);
        self.output(Output::Authorize { challenge, ask });
    }

    /// A command that is not on the wire waits.
    fn somebody_waits(&self) -> bool {
        self.calls.values().any(|call| !matches!(call.place, Place::Sent(_) | Place::Broken(_)))
    }

    /// Takes an answer that refuses the token: what was refused is sent again under the next one. Any other answer is
    /// given back.
    pub(super) fn mend_token(
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
            let proves = !matches!(answer, Answer::Lost { .. }) && exchange.purpose != Purpose::Ping;
            if proves && exchange.token == self.authorization.token {
                self.authorization.unproven_since = None;
            }
            return Some(answer);
        };
        let late = exchange.token < self.authorization.token;
        if !late && (self.was_asked_to_connect() || self.is_hopeless(&challenge, now)) {
            return Some(answer);
        }
        // Whoever joins an authorization that is for something else may be refused once more.
        let joins = self.authorization.joins_another(&challenge) && !late;
        match exchange.purpose {
            Purpose::Cancelled | Purpose::Delete => return Some(answer),
            // A stream is taken up under the session that it began in, or not at all.
            Purpose::Call(_)
                if exchange.method == Method::Get && self.relation(exchange.generation) == Relation::Gone =>
            {
                return Some(answer);
            }
            // Of two handshakes, or of one that nobody waits for any more, nothing is mended.
            Purpose::Initialize if !self.is_only_handshake(id) => return Some(answer),
            Purpose::Call(call) | Purpose::Notification(call) if exchange.method == Method::Post => {
                let Answer::Refused { error, .. } = &answer else { return Some(answer) };
                let outcome = error.outcome;
                let Some(waiting) = self.calls.get_mut(&call) else { return Some(answer) };
                let known = waiting.known(self.config.recovery.mode, repair);
                let known = Known { repairable: known.repairable || joins && waiting.has_sends_left(), ..known };
                if retry::next(known, End::TokenRefused { outcome }) != Next::SendAgain {
                    return Some(answer);
                }
                if !joins {
                    waiting.repair(repair);
                }
                waiting.place = Place::Here;
                waiting.maybe_ran |= outcome != Outcome::NotExecuted;
                if late {
                    self.dispatch(call, now);
                } else {
                    self.authorize(Some(challenge), now);
                    self.park_for_token(call, now);
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
                let Some(request) = exchange.again.clone().filter(|_| !exchange.repaired.contains(&repair)) else {
                    return Some(answer);
                };
                let mut exchange = exchange.anew();
                exchange.repaired.extend((!joins).then_some(repair));
                let held = Held { id, exchange, request: *request, refused: Some(answer) };
                // It keeps its name: nothing of the refused attempt may be taken for the next one's.
                self.output(Output::Abort { exchange: id });
                if late {
                    self.resend(held, now);
                } else {
                    self.authorize(Some(challenge), now);
                    if let Some(flight) = &mut self.authorization.flight {
                        flight.held.push(held);
                    }
                }
            }
        }
        None
    }

    /// One `connect` asks the user once.
    fn was_asked_to_connect(&self) -> bool {
        self.authorization.asked_for.is_some_and(|connect| self.calls.contains_key(&connect))
    }

    /// Another token would be refused as well.
    fn is_hopeless(&self, challenge: &Challenge, now: Now) -> bool {
        let at_once = |since: u64| now.mono.saturating_sub(since) < PATIENCE_MS;
        self.authorization.unproven_since.is_some_and(at_once)
            || self.authorization.stepped_up_for.as_ref() == Some(challenge)
    }

    /// The user is about to be asked: the clocks of those who wait stand still. Says whether there is anybody who waits.
    pub fn handle_user_asked(&mut self, now: Now) -> bool {
        let waits = self.somebody_waits();
        let connect = self.connecting();
        let Some(flight) = self.authorization.flight.as_mut().filter(|_| waits) else { return false };
        flight.asked = true;
        self.authorization.asked_for = connect;
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            if self.waits_for_user(id) {
                self.stop_clock(Some(id), now);
            }
        }
        self.emit(Event::StateChange);
        self.tell_asking();
        true
    }

    /// Where the token comes from that is told next.
    pub fn handle_origin(&mut self, origin: Origin) {
        self.authorization.same_grant = origin.grant.is_some() && origin.grant == self.authorization.origin.grant;
        self.authorization.origin = origin;
    }

    fn connecting(&self) -> Option<CallId> {
        self.calls.iter().find(|(_, call)| call.kind == Kind::Connect).map(|(id, _)| *id)
    }

    /// How the authorization ended.
    pub fn handle_authorized(&mut self, authorized: Authorized<P>, now: Now) {
        let waits = self.somebody_waits();
        let Some(mut flight) = self.authorization.flight.take() else { return };
        let mut another = false;
        let error = match authorized {
            // Somebody has come meanwhile for whom the user may be asked.
            Authorized::NeedsUser if !flight.ask && waits => {
                flight.ask = true;
                self.output(Output::Authorize { challenge: flight.challenge.clone(), ask: true });
                self.authorization.flight = Some(flight);
                return;
            }
            Authorized::NeedsUser => {
                let text = "The server wants an authorization, for which the user would have to be asked.";
                Some(Error::boxed(Code::Auth, Outcome::NotExecuted, text))
            }
            Authorized::Failed(error) => Some(error),
            Authorized::Granted { refresh_at_unix_ms, same } => {
                self.authorization.refresh_at_unix_ms = refresh_at_unix_ms.filter(|at| now.unix_ms < *at);
                another = self.authorization.loaded && !same && !self.authorization.same_grant;
                // In another page life the user was asked for this.
                let returned = self.authorization.origin.returned.take();
                if returned.is_some() {
                    self.authorization.asked_for = self.connecting();
                    flight.challenge = flight.challenge.or(returned);
                }
                None
            }
        };
        self.authorization.loaded = true;
        self.authorization.in_vain = flight.asked && error.is_some();
        if error.is_none() {
            self.authorization.token += 1;
            self.authorization.unproven_since = flight.challenge.as_ref().map(|_| now.mono);
            self.authorization.stepped_up_for = flight.challenge.filter(|challenge| is_scope(Some(challenge)));
        }
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            self.start_clock(Some(id), now);
        }
        if flight.asked || another {
            // It may be another user than before: "MUST NOT be shared across authorization contexts".
            self.forget_cached();
        }
        if flight.asked {
            self.emit(Event::StateChange);
            self.tell_asking();
        }
        for held in flight.held {
            match &error {
                Some(error) => self.deny(held, error.clone(), now),
                None => self.resend(held, now),
            }
        }
        for id in flight.calls {
            match &error {
                Some(error) => {
                    let outcome = self.outcome(id);
                    self.settle(id, Err(error.clone().with_outcome(outcome)));
                }
                None => self.dispatch(id, now),
            }
        }
        if error.is_none() {
            self.listen_if_denied();
        }
        self.take_found(now);
        self.listen(now);
    }

    /// Sends a held exchange, with an id that the server has not seen.
    fn resend(&mut self, held: Held<P>, now: Now) {
        let Held { id, mut exchange, mut request, refused } = held;
        if self.relation(exchange.generation) == Relation::Gone {
            if matches!(exchange.purpose, Purpose::Answer | Purpose::Cancelled | Purpose::Listen) {
                return;
            }
            if exchange.purpose.call().is_some() && exchange.method == Method::Get {
                let text = "The session was lost while the stream of the call waited for a token.";
                let error = Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, text).retryable();
                return self.deny(Held { id, exchange, request, refused }, error, now);
            }
        }
        if exchange.purpose == Purpose::Listen && !self.wants_to_listen() {
            return self.stream_not_opened(id, Listening::Off, now);
        }
        if let (Some(old), Some(body), true, true) =
            (exchange.wire_id, &request.body, refused.is_some(), exchange.method == Method::Post)
        {
            let new = self.fresh_wire_id();
            request.body = Some(json_rpc::renumber(body, old, new));
            exchange.wire_id = Some(new);
        }
        exchange.token = self.authorization.token;
        exchange.again = Some(Box::new(request.clone()));
        self.transmit(id, exchange, request, now);
    }

    /// A listening stream that was held is not opened.
    fn stream_not_opened(&mut self, id: ExchangeId, next: Listening, now: Now) {
        if self.stream_over(id, now).is_some() {
            self.set_listening_state(next);
            self.stream_lost(id, now);
        }
    }

    /// There is no token, and the error says why.
    fn deny(&mut self, held: Held<P>, error: Box<Error<P>>, now: Now) {
        if held.exchange.purpose == Purpose::Listen {
            self.stream_not_opened(held.id, Listening::Denied, now);
            return self.subscribers_denied(&error);
        }
        let answer = match held.refused {
            // That there is no token says nothing of the era.
            Some(Answer::Refused { .. }) if held.exchange.purpose == Purpose::Discover => Answer::Unusable { error },
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
