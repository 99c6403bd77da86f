//! The invariants. Each is checked at the moment when it could break.

use crate::app::{Command, End, Kind};
use crate::plan::Tool;
use crate::server::Truth;
use crate::world::{Ex, World};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::status::{Event, Phase, WireStep};
use mcp_evergreen::protocol::{ExchangeId, Outcome, Output, Purpose};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A call is sent at most this often.
const MAX_SENDS: usize = 3;
/// "a gate refuses within about max(1 s, 5 × the slowest handshake round trip)"
const GATE_MS: u64 = 1_000;
const GATE_ROUND_TRIPS: u64 = 5;

/// What the judge remembers.
#[derive(Default)]
pub struct Law {
    pub digests: bool,
    pub slept: bool,
    /// The host is asking for a new session.
    pub host_gives_up: bool,
    /// The generation of each exchange, by the client's own word.
    generations: BTreeMap<ExchangeId, u32>,
    /// The session id of each generation.
    ids: BTreeMap<u32, Option<String>>,
    /// What the answer to each `initialize` showed: the session, and whether the page could see its id.
    handshakes: BTreeMap<ExchangeId, (Option<String>, bool)>,
    /// Ids from successful handshakes.
    handed: BTreeSet<String>,
    /// Generations whose `notifications/initialized` was answered.
    initialized: BTreeSet<u32>,
    /// Sessions of which the client was told plainly that they are gone.
    refused: BTreeSet<String>,
    /// Generations that the client declared dead.
    declared: BTreeSet<u32>,
    pings_failed: BTreeMap<u32, u32>,
    slowest_handshake: u64,
    wire_ids: BTreeSet<u64>,
    /// No `initialize` before.
    pub not_before: u64,
    blind: bool,
    deletes_after_close: u32,
    pub eras: crate::eras::EraLaw,
    pub changed: BTreeMap<&'static str, usize>,
}

impl Law {
    pub fn generation_of(&self, id: ExchangeId) -> u32 {
        self.generations.get(&id).copied().unwrap_or_default()
    }

    pub fn handshake_seen(&mut self, id: ExchangeId, made: Option<String>, sees_id: bool) {
        self.handshakes.insert(id, (made, sees_id));
    }

    /// The server keeps a session whose id the page never saw.
    pub fn is_blind(&self) -> bool {
        self.blind
    }

    /// Whether an answer came later than a gate refuses. Time in the queue counts for one gate's time for each six ahead.
    fn is_late(&self, ex: &Ex) -> bool {
        let gate = GATE_MS.max(self.slowest_handshake.saturating_mul(GATE_ROUND_TRIPS));
        let rounds = 1 + ex.ahead / 6;
        ex.head_at.is_some_and(|at| at - ex.sent_at > gate * rounds)
    }

    /// Whether the call in this exchange may have run, as far as the client can know. What a browser sent again within a
    /// gate's time cannot be told from a refusal.
    fn may_have_run(&self, ex: &Ex) -> bool {
        match ex.told {
            Some(Truth::Gate { .. } | Truth::Busy { .. } | Truth::Forbidden) => ex.copies > 0 && self.is_late(ex),
            Some(Truth::Answer | Truth::Unclear) | None => true,
        }
    }
}

impl World {
    pub fn check_output(&mut self, output: &Output<Value>) {
        let closed = self.app.closed || self.session.status().phase == Phase::Closed;
        if closed
            && matches!(output, Output::Read { .. } | Output::Ask { .. } | Output::Progress { .. } | Output::Probe)
        {
            let reads_delete = match output {
                Output::Read { exchange, .. } => {
                    self.exchanges.get(exchange).is_some_and(|ex| ex.request.method == Method::Delete)
                }
                _ => false,
            };
            // What was decided before the close may still be in the queue.
            if !reads_delete && self.now.mono > self.app.closed_at && self.app.closed {
                self.fail(format!("after close: {output:?}"));
            }
        }
    }

    pub fn check_send(&mut self, id: ExchangeId) {
        self.say(|world| {
            let sid = world.exchanges.get(&id).and_then(|ex| ex.sid.clone());
            format!("{} → under {}", world.name(id), sid.as_deref().unwrap_or("-"))
        });
        let Some(ex) = self.exchanges.get(&id) else { return };
        let wrong = self.wrong_with(id, ex).or_else(|| self.wrong_era(id, ex)).or_else(|| self.wrong_with_call(ex));
        let (delete, generation, sid) = (ex.request.method == Method::Delete, ex.generation, ex.sid.clone());
        let wire_id = ex.body["id"].as_u64().filter(|_| ex.body.get("method").is_some());
        let call = ex.purpose_call().filter(|_| ex.request.method != Method::Get);
        if let Some(wrong) = wrong {
            return self.fail(wrong);
        }
        self.check_listen(id);
        self.law.ids.insert(generation, sid.clone());
        self.law.wire_ids.extend(wire_id);
        if delete {
            if let Some(held) = sid.and_then(|sid| self.server.sessions.get_mut(&sid)) {
                held.deleted = true;
            }
            if self.app.closed {
                self.law.deletes_after_close += 1;
                if self.law.deletes_after_close > 1 {
                    self.fail("a second DELETE after close");
                }
            }
        }
        if let Some(command) = call.and_then(|call| self.app.number(call)).and_then(|n| self.app.commands.get_mut(&n)) {
            command.sent.push(id);
        }
    }

    fn wrong_with(&self, id: ExchangeId, ex: &Ex) -> Option<String> {
        let law = &self.law;
        let name = self.name(id);
        let delete = ex.request.method == Method::Delete;
        let initialize = ex.purpose == Purpose::Initialize;
        if self.app.closed && (!delete || self.now.mono > self.app.closed_at) {
            return Some(format!("{name} is sent after close"));
        }
        if matches!(ex.purpose, Purpose::Initialize | Purpose::Discover) {
            let under_way = |other: &Ex| {
                let handshake = matches!(other.purpose, Purpose::Discover | Purpose::Initialize | Purpose::Initialized);
                other.open && other.told.is_none() && handshake
            };
            let other = self.exchanges.iter().find(|(other, ex)| **other != id && under_way(ex));
            if let Some((other, _)) = other {
                return Some(format!("two handshakes: {name} and {}", self.name(*other)));
            }
            if ex.sid.is_some() {
                return Some(format!("{name} carries a session id"));
            }
            if self.now.mono < law.not_before {
                return Some(format!("{name} comes {} ms too early", law.not_before - self.now.mono));
            }
        } else {
            if ex.sid.as_ref().is_some_and(|sid| !law.handed.contains(sid)) {
                return Some(format!("{name} carries an id that no handshake gave: {:?}", ex.sid));
            }
            if law.ids.get(&ex.generation).is_some_and(|known| *known != ex.sid) {
                return Some(format!("{name} carries the id {:?} of another session", ex.sid));
            }
        }
        if !delete && !initialize {
            if ex.sid.as_ref().is_some_and(|sid| law.refused.contains(sid)) || law.declared.contains(&ex.generation) {
                return Some(format!("{name} is sent under a session known to be dead"));
            }
            let made = law.initialized.contains(&ex.generation) || ex.era() == Era::Modern;
            if ex.purpose != Purpose::Initialized && !made {
                return Some(format!("{name} is sent before `initialized` was answered"));
            }
        }
        let wire_id = ex.body["id"].as_u64().filter(|_| ex.body.get("method").is_some());
        if let Some(wire_id) = wire_id
            && (law.wire_ids.contains(&wire_id) || !(1 << 40..1 << 53).contains(&wire_id))
        {
            return Some(format!("{name} has the id {wire_id}"));
        }
        None
    }

    fn wrong_with_call(&self, ex: &Ex) -> Option<String> {
        let call = ex.purpose_call()?;
        let Some((n, command)) = self.app.number(call).and_then(|n| Some((n, self.app.commands.get(&n)?))) else {
            // It is being made.
            return None;
        };
        if let Some(end) = &command.end {
            return Some(format!("{n} is sent after {end:?}"));
        }
        if ex.request.method == Method::Get {
            let own = command.sent.iter().filter_map(|id| self.exchanges.get(id)).any(|sent| sent.sid == ex.sid);
            return (!own).then(|| format!("{n} is resumed under {:?}, where it never was", ex.sid));
        }
        if let Some(wrong) = self.wrong_round(n, ex).or_else(|| self.wrong_poll(ex, command)) {
            return Some(wrong);
        }
        let same = |other: &&Ex| other.same_request(ex);
        let before: Vec<&Ex> = command.sent.iter().filter_map(|id| self.exchanges.get(id)).filter(same).collect();
        if ex.is("tasks/get") {
            return None;
        }
        // A call whose rounds are void with their server begins anew.
        let anew = matches!(command.kind, Kind::Call(Tool::Asks(..)));
        if before.len() >= MAX_SENDS && !anew {
            return Some(format!("{n} is sent {} times", before.len() + 1));
        }
        if !before.is_empty() && command.kind == Kind::Notify {
            return Some(format!("the notification {n} is sent again"));
        }
        let safe = match command.kind {
            Kind::Call(tool) => tool.is_safe(),
            Kind::Verify => true,
            Kind::Connect | Kind::Notify | Kind::Reconnect | Kind::Close => false,
        };
        if !safe && before.iter().any(|ex| self.law.may_have_run(ex)) {
            return Some(format!("{n} is sent again, and may have run"));
        }
        let early = before.iter().find_map(|ex| match ex.told {
            Some(Truth::Busy { floor }) => (self.now.mono < ex.told_at + floor).then_some(floor),
            _ => None,
        });
        early.map(|floor| format!("{n} is sent again before {floor} ms are over"))
    }

    /// The client has the whole answer.
    pub fn note_told(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get(&id).filter(|ex| !ex.aborted && ex.told_at == self.now.mono) else { return };
        let (generation, sid, sent_at) = (ex.generation, ex.sid.clone(), ex.sent_at);
        if ex.purpose == Purpose::Initialized {
            self.law.initialized.insert(generation);
        }
        self.note_era(id, false);
        let Some(ex) = self.exchanges.get(&id) else { return };
        match (ex.purpose, ex.told) {
            (Purpose::Initialize, Some(Truth::Answer)) => {
                if let Some((made, sees_id)) = self.law.handshakes.get(&id).cloned() {
                    self.law.blind = made.is_some() && !sees_id;
                    self.law.handed.extend(made.filter(|_| sees_id));
                }
                self.law.slowest_handshake = self.law.slowest_handshake.max(self.now.mono - sent_at);
            }
            (Purpose::Discover, Some(Truth::Answer)) => {
                self.law.slowest_handshake = self.law.slowest_handshake.max(self.now.mono - sent_at);
            }
            (Purpose::Initialize | Purpose::Discover, Some(Truth::Busy { floor })) => {
                self.law.not_before = self.now.mono + floor
            }
            (Purpose::Delete, _) => {}
            (_, Some(Truth::Gate { plain: true })) if ex.request.method == Method::Post => self.law.refused.extend(sid),
            _ => {}
        }
    }

    pub fn note_failed(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get(&id) else { return };
        if ex.open && ex.purpose == Purpose::Ping {
            *self.law.pings_failed.entry(ex.generation).or_default() += 1;
        }
    }

    pub fn heard(&mut self, event: &Event<Value>) {
        match event {
            Event::Wire(wire) => {
                if wire.step == WireStep::Sent {
                    self.law.generations.insert(wire.exchange, wire.generation);
                }
                self.steps.wire(wire);
            }
            Event::Recovering { reason, generation } => {
                self.say(|_| format!("recovering from generation {generation}: {reason}"));
                self.check_declared(*generation);
                self.steps.lost(*generation);
            }
            Event::Recovered { generation, recovery, .. } => {
                self.say(|_| format!("recovered: generation {generation}"));
                self.check_recovered(*generation, recovery);
            }
            Event::Warning { kind, .. } => self.say(|_| format!("warning: {kind}")),
            Event::Close { reason } => self.say(|_| format!("closed: {reason}")),
            Event::StateChange => {
                self.check_era();
                self.note_recovery();
            }
            Event::Notification { .. }
            | Event::EventId { .. }
            | Event::Keep { .. }
            | Event::Reclaim
            | Event::Task { .. }
            | Event::Stale { .. }
            | Event::InvalidTool { .. } => {}
        }
    }

    /// A live session is never declared dead: the server, or what stands before it, must have said so; or it answers
    /// everything but this session.
    fn check_declared(&mut self, generation: u32) {
        if !self.law.declared.insert(generation) {
            return self.fail(format!("generation {generation} is lost twice"));
        }
        let held = self.law.ids.get(&generation).and_then(Option::as_ref).and_then(|sid| self.server.sessions.get(sid));
        let gone = held.is_some_and(|held| held.refused || !held.alive);
        let hidden = self.law.pings_failed.get(&generation).is_some_and(|failed| *failed >= 2);
        let other = self.law.eras.is_gone(generation);
        if !gone && !hidden && !other && !self.law.host_gives_up {
            self.fail(format!("generation {generation} is declared dead, and lives"));
        }
    }

    /// A call runs on the server.
    pub fn check_ran(&mut self, n: u64, exchange: ExchangeId) {
        let Some(command) = self.app.commands.get(&n) else { return };
        let safe = matches!(command.kind, Kind::Call(tool) if tool.is_safe());
        let before = command.ran.iter().filter(|ran| ran.exchange != exchange);
        let twice = before.filter_map(|ran| self.exchanges.get(&ran.exchange)).any(|ex| self.law.may_have_run(ex));
        if !safe && twice {
            self.fail(format!("{n} ran twice, by our doing"));
        }
    }

    pub fn check_settled(&mut self, n: u64, result: Option<&Value>) {
        let Some(command) = self.app.commands.get(&n) else { return };
        let took = self.now.mono - command.made_at;
        // What the server says of a task starts its clock anew.
        let polled = matches!(command.kind, Kind::Call(Tool::Task(_)));
        let in_time = polled || took <= self.plan.timeout + self.plan.timer_late || self.law.slept || command.progress;
        let wrong = match (result, command.kind) {
            _ if !in_time => Some(format!("it took {took} ms")),
            (None, _) => None,
            (Some(result), Kind::Call(tool)) if self.is_wide() => self.wrong_result(n, command, tool, result),
            (Some(result), Kind::Call(_)) => {
                let mut own = command.sent.iter().filter_map(|id| self.exchanges.get(id));
                let own = own.any(|ex| result["wire"] == ex.body["id"]);
                (result["n"].as_u64() != Some(n) || !own).then(|| format!("it got the answer {result}"))
            }
            (Some(result), Kind::Connect) => {
                let known = result["protocolVersion"].is_string() || result["supportedVersions"].is_array();
                (!known).then(|| format!("it got the answer {result}"))
            }
            (Some(_), Kind::Reconnect) => {
                let same = self.session.status().generation <= command.generation;
                same.then(|| "reconnect made no new session".to_owned())
            }
            (Some(_), Kind::Notify | Kind::Verify | Kind::Close) => None,
        };
        if let Some(wrong) = wrong {
            self.fail(format!("{n}: {wrong}"));
        }
    }

    pub fn check_question(&mut self, tag: &str, generation: u32) {
        let sid = self.law.ids.get(&generation).cloned().flatten().unwrap_or_default();
        // Those of the modern era are asked for a call.
        if !tag.starts_with("input:") && tag.split(':').next() != Some(&sid) {
            self.fail(format!("generation {generation} asks {tag}"));
        }
    }

    pub fn check_answer(&mut self, sid: &Option<String>, body: &Value) {
        let tag = body["result"]["tag"].as_str().or_else(|| body["error"]["message"].as_str()).unwrap_or_default();
        let own = format!("{}:{}", sid.as_deref().unwrap_or_default(), body["id"]);
        if tag.contains(':') && tag != own {
            self.fail(format!("the answer to {tag} reached {own}"));
        }
    }

    pub fn check_cancelled(&mut self, sid: &Option<String>, body: &Value) {
        let wire_id = &body["params"]["requestId"];
        if !self.exchanges.values().any(|ex| ex.body["id"] == *wire_id && (ex.sid == *sid || sid.is_none())) {
            self.fail(format!("{wire_id} is cancelled under {sid:?}, which never saw it"));
        }
    }

    /// No call is lost, none hangs; and what was said of them is true.
    pub fn check_all_settled(&mut self) {
        let wrong = self.app.commands.iter().find_map(|(n, command)| Some((*n, self.untrue(command)?)));
        if let Some((n, wrong)) = wrong {
            self.fail(format!("{n} ({:?}): {wrong}", self.app.commands.get(&n).map(|command| command.kind)));
        }
    }

    fn untrue(&self, command: &Command) -> Option<String> {
        let runs = command.ran.iter().filter_map(|ran| self.exchanges.get(&ran.exchange));
        let runs: Vec<bool> = runs.map(|ex| self.law.may_have_run(ex)).collect();
        let counts = matches!(
            command.kind,
            Kind::Call(Tool::Write(_) | Tool::Read(_) | Tool::Throws | Tool::Asks(..) | Tool::Task(_))
        );
        // Where one replica refuses and another answers the ping, the refusal passes for an answer.
        let sent = command.sent.iter().filter_map(|id| self.exchanges.get(id));
        let ambiguous = sent.into_iter().any(|ex| ex.told == Some(Truth::Gate { plain: false }));
        // So does a state that the server does not know any more.
        let ambiguous = ambiguous || matches!(command.kind, Kind::Call(Tool::Asks(..)));
        let Some(end) = &command.end else { return Some("is not settled".to_owned()) };
        match end {
            End::Ok if counts && runs.is_empty() => Some("is ok, and never ran".to_owned()),
            End::Failed { outcome: Outcome::NotExecuted, message, .. } if runs.contains(&true) => {
                Some(format!("ran, and is said not to have: {message}"))
            }
            End::Failed { outcome: Outcome::Executed, message, .. } if counts && runs.is_empty() && !ambiguous => {
                Some(format!("never ran, and is said to have: {message}"))
            }
            End::Ok | End::Failed { .. } | End::Cancelled => None,
        }
    }

    /// The id of the session that the client has.
    pub fn current_id(&self) -> Option<String> {
        self.law.ids.get(&self.session.status().generation).cloned().flatten()
    }

    /// What the client was given and does not use is ended on the server.
    pub fn check_leaks(&mut self) {
        let current = self.current_id();
        let hidden = |sid: &str| {
            let mut generations = self.law.ids.iter().filter(|(_, id)| id.as_deref() == Some(sid));
            generations.any(|(generation, _)| self.law.pings_failed.get(generation).is_some_and(|failed| *failed >= 2))
        };
        let leak = self.law.handed.iter().find(|sid| {
            let held = self.server.sessions.get(*sid);
            let kept = held.is_some_and(|held| held.alive && !held.refused && !held.deleted);
            kept && current.as_ref() != Some(*sid) && !hidden(sid)
        });
        if let Some(leak) = leak.cloned() {
            self.fail(format!("{leak} was given up and not ended"));
        }
    }

    /// After close: nothing on the wire, no timer.
    pub fn check_silence(&mut self) {
        if self.session.status().phase != Phase::Closed {
            self.fail("not closed");
        }
        if let Some(deadline) = self.session.poll_timeout() {
            self.fail(format!("a timer runs after close: {}", deadline.why));
        }
        if let Some((id, _)) = self.exchanges.iter().find(|(_, ex)| ex.open) {
            self.fail(format!("{} is open after close", self.name(*id)));
        }
        for (id, _) in std::mem::take(&mut self.app.questions) {
            self.fail(format!("{id:?} is open after close"));
        }
    }
}
