//! The authorization of 2025-11-25 and 2026-07-28 (and, where a server is older, of 2025-03-26), as far as it can be said
//! without a network: a [`Flow`] is told what came back, and asked what to do next. Who drives it fetches, keeps texts,
//! and sends the user away.
//!
//! | file | what |
//! |---|---|
//! | `flow`, `ask` | the order of it all; the part that the user sees |
//! | `challenge`, `discovery` | from the refusal to the authorization server |
//! | `registration` | who the client is there |
//! | `token` | what the user comes back with, and what is got for it |
//! | `record` | what is kept |
//! | `text` | URLs as the texts they are, forms |

mod ask;
mod challenge;
mod discovery;
mod flow;
mod record;
mod registration;
pub mod text;
mod token;

pub use challenge::Bearer;
pub use flow::{Flow, Need, Step};

use super::error::Diagnosis;
use super::json::Json;
use super::{Code, Error, Outcome};

/// What the host has decided.
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
    /// The authorization server that the pre-registered client belongs to.
    pub issuer: Option<String>,
    /// What is registered where clients are registered dynamically: an object (RFC 7591, section 2).
    pub client_metadata: Option<Json>,
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

/// A request to a server that is not the MCP server: without credentials, and without headers that need a preflight
/// wherever that can be.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetch {
    /// GET or POST.
    pub method: &'static str,
    /// Absolute.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// A form, or JSON.
    pub body: Option<String>,
}

/// What came of a [`Fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body, cut at a bound.
        body: String,
    },
    /// Nothing that the page may see.
    Failed,
}

/// The names that a [`Trouble`] may have.
const KINDS: &[&str] = &[
    "bad_token",
    "closed",
    "declined",
    "failed",
    "issuer_mismatch",
    "no_client",
    "no_code",
    "no_metadata",
    "no_pkce",
    "not_registered",
    "not_returned",
    "other_issuer",
    "popup_blocked",
    "refused",
    "resource_mismatch",
    "timeout",
    "unreachable",
    "unsafe_url",
    "wrong_issuer",
    "wrong_state",
];

/// Why there is no token. No foreign text, and nothing secret, is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// A stable name.
    pub kind: &'static str,
    /// What happened, and what to do.
    pub message: String,
    /// Whether it may go away by itself.
    pub retryable: bool,
}

impl Trouble {
    /// One that does not go away by itself.
    #[must_use]
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        debug_assert!(KINDS.contains(&kind), "{kind} is not among the kinds");
        Self { kind, message: message.into(), retryable: false }
    }

    /// One that another module has had.
    #[must_use]
    pub fn again(kind: &str, message: String, retryable: bool) -> Option<Self> {
        let kind = KINDS.iter().find(|known| **known == kind)?;
        Some(Self { kind, message, retryable })
    }

    fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// As the error of those who waited for the token.
    #[must_use]
    pub fn into_error<P>(self) -> Error<P> {
        let error = Error::boxed(Code::Auth, Outcome::NotExecuted, self.message);
        let hint = "The server cannot be used without an authorization.";
        let error = error.with_diagnosis(Diagnosis { kind: self.kind, header: None, hint });
        if self.retryable { *error.retryable() } else { *error }
    }
}

fn trouble(kind: &'static str, message: &str) -> Trouble {
    Trouble::new(kind, message)
}
