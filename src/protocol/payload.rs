//! The values that the core passes on without looking inside more than it must.

use super::bounds::TEXT;
use super::codec::json::quote;

/// A parsed JSON value that the core passes on without looking inside more than it must: a `JsValue` in the browser,
/// a `serde_json::Value` in native tests.
pub trait Payload: Clone {
    /// The field of an object; `None` where this is no object, or the field is absent.
    fn field(&self, field: Field) -> Option<Self>;
    /// The string in a field, as [`Payload::as_string`].
    fn text(&self, field: Field) -> Option<String> {
        self.field(field)?.as_string()
    }
    /// The number in a field.
    fn number(&self, field: Field) -> Option<f64> {
        self.field(field)?.as_number()
    }
    /// How many items an array has; `None` where this is no array.
    fn count(&self) -> Option<usize>;
    /// An item of an array.
    fn item(&self, at: usize) -> Self;
    /// The members of an object, their names as JSON texts; `None` where this is no object, or has more than `most`.
    fn entries(&self, most: usize) -> Option<Vec<(String, Self)>>;
    /// This object with this value in one field.
    #[must_use]
    fn with(&self, field: Field, value: Self) -> Self;
    /// This object without these items of the list in one field. They are in order.
    fn without_items(&self, field: Field, items: &[usize]) -> Self;
    /// Its JSON text as a value of its own, which stays where this value is, and how long it is in UTF-16 units; `None`
    /// where it has none.
    fn frozen(&self) -> Option<(Self, u64)>;
    /// The value that such a text says, each time anew.
    fn thawed(&self) -> Option<Self>;
    /// Whether this is a JSON object.
    fn is_object(&self) -> bool;
    /// The string, where this is one; no more of it than 64 Ki UTF-16 units.
    fn as_string(&self) -> Option<String>;
    /// The boolean, where this is one.
    fn as_bool(&self) -> Option<bool>;
    /// Whether it is more than nothing, as JavaScript sees it: not `null`, `false`, `0` or `""`.
    fn is_truthy(&self) -> bool;
    /// The number, where this is one.
    fn as_number(&self) -> Option<f64>;
    /// As JSON text, where it has one that is not too long.
    fn to_json(&self) -> Option<String> {
        self.to_json_within(u32::MAX)
    }
    /// As JSON text of no more than `most` UTF-16 units.
    fn to_json_within(&self, most: u32) -> Option<String>;
    /// From JSON text, where it is that.
    fn parse(text: &str) -> Option<Self>;
    /// The empty object `{}`: the value of a command that has nothing to return.
    fn empty() -> Self;
}

/// Names of fields, as variants and as they are in JSON.
macro_rules! fields {
    ($($variant:ident = $name:literal,)*) => {
        /// The fields that the core reads through [`Payload::field`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Field {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The field's name in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

fields! {
    Id = "id",
    Method = "method",
    Params = "params",
    Result = "result",
    Error = "error",
    Code = "code", // of an error
    Message = "message", // of an error or a refusal
    Data = "data", // of an error
    Detail = "detail", // of a refusal
    RequestId = "requestId", // of `notifications/cancelled` params
    Mode = "mode", // of an elicitation
    Url = "url", // of an elicitation
    Elicitations = "elicitations", // of the `data` of -32042
    ToolChoice = "toolChoice", // of a sampling request
    Tools = "tools", // of a page of the tool list
    Name = "name", // of a tool or a server
    NextCursor = "nextCursor", // of a page
    ServerInfo = "serverInfo", // of an InitializeResult
    Capabilities = "capabilities", // of an InitializeResult
    Instructions = "instructions", // of an InitializeResult
    Progress = "progress", // of `notifications/progress` params
    ProgressToken = "progressToken", // of `notifications/progress` params
    Meta = "_meta",
    MetaServerInfo = "io.modelcontextprotocol/serverInfo", // of a result's `_meta`
    SubscriptionId = "io.modelcontextprotocol/subscriptionId", // of a notification's `_meta`
    SupportedVersions = "supportedVersions", // of a DiscoverResult
    Supported = "supported", // of the `data` of -32022
    ResultType = "resultType", // of a result
    InputRequests = "inputRequests", // of a result
    RequestState = "requestState", // of a result
    TtlMs = "ttlMs", // of a result
    Ttl = "ttl", // of a task of 2025-11-25
    TaskId = "taskId", // of a task
    CreatedAt = "createdAt", // of a task
    Task = "task", // of a CreateTaskResult of 2025-11-25
    Status = "status", // of a task
    PollIntervalMs = "pollIntervalMs", // of a task
    PollInterval = "pollInterval", // of a task of 2025-11-25
    Uri = "uri", // of `notifications/resources/updated` params
    Notifications = "notifications", // of `notifications/subscriptions/acknowledged` params
    ResourceSubscriptions = "resourceSubscriptions", // of what a server acknowledges
    Annotations = "annotations", // of a tool
    ReadOnlyHint = "readOnlyHint", // of a tool's annotations
    IdempotentHint = "idempotentHint", // of a tool's annotations
    Execution = "execution", // of a tool
    TaskSupport = "taskSupport", // of a tool's execution
    ProtocolVersion = "protocolVersion", // of an InitializeResult
    Resources = "resources", // a capability
    ResourceTemplates = "resourceTemplates", // of a page of their list
    Prompts = "prompts", // a capability
    Contents = "contents", // of a resource
    Messages = "messages", // of a prompt
    Content = "content", // of a tool's answer
    StructuredContent = "structuredContent", // of a tool's answer
    Completion = "completion", // of a completion's result
    Values = "values", // of a completion
    Completions = "completions", // a capability
    Logging = "logging", // a capability
    Tasks = "tasks", // a capability
    Subscribe = "subscribe", // of a capability
    ListChanged = "listChanged", // of a capability
    Requests = "requests", // of the capability `tasks`
    Call = "call", // of `tasks.requests.tools`
}

impl Payload for serde_json::Value {
    fn field(&self, field: Field) -> Option<Self> {
        self.get(field.as_str()).cloned()
    }

    fn count(&self) -> Option<usize> {
        self.as_array().map(Vec::len)
    }

    fn item(&self, at: usize) -> Self {
        self.get(at).cloned().unwrap_or_default()
    }

    fn entries(&self, most: usize) -> Option<Vec<(String, Self)>> {
        Some(
            self.as_object()
                .filter(|all| all.len() <= most)?
                .iter()
                .map(|(key, value)| (quote(key), value.clone()))
                .collect(),
        )
    }

    fn with(&self, field: Field, value: Self) -> Self {
        let mut copy = self.clone();
        copy[field.as_str()] = value;
        copy
    }

    fn without_items(&self, field: Field, items: &[usize]) -> Self {
        let mut copy = self.clone();
        if let Some(list) = copy[field.as_str()].as_array_mut() {
            items.iter().rev().for_each(|at| drop(list.remove(*at)));
        }
        copy
    }

    fn frozen(&self) -> Option<(Self, u64)> {
        let text = self.to_string();
        let length = text.encode_utf16().count() as u64;
        Some((Self::String(text), length))
    }

    fn thawed(&self) -> Option<Self> {
        Self::parse(self.as_str()?)
    }

    fn is_object(&self) -> bool {
        self.is_object()
    }

    fn as_string(&self) -> Option<String> {
        self.as_str().map(|text| text.chars().take(TEXT as usize).collect())
    }

    fn as_bool(&self) -> Option<bool> {
        self.as_bool()
    }

    fn as_number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn is_truthy(&self) -> bool {
        !self.is_null() && *self != false && *self != 0 && *self != ""
    }

    fn to_json_within(&self, most: u32) -> Option<String> {
        Some(self.to_string()).filter(|text| text.encode_utf16().count() <= most as usize)
    }

    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn empty() -> Self {
        Self::Object(serde_json::Map::new())
    }
}
