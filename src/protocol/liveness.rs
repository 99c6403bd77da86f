//! The question whether the session lives, and what its answer tells: a ping, or in the modern era `server/discover`.

use super::era::Era;
use super::era::negotiation::{Evidence, weigh};
use super::exchange::{Answer, Exchange};
use super::send::Parcel;
use super::session::Session;
use super::state::{Check, Established, IfAlive, State, Step};
use super::verdict::Verdict;
use super::{CallId, Code, Error, ExchangeId, Now, Outcome, Params, Payload, Purpose};

/// A ping that takes longer tells nothing.
const PING_MS: u64 = 10_000;

/// What a ping told.
pub(super) enum Told<P> {
    Alive,
    Gone,
    Unclear(Box<Error<P>>),
}

impl<P: Payload> Session<P> {
    /// Asks by a ping whether the session lives; one ping for all who wait.
    pub(super) fn check(&mut self, waiting: Option<(CallId, IfAlive<P>)>, now: Now) {
        if self.state.ready().is_some_and(|session| self.is_hosts_own(session.era())) {
            return self.let_host_judge(waiting, now);
        }
        let Some(session) = self.state.ready_mut() else { return };
        if let Some(check) = &mut session.check {
            check.waiting.extend(waiting);
            return;
        }
        let Some(ping) = self.ping(now) else { return };
        if let Some(session) = self.state.ready_mut() {
            session.check = Some(Check { ping, waiting: waiting.into_iter().collect() });
        }
    }

    /// Which era the server speaks is for a host's own Client to find out.
    fn let_host_judge(&mut self, waiting: Option<(CallId, IfAlive<P>)>, now: Now) {
        match waiting {
            Some((id, IfAlive::Settle(error))) => self.settle(id, Err(error)),
            Some((id, IfAlive::Resend)) => self.dispatch(id, now),
            Some((id, IfAlive::Settled)) => self.settle(id, Ok(P::empty())),
            None => {}
        }
    }

    /// Pings under the session that is ready or in doubt.
    pub(super) fn ping(&mut self, now: Now) -> Option<ExchangeId> {
        self.fresh_wire_id();
        let session = self.state.known()?;
        let ping = self.ping_under(session, now);
        Some(self.send(ping, now))
    }

    /// Pings under a new session.
    pub(super) fn ping_fresh(&mut self, fresh: &Established<P>, now: Now) -> ExchangeId {
        self.fresh_wire_id();
        let ping = self.ping_under(fresh, now);
        self.send(ping, now)
    }

    fn ping_under(&self, session: &Established<P>, now: Now) -> Parcel {
        let (method, timeout) = (session.era().liveness(), PING_MS.min(self.config.timeout_ms));
        self.own_request(Purpose::Ping, Some(session), method, &Params::default(), timeout, now)
    }

    pub(super) fn ping_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        if let Answer::Refused { refusal, .. } = &answer
            && matches!(verdict, Verdict::Evicted | Verdict::Suspect | Verdict::OtherEra)
        {
            self.past.gate = Some((refusal.status, refusal.rpc_code));
        }
        if verdict == Verdict::OtherEra {
            self.past.legacy_since = None;
        }
        let told = match exchange.era {
            Era::Legacy => told(answer, verdict),
            Era::Modern => self.told_of_era(answer, verdict, now),
        };
        match &self.state {
            State::Ready(session) if session.check.as_ref().is_some_and(|check| check.ping == id) => {
                self.checked(exchange.generation, told, now);
            }
            State::Establishing(establishing) => match &establishing.step {
                Step::Check { ping } if *ping == id => self.doubt_checked(told, now),
                Step::Confirm { ping, .. } if *ping == id => self.confirmed(told, now),
                Step::Proof { ping, .. } if *ping == id => self.proved(told, now),
                // A ping of a step that is over.
                Step::Check { .. }
                | Step::Confirm { .. }
                | Step::Proof { .. }
                | Step::Idle
                | Step::Discover { .. }
                | Step::Handshake { .. }
                | Step::Host { .. }
                | Step::Initialized { .. }
                | Step::Clearing { .. }
                | Step::Probe { .. }
                | Step::Elsewhere
                | Step::Backoff { .. } => {}
            },
            State::Ready(_) | State::Closed => {}
        }
    }

    /// The answer to `server/discover`: whether the server is still of the modern era.
    fn told_of_era(&mut self, answer: Answer<P>, verdict: Verdict, now: Now) -> Told<P> {
        match weigh(answer) {
            Evidence::Modern(_) => {
                self.past.legacy_since = None;
                Told::Alive
            }
            Evidence::Legacy => {
                self.past.legacy_since = Some(now.mono);
                Told::Gone
            }
            // It answers, as a server of this era does.
            Evidence::None { error, .. } if verdict == Verdict::NotEviction && error.http_status.is_some() => {
                Told::Alive
            }
            Evidence::Again(error) | Evidence::Hidden(error) | Evidence::None { error, .. } => Told::Unclear(error),
        }
    }
}

fn told<P>(answer: Answer<P>, verdict: Verdict) -> Told<P> {
    match answer {
        Answer::Result(_) => Told::Alive,
        // Nobody is allowed to ask.
        Answer::Refused { error, .. } if error.code == Code::Auth => Told::Unclear(error),
        Answer::Refused { error, .. } => match verdict {
            Verdict::Evicted
            | Verdict::Suspect
            | Verdict::OtherEra
            | Verdict::UnknownOutcome { session_gone: true } => Told::Gone,
            Verdict::NotEviction => Told::Alive,
            Verdict::UnknownOutcome { session_gone: false } | Verdict::Transient => Told::Unclear(error),
        },
        Answer::Unusable { error } | Answer::Lost { error } => Told::Unclear(error),
        Answer::Accepted => {
            let text = "The server accepted a ping and gave no answer.";
            Told::Unclear(Error::boxed(Code::Protocol, Outcome::Unknown, text))
        }
    }
}
