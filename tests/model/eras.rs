//! Servers that speak one era, the other, or both, and change while a session is open; and the laws of which era is
//! believed.

use crate::browser::Ex;
use crate::server::{Reply, Truth};
use crate::world::World;
use fastrand::Rng;
use mcp_evergreen::protocol::era::{Era, legacy, modern};
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{ExchangeId, Purpose};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Which eras a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    Legacy,
    Modern,
    Both,
}

impl Speaks {
    pub fn speaks(self, era: Era) -> bool {
        match self {
            Self::Legacy => era == Era::Legacy,
            Self::Modern => era == Era::Modern,
            Self::Both => true,
        }
    }
}

/// What is decided of the eras before the first event.
#[derive(Clone, Debug)]
pub struct Eras {
    pub starts: Speaks,
    /// The client was told that it is a legacy server.
    pub remembered: bool,
    /// While it speaks the legacy era alone, its CORS rules do not know the header fields of the modern one.
    pub narrow: bool,
    /// While it speaks the modern era alone, its refusals of the legacy one lack CORS headers.
    pub hides: bool,
    /// How its legacy self refuses `server/discover`.
    refuses_discover: usize,
    /// How its modern self refuses `initialize`.
    refuses_initialize: usize,
    /// What it becomes in the closing act; the connections break, or not.
    pub ends: (Speaks, bool),
    /// Milliseconds for which its results may be used again.
    pub ttl: u64,
    /// Milliseconds between two questions of how a task stands.
    pub poll: u64,
    /// Milliseconds until it acknowledges a listening stream.
    pub acknowledges: u64,
    /// It counts its tasks from one after a restart.
    pub counts_anew: bool,
}

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(0..of.len())]
}

pub fn speaks(rng: &mut Rng) -> Speaks {
    pick(rng, &[Speaks::Legacy, Speaks::Modern, Speaks::Modern, Speaks::Both])
}

impl Eras {
    pub fn new(rng: &mut Rng) -> Self {
        Self {
            starts: speaks(rng),
            remembered: rng.u8(0..6) == 0,
            narrow: rng.u8(0..4) == 0,
            hides: rng.u8(0..4) == 0,
            refuses_discover: rng.usize(0..DISCOVER_REFUSED.len()),
            refuses_initialize: rng.usize(0..INITIALIZE_REFUSED.len()),
            ends: (speaks(rng), rng.bool()),
            ttl: pick(rng, &[0, 300, 3_000, 60_000]),
            poll: pick(rng, &[0, 100, 700, 5_000, 40_000, 1_000_000_000_000]),
            acknowledges: pick(rng, &[0, 0, 30, 2_000]),
            counts_anew: rng.bool(),
        }
    }
}

/// Status, code and words; the last says whether the error has the request's own id.
type Refusal = (u16, Option<i64>, &'static str, bool);

/// How servers of the legacy era refuse a request that they do not know: one without a session.
const DISCOVER_REFUSED: &[Refusal] = &[
    (400, Some(-32000), "Bad Request: Unsupported protocol version (supported versions: 2025-11-25)", false),
    (400, Some(-32600), "Bad Request: Missing session ID", false),
    (404, Some(-32601), "Method not found", true),
    (200, Some(-32601), "Method not found", true),
    (422, None, "Unexpected message, expect initialize request", false),
    (404, Some(-32001), "Session not found", false),
    (405, None, "", false),
];

/// How servers of the modern era refuse `initialize`.
const INITIALIZE_REFUSED: &[Refusal] = &[
    (400, Some(-32022), "Unsupported protocol version", true),
    (400, Some(-32022), "Unsupported protocol version", false),
    (404, Some(-32601), "Method not found", true),
    (400, Some(-32020), "Mcp-Method header is missing", false),
];

/// What the latest question for the era showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    Modern,
    Legacy,
    /// It failed below HTTP.
    Hidden,
}

/// What the judge remembers of the eras.
#[derive(Default)]
pub struct EraLaw {
    evidence: Option<Evidence>,
    /// The era of each generation.
    of: BTreeMap<u32, Era>,
    /// Generations that were told that the server is of another era now.
    gone: BTreeSet<u32>,
    /// The change in the closing act cannot be read by the page.
    pub hides_end: bool,
}

impl EraLaw {
    pub fn is_gone(&self, generation: u32) -> bool {
        self.gone.contains(&generation)
    }

    /// The era of the generation before this one, if it is the first of another era; or of this one.
    fn last(&self) -> Option<Era> {
        let mut latest = self.of.values().rev();
        let era = latest.next();
        latest.next().or(era).copied()
    }

    pub fn remembered(&mut self) {
        self.evidence = Some(Evidence::Legacy);
    }
}

impl Ex {
    pub fn era(&self) -> Era {
        let modern = self.request.headers.iter().any(|(name, _)| name == "mcp-method");
        if modern { Era::Modern } else { Era::Legacy }
    }

    /// Asks which era the server speaks, for whatever reason.
    pub fn asks_era(&self) -> bool {
        self.is(modern::DISCOVER) && matches!(self.purpose, Purpose::Discover | Purpose::Ping)
    }
}

impl World {
    pub fn is_wide(&self) -> bool {
        self.plan.eras.is_some()
    }

    /// The server is another one now: it forgets all that it knew.
    pub fn become_(&mut self, speaks: Speaks, breaks: bool) {
        self.server.speaks = speaks;
        self.forget_modern();
        self.evict_all();
        if breaks {
            self.break_all();
        }
    }

    /// The browser asks first whether it may send these header fields.
    pub fn preflight_fails(&self, id: ExchangeId) -> bool {
        let narrow = self.plan.eras.as_ref().is_some_and(|eras| eras.narrow) && self.server.speaks == Speaks::Legacy;
        narrow && self.exchanges.get(&id).is_some_and(|ex| ex.era() == Era::Modern)
    }

    /// What belongs to the modern era, or is refused by a server that speaks the other.
    pub fn by_era(&mut self, id: ExchangeId) -> Option<Reply> {
        let eras = self.plan.eras.clone()?;
        let ex = self.exchanges.get(&id)?;
        let (era, body) = (ex.era(), ex.body.clone());
        if let Some(wrong) = self.wrong_envelope(ex) {
            let name = self.name(id);
            self.fail(format!("{name}: {wrong}"));
        }
        let ex = self.exchanges.get(&id)?;
        let mut reply = match (era, self.server.speaks) {
            (Era::Modern, Speaks::Modern | Speaks::Both) => self.modern(id, &body),
            (Era::Legacy, Speaks::Legacy | Speaks::Both) => return None,
            (Era::Modern, Speaks::Legacy) => {
                let row = &DISCOVER_REFUSED[eras.refuses_discover];
                let (discovers, stateless) = (ex.is(modern::DISCOVER), self.plan.server.stateless);
                match row.1 {
                    // Without sessions it does not look at what it does not know.
                    Some(-32601) if stateless && !discovers => return None,
                    Some(-32601) if !stateless => refuse(&DISCOVER_REFUSED[1], &body),
                    _ => refuse(row, &body),
                }
            }
            (Era::Legacy, Speaks::Modern) => {
                let method = body["method"].as_str().unwrap_or_default();
                let versioned = ex.request.headers.iter().any(|(name, _)| name == "mcp-protocol-version");
                let row = match ex.request.method {
                    mcp_evergreen::protocol::http::Method::Post if method == legacy::INITIALIZE => {
                        INITIALIZE_REFUSED[eras.refuses_initialize]
                    }
                    mcp_evergreen::protocol::http::Method::Post if versioned => INITIALIZE_REFUSED[0],
                    mcp_evergreen::protocol::http::Method::Post => INITIALIZE_REFUSED[3],
                    _ => (405, None, "", false),
                };
                let mut reply = refuse(&row, &body);
                reply.opaque = eras.hides;
                reply
            }
        };
        reply.era = Some(if self.server.speaks.speaks(era) { era } else { other(era) });
        Some(reply)
    }

    /// An exchange is over, or its answer is there: what it shows of the server's era.
    pub fn note_era(&mut self, id: ExchangeId, failed: bool) {
        let Some(ex) = self.exchanges.get(&id).filter(|ex| !ex.aborted) else { return };
        let reply = ex.reply.as_ref();
        let shown = reply.and_then(|reply| reply.era);
        let status = reply.map_or(0, |reply| reply.status);
        let refused = matches!(ex.told, Some(Truth::Gate { .. } | Truth::Answer)) || status == 200;
        let evidence = match (failed, shown) {
            (true, _) => Some(Evidence::Hidden),
            (_, Some(Era::Modern)) if ex.told == Some(Truth::Answer) => Some(Evidence::Modern),
            (_, Some(Era::Legacy)) => Some(Evidence::Legacy),
            // A page, a body that is no JSON: "a 200 that is no valid DiscoverResult".
            _ if refused => Some(Evidence::Legacy),
            // What any gateway says of a method that it does not know: `initialize` tells.
            _ if matches!(status, 401 | 403 | 500..) => Some(Evidence::Hidden),
            _ => None,
        };
        // A handshake is refused on behalf of the session that is in doubt.
        let makes = ex.purpose == Purpose::Initialize;
        let generation = if makes { self.session.status().generation } else { ex.generation };
        let era = ex.era();
        let asks = ex.asks_era();
        let lost = match era {
            Era::Modern => !failed && evidence == Some(Evidence::Legacy),
            Era::Legacy => shown == Some(Era::Modern) && !failed,
        };
        if lost {
            self.law.eras.gone.insert(generation);
        }
        if let Some(evidence) = evidence.filter(|_| asks) {
            self.law.eras.evidence = Some(evidence);
        }
    }

    /// "The era is believed only after an answer to `server/discover`", or after an `initialize` that succeeded where
    /// that was hidden, or came to nothing.
    pub fn check_era(&mut self) {
        let status = self.session.status();
        let (Phase::Ready, Some(era)) = (status.phase, status.era) else { return };
        let before = self.law.eras.of.get(&(status.generation - 1)).copied();
        if self.law.eras.of.insert(status.generation, era).is_some() {
            return;
        }
        match (before, era) {
            (Some(Era::Legacy), Era::Modern) => self.steps.mark("era", "upgraded"),
            (Some(Era::Modern), Era::Legacy) => self.steps.mark("era", "downgraded"),
            _ => {}
        }
        let believed = match (era, self.law.eras.evidence) {
            (Era::Modern, Some(Evidence::Modern)) | (Era::Legacy, Some(Evidence::Legacy | Evidence::Hidden)) => true,
            (Era::Legacy, _) => {
                !self.is_wide() || self.exchanges.values().rfind(|ex| ex.asks_era()).is_some_and(|ex| ex.aborted)
            }
            (Era::Modern, _) => false,
        };
        if !believed {
            let evidence = self.law.eras.evidence;
            self.fail(format!("generation {} is {era:?}, and all that was shown is {evidence:?}", status.generation));
        }
    }

    /// A request is written in its session's era, and asks for an era alone.
    pub fn wrong_era(&self, id: ExchangeId, ex: &Ex) -> Option<String> {
        let name = self.name(id);
        let asks = |ex: &Ex| ex.asks_era() || ex.purpose == Purpose::Initialize;
        if asks(ex) {
            let under_way = |other: &Ex| other.open && other.told.is_none() && asks(other) && !self.is_hedge(ex, other);
            let other = self
                .exchanges
                .iter()
                .find(|(other, ex)| **other != id && under_way(ex) && !self.law.is_overtaken(**other, ex));
            if let Some((other, _)) = other {
                return Some(format!("{name} is sent while {} is under way", self.name(*other)));
            }
        }
        if matches!(ex.purpose, Purpose::Discover | Purpose::Initialize | Purpose::Initialized | Purpose::Delete) {
            return None;
        }
        let era = self.law.eras.of.get(&ex.generation).copied();
        // A session that is about to be ready is a legacy one.
        let era = era.unwrap_or(Era::Legacy);
        (era != ex.era()).then(|| format!("{name} is written as {:?}, and its session is {era:?}", ex.era()))
    }

    /// Some time after the faults stopped: the session is of an era that the server speaks.
    pub fn check_era_is_spoken(&mut self) {
        let status = self.session.status();
        let speaks = self.server.speaks;
        if let Some(era) = status.era.filter(|era| status.phase == Phase::Ready && !speaks.speaks(*era)) {
            self.fail(format!("the session is {era:?}, and the server speaks {speaks:?}"));
        }
    }

    /// Whether the closing act's change of eras is said in words that no gate of a session has.
    pub fn ends_in_other_words(&self) -> bool {
        let Some(eras) = &self.plan.eras else { return false };
        let (status, _, words, own_id) = DISCOVER_REFUSED[eras.refuses_discover];
        let says = words.contains("ession") || matches!(status, 404 | 410) && !own_id;
        let missing = status != 200 && own_id && !self.plan.server.stateless;
        eras.ends.0 == Speaks::Legacy && self.law.eras.last() == Some(Era::Modern) && !says && !missing
    }

    /// Whether what ran in the closing act's change of eras cannot be known of a page that cannot read it.
    pub fn ends_hidden(&self) -> bool {
        let Some(eras) = &self.plan.eras else { return false };
        let era = self.session.status().era;
        let (ends, _) = eras.ends;
        ends == Speaks::Legacy && eras.narrow && era == Some(Era::Modern)
            || ends == Speaks::Modern && (eras.hides || self.plan.opaque_end) && era == Some(Era::Legacy)
    }
}

fn other(era: Era) -> Era {
    match era {
        Era::Legacy => Era::Modern,
        Era::Modern => Era::Legacy,
    }
}

fn refuse(refusal: &Refusal, body: &Value) -> Reply {
    let (status, code, words, own_id) = *refusal;
    let truth = Truth::Gate { plain: false };
    let Some(code) = code else { return Reply::text(status, words, truth) };
    let id = if own_id { body["id"].clone() } else { Value::Null };
    let data = json!({"supported": [modern::VERSION], "requested": "2025-11-25"});
    let error = json!({"code": code, "message": words, "data": data});
    let error = json!({"jsonrpc": "2.0", "id": id, "error": error});
    Reply::new(status, "application/json", error.to_string(), truth)
}
