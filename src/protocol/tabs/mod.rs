//! A session that tabs share. One of them leads: it makes the sessions and holds the listening stream, and tells the
//! others. Each sends its own calls under the shared session, so that a leader which dies takes none with it. Who leads,
//! and who is gone, are facts from outside (locks); that a leader is frozen is found out here, by asking it.

mod hear;
mod message;
mod question;
mod share;

use super::config::Handshake;
use super::session::Session;
use super::state::{State, Step};
use super::status::Event;
use super::time::Timer;
use super::{Now, Output, Payload};
pub(super) use message::Mark;
use message::{Message, Sender, Why};
use question::Offer;
use std::collections::BTreeMap;

/// A leader that says nothing for so long does not live, or is frozen.
const SILENCE_MS: u64 = 3_000;
/// A tab that only listens asks this often whether the leader is there.
const PULSE_MS: u64 = 10_000;
/// A timer that fires later than this was held up.
const LATE_MS: u64 = 1_000;
/// Of a term, which stays below 2^53.
const TAB_BITS: u32 = 10;
/// A term is of the time when its leader began, and clocks are set back now and then. No later one counts.
const AHEAD_MS: u64 = 3_600_000;

/// What this tab is to the others.
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
pub(super) struct Tabs {
    pub role: Role,
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
    others: BTreeMap<u64, Other>,
    /// Those of them that nobody watches yet.
    met: Vec<u64>,
    /// What this tab said last that it wants to hear.
    said: Option<(bool, Vec<String>)>,
    /// The leader was asked, and has not been heard since.
    asked: bool,
    /// When it has had time to answer, on the monotonic clock.
    due: u64,
    /// The leader asks its user to authorize.
    pub leader_asks: bool,
    /// The session of which was found that it was made with another token than this tab knows: what is stored was loaded
    /// again.
    reloaded: Mark,
    /// The last event of the listening stream, where its events have ids.
    event_id: Option<String>,
    offers: Vec<Offer>,
}

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
            others: BTreeMap::default(),
            met: Vec::new(),
            said: None,
            asked: false,
            due: 0,
            leader_asks: false,
            reloaded: Mark::default(),
            event_id: None,
            offers: Vec::new(),
        }
    }

    pub fn is_shared(&self) -> bool {
        self.role != Role::Alone
    }

    /// Whether it is this tab's business to make sessions and to listen.
    pub fn acts(&self) -> bool {
        matches!(self.role, Role::Leading | Role::Alone)
    }

    /// Whether a tab has ended this one's session on the server: what that refuses since may have been running.
    pub fn has_ended(&self) -> bool {
        self.mark != Mark::default() && self.mark <= self.ended
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

    pub fn take_event_id(&mut self) -> Option<String> {
        self.event_id.take()
    }
}

fn is_possible(term: u64, now: Now) -> bool {
    term >> TAB_BITS <= now.unix_ms.saturating_add(AHEAD_MS)
}

impl<P: Payload> Session<P> {
    /// What this tab is to the others from now on. Only with [`super::Config::shared`].
    pub fn handle_role(&mut self, role: Role, now: Now) {
        let before = self.tabs.role;
        if before == role || before == Role::Alone || matches!(self.state, State::Closed) {
            return;
        }
        self.tabs.role = role;
        self.leader_asks(false, now);
        self.timers.clear(Timer::Leader);
        self.tabs.offers.clear();
        match role {
            Role::Leading => self.lead(now),
            Role::Following | Role::Apart => {
                self.abandon_step(now);
                if role == Role::Apart {
                    self.tabs.others.clear();
                    self.tabs.met.clear();
                    self.tabs.me += 1;
                }
                self.say_hello(true);
                self.go_on_elsewhere(now);
            }
            Role::Alone => self.go_on_elsewhere(now),
        }
        self.emit(Event::StateChange);
        self.listen(now);
    }

    fn lead(&mut self, now: Now) {
        self.tabs.forget_what_cannot_be(now);
        // Later leaders have greater terms, and no two the same.
        self.tabs.term = (now.unix_ms << TAB_BITS).max(self.tabs.term + 1) | (self.tabs.me % (1 << TAB_BITS));
        self.say_hello(true);
        self.tell_session(now);
        // What changed between the two streams was not told.
        self.forget_cached();
        self.go_on_elsewhere(now);
    }

    /// The session is no business of another tab's any more, or of another one's.
    fn go_on_elsewhere(&mut self, now: Now) {
        match &self.state {
            State::Establishing(establishing) if matches!(establishing.step, Step::Elsewhere) => self.begin(now),
            State::Ready(_) if self.tabs.role == Role::Following => self.watch_leader(PULSE_MS, now),
            State::Establishing(_) | State::Ready(_) | State::Closed => {}
        }
    }

    fn watch_leader(&mut self, wait: u64, now: Now) {
        self.tabs.asked = wait == SILENCE_MS;
        self.tabs.due = now.mono.saturating_add(wait);
        self.timers.set(Timer::Leader, self.tabs.due);
    }

    /// The leader has had time to say something.
    pub(super) fn leader_due(&mut self, now: Now) {
        let waits = self.state.establishing().is_some_and(|it| matches!(it.step, Step::Elsewhere));
        let listens = self.state.ready().is_some() && self.wants_to_hear() && !self.is_away();
        // Where the timer is late, this tab has stood still itself, and its answers may wait behind the timer.
        let silent = self.tabs.asked && now.mono.saturating_sub(self.tabs.due) < LATE_MS;
        match self.tabs.role {
            Role::Following if silent && (waits || listens) => {
                self.output(Output::Steal);
                self.watch_leader(SILENCE_MS, now);
            }
            Role::Following if waits => drop(self.is_made_elsewhere(now)),
            Role::Following if listens => {
                self.tell(&Message::Pulse, None);
                self.watch_leader(SILENCE_MS, now);
            }
            Role::Following => self.watch_leader(PULSE_MS, now),
            Role::Leading | Role::Alone | Role::Apart => {}
        }
    }

    /// What another tab has told, as it was told; what is no message is left out.
    pub fn handle_peer(&mut self, text: &str, payload: Option<P>, now: Now) {
        let Some((sender, message)) = Message::read(text) else { return };
        let takes_part = matches!(self.tabs.role, Role::Leading | Role::Following);
        let can_be = [sender.lead, sender.mark.term, sender.ended.term].iter().all(|term| is_possible(*term, now));
        if !takes_part || !can_be || sender.tab == self.tabs.me || matches!(self.state, State::Closed) {
            return;
        }
        self.tabs.forget_what_cannot_be(now);
        self.ended_told(sender.ended, now);
        if sender.lead > self.tabs.term {
            self.tabs.term = sender.lead;
            self.forget_cached();
            self.handle_role(Role::Following, now);
        } else if sender.lead != 0 && sender.lead < self.tabs.term {
            // A leader that was frozen does not know that it leads no more.
            if self.tabs.role == Role::Leading {
                self.tell_alive();
            }
            return;
        }
        if sender.lead != 0 && std::mem::take(&mut self.tabs.asked) && self.state.ready().is_some() {
            self.watch_leader(PULSE_MS, now);
        }
        self.told(sender, message, payload, now);
        // It has a newer session, and may think that this is known.
        let newest = self.tabs.mark.max(self.tabs.asked_for);
        if sender.lead != 0 && sender.mark > newest && self.state.ready().is_some() {
            self.tabs.asked_for = sender.mark;
            self.tell(&Message::Want { why: Why::Refused, at: now.unix_ms }, None);
        }
        // It leads with an older one: what was told by the leader before it came too late.
        if sender.lead != 0 && sender.mark < self.tabs.mark && self.tabs.told_to != sender.lead {
            self.tabs.told_to = sender.lead;
            self.tell_session(now);
        }
        self.send_waiting(now);
    }

    fn told(&mut self, sender: Sender, message: Message, payload: Option<P>, now: Now) {
        let leads = self.tabs.role == Role::Leading;
        // Until this tab has taken up a session of the others, it is not known that they are of its own user.
        let is_of_ours = self.state.known().is_some() && self.identity.found.is_none();
        match message {
            Message::Hello { asks, listens, uris } => {
                if !self.tabs.others.contains_key(&sender.tab) {
                    self.tabs.met.push(sender.tab);
                }
                self.tabs.others.insert(sender.tab, Other { listens, uris });
                if asks {
                    self.say_hello(false);
                    if sender.mark < self.tabs.mark {
                        self.tell_session(now);
                    }
                }
                if leads {
                    self.listen(now);
                    self.tell_stream_again();
                }
            }
            Message::Bye => self.handle_gone(sender.tab, now),
            Message::Pulse if leads => self.tell_alive(),
            Message::Alive { asks } if sender.lead != 0 => self.leader_asks(asks, now),
            Message::Want { at, .. } if leads && now.unix_ms.saturating_sub(at) > SILENCE_MS / 2 => {
                self.tell_alive();
            }
            Message::Want { why, .. } if leads => self.wanted(sender.mark, why, now),
            Message::Session { record } => self.session_told(sender.mark, &record, now),
            Message::Failed { code, message, retryable, floor_ms, owner } if !leads => {
                self.leader_asks(false, now);
                if self.is_of_this_user(owner, now) {
                    self.attempt_failed_elsewhere(&code, message, retryable, floor_ms, now);
                }
            }
            Message::Heard { method, event_id } if is_of_ours => self.heard(method, payload, event_id, now),
            Message::Stream { asked, granted, stale } if !leads && is_of_ours => {
                self.stream_told(&asked, granted.as_deref(), stale, now)
            }
            Message::Offer { question, id, method } if !leads => {
                self.offered(
                    sender,
                    Offer { question, id, method, params: payload.and_then(|it| it.to_json()), until: 0 },
                );
            }
            Message::Claim { question } if leads => self.claimed(sender.tab, question),
            Message::Yours { question, to } => self.assigned(question, to, now),
            Message::Alive { .. }
            | Message::Heard { .. }
            | Message::Pulse
            | Message::Want { .. }
            | Message::Failed { .. }
            | Message::Stream { .. }
            | Message::Offer { .. }
            | Message::Claim { .. } => {}
        }
    }

    /// What the others call this tab. Whoever has heard of it is told by the driver when it does not take part any more.
    #[must_use]
    pub fn tab(&self) -> u64 {
        self.tabs.me
    }

    /// Another tab that is to be watched: [`Self::handle_gone`], once it takes part no more. Drain to `None` after
    /// every [`Self::handle_peer`].
    pub fn poll_met(&mut self) -> Option<u64> {
        self.tabs.met.pop()
    }

    /// Another tab has left, was closed, crashed, or stands still in the back/forward cache.
    pub fn handle_gone(&mut self, tab: u64, now: Now) {
        if self.tabs.others.remove(&tab).is_some() {
            self.listen(now);
        }
    }

    fn tell(&mut self, message: &Message, payload: Option<P>) {
        let Tabs { role, me, term, mark, ended, .. } = self.tabs;
        if matches!(role, Role::Leading | Role::Following) {
            let lead = if role == Role::Leading { term } else { 0 };
            self.output(Output::Tell { text: message.write(Sender { tab: me, lead, mark, ended }), payload });
        }
    }

    fn say_hello(&mut self, asks: bool) {
        let (listens, uris) = self.wishes_of_this_tab();
        self.tabs.said = Some((listens, uris.clone()));
        self.tell(&Message::Hello { asks, listens, uris }, None);
    }

    pub(super) fn say_bye(&mut self) {
        self.tell(&Message::Bye, None);
        self.timers.clear(Timer::Leader);
        self.timers.clear(Timer::Offer);
    }

    /// Whether this session can be shared at all.
    pub(super) fn shares(config: &super::Config) -> bool {
        config.shared && matches!(config.handshake, Handshake::Own { .. })
    }
}
