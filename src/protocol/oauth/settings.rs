//! What the host has decided, and what an authorization needs of chance.

use super::trust::Trust;
use crate::protocol::codec::json::Members;

/// What the host has decided.
///
/// ```
/// use mcp_evergreen::AuthSettings;
///
/// let settings = AuthSettings {
///     endpoint: "https://example.com/mcp".into(),
///     redirect_url: "https://app.example.com/callback.html".into(),
///     client_id: Some("https://app.example.com/client.json".into()),
///     resource: None,
///     client_secret: None,
///     client_auth_method: None,
///     client_is_renewable: false,
///     issuer: None,
///     bound: None,
///     client_metadata: None,
///     unattended: false,
///     names_resource: false,
///     trust: None,
/// };
/// ```
#[derive(Clone)]
pub struct Settings {
    /// The MCP endpoint.
    pub endpoint: String,
    /// What the endpoint is called where its own address is not known, behind a proxy.
    pub resource: Option<String>,
    /// Where the user comes back to.
    pub redirect_url: String,
    /// Pre-registered; or, as an https URL with a path, that of the client's metadata document.
    pub client_id: Option<String>,
    /// Of a pre-registered client. What stands in a page is no secret.
    pub client_secret: Option<String>,
    /// How the pre-registered client is registered to prove who it is: its `token_endpoint_auth_method` (RFC 7591, section
    /// 2). `None`: as `client_metadata` says, and else what the server lists.
    pub client_auth_method: Option<String>,
    /// The pre-registered client was registered dynamically: where the authorization server has forgotten it, another
    /// takes its place.
    pub client_is_renewable: bool,
    /// The authorization server that the pre-registered client belongs to, by the host's word.
    pub issuer: Option<String>,
    /// … where it was used first.
    pub bound: Option<String>,
    /// What is registered where clients are registered dynamically: an object (RFC 7591, section 2).
    pub client_metadata: Option<Members>,
    /// There is no user: the host says what is exchanged for a token (RFC 6749, section 4.4; RFC 7523, section 2.1).
    pub unattended: bool,
    /// The host says what the server is called in requests for tokens, whatever its metadata says.
    pub names_resource: bool,
    /// What the host vouches for.
    pub trust: Option<Trust>,
}

/// What one authorization request needs of chance: base64url texts of 32 random bytes each, and the SHA-256 of the
/// verifier's text.
#[derive(Clone)]
pub struct Chance {
    /// The PKCE code verifier (RFC 7636, section 4.1).
    pub verifier: String,
    /// Its S256 challenge.
    pub challenge: String,
    /// `state`
    pub state: String,
}
