//! One call's life: answers, time-outs, cancellation, progress; the end.

mod questions;

use crate::net::{Net, Reply, event};
use mcp_evergreen::protocol::config::{Connections, EraChoice, Handshake};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{CallOptions, Code, Config, Input, Malformed, Outcome, Unreached};
use serde_json::{Value, json};

fn options(change: impl FnOnce(&mut CallOptions)) -> CallOptions {
    let mut options = CallOptions::default();
    change(&mut options);
    options
}

#[test]
fn an_answer_may_come_as_an_event_stream() {
    let mut net = Net::connected();
    net.reply("call", Reply::Open(String::new()));
    let call = net.call("a");
    net.run();
    let sent = net.sent.last().expect("sent").clone();
    net.events(sent.exchange, &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": 1, "result": {"not": "ours"}})));
    net.events(
        sent.exchange,
        &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": sent.body["id"], "result": {"x": 1}})),
    );
    assert_eq!(net.flush(), ["a ok"]);
    assert_eq!(net.results[&call].as_ref().ok(), Some(&json!({"x": 1})));
    // A second response changes nothing; the stream that stays open is closed.
    net.events(
        sent.exchange,
        &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": sent.body["id"], "result": {"x": 2}})),
    );
    assert_eq!(net.run_for(2_000), ["call aborted"]);
}

#[test]
fn what_is_no_message_or_not_ours_is_left_out_of_a_stream() {
    let mut net = Net::connected();
    net.reply("call", Reply::Open(String::new()));
    let call = net.call("a");
    net.run();
    let sent = net.sent.last().expect("sent").clone();
    let id = &sent.body["id"];
    let noise = [
        json!(null),
        json!(5),
        json!("x"),
        json!([]),
        json!({}),
        json!({"jsonrpc": "2.0"}),
        json!({"jsonrpc": "2.0", "id": id}),
        json!({"jsonrpc": "2.0", "id": "another", "result": {}}),
        json!({"jsonrpc": "2.0", "id": {}, "result": {}}),
        json!({"jsonrpc": "2.0", "result": {}}),
        json!([{"jsonrpc": "2.0"}, 5, {"jsonrpc": "2.0", "id": 1, "result": {}}]),
    ];
    for message in noise {
        net.events(sent.exchange, &format!("data: {message}\n\n"));
        assert_eq!(net.flush(), Vec::<String>::new(), "{message}");
    }
    net.session.handle_input(sent.exchange, Input::Malformed(Malformed::Event { begins: "ping".to_owned() }), net.now);
    net.session.handle_input(sent.exchange, Input::Event { id: None, retry_ms: None, message: None }, net.now);
    assert_eq!((net.flush(), net.warnings()), (Vec::new(), vec!["malformed_event"]));
    let twice = [1, 2].map(|x| json!({"jsonrpc": "2.0", "id": id, "result": {"x": x}}));
    net.events(sent.exchange, &format!("data: {}\n\n", json!(twice)));
    assert_eq!(net.flush(), ["a ok"]);
    assert_eq!(net.results[&call].as_ref().ok(), Some(&json!({"x": 1})));
}

#[test]
fn a_whole_body_that_is_no_answer_is_an_error_in_words() {
    let cases = [
        (json!({"jsonrpc": "2.0"}), "a not_mcp unknown"),
        (json!(5), "a not_mcp unknown"),
        (json!([]), "a protocol unknown"),
        (json!({"jsonrpc": "2.0", "id": 1, "result": {}}), "a protocol unknown"),
        (json!({"jsonrpc": "2.0", "method": "notifications/message"}), "a protocol unknown"),
    ];
    for (body, told) in cases {
        let mut net = Net::connected();
        net.reply("call", Reply::json(200, &body));
        net.call("a");
        assert_eq!(net.run(), ["call→200", told], "{body}");
        net.call("b");
        assert_eq!(net.run(), ["call→200", "b ok"], "the session lives on");
    }
}

#[test]
fn batches_are_received() {
    let mut net = Net::connected();
    net.call("a");
    net.flush();
    let id = net.sent.last().expect("sent").body["id"].clone();
    let batch = json!([
        {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}},
        {"jsonrpc": "2.0", "id": id, "result": {}},
    ]);
    net.reply("call", Reply::json(200, &batch));
    assert_eq!(net.run(), ["call→200", "a ok"]);
}

#[test]
fn a_time_out_is_told_to_the_server_and_not_waited_for() {
    let mut net = Net::connected();
    net.reply("call", Reply::Silence);
    let call = net.call_with("a", options(|options| options.timeout_ms = Some(500)));
    assert_eq!(net.run_for(1_000), ["call→…", "a timeout unknown", "call aborted", "cancelled→202", "ping→200"]);
    assert!(net.error(call).message.contains("may have run"));
    let sent = net.sent.iter().find(|sent| sent.name() == "call").expect("sent");
    let cancelled = net.sent.iter().find(|sent| sent.name() == "cancelled").expect("cancelled");
    assert_eq!(cancelled.body["params"]["requestId"], sent.body["id"]);
}

#[test]
fn a_cancelled_call_settles_nothing_and_a_late_answer_is_ignored() {
    let mut net = Net::connected();
    net.reply("call", Reply::Silence);
    let call = net.call("a");
    net.run();
    let exchange = net.sent.last().expect("sent").exchange;
    net.session.cancel(call, Some("the user left".to_owned()), net.now);
    assert_eq!(net.run(), ["call aborted", "cancelled→202"]);
    net.session.handle_input(exchange, Input::End, net.now);
    assert_eq!(net.run(), Vec::<String>::new());
    assert!(!net.results.contains_key(&call));
}

#[test]
fn a_parked_call_that_is_cancelled_is_never_sent() {
    let mut net = Net::connected();
    net.restart();
    net.call("a");
    let parked = net.call("b");
    net.flush();
    net.session.cancel(parked, None, net.now);
    let log = net.run();
    assert_eq!(log.iter().filter(|line| line.as_str() == "call→200").count(), 1, "{log:?}");
}

#[test]
fn progress_reaches_its_call_and_may_reset_the_clock() {
    let mut net = Net::connected();
    net.reply("call", Reply::Open(String::new()));
    let call = net.call_with(
        "a",
        options(|options| {
            options.progress = true;
            options.reset_timeout_on_progress = true;
            options.timeout_ms = Some(1_000);
            options.max_total_timeout_ms = Some(1_700);
        }),
    );
    net.run();
    let sent = net.sent.last().expect("sent").clone();
    assert_eq!(sent.body["params"]["_meta"]["progressToken"], sent.body["id"]);
    net.run_for(900);
    let progress = json!({"progressToken": sent.body["id"], "progress": 1});
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress});
    net.events(sent.exchange, &format!("data: {notification}\n\n"));
    net.run_for(700);
    assert_eq!((net.progress.len(), !net.results.contains_key(&call)), (1, true));
    net.run_for(200);
    assert_eq!(net.error(call).code, Code::Timeout);
}

#[test]
fn what_cannot_be_read_is_named() {
    let cases = [
        (Malformed::TooLarge { limit: 9 }, Code::TooLarge, "9 bytes"),
        (Malformed::Utf8, Code::Protocol, "UTF-8"),
        (Malformed::Json { bytes: 12 }, Code::NotMcp, "12 bytes"),
    ];
    for (malformed, code, words) in cases {
        let mut net = Net::connected();
        let call = net.call("a");
        net.flush();
        let exchange = net.sent.last().expect("sent").exchange;
        let head = mcp_evergreen::protocol::http::Head {
            status: 200,
            content_type: Some("application/json".to_owned()),
            ..Default::default()
        };
        net.session.handle_input(exchange, Input::Head(head), net.now);
        net.session.handle_input(exchange, Input::Malformed(malformed), net.now);
        net.session.handle_input(exchange, Input::End, net.now);
        net.flush();
        assert_eq!(net.error(call).code, code);
        assert!(net.error(call).message.contains(words), "{}", net.error(call).message);
        net.call("b");
        assert!(net.run().contains(&"b ok".to_owned()));
    }
}

#[test]
fn an_error_that_a_proxy_passes_on_leaves_the_outcome_unknown() {
    let cases = [
        (-32603, "MCP server process failed", Outcome::Unknown),
        (-32001, "Request timed out", Outcome::Unknown),
        (-32000, "Connection closed", Outcome::Unknown),
        (-32603, "fetch failed", Outcome::Unknown),
        (-32002, "Not connected", Outcome::Unknown),
        (-32099, "socket hang up", Outcome::Unknown),
        (-32500, "connect ECONNREFUSED 127.0.0.1:3001", Outcome::Unknown),
        (-32603, "read ECONNRESET", Outcome::Unknown),
        (-32603, "write EPIPE", Outcome::Unknown),
        (-32603, "connect ETIMEDOUT 10.0.0.1:80", Outcome::Unknown),
        (-32603, "getaddrinfo ENOTFOUND backend", Outcome::Unknown),
        (-32603, "[Errno 111] Connection refused", Outcome::Unknown),
        (-32603, "All connection attempts failed", Outcome::Unknown),
        (-32603, "Unable to connect to the server", Outcome::Unknown),
        (
            -32603,
            "peer closed connection without sending complete message body (incomplete chunked read)",
            Outcome::Unknown,
        ),
        (-32603, "Post \"http://backend/mcp\": dial tcp 10.0.0.1:80: i/o timeout", Outcome::Unknown),
        (-32603, "context deadline exceeded", Outcome::Unknown),
        (-32603, "unexpected EOF", Outcome::Unknown),
        (-32603, "Backend not reachable", Outcome::Unknown),
        (-32603, "Server is shutting down", Outcome::Unknown),
        (-32603, "Transport closed", Outcome::Unknown),
        (-32603, "Internal error: channel closed", Outcome::Unknown),
        (-32603, "ClosedResourceError", Outcome::Unknown),
        (-32603, "RemoteProtocolError: Server disconnected", Outcome::Unknown),
        (-32603, "terminated", Outcome::Unknown),
        (-32603, "This operation was aborted", Outcome::Unknown),
        (-32000, "Bad Gateway", Outcome::Unknown),
        (-32000, "Service unavailable", Outcome::Unknown),
        (-32000, "no available server", Outcome::Unknown),
        (-32000, "no healthy upstream", Outcome::Unknown),
        (-32000, "Rate limit exceeded", Outcome::Unknown),
        (-32029, "Too many requests", Outcome::Unknown),
        (-32000, "Unauthorized", Outcome::Unknown),
        (-32603, "Unknown tool: pay", Outcome::Executed),
        (-32000, "insufficient funds: the account is closed", Outcome::Executed),
        (-32601, "Method not found", Outcome::Executed),
        (-32603, "division by zero", Outcome::Executed),
        (-32602, "the upstream branch is unknown", Outcome::Executed),
    ];
    for (rpc_code, message, outcome) in cases {
        let mut net = Net::connected();
        let call = net.call("a");
        net.flush();
        let id = net.sent.last().expect("sent").body["id"].clone();
        let error = json!({"code": rpc_code, "message": message});
        net.reply("call", Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "error": error})));
        net.run();
        assert_eq!((net.error(call).code, net.error(call).outcome), (Code::Rpc, outcome), "{message}");
    }
}

#[test]
fn a_202_is_no_answer_to_a_request() {
    let mut net = Net::connected();
    net.reply("call", Reply::Body(202, "", String::new()));
    net.call("a");
    assert_eq!(net.run(), ["call→202", "a not_mcp unknown"]);
}

#[test]
fn what_the_server_does_not_declare_is_not_asked_of_it() {
    let mut net = Net::new(Config::default());
    net.capabilities = json!({"resources": {}});
    net.connect();
    net.run();
    let call = net.call("a");
    net.request("resources/list", None, CallOptions::default(), "list");
    net.request("resources/subscribe", Some(&json!({"uri": "a:b"})), CallOptions::default(), "subscribe");
    net.request("x/y", None, CallOptions::default(), "extension");
    assert_eq!(
        net.run(),
        [
            "a capability not_executed",
            "subscribe capability not_executed",
            "resources/list→200",
            "list ok",
            "x/y→200",
            "extension ok"
        ]
    );
    assert!(net.error(call).message.contains("`tools`"));
}

#[test]
fn close_settles_everything_and_then_is_silent() {
    let mut net = Net::connected();
    net.reply("call", Reply::Silence);
    let open = net.call("open");
    net.run();
    let close = net.session.close(true, net.now);
    net.name(close, "close");
    assert_eq!(net.run(), ["open closed unknown", "call aborted", "DELETE→200", "close ok"]);
    assert_eq!(net.error(open).outcome, Outcome::Unknown);
    assert_eq!((net.phase(), net.live.len()), (Phase::Closed, 0));
    assert_eq!((net.status().generation, net.status().protocol_version), (1, Some("2025-11-25")));
    net.call("late");
    assert_eq!(net.run_for(600_000), ["late closed not_executed"]);
    let again = net.session.close(true, net.now);
    net.name(again, "again");
    assert_eq!(net.run(), ["again ok"]);
}

#[test]
fn close_does_not_wait_for_a_server_that_does_not_answer() {
    let mut net = Net::connected();
    net.reply("DELETE", Reply::Silence);
    let close = net.session.close(true, net.now);
    net.name(close, "close");
    assert_eq!(net.run_for(5_000), ["DELETE→…", "DELETE aborted", "close ok"]);
    assert_eq!(net.session.poll_timeout(), None);
}

#[test]
fn close_without_terminate_leaves_the_session_to_the_server() {
    let mut net = Net::connected();
    let close = net.session.close(false, net.now);
    net.name(close, "close");
    assert_eq!(net.run(), ["close ok"]);
    assert_eq!(net.live.len(), 1);
}

/// So many calls wait for answers when the server forgets the session, and one more is about to find that out.
fn dead_under(calls: usize, connections: Connections) -> Net {
    let mut net = Net::connected_with(Config { connections, ..Config::default() });
    for n in 0..calls {
        net.reply("call", Reply::Silence);
        net.call(&format!("s{n}"));
    }
    net.run();
    net.restart();
    net.call("a");
    net
}

#[test]
fn six_streams_of_a_dead_session_do_not_starve_the_handshake() {
    let aborted = |log: &[String]| log.iter().filter(|line| line.as_str() == "call aborted").count();
    let mut net = dead_under(6, Connections::Six);
    // The browser holds the handshake back until a connection is free: one is enough.
    net.reply("initialize", Reply::Silence);
    let log = net.run_for(3_100);
    assert_eq!(aborted(&log), 1, "{log:?}");
    assert_eq!(log.last().map(String::as_str), Some("s5 outcome_unknown unknown"), "the youngest");
    assert_eq!(aborted(&net.run_for(3_000)), 0);
    // Five leave one for the handshake, and over HTTP/2 all have one.
    for (calls, connections) in [(5, Connections::Six), (20, Connections::Many)] {
        let mut net = dead_under(calls, connections);
        net.reply("initialize", Reply::Silence);
        assert_eq!(aborted(&net.run_for(4_000)), 0, "{calls} {connections:?}");
    }
}

#[test]
fn calls_of_a_dead_session_are_waited_for_while_one_after_the_other_is_refused() {
    let mut net = dead_under(8, Connections::Six);
    // The browser's queue is slow, and the handshake stands at its end.
    net.reply("initialize", Reply::Silence);
    net.run();
    let mut log = vec![];
    for n in 0..8 {
        log.extend(net.run_for(900));
        net.answer_late(&format!("s{n}"), Reply::error(404, -32600, "Session not found"));
    }
    log.extend(net.run_for(2_900));
    assert!(!log.contains(&"call aborted".to_owned()), "{log:?}");
}

#[test]
fn trusted_annotations_say_what_is_safe_to_repeat() {
    let list = json!({"tools": [
        {"name": "read", "annotations": {"readOnlyHint": true}},
        {"name": "put", "annotations": {"idempotentHint": true}},
        {"name": "write"},
    ]});
    for (trust, expected) in [
        (true, ["read ok", "put ok", "write network unknown"]),
        (false, ["read network unknown", "put network unknown", "write network unknown"]),
    ] {
        let mut net = Net::connected_with(Config { trust_annotations: trust, ..Config::default() });
        net.request("tools/list", None, CallOptions::default(), "list");
        net.flush();
        let id = net.sent.last().expect("sent").body["id"].clone();
        net.reply("list", Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": list})));
        net.run();
        for (tool, expected) in ["read", "put", "write"].iter().zip(expected) {
            net.reply("call", Reply::Break);
            if trust && tool != &"write" {
                net.answer_next("list", &list);
            }
            net.call(tool);
            let log = net.run();
            assert!(log.contains(&expected.to_owned()), "{log:?}");
        }
    }
}

/// The platform found no connection for the request: that is proof, unless a send of the call was out before.
#[test]
fn what_found_no_connection_has_not_run() {
    let refused = || Reply::Unreached(Unreached::Refused, true);
    let mut net = Net::connected();
    net.reply("call", refused());
    let call = net.call("a");
    assert_eq!(net.run_for(5_000)[..2], ["call→unreached", "a network not_executed"]);
    let error = net.results[&call].as_ref().expect_err("nothing was sent");
    assert!(error.retryable && error.message.starts_with("The connection was refused"), "{}", error.message);
    assert!(!error.message.contains("may have run"), "{}", error.message);

    let mut net = Net::connected();
    net.reply("call", Reply::Unreached(Unreached::Refused, false));
    net.call("a");
    assert!(net.run_for(5_000).contains(&"a network unknown".to_owned()), "not proven");

    let mut net = Net::connected();
    net.reply("call", refused());
    net.call_with("a", options(|options| options.repeatable = true));
    assert!(net.run_for(5_000).contains(&"a ok".to_owned()), "safe to repeat");

    // The first send broke off, and may have run.
    let mut net = Net::connected();
    net.reply("call", Reply::Break);
    net.reply("call", refused());
    net.call_with("a", options(|options| options.repeatable = true));
    assert!(net.run_for(5_000).contains(&"a network unknown".to_owned()), "another send may have run");

    // What would have resumed its stream was not sent; the call was.
    let mut net = Net::connected_with(Config { max_resumes: 1, ..Config::default() });
    net.reply("call", Reply::Stream("id: 1\nretry: 1\ndata:\n\n".to_owned()));
    net.reply("GET", refused());
    net.call("a");
    let log = net.run_for(60_000);
    assert!(log.contains(&"GET→unreached".to_owned()), "{log:?}");
    assert!(log.iter().any(|line| line.starts_with("a ") && line.ends_with(" unknown")), "{log:?}");
}

/// One tool, of a server that keeps its sessions; the call breaks, and the list is read again.
#[test]
fn what_may_be_repeated_by_annotations_waits_for_a_list_that_was_read_since() {
    let tool = |hints: Value| json!({"name": "put", "annotations": hints});
    let (before, after) = (tool(json!({"idempotentHint": true})), tool(json!({"idempotentHint": false})));
    let another = json!({"name": "put", "description": "pays", "annotations": {"idempotentHint": true}});
    let other = tool(json!({"idempotentHint": true, "title": "other"}))["annotations"].clone();
    let other = json!({"name": "get", "annotations": other});
    let page = |tools: Value, next: Option<&str>| match next {
        Some(cursor) => json!({"tools": tools, "nextCursor": cursor}),
        None => json!({"tools": tools}),
    };
    for era in [EraChoice::Legacy, EraChoice::Modern] {
        for (pages, again) in [
            (vec![page(json!([before]), None)], true),
            (vec![page(json!([other]), Some("2")), page(json!([before]), None)], true),
            (vec![page(json!([after]), None)], false),
            (vec![page(json!([another]), None)], false),
            (vec![page(json!([other]), Some("2")), page(json!([after]), None)], false),
            (vec![page(json!([]), None)], false),
        ] {
            let mut net = Net::in_era(era, Config { trust_annotations: true, ..Config::default() });
            if era == EraChoice::Modern {
                net.eras = &[Era::Modern];
            }
            net.connect();
            net.run();
            net.answer_next("list", &page(json!([before]), None));
            net.request("tools/list", None, CallOptions::default(), "list");
            net.run();
            net.reply("call", Reply::Break);
            let call = net.call("put");
            pages.iter().for_each(|page| net.answer_next("list", page));
            let log = net.run_for(5_000);
            let lists = log.iter().filter(|line| *line == "list→200").count();
            assert_eq!(lists, pages.len(), "{era:?} {pages:?} {log:?}");
            let ends = if again { "put ok" } else { "put outcome_unknown unknown" };
            assert_eq!(log.last().map(String::as_str), Some(ends), "{era:?} {pages:?} {log:?}");
            assert_eq!(net.executions.get("put").copied().unwrap_or_default(), u32::from(again), "{log:?}");
            assert_eq!(net.results[&call].is_ok(), again);
        }
    }
}

#[test]
fn a_list_that_changes_is_no_licence_to_repeat_until_it_is_read_again() {
    let list = json!({"tools": [{"name": "put", "annotations": {"idempotentHint": true}}]});
    let mut net = Net::connected_with(Config { trust_annotations: true, ..Config::default() });
    let read = |net: &mut Net| {
        net.answer_next("list", &list);
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
    };
    let repeats = |net: &mut Net| {
        net.reply("call", Reply::Break);
        net.call("put");
        net.answer_next("ping", &json!({}));
        let log = net.run_for(5_000);
        log.contains(&"list→200".to_owned())
    };
    read(&mut net);
    net.reply("call", Reply::Stream(event("notifications/tools/list_changed", &json!({}))));
    net.call_with("write", CallOptions { timeout_ms: Some(100), ..CallOptions::default() });
    net.run_for(1_000);
    assert!(!repeats(&mut net), "the list may be another");
    read(&mut net);
    assert!(repeats(&mut net), "it was read again");
}

#[test]
fn no_message_holds_a_session_id_or_foreign_text() {
    let mut net = Net::connected();
    let error = json!({"code": -32000, "message": "wrong thing in s1 at /srv/app.py"});
    net.call("a");
    net.flush();
    let id = net.sent.last().expect("sent").body["id"].clone();
    net.reply("call", Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "error": error})));
    net.run();
    let call = *net.results.keys().last().expect("settled");
    assert_eq!(net.error(call).message, "wrong thing in [session id] at /srv/app.py");
}

#[test]
fn a_call_that_was_never_sent_is_told_what_it_waited_for() {
    let short = || CallOptions { timeout_ms: Some(1_000), ..CallOptions::default() };
    // Its turn.
    let mut net = Net::connected();
    (0..100).for_each(|_| net.reply("call", Reply::Silence));
    for n in 0..100 {
        net.call(&format!("{n}"));
    }
    let last = net.call_with("last", short());
    net.run_for(2_000);
    assert!(net.error(last).message.contains("too many calls before it"), "{}", net.error(last).message);
    // A token.
    let mut net = Net::new(Config { authorizes: true, ..Config::default() });
    net.valid_token = Some(0);
    net.connect();
    net.run();
    net.valid_token = Some(1);
    net.call("first");
    net.run();
    let second = net.call_with("second", short());
    net.run_for(2_000);
    assert_eq!(net.error(second).outcome, Outcome::NotExecuted);
    assert!(net.error(second).message.contains("has given no token"), "{}", net.error(second).message);
    // A session.
    let mut net = Net::connected();
    net.restart();
    net.reply("initialize", Reply::Silence);
    net.call("first");
    net.run();
    let second = net.call_with("second", short());
    net.run_for(2_000);
    assert!(net.error(second).message.contains("there is no session"), "{}", net.error(second).message);
}
