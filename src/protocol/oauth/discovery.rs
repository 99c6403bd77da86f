//! Where the authorization server is, and what it can do: RFC 9728, RFC 8414, OpenID Connect Discovery.

use super::text::{Url, is_one_origin, may_be_asked};
use super::trust::{difference, difference_without_paths};
use super::{Trouble, trouble};
use crate::protocol::codec::json::{self, lenient};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

const WELL_KNOWN_RESOURCE: &str = "/.well-known/oauth-protected-resource";
/// More authorization servers than these are not looked at.
const MAX_SERVERS: usize = 8;
/// Scopes that are longer than this together are not asked for: the authorization server has its default.
const MAX_SCOPES: usize = 8_192;

/// Where the metadata of a resource may be, in the order in which it is looked for: where the challenge says; then at
/// the well-known places, with the path of the endpoint and without (2025-11-25, authorization, Protected Resource
/// Metadata Discovery Requirements).
pub(super) fn resource_places(named: Vec<String>, endpoint: &Url<'_>, local: bool) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    let named = named.into_iter().filter(|url| may_be_asked(url, local));
    let origin = endpoint.origin();
    let known = [format!("{origin}{WELL_KNOWN_RESOURCE}{}", endpoint.path()), format!("{origin}{WELL_KNOWN_RESOURCE}")];
    for place in named.chain(known) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// Nobody but who owns the origin of the endpoint has a say there: not one of many tenants, each below a path of its own.
fn is_well_known(place: &str, endpoint: &Url<'_>) -> bool {
    let Some(place) = Url::parse(place).filter(|place| place.has_origin_of(endpoint)) else { return false };
    let rest = place.whole_path().strip_prefix(WELL_KNOWN_RESOURCE);
    // A URL parser takes "/.." and "/%2e%2e" for the way up.
    let climbs =
        |rest: &str| rest.split('/').any(|step| matches!(&*step.to_ascii_lowercase().replace("%2e", "."), "." | ".."));
    rest.is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && !climbs(rest))
}

/// What a protected resource says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resource {
    /// As it is written: it goes into every request so.
    pub resource: String,
    pub servers: Vec<String>,
    pub scopes: Option<Vec<String>>,
}

impl Resource {
    /// What stands at `place`. `Ok(None)` where the document is none.
    /// `named`: what the server is called is the host's to say.
    pub fn read(text: &str, place: &str, endpoint: &str, named: bool) -> Result<Option<Self>, Trouble> {
        let (Some(document), Some(url)) = (document::<ResourceMetadata>(text), Url::parse(endpoint)) else {
            return Ok(None);
        };
        let servers = document.authorization_servers.unwrap_or_default();
        let is_own = is_well_known(place, &url);
        // At its own place, a document that does not say what it is about is about this.
        let resource = document.resource.or((is_own && !servers.is_empty()).then(|| endpoint.to_owned()));
        let Some(resource) = resource else { return Ok(None) };
        // "the resource value … MUST be identical" (RFC 9728, section 3.3); servers publish the parent of an endpoint,
        // too, which only the origin's own word counts for: a token for it is good for all that lies in it.
        let said = Url::parse(&resource).filter(|said| said.covers(&url));
        if !named && !said.is_some_and(|said| is_own || url.covers(&said)) {
            let what =
                if said.is_some() { IS_PARENT.to_owned() } else { difference_without_paths(endpoint, &resource) };
            return Err(Trouble::new("resource_mismatch", format!("{RESOURCE_MISMATCH} ({what}). {USE_RESOURCE}")));
        }
        if servers.is_empty() {
            return Ok(None);
        }
        let servers = servers.into_iter().take(MAX_SERVERS).collect();
        // It goes into an address.
        let is_short = |all: &Vec<String>| all.iter().map(|scope| scope.len() + 1).sum::<usize>() <= MAX_SCOPES;
        let scopes = document.scopes_supported.filter(is_short);
        Ok(Some(Self { resource, servers, scopes }))
    }
}

const RESOURCE_MISMATCH: &str =
    "The server's metadata is that of another resource: its `resource` is not the address of this endpoint";
const IS_PARENT: &str = "it is what the endpoint lies in, which counts only at the origin's own well-known place";
const USE_RESOURCE: &str = "Behind a proxy, the option `resource` says what it should be.";
const UNSAFE: &str = "has an address that is not https; or one of this machine, though the MCP server is elsewhere: it is not \
                      used.";
const NO_PKCE: &str = "The authorization server does not say that it supports PKCE with S256 \
                       (`code_challenge_methods_supported`): without it no authorization is begun (2025-11-25, \
                       authorization, Authorization Code Protection). Other clients may go on; where the host knows that \
                       the server does support it, `auth.trust` with its `issuer` says so.";

/// Where the metadata of an authorization server may be, in order (2025-11-25, authorization, Authorization Server
/// Metadata Discovery).
pub(super) fn server_places(issuer: &str, local: bool) -> Result<Vec<String>, Trouble> {
    let Some(url) = Url::parse(issuer).filter(|url| url.may_be_asked(local)) else {
        return Err(is_unsafe("The authorization server"));
    };
    let (origin, path) = (url.origin(), url.path());
    let mut places = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        places.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    Ok(places)
}

/// An authorization server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Server {
    /// As it names itself.
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub registration_endpoint: Option<String>,
    pub revocation_endpoint: Option<String>,
    pub scopes: Vec<String>,
    /// How clients prove who they are at the token endpoint; `None`: it does not say.
    pub auth_methods: Option<Vec<String>>,
    pub takes_client_urls: bool,
    /// It says who it is in its answers (RFC 9207).
    pub sends_iss: bool,
    /// It says that it supports S256.
    pub has_pkce: bool,
    /// The host vouches for it.
    pub trusted: bool,
    /// Nobody but the specification of 2025-03-26 says where its endpoints are.
    pub by_default: bool,
}

impl Server {
    /// `None` where the document is none.
    /// … or where it lacks what is needed of it; `unattended`: no user is sent there.
    pub fn read(text: &str, unattended: bool) -> Option<Self> {
        let document: ServerMetadata = document(text)?;
        let methods = document.code_challenge_methods_supported.unwrap_or_default();
        Some(Self {
            issuer: document.issuer?,
            authorization_endpoint: document.authorization_endpoint.or_else(|| unattended.then(String::new))?,
            token_endpoint: document.token_endpoint?,
            registration_endpoint: document.registration_endpoint,
            revocation_endpoint: document.revocation_endpoint,
            scopes: document.scopes_supported.unwrap_or_default(),
            auth_methods: document.token_endpoint_auth_methods_supported,
            takes_client_urls: document.client_id_metadata_document_supported,
            sends_iss: document.authorization_response_iss_parameter_supported,
            has_pkce: methods.iter().any(|method| method == "S256"),
            trusted: false,
            by_default: false,
        })
    }

    /// Whether it may be used; `local`: this machine is meant to be spoken to; `unattended`: no user is sent there.
    pub fn check(mut self, local: bool, unattended: bool) -> Result<Self, Trouble> {
        for (name, url) in [
            ("authorization_endpoint", Some(&self.authorization_endpoint).filter(|_| !unattended)),
            ("token_endpoint", Some(&self.token_endpoint)),
            ("registration_endpoint", self.registration_endpoint.as_ref()),
            ("revocation_endpoint", self.revocation_endpoint.as_ref()),
        ] {
            if url.is_some_and(|url| !may_be_asked(url, local)) {
                return Err(is_unsafe(&format!("The authorization server's `{name}`")));
            }
        }
        // "If code_challenge_methods_supported is absent … MCP clients MUST refuse to proceed."
        if !self.has_pkce && !self.trusted && !unattended {
            return Err(trouble("no_pkce", NO_PKCE));
        }
        self.leave_out_strangers();
        Ok(self)
    }

    /// Where tokens are taken back they are sent: to nobody but who has given them, or who is named by the issuer that has
    /// shown the user the page.
    fn leave_out_strangers(&mut self) {
        let is_own = is_one_origin(&self.authorization_endpoint, &self.issuer) || self.trusted;
        let token_endpoint = &self.token_endpoint;
        self.revocation_endpoint.take_if(|url| !is_own && !is_one_origin(url, token_endpoint));
    }

    /// Where a token is refreshed that was given at this endpoint: there. That may be somewhere else now, where it is the same
    /// origin, or the issuer itself has given it and says so.
    pub fn follow(&self, token_endpoint: &mut String) {
        if [&self.token_endpoint, &self.issuer].into_iter().any(|url| is_one_origin(token_endpoint, url))
            || self.trusted
        {
            token_endpoint.clone_from(&self.token_endpoint);
        }
    }

    /// What 2025-03-26 says where there is no metadata (authorization, Fallbacks for Servers without Metadata Discovery).
    pub fn by_default(origin: &str) -> Self {
        Self {
            issuer: origin.to_owned(),
            authorization_endpoint: format!("{origin}/authorize"),
            token_endpoint: format!("{origin}/token"),
            registration_endpoint: Some(format!("{origin}/register")),
            by_default: true,
            ..Self::default()
        }
    }
}

fn is_unsafe(what: &str) -> Trouble {
    Trouble::new("unsafe_url", format!("{what} {UNSAFE}"))
}

/// The metadata of one server names another.
pub(super) fn issuer_mismatch(asked: &str, said: &str) -> Trouble {
    let what = difference(asked, said);
    let text = format!(
        "The metadata of the authorization server names another issuer than the one that was asked for: {what}. It must not \
         be used so (RFC 8414, section 3.3). Other clients may not compare them; where the host knows the server, \
         `auth.trust` with its `issuer` says so."
    );
    Trouble::new("issuer_mismatch", text)
}

/// JSON, with the byte order mark that some servers put before it.
pub(super) fn document<T: DeserializeOwned>(text: &str) -> Option<T> {
    json::read(text.trim_start_matches('\u{feff}'))
}

/// What a protected resource writes (RFC 9728, section 2).
#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceMetadata {
    #[serde(deserialize_with = "lenient")]
    resource: Option<String>,
    #[serde(deserialize_with = "strings")]
    authorization_servers: Option<Vec<String>>,
    #[serde(deserialize_with = "strings")]
    scopes_supported: Option<Vec<String>>,
}

/// What an authorization server writes (RFC 8414, section 2).
#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerMetadata {
    #[serde(deserialize_with = "lenient")]
    issuer: Option<String>,
    #[serde(deserialize_with = "lenient")]
    authorization_endpoint: Option<String>,
    #[serde(deserialize_with = "lenient")]
    token_endpoint: Option<String>,
    #[serde(deserialize_with = "lenient")]
    registration_endpoint: Option<String>,
    #[serde(deserialize_with = "lenient")]
    revocation_endpoint: Option<String>,
    #[serde(deserialize_with = "strings")]
    scopes_supported: Option<Vec<String>>,
    #[serde(deserialize_with = "strings")]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(deserialize_with = "strings")]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(deserialize_with = "flag")]
    client_id_metadata_document_supported: bool,
    #[serde(deserialize_with = "flag")]
    authorization_response_iss_parameter_supported: bool,
}

/// A list of strings, whatever else is in it; one string is a list of itself.
fn strings<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let value = Box::<RawValue>::deserialize(from)?;
    let text = |value: &RawValue| serde_json::from_str(value.get()).ok();
    let list: Option<Vec<&RawValue>> = serde_json::from_str(value.get()).ok();
    Ok(match list {
        Some(items) => Some(items.into_iter().filter_map(text).collect()),
        None => text(&value).map(|text| vec![text]),
    })
}

/// A boolean; some write it as a string.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let value = lenient::<D, Value>(from)?;
    Ok(value == true || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")))
}

/// A number, or a string, as text: how a number is written is up to who writes it.
pub(super) fn scalar<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let value = Box::<RawValue>::deserialize(from)?;
    let number =
        || Some(value.get()).filter(|text| text.starts_with(|first: char| first == '-' || first.is_ascii_digit()));
    Ok(serde_json::from_str(value.get()).ok().or_else(|| number().map(str::to_owned)))
}

/// Whole seconds of such a text.
pub(super) fn seconds(text: &str) -> Option<u64> {
    text.split('.').next()?.parse().ok()
}
