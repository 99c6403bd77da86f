//! What is kept from one page life to the next, as JSON texts in the host's storage. None of it prints. What another
//! version, or somebody else, has written is as good as nothing.

use super::registration::Client;
use super::text::may_be_asked;
use super::token::is_visible;
use crate::protocol::Challenge;
use crate::protocol::codec::json::{self, Members, lenient};
use crate::protocol::hash::fnv1a as hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What is known of one endpoint for one user.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// Clients that were registered dynamically, by issuer: "Clients MUST maintain separate registration state per
    /// authorization server".
    #[serde(default, deserialize_with = "readable", serialize_with = "by_issuer")]
    pub clients: Vec<(String, Client)>,
    /// The pre-registered client that its authorization server has forgotten.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<String>,
    /// How often the user was sent away since an answer came last.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "is_zero")]
    pub unanswered: u32,
    /// When a client was registered in place of another, in milliseconds since the epoch.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub renewed_at: Option<u64>,
    /// The authorization server that refused `offline_access`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub no_offline: Option<String>,
    /// The authorization server, vouched for, that refused `resource`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub no_resource: Option<String>,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

/// What an authorization server has granted.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    /// Stays through its refreshes; what an older version has kept has none.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which token the id was kept with.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub id_of: Option<String>,
    pub issuer: String,
    pub client: Client,
    /// What goes along with a refresh.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Empty where others were granted it: who gave it is to be found out.
    pub token_endpoint: String,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// The scopes that were asked for.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    pub access: String,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// In milliseconds since the epoch; some time before the access token expires.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub refresh_at: Option<u64>,
    /// Refreshes in a row that gave nothing.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "is_zero")]
    pub fruitless: u32,
}

/// An authorization request that the user was sent away with.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The MCP endpoint that it is for.
    pub endpoint: String,
    pub state: String,
    pub verifier: String,
    pub redirect: String,
    /// "Record the issuer … before redirecting".
    pub issuer: String,
    /// It says who it is in its answers.
    #[serde(default, deserialize_with = "lenient")]
    pub sends_iss: bool,
    pub token_endpoint: String,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    pub client: Client,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Another client can be had in place of this one.
    #[serde(default, deserialize_with = "lenient")]
    pub renewable: bool,
    /// We added `offline_access`.
    #[serde(default, deserialize_with = "lenient")]
    pub offline: bool,
    /// The host vouches for the authorization server.
    #[serde(default, deserialize_with = "lenient")]
    pub trusted: bool,
    /// The client was registered in place of another, or asked without what was refused: that is not done again.
    #[serde(default, deserialize_with = "lenient")]
    pub again: bool,
    /// What the server had refused; what an older version has kept does not say.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
}

/// A client is not registered in place of another more often than once in so many milliseconds.
const RENEWAL_MS: u64 = 3_600_000;

/// So many are kept.
const MAX_CLIENTS: usize = 16;

impl Record {
    /// `local`: as [`may_be_asked`] takes it.
    pub fn read(text: &str, local: bool) -> Option<Self> {
        let record: Self = json::read(text)?;
        Some(Self { grant: record.grant.and_then(|grant| grant.checked(local)), ..record })
    }

    pub fn write(&self) -> String {
        let mut record = self.clone();
        if let Some(grant) = &mut record.grant {
            grant.id_of = grant.id.as_ref().map(|_| mark(&grant.access));
        }
        json::text(&record)
    }

    /// Whether a client may be registered in place of another. A clock that was set back holds nobody up.
    pub fn may_renew(&self, now_unix_ms: u64) -> bool {
        self.renewed_at.is_none_or(|at| at > now_unix_ms || now_unix_ms - at >= RENEWAL_MS)
    }

    /// The access token.
    pub fn access(&self) -> Option<String> {
        self.grant.as_ref().map(|grant| grant.access.clone())
    }

    pub fn client(&self, issuer: &str) -> Option<&Client> {
        self.clients.iter().find(|(own, _)| own == issuer).map(|(_, client)| client)
    }

    /// In place of the one before. Of too many, whoever names them, the first are forgotten.
    pub fn add_client(&mut self, issuer: String, client: Client) {
        self.forget_client(&issuer);
        self.clients.push((issuer, client));
        self.clients.drain(..self.clients.len().saturating_sub(MAX_CLIENTS));
    }

    /// Says whether there was one.
    pub fn forget_client(&mut self, issuer: &str) -> bool {
        let before = self.clients.len();
        self.clients.retain(|(own, _)| own != issuer);
        self.clients.len() < before
    }
}

impl Grant {
    /// When the token is to be refreshed, if it can be.
    pub fn due(&self) -> Option<u64> {
        self.refresh_at.filter(|_| self.refresh.is_some() && !self.is_foreign())
    }

    /// Others were granted it, who have kept no more of that than the tokens, and perhaps the issuer.
    pub fn is_foreign(&self) -> bool {
        self.token_endpoint.is_empty()
    }

    pub fn is_due(&self, now_unix_ms: u64) -> bool {
        self.due().is_some_and(|due| due <= now_unix_ms)
    }

    /// What could not have been granted, or not there, was written by somebody else.
    fn checked(mut self, local: bool) -> Option<Self> {
        // A token that was put there by who knows of no ids may be of another grant.
        let is_its = self.id_of.take() == Some(mark(&self.access));
        let is_refreshable = self.is_foreign() || may_be_asked(&self.token_endpoint, local);
        self.id = self.id.filter(|_| is_its);
        self.revocation_endpoint = self.revocation_endpoint.filter(|url| may_be_asked(url, local));
        self.refresh = self.refresh.filter(|token| is_refreshable && !token.is_empty());
        is_visible(&self.access).then_some(self)
    }
}

/// Which token an id was kept with.
fn mark(token: &str) -> String {
    format!("{:x}", hash(token))
}

impl Pending {
    /// What the server had refused.
    pub fn challenge(&self) -> Challenge {
        match self.status {
            Some(status) => Challenge { status, www_authenticate: self.challenge.clone() },
            None => Challenge { status: 401, www_authenticate: None },
        }
    }

    pub fn read(text: &str, local: bool) -> Option<Self> {
        let mut pending: Self = json::read(text)?;
        pending.revocation_endpoint = pending.revocation_endpoint.filter(|url| may_be_asked(url, local));
        let is_good = !pending.state.is_empty() && may_be_asked(&pending.token_endpoint, local);
        is_good.then_some(pending)
    }

    pub fn write(&self) -> String {
        json::text(self)
    }
}

fn by_issuer<S: Serializer>(clients: &[(String, Client)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(clients.iter().map(|(issuer, client)| (issuer, client)))
}

/// Those clients that can be read.
fn readable<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, Client)>, D::Error> {
    let clients: Members = lenient(from)?;
    let read = |(issuer, client): (&str, &RawValue)| Some((issuer.to_owned(), json::read(client.get())?));
    Ok(clients.iter().filter_map(read).collect())
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}
