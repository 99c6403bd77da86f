//! The legacy era: a session, made by a handshake.

use crate::protocol::lifecycle::Established;
use crate::protocol::{Field, Payload};

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
pub const PROGRESS: &str = "notifications/progress";

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
    if let Some(id) = session.id() {
        headers.push(("mcp-session-id".to_owned(), id.expose().to_owned()));
    }
    // The header came with 2025-06-18; without it, a CORS allow-list of an older server need not name it.
    if session.version() >= "2025-06-18" {
        headers.push(("mcp-protocol-version".to_owned(), session.version().to_owned()));
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

/// Whether a request only asks for a list: that harms nobody.
#[must_use]
pub fn is_list(method: &str) -> bool {
    matches!(method, "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list")
}

/// The capabilities that an `InitializeResult` declares, of those that requests need; `None` where it declares none at
/// all, which no server of the specification does.
pub(crate) fn capabilities<P: Payload>(handshake: &P) -> Option<Vec<&'static str>> {
    let declared = handshake.field(Field::Capabilities).filter(P::is_object)?;
    let has = |path: &[Field]| {
        let found = path.iter().try_fold(declared.clone(), |value, field| value.field(*field));
        found.is_some_and(|value| value.is_truthy())
    };
    let all = [
        ("tools", has(&[Field::Tools])),
        ("resources", has(&[Field::Resources])),
        ("resources.subscribe", has(&[Field::Resources, Field::Subscribe])),
        ("tools.listChanged", has(&[Field::Tools, Field::ListChanged])),
        ("resources.listChanged", has(&[Field::Resources, Field::ListChanged])),
        ("prompts.listChanged", has(&[Field::Prompts, Field::ListChanged])),
        ("tasks", has(&[Field::Tasks, Field::Requests, Field::Tools, Field::Call])),
        ("prompts", has(&[Field::Prompts])),
        ("completions", has(&[Field::Completions])),
        ("logging", has(&[Field::Logging])),
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
            | "server/discover"
            | "logging/setLevel"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "tasks/list"
            | "tasks/get"
            | "tasks/result"
            | "tasks/cancel"
    )
}
