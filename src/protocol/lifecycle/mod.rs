//! The room of the session's life: the one state, all its transitions, and what is remembered beyond them. Nothing else
//! writes any of it: whoever has read a handshake fills in what it told of the session, before that is handed over here.

mod established;
mod history;
mod making;
mod state;
mod wait;

pub(super) use established::{Check, Established, SessionId};
pub(super) use state::{Discovered, Establishing, Since, State, Step};
pub(super) use wait::Wait;

use super::Now;
use super::error::Error;
use super::identity::Owner;
use super::status::Status;
use history::History;

/// How the session that an exchange was sent under stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is the session.
    Current,
    /// It is the session, and cannot be reached.
    Doubted,
    /// It is known to be gone.
    Gone,
}

/// Why a session is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The server refused it.
    Refused { caller_waits: bool },
    /// The host wants another.
    Host,
    /// The next one is at hand.
    Replaced,
}

/// A session that was lost.
#[derive(Debug)]
pub(super) struct Lost {
    pub generation: u32,
    /// The ping that was under way.
    pub check: Option<Check>,
}

/// The session: whether there is one, and how it was until now.
pub(super) struct Lifecycle<P> {
    state: State<P>,
    history: History<P>,
}

/// A session that a recovery made lives longer than this, or something is wrong.
const SOON_MS: u64 = 60_000;

impl<P> Lifecycle<P> {
    /// `generation`: sessions that were made before; `is_legacy`: the server is known to be of the legacy era.
    pub fn new(generation: u32, is_legacy: bool, now: Now) -> Self {
        let legacy_since = is_legacy.then_some(now.mono);
        Self { state: State::new(), history: History { legacy_since, generation, ..History::new() } }
    }
}

/// Whether there is a session.
impl<P> Lifecycle<P> {
    pub fn state(&self) -> &State<P> {
        &self.state
    }

    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    pub fn ready(&self) -> Option<&Established<P>> {
        self.state.ready()
    }

    pub fn establishing(&self) -> Option<&Establishing<P>> {
        self.state.establishing()
    }

    /// The session whose facts the host is shown: this one, or the one that was lost.
    pub fn known(&self) -> Option<&Established<P>> {
        self.state.known()
    }

    /// The new session, in a step that holds one.
    pub fn fresh(&self) -> Option<&Established<P>> {
        self.state.fresh()
    }

    /// The session that cannot be reached, and may live.
    pub fn doubted(&self) -> Option<&Established<P>> {
        match &self.establishing()?.since {
            Since::Doubt { old, .. } => Some(old),
            Since::First | Since::Lost { .. } => None,
        }
    }

    /// The session that is not known to be gone.
    pub fn living(&self) -> Option<&Established<P>> {
        self.ready().or_else(|| self.doubted())
    }

    /// No session was ever made or taken up here.
    pub fn has_none(&self) -> bool {
        matches!(self.state, State::Establishing(_)) && self.known().is_none()
    }

    /// Another tab makes the session, or this one takes no part.
    pub fn is_elsewhere(&self) -> bool {
        self.establishing().is_some_and(|it| matches!(it.step, Step::Elsewhere))
    }

    pub fn relation(&self, generation: u32) -> Relation {
        match &self.state {
            State::Ready(session) if session.generation() == generation => Relation::Current,
            State::Ready(_) if planted!("old_refusal_hits_new_session") => Relation::Current,
            State::Establishing(establishing) => match &establishing.since {
                Since::Doubt { old, .. } if old.generation() == generation => Relation::Doubted,
                Since::First | Since::Lost { .. } | Since::Doubt { .. } => Relation::Gone,
            },
            State::Ready(_) | State::Closed => Relation::Gone,
        }
    }
}

/// From one state to another.
impl<P> Lifecycle<P> {
    /// Ready → lost. `None` where there is nothing to lose. `is_ended_here`: a tab has ended it on the server.
    pub fn lose(&mut self, reason: &'static str, loss: Loss, is_ended_here: bool, now: Now) -> Option<Lost> {
        let check = self.state.lose(reason, now)?;
        let old = self.state.known()?;
        let (generation, (since, proven)) = (old.generation(), old.record());
        if loss != Loss::Host {
            self.refused_by_server(generation, is_ended_here);
        }
        let refused = matches!(loss, Loss::Refused { .. });
        let history = &mut self.history;
        let soon = refused && history.recoveries > 0 && now.mono.saturating_sub(since.mono) < SOON_MS;
        history.early_losses = if soon { history.early_losses + 1 } else { 0 };
        history.fruitless = if soon && !proven { history.fruitless + 1 } else { 0 };
        Some(Lost { generation, check })
    }

    /// Ready → in doubt. Says whether there was anything to doubt.
    pub fn doubt(&mut self, now: Now) -> bool {
        self.state.doubt(now).is_some()
    }

    /// In doubt → lost. Returns its generation; `None` where it is not in doubt.
    pub fn give_up_doubted(&mut self, reason: &'static str) -> Option<u32> {
        self.state.give_up_doubted(reason)
    }

    /// In doubt → ready again, the same session.
    pub fn reach_again(&mut self) {
        self.state.reach_again();
        self.history.last_error = None;
    }

    /// Establishing → ready. Returns what came before; `None` where no new session was at hand.
    pub fn establish(&mut self, now: Now) -> Option<Since<P>> {
        let fresh = self.state.take_fresh()?;
        let since = self.state.establish(fresh)?;
        let history = &mut self.history;
        history.last_error = None;
        history.hedge_not_before = 0;
        history.verified_at_unix_ms = Some(now.unix_ms);
        history.proven_at = Some(now.mono);
        if matches!(since, Since::Lost { .. }) {
            history.recoveries += 1;
        }
        Some(since)
    }

    /// A session that was made elsewhere is ready.
    pub fn take_up(&mut self, session: Box<Established<P>>) {
        self.state = State::Ready(session);
    }

    /// As if there had never been one.
    pub fn start_over(&mut self) {
        self.state = State::new();
    }

    /// The end. `last` is what the host is shown from now on.
    pub fn close(&mut self, last: Status<P>) {
        self.history.ended = Some(Box::new(last));
        self.state = State::Closed;
    }

    /// The next step of establishing the session.
    pub fn step(&mut self, step: Step<P>) {
        if let Some(establishing) = self.state.establishing_mut() {
            establishing.step = step;
        }
    }

    /// Takes the new session out of a step that holds one; the step is idle then.
    pub fn take_fresh(&mut self) -> Option<Box<Established<P>>> {
        self.state.take_fresh()
    }

    /// Why a host's own Client has to connect anew.
    pub fn part(&mut self, why: Box<Error<P>>) {
        self.history.parted = Some(why);
    }
}

/// What is learned of a session.
impl<P> Lifecycle<P> {
    /// The server answered under this session. Says whether it is the one that is ready.
    pub fn proven(&mut self, generation: u32, now: Now) -> bool {
        let Some(session) = self.state.ready_mut().filter(|session| session.generation() == generation) else {
            return false;
        };
        session.has_answered();
        self.history.verified_at_unix_ms = Some(now.unix_ms);
        self.history.proven_at = Some(now.mono);
        self.history.fruitless = 0;
        true
    }

    /// The server itself refused the session, unless a tab has ended it.
    pub fn refused_by_server(&mut self, generation: u32, is_ended_here: bool) {
        self.history.refused = if is_ended_here { 0 } else { generation };
    }

    /// What is refused under the old session from now on may have been running.
    pub fn forget_refusal(&mut self) {
        self.history.refused = 0;
    }

    /// It is asked by this ping whether it lives.
    pub fn check_begins(&mut self, ping: super::ExchangeId, now: Now) {
        if let Some(session) = self.state.ready_mut() {
            session.check_begins(ping, now);
        }
    }

    /// Another ping takes the place of the one that was not answered: of the check, or of the step that waits for it.
    pub fn asked_again(&mut self, again: super::ExchangeId) {
        match &mut self.state {
            State::Ready(session) => session.asked_again(again),
            State::Establishing(establishing) => {
                if let Step::Check { ping } | Step::Confirm { ping, .. } | Step::Proof { ping, .. } =
                    &mut establishing.step
                {
                    *ping = again;
                }
            }
            State::Closed => {}
        }
    }

    pub fn check_ends(&mut self) {
        if let Some(session) = self.state.ready_mut() {
            session.check_ends();
        }
    }

    /// A ping that was sent at this time was answered.
    pub fn was_alive_at(&mut self, mono: u64) {
        if let Some(session) = self.state.ready_mut() {
            session.was_alive_at(mono);
        }
    }

    /// For whom the session of this generation was made, known or new.
    pub fn made_for(&mut self, generation: u32, owner: Option<Owner>) {
        let session = match self.state.known_mut() {
            Some(session) if session.generation() == generation => Some(session),
            _ => self.state.fresh_mut().filter(|fresh| fresh.generation() == generation),
        };
        if let Some(session) = session {
            session.set_owner(owner);
        }
    }

    /// What is known of whom the sessions were made for is said anew.
    pub fn renew_owners(&mut self, renew: impl Fn(&mut Owner)) {
        let known = self.state.known_mut().and_then(Established::owner_mut);
        known.into_iter().for_each(&renew);
        let fresh = self.state.fresh_mut().and_then(Established::owner_mut);
        fresh.into_iter().for_each(&renew);
    }
}
