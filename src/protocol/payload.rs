//! The values that the core passes on without looking inside more than it must.

use serde::de::DeserializeOwned;

/// A parsed JSON value that the core passes on without looking inside more than it must: a `JsValue` in the browser,
/// a `serde_json::Value` in native tests.
pub trait Payload: Clone {
    /// The field of an object; `None` where this is no object, or the field is absent.
    fn field(&self, field: Field) -> Option<Self>;
    /// The items of an array; `None` where this is no array.
    fn items(&self) -> Option<Vec<Self>>;
    /// The members of an object; `None` where this is no object.
    fn entries(&self) -> Option<Vec<(String, Self)>>;
    /// This object with another list in one field.
    fn with_items(&self, field: Field, items: &[Self]) -> Self;
    /// A copy that shares nothing with this value.
    fn duplicate(&self) -> Self;
    /// Whether this is a JSON object.
    fn is_object(&self) -> bool;
    /// The string, where this is one.
    fn as_string(&self) -> Option<String>;
    /// The boolean, where this is one.
    fn as_bool(&self) -> Option<bool>;
    /// The number, where this is one.
    fn as_number(&self) -> Option<f64>;
    /// A typed copy, for what the core itself must know. Depth is bounded.
    ///
    /// # Errors
    /// Says what does not fit, without quoting the value.
    fn read<T: DeserializeOwned>(&self) -> Result<T, String>;
    /// As JSON text, where it has one.
    fn to_json(&self) -> Option<String>;
    /// From JSON text, where it is that.
    fn parse(text: &str) -> Option<Self>;
    /// The empty object `{}`: the value of a command that has nothing to return.
    fn empty() -> Self;
}

/// The fields of a JSON-RPC message and of a refusal that the core reads through [`Payload::field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `id`
    Id,
    /// `method`
    Method,
    /// `params`
    Params,
    /// `result`
    Result,
    /// `error`
    Error,
    /// `code`, of an error
    Code,
    /// `message`, of an error or a refusal
    Message,
    /// `data`, of an error
    Data,
    /// `detail`, of a refusal
    Detail,
    /// `requestId`, of `notifications/cancelled` params
    RequestId,
    /// `mode`, of an elicitation
    Mode,
    /// `tools`, of a page of the tool list
    Tools,
    /// `name`, of a tool or a server
    Name,
    /// `nextCursor`, of a page
    NextCursor,
    /// `serverInfo`, of an InitializeResult
    ServerInfo,
    /// `capabilities`, of an InitializeResult
    Capabilities,
    /// `instructions`, of an InitializeResult
    Instructions,
    /// `progress`, of `notifications/progress` params
    Progress,
    /// `progressToken`, of `notifications/progress` params
    ProgressToken,
    /// `_meta`
    Meta,
    /// `io.modelcontextprotocol/serverInfo`, of a result's `_meta`
    MetaServerInfo,
    /// `io.modelcontextprotocol/subscriptionId`, of a notification's `_meta`
    SubscriptionId,
    /// `supportedVersions`, of a DiscoverResult
    SupportedVersions,
    /// `supported`, of the `data` of -32022
    Supported,
    /// `resultType`, of a result
    ResultType,
    /// `inputRequests`, of a result
    InputRequests,
    /// `requestState`, of a result
    RequestState,
    /// `ttlMs`, of a result
    TtlMs,
    /// `taskId`, of a task
    TaskId,
    /// `task`, of a CreateTaskResult of 2025-11-25
    Task,
    /// `status`, of a task
    Status,
    /// `pollIntervalMs`, of a task
    PollIntervalMs,
    /// `pollInterval`, of a task of 2025-11-25
    PollInterval,
    /// `uri`, of `notifications/resources/updated` params
    Uri,
    /// `notifications`, of `notifications/subscriptions/acknowledged` params
    Notifications,
    /// `resourceSubscriptions`, of what a server acknowledges
    ResourceSubscriptions,
    /// `annotations`, of a tool
    Annotations,
    /// `readOnlyHint`, of a tool's annotations
    ReadOnlyHint,
    /// `idempotentHint`, of a tool's annotations
    IdempotentHint,
    /// `execution`, of a tool
    Execution,
    /// `taskSupport`, of a tool's execution
    TaskSupport,
}

impl Field {
    /// The field's name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Method => "method",
            Self::Params => "params",
            Self::Result => "result",
            Self::Error => "error",
            Self::Code => "code",
            Self::Message => "message",
            Self::Data => "data",
            Self::Detail => "detail",
            Self::RequestId => "requestId",
            Self::Progress => "progress",
            Self::ProgressToken => "progressToken",
            Self::Mode => "mode",
            Self::Tools => "tools",
            Self::Name => "name",
            Self::NextCursor => "nextCursor",
            Self::ServerInfo => "serverInfo",
            Self::Capabilities => "capabilities",
            Self::Instructions => "instructions",
            Self::Meta => "_meta",
            Self::MetaServerInfo => "io.modelcontextprotocol/serverInfo",
            Self::SubscriptionId => "io.modelcontextprotocol/subscriptionId",
            Self::SupportedVersions => "supportedVersions",
            Self::Supported => "supported",
            Self::ResultType => "resultType",
            Self::InputRequests => "inputRequests",
            Self::RequestState => "requestState",
            Self::TtlMs => "ttlMs",
            Self::TaskId => "taskId",
            Self::Task => "task",
            Self::Status => "status",
            Self::PollIntervalMs => "pollIntervalMs",
            Self::PollInterval => "pollInterval",
            Self::Uri => "uri",
            Self::Notifications => "notifications",
            Self::ResourceSubscriptions => "resourceSubscriptions",
            Self::Annotations => "annotations",
            Self::ReadOnlyHint => "readOnlyHint",
            Self::IdempotentHint => "idempotentHint",
            Self::Execution => "execution",
            Self::TaskSupport => "taskSupport",
        }
    }
}

impl Payload for serde_json::Value {
    fn field(&self, field: Field) -> Option<Self> {
        self.get(field.as_str()).cloned()
    }

    fn items(&self) -> Option<Vec<Self>> {
        self.as_array().cloned()
    }

    fn entries(&self) -> Option<Vec<(String, Self)>> {
        Some(self.as_object()?.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn with_items(&self, field: Field, items: &[Self]) -> Self {
        let mut copy = self.clone();
        copy[field.as_str()] = Self::Array(items.to_vec());
        copy
    }

    fn duplicate(&self) -> Self {
        self.clone()
    }

    fn is_object(&self) -> bool {
        self.is_object()
    }

    fn as_string(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
    }

    fn as_bool(&self) -> Option<bool> {
        self.as_bool()
    }

    fn as_number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(self).map_err(|error| describe(&error))
    }

    fn to_json(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn empty() -> Self {
        Self::Object(serde_json::Map::new())
    }
}

/// What did not fit, without the value: serde quotes it.
#[must_use]
pub fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") { text } else { "a field is of the wrong type".to_owned() }
}
