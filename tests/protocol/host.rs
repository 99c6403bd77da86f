//! Under the Client of a host's own (the drop-in transport): its handshake is kept and replayed, and it must not find
//! another server beneath it.

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::config::{Handshake, ReconnectOn};
use mcp_evergreen::protocol::status::{Event, Phase};
use mcp_evergreen::protocol::{CallId, CallOptions, Code, Config, Outcome, Params, Resume};
use serde_json::{Value, json};

fn host() -> Config {
    Config { handshake: Handshake::Host, ..Config::default() }
}

/// A host's Client that has connected.
fn connected(config: Config) -> Net {
    let mut net = Net::new(config);
    net.request("initialize", Some(&json!({"protocolVersion": "2025-11-25"})), CallOptions::default(), "host");
    net.run();
    net.notify("notifications/initialized");
    assert_eq!(net.run(), ["initialized→202", "initialized ok"]);
    net
}

fn closed(net: &Net) -> Option<&'static str> {
    net.events.iter().find_map(|event| if let Event::Close { reason } = event { Some(*reason) } else { None })
}

fn event_ids(net: &Net) -> Vec<(CallId, u32, String)> {
    let told = net.events.iter().filter_map(|event| match event {
        Event::EventId { call, generation, event_id } => Some((*call, *generation, event_id.clone())),
        _ => None,
    });
    told.collect()
}

fn resume(event_id: &str, generation: Option<u32>) -> CallOptions {
    CallOptions { resume: Some(Resume { event_id: event_id.to_owned(), generation }), ..CallOptions::default() }
}

/// The Client of a host's own runs the handshake, and its session is replaced under it.
#[test]
fn a_hosts_own_client_does_not_notice() {
    let mut net = Net::new(Config { handshake: Handshake::Host, ..Config::default() });
    let params =
        json!({"protocolVersion": "2025-06-18", "capabilities": {"sampling": {}}, "clientInfo": {"name": "sdk"}});
    net.version = "2025-06-18";
    let initialize = net.request("initialize", Some(&params), CallOptions::default(), "host-initialize");
    assert_eq!(net.run(), ["initialize→200 s1", "host-initialize ok"]);
    assert_eq!(
        net.results[&initialize].as_ref().map(|result| result["protocolVersion"].clone()).ok(),
        Some(json!("2025-06-18"))
    );
    net.notify("notifications/initialized");
    assert_eq!(net.run(), ["initialized→202", "initialized ok"]);
    net.call("a");
    assert_eq!(net.run(), ["call→200", "a ok"]);
    net.restart();
    net.call("b");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "b ok"]);
    let replayed: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "initialize").map(|sent| &sent.body).collect();
    assert_eq!(replayed[0]["params"], replayed[1]["params"]);
    assert_ne!(replayed[0]["id"], replayed[1]["id"]);
}

#[test]
fn a_hosts_own_client_gets_a_session_of_the_user_whose_grant_there_is() {
    let mut net = connected(host());
    net.session.handle_token(Some("token-of-ann"), false);
    net.call("first");
    net.run();
    net.session.handle_token(Some("next-token-of-ann"), true);
    net.call("a");
    assert_eq!(net.run(), ["call→200", "a ok"]);
    net.session.handle_token(Some("token-of-bob"), false);
    net.call("b");
    assert_eq!(net.run(), ["initialize→200 s2", "initialized→202", "call→200", "b ok"], "its handshake is replayed");
    assert_eq!(closed(&net), None);
}

#[test]
fn a_hosts_own_client_may_try_initialize_again() {
    let mut net = Net::new(Config { handshake: Handshake::Host, ..Config::default() });
    net.reply("initialize", Reply::text(400, "no"));
    net.request("initialize", Some(&json!({})), CallOptions::default(), "first");
    assert_eq!(net.run(), ["initialize→400", "first http not_executed"]);
    net.request("initialize", Some(&json!({})), CallOptions::default(), "second");
    assert_eq!(net.run(), ["initialize→200 s1", "second ok"]);
}

#[test]
fn another_version_ends_it_and_is_said() {
    let mut net = connected(host());
    net.restart();
    net.version = "2025-03-26";
    let call = net.call("a");
    let log = net.run();
    assert_eq!(log, ["call→404", "initialize→200 s2", "a unsupported_version unknown", "DELETE→200"]);
    assert!(net.error(call).message.contains("another protocol version"));
    assert_eq!((net.phase(), closed(&net)), (Phase::Closed, Some("the server is another now")));
    let after = net.call("b");
    net.run();
    assert_eq!(net.error(after).code, Code::UnsupportedVersion);
}

#[test]
fn a_server_without_sessions_any_more_ends_it() {
    let mut net = connected(host());
    net.restart();
    net.reply("initialize", Reply::error(400, -32022, "Unsupported protocol version"));
    net.call("a");
    assert_eq!(net.run(), ["call→404", "initialize→400", "a unsupported_version unknown"]);
    assert_eq!(net.phase(), Phase::Closed);
}

#[test]
fn a_capability_that_is_gone_ends_it_only_where_it_is_in_use() {
    for (used, ends) in [("tools/list", false), ("prompts/list", true)] {
        let mut net = connected(host());
        net.request(used, None, CallOptions::default(), "use");
        net.run();
        net.restart();
        net.capabilities = json!({"tools": {}});
        net.call("a");
        net.run();
        assert_eq!((closed(&net).is_some(), net.phase() == Phase::Closed), (ends, ends), "{used}");
    }
}

#[test]
fn the_host_says_what_it_takes_as_a_change() {
    for (reconnect_on, ends) in
        [(ReconnectOn::Never, false), (ReconnectOn::Incompatible, false), (ReconnectOn::AnyChange, true)]
    {
        let mut net = connected(Config { reconnect_on, ..host() });
        net.restart();
        net.call("a");
        net.run();
        assert_eq!(closed(&net).is_some(), ends, "{reconnect_on:?}");
    }
}

#[test]
fn a_server_that_is_the_same_changes_nothing() {
    let mut net = Net::new(Config { reconnect_on: ReconnectOn::AnyChange, ..host() });
    net.last_version = 1;
    net.request("initialize", Some(&json!({})), CallOptions::default(), "host");
    net.run();
    net.notify("notifications/initialized");
    net.run();
    net.restart();
    net.call("a");
    assert_eq!(net.run().last().map(String::as_str), Some("a ok"));
}

#[test]
fn a_session_in_doubt_is_parted_from_only_when_it_is_gone() {
    let mut net = connected(host());
    net.restart();
    net.version = "2025-03-26";
    (0..2).for_each(|_| net.reply("call", Reply::Break));
    (0..4).for_each(|_| net.reply("ping", Reply::Break));
    net.call_with("a", CallOptions { repeatable: true, ..CallOptions::default() });
    net.run_for(5_000);
    assert_eq!(closed(&net), Some("the server is another now"));
}

#[test]
fn a_session_that_was_made_elsewhere_is_taken_up() {
    let initialize = json!({"protocolVersion": "2025-11-25", "capabilities": {"roots": {}}}).to_string();
    let mut net = Net::new(host());
    net.live.insert("s9".to_owned());
    let params = Params { text: Some(initialize), ..Params::default() };
    assert!(net.session.adopt("s9", "2025-06-18", Some(params), net.now));
    net.call("a");
    assert_eq!(net.run(), ["call→200", "a ok"]);
    assert_eq!(net.session.session_id(), Some("s9"));
    assert_eq!(net.sent[0].header("mcp-protocol-version"), Some("2025-06-18"));
    net.version = "2025-06-18";
    net.restart();
    net.call("b");
    assert_eq!(net.run(), ["call→404", "initialize→200 s1", "initialized→202", "call→200", "b ok"]);
    assert_eq!(net.sent[2].body["params"], json!({"protocolVersion": "2025-06-18", "capabilities": {"roots": {}}}));
}

#[test]
fn without_its_initialize_the_end_of_a_session_that_was_taken_up_is_the_end() {
    let mut net = Net::new(host());
    assert!(!net.session.adopt("s 9", "", None, net.now));
    assert!(net.session.adopt("s9", "", None, net.now));
    let call = net.call("a");
    assert_eq!(net.run(), ["call→404", "a session_lost unknown"]);
    assert!(net.error(call).message.contains("expired"));
    assert_eq!(closed(&net), Some("the session expired"));
    assert_eq!(net.sent[0].header("mcp-protocol-version"), None);
}

#[test]
fn event_ids_are_told_to_who_asks() {
    let mut net = connected(host());
    let stream = "id: e1\ndata:\n\nid: e2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n";
    (0..2).for_each(|_| net.reply("call", Reply::Open(stream.to_owned())));
    let call = net.call_with("a", CallOptions { event_ids: true, ..CallOptions::default() });
    net.call("b");
    net.run();
    assert_eq!(event_ids(&net), [(call, 1, "e1".to_owned()), (call, 1, "e2".to_owned())]);
}

#[test]
fn the_rest_of_a_stream_is_heard_and_its_answer_is_the_new_calls() {
    let mut net = connected(host());
    let answer = json!({"jsonrpc": "2.0", "id": "of the old request", "result": {"late": true}});
    net.reply("GET", Reply::Stream(format!("id: e3\ndata: {answer}\n\n")));
    let call = net.call_with("a", resume("e2", Some(1)));
    assert_eq!(net.run(), ["GET→200 stream", "a ok"]);
    assert_eq!(net.results[&call].as_ref().ok(), Some(&json!({"late": true})));
    assert_eq!(net.sent.last().and_then(|sent| sent.header("last-event-id")), Some("e2"));
}

#[test]
fn an_error_on_the_rest_of_a_stream_is_the_answer() {
    let mut net = connected(host());
    let answer = json!({"jsonrpc": "2.0", "id": 7, "error": {"code": -32602, "message": "no such thing"}});
    net.reply("GET", Reply::Stream(format!("data: {answer}\n\n")));
    let call = net.call_with("a", resume("e2", None));
    net.run();
    assert_eq!((net.error(call).code, net.error(call).rpc_code), (Code::Rpc, Some(-32602)));
}

#[test]
fn the_rest_of_a_stream_that_breaks_again_is_asked_for_again() {
    let mut net = connected(host());
    net.reply("GET", Reply::Stream("id: e3\ndata:\n\n".to_owned()));
    let answer = json!({"jsonrpc": "2.0", "id": 7, "result": {}});
    net.reply("GET", Reply::Stream(format!("data: {answer}\n\n")));
    net.call_with("a", resume("e2", None));
    assert_eq!(net.run_for(1_000), ["GET→200 stream", "GET→200 stream", "a ok"]);
    assert_eq!(net.sent.last().and_then(|sent| sent.header("last-event-id")), Some("e3"));
}

/// "Never a second POST": it may have run, and the new session knows nothing of it.
#[test]
fn an_event_of_a_dead_session_gives_an_unknown_outcome_at_once() {
    let mut net = connected(host());
    net.restart();
    net.call("heal");
    net.run();
    let call = net.call_with("a", resume("e2", Some(1)));
    assert_eq!(net.run(), ["a outcome_unknown unknown"]);
    assert_eq!(net.error(call).outcome, Outcome::Unknown);
    net.restart();
    let call = net.call_with("b", resume("e9", Some(2)));
    let log = net.run_for(1_000);
    assert_eq!(log.iter().filter(|line| line.starts_with("call")).count(), 0, "{log:?}");
    assert_eq!(net.error(call).outcome, Outcome::Unknown);
}

#[test]
fn progress_of_a_call_that_was_sent_again_goes_on_where_it_was() {
    let mut net = connected(host());
    let progress = |net: &Net, value: u32| {
        let token = &net.sent.iter().rfind(|sent| sent.name() == "call").expect("a call").body["id"];
        let params = json!({"progressToken": token, "progress": value});
        format!("data: {}\n\n", json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))
    };
    net.reply("call", Reply::Open(String::new()));
    net.call_with("a", CallOptions { progress: true, repeatable: true, ..CallOptions::default() });
    net.run();
    let sent = net.sent.last().expect("sent").exchange;
    let events = progress(&net, 1) + &progress(&net, 5);
    net.events(sent, &events);
    net.reply("call", Reply::Open(String::new()));
    net.session.handle_input(sent, mcp_evergreen::protocol::Input::End, net.now);
    net.run_for(1_000);
    let again = net.sent.iter().rfind(|sent| sent.name() == "call").expect("sent again").exchange;
    assert_ne!(sent, again);
    let events = [1, 5, 6, 9].map(|value| progress(&net, value)).concat();
    net.events(again, &events);
    let heard: Vec<Value> = net.progress.iter().map(|progress| progress["progress"].clone()).collect();
    assert_eq!(heard, [1, 5, 6, 9]);
}

#[test]
fn an_error_message_reaches_the_hosts_client_whole() {
    let long = "x".repeat(300);
    for (config, length) in [(host(), 300), (Config::default(), 200)] {
        let mut net = Net::new(config);
        net.connect();
        net.run();
        net.notify("notifications/initialized");
        net.run();
        let id = json!(0);
        net.reply(
            "call",
            Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": long}})),
        );
        let call = net.call("a");
        net.run();
        assert_eq!(net.error(call).message.len(), length);
    }
}

/// What it declares is its own to keep: nothing of the server's is refused for it.
#[test]
fn a_question_of_the_servers_reaches_a_hosts_own_client() {
    let mut net = connected(host());
    let question =
        r#"{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}"#;
    net.reply("call", Reply::Open(format!("data: {question}\n\n")));
    net.call("write");
    assert_eq!(net.run(), ["call→200 stream", "asked elicitation/create"]);
}

/// Servers count their progress tokens from 0 in each session: the Client is told ours, and its progress goes to the session
/// that asked, or nowhere.
#[test]
fn progress_of_an_answer_has_the_servers_token_in_its_own_session_only() {
    let mut net = connected(host());
    let params = r#"{"message":"?","requestedSchema":{},"_meta":{"progressToken":0,"kept":1}}"#;
    let question = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{params}}}"#);
    let ask = |net: &mut Net, name: &str| {
        net.reply("call", Reply::Open(format!("data: {question}\n\n")));
        net.call(name);
        net.run();
        net.questions.last().expect("was asked").0
    };
    let progress = |net: &mut Net, token: &Value, name: &str| {
        let params = json!({"progressToken": token, "progress": 1}).to_string();
        let params = Params::read(&params).expect("an object");
        let told = net.session.notify("notifications/progress".to_owned(), params, net.now);
        net.name(told, name);
        net.run()
    };
    let sent = |net: &Net| -> Vec<Value> {
        let told = net.sent.iter().filter(|sent| sent.body["method"] == "notifications/progress");
        told.map(|sent| sent.body["params"].clone()).collect()
    };
    let old = ask(&mut net, "a");
    progress(&mut net, &json!(old.0), "first");
    net.restart();
    net.call("heal");
    net.run();
    let new = ask(&mut net, "b");
    assert_eq!(progress(&mut net, &json!(old.0), "late"), ["late ok"]);
    assert_eq!(progress(&mut net, &json!("foreign"), "foreign"), ["foreign ok"]);
    progress(&mut net, &json!(new.0), "second");
    let own = json!({"progress": 1, "progressToken": 0});
    assert_eq!(sent(&net), [own.clone(), own]);
    net.session.answer(new, Ok("{}".to_owned()), net.now);
    net.run();
    assert_eq!(progress(&mut net, &json!(new.0), "after"), ["after ok"]);
}

#[test]
fn in_which_session_an_event_holds_is_remembered() {
    let mut net = connected(host());
    net.reply("call", Reply::Open("id: e1\ndata:\n\n".to_owned()));
    net.call_with("a", CallOptions { event_ids: true, ..CallOptions::default() });
    net.run();
    net.restart();
    net.call("heal");
    net.run();
    let call = net.call_with("again", resume("e1", None));
    assert_eq!(net.run(), ["again outcome_unknown unknown"]);
    assert_eq!(net.error(call).outcome, Outcome::Unknown);
}

/// A Client asks anew for what it is told of: not for what it has seen alone.
#[test]
fn a_hosts_own_client_is_told_of_what_may_be_another_now() {
    let told = |net: &Net| -> Vec<(String, Option<Value>)> {
        let told = net.events.iter().filter_map(|event| match event {
            Event::ForClient { method, params } => Some((method.clone(), params.clone())),
            _ => None,
        });
        told.collect()
    };
    let mut net = connected(host());
    net.capabilities = json!({"tools": {}, "prompts": {}, "resources": {"subscribe": true}});
    for method in ["tools/list", "prompts/list"] {
        net.request(method, None, CallOptions::default(), "list");
    }
    net.request("resources/subscribe", Some(&json!({"uri": "x:\"1"})), CallOptions::default(), "subscribe");
    net.run();
    net.events.clear();
    net.restart();
    net.call("a");
    net.run_for(20_000);
    let updated = ("notifications/resources/updated".to_owned(), Some(json!({"uri": "x:\"1"})));
    assert_eq!(told(&net).last(), Some(&updated));
    net.events.clear();
    net.reply("list", Reply::Silence);
    net.restart();
    net.call("b");
    net.run_for(20_000);
    let list = |list: &str| (format!("notifications/{list}/list_changed"), None);
    // What comes back is another server, whose tools could not be compared.
    assert_eq!(told(&net), [list("tools"), list("resources"), list("prompts"), updated]);
}

#[test]
fn a_hosts_own_client_gets_results_as_they_came() {
    let mut net = connected(host());
    for (method, name) in [("tools/list", "list"), ("prompts/list", "prompts/list"), ("tools/call", "call")] {
        for result in
            [json!({}), json!(null), json!({"tools": null}), json!({"prompts": {}}), json!({"content": "done"})]
        {
            net.answer_next(name, &result);
            let call = net.request(method, Some(&json!({"name": "n"})), CallOptions::default(), method);
            net.run();
            assert_eq!(net.results[&call].as_ref().ok(), Some(&result), "{method}");
        }
    }
}

#[test]
fn a_hosts_own_client_is_told_of_a_wait_that_is_longer_than_a_call_has() {
    let clockless = || CallOptions { timeout_ms: Some(u64::MAX), ..CallOptions::default() };
    for (status, outcome) in [(429, Outcome::NotExecuted), (503, Outcome::Unknown)] {
        for long in ["100000", "61"] {
            let mut net = connected(host());
            net.reply("call", Reply::busy(status, long));
            let call = net.call_with("write", clockless());
            net.run();
            assert_eq!((net.error(call).code, net.error(call).outcome), (Code::Overloaded, outcome), "{status} {long}");
        }
    }
    let mut net = connected(host());
    net.reply("call", Reply::busy(429, "20"));
    net.call_with("write", clockless());
    assert_eq!(net.run_for(30_000), ["call→429", "call→200", "write ok"]);
}

#[test]
fn the_stream_of_a_clockless_call_is_resumed_after_a_quarter_of_an_hour_at_most() {
    let mut net = connected(host());
    net.reply("call", Reply::Stream("id: 1\nretry: 999999999999\ndata:\n\n".to_owned()));
    net.call_with("write", CallOptions { timeout_ms: Some(u64::MAX), ..CallOptions::default() });
    let log = net.run_for(16 * 60_000);
    assert!(log.iter().any(|line| line.starts_with("GET→")), "{log:?}");
}
