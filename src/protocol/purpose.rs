//! Why an exchange is sent.

use super::CallId;

/// Why an exchange was sent.
///
/// ```
/// use mcp_evergreen::Purpose;
///
/// assert_eq!(Purpose::Ping.as_str(), "ping");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Asks a server of the modern era what it is.
    Discover,
    /// The handshake's request.
    Initialize,
    /// The handshake's notification.
    Initialized,
    /// A request of the host's.
    Call(CallId),
    /// A notification of the host's.
    Notification(CallId),
    /// A ping of our own: does this session live?
    Ping,
    /// Puts back what the lost session held.
    Restore,
    /// The standing stream.
    Listen,
    /// `notifications/cancelled` for a call that was given up.
    Cancelled,
    /// The answer to a request of the server's.
    Answer,
    /// Ends a session on the server.
    Delete,
}

impl Purpose {
    /// The purpose's name in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Initialize => "initialize",
            Self::Initialized => "initialized",
            Self::Call(_) => "call",
            Self::Notification(_) => "notification",
            Self::Ping => "ping",
            Self::Restore => "restore",
            Self::Listen => "listen",
            Self::Cancelled => "cancelled",
            Self::Answer => "answer",
            Self::Delete => "delete",
        }
    }

    /// The host's command in it.
    pub(super) fn call(self) -> Option<CallId> {
        match self {
            Self::Call(call) | Self::Notification(call) => Some(call),
            Self::Discover
            | Self::Initialize
            | Self::Initialized
            | Self::Ping
            | Self::Restore
            | Self::Listen
            | Self::Cancelled
            | Self::Answer
            | Self::Delete => None,
        }
    }

    /// Whether no handler keeps its answer waiting: how long it took is how fast the server's gate is.
    pub(super) fn is_answered_at_once(self) -> bool {
        match self {
            Self::Discover | Self::Initialize | Self::Initialized | Self::Ping => true,
            Self::Call(_)
            | Self::Notification(_)
            | Self::Restore
            | Self::Listen
            | Self::Cancelled
            | Self::Answer
            | Self::Delete => false,
        }
    }

    /// Whether a JSON-RPC response is expected.
    pub(super) fn wants_response(self) -> bool {
        match self {
            Self::Discover | Self::Initialize | Self::Call(_) | Self::Ping | Self::Restore => true,
            Self::Listen
            | Self::Initialized
            | Self::Notification(_)
            | Self::Cancelled
            | Self::Answer
            | Self::Delete => false,
        }
    }
}
