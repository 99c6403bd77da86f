//! Whose session it is: one tab makes it, and all take it up.

use super::Session;
use crate::protocol::calls::{Call, Queue};
use crate::protocol::era::{Era, legacy};
use crate::protocol::identity::{Found, Owner};
use crate::protocol::lifecycle::{Since, Step};
use crate::protocol::record::Record;
use crate::protocol::status::Event;
use crate::protocol::tabs::{Ending, Mark, Message, Role, SILENCE_MS, Why};
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, Now, Outcome, Output, Payload};

const ELSEWHERE: &str = "another tab has made a new session";
const WANTED: &str = "the host of another tab asked for a new session";
const ENDED: &str = "Another tab ended the session while the call may have been running.";

impl<P: Payload> Session<P> {
    /// Another tab makes the session: what this one has begun comes to nothing.
    pub(super) fn abandon_step(&mut self, now: Now) {
        let open = match self.lifecycle.establishing().map(|establishing| &establishing.step) {
            Some(
                Step::Discover { exchange }
                | Step::Initialized { exchange, .. }
                | Step::Proof { ping: exchange, .. }
                | Step::Confirm { ping: exchange, .. }
                | Step::Check { ping: exchange },
            ) => Some(*exchange),
            // It makes no session while it waits for a token.
            Some(&Step::Handshake { exchange, hedge }) if self.authorization.holds(exchange) => {
                hedge.map(|hedge| self.authorization.release(hedge));
                Some(exchange)
            }
            // The session that it makes is ended when it is known.
            Some(Step::Handshake { .. } | Step::Clearing { .. } | Step::Made { .. } | Step::Elsewhere) => None,
            Some(Step::Idle | Step::Probe { .. } | Step::Backoff { .. }) | None => return,
        };
        self.drop_fresh(now);
        open.map(|exchange| self.abort(exchange, now));
        self.step(Step::Elsewhere);
    }

    /// A session is needed: where another tab makes it, that one is asked for it. Says whether that is so.
    pub(in crate::protocol) fn delegate_to_leader(&mut self, now: Now) -> bool {
        if self.tabs.acts() {
            return false;
        }
        self.step(Step::Elsewhere);
        if self.tabs.role() == Role::Following {
            let why = match self.lifecycle.establishing().map(|it| &it.since) {
                Some(Since::Doubt { .. }) => Why::Doubt,
                Some(_) if self.tabs.is_unwanted() => Why::Host,
                Some(_) | None => Why::Refused,
            };
            self.tell(&Message::Want { why, at: now.unix_ms }, None);
            self.watch_leader(SILENCE_MS, now);
        }
        true
    }

    pub(super) fn tell_session(&mut self, now: Now) {
        if let Some(record) = self.lifecycle.ready().and_then(|_| self.record(now)) {
            self.tell(&Message::Session { record }, None);
        }
    }

    /// A session was made here.
    pub(in crate::protocol) fn share_session(&mut self, now: Now) {
        if self.tabs.is_leading() {
            self.tabs.session_made();
            self.tell_session(now);
        }
    }

    /// The host of this tab gives the session up that the others use as well. Says whether it is this tab's to end it on
    /// the server, where it `is_kept` there: they are told before. One that does not lead asks the one that does.
    pub(in crate::protocol) fn ends_for_all(&mut self, is_kept: bool) -> bool {
        match self.tabs.gives_up(is_kept) {
            Ending::Ours => true,
            Ending::OursForAll => {
                self.tell_alive();
                true
            }
            Ending::NotOurs => false,
        }
    }

    /// What a tab has ended refuses what was running under it: no refusal of that session is the gate's, not even one that
    /// came before this was told.
    pub(super) fn ended_told(&mut self, ended: Mark, now: Now) {
        self.tabs.was_ended(ended);
        if self.tabs.has_ended() {
            self.lose_to_another("another tab has ended the session", now);
        }
        let Some(generation) = self.lifecycle.known().filter(|_| self.tabs.has_ended()).map(|it| it.generation())
        else {
            return;
        };
        if self.lifecycle.refused_generation() == generation {
            self.lifecycle.forget_refusal();
        }
        let is_refused = |call: &Call<P>| call.refused_by() == generation && !call.is_safe();
        let mut refused: Vec<CallId> = self.calls.queued(Queue::Session).collect();
        refused.retain(|id| self.calls.get(*id).is_some_and(is_refused));
        for id in refused {
            let error = Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, "").retryable();
            self.settle_unknown(id, ENDED, error);
        }
    }

    /// Another tab needs a session that is newer than this one; or cannot reach it.
    pub(super) fn wanted(&mut self, not: Mark, why: Why, now: Now) {
        let generation = self.lifecycle.ready().map(|session| session.generation());
        let doubt = why == Why::Doubt;
        match generation {
            Some(_) if not < self.tabs.mark() => self.tell_session(now),
            Some(_) if why == Why::Host => self.give_up(WANTED, now),
            Some(_) if doubt => {
                self.check(None, now);
                self.tell_session(now);
            }
            Some(generation) => {
                self.tell_alive();
                self.session_refused(generation, true, now);
            }
            None => {
                self.tell_alive();
                match self.lifecycle.known().map(|session| session.generation()) {
                    Some(_) if why == Why::Host && not == self.tabs.mark() => self.give_up(WANTED, now),
                    Some(generation) if !doubt => self.session_refused(generation, true, now),
                    Some(_) | None => {}
                }
                self.session_is_wanted(now);
            }
        }
    }

    /// Another tab has a session.
    pub(super) fn session_told(&mut self, mark: Mark, record: &str, now: Now) {
        let elsewhere = self.lifecycle.is_elsewhere();
        if mark == self.tabs.mark() && elsewhere {
            // It lives, and cannot be reached from here.
            if let Some(Since::Doubt { .. }) = self.lifecycle.establishing().map(|it| &it.since) {
                let text = "Another tab reaches the server, and this one does not.";
                let error = Error::boxed(Code::Network, Outcome::NotExecuted, text).retryable();
                self.attempt_failed(error, 0, now);
            }
            return;
        }
        if self.tabs.is_new(mark) {
            self.find(Found::Told(mark, record.to_owned()), now);
        }
    }

    /// It is of whoever is signed in here.
    pub(in crate::protocol) fn take_told(&mut self, mark: Mark, read: Record<P>, now: Now) {
        if mark <= self.tabs.mark() || !self.tabs.is_shared() {
            return;
        }
        self.abandon_step(now);
        self.step(Step::Idle);
        self.replaced(ELSEWHERE, now);
        self.tabs.takes_up(mark);
        self.leader_asks(false, now);
        self.effects.clear_timer(Timer::Leader);
        if Era::of(read.version).has_sessions() {
            self.lifecycle.speaks_legacy(now);
        }
        read.id.iter().for_each(|id| self.identity.confidential_mut().remember_id(id.expose()));
        let capabilities = legacy::capabilities(&read.handshake);
        let fresh = self.lifecycle.next_session(read.id, read.version, read.handshake, now);
        let fresh = fresh.declaring(capabilities).of_owner(self.identity.owner());
        self.step(Step::Made { fresh });
        self.put_in_place(now);
        self.go_on_elsewhere(now);
        if self.tabs.is_leading() {
            self.tell_session(now);
        }
    }

    /// Whether that is who is signed in here; where it is not, this tab goes on alone, and where that is not known yet, it
    /// is asked for.
    pub(super) fn ask_whose_or_part(&mut self, owner: Option<u64>, now: Now) -> bool {
        let Some(owner) = owner.filter(|_| !self.config.identified) else { return true };
        if !self.learn_owner(now) {
            return false;
        }
        let is = self.identity.owner().unwrap_or_default().stored() == owner;
        if !is && !self.config.authorizes {
            self.part_from_tabs(now);
        }
        is || self.config.authorizes
    }

    /// The token that this tab knows may have been refreshed by another: what is stored is loaded again, once for each
    /// session. Says whether that is done.
    pub(in crate::protocol) fn reloads_token(&mut self, found: &Found, now: Now) -> bool {
        let Found::Told(mark, _) = found else { return false };
        if !self.config.authorizes || !self.tabs.reloads_for(*mark) {
            return false;
        }
        self.authorize(None, now);
        true
    }

    /// The session of the others is not of whoever is signed in here.
    pub(in crate::protocol) fn part_from_tabs(&mut self, now: Now) {
        self.output(Output::Leave);
        self.handle_role(Role::Alone, now);
    }

    pub(super) fn tell_alive(&mut self) {
        self.tell(&Message::Alive { asks: self.authorization.waits_for_user() }, None);
    }

    /// The user of this tab is asked to authorize, or not any more.
    pub(in crate::protocol) fn tell_asking(&mut self) {
        if self.tabs.is_leading() {
            self.tell_alive();
        }
    }

    /// Whoever waits for the leader waits for its user: their clocks stand still.
    pub(in crate::protocol) fn leader_asks(&mut self, asks: bool, now: Now) {
        let before = self.tabs.set_leader_asks(asks);
        if !asks && !before {
            return;
        }
        for id in self.calls.ids() {
            match asks {
                true if self.waits_for_user(id) => self.stop_clock(Some(id), now),
                true => {}
                false => self.start_clock(Some(id), now),
            }
        }
        if asks != before {
            self.emit(Event::StateChange);
        }
        if asks && self.lifecycle.is_elsewhere() {
            self.give_waiting_session();
        }
    }

    /// An attempt to make a session failed here, and the others wait for it as well.
    pub(in crate::protocol) fn tell_failed(&mut self, error: &Error<P>, floor_ms: u64) {
        if self.tabs.is_leading() {
            let (code, message) = (error.code.as_str().to_owned(), error.message.clone());
            let owner = self.identity.owner().map(Owner::stored);
            self.tell(&Message::Failed { code, message, retryable: error.retryable, floor_ms, owner }, None);
        }
    }

    pub(super) fn attempt_failed_elsewhere(
        &mut self,
        code: &str,
        message: String,
        retryable: bool,
        floor_ms: u64,
        now: Now,
    ) {
        let Some(establishing) = self.lifecycle.establishing() else { return };
        if !matches!(establishing.step, Step::Elsewhere) {
            return;
        }
        let code = Code::named(code).unwrap_or(Code::Network);
        // The user of this tab waits, and can be asked here only.
        if matches!(code, Code::Auth | Code::Unauthorized)
            && self.config.authorizes
            && self.calls.is_any_queued(Queue::Session)
        {
            return self.output(Output::Steal);
        }
        let mut error = Error::boxed(code, Outcome::NotExecuted, message);
        error.retryable = retryable;
        self.attempt_failed(error, floor_ms, now);
    }
}
