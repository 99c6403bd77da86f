//! What servers list, typed. What a server says beyond that is kept in `more`.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A tool (2025-11-25, Tools). All of it is the server's word: its annotations, too.
///
/// ```no_run
/// use mcp_evergreen::Tool;
/// use serde_json::{Value, json};
///
/// fn for_the_model(tool: &Tool) -> Value {
///     json!({ "name": tool.name, "description": tool.description, "input_schema": tool.input_schema })
/// }
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tool {
    /// What it is called by.
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON Schema of its arguments.
    #[serde(default)]
    pub input_schema: Value,
    /// A JSON Schema of the `structuredContent` of its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// `{ title, readOnlyHint, destructiveHint, idempotentHint, openWorldHint }`: hints, which "clients MUST consider
    /// untrusted unless they come from trusted servers".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
    /// `icons`, `execution`, `_meta` …
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Tool {
    /// Its title, else the one of its annotations, else its name (2025-11-25, Schema, `BaseMetadata`).
    #[must_use]
    pub fn display_name(&self) -> &str {
        let annotated = self.annotations.as_ref().and_then(|annotations| annotations["title"].as_str());
        let titles = [self.title.as_deref(), annotated];
        titles.into_iter().flatten().find(|title| !title.is_empty()).unwrap_or(&self.name)
    }
}

/// A resource (2025-11-25, Resources).
///
/// ```no_run
/// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
/// for resource in session.resources().all().await? {
///     println!("{}: {}", resource.uri, resource.mime_type.unwrap_or_default());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// What it is read by.
    pub uri: String,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people and the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Of its contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// `size` in bytes, `annotations`, `icons`, `_meta` …
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A template of resources' URIs (2025-11-25, Resources, Resource Templates).
///
/// ```no_run
/// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
/// let mut templates = session.resource_templates();
/// while let Some(template) = templates.next().await {
///     println!("{}", template?.uri_template);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceTemplate {
    /// RFC 6570.
    pub uri_template: String,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people and the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Of all resources of this template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// `annotations`, `icons`, `_meta` …
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A prompt (2025-11-25, Prompts).
///
/// ```no_run
/// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
/// for prompt in session.prompts().all().await? {
///     println!("{} takes {} arguments", prompt.name, prompt.arguments.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Prompt {
    /// What it is got by.
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it takes: `{ name, title, description, required }` each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Value>,
    /// `icons`, `_meta` …
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// One page of a list.
///
/// ```no_run
/// use mcp_evergreen::{Page, Tool};
///
/// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
/// let first: Page<Tool> = session.list_tools(None).await?;
/// if let Some(cursor) = &first.next_cursor {
///     let second = session.list_tools(Some(cursor)).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// Those that are as the specification has them: others are left out, and an [`Event::Warning`](crate::Event) says so.
    pub items: Vec<T>,
    /// What the next page is asked for by.
    pub next_cursor: Option<String>,
}

/// What comes in lists.
///
/// ```no_run
/// use mcp_evergreen::{Listed, Tool};
///
/// assert_eq!(Tool::METHOD, "tools/list");
/// ```
pub trait Listed: DeserializeOwned + private::Sealed {
    /// Lists it.
    const METHOD: &'static str;
    /// Where a page has its items.
    const FIELD: &'static str;
    /// What names an item.
    const KEY: &'static str;
}

mod private {
    pub trait Sealed {}
}

macro_rules! listed {
    ($($item:ty: $method:literal, $field:literal, $key:literal;)*) => {
        $(
            impl private::Sealed for $item {}

            impl Listed for $item {
                const METHOD: &'static str = $method;
                const FIELD: &'static str = $field;
                const KEY: &'static str = $key;
            }
        )*
    };
}

listed! {
    Tool: "tools/list", "tools", "name";
    Resource: "resources/list", "resources", "uri";
    ResourceTemplate: "resources/templates/list", "resourceTemplates", "uriTemplate";
    Prompt: "prompts/list", "prompts", "name";
}
