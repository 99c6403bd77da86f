//! Where the authorization server is, and what it can do: RFC 9728, RFC 8414, OpenID Connect Discovery.

use super::text::{Url, is_secure};
use super::{Trouble, trouble};
use crate::protocol::json::Json;

/// Where the metadata of a resource may be, in the order in which it is looked for: where the challenge says; then at
/// the well-known places, with the path of the endpoint and without (2025-11-25, authorization, Protected Resource
/// Metadata Discovery Requirements).
pub(super) fn resource_places(named: Option<&str>, endpoint: &Url<'_>) -> Vec<String> {
    const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
    let mut places: Vec<String> = named.filter(|url| is_secure(url)).map(str::to_owned).into_iter().collect();
    for place in [format!("{}{WELL_KNOWN}{}", endpoint.origin(), endpoint.path()), endpoint.origin() + WELL_KNOWN] {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
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
    /// `Ok(None)` where the document is none.
    pub fn read(text: &str, endpoint: &Url<'_>) -> Result<Option<Self>, Trouble> {
        let Some(document) = Json::parse(text) else { return Ok(None) };
        let Some(resource) = member(&document, "resource") else { return Ok(None) };
        // "the resource value … MUST be identical" (RFC 9728, section 3.3); servers publish the parent of an endpoint,
        // too. What is another's is never used.
        if !Url::parse(resource).is_some_and(|url| url.covers(endpoint)) {
            return Err(trouble("resource_mismatch", RESOURCE_MISMATCH));
        }
        let servers = strings(&document, "authorization_servers").unwrap_or_default();
        if servers.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { resource: resource.to_owned(), servers, scopes: strings(&document, "scopes_supported") }))
    }
}

const RESOURCE_MISMATCH: &str = "The server's metadata is that of another resource: its `resource` is not the address \
                                 of this endpoint. Behind a proxy, the option `resource` says what it should be.";
const ISSUER_MISMATCH: &str = "The metadata of the authorization server names another issuer than the one that was asked \
                               for: it must not be used (RFC 8414, section 3.3).";
const UNSAFE: &str =
    "The authorization server has an address that is neither https nor on this machine: it is not used.";
const NO_PKCE: &str = "The authorization server does not say that it supports PKCE with S256 \
                       (`code_challenge_methods_supported`): without it no authorization is begun.";

/// Where the metadata of an authorization server may be, in order (2025-11-25, authorization, Authorization Server
/// Metadata Discovery).
pub(super) fn server_places(issuer: &str) -> Result<Vec<String>, Trouble> {
    let Some(url) = Url::parse(issuer).filter(Url::is_secure) else { return Err(trouble("unsafe_url", UNSAFE)) };
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
}

impl Server {
    /// `Ok(None)` where the document is none. `legacy`: nothing but the endpoint's origin names this server, as it was
    /// before 2025-06-18; whether with a slash at its end is open.
    pub fn read(text: &str, issuer: &str, legacy: bool) -> Result<Option<Self>, Trouble> {
        let Some(document) = Json::parse(text) else { return Ok(None) };
        let text = |name: &str| member(&document, name).map(str::to_owned);
        let is = |name: &str| document.get(name) == Some(&Json::Bool(true));
        let (Some(said), Some(authorization_endpoint), Some(token_endpoint)) =
            (text("issuer"), text("authorization_endpoint"), text("token_endpoint"))
        else {
            return Ok(None);
        };
        if said != issuer && !(legacy && said.strip_suffix('/') == Some(issuer)) {
            return Err(trouble("issuer_mismatch", ISSUER_MISMATCH));
        }
        let server = Self {
            issuer: said,
            authorization_endpoint,
            token_endpoint,
            registration_endpoint: text("registration_endpoint"),
            revocation_endpoint: text("revocation_endpoint"),
            scopes: strings(&document, "scopes_supported").unwrap_or_default(),
            auth_methods: strings(&document, "token_endpoint_auth_methods_supported"),
            takes_client_urls: is("client_id_metadata_document_supported"),
            sends_iss: is("authorization_response_iss_parameter_supported"),
        };
        let addresses = [&server.authorization_endpoint, &server.token_endpoint];
        let more = server.registration_endpoint.iter().chain(&server.revocation_endpoint);
        if !addresses.into_iter().chain(more).all(|url| is_secure(url)) {
            return Err(trouble("unsafe_url", UNSAFE));
        }
        // "If code_challenge_methods_supported is absent … MCP clients MUST refuse to proceed."
        let methods = strings(&document, "code_challenge_methods_supported").unwrap_or_default();
        if !methods.iter().any(|method| method == "S256") {
            return Err(trouble("no_pkce", NO_PKCE));
        }
        Ok(Some(server))
    }

    /// What 2025-03-26 says where there is no metadata (authorization, Fallbacks for Servers without Metadata Discovery).
    pub fn by_default(origin: &str) -> Self {
        Self {
            issuer: origin.to_owned(),
            authorization_endpoint: format!("{origin}/authorize"),
            token_endpoint: format!("{origin}/token"),
            registration_endpoint: Some(format!("{origin}/register")),
            ..Self::default()
        }
    }
}

/// A member that is a string.
pub(super) fn member<'a>(object: &'a Json, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

fn strings(object: &Json, name: &str) -> Option<Vec<String>> {
    match object.get(name)? {
        Json::Array(items) => Some(items.iter().filter_map(Json::as_str).map(str::to_owned).collect()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Object(_) => None,
    }
}
