//! What a server is asked most, by methods of their own.

use super::{Session, command::read};
use crate::browser::options::Error;
use crate::protocol::{CallOptions, Field, Payload};
use serde_json::{Map, Value, json};

impl Session {
    /// What a resource holds: `{ contents: [{ uri, mimeType, text | blob }] }` (2025-11-25, Resources, Reading Resources).
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let read = session.read_resource("file:///otters").await?;
    /// println!("{}", read["contents"][0]["text"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn read_resource(&self, uri: &str) -> Result<Value, Box<Error>> {
        self.plainly("resources/read", json!({ "uri": uri })).await
    }

    /// Wants to be told when a resource is another ([`Notification::ResourceUpdated`](crate::Notification)). The server's own
    /// stream is open meanwhile. Where the session is lost, the next one is subscribed as well.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// session.subscribe_resource("file:///otters").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`]; [`Code::Capability`](crate::Code) where the server has no subscriptions.
    pub async fn subscribe_resource(&self, uri: &str) -> Result<(), Box<Error>> {
        self.plainly("resources/subscribe", json!({ "uri": uri })).await.map(drop)
    }

    /// Does not want to be told any more.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// session.unsubscribe_resource("file:///otters").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn unsubscribe_resource(&self, uri: &str) -> Result<(), Box<Error>> {
        self.plainly("resources/unsubscribe", json!({ "uri": uri })).await.map(drop)
    }

    /// A prompt, filled in: `{ description, messages: [{ role, content }] }` (2025-11-25, Prompts, Getting a Prompt).
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let prompt = session.get_prompt("review", &[("language", "Rust")]).await?;
    /// println!("{}", prompt["messages"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn get_prompt(&self, name: &str, arguments: &[(&str, &str)]) -> Result<Value, Box<Error>> {
        let arguments: Map<String, Value> =
            arguments.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        self.plainly("prompts/get", json!({ "name": name, "arguments": arguments })).await
    }

    /// What fits into an argument: `{ completion: { values, total, hasMore } }` (2025-11-25, Completion). `of` is
    /// `{ type: "ref/prompt", name }` or `{ type: "ref/resource", uri }`.
    ///
    /// ```no_run
    /// use serde_json::json;
    ///
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let fitting = session.complete(json!({ "type": "ref/prompt", "name": "review" }), "language", "Ru").await?;
    /// println!("{}", fitting["completion"]["values"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn complete(&self, of: Value, argument: &str, value: &str) -> Result<Value, Box<Error>> {
        let params = json!({ "ref": of, "argument": { "name": argument, "value": value } });
        self.plainly("completion/complete", params).await
    }

    /// How important a message must be for the server to tell it ([`Notification::Log`](crate::Notification)): `debug`, `info`,
    /// `notice`, `warning`, `error`, `critical`, `alert` or `emergency` (2025-11-25, Logging). Holds beyond an eviction.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// session.set_logging_level("warning").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn set_logging_level(&self, level: &str) -> Result<(), Box<Error>> {
        self.plainly("logging/setLevel", json!({ "level": level })).await.map(drop)
    }

    /// Asks the server whether it is there.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// session.ping().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn ping(&self) -> Result<(), Box<Error>> {
        self.plainly("ping", Value::Null).await.map(drop)
    }

    /// What the server can do (2025-11-25, Schema, `ServerCapabilities`); `null` before that is known.
    ///
    /// ```no_run
    /// # fn show(session: mcp_evergreen::Session) {
    /// let has_tools = session.capabilities().get("tools").is_some();
    /// # }
    /// ```
    #[must_use]
    pub fn capabilities(&self) -> Value {
        self.said(Field::Capabilities)
    }

    /// How the server is to be used, in its own words.
    ///
    /// ```no_run
    /// # fn show(session: mcp_evergreen::Session) {
    /// println!("{}", session.instructions().unwrap_or_default());
    /// # }
    /// ```
    #[must_use]
    pub fn instructions(&self) -> Option<String> {
        self.said(Field::Instructions).as_str().map(str::to_owned)
    }

    /// What the server calls itself: `{ name, version, title, … }`; `null` before that is known. Whatever a host shows or keeps
    /// should go by a name of its own for the server.
    ///
    /// ```no_run
    /// # fn show(session: mcp_evergreen::Session) {
    /// println!("{}", session.server_info()["name"]);
    /// # }
    /// ```
    #[must_use]
    pub fn server_info(&self) -> Value {
        self.status().server_info.and_then(|info| read(&info).ok()).unwrap_or_default()
    }

    fn said(&self, field: Field) -> Value {
        let handshake = self.status().handshake;
        handshake.and_then(|handshake| handshake.field(field)).and_then(|said| read(&said).ok()).unwrap_or_default()
    }

    async fn plainly(&self, method: &str, params: Value) -> Result<Value, Box<Error>> {
        self.request(method, params, CallOptions::default()).await
    }
}
