//! What follows from an attempt to establish the session that failed.

use super::Session;
use crate::protocol::calls::{Kind, Queue};
use crate::protocol::config::{Recovery, Unreachable};
use crate::protocol::lifecycle::{Step, Wait};
use crate::protocol::page::OFFLINE;
use crate::protocol::policy::backoff;
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, Now, Output, Payload, Reach, error::Diagnosis};

/// How long the driver may take to find out whether anything answers.
const PROBE_MS: u64 = 5_000;

const UNREACHABLE: Diagnosis = Diagnosis {
    kind: "unreachable",
    header: None,
    hint: "Nothing answers at this address: the server is down, or the host or port is wrong.",
};
const MIXED: Diagnosis = Diagnosis {
    kind: "mixed_content",
    header: None,
    hint: "A page that came over https: cannot reach a server at an http: address: the browser blocks it as mixed content. \
           Use the server's https: address, or a proxy on this page's origin.",
};
const LOCAL: Diagnosis = Diagnosis {
    kind: "local_network",
    header: None,
    hint: "The address is one of the user's own device or local network, and the browser does not let this page reach it. \
           The user can allow it in the browser's settings for this site (Local Network Access); a page on the same device \
           needs no leave.",
};
const CORS: Diagnosis = Diagnosis {
    kind: "cors",
    header: Some("Access-Control-Allow-Origin"),
    hint: "Something answers at this address, but the browser hides the answer: the server must send \
           `Access-Control-Allow-Origin` on every response, and allow POST and the headers Content-Type, Mcp-Session-Id, \
           MCP-Protocol-Version and Authorization in the answer to OPTIONS. A server that is not yours is reached by \
           `mcp-evergreen/proxy` (the option `proxy`).",
};

impl<P: Payload> Session<P> {
    /// What the driver found out after [`Output::Probe`].
    pub fn handle_probe(&mut self, reach: Reach, now: Now) {
        let Some(Step::Probe { error, for_calls }) =
            self.lifecycle.establishing().map(|establishing| &establishing.step)
        else {
            return;
        };
        let (mut error, for_calls) = (error.clone(), *for_calls);
        match reach {
            Reach::Answers => {
                error.code = Code::Cors;
                error.retryable = false;
                CORS.hint.clone_into(&mut error.message);
                error.diagnosis = Some(CORS);
            }
            Reach::Silent => {
                UNREACHABLE.hint.clone_into(&mut error.message);
                error.diagnosis = Some(UNREACHABLE);
            }
            Reach::Offline => {
                OFFLINE.hint.clone_into(&mut error.message);
                error.diagnosis = Some(OFFLINE);
            }
            Reach::Mixed => {
                MIXED.hint.clone_into(&mut error.message);
                error.diagnosis = Some(MIXED);
                error.retryable = false;
            }
            Reach::Local => {
                LOCAL.hint.clone_into(&mut error.message);
                error.diagnosis = Some(LOCAL);
            }
            Reach::Unknown => {}
        }
        if for_calls {
            return self.connect_failed(&error, now);
        }
        // Whoever calls meanwhile has tries of its own.
        self.lifecycle.note_error(error);
        self.pause(0, true, now);
    }

    /// The probe took too long: what is known has to do.
    pub(in crate::protocol) fn probe_due(&mut self, now: Now) {
        self.handle_probe(Reach::Unknown, now);
    }

    /// An attempt failed. Calls settle after `max_attempts`; the session comes back by itself, or with the next call.
    pub(in crate::protocol) fn attempt_failed(&mut self, error: Box<Error<P>>, floor_ms: u64, now: Now) {
        let max_attempts = self.config.recovery.max_attempts;
        self.tell_failed(&error, floor_ms);
        if !self.lifecycle.attempt_failed(now) {
            return;
        }
        if self.is_offline() {
            self.lifecycle.note_error(error);
            return self.wait_for_network(now);
        }
        let first = self.is_first();
        // The user is not asked again before the next call.
        let denied = self.is_denied(&error) || error.code == Code::Auth && !error.retryable;
        let fatal = first && (!error.retryable || denied);
        self.lifecycle.note_error(error.clone());
        let parked: Vec<CallId> = self.calls.queued(Queue::Session).collect();
        let in_background = parked.is_empty();
        let mut given_up = parked.clone();
        given_up.retain(|id| self.calls.attempt_failed(*id) >= max_attempts || fatal || denied);
        let waiting = parked.len() > given_up.len();
        if first && !waiting {
            // A page cannot tell why a request failed below HTTP; the last word on it is worth one more.
            let for_calls = !parked.is_empty();
            if error.code == Code::Network && (for_calls || self.waits_for_server()) {
                self.step(Step::Probe { error, for_calls });
                self.effects.set_timer(Timer::Step, now.mono.saturating_add(PROBE_MS));
                return self.output(Output::Probe);
            }
            return self.connect_failed(&error, now);
        }
        for id in given_up {
            let error = self.failed_call_error(id, &error, first);
            self.settle(id, Err(error));
        }
        if denied {
            return self.wait_for_a_call(Wait::Call, now);
        }
        self.pause(floor_ms, in_background, now);
    }

    /// Until the next attempt. Calls cut pauses short, and each of their attempts counts: no pause is longer than the outage
    /// so far. The first call after an attempt that nobody waited for is held up by nothing but the server's own word.
    fn pause(&mut self, floor_ms: u64, in_background: bool, now: Now) {
        let Some(establishing) = self.lifecycle.establishing() else { return };
        // Sessions that were refused at once are part of it.
        let fruitless = self.lifecycle.fruitless().min(16);
        let failed = establishing.failed.saturating_add(fruitless);
        let failing_for = establishing.failing_since.map_or(0, |since| now.mono.saturating_sub(since));
        let recovery = self.config.recovery;
        let least = recovery.base_delay_ms.saturating_mul(1 << fruitless);
        let longest = failing_for.max(least).min(recovery.max_delay_ms);
        let insisted = self.calls.any(|call| call.is_queued(Queue::Session) && insists(call.kind()));
        let floor_ms = floor_ms.max(self.lifecycle.hedge_not_before().saturating_sub(now.mono));
        let floor_ms = if insisted { 0 } else { floor_ms };
        let slow = Recovery { max_delay_ms: longest, ..recovery };
        let wait = backoff::delay(failed, &slow, floor_ms, &mut self.rng);
        let at_once = in_background && fruitless == 0;
        let hasty = if at_once { floor_ms } else { backoff::delay(1, &recovery, floor_ms, &mut self.rng) };
        self.back_off(wait, hasty, Wait::Server, now);
    }

    /// Whether a first connect that fails so ends with a session that waits.
    pub(in crate::protocol) fn waits_for_server(&self) -> bool {
        self.config.unreachable == Unreachable::Wait && self.config.handshake.is_own()
    }

    /// There never was a session. There will be none, or none before the server is there.
    fn connect_failed(&mut self, error: &Error<P>, now: Now) {
        self.lifecycle.note_error(Box::new(error.clone()));
        let waits = error.retryable && self.waits_for_server();
        for id in self.calls.dequeue_all(Queue::Session) {
            let connects = self.calls.get(id).is_some_and(|call| call.kind() == Kind::Connect);
            if waits && connects {
                self.settle(id, Ok(P::empty()));
            } else {
                let error = self.failed_call_error(id, error, true);
                self.settle(id, Err(error));
            }
        }
        if waits {
            return self.pause(0, false, now);
        }
        if self.config.handshake.is_own() {
            return self.shut("the server could not be reached or refused", now);
        }
        self.lifecycle.forget_attempts();
        self.step(Step::Idle);
    }

    /// The user has not signed in, and is not asked again by itself.
    fn is_denied(&self, error: &Error<P>) -> bool {
        matches!(error.code, Code::Auth | Code::Unauthorized) && self.authorization.is_in_vain()
    }

    fn failed_call_error(&self, id: CallId, error: &Error<P>, first: bool) -> Box<Error<P>> {
        let mut own = Box::new(error.clone());
        own.outcome = self.calls.outcome(id);
        if first || error.code == Code::Auth || self.is_denied(error) {
            return own;
        }
        own.code = Code::SessionLost;
        own.message = format!("The session was lost, and a new one could not be made. {}", error.message);
        own.retryable()
    }

    pub(in crate::protocol) fn back_off(&mut self, wait: u64, hasty: u64, why: Wait, now: Now) {
        let until = Now { mono: now.mono.saturating_add(wait), unix_ms: now.unix_ms.saturating_add(wait) };
        self.step(Step::Backoff { until, not_before: now.mono.saturating_add(hasty.min(wait)), why });
        self.effects.set_timer(Timer::Step, until.mono);
        self.emit(Event::StateChange);
    }

    /// Nothing happens by itself.
    pub(in crate::protocol) fn wait_for_a_call(&mut self, why: Wait, now: Now) {
        let until = Now { mono: u64::MAX, unix_ms: u64::MAX };
        self.step(Step::Backoff { until, not_before: now.mono, why });
        self.emit(Event::StateChange);
    }

    /// Somebody waits for the session.
    pub(in crate::protocol) fn session_is_wanted(&mut self, now: Now) {
        let own = self.config.handshake.is_own();
        let kind = self.calls.last_queued(Queue::Session).map(|call| call.kind());
        let connects = kind == Some(Kind::Connect);
        let insists = kind.is_some_and(insists);
        let Some(establishing) = self.lifecycle.establishing() else { return };
        if matches!(establishing.step, Step::Idle) && (own || connects) {
            return self.begin(now);
        }
        if matches!(establishing.step, Step::Handshake { .. }) && planted!("two_handshakes") {
            return self.handshake(now);
        }
        let Step::Backoff { until, not_before, .. } = &establishing.step else { return };
        let at = if insists { now.mono } else { (*not_before).max(now.mono) };
        if at == now.mono {
            self.step_due(now);
        } else if at < until.mono {
            self.lifecycle.pause_until(Now { mono: at, unix_ms: now.unix_ms.saturating_add(at - now.mono) });
            self.effects.set_timer(Timer::Step, at);
            self.emit(Event::StateChange);
        }
    }
}

/// Whether a command asks for a session, and not for something of it: that is past what a server says about waiting.
fn insists(kind: Kind) -> bool {
    matches!(kind, Kind::Verify | Kind::Reconnect)
}
