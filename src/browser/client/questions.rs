//! What servers ask, and what they are answered, typed.

use super::handlers::{Asked, Question};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// `elicitation/create`: the server wants to know something of the user (2025-11-25, Elicitation).
///
/// ```no_run
/// use mcp_evergreen::{ElicitationAnswer, ElicitationRequest, Refusal};
/// use serde_json::json;
///
/// async fn ask(request: ElicitationRequest) -> Result<ElicitationAnswer, Refusal> {
///     match &request.url {
///         Some(_) => Ok(ElicitationAnswer::Decline),
///         None => Ok(ElicitationAnswer::Accept(json!({ "town": "Bergen" }))),
///     }
/// }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ElicitationRequest {
    /// What the user is asked, by the server.
    pub message: String,
    /// A form: a JSON Schema of an object with flat members.
    #[serde(default)]
    pub requested_schema: Option<Value>,
    /// An address that the user is to go to, once they have agreed; never opened unasked, nor shown inside the page.
    #[serde(default)]
    pub url: Option<String>,
    /// With `url`: its name in [`Notification::ElicitationComplete`](crate::Notification).
    #[serde(default)]
    pub elicitation_id: Option<String>,
    /// Who asks, and all of its `params`.
    #[serde(skip, default = "nobody")]
    pub question: Question,
}

/// What the user says to a question of the server's.
///
/// ```no_run
/// use mcp_evergreen::ElicitationAnswer;
/// use serde_json::json;
///
/// let yes = ElicitationAnswer::Accept(json!({ "name": "Ada", "newsletter": false }));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ElicitationAnswer {
    /// Yes, with the content of the form: an object; `null` where the user agrees to go to a `url`.
    Accept(Value),
    /// No.
    Decline,
    /// Neither: the dialog was closed.
    Cancel,
}

impl ElicitationAnswer {
    /// With the defaults of the form where the content lacks them (SEP-1034).
    pub(super) fn with_defaults(self, schema: Option<&Value>) -> Self {
        let Self::Accept(content) = self else { return self };
        let Some(properties) = schema.and_then(|schema| schema["properties"].as_object()) else {
            return Self::Accept(content);
        };
        let mut filled = if let Value::Object(content) = content { content } else { Map::new() };
        for (name, property) in properties {
            if let (None, Some(default)) = (filled.get(name), property.get("default")) {
                filled.insert(name.clone(), default.clone());
            }
        }
        Self::Accept(Value::Object(filled))
    }
}

impl Serialize for ElicitationAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Accept(Value::Null) => json!({ "action": "accept" }),
            Self::Accept(content) => json!({ "action": "accept", "content": content }),
            Self::Decline => json!({ "action": "decline" }),
            Self::Cancel => json!({ "action": "cancel" }),
        }
        .serialize(serializer)
    }
}

/// `sampling/createMessage`: the server wants to ask the host's model something (2025-11-25, Sampling).
///
/// ```no_run
/// use mcp_evergreen::{Refusal, SamplingAnswer, SamplingRequest};
///
/// async fn sample(request: SamplingRequest) -> Result<SamplingAnswer, Refusal> {
///     let last = request.messages.last().map(|message| message["content"]["text"].to_string());
///     Ok(SamplingAnswer::text("my-model", last.unwrap_or_default()))
/// }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SamplingRequest {
    /// `{ role, content }` each: a block of content, or an array of them.
    pub messages: Vec<Value>,
    /// What the model is told before them. The host may leave it out.
    #[serde(default)]
    pub system_prompt: Option<String>,
    /// The most tokens that the answer may have.
    #[serde(deserialize_with = "tokens")]
    pub max_tokens: u64,
    /// `{ hints, costPriority, speedPriority, intelligencePriority }`: wishes.
    #[serde(default)]
    pub model_preferences: Option<Value>,
    /// From 0 on.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Where the answer is to end.
    #[serde(default)]
    pub stop_sequences: Option<Vec<String>>,
    /// Tools that the model may use, where the capability `sampling.tools` is declared.
    #[serde(default)]
    pub tools: Option<Vec<Value>>,
    /// `{ mode: "auto" | "required" | "none" }`
    #[serde(default)]
    pub tool_choice: Option<Value>,
    /// Who asks, and all of its `params`.
    #[serde(skip, default = "nobody")]
    pub question: Question,
}

/// What the host's model says.
///
/// ```no_run
/// use mcp_evergreen::SamplingAnswer;
///
/// let answer = SamplingAnswer { stop_reason: Some("maxTokens".into()), ..SamplingAnswer::text("my-model", "Otters …") };
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SamplingAnswer {
    /// Which model it was.
    pub model: String,
    /// `assistant`, or `user`.
    pub role: String,
    /// A block of content, `{ type: "text", text }`, or an array of them.
    pub content: Value,
    /// `endTurn`, `stopSequence`, `maxTokens`, `toolUse`, or a word of the model's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
}

impl SamplingAnswer {
    /// A text that the model has ended by itself.
    #[must_use]
    pub fn text(model: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            role: "assistant".into(),
            content: json!({ "type": "text", "text": text.into() }),
            stop_reason: Some("endTurn".into()),
        }
    }
}

/// A folder that the server may work in (2025-11-25, Roots).
///
/// ```no_run
/// use mcp_evergreen::Root;
///
/// let root = Root { name: Some("Otters".into()), ..Root::new("file:///home/ada/otters") };
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Root {
    /// `file://…`
    pub uri: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Root {
    /// A folder without a name.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into(), name: None }
    }
}

impl Asked for ElicitationRequest {
    fn of(self, question: Question) -> Self {
        Self { question, ..self }
    }
}

impl Asked for SamplingRequest {
    fn of(self, question: Question) -> Self {
        Self { question, ..self }
    }
}

/// Until it is known who asks.
fn nobody() -> Question {
    Question {
        method: String::new(),
        params: Value::Null,
        server: String::new(),
        url: String::new(),
        call: None,
        generation: 0,
    }
}

/// JavaScript servers write whole numbers as they like.
fn tokens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    f64::deserialize(deserializer).map(|tokens| tokens as u64)
}
