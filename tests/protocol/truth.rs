//! What the server really ran decides: a call that may have run is not sent again, and no loop that the network can drive
//! is hot or stuck.

mod handshakes;

use crate::net::{Net, OWN_ID, Reply};
use mcp_evergreen::protocol::config::{EraChoice, Unreachable};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{Authorized, CallOptions, Code, Config, Outcome, Reach};
use serde_json::json;

fn connected() -> Net {
    let mut net = Net::new(Config { authorizes: true, ..Config::default() });
    net.connect();
    net.run();
    net
}

/// An access token expires, nobody can refresh it, and nobody waits: the listening stream asks once, not without end.
/// `connected()` as in authorize.rs.
#[test]
fn a_refused_token_does_not_make_the_listening_stream_spin() {
    let mut net = connected();
    net.valid_token = Some(1);
    net.authorizations = vec![Authorized::NeedsUser; 50].into();
    net.session.set_listening(true, net.now);
    let log = net.run_for(10_000);
    assert_eq!(log.iter().filter(|line| line.starts_with("GET→")).count(), 1, "{log:?}");
}

/// The head came at once, the tool ran for thirty seconds, then the stream said that the session is gone: it may have run. (Sent again today.)
#[test]
fn a_refusal_that_comes_late_in_a_body_is_late() {
    let mut net = Net::connected();
    net.refusal = Reply::error(200, -32600, "Session not found");
    net.reply("call", Reply::Open(String::new()));
    net.call("write");
    net.run();
    let call = net.sent.last().expect("sent").exchange;
    net.run_for(30_000);
    net.restart();
    let refusal = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Session not found"}}"#;
    net.events(call, &format!("data: {refusal}\n\n"));
    let log = net.run_for(20_000);
    assert!(log.contains(&"write outcome_unknown unknown".to_owned()), "{log:?}");
}

/// One call runs on under the old session while the new one takes its time: five connections are free. (Its answer is thrown away today.)
#[test]
fn one_call_of_the_old_session_starves_nobody() {
    let mut net = Net::connected();
    net.reply("call", Reply::Silence);
    net.call("s0");
    net.run();
    net.restart();
    net.call("a");
    net.reply("initialize", Reply::Silence);
    let log = net.run_for(3_500);
    assert!(!log.iter().any(|line| line.contains("call aborted")), "{log:?}");
}

/// One slow handshake long ago says nothing about how fast the gate refuses now. (Sent again today.)
#[test]
fn one_slow_handshake_does_not_widen_the_gate_for_good() {
    let mut net = Net::new(Config::default());
    net.latency = 3_000;
    net.connect();
    net.run_for(30_000);
    net.latency = 10;
    net.reply("call", Reply::Silence);
    net.call("write");
    net.run();
    net.restart();
    net.run_for(10_000);
    net.answer_late("write", Reply::error(404, -32600, "Session not found"));
    let log = net.run_for(20_000);
    assert!(log.iter().any(|line| line.starts_with("write outcome_unknown")), "{log:?}");
}

/// A call, what the server answers it with, and how it ends: nothing of this is the gate's word on a call that has not run.
#[test]
fn what_a_gateway_says_after_the_call_ran_is_no_licence_to_send_it_again() {
    for (reply, end) in [
        (Reply::busy(503, "1"), "write overloaded unknown"),
        (Reply::text(503, "<h1>Backend fetch failed</h1>"), "write overloaded unknown"),
        (Reply::text(502, "Bad Gateway"), "write outcome_unknown unknown"),
        (Reply::text(504, ""), "write outcome_unknown unknown"),
        (Reply::text(408, ""), "write outcome_unknown unknown"),
        (Reply::text(499, ""), "write outcome_unknown unknown"),
        (Reply::own_error(422, -32602, "not enough money"), "write rpc executed"),
        (Reply::own_error(429, -32000, "too many payments"), "write overloaded executed"),
        (Reply::own_error(500, -32000, "upstream call failed: 409"), "write rpc unknown"),
    ] {
        let mut net = Net::connected();
        net.reply("call", reply.clone());
        net.call("write");
        let log = net.run_for(20_000);
        assert!(log.contains(&end.to_owned()), "{reply:?}: {log:?}");
        assert_eq!(log.iter().filter(|line| line.starts_with("call→")).count(), 1, "{reply:?}: {log:?}");
    }
}

/// What the stream of a call said before it was refused shows that a handler had begun.
#[test]
fn after_a_sign_of_life_on_its_stream_no_refusal_is_the_gates() {
    let log_message =
        r#"data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#;
    for sign in [log_message, "id: 7\ndata:", r#"data: {"jsonrpc":"2.0","id":1,"method":"ping"}"#] {
        let mut net = Net::connected();
        net.refusal = Reply::error(200, -32600, "Session not found");
        net.restart();
        let refusal = r#"data: {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Session not found"}}"#;
        net.reply("call", Reply::Stream(format!("{sign}\n\n{refusal}\n\n")));
        net.call("write");
        let log = net.run_for(5_000);
        assert!(log.contains(&"write outcome_unknown unknown".to_owned()), "{sign}: {log:?}");
        assert_eq!(log.iter().filter(|line| line.starts_with("call→")).count(), 1, "{sign}: {log:?}");
    }
}

/// Call and ping are refused alike, and neither says that it is for the session: it is kept, and the call may have run.
#[test]
fn a_page_that_meets_call_and_ping_alike_is_not_the_gate() {
    for (status, end) in
        [(503, "write overloaded unknown"), (400, "write http unknown"), (500, "write outcome_unknown unknown")]
    {
        let mut net = Net::connected();
        for name in ["call", "ping"] {
            net.reply(name, Reply::text(status, "<h1>Please come back later</h1>"));
        }
        net.call("write");
        let log = net.run_for(10_000);
        assert!(log.contains(&end.to_owned()), "{status}: {log:?}");
        net.call("after");
        assert_eq!(net.run(), ["call→200", "after ok"], "{status}: the session is kept");
        assert_eq!(net.sent.last().and_then(|sent| sent.session.clone()).as_deref(), Some("s1"));
    }
}

/// The words of servers that are in no list: a ping finds out, and the call goes on.
#[test]
fn an_eviction_in_unheard_of_words_is_found_out() {
    for reply in [
        Reply::text(400, "no MCP session found for backend x"),
        Reply::text(400, "the first message from the client must be initialize"),
        Reply::error(409, -32099, "please initialize before you call"),
        Reply::error(403, -32000, "this session is not known to the server"),
        Reply::text(401, "unauthorized: the session was replaced"),
        Reply::text(422, "this session was garbage-collected"),
        Reply::error(500, -32603, "no session for client 7"),
        Reply::own_error(404, -32001, "who are you?"),
        Reply::own_error(400, -32000, "server was not initialised"),
    ] {
        let mut net = Net::connected();
        net.refusal = reply.clone();
        net.restart();
        net.call("write");
        let log = net.run_for(2_000);
        assert!(log.contains(&"write ok".to_owned()), "{reply:?}: {log:?}");
        assert_eq!(net.executions["write"], 1);
    }
}

/// Evicted and called eight times in a row, as by a developer who restarts the server: nobody waits.
#[test]
fn a_server_that_is_restarted_again_and_again_heals_each_call_at_once() {
    let mut net = Net::connected();
    for _ in 0..8 {
        net.restart();
        net.call("write");
        assert!(net.run().contains(&"write ok".to_owned()));
    }
}

#[test]
fn one_lost_ping_costs_a_moment() {
    let mut net = Net::connected();
    net.refusal = Reply::error(500, -32603, "Session not found");
    net.restart();
    net.reply("ping", Reply::Silence);
    net.call("write");
    let log = net.run_for(2_100);
    assert_eq!(log[..4], ["call→500", "ping→…", "ping aborted", "ping→500"]);
    assert_eq!(log.last().map(String::as_str), Some("write ok"));
}

#[test]
fn what_the_server_says_meanwhile_counts_as_the_answer_to_a_ping() {
    let mut net = Net::connected();
    net.reply("call", Reply::error(500, -32603, "Session not found"));
    net.reply("ping", Reply::Silence);
    net.call("a");
    assert_eq!(net.run(), ["call→500", "ping→…"]);
    net.call("b");
    assert_eq!(net.run(), ["call→200", "ping aborted", "a rpc unknown", "b ok"], "the session lives");
}

#[test]
fn retry_after_of_any_size_waits_five_minutes_at_most_and_reconnect_not_at_all() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialize", Reply::busy(503, "1000000000"));
    net.call("write");
    net.run();
    let until = net.status().waiting_for.and_then(|waiting| waiting.until_unix_ms).expect("it waits");
    assert!(until <= net.now.unix_ms + 301_000);
    let reconnect = net.session.reconnect(net.now);
    net.name(reconnect, "reconnect");
    assert!(net.run().contains(&"reconnect ok".to_owned()));
}

#[test]
fn an_outage_is_not_followed_by_a_pause_that_is_longer() {
    let mut net = Net::connected();
    net.restart();
    (0..100).for_each(|_| net.reply("initialize", Reply::Break));
    for n in 0..20 {
        net.call(&format!("c{n}"));
        net.run_for(600);
    }
    let until = net.status().waiting_for.and_then(|waiting| waiting.until_unix_ms).expect("it waits");
    assert!(until - net.now.unix_ms <= 2 * 12_000, "the outage is 12 s long");
}

/// A first connect may wait for its server.
#[test]
fn a_first_connect_that_waits_comes_back_by_itself() {
    let mut net = Net::new(Config { unreachable: Unreachable::Wait, ..Config::default() });
    (0..5).for_each(|_| net.reply("initialize", Reply::Break));
    net.connect();
    assert_eq!(net.run_for(2_000)[..3], ["initialize→broke", "initialize→broke", "probe"]);
    assert_eq!(net.phase(), Phase::Waiting);
    assert!(net.run_for(60_000).contains(&"initialized→202".to_owned()));
    assert_eq!(net.phase(), Phase::Ready);
    // While it waits, what is known stays found out: the last failure's words are no worse than the first one's.
    let mut net = Net::new(Config { unreachable: Unreachable::Wait, ..Config::default() });
    (0..9).for_each(|_| net.reply("initialize", Reply::Break));
    net.reach = Reach::Silent;
    net.connect();
    let known = |net: &Net| net.status().last_error.and_then(|error| error.diagnosis).map(|it| it.kind);
    net.run_for(2_000);
    assert_eq!(known(&net), Some("unreachable"));
    net.reach = Reach::Answers;
    let log = net.run_for(9_000);
    assert_eq!((net.phase(), known(&net)), (Phase::Waiting, Some("cors")), "{log:?}");
    assert!(log.iter().filter(|line| *line == "probe").count() > 1, "{log:?}");
    let log = net.run_for(400_000);
    assert!(log.contains(&"initialized→202".to_owned()), "{log:?}");
    // What no waiting mends fails.
    let mut net = Net::new(Config { unreachable: Unreachable::Wait, ..Config::default() });
    net.reply("initialize", Reply::text(404, "no"));
    net.connect();
    assert!(net.run_for(60_000).contains(&"connect not_mcp not_executed".to_owned()));
    assert_eq!(net.phase(), Phase::Closed);
}

/// Where the app answers the server's requests, the stream goes out before the calls, and they wait for its head.
#[test]
fn the_stream_on_which_the_server_may_ask_is_open_before_the_calls_go_out() {
    let listening = || {
        let mut net = Net::new(Config::default());
        net.session.set_handled("elicitation/create".to_owned());
        net.session.set_listening(true, net.now);
        net.reply("GET", Reply::Open(String::new()));
        net.connect();
        assert_eq!(net.run(), ["initialize→200 s1", "initialized→202", "connect ok", "GET→200 stream"]);
        net.restart();
        net
    };
    let mut net = listening();
    net.reply("GET", Reply::Open(String::new()));
    net.call("write");
    assert_eq!(net.run()[..4], ["call→404", "GET aborted", "initialize→200 s2", "initialized→202"]);
    assert_eq!(net.executions["write"], 1);
    let order: Vec<String> = net.sent.iter().rev().take(2).map(crate::net::Sent::name).collect();
    assert_eq!(order, ["call", "GET"], "the last two, the last first");
    // A server that has no such stream keeps nobody waiting.
    let mut net = listening();
    net.call("write");
    assert!(net.run().ends_with(&["GET→405".to_owned(), "call→200".to_owned(), "write ok".to_owned()]));
    // One that does not answer the GET is waited for once.
    let mut net = listening();
    net.reply("GET", Reply::Silence);
    net.call("write");
    assert_eq!(net.run().last().map(String::as_str), Some("GET→…"));
    assert_eq!(net.run_for(300), ["call→200", "write ok"]);
    net.restart();
    net.reply("GET", Reply::Silence);
    net.call("again");
    assert!(net.run().contains(&"again ok".to_owned()));
}

#[test]
fn a_get_that_is_forbidden_is_tried_again_more_and_more_slowly() {
    let mut net = Net::connected();
    (0..100).for_each(|_| net.reply("GET", Reply::text(403, "no")));
    net.session.set_listening(true, net.now);
    let log = net.run_for(600_000);
    let gets = log.iter().filter(|line| line.starts_with("GET→")).count();
    assert!((5..40).contains(&gets), "{gets} in ten minutes");
}

/// A stream that ends after each event, and asks to be resumed at once.
#[test]
fn a_stream_that_ends_again_and_again_is_not_hot() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream("id: 0\nretry: 0\ndata:\n\n".to_owned()));
    (1..2_000).for_each(|n| net.reply("GET", Reply::Stream(format!("id: {n}\nretry: 0\ndata:\n\n"))));
    net.call("slow");
    let log = net.run_for(60_000);
    let gets = log.iter().filter(|line| line.starts_with("GET→")).count();
    assert!((10..90).contains(&gets), "{gets} in a minute");
}

/// `retry:` leaves a call half of its time.
#[test]
fn retry_of_any_size_leaves_time_for_the_answer() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream("id: 0\nretry: 999999999\ndata:\n\n".to_owned()));
    net.call("slow");
    net.run();
    let answer = json!({"jsonrpc": "2.0", "id": net.sent.last().expect("sent").body["id"], "result": {}});
    net.reply("GET", Reply::Stream(format!("data: {answer}\n\n")));
    assert!(net.run_for(59_000).contains(&"slow ok".to_owned()));
}

/// A handler has answered under the request's own id, in a form that some path might take for the gate's.
#[test]
fn a_handlers_answer_is_not_taken_for_the_gates() {
    let own = |error: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{OWN_ID}\",\"error\":{error}}}");
    let error = own(r#"{"code":-32000,"message":"there is no such account"}"#);
    let version = own(r#"{"code":-32022,"message":"no such version","data":{"supported":["2026-07-28"]}}"#);
    for reply in [
        Reply::Body(404, "application/json", error.clone()),
        Reply::Body(404, "application/json", format!("[{error}]")),
        Reply::Body(
            404,
            "text/event-stream",
            format!("data: {{\"jsonrpc\":\"2.0\",\"method\":\"x\"}}\n\ndata: {error}\n\n"),
        ),
        Reply::Body(404, "text/event-stream", format!("data: {}\n\n", error.replace(",\"error", ",\ndata: \"error"))),
        Reply::Body(404, "application/json", own("\"no such account\"")),
        Reply::Body(404, "application/json", own(&format!("{{\"code\":1,\"message\":\"{}\"}}", "x".repeat(70_000)))),
        Reply::Body(410, "application/json", error.clone()),
        Reply::Body(200, "application/json", version.clone()),
        Reply::Body(400, "application/json", version.clone()),
        Reply::Body(500, "application/json", version.clone()),
        Reply::Body(401, "application/json", error.clone()),
        Reply::Body(403, "application/json", error.clone()),
        Reply::Body(422, "application/json", own(r#"{"code":-32000,"message":"could not initialize the payment"}"#)),
    ] {
        for loses in [false, true] {
            let mut net = Net::connected();
            net.reply("call", reply.clone());
            let call = net.call("pay");
            if loses {
                // The session goes for another reason: the app wants a new one.
                net.flush();
                net.session.reconnect(net.now);
            }
            let log = net.run_for(5_000);
            assert_eq!(log.iter().filter(|line| line.starts_with("call→")).count(), 1, "{reply:?}: {log:?}");
            assert_ne!(net.error(call).outcome, Outcome::NotExecuted, "{reply:?}");
        }
    }
}

/// The client has ended the session itself: that refuses what was running under it.
#[test]
fn a_call_under_a_session_that_the_app_has_given_up_is_not_sent_again() {
    let mut net = Net::connected();
    net.reply("call", Reply::Silence);
    net.call("pay");
    net.run();
    net.session.reconnect(net.now);
    net.run();
    net.answer_late("pay", Reply::error(404, -32001, "Session not found"));
    assert_eq!(net.run(), ["pay outcome_unknown unknown"]);
}

/// A token is got for what comes next; what a handler may have run is not sent again for it.
#[test]
fn a_handlers_401_gets_a_token_and_no_second_run() {
    for own in [true, false] {
        let mut net = connected();
        net.authorizations = vec![Authorized::Granted { refresh_at_unix_ms: None, same: true }; 5].into();
        let id = if own { OWN_ID } else { "x" };
        let body = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32000, "message": "upstream token expired"}});
        net.reply("call", Reply::json(401, &body));
        net.call("pay");
        let log = net.run_for(2_000);
        let sends = log.iter().filter(|line| line.starts_with("call→")).count();
        assert_eq!(sends, if own { 1 } else { 2 }, "{log:?}");
    }
}

/// What a gateway says of a server of the modern era outweighs nothing that it has shown.
#[test]
fn a_modern_server_behind_a_gateway_that_fails_is_found_again() {
    let mut net = Net::in_era(EraChoice::Auto, Config::default());
    net.eras = &[Era::Modern];
    net.connect();
    net.run();
    for name in ["call", "discover"] {
        net.reply(name, Reply::text(404, "no route"));
    }
    net.reply("initialize", Reply::own_error(200, -32601, "Method not found"));
    net.call("first");
    net.run_for(3_000);
    net.call("second");
    assert!(net.run_for(3_000).contains(&"second ok".to_owned()));
}

/// A server that does not know `ping` answers it all the same.
#[test]
fn a_server_that_refuses_each_ping_under_its_own_id_is_not_lost_for_good() {
    let mut net = Net::connected();
    (0..50).for_each(|_| net.reply("ping", Reply::own_error(404, -32000, "Unknown method")));
    net.reply("call", Reply::own_error(404, -32000, "there is no such account"));
    net.call("pay");
    let log = net.run_for(5_000);
    assert_eq!(log.iter().filter(|line| line.starts_with("call→")).count(), 1, "{log:?}");
    for _ in 0..5 {
        net.call("next");
        assert!(net.run_for(3_000).contains(&"next ok".to_owned()));
    }
}

/// The head of a refusal came, and its body never does.
#[test]
fn a_refusal_without_an_end_is_not_waited_for() {
    let mut net = Net::connected();
    net.restart();
    net.reply("call", Reply::Bodiless(404));
    net.call("write");
    let log = net.run_for(5_000);
    assert!(log.contains(&"write outcome_unknown unknown".to_owned()), "{log:?}");
    net.call("next");
    assert!(net.run().contains(&"next ok".to_owned()));
}

/// A crash loop, and callers all the time: when it is over, nobody waits for long.
#[test]
fn after_a_crash_loop_a_call_is_answered_at_once() {
    let mut net = Net::connected();
    net.forgetful = true;
    net.restart();
    for n in 0..40 {
        net.call(&format!("c{n}"));
        net.run_for(500);
    }
    net.forgetful = false;
    net.call("after");
    let log = net.run_for(4_500);
    assert!(log.contains(&"after ok".to_owned()), "{log:?}");
}

#[test]
fn an_initialized_that_was_never_sent_does_not_count() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialized", Reply::Unsent);
    net.call("write");
    let log = net.run_for(3_000);
    assert_eq!(log.iter().filter(|line| line.starts_with("initialized→202")).count(), 1, "{log:?}");
    assert!(log.contains(&"write ok".to_owned()), "{log:?}");
}

/// Whoever has the key may have it again later: that is not tried by itself.
#[test]
fn a_call_whose_proof_cannot_be_made_has_not_run_and_is_told_so() {
    let mut net = Net::connected();
    net.reply("call", Reply::Unproven);
    let call = net.call("pay");
    assert_eq!(net.run_for(10_000), ["call→unproven", "pay auth not_executed"]);
    let error = net.error(call);
    assert_eq!((error.code, error.outcome, error.retryable), (Code::Auth, Outcome::NotExecuted, false));
    assert!(error.message.contains("DPoP"), "{}", error.message);
}

/// The first leg of a call that asks for input has reached the server, whatever becomes of the second.
#[test]
fn a_call_that_asked_for_input_is_not_told_as_not_executed() {
    for second in [Reply::text(413, ""), Reply::text(403, "no")] {
        let mut net = Net::in_era(EraChoice::Auto, Config::default());
        net.eras = &[Era::Modern];
        net.connect();
        net.run();
        net.answer_next("call", &json!({"resultType": "input_required", "requestState": "s"}));
        let call = net.call("pay");
        net.step();
        net.reply("call", second);
        net.run_for(10_000);
        assert_eq!(net.error(call).outcome, Outcome::Unknown);
    }
}
