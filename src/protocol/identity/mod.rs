//! Whose session it is. Where the host says so (`Config::identified`), nothing is looked for. Otherwise whoever is signed
//! in shows in the header fields that the host adds, and in the grant that the token is from: with others the cache is
//! emptied at once, and no request goes out under a session that was made with those before. Schemes
//! whose values change with every request (a proof of possession, a signature) say nothing of that, and neither do other
//! fields (the id of a trace): they only keep results out of the cache.

pub(crate) mod secrets;

use super::Now;
use super::codec::http;
use super::codec::json::Members;
use super::hash::fnv1a;
use super::tabs::Mark;
use secrets::{Confidential, Secrets};

/// Milliseconds between two sessions that are made for another user.
const PAUSE_MS: u64 = 60_000;
/// Of a hash that is stored: enough to tell two users apart, too little to find a password by.
const STORED_BITS: u32 = 24;
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

    /// Its grant goes on with another token.
    pub fn renew(&mut self, renewal: Renewal) {
        if self.token == renewal.old {
            self.token = renewal.new;
        }
    }

    /// The same grant, with these header fields of the host's.
    pub fn with_fields(self, fields: &HostFields) -> Self {
        Self { credential: fields.credential, ..self }
    }
}

/// A grant goes on with another token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Renewal {
    old: Option<u64>,
    new: Option<u64>,
}

/// What a token says of who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenOf {
    SameGrant(Renewal),
    Nobody,
    AnotherUser,
}

/// A session that was made elsewhere, as text.
#[derive(Debug)]
pub(crate) enum Found {
    /// By an earlier page life.
    Record(String),
    /// By another tab.
    Told(Mark, String),
}

impl Found {
    pub fn text(&self) -> &str {
        match self {
            Self::Record(text) | Self::Told(_, text) => text,
        }
    }
}

/// What is known of who is signed in, and what waits until it is.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// The host's fields, as of the latest request; `None` before the first.
    fields: Option<u64>,
    /// Whose credentials those are, and the token's.
    owner: Option<Owner>,
    /// When a session was made for another user last, on the monotonic clock: for somebody, and for nobody.
    renewed_at: [Option<u64>; 2],
    /// Those fields were read just now.
    is_fresh: bool,
    /// They were asked for, and told once.
    asks: bool,
    is_asked: bool,
    /// Whether somebody is signed in, as the host was told last.
    shown: Option<bool>,
    /// A session that is not taken up before it is known whether it is of whoever is signed in.
    found: Option<Found>,
    confidential: Confidential,
}

/// Who is signed in.
impl Identity {
    /// The host adds these fields to what is sent. Says whether another user is signed in now.
    pub fn adopt_fields(&mut self, fields: &HostFields) -> bool {
        self.confidential.goes_along(secrets::Source::Host, fields.secrets.clone());
        self.fields = Some(fields.hash);
        self.is_asked = true;
        self.adopt_owner(self.owner.unwrap_or_default().with_fields(fields))
    }

    /// This token goes along from now on, of the grant of this name; `same_grant`: of the user that the one before was of.
    /// Says whether it is another user's.
    pub fn adopt_token(&mut self, token: Option<&str>, grant: Option<&str>, same_grant: bool) -> TokenOf {
        let mut secrets = Secrets::default();
        token.iter().for_each(|token| secrets.add(token));
        self.confidential.goes_along(secrets::Source::Token, secrets);
        let new =
            token.map(|token| grant.map_or_else(|| fnv1a(&claims(token).unwrap_or_else(|| token.to_owned())), fnv1a));
        let before = self.owner.unwrap_or_default();
        let owner = Owner { token: new, ..before };
        if same_grant && before.token.is_some() && new.is_some() {
            self.owner = Some(owner);
            return TokenOf::SameGrant(Renewal { old: before.token, new });
        }
        if self.adopt_owner(owner) { TokenOf::AnotherUser } else { TokenOf::Nobody }
    }

    fn adopt_owner(&mut self, owner: Owner) -> bool {
        self.owner.replace(owner).is_some_and(|before| before != owner)
    }

    /// Whose credentials go along; `None` where that is not known yet.
    pub fn owner(&self) -> Option<Owner> {
        self.owner
    }

    /// The host is told whether somebody is signed in. Says whether that is news.
    pub fn show(&mut self, signed_in: Option<bool>) -> bool {
        std::mem::replace(&mut self.shown, signed_in) != signed_in
    }

    /// A hash of the host's header fields.
    pub fn fields(&self) -> Option<u64> {
        self.fields
    }

    /// Whether the host's header fields are known.
    pub fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// They are to be asked for. Says whether that is done for the first time.
    pub fn asks(&mut self) -> bool {
        !std::mem::replace(&mut self.asks, true)
    }

    /// They were not told in time: they are asked for anew.
    pub fn gives_up_asking(&mut self) {
        self.asks = false;
    }
}

/// Sessions for another user.
impl Identity {
    /// When a session may be made for this user; `Err`: not before, on the monotonic clock.
    pub fn may_renew(&self, owner: Owner, now: Now) -> Result<(), u64> {
        let last = self.renewed_at[usize::from(owner.is_nobody())];
        match last.map(|at| at.saturating_add(PAUSE_MS)).filter(|until| now.mono < *until) {
            Some(until) => Err(until),
            None => Ok(()),
        }
    }

    /// A grant that has a name is another whenever a user has agreed: that is no credential that changes by itself.
    pub fn user_agreed(&mut self) {
        self.renewed_at = [None; 2];
    }

    /// A session is made for this user.
    pub fn renewed(&mut self, owner: Owner, now: Now) {
        self.renewed_at[usize::from(owner.is_nobody())] = Some(now.mono);
    }
}

/// What waits for the host's header fields.
impl Identity {
    /// They were told, or could not be had: until [`Self::fields_pass`] they are those of just now.
    pub fn fields_are_fresh(&mut self) {
        self.is_fresh = true;
    }

    pub fn fields_pass(&mut self) {
        self.is_fresh = false;
        self.is_asked = true;
    }

    /// Whether the host's fields were read just now.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// A session that somebody else has made waits until it is known whose it is.
    pub fn find(&mut self, found: Found) {
        self.found = Some(found);
    }

    pub fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    pub fn take_found(&mut self) -> Option<Found> {
        self.found.take()
    }
}

/// What is told nowhere.
impl Identity {
    pub fn confidential(&self) -> &Confidential {
        &self.confidential
    }

    pub fn confidential_mut(&mut self) -> &mut Confidential {
        &mut self.confidential
    }
}

/// The header fields that a host adds to a request.
#[derive(Debug)]
pub(crate) struct HostFields {
    hash: u64,
    credential: Option<u64>,
    pub secrets: Secrets,
}

impl HostFields {
    /// From a JSON array of names in lower case and values.
    pub fn read(text: &str) -> Self {
        let read: Vec<(String, String)> = serde_json::from_str(text).unwrap_or_default();
        let mut fields = Self { hash: fnv1a(text), credential: None, secrets: Secrets::default() };
        for (name, value) in &read {
            fields.secrets.add_field(name, value);
            if name == "authorization" {
                fields.credential = credential(value);
            }
        }
        fields
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }
}

/// Of an `Authorization` field. A JSON Web Token that says for whom it is counts by all that it says but for its time and
/// its number: the next one for the same user is no other user's.
fn credential(value: &str) -> Option<u64> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(fnv1a(&claims(rest.trim()).unwrap_or_else(|| ["bearer ", rest.trim()].concat())));
    }
    scheme.eq_ignore_ascii_case("basic").then(|| fnv1a(&["basic ", rest.trim()].concat()))
}

fn claims(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let mut claims = Members::parse(&http::credential(claims)?)?;
    claims.read::<String>("sub")?;
    claims.retain(|name| !OF_ONE_TOKEN.contains(&name));
    Some(claims.to_text())
}
