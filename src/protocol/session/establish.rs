//! How a session is made: the steps to it, the handshake and its answer, and what follows when it is in place. What if an
//! attempt fails is `failure`'s.

use super::Session;
use super::close::delete_request;
use super::send::Own;
use crate::protocol::calls::{Kind, Queue};
use crate::protocol::codec::http::Head;
use crate::protocol::codec::json::Members;
use crate::protocol::effect::{Effect, Succession};
use crate::protocol::era::legacy;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::{Discovered, Established, Since, Step};
use crate::protocol::policy::probe::{named, unsupported_error};
use crate::protocol::policy::verdict::{Verdict, says_already_initialized};
use crate::protocol::status::{Changes, Event, LastRecovery};
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, ExchangeId, Field, Now, Outcome, Params, Payload, Purpose};

const VERSION: &str = "protocolVersion";
const NO_ENDPOINT: &str = " No MCP server answers at this URL; or it is one of the HTTP+SSE transport of 2024-11-05, which \
                           is not supported: such servers often have a Streamable HTTP endpoint too, at another path.";
pub(in crate::protocol) const OTHER_SERVER: &str = "the server is another now";

impl<P: Payload> Session<P> {
    pub(in crate::protocol) fn step(&mut self, step: Step<P>) {
        self.effects.clear_timer(Timer::Step);
        self.lifecycle.step(step);
    }

    /// The step's time is up.
    pub(in crate::protocol) fn step_due(&mut self, now: Now) {
        let Some(establishing) = self.lifecycle.establishing() else { return };
        match (&establishing.step, &establishing.since) {
            (Step::Backoff { .. }, _) if self.is_offline() => self.wait_for_network(now),
            (Step::Backoff { .. }, Since::Doubt { .. }) => {
                if let Some(ping) = self.ping(now) {
                    self.step_with_ping(Step::Check { ping }, now);
                    self.emit(Event::StateChange);
                }
            }
            (Step::Backoff { .. }, Since::First | Since::Lost { .. }) => {
                self.begin(now);
                self.emit(Event::StateChange);
            }
            (Step::Handshake { .. }, _) => self.handshake_due(now),
            (Step::Probe { .. }, _) => self.probe_due(now),
            (&(Step::Check { ping } | Step::Confirm { ping, .. } | Step::Proof { ping, .. }), _) => {
                let again = self.ping_again(ping, now);
                self.lifecycle.asked_again(again);
            }
            _ => {}
        }
    }

    /// Sends `initialize`, without a session id, always.
    pub(in crate::protocol) fn handshake(&mut self, now: Now) {
        if self.delegate_to_leader(now) {
            return;
        }
        if self.has_nothing_to_replay() {
            let text = "The session has expired. It was taken up without its `initialize`, and cannot be made anew.";
            return self.part(Error::boxed(Code::SessionLost, Outcome::NotExecuted, text), "the session expired", now);
        }
        let exchange = self.send_initialize(self.handshake_ms(now.mono), now);
        self.step(Step::Handshake { exchange, hedge: None });
        if self.lifecycle.establishing().is_some_and(|establishing| !matches!(establishing.since, Since::First)) {
            self.watch_handshake(now);
        }
    }

    pub(in crate::protocol) fn send_initialize(&mut self, timeout_ms: u64, now: Now) -> ExchangeId {
        let params = self.initialize_params();
        self.exchanges.fresh_request_id();
        let parcel = self.own_request(
            Own { purpose: Purpose::Initialize, method: legacy::INITIALIZE, params: &params, timeout_ms },
            None,
            now,
        );
        self.send(parcel, now)
    }

    fn initialize_params(&self) -> Params {
        match (self.config.handshake.own(), self.lifecycle.known()) {
            (Some((client_info, capabilities)), _) => Params {
                text: Some(format!(
                    r#"{{"protocolVersion":"{}","capabilities":{capabilities},"clientInfo":{client_info}}}"#,
                    self.lifecycle.offers()
                )),
                ..Params::default()
            },
            (None, None) => self.client.initialize().clone(),
            // The host's Client goes on with the version that it knows.
            (None, Some(session)) => {
                let initialize = self.client.initialize();
                let text = initialize.text.as_deref().unwrap_or("{}");
                let mut params = Members::parse(text).unwrap_or_default();
                params.retain(|name| name != VERSION);
                params.push(VERSION, session.version());
                Params { text: Some(params.to_text()), ..initialize.clone() }
            }
        }
    }

    pub(in crate::protocol) fn handshake_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        let other = match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(Step::Handshake { exchange, hedge }) if *exchange == id => *hedge,
            Some(Step::Handshake { exchange, hedge: Some(hedge) }) if *hedge == id => Some(*exchange),
            Some(_) | None => return self.end_late(exchange, answer, now),
        };
        // Of two, one that comes to nothing touches nothing: the other is waited for.
        let waits = other.is_some_and(|other| self.is_under_way(other));
        if waits && !matches!(answer, Answer::Result(_)) {
            if let Answer::Refused { retry_after: Some(ms), .. } = answer {
                self.lifecycle.hedge_refused(now.mono.saturating_add(ms));
            }
            return;
        }
        let Answer::Result(result) = answer else { return self.handshake_failed(exchange, answer, verdict, now) };
        match self.read_handshake(exchange, result, now) {
            Ok(fresh) => {
                self.lifecycle.speaks_legacy(now);
                self.lifecycle.handshake_took(now.mono.saturating_sub(exchange.sent().mono));
                self.handshake_succeeded(fresh, now);
            }
            Err(error) if self.is_other_server(&error) => self.part(error, OTHER_SERVER, now),
            Err(error) => self.attempt_failed(error, 0, now),
        }
    }

    /// `initialize` did not succeed.
    fn handshake_failed(&mut self, exchange: &Exchange, answer: Answer<P>, verdict: Verdict, now: Now) {
        match answer {
            Answer::Refused { .. } => self.handshake_refused(exchange, answer, verdict, now),
            Answer::Unusable { mut error } => {
                if error.code == Code::NotMcp {
                    error.message += " It was asked to `initialize`: no MCP server answers at this URL.";
                }
                self.attempt_failed(error, 0, now);
            }
            Answer::Lost { mut error } => {
                self.initialize_lost(&error);
                if error.code == Code::OutcomeUnknown {
                    error.code = Code::NotMcp;
                    "The server ended the stream without an answer to `initialize`.".clone_into(&mut error.message);
                }
                self.attempt_failed(error, 0, now);
            }
            Answer::Accepted | Answer::Result(_) => {}
        }
    }

    fn handshake_refused(&mut self, exchange: &Exchange, answer: Answer<P>, verdict: Verdict, now: Now) {
        let Answer::Refused { refusal, retry_after, error } = answer else { return };
        if says_already_initialized(&refusal) && self.clear_old_session(now) {
            return;
        }
        if let Some(version) = self.other_version(&refusal, &error) {
            self.lifecycle.offer(version);
            return self.handshake(now);
        }
        if !matches!(verdict, Verdict::Transient | Verdict::UnknownOutcome { .. }) {
            // The next attempt asks which era it is.
            self.lifecycle.forget_legacy();
        }
        let mut error = error;
        let other_era = verdict == Verdict::OtherEra;
        let probed = self.lifecycle.establishing().map(|establishing| establishing.discovered);
        let unlike_legacy = matches!(refusal.status, 400 | 404 | 405 | 410 | 415)
            && (probed != Some(Discovered::Unclear) || refusal.rpc_code.is_some());
        if (other_era || unlike_legacy) && self.doubt_legacy(other_era, &mut error, now) {
            return;
        }
        if other_era && error.code != Code::Cors {
            let unsupported = unsupported_error::<P>(&named(&error));
            error.code = unsupported.code;
            error.message = unsupported.message;
            if self.is_other_server(&error) {
                return self.part(error, OTHER_SERVER, now);
            }
        }
        if let Some(error) = self.was_redirected(exchange) {
            return self.attempt_failed(error, 0, now);
        }
        // Static hosts say 501 of a POST, and go on saying it.
        if matches!(refusal.status, 404 | 405 | 501) {
            error.code = Code::NotMcp;
            error.retryable = false;
            error.message += NO_ENDPOINT;
        }
        let wait = if verdict == Verdict::Transient { retry_after } else { None };
        self.attempt_failed(error, wait.unwrap_or_default(), now);
    }

    pub(in crate::protocol) fn read_handshake(
        &mut self,
        exchange: &Exchange,
        result: P,
        now: Now,
    ) -> Result<Box<Established<P>>, Box<Error<P>>> {
        let Some(named) = result.text(Field::ProtocolVersion) else {
            let message = "The answer to `initialize` has no protocolVersion that is a string.";
            return Err(Error::boxed(Code::NotMcp, Outcome::NotExecuted, message));
        };
        let Some(version) = legacy::version(&named) else {
            let ours = legacy::VERSIONS.join(", ");
            let theirs = named.as_str();
            let theirs = if legacy::is_date(theirs) { theirs } else { "of another form" };
            let message = format!("The server speaks protocol version {theirs}; this client speaks {ours}.");
            return Err(Error::boxed(Code::UnsupportedVersion, Outcome::NotExecuted, message));
        };
        let id = exchange.head().map_or(Ok(None), Head::session);
        let id = id.map_err(|(code, message)| Error::boxed(code, Outcome::NotExecuted, message))?;
        if let Some(error) = self.cannot_be_kept(&result) {
            return Err(error);
        }
        let own = self.config.handshake.is_own();
        let capabilities = if own { legacy::capabilities(&result) } else { None };
        let fresh = self.lifecycle.next_session(id, version, result, now);
        Ok(fresh.declaring(capabilities).of_owner(exchange.owner()))
    }

    fn handshake_succeeded(&mut self, fresh: Box<Established<P>>, now: Now) {
        let Some(establishing) = self.lifecycle.establishing() else { return };
        match (&establishing.since, self.config.handshake.is_hosts()) {
            (Since::Doubt { .. }, _) => {
                if let Some(ping) = self.ping(now) {
                    self.step_with_ping(Step::Confirm { ping, fresh }, now);
                }
            }
            // The host's Client has its answer if nobody waits for one: this handshake is ours to finish.
            (Since::First, true) => {
                let is_connect = |id: &CallId| self.calls.get(*id).is_some_and(|call| call.kind() == Kind::Connect);
                let connecting: Vec<CallId> = self.calls.queued(Queue::Session).filter(is_connect).collect();
                let result = fresh.handshake().clone();
                self.step(Step::Made { fresh });
                if connecting.is_empty() {
                    return self.initialized(now);
                }
                connecting.into_iter().for_each(|id| self.settle(id, Ok(result.clone())));
            }
            (Since::First | Since::Lost { .. }, _) => {
                self.step(Step::Made { fresh });
                self.initialized(now);
            }
        }
    }

    /// The new session is ready: the parked calls go out at once.
    pub(in crate::protocol) fn established(&mut self, now: Now) {
        if self.lifecycle.fresh().is_some() {
            self.put_in_place(now);
            self.share_session(now);
        }
    }

    pub(in crate::protocol) fn put_in_place(&mut self, now: Now) {
        let Some(since) = self.lifecycle.establish(now) else { return };
        let parked = self.calls.dequeue_all(Queue::Session);
        self.effects.clear_timer(Timer::Step);
        self.effects.push(Effect::InPlace);
        self.effects.push(Effect::KeepAlive);
        self.tell_host(Event::StateChange);
        self.effects.push(Effect::ListenFirst);
        match since {
            Since::Lost { old, reason, at } => self.succeed(&old, reason, at, parked, now),
            Since::First | Since::Doubt { .. } => {
                parked.into_iter().for_each(|id| self.effects.push(Effect::Release(id)));
            }
        }
        self.effects.push(Effect::Listen);
        self.heed(now);
    }

    /// The session that is ready takes the place of one that was lost.
    fn succeed(&mut self, old: &Established<P>, reason: &'static str, at: Now, parked: Vec<CallId>, now: Now) {
        let retried = parked.iter().filter_map(|id| self.calls.get(*id)).filter(|call| call.sends() > 0).count();
        let recovery = LastRecovery {
            at_unix_ms: now.unix_ms,
            reason,
            duration_ms: now.mono.saturating_sub(at.mono),
            retried: u32::try_from(retried).unwrap_or(u32::MAX),
            restored: Vec::new(),
            lost: Vec::new(),
        };
        self.lifecycle.note_recovery(recovery.clone());
        let changes = self.lifecycle.ready().map(|fresh| Changes::between(old, fresh)).unwrap_or_default();
        self.effects.push(Effect::Restore(Box::new(Succession { recovery, changes, parked })));
    }

    /// A single-session server still holds the old session: it is ended, and the handshake tried once more. What is
    /// refused under it from now on may have been running.
    fn clear_old_session(&mut self, now: Now) -> bool {
        let Some(Since::Lost { old, .. }) = self.lifecycle.establishing().map(|e| &e.since) else { return false };
        if self.lifecycle.establishing().is_some_and(|e| e.cleared) {
            return false;
        }
        let Some((exchange, request)) = delete_request(old, now) else { return false };
        self.lifecycle.forget_refusal();
        self.ends_for_all(true);
        let exchange = self.delete((exchange, request), now);
        self.lifecycle.cleared();
        self.step(Step::Clearing { exchange });
        true
    }
}
