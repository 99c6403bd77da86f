//! The modern era (2026-07-28): negotiation, the envelope, multi round trips, the listening stream, caching, tasks, and
//! servers that change their era.

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

// Multi round trips

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

#[test]
fn input_is_asked_for_and_goes_with_the_call_once_more() {
    let mut net = eliciting();
    net.answer_next("call", &asks(&["a", "b"], Some("st\"ate")));
    net.call("book");
    assert_eq!(net.run(), ["call→200", "asked elicitation/create", "asked elicitation/create"]);
    let first = last(&net, "call").body.clone();
    let questions: Vec<_> = net.questions.iter().map(|(id, _)| *id).collect();
    net.session.answer(questions[1], Ok(r#"{"action":"decline"}"#.into()), net.now);
    assert_eq!(net.run(), Vec::<String>::new());
    net.session.answer(questions[0], Ok(r#"{"action":"accept","content":{"n":1}}"#.into()), net.now);
    assert_eq!(net.run(), ["call→200", "book ok"]);
    let second = &last(&net, "call").body;
    assert_ne!(first["id"], second["id"]);
    let inputs = json!({"a": {"action": "accept", "content": {"n": 1}}, "b": {"action": "decline"}});
    assert_eq!(second["params"]["inputResponses"], inputs);
    assert_eq!(second["params"]["requestState"], "st\"ate");
    assert_eq!(second["params"]["name"], "book");
    // It is not said again.
    net.call("book");
    net.run();
    let third = &last(&net, "call").body["params"];
    assert_eq!((third.get("inputResponses"), third.get("requestState")), (None, None));
}

#[test]
fn a_state_is_echoed_as_it_is_now_or_not_at_all() {
    let mut net = eliciting();
    for result in [asks(&["a"], Some("1")), asks(&["b"], None)] {
        net.answer_next("call", &result);
    }
    net.call("book");
    net.run();
    for (at, input) in ["x", "y"].iter().enumerate() {
        let (question, _) = net.questions[at];
        net.session.answer(question, Ok(json!({ "content": input }).to_string()), net.now);
        net.run();
    }
    let calls: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "call").map(|sent| &sent.body["params"]).collect();
    assert_eq!(calls[1]["requestState"], "1");
    assert_eq!(calls[2].get("requestState"), None);
    assert_eq!(calls[2]["inputResponses"], json!({"b": {"content": "y"}}));
}

#[test]
fn parallel_calls_keep_their_inputs_apart() {
    let mut net = eliciting();
    net.answer_next("call", &asks(&["a"], Some("of one")));
    net.answer_next("call", &asks(&["a"], Some("of two")));
    net.call("one");
    net.call("two");
    net.run();
    let questions: Vec<_> = net.questions.iter().map(|(id, _)| *id).collect();
    net.session.answer(questions[1], Ok("2".into()), net.now);
    net.session.answer(questions[0], Ok("1".into()), net.now);
    net.run();
    let told = |tool: &str| {
        let sent = net.sent.iter().rfind(|sent| sent.body["params"]["name"] == tool).expect("was sent");
        (sent.body["params"]["inputResponses"]["a"].clone(), sent.body["params"]["requestState"].clone())
    };
    assert_eq!((told("one"), told("two")), ((json!(1), json!("of one")), (json!(2), json!("of two"))));
}

#[test]
fn a_server_that_only_gives_a_state_is_asked_again_after_a_while() {
    let mut net = eliciting();
    net.answer_next("call", &asks(&[], Some("later")));
    net.call("book");
    assert_eq!(net.run(), ["call→200"]);
    assert_eq!(net.run_for(400), Vec::<String>::new());
    assert_eq!(net.run_for(700), ["call→200", "book ok"]);
    assert_eq!(last(&net, "call").body["params"]["requestState"], "later");
}

#[test]
fn the_clock_stands_still_while_the_user_is_asked() {
    let mut net = eliciting();
    net.answer_next("call", &asks(&["a"], None));
    net.call("book");
    net.run();
    assert_eq!(net.run_for(600_000), Vec::<String>::new());
    net.session.answer(net.questions[0].0, Ok("{}".into()), net.now);
    assert_eq!(net.run(), ["call→200", "book ok"]);
}

#[test]
fn rounds_are_bounded() {
    let mut net = eliciting();
    for _ in 0..11 {
        net.answer_next("call", &asks(&["a"], None));
    }
    let call = net.call("book");
    for round in 0..10 {
        net.run();
        net.session.answer(net.questions[round].0, Ok("{}".into()), net.now);
    }
    assert_eq!(net.run(), ["call→200", "book protocol unknown"]);
    assert!(net.error(call).message.contains("maxInputRounds"));
}

#[test]
fn input_that_cannot_be_given_ends_the_call() {
    let mut net = connected();
    net.answer_next("call", &asks(&["a"], None));
    let call = net.call("book");
    assert_eq!(net.run(), ["call→200", "book input unknown"]);
    assert!(net.error(call).message.contains("handlers"));
    let mut net = eliciting();
    net.answer_next("call", &asks(&["a", "b"], None));
    net.call("book");
    net.run();
    net.session.answer(net.questions[0].0, Err((-32603, "the dialog crashed".into())), net.now);
    assert_eq!(net.run(), ["question withdrawn", "book input unknown"]);
}

#[test]
fn a_caller_that_gives_up_takes_its_questions_with_it() {
    let mut net = eliciting();
    net.answer_next("call", &asks(&["a"], None));
    let call = net.call("book");
    net.run();
    net.session.cancel(call, None, net.now);
    assert_eq!(net.run(), ["question withdrawn"]);
    net.session.answer(net.questions[0].0, Ok("{}".into()), net.now);
    assert_eq!(net.run(), Vec::<String>::new());
}

#[test]
fn a_host_may_answer_by_itself() {
    let mut net = eliciting();
    net.answer_next("call", &asks(&["a"], Some("s")));
    let options = CallOptions { manual_input: true, ..CallOptions::default() };
    let call = net.call_with("book", options);
    assert_eq!(net.run(), ["call→200", "book ok"]);
    assert_eq!(net.results[&call].as_ref().expect("given as it is")["requestState"], "s");
    let params = json!({"name": "book", "arguments": {}, "inputResponses": {"a": {}}, "requestState": "s"});
    net.request("tools/call", Some(&params), CallOptions::default(), "again");
    assert_eq!(net.run(), ["call→200", "again ok"]);
    assert_eq!(last(&net, "call").body["params"]["requestState"], "s");
}

#[test]
fn a_result_that_is_none_of_the_request_s_is_an_error() {
    let bad = [
        ("tools/call", "call", json!({"resultType": "input_required"})),
        ("tools/call", "call", json!({"resultType": "input_required", "requestState": 7})),
        ("tools/list", "list", asks(&["a"], None)),
        ("tools/call", "call", json!({"resultType": "novel"})),
        ("tools/call", "call", json!({"resultType": 1})),
        ("tools/call", "call", json!({"resultType": "task"})),
        ("prompts/get", "prompts/get", json!({"resultType": "task", "taskId": "t", "status": "working"})),
    ];
    for (method, name, result) in bad {
        let mut net = eliciting();
        net.answer_next(name, &result);
        net.request(method, Some(&json!({"name": "x"})), CallOptions::default(), "x");
        assert_eq!(net.run()[1..], ["x protocol unknown"], "{result}");
    }
}

// Broken streams and cancellation

#[test]
fn a_broken_stream_is_a_new_request_where_that_is_safe() {
    let mut net = connected();
    net.reply("list", Reply::Stream("id: 1\ndata:\n\n".into()));
    net.request("tools/list", None, CallOptions::default(), "list");
    assert_eq!(net.run(), ["list→200 stream", "discover→200", "list→200", "list ok"]);
    let ids: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "list").map(|sent| &sent.body["id"]).collect();
    assert_ne!(ids[0], ids[1]);
    net.reply("call", Reply::Stream("id: 1\ndata:\n\n".into()));
    net.call("write");
    assert_eq!(net.run(), ["call→200 stream", "write outcome_unknown unknown", "discover→200"]);
}

#[test]
fn an_abort_is_all_that_the_server_is_told() {
    let mut net = connected();
    net.reply("call", Reply::Silence);
    let call = net.call("slow");
    net.run();
    net.session.cancel(call, Some("enough".into()), net.now);
    assert_eq!(net.run(), ["call aborted"]);
}

#[test]
fn nothing_is_said_goodbye_to() {
    let mut net = connected();
    let close = net.session.close(true, net.now);
    net.name(close, "close");
    assert_eq!(net.run(), ["close ok"]);
    assert_eq!(net.phase(), Phase::Closed);
}

// The listening stream

#[test]
fn one_stream_hears_everything() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    subscribe(&mut net, "a:1");
    // What was not acknowledged gives way; what was, tells until the next one is.
    assert_eq!(net.run(), ["listen aborted", "listen→200 stream", "a:1 ok"]);
    let filter = json!({"toolsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": ["a:1"]});
    assert_eq!(last(&net, "listen").body["params"]["notifications"], filter);
    subscribe(&mut net, "b:2");
    assert_eq!(net.run(), ["listen→200 stream", "listen aborted", "b:2 ok"]);
    let uris = &last(&net, "listen").body["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(uris, &json!(["a:1", "b:2"]));
    // Twice the same costs nothing.
    subscribe(&mut net, "b:2");
    assert_eq!(net.run(), ["b:2 ok"]);
    net.request("resources/unsubscribe", Some(&json!({"uri": "a:1"})), CallOptions::default(), "un");
    assert_eq!(net.run(), ["un ok", "listen→200 stream", "listen aborted"]);
    net.session.set_listening(false, net.now);
    net.request("resources/unsubscribe", Some(&json!({"uri": "b:2"})), CallOptions::default(), "un");
    let log = net.run();
    assert_eq!(log.last().map(String::as_str), Some("un ok"), "{log:?}");
    assert!(!log.iter().any(|line| line.starts_with("listen→")), "{log:?}");
}

#[test]
fn what_the_stream_tells_is_what_the_app_hears() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    net.run();
    let (stream, id) = (last(&net, "listen").exchange, last(&net, "listen").body["id"].clone());
    let told = |id: &Value| {
        event("notifications/tools/list_changed", &json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id}}))
    };
    net.events(stream, &told(&id));
    net.events(stream, &told(&json!(1)));
    let heard = net.events.iter().filter(|event| matches!(event, Event::Notification { .. })).count();
    assert_eq!(heard, 1);
}

#[test]
fn a_subscription_that_is_not_granted_is_refused() {
    let mut net = connected();
    let id = net.sent.iter().filter_map(|sent| sent.body["id"].as_u64()).max().expect("a request") + 1;
    let params = json!({"notifications": {}, "_meta": {"io.modelcontextprotocol/subscriptionId": id}});
    net.reply("listen", Reply::Open(event("notifications/subscriptions/acknowledged", &params)));
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["listen→200 stream", "listen aborted", "a:1 capability not_executed"]);
}

#[test]
fn a_stream_that_breaks_is_opened_again_and_what_it_told_is_stale() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    subscribe(&mut net, "a:1");
    net.run();
    let stream = last(&net, "listen").exchange;
    net.session.handle_input(stream, mcp_evergreen::protocol::Input::Failed { cause: None }, net.now);
    assert_eq!(net.run(), ["discover→200"]);
    assert_eq!(stale(&net), []);
    assert_eq!(net.run_for(2_000), ["listen→200 stream"]);
    assert_eq!(stale(&net), [(vec!["tools", "resources"], vec!["a:1".to_owned()])]);
    assert_eq!(net.status().recoveries, 0);
}

#[test]
fn a_stream_that_the_server_ends_is_opened_again() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    net.run();
    let (stream, id) = (last(&net, "listen").exchange, last(&net, "listen").body["id"].clone());
    let end = json!({"jsonrpc": "2.0", "id": id, "result": {"resultType": "complete"}});
    net.events(stream, &format!("data: {end}\n\n"));
    assert_eq!(net.run(), ["listen aborted"]);
    assert_eq!(net.run_for(2_000), ["listen→200 stream"]);
}

#[test]
fn a_subscription_does_not_wait_for_a_stream_that_waits_for_its_turn() {
    let mut net = connected();
    net.session.allow_stream(false, net.now);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), [] as [&str; 0], "it may be its turn at once");
    assert!(net.session.wants_stream());
    net.session.stream_waits(net.now);
    assert_eq!(net.run(), ["a:1 ok"]);
    subscribe(&mut net, "b:2");
    assert_eq!(net.run(), ["b:2 ok"]);
    net.request("resources/unsubscribe", Some(&json!({"uri": "a:1"})), CallOptions::default(), "un");
    assert_eq!(net.run(), ["un ok"]);
    net.session.allow_stream(true, net.now);
    assert_eq!(net.run(), ["listen→200 stream"]);
    let filter = json!({"resourceSubscriptions": ["b:2"]});
    assert_eq!(last(&net, "listen").body["params"]["notifications"], filter);
    assert_eq!(stale(&net), [(vec![], vec!["b:2".to_owned()])], "it may have changed meanwhile");
    // Given away, and had again at once.
    net.request("resources/unsubscribe", Some(&json!({"uri": "b:2"})), CallOptions::default(), "un");
    assert_eq!(net.run(), ["listen aborted", "un ok"]);
    net.session.allow_stream(false, net.now);
    subscribe(&mut net, "b:2");
    assert_eq!(net.run(), [] as [&str; 0]);
    net.session.allow_stream(true, net.now);
    assert_eq!(net.run(), ["listen→200 stream", "b:2 ok"]);
    assert_eq!(stale(&net).len(), 1);
}

#[test]
fn a_stream_that_is_not_acknowledged_is_given_up_and_tried_again() {
    let mut net = connected();
    net.reply("listen", Reply::Silence);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["listen→…"]);
    assert_eq!(net.run_for(32_000), ["listen aborted", "discover→200", "listen→200 stream", "a:1 ok"]);
}

#[test]
fn a_server_without_the_stream_is_not_asked_again() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    net.reply("listen", own_error(&net, 404, -32601, &json!(null)));
    assert_eq!(net.run(), ["listen→404"]);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["a:1 capability not_executed"]);
}

#[test]
fn without_a_stream_there_are_no_subscriptions() {
    let mut net = connected_with(Config { listen: Listen::Never, ..Config::default() });
    let call = subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["a:1 invalid_option not_executed"]);
    assert!(net.error(call).message.contains("`listen`"));
}

// Caching

fn list(net: &mut Net, options: CallOptions) -> Vec<String> {
    net.request("tools/list", None, options, "list");
    net.run()
}

#[test]
fn a_list_is_fresh_for_as_long_as_the_server_says() {
    let mut net = connected();
    let page = json!({"tools": [], "ttlMs": 5_000, "cacheScope": "private"});
    net.answer_next("list", &page);
    assert_eq!(list(&mut net, CallOptions::default()), ["list→200", "list ok"]);
    assert_eq!(list(&mut net, CallOptions::default()), ["list ok"]);
    assert_eq!(list(&mut net, CallOptions { reload: true, ..CallOptions::default() }), ["list→200", "list ok"]);
    // What came last gave no time.
    assert_eq!(list(&mut net, CallOptions::default()), ["list→200", "list ok"]);
    net.answer_next("list", &page);
    list(&mut net, CallOptions::default());
    net.run_for(5_000);
    assert_eq!(list(&mut net, CallOptions::default()), ["list→200", "list ok"]);
}

#[test]
fn other_params_are_another_result() {
    let mut net = connected();
    net.answer_next("resources/read", &json!({"contents": ["a"], "ttlMs": 5_000}));
    let mut read = |uri: &str| {
        net.request("resources/read", Some(&json!({"uri": uri})), CallOptions::default(), uri);
        net.run()
    };
    assert_eq!(read("a"), ["resources/read→200", "a ok"]);
    assert_eq!(read("b"), ["resources/read→200", "b ok"]);
    assert_eq!(read("a"), ["a ok"]);
}

#[test]
fn what_the_server_says_has_changed_is_not_fresh() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    net.run();
    for (name, method, params, changed, about) in [
        ("list", "tools/list", json!({}), "notifications/tools/list_changed", json!({})),
        ("prompts/list", "prompts/list", json!({}), "notifications/prompts/list_changed", json!({})),
        ("resources/list", "resources/list", json!({}), "notifications/resources/list_changed", json!({})),
        (
            "resources/read",
            "resources/read",
            json!({"uri": "a:1"}),
            "notifications/resources/updated",
            json!({"uri": "a:1"}),
        ),
    ] {
        let ask = |net: &mut Net| {
            net.answer_next(name, &json!({"ttlMs": 60_000}));
            net.request(method, Some(&params), CallOptions::default(), "it");
            net.run().len()
        };
        assert_eq!((ask(&mut net), ask(&mut net)), (2, 1), "{method}");
        let stream = last(&net, "listen").exchange;
        net.events(stream, &event(changed, &about));
        assert_eq!(ask(&mut net), 2, "{changed}");
    }
}

#[test]
fn a_refused_cursor_ends_all_pages() {
    let mut net = connected();
    net.answer_next("list", &json!({"tools": [], "ttlMs": 60_000, "nextCursor": "c"}));
    list(&mut net, CallOptions::default());
    net.request("tools/list", Some(&json!({"cursor": "c"})), CallOptions::default(), "page");
    net.reply("list", own_error(&net, 400, -32602, &json!(null)));
    assert_eq!(net.run(), ["list→400", "page rpc executed"]);
    assert_eq!(list(&mut net, CallOptions::default()), ["list→200", "list ok"]);
}

// Tasks

fn task(status: &str, more: &Value) -> Value {
    let mut task = json!({"resultType": "complete", "taskId": "t1", "status": status, "pollIntervalMs": 2_000});
    for (name, value) in more.as_object().expect("an object") {
        task[name] = value.clone();
    }
    task
}

fn becomes_task(net: &mut Net) -> CallId {
    net.answer_next("call", &task("working", &json!({"resultType": "task"})));
    let call = net.call("long");
    assert_eq!(net.run(), ["call→200", "task t1"]);
    call
}

#[test]
fn a_call_that_becomes_a_task_is_polled_as_the_server_asks() {
    let mut net = connected();
    let call = becomes_task(&mut net);
    net.answer_next("tasks/get", &task("working", &json!({"pollIntervalMs": 5_000})));
    net.answer_next("tasks/get", &task("completed", &json!({"result": {"content": ["done"]}})));
    assert_eq!(net.run_for(1_900), Vec::<String>::new());
    assert_eq!(net.run_for(200), ["tasks/get→200"]);
    let get = last(&net, "tasks/get");
    assert_eq!((get.header("mcp-name"), get.body["params"]["taskId"].as_str()), (Some("t1"), Some("t1")));
    assert_eq!(net.run_for(4_800), Vec::<String>::new());
    assert_eq!(net.run_for(300), ["tasks/get→200", "long ok"]);
    assert_eq!(net.results[&call].as_ref().expect("done")["content"][0], "done");
}

#[test]
fn a_task_that_works_is_not_out_of_time() {
    let mut net = connected();
    becomes_task(&mut net);
    for _ in 0..60 {
        net.answer_next("tasks/get", &task("working", &json!({})));
    }
    net.answer_next("tasks/get", &task("failed", &json!({"error": {"code": -32000, "message": "burnt"}})));
    let log = net.run_for(200_000);
    assert_eq!((log.len(), log.last().map(String::as_str)), (62, Some("long rpc executed")));
}

#[test]
fn a_task_is_polled_through_an_outage() {
    let mut net = connected();
    becomes_task(&mut net);
    net.reply("tasks/get", Reply::Break);
    net.reply("discover", Reply::Break);
    net.reply("initialize", Reply::Break);
    net.answer_next("tasks/get", &task("completed", &json!({"result": {}})));
    let log = net.run_for(30_000);
    assert_eq!(log[..3], ["tasks/get→broke", "discover→broke", "initialize→broke"]);
    assert_eq!(log[log.len() - 2..], ["tasks/get→200", "long ok"]);
}

#[test]
fn a_task_that_needs_input_gets_it_once() {
    let mut net = eliciting();
    becomes_task(&mut net);
    let request = json!({"k": {"method": "elicitation/create", "params": {}}});
    net.answer_next("tasks/get", &task("input_required", &json!({"inputRequests": request})));
    assert_eq!(net.run_for(2_100), ["tasks/get→200", "asked elicitation/create"]);
    assert_eq!(net.run_for(600_000), Vec::<String>::new());
    net.session.answer(net.questions[0].0, Ok(r#"{"action":"accept"}"#.into()), net.now);
    // The server has not taken notice yet.
    net.answer_next("tasks/get", &task("input_required", &json!({"inputRequests": request})));
    net.answer_next("tasks/get", &task("completed", &json!({"result": {}})));
    assert_eq!(net.run(), ["tasks/update→200"]);
    assert_eq!(last(&net, "tasks/update").body["params"]["inputResponses"], json!({"k": {"action": "accept"}}));
    assert_eq!(net.run_for(10_000), ["tasks/get→200", "tasks/get→200", "long ok"]);
    assert_eq!(net.questions.len(), 1);
}

#[test]
fn a_task_that_is_given_up_is_cancelled_on_the_server() {
    let mut net = connected();
    let call = becomes_task(&mut net);
    net.session.cancel(call, None, net.now);
    assert_eq!(net.run(), ["tasks/cancel→200"]);
    assert_eq!(last(&net, "tasks/cancel").body["params"]["taskId"], "t1");
    assert_eq!(net.run_for(60_000), Vec::<String>::new());
}

#[test]
fn a_task_that_the_server_cancelled_or_forgot_ends_the_call() {
    let mut net = connected();
    becomes_task(&mut net);
    net.answer_next("tasks/get", &task("cancelled", &json!({})));
    assert_eq!(net.run_for(2_100), ["tasks/get→200", "long rpc unknown"]);
    becomes_task(&mut net);
    net.reply("tasks/get", own_error(&net, 400, -32602, &json!(null)));
    assert_eq!(net.run_for(2_100), ["tasks/get→400", "long rpc unknown"]);
}

#[test]
fn a_task_of_an_earlier_page_is_found_again() {
    let mut net = connected();
    net.answer_next("tasks/get", &task("completed", &json!({"result": {"content": []}})));
    let call = net.session.resume_task("t9".into(), CallOptions::default(), net.now);
    net.name(call, "found");
    assert_eq!(net.run(), ["tasks/get→200", "found ok"]);
    assert_eq!(last(&net, "tasks/get").body["params"]["taskId"], "t9");
}

#[test]
fn a_tool_of_2025_11_25_that_runs_as_a_task_only_can_be_called() {
    let mut net = net(LEGACY);
    net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}});
    net.connect();
    net.run();
    net.answer_next("list", &json!({"tools": [{"name": "long", "execution": {"taskSupport": "required"}}]}));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    net.answer_next("call", &json!({"task": {"taskId": "t1", "status": "working", "pollInterval": 500}}));
    net.answer_next("tasks/get", &json!({"taskId": "t1", "status": "completed"}));
    net.answer_next("tasks/result", &json!({"content": ["done"]}));
    let call = net.call("long");
    assert_eq!(net.run_for(1_000), ["call→200", "task t1", "tasks/get→200", "tasks/result→200", "long ok"]);
    assert_eq!(last(&net, "call").body["params"]["task"], json!({}));
    assert_eq!(net.results[&call].as_ref().expect("done")["content"][0], "done");
    net.call("short");
    net.run();
    assert_eq!(last(&net, "call").body["params"].get("task"), None);
}

// Servers that change their era

#[test]
fn a_server_that_is_upgraded_is_asked_and_then_believed() {
    let mut net = net(LEGACY);
    net.connect();
    net.run();
    net.eras = MODERN;
    net.call("write");
    assert_eq!(net.run(), ["call→400", "ping→400", "discover→200", "call→200", "write ok"]);
    assert_eq!((net.status().era, net.status().generation), (Some(Era::Modern), 2));
    let era = |event: &Event<Value>| match event {
        Event::Recovered { changes, .. } => Some(changes.era),
        _ => None,
    };
    assert_eq!(net.events.iter().find_map(era), Some(Some(Era::Modern)));
    assert_eq!(net.executions["write"], 1);
}

#[test]
fn subscriptions_survive_an_upgrade() {
    let mut net = net(LEGACY);
    net.connect();
    subscribe(&mut net, "a:1");
    net.run();
    net.eras = MODERN;
    net.call("write");
    let log = net.run();
    assert!(log.contains(&"listen→200 stream".to_owned()) && log.contains(&"write ok".to_owned()), "{log:?}");
    let restored = net.status().last_recovery.expect("a recovery").restored;
    assert_eq!(restored, ["subscription a:1"]);
}

#[test]
fn a_stream_that_is_refused_for_a_moment_after_an_upgrade_is_opened_a_moment_later() {
    let cases = [
        (Reply::text(503, ""), 2, true),
        (Reply::Break, 1, true),
        (Reply::text(429, ""), 3, true),
        (Reply::text(503, ""), 9, false),
    ];
    for (reply, times, restored) in cases {
        let mut net = net(LEGACY);
        net.connect();
        subscribe(&mut net, "a:1");
        net.run();
        net.eras = MODERN;
        (0..times).for_each(|_| net.reply("listen", reply.clone()));
        net.call("write");
        let log = net.run_for(60_000);
        let told = net.status().last_recovery.expect("a recovery");
        let expected = if restored { (vec!["subscription a:1"], vec![]) } else { (vec![], vec!["subscriptions"]) };
        let told = (told.restored.iter().map(String::as_str).collect(), told.lost.iter().map(String::as_str).collect());
        assert_eq!((told, expected.0.len() + expected.1.len()), (expected, 1), "{log:?}");
        assert_eq!(net.executions["write"], 1);
        let last = if restored { "listen→200 stream" } else { "listen→503" };
        assert_eq!(log.last().map(String::as_str), Some(last), "{log:?}");
    }
}

#[test]
fn a_listening_stream_that_was_there_is_asked_for_again_however_it_is_refused() {
    let own = |status, code| Reply::own_error(status, code, "too many streams");
    for refusal in [
        own(200, -32000),
        own(400, -32603),
        own(404, -32601),
        Reply::text(405, ""),
        Reply::text(404, ""),
        Reply::text(400, "no"),
    ] {
        let mut net = connected();
        net.session.set_listening(true, net.now);
        assert_eq!(net.run(), ["listen→200 stream"]);
        let stream = net.sent.last().expect("sent").exchange;
        (0..2).for_each(|_| net.reply("listen", refusal.clone()));
        net.session.handle_input(stream, Input::End, net.now);
        let log = net.run_for(20_000);
        let asked = log.iter().filter(|line| line.starts_with("listen→")).count();
        let last = log.iter().rfind(|line| line.starts_with("listen→")).map(String::as_str);
        assert_eq!((asked, last), (3, Some("listen→200 stream")), "{refusal:?}: {log:?}");
    }
    for refusal in [own(200, -32601), own(404, -32601)] {
        let mut net = connected();
        net.reply("listen", refusal);
        net.session.set_listening(true, net.now);
        let log = net.run_for(600_000);
        assert_eq!(log.iter().filter(|line| line.starts_with("listen→")).count(), 1, "{log:?}");
    }
}

#[test]
fn a_subscription_that_waits_is_asked_of_the_next_session() {
    let mut net = connected();
    net.reply("listen", Reply::Silence);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["listen→…"]);
    net.eras = LEGACY;
    net.refusal = Reply::error(400, -32000, "Bad Request: Server not initialized");
    net.call("write");
    let log = net.run();
    assert!(log.contains(&"resources/subscribe→200".to_owned()) && log.contains(&"a:1 ok".to_owned()), "{log:?}");
}

#[test]
fn a_stream_that_meets_another_era_has_it_found_out() {
    let mut net = net(LEGACY);
    net.connect();
    net.run();
    net.eras = MODERN;
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→400", "ping→400"]);
    assert_eq!(net.run_for(20_000), ["discover→200"]);
    assert_eq!(net.status().era, Some(Era::Modern));
}

#[test]
fn a_server_that_is_downgraded_is_asked_and_then_initialized() {
    let mut net = connected();
    net.eras = LEGACY;
    net.refusal = Reply::error(400, -32000, "Bad Request: Server not initialized");
    net.call("write");
    assert_eq!(net.run(), ["call→400", "discover→400", "initialize→200 s1", "initialized→202", "call→200", "write ok"]);
    assert_eq!((net.status().era, net.executions["write"]), (Some(Era::Legacy), 1));
}

#[test]
fn a_refusal_of_a_server_that_is_still_modern_is_its_answer() {
    let mut net = connected();
    net.reply("call", Reply::text(404, "no such thing"));
    net.call("write");
    assert_eq!(net.run(), ["call→404", "discover→200", "write http unknown"]);
    assert_eq!(net.status().generation, 1);
}

#[test]
fn a_downgrade_behind_cors_is_found() {
    let mut net = connected();
    net.eras = LEGACY;
    net.reply("call", Reply::Break);
    net.reply("discover", Reply::Break);
    net.reply("discover", Reply::Break);
    net.call("write");
    assert_eq!(net.run(), ["call→broke", "write network unknown", "discover→broke"]);
    net.call("read");
    assert_eq!(
        net.run(),
        ["discover→broke", "initialize→200 s1", "discover→404", "initialized→202", "call→200", "read ok"]
    );
    assert_eq!(net.status().era, Some(Era::Legacy));
}

#[test]
fn a_modern_server_that_comes_back_between_two_questions_is_what_it_was() {
    let mut net = connected();
    net.reply("list", Reply::Break);
    net.reply("discover", Reply::Break);
    net.request("tools/list", None, CallOptions::default(), "list");
    assert_eq!(net.run(), ["list→broke", "discover→broke", "initialize→400", "discover→200", "list→200", "list ok"]);
    assert_eq!((net.status().generation, net.status().recoveries), (1, 0));
    // One that hides the answer to this question alone is not asked without end.
    net.reply("list", Reply::Break);
    for _ in 0..2 {
        net.reply("discover", Reply::Break);
    }
    net.request("tools/list", None, CallOptions::default(), "list");
    let asked = ["list→broke", "discover→broke", "initialize→400", "discover→broke", "initialize→400"];
    assert_eq!(net.run(), asked);
    assert_eq!(net.run_for(2_000), ["discover→200", "list→200", "list ok"]);
}

// A host's own Client

fn hosts(net: &mut Net, method: &str, params: &Value, name: &str) -> CallId {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}, "io.modelcontextprotocol/clientInfo": {"name": "theirs"}});
    let params = mcp_evergreen::protocol::Params {
        text: Some(params.to_string()),
        meta: Some(meta.to_string()),
        name: params["name"].as_str().map(str::to_owned),
        ..Default::default()
    };
    let id = net.session.call(method.to_owned(), params, CallOptions::default(), net.now);
    net.name(id, name);
    id
}

fn hosted(eras: &'static [Era]) -> Net {
    net_with(eras, Config { handshake: Handshake::Host, ..Config::default() })
}

#[test]
fn a_hosts_own_client_chooses_the_era() {
    let mut net = hosted(MODERN);
    hosts(&mut net, "server/discover", &json!({}), "discover");
    assert_eq!(net.run(), ["discover→200", "discover ok"]);
    assert_eq!(net.status().era, Some(Era::Modern));
    let discover = last(&net, "discover");
    assert_eq!(discover.body["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]["name"], "theirs");
    assert!(discover.request.body.as_deref().is_some_and(|body| body.matches("protocolVersion").count() == 1));
    // What it has to answer itself is handed over, and nothing is kept from it.
    net.answer_next("call", &asks(&["a"], Some("s")));
    let call = hosts(&mut net, "tools/call", &json!({"name": "book"}), "book");
    assert_eq!(net.run(), ["call→200", "book ok"]);
    assert_eq!(net.results[&call].as_ref().expect("as it is")["resultType"], "input_required");
    net.reply("call", Reply::Break);
    hosts(&mut net, "tools/call", &json!({"name": "book"}), "book");
    assert_eq!(net.run(), ["call→broke", "book network unknown"]);
}

#[test]
fn a_hosts_own_client_may_find_a_legacy_server() {
    let mut net = hosted(LEGACY);
    hosts(&mut net, "server/discover", &json!({}), "discover");
    assert_eq!(net.run(), ["discover→404", "discover rpc unknown"]);
    net.request("initialize", Some(&json!({"protocolVersion": "2025-11-25"})), CallOptions::default(), "initialize");
    net.run();
    net.notify("notifications/initialized");
    net.run();
    assert_eq!((net.status().era, net.status().protocol_version), (Some(Era::Legacy), Some("2025-11-25")));
    net.restart();
    net.call("write");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "write ok"]);
}

#[test]
fn header_fields_of_a_hosts_own_client_are_completed() {
    let mut net = hosted(MODERN);
    net.answer_next("list", &list_with(&json!({"region": {"type": "string", "x-mcp-header": "Region"}})));
    hosts(&mut net, "tools/list", &json!({}), "list");
    net.run();
    hosts(&mut net, "tools/call", &json!({"name": "query", "arguments": {"region": "eu"}}), "query");
    net.run();
    let call = last(&net, "call");
    assert_eq!((call.header("mcp-param-region"), call.header("mcp-name")), (Some("eu"), Some("query")));
}

#[test]
fn a_subscription_that_nobody_acknowledged_is_told_so() {
    let mut net = connected();
    net.reply("listen", Reply::Open(String::new()));
    let options = CallOptions { timeout_ms: Some(1_000), ..CallOptions::default() };
    let call = net.request("resources/subscribe", Some(&json!({"uri": "a:1"})), options, "a:1");
    net.run_for(2_000);
    assert!(net.error(call).message.contains("did not acknowledge"), "{}", net.error(call).message);
}
