//! The state of a session as the host is shown it.

use super::Session;
use crate::protocol::era::modern;
use crate::protocol::lifecycle::{Established, Since, State, Step, Wait};
use crate::protocol::status::{Phase, Status, WaitingFor};
use crate::protocol::{Payload, Role};

impl<P: Payload> Session<P> {
    /// A snapshot of the state.
    #[must_use]
    pub fn status(&self) -> Status<P> {
        if let Some(ended) = self.lifecycle.ended() {
            return Status { signed_in: self.signed_in(), ..ended.clone() };
        }
        let mut waiting_for = None;
        let phase = match self.lifecycle.state() {
            _ if self.asks_user() => {
                waiting_for = Some(WaitingFor { why: Wait::SignIn.as_str(), until_unix_ms: None });
                Phase::Waiting
            }
            State::Closed => Phase::Closed,
            _ if self.is_offline() => {
                waiting_for = self.why_offline().map(|why| WaitingFor { why: why.as_str(), until_unix_ms: None });
                Phase::Waiting
            }
            State::Ready(_) => Phase::Ready,
            State::Establishing(establishing) => {
                if let Step::Backoff { until, why, .. } = &establishing.step {
                    let until = Some(until.unix_ms).filter(|until| *until != u64::MAX);
                    waiting_for = Some(WaitingFor { why: why.as_str(), until_unix_ms: until });
                    Phase::Waiting
                } else if matches!(establishing.since, Since::First) && self.is_first() {
                    Phase::Connecting
                } else {
                    Phase::Recovering
                }
            }
        };
        let known = self.lifecycle.known();
        Status {
            phase,
            era: known.map(Established::era),
            protocol_version: known.map(|session| session.version()),
            server_info: known.and_then(|session| modern::server_info(session.handshake())),
            handshake: known.map(|session| session.handshake().clone()),
            session_tag: known.and_then(|session| Some(session.id()?.tag())),
            generation: known.map_or(0, |session| session.generation()),
            verified_at_unix_ms: self.lifecycle.verified_at_unix_ms(),
            recoveries: self.lifecycle.recoveries(),
            last_recovery: self.lifecycle.last_recovery().cloned(),
            waiting_for,
            share: Some(self.tabs.role()).filter(|role| *role != Role::Alone),
            signed_in: self.signed_in(),
            last_error: self.lifecycle.last_error().cloned().map(Box::new),
        }
    }
}
