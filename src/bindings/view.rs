//! What JavaScript is told of a session, with the names that `types.d.ts` gives it.

use super::{
    error::{Diagnosis, McpError},
    values::{Raw, plain},
};
use crate::protocol::{
    self, Event, Field, Payload, Role, ToolChanges,
    era::Era,
    status::{Changes, LastRecovery, WaitingFor, Wire, WireStep},
};
use serde::Serialize;
use wasm_bindgen::JsValue;

const INVALID_TOOL: &str = "The server offers a tool whose x-mcp-header annotations are not valid; it was left out of the \
                            list. The server's author has to mend its definition.";

/// A snapshot of the state.
pub(super) fn status(status: protocol::Status<JsValue>) -> JsValue {
    plain(&Status::from(status))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    era: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_info: Option<Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_tag: Option<String>,
    generation: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<f64>,
    recoveries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_recovery: Option<Finished>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<Waiting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_in: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<McpError>,
}

impl From<protocol::Status<JsValue>> for Status {
    fn from(status: protocol::Status<JsValue>) -> Self {
        let role = |role| match role {
            Role::Leading => Some("leading"),
            Role::Following => Some("following"),
            Role::Alone | Role::Apart => None,
        };
        let known = |field| status.handshake.as_ref()?.field(field).map(Raw);
        Self {
            state: status.phase.as_str(),
            era: status.era.map(Era::as_str),
            protocol_version: status.protocol_version,
            server_info: status.server_info.map(Raw),
            capabilities: known(Field::Capabilities),
            instructions: known(Field::Instructions),
            session_tag: status.session_tag,
            generation: status.generation,
            share: status.share.and_then(role),
            verified_at: status.verified_at_unix_ms.map(|at| at as f64),
            recoveries: status.recoveries,
            last_recovery: status.last_recovery.map(Finished::from),
            waiting_for: status.waiting_for.map(Waiting::from),
            signed_in: status.signed_in,
            last_error: status.last_error.map(|error| McpError::from(*error)),
        }
    }
}

/// `waitingFor`
#[derive(Serialize)]
struct Waiting {
    why: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<f64>,
}

impl From<WaitingFor> for Waiting {
    fn from(WaitingFor { why, until_unix_ms }: WaitingFor) -> Self {
        Self { why, until: until_unix_ms.map(|until| until as f64) }
    }
}

/// `lastRecovery`
#[derive(Serialize)]
struct Finished {
    at: f64,
    reason: &'static str,
    duration: f64,
    retried: u32,
    restored: Vec<String>,
    lost: Vec<String>,
}

impl From<LastRecovery> for Finished {
    fn from(last: LastRecovery) -> Self {
        let LastRecovery { at_unix_ms, reason, duration_ms, retried, restored, lost } = last;
        Self { at: at_unix_ms as f64, reason, duration: duration_ms as f64, retried, restored, lost }
    }
}

/// The details of the events: each has the fields of its variant, and no other.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Detail {
    Nothing {},
    Recovering {
        reason: &'static str,
        generation: u32,
    },
    Recovered {
        generation: u32,
        reason: &'static str,
        duration: f64,
        retried: u32,
        restored: Vec<String>,
        lost: Vec<String>,
        changed: Changed,
        stale: Vec<String>,
        stale_lists: Vec<&'static str>,
    },
    EventId {
        call: f64,
        event_id: String,
    },
    Warning(Diagnosis),
    /// The tool's name is the server's word: it is a field of its own.
    InvalidTool {
        kind: &'static str,
        tool: String,
        hint: &'static str,
        why: &'static str,
    },
    Task {
        call: f64,
        task: Raw,
    },
    /// A list of which it is not known what is different.
    StaleList {
        stale: bool,
    },
    ToolsChanged(Tools),
    ResourceStale {
        uri: String,
        stale: bool,
    },
    ForClient {
        method: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        params: Option<Raw>,
    },
    Wire(OverTheWire),
    Era {
        #[serde(skip_serializing_if = "Option::is_none")]
        legacy_until: Option<f64>,
    },
    Keep {
        record: String,
    },
    Close {
        reason: &'static str,
    },
}

/// The name of an event and its detail.
pub(super) fn event(event: Event<JsValue>) -> Option<(&'static str, JsValue)> {
    let (name, detail) = match event {
        // A change of the state and a notification have calls of their own; what is stale is told one by one.
        Event::StateChange | Event::Notification { .. } | Event::Stale { .. } => return None,
        Event::Recovering { reason, generation } => ("recovering", Detail::Recovering { reason, generation }),
        Event::Recovered { generation, recovery, changes, stale, stale_lists } => {
            let LastRecovery { at_unix_ms: _, reason, duration_ms, retried, restored, lost } = recovery;
            let (duration, changed) = (duration_ms as f64, changes.into());
            let detail = Detail::Recovered {
                generation,
                reason,
                duration,
                retried,
                restored,
                lost,
                changed,
                stale,
                stale_lists,
            };
            ("recovered", detail)
        }
        Event::EventId { call, event_id, .. } => ("eventid", Detail::EventId { call: call.0 as f64, event_id }),
        Event::Warning { kind, header, hint } => ("warning", Detail::Warning(Diagnosis::new(kind, header, hint))),
        Event::InvalidTool { name: tool, why } => {
            ("warning", Detail::InvalidTool { kind: "invalid_tool", tool, hint: INVALID_TOOL, why })
        }
        Event::Task { call, task } => ("task", Detail::Task { call: call.0 as f64, task: Raw(task) }),
        Event::ListChanged { list, tools } => {
            let name = match list {
                "tools" => "toolschange",
                "prompts" => "promptschange",
                _ => "resourceschange",
            };
            (name, tools.map_or(Detail::StaleList { stale: true }, |tools| Detail::ToolsChanged(tools.into())))
        }
        Event::ResourceStale { uri } => ("resourceupdate", Detail::ResourceStale { uri, stale: true }),
        Event::ForClient { method, params } => ("forclient", Detail::ForClient { method, params: params.map(Raw) }),
        Event::Wire(wire) => ("wire", Detail::Wire(wire.into())),
        Event::EraLearned { legacy_until_unix_ms: until } => {
            ("era", Detail::Era { legacy_until: until.map(|until| until as f64) })
        }
        Event::Keep { record } => ("keep", Detail::Keep { record }),
        Event::TakenUp => ("takenup", Detail::Nothing {}),
        Event::Reclaim => ("reclaim", Detail::Nothing {}),
        Event::Close { reason } => ("close", Detail::Close { reason }),
    };
    Some((name, plain(&detail)))
}

/// What is different is there; what is not, is not.
#[derive(Serialize)]
struct Changed {
    #[serde(skip_serializing_if = "Option::is_none")]
    era: Option<&'static str>,
    #[serde(skip_serializing_if = "is_false")]
    server: bool,
    #[serde(skip_serializing_if = "is_false")]
    capabilities: bool,
    #[serde(skip_serializing_if = "is_false")]
    instructions: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Tools>,
}

#[derive(Serialize)]
struct Tools {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

impl From<Changes> for Changed {
    fn from(Changes { era, server, capabilities, instructions, tools }: Changes) -> Self {
        Self { era: era.map(Era::as_str), server, capabilities, instructions, tools: tools.map(Tools::from) }
    }
}

impl From<ToolChanges> for Tools {
    fn from(ToolChanges { added, removed, changed }: ToolChanges) -> Self {
        Self { added, removed, changed }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(is: &bool) -> bool {
    !is
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OverTheWire {
    purpose: &'static str,
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpc_method: Option<String>,
    generation: u32,
    attempt: u32,
    at: f64,
    exchange: f64,
    phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
}

impl From<Wire> for OverTheWire {
    fn from(Wire { exchange, purpose, method, rpc_method, generation, attempt, step, at_unix_ms }: Wire) -> Self {
        let (phase, answer, duration) = match step {
            WireStep::Sent => ("sent", None, None),
            WireStep::Answered { status, verdict, duration_ms } => {
                ("answered", Some((status, verdict.map_or("ok", |verdict| verdict.as_str()))), Some(duration_ms))
            }
            WireStep::Failed { duration_ms } => ("failed", None, Some(duration_ms)),
            WireStep::Aborted { duration_ms } => ("aborted", None, Some(duration_ms)),
        };
        let (status, verdict) = answer.unzip();
        Self {
            purpose: purpose.as_str(),
            method: method.as_str(),
            rpc_method,
            generation,
            attempt,
            at: at_unix_ms as f64,
            exchange: exchange.0 as f64,
            phase,
            status,
            verdict,
            duration: duration.map(|ms| ms as f64),
        }
    }
}
