//! What is known of a call that came to nothing: it did not run, or nobody knows.

use super::*;

#[test]
fn a_tool_that_says_session_not_found_on_a_live_session_is_an_answer() {
    let mut net = Net::connected();
    let reply = throws(next_id(&net, 0));
    net.reply("call", reply);
    let call = net.call("throws");
    assert_eq!(net.run(), ["call→200", "ping→200", "throws rpc unknown"]);
    assert_eq!(net.error(call).rpc_code, Some(-32600));
    assert_eq!(net.status().generation, 1);
}

#[test]
fn the_same_words_from_a_gate_are_an_eviction_and_one_ping_serves_all() {
    let mut net = Net::connected();
    net.restart();
    let first = next_id(&net, 0);
    net.refusal = Reply::own_error(200, -32600, "Session not found");
    for n in 0..3 {
        net.reply("call", throws(first + n));
    }
    for name in ["a", "b", "c"] {
        net.call(name);
    }
    assert_eq!(
        net.run(),
        [
            "call→200",
            "call→200",
            "call→200",
            "ping→200",
            "initialize→200 s2",
            "initialized→202",
            "call→200",
            "a ok",
            "call→200",
            "b ok",
            "call→200",
            "c ok"
        ]
    );
}

#[test]
fn words_in_a_result_are_nobodys_eviction() {
    let mut net = Net::connected();
    let id = next_id(&net, 0);
    let result = json!({"content": [{"type": "text", "text": "Session not found"}], "isError": true});
    net.reply("call", Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": result})));
    net.call("tool");
    assert_eq!(net.run(), ["call→200", "tool ok"]);
}

#[test]
fn a_404_that_says_method_not_found_is_an_answer() {
    let mut net = Net::connected();
    let id = next_id(&net, 0);
    let error = json!({"code": -32601, "message": "method resources/list is not supported"});
    net.reply("resources/list", Reply::json(404, &json!({"jsonrpc": "2.0", "id": id, "error": error})));
    net.request("resources/list", None, CallOptions::default(), "resources");
    assert_eq!(net.run(), ["resources/list→404", "ping→200", "resources rpc unknown"]);
}

#[test]
fn a_stream_that_ends_without_an_answer_leaves_the_outcome_unknown() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream(": hello\n\n".to_owned()));
    let call = net.call("write");
    assert_eq!(net.run(), ["call→200 stream", "write outcome_unknown unknown", "ping→200"]);
    assert!(net.error(call).message.contains("not sent again"));
    assert_eq!(net.status().generation, 1);
}

#[test]
fn what_is_safe_to_repeat_is_sent_again_once_the_session_is_known_to_live() {
    let mut net = Net::connected();
    net.reply("call", Reply::Break);
    net.call_with("read", repeatable());
    assert_eq!(net.run(), ["call→broke", "ping→200", "call→200", "read ok"]);
    net.reply("call", Reply::Break);
    net.reply("call", Reply::Break);
    net.call_with("read", repeatable());
    assert_eq!(net.run(), ["call→broke", "ping→200", "call→broke", "read network unknown", "ping→200"]);
}

#[test]
fn the_outcome_speaks_of_all_sends() {
    // The first send may have run; that the second was refused, or ran, is another matter.
    for (second, outcome) in
        [(Reply::text(400, "no"), Outcome::Unknown), (Reply::own_error(200, -32602, "Unknown tool"), Outcome::Executed)]
    {
        let mut net = Net::connected();
        net.reply("call", Reply::Break);
        net.reply("call", second);
        let call = net.call_with("read", repeatable());
        net.run();
        assert_eq!(net.error(call).outcome, outcome);
    }
    let mut net = Net::connected();
    net.reply("call", Reply::text(400, "no"));
    let call = net.call_with("read", repeatable());
    net.run();
    assert_eq!(net.error(call).outcome, Outcome::NotExecuted);
}

#[test]
fn a_refusal_that_comes_late_may_answer_a_copy_that_the_browser_sent() {
    let mut net = Net::connected();
    net.restart();
    net.latency = 3_000;
    let call = net.call("write");
    let log = net.run();
    assert_eq!(log[..2], ["call→404", "write outcome_unknown unknown"]);
    assert_eq!(net.error(call).outcome, Outcome::Unknown);
    // The session is made anew all the same, and what is safe is repeated.
    net.latency = 10;
    net.run_for(20_000);
    assert_eq!(net.status().generation, 2);
    net.restart();
    net.latency = 3_000;
    net.call_with("read", repeatable());
    assert!(net.run_for(30_000).contains(&"read ok".to_owned()));
}

#[test]
fn time_in_the_browsers_queue_is_not_the_servers() {
    // One connection after the other is free: the fiftieth refusal comes after five seconds.
    let queue = || Config { connections: Connections::SixOfOwnOrigin, ..Config::default() };
    let mut net = Net::connected_with(queue());
    net.restart();
    net.latency = 100;
    for n in 0..50 {
        net.call(&format!("t{n}"));
    }
    let log = net.run();
    assert_eq!(log.iter().filter(|line| line.ends_with(" ok")).count(), 50, "{log:?}");
    // But six ahead do not hide a tool that ran for three seconds.
    let mut net = Net::connected_with(queue());
    net.restart();
    for n in 0..6 {
        net.reply("call", Reply::Silence);
        net.call(&format!("t{n}"));
    }
    net.run();
    net.call("write");
    net.latency = 3_000;
    assert_eq!(net.run()[..2], ["call→404", "write outcome_unknown unknown"]);
}

#[test]
fn a_queue_that_a_service_worker_hides_is_not_left_out() {
    for hidden in [false, true] {
        let mut net = Net::connected_with(Config { connections: Connections::SixOfOwnOrigin, ..Config::default() });
        for n in 0..12 {
            net.reply("call", Reply::Silence);
            net.call(&format!("t{n}"));
        }
        net.reply("call", Reply::Silence);
        net.call("write");
        net.run();
        net.run_for(1_900);
        if hidden {
            net.session.hide_queue();
        }
        net.restart();
        net.answer_late("write", Reply::error(404, -32001, "Session not found"));
        let log = net.run_for(1_000);
        assert_eq!(log.contains(&"write outcome_unknown unknown".to_owned()), hidden, "{log:?}");
    }
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_so() {
    let mut net = Net::connected();
    net.reply("call", Reply::busy(429, "2"));
    net.call("write");
    assert_eq!(net.run_for(1_999), ["call→429"]);
    assert_eq!(net.run_for(600), ["call→200", "write ok"]);
    assert_eq!(net.status().generation, 1);
}

#[test]
fn a_wait_beyond_the_time_out_is_an_error_at_once() {
    let mut net = Net::connected();
    net.reply("call", Reply::busy(429, "3600"));
    let call = net.call("write");
    assert_eq!(net.run(), ["call→429", "write overloaded not_executed"]);
    assert!(net.error(call).retryable);
}

#[test]
fn a_503_that_does_not_say_when_may_hide_a_broken_connection() {
    let mut net = Net::connected();
    net.reply("call", Reply::text(503, "upstream connect error or disconnect/reset before headers"));
    net.call("write");
    assert_eq!(net.run(), ["call→503", "write overloaded unknown", "ping→200"]);
}

#[test]
fn a_503_words_of_lookup_are_a_suspicion() {
    let mut net = Net::connected();
    net.reply("call", Reply::text(503, "session not found"));
    let call = net.call("write");
    assert_eq!(net.run(), ["call→503", "ping→200", "write overloaded unknown"]);
    assert_eq!(net.error(call).http_status, Some(503));
}
