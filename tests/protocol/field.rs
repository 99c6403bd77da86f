//! Servers and gateways as they are: what is tolerated, and how far. The table of all of them is `tests/field`.

use super::net::{Net, Reply};
use mcp_evergreen::protocol::config::EraChoice;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Head;
use mcp_evergreen::protocol::{CallOptions, Code, Config, Input, Outcome, Redirect};
use serde_json::{Value, json};

const CONNECTED: [&str; 3] = ["initialize→200 s1", "initialized→202", "connect ok"];

fn auto(eras: &'static [Era]) -> Net {
    let mut net = Net::in_era(EraChoice::Auto, Config::default());
    net.eras = eras;
    net
}

fn legacy() -> Net {
    auto(&[Era::Legacy])
}

/// A call that is on the wire, and its request's id.
fn called(net: &mut Net, options: CallOptions) -> u64 {
    net.reply("call", Reply::Silence);
    net.call_with("a", options);
    net.run();
    net.sent.last().and_then(|sent| sent.body["id"].as_u64()).expect("a request")
}

/// What comes of a call that is answered so: `make` is given the request's id.
fn answered(make: impl Fn(u64) -> Reply) -> (Net, Vec<String>) {
    let mut net = Net::connected();
    net.call("a");
    net.flush();
    let id = net.sent.last().and_then(|sent| sent.body["id"].as_u64()).expect("a request");
    net.reply("call", make(id));
    let log = net.run();
    (net, log)
}

fn result(id: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": []}}).to_string()
}

// Connecting.

#[test]
fn no_answer_to_a_notification_undoes_a_handshake() {
    let error = Reply::error(200, -32601, "Method not found: notifications/initialized");
    for reply in [
        error,
        Reply::error(400, -32601, "Method not found"),
        Reply::error(404, -32601, "Method not found"),
        Reply::json(200, &Value::Null),
        Reply::Body(200, "text/html", "<html>".into()),
        Reply::Open(": hello\n\n".into()),
        Reply::Body(204, "", String::new()),
        Reply::text(403, "forbidden"),
        Reply::text(404, "nothing here"),
        Reply::text(405, ""),
        Reply::text(500, "oops"),
        Reply::text(503, "busy"),
    ] {
        let mut net = Net::new(Config::default());
        net.reply("initialized", reply.clone());
        net.connect();
        let mut log = net.run();
        // It may say that the session is gone: a ping tells.
        log.retain(|line| line != "ping→200");
        assert_eq!((log.len(), log.last().map(String::as_str)), (3, Some("connect ok")), "{reply:?}: {log:?}");
    }
}

#[test]
fn a_notification_that_is_never_answered_is_waited_for_a_moment_and_a_quarter_of_the_time() {
    for (timeout_ms, wait) in [(60_000, 1_500), (3_000, 750)] {
        let mut net = Net::new(Config { timeout_ms, ..Config::default() });
        net.reply("initialized", Reply::Silence);
        net.connect();
        assert_eq!(net.run(), ["initialize→200 s1", "initialized→…"]);
        assert_eq!(net.run_for(wait - 20), Vec::<String>::new());
        assert_eq!(net.run_for(20), ["initialized aborted", "connect ok"]);
    }
}

#[test]
fn a_server_that_hangs_up_on_a_notification_is_told_from_one_that_is_gone_by_a_ping() {
    let mut net = Net::new(Config::default());
    net.reply("initialized", Reply::Break);
    net.connect();
    assert_eq!(net.run(), ["initialize→200 s1", "initialized→broke", "ping→200", "connect ok"]);

    let mut net = Net::new(Config::default());
    net.reply("initialized", Reply::Break);
    net.reply("ping", Reply::Break);
    net.connect();
    assert_eq!(net.run(), ["initialize→200 s1", "initialized→broke", "ping→broke", "DELETE→200"]);
    assert_eq!(net.run_for(2_000), ["initialize→200 s2", "initialized→202", "connect ok"]);
}

#[test]
fn a_notification_that_is_refused_for_its_session_or_its_credentials_does() {
    let mut net = Net::new(Config::default());
    net.reply("initialized", Reply::error(404, -32001, "Session not found"));
    net.connect();
    assert_eq!(net.run(), ["initialize→200 s1", "initialized→404"]);
    assert_eq!(net.run_for(2_000), ["initialize→200 s2", "initialized→202", "connect ok"]);

    let mut net = Net::new(Config::default());
    net.reply("initialized", Reply::text(401, "who are you"));
    net.connect();
    assert_eq!(net.run()[..3], ["initialize→200 s1", "initialized→401", "connect unauthorized not_executed"]);
}

#[test]
fn a_probe_that_is_refused_as_any_unknown_method_is_leaves_the_word_to_initialize() {
    let own = |id| json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}});
    for reply in [Reply::text(401, "who are you"), Reply::text(403, "no"), Reply::json(401, &own(1))] {
        let mut net = legacy();
        net.reply("discover", reply.clone());
        net.connect();
        assert_eq!(net.run()[1..], CONNECTED, "{reply:?}");
    }
    let mut net = legacy();
    net.reply("discover", Reply::text(401, "who are you"));
    net.reply("initialize", Reply::text(401, "who are you"));
    net.connect();
    assert_eq!(net.run(), ["discover→401", "initialize→401", "connect unauthorized not_executed"]);
}

#[test]
fn a_probe_that_fails_twice_leaves_the_word_to_initialize() {
    let mut net = legacy();
    (0..2).for_each(|_| net.reply("discover", Reply::text(500, "oops")));
    net.connect();
    assert_eq!(net.run(), ["discover→500"]);
    assert_eq!(net.run_for(2_000), [&["discover→500"][..], &CONNECTED].concat());

    // A server of both eras that stumbles once is asked again before it is taken for one of the older.
    let mut net = auto(&[Era::Modern, Era::Legacy]);
    net.reply("discover", Reply::text(502, "bad gateway"));
    net.connect();
    net.run();
    assert_eq!(net.run_for(2_000), ["discover→200", "connect ok"]);
}

#[test]
fn a_probe_that_is_swallowed_takes_three_seconds_or_a_third_of_the_time() {
    for (timeout_ms, wait) in [(60_000, 3_000), (3_000, 1_000)] {
        let mut net = Net::in_era(EraChoice::Auto, Config { timeout_ms, ..Config::default() });
        net.reply("discover", Reply::Silence);
        net.connect();
        assert_eq!(net.run(), ["discover→…"]);
        assert_eq!(net.run_for(wait - 20), Vec::<String>::new());
        assert_eq!(net.run_for(50), [&["discover aborted"][..], &CONNECTED].concat());
    }
}

#[test]
fn a_modern_server_that_was_slow_or_guarded_is_asked_once_more_and_no_oftener() {
    let mut net = auto(&[Era::Modern]);
    net.reply("discover", Reply::Silence);
    net.connect();
    assert_eq!(net.run_for(3_000), ["discover→…", "discover aborted", "initialize→400", "discover→200", "connect ok"]);

    let mut net = auto(&[Era::Modern]);
    (0..9).for_each(|_| net.reply("discover", Reply::text(403, "no")));
    net.connect();
    assert_eq!(net.run(), ["discover→403", "initialize→400", "discover→403", "connect http not_executed"]);
}

#[test]
fn an_initialize_that_is_refused_for_its_version_is_negotiated() {
    let refusal = |message: &str, data: Value| {
        let error = json!({"code": -32602, "message": message, "data": data});
        json!({"jsonrpc": "2.0", "id": 1, "error": error})
    };
    let refused = "Unsupported protocol version";
    for (reply, offered) in [
        (
            Reply::json(200, &refusal(refused, json!({"supported": ["2024-11-05"], "requested": "2025-11-25"}))),
            "2024-11-05",
        ),
        (Reply::json(400, &refusal(refused, json!({"supported": ["2024-11-05", "2025-03-26"]}))), "2025-03-26"),
        (Reply::json(200, &refusal(refused, json!({"expected": "2025-06-18"}))), "2025-06-18"),
        (Reply::text(400, "Unsupported protocol version (supported: 2025-03-26, 2024-11-05)"), "2025-03-26"),
        (Reply::json(200, &refusal(refused, Value::Null)), "2025-06-18"),
        (Reply::text(500, "unknown Protocol Version"), "2025-06-18"),
    ] {
        let mut net = Net::new(Config::default());
        net.reply("initialize", reply.clone());
        net.connect();
        assert_eq!(net.run()[1..], CONNECTED, "{reply:?}");
        assert_eq!(net.sent[1].body["params"]["protocolVersion"], offered, "{reply:?}");
        // The next handshake begins with what was agreed.
        net.restart();
        net.call("a");
        net.run();
        let next = net.sent.iter().rfind(|sent| sent.name() == "initialize").expect("a handshake");
        assert_eq!(next.body["params"]["protocolVersion"], offered);
    }
}

#[test]
fn a_version_is_negotiated_once() {
    let mut net = Net::new(Config::default());
    (0..9).for_each(|_| net.reply("initialize", Reply::text(400, "Unsupported protocol version")));
    net.connect();
    assert_eq!(net.run(), ["initialize→400", "initialize→400", "connect http not_executed"]);
}

#[test]
fn a_session_id_that_stands_twice_counts_once_if_both_are_the_same() {
    for (id, sent) in
        [("S1, S1", Some("S1")), ("S1,S1", Some("S1")), (" S1 ", Some("S1")), ("", None), ("a,b", Some("a,b"))]
    {
        let mut net = Net::new(Config::default());
        net.connect();
        net.flush();
        let result = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}});
        let body = json!({"jsonrpc": "2.0", "id": net.sent[0].body["id"], "result": result}).to_string();
        let head = Head { session_id: Some(id.to_owned()), ..Head::default() };
        net.reply("initialize", Reply::With(200, "application/json", body, head));
        net.reply("initialized", Reply::Body(202, "", String::new()));
        net.run();
        assert_eq!(net.sent[1].header("mcp-session-id"), sent, "{id:?}");
    }
}

#[test]
fn session_ids_that_differ_are_refused_in_words() {
    let mut net = Net::new(Config::default());
    let connect = net.connect();
    net.flush();
    let result = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}});
    let body = json!({"jsonrpc": "2.0", "id": net.sent[0].body["id"], "result": result}).to_string();
    let head = Head { session_id: Some("S1, S2".to_owned()), ..Head::default() };
    net.reply("initialize", Reply::With(200, "application/json", body, head));
    assert_eq!(net.run(), ["initialize→200", "connect protocol not_executed"]);
    let message = &net.error(connect).message;
    assert!(message.contains("several Mcp-Session-Id that differ") && !message.contains("S1"), "{message}");
}

#[test]
fn a_redirect_is_met_with_the_other_slash_once() {
    let mut net = Net::new(Config::default());
    net.reply("initialize", Reply::Redirect(Redirect::default()));
    net.connect();
    assert_eq!(net.run(), [&["initialize→redirect", "other slash"][..], &CONNECTED].concat());

    let mut net = legacy();
    net.reply("discover", Reply::Redirect(Redirect::default()));
    net.connect();
    assert_eq!(net.run(), [&["discover→redirect", "other slash", "discover→404"][..], &CONNECTED].concat());

    for (second, kind) in [
        (Reply::Redirect(Redirect::default()), "redirect"),
        (Reply::text(404, ""), "redirect"),
        (Reply::Redirect(Redirect { elsewhere: true, ..Redirect::default() }), "other_origin"),
    ] {
        let mut net = Net::new(Config::default());
        net.reply("initialize", Reply::Redirect(Redirect::default()));
        net.reply("initialize", second);
        let connect = net.connect();
        assert_eq!(net.run().last().map(String::as_str), Some("connect http not_executed"));
        assert_eq!(net.error(connect).diagnosis.as_ref().map(|it| it.kind), Some(kind));
    }

    let mut net = Net::new(Config::default());
    net.reply("initialize", Reply::Redirect(Redirect { elsewhere: true, ..Redirect::default() }));
    net.connect();
    assert_eq!(net.run(), ["initialize→redirect", "connect http not_executed"], "another origin is left alone");

    let mut net = Net::connected();
    net.reply("call", Reply::Redirect(Redirect::default()));
    net.call("a");
    assert_eq!(net.run(), ["call→redirect", "a http unknown"], "and so is what may have run");
}

#[test]
fn a_page_in_the_place_of_a_server_is_named() {
    for (page, kind) in [("<html><input type=\"password\">", "login_page"), ("<html>Welcome", "web_page")] {
        let mut net = Net::new(Config::default());
        net.reply("initialize", Reply::Body(200, "text/html", page.to_owned()));
        let connect = net.connect();
        net.run();
        let error = net.error(connect);
        assert_eq!((error.code, error.diagnosis.as_ref().map(|it| it.kind)), (Code::NotMcp, Some(kind)));
    }
}

#[test]
fn a_server_that_declares_nothing_is_asked_for_its_lists_and_believed() {
    let mut net = Net::new(Config::default());
    net.capabilities = json!({});
    net.connect();
    net.run();
    net.call("a");
    assert_eq!(net.run(), ["a capability not_executed"], "a call might do something");
    net.request("tools/list", None, CallOptions::default(), "list");
    assert_eq!(net.run(), ["list→200", "list ok"]);
    assert_eq!(net.warnings(), ["undeclared_capability"]);
    net.call("a");
    assert_eq!(net.run(), ["call→200", "a ok"]);
    // Nor does it declare anything in the next session.
    net.restart();
    net.call("b");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "b ok"]);
}

// Answers.

#[test]
fn what_is_json_rpc_under_our_own_id_is_the_answer() {
    let events = |text: String| Reply::Body(200, "application/json", text);
    type Make = Box<dyn Fn(u64) -> Reply>;
    let rows: Vec<(&str, Make)> = vec![
        ("no Content-Type", Box::new(|id| Reply::Body(200, "", result(&json!(id))))),
        ("HTML", Box::new(|id| Reply::Body(200, "text/html", result(&json!(id))))),
        ("plain text", Box::new(|id| Reply::text(200, &result(&json!(id))))),
        ("JSON in an event stream's type", Box::new(|id| Reply::Stream(result(&json!(id))))),
        ("an event stream in JSON's", Box::new(move |id| events(format!("data: {}\n\n", result(&json!(id)))))),
        ("one without a type", Box::new(|id| Reply::Body(200, "", format!(": x\n\ndata: {}\n\n", result(&json!(id)))))),
        ("with 202", Box::new(|id| Reply::Body(202, "application/json", result(&json!(id))))),
        ("with 500", Box::new(|id| Reply::Body(500, "application/json", result(&json!(id))))),
        ("with 404", Box::new(|id| Reply::Body(404, "application/json", result(&json!(id))))),
        (
            "events with 502",
            Box::new(|id| Reply::Body(502, "text/event-stream", format!("data: {}\n\n", result(&json!(id))))),
        ),
        ("an id as text", Box::new(|id| Reply::Body(200, "application/json", result(&json!(id.to_string()))))),
        (
            "an id as text in an event",
            Box::new(|id| Reply::Stream(format!("data: {}\n\n", result(&json!(id.to_string()))))),
        ),
        ("a batch", Box::new(|id| Reply::Body(200, "", format!("[{}]", result(&json!(id)))))),
        ("no blank line, the stream ends", Box::new(|id| Reply::Stream(format!("data: {}\n", result(&json!(id)))))),
        ("not even a line end", Box::new(|id| Reply::Stream(format!("data: {}", result(&json!(id)))))),
        ("no blank line, the stream stays", Box::new(|id| Reply::Open(format!("data: {}\n", result(&json!(id)))))),
        ("CR alone", Box::new(|id| Reply::Stream(format!("event: message\rdata: {}\r\r", result(&json!(id)))))),
        ("a mark before it", Box::new(|id| Reply::Stream(format!("\u{feff}data: {}\n\n", result(&json!(id)))))),
    ];
    for (name, make) in rows {
        let (_, log) = answered(make);
        assert_eq!(log.last().map(String::as_str), Some("a ok"), "{name}: {log:?}");
        assert_eq!(log.len(), 2, "{name}: {log:?}");
    }
}

#[test]
fn an_error_under_our_own_id_is_the_servers_word_in_any_type() {
    for media_type in ["", "text/plain", "text/html", "text/event-stream", "application/octet-stream"] {
        let (net, _) = answered(|id| {
            let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32603, "message": "upstream reset"}});
            Reply::Body(200, media_type, error.to_string())
        });
        let error = net.results.values().find_map(|result| result.as_ref().err()).expect("an error");
        assert_eq!(
            (error.code, error.rpc_code, &*error.message),
            (Code::Rpc, Some(-32603), "upstream reset"),
            "{media_type}"
        );
    }
    let (net, _) = answered(|id| Reply::json(200, &json!({"id": id, "error": "no such thing"})));
    let error = net.results.values().find_map(|result| result.as_ref().err()).expect("an error");
    assert_eq!((error.code, &*error.message), (Code::Rpc, "no such thing"));
}

#[test]
fn ids_of_others_are_no_answer_whatever_they_look_like() {
    for id in [json!("1"), json!(1), json!(null), json!("x")] {
        let (net, log) = answered(|_| Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": {}})));
        assert_eq!(log, ["call→200", "a protocol unknown"], "{id}");
        drop(net);
    }
    // The text of our number is ours, and that of a number is not that of another form.
    let (_, log) = answered(|id| Reply::json(200, &json!({"jsonrpc": "2.0", "id": format!("0{id}"), "result": {}})));
    assert_eq!(log, ["call→200", "a protocol unknown"]);
}

#[test]
fn what_was_meant_to_be_the_answer_and_is_no_json_fails_at_once() {
    for end in ["", "\n\n"] {
        let (net, log) = answered(|id| {
            let broken = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"x":NaN}}}}"#);
            if end.is_empty() {
                Reply::Body(200, "application/json", broken)
            } else {
                Reply::Open(format!("data: {broken}{end}"))
            }
        });
        assert_eq!(log.last().map(String::as_str), Some("a protocol unknown"), "{log:?}");
        let error = net.results.values().find_map(|result| result.as_ref().err()).expect("an error");
        assert!(error.message.contains("no JSON") && error.outcome == Outcome::Unknown, "{}", error.message);
    }
}

#[test]
fn signs_of_life_that_are_no_json_are_left_out() {
    let (net, log) = answered(|id| {
        Reply::Stream(format!("data: ping\n\ndata: [DONE]\n\ndata: {{\n\ndata: {}\n\n", result(&json!(id))))
    });
    assert_eq!((log, net.warnings().len()), (vec!["call→200 stream".to_owned(), "a ok".to_owned()], 3));
    let (net, log) = answered(|id| {
        let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":NaN}}"#;
        Reply::Stream(format!("data: ping\n\ndata: {progress}\n\ndata: {}\n\n", result(&json!(id))))
    });
    assert_eq!(log, ["call→200 stream", "a ok"]);
    assert_eq!(net.warnings(), ["malformed_event", "malformed_event"]);
}

#[test]
fn what_an_event_without_its_blank_line_says_of_others_is_left_out() {
    let mut net = Net::connected();
    let id = called(&mut net, CallOptions::default());
    let exchange = net.sent.last().expect("sent").exchange;
    let head = Head { status: 200, content_type: Some("text/event-stream".to_owned()), ..Head::default() };
    net.session.handle_input(exchange, Input::Head(head), net.now);
    let other = json!({"jsonrpc": "2.0", "id": id + 1, "result": {}});
    let question = json!({"jsonrpc": "2.0", "id": 0, "method": "ping"});
    for value in [other, question, json!({"jsonrpc": "2.0", "method": "notifications/x"}), json!(5)] {
        net.session.handle_input(exchange, Input::Unfinished(value), net.now);
    }
    assert_eq!(net.flush(), Vec::<String>::new());
    net.session.handle_input(exchange, Input::Unfinished(json!({"jsonrpc": "2.0", "id": id, "result": {}})), net.now);
    net.session.handle_input(
        exchange,
        Input::Event { id: None, retry_ms: None, message: Some(json!({"jsonrpc": "2.0", "id": id, "result": {}})) },
        net.now,
    );
    assert_eq!(net.flush(), ["a ok"], "once");
}

#[test]
fn a_progress_token_may_come_back_as_text() {
    let mut net = Net::connected();
    let options = CallOptions { progress: true, ..CallOptions::default() };
    net.call_with("a", options);
    net.flush();
    let id = net.sent.last().and_then(|sent| sent.body["id"].as_u64()).expect("a request");
    let progress = |token: Value| {
        let params = json!({"progressToken": token, "progress": 1});
        format!("data: {}\n\n", json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))
    };
    let text = [
        progress(json!(id.to_string())),
        progress(json!((id + 1).to_string())),
        format!("data: {}\n\n", result(&json!(id))),
    ];
    net.reply("call", Reply::Stream(text.concat()));
    assert_eq!(net.run(), ["call→200 stream", "a ok"]);
    assert_eq!(net.progress.len(), 1);
}

// Lists.

/// Each method whose result has a list, a result without it, and where it is.
const LISTS: [(&str, &str); 8] = [
    ("tools/list", "/tools"),
    ("prompts/list", "/prompts"),
    ("resources/list", "/resources"),
    ("resources/templates/list", "/resourceTemplates"),
    ("resources/read", "/contents"),
    ("prompts/get", "/messages"),
    ("tools/call", "/content"),
    ("completion/complete", "/completion/values"),
];

/// What comes of this request when the server has `value` where its list is.
fn listed(method: &str, path: &str, value: &Value) -> Result<Value, (Code, Outcome)> {
    let result =
        path.rsplit('/').filter(|name| !name.is_empty()).fold(value.clone(), |inner, name| json!({name: inner}));
    given(method, &result)
}

fn given(method: &str, result: &Value) -> Result<Value, (Code, Outcome)> {
    let mut net = Net::connected();
    let name = method.split('/').nth(1).filter(|_| method.starts_with("tools/")).unwrap_or(method);
    net.answer_next(name, result);
    let params = json!({"name": "n", "uri": "u"});
    let call = net.request(method, Some(&params), CallOptions::default(), method);
    net.run();
    net.results[&call].clone().map_err(|error| (error.code, error.outcome))
}

#[test]
fn a_list_of_nothing_is_empty_however_it_is_written() {
    for (method, path) in LISTS {
        for nothing in [json!([]), json!(null), json!({})] {
            let came = listed(method, path, &nothing);
            assert_eq!(came.expect("a result").pointer(path), Some(&json!([])), "{method}: {nothing}");
        }
        let some = json!([{"name": "a"}, null]);
        assert_eq!(listed(method, path, &some).expect("a result").pointer(path), Some(&some), "{method}");
    }
    for (method, path) in LISTS.into_iter().filter(|(method, _)| *method != "tools/call") {
        for result in [
            json!({}),
            json!(null),
            json!({"nextCursor": "", "ttlMs": 1}),
            json!({"completion": null}),
            json!({"completion": {}}),
        ] {
            let came = given(method, &result).expect("a result");
            assert_eq!(came.pointer(path), Some(&json!([])), "{method}: {result}");
            assert_eq!(came.get("ttlMs"), result.get("ttlMs"), "the rest is as it came");
        }
    }
}

#[test]
fn what_is_no_list_is_no_answer() {
    for (method, path) in LISTS {
        for other in [json!(""), json!("none"), json!(false), json!(0), json!({"a": {"name": "a"}})] {
            assert_eq!(listed(method, path, &other), Err((Code::Protocol, Outcome::Executed)), "{method}: {other}");
        }
        for result in [json!("no tools"), json!([]), json!(7), json!(true)] {
            assert_eq!(given(method, &result), Err((Code::Protocol, Outcome::Executed)), "{method}: {result}");
        }
    }
    for (method, _) in LISTS.into_iter().filter(|(method, _)| method.ends_with("/list")) {
        let page = json!({"nextCursor": "a"});
        assert_eq!(given(method, &page), Err((Code::Protocol, Outcome::Executed)), "{method}: a page without items");
    }
}

#[test]
fn the_content_of_a_tool_is_added_beside_what_is_structured_alone() {
    let structured = json!({"structuredContent": {"a": 1}});
    assert_eq!(given("tools/call", &structured), Ok(json!({"structuredContent": {"a": 1}, "content": []})));
    let older = json!({"toolResult": 1});
    assert_eq!(given("tools/call", &older), Ok(older));
}

#[test]
fn a_task_ends_with_a_result_of_the_same_shape() {
    for (content, came) in [(json!(null), Ok(json!([]))), (json!("done"), Err(Code::Protocol))] {
        let mut net = auto(&[Era::Modern]);
        net.connect();
        net.run();
        net.answer_next("call", &json!({"resultType": "task", "taskId": "1", "status": "working"}));
        net.answer_next(
            "tasks/get",
            &json!({"resultType": "complete", "taskId": "1", "status": "completed", "result": {"content": content}}),
        );
        let call = net.call("a");
        net.run_for(30_000);
        let given = net.results[&call].as_ref().map(|result| result["content"].clone()).map_err(|error| error.code);
        assert_eq!(given, came);
    }
}
