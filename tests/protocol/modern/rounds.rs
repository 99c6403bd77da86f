//! Multi round trips: a result that asks for input, and the call once more with what was given.

use super::*;

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
    net.session.answer(net.questions[0].0, Err((-32603, "the dialog crashed").into()), net.now);
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
