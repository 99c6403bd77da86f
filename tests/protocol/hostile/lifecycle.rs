//! Sessions that are made, closed and moved while a server says something.

use super::*;

// A tool that may be another

#[test]
fn a_call_whose_tool_cannot_be_compared_is_not_sent_to_another_server() {
    let tool = json!({"tools": [{"name": "pay", "description": "1 €"}]});
    let endless = json!({"tools": [{"name": "pay", "description": "1 €"}], "nextCursor": "again"});
    for (replies, times) in [
        (vec![Reply::json(500, &json!({"error": "no"})); 4], 1),
        (vec![Reply::Silence], 1),
        (vec![Reply::Break; 4], 1),
        (vec![Reply::error(200, -32603, "no")], 1),
        (vec![], 64),
    ] {
        let mut net = Net::connected_with(quiet());
        net.answer_next("list", &tool);
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
        net.restart();
        replies.iter().for_each(|reply| net.reply("list", reply.clone()));
        (0..times).for_each(|_| net.answer_next("list", &endless));
        let call = net.call("pay");
        net.run_for(30_000);
        assert_eq!(net.error(call).code, Code::SessionLost, "{replies:?}");
        assert!(net.error(call).message.contains("could not be compared"), "{}", net.error(call).message);
        assert_eq!(net.executions.get("pay"), None);
    }
}

// Lifecycle

/// The head of the answer to `initialize` has come, with a session's id, and its stream is open.
fn head_of_initialize() -> (Net, ExchangeId) {
    let mut net = Net::new(quiet());
    net.reply("initialize", Reply::Silence);
    net.connect();
    net.run();
    let exchange = net.sent.last().expect("sent").exchange;
    let head = Head {
        status: 200,
        content_type: Some("text/event-stream".to_owned()),
        session_id: Some("s-of-the-head".to_owned()),
        ..Head::default()
    };
    net.session.handle_input(exchange, Input::Head(head), net.now);
    net.flush();
    net.live.insert("s-of-the-head".to_owned());
    (net, exchange)
}

#[test]
fn a_ping_on_the_stream_of_initialize_is_answered() {
    let (mut net, exchange) = head_of_initialize();
    net.events(exchange, &(request(&json!("p"), "ping", &json!({})) + &request(&json!(2), "roots/list", &json!({}))));
    assert_eq!(net.run(), ["answer→202", "answer→202"]);
    assert_eq!(answers(&net), [(json!("p"), json!({})), (json!(2), json!(-32601))]);
    assert!(
        net.sent
            .iter()
            .filter(|sent| sent.name() == "answer")
            .all(|sent| sent.session.as_deref() == Some("s-of-the-head"))
    );
}

#[test]
fn the_stream_of_initialize_which_stays_open_says_nothing_after_close() {
    let (mut net, exchange) = head_of_initialize();
    let id = net.sent[0].body["id"].clone();
    let result = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}});
    net.events(exchange, &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": id, "result": result})));
    net.events(exchange, &request(&json!("p"), "ping", &json!({})));
    assert_eq!(net.run(), ["initialized→202", "connect ok", "answer→202"]);
    net.session.close(false, net.now);
    assert_eq!(net.run(), ["initialize aborted", "? ok"]);
    net.events(exchange, &request(&json!("q"), "ping", &json!({})));
    assert_eq!(net.run(), [""; 0]);
    assert_eq!(net.session.poll_timeout(), None);
}

#[test]
fn a_session_that_is_made_while_it_is_closed_is_ended() {
    let mut net = Net::new(quiet());
    net.connect();
    net.flush();
    net.session.close(true, net.now);
    assert_eq!(
        net.run(),
        ["connect closed not_executed", "? ok", "initialize→200 s1", "initialize aborted", "DELETE→200"]
    );
    assert!(net.live.is_empty());
    assert_eq!(net.session.poll_timeout(), None);
}

#[test]
fn a_task_that_waits_for_input_which_nobody_can_give_is_ended() {
    for handled in [false, true] {
        let mut net = modern(declaring(r#"{"roots":{}}"#));
        if handled {
            net.session.set_handled("roots/list".to_owned());
        }
        net.answer_next(
            "call",
            &json!({"resultType": "task", "taskId": "t", "status": "working", "pollIntervalMs": 100}),
        );
        let inputs = json!({"k": {"method": "roots/list"}});
        net.answer_next(
            "tasks/get",
            &json!({"resultType": "complete", "taskId": "t", "status": "input_required", "inputRequests": inputs}),
        );
        let call = net.call("a");
        net.run_for(1_000);
        if let Some((question, _)) = net.questions.first().cloned() {
            net.session.answer(question, Err((-1, "no").into()), net.now);
            net.run();
        }
        assert_eq!(net.error(call).code, Code::Input);
        let last = net.sent.last().expect("sent");
        assert_eq!((last.name().as_str(), &last.body["params"]["taskId"]), ("tasks/cancel", &json!("t")), "{handled}");
    }
}

#[test]
fn what_has_settled_waits_nowhere() {
    let mut net = Net::connected_with(quiet());
    net.restart();
    (0..9).for_each(|_| net.reply("initialize", Reply::Break));
    for round in 0..50 {
        let call = net.call_with("a", CallOptions { timeout_ms: Some(10), ..CallOptions::default() });
        net.run_for(20);
        assert!(net.results.contains_key(&call), "{round}");
    }
    // None of the fifty is tried once there is a session again.
    net.run_for(120_000);
    assert_eq!(net.executions.get("a"), None);
}

#[test]
fn a_handshake_nested_as_deep_as_may_be_is_kept_and_taken_up() {
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({"a": deep});
    }
    let mut net = Net::new(Config { persists: true, ..quiet() });
    net.capabilities = json!({"tools": {}, "experimental": deep});
    net.connect();
    net.run();
    let record = net.session.record(net.now).expect("a record");
    let mut next = Net::new(Config { persists: true, ..quiet() });
    next.live.insert("s1".to_owned());
    assert!(next.session.take_up_record(&record, next.now));
    next.connect();
    next.call("a");
    assert_eq!(next.run(), ["connect ok", "call→200", "a ok"]);
    assert_eq!(next.status().handshake, net.status().handshake);
}

#[test]
fn a_session_whose_handshake_has_begun_to_be_answered_is_ended_at_once() {
    let (mut net, exchange) = head_of_initialize();
    net.session.close(true, net.now);
    // What still comes on its stream is not heard.
    net.session.handle_input(
        exchange,
        Input::Event { id: None, retry_ms: None, message: Some(json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})) },
        net.now,
    );
    assert_eq!(net.run(), ["connect closed not_executed", "initialize aborted", "? ok", "DELETE→200"]);
    assert!(net.live.is_empty());
}

#[test]
fn what_is_repeated_for_its_annotations_is_compared_first() {
    let list = |hints: &Value| json!({"tools": [{"name": "read", "annotations": hints}]});
    let (harmless, harmful) = (json!({"readOnlyHint": true}), json!({"readOnlyHint": false, "destructiveHint": true}));
    for (now, repeatable, runs) in [(&harmless, false, 2), (&harmful, false, 1), (&harmful, true, 2)] {
        // The server calls itself the same.
        let mut net = Net::new(Config { trust_annotations: true, ..quiet() });
        net.last_version = 1;
        net.connect();
        net.answer_next("list", &list(&harmless));
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
        net.reply("call", Reply::Break);
        let call = net.call_with("read", CallOptions { repeatable, ..CallOptions::default() });
        net.restart();
        net.answer_next("list", &list(now));
        let log = net.run_for(5_000);
        let ran = 1 + net.executions.get("read").copied().unwrap_or_default();
        assert_eq!(ran, runs, "{log:?}");
        match net.results[&call].as_ref() {
            Ok(_) => assert_eq!(runs, 2),
            Err(error) => assert_eq!((error.code, error.outcome, runs), (Code::OutcomeUnknown, Outcome::Unknown, 1)),
        }
    }
}
