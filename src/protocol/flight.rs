//! What is known of tokens, and the authorization under way.

use super::exchange::{Answer, Exchange};
use super::http::Request;
use super::{CallId, Error, ExchangeId, Now, Purpose};

/// What the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// 401: the token is missing or not accepted. 403: it lacks a scope.
    pub status: u16,
    /// `WWW-Authenticate`, where the page may read it.
    pub www_authenticate: Option<String>,
}

/// How an authorization ended.
#[derive(Clone, Debug)]
pub enum Authorized<P> {
    /// There is a token; or what was stored holds none, and the server is to say what it wants.
    Granted {
        /// When it is to be refreshed, in milliseconds since the epoch; `None`: when it is refused.
        refresh_at_unix_ms: Option<u64>,
        /// It is of the same grant as the token before, as far as is known: nobody else can have signed in.
        same: bool,
    },
    /// The user would have to be asked.
    NeedsUser,
    /// There is none.
    Failed(Box<Error<P>>),
}

/// Where a token comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The name of the grant: stays the same from one token to the next, and is another whenever a user has agreed.
    pub grant: Option<String>,
    /// The user has come back with it to this page life, from an authorization that this refusal had made necessary.
    pub returned: Option<Challenge>,
}

/// What is known of tokens.
#[derive(Debug)]
pub(super) struct Authorization<P> {
    /// Tokens so far; an exchange remembers under which it was sent.
    pub token: u32,
    /// What was stored has been loaded.
    pub loaded: bool,
    /// Where the token comes from.
    pub origin: Origin,
    /// It is of the grant that the one before was of.
    pub same_grant: bool,
    pub refresh_at_unix_ms: Option<u64>,
    /// When the token was got in answer to a refusal, while nothing was answered under it.
    pub unproven_since: Option<u64>,
    /// The challenge that the token was to meet, if it was for a scope.
    pub stepped_up_for: Option<Challenge>,
    /// The `connect` that the user was asked for.
    pub asked_for: Option<CallId>,
    /// The user was asked last, and there is no token all the same.
    pub in_vain: bool,
    pub flight: Option<Flight<P>>,
}

/// An authorization under way.
#[derive(Debug)]
pub(super) struct Flight<P> {
    pub challenge: Option<Challenge>,
    /// The user may be asked.
    pub ask: bool,
    /// The user is being asked.
    pub asked: bool,
    pub held: Vec<Held<P>>,
}

/// An exchange of our own that waits for the token.
#[derive(Debug)]
pub(super) struct Held<P> {
    pub id: ExchangeId,
    pub exchange: Box<Exchange>,
    pub request: Request,
    /// How it was refused; `None` where it has not been sent.
    pub refused: Option<Answer<P>>,
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
            stepped_up_for: None,
            asked_for: None,
            in_vain: false,
            flight: None,
        }
    }
}

impl<P> Authorization<P> {
    pub fn asks_user(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.asked)
    }

    /// The user was asked last, and there is no token all the same: nothing is tried again before somebody calls again.
    pub fn is_in_vain(&self) -> bool {
        self.in_vain
    }

    pub fn holds(&self, id: ExchangeId) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.held.iter().any(|held| held.id == id))
    }

    /// How many exchanges of this purpose wait for a token.
    pub fn held_for(&self, purpose: Purpose) -> usize {
        let held = self.flight.as_ref().map(|flight| flight.held.as_slice()).unwrap_or_default();
        held.iter().filter(|held| held.exchange.purpose == purpose).count()
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

    /// An authorization is under way that is not for this challenge.
    pub fn joins_another(&self, challenge: &Challenge) -> bool {
        let status = |challenge: &Challenge| challenge.status;
        self.flight.as_ref().is_some_and(|flight| flight.challenge.as_ref().map(status) != Some(challenge.status))
    }

    /// A wider token is being got: the one that is there goes on being used.
    pub fn is_usable(&self, now: Now) -> bool {
        let waits = self.flight.as_ref().is_some_and(|flight| !is_scope(flight.challenge.as_ref()));
        self.loaded && !waits && self.refresh_at_unix_ms.is_none_or(|at| now.unix_ms < at)
    }
}

pub(super) fn is_scope(challenge: Option<&Challenge>) -> bool {
    challenge.is_some_and(|challenge| challenge.status == 403)
}
