//! Errors as the host sees them: what happened, whether the server ran the call, and what to do.

/// Why a command failed. A closed set: a host acts on it.
///
/// ```
/// use mcp_evergreen::Code;
///
/// fn needs_the_user(code: Code) -> bool {
///     matches!(code, Code::Unauthorized | Code::Auth)
/// }
/// assert!(!needs_the_user(Code::SessionLost));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// An option or argument is wrong. Nothing was sent.
    InvalidOption,
    /// The request failed below HTTP: offline, refused, reset; or CORS, which a page cannot tell apart.
    Network,
    /// The browser hid the answer or a header of it; `diagnosis` names the header.
    Cors,
    /// An HTTP refusal that is no JSON-RPC error.
    Http,
    /// What came is no answer of an MCP server's.
    NotMcp,
    /// The server broke the protocol.
    Protocol,
    /// A JSON-RPC error; `rpc_code` and `data` are the server's.
    Rpc,
    /// No protocol version in common.
    UnsupportedVersion,
    /// The server lacks the capability.
    Capability,
    /// The session was lost, and could not be made anew or refused the call again.
    SessionLost,
    /// The connection or session ended while the call may have been running.
    OutcomeUnknown,
    /// The server is busy and says so (429, 503).
    Overloaded,
    /// No answer in time.
    Timeout,
    /// The server needs input that the host did not give.
    Input,
    /// 401: credentials are missing or not accepted.
    Unauthorized,
    /// The authorization failed: the user declined, or the authorization server refused or cannot be reached.
    Auth,
    /// The host's proxy refused it, or what answers at its address is no such proxy; `diagnosis` says which.
    Proxy,
    /// The answer is larger than the bound.
    TooLarge,
    /// The session was closed.
    Closed,
    /// No server of a manager's has a tool of this name. Nothing was sent. It is here without the feature `manager` as well: what
    /// a program matches does not depend on who else asks for features.
    UnknownTool,
}

impl Code {
    /// The code's name in JavaScript.
    ///
    /// ```
    /// assert_eq!(mcp_evergreen::Code::SessionLost.as_str(), "session_lost");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidOption => "invalid_option",
            Self::Network => "network",
            Self::Cors => "cors",
            Self::Http => "http",
            Self::NotMcp => "not_mcp",
            Self::Protocol => "protocol",
            Self::Rpc => "rpc",
            Self::UnsupportedVersion => "unsupported_version",
            Self::Capability => "capability",
            Self::SessionLost => "session_lost",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Input => "input",
            Self::Unauthorized => "unauthorized",
            Self::Auth => "auth",
            Self::Proxy => "proxy",
            Self::TooLarge => "too_large",
            Self::Closed => "closed",
            Self::UnknownTool => "unknown_tool",
        }
    }

    /// Of those that an attempt to make a session may fail with.
    pub(super) fn named(name: &str) -> Option<Self> {
        const ALL: [Code; 10] = [
            Code::Network,
            Code::Cors,
            Code::Http,
            Code::NotMcp,
            Code::Protocol,
            Code::Rpc,
            Code::UnsupportedVersion,
            Code::Unauthorized,
            Code::Auth,
            Code::Proxy,
        ];
        ALL.into_iter().find(|code| code.as_str() == name)
    }
}

/// Did the server run it?
///
/// ```
/// use mcp_evergreen::Outcome;
///
/// assert_eq!(Outcome::NotExecuted.as_str(), "not_executed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No: it was not sent, or was refused before it was dispatched.
    NotExecuted,
    /// Yes: the server answered it.
    Executed,
    /// It may have.
    Unknown,
}

impl Outcome {
    /// The outcome's name in JavaScript.
    ///
    /// ```
    /// assert_eq!(mcp_evergreen::Outcome::Unknown.as_str(), "unknown");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotExecuted => "not_executed",
            Self::Executed => "executed",
            Self::Unknown => "unknown",
        }
    }
}

/// A cause that the host or the server's operator can mend.
///
/// ```
/// use mcp_evergreen::Diagnosis;
///
/// fn advice(diagnosis: &Diagnosis) -> String {
///     format!("{}: {}", diagnosis.kind, diagnosis.hint)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// A stable name, such as `hidden_session_id`.
    pub kind: &'static str,
    /// The header to add, where one is missing.
    pub header: Option<&'static str>,
    /// What to do, in a sentence.
    pub hint: &'static str,
}

/// The error of a command. No session id, token or foreign text is in `message`.
#[derive(Clone, Debug)]
pub struct Error<P> {
    /// Why.
    pub code: Code,
    /// Whether the server ran it.
    pub outcome: Outcome,
    /// What happened, what was tried, what to do.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The JSON-RPC error code.
    pub rpc_code: Option<i64>,
    /// The HTTP status.
    pub http_status: Option<u16>,
    /// A cause that somebody can mend.
    pub diagnosis: Option<Diagnosis>,
    /// The JSON-RPC error's `data`.
    pub data: Option<P>,
    /// At most 200 characters of what came, where it was no JSON-RPC.
    pub excerpt: Option<String>,
    /// What the platform threw.
    pub cause: Option<P>,
    /// A host's own Client is to have it as the answer to its request.
    pub is_answer: bool,
}

impl<P> Error<P> {
    /// An error with nothing but the essentials.
    #[must_use]
    pub fn new(code: Code, outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            code,
            outcome,
            message: message.into(),
            retryable: false,
            rpc_code: None,
            http_status: None,
            diagnosis: None,
            data: None,
            excerpt: None,
            cause: None,
            is_answer: false,
        }
    }

    /// As [`Self::new`], on the heap: errors are large, and each move of one is code.
    #[must_use]
    pub fn boxed(code: Code, outcome: Outcome, message: impl Into<String>) -> Box<Self> {
        Box::new(Self::new(code, outcome, message))
    }

    /// Marks it as one that may succeed later.
    #[must_use]
    pub fn retryable(mut self: Box<Self>) -> Box<Self> {
        self.retryable = true;
        self
    }

    pub(super) fn with_outcome(mut self: Box<Self>, outcome: Outcome) -> Box<Self> {
        self.outcome = outcome;
        self
    }

    /// With the HTTP status of the refusal.
    #[must_use]
    pub fn with_status(mut self: Box<Self>, status: u16) -> Box<Self> {
        self.http_status = Some(status);
        self
    }

    /// Where more is said of its cause: a section of `docs/field.md`, or `docs/proxy.md`, which go along with the package.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let kind = self.diagnosis.as_ref()?.kind;
        if kind.contains("proxy") {
            return Some("docs/proxy.md".to_owned());
        }
        Some(["docs/field.md#", if self.code == Code::Auth { "authorization" } else { kind }].concat())
    }

    /// With a diagnosis.
    #[must_use]
    pub fn with_diagnosis(mut self: Box<Self>, diagnosis: Diagnosis) -> Box<Self> {
        self.diagnosis = Some(diagnosis);
        self
    }

    /// With what the platform threw.
    #[must_use]
    pub fn with_cause(mut self, cause: Option<P>) -> Self {
        self.cause = cause;
        self
    }
}
