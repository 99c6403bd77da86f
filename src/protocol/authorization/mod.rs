//! Tokens, as far as the session is concerned. Whoever drives the session has them, and adds them to what is sent; here
//! it is known that there is one, until when it is good, that one was refused, and what waits for the next: one
//! authorization at a time.

mod facts;

pub use facts::{Authorized, Challenge, Origin};

use super::codec::http::Request;
use super::config::Ask;
use super::exchanges::{Answer, Exchange};
use super::{CallId, Code, Error, ExchangeId, Now, Outcome, Purpose};

/// A token that is refused at once is not followed by another one before this many milliseconds are over.
const PATIENCE_MS: u64 = 10_000;

/// What is kept is loaded so often in a row for requests whose token was not the one any more.
const MAX_LOOKS: u8 = 3;

const UNASKED: &str = "The server wants the user to sign in, and `auth.ask` is \"never\": nobody was asked. Let the user start it: \
                       `session.authorize()` in a click.";

/// What is known of tokens.
#[derive(Debug)]
pub(crate) struct Authorization<P> {
    /// Tokens so far; an exchange remembers under which it was sent.
    token: u32,
    /// What was stored has been loaded.
    loaded: bool,
    /// Where the token comes from.
    origin: Origin,
    /// It is of the grant that the one before was of.
    same_grant: bool,
    refresh_at_unix_ms: Option<u64>,
    /// When the token was got in answer to a refusal, while nothing was answered under it.
    unproven_since: Option<u64>,
    /// In answer to a refusal the token was found, and nothing was answered under it.
    is_found: bool,
    /// The challenge that the token was to meet, if it was for a scope.
    stepped_up_for: Option<Challenge>,
    /// The `connect` that the user was asked for.
    asked_for: Option<CallId>,
    /// The user was asked last, and there is no token all the same.
    in_vain: bool,
    /// … and the one that was there is taken no more.
    lapsed: bool,
    /// How often what is kept was another token, since something went out.
    looks: u8,
    flight: Option<Flight<P>>,
}

/// An authorization under way.
#[derive(Debug)]
struct Flight<P> {
    challenge: Option<Challenge>,
    user: User,
    held: Vec<Held<P>>,
}

/// The user's part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    /// None, as far as is known.
    Unasked,
    /// Nothing goes on before the host says so.
    Awaited,
    /// The same, while what is stored is tried once more.
    Retried,
    /// May be asked.
    MayBeAsked,
    /// Is being asked.
    Asked,
}

/// Who may be asked, and when: as of now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leave {
    pub ask: Ask,
    /// A command is not on the wire.
    pub waits: bool,
    /// The host has said so.
    pub clicked: bool,
}

impl Leave {
    /// Whether the user may be asked by now.
    pub fn may_ask(self) -> bool {
        self.clicked || self.ask == Ask::Auto && self.waits
    }
}

/// An exchange of our own that waits for the token.
#[derive(Debug)]
pub(crate) struct Held<P> {
    pub id: ExchangeId,
    pub exchange: Box<Exchange>,
    pub request: Request,
    /// How it was refused; `None` where it has not been sent.
    pub refused: Option<Answer<P>>,
}

/// What follows from the end of an authorization.
#[derive(Debug)]
pub(crate) enum Ended<P> {
    /// It has not ended: somebody has come meanwhile for whom the user may be asked.
    AskUser {
        challenge: Option<Challenge>,
    },
    /// It has not ended: it waits for the host to say that the user may be asked.
    Awaited {
        /// Why the user who was asked has not signed in.
        error: Option<Box<Error<P>>>,
    },
    Over(Over<P>),
}

/// An authorization that is over.
#[derive(Debug)]
pub(crate) struct Over<P> {
    /// Why there is no token.
    pub error: Option<Box<Error<P>>>,
    /// The user was asked.
    pub asked: bool,
    /// It may be another user's than the token before.
    pub another: bool,
    /// Exchanges that waited.
    pub held: Vec<Held<P>>,
}

impl<P> Default for Authorization<P> {
    fn default() -> Self {
        Self {
            token: 0,
            loaded: false,
            origin: Origin::default(),
            same_grant: false,
            refresh_at_unix_ms: None,
            unproven_since: None,
            is_found: false,
            stepped_up_for: None,
            asked_for: None,
            in_vain: false,
            lapsed: false,
            looks: 0,
            flight: None,
        }
    }
}

/// The token.
impl<P> Authorization<P> {
    /// Its number: that of an older one is less.
    pub fn token(&self) -> u32 {
        self.token
    }

    /// Whether what was stored has been loaded.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// A wider token is being got: the one that is there goes on being used.
    pub fn is_usable(&self, now: Now) -> bool {
        let waits = self.flight.as_ref().is_some_and(|flight| !is_scope(flight.challenge.as_ref()));
        self.loaded && !waits && self.refresh_at_unix_ms.is_none_or(|at| now.unix_ms < at)
    }

    /// Something was answered under this token.
    pub fn mark_proven(&mut self, token: u32) {
        if token == self.token {
            self.unproven_since = None;
            self.is_found = false;
        }
    }

    /// This token was found, and was not refused before: its refusal is the first word on it.
    pub fn is_found(&self, token: u32) -> bool {
        self.is_found && token == self.token
    }

    /// A request went out with the token that was kept by then.
    pub fn went_out(&mut self) {
        self.looks = 0;
    }

    /// The token was not the one any more. Says whether what is kept may be loaded for that.
    pub fn may_look_up(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        self.looks <= MAX_LOOKS
    }

    /// Another token would be refused as well.
    pub fn is_hopeless(&self, challenge: &Challenge, now: Now) -> bool {
        let at_once = |since: u64| now.mono.saturating_sub(since) < PATIENCE_MS;
        self.unproven_since.is_some_and(at_once) || self.stepped_up_for.as_ref() == Some(challenge)
    }

    /// Where the token comes from that is told next.
    pub fn comes_from(&mut self, origin: Origin) {
        self.same_grant = origin.grant.is_some() && origin.grant == self.origin.grant;
        self.origin = origin;
    }

    /// The name of the grant.
    pub fn grant(&self) -> Option<&str> {
        self.origin.grant.as_deref()
    }
}

/// The authorization under way, and what waits for it.
impl<P> Authorization<P> {
    /// One begins, unless one is under way. Says whether it does.
    pub fn begin(&mut self, challenge: Option<Challenge>, ask: bool, now: Now) -> bool {
        if self.flight.is_some() {
            return false;
        }
        self.in_vain = false;
        let user = if ask { User::MayBeAsked } else { User::Unasked };
        self.flight = Some(Flight { challenge, user, held: Vec::new() });
        // Asked for once: what could not be refreshed is refreshed when it is refused.
        self.refresh_at_unix_ms = self.refresh_at_unix_ms.filter(|at| now.unix_ms < *at);
        true
    }

    /// One is under way that is not for this challenge.
    pub fn joins_another(&self, challenge: &Challenge) -> bool {
        let status = |challenge: &Challenge| challenge.status;
        self.flight.as_ref().is_some_and(|flight| flight.challenge.as_ref().map(status) != Some(challenge.status))
    }

    /// The exchange waits for it.
    pub fn hold(&mut self, held: Held<P>) {
        if let Some(flight) = &mut self.flight {
            flight.held.push(held);
        }
    }

    pub fn holds(&self, id: ExchangeId) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.held.iter().any(|held| held.id == id))
    }

    /// How many exchanges of this purpose wait for a token.
    pub fn held_for(&self, purpose: Purpose) -> usize {
        let held = self.flight.as_ref().map(|flight| flight.held.as_slice()).unwrap_or_default();
        held.iter().filter(|held| held.exchange.purpose() == purpose).count()
    }

    pub fn is_under_way(&self) -> bool {
        self.flight.is_some()
    }

    /// What a held exchange was for is not wanted any more.
    pub fn release(&mut self, id: ExchangeId) -> Option<Box<Exchange>> {
        let held = &mut self.flight.as_mut()?.held;
        let at = held.iter().position(|held| held.id == id)?;
        Some(held.remove(at).exchange)
    }

    /// Nothing waits any more.
    pub fn end(&mut self) {
        self.flight = None;
    }
}

/// The user.
impl<P> Authorization<P> {
    /// The user is about to be asked, for this `connect`. Says whether an authorization is under way.
    pub fn ask_user(&mut self, connect: Option<CallId>) -> bool {
        let Some(flight) = &mut self.flight else { return false };
        flight.user = User::Asked;
        self.asked_for = connect;
        true
    }

    /// The user is being asked, or would be if the host said so.
    pub fn waits_for_user(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| matches!(flight.user, User::Awaited | User::Retried | User::Asked))
    }

    /// The user is being asked.
    pub fn asks_user(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.user == User::Asked)
    }

    /// The token is taken no more: nothing goes on before a user has signed in. One that only lacks a scope goes on being used.
    pub fn has_lapsed(&self) -> bool {
        let is_for_scope = |flight: &Flight<P>| is_scope(flight.challenge.as_ref());
        self.lapsed || self.waits_for_user() && !self.flight.as_ref().is_some_and(is_for_scope)
    }

    /// The host says that the user may be asked: what waits for that goes on waiting. Gives what the server had refused, where that was waited for.
    pub fn clicked(&mut self) -> Option<Option<Challenge>> {
        let flight = self.flight.as_mut().filter(|flight| flight.user == User::Awaited)?;
        flight.user = User::Asked;
        Some(flight.challenge.clone())
    }

    /// What is stored is tried without the user, where the host's word was waited for. Gives what the server had refused.
    pub fn tries_again(&mut self) -> Option<Option<Challenge>> {
        let flight = self.flight.as_mut().filter(|flight| flight.user == User::Awaited)?;
        flight.user = User::Retried;
        Some(flight.challenge.clone())
    }

    /// The `connect` that the user was asked for.
    pub fn asked_for(&self) -> Option<CallId> {
        self.asked_for
    }

    /// The user was asked last, and there is no token all the same: nothing is tried again before somebody calls again.
    pub fn is_in_vain(&self) -> bool {
        self.in_vain
    }

    /// How it ended; `None` where none was under way. `connect`: the one that is open.
    pub fn ended(
        &mut self,
        authorized: Authorized<P>,
        leave: Leave,
        connect: Option<CallId>,
        now: Now,
    ) -> Option<Ended<P>> {
        let mut flight = self.flight.take()?;
        let (mut another, needs_user) = (false, matches!(authorized, Authorized::NeedsUser));
        let asked = flight.user == User::Asked;
        let error = match authorized {
            Authorized::NeedsUser if matches!(flight.user, User::Unasked | User::Retried) && leave.may_ask() => {
                flight.user = User::MayBeAsked;
                let challenge = flight.challenge.clone();
                self.flight = Some(flight);
                return Some(Ended::AskUser { challenge });
            }
            // Nobody has said yet that the user may be asked; or the user was, in vain, and may be once more.
            Authorized::NeedsUser | Authorized::Failed(_)
                if leave.ask == Ask::Click && (needs_user || flight.user != User::Unasked) =>
            {
                flight.user = User::Awaited;
                self.flight = Some(flight);
                let error = if let Authorized::Failed(error) = authorized { Some(error) } else { None };
                return Some(Ended::Awaited { error });
            }
            Authorized::NeedsUser if leave.ask == Ask::Never => {
                let status = flight.challenge.as_ref().map_or(401, |challenge| challenge.status);
                Some(Error::boxed(Code::Unauthorized, Outcome::NotExecuted, UNASKED).with_status(status))
            }
            Authorized::NeedsUser => {
                let text = "The server wants an authorization, for which the user would have to be asked.";
                Some(Error::boxed(Code::Auth, Outcome::NotExecuted, text))
            }
            Authorized::Failed(error) => Some(error),
            Authorized::Granted { refresh_at_unix_ms, same } => {
                self.refresh_at_unix_ms = refresh_at_unix_ms.filter(|at| now.unix_ms < *at);
                another = self.loaded && !same && !self.same_grant;
                // In another page life the user was asked for this.
                let returned = self.origin.returned.take();
                if returned.is_some() {
                    self.asked_for = connect;
                    flight.challenge = flight.challenge.or(returned);
                }
                None
            }
        };
        self.loaded = true;
        self.lapsed = error.is_some() && (self.lapsed || needs_user && !is_scope(flight.challenge.as_ref()));
        self.in_vain = error.is_some() && (asked || needs_user && leave.ask == Ask::Never);
        if error.is_none() {
            self.token += 1;
            // What is found again and again is refused as what was got.
            self.is_found = self.origin.found && flight.challenge.is_some() && !self.is_found;
            let challenge = flight.challenge.filter(|_| !self.is_found);
            self.unproven_since = challenge.as_ref().map(|_| now.mono);
            self.stepped_up_for = challenge.filter(|challenge| is_scope(Some(challenge)));
        }
        let Flight { held, .. } = flight;
        Some(Ended::Over(Over { error, asked, another, held }))
    }
}

fn is_scope(challenge: Option<&Challenge>) -> bool {
    challenge.is_some_and(|challenge| challenge.status == 403)
}
