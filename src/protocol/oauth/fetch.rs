//! What is asked of servers that are not the MCP server, and what came of it.

use super::trouble::Trouble;
use crate::protocol::error::Diagnosis;
use crate::protocol::policy::proxy;

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
    /// Metadata, for a login: what was answered lately does as well (see [`Reply::kept`]).
    pub keeps: bool,
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
    /// The host's proxy did not pass it on, or brought no answer.
    Proxied(Diagnosis),
}

/// Metadata is kept so long: as long as a user may take from one click to the next.
const KEPT_MS: u64 = 300_000;
/// Longer texts are not kept.
const MAX_KEPT: usize = 65_536;

impl Reply {
    /// What the proxy said in its own name.
    #[must_use]
    pub fn proxied(said: &str) -> Self {
        Self::Proxied(proxy::diagnosis(said))
    }

    /// As a text that [`Reply::kept`] reads, where it is worth keeping: not what may be better in a moment.
    #[must_use]
    pub fn to_keep(&self, now_unix_ms: u64) -> Option<String> {
        match self {
            Self::Answer { status, body } if !self.is_hiccup() && body.len() <= MAX_KEPT => {
                Some(format!("{now_unix_ms} {status} {body}"))
            }
            Self::Answer { .. } | Self::Hidden | Self::Failed | Self::Proxied(_) => None,
        }
    }

    /// What [`Reply::to_keep`] gave, unless it is too old, or of a clock that was set back.
    #[must_use]
    pub fn kept(text: &str, now_unix_ms: u64) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let at: u64 = parts.next()?.parse().ok()?;
        let status = parts.next()?.parse().ok()?;
        let body = parts.next()?.to_owned();
        now_unix_ms.checked_sub(at).filter(|age| *age < KEPT_MS)?;
        Some(Self::Answer { status, body })
    }

    /// The status and the body; no status where there is none to be seen.
    pub(super) fn parts(&self) -> (u16, &str) {
        match self {
            Self::Answer { status, body } => (*status, body.as_str()),
            Self::Hidden | Self::Failed | Self::Proxied(_) => (0, ""),
        }
    }

    /// Why there is no status of the answer of an endpoint.
    pub(super) fn unseen(&self, endpoint: &str) -> Trouble {
        let text = match self {
            Self::Proxied(diagnosis) => {
                let text =
                    format!("The authorization server's {endpoint} endpoint was not reached. {}", diagnosis.hint);
                let kind = if self.is_hiccup() { "unreachable" } else { "proxy_refused" };
                let trouble = Trouble::new(kind, text);
                return if self.is_hiccup() { trouble.retryable() } else { trouble };
            }
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
    pub(super) fn is_hiccup(&self) -> bool {
        match self {
            Self::Answer { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Failed => true,
            Self::Hidden => false,
            Self::Proxied(diagnosis) => diagnosis.kind != "proxy_refused",
        }
    }
}
