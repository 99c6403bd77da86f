//! The values that the core passes on without looking inside more than it must.

use serde::de::DeserializeOwned;

/// A parsed JSON value that the core passes on without looking inside more than it must: a `JsValue` in the browser,
/// a `serde_json::Value` in native tests.
pub trait Payload: Clone {
    /// The field of an object; `None` where this is no object, or the field is absent.
    fn field(&self, field: Field) -> Option<Self>;
    /// The items of an array; `None` where this is no array.
    fn items(&self) -> Option<Vec<Self>>;
    /// Whether this is a JSON object.
    fn is_object(&self) -> bool;
    /// The string, where this is one.
    fn as_string(&self) -> Option<String>;
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

    fn is_object(&self) -> bool {
        self.is_object()
    }

    fn as_string(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
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
