//! Why there is no token.

use crate::protocol::error::Diagnosis;
use crate::protocol::{Code, Error, Outcome, Payload, json};
use serde::Serialize;

const ASK_AGAIN: &str = "Connect or call again; the user is asked then.";
const ASK_BY_CLICK: &str = "Call `authorize()` in a click: the user is asked then. What was called waits for that.";

/// Where the user is asked by a click alone: what to do about it there.
pub(in crate::protocol) fn by_click(hint: &'static str) -> &'static str {
    if hint == ASK_AGAIN { ASK_BY_CLICK } else { hint }
}

/// The names that a [`Trouble`] may have.
const KINDS: &[&str] = &[
    "asked_elsewhere",
    "bad_token",
    "client_forgotten",
    "closed",
    "cut_off",
    "declined",
    "embedded",
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
    "proxy_refused",
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Its `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Trouble {
    /// It is the user's, or the browser's: what the servers said of themselves is as good as before.
    #[must_use]
    pub fn is_users(&self) -> bool {
        const USERS: &[&str] = &[
            "asked_elsewhere",
            "closed",
            "cut_off",
            "declined",
            "embedded",
            "not_returned",
            "popup_blocked",
            "timeout",
        ];
        USERS.contains(&self.kind)
    }

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
    pub(super) fn said(mut self, status: Option<u16>, error: Option<&str>) -> Self {
        self.said = Said { status, error: error.map(str::to_owned) };
        self
    }

    pub(super) fn retryable(mut self) -> Self {
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
        if *self == Self::default() { None } else { P::parse(&json::text(self)) }
    }
}

pub(super) fn trouble(kind: &'static str, message: &str) -> Trouble {
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
        "asked_elsewhere" | "client_forgotten" | "closed" | "timeout" | "popup_blocked" | "redirect_loop" => ASK_AGAIN,
        "proxy_refused" => "The proxy's `targets` and its other options decide what it passes on: nothing was sent.",
        "unreachable" => "Connect or call again in a while. Nothing that was granted is lost.",
        _ => "The server cannot be used without an authorization.",
    }
}
