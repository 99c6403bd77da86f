//! What the servers truly ran, written down where it happens; and what was truly said of it. The law asks nothing else
//! when it judges whether a call ran, or ran twice.

use crate::server::Truth;
use crate::world::World;
use mcp_evergreen::protocol::ExchangeId;
use std::collections::{BTreeMap, BTreeSet};

/// README, "What remains": a refusal that comes sooner than this after the request had begun to run cannot be told from
/// one of a request that did not run.
const ADMITTED_MS: u64 = 3_000;
/// How often one HTTP request reaches a server at most: as it was sent, once more by the browser, once more by a gateway.
const MOST_DELIVERIES: usize = 3;

/// Who brought a request to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Courier {
    /// It was sent.
    Client,
    /// The browser sent the same bytes once more.
    Browser,
    /// A gateway did.
    Gateway,
}

/// What a server did with a delivery that it let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// The call has had its effect.
    Ran,
    /// It was let in, and is answered.
    Answered,
}

/// One execution.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub exchange: ExchangeId,
    pub by: Courier,
    pub at: u64,
    pub did: Did,
}

/// Why a request was refused that may have run all the same, in another copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// Its session is not known.
    Session,
    /// Its credentials, or how often it comes.
    Otherwise,
}

/// What the README admits as a limit happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// A call ran twice: in the first exchange, which was then refused, and in the one that followed it.
    RanTwice(Refused),
    /// A call that ran is said not to have.
    SaidNotToHaveRun,
}

/// What stands before the name of a limit where these are counted.
pub const LIMIT: &str = "README, What remains: ";

#[derive(Default)]
pub struct Ledger {
    /// By the app's numbers of the calls.
    entries: BTreeMap<u64, Vec<Entry>>,
    /// The refusals that the page has, whole: when it had them. One on a stream that had spoken before is none.
    refusals: BTreeMap<ExchangeId, (u64, Refused)>,
    pub limits: BTreeSet<(u64, Limit)>,
}

impl Ledger {
    /// Executions of this call; of these, those that had an effect.
    fn ran(&self, n: u64) -> impl Iterator<Item = &Entry> {
        self.entries.get(&n).into_iter().flatten().filter(|entry| entry.did == Did::Ran)
    }

    pub fn runs(&self, n: u64) -> usize {
        self.ran(n).count()
    }

    /// Whether a handler had it.
    pub fn was_handled(&self, n: u64) -> bool {
        self.entries.contains_key(&n)
    }

    /// What there is to count at the end.
    pub fn count(&self, counts: &mut BTreeMap<String, u64>) {
        let mut add = |what: String, n: usize| *counts.entry(what).or_default() += n as u64;
        for entries in self.entries.values() {
            let ran: Vec<&Entry> = entries.iter().filter(|entry| entry.did == Did::Ran).collect();
            add("calls that ran".to_owned(), usize::from(!ran.is_empty()));
            for by in [Courier::Browser, Courier::Gateway] {
                let first = |entry: &Entry| ran.iter().any(|other| other.exchange == entry.exchange && other.by < by);
                let again = ran.iter().filter(|entry| entry.by == by && first(entry)).count();
                add(format!("brought and run a second time by the {by:?}"), again);
            }
        }
        for (_, limit) in &self.limits {
            add(format!("{LIMIT}{limit:?}"), 1);
        }
    }

    /// The page has the answer to this.
    pub fn told(&mut self, exchange: ExchangeId, truth: Truth, now: u64) {
        let refused = match truth {
            Truth::Gate { .. } => Refused::Session,
            Truth::Busy | Truth::Forbidden => Refused::Otherwise,
            Truth::Answer | Truth::Unclear => return,
        };
        self.refusals.insert(exchange, (now, refused));
    }

    /// How this exchange was refused, where that came so soon after it had run that nobody could know better.
    fn admitted(&self, n: u64, exchange: ExchangeId) -> Option<Refused> {
        let ran_at = self.ran(n).filter(|entry| entry.exchange == exchange).map(|entry| entry.at).min()?;
        let (at, refused) = self.refusals.get(&exchange)?;
        (at.saturating_sub(ran_at) <= ADMITTED_MS).then_some(*refused)
    }

    /// The exchanges in which a call ran, in order.
    fn exchanges(&self, n: u64) -> BTreeSet<ExchangeId> {
        self.ran(n).map(|entry| entry.exchange).collect()
    }

    /// The call goes out in this exchange, or runs in it: whether it ran before in another.
    pub fn ran_before(&mut self, n: u64, exchange: ExchangeId) -> Option<Entry> {
        for before in self.exchanges(n).into_iter().filter(|before| *before != exchange) {
            match self.admitted(n, before) {
                Some(refused) if self.exchanges(n).contains(&exchange) => {
                    self.limits.insert((n, Limit::RanTwice(refused)));
                }
                Some(_) => {}
                None => return self.ran(n).find(|entry| entry.exchange == before).copied(),
            }
        }
        None
    }

    /// The call is said not to have been executed: whether it was.
    pub fn ran_after_all(&mut self, n: u64) -> Option<Entry> {
        for exchange in self.exchanges(n) {
            // A session that is refused proves nothing of the call.
            if self.admitted(n, exchange) != Some(Refused::Otherwise) {
                return self.ran(n).find(|entry| entry.exchange == exchange).copied();
            }
            self.limits.insert((n, Limit::SaidNotToHaveRun));
        }
        None
    }
}

impl World {
    /// A handler does what it is asked to.
    pub fn ran(&mut self, n: u64, exchange: ExchangeId) {
        self.enter_execution(n, exchange, Did::Ran);
        self.check_ran(n, exchange);
    }

    /// The request is let in, to a handler, or to the word that there is none.
    pub fn answered(&mut self, exchange: ExchangeId) {
        if let Some(n) = self.number_of(exchange) {
            self.enter_execution(n, exchange, Did::Answered);
        }
    }

    /// For the report: how this execution was answered.
    pub fn told_of(&self, ran: Entry) -> String {
        let Some(ex) = self.exchanges.get(&ran.exchange) else { return String::new() };
        let answer = match (&ex.reply, ex.told) {
            (Some(reply), Some(truth)) => format!("answered with {} ({truth:?})", reply.status),
            (_, None) => "not answered".to_owned(),
            (None, Some(truth)) => format!("{truth:?}"),
        };
        let after = ex.told_at.saturating_sub(ran.at);
        let how = if ex.spoke { " on a stream that had spoken" } else { "" };
        format!("it ran in #{}, was brought by {:?}, and {answer} {after} ms later{how}", ran.exchange.0, ran.by)
    }

    fn enter_execution(&mut self, n: u64, exchange: ExchangeId, did: Did) {
        let Some(by) = self.exchanges.get(&exchange).map(|ex| ex.by) else { return };
        self.say(|_| format!("    call {n} {did:?}, brought by {by:?}"));
        let entries = self.ledger.entries.entry(n).or_default();
        entries.push(Entry { exchange, by, at: self.now.mono, did });
        let deliveries = entries.iter().filter(|entry| entry.exchange == exchange && entry.did == did).count();
        if deliveries > MOST_DELIVERIES {
            self.fail(format!("#{} reached the server {deliveries} times", exchange.0));
        }
    }
}
