//! Who the client is to an authorization server.

use super::discovery::{Server, document, scalar, seconds};
use super::record::Record;
use super::text::{Url, encode};
use super::trust::{difference, is_same};
use super::{Fetch, Settings, Trouble, trouble};
use crate::protocol::codec::json::lenient;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A client, as one authorization server knows it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Client {
    pub id: String,
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// `none`, `client_secret_post` or `client_secret_basic`.
    pub method: String,
    /// The redirect URL that was registered; empty where nothing was.
    #[serde(default, deserialize_with = "lenient")]
    pub redirect: String,
    /// The scope that was registered, where it is known.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When the secret expires, in milliseconds since the epoch.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// Where a client id comes from, in the order of the specification: pre-registered, a metadata document, dynamic
/// registration (2025-11-25, authorization, Client Registration Approaches).
pub(super) enum Identity {
    /// Pre-registered: nowhere else is it to be used.
    Own(Client),
    /// By its document, or registered here.
    Known(Client),
    Register(Fetch),
}

const NO_CLIENT: &str = "The authorization server registers no clients by itself: give the provider a `clientId` that was \
                         registered with it.";
const OTHER_SERVER: &str = "The client id belongs to another authorization server than the one that this MCP server names now: \
                            to the one that the option `issuer` of the provider names, or else where it was first used";
const REGISTER: &str = "Neither it nor its secret was sent. Register with that server as well, and use a provider of its own \
                        with that `clientId` and `issuer`.";
const NO_ISSUER: &str = "There is no metadata of an authorization server, and the client's secret goes to no address that is \
                         only guessed: give the provider the `issuer` that the client was registered with.";

/// A client id has no more bytes.
const MAX_ID: usize = 4_096;

/// A secret that expires sooner than this is as good as expired: the user takes a while.
const SECRET_MS: u64 = 600_000;

/// `scope`: what will be asked for.
pub(super) fn identify(
    settings: &Settings,
    server: &Server,
    record: &Record,
    scope: Option<&str>,
    now_unix_ms: u64,
) -> Result<Identity, Trouble> {
    let id =
        settings.client_id.as_ref().filter(|id| !settings.client_is_renewable || record.forgotten.as_ref() != Some(id));
    let url = id.filter(|id| is_document(id));
    // "Clients MUST NOT reuse … at a different authorization server."
    let other = settings.owner().filter(|owner| url.is_none() && !is_same(owner, &server.issuer));
    let other = other.filter(|_| id.is_some()).map(|owner| {
        let what = difference(owner, &server.issuer);
        Trouble::new("other_issuer", format!("{OTHER_SERVER} ({what}). {REGISTER}"))
    });
    match (id, url) {
        // Where the host can take another client, there is one for each server.
        (Some(_), None) if other.is_some() && !settings.client_is_renewable => Err(other.unwrap_or_else(no_client)),
        (Some(id), None) if other.is_none() => {
            let secret = settings.client_secret.clone();
            // It would go to an address that nobody has named.
            if secret.is_some() && server.by_default && settings.owner().is_none() {
                return Err(trouble("no_metadata", NO_ISSUER));
            }
            let registered = settings.client_auth_method.clone().or_else(|| wanted_method(settings));
            let method = auth_method(secret.is_some(), registered.as_deref(), server).to_owned();
            Ok(Identity::Own(Client { id: id.clone(), secret, method, ..Client::default() }))
        }
        (_, Some(id)) if server.takes_client_urls => {
            Ok(Identity::Known(Client { id: id.to_owned(), method: "none".to_owned(), ..Client::default() }))
        }
        _ => {
            let is_good = |client: &&Client| {
                client.redirect == settings.redirect_url
                    && client.expires_at.is_none_or(|at| now_unix_ms.saturating_add(SECRET_MS) < at)
            };
            let registered = record.client(&server.issuer).filter(is_good);
            match registered {
                Some(client) => Ok(Identity::Known(client.clone())),
                _ => {
                    let fetch = register(settings, server, scope, false).map(Identity::Register);
                    fetch.ok_or_else(|| other.unwrap_or_else(no_client))
                }
            }
        }
    }
}

fn no_client() -> Trouble {
    trouble("no_client", NO_CLIENT)
}

/// Whether a registration endpoint would be of use.
pub(super) fn needs_registration(settings: &Settings, server: &Server, record: &Record) -> bool {
    let has_own = settings.client_id.as_deref().is_some_and(|id| !is_document(id) || server.takes_client_urls);
    !has_own && record.client(&server.issuer).is_none() && settings.client_metadata.is_some()
}

/// "The client_id MUST be an https URL with a path."
fn is_document(id: &str) -> bool {
    id.starts_with("https://") && Url::parse(id).is_some_and(|url| !url.path().is_empty())
}

/// Asks for a client, where that can be; `less`: with what the host wants, and no more of our own than there must be.
pub(super) fn register(settings: &Settings, server: &Server, scope: Option<&str>, less: bool) -> Option<Fetch> {
    let (endpoint, metadata) = (server.registration_endpoint.as_deref()?, settings.client_metadata.as_ref()?);
    let native = Url::parse(&settings.redirect_url).is_some_and(|url| url.is_loopback());
    let offers = |method: &str| server.auth_methods.as_ref().is_none_or(|all| all.iter().any(|one| one == method));
    let method = ["none", "client_secret_post", "client_secret_basic"].into_iter().find(|method| offers(method));
    let own = [
        ("redirect_uris", json!([settings.redirect_url])),
        ("client_name", json!("mcp-evergreen")),
        ("grant_types", json!(["authorization_code", "refresh_token"])),
        ("response_types", json!(["code"])),
        ("application_type", json!(if native { "native" } else { "web" })),
        ("token_endpoint_auth_method", json!(method.unwrap_or("none"))),
    ];
    // What is not said has its default (RFC 7591, section 2).
    let names_method = server.auth_methods.is_some() && method.is_some();
    let is_needed = |name: &str| match name {
        "redirect_uris" | "client_name" => true,
        "token_endpoint_auth_method" => names_method,
        _ => false,
    };
    let own = own.into_iter().filter(|(name, _)| !less || is_needed(name));
    // The host's word counts, but for where the user comes back to.
    let mut body = metadata.clone();
    body.retain(|name| name != "redirect_uris");
    for (name, value) in own {
        if body.get(name).is_none() {
            body.push(name, &value);
        }
    }
    // Some authorization servers grant no scope that was not registered.
    body.retain(|name| name != "scope" || scope.is_none() && !less);
    scope.iter().for_each(|scope| body.push("scope", scope));
    Some(Fetch {
        method: "POST",
        url: endpoint.to_owned(),
        headers: vec![("accept", "application/json".to_owned()), ("content-type", "application/json".to_owned())],
        body: Some(body.to_text()),
        spends: None,
        keeps: false,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Registered {
    #[serde(deserialize_with = "scalar")]
    client_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    client_secret: Option<String>,
    #[serde(deserialize_with = "scalar")]
    client_secret_expires_at: Option<String>,
    #[serde(deserialize_with = "lenient")]
    token_endpoint_auth_method: Option<String>,
    #[serde(deserialize_with = "lenient")]
    scope: Option<String>,
}

/// Reads the answer of the registration endpoint (RFC 7591, section 3.2.1). `scope`: what was registered.
pub(super) fn registered(text: &str, settings: &Settings, server: &Server, scope: Option<&str>) -> Option<Client> {
    let document: Registered = document(text)?;
    let id = document.client_id?;
    let secret = document.client_secret.filter(|secret| !secret.is_empty());
    let method = match document.token_endpoint_auth_method.as_deref() {
        Some(method @ ("client_secret_post" | "client_secret_basic")) if secret.is_some() => method,
        Some("none") => "none",
        _ => auth_method(secret.is_some(), wanted_method(settings).as_deref(), server),
    };
    // In seconds; 0: never.
    let expires_at = document.client_secret_expires_at.as_deref().and_then(seconds);
    let expires_at = expires_at.filter(|at| *at > 0 && secret.is_some()).map(|at| at.saturating_mul(1000));
    let scope = document.scope.or_else(|| scope.map(str::to_owned));
    let (method, redirect) = (method.to_owned(), settings.redirect_url.clone());
    // It goes into an address.
    let is_good = (1..=MAX_ID).contains(&id.len());
    is_good.then_some(Client { id, secret, method, redirect, scope, expires_at })
}

/// How the host wants a client to be registered. Whoever has a secret all the same is not registered with none.
fn wanted_method(settings: &Settings) -> Option<String> {
    let wanted = settings.client_metadata.as_ref().and_then(|metadata| metadata.read("token_endpoint_auth_method"));
    wanted.filter(|method: &String| method != "none")
}

/// As the client is registered, where the server does not rule it out: it may hold a client to that. Else, of what the server
/// takes, what needs no preflight first. "If omitted, the default is client_secret_basic" (RFC 8414).
fn auth_method(has_secret: bool, registered: Option<&str>, server: &Server) -> &'static str {
    const WITH_SECRET: [&str; 2] = ["client_secret_post", "client_secret_basic"];
    let lists = |method: &str| server.auth_methods.as_ref().is_some_and(|all| all.iter().any(|one| one == method));
    let lists_any = server.auth_methods.as_ref().is_some_and(|all| !all.is_empty());
    let is_its = |method: &&str| registered == Some(*method) && (lists(method) || !lists_any);
    match has_secret {
        false => "none",
        true => WITH_SECRET.into_iter().chain(["none"]).find(is_its).unwrap_or_else(|| {
            let known = WITH_SECRET.into_iter().chain(["none"]).find(|method| lists(method));
            known.unwrap_or(if lists_any { "client_secret_post" } else { "client_secret_basic" })
        }),
    }
}

impl Client {
    /// Proves who it is: in the form, or in the headers (RFC 6749, section 2.3.1).
    pub fn authenticate<'a>(&'a self, fields: &mut Vec<(&'a str, &'a str)>) -> Option<(&'static str, String)> {
        let secret = self.secret.as_deref().unwrap_or_default();
        match self.method.as_str() {
            "client_secret_basic" => {
                let pair = format!("{}:{}", encode(&self.id), encode(secret));
                Some(("authorization", format!("Basic {}", BASE64_STANDARD.encode(pair))))
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
