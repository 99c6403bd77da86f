//! The modern era: every request says all that the server has to know (2026-07-28, basic, Request metadata).

use crate::protocol::codec::json::{Members, quote, without};
use crate::protocol::codec::json_rpc::member;
use crate::protocol::{Field, Params, Payload};

/// The version that we speak.
pub const VERSION: &str = "2026-07-28";
/// Tells which versions, capabilities and instructions the server has.
pub const DISCOVER: &str = "server/discover";
/// Opens the stream on which the server speaks unasked.
pub const LISTEN: &str = "subscriptions/listen";
/// A tool call may become a task that is polled (extension `io.modelcontextprotocol/tasks`).
pub const TASKS: &str = "io.modelcontextprotocol/tasks";

const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
const META_LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// What every request carries in `_meta`: members of a JSON object, without the braces.
#[must_use]
pub fn stamp(client_info: &str, capabilities: &str) -> String {
    let capabilities = with_tasks(capabilities);
    format!(r#""{META_VERSION}":"{VERSION}","{META_CLIENT}":{client_info},"{META_CAPABILITIES}":{capabilities}"#)
}

/// We poll tasks, whatever the host declares.
fn with_tasks(capabilities: &str) -> String {
    let Some(mut all) = Members::parse(capabilities) else { return capabilities.to_owned() };
    let mut extensions = all.read::<Members>("extensions").unwrap_or_default();
    if extensions.get(TASKS).is_none() {
        extensions.push(TASKS, &Members::default());
    }
    all.retain(|name| name != "extensions");
    all.push("extensions", &extensions);
    all.to_text()
}

/// The stamp that a host's own Client wrote into `_meta`; `None` where it is not of this version.
#[must_use]
pub fn stamp_of(meta: &str) -> Option<String> {
    let meta = Members::parse(meta)?;
    meta.read::<String>(META_VERSION).filter(|version| version == VERSION)?;
    let members = meta.iter().filter(|(key, _)| [META_VERSION, META_CAPABILITIES, META_CLIENT].contains(key));
    Some(members.map(|(key, value)| member(key, value.get())).collect::<Vec<_>>().join(","))
}

/// The stamp of one request: with the log level that the app wants to hear.
#[must_use]
pub fn stamp_with_level(stamp: &str, level: Option<&str>) -> String {
    match level {
        Some(level) => format!(r#"{stamp},"{META_LOG_LEVEL}":{}"#, quote(level)),
        None => stamp.to_owned(),
    }
}

/// A caller's `_meta` without the keys that are the stamp's: no key may stand twice.
#[must_use]
pub fn without_stamp(meta: &str) -> String {
    without(meta, &[META_VERSION, META_CAPABILITIES, META_CLIENT, META_LOG_LEVEL])
}

/// The header fields of a request.
pub(crate) fn headers(method: &str, params: &Params) -> Vec<(String, String)> {
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ("mcp-protocol-version".to_owned(), VERSION.to_owned()),
        ("mcp-method".to_owned(), method.to_owned()),
    ];
    // "Mcp-Name: params.name for tools/call and prompts/get, params.uri for resources/read" (2026-07-28, transports,
    // Standard Request Headers); the tasks extension adds params.taskId.
    let name = match method {
        "tools/call" | "prompts/get" => &params.name,
        "resources/read" => &params.uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => &params.task_id,
        _ => &None,
    };
    if let Some(name) = name {
        headers.push(("mcp-name".to_owned(), super::param_headers::encode(name)));
    }
    headers
}

/// What the server calls itself: in an `InitializeResult`, or in the `_meta` of a `DiscoverResult`.
pub(crate) fn server_info<P: Payload>(handshake: &P) -> Option<P> {
    let legacy = handshake.field(Field::ServerInfo);
    legacy.or_else(|| handshake.field(Field::Meta)?.field(Field::MetaServerInfo))
}

/// What a result is; a result without `resultType` is complete (2026-07-28, basic, ResultType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultType {
    Complete,
    InputRequired,
    Task,
    Unknown,
}

impl ResultType {
    pub fn of<P: Payload>(result: &P) -> Self {
        let Some(named) = result.field(Field::ResultType) else { return Self::Complete };
        match named.as_string().as_deref() {
            Some("complete") => Self::Complete,
            Some("input_required") => Self::InputRequired,
            Some("task") => Self::Task,
            Some(_) | None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_stamp_declares_the_tasks_extension_beside_what_the_host_declares() {
        let stamp = stamp(r#"{"name":"a","version":"1"}"#, r#"{"roots":{},"extensions":{"x/y":{"z":1}}}"#);
        let meta: Value = serde_json::from_str(&format!("{{{stamp}}}")).expect("members of an object");
        assert_eq!(meta[META_VERSION], VERSION);
        assert_eq!(meta[META_CLIENT]["name"], "a");
        assert_eq!(
            meta[META_CAPABILITIES],
            serde_json::json!({"roots": {}, "extensions": {"x/y": {"z": 1}, TASKS: {}}})
        );
    }

    #[test]
    fn a_callers_meta_does_not_overrule_the_stamp() {
        let meta = format!(r#"{{"{META_VERSION}":"1999-01-01","a/b":2}}"#);
        assert_eq!(without_stamp(&meta), r#"{"a/b":2}"#);
        assert_eq!(without_stamp(r#"{ "a/b":2}"#), r#"{ "a/b":2}"#);
    }
}
