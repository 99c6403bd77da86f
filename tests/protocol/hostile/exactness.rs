//! What a server may ask of the host, and what must be taken exactly: ids, members, names.

use super::*;

// What a server may ask of the host

#[test]
fn tools_in_sampling_that_were_not_declared_are_refused() {
    for (declared, params, asked) in [
        (r#"{"sampling":{}}"#, json!({"messages": []}), true),
        (r#"{"sampling":{}}"#, json!({"tools": []}), false),
        (r#"{"sampling":{}}"#, json!({"toolChoice": {"mode": "required"}}), false),
        (r#"{"sampling":{"context":{}}}"#, json!({"tools": [{"name": "rm"}]}), false),
        (r#"{"sampling":{"tools":{}}}"#, json!({"tools": [{"name": "rm"}], "toolChoice": {}}), true),
    ] {
        let mut net = Net::connected_with(declaring(declared));
        net.session.set_handled("sampling/createMessage".to_owned());
        net.reply("call", Reply::Open(request(&json!(7), "sampling/createMessage", &params)));
        net.call("a");
        net.run();
        assert_eq!(net.questions.len(), usize::from(asked), "{declared} {params}");
        assert_eq!(answers(&net), if asked { vec![] } else { vec![(json!(7), json!(-32602))] });
        // In the modern era nobody is asked, and the call fails.
        let mut net = modern(declaring(declared));
        net.session.set_handled("sampling/createMessage".to_owned());
        let inputs = json!({"k": {"method": "sampling/createMessage", "params": params}});
        net.answer_next("call", &json!({"resultType": "input_required", "inputRequests": inputs}));
        let call = net.call("a");
        net.run();
        assert_eq!(net.questions.len(), usize::from(asked), "{declared} {params}");
        assert_eq!(net.results.contains_key(&call), !asked);
    }
}

#[test]
fn the_user_is_sent_to_no_address_that_is_not_safe() {
    let urls = [
        ("https://a.example/x", true),
        ("http://localhost:1/x", true),
        ("http://a.example/", false),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("file:///etc/passwd", false),
    ];
    for (url, safe) in urls {
        let mut net = Net::connected_with(declaring(r#"{"elicitation":{"url":{}}}"#));
        net.session.set_handled("elicitation/create".to_owned());
        let params = json!({"mode": "url", "url": url, "elicitationId": "e", "message": "m"});
        net.reply("call", Reply::Open(request(&json!("q"), "elicitation/create", &params)));
        net.call("a");
        net.run();
        assert_eq!(net.questions.len(), usize::from(safe), "{url}");
        assert_eq!(answers(&net), if safe { vec![] } else { vec![(json!("q"), json!(-32602))] }, "{url}");
        // As what a call needs first.
        let elicitations = json!([{"mode": "url", "url": url, "elicitationId": "e"}]);
        let mut net = Net::connected_with(quiet());
        net.reply("call", Reply::Silence);
        let call = net.call("a");
        net.run();
        let sent = net.sent.last().expect("sent").clone();
        let error = json!({"code": -32042, "message": "first", "data": {"elicitations": elicitations}});
        net.answer_to(sent.exchange, &json!({"jsonrpc": "2.0", "id": sent.body["id"], "error": error}));
        net.run();
        let left = net.error(call).data.as_ref().expect("data")["elicitations"].as_array().expect("a list").len();
        assert_eq!(left, usize::from(safe), "{url}");
    }
}

#[test]
fn why_a_host_gives_up_is_not_told() {
    // As the driver does it: `cancel` has no reason to tell.
    let mut net = Net::connected_with(quiet());
    net.reply("call", Reply::Silence);
    let call = net.call("a");
    net.run();
    net.session.cancel(call, None, net.now);
    net.run();
    let cancelled = net.sent.last().expect("sent");
    assert_eq!(
        cancelled.body["params"].as_object().map(|params| params.keys().collect::<Vec<_>>()),
        Some(vec![&"requestId".to_owned()])
    );
}

// Exactness

#[test]
fn ids_of_the_server_go_back_as_they_came() {
    let ids = [
        json!(0),
        json!(-7),
        json!("0"),
        json!(""),
        json!(1.5),
        json!("\u{fffd}"),
        json!("ä\"\\\n"),
        json!("x".repeat(1_000)),
    ];
    let mut net = Net::connected_with(quiet());
    let asked: String = ids.iter().map(|id| request(id, "ping", &json!({}))).collect();
    net.reply("call", Reply::Open(asked));
    net.call("a");
    net.run();
    assert_eq!(answers(&net).into_iter().map(|(id, _)| id).collect::<Vec<_>>(), ids);
}

#[test]
fn a_request_whose_id_cannot_be_given_back_is_left_out() {
    let mut net = Net::connected_with(declaring(r#"{"roots":{}}"#));
    net.session.set_handled("roots/list".to_owned());
    let ids = [json!(9_007_199_254_740_993_u64), json!(true), json!({"a": 1}), json!([1]), json!("x".repeat(1 << 17))];
    let asked: String = ids.iter().map(|id| request(id, "roots/list", &json!({}))).collect();
    net.reply("call", Reply::Open(asked));
    net.call("a");
    net.run();
    assert_eq!((net.questions.len(), answers(&net)), (0, vec![]));
    assert!(
        !net.events.iter().any(|event| matches!(event, mcp_evergreen::protocol::status::Event::Notification { .. }))
    );
}

#[test]
fn a_question_is_taken_back_by_its_own_id_alone() {
    let mut net = Net::connected_with(declaring(r#"{"roots":{}}"#));
    net.session.set_handled("roots/list".to_owned());
    let cancelled = |id: Value| event("notifications/cancelled", &json!({"requestId": id}));
    let stream = request(&json!(1), "roots/list", &json!({})) + &cancelled(json!("1")) + &cancelled(json!(1.5));
    net.reply("call", Reply::Open(stream));
    net.call("a");
    let log = net.run();
    assert!(!log.contains(&"question withdrawn".to_owned()), "{log:?}");
    let call = net.sent.iter().find(|sent| sent.name() == "call").expect("sent").exchange;
    net.events(call, &cancelled(json!(1)));
    assert_eq!(net.run(), ["question withdrawn"]);
}

#[test]
fn a_notification_of_another_subscription_is_not_heard() {
    let mut net = modern(Config::default());
    net.capabilities = json!({"tools": {"listChanged": true}});
    let mut net = {
        net.session.set_listening(true, net.now);
        net.run();
        let mut other = Net::in_era(EraChoice::Modern, Config::default());
        other.eras = &[Era::Modern];
        other.capabilities = json!({"tools": {"listChanged": true}});
        other.connect();
        other.session.set_listening(true, other.now);
        other.run();
        other
    };
    let stream = net.sent.iter().rev().find(|sent| sent.name() == "listen").expect("sent").clone();
    let own = stream.body["id"].clone();
    let heard = |net: &mut Net, id: &Value| {
        let before = net.events.len();
        let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
        net.events(stream.exchange, &event("notifications/tools/list_changed", &json!({"_meta": meta})));
        net.events.len() > before
    };
    assert!(heard(&mut net, &own));
    for other in [json!(own.to_string()), json!(7), json!(null), json!([own])] {
        assert!(!heard(&mut net, &other), "{other}");
    }
}

#[test]
fn an_event_id_goes_back_byte_by_byte() {
    for (id, sent) in [
        ("событие-1", Some("событие-1".bytes().map(char::from).collect::<String>())),
        ("é", Some("\u{c3}\u{a9}".to_owned())),
        ("plain id", Some("plain id".to_owned())),
        // HTTP does not carry these: the stream cannot be taken up again.
        ("a\u{1}b", None),
        ("a\u{7f}", None),
        (&"x".repeat(5_000), None),
    ] {
        let mut net = Net::connected_with(quiet());
        net.reply("call", Reply::Stream(format!("id: {id}\ndata:\n\n")));
        net.call("a");
        net.run_for(1_000);
        let get = net.sent.iter().find(|sent| sent.name() == "GET");
        assert_eq!(get.and_then(|get| get.header("last-event-id")), sent.as_deref(), "{id}");
    }
}

#[test]
fn an_argument_that_is_called_task_asks_for_none() {
    let mut net = Net::new(quiet());
    net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}});
    net.connect();
    net.run();
    net.answer_next("list", &json!({"tools": [{"name": "run", "execution": {"taskSupport": "required"}}]}));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    for arguments in [json!({"job": 1}), json!({"task": 1}), json!({"x": "\"task\""})] {
        net.request("tools/call", Some(&json!({"name": "run", "arguments": arguments})), CallOptions::default(), "run");
        net.run();
        assert!(net.sent.last().expect("sent").body["params"]["task"].is_object(), "{arguments}");
    }
    net.request("tools/call", Some(&json!({"name": "run", "task": {"ttl": 1}})), CallOptions::default(), "run");
    net.run();
    assert_eq!(net.sent.last().expect("sent").body["params"]["task"], json!({"ttl": 1}));
}

#[test]
fn a_result_with_a_task_in_it_that_nobody_asked_for_is_a_result() {
    for capabilities in [json!({"tools": {}}), json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}})] {
        let mut net = Net::new(quiet());
        net.capabilities = capabilities;
        net.connect();
        net.run();
        net.answer_next("call", &json!({"content": [], "task": {"taskId": "17", "title": "a to-do"}}));
        let call = net.call("create_todo");
        assert_eq!(net.run(), ["call→200", "create_todo ok"]);
        assert_eq!(net.results[&call].as_ref().expect("a result")["task"]["taskId"], "17");
    }
}

#[test]
fn a_request_about_a_task_names_it_in_its_header() {
    let mut net = modern(quiet());
    for method in ["tasks/get", "tasks/cancel"] {
        net.request(method, Some(&json!({"taskId": "t1", "name": "other"})), CallOptions::default(), "task");
        net.run();
        assert_eq!(net.sent.last().expect("sent").header("mcp-name"), Some("t1"), "{method}");
    }
    net.request("resources/read", Some(&json!({"uri": "u", "name": "other"})), CallOptions::default(), "read");
    net.run();
    assert_eq!(net.sent.last().expect("sent").header("mcp-name"), Some("u"));
}

#[test]
fn what_a_later_round_gives_takes_the_place_of_what_the_caller_gave() {
    let mut net = modern(declaring(r#"{"roots":{}}"#));
    net.session.set_handled("roots/list".to_owned());
    net.answer_next("call", &json!({"resultType": "input_required", "inputRequests": {"b": {"method": "roots/list"}}}));
    let params = json!({"name": "x", "inputResponses": {"a": {}}, "requestState": "S1"});
    net.request("tools/call", Some(&params), CallOptions::default(), "x");
    net.run();
    assert_eq!(net.sent.last().expect("sent").body["params"]["requestState"], "S1");
    let (question, _) = net.questions[0].clone();
    net.session.answer(question, Ok(r#"{"roots":[]}"#.to_owned()), net.now);
    net.run();
    let text = net.sent.last().expect("sent").request.body.clone().expect("a body");
    assert_eq!((text.matches("inputResponses").count(), text.contains("S1")), (1, false), "{text}");
    assert!(text.contains(r#""inputResponses":{"b":{"roots":[]}}"#), "{text}");
}

#[test]
fn no_member_stands_twice() {
    let mut net = Net::connected_with(quiet());
    let params = mcp_evergreen::protocol::Params {
        text: Some(r#"{"name":"a"}"#.to_owned()),
        meta: Some(r#"{"progressToken":"theirs","a":1}"#.to_owned()),
        ..Default::default()
    };
    let options = CallOptions { progress: true, ..CallOptions::default() };
    net.session.call("tools/call".to_owned(), params, options, net.now);
    net.run();
    let text = net.sent.last().expect("sent").request.body.clone().expect("a body");
    assert_eq!((text.matches("progressToken").count(), text.contains("theirs")), (1, false), "{text}");
}
