//! The legacy era: a session, made by a handshake.

use crate::protocol::state::Established;
use crate::protocol::{Field, Payload};
use serde::de::IgnoredAny;

/// The versions that we speak, newest first.
pub const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// What `initialize` offers: the latest (2025-11-25, lifecycle, Version Negotiation).
pub const LATEST: &str = VERSIONS[0];
/// The request that tells whether a session lives.
pub const PING: &str = "ping";
/// The handshake's request.
pub const INITIALIZE: &str = "initialize";
/// The handshake's notification.
pub const INITIALIZED: &str = "notifications/initialized";
/// Tells the server that a request was given up.
pub const CANCELLED: &str = "notifications/cancelled";

/// The version of ours with this name.
#[must_use]
pub fn version(name: &str) -> Option<&'static str> {
    VERSIONS.into_iter().find(|version| *version == name)
}

/// Whether this looks like a protocol version.
#[must_use]
pub fn is_date(name: &str) -> bool {
    name.len() == 10 && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// The header fields of a POST, under a session where there is one.
pub(crate) fn post_headers<P>(session: Option<&Established<P>>) -> Vec<(String, String)> {
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        // "The client MUST include an Accept header, listing both" (2025-11-25, transports, Sending Messages 2)
        ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
    ];
    headers.extend(session.into_iter().flat_map(session_headers));
    headers
}

/// The header fields of any request under a session.
pub(crate) fn session_headers<P>(session: &Established<P>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    if let Some(id) = &session.id {
        headers.push(("mcp-session-id".to_owned(), id.expose().to_owned()));
    }
    // The header came with 2025-06-18; without it, a CORS allow-list of an older server need not name it.
    if session.version >= "2025-06-18" {
        headers.push(("mcp-protocol-version".to_owned(), session.version.to_owned()));
    }
    headers
}

/// The server's capability that a request needs, as `capability` or `capability.part`.
#[must_use]
pub fn needed_capability(method: &str, version: &str) -> Option<&'static str> {
    match method {
        "tools/list" | "tools/call" => Some("tools"),
        "resources/list" | "resources/templates/list" | "resources/read" => Some("resources"),
        "resources/subscribe" | "resources/unsubscribe" => Some("resources.subscribe"),
        "prompts/list" | "prompts/get" => Some("prompts"),
        // The capability came with 2025-03-26.
        "completion/complete" if version >= "2025-03-26" => Some("completions"),
        "logging/setLevel" => Some("logging"),
        _ => None,
    }
}

/// The capabilities that an `InitializeResult` declares, of those that requests need; `None` where it declares none at
/// all, which no server of the specification does.
pub(crate) fn capabilities<P: Payload>(handshake: &P) -> Option<Vec<&'static str>> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Capabilities {
        tools: Option<Feature>,
        resources: Option<Feature>,
        prompts: Option<Feature>,
        completions: Option<IgnoredAny>,
        logging: Option<IgnoredAny>,
        tasks: Option<Tasks>,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Feature {
        subscribe: bool,
        list_changed: bool,
    }
    // `tasks.requests.tools.call`
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Tasks {
        requests: Option<TaskRequests>,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct TaskRequests {
        tools: Option<TaskTools>,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct TaskTools {
        call: Option<IgnoredAny>,
    }
    let declared: Capabilities = handshake.field(Field::Capabilities)?.read().ok()?;
    let subscribe = declared.resources.as_ref().is_some_and(|resources| resources.subscribe);
    let runs_tasks = declared.tasks.as_ref().and_then(|tasks| tasks.requests.as_ref()?.tools.as_ref()?.call.as_ref());
    let tells = |feature: &Option<Feature>| feature.as_ref().is_some_and(|feature| feature.list_changed);
    let all = [
        ("tools", declared.tools.is_some()),
        ("resources", declared.resources.is_some()),
        ("resources.subscribe", subscribe),
        ("tools.listChanged", tells(&declared.tools)),
        ("resources.listChanged", tells(&declared.resources)),
        ("prompts.listChanged", tells(&declared.prompts)),
        ("tasks", runs_tasks.is_some()),
        ("prompts", declared.prompts.is_some()),
        ("completions", declared.completions.is_some()),
        ("logging", declared.logging.is_some()),
    ];
    Some(all.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect())
}

/// Whether a second run of this method does no harm, whatever the server is.
#[must_use]
pub fn is_safe_to_repeat(method: &str) -> bool {
    matches!(
        method,
        "tools/list"
            | "resources/list"
            | "resources/templates/list"
            | "prompts/list"
            | "resources/read"
            | "prompts/get"
            | "completion/complete"
            | "ping"
            | "logging/setLevel"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "tasks/list"
            | "tasks/get"
            | "tasks/result"
            | "tasks/cancel"
    )
}
