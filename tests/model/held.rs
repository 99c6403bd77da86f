//! What the app wants held beyond one session: subscriptions, the log level, the standing stream. What it wants, what
//! the server has, and the laws between the two.

use crate::app::End;
use crate::browser::Ex;
use crate::plan::{Standing, Tool};
use crate::server::{Ending, Reply, Truth};
use crate::world::World;
use mcp_evergreen::protocol::config::Listen;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::status::{LastRecovery, Phase};
use mcp_evergreen::protocol::{Code, ExchangeId, Outcome, Purpose, sse};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How a recovery names the subscriptions of a listening stream.
const STREAM: &str = "subscriptions";
/// A stream that ends sooner counts as short.
const SHORT_MS: u64 = 5_000;
/// The last of these is refused by every server.
pub const URIS: [&str; 4] = ["demo://a", "demo://b", "demo://c", "demo://none"];
/// The last of these, too.
pub const LEVELS: [&str; 4] = ["debug", "info", "error", "none"];
/// A stream that always ends is opened again within twice the longest pause, and what the server said.
const REOPENED_MS: u64 = 80_000;

/// What the app asked for, call by call. What the server refused does not count; then what was asked before it does.
#[derive(Default)]
struct Asked<T>(Vec<(u64, T, Counts)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// The call has not ended.
    Open,
    Yes,
    No,
    Unsure,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Want<T> {
    Sure(T),
    Unsure,
}

impl<T: PartialEq> Want<T> {
    /// `None` where that is not known.
    fn is_not(&self, nothing: &T) -> Option<bool> {
        match self {
            Self::Sure(value) => Some(value != nothing),
            Self::Unsure => None,
        }
    }
}

impl<T: Copy> Asked<T> {
    fn end(&mut self, n: u64, counts: Counts) {
        self.0.iter_mut().filter(|(of, ..)| *of == n).for_each(|(_, _, it)| *it = counts);
    }

    fn wanted(&self) -> Option<Want<T>> {
        let (_, value, counts) = self.0.iter().rfind(|(_, _, counts)| *counts != Counts::No)?;
        Some(if *counts == Counts::Unsure { Want::Unsure } else { Want::Sure(*value) })
    }

    /// Whether a call of the app's says it anyhow.
    fn is_open(&self) -> bool {
        self.0.iter().any(|(_, _, counts)| *counts == Counts::Open)
    }
}

#[derive(Default)]
pub struct Wants {
    uris: BTreeMap<&'static str, Asked<bool>>,
    level: Asked<&'static str>,
    listening: bool,
    /// What was wanted when the session of this generation was made.
    at_recovery: BTreeMap<u32, (BTreeSet<String>, BTreeSet<String>)>,
    /// How much had been asked for then.
    said: BTreeMap<u32, BTreeMap<String, usize>>,
    recovered: BTreeSet<u32>,
    chain: Chain,
}

/// Standing streams of one session, one after the other.
#[derive(Default)]
struct Chain {
    generation: u32,
    latest: Option<ExchangeId>,
    ended_at: Option<u64>,
    short: u32,
    retry: u64,
}

/// What a server's session holds.
#[derive(Default)]
pub struct Held {
    subscriptions: BTreeSet<String>,
    level: Option<String>,
}

impl Wants {
    /// What must be wanted, and what may be.
    fn names(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut must, mut may) = (BTreeSet::new(), BTreeSet::from(["tool list".to_owned()]));
        let levels = [("log level".to_owned(), self.level.wanted().map(|want| want.is_not(&"")), self.level.is_open())];
        let uris = self.uris.iter().map(|(uri, asked)| {
            (format!("subscription {uri}"), asked.wanted().map(|want| want.is_not(&false)), asked.is_open())
        });
        for (name, wanted, open) in levels.into_iter().chain(uris) {
            match wanted {
                None | Some(Some(false)) => {}
                Some(Some(true)) if !open => drop((must.insert(name.clone()), may.insert(name))),
                Some(Some(true) | None) => drop(may.insert(name)),
            }
        }
        (must, may)
    }

    /// How often the app has asked for each.
    fn said(&self) -> BTreeMap<String, usize> {
        let uris = self.uris.iter().map(|(uri, asked)| (format!("subscription {uri}"), asked.0.len()));
        uris.chain([("log level".to_owned(), self.level.0.len())]).collect()
    }

    pub fn listening(&self) -> bool {
        self.listening
    }

    /// Subscriptions that must be held, and that may be.
    pub fn subscribed(&self) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
        let wanted = |it: &Asked<bool>, sure: bool| match it.wanted() {
            Some(Want::Sure(is)) => is,
            Some(Want::Unsure) => !sure,
            None => false,
        };
        let of = |sure: bool| self.uris.iter().filter(|(_, it)| wanted(it, sure)).map(|(uri, _)| *uri).collect();
        (of(true), of(false))
    }

    /// The log level, where it is certain.
    pub fn sure_level(&self) -> Option<Option<&'static str>> {
        match self.level.wanted() {
            _ if self.level.is_open() => None,
            Some(Want::Sure(level)) => Some(Some(level)),
            Some(Want::Unsure) => None,
            None => Some(None),
        }
    }

    /// Whether the stream must be open, and whether it may be.
    fn listens(&self, listen: Listen) -> (bool, bool) {
        let (mut must, mut may) = (self.listening, self.listening);
        for asked in self.uris.values() {
            must |= asked.wanted() == Some(Want::Sure(true));
            // What is asked for now may be refused.
            may |= asked.is_open() || asked.wanted().is_some_and(|want| want != Want::Sure(false));
        }
        match listen {
            Listen::Auto => (must, may),
            Listen::Always => (true, true),
            Listen::Never => (false, false),
        }
    }
}

/// The method and the params of a call that changes what is held.
pub fn request(tool: Tool, n: u64) -> Option<(&'static str, &'static str, Value)> {
    match tool {
        Tool::Subscribe(at) => Some(("resources/subscribe", URIS[at], json!({"uri": URIS[at], "n": n}))),
        Tool::Unsubscribe(at) => Some(("resources/unsubscribe", URIS[at], json!({"uri": URIS[at], "n": n}))),
        Tool::Level(at) => Some(("logging/setLevel", "", json!({"level": LEVELS[at], "n": n}))),
        Tool::Write(_)
        | Tool::Read(_)
        | Tool::Throws
        | Tool::Safe(_)
        | Tool::Unknown
        | Tool::Asks(..)
        | Tool::Task(_) => None,
    }
}

/// Calls of the closing act that change what is held while a recovery is under way, some of them at odds.
pub fn last_wishes(rng: &mut fastrand::Rng) -> Vec<Tool> {
    let at = rng.usize(0..3);
    let other = (at + rng.usize(0..2)) % 3;
    let all = [Tool::Subscribe(at), Tool::Unsubscribe(other), Tool::Level(at), Tool::Level(other)];
    all.into_iter().filter(|_| rng.bool()).collect()
}

impl World {
    // The app.

    /// A call is about to be made.
    pub fn want(&mut self, n: u64, tool: Tool) {
        if self.app.closed {
            return;
        }
        let wants = &mut self.app.wants;
        match tool {
            Tool::Subscribe(at) => wants.uris.entry(URIS[at]).or_default().0.push((n, true, Counts::Open)),
            Tool::Unsubscribe(at) => wants.uris.entry(URIS[at]).or_default().0.push((n, false, Counts::Open)),
            Tool::Level(at) => wants.level.0.push((n, LEVELS[at], Counts::Open)),
            Tool::Write(_)
            | Tool::Read(_)
            | Tool::Throws
            | Tool::Safe(_)
            | Tool::Unknown
            | Tool::Asks(..)
            | Tool::Task(_) => {}
        }
    }

    /// Such a call has ended: what the server refuses is not wanted any more.
    pub fn wanted(&mut self, n: u64, tool: Tool, end: &End) {
        let counts = match end {
            End::Ok | End::Cancelled => Counts::Yes,
            End::Failed { code, outcome, .. } => match code {
                Code::Timeout | Code::SessionLost | Code::Network | Code::Overloaded | Code::Closed => Counts::Yes,
                Code::Rpc if *outcome == Outcome::Executed => Counts::No,
                // The modern era: the server does not tell of it.
                Code::Capability => Counts::No,
                _ => Counts::Unsure,
            },
        };
        let wants = &mut self.app.wants;
        match tool {
            Tool::Subscribe(at) | Tool::Unsubscribe(at) => {
                wants.uris.entry(URIS[at]).or_default().end(n, counts);
                // The stream may have been given up with the last subscription.
                wants.chain = if tool == Tool::Subscribe(at) && counts == Counts::Yes {
                    std::mem::take(&mut wants.chain)
                } else {
                    Chain::default()
                };
            }
            Tool::Level(_) => wants.level.end(n, counts),
            Tool::Write(_)
            | Tool::Read(_)
            | Tool::Throws
            | Tool::Safe(_)
            | Tool::Unknown
            | Tool::Asks(..)
            | Tool::Task(_) => {}
        }
    }

    pub fn set_listening(&mut self, listening: bool) {
        self.say(|_| format!("listening: {listening}"));
        self.app.wants.listening = listening && !self.app.closed;
        if !listening {
            self.app.wants.chain = Chain::default();
        }
        self.session.set_listening(listening, self.now);
        self.drain();
        let (_, may) = self.app.wants.listens(self.plan.listen);
        if !may && self.session.status().phase == Phase::Ready && !listening {
            let unsubscribed = self.app.commands.values().any(|command| {
                matches!(command.kind, crate::app::Kind::Call(Tool::Subscribe(_) | Tool::Unsubscribe(_)))
            });
            if !unsubscribed {
                self.check_nobody_listens("nobody listens");
            }
        }
    }

    // The server.

    /// A request that changes what the session holds; `Err` holds the refusal.
    pub fn hold(&mut self, sid: &Option<String>, method: &str, params: &Value) -> Result<(), (i64, &'static str)> {
        let uri = params["uri"].as_str().unwrap_or_default().to_owned();
        if method == "resources/subscribe" && uri == URIS[3] {
            self.steps.mark("subscription", "refused");
            return Err((-32602, "Unknown resource"));
        }
        if method == "logging/setLevel" && params["level"] == LEVELS[3] {
            self.steps.mark("log level", "refused");
            return Err((-32602, "Unknown level"));
        }
        let Some(session) = sid.as_ref().and_then(|sid| self.server.sessions.get_mut(sid)) else { return Ok(()) };
        match method {
            "resources/subscribe" => drop(session.held.subscriptions.insert(uri)),
            "resources/unsubscribe" => drop(session.held.subscriptions.remove(&uri)),
            "logging/setLevel" => session.held.level = params["level"].as_str().map(str::to_owned),
            _ => {}
        }
        Ok(())
    }

    /// A GET that resumes nothing opens the standing stream, or it is refused.
    pub fn standing(&mut self, id: ExchangeId, sid: &Option<String>) -> Reply {
        let refused = |status: u16| Reply::error(status, -32000, "Method not allowed.", Truth::Answer);
        let plan = self.plan.server.standing;
        let lives = match plan {
            Standing::Refused(status) => {
                self.steps.mark("stream", "refused");
                return refused(status);
            }
            Standing::Ends => 0,
            Standing::Lives(ms) => ms,
            Standing::Open => 30_000,
        };
        let cursor =
            self.exchanges.get(&id).is_some_and(|ex| ex.purpose == Purpose::Listen && ex.last_event().is_some());
        self.steps.mark("stream", if cursor { "resumed" } else { "opened" });
        let mut reply = Reply::events(": hello\n\n".to_owned());
        if plan != Standing::Open {
            reply.ending = Ending::End;
        } else {
            reply.ending = Ending::Open;
        }
        let mut at: Vec<u64> = (0..self.rng.usize(0..4)).map(|_| self.rng.u64(0..=lives)).collect();
        at.sort_unstable();
        if let Some(ms) = self.plan.server.retry {
            reply.pieces.push((0, format!("retry: {ms}\n\n")));
        }
        for at in at {
            let message = match self.rng.u8(0..4) {
                0 if self.plan.server.asks => self.question(sid),
                1 => json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}),
                _ => json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": URIS[0]}}),
            };
            let name = if self.plan.server.event_ids {
                format!("id: {}\n", self.server.cursor(sid.clone(), None))
            } else {
                String::new()
            };
            reply.pieces.push((at, format!("{name}data: {message}\n\n")));
        }
        reply.pieces.push((lives, ": bye\n\n".to_owned()));
        reply
    }

    // The laws.

    /// The standing stream is about to be opened.
    pub fn check_listen(&mut self, id: ExchangeId) {
        let Some(ex) = self.exchanges.get(&id).filter(|ex| ex.purpose == Purpose::Listen) else { return };
        let generation = ex.generation;
        // A stream with another filter is opened before the one that it replaces is closed.
        let most = usize::from(ex.era() == Era::Modern);
        let beside = self.exchanges.iter().filter(|(other, ex)| **other != id && ex.open && ex.is_standing());
        if let Some((other, _)) = beside.skip(most).last() {
            let what = format!("{} is opened beside {}", self.name(id), self.name(*other));
            return self.fail(what);
        }
        if !self.app.wants.listens(self.plan.listen).1 {
            return self.fail(format!("{} is opened, and nobody listens", self.name(id)));
        }
        let now = self.now.mono;
        let recovery = self.plan.recovery;
        let chain = &mut self.app.wants.chain;
        if chain.generation != generation {
            *chain = Chain { generation, ..Chain::default() };
        }
        chain.latest = Some(id);
        let Some(ended_at) = chain.ended_at.take() else { return };
        let doubled = recovery.base_delay_ms.saturating_mul(1 << chain.short.saturating_sub(1).min(20));
        let pause = if chain.short == 0 { 0 } else { doubled.min(recovery.max_delay_ms) };
        let floor = pause.max(chain.retry);
        let short = chain.short;
        if now < ended_at + floor {
            self.fail(format!("{} is opened {} ms after {short} short ones", self.name(id), now - ended_at));
        } else if short > 1 {
            self.steps.mark("stream", "backed off");
        }
    }

    pub fn heard_on_stream(&mut self, id: ExchangeId, event: &sse::Event) {
        self.note_change(id, event);
        let standing = self.exchanges.get(&id).is_some_and(|ex| ex.is_standing() && ex.open);
        let chain = &mut self.app.wants.chain;
        if let Some(ms) = event.retry_ms.filter(|_| standing && chain.latest == Some(id)) {
            chain.retry = ms;
        }
    }

    /// An exchange is over, for the page.
    pub fn stream_over(&mut self, id: ExchangeId) {
        let now = self.now.mono;
        let Some(ex) = self.exchanges.get(&id).filter(|ex| ex.is_standing() && !ex.aborted) else { return };
        // The next token opens it again.
        if ex.reply.as_ref().is_some_and(|reply| reply.status == 401) {
            return self.stream_denied();
        }
        let short = ex.begun_at.is_none() || now - ex.sent_at < SHORT_MS;
        let chain = &mut self.app.wants.chain;
        if chain.latest == Some(id) && chain.ended_at.is_none() {
            chain.ended_at = Some(now);
            chain.short = if short { chain.short + 1 } else { 0 };
        }
    }

    /// One that the client closes itself ends no chain of short ones, unless it had lived.
    pub fn stream_closed(&mut self, id: ExchangeId) {
        let now = self.now.mono;
        let lived = |ex: &&Ex| ex.is_standing() && ex.begun_at.is_some() && now - ex.sent_at >= SHORT_MS;
        if self.app.wants.chain.latest == Some(id) && self.exchanges.get(&id).filter(lived).is_some() {
            self.app.wants.chain.short = 0;
        }
    }

    /// The next token opens the stream, whatever became of it before.
    pub fn stream_denied(&mut self) {
        self.app.wants.chain = Chain::default();
    }

    /// The state changed: what is wanted at the beginning of a session is what is put back.
    pub fn note_recovery(&mut self) {
        let status = self.session.status();
        if status.phase == Phase::Ready && !self.app.wants.at_recovery.contains_key(&status.generation) {
            let names = self.app.wants.names();
            self.app.wants.at_recovery.insert(status.generation, names);
            let said = self.app.wants.said();
            self.app.wants.said.insert(status.generation, said);
        }
    }

    pub fn check_recovered(&mut self, generation: u32, recovery: &LastRecovery) {
        if !self.app.wants.recovered.insert(generation) {
            return self.fail(format!("generation {generation} recovered twice"));
        }
        let all: Vec<&String> = recovery.restored.iter().chain(&recovery.lost).collect();
        let named: BTreeSet<String> = all.iter().map(|name| (*name).clone()).collect();
        let Some((must, may)) = self.app.wants.at_recovery.get(&generation) else { return };
        let modern = self.session.status().era == Some(Era::Modern);
        // There the level goes with each request, and with the stream all that is subscribed to when it is acknowledged.
        let told = |name: &String| named.contains(name) || modern && (name == "log level" || named.contains(STREAM));
        let may_be = |name: &String| may.contains(name) || modern && name.starts_with("subscription");
        // What is not wanted any more by now, or was asked for anew by the app, may have been left out.
        let (_, still) = self.app.wants.names();
        let (before, now) = (self.app.wants.said.get(&generation), self.app.wants.said());
        let anew = |name: &String| before.and_then(|before| before.get(name)) != now.get(name);
        let right =
            must.iter().filter(|name| still.contains(*name) && !anew(name)).all(told) && named.iter().all(may_be);
        let right = right && named.len() == all.len();
        if !right {
            return self.fail(format!("wanted were {must:?}, restored and lost are {named:?}"));
        }
        for name in &recovery.restored {
            self.steps.mark(if name == "log level" { "log level" } else { "subscription" }, "restored");
        }
        if !recovery.lost.is_empty() {
            self.steps.mark("restoration", "lost");
        }
    }

    fn check_nobody_listens(&mut self, why: &str) {
        if let Some((id, _)) = self.exchanges.iter().find(|(_, ex)| ex.open && ex.is_standing()) {
            self.fail(format!("{} is open: {why}", self.name(*id)));
        }
    }

    /// No stream outlives the session.
    pub fn check_closed_streams(&mut self) {
        self.check_nobody_listens("the session is closed");
    }

    /// In fair weather, some time after a recovery.
    pub fn check_held(&mut self) {
        let status = self.session.status();
        if status.phase != Phase::Ready {
            return;
        }
        if self.app.wants.recovered.len() != status.recoveries as usize {
            let told = self.app.wants.recovered.len();
            return self.fail(format!("{} recoveries, {told} told", status.recoveries));
        }
        if status.era == Some(Era::Modern) {
            return self.check_heard();
        }
        let Some(held) = self.current_id().and_then(|sid| self.server.sessions.get(&sid)).map(|it| &it.held) else {
            return;
        };
        let wants = &self.app.wants;
        for (uri, want) in wants.uris.iter().filter_map(|(uri, asked)| Some((uri, asked.wanted()?))) {
            let is = held.subscriptions.contains(*uri);
            if let Want::Sure(wanted) = want
                && wanted != is
                && *uri != URIS[3]
            {
                let what = format!("the subscription to {uri} is wanted: {wanted}, and held: {is}");
                return self.fail(what);
            }
        }
        let level = wants.level.wanted();
        let level_is_wrong = match level {
            Some(Want::Sure(level)) => level != LEVELS[3] && held.level.as_deref() != Some(level),
            Some(Want::Unsure) => false,
            None => held.level.is_some(),
        };
        if level_is_wrong {
            let what = format!("the log level is {:?}, and {:?} is wanted", held.level, level);
            return self.fail(what);
        }
        let (must, may) = wants.listens(self.plan.listen);
        if !may {
            return self.check_nobody_listens("nobody listens");
        }
        let since = self.now.mono.saturating_sub(REOPENED_MS);
        let current =
            |ex: &Ex| ex.is_standing() && ex.generation == status.generation && (ex.open || ex.sent_at >= since);
        let listens = self.exchanges.values().any(current);
        if must && !listens && !matches!(self.plan.server.standing, Standing::Refused(_)) {
            self.fail("nothing listens any more");
        }
    }
}

impl Ex {
    pub fn is_standing(&self) -> bool {
        self.purpose == Purpose::Listen
    }

    pub fn last_event(&self) -> Option<&str> {
        self.request.headers.iter().find(|(name, _)| name == "last-event-id").map(|(_, value)| value.as_str())
    }
}
