//! What differs between the protocol's eras. The rest of `protocol` asks here and nowhere else.
//!
//! | question | legacy: 2024-11-05 … 2025-11-25 | modern: 2026-07-28 |
//! |---|---|---|
//! | before the first call | `initialize`, then `notifications/initialized` | `server/discover` |
//! | stamped on a request | `Mcp-Session-Id`, `MCP-Protocol-Version` | `MCP-Protocol-Version`, `Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`; `_meta` in the body |
//! | hearing the server | a GET stream, and requests on POST streams | a `subscriptions/listen` POST stream |
//! | is it alive? | `ping` | `server/discover` |
//! | log level, subscribe | `logging/setLevel`, `resources/subscribe` | `_meta`, the filter of `subscriptions/listen` |
//! | a stream broke | GET with `Last-Event-ID` | a new request with a new id, where that is safe |
//! | the server asks | a request, answered by a POST | an `input_required` result, answered by the call once more |
//! | a call that runs as a task | the client asks for it; `tasks/result` waits for what comes of it | the server says so; `tasks/get` tells what came of it |
//! | cancel | `notifications/cancelled`, and abort | abort |
//! | eviction | see `verdict` | cannot happen: what sounds like it is a server of the other era |
//! | goodbye | DELETE (405 is fine) | abort |
//!
//! Which era a server speaks is found out by `policy::probe`.

pub mod legacy;
pub mod memory;
pub mod modern;
pub mod param_headers;

use super::codec::json_rpc::{HEADER_MISMATCH, UNSUPPORTED_PROTOCOL_VERSION};
use super::policy::refusal::Refusal;

/// The protocol's eras.
///
/// ```
/// use mcp_evergreen::Era;
///
/// assert_eq!(Era::Modern.as_str(), "modern");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// Sessions: 2024-11-05 … 2025-11-25.
    Legacy,
    /// No sessions: 2026-07-28.
    Modern,
}

impl Era {
    /// The era of a version of ours.
    #[must_use]
    pub fn of(version: &str) -> Self {
        if version == modern::VERSION { Self::Modern } else { Self::Legacy }
    }

    /// The era's name in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }

    /// The request that tells whether the server is there, and still of this era.
    pub(crate) fn liveness(self) -> &'static str {
        match self {
            Self::Legacy => legacy::PING,
            Self::Modern => modern::DISCOVER,
        }
    }

    /// The era of a request that goes out before there is a session: `server/discover`, or `initialize`.
    pub(crate) fn before_session(discovers: bool) -> Self {
        if discovers { Self::Modern } else { Self::Legacy }
    }

    /// Whether a session is made by a handshake, and can be lost; otherwise there is nothing but the server.
    pub(crate) fn has_sessions(self) -> bool {
        match self {
            Self::Legacy => true,
            Self::Modern => false,
        }
    }

    /// Whether each request says in its header fields and in `_meta` what it is and who sends it.
    pub(crate) fn stamps_requests(self) -> bool {
        match self {
            Self::Legacy => false,
            Self::Modern => true,
        }
    }

    /// Whether results say of what type they are, and how long they stay fresh.
    pub(crate) fn describes_results(self) -> bool {
        match self {
            Self::Legacy => false,
            Self::Modern => true,
        }
    }

    /// Whether the server is heard by a request of ours, `subscriptions/listen`; otherwise by a GET.
    pub(crate) fn listens_by_request(self) -> bool {
        match self {
            Self::Legacy => false,
            Self::Modern => true,
        }
    }

    /// Whether a refusal may be another server's word, after the one that was meant has run the call: a server of the modern
    /// era refuses under the request's own id, and one of the legacy era knows no header fields that it could miss.
    pub(crate) fn may_be_anothers(self, refusal: &Refusal) -> bool {
        match self {
            Self::Legacy => matches!(refusal.rpc_code, Some(HEADER_MISMATCH | UNSUPPORTED_PROTOCOL_VERSION)),
            Self::Modern => !refusal.own_id && !matches!(refusal.status, 401 | 403 | 429),
        }
    }

    /// Whether the server is told by a message that a request was given up; otherwise the abort says it.
    pub(crate) fn says_cancelled(self) -> bool {
        match self {
            Self::Legacy => true,
            Self::Modern => false,
        }
    }

    /// Whether a broken stream can be taken up again.
    pub(crate) fn resumes(self) -> bool {
        match self {
            Self::Legacy => true,
            Self::Modern => false,
        }
    }

    /// Whether the server asks by requests of its own.
    pub(crate) fn asks_by_request(self) -> bool {
        match self {
            Self::Legacy => true,
            Self::Modern => false,
        }
    }

    /// Whether subscriptions and the log level are requests; otherwise they are facts of other requests.
    pub(crate) fn holds_by_request(self) -> bool {
        match self {
            Self::Legacy => true,
            Self::Modern => false,
        }
    }

    /// Whether this notification of the host's exists.
    pub(crate) fn has_notification(self, method: &str) -> bool {
        match self {
            Self::Legacy => true,
            Self::Modern => !matches!(
                method,
                legacy::INITIALIZED | legacy::CANCELLED | legacy::PROGRESS | "notifications/roots/list_changed"
            ),
        }
    }

    /// Whether a tool call runs as a task where the client asks for that, and a task belongs to the session that made it;
    /// otherwise the server chooses, and a task to no session.
    pub(crate) fn asks_for_tasks(self) -> bool {
        match self {
            Self::Legacy => true,
            Self::Modern => false,
        }
    }

    /// Whether what came of a task, and what it waits for, is asked for by a request of its own, `tasks/result`; otherwise
    /// whoever asks how it stands is told that, too.
    pub(crate) fn fetches_task_results(self) -> bool {
        match self {
            Self::Legacy => true,
            Self::Modern => false,
        }
    }

    /// The server's capability that a request needs, as `capability` or `capability.part`.
    pub(crate) fn needed_capability(self, method: &str, version: &str) -> Option<&'static str> {
        match self {
            Self::Legacy => legacy::needed_capability(method, version),
            // The log level is a member of each request.
            Self::Modern if method == "logging/setLevel" => None,
            Self::Modern => legacy::needed_capability(method, version),
        }
    }
}
