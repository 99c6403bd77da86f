//! Event streams that break are resumed where they broke (2025-11-25, transports, Resumability and Redelivery).

use crate::net::{Net, OWN_ID, Reply};
use mcp_evergreen::protocol::http::Head;
use mcp_evergreen::protocol::{Authorized, CallOptions, Config, Input};
use serde_json::json;

const PRIMING: &str = "id: 0/0\nretry: 300\ndata:\n\n";

/// The answer to the call that was sent last, as an event.
fn answer(net: &Net) -> Reply {
    let id = &net.sent.iter().rfind(|sent| sent.name() == "call").expect("a call").body["id"];
    Reply::Stream(format!("id: 0/1\ndata: {}\n\n", json!({"jsonrpc": "2.0", "id": id, "result": {"late": true}})))
}

#[test]
fn a_stream_that_ends_before_its_answer_is_resumed_after_retry() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream(PRIMING.to_owned()));
    let call = net.call("write");
    assert_eq!(net.run(), ["call→200 stream"]);
    let reply = answer(&net);
    net.reply("GET", reply);
    assert_eq!(net.run_for(299), Vec::<String>::new());
    assert_eq!(net.run_for(101), ["GET→200 stream", "write ok"]);
    assert_eq!(net.results[&call].as_ref().ok(), Some(&json!({"late": true})));
    let get = net.sent.last().expect("sent");
    assert_eq!(
        (get.header("last-event-id"), get.header("accept"), get.session.as_deref(), get.header("content-type")),
        (Some("0/0"), Some("text/event-stream"), Some("s1"), None)
    );
}

/// Under one session an id is used once: what comes again while the user is asked is the same question.
#[test]
fn a_question_that_comes_again_on_a_resumed_stream_is_asked_and_answered_once() {
    let question = json!({"jsonrpc": "2.0", "id": 7, "method": "sampling/createMessage", "params": {}});
    let mut net = Net::connected();
    net.session.set_handled("sampling/createMessage".to_owned());
    net.reply("call", Reply::Stream(format!("{PRIMING}id: 0/1\ndata: {question}\n\n")));
    let call = net.call("write");
    assert_eq!(net.run(), ["call→200 stream", "asked sampling/createMessage"]);
    let id = net.sent.iter().rfind(|sent| sent.name() == "call").expect("a call").body["id"].clone();
    net.reply("GET", Reply::Open(format!("id: 0/2\ndata: {question}\n\n")));
    assert_eq!(net.run_for(400), ["GET→200 stream"]);
    let get = net.sent.last().expect("sent").exchange;
    assert_eq!(net.questions.len(), 1);
    net.session.answer(net.questions[0].0, Ok("{}".to_owned()), net.now);
    assert_eq!(net.run(), ["answer→202"]);
    net.events(get, &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": id, "result": {}})));
    assert!(net.run().contains(&"write ok".to_owned()));
    assert!(net.results[&call].is_ok());
    // Once it is answered, the id is free: some servers count from 0 with each call.
    net.reply("call", Reply::Open(format!("data: {question}\n\n")));
    net.call("other");
    assert_eq!(net.run(), ["call→200 stream", "asked sampling/createMessage"]);
}

#[test]
fn a_stream_may_be_closed_again_and_again_while_events_come() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream(PRIMING.to_owned()));
    net.call("write");
    net.run();
    for n in 1..20 {
        net.reply("GET", Reply::Stream(format!("id: 0/{n}\ndata:\n\n")));
    }
    let reply = answer(&net);
    net.reply("GET", reply);
    let log = net.run_for(20_000);
    assert_eq!(log.last().map(String::as_str), Some("write ok"));
    assert_eq!(net.sent.last().and_then(|sent| sent.header("last-event-id")), Some("0/19"));
}

#[test]
fn a_stream_that_brings_nothing_is_resumed_a_few_times() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream(PRIMING.to_owned()));
    (0..99).for_each(|_| net.reply("GET", Reply::Stream("retry: 1\n\n".to_owned())));
    net.call("write");
    let log = net.run_for(59_000);
    assert_eq!(log.iter().filter(|line| line.starts_with("GET→")).count(), 5, "{log:?}");
    assert!(log.contains(&"write outcome_unknown unknown".to_owned()));
}

#[test]
fn a_connection_that_breaks_is_resumed_too() {
    let mut net = Net::connected();
    net.reply("call", Reply::Cut("text/event-stream", PRIMING.to_owned()));
    net.reply("GET", Reply::Break);
    net.call("write");
    net.run();
    let reply = answer(&net);
    net.reply("GET", reply);
    let log = net.run_for(5_000);
    assert_eq!(log, ["GET→broke", "GET→200 stream", "write ok"]);
}

#[test]
fn a_server_that_does_not_resume_leaves_the_outcome_unknown_and_is_not_asked_again() {
    for refusal in [Reply::text(405, ""), Reply::text(404, "Not Found"), Reply::text(400, "failed to replay events")] {
        let mut net = Net::connected();
        net.reply("call", Reply::Stream(PRIMING.to_owned()));
        net.reply("GET", refusal);
        net.call("write");
        let log = net.run_for(5_000);
        assert_eq!(
            log[1..].iter().skip(1).collect::<Vec<_>>(),
            ["write outcome_unknown unknown", "ping→200"],
            "{log:?}"
        );
        assert_eq!(net.executions.get("write"), None, "the POST is not sent again");
        assert_eq!(net.status().generation, 1);
    }
}

#[test]
fn a_resumption_that_is_not_sent_says_nothing_of_the_call() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream(PRIMING.to_owned()));
    net.reply("GET", Reply::Unsent);
    net.call("write");
    net.run();
    let reply = answer(&net);
    net.reply("GET", reply);
    assert_eq!(net.run_for(5_000), ["GET→unsent", "GET→200 stream", "write ok"]);

    let mut net = Net::connected();
    net.reply("call", Reply::Stream(PRIMING.to_owned()));
    (0..99).for_each(|_| net.reply("GET", Reply::Unsent));
    net.call("write");
    let log = net.run_for(59_000);
    assert!(log.contains(&"write outcome_unknown unknown".to_owned()), "{log:?}");
}

#[test]
fn an_answer_that_is_too_large_is_told_so_and_its_stream_is_not_read_further() {
    let mut net = Net::connected_with(Config { max_event_bytes: 100, ..Config::default() });
    net.reply("call", Reply::Open(format!("id: 1\ndata:\n\ndata: {}\n\n", "x".repeat(100))));
    let call = net.call("write");
    assert_eq!(net.run_for(60_000), ["call→200 stream", "call aborted", "write too_large unknown"]);
    assert!(net.error(call).message.contains("100 bytes"), "{}", net.error(call).message);
    net.call("b");
    assert_eq!(net.run(), ["call→200", "b ok"]);
}

#[test]
fn event_ids_of_a_dead_session_are_forgotten() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream(PRIMING.to_owned()));
    net.call("write");
    net.run();
    net.restart();
    net.call("a");
    net.run();
    let log = net.run_for(1_000);
    assert_eq!(log, ["write outcome_unknown unknown"]);
}

#[test]
fn a_call_that_waits_to_be_resumed_can_be_cancelled() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream(PRIMING.to_owned()));
    let call = net.call("write");
    net.run();
    net.session.cancel(call, None, net.now);
    assert_eq!(net.run_for(5_000), ["cancelled→202"]);
}

#[test]
fn the_time_out_of_a_call_covers_its_resumptions() {
    let mut net = Net::connected_with(Config { timeout_ms: 2_000, ..Config::default() });
    net.reply("call", Reply::Stream(PRIMING.to_owned()));
    net.reply("GET", Reply::Open(String::new()));
    net.call_with("write", CallOptions::default());
    let log = net.run_for(3_000);
    assert_eq!(log[2..], ["write timeout unknown", "GET aborted", "cancelled→202", "ping→200"]);
}

/// A server that had the standing stream, and refuses it `times` times after it broke.
fn broken_off(refusal: &Reply, times: usize) -> (Net, Vec<String>) {
    let mut net = Net::connected();
    net.reply("GET", Reply::Stream(": hello\n\n".to_owned()));
    (0..times).for_each(|_| net.reply("GET", refusal.clone()));
    net.reply("GET", Reply::Open(String::new()));
    net.session.set_listening(true, net.now);
    let log = net.run_for(20_000);
    (net, log)
}

#[test]
fn a_standing_stream_that_was_there_is_asked_for_again_however_it_is_refused() {
    let own_words = |status| Reply::text(status, "Session registration failed: session already exists");
    let refusals = [400, 402, 404, 405, 406, 408, 409, 410, 415, 422, 423, 425, 426, 451, 500, 501, 503].map(own_words);
    let others = [
        Reply::text(404, ""),
        Reply::text(400, ""),
        Reply::Body(200, "text/html", "<html>One moment".to_owned()),
        Reply::Body(202, "", String::new()),
        Reply::Body(204, "", String::new()),
        Reply::json(200, &json!({"ok": true})),
        Reply::error(200, -32000, "Only one SSE stream is allowed per session"),
        Reply::Stream(
            "data: {\"jsonrpc\": \"2.0\", \"id\": null, \"error\": {\"code\": -32000, \"message\": \"busy\"}}\n\n"
                .to_owned(),
        ),
    ];
    for refusal in refusals.into_iter().chain(others) {
        let (net, mut log) = broken_off(&refusal, 2);
        // What may be the session's is asked by a ping.
        log.retain(|line| !line.starts_with("ping→200"));
        let gets = log.iter().filter(|line| line.starts_with("GET→")).count();
        assert_eq!((gets, log.last().map(String::as_str)), (4, Some("GET→200 stream")), "{refusal:?}: {log:?}");
        assert_eq!(net.status().generation, 1, "{refusal:?}");
    }
}

#[test]
fn a_standing_stream_that_is_refused_for_ever_is_asked_for_ever_more_seldom() {
    for refusal in [Reply::text(405, ""), Reply::text(404, ""), Reply::Bodiless(400)] {
        let (mut net, _) = broken_off(&refusal, 999);
        let log = net.run_for(600_000);
        let gets = log.iter().filter(|line| line.starts_with("GET→")).count();
        assert!((10..=20).contains(&gets), "{refusal:?}: {gets} in ten minutes");
    }
}

#[test]
fn a_server_that_never_had_a_standing_stream_is_asked_once() {
    for refusal in [Reply::text(405, ""), Reply::text(400, "no"), Reply::Body(200, "text/html", "<html>".to_owned())] {
        let mut net = Net::connected();
        net.reply("GET", refusal.clone());
        net.session.set_listening(true, net.now);
        let log = net.run_for(600_000);
        assert_eq!(log.iter().filter(|line| line.starts_with("GET→")).count(), 1, "{refusal:?}: {log:?}");
    }
}

#[test]
fn a_standing_stream_that_was_closed_here_was_there() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Open(": hello\n\n".to_owned()));
    net.reply("GET", Reply::text(400, "session already exists"));
    net.reply("GET", Reply::Open(String::new()));
    net.session.set_listening(true, net.now);
    net.run();
    net.session.set_listening(false, net.now);
    net.run();
    net.session.set_listening(true, net.now);
    assert_eq!(net.run_for(20_000), ["GET→400", "ping→200", "GET→200 stream"]);
}

/// A server that leaves its streams open after the answer, and a browser that has six connections for it.
#[test]
fn streams_that_stay_open_after_their_answer_keep_nobody_waiting() {
    let mut net = Net::connected();
    let answer = json!({"jsonrpc": "2.0", "id": OWN_ID, "result": {}});
    for tool in ["a", "b", "c", "d", "e", "f"] {
        net.reply("call", Reply::Open(format!("data: {answer}\n\n")));
        net.call(tool);
    }
    net.run();
    assert_eq!(net.run_for(1_000), [""; 0], "nobody waits: they may end by themselves");
    net.reply("call", Reply::Silence);
    net.call("g");
    assert_eq!(net.run_for(200), [&["call→…"], &["call aborted"; 6][..]].concat());
}

/// Its session went while the stream of a call waited for a token: nothing more comes of it.
#[test]
fn a_stream_that_waits_for_a_token_is_not_taken_up_under_a_session_that_is_gone() {
    for gone_before_the_refusal in [false, true] {
        let mut net = Net::new(Config { authorizes: true, ..Config::default() });
        net.connect();
        net.reply("call", Reply::Stream(PRIMING.to_owned()));
        net.call("a");
        net.run();
        net.valid_token = Some(1);
        if gone_before_the_refusal {
            net.reply("GET", Reply::Silence);
        }
        net.run_for(400);
        net.session.reconnect(net.now);
        net.run();
        net.authorized(Authorized::Granted { refresh_at_unix_ms: None, same: true });
        if gone_before_the_refusal {
            let get = net.sent.iter().rfind(|sent| sent.name() == "GET").expect("sent").exchange;
            let head = Head { status: 401, www_authenticate: Some("Bearer".to_owned()), ..Head::default() };
            net.session.handle_input(get, Input::Head(head), net.now);
            net.session.handle_input(get, Input::Text("no".to_owned()), net.now);
            net.session.handle_input(get, Input::End, net.now);
        }
        let log = net.run();
        assert_eq!(log, ["a outcome_unknown unknown", "initialize→200 s2", "initialized→202", "? ok"]);
    }
}

#[test]
fn a_call_that_fails_because_nobody_answers_the_server_says_so() {
    let question = json!({"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": {}});
    let missing = -32021;
    for (asks, code, told) in
        [(true, -32603, Some("no_handler")), (false, -32603, None), (false, missing, Some("no_handler"))]
    {
        let mut net = Net::connected();
        net.reply("call", Reply::Open(if asks { format!("data: {question}\n\n") } else { PRIMING.to_owned() }));
        let call = net.call("write");
        net.run();
        let sent = net.sent.iter().rfind(|sent| sent.name() == "call").expect("a call");
        let error = json!({"code": code, "message": "cannot ask"});
        let answer = json!({"jsonrpc": "2.0", "id": sent.body["id"], "error": error});
        let exchange = sent.exchange;
        net.events(exchange, &format!("data: {answer}\n\n"));
        net.run();
        let error = net.error(call);
        assert_eq!((error.message.as_str(), error.diagnosis.as_ref().map(|it| it.kind)), ("cannot ask", told));
        assert!(error.diagnosis.as_ref().is_none_or(|it| it.hint.contains("give `handlers`")));
    }
}
