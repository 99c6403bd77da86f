//! The question whether the session lives, and what its answer tells: a ping, or in the modern era `server/discover`.

use super::Session;
use super::send::{Own, Parcel};
use crate::protocol::calls::Doubt;
use crate::protocol::codec::http::Method;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::{Check, Established, State, Step};
use crate::protocol::policy::probe::{Evidence, weigh};
use crate::protocol::policy::verdict::Verdict;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, ExchangeId, Now, Outcome, Params, Payload, Purpose};

/// A ping that takes longer tells nothing.
const PING_MS: u64 = 10_000;
/// One that was lost is followed by another.
const PING_AGAIN_MS: u64 = 2_000;
/// What is only a doubt is not worth more than one ping in this time.
const KNOWN_ALIVE_MS: u64 = 1_000;

/// What a ping told.
pub(in crate::protocol) enum Told<P> {
    Alive,
    Gone,
    Unclear(Box<Error<P>>),
}

impl<P: Payload> Session<P> {
    /// Asks by a ping whether the session lives; one ping for all who wait.
    pub(in crate::protocol) fn check(&mut self, waiting: Option<(CallId, Doubt<P>)>, now: Now) {
        if self.lifecycle.ready().is_some_and(|session| self.is_hosts_own(session.era())) {
            return self.let_host_judge(waiting, now);
        }
        let Some(session) = self.lifecycle.ready() else { return };
        let is_under_way = session.check().is_some();
        if let Some((id, doubt)) = waiting {
            self.calls.question(id, doubt);
        }
        if is_under_way {
            return;
        }
        let Some(ping) = self.ping(now) else { return };
        self.lifecycle.check_begins(ping, now);
        let again_ms = if planted!("lost_ping_waited_for") { PING_MS } else { PING_AGAIN_MS };
        self.effects.set_timer(Timer::Check, now.mono.saturating_add(again_ms));
    }

    /// Whether a ping has shown a moment ago that the session lives.
    pub(in crate::protocol) fn is_known_alive(&self, now: Now) -> bool {
        let alive_at = self.lifecycle.ready().and_then(|session| session.alive_at());
        alive_at.is_some_and(|at| now.mono.saturating_sub(at) < KNOWN_ALIVE_MS)
    }

    /// Which era the server speaks is for a host's own Client to find out.
    fn let_host_judge(&mut self, waiting: Option<(CallId, Doubt<P>)>, now: Now) {
        if let Some((id, doubt)) = waiting {
            self.doubt_dispelled(id, doubt, now);
        }
    }

    /// Pings under the session that is ready or in doubt.
    pub(in crate::protocol) fn ping(&mut self, now: Now) -> Option<ExchangeId> {
        self.exchanges.fresh_request_id();
        let session = self.lifecycle.known()?;
        let ping = self.ping_under(session, now);
        Some(self.send(ping, now))
    }

    /// Pings under a new session.
    pub(in crate::protocol) fn ping_fresh(&mut self, fresh: &Established<P>, now: Now) -> ExchangeId {
        self.exchanges.fresh_request_id();
        let ping = self.ping_under(fresh, now);
        self.send(ping, now)
    }

    fn ping_under(&self, session: &Established<P>, now: Now) -> Parcel {
        let (method, timeout_ms) = (session.era().liveness(), PING_MS.min(self.config.timeout_ms));
        self.own_request(
            Own { purpose: Purpose::Ping, method, params: &Params::default(), timeout_ms },
            Some(session),
            now,
        )
    }

    /// A ping of a step of establishing the session, which [`Self::step_due`] sends once more.
    pub(in crate::protocol) fn step_with_ping(&mut self, step: Step<P>, now: Now) {
        self.step(step);
        self.effects.set_timer(Timer::Step, now.mono.saturating_add(PING_AGAIN_MS));
    }

    /// The ping of a check was not answered so far.
    pub(in crate::protocol) fn check_due(&mut self, now: Now) {
        let Some(ping) = self.lifecycle.ready().and_then(|session| Some(session.check()?.ping)) else { return };
        let again = self.ping_again(ping, now);
        self.lifecycle.asked_again(again);
    }

    /// One lost ping costs a moment: another takes its place, once.
    pub(in crate::protocol) fn ping_again(&mut self, ping: ExchangeId, now: Now) -> ExchangeId {
        self.exchanges.fresh_request_id();
        let Some(exchange) = self.exchanges.get(ping).filter(|exchange| exchange.attempt() == 1) else { return ping };
        let under = |session: &&Established<P>| session.generation() == exchange.generation();
        let Some(session) = self.lifecycle.known().filter(under).or_else(|| self.lifecycle.fresh().filter(under))
        else {
            return ping;
        };
        let (exchange, request) = self.ping_under(session, now);
        self.abort(ping, now);
        self.send((exchange.of_attempt(2), request), now)
    }

    /// A result that was asked for since under a session that is in question shows that it lives, as the ping's answer
    /// would. That it is gone is shown by a refused ping alone: what others were refused with may be meant for them.
    pub(in crate::protocol) fn heard_under(&mut self, exchange: &Exchange, answer: &Answer<P>, now: Now) {
        let asked_since = |check: &Check| exchange.sent().mono >= check.since;
        let session = self.lifecycle.ready().filter(|session| session.generation() == exchange.generation());
        let Some(ping) = session.and_then(|session| session.check()).filter(|check| asked_since(check)) else {
            return;
        };
        let (ping, posted) = (ping.ping, exchange.purpose() != Purpose::Ping && exchange.method() == Method::Post);
        match answer {
            Answer::Result(_) if posted => {
                self.abort(ping, now);
                self.checked(exchange.generation(), Told::Alive, now);
            }
            Answer::Result(_)
            | Answer::Accepted
            | Answer::Refused { .. }
            | Answer::Unusable { .. }
            | Answer::Lost { .. } => {}
        }
    }

    pub(in crate::protocol) fn ping_answered(
        &mut self,
        id: ExchangeId,
        exchange: &Exchange,
        answer: Answer<P>,
        verdict: Verdict,
        now: Now,
    ) {
        let refused_in = match &answer {
            Answer::Refused { refusal, .. } => Some(refusal.form()),
            Answer::Result(_) | Answer::Accepted | Answer::Unusable { .. } | Answer::Lost { .. } => None,
        };
        if verdict == Verdict::OtherEra {
            self.lifecycle.forget_legacy();
        }
        // A new session that answers a ping under its own id is there, whatever it thinks of pings.
        let proves =
            matches!(self.lifecycle.establishing().map(|it| &it.step), Some(Step::Proof { ping, .. }) if *ping == id);
        let own = matches!(&answer, Answer::Refused { refusal, .. } if refusal.own_id);
        if proves && own {
            return self.proved(Told::Alive, now);
        }
        let told = if exchange.era().has_sessions() {
            told(answer, verdict, exchange.session().is_some())
        } else {
            self.told_of_era(answer, verdict, now)
        };
        if let Told::Gone = told {
            self.lifecycle.ping_refused(exchange.generation(), refused_in);
        }
        match self.lifecycle.state() {
            State::Ready(session) if session.check().is_some_and(|check| check.ping == id) => {
                if let Told::Alive = told {
                    self.lifecycle.was_alive_at(exchange.sent().mono);
                }
                self.checked(exchange.generation(), told, now);
            }
            State::Establishing(establishing) => match Some(&establishing.step) {
                Some(Step::Check { ping }) if *ping == id => self.doubt_checked(told, now),
                Some(Step::Confirm { ping, .. }) if *ping == id => self.confirmed(told, now),
                Some(Step::Proof { ping, .. }) if *ping == id => self.proved(told, now),
                // A ping of a step that is over.
                _ => {}
            },
            State::Ready(_) | State::Closed => {}
        }
    }

    /// The answer to `server/discover`: whether the server is still of the modern era.
    fn told_of_era(&mut self, answer: Answer<P>, verdict: Verdict, now: Now) -> Told<P> {
        match weigh(answer) {
            Evidence::Modern(_) => {
                self.lifecycle.forget_legacy();
                Told::Alive
            }
            Evidence::Legacy => {
                self.lifecycle.speaks_legacy(now);
                Told::Gone
            }
            // It answers, as a server of this era does.
            Evidence::None { error, .. } | Evidence::Unclear(error)
                if verdict == Verdict::NotEviction && error.http_status.is_some() =>
            {
                Told::Alive
            }
            Evidence::Again(error)
            | Evidence::Hidden(error)
            | Evidence::Unclear(error)
            | Evidence::Failing { error, .. }
            | Evidence::None { error, .. } => Told::Unclear(error),
        }
    }
}

fn told<P>(answer: Answer<P>, verdict: Verdict, with_session: bool) -> Told<P> {
    match answer {
        Answer::Result(_) => Told::Alive,
        Answer::Refused { .. } if planted!("any_refusal_of_a_ping_is_gone") => Told::Gone,
        // Nobody is allowed to ask.
        Answer::Refused { error, .. } if error.code == Code::Auth => Told::Unclear(error),
        Answer::Refused { refusal, .. } if verdict == Verdict::OtherEra || refusal.wants_modern_headers() => Told::Gone,
        Answer::Refused { refusal, .. } if refusal.says_method_not_found() => Told::Alive,
        Answer::Refused { .. } if planted!("forbidden_is_gone") && verdict == Verdict::NotEviction => Told::Gone,
        // What carried no session id is not refused for it.
        Answer::Refused { .. } if !with_session && verdict == Verdict::NotEviction => Told::Alive,
        Answer::Refused { refusal, .. } if with_session && refusal.blames_session() => Told::Gone,
        // An answer to this very ping, whatever the server thinks of it.
        Answer::Refused { refusal, .. }
            if refusal.own_id && refusal.status < 500 && !matches!(refusal.status, 401 | 403 | 429) =>
        {
            Told::Alive
        }
        Answer::Refused { error, .. } | Answer::Unusable { error } | Answer::Lost { error } => Told::Unclear(error),
        Answer::Accepted => {
            let text = "The server accepted a ping and gave no answer.";
            Told::Unclear(Error::boxed(Code::Protocol, Outcome::Unknown, text))
        }
    }
}
