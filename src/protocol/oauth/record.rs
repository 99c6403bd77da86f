//! What is kept from one page life to the next, as JSON texts in the host's storage. None of it prints. What another
//! version, or somebody else, has written is as good as nothing.

use super::discovery::member;
use super::registration::Client;
use super::text::may_be_asked;
use super::token::is_visible;
use crate::protocol::Challenge;
use crate::protocol::hash::fnv1a as hash;
use crate::protocol::json::Json;

/// What is known of one endpoint for one user.
#[derive(Default)]
pub(super) struct Record {
    /// Clients that were registered dynamically, by issuer: "Clients MUST maintain separate registration state per
    /// authorization server".
    pub clients: Vec<(String, Client)>,
    /// The pre-registered client that its authorization server has forgotten.
    pub forgotten: Option<String>,
    /// How often the user was sent away since an answer came last.
    pub unanswered: u32,
    /// When a client was registered in place of another, in milliseconds since the epoch.
    pub renewed_at: Option<u64>,
    /// The authorization server that refused `offline_access`.
    pub no_offline: Option<String>,
    /// The authorization server, vouched for, that refused `resource`.
    pub no_resource: Option<String>,
    pub grant: Option<Grant>,
}

/// What an authorization server has granted.
#[derive(Clone)]
pub(super) struct Grant {
    /// Stays through its refreshes; what an older version has kept has none.
    pub id: Option<String>,
    pub issuer: String,
    pub client: Client,
    /// What goes along with a refresh.
    pub resource: Option<String>,
    pub token_endpoint: String,
    pub revocation_endpoint: Option<String>,
    /// The scopes that were asked for.
    pub scope: Option<String>,
    pub access: String,
    pub refresh: Option<String>,
    /// In milliseconds since the epoch; some time before the access token expires.
    pub refresh_at: Option<u64>,
    /// Refreshes in a row that gave nothing.
    pub fruitless: u32,
}

/// An authorization request that the user was sent away with.
#[derive(Clone)]
pub(super) struct Pending {
    /// The MCP endpoint that it is for.
    pub endpoint: String,
    pub state: String,
    pub verifier: String,
    pub redirect: String,
    /// "Record the issuer … before redirecting".
    pub issuer: String,
    /// It says who it is in its answers.
    pub sends_iss: bool,
    pub token_endpoint: String,
    pub revocation_endpoint: Option<String>,
    pub client: Client,
    pub resource: Option<String>,
    pub scope: Option<String>,
    /// Another client can be had in place of this one.
    pub renewable: bool,
    /// We added `offline_access`.
    pub offline: bool,
    /// The host vouches for the authorization server.
    pub trusted: bool,
    /// What the server had refused.
    pub challenge: Challenge,
    /// The client was registered in place of another, or asked without what was refused: that is not done again.
    pub again: bool,
}

/// A client is not registered in place of another more often than once in so many milliseconds.
const RENEWAL_MS: u64 = 3_600_000;

/// So many are kept.
const MAX_CLIENTS: usize = 16;

impl Record {
    /// `local`: as [`may_be_asked`] takes it.
    pub fn read(text: &str, local: bool) -> Option<Self> {
        let json = Json::parse(text)?;
        let clients = json.get("clients").map(Json::members).unwrap_or_default();
        let read = |(issuer, client): &(String, Json)| Some((issuer.clone(), Client::read(client)?));
        Some(Self {
            clients: clients.iter().filter_map(read).collect(),
            forgotten: owned(&json, "forgotten"),
            unanswered: count(&json, "unanswered").and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            renewed_at: count(&json, "renewed_at"),
            no_offline: owned(&json, "no_offline"),
            no_resource: owned(&json, "no_resource"),
            grant: json.get("grant").and_then(|grant| Grant::read(grant, local)),
        })
    }

    pub fn write(&self) -> String {
        let clients = self.clients.iter().map(|(issuer, client)| (issuer.clone(), client.write())).collect();
        let grant = self.grant.as_ref().map(Grant::write);
        object([
            ("clients", Some(Json::Object(clients))),
            ("forgotten", text(self.forgotten.as_ref())),
            ("unanswered", number(Some(u64::from(self.unanswered)).filter(|n| *n > 0))),
            ("renewed_at", number(self.renewed_at)),
            ("no_offline", text(self.no_offline.as_ref())),
            ("no_resource", text(self.no_resource.as_ref())),
            ("grant", grant),
        ])
        .to_text()
    }

    /// Whether a client may be registered in place of another. A clock that was set back holds nobody up.
    pub fn may_renew(&self, now_unix_ms: u64) -> bool {
        self.renewed_at.is_none_or(|at| at > now_unix_ms || now_unix_ms - at >= RENEWAL_MS)
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
        self.refresh_at.filter(|_| self.refresh.is_some())
    }

    /// What could not have been granted, or not there, was written by somebody else.
    fn read(json: &Json, local: bool) -> Option<Self> {
        let token_endpoint = owned(json, "token_endpoint")?;
        let is_refreshable = may_be_asked(&token_endpoint, local);
        let access = owned(json, "access").filter(|token| is_visible(token))?;
        // A token that was put there by who knows of no ids may be of another grant.
        let is_its = owned(json, "id_of") == Some(mark(&access));
        Some(Self {
            id: owned(json, "id").filter(|_| is_its),
            issuer: owned(json, "issuer")?,
            client: Client::read(json.get("client")?)?,
            resource: owned(json, "resource"),
            token_endpoint,
            revocation_endpoint: owned(json, "revocation_endpoint").filter(|url| may_be_asked(url, local)),
            scope: owned(json, "scope"),
            access,
            refresh: owned(json, "refresh").filter(|token| is_refreshable && !token.is_empty()),
            refresh_at: count(json, "refresh_at"),
            fruitless: count(json, "fruitless").and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
        })
    }

    fn write(&self) -> Json {
        object([
            ("id", text(self.id.as_ref())),
            ("id_of", text(self.id.as_ref().map(|_| mark(&self.access)).as_ref())),
            ("issuer", text(Some(&self.issuer))),
            ("client", Some(self.client.write())),
            ("resource", text(self.resource.as_ref())),
            ("token_endpoint", text(Some(&self.token_endpoint))),
            ("revocation_endpoint", text(self.revocation_endpoint.as_ref())),
            ("scope", text(self.scope.as_ref())),
            ("access", text(Some(&self.access))),
            ("refresh", text(self.refresh.as_ref())),
            ("refresh_at", number(self.refresh_at)),
            ("fruitless", number(Some(u64::from(self.fruitless)).filter(|n| *n > 0))),
        ])
    }
}

/// Which token an id was kept with.
fn mark(token: &str) -> String {
    format!("{:x}", hash(token))
}

impl Pending {
    /// What an older version has kept does not say what was refused.
    pub const UNKNOWN: Challenge = Challenge { status: 401, www_authenticate: None };

    pub fn read(text: &str, local: bool) -> Option<Self> {
        let json = &Json::parse(text)?;
        let status = count(json, "status").and_then(|status| u16::try_from(status).ok());
        let www_authenticate = owned(json, "challenge");
        Some(Self {
            challenge: status.map_or(Self::UNKNOWN, |status| Challenge { status, www_authenticate }),
            endpoint: owned(json, "endpoint")?,
            state: owned(json, "state").filter(|state| !state.is_empty())?,
            verifier: owned(json, "verifier")?,
            redirect: owned(json, "redirect")?,
            issuer: owned(json, "issuer")?,
            sends_iss: json.get("sends_iss") == Some(&Json::Bool(true)),
            token_endpoint: owned(json, "token_endpoint").filter(|url| may_be_asked(url, local))?,
            revocation_endpoint: owned(json, "revocation_endpoint").filter(|url| may_be_asked(url, local)),
            client: Client::read(json.get("client")?)?,
            resource: owned(json, "resource"),
            scope: owned(json, "scope"),
            renewable: json.get("renewable") == Some(&Json::Bool(true)),
            offline: json.get("offline") == Some(&Json::Bool(true)),
            trusted: json.get("trusted") == Some(&Json::Bool(true)),
            again: json.get("again") == Some(&Json::Bool(true)),
        })
    }

    pub fn write(&self) -> String {
        object([
            ("endpoint", text(Some(&self.endpoint))),
            ("state", text(Some(&self.state))),
            ("verifier", text(Some(&self.verifier))),
            ("redirect", text(Some(&self.redirect))),
            ("issuer", text(Some(&self.issuer))),
            ("sends_iss", Some(Json::Bool(self.sends_iss))),
            ("token_endpoint", text(Some(&self.token_endpoint))),
            ("revocation_endpoint", text(self.revocation_endpoint.as_ref())),
            ("client", Some(self.client.write())),
            ("resource", text(self.resource.as_ref())),
            ("scope", text(self.scope.as_ref())),
            ("renewable", Some(Json::Bool(self.renewable))),
            ("offline", Some(Json::Bool(self.offline))),
            ("trusted", Some(Json::Bool(self.trusted))),
            ("again", Some(Json::Bool(self.again))),
            ("status", number(Some(self.challenge.status.into()))),
            ("challenge", text(self.challenge.www_authenticate.as_ref())),
        ])
        .to_text()
    }
}

impl Client {
    fn read(json: &Json) -> Option<Self> {
        Some(Self {
            id: owned(json, "id")?,
            secret: owned(json, "secret"),
            method: owned(json, "method")?,
            redirect: owned(json, "redirect").unwrap_or_default(),
            scope: owned(json, "scope"),
            expires_at: count(json, "expires_at"),
        })
    }

    fn write(&self) -> Json {
        object([
            ("id", text(Some(&self.id))),
            ("secret", text(self.secret.as_ref())),
            ("method", text(Some(&self.method))),
            ("redirect", text(Some(&self.redirect))),
            ("scope", text(self.scope.as_ref())),
            ("expires_at", number(self.expires_at)),
        ])
    }
}

fn owned(json: &Json, name: &str) -> Option<String> {
    member(json, name).map(str::to_owned)
}

fn text(text: Option<&String>) -> Option<Json> {
    text.cloned().map(Json::Text)
}

fn count(json: &Json, name: &str) -> Option<u64> {
    json.get(name).and_then(Json::as_i64).and_then(|count| u64::try_from(count).ok())
}

fn number(number: Option<u64>) -> Option<Json> {
    number.map(|number| Json::Number(number.to_string()))
}

fn object<const N: usize>(members: [(&str, Option<Json>); N]) -> Json {
    Json::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}
