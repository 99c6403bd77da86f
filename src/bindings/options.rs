//! What the facade hands over, as types. It has checked what the host gave; what does not fit here is a mistake of the
//! facade's, not of its user's.

use super::members::Members;
use crate::{
    browser::{clock, exchange::Transport, js::Thrown},
    protocol::{
        CallOptions, Config, Params, Resume,
        config::{CLIENT_INFO, Handshake, Recovery},
        era::memory,
    },
};
use serde::Deserialize;
use std::cell::RefCell;
use wasm_bindgen::JsValue;

/// How requests go, and who shares and answers.
pub(super) struct Environment {
    pub transport: Transport,
    /// The key of those tabs that share the session.
    pub share: Option<String>,
    /// Who is signed in.
    pub identity: Option<String>,
    /// Methods that the host answers.
    pub handled: Vec<String>,
}

pub(super) fn environment(url: String, given: &JsValue) -> Thrown<Environment> {
    let mut given = Members::of(given);
    let transport = Transport {
        url,
        fetch: given.function("fetch"),
        headers: given.get("headers"),
        credentials: given.need("credentials"),
        via: given.read("via"),
        token: RefCell::default(),
    };
    let (share, identity, handled) = (given.read("share"), given.read("identity"), given.need("handled"));
    let environment = Environment { transport, share, identity, handled };
    given.end_of_all()?;
    Ok(environment)
}

/// The options of a session: what is not given has its default.
pub(super) fn config(given: &JsValue) -> Thrown<Config> {
    let mut given = Members::of(given);
    let mut config = Config::default();
    let handshake = given.get("handshake");
    if handshake.is_object() {
        config.handshake = own_handshake(&handshake)?;
    } else if handshake == "host" {
        config.handshake = Handshake::Host;
    } else {
        given.misfits("handshake", "expected `own` or `host`");
    }
    if let Some(recovery) = given.given("recovery") {
        config.recovery = self::recovery(&recovery)?;
    }
    given.choose("era", &mut config.era);
    // Whatever a store holds: a number in milliseconds since the epoch, or none. The cast saturates.
    let legacy_until = given.read::<f64>("legacyUntil").unwrap_or_default();
    config.known_legacy = memory::holds(legacy_until as u64, clock::now().unix_ms);
    given.set("timeout", &mut config.timeout_ms);
    config.max_total_timeout_ms = given.read("maxTotalTimeout");
    given.set("trustAnnotations", &mut config.trust_annotations);
    given.set("maxMessageBytes", &mut config.max_message_bytes);
    given.set("maxEventBytes", &mut config.max_event_bytes);
    given.set("maxResumes", &mut config.max_resumes);
    given.set("maxInputRounds", &mut config.max_input_rounds);
    given.choose("listen", &mut config.listen);
    given.set("authorizes", &mut config.authorizes);
    given.choose("ask", &mut config.ask);
    given.set("generation", &mut config.generation);
    given.set("identified", &mut config.identified);
    given.set("fieldsVary", &mut config.fields_vary);
    given.choose("offline", &mut config.offline);
    config.keep_alive_ms = given.read("keepAlive");
    given.set("persists", &mut config.persists);
    given.choose("reconnectOn", &mut config.reconnect_on);
    given.choose("unreachable", &mut config.unreachable);
    given.end_of_all()?;
    Ok(config)
}

/// `{ own: { clientInfo, capabilities } }`, JSON texts both.
fn own_handshake(given: &JsValue) -> Thrown<Handshake> {
    let mut given = Members::at("handshake.", given);
    let own = given.get("own");
    given.end_of_all()?;
    let mut own = Members::at("handshake.own.", &own);
    let client_info = own.read("clientInfo").unwrap_or_else(|| CLIENT_INFO.to_owned());
    let handshake = Handshake::Own { client_info, capabilities: own.need("capabilities") };
    own.end_of_all()?;
    Ok(handshake)
}

fn recovery(given: &JsValue) -> Thrown<Recovery> {
    let mut given = Members::at("recovery.", given);
    let mut recovery = Recovery::default();
    given.choose("mode", &mut recovery.mode);
    given.set("maxAttempts", &mut recovery.max_attempts);
    given.set("baseDelay", &mut recovery.base_delay_ms);
    given.set("maxDelay", &mut recovery.max_delay_ms);
    given.end_of_all()?;
    Ok(recovery)
}

#[derive(Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum InputRequired {
    #[default]
    Auto,
    Manual,
}

#[derive(Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Cache {
    #[default]
    Default,
    Reload,
}

/// The options of one call. Most have none.
pub(super) fn call(given: &JsValue, progress: bool) -> Thrown<CallOptions> {
    let mut options = CallOptions { progress, ..CallOptions::default() };
    if !given.is_object() {
        return Ok(options);
    }
    let mut given = Members::of(given);
    let (mut input_required, mut cache) = (InputRequired::default(), Cache::default());
    options.timeout_ms = given.read("timeout");
    options.max_total_timeout_ms = given.read("maxTotalTimeout");
    given.set("resetTimeoutOnProgress", &mut options.reset_timeout_on_progress);
    given.set("repeatable", &mut options.repeatable);
    given.choose("inputRequired", &mut input_required);
    given.choose("cache", &mut cache);
    // Names and values in turn.
    let headers: Vec<String> = given.read("headers").unwrap_or_default();
    let event_id = given.read("resume");
    given.set("eventIds", &mut options.event_ids);
    given.end_of_all()?;
    options.manual_input = input_required == InputRequired::Manual;
    options.reload = cache == Cache::Reload;
    let field = |pair: &[String]| Some((pair.first()?.to_ascii_lowercase(), pair.get(1)?.clone()));
    options.headers = headers.chunks(2).filter_map(field).collect();
    options.resume = event_id.map(|event_id| Resume { event_id, generation: None });
    Ok(options)
}

/// Adds what few requests have among their params.
pub(super) fn more(given: &JsValue, to: &mut Params) -> Thrown<()> {
    let mut given = Members::of(given);
    to.uri = given.read("uri");
    to.task_id = given.read("taskId");
    to.level = given.read("level");
    given.set("cursor", &mut to.has_cursor);
    given.set("task", &mut to.has_task);
    to.inputs = given.read("inputs");
    given.end()
}
