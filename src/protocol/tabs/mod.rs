//! A session that tabs share. One of them leads: it makes the sessions and holds the listening stream, and tells the
//! others. Each sends its own calls under the shared session, so that a leader which dies takes none with it. Who leads,
//! and who is gone, are facts from outside (locks); that a leader is frozen is found out here, by asking it.

mod message;
mod offers;
mod shared_session;

pub(crate) use message::{Mark, Message, Sender, Why};
pub(crate) use offers::Offer;
pub(crate) use shared_session::Ending;

use super::Now;
use litemap::LiteMap;
use offers::Offers;

/// A leader that says nothing for so long does not live, or is frozen.
pub(crate) const SILENCE_MS: u64 = 3_000;
/// A tab that only listens asks this often whether the leader is there.
pub(crate) const PULSE_MS: u64 = 10_000;
/// A timer that fires later than this was held up.
const LATE_MS: u64 = 1_000;
/// Of a term, which stays below 2^53.
const TAB_BITS: u32 = 10;
/// A term is of the time when its leader began, and clocks are set back now and then. No later one counts.
const AHEAD_MS: u64 = 3_600_000;

/// What this tab is to the others.
///
/// ```
/// use mcp_evergreen::Role;
///
/// fn label(role: Role) -> &'static str {
///     match role {
///         Role::Leading => "this tab holds the session",
///         Role::Following => "another tab holds it",
///         Role::Alone | Role::Apart => "not shared",
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It holds the lock.
    Leading,
    /// Another does.
    Following,
    /// The session is not shared, or cannot be here.
    Alone,
    /// It has stepped back, or not joined yet: nothing is begun.
    Apart,
}

/// What another tab wants to hear.
#[derive(Debug)]
struct Other {
    listens: bool,
    uris: Vec<String>,
}

/// What is known of the other tabs.
#[derive(Debug)]
pub(crate) struct Tabs {
    role: Role,
    /// This tab's name, another one each time that it takes part.
    me: u64,
    /// The latest leader's.
    term: u64,
    /// Of the session that this tab has, or had last.
    mark: Mark,
    /// The newest session that this tab has heard of, and asked for.
    asked_for: Mark,
    /// The leader, by its term, that was told of this tab's newer session.
    told_to: u64,
    /// The newest session that a tab has ended on the server, as far as is known.
    ended: Mark,
    /// The session that the host of this tab gave up, and the leader is asked to end.
    unwanted: Mark,
    others: LiteMap<u64, Other>,
    /// Those of them that nobody watches yet.
    met: Vec<u64>,
    /// What this tab said last that it wants to hear.
    said: Option<(bool, Vec<String>)>,
    /// The leader was asked, and has not been heard since.
    asked: bool,
    /// When it has had time to answer, on the monotonic clock.
    due: u64,
    /// The leader asks its user to authorize.
    leader_asks: bool,
    /// The session of which was found that it was made with another token than this tab knows: what is stored was loaded
    /// again.
    reloaded: Mark,
    /// The last event of the listening stream, where its events have ids.
    event_id: Option<String>,
    offers: Offers,
}

/// The leader of the tabs, as a message shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leader {
    /// Another one than before.
    New,
    /// One that was frozen, and does not know that it leads no more.
    Old,
    /// The one that is known; or a tab that does not lead has spoken.
    Known,
}

/// This tab among the others.
impl Tabs {
    pub fn new(shared: bool, rng: &mut fastrand::Rng) -> Self {
        Self {
            role: if shared { Role::Apart } else { Role::Alone },
            me: if shared { rng.u64(1..1 << 52) } else { 0 },
            term: 0,
            mark: Mark::default(),
            asked_for: Mark::default(),
            told_to: 0,
            ended: Mark::default(),
            unwanted: Mark::default(),
            others: LiteMap::new_vec(),
            met: Vec::new(),
            said: None,
            asked: false,
            due: 0,
            leader_asks: false,
            reloaded: Mark::default(),
            event_id: None,
            offers: Offers::default(),
        }
    }

    pub fn role(&self) -> Role {
        self.role
    }

    pub fn is_leading(&self) -> bool {
        self.role == Role::Leading
    }

    pub fn is_shared(&self) -> bool {
        self.role != Role::Alone
    }

    pub fn takes_part(&self) -> bool {
        matches!(self.role, Role::Leading | Role::Following)
    }

    /// Whether it is this tab's business to make sessions and to listen.
    pub fn acts(&self) -> bool {
        matches!(self.role, Role::Leading | Role::Alone)
    }

    /// Says whether that changes anything: a tab that is alone stays so.
    pub fn becomes(&mut self, role: Role) -> bool {
        if self.role == role || self.role == Role::Alone {
            return false;
        }
        self.role = role;
        self.offers.clear();
        true
    }

    /// It takes part no more, and has another name when it does again.
    pub fn steps_back(&mut self) {
        self.others.clear();
        self.met.clear();
        self.me += 1;
    }

    /// It leads. Later leaders have greater terms, and no two the same.
    pub fn leads(&mut self, now: Now) {
        self.forget_what_cannot_be(now);
        self.term = (now.unix_ms << TAB_BITS).max(self.term + 1) | (self.me % (1 << TAB_BITS));
    }

    /// What the others call this tab.
    pub fn name(&self) -> u64 {
        self.me
    }

    /// As what this tab tells something; `None` where it tells nothing.
    pub fn as_sender(&self) -> Option<Sender> {
        let lead = if self.is_leading() { self.term } else { 0 };
        self.takes_part().then_some(Sender { tab: self.me, lead, mark: self.mark, ended: self.ended })
    }
}

/// The others.
impl Tabs {
    /// What another tab has told; `None` where it is no message, or not for this tab.
    pub fn read(&mut self, text: &str, now: Now) -> Option<(Sender, Message)> {
        let (sender, message) = Message::read(text)?;
        let can_be = [sender.lead, sender.mark.term, sender.ended.term].iter().all(|term| is_possible(*term, now));
        if !self.takes_part() || !can_be || sender.tab == self.me {
            return None;
        }
        self.forget_what_cannot_be(now);
        Some((sender, message))
    }

    /// A term that no leader can have yet makes every other one look like an old one.
    fn forget_what_cannot_be(&mut self, now: Now) {
        if !is_possible(self.term, now) {
            self.term = 0;
        }
        for mark in [&mut self.mark, &mut self.asked_for, &mut self.ended, &mut self.unwanted] {
            if !is_possible(mark.term, now) {
                *mark = Mark::default();
            }
        }
    }

    /// Who leads, as this message shows it.
    pub fn see_leader(&mut self, sender: &Sender) -> Leader {
        if sender.lead > self.term {
            self.term = sender.lead;
            Leader::New
        } else if sender.lead != 0 && sender.lead < self.term {
            Leader::Old
        } else {
            Leader::Known
        }
    }

    /// A tab is there, and wants to hear this.
    pub fn meet(&mut self, tab: u64, listens: bool, uris: Vec<String>) {
        if self.others.insert(tab, Other { listens, uris }).is_none() {
            self.met.push(tab);
        }
    }

    /// A tab that nobody watches yet.
    pub fn poll_met(&mut self) -> Option<u64> {
        self.met.pop()
    }

    /// Another tab is there no more. Says whether it was known.
    pub fn forget(&mut self, tab: u64) -> bool {
        self.others.remove(&tab).is_some()
    }

    pub fn has_company(&self) -> bool {
        !self.others.is_empty()
    }

    /// Whether another tab wants to hear of something that only this one would tell it.
    pub fn others_listen(&self) -> bool {
        self.others.values().any(|other| other.listens)
    }

    pub fn others_uris(&self) -> impl Iterator<Item = &str> {
        self.others.values().flat_map(|other| &other.uris).map(String::as_str)
    }

    /// This is what this tab tells that it wants to hear.
    pub fn says(&mut self, listens: bool, uris: Vec<String>) {
        self.said = Some((listens, uris));
    }

    /// Whether it told that last.
    pub fn has_said(&self, wants: &(bool, Vec<String>)) -> bool {
        self.said.as_ref() == Some(wants)
    }

    /// An event of the listening stream, of whichever tab.
    pub fn saw_event(&mut self, id: Option<&String>) {
        if id.is_some() {
            self.event_id = id.cloned();
        }
    }

    /// Where the listening stream is taken up.
    pub fn take_event_id(&mut self) -> Option<String> {
        self.event_id.take()
    }
}

/// The leader's life.
impl Tabs {
    /// It is looked at again after this time. Returns when that is, on the monotonic clock.
    pub fn watch_leader(&mut self, wait: u64, now: Now) -> u64 {
        self.asked = wait == SILENCE_MS;
        self.due = now.mono.saturating_add(wait);
        self.due
    }

    /// It has been asked, and did not answer in time. Where the timer is late, this tab has stood still itself, and the
    /// answers may wait behind the timer.
    pub fn is_leader_silent(&self, now: Now) -> bool {
        self.asked && now.mono.saturating_sub(self.due) < LATE_MS
    }

    /// It is there. Says whether it had been asked.
    pub fn leader_spoke(&mut self) -> bool {
        std::mem::take(&mut self.asked)
    }

    /// Whether it asks its user to authorize.
    pub fn leader_asks(&self) -> bool {
        self.leader_asks
    }

    /// Returns what held before.
    pub fn set_leader_asks(&mut self, asks: bool) -> bool {
        std::mem::replace(&mut self.leader_asks, asks)
    }
}

/// Questions of the listening stream.
impl Tabs {
    /// Whether another tab may be asked.
    pub fn may_offer(&self) -> bool {
        !self.offers.is_full() && self.is_leading() && self.has_company()
    }

    /// It is offered to the others.
    pub fn offer(&mut self, offer: Offer, now: Now) {
        self.offers.offer(offer, now);
    }

    /// It was offered by another tab, and this one claims it.
    pub fn claim(&mut self, offer: Offer) {
        self.offers.claim(offer);
    }

    /// When the next is this tab's own, on the monotonic clock.
    pub fn offer_due_at(&self) -> Option<u64> {
        self.offers.due_at().filter(|_| self.is_leading())
    }

    /// One that nobody has claimed in time.
    pub fn take_due_offer(&mut self, now: Now) -> Option<Offer> {
        self.offers.take_due(now)
    }

    /// Somebody claims it, or has it.
    pub fn take_offer(&mut self, question: u64) -> Option<Offer> {
        self.offers.take(question)
    }
}

fn is_possible(term: u64, now: Now) -> bool {
    term >> TAB_BITS <= now.unix_ms.saturating_add(AHEAD_MS)
}
