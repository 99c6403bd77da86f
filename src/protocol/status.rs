//! What the host is told: the status, and events.

pub use super::desired::{Changes, LastRecovery, ToolChanges};
use super::era::{Era, modern};
use super::lifecycle::Established;
use super::{CallId, ExchangeId, Field, Payload, Purpose, Role, error::Error, http::Method, verdict::Verdict};

/// The state of a session, as a host may show it.
///
/// ```
/// use mcp_evergreen::Phase;
///
/// fn light(phase: Phase) -> &'static str {
///     match phase {
///         Phase::Ready => "green",
///         Phase::Connecting | Phase::Recovering | Phase::Waiting => "amber",
///         Phase::Closed => "red",
///     }
/// }
/// assert_eq!(light(Phase::Recovering), "amber");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The first handshake is under way.
    Connecting,
    /// The session is established.
    Ready,
    /// The session was lost and is being made anew.
    Recovering,
    /// Nothing is under way until something happens: see `waiting_for`.
    Waiting,
    /// The session has ended for good.
    Closed,
}

impl Phase {
    /// The state's name in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Recovering => "recovering",
            Self::Waiting => "waiting",
            Self::Closed => "closed",
        }
    }
}

/// What the session waits for.
///
/// ```
/// use mcp_evergreen::WaitingFor;
///
/// fn explain(waiting: WaitingFor) -> String {
///     match waiting.until_unix_ms {
///         Some(until) => format!("{}, until {until}", waiting.why),
///         None => waiting.why.to_owned(),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingFor {
    /// A short reason.
    pub why: &'static str,
    /// Until when, in milliseconds since the epoch.
    pub until_unix_ms: Option<u64>,
}

/// A snapshot. What is known of the server stays known while a lost session is made anew.
#[derive(Clone, Debug)]
pub struct Status<P> {
    /// The state.
    pub phase: Phase,
    /// The protocol's era.
    pub era: Option<Era>,
    /// The negotiated protocol version.
    pub protocol_version: Option<&'static str>,
    /// What the server calls itself: `{name, version, …}`.
    pub server_info: Option<P>,
    /// The `InitializeResult` or `DiscoverResult`: `capabilities`, `instructions`.
    pub handshake: Option<P>,
    /// A short hash of the session id, for logs.
    pub session_tag: Option<String>,
    /// How many sessions this one has had.
    pub generation: u32,
    /// When the server last answered under this session, in milliseconds since the epoch.
    pub verified_at_unix_ms: Option<u64>,
    /// How many times the session was made anew.
    pub recoveries: u32,
    /// The latest of them.
    pub last_recovery: Option<LastRecovery>,
    /// With [`Phase::Waiting`]: what for.
    pub waiting_for: Option<WaitingFor>,
    /// What this tab is to the others, where they share the session.
    pub share: Option<Role>,
    /// With an authorizer: whether there is a token that nobody has refused for good.
    pub signed_in: Option<bool>,
    /// Why the latest attempt to establish the session failed; `None` once it is ready.
    pub last_error: Option<Box<Error<P>>>,
}

impl Changes {
    /// What the server says of itself now, and did not say before.
    pub(super) fn between<P: Payload>(old: &Established<P>, new: &Established<P>) -> Self {
        let text = |value: Option<P>| value.and_then(|value| value.to_json());
        let differs = |field| text(old.handshake().field(field)) != text(new.handshake().field(field));
        let server = |of: &Established<P>| text(modern::server_info(of.handshake()));
        Self {
            era: (old.era() != new.era()).then(|| new.era()),
            server: server(old) != server(new),
            capabilities: differs(Field::Capabilities),
            instructions: differs(Field::Instructions),
            tools: None,
        }
    }
}

/// What the host's listeners are told.
#[derive(Clone, Debug)]
pub enum Event<P> {
    /// Something in the status changed, apart from `verified_at_unix_ms`.
    StateChange,
    /// The session is lost and is being made anew.
    Recovering {
        /// Why it is taken for lost.
        reason: &'static str,
        /// The generation of the lost session.
        generation: u32,
    },
    /// The session was made anew.
    Recovered {
        /// The generation of the new session.
        generation: u32,
        /// What was done.
        recovery: LastRecovery,
        /// What is different now.
        changes: Changes,
        /// Subscribed resources: an update may have been missed.
        stale: Vec<String>,
        /// Lists that the app has seen and that may be others now: `resources`, `prompts`; `tools` where they could not
        /// be compared.
        stale_lists: Vec<&'static str>,
    },
    /// Which era the server speaks, where it could be either: a session was made, or taken up.
    EraLearned {
        /// Until when it counts as one of the legacy era, in milliseconds since the epoch; `None`: it is of the modern one.
        legacy_until_unix_ms: Option<u64>,
    },
    /// A call became a task, which outlives this session: [`Session::resume_task`](super::Session::resume_task) finds it
    /// again.
    Task {
        /// The call.
        call: CallId,
        /// `{taskId, status, ttlMs, pollIntervalMs, …}`
        task: P,
    },
    /// The listening stream broke and is open again: changes may have been missed.
    Stale {
        /// The lists of this session: `tools`, `prompts`, `resources`.
        lists: Vec<&'static str>,
        /// URIs that are subscribed.
        resources: Vec<String>,
    },
    /// A list may be another now: it follows from [`Self::Recovered`] or [`Self::Stale`], and tells nothing more.
    ListChanged {
        /// `tools`, `resources` or `prompts`.
        list: &'static str,
        /// What is different, where that is known.
        tools: Option<ToolChanges>,
    },
    /// An update of a subscribed resource may have been missed: it follows as [`Self::ListChanged`] does.
    ResourceStale {
        /// Its URI.
        uri: String,
    },
    /// A host's own Client is to be told this notification, as if it were the server's: it follows from
    /// [`Self::Recovered`].
    ForClient {
        /// `notifications/…`
        method: String,
        /// Its `params`.
        params: Option<P>,
    },
    /// A tool whose definition is not valid was left out of the list.
    InvalidTool {
        /// Its name, as the server wrote it.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A notification of the server's.
    Notification {
        /// `notifications/…`
        method: String,
        /// Its `params`.
        params: Option<P>,
        /// The call on whose stream it came.
        call: Option<CallId>,
    },
    /// An event with an id came on the stream of a call that asked to be told ([`super::CallOptions::event_ids`]).
    EventId {
        /// The call.
        call: CallId,
        /// The generation of the session that it holds in.
        generation: u32,
        /// For `Last-Event-ID`.
        event_id: String,
    },
    /// Something that somebody should mend.
    Warning {
        /// A stable name.
        kind: &'static str,
        /// The header concerned.
        header: Option<&'static str>,
        /// What to do, in a sentence.
        hint: &'static str,
    },
    /// What went over the wire.
    Wire(Wire),
    /// What a later page life needs to take up the session ([`super::Session::take_up_record`]). The page may end at once.
    Keep {
        /// JSON text. It holds the session's id.
        record: String,
    },
    /// The session of an earlier page life was taken up, with what belongs to it.
    TakenUp,
    /// The page goes on after it kept its session: if a later one has taken that up, it is given up
    /// ([`super::Session::handle_taken_over`]).
    Reclaim,
    /// The session has ended for good.
    Close {
        /// Why.
        reason: &'static str,
    },
}

/// One step of one exchange.
///
/// ```
/// use mcp_evergreen::{Wire, WireStep};
///
/// fn line(wire: &Wire) -> Option<String> {
///     let WireStep::Answered { status, duration_ms, .. } = wire.step else { return None };
///     Some(format!("{} → {status} in {duration_ms} ms, try {}", wire.purpose.as_str(), wire.attempt))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The exchange.
    pub exchange: ExchangeId,
    /// Why it was sent.
    pub purpose: Purpose,
    /// The HTTP method.
    pub method: Method,
    /// The JSON-RPC method of the request or notification in it.
    pub rpc_method: Option<String>,
    /// The generation of the session that it was sent under; 0 where there was none.
    pub generation: u32,
    /// 1 for the first send of a call, 2 for the second …
    pub attempt: u32,
    /// What happened.
    pub step: WireStep,
    /// When, in milliseconds since the epoch.
    pub at_unix_ms: u64,
}

/// What happened to an exchange.
///
/// ```
/// use mcp_evergreen::WireStep;
///
/// fn took(step: &WireStep) -> Option<u64> {
///     match step {
///         WireStep::Sent => None,
///         WireStep::Answered { duration_ms, .. }
///         | WireStep::Failed { duration_ms }
///         | WireStep::Aborted { duration_ms } => Some(*duration_ms),
///     }
/// }
/// assert_eq!(took(&WireStep::Failed { duration_ms: 5 }), Some(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireStep {
    /// The request went out.
    Sent,
    /// It was answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// What the answer means; `None` where it is a success.
        verdict: Option<Verdict>,
        /// Milliseconds since it was sent.
        duration_ms: u64,
    },
    /// It failed below HTTP, or its body broke off.
    Failed {
        /// Milliseconds since it was sent.
        duration_ms: u64,
    },
    /// We gave it up.
    Aborted {
        /// Milliseconds since it was sent.
        duration_ms: u64,
    },
}
