//! The modern era (2026-07-28): negotiation, the envelope, multi round trips, the listening stream, caching, tasks, and
//! servers that change their era.

mod caching;
mod hosts;
mod rounds;
mod streams;
mod tasks;
mod upgrades;

use crate::net::{Net, Reply, event};
use mcp_evergreen::protocol::config::{EraChoice, Handshake, Listen};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::status::{Event, Phase};
use mcp_evergreen::protocol::{CallId, CallOptions, Config, Input};
use serde_json::{Value, json};

const BOTH: &[Era] = &[Era::Legacy, Era::Modern];
const MODERN: &[Era] = &[Era::Modern];
const LEGACY: &[Era] = &[Era::Legacy];

fn net(eras: &'static [Era]) -> Net {
    net_with(eras, Config::default())
}

fn net_with(eras: &'static [Era], config: Config) -> Net {
    let mut net = Net::in_era(EraChoice::Auto, config);
    net.eras = eras;
    net
}

/// Connected to a server of the modern era.
fn connected() -> Net {
    connected_with(Config::default())
}

fn connected_with(config: Config) -> Net {
    let mut net = net_with(MODERN, config);
    net.capabilities = json!({"tools": {"listChanged": true}, "prompts": {}, "completions": {},
        "resources": {"subscribe": true, "listChanged": true}});
    net.connect();
    assert_eq!(net.run(), ["discover→200", "connect ok"]);
    net
}

fn rpc_error(status: u16, code: i64, data: &Value) -> Reply {
    let error = json!({"code": code, "message": "no", "data": data});
    Reply::json(status, &json!({"jsonrpc": "2.0", "id": null, "error": error}))
}

/// To the request that is on the wire next.
fn own_error(net: &Net, status: u16, code: i64, data: &Value) -> Reply {
    let id = net.sent.iter().filter_map(|sent| sent.body["id"].as_u64()).max().expect("a request") + 1;
    let error = json!({"code": code, "message": "no", "data": data});
    Reply::json(status, &json!({"jsonrpc": "2.0", "id": id, "error": error}))
}

fn last<'a>(net: &'a Net, name: &str) -> &'a crate::net::Sent {
    net.sent.iter().rfind(|sent| sent.name() == name).expect("was sent")
}

fn subscribe(net: &mut Net, uri: &str) -> CallId {
    net.request("resources/subscribe", Some(&json!({"uri": uri})), CallOptions::default(), uri)
}

fn stale(net: &Net) -> Vec<(Vec<&'static str>, Vec<String>)> {
    let stale = |event: &Event<Value>| match event {
        Event::Stale { lists, resources } => Some((lists.clone(), resources.clone())),
        _ => None,
    };
    net.events.iter().filter_map(stale).collect()
}

fn asks(keys: &[&str], state: Option<&str>) -> Value {
    let request = json!({"method": "elicitation/create", "params": {"message": "?", "requestedSchema": {}}});
    let requests: serde_json::Map<String, Value> =
        keys.iter().map(|key| ((*key).to_owned(), request.clone())).collect();
    let mut result = json!({"resultType": "input_required"});
    if !keys.is_empty() {
        result["inputRequests"] = requests.into();
    }
    if let Some(state) = state {
        result["requestState"] = state.into();
    }
    result
}

fn eliciting() -> Net {
    let mut net = connected();
    net.session.set_handled("elicitation/create".into());
    net
}

// Negotiation

#[test]
fn a_modern_server_needs_no_handshake() {
    let mut net = connected();
    let status = net.status();
    assert_eq!((status.era, status.protocol_version), (Some(Era::Modern), Some("2026-07-28")));
    assert_eq!(status.server_info.expect("serverInfo")["name"], "server");
    net.call("write");
    assert_eq!(net.run(), ["call→200", "write ok"]);
}

#[test]
fn a_server_that_speaks_both_is_spoken_to_in_the_modern_era() {
    let mut net = net(BOTH);
    net.connect();
    assert_eq!(net.run(), ["discover→200", "connect ok"]);
}

#[test]
fn a_legacy_server_is_asked_once_and_then_initialized() {
    let mut net = net(LEGACY);
    net.connect();
    assert_eq!(net.run(), ["discover→404", "initialize→200 s1", "initialized→202", "connect ok"]);
    let initialize = last(&net, "initialize");
    assert_eq!((initialize.header("mcp-method"), initialize.header("mcp-protocol-version")), (None, None));
    assert_eq!(initialize.body["params"].get("_meta"), None);
    // An eviction costs no second question.
    net.restart();
    net.call("write");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "write ok"]);
}

#[test]
fn a_server_that_is_remembered_as_legacy_is_not_asked() {
    let mut net = net_with(LEGACY, Config { known_legacy: true, ..Config::default() });
    net.connect();
    assert_eq!(net.run(), ["initialize→200 s1", "initialized→202", "connect ok"]);
}

#[test]
fn what_is_remembered_may_be_wrong() {
    let mut net = net_with(MODERN, Config { known_legacy: true, ..Config::default() });
    net.connect();
    assert_eq!(net.run(), ["initialize→400", "discover→200", "connect ok"]);
}

#[test]
fn which_era_the_server_speaks_is_told_with_each_session_where_it_could_be_either() {
    let told = |net: &Net| -> Vec<Option<u64>> {
        let told = net.events.iter().filter_map(|event| match event {
            Event::EraLearned { legacy_until_unix_ms } => Some(*legacy_until_unix_ms),
            _ => None,
        });
        told.collect()
    };
    let mut net = net(LEGACY);
    net.connect();
    net.run();
    assert_eq!(told(&net), [Some(net.now.unix_ms + 3_600_000)]);
    net.eras = BOTH;
    net.run_for(3_600_000);
    net.restart();
    net.call("write");
    net.run();
    assert_eq!(told(&net).len(), 2);
    assert_eq!(told(&net).last(), Some(&None));
    let mut net = Net::in_era(EraChoice::Legacy, Config::default());
    net.connect();
    net.run();
    assert_eq!(told(&net), [], "nobody asked");
}

#[test]
fn a_legacy_server_is_asked_again_after_an_hour() {
    let mut net = net(LEGACY);
    net.connect();
    net.run();
    net.eras = BOTH;
    net.run_for(3_600_000);
    net.restart();
    net.call("write");
    assert_eq!(net.run(), ["call→404", "discover→200", "call→200", "write ok"]);
    assert_eq!(net.status().era, Some(Era::Modern));
}

#[test]
fn an_empty_result_is_no_discover_result() {
    let mut net = net(LEGACY);
    net.reply("discover", Reply::json(200, &json!({"jsonrpc": "2.0", "id": 1, "result": {}})));
    net.connect();
    assert_eq!(net.run()[1..], ["initialize→200 s1", "initialized→202", "connect ok"]);
}

#[test]
fn a_request_that_the_browser_hides_may_have_met_a_legacy_server() {
    let mut net = net(LEGACY);
    net.reply("discover", Reply::Break);
    net.connect();
    assert_eq!(net.run(), ["discover→broke", "initialize→200 s1", "initialized→202", "connect ok"]);
}

#[test]
fn a_modern_server_whose_cors_rules_are_of_the_legacy_era_is_named() {
    let mut net = net(MODERN);
    net.reply("discover", Reply::Break);
    let connect = net.connect();
    assert_eq!(net.run(), ["discover→broke", "initialize→400", "connect cors not_executed"]);
    let error = net.error(connect);
    assert_eq!(error.diagnosis.as_ref().and_then(|it| it.header), Some("Access-Control-Allow-Headers"));
}

#[test]
fn a_modern_error_is_no_reason_to_fall_back() {
    for code in [-32020, -32021] {
        let mut net = net(LEGACY);
        net.reply("discover", rpc_error(400, code, &json!(null)));
        net.connect();
        assert_eq!(net.run(), ["discover→400", "connect rpc not_executed"], "{code}");
    }
}

#[test]
fn a_server_that_names_our_version_is_asked_once_more() {
    let mut net = net(MODERN);
    net.reply("discover", rpc_error(400, -32022, &json!({"supported": ["2026-07-28"]})));
    net.connect();
    assert_eq!(net.run(), ["discover→400", "discover→200", "connect ok"]);
    for _ in 0..2 {
        net.reply("discover", rpc_error(400, -32022, &json!({"supported": ["2026-07-28"]})));
    }
    let mut net = self::net(MODERN);
    for _ in 0..2 {
        net.reply("discover", rpc_error(400, -32022, &json!({"supported": ["2026-07-28"]})));
    }
    net.connect();
    assert_eq!(net.run(), ["discover→400", "discover→400", "connect rpc not_executed"]);
}

#[test]
fn versions_that_we_do_not_speak_are_named() {
    let mut net = net(MODERN);
    net.reply("discover", rpc_error(400, -32022, &json!({"supported": ["2030-01-01", "evil <b>"]})));
    let connect = net.connect();
    assert_eq!(net.run(), ["discover→400", "connect unsupported_version not_executed"]);
    let message = &net.error(connect).message;
    assert!(message.contains("2030-01-01") && !message.contains("evil"), "{message}");
}

#[test]
fn an_era_that_is_pinned_is_not_left() {
    let mut net = Net::in_era(EraChoice::Modern, Config::default());
    net.connect();
    assert_eq!(net.run(), ["discover→404", "connect unsupported_version not_executed"]);
    let mut net = Net::in_era(EraChoice::Legacy, Config::default());
    net.eras = MODERN;
    let connect = net.connect();
    assert_eq!(net.run(), ["initialize→400", "connect unsupported_version not_executed"]);
    assert!(net.error(connect).message.contains("2026-07-28"));
}

// The envelope

#[test]
fn every_request_says_all_that_the_server_has_to_know() {
    let mut net = connected_with(Config { listen: Listen::Never, ..Config::default() });
    let meta = r#"{"a.b/c":1,"io.modelcontextprotocol/protocolVersion":"1999-01-01"}"#;
    let params = mcp_evergreen::protocol::Params {
        text: Some(r#"{"name":"größe","arguments":{}}"#.into()),
        meta: Some(meta.into()),
        name: Some("größe".into()),
        ..Default::default()
    };
    net.session.call("tools/call".into(), params, CallOptions { progress: true, ..CallOptions::default() }, net.now);
    net.run();
    let call = last(&net, "call");
    assert_eq!(call.header("mcp-name"), Some("=?base64?Z3LDtsOfZQ==?="));
    assert_eq!(call.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!((call.header("mcp-session-id"), call.header("mcp-method")), (None, Some("tools/call")));
    let meta = &call.body["params"]["_meta"];
    assert_eq!(meta["a.b/c"], 1);
    assert_eq!(meta["progressToken"], call.body["id"]);
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcp-evergreen");
    assert!(call.request.body.as_deref().is_some_and(|body| body.matches("protocolVersion").count() == 1));
}

#[test]
fn the_log_level_goes_with_every_request() {
    let mut net = connected();
    net.request("logging/setLevel", Some(&json!({"level": "debug"})), CallOptions::default(), "level");
    net.call("a");
    assert_eq!(net.run(), ["level ok", "call→200", "a ok"]);
    assert_eq!(last(&net, "call").body["params"]["_meta"]["io.modelcontextprotocol/logLevel"], "debug");
}

#[test]
fn a_ping_is_a_question_for_what_the_server_is() {
    let mut net = connected();
    net.request("ping", None, CallOptions::default(), "ping");
    let verify = net.session.verify(net.now);
    net.name(verify, "verify");
    assert_eq!(net.run(), ["discover→200", "ping ok", "verify ok"]);
}

fn list_with(schema: &Value) -> Value {
    json!({"tools": [{"name": "query", "inputSchema": {"type": "object", "properties": schema}}, {"name": "plain"}]})
}

#[test]
fn parameters_are_mirrored_as_the_latest_list_says() {
    let mut net = connected();
    let query = |net: &mut Net| {
        let params = json!({"name": "query", "arguments": {"region": "eu", "n": 7}});
        net.request("tools/call", Some(&params), CallOptions::default(), "query");
        net.run();
        let call = last(net, "call");
        (call.header("mcp-param-region").map(str::to_owned), call.header("mcp-param-n").map(str::to_owned))
    };
    assert_eq!(query(&mut net), (None, None));
    net.answer_next("list", &list_with(&json!({"region": {"type": "string", "x-mcp-header": "Region"}})));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    assert_eq!(query(&mut net), (Some("eu".into()), None));
    net.answer_next("list", &list_with(&json!({"n": {"type": "integer", "x-mcp-header": "N"}})));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    assert_eq!(query(&mut net), (None, Some("7".into())));
}

#[test]
fn parameters_are_mirrored_in_the_next_session_before_its_list_is_read() {
    let mut net = connected();
    net.answer_next("list", &list_with(&json!({"region": {"type": "string", "x-mcp-header": "Region"}})));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    net.session.reconnect(net.now);
    net.request(
        "tools/call",
        Some(&json!({"name": "query", "arguments": {"region": "eu"}})),
        CallOptions::default(),
        "query",
    );
    net.run();
    assert_eq!(last(&net, "call").header("mcp-param-region"), Some("eu"));
}

#[test]
fn a_tool_that_cannot_be_mirrored_is_left_out_with_a_warning() {
    let mut net = connected();
    net.answer_next("list", &list_with(&json!({"region": {"type": "number", "x-mcp-header": "Region"}})));
    let list = net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    assert_eq!(net.results[&list].as_ref().expect("a list")["tools"], json!([{"name": "plain"}]));
    let invalid = |event: &Event<Value>| matches!(event, Event::InvalidTool { name, .. } if name == "query");
    assert_eq!(net.events.iter().filter(|event| invalid(event)).count(), 1);
}

#[test]
fn header_fields_that_the_server_does_not_expect_are_built_anew_once() {
    let mut net = connected();
    net.call("query");
    net.reply("call", own_error(&net, 400, -32020, &json!(null)));
    net.answer_next("list", &list_with(&json!({"region": {"type": "string", "x-mcp-header": "Region"}})));
    assert_eq!(net.run(), ["call→400", "list→200", "call→200", "query ok"]);
    net.call("query");
    for skip in [1, 3] {
        let id = net.sent.iter().filter_map(|sent| sent.body["id"].as_u64()).max().expect("a request") + skip;
        let error = json!({"code": -32020, "message": "no"});
        net.reply("call", Reply::json(400, &json!({"jsonrpc": "2.0", "id": id, "error": error})));
    }
    assert_eq!(net.run(), ["call→400", "list→200", "call→400", "query rpc not_executed"]);
}

#[test]
fn a_version_that_the_server_names_is_tried_once_more() {
    let mut net = connected();
    net.reply("call", rpc_error(400, -32022, &json!({"supported": ["2026-07-28"]})));
    net.call("write");
    assert_eq!(net.run(), ["call→400", "call→200", "write ok"]);
    let ids: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "call").map(|sent| &sent.body["id"]).collect();
    assert_ne!(ids[0], ids[1]);
}

/// Both codes come with HTTP 400; what a handler passes on of a server behind it may come with any status.
#[test]
fn a_version_or_header_fields_that_are_refused_with_another_status_cost_no_second_run() {
    for (code, data) in [(-32022, json!({"supported": ["2026-07-28"]})), (-32020, json!(null))] {
        for status in [200, 403, 404, 422, 500, 502, 503] {
            for own in [true, false] {
                let mut net = connected();
                net.call("write");
                let reply = if own { own_error(&net, status, code, &data) } else { rpc_error(status, code, &data) };
                net.reply("call", reply);
                let log = net.run_for(5_000);
                assert_eq!(log.iter().filter(|line| line.starts_with("call→")).count(), 1, "{status} {code} {log:?}");
                assert!(log.iter().any(|line| line.starts_with("write ")), "{status} {code} {log:?}");
                let proven = log.iter().any(|line| line.ends_with("not_executed"));
                assert!(!proven || !own && status == 403, "{status} {code} {log:?}");
            }
        }
    }
}

#[test]
fn an_unknown_method_is_an_answer() {
    let mut net = connected();
    let call = net.request("x/unknown", None, CallOptions::default(), "x");
    net.reply("x/unknown", own_error(&net, 404, -32601, &json!(null)));
    assert_eq!(net.run(), ["x/unknown→404", "x rpc unknown"]);
    assert_eq!(net.error(call).rpc_code, Some(-32601));
}

#[test]
fn a_request_of_the_server_s_is_left_out() {
    let mut net = connected();
    let ping = json!({"jsonrpc": "2.0", "id": 0, "method": "ping"});
    net.reply("call", Reply::Open(format!("data: {ping}\n\n")));
    net.call("write");
    assert_eq!(net.run(), ["call→200 stream"]);
    assert_eq!(net.warnings(), ["unexpected_request"]);
}
