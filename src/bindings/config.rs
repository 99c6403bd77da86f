//! Reads what the facade hands over. It has validated it and filled in every default; what does not fit is a mistake of
//! the facade's, not of its user's.

use super::values::{number, text};
use crate::{
    browser::{
        authorize::Obtained,
        exchange::Transport,
        js::{Thrown, type_error},
    },
    protocol::{
        CallOptions, Challenge, Config, Origin, Params, Resume,
        config::{Connections, EraChoice, Handshake, Listen, Mode, Offline, ReconnectOn, Recovery, Unreachable},
        oauth::{Said, Trouble},
    },
};
use js_sys::{Array, Function, Reflect};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};

/// The arguments of `open`: how requests go, what the core is told, the group of tabs, and which methods are answered.
pub(super) fn parse(url: &JsValue, config: &JsValue) -> Thrown<(Transport, Config, Option<String>, Vec<String>)> {
    let field = |name: &str| Reflect::get(config, &JsValue::from_str(name));
    let need_text = |name: &str| text(&field(name)?).ok_or_else(|| type_error(name));
    let need_number = |name: &str| number(&field(name)?).ok_or_else(|| type_error(name));
    let transport = Transport {
        url: text(url).ok_or_else(|| type_error("url"))?,
        fetch: field("fetch")?.dyn_into::<Function>().ok(),
        headers: field("headers")?,
        credentials: need_text("credentials")?,
        via: text(&field("via")?),
        token: RefCell::default(),
    };
    let handshake = match need_text("handshake")?.as_str() {
        "own" => Handshake::Own { client_info: need_text("clientInfo")?, capabilities: need_text("capabilities")? },
        "host" => Handshake::Host,
        _ => return Err(type_error("handshake")),
    };
    let mode = match need_text("mode")?.as_str() {
        "default" => Mode::Default,
        "strict" => Mode::Strict,
        "off" => Mode::Off,
        _ => return Err(type_error("mode")),
    };
    let recovery = Recovery {
        mode,
        max_attempts: u32::try_from(need_number("maxAttempts")?).unwrap_or(u32::MAX),
        base_delay_ms: need_number("baseDelay")?,
        max_delay_ms: need_number("maxDelay")?,
    };
    let era = match need_text("era")?.as_str() {
        "auto" => EraChoice::Auto,
        "legacy" => EraChoice::Legacy,
        "modern" => EraChoice::Modern,
        _ => return Err(type_error("era")),
    };
    let config = Config {
        handshake,
        era,
        known_legacy: field("knownLegacy")?.is_truthy(),
        max_input_rounds: u32::try_from(need_number("maxInputRounds")?).unwrap_or(u32::MAX),
        timeout_ms: need_number("timeout")?,
        max_total_timeout_ms: number(&field("maxTotalTimeout")?),
        recovery,
        trust_annotations: field("trustAnnotations")?.is_truthy(),
        max_message_bytes: need_number("maxMessageBytes")?,
        max_event_bytes: need_number("maxEventBytes")?,
        listen: match need_text("listen")?.as_str() {
            "auto" => Listen::Auto,
            "always" => Listen::Always,
            "never" => Listen::Never,
            _ => return Err(type_error("listen")),
        },
        reconnect_on: match need_text("reconnectOn")?.as_str() {
            "never" => ReconnectOn::Never,
            "incompatible" => ReconnectOn::Incompatible,
            "any-change" => ReconnectOn::AnyChange,
            _ => return Err(type_error("reconnectOn")),
        },
        offline: match need_text("offline")?.as_str() {
            "wait" => Offline::Wait,
            "fail" => Offline::Fail,
            _ => return Err(type_error("offline")),
        },
        keep_alive_ms: number(&field("keepAlive")?),
        persists: field("persists")?.is_truthy(),
        max_resumes: u32::try_from(need_number("maxResumes")?).unwrap_or(u32::MAX),
        authorizes: field("authorizes")?.is_truthy(),
        unreachable: match need_text("unreachable")?.as_str() {
            "fail" => Unreachable::Fail,
            "wait" => Unreachable::Wait,
            _ => return Err(type_error("unreachable")),
        },
        generation: number(&field("generation")?)
            .and_then(|generation| u32::try_from(generation).ok())
            .unwrap_or_default(),
        identified: field("identified")?.is_truthy(),
        fields_vary: field("fieldsVary")?.is_truthy(),
        // The driver's to say.
        shared: false,
        connections: Connections::Many,
    };
    Ok((transport, config, text(&field("share")?), items(&field("handled")?).iter().filter_map(text).collect()))
}

/// How an authorization ended, as the second module says it.
pub(super) fn obtained(result: &JsValue) -> Obtained {
    let field = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or_default();
    if field(result, "needsUser").is_truthy() {
        return Obtained::NeedsUser;
    }
    let error = field(result, "error");
    if error.is_undefined() {
        let refresh_at_unix_ms = number(&field(result, "refreshAt"));
        let same = field(result, "same").is_truthy();
        let token = text(&field(result, "token"));
        let www_authenticate = text(&field(result, "challenge"));
        let status = number(&field(result, "status")).and_then(|status| u16::try_from(status).ok());
        let returned = status.map(|status| Challenge { status, www_authenticate });
        let origin = Origin { grant: text(&field(result, "grant")), returned };
        return Obtained::Token { token, refresh_at_unix_ms, same, origin };
    }
    let kind = text(&field(&field(&error, "diagnosis"), "kind")).unwrap_or_default();
    let data = field(&error, "data");
    let status = number(&field(&data, "status")).and_then(|status| u16::try_from(status).ok());
    let said = Said { status, error: text(&field(&data, "error")) };
    match Trouble::again(&kind, string(&field(&error, "message")), field(&error, "retryable").is_truthy(), said) {
        Some(trouble) => Obtained::Failed(trouble, Some(field(&error, "cause")).filter(|cause| !cause.is_undefined())),
        // It is not the module that says so, but what kept it from saying anything.
        None => Obtained::nothing(error),
    }
}

/// The options of one call.
pub(super) fn call_options(options: &JsValue) -> CallOptions {
    let field = |name: &str| Reflect::get(options, &JsValue::from_str(name)).unwrap_or_default();
    if !options.is_object() {
        return CallOptions::default();
    }
    CallOptions {
        timeout_ms: number(&field("timeout")),
        max_total_timeout_ms: number(&field("maxTotalTimeout")),
        reset_timeout_on_progress: field("resetTimeoutOnProgress").is_truthy(),
        progress: false,
        repeatable: field("repeatable").is_truthy(),
        manual_input: text(&field("inputRequired")).as_deref() == Some("manual"),
        reload: text(&field("cache")).as_deref() == Some("reload"),
        headers: items(&field("headers")).iter().filter_map(pair).collect(),
        resume: text(&field("resume")).map(|event_id| {
            let generation = number(&field("resumeGeneration")).and_then(|generation| u32::try_from(generation).ok());
            Resume { event_id, generation }
        }),
        event_ids: field("eventIds").is_truthy(),
    }
}

/// The params of a request or a notification; `more` is what few have, `{uri, taskId, level, cursor, task, inputs}`.
pub(super) fn params(text: &JsValue, meta: &JsValue, name: &JsValue, more: &JsValue) -> Params {
    let params = Params { text: text.as_string(), meta: meta.as_string(), name: name.as_string(), ..Params::default() };
    if !more.is_object() {
        return params;
    }
    let field = |name: &str| Reflect::get(more, &JsValue::from_str(name)).unwrap_or_default();
    Params {
        uri: field("uri").as_string(),
        task_id: field("taskId").as_string(),
        level: field("level").as_string(),
        has_cursor: field("cursor").is_truthy(),
        has_task: field("task").is_truthy(),
        inputs: field("inputs").as_string(),
        ..params
    }
}

/// A string; empty where it is none.
pub(super) fn string(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}

fn items(value: &JsValue) -> Vec<JsValue> {
    if Array::is_array(value) { value.unchecked_ref::<Array>().iter().collect() } else { Vec::new() }
}

fn pair(value: &JsValue) -> Option<(String, String)> {
    match &items(value)[..] {
        [name, value] => Some((text(name)?.to_ascii_lowercase(), text(value)?)),
        _ => None,
    }
}
