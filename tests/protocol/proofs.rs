//! What proves that a call did not run, and what is the licence to send it once more: nothing that may have been said
//! after a handler began.

use crate::net::{Net, OWN_ID, Reply};
use mcp_evergreen::protocol::config::{Connections, EraChoice, Mode, Recovery};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{Authorized, CallOptions, Config, Input, Outcome, PageChange, Redirect};
use serde_json::{Value, json};

fn strict() -> Net {
    let recovery = Recovery { mode: Mode::Strict, ..Recovery::default() };
    Net::connected_with(Config { recovery, ..Config::default() })
}

fn repeatable() -> CallOptions {
    CallOptions { repeatable: true, ..CallOptions::default() }
}

/// A foreign id and one of nobody's, as events.
fn error_to(id: &Value) -> String {
    format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32000, "message": "another's"}}))
}

/// A server may find out in the middle of a call that it needs what the client cannot do (2026-07-28, basic, Capabilities).
#[test]
fn a_capability_that_is_missed_may_be_missed_by_a_handler() {
    let body = r#"{"code":-32021,"message":"elicitation is needed","data":{"requiredCapabilities":{}}}"#;
    let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{OWN_ID}\",\"error\":{body}}}");
    for era in [Era::Legacy, Era::Modern] {
        let mut net = Net::in_era(EraChoice::Auto, Config::default());
        net.eras = if era == Era::Modern { &[Era::Modern] } else { &[Era::Legacy] };
        net.connect();
        net.run();
        net.reply("call", Reply::Body(400, "application/json", body.clone()));
        let call = net.call("pay");
        let log = net.run_for(5_000);
        assert_eq!(log.iter().filter(|line| line.starts_with("call→")).count(), 1, "{log:?}");
        assert_eq!(net.error(call).outcome, Outcome::Unknown, "{era:?}");
    }
}

/// 303 is said of a POST that was processed (RFC 9110, 15.4.4); a 302 of anything; 307 and 308 by a gate, at once.
#[test]
fn a_redirect_of_a_call_proves_nothing_unless_it_repeats_the_request_at_once() {
    for (status, ms, end) in [
        (Some(303), 10, "write http unknown"),
        (Some(302), 10, "write http unknown"),
        (Some(301), 10, "write http unknown"),
        (Some(302), 2_500, "write http unknown"),
        (Some(307), 10, "write http not_executed"),
        (Some(308), 10, "write http not_executed"),
        (Some(308), 2_500, "write http unknown"),
        // A browser does not show which one it is.
        (None, 10, "write http unknown"),
    ] {
        let mut net = Net::connected();
        net.latency = ms;
        net.reply("call", Reply::Redirect(Redirect { elsewhere: true, status }));
        net.call("write");
        assert_eq!(net.run(), ["call→redirect", end], "{status:?} {ms}");
    }
}

/// Following a 307 sends the call once more.
#[test]
fn a_redirect_that_comes_late_is_not_followed_for_what_may_have_run() {
    let moved = |net: &mut Net, options: CallOptions, ms: u64| {
        net.reply("call", Reply::Silence);
        net.call_with("write", options);
        net.run();
        net.run_for(ms);
        let exchange = net.sent.last().expect("sent").exchange;
        net.session.handle_input(exchange, Input::Following { status: 307 }, net.now);
        net.flush()
    };
    let stays = [""; 0];
    let ends = ["call aborted", "write http unknown"];
    assert_eq!(moved(&mut Net::connected(), CallOptions::default(), 10), stays);
    assert_eq!(moved(&mut Net::connected(), CallOptions::default(), 2_500), ends);
    assert_eq!(moved(&mut Net::connected(), repeatable(), 2_500), stays);
    assert_eq!(moved(&mut strict(), CallOptions::default(), 10), ["call aborted", "write http not_executed"]);
    assert_eq!(moved(&mut strict(), repeatable(), 10), stays);
}

/// The host's `fetch` followed a 303 by a GET: what that met is no answer to the call.
#[test]
fn what_another_request_met_is_no_licence() {
    for (reply, end) in [
        (Reply::busy(429, "0"), "write overloaded unknown"),
        (Reply::text(404, "no such page"), "write outcome_unknown unknown"),
        (Reply::text(401, "sign in"), "write unauthorized unknown"),
        (Reply::text(403, "no"), "write http unknown"),
        (Reply::text(405, "POST"), "write http unknown"),
        (Reply::text(200, "paid"), "write not_mcp unknown"),
    ] {
        let mut net = Net::connected();
        net.reply("call", Reply::Followed(Box::new(reply.clone())));
        net.call("write");
        let log = net.run_for(5_000);
        assert!(log.contains(&end.to_owned()), "{reply:?}: {log:?}");
        assert_eq!(log.iter().filter(|line| line.starts_with("call→")).count(), 1, "{reply:?}: {log:?}");
    }
    // A 307 leads to the server: its answer is the answer.
    let mut net = Net::connected();
    let own = json!({"jsonrpc": "2.0", "id": OWN_ID, "result": {}});
    net.reply("call", Reply::Followed(Box::new(Reply::json(200, &own))));
    net.call("write");
    assert_eq!(net.run(), ["call→200", "write ok"]);
}

/// The queue of a browser is not longer than this, whatever was sent before.
#[test]
fn no_more_than_seconds_are_left_out_for_a_queue() {
    let mut net = Net::connected_with(Config { connections: Connections::SixOfOwnOrigin, ..Config::default() });
    for n in 0..90 {
        net.reply("call", Reply::Silence);
        net.call(&format!("t{n}"));
    }
    net.run();
    net.restart();
    net.run_for(8_000);
    net.answer_late("t89", Reply::error(404, -32001, "Session not found"));
    let log = net.run_for(100);
    assert!(log.contains(&"t89 outcome_unknown unknown".to_owned()), "{log:?}");
}

/// A call that is in question, and then something else than a refused ping tells that the session is gone.
#[test]
fn only_a_refused_ping_licences_a_call_that_is_in_question() {
    let in_question = || {
        let mut net = Net::new(Config { authorizes: true, ..Config::default() });
        net.connect();
        net.run();
        net.reply("call", Reply::text(422, "this session is not known"));
        net.reply("ping", Reply::Silence);
        net.call("pay");
        assert_eq!(net.run(), ["call→422", "ping→…"]);
        net
    };
    let ends = |mut net: Net, what: &str| {
        let log = net.run_for(5_000);
        assert!(log.contains(&"pay http unknown".to_owned()), "{what}: {log:?}");
        assert_eq!(net.executions.get("pay"), None, "{what}");
    };
    let mut net = in_question();
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.call("other");
    ends(net, "another call is refused");
    let mut net = in_question();
    net.reply("call", Reply::text(422, "this session is not known"));
    net.reply("ping", Reply::text(404, ""));
    net.call("other");
    let log = net.run_for(5_000);
    assert!(log.contains(&"pay ok".to_owned()) && log.contains(&"other ok".to_owned()), "by a ping: {log:?}");
    let mut net = in_question();
    net.session.reconnect(net.now);
    ends(net, "the host wants another session");
    let mut net = in_question();
    let other = Authorized::Granted { refresh_at_unix_ms: None, same: false };
    net.authorizations.push_back(other);
    net.host_adds(&[("authorization", "Bearer another")]);
    net.call("by another");
    ends(net, "another user signs in");
    let mut net = in_question();
    net.reply("cancelled", Reply::error(404, -32001, "Session not found"));
    net.notify("notifications/cancelled");
    ends(net, "a notification is refused");
    // Safe ones go on.
    let mut net = Net::connected();
    net.reply("call", Reply::text(422, "this session is not known"));
    net.reply("ping", Reply::Silence);
    net.call_with("read", repeatable());
    net.run();
    net.session.reconnect(net.now);
    assert!(net.run_for(5_000).contains(&"read ok".to_owned()));
}

/// A gate that refuses a ping to nobody in particular refuses no call under its id.
#[test]
fn a_handlers_answer_is_told_from_the_gates_by_its_id() {
    for own in [false, true] {
        let mut net = Net::connected();
        let refusal = |own| match own {
            true => Reply::own_error(400, -32000, "Session not found"),
            false => Reply::error(400, -32000, "Session not found"),
        };
        net.refusal = refusal(own);
        net.restart();
        net.reply("call", refusal(true));
        net.call("pay");
        let end = if own { "pay ok" } else { "pay outcome_unknown unknown" };
        let log = net.run_for(5_000);
        assert!(log.contains(&end.to_owned()), "{own}: {log:?}");
    }
}

/// Its session was lost to something else before it was refused in doubtful words.
#[test]
fn a_doubtful_refusal_of_a_session_that_no_ping_has_shown_gone_is_no_licence() {
    let mut net = Net::connected();
    net.reply("call", Reply::Silence);
    net.call("pay");
    net.run();
    net.restart();
    net.call("other");
    assert!(net.run().contains(&"other ok".to_owned()));
    net.answer_late("pay", Reply::text(422, "this session is not known"));
    assert_eq!(net.run_for(5_000), ["pay http unknown"]);
}

/// The device slept: one clock stood still.
#[test]
fn a_refusal_after_a_sleep_is_late_on_either_clock() {
    for (mono, unix_ms) in [(10, 60_000), (60_000, 10)] {
        let mut net = Net::connected();
        net.reply("call", Reply::Silence);
        net.call_with("write", CallOptions { timeout_ms: Some(300_000), ..CallOptions::default() });
        net.run();
        net.restart();
        net.now.mono += mono;
        net.now.unix_ms += unix_ms;
        net.answer_late("write", Reply::error(404, -32001, "Session not found"));
        let log = net.run();
        assert_eq!(log.first().map(String::as_str), Some("write outcome_unknown unknown"), "{mono} {unix_ms}: {log:?}");
    }
}

/// How fast the gate is, is seen where no handler keeps an answer waiting.
#[test]
fn slow_answers_to_anything_else_do_not_widen_the_gate() {
    let mut net = Net::connected();
    net.latency = 900;
    for _ in 0..6 {
        net.session.set_handled("roots/list".to_owned());
        net.reply("call", Reply::Open(r#"data: {"jsonrpc":"2.0","id":1,"method":"roots/list"}"#.to_owned() + "\n\n"));
        let call = net.call("asks");
        net.run();
        let question = net.questions.last().expect("asked").0;
        net.session.answer(question, Ok(json!({"roots": []}).to_string()), net.now);
        net.request("logging/setLevel", Some(&json!({"level": "debug"})), CallOptions::default(), "level");
        net.run();
        net.session.cancel(call, None, net.now);
        net.run();
    }
    net.latency = 10;
    net.reply("call", Reply::Silence);
    net.call("write");
    net.run();
    net.restart();
    net.run_for(1_500);
    net.answer_late("write", Reply::error(404, -32001, "Session not found"));
    let log = net.run_for(100);
    assert!(log.contains(&"write outcome_unknown unknown".to_owned()), "{log:?}");
}

/// A 400 that has the words, and is of something else.
#[test]
fn what_only_sounds_like_a_lost_session_is_put_to_a_ping() {
    for words in [
        "Mail gateway not initialized",
        "Database not initialized",
        "Checkout session expired",
        "Browser session not found",
        "Payment failed: session expired",
        "Session keynote does not exist",
        "The upload session has ended; it was closed",
        "no such session of parliament",
        "Please initialize the pump before the first run",
        r#"{"error":"Checkout session expired"}"#,
    ] {
        let mut net = Net::connected();
        net.reply("call", Reply::text(400, words));
        net.call("pay");
        assert_eq!(net.run(), ["call→400", "ping→200", "pay http unknown"], "{words}");
        assert_eq!((net.phase(), net.status().generation), (Phase::Ready, 1), "{words}");
        // Said by a server that has lost the session, it is found out.
        net.refusal = Reply::text(400, words);
        net.restart();
        net.now.mono += 5_000;
        net.call("pay");
        assert!(net.run().contains(&"pay ok".to_owned()), "{words}");
    }
}

/// An error to another request does not end a call, as a result of another's does not.
#[test]
fn an_error_under_anothers_id_on_a_stream_is_left_out() {
    for id in [json!(99), json!("99"), json!("4f1c-a2")] {
        let mut net = Net::connected();
        net.reply("call", Reply::Open(error_to(&id)));
        net.call("write");
        assert_eq!(net.run(), ["call→200 stream"], "{id}");
        let exchange = net.sent.last().expect("sent");
        let (exchange, own) = (exchange.exchange, exchange.body["id"].clone());
        net.events(exchange, &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": own, "result": {}})));
        assert_eq!(net.run(), ["write ok"], "{id}");
    }
    // To nobody in particular: it may be meant for this one.
    for id in [Value::Null, json!(""), json!("server-error")] {
        let mut net = Net::connected();
        net.reply("call", Reply::Stream(error_to(&id)));
        net.call("write");
        assert_eq!(net.run(), ["call→200 stream", "ping→200", "write rpc unknown"], "{id}");
    }
}

/// A gateway's bad moment does not cost the answer that the server keeps.
#[test]
fn a_resuming_get_that_is_refused_for_a_moment_is_sent_again() {
    for refusal in [Reply::busy(503, "0"), Reply::busy(429, "0"), Reply::text(502, ""), Reply::text(500, "")] {
        let mut net = Net::connected();
        net.reply("call", Reply::Stream("id: e1\ndata:\n\n".to_owned()));
        net.reply("GET", refusal.clone());
        net.call("slow");
        net.run();
        let answer = json!({"jsonrpc": "2.0", "id": net.sent.last().expect("sent").body["id"], "result": {}});
        net.reply("GET", Reply::Stream(format!("data: {answer}\n\n")));
        let log = net.run_for(10_000);
        assert!(log.contains(&"slow ok".to_owned()), "{refusal:?}: {log:?}");
    }
    // Not without end.
    let mut net = Net::connected();
    net.reply("call", Reply::Stream("id: e1\ndata:\n\n".to_owned()));
    (0..50).for_each(|_| net.reply("GET", Reply::busy(503, "0")));
    net.call("slow");
    let log = net.run_for(50_000);
    assert!(log.contains(&"slow outcome_unknown unknown".to_owned()), "{log:?}");
    assert!(log.iter().filter(|line| line.starts_with("GET→")).count() < 10, "{log:?}");
    // `Retry-After` is heeded.
    let mut net = Net::connected();
    net.reply("call", Reply::Stream("id: e1\ndata:\n\n".to_owned()));
    net.reply("GET", Reply::busy(503, "7"));
    net.call("slow");
    let log = net.run_for(5_000);
    assert_eq!(log.iter().filter(|line| line.starts_with("GET→")).count(), 1, "{log:?}");
    assert!(net.run_for(4_000).iter().any(|line| line.starts_with("GET→")));
}

/// Whoever waits for the network waits for nothing else.
#[test]
fn a_call_that_waits_for_the_network_goes_out_as_soon_as_that_is_back() {
    let mut net = Net::connected();
    net.session.handle_page(PageChange::Offline, net.now);
    net.call("write");
    assert_eq!(net.run_for(5_000), [""; 0]);
    net.session.handle_page(PageChange::Online, net.now);
    assert_eq!(net.run_for(0), ["call→200", "write ok"]);
}
