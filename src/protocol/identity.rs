//! Whose session it is. Where the host says so (`Config::identified`), nothing is looked for. Otherwise whoever is signed
//! in shows in the header fields that the host adds, and in the grant that the token is from: with another one the cache
//! is emptied at once, and the next call is sent under a session of its own, once a minute at most. Values that change with
//! every request (a proof of possession, a signature, the id of a trace) only keep results out of the cache.

use super::call::{Kind, Place};
use super::json::Json;
use super::list::Gather;
use super::session::Session;
use super::{CallId, ExchangeId, Now, Output, Payload, Purpose, Role};

/// Milliseconds between two sessions that are made for this reason.
const PAUSE_MS: u64 = 60_000;
const REASON: &str = "other credentials are in use now";
/// Of a hash that is stored: enough to tell two users apart, too little to find a password by.
const STORED_BITS: u32 = 24;

/// A user, as far as can be told: hashes of the credentials that were seen last. A request without any says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    /// `Bearer` or `Basic`, among the host's fields.
    credential: Option<u64>,
    /// The token of the grant.
    token: Option<u64>,
}

impl Owner {
    fn stored(self) -> u64 {
        let both = self.credential.unwrap_or_default() ^ self.token.unwrap_or_default().rotate_left(7);
        (both ^ both >> STORED_BITS ^ both >> (2 * STORED_BITS)) & ((1 << STORED_BITS) - 1)
    }
}

/// For whom a session was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MadeFor {
    /// As it was known then; `None`: it was not known yet.
    Known(Option<Owner>),
    /// In another page, by [`Owner::stored`].
    Stored(u64),
}

/// What is known of who is signed in.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// The host's fields, as of the latest request; `None` before the first.
    pub fields: Option<u64>,
    owner: Option<Owner>,
    renewed_at: Option<u64>,
    /// Calls that wait for the host's fields, before they are answered from the cache.
    pub waiting: Vec<CallId>,
    /// Those fields were read just now.
    pub is_fresh: bool,
}

impl Identity {
    pub fn made_for(&self) -> MadeFor {
        MadeFor::Known(self.owner)
    }
}

impl MadeFor {
    /// For a record that somebody else may read.
    pub fn stored(self) -> Option<u64> {
        match self {
            Self::Known(owner) => owner.map(Owner::stored),
            Self::Stored(stored) => Some(stored),
        }
    }

    fn is(self, owner: Owner) -> bool {
        // Somebody who was not known is whoever is.
        let alike = |known: Option<u64>, now: Option<u64>| known.is_none() || known == now;
        match self {
            Self::Known(known) => {
                let known = known.unwrap_or_default();
                alike(known.credential, owner.credential) && alike(known.token, owner.token)
            }
            Self::Stored(stored) => stored == owner.stored(),
        }
    }
}

/// FNV-1a, 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl<P: Payload> Session<P> {
    /// The fields that the host adds to this request, before it is sent: a JSON array of names in lower case and values,
    /// `[["authorization","Bearer …"]]`. They are told where they are others than the driver knew when the request was
    /// handed to it. Say nothing of an exchange where they were only asked for ([`Output::Identify`]).
    pub fn handle_fields(&mut self, exchange: Option<ExchangeId>, fields: &str, now: Now) {
        let read = Json::parse(fields).unwrap_or_default();
        let mut credential = None;
        for (name, value) in pairs(&read) {
            self.past.remember_field(name, value);
            let scheme = value.split(' ').next().unwrap_or_default();
            if name == "authorization" && ["bearer", "basic"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
                credential = Some(hash(value));
            }
        }
        let fields = Some(hash(fields));
        self.identity.fields = fields;
        if let Some(exchange) = exchange.and_then(|id| self.exchanges.get_mut(&id)) {
            exchange.fields = fields;
        }
        let before = self.identity.owner.unwrap_or_default();
        let owner = Owner { credential: credential.or(before.credential), ..before };
        self.is_owned_by(owner);
        let generation = exchange.and_then(|id| self.exchanges.get(&id)).map(|exchange| exchange.generation);
        let session = self.state.ready().filter(|session| Some(session.generation) == generation);
        match (exchange, session.map(|session| session.made_for)) {
            (_, Some(made_for)) if made_for.is(owner) => self.settle_owner(owner),
            (Some(id), Some(_)) if self.is_anothers(now) => self.take_back(id, now),
            (Some(_) | None, _) => {}
        }
    }

    /// What was asked for by [`Output::Identify`] was told, or could not be had.
    pub fn handle_identified(&mut self, now: Now) {
        self.identity.is_fresh = true;
        for id in std::mem::take(&mut self.identity.waiting) {
            self.dispatch(id, now);
        }
        self.identity.is_fresh = false;
        self.send_waiting(now);
    }

    /// The token that goes along from now on; `same_grant`: of the user that the one before was of.
    pub fn handle_token(&mut self, token: Option<&str>, same_grant: bool) {
        let Some(token) = token else { return };
        self.past.remember_secret(token);
        let before = self.identity.owner;
        let owner = Owner { token: Some(hash(token)), ..before.unwrap_or_default() };
        if same_grant && self.state.known().is_some_and(|session| session.made_for == MadeFor::Known(before)) {
            self.settle_owner(owner);
        }
        if same_grant {
            self.identity.owner = Some(owner);
        } else {
            self.is_owned_by(owner);
        }
    }

    fn settle_owner(&mut self, owner: Owner) {
        if let Some(session) = self.state.known_mut() {
            session.made_for = MadeFor::Known(Some(owner));
        }
    }

    fn is_owned_by(&mut self, owner: Owner) {
        if self.identity.owner.is_some_and(|before| !MadeFor::Known(Some(before)).is(owner)) && !self.config.identified
        {
            self.forget_cached();
        }
        self.identity.owner = Some(owner);
    }

    /// Whether the session is somebody else's, and it is time to make another.
    fn is_anothers(&self, now: Now) -> bool {
        let paused = self.identity.renewed_at.is_some_and(|at| now.mono.saturating_sub(at) < PAUSE_MS);
        let session = self.state.ready().filter(|_| !self.config.identified && !paused);
        session.zip(self.identity.owner).is_some_and(|(session, owner)| !session.made_for.is(owner))
    }

    /// A call is about to be sent. Says whether it waits for a session of its user's.
    pub(super) fn waits_for_owner(&mut self, id: CallId, now: Now) -> bool {
        let waits = self.calls.get(&id).is_some_and(|call| matches!(call.kind, Kind::Request | Kind::Verify));
        if !waits || !self.is_anothers(now) {
            return false;
        }
        self.renew(now);
        self.dispatch(id, now);
        true
    }

    /// This request has not gone out yet, and would go out under somebody else's session.
    fn take_back(&mut self, exchange: ExchangeId, now: Now) {
        match self.exchanges.get(&exchange).map(|exchange| exchange.purpose) {
            Some(Purpose::Call(id)) => {
                self.abort(exchange, now);
                if let Some(call) = self.calls.get_mut(&id) {
                    call.place = Place::Here;
                    call.sends -= 1;
                }
                self.renew(now);
                self.dispatch(id, now);
            }
            // They go with the session.
            Some(Purpose::Listen | Purpose::Ping | Purpose::Restore) => self.renew(now),
            Some(
                Purpose::Discover
                | Purpose::Initialize
                | Purpose::Initialized
                | Purpose::Notification(_)
                | Purpose::Cancelled
                | Purpose::Answer
                | Purpose::Delete,
            )
            | None => {}
        }
    }

    fn renew(&mut self, now: Now) {
        self.identity.renewed_at = Some(now.mono);
        if self.tabs.is_shared() {
            // The others go on with it.
            self.output(Output::Leave);
            self.handle_role(Role::Alone, now);
            return self.lose_to_another(REASON, now);
        }
        self.give_up(REASON, now);
    }
}

fn pairs(fields: &Json) -> Vec<(&str, &str)> {
    let Json::Array(fields) = fields else { return Vec::new() };
    fields.iter().filter_map(pair).gather()
}

fn pair(field: &Json) -> Option<(&str, &str)> {
    let Json::Array(pair) = field else { return None };
    let [name, value] = pair.as_slice() else { return None };
    name.as_str().zip(value.as_str())
}
