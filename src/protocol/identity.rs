//! Whose session it is. Where the host says so (`Config::identified`), nothing is looked for. Otherwise whoever is signed
//! in shows in the header fields that the host adds, and in the grant that the token is from: with others the cache is
//! emptied at once, and no request goes out under a session that was made with those before ([`super::foreign`]). Schemes
//! whose values change with every request (a proof of possession, a signature) say nothing of that, and neither do other
//! fields (the id of a trace): they only keep results out of the cache.

use super::base64;
use super::json::Json;
use super::list::Gather;
use super::record::Found;
use super::secrets::Secrets;
use super::session::Session;
use super::status::Event;
use super::time::Timer;
use super::{CallId, ExchangeId, Now, Output, Payload};

/// Of a hash that is stored: enough to tell two users apart, too little to find a password by.
const STORED_BITS: u32 = 24;
/// How long the host may take to say which header fields it would add; no more than this share of a call's time.
const IDENTIFY_MS: u64 = 5_000;
const IDENTIFY_SHARE: u64 = 2;
const SLOW: &str = "The option `headers` did not settle within 5 seconds, or half of the time-out. Nothing is answered from the \
                    cache meanwhile, and no session of an earlier page is taken up.";
/// What differs between two JSON Web Tokens that one issuer gives the same user for the same (RFC 7519, 4.1).
const OF_ONE_TOKEN: [&str; 4] = ["exp", "nbf", "iat", "jti"];

/// A user, as far as can be told: hashes of the credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    /// `Bearer` or `Basic`, among the host's fields.
    credential: Option<u64>,
    /// The grant; where it has no name, its token.
    token: Option<u64>,
}

impl Owner {
    /// For a record that somebody else may read.
    pub fn stored(self) -> u64 {
        let both = self.credential.unwrap_or_default() ^ self.token.unwrap_or_default().rotate_left(7);
        (both ^ both >> STORED_BITS ^ both >> (2 * STORED_BITS)) & ((1 << STORED_BITS) - 1)
    }

    /// Whether what was made with these credentials may be used with those. What was made before there was a grant is
    /// of whoever got it.
    pub fn admits(self, other: Self) -> bool {
        self.credential == other.credential && self.has_grant_of(other)
    }

    pub fn has_grant_of(self, other: Self) -> bool {
        self.token.is_none() || self.token == other.token
    }

    pub fn is_nobody(self) -> bool {
        self == Self::default()
    }

    fn renew(&mut self, old: Option<u64>, new: Option<u64>) {
        if self.token == old {
            self.token = new;
        }
    }
}

/// What is known of who is signed in.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// The host's fields, as of the latest request; `None` before the first.
    pub fields: Option<u64>,
    /// Whose credentials those are, and the token's.
    pub owner: Option<Owner>,
    /// When a session was made for another user last, on the monotonic clock: for somebody, and for nobody.
    pub renewed_at: [Option<u64>; 2],
    /// Calls that wait until it may be done again.
    pub held: Vec<CallId>,
    /// Calls that wait for the host's fields, before they are answered from the cache.
    pub waiting: Vec<CallId>,
    /// Those fields were read just now.
    pub is_fresh: bool,
    /// They were asked for, and told once.
    pub asks: bool,
    pub is_asked: bool,
    /// A session that is not taken up before it is known whether it is of whoever is signed in.
    pub found: Option<Found>,
}

/// FNV-1a, 64 bits.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Of an `Authorization` field. A JSON Web Token that says for whom it is counts by all that it says but for its time and
/// its number: the next one for the same user is no other user's.
fn credential(value: &str) -> Option<u64> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(hash(&claims(rest.trim()).unwrap_or_else(|| ["bearer ", rest.trim()].concat())));
    }
    scheme.eq_ignore_ascii_case("basic").then(|| hash(&["basic ", rest.trim()].concat()))
}

fn claims(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let claims = Json::parse(&base64::read(claims)?)?;
    claims.get("sub")?.as_str()?;
    let lasting = claims.members().iter().filter(|(name, _)| !OF_ONE_TOKEN.contains(&name.as_str()));
    Some(Json::Object(lasting.cloned().gather()).to_text())
}

impl<P: Payload> Session<P> {
    /// The fields that the host adds to this request, before it is sent: a JSON array of names in lower case and values,
    /// `[["authorization","Bearer …"]]`. They are told where they are others than the driver knew when the request was
    /// handed to it. Say nothing of an exchange where they were only asked for ([`super::Output::Identify`]).
    pub fn handle_fields(&mut self, exchange: Option<ExchangeId>, fields: &str, now: Now) {
        let read = Json::parse(fields).unwrap_or_default();
        let (mut of_host, mut secrets) = (None, Secrets::default());
        for (name, value) in pairs(&read) {
            secrets.add_field(name, value);
            if name == "authorization" {
                of_host = credential(value);
            }
        }
        self.past.remember_secrets(&secrets);
        if let Some(exchange) = exchange.and_then(|id| self.exchanges.get_mut(&id)) {
            exchange.secrets.add_all(&secrets);
        }
        self.past.along[0] = secrets;
        let fields = Some(hash(fields));
        self.identity.fields = fields;
        self.identity.is_asked = true;
        let token = self.identity.owner.and_then(|owner| owner.token);
        self.is_owned_by(Owner { credential: of_host, token });
        let Some((id, exchange)) = exchange.and_then(|id| Some((id, self.exchanges.get_mut(&id)?))) else { return };
        exchange.fields = fields;
        let token = exchange.owner.and_then(|owner| owner.token);
        exchange.owner = Some(Owner { credential: of_host, token });
        self.see_owner(id, now);
    }

    /// Asks which header fields the host would add now.
    pub(super) fn identify(&mut self, now: Now) {
        let ms = IDENTIFY_MS.min(self.config.timeout_ms / IDENTIFY_SHARE);
        self.timers.set(Timer::Identify, now.mono.saturating_add(ms));
        self.output(Output::Identify);
    }

    /// The host's function does not settle. Who is signed in is not known: nothing is answered from the cache, and no session
    /// is taken up that somebody else may have made. The requests that go out instead ask for their fields anew.
    pub(super) fn identify_due(&mut self, now: Now) {
        self.emit(Event::Warning { kind: "slow_headers", header: None, hint: SLOW });
        self.identity.asks = false;
        if !self.identity.waiting.is_empty() {
            self.forget_cached();
        }
        for id in std::mem::take(&mut self.identity.waiting) {
            self.dispatch(id, now);
        }
        match self.identity.found.take() {
            Some(Found::Record(_)) => self.hasten(now),
            Some(Found::Told(..)) => self.part_from_tabs(now),
            None => {}
        }
        self.send_waiting(now);
    }

    /// What was asked for by [`super::Output::Identify`] was told, or could not be had.
    pub fn handle_identified(&mut self, now: Now) {
        self.timers.clear(Timer::Identify);
        self.identity.is_fresh = true;
        for id in std::mem::take(&mut self.identity.waiting) {
            self.dispatch(id, now);
        }
        self.identity.is_fresh = false;
        self.identity.is_asked = true;
        self.take_found(now);
        self.send_waiting(now);
    }

    /// The token that goes along from now on; `same_grant`: of the user that the one before was of.
    pub fn handle_token(&mut self, token: Option<&str>, same_grant: bool) {
        let mut secrets = Secrets::default();
        token.iter().for_each(|token| secrets.add(token));
        self.past.remember_secrets(&secrets);
        self.past.along[1] = secrets;
        let token = token.map(|token| hash(self.authorization.origin.grant.as_deref().unwrap_or(token)));
        let before = self.identity.owner.unwrap_or_default();
        let owner = Owner { token, ..before };
        if same_grant && before.token.is_some() && token.is_some() {
            self.identity.owner = Some(owner);
            let sessions = [self.state.known_mut().and_then(|session| session.made_for.as_mut())];
            sessions.into_iter().flatten().for_each(|made_for| made_for.renew(before.token, token));
            let fresh = self.state.fresh_mut().and_then(|fresh| fresh.made_for.as_mut());
            fresh.into_iter().for_each(|made_for| made_for.renew(before.token, token));
            for (_, exchange) in self.exchanges.iter_mut() {
                let all = [&mut exchange.owner, &mut exchange.made_for];
                all.into_iter().flatten().for_each(|owner| owner.renew(before.token, token));
            }
        } else {
            self.is_owned_by(owner);
        }
    }

    fn is_owned_by(&mut self, owner: Owner) {
        if self.identity.owner.is_some_and(|before| before != owner) && !self.config.identified {
            self.forget_cached();
        }
        self.identity.owner = Some(owner);
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
