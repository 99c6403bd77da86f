//! The invariants. Each is checked at the moment when it could break. Whether a call ran is the ledger's to say.

use crate::app::{Command, End, Kind};
use crate::browser::Ex;
use crate::plan::Tool;
use crate::server::Truth;
use crate::world::World;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::status::{Event, Phase, WireStep};
use mcp_evergreen::protocol::{ExchangeId, Outcome, Output, Purpose};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A call is sent at most this often.
const MAX_SENDS: usize = 3;
/// A handshake whose answer does not begin for so long may be given one more try beside it.
const HEDGED_AFTER_MS: u64 = 5_000;

/// Whoever says nothing to `initialized` for so long has nothing against it.
const SILENCE_MS: u64 = 1_000;

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
    /// The latest request that had been sent when an `initialize` succeeded last.
    made_after: Option<ExchangeId>,
    /// Ids from successful handshakes.
    handed: BTreeSet<String>,
    /// Generations whose `notifications/initialized` was answered.
    initialized: BTreeSet<u32>,
    /// Sessions of which the client was told plainly that they are gone.
    refused: BTreeSet<String>,
    /// Generations that the client declared dead.
    declared: BTreeSet<u32>,
    pings_failed: BTreeMap<u32, u32>,
    wire_ids: BTreeSet<u64>,
    /// No `initialize` before.
    pub not_before: u64,
    blind: bool,
    deleted_after_close: BTreeSet<Option<String>>,
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

    /// Whether the client has given this session up.
    pub fn is_given_up(&self, generation: u32) -> bool {
        self.declared.contains(&generation)
    }

    /// The server keeps a session whose id the page never saw.
    pub fn is_blind(&self) -> bool {
        self.blind
    }

    /// Another `initialize` has succeeded since this one was sent: it is only waited for, so that its session can be ended.
    pub fn is_overtaken(&self, id: ExchangeId, ex: &Ex) -> bool {
        ex.purpose == Purpose::Initialize && self.made_after.is_some_and(|latest| id <= latest)
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
        let wrong = wrong.or_else(|| self.sent_in_vain(id));
        let Some(ex) = self.exchanges.get(&id) else { return };
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
            if self.app.closed && !self.law.deleted_after_close.insert(sid.clone()) {
                self.fail("a second DELETE after close");
            }
            if let Some(held) = sid.and_then(|sid| self.server.sessions.get_mut(&sid)) {
                held.deleted = true;
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
        // Later, what ends a session that was being made: it is of no generation.
        if self.app.closed && (!delete || ex.generation > 0 && self.now.mono > self.app.closed_at) {
            return Some(format!("{name} is sent after close"));
        }
        if matches!(ex.purpose, Purpose::Initialize | Purpose::Discover) {
            let under_way = |other: &Ex| {
                let handshake = matches!(other.purpose, Purpose::Discover | Purpose::Initialize | Purpose::Initialized);
                other.open && other.told.is_none() && handshake
            };
            let others = self.exchanges.iter().filter(|(other, ex)| **other != id && under_way(ex));
            let others: Vec<_> = others.filter(|(other, ex)| !law.is_overtaken(**other, ex)).collect();
            if let Some((other, before)) = others.first()
                && (!self.is_hedge(ex, before) || others.len() > 1)
            {
                return Some(format!("two handshakes: {name} and {}", self.name(**other)));
            }
            if ex.sid.is_some() {
                return Some(format!("{name} carries a session id"));
            }
            if self.now.mono < law.not_before {
                return Some(format!("{name} comes {} ms too early", law.not_before - self.now.mono));
            }
        } else {
            // A session that comes to be while this one is closed is ended as soon as its id is known.
            let is_late = |sid: &String| {
                self.session.status().phase == Phase::Closed
                    && ex.request.method == Method::Delete
                    && law.handshakes.values().any(|(made, sees_id)| *sees_id && made.as_ref() == Some(sid))
            };
            if ex.sid.as_ref().is_some_and(|sid| !law.handed.contains(sid) && !is_late(sid)) {
                return Some(format!("{name} carries an id that no handshake gave: {:?}", ex.sid));
            }
            if ex.generation > 0 && law.ids.get(&ex.generation).is_some_and(|known| *known != ex.sid) {
                return Some(format!("{name} carries the id {:?} of another session", ex.sid));
            }
        }
        if !delete && !initialize {
            if ex.sid.as_ref().is_some_and(|sid| law.refused.contains(sid)) || law.declared.contains(&ex.generation) {
                return Some(format!("{name} is sent under a session known to be dead"));
            }
            // A connection that broke answers nothing any more, and one that was given up was waited for long enough.
            let over = |other: &Ex| {
                let initialized = other.purpose == Purpose::Initialized && other.generation == ex.generation;
                initialized && (!other.open || other.aborted)
            };
            let answered = law.initialized.contains(&ex.generation) || self.exchanges.values().any(over);
            let made = answered || ex.era() == Era::Modern || self.initialized_in_silence(ex.generation);
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

    /// "one hedge, for a re-initialize only, after 5 s without a head", or after twice that without an answer
    pub fn is_hedge(&self, ex: &Ex, before: &Ex) -> bool {
        let both = ex.purpose == Purpose::Initialize && before.purpose == Purpose::Initialize;
        let again = self.session.status().generation > 0;
        let after = if before.begun_at.is_none() { HEDGED_AFTER_MS } else { 2 * HEDGED_AFTER_MS };
        both && again && self.now.mono >= before.sent_at + after
    }

    /// Nobody has to answer a notification.
    fn initialized_in_silence(&self, generation: u32) -> bool {
        let of = |ex: &&Ex| ex.purpose == Purpose::Initialized && ex.generation == generation;
        let silent = |ex: &Ex| ex.begun_at.map_or(ex.sent_at + SILENCE_MS, |begun_at| begun_at) <= self.now.mono;
        self.exchanges.values().filter(of).any(silent)
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
        let denied = |ex: &&Ex| ex.told == Some(Truth::Forbidden) && self.plan.tokens.is_some();
        if !before.iter().all(denied) && command.kind == Kind::Notify {
            return Some(format!("the notification {n} is sent again"));
        }
        let early = before.iter().filter(|ex| ex.told.is_some()).find_map(|ex| {
            let floor = ex.reply.as_ref()?.floor?;
            (self.now.mono < ex.told_at + floor).then_some(floor)
        });
        early.map(|floor| format!("{n} is sent again before {floor} ms are over"))
    }

    /// "A call that may have run is never run twice": one that the ledger has is not sent once more.
    fn sent_in_vain(&mut self, id: ExchangeId) -> Option<String> {
        let ex = self.exchanges.get(&id)?;
        let n = self.number_of(id).filter(|_| ex.request.method != Method::Get)?;
        let command = self.app.commands.get(&n)?;
        let repeatable = matches!(command.kind, Kind::Call(tool) if tool.is_safe());
        if repeatable || ex.body["method"].as_str().is_some_and(|method| method.starts_with("tasks/")) {
            return None;
        }
        let ran = self.ledger.ran_before(n, id)?;
        Some(format!("{n} is sent again, and {}", self.told_of(ran)))
    }

    /// The client has the whole answer.
    pub fn note_told(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get(&id).filter(|ex| !ex.aborted && ex.told_at == self.now.mono) else { return };
        let (generation, sid) = (ex.generation, ex.sid.clone());
        if ex.purpose == Purpose::Initialized {
            self.law.initialized.insert(generation);
        }
        self.note_era(id, false);
        self.note_task(id);
        let Some(ex) = self.exchanges.get(&id) else { return };
        match (ex.purpose, ex.told) {
            (Purpose::Initialize, Some(Truth::Answer)) => {
                if let Some((made, sees_id)) = self.law.handshakes.get(&id).cloned() {
                    self.law.made_after = self.exchanges.keys().next_back().copied();
                    // What a hedge was told to wait for is over.
                    self.law.not_before = 0;
                    self.law.blind = made.is_some() && !sees_id;
                    self.law.handed.extend(made.filter(|_| sees_id));
                }
            }
            // "A handshake goes out at once when a caller waits for it": one that was overtaken is nobody's any more.
            (Purpose::Initialize, Some(_)) if self.law.is_overtaken(id, ex) => {}
            (Purpose::Initialize | Purpose::Discover, Some(_)) => {
                let floor = ex.reply.as_ref().and_then(|reply| reply.floor);
                // Whoever asks for a session, and not for something of it, is past all waiting.
                let insists =
                    |command: &Command| matches!(command.kind, Kind::Verify | Kind::Reconnect) && command.end.is_none();
                let insists = self.app.commands.values().any(insists);
                self.law.not_before = self.now.mono + floor.filter(|_| !insists).unwrap_or_default();
            }
            // A ping tells whether a handshake that succeeded holds.
            (Purpose::Delete | Purpose::Initialized, _) => {}
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
            Event::Task { call, task } => self.became_task(*call, task),
            Event::Notification { .. }
            | Event::EraLearned { .. }
            | Event::EventId { .. }
            | Event::Keep { .. }
            | Event::TakenUp
            | Event::Reclaim
            | Event::Stale { .. }
            | Event::ListChanged { .. }
            | Event::ResourceStale { .. }
            | Event::ForClient { .. }
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
        if matches!(command.kind, Kind::Call(tool) if tool.is_safe()) {
            return;
        }
        if let Some(ran) = self.ledger.ran_before(n, exchange) {
            let why = self.told_of(ran);
            self.fail(format!("{n} runs a second time, by our doing: {why}"));
        }
    }

    pub fn check_settled(&mut self, n: u64, result: Option<&Value>) {
        let Some(command) = self.app.commands.get(&n) else { return };
        let late = self.is_too_late(command);
        let wrong = match (result, command.kind) {
            _ if late.is_some() => late,
            (None, _) => None,
            (Some(result), Kind::Call(tool)) if self.is_wide() => self.wrong_result(n, command, tool, result),
            (Some(result), Kind::Call(_)) => {
                let mut own = command.sent.iter().filter_map(|id| self.exchanges.get(id));
                let own = own.any(|ex| result["wire"] == ex.body["id"]);
                (result["n"].as_u64() != Some(n) || !own).then(|| format!("it got the answer {result}"))
            }
            (Some(result), Kind::Resume(of)) => {
                self.steps.mark("task", "resumed");
                (result["n"] != of).then(|| format!("it waits for what became of {of}, and got {result}"))
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
        let ends: Vec<_> = self.app.commands.iter().map(|(n, it)| (*n, it.kind, it.end.clone())).collect();
        for (n, kind, end) in ends {
            let wrong = match end {
                Some(end) => self.untrue(n, kind, &end),
                // A task may run for an hour.
                None if kind.is_of_task() => self.app.commands.get(&n).and_then(|command| self.is_too_late(command)),
                None => Some("is not settled".to_owned()),
            };
            if let Some(wrong) = wrong {
                return self.fail(format!("{n} ({kind:?}): {wrong}"));
            }
        }
    }

    fn untrue(&mut self, n: u64, kind: Kind, end: &End) -> Option<String> {
        let is_call = matches!(kind, Kind::Call(_));
        let runs =
            matches!(kind, Kind::Call(Tool::Write(_) | Tool::Read(_) | Tool::Throws | Tool::Asks(..) | Tool::Task(_)));
        match end {
            End::Ok if runs && self.ledger.runs(n) == 0 => Some("is ok, and never ran".to_owned()),
            End::Failed { outcome: Outcome::NotExecuted, message, .. } => {
                let ran = self.ledger.ran_after_all(n)?;
                Some(format!("{}, and is said not to have: {message}", self.told_of(ran)))
            }
            End::Failed { outcome: Outcome::Executed, message, .. } if is_call && !self.ledger.was_handled(n) => {
                Some(format!("never ran, and is said to have: {message}"))
            }
            End::Failed { outcome: Outcome::Unknown, message, .. }
                if is_call && self.app.commands.get(&n).is_some_and(|command| command.sent.is_empty()) =>
            {
                Some(format!("was never sent, and may have run: {message}"))
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
