//! One HTTP exchange: why it was sent, under which session, when, and what its answer is so far.

use super::{CallId, Now, ReadAs, http::Head, http::Method};

/// Why an exchange was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
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
            Self::Initialize => "initialize",
            Self::Initialized => "initialized",
            Self::Call(_) => "call",
            Self::Notification(_) => "notification",
            Self::Ping => "ping",
            Self::Cancelled => "cancelled",
            Self::Answer => "answer",
            Self::Delete => "delete",
        }
    }

    /// Whether a JSON-RPC response is expected.
    pub(super) fn wants_response(self) -> bool {
        match self {
            Self::Initialize | Self::Call(_) | Self::Ping => true,
            Self::Initialized | Self::Notification(_) | Self::Cancelled | Self::Answer | Self::Delete => false,
        }
    }
}

/// One request on the wire.
#[derive(Debug)]
pub(super) struct Exchange {
    pub purpose: Purpose,
    /// The generation it was sent under; 0 where no session id went with it and none was expected.
    pub generation: u32,
    /// Whether `Mcp-Session-Id` went with it.
    pub with_session: bool,
    pub method: Method,
    pub rpc_method: Option<String>,
    /// The id of the JSON-RPC request in it.
    pub wire_id: Option<u64>,
    pub attempt: u32,
    pub sent: Now,
    pub head: Option<Head>,
    /// Its answer was taken; what still comes on the stream is only notifications.
    pub concluded: bool,
}

/// Refusals are judged by their first words; some servers answer with stack traces.
pub(super) const REFUSAL_BYTES: u64 = 64 << 10;

impl Exchange {
    /// How to read the body that follows this head.
    pub fn read_as(&self, head: &Head, max_message: u64, max_event: u64) -> ReadAs {
        if !head.is_success() {
            return ReadAs::Text { max: REFUSAL_BYTES };
        }
        match head.media_type().as_str() {
            "text/event-stream" => ReadAs::Events { max: max_event },
            "application/json" => ReadAs::Json { max: max_message },
            _ if !self.purpose.wants_response() => ReadAs::Discard,
            _ => ReadAs::Text { max: REFUSAL_BYTES },
        }
    }
}
