//! A session that tabs share. One of them leads: it makes the sessions and holds the listening stream, and tells the
//! others. Each sends its own calls under the shared session, so that a leader which dies takes none with it. Who leads
//! is a fact from outside (a lock); that a leader is frozen is found out here, by asking it.

mod message;
mod question;

use super::config::{Handshake, Listen};
use super::era::{Era, legacy};
use super::record;
use super::session::Session;
use super::sorted::Map;
use super::state::{Since, State, Step};
use super::status::Event;
use super::time::Timer;
use super::{Code, Error, Now, Outcome, Output, Payload, Purpose};
use message::{Mark, Message, Sender};
use question::Offer;
use std::collections::VecDeque;

/// A leader that says nothing for so long does not live, or is frozen.
const SILENCE_MS: u64 = 3_000;
/// A tab that only listens asks this often whether the leader is there.
const PULSE_MS: u64 = 10_000;
/// A new leader without a session gives the others this time to tell of one.
const INQUIRY_MS: u64 = 200;
const ELSEWHERE: &str = "another tab has made a new session";

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
    /// This tab's name.
    me: u64,
    /// The latest leader's.
    term: u64,
    /// Of the session that this tab has, or had last.
    mark: Mark,
    others: Map<u64, Other>,
    /// What this tab said last that it wants to hear.
    said: Option<(bool, Vec<String>)>,
    /// The leader was asked, and has not been heard since.
    asked: bool,
    /// The last event of the listening stream, where its events have ids.
    event_id: Option<String>,
    offers: VecDeque<Offer>,
}

impl Tabs {
    pub fn new(shared: bool, rng: &mut fastrand::Rng) -> Self {
        Self {
            role: if shared { Role::Apart } else { Role::Alone },
            me: if shared { rng.u64(1..1 << 52) } else { 0 },
            term: 0,
            mark: Mark::default(),
            others: Map::default(),
            said: None,
            asked: false,
            event_id: None,
            offers: VecDeque::new(),
        }
    }

    pub fn is_shared(&self) -> bool {
        self.role != Role::Alone
    }

    /// Whether it is this tab's business to make sessions and to listen.
    pub fn acts(&self) -> bool {
        matches!(self.role, Role::Leading | Role::Alone)
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

    pub fn take_event_id(&mut self) -> Option<String> {
        self.event_id.take()
    }
}

impl<P: Payload> Session<P> {
    /// What this tab is to the others from now on. Only with [`super::Config::shared`].
    pub fn handle_role(&mut self, role: Role, now: Now) {
        let before = self.tabs.role;
        if before == role || before == Role::Alone || matches!(self.state, State::Closed) {
            return;
        }
        self.tabs.role = role;
        self.timers.clear(Timer::Leader);
        self.tabs.offers.clear();
        match role {
            Role::Leading => self.lead(before, now),
            Role::Following | Role::Apart => {
                self.abandon_step(now);
                self.tabs.others.clear();
                self.say_hello(true);
                self.go_on_elsewhere(now);
            }
            Role::Alone => self.go_on_elsewhere(now),
        }
        self.emit(Event::StateChange);
        self.listen(now);
    }

    fn lead(&mut self, before: Role, now: Now) {
        self.tabs.term = now.unix_ms.max(self.tabs.term + 1);
        // Who is still there says so.
        self.tabs.others.clear();
        self.say_hello(true);
        self.tell_session(now);
        // What changed between the two streams was not told.
        self.cache.clear();
        let waits = self.state.establishing().is_some_and(|it| matches!(it.step, Step::Elsewhere));
        match before {
            Role::Following if waits => self.timers.set(Timer::Leader, now.mono.saturating_add(INQUIRY_MS)),
            _ => self.go_on_elsewhere(now),
        }
    }

    /// The session is no business of another tab's any more, or of another one's.
    fn go_on_elsewhere(&mut self, now: Now) {
        match &self.state {
            State::Establishing(establishing) if matches!(establishing.step, Step::Elsewhere) => self.begin(now),
            State::Ready(_) if self.tabs.role == Role::Following => self.watch_leader(PULSE_MS, now),
            State::Establishing(_) | State::Ready(_) | State::Closed => {}
        }
    }

    /// Another tab makes the session: what this one has begun comes to nothing.
    fn abandon_step(&mut self, now: Now) {
        let open = match self.state.establishing().map(|establishing| &establishing.step) {
            Some(
                Step::Discover { exchange }
                | Step::Handshake { exchange }
                | Step::Initialized { exchange, .. }
                | Step::Proof { ping: exchange, .. }
                | Step::Confirm { ping: exchange, .. }
                | Step::Check { ping: exchange },
            ) => Some(*exchange),
            Some(Step::Clearing { .. } | Step::Host { .. } | Step::Elsewhere) => None,
            Some(Step::Idle | Step::Probe { .. } | Step::Backoff { .. }) | None => return,
        };
        self.drop_fresh(now);
        open.map(|exchange| self.abort(exchange, now));
        self.step(Step::Elsewhere);
    }

    /// A session is needed, and another tab makes it. Says whether that is so.
    pub(super) fn is_made_elsewhere(&mut self, now: Now) -> bool {
        if self.tabs.acts() {
            return false;
        }
        self.step(Step::Elsewhere);
        if self.tabs.role == Role::Following {
            let doubt = matches!(self.state.establishing().map(|it| &it.since), Some(Since::Doubt { .. }));
            self.tell(&Message::Want { doubt }, None);
            self.watch_leader(SILENCE_MS, now);
        }
        true
    }

    fn watch_leader(&mut self, wait: u64, now: Now) {
        self.tabs.asked = wait == SILENCE_MS;
        self.timers.set(Timer::Leader, now.mono.saturating_add(wait));
    }

    /// The leader has had time to say something.
    pub(super) fn leader_due(&mut self, now: Now) {
        let waits = self.state.establishing().is_some_and(|it| matches!(it.step, Step::Elsewhere));
        let listens = self.state.ready().is_some() && self.wants_to_hear() && !self.is_away();
        match self.tabs.role {
            Role::Leading => self.go_on_elsewhere(now),
            Role::Following if self.tabs.asked && (waits || listens) => {
                self.output(Output::Steal);
                self.watch_leader(SILENCE_MS, now);
            }
            Role::Following if waits => drop(self.is_made_elsewhere(now)),
            Role::Following if listens => {
                self.say_hello(true);
                self.watch_leader(SILENCE_MS, now);
            }
            Role::Following => self.watch_leader(PULSE_MS, now),
            Role::Alone | Role::Apart => {}
        }
    }

    /// What another tab has told, as it was told; what is no message is left out.
    pub fn handle_peer(&mut self, text: &str, payload: Option<P>, now: Now) {
        let Some((sender, message)) = Message::read(text) else { return };
        let takes_part = matches!(self.tabs.role, Role::Leading | Role::Following);
        if !takes_part || sender.tab == self.tabs.me || matches!(self.state, State::Closed) {
            return;
        }
        if sender.lead > self.tabs.term {
            self.tabs.term = sender.lead;
            self.cache.clear();
            self.handle_role(Role::Following, now);
        } else if sender.lead != 0 && sender.lead < self.tabs.term {
            // A leader that was frozen does not know that it leads no more.
            return if self.tabs.role == Role::Leading {
                self.tell(&Message::Alive, None)
            };
        }
        if sender.lead != 0 {
            self.tabs.asked = false;
        }
        self.told(sender, message, payload, now);
        // It has a newer session, and may think that this is known.
        if sender.lead != 0 && sender.mark > self.tabs.mark && self.state.ready().is_some() {
            self.tell(&Message::Want { doubt: false }, None);
        }
        self.send_waiting(now);
    }

    fn told(&mut self, sender: Sender, message: Message, payload: Option<P>, now: Now) {
        let leads = self.tabs.role == Role::Leading;
        match message {
            Message::Hello { asks, listens, uris } => {
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
            Message::Bye => {
                self.tabs.others.remove(&sender.tab);
                self.listen(now);
            }
            Message::Want { doubt } if leads => self.wanted(sender.mark, doubt, now),
            Message::Session { record } => self.session_told(sender.mark, &record, now),
            Message::Failed { code, message, retryable, floor_ms } if !leads => {
                self.attempt_failed_elsewhere(&code, message, retryable, floor_ms, now);
            }
            Message::Heard { method, event_id } => self.heard(method, payload, event_id, now),
            Message::Stream { asked, granted, stale } if !leads => {
                self.stream_told(&asked, granted.as_deref(), stale, now)
            }
            Message::Offer { question, id, method } if !leads => {
                self.offered(
                    sender,
                    Offer { question, id, method, params: payload.and_then(|it| it.to_json()), until: 0 },
                );
            }
            Message::Claim { question } if leads => self.claimed(sender.tab, question, now),
            Message::Yours { question, to } => self.assigned(question, to, now),
            Message::Alive
            | Message::Want { .. }
            | Message::Failed { .. }
            | Message::Stream { .. }
            | Message::Offer { .. }
            | Message::Claim { .. } => {}
        }
    }

    fn tell(&mut self, message: &Message, payload: Option<P>) {
        let Tabs { role, me, term, mark, .. } = self.tabs;
        if matches!(role, Role::Leading | Role::Following) {
            let lead = if role == Role::Leading { term } else { 0 };
            self.output(Output::Tell { text: message.write(Sender { tab: me, lead, mark }), payload });
        }
    }

    fn say_hello(&mut self, asks: bool) {
        let (listens, uris) = self.wishes_of_this_tab();
        self.tabs.said = Some((listens, uris.clone()));
        self.tell(&Message::Hello { asks, listens, uris }, None);
    }

    fn wishes_of_this_tab(&self) -> (bool, Vec<String>) {
        let listens = self.interests.host_listens || self.config.listen == Listen::Always;
        (listens, self.interests.wishes.subscriptions().map(str::to_owned).collect())
    }

    /// Tells the others what this tab wants to hear, if that has changed.
    pub(super) fn say_wishes(&mut self) {
        if matches!(self.tabs.role, Role::Leading | Role::Following)
            && !matches!(self.state, State::Closed)
            && self.tabs.said.as_ref() != Some(&self.wishes_of_this_tab())
        {
            self.say_hello(false);
        }
    }

    pub(super) fn say_bye(&mut self) {
        self.tell(&Message::Bye, None);
        self.timers.clear(Timer::Leader);
        self.timers.clear(Timer::Offer);
    }

    fn tell_session(&mut self, now: Now) {
        if let Some(record) = self.state.ready().and_then(|_| self.record(now)) {
            self.tell(&Message::Session { record }, None);
        }
    }

    /// A session was made here.
    pub(super) fn share_session(&mut self, now: Now) {
        if self.tabs.role == Role::Leading {
            self.tabs.mark = Mark { term: self.tabs.term, serial: self.tabs.mark.serial + 1 };
            self.tabs.event_id = None;
            self.tell_session(now);
        }
    }

    /// Another tab needs a session that is newer than this one; or cannot reach it.
    fn wanted(&mut self, not: Mark, doubt: bool, now: Now) {
        let generation = self.state.ready().map(|session| session.generation);
        match generation {
            Some(_) if not < self.tabs.mark => self.tell_session(now),
            Some(_) if doubt => {
                self.check(None, now);
                self.tell_session(now);
            }
            Some(generation) => {
                self.tell(&Message::Alive, None);
                self.session_refused(generation, true, now);
            }
            None => {
                self.tell(&Message::Alive, None);
                if let (Some(generation), false) = (self.state.known().map(|session| session.generation), doubt) {
                    self.session_refused(generation, true, now);
                }
                self.hasten(now);
            }
        }
    }

    /// Another tab has a session.
    fn session_told(&mut self, mark: Mark, record: &str, now: Now) {
        let elsewhere = self.state.establishing().is_some_and(|it| matches!(it.step, Step::Elsewhere));
        if mark == self.tabs.mark && elsewhere {
            // It lives, and cannot be reached from here.
            if let Some(Since::Doubt { .. }) = self.state.establishing().map(|it| &it.since) {
                let text = "Another tab reaches the server, and this one does not.";
                let error = Error::new(Code::Network, Outcome::NotExecuted, text).retryable();
                self.attempt_failed(Box::new(error), 0, now);
            }
            return;
        }
        let Some(read) = record::read::<P>(record).filter(|_| mark > self.tabs.mark) else { return };
        self.abandon_step(now);
        self.step(Step::Idle);
        self.replaced(ELSEWHERE, now);
        self.tabs.mark = mark;
        self.tabs.event_id = None;
        self.timers.clear(Timer::Leader);
        if Era::of(read.version) == Era::Legacy {
            self.past.legacy_since = Some(now.mono);
        }
        read.id.iter().for_each(|id| self.past.remember(id));
        let mut fresh = self.fresh_session(read.id, read.version, read.handshake, now);
        fresh.capabilities = legacy::capabilities(&fresh.handshake);
        self.step(Step::Host { fresh });
        self.put_in_place(now);
        self.go_on_elsewhere(now);
        if self.tabs.role == Role::Leading {
            self.tell_session(now);
        }
    }

    /// An attempt to make a session failed here, and the others wait for it as well.
    pub(super) fn tell_failed(&mut self, error: &Error<P>, floor_ms: u64) {
        if self.tabs.role == Role::Leading {
            let (code, message) = (error.code.as_str().to_owned(), error.message.clone());
            self.tell(&Message::Failed { code, message, retryable: error.retryable, floor_ms }, None);
        }
    }

    fn attempt_failed_elsewhere(&mut self, code: &str, message: String, retryable: bool, floor_ms: u64, now: Now) {
        let Some(establishing) = self.state.establishing() else { return };
        if !matches!(establishing.step, Step::Elsewhere) {
            return;
        }
        let code = Code::named(code).unwrap_or(Code::Network);
        // The user of this tab waits, and can be asked here only.
        if matches!(code, Code::Auth | Code::Unauthorized) && self.config.authorizes && !establishing.parked.is_empty()
        {
            return self.output(Output::Steal);
        }
        let error = Error { retryable, ..Error::new(code, Outcome::NotExecuted, message) };
        self.attempt_failed(Box::new(error), floor_ms, now);
    }

    /// A notification came here that concerns all tabs: on the listening stream, or about what they share.
    pub(super) fn pass_on(&mut self, purpose: Purpose, event_id: Option<String>, method: &str, params: Option<&P>) {
        let about_all = method == "notifications/resources/updated" || method.ends_with("/list_changed");
        if self.tabs.is_shared() && (purpose == Purpose::Listen || about_all) {
            self.tabs.event_id.clone_from(&event_id);
            self.tell(&Message::Heard { method: method.to_owned(), event_id }, params.cloned());
        }
    }

    fn heard(&mut self, method: String, params: Option<P>, event_id: Option<String>, now: Now) {
        if event_id.is_some() {
            self.tabs.event_id = event_id;
        }
        let generation = self.state.known().map_or(0, |session| session.generation);
        match (method.as_str(), &params) {
            ("notifications/cancelled", Some(cancelled)) => self.question_cancelled(generation, cancelled, now),
            _ => self.forget_changed(&method, params.as_ref()),
        }
        self.emit(Event::Notification { method, params, call: None });
    }

    /// What the listening stream of the modern era tells of, as it stands.
    pub(super) fn tell_stream(&mut self, asked: &[String], granted: Option<&[String]>, stale: bool) {
        if self.tabs.role == Role::Leading {
            let (asked, granted) = (asked.to_vec(), granted.map(<[String]>::to_vec));
            self.tell(&Message::Stream { asked, granted, stale }, None);
        }
    }

    /// Whether another tab wants to hear of this resource: then it is not unsubscribed.
    pub(super) fn others_want(&self, uri: &str) -> bool {
        self.tabs.is_shared() && self.tabs.others_uris().any(|wanted| wanted == uri)
    }

    /// Whether this session can be shared at all.
    pub(super) fn shares(config: &super::Config) -> bool {
        config.shared && matches!(config.handshake, Handshake::Own { .. })
    }
}
