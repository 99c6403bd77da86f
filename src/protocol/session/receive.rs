//! What an exchange brings: from the driver's facts to one [`Answer`] and whose it is.

use super::Session;
use super::questions::Asked;
use crate::protocol::bounds;
use crate::protocol::codec::http::Head;
use crate::protocol::codec::json_rpc::{Message, RpcError};
use crate::protocol::exchanges::body;
use crate::protocol::exchanges::wording::{EXCERPT, broken_answer, broken_off, refusal_error, unusable};
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::SessionId;
use crate::protocol::policy::backoff;
use crate::protocol::policy::verdict::{self, Refusal, Verdict};
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{Code, Error, ExchangeId, Input, Malformed, Now, Outcome, Output, Payload, Purpose, Unreached};
use std::borrow::Cow;

/// A stream whose answer was taken is given this long to end by itself, so that its connection can be used again.
const DRAIN_MS: u64 = 2_000;
/// The body of a refusal is waited for so long after its head.
const REFUSAL_MS: u64 = 3_000;
const UNEXPECTED_REQUEST: &str =
    "The server sent a request, which this version of the protocol does not know. It was left out.";

impl<P: Payload> Session<P> {
    /// Takes a fact about an exchange.
    pub fn handle_input(&mut self, id: ExchangeId, input: Input<P>, now: Now) {
        self.take_input(id, input, now);
        self.send_waiting(now);
    }

    fn take_input(&mut self, id: ExchangeId, input: Input<P>, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        match input {
            Input::Fields(fields) => self.handle_fields(Some(id), &fields, now),
            Input::Head(head) if self.lifecycle.is_closed() && exchange.purpose() == Purpose::Initialize => {
                self.end_unwanted(id, &head, now);
            }
            Input::Head(head) => self.take_head(id, head, now),
            Input::Message(value) => {
                self.exchanges.set_stream(id, false);
                self.take_messages(id, &value, now);
                self.take_no_answer(id, now);
            }
            Input::Event { id: event_id, retry_ms, message } => {
                let (purpose, generation) = (exchange.purpose(), exchange.generation());
                self.exchanges.saw_event(id, event_id.clone(), retry_ms, message.is_some());
                if let (Some(call), Some(event_id)) = (purpose.call(), event_id)
                    && self.calls.get(call).is_some_and(|call| call.options().event_ids)
                {
                    self.client.told_event(&event_id, generation);
                    self.emit(Event::EventId { call, generation, event_id });
                }
                if let Some(message) = message {
                    self.take_messages(id, &message, now);
                }
            }
            // Whatever else it is, the blank line may yet come.
            Input::Unfinished(value) => {
                let answers = !exchange.is_concluded() && body::is_answer(exchange, &value);
                self.exchanges.set_stream(id, true);
                if answers {
                    self.take_messages(id, &value, now);
                }
            }
            Input::Text(text) => self.take_text(id, &text, now),
            Input::Malformed(malformed) => self.take_malformed(id, &malformed, now),
            Input::Following { status } => self.take_following(id, status, now),
            // Nothing that was said elsewhere is the gate's word on what was sent.
            Input::Followed => self.exchanges.was_dispatched(id),
            Input::Redirected(redirect) => self.take_redirect(id, redirect, now),
            Input::Unsent { cause } => {
                let message = "The option `headers` gave no headers that can be sent: nothing was sent.";
                let mut error = Error::boxed(Code::InvalidOption, Outcome::NotExecuted, message);
                error.cause = cause;
                self.conclude(id, Answer::Unusable { error }, now);
            }
            Input::Unproven { cause } => {
                let message = "The token, or the proof that goes with it (DPoP), could not be had: see `cause`. Nothing was sent.";
                let mut error = Error::boxed(Code::Auth, Outcome::NotExecuted, message);
                error.cause = cause;
                self.conclude(id, Answer::Unusable { error }, now);
            }
            Input::Outdated => self.take_outdated(id, now),
            Input::Proxied { said, status } => self.take_proxied(id, &said, status, now),
            Input::End => self.take_end(id, now),
            Input::Failed { cause } => self.take_failure(id, None, cause, now),
            Input::Unreached { why, unsent, cause } => self.take_failure(id, Some((why, unsent)), cause, now),
        }
    }

    fn take_head(&mut self, id: ExchangeId, head: Head, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let how = exchange.read_as(&head, self.config.max_message_bytes, self.config.max_event_bytes);
        // Also of a session that comes to nothing: it is told nowhere.
        let own = exchange.session().map(SessionId::expose);
        let named = head.session().ok().flatten().filter(|id| own != Some(id.expose()));
        named.iter().for_each(|id| self.identity.confidential_mut().remember_id(id.expose()));
        if let (true, Some(session), Some(id)) = (planted!("id_from_error"), self.lifecycle.ready(), named) {
            let (version, handshake) = (session.version(), session.handshake().clone());
            let capabilities = session.capabilities().map(<[_]>::to_vec);
            let adopted = self.lifecycle.next_session(Some(id), version, handshake, now);
            self.lifecycle.take_up(adopted.declaring(capabilities));
        }
        let (listens, era) = (exchange.purpose() == Purpose::Listen, exchange.era());
        let is_refused = !head.is_success();
        self.exchanges.set_head(id, head, how, now);
        if is_refused {
            // The rest of a refusal is worth a moment.
            self.effects.set_timer(Timer::Exchange(id), now.mono.saturating_add(REFUSAL_MS));
        } else if listens && !era.listens_by_request() {
            self.effects.clear_timer(Timer::Exchange(id));
        }
        self.output(Output::Read { exchange: id, how });
        if listens {
            self.release_held(now);
        }
    }

    /// One message, or a batch of them (2025-03-26).
    fn take_messages(&mut self, id: ExchangeId, value: &P, now: Now) {
        match value.count() {
            None => self.take_message(id, value, now),
            Some(count) if count <= bounds::BATCH => {
                bounds::each(value).for_each(|value| self.take_message(id, &value, now));
            }
            Some(_) => self.unreadable(id, bounds::too_many("messages in a batch", bounds::BATCH), now),
        }
    }

    fn take_message(&mut self, id: ExchangeId, value: &P, now: Now) {
        let message = Message::read(value);
        if matches!(message, Message::Request { .. } | Message::Notification { .. }) {
            self.exchanges.was_dispatched(id);
        }
        // A message before it in the same batch may have ended the exchange.
        let Some(exchange) = self.exchanges.get(id) else { return };
        match message {
            Message::Request { id: asked, method, params } => {
                let (purpose, generation) = (exchange.purpose(), exchange.generation());
                if purpose == Purpose::Initialize {
                    self.asked_early(id, &asked, &method, now);
                } else if exchange.era().asks_by_request() {
                    self.asked(Asked { id: asked, method, params, on: purpose, generation }, now);
                } else {
                    // "Clients MUST NOT send JSON-RPC responses" (2026-07-28, transports, Sending 4).
                    self.emit(Event::Warning { kind: "unexpected_request", header: None, hint: UNEXPECTED_REQUEST });
                }
            }
            Message::Notification { method, params } => self.notified(id, method, params, now),
            // "The result of subscriptions/listen ends the stream" (2026-07-28, patterns, Subscriptions).
            Message::Result { id: of, .. }
                if exchange.era().listens_by_request()
                    && exchange.purpose() == Purpose::Listen
                    && exchange.is_answered_by(of.as_ref()) =>
            {
                self.output(Output::Abort { exchange: id });
                self.conclude(id, Answer::Accepted, now);
            }
            _ if exchange.is_concluded() || exchange.is_stream() && !exchange.hears_answer(&message) => {}
            // Said to another request.
            Message::Error { ref id, .. }
                if exchange.is_stream() && exchange.is_to_another(id.as_ref()) && !planted!("error_of_another") => {}
            Message::Result { id: of, result } => {
                if exchange.is_answered_by(of.as_ref()) || planted!("answer_of_another") && of.is_some() {
                    self.conclude(id, Answer::Result(result), now);
                }
            }
            Message::Error { .. } | Message::Other { .. } => {
                let status = exchange.status();
                let Some(refusal) = Refusal::from_message(status, &message, exchange.request_id()) else { return };
                let error = match message {
                    Message::Error { error, .. } => Some(error),
                    Message::Result { .. }
                    | Message::Request { .. }
                    | Message::Notification { .. }
                    | Message::Other { .. } => None,
                };
                if error.is_none() && self.judge(exchange, &refusal) == Verdict::NotEviction {
                    // On a stream the answer may follow; and nobody reads an answer to a notification.
                    if !exchange.is_stream() && exchange.purpose().wants_response() {
                        let error = unusable(exchange, None);
                        self.conclude(id, Answer::Unusable { error }, now);
                    }
                    return;
                }
                self.refused(id, refusal, error, now);
            }
        }
    }

    /// A whole body was read: the answer that was not in it will not come.
    fn take_no_answer(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.exchanges.get(id).filter(|exchange| exchange.purpose().wants_response()) else {
            return;
        };
        let message =
            "The server answered with JSON-RPC that does not answer this request: no response, or one to another id.";
        let error = Error::boxed(Code::Protocol, Outcome::Unknown, message).with_status(exchange.status());
        self.conclude(id, Answer::Unusable { error }, now);
    }

    fn take_text(&mut self, id: ExchangeId, text: &str, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let Some(head) = exchange.head() else { return };
        // What is JSON-RPC under our own id is the answer, whatever the status and the framing say.
        let answer = body::answer_in::<P>(exchange, text);
        let (text, answer) = match answer.map(|value| (value.to_json(), Message::read(&value))) {
            Some((_, Message::Result { result, .. })) if exchange.purpose().wants_response() => {
                return self.conclude(id, Answer::Result(result), now);
            }
            Some((Some(json), answer)) => (Cow::Owned(json), Some(answer)),
            Some((None, answer)) => (Cow::Borrowed(text), Some(answer)),
            None => (Cow::Borrowed(text), P::parse(text).map(|value| Message::read(&value))),
        };
        let refusal = Refusal::from_text(head.status, head.www_authenticate.clone(), &text, exchange.request_id());
        if head.is_success() && self.judge(exchange, &refusal) == Verdict::NotEviction && refusal.rpc_code.is_none() {
            let error = body::no_answer(exchange, &text);
            return self.conclude(id, Answer::Unusable { error }, now);
        }
        let error = match answer {
            Some(Message::Error { error, .. }) => Some(error),
            Some(
                Message::Result { .. } | Message::Request { .. } | Message::Notification { .. } | Message::Other { .. },
            )
            | None => None,
        };
        self.refused(id, refusal, error, now);
    }

    fn take_malformed(&mut self, id: ExchangeId, malformed: &Malformed, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let error = match malformed {
            Malformed::Event { begins } if !exchange.is_concluded() && body::is_broken_answer(exchange, begins) => {
                broken_answer(exchange)
            }
            Malformed::Event { .. } => {
                return self.emit(Event::Warning {
                    kind: "malformed_event",
                    header: None,
                    hint: "The server sent an event whose data is no JSON. It was left out.",
                });
            }
            Malformed::Json { bytes } => unusable(exchange, Some(*bytes)),
            Malformed::Utf8 => Error::boxed(
                Code::Protocol,
                Outcome::Unknown,
                "The answer is not UTF-8, as JSON must be. Other clients may read it, with some characters replaced.",
            ),
            Malformed::TooLarge { limit } => Error::boxed(
                Code::TooLarge,
                Outcome::Unknown,
                format!(
                    "The answer is larger than {limit} bytes. Ask for less, or raise maxMessageBytes or maxEventBytes."
                ),
            ),
        };
        self.unreadable(id, error, now);
    }

    /// Nothing more of it is read.
    fn unreadable(&mut self, id: ExchangeId, error: Box<Error<P>>, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let error = error.with_status(exchange.status());
        if exchange.is_stream() {
            self.output(Output::Abort { exchange: id });
        }
        self.conclude(id, Answer::Unusable { error }, now);
        self.remove_exchange(id, now);
    }

    fn take_end(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        if !exchange.is_concluded() {
            let answer = match exchange.head() {
                Some(head) if head.is_success() && !exchange.purpose().wants_response() => Answer::Accepted,
                Some(head) if head.is_success() && !exchange.is_stream() => {
                    Answer::Unusable { error: unusable(exchange, Some(0)) }
                }
                _ => Answer::Lost {
                    error: Error::boxed(
                        Code::OutcomeUnknown,
                        Outcome::Unknown,
                        "The server ended the stream without an answer: the call may have run.",
                    )
                    .with_status(exchange.status())
                    .retryable(),
                },
            };
            self.conclude(id, answer, now);
        }
        self.remove_exchange(id, now);
    }

    pub(in crate::protocol) fn take_failure(
        &mut self,
        id: ExchangeId,
        told: Option<(Unreached, bool)>,
        cause: Option<P>,
        now: Now,
    ) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        if !exchange.is_concluded() {
            if matches!(exchange.purpose(), Purpose::Call(_)) {
                self.page.call_broke_off(now);
            }
            let error = broken_off(exchange, told, cause);
            self.conclude(id, Answer::Lost { error }, now);
        }
        self.remove_exchange(id, now);
    }

    /// An exchange of our own has had its time; or its stream was given long enough to end.
    pub(in crate::protocol) fn exchange_timed_out(&mut self, id: ExchangeId, now: Now) {
        let Some(exchange) = self.exchanges.get(id) else { return };
        let head = exchange.head().filter(|head| !head.is_success());
        let refusal = head.map(|head| Refusal::unread(head.status, head.www_authenticate.clone()));
        let concluded = exchange.is_concluded();
        self.output(Output::Abort { exchange: id });
        if let (Some(refusal), false) = (refusal, concluded) {
            self.refused(id, refusal, None, now);
        } else if !concluded {
            let error = Error::boxed(Code::Timeout, Outcome::Unknown, "The server did not answer in time.").retryable();
            let error = self.hint_at_connections(error);
            self.conclude(id, Answer::Lost { error }, now);
        }
        self.remove_exchange(id, now);
    }

    fn judge(&self, exchange: &Exchange, refusal: &Refusal) -> Verdict {
        verdict::classify(&exchange.asked(), refusal)
    }

    fn refused(&mut self, id: ExchangeId, refusal: Refusal, error: Option<RpcError<P>>, now: Now) {
        self.exchanges.time_refusal(id, now);
        let Some(exchange) = self.exchanges.get(id) else { return };
        let retry_after = exchange.head().and_then(|head| head.retry_after.as_deref());
        let retry_after = retry_after.and_then(|value| backoff::retry_after(value, now.unix_ms));
        let own = self.config.handshake.is_own();
        let bound = if own { EXCERPT } else { bounds::TEXT as usize };
        let error = refusal_error(self.identity.confidential(), &refusal, error, exchange, bound);
        self.conclude(id, Answer::Refused { refusal, error, retry_after }, now);
    }

    /// Takes the answer of an exchange: once.
    pub(in crate::protocol) fn conclude(&mut self, id: ExchangeId, answer: Answer<P>, now: Now) {
        let Some(goes_on) = self.exchanges.concludes(id, &answer) else { return };
        let exchange = if goes_on {
            self.effects.set_timer(Timer::Exchange(id), now.mono.saturating_add(DRAIN_MS));
            self.hurry_streams(now);
            self.exchanges.get(id).cloned().map(Box::new)
        } else {
            self.remove_exchange(id, now)
        };
        let Some(exchange) = exchange else { return };
        let verdict = match &answer {
            Answer::Refused { refusal, .. } => Some(self.judge(&exchange, refusal)),
            Answer::Unusable { .. } => Some(Verdict::NotEviction),
            Answer::Result(_) | Answer::Accepted | Answer::Lost { .. } => None,
        };
        let step = exchange.answered(&answer, verdict, now);
        self.emit(exchange.wire(id, step, now));
        self.authorization.went_out();
        let verdict = verdict.unwrap_or(Verdict::NotEviction);
        self.heard_under(&exchange, &answer, now);
        let ended = self.lifecycle.is_closed();
        let answer = if ended { Some(answer) } else { self.mend_token(id, &exchange, answer, now) };
        if let Some(answer) = answer {
            self.answered(id, &exchange, answer, verdict, now);
        }
    }

    /// Hands an answer to whose it is.
    pub(in crate::protocol) fn answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        if matches!(answer, Answer::Result(_)) {
            self.shows(exchange);
        }
        match exchange.purpose() {
            Purpose::Discover => self.discover_answered(id, exchange, answer, now),
            Purpose::Initialize => self.handshake_answered(id, exchange, answer, verdict, now),
            Purpose::Initialized => self.initialized_answered(id, exchange, answer, verdict, now),
            Purpose::Call(call) => self.call_answered(call, exchange, answer, verdict, now),
            Purpose::Notification(call) => self.notification_answered(call, exchange, answer, verdict, now),
            Purpose::Ping => self.ping_answered(id, exchange, answer, verdict, now),
            Purpose::Restore => self.restore_answered(id, exchange, answer, verdict, now),
            Purpose::Listen => self.listen_answered(id, exchange, answer, verdict, now),
            Purpose::Cancelled | Purpose::Answer => self.aside_answered(exchange, verdict, now),
            Purpose::Delete => self.delete_answered(id, now),
        }
    }
}
