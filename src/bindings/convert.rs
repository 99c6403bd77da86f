//! Makes plain objects for JavaScript.

use super::error::{diagnosis, error};
use crate::{
    browser::js::Plain,
    protocol::{
        Event, Role, Status,
        era::Era,
        error::Diagnosis,
        status::{Changes, LastRecovery, Wire, WireStep},
    },
};
use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;

const INVALID_TOOL: &str = "The server offers a tool whose x-mcp-header annotations are not valid; it was left out of the \
                            list. The server's author has to mend its definition.";

/// A snapshot of the state.
pub(super) fn status(status: Status<JsValue>) -> JsValue {
    let known = |name: &str| {
        let value = Reflect::get(status.handshake.as_ref()?, &name.into()).ok()?;
        (!value.is_undefined()).then_some(value)
    };
    let waiting = status.waiting_for.map(|waiting| {
        Plain::new().with("why", waiting.why).with_some("until", waiting.until_unix_ms.map(|until| until as f64))
    });
    Plain::new()
        .with("state", status.phase.as_str())
        .with_some("era", status.era.map(Era::as_str))
        .with_some("protocolVersion", status.protocol_version)
        .with_some("serverInfo", status.server_info)
        .with_some("capabilities", known("capabilities"))
        .with_some("instructions", known("instructions"))
        .with_some("sessionTag", status.session_tag)
        .with("generation", status.generation)
        .with_some("share", status.share.and_then(role))
        .with_some("verifiedAt", status.verified_at_unix_ms.map(|at| at as f64))
        .with("recoveries", status.recoveries)
        .with_some("lastRecovery", status.last_recovery.map(|last| recovery(&last).with("at", last.at_unix_ms as f64)))
        .with_some("waitingFor", waiting)
        .with_some("lastError", status.last_error.map(|last| error(*last)))
        .into()
}

fn role(role: Role) -> Option<&'static str> {
    match role {
        Role::Leading => Some("leading"),
        Role::Following => Some("following"),
        Role::Alone | Role::Apart => None,
    }
}

/// The name of an event and its detail; a change of state has none of its own.
pub(super) fn event(event: Event<JsValue>) -> Option<(&'static str, Plain)> {
    Some(match event {
        Event::StateChange => return None,
        Event::Recovering { reason, generation } => {
            ("recovering", Plain::new().with("reason", reason).with("generation", generation))
        }
        Event::Recovered { generation, recovery: last, changes, stale, stale_lists } => (
            "recovered",
            recovery(&last)
                .with("generation", generation)
                .with("changed", changed(changes))
                .with("stale", strings(&stale))
                .with("staleLists", strings(&stale_lists)),
        ),
        Event::Notification { method, params, call } => (
            "notification",
            Plain::new()
                .with("method", method)
                .with_some("params", params)
                .with_some("call", call.map(|call| call.0 as f64)),
        ),
        Event::EventId { call, generation, event_id } => (
            "eventid",
            Plain::new().with("call", call.0 as f64).with("generation", generation).with("eventId", event_id),
        ),
        Event::Warning { kind, header, hint } => ("warning", diagnosis(Diagnosis { kind, header, hint })),
        // The tool's name is the server's word: it is a field of its own.
        Event::InvalidTool { name, why } => (
            "warning",
            Plain::new().with("kind", "invalid_tool").with("tool", name).with("hint", INVALID_TOOL).with("why", why),
        ),
        Event::Task { call, task } => ("task", Plain::new().with("call", call.0 as f64).with("task", task)),
        Event::Stale { lists, resources } => {
            ("stale", Plain::new().with("staleLists", strings(&lists)).with("stale", strings(&resources)))
        }
        Event::Wire(step) => ("wire", wire(step)),
        Event::Keep { record } => ("keep", Plain::new().with("record", record)),
        Event::TakenUp => ("takenup", Plain::new()),
        Event::Reclaim => ("reclaim", Plain::new()),
        Event::Close { reason } => ("close", Plain::new().with("reason", reason)),
    })
}

fn recovery(last: &LastRecovery) -> Plain {
    Plain::new()
        .with("reason", last.reason)
        .with("duration", last.duration_ms as f64)
        .with("retried", last.retried)
        .with("restored", strings(&last.restored))
        .with("lost", strings(&last.lost))
}

/// What is different is there; what is not, is not.
fn changed(changes: Changes) -> Plain {
    let tools = changes.tools.map(|tools| {
        Plain::new()
            .with("added", strings(&tools.added))
            .with("removed", strings(&tools.removed))
            .with("changed", strings(&tools.changed))
    });
    Plain::new()
        .with_some("era", changes.era.map(Era::as_str))
        .with_some("server", changes.server.then_some(true))
        .with_some("capabilities", changes.capabilities.then_some(true))
        .with_some("instructions", changes.instructions.then_some(true))
        .with_some("tools", tools)
}

fn strings(texts: &[impl AsRef<str>]) -> Array {
    texts.iter().map(|text| JsValue::from_str(text.as_ref())).collect()
}

fn wire(wire: Wire) -> Plain {
    let plain = Plain::new()
        .with("purpose", wire.purpose.as_str())
        .with("method", wire.method.as_str())
        .with_some("rpcMethod", wire.rpc_method)
        .with("generation", wire.generation)
        .with("attempt", wire.attempt)
        .with("at", wire.at_unix_ms as f64)
        .with("exchange", wire.exchange.0 as f64);
    match wire.step {
        WireStep::Sent => plain.with("phase", "sent"),
        WireStep::Answered { status, verdict, duration_ms } => plain
            .with("phase", "answered")
            .with("status", status)
            .with("verdict", verdict.map_or("ok", |verdict| verdict.as_str()))
            .with("duration", duration_ms as f64),
        WireStep::Failed { duration_ms } => plain.with("phase", "failed").with("duration", duration_ms as f64),
        WireStep::Aborted { duration_ms } => plain.with("phase", "aborted").with("duration", duration_ms as f64),
    }
}
