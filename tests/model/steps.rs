//! Which transition fired how often, seen from outside: by the status and by what goes over the wire.

use crate::world::World;
use mcp_evergreen::protocol::status::{Phase, Wire, WireStep};
use mcp_evergreen::protocol::{ExchangeId, Purpose};
use std::collections::{BTreeMap, BTreeSet};

/// A state, and in it a step.
pub type State = (&'static str, &'static str);

/// What must fire at least once in ten thousand seeds.
pub const REQUIRED: &[(State, State)] = &[
    (("first", "idle"), ("first", "handshake")),
    (("first", "handshake"), ("first", "initialized")),
    (("first", "handshake"), ("first", "host")),
    (("first", "handshake"), ("first", "backoff")),
    (("first", "handshake"), ("first", "probe")),
    (("first", "handshake"), ("first", "idle")),
    (("first", "handshake"), ("closed", "")),
    (("first", "host"), ("first", "initialized")),
    (("first", "initialized"), ("ready", "")),
    (("first", "initialized"), ("first", "backoff")),
    (("first", "backoff"), ("first", "handshake")),
    (("first", "probe"), ("closed", "")),
    (("first", "probe"), ("first", "idle")),
    (("ready", ""), ("ready", "check")),
    (("ready", ""), ("lost", "handshake")),
    (("ready", ""), ("lost", "backoff")),
    (("ready", ""), ("closed", "")),
    (("ready", "check"), ("ready", "")),
    (("ready", "check"), ("lost", "handshake")),
    (("ready", "check"), ("lost", "backoff")),
    (("ready", "check"), ("doubt", "handshake")),
    (("ready", "check"), ("doubt", "backoff")),
    (("ready", "check"), ("closed", "")),
    (("doubt", "handshake"), ("doubt", "confirm")),
    (("doubt", "handshake"), ("doubt", "backoff")),
    (("doubt", "handshake"), ("lost", "handshake")),
    (("doubt", "confirm"), ("ready", "")),
    (("doubt", "confirm"), ("lost", "initialized")),
    (("doubt", "confirm"), ("doubt", "backoff")),
    (("doubt", "backoff"), ("doubt", "check")),
    (("doubt", "backoff"), ("lost", "handshake")),
    (("doubt", "check"), ("ready", "")),
    (("doubt", "check"), ("lost", "handshake")),
    (("doubt", "check"), ("doubt", "handshake")),
    (("doubt", "check"), ("doubt", "backoff")),
    (("lost", "handshake"), ("lost", "initialized")),
    (("lost", "handshake"), ("lost", "backoff")),
    (("lost", "handshake"), ("lost", "clearing")),
    (("lost", "handshake"), ("closed", "")),
    (("lost", "clearing"), ("lost", "handshake")),
    (("lost", "initialized"), ("ready", "")),
    (("lost", "initialized"), ("lost", "proof")),
    (("lost", "initialized"), ("lost", "backoff")),
    (("lost", "proof"), ("ready", "")),
    (("lost", "proof"), ("lost", "backoff")),
    (("lost", "backoff"), ("lost", "handshake")),
    (("lost", "backoff"), ("closed", "")),
    (("held", "log level"), ("held", "refused")),
    (("held", "stream"), ("held", "opened")),
    (("held", "stream"), ("held", "resumed")),
    (("held", "stream"), ("held", "refused")),
    (("held", "stream"), ("held", "backed off")),
    (("held", "subscription"), ("held", "refused")),
    (("held", "subscription"), ("held", "restored")),
    (("held", "log level"), ("held", "restored")),
    (("held", "restoration"), ("held", "lost")),
    (("first", "discover"), ("first", "handshake")),
    (("first", "discover"), ("ready", "")),
    (("lost", "handshake"), ("lost", "discover")),
    (("lost", "discover"), ("ready", "")),
    (("lost", "discover"), ("lost", "handshake")),
    (("doubt", "check"), ("doubt", "discover")),
    (("held", "era"), ("held", "upgraded")),
    (("held", "era"), ("held", "downgraded")),
    (("held", "input"), ("held", "given")),
    (("held", "task"), ("held", "completed")),
    (("held", "task"), ("held", "cancelled")),
    (("held", "task"), ("held", "resumed")),
    (("held", "filter"), ("held", "acknowledged")),
    (("held", "filter"), ("held", "as wanted")),
];

#[derive(Default)]
pub struct Steps {
    pub fired: BTreeMap<(State, State), u64>,
    state: Option<State>,
    lost: BTreeSet<u32>,
    discover: BTreeSet<ExchangeId>,
    initialize: BTreeSet<ExchangeId>,
    initialized: BTreeSet<ExchangeId>,
    pings: BTreeMap<ExchangeId, u32>,
    deletes: BTreeSet<ExchangeId>,
    /// The latest handshake was answered with a session.
    fresh: bool,
    pub probing: bool,
}

impl Steps {
    /// Something of what a session holds happened.
    pub fn mark(&mut self, what: &'static str, happened: &'static str) {
        *self.fired.entry((("held", what), ("held", happened))).or_default() += 1;
    }

    pub fn lost(&mut self, generation: u32) {
        self.lost.insert(generation);
    }

    pub fn wire(&mut self, wire: &Wire) {
        let id = wire.exchange;
        let ok = matches!(wire.step, WireStep::Answered { verdict: None, .. });
        match (wire.purpose, wire.step == WireStep::Sent) {
            (Purpose::Discover, true) => {
                self.probing = false;
                self.discover.insert(id);
            }
            (Purpose::Discover, false) => drop(self.discover.remove(&id)),
            (Purpose::Initialize, true) => {
                self.probing = false;
                self.initialize.insert(id);
                self.fresh = false;
            }
            (Purpose::Initialize, false) => {
                self.initialize.remove(&id);
                self.fresh = ok;
            }
            (Purpose::Initialized, true) => {
                self.initialized.insert(id);
                self.fresh = false;
            }
            (Purpose::Initialized, false) => drop(self.initialized.remove(&id)),
            (Purpose::Ping, true) => drop(self.pings.insert(id, wire.generation)),
            (Purpose::Ping, false) => drop(self.pings.remove(&id)),
            (Purpose::Delete, true) => drop(self.deletes.insert(id)),
            (Purpose::Delete, false) => drop(self.deletes.remove(&id)),
            _ => {}
        }
    }
}

impl World {
    /// The session has done all that it wants to do now.
    pub fn observe(&mut self) {
        self.check_aborted();
        let status = self.session.status();
        let steps = &mut self.steps;
        let pings = |fresh: bool| steps.pings.values().any(|generation| (*generation != status.generation) == fresh);
        let since = if status.generation == 0 {
            "first"
        } else if steps.lost.contains(&status.generation) {
            "lost"
        } else {
            "doubt"
        };
        let state = match status.phase {
            Phase::Closed => ("closed", ""),
            Phase::Ready => ("ready", if pings(false) { "check" } else { "" }),
            Phase::Waiting => {
                steps.fresh = false;
                (since, "backoff")
            }
            Phase::Connecting if steps.probing => (since, "probe"),
            Phase::Connecting | Phase::Recovering if !steps.discover.is_empty() => (since, "discover"),
            Phase::Connecting | Phase::Recovering if !steps.initialize.is_empty() => (since, "handshake"),
            Phase::Connecting | Phase::Recovering if !steps.initialized.is_empty() => (since, "initialized"),
            Phase::Connecting | Phase::Recovering if pings(true) => (since, "proof"),
            Phase::Connecting | Phase::Recovering if pings(false) && steps.fresh => (since, "confirm"),
            Phase::Connecting | Phase::Recovering if pings(false) => (since, "check"),
            Phase::Recovering if !steps.deletes.is_empty() => (since, "clearing"),
            Phase::Connecting | Phase::Recovering if steps.fresh => (since, "host"),
            Phase::Connecting | Phase::Recovering => (since, "idle"),
        };
        if let Some(before) = steps.state.replace(state)
            && before != state
        {
            *steps.fired.entry((before, state)).or_default() += 1;
            if self.log.is_some() {
                self.say(|_| format!("      {} {} → {} {}", before.0, before.1, state.0, state.1));
            }
        }
    }
}
