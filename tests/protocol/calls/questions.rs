//! What the server asks during a call, and the clock meanwhile.

use super::*;

#[test]
fn the_server_is_answered_under_the_session_that_asked() {
    let mut net = Net::connected();
    net.session.set_handled("sampling/createMessage".to_owned());
    let questions = [
        json!({"jsonrpc": "2.0", "id": 0, "method": "ping"}),
        json!({"jsonrpc": "2.0", "id": "q", "method": "sampling/createMessage", "params": {}}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "roots/list"}),
    ];
    let events: String = questions.iter().map(|question| format!("data: {question}\n\n")).collect();
    net.reply("call", Reply::Open(events));
    net.call("a");
    assert_eq!(net.run(), ["call→200 stream", "asked sampling/createMessage", "answer→202", "answer→202"]);
    let question = net.questions[0].0;
    net.session.answer(question, Ok("{\"x\":1}".to_owned()), net.now);
    assert_eq!(net.run(), ["answer→202"]);
    let answers: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "answer").map(|sent| &sent.body).collect();
    assert_eq!(*answers[0], json!({"jsonrpc": "2.0", "id": 0, "result": {}}));
    assert_eq!(answers[1]["error"]["code"], json!(-32601));
    assert_eq!(*answers[2], json!({"jsonrpc": "2.0", "id": "q", "result": {"x": 1}}));
}

#[test]
fn the_clock_of_a_call_stands_still_while_the_user_is_asked() {
    let mut net = Net::connected();
    net.session.set_handled("elicitation/create".to_owned());
    let question = json!({"jsonrpc": "2.0", "id": 0, "method": "elicitation/create", "params": {}});
    net.reply("call", Reply::Open(format!("data: {question}\n\n")));
    let call = net.call_with("asks", options(|options| options.timeout_ms = Some(1_000)));
    net.run();
    net.run_for(500_000);
    assert!(!net.results.contains_key(&call));
    let question = net.questions[0].0;
    net.session.answer(question, Ok("{}".to_owned()), net.now);
    assert_eq!(net.run_for(900), ["answer→202"]);
    assert!(net.run_for(200).contains(&"asks timeout unknown".to_owned()));
}

#[test]
fn the_bound_over_everything_does_not_stand_still() {
    let mut net = Net::connected();
    net.session.set_handled("elicitation/create".to_owned());
    let question = json!({"jsonrpc": "2.0", "id": 0, "method": "elicitation/create", "params": {}});
    net.reply("call", Reply::Open(format!("data: {question}\n\n")));
    net.call_with(
        "asks",
        options(|options| {
            options.timeout_ms = Some(1_000);
            options.max_total_timeout_ms = Some(5_000);
        }),
    );
    net.run();
    assert_eq!(net.run_for(4_000), Vec::<String>::new());
    assert!(net.run_for(2_000).contains(&"asks timeout unknown".to_owned()));
}

#[test]
fn an_elicitation_in_a_mode_that_was_not_declared_is_refused() {
    for (declared, mode, asked) in [
        ("{}", None, true),
        ("{}", Some("url"), false),
        (r#"{"form":{},"url":{}}"#, Some("url"), true),
        (r#"{"url":{}}"#, Some("form"), false),
        (r#"{"url":{}}"#, None, false),
    ] {
        let mut net = Net::connected_with(Config {
            handshake: Handshake::Own {
                client_info: "{}".to_owned(),
                capabilities: format!("{{\"elicitation\":{declared}}}"),
            },
            ..Config::default()
        });
        net.session.set_handled("elicitation/create".to_owned());
        let question = json!({"jsonrpc": "2.0", "id": 0, "method": "elicitation/create", "params": {"mode": mode, "url": "https://a.example"}});
        net.reply("call", Reply::Open(format!("data: {question}\n\n")));
        net.call("asks");
        net.run();
        assert_eq!(net.questions.len(), usize::from(asked), "{declared} {mode:?}");
        let refused = net.sent.iter().any(|sent| sent.body["error"]["code"] == json!(-32602));
        assert_eq!(refused, !asked, "{declared} {mode:?}");
    }
}

#[test]
fn an_answer_to_a_dead_session_goes_nowhere() {
    let mut net = Net::connected();
    net.session.set_handled("elicitation/create".to_owned());
    let question = json!({"jsonrpc": "2.0", "id": 0, "method": "elicitation/create", "params": {}});
    net.reply("call", Reply::Open(format!("data: {question}\n\n")));
    net.call("asks");
    net.run();
    net.restart();
    net.call("a");
    assert_eq!(
        net.run(),
        ["call→404", "question withdrawn", "initialize→200 s2", "initialized→202", "call→200", "a ok"]
    );
    let question = net.questions[0].0;
    net.session.answer(question, Ok("{}".to_owned()), net.now);
    assert_eq!(net.run(), Vec::<String>::new());
}

#[test]
fn servers_restart_their_ids_and_the_old_question_0_is_not_the_new_one() {
    let mut net = Net::connected();
    net.session.set_handled("elicitation/create".to_owned());
    let question = json!({"jsonrpc": "2.0", "id": 0, "method": "elicitation/create", "params": {}});
    for _ in 0..2 {
        net.reply("call", Reply::Open(format!("data: {question}\n\n")));
        net.call("asks");
        net.run();
        net.restart();
        net.call("a");
        net.run();
    }
    net.reply("call", Reply::Open(format!("data: {question}\n\n")));
    net.call("asks");
    net.run();
    let asked: Vec<_> = net.questions.iter().map(|(question, _)| *question).collect();
    assert_eq!(asked.len(), 3);
    for (n, question) in asked.iter().enumerate() {
        net.session.answer(*question, Ok(json!({"n": n}).to_string()), net.now);
    }
    net.run();
    let answers: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "answer").collect();
    let [answer] = &answers[..] else { panic!("{} answers", answers.len()) };
    assert_eq!(answer.body, json!({"jsonrpc": "2.0", "id": 0, "result": {"n": 2}}));
    assert_eq!(answer.session.as_deref(), Some("s3"));
}

#[test]
fn a_question_that_the_server_takes_back_is_withdrawn() {
    let mut net = Net::connected();
    net.session.set_handled("elicitation/create".to_owned());
    let question = json!({"jsonrpc": "2.0", "id": 0, "method": "elicitation/create", "params": {}});
    let cancelled = |id| json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    let events = format!("data: {question}\n\ndata: {}\n\ndata: {}\n\n", cancelled(7), cancelled(0));
    net.reply("call", Reply::Open(events));
    net.call("asks");
    assert_eq!(net.run(), ["call→200 stream", "asked elicitation/create", "question withdrawn"]);
    let question = net.questions[0].0;
    net.session.answer(question, Ok("{}".to_owned()), net.now);
    assert_eq!(net.run(), Vec::<String>::new());
}
