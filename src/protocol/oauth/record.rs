//! What is kept from one page life to the next, as JSON texts in the host's storage. None of it prints.

use super::registration::Client;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// What is known of one endpoint for one user.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// Clients that were registered dynamically, by issuer: "Clients MUST maintain separate registration state per
    /// authorization server".
    pub clients: BTreeMap<String, Client>,
    /// The authorization server that the pre-registered client was used with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

/// What an authorization server has granted.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    pub issuer: String,
    pub client: Client,
    pub resource: String,
    pub token_endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// The scopes that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    pub access: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// In milliseconds since the epoch; some time before the access token expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_at: Option<u64>,
}

impl Grant {
    /// When the token is to be refreshed, if it can be.
    pub fn due(&self) -> Option<u64> {
        self.refresh_at.filter(|_| self.refresh.is_some())
    }
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
    pub sends_iss: bool,
    pub token_endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    pub client: Client,
    pub resource: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// What another version, or somebody else, has written is as good as nothing.
pub(super) fn read<T: DeserializeOwned>(text: Option<&str>) -> Option<T> {
    serde_json::from_str(text?).ok()
}

pub(super) fn write(value: &impl Serialize) -> String {
    // Maps with texts as keys always serialize.
    serde_json::to_string(value).unwrap_or_default()
}
