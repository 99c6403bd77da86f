//! Who the client is to an authorization server.

use super::discovery::{Server, member};
use super::text::{Url, encode};
use super::{Fetch, Settings, Trouble, trouble};
use crate::protocol::base64;
use crate::protocol::json::Json;

/// A client, as one authorization server knows it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Client {
    pub id: String,
    pub secret: Option<String>,
    /// `none`, `client_secret_post` or `client_secret_basic`.
    pub method: String,
    /// The redirect URL that was registered; empty where nothing was.
    pub redirect: String,
}

/// Where a client id comes from, in the order of the specification: pre-registered, a metadata document, dynamic
/// registration (2025-11-25, authorization, Client Registration Approaches).
pub(super) enum Identity {
    Known(Client),
    Register(Fetch),
}

const NO_CLIENT: &str = "The authorization server registers no clients by itself: give the provider a `clientId` that was \
                         registered with it.";
const OTHER_SERVER: &str = "The client id was registered with another authorization server than the one that this MCP \
                            server names now. Register with the new one.";

/// `bound`: the authorization server that the pre-registered client is known to belong to.
pub(super) fn identify(
    settings: &Settings,
    server: &Server,
    registered: Option<&Client>,
    bound: Option<&str>,
) -> Result<Identity, Trouble> {
    let document = settings.client_id.as_deref().filter(|id| is_document(id));
    match (&settings.client_id, document) {
        (Some(id), None) => {
            // "Clients MUST NOT reuse … at a different authorization server."
            if bound.is_some_and(|bound| bound != server.issuer) {
                return Err(trouble("other_issuer", OTHER_SERVER));
            }
            let secret = settings.client_secret.clone();
            let method = auth_method(secret.is_some(), server).to_owned();
            Ok(Identity::Known(Client { id: id.clone(), secret, method, redirect: String::new() }))
        }
        (_, Some(id)) if server.takes_client_urls => {
            Ok(Identity::Known(Client { id: id.to_owned(), method: "none".to_owned(), ..Client::default() }))
        }
        _ => match (registered, &server.registration_endpoint, &settings.client_metadata) {
            (Some(client), ..) if client.redirect == settings.redirect_url => Ok(Identity::Known(client.clone())),
            (_, Some(endpoint), Some(metadata)) => {
                Ok(Identity::Register(registration(endpoint, metadata, settings, server)))
            }
            _ => Err(trouble("no_client", NO_CLIENT)),
        },
    }
}

/// "The client_id MUST be an https URL with a path."
fn is_document(id: &str) -> bool {
    id.starts_with("https://") && Url::parse(id).is_some_and(|url| !url.path().is_empty())
}

fn registration(endpoint: &str, metadata: &Json, settings: &Settings, server: &Server) -> Fetch {
    let native = Url::parse(&settings.redirect_url).is_some_and(|url| url.is_loopback());
    let offers = |method: &str| server.auth_methods.as_ref().is_none_or(|all| all.iter().any(|one| one == method));
    let method = ["none", "client_secret_post", "client_secret_basic"].into_iter().find(|method| offers(method));
    let text = |text: &str| Json::Text(text.to_owned());
    let own = [
        ("redirect_uris", Json::Array(vec![text(&settings.redirect_url)])),
        ("client_name", text("mcp-evergreen")),
        ("grant_types", Json::Array(vec![text("authorization_code"), text("refresh_token")])),
        ("response_types", Json::Array(vec![text("code")])),
        ("application_type", text(if native { "native" } else { "web" })),
        ("token_endpoint_auth_method", text(method.unwrap_or("none"))),
    ];
    // The host's word counts, but for where the user comes back to.
    let hosts = metadata.members().iter().filter(|(name, _)| name != "redirect_uris").cloned();
    let mut body: Vec<(String, Json)> = hosts.collect();
    for (name, value) in own {
        if body.iter().all(|(host, _)| host != name) {
            body.push((name.to_owned(), value));
        }
    }
    Fetch {
        method: "POST",
        url: endpoint.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: Some(Json::Object(body).to_text()),
    }
}

/// Reads the answer of the registration endpoint (RFC 7591, section 3.2.1).
pub(super) fn registered(text: &str, settings: &Settings, server: &Server) -> Option<Client> {
    let document = Json::parse(text)?;
    let id = member(&document, "client_id").filter(|id| !id.is_empty())?.to_owned();
    let secret = member(&document, "client_secret").map(str::to_owned);
    let method = match member(&document, "token_endpoint_auth_method") {
        Some(method @ ("none" | "client_secret_post" | "client_secret_basic")) => method,
        _ => auth_method(secret.is_some(), server),
    };
    Some(Client { id, secret, method: method.to_owned(), redirect: settings.redirect_url.clone() })
}

/// Of what the server takes, what needs no preflight first. "If omitted, the default is client_secret_basic" (RFC 8414).
fn auth_method(has_secret: bool, server: &Server) -> &'static str {
    let lists = |method: &str| server.auth_methods.as_ref().is_some_and(|all| all.iter().any(|one| one == method));
    match has_secret {
        false => "none",
        true if lists("client_secret_post") => "client_secret_post",
        true => "client_secret_basic",
    }
}

impl Client {
    /// Proves who it is: in the form, or in the headers (RFC 6749, section 2.3.1).
    pub fn authenticate<'a>(&'a self, fields: &mut Vec<(&'a str, &'a str)>) -> Option<(&'static str, String)> {
        let secret = self.secret.as_deref().unwrap_or_default();
        match self.method.as_str() {
            "client_secret_basic" => {
                let pair = format!("{}:{}", encode(&self.id), encode(secret));
                Some(("authorization", format!("Basic {}", base64::padded(pair.as_bytes()))))
            }
            "client_secret_post" => {
                fields.extend([("client_id", self.id.as_str()), ("client_secret", secret)]);
                None
            }
            _ => {
                fields.push(("client_id", &self.id));
                None
            }
        }
    }
}
