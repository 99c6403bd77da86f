//! The authorization of 2025-11-25 and 2026-07-28 (and, where a server is older, of 2025-03-26), as far as it can be said
//! without a network: a [`Flow`] is told what came back, and asked what to do next. Who drives it fetches, keeps texts,
//! and sends the user away.
//!
//! | file | what |
//! |---|---|
//! | `flow`, `ask` | the order of it all; the part that the user sees |
//! | `challenge`, `search`, `discovery` | from the refusal to the authorization server |
//! | `trust` | what the host vouches for; in what two identifiers differ |
//! | `parties` | whether the endpoints that it names belong together |
//! | `registration` | who the client is there |
//! | `token`, `refresh` | what the user comes back with, and what is got for it; the next token |
//! | `scopes` | what is asked for |
//! | `record` | what is kept |
//! | `text` | URLs as the texts they are, forms |

mod ask;
mod challenge;
mod discovery;
mod flow;
mod parties;
mod record;
mod refresh;
mod registration;
mod scopes;
mod search;
pub mod text;
mod token;
mod trust;

pub use challenge::Bearer;
pub use flow::{Flow, Need, Step};
pub use trust::Trust;

use super::error::Diagnosis;
use super::json::Json;
use super::{Code, Error, Outcome, Payload};
use serde::Deserialize;

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
    /// The pre-registered client was registered dynamically: where the authorization server has forgotten it, another
    /// takes its place.
    pub client_is_renewable: bool,
    /// The authorization server that the pre-registered client belongs to, by the host's word.
    pub issuer: Option<String>,
    /// … where it was used first.
    pub bound: Option<String>,
    /// What is registered where clients are registered dynamically: an object (RFC 7591, section 2).
    pub client_metadata: Option<Json>,
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
    /// What is used up once it has been sent: such a request is finished, and what it grants is kept, whoever still waits
    /// for that.
    pub spends: Option<Spends>,
}

/// What the token endpoint takes once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spends {
    /// What the user came back with: nobody else has it, and without a user there is no other.
    Code,
    /// A refresh token.
    RefreshToken,
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
    /// Something answers, but hides that from the page (CORS).
    Hidden,
    /// Nothing answers, or it cannot be known what.
    Failed,
}

impl Reply {
    /// The status and the body; no status where there is none to be seen.
    fn parts(&self) -> (u16, &str) {
        match self {
            Self::Answer { status, body } => (*status, body.as_str()),
            Self::Hidden | Self::Failed => (0, ""),
        }
    }

    /// Why there is no status of the answer of an endpoint.
    fn unseen(&self, endpoint: &str) -> Trouble {
        let text = match self {
            Self::Hidden => {
                "hides its answer from this page: it must send `Access-Control-Allow-Origin` on every answer."
            }
            Self::Failed | Self::Answer { .. } => {
                "did not answer, or not within 30 seconds: it may be down, or cannot be reached from here."
            }
        };
        Trouble::new("unreachable", format!("The authorization server's {endpoint} endpoint {text}")).retryable()
    }

    /// Asked again in a while, it may answer otherwise.
    fn is_hiccup(&self) -> bool {
        match self {
            Self::Answer { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Failed => true,
            Self::Hidden => false,
        }
    }
}

/// The names that a [`Trouble`] may have.
const KINDS: &[&str] = &[
    "asked_elsewhere",
    "bad_token",
    "client_forgotten",
    "closed",
    "declined",
    "failed",
    "issuer_mismatch",
    "mix_up",
    "no_client",
    "no_code",
    "no_metadata",
    "no_pkce",
    "not_registered",
    "not_returned",
    "other_issuer",
    "popup_blocked",
    "redirect_loop",
    "refused",
    "resource_mismatch",
    "resource_refused",
    "sent_away",
    "timeout",
    "unreachable",
    "unsafe_url",
    "wrong_issuer",
    "wrong_state",
];

/// Why there is no token. Nothing secret is in it, and of foreign text only addresses, cut to what may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// A stable name.
    pub kind: &'static str,
    /// What happened, and what to do.
    pub message: String,
    /// Whether it may go away by itself.
    pub retryable: bool,
    /// What the authorization server answered.
    pub said: Said,
}

/// What an authorization server answered, as far as it may be told.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Said {
    /// The HTTP status.
    pub status: Option<u16>,
    /// Its `error`.
    pub error: Option<String>,
}

impl Trouble {
    /// One that does not go away by itself.
    #[must_use]
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        debug_assert!(KINDS.contains(&kind), "{kind} is not among the kinds");
        Self { kind, message: message.into(), retryable: false, said: Said::default() }
    }

    /// One that another module has had.
    #[must_use]
    pub fn again(kind: &str, message: String, retryable: bool, said: Said) -> Option<Self> {
        let kind = KINDS.iter().find(|known| **known == kind)?;
        Some(Self { kind, message, retryable, said })
    }

    /// With what was answered; of what the server calls it, what may be told.
    fn said(mut self, status: Option<u16>, error: Option<&str>) -> Self {
        self.said = Said { status, error: error.map(str::to_owned) };
        self
    }

    fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// As the error of those who waited for the token.
    #[must_use]
    pub fn into_error<P: Payload>(self) -> Error<P> {
        let hint = hint(self.kind);
        let mut error = Error::boxed(Code::Auth, Outcome::NotExecuted, self.message);
        error.data = self.said.to_data();
        let error = error.with_diagnosis(Diagnosis { kind: self.kind, header: None, hint });
        if self.retryable { *error.retryable() } else { *error }
    }
}

impl Said {
    /// `{status, error}`
    fn to_data<P: Payload>(&self) -> Option<P> {
        let status = self.status.map(|status| ("status".to_owned(), Json::Number(status.to_string())));
        let error = self.error.clone().map(|error| ("error".to_owned(), Json::Text(error)));
        let members: Vec<_> = status.into_iter().chain(error).collect();
        if members.is_empty() { None } else { P::parse(&Json::Object(members).to_text()) }
    }
}

fn trouble(kind: &'static str, message: &str) -> Trouble {
    Trouble::new(kind, message)
}

/// What to do about it, in a sentence.
fn hint(kind: &str) -> &'static str {
    match kind {
        "issuer_mismatch" | "mix_up" | "no_pkce" => {
            "Where the authorization server is known to be what the host takes it for, `auth.trust` with its `issuer` \
             vouches for it."
        }
        "resource_refused" => {
            "Where the authorization server does not take `resource`, `auth.trust` with its `issuer` and `resource: false` \
             leaves that out."
        }
        "resource_mismatch" => "The option `resource` says what the server calls this endpoint.",
        "other_issuer" => "The provider's `clientId` and `issuer` must be those of the authorization server in use.",
        "no_client" | "not_registered" => "The provider's `clientId` names a client that is registered already.",
        "asked_elsewhere" | "client_forgotten" | "closed" | "timeout" | "popup_blocked" | "redirect_loop" => {
            "Connect or call again; the user is asked then."
        }
        "unreachable" => "Connect or call again in a while. Nothing that was granted is lost.",
        _ => "The server cannot be used without an authorization.",
    }
}
