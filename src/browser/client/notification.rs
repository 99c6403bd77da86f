//! What the server says unasked, typed.

use super::command::read;
use crate::browser::options::Event;
use crate::protocol::ToolChanges;
use serde::Deserialize;
use serde_json::Value;

/// What the server says unasked, or what follows for it from a recovery: what was missed counts as changed.
///
/// ```no_run
/// use mcp_evergreen::Notification;
///
/// fn show(notification: &Notification) -> String {
///     match notification {
///         Notification::Log { level, data, .. } => format!("{level}: {data}"),
///         Notification::ResourceUpdated { uri, .. } => format!("{uri} is another now"),
///         _ => String::new(),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notification {
    /// The list of tools is another (2025-11-25, Tools, List Changed Notification), or may be; with what is different, where
    /// that is known: after a recovery. A list that is the same after one is not told of.
    ToolsChanged(Option<ToolChanges>),
    /// The list of resources or of their templates is another, or may be.
    ResourcesChanged,
    /// The list of prompts is another, or may be.
    PromptsChanged,
    /// A resource that is subscribed was updated (2025-11-25, Resources, Subscriptions).
    ResourceUpdated {
        /// Its URI.
        uri: String,
        /// Nothing was told: the session was lost, or its stream, and an update may have been missed.
        stale: bool,
    },
    /// A message for the log (2025-11-25, Logging).
    Log {
        /// `debug`, `info`, `notice`, `warning`, `error`, `critical`, `alert` or `emergency`.
        level: String,
        /// Who says it.
        logger: Option<String>,
        /// What it says: any JSON.
        data: Value,
    },
    /// The user has done what a question by URL asked for (2025-11-25, Elicitation, Completion Notifications for URL Mode).
    /// Told of questions alone that this session has been asked.
    ElicitationComplete {
        /// Its `elicitationId`.
        id: String,
    },
    /// Any other.
    Other {
        /// `notifications/…`
        method: String,
        /// Its `params`; `null` where there are none, or they are nested more than 127 levels deep.
        params: Value,
    },
}

/// What an event is to those who hear what is unasked. `complete(id)`: a question by URL of this id was asked, and has ended.
pub(super) fn notification(event: &Event, complete: impl FnOnce(&str) -> bool) -> Option<Notification> {
    if let Event::ListChanged { list, tools } = event {
        return Some(of_list(list, tools.clone()));
    }
    if let Event::ResourceStale { uri } = event {
        return Some(Notification::ResourceUpdated { uri: uri.clone(), stale: true });
    }
    let Event::Notification { method, params, .. } = event else { return None };
    let params: Value = params.as_ref().and_then(|params| read(params).ok()).unwrap_or_default();
    match &**method {
        "notifications/tools/list_changed" => Some(Notification::ToolsChanged(None)),
        "notifications/resources/list_changed" => Some(Notification::ResourcesChanged),
        "notifications/prompts/list_changed" => Some(Notification::PromptsChanged),
        "notifications/resources/updated" => {
            let uri = params["uri"].as_str()?.to_owned();
            Some(Notification::ResourceUpdated { uri, stale: false })
        }
        "notifications/message" => {
            let Message { level, logger, data } = Message::deserialize(params).ok()?;
            Some(Notification::Log { level, logger, data })
        }
        // "Clients MUST ignore notifications referencing unknown or already-completed IDs" (2025-11-25, Elicitation,
        // Completion Notifications for URL Mode Elicitation).
        "notifications/elicitation/complete" => {
            let id = params["elicitationId"].as_str().filter(|id| complete(id))?;
            Some(Notification::ElicitationComplete { id: id.to_owned() })
        }
        _ => Some(Notification::Other { method: method.clone(), params }),
    }
}

fn of_list(list: &str, tools: Option<ToolChanges>) -> Notification {
    match list {
        "tools" => Notification::ToolsChanged(tools),
        "prompts" => Notification::PromptsChanged,
        _ => Notification::ResourcesChanged,
    }
}

#[derive(Deserialize)]
struct Message {
    level: String,
    #[serde(default)]
    logger: Option<String>,
    #[serde(default)]
    data: Value,
}
