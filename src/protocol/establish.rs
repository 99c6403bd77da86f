//! How a session is made: the handshake, its failures, and the pauses between them.

use super::call::Kind;
use super::close::delete_request;
use super::config::Handshake;
use super::era::legacy;
use super::era::negotiation::{named, unsupported_error};
use super::exchange::{Answer, Exchange};
use super::http::Head;
use super::json::Json;
use super::list::Gather;
use super::session::Session;
use super::state::{Discovered, Established, Since, Step};
use super::status::{Changes, Event, LastRecovery};
use super::time::Timer;
use super::verdict::{Verdict, says_already_initialized};
use super::{CallId, Code, Error, ExchangeId, Field, Now, Outcome, Params, Payload, Purpose};

const VERSION: &str = "protocolVersion";
const NO_ENDPOINT: &str = " No MCP server answers at this URL; or it is one of the HTTP+SSE transport of 2024-11-05, which \
                           is not supported: such servers often have a Streamable HTTP endpoint too, at another path.";
pub(super) const OTHER_SERVER: &str = "the server is another now";

impl<P: Payload> Session<P> {
    pub(super) fn step(&mut self, step: Step<P>) {
        self.timers.clear(Timer::Step);
        if let Some(establishing) = self.state.establishing_mut() {
            establishing.step = step;
        }
    }

    /// The step's time is up.
    pub(super) fn step_due(&mut self, now: Now) {
        let Some(establishing) = self.state.establishing() else { return };
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
                if let Some(Step::Check { ping } | Step::Confirm { ping, .. } | Step::Proof { ping, .. }) =
                    self.state.establishing_mut().map(|establishing| &mut establishing.step)
                {
                    *ping = again;
                }
            }
            (
                Step::Idle
                | Step::Discover { .. }
                | Step::Host { .. }
                | Step::Initialized { .. }
                | Step::Clearing { .. }
                | Step::Elsewhere,
                _,
            ) => {}
        }
    }

    /// Sends `initialize`, without a session id, always.
    pub(super) fn handshake(&mut self, now: Now) {
        if self.is_made_elsewhere(now) {
            return;
        }
        if self.has_nothing_to_replay() {
            let text = "The session has expired. It was taken up without its `initialize`, and cannot be made anew.";
            return self.part(Error::boxed(Code::SessionLost, Outcome::NotExecuted, text), "the session expired", now);
        }
        let exchange = self.send_initialize(self.handshake_ms(now.mono), now);
        self.step(Step::Handshake { exchange, hedge: None });
        if self.state.establishing().is_some_and(|establishing| !matches!(establishing.since, Since::First)) {
            self.watch_handshake(now);
        }
    }

    pub(super) fn send_initialize(&mut self, timeout_ms: u64, now: Now) -> ExchangeId {
        let params = self.initialize_params();
        self.fresh_wire_id();
        let parcel = self.own_request(Purpose::Initialize, None, legacy::INITIALIZE, &params, timeout_ms, now);
        self.send(parcel, now)
    }

    fn initialize_params(&self) -> Params {
        match (&self.config.handshake, self.state.known()) {
            (Handshake::Own { client_info, capabilities }, _) => Params {
                text: Some(format!(
                    r#"{{"protocolVersion":"{}","capabilities":{capabilities},"clientInfo":{client_info}}}"#,
                    self.past.offers
                )),
                ..Params::default()
            },
            (Handshake::Host, None) => self.host_params.clone(),
            // The host's Client goes on with the version that it knows.
            (Handshake::Host, Some(session)) => {
                let text = self.host_params.text.as_deref().unwrap_or("{}");
                let params = Json::parse(text).unwrap_or_default();
                let others = params.members().iter().filter(|(name, _)| name != VERSION).cloned();
                let version = (VERSION.to_owned(), Json::Text(session.version.to_owned()));
                let params = Json::Object(others.chain([version]).gather());
                Params { text: Some(params.to_text()), ..self.host_params.clone() }
            }
        }
    }

    pub(super) fn handshake_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        let other = match self.state.establishing().map(|establishing| &establishing.step) {
            Some(Step::Handshake { exchange, hedge }) if *exchange == id => *hedge,
            Some(Step::Handshake { exchange, hedge: Some(hedge) }) if *hedge == id => Some(*exchange),
            Some(_) | None => return self.end_late(exchange, answer, now),
        };
        // Of two, one that comes to nothing touches nothing: the other is waited for.
        let waits = other.is_some_and(|other| self.is_under_way(other));
        if waits && !matches!(answer, Answer::Result(_)) {
            if let Answer::Refused { retry_after: Some(ms), .. } = answer {
                self.past.hedge_not_before = now.mono.saturating_add(ms);
            }
            return;
        }
        let result = match answer {
            Answer::Result(result) => result,
            Answer::Refused { refusal, retry_after, error } => {
                if says_already_initialized(&refusal) && self.clear_old_session(now) {
                    return;
                }
                if let Some(version) = self.other_version(&refusal, &error) {
                    self.past.offers = version;
                    return self.handshake(now);
                }
                if !matches!(verdict, Verdict::Transient | Verdict::UnknownOutcome { .. }) {
                    // The next attempt asks which era it is.
                    self.past.legacy_since = None;
                }
                if let Some(version) = self.other_version(&refusal, &error) {
                    self.past.offers = version;
                    return self.handshake(now);
                }
                let mut error = error;
                let other_era = verdict == Verdict::OtherEra;
                let probed = self.state.establishing().map(|establishing| establishing.discovered);
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
                if matches!(refusal.status, 404 | 405) {
                    error.code = Code::NotMcp;
                    error.message += NO_ENDPOINT;
                }
                let wait = if verdict == Verdict::Transient { retry_after } else { None };
                return self.attempt_failed(error, wait.unwrap_or_default(), now);
            }
            Answer::Unusable { mut error } => {
                if error.code == Code::NotMcp {
                    error.message += " It was asked to `initialize`: no MCP server answers at this URL.";
                }
                return self.attempt_failed(error, 0, now);
            }
            Answer::Lost { mut error } => {
                self.initialize_lost(&error);
                if error.code == Code::OutcomeUnknown {
                    error.code = Code::NotMcp;
                    "The server ended the stream without an answer to `initialize`.".clone_into(&mut error.message);
                }
                return self.attempt_failed(error, 0, now);
            }
            Answer::Accepted => return,
        };
        match self.read_handshake(exchange, result, now) {
            Ok(fresh) => {
                self.past.legacy_since = Some(now.mono);
                self.past.handshake_ms = now.mono.saturating_sub(exchange.sent.mono);
                self.handshake_succeeded(fresh, now);
            }
            Err(error) if self.is_other_server(&error) => self.part(error, OTHER_SERVER, now),
            Err(error) => self.attempt_failed(error, 0, now),
        }
    }

    pub(super) fn read_handshake(
        &mut self,
        exchange: &Exchange,
        result: P,
        now: Now,
    ) -> Result<Box<Established<P>>, Box<Error<P>>> {
        let Some(named) = result.field(Field::ProtocolVersion).and_then(|version| version.as_string()) else {
            let message = "The answer to `initialize` has no protocolVersion that is a string.";
            return Err(Error::boxed(Code::NotMcp, Outcome::NotExecuted, message));
        };
        let Some(version) = legacy::version(&named) else {
            let ours = legacy::VERSIONS.iter().joined(", ");
            let theirs = named.as_str();
            let theirs = if legacy::is_date(theirs) { theirs } else { "of another form" };
            let message = format!("The server speaks protocol version {theirs}; this client speaks {ours}.");
            return Err(Error::boxed(Code::UnsupportedVersion, Outcome::NotExecuted, message));
        };
        let id = exchange.head.as_ref().map_or(Ok(None), Head::session);
        let id = id.map_err(|(code, message)| Error::boxed(code, Outcome::NotExecuted, message))?;
        if let Some(error) = self.cannot_be_kept(&result) {
            return Err(error);
        }
        let own = matches!(self.config.handshake, Handshake::Own { .. });
        let capabilities = if own { legacy::capabilities(&result) } else { None };
        let mut fresh = self.fresh_session(id, version, result, now);
        fresh.capabilities = capabilities;
        fresh.made_for = exchange.owner;
        Ok(fresh)
    }

    fn handshake_succeeded(&mut self, fresh: Box<Established<P>>, now: Now) {
        let Some(establishing) = self.state.establishing() else { return };
        match (&establishing.since, &self.config.handshake) {
            (Since::Doubt { .. }, _) => {
                if let Some(ping) = self.ping(now) {
                    self.step_with_ping(Step::Confirm { ping, fresh }, now);
                }
            }
            // The host's Client has its answer if nobody waits for one: this handshake is ours to finish.
            (Since::First, Handshake::Host) => {
                let is_connect = |id: &CallId| self.calls.get(id).is_some_and(|call| call.kind == Kind::Connect);
                let (connecting, parked): (Vec<_>, Vec<_>) = establishing.parked.iter().copied().partition(is_connect);
                let result = fresh.handshake.clone();
                if let Some(establishing) = self.state.establishing_mut() {
                    establishing.parked = parked;
                }
                self.step(Step::Host { fresh });
                if connecting.is_empty() {
                    return self.initialized(now);
                }
                connecting.into_iter().for_each(|id| self.settle(id, Ok(result.clone())));
            }
            (Since::First | Since::Lost { .. }, _) => {
                self.step(Step::Host { fresh });
                self.initialized(now);
            }
        }
    }

    /// The new session is ready: the parked calls go out at once.
    pub(super) fn established(&mut self, now: Now) {
        if self.state.fresh().is_some() {
            self.put_in_place(now);
            self.share_session(now);
        }
    }

    pub(super) fn put_in_place(&mut self, now: Now) {
        let Some(fresh) = self.state.take_fresh() else { return };
        let Some((since, parked)) = self.state.establish(fresh) else { return };
        self.timers.clear(Timer::Step);
        self.past.last_error = None;
        self.past.hedge_not_before = 0;
        self.past.verified_at_unix_ms = Some(now.unix_ms);
        self.past.proven_at = Some(now.mono);
        self.keep_alive(now);
        self.tools.outdate(self.next_wire_id);
        self.forget_cached();
        let Since::Lost { old, reason, at } = since else {
            self.emit(Event::StateChange);
            self.listen_first(now);
            parked.into_iter().for_each(|id| self.dispatch(id, now));
            return self.listen(now);
        };
        let retried = parked.iter().filter_map(|id| self.calls.get(id)).filter(|call| call.sends > 0).count();
        let recovery = LastRecovery {
            at_unix_ms: now.unix_ms,
            reason,
            duration_ms: now.mono.saturating_sub(at.mono),
            retried: u32::try_from(retried).unwrap_or(u32::MAX),
            restored: Vec::new(),
            lost: Vec::new(),
        };
        self.past.recoveries += 1;
        self.past.last_recovery = Some(recovery.clone());
        self.emit(Event::StateChange);
        let changes = self.state.ready().map(|fresh| Changes::between(&old, fresh));
        self.listen_first(now);
        self.restore(recovery, changes.unwrap_or_default(), parked, now);
        self.listen(now);
    }

    /// A single-session server still holds the old session: it is ended, and the handshake tried once more. What is
    /// refused under it from now on may have been running.
    fn clear_old_session(&mut self, now: Now) -> bool {
        let Some(Since::Lost { old, .. }) = self.state.establishing().map(|e| &e.since) else { return false };
        if self.state.establishing().is_some_and(|e| e.cleared) {
            return false;
        }
        let Some((exchange, request)) = delete_request(old, now) else { return false };
        self.past.refused = 0;
        self.ends_for_all(true);
        let exchange = self.delete((exchange, request), now);
        if let Some(establishing) = self.state.establishing_mut() {
            establishing.cleared = true;
        }
        self.step(Step::Clearing { exchange });
        true
    }
}
