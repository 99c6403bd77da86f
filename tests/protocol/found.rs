//! Transcripts of what the model of the world found.

use super::net::{Net, Reply};
use mcp_evergreen::protocol::config::{EraChoice, Handshake};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::{Head, Method};
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::verdict::{Asked, Refusal, Verdict, classify};
use mcp_evergreen::protocol::{CallOptions, Config};
use serde_json::json;

fn hosted() -> Net {
    Net::new(Config { handshake: Handshake::Host, ..Config::default() })
}

#[test]
fn a_hosts_handshake_that_fails_after_its_client_went_on_is_finished_without_it() {
    let mut net = hosted();
    net.request("initialize", Some(&json!({})), CallOptions::default(), "host");
    net.run();
    net.notify("notifications/initialized");
    net.call("a");
    net.reply("initialized", Reply::error(404, -32001, "Session not found"));
    net.run();
    assert_eq!(net.run_for(5_000), ["initialize→200 s2", "initialized→202", "initialized ok", "call→200", "a ok"]);
}

#[test]
fn a_call_that_waits_for_a_hosts_handshake_does_not_get_its_answer() {
    let mut net = hosted();
    net.request("initialize", Some(&json!({})), CallOptions::default(), "host");
    let call = net.call("a");
    assert_eq!(net.run(), ["initialize→200 s1", "host ok"]);
    net.notify("notifications/initialized");
    assert_eq!(net.run(), ["initialized→202", "initialized ok", "call→200", "a ok"]);
    assert_eq!(net.results[&call].as_ref().ok().map(|result| result["under"].clone()), Some(json!("s1")));
}

#[test]
fn a_hosts_second_initialize_is_never_sent_under_the_session() {
    let mut net = hosted();
    net.request("initialize", Some(&json!({})), CallOptions::default(), "host");
    net.run();
    net.notify("notifications/initialized");
    net.run();
    net.request("initialize", Some(&json!({})), CallOptions::default(), "again");
    assert_eq!(net.run(), ["again ok"]);
}

#[test]
fn a_new_session_whose_handshake_breaks_off_is_ended() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialized", Reply::Break);
    net.reply("ping", Reply::Break);
    net.call("a");
    net.run();
    assert_eq!(net.run_for(2_000), ["initialize→200 s3", "initialized→202", "call→200", "a ok"]);
    assert_eq!(net.live.iter().collect::<Vec<_>>(), ["s3"]);
}

#[test]
fn a_connect_that_is_given_up_ends_the_session_that_it_made() {
    let mut net = Net::new(Config::default());
    net.reply("initialized", Reply::Silence);
    let connect = net.connect();
    net.run();
    net.session.cancel(connect, None, net.now);
    assert_eq!(net.run(), ["initialized aborted", "DELETE→200"]);
    assert!(net.live.is_empty());
}

#[test]
fn a_single_session_server_that_missed_the_delete_gets_another_with_the_next_attempt() {
    let mut net = Net::connected();
    let already = || Reply::error(400, -32600, "Invalid Request: Server already initialized");
    net.reply("call", Reply::text(404, "Not Found"));
    net.reply("initialize", already());
    net.reply("DELETE", Reply::text(404, "Not Found"));
    net.reply("initialize", already());
    net.reply("initialize", already());
    net.call("a");
    assert_eq!(net.run(), ["call→404", "initialize→400", "DELETE→404", "initialize→400"]);
    assert_eq!(
        net.run_for(2_000),
        ["initialize→400", "DELETE→200", "initialize→200 s2", "initialized→202", "call→200", "a ok"]
    );
}

#[test]
fn a_notification_that_is_refused_late_tells_that_the_session_is_gone() {
    let mut net = Net::connected();
    net.restart();
    net.latency = 5_000;
    let notification = net.notify("notifications/roots/list_changed");
    assert_eq!(net.run(), ["roots/list_changed→404", "roots/list_changed session_lost unknown"]);
    assert!(net.error(notification).retryable);
    net.latency = 10;
    assert_eq!(net.run_for(20_000), ["initialize→200 s2", "initialized→202"]);
}

#[test]
fn a_tools_own_words_are_its_answer_even_if_the_session_goes_right_after() {
    let mut net = Net::connected();
    let thrown = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "Session not found"}});
    net.reply("call", Reply::json(200, &thrown));
    net.restart();
    let call = net.call("a");
    assert_eq!(
        net.run(),
        ["call→200", "ping→404", "a outcome_unknown unknown", "initialize→200 s2", "initialized→202"]
    );
    assert_eq!(net.error(call).rpc_code, Some(-32600));
}

#[test]
fn what_is_refused_late_may_have_run_whatever_the_refusal() {
    let mut net = Net::connected();
    net.latency = 5_000;
    net.reply("call", Reply::text(403, "Forbidden"));
    net.call("a");
    assert_eq!(net.run(), ["call→403", "ping→200", "a http unknown"]);
    net.reply("call", Reply::busy(429, "1"));
    net.call("b");
    assert_eq!(net.run(), ["call→429", "b overloaded unknown"]);
}

#[test]
fn a_suspicion_that_comes_late_leaves_the_outcome_unknown() {
    let mut net = Net::connected();
    net.refusal = Reply::error(200, -32001, "Session not found");
    net.restart();
    net.latency = 5_000;
    net.call("a");
    assert_eq!(net.run()[..3], ["call→200", "ping→200", "a outcome_unknown unknown"]);
}

#[test]
fn a_session_id_is_not_told_even_where_its_handshake_is_refused() {
    let mut net = Net::new(Config::default());
    net.reply("initialized", Reply::text(401, "s1 is not yours"));
    let connect = net.connect();
    assert_eq!(net.run(), ["initialize→200 s1", "initialized→401", "connect unauthorized not_executed", "DELETE→200"]);
    assert!(net.live.is_empty(), "the session is ended");
    assert_eq!(net.error(connect).excerpt.as_deref(), Some("[session id] is not yours"));
}

#[test]
fn a_result_in_an_event_of_several_lines_says_nothing_about_the_session() {
    let text = "event: message\ndata: {\ndata: \"id\": 7, \"result\": \"Session not found\"}\n\n";
    let refusal = Refusal::from_text(400, None, text, Some(7));
    let asked =
        Asked { era: mcp_evergreen::protocol::era::Era::Legacy, method: Method::Post, with_session: true, late: false };
    assert_eq!(classify(&asked, &refusal), Verdict::Suspect, "a doubt, and no proof");
}

#[test]
fn a_stream_that_has_ended_is_not_aborted_when_connect_fails_with_it() {
    let mut net = Net::new(Config::default());
    for _ in 0..2 {
        net.reply("initialize", Reply::Stream(String::new()));
    }
    net.connect();
    let log = net.run_for(10_000);
    assert_eq!(log, ["initialize→200 stream", "initialize→200 stream", "connect not_mcp not_executed"]);
}

#[test]
fn a_session_that_goes_while_calls_are_held_for_the_tool_list_is_made_anew_by_one_handshake() {
    let mut net = Net::connected();
    net.answer_next("list", &json!({"tools": [{"name": "a"}]}));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    net.restart();
    net.reply("list", Reply::Silence);
    net.call("a");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "list→…"]);
    let again = net.session.reconnect(net.now);
    net.name(again, "reconnect");
    net.answer_next("list", &json!({"tools": [{"name": "a"}]}));
    assert_eq!(net.run()[..4], ["list aborted", "DELETE→200", "initialize→200 s3", "initialized→202"]);
    assert!(net.run().is_empty() && net.results.values().all(Result::is_ok));
    assert_eq!(net.executions["a"], 1);
}

#[test]
fn a_standing_stream_whose_event_id_is_forgotten_is_opened_without_one() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Stream("id: 7\ndata:\n\n".to_owned()));
    net.reply("GET", Reply::text(400, "failed to replay events"));
    net.reply("GET", Reply::Open(String::new()));
    net.session.set_listening(true, net.now);
    assert_eq!(net.run_for(60_000), ["GET→200 stream", "GET→400", "GET→200 stream"]);
    let ids: Vec<_> =
        net.sent.iter().filter(|sent| sent.name() == "GET").map(|sent| sent.header("last-event-id")).collect();
    assert_eq!(ids, [None, Some("7"), None]);
}

#[test]
fn the_answer_to_a_delete_asks_nothing() {
    let mut net = Net::connected();
    net.session.set_handled("roots/list".to_owned());
    net.reply("DELETE", Reply::json(200, &json!({"jsonrpc": "2.0", "id": 0, "method": "roots/list"})));
    let close = net.session.close(true, net.now);
    net.name(close, "close");
    assert_eq!(net.run(), ["DELETE→200", "close ok"]);
    assert!(net.questions.is_empty());
}

#[test]
fn a_refusal_that_quotes_an_older_session_id_does_not_tell_it() {
    let mut net = Net::new(Config::default());
    let old = "c0ffee00-older-id";
    let head = Head { session_id: Some(old.to_owned()), ..Head::default() };
    net.connect();
    net.flush();
    let id = net.sent.last().expect("sent").body["id"].clone();
    let result = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {}});
    let body = json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
    net.reply("initialize", Reply::With(200, "application/json", body, head));
    net.reply("initialized", Reply::Body(202, "", String::new()));
    assert_eq!(net.run(), ["initialize→200", "initialized→202", "connect ok"]);
    // The handshake that follows carries no id, and its refusal speaks of the session before.
    let refusal = || Reply::error(500, -32603, &format!("{old} is still active"));
    (0..2).for_each(|_| net.reply("initialize", refusal()));
    let call = net.call("a");
    net.run_for(1_000);
    let shown = format!("{:?} {:?}", net.error(call), net.status().last_error);
    assert!(shown.contains("[session id] is still active") && !shown.contains(old), "{shown}");
}

#[test]
fn the_id_of_a_session_that_came_to_nothing_is_not_told_either() {
    let mut net = Net::new(Config::default());
    let id = "c0ffee00-never-made";
    let head = Head { session_id: Some(id.to_owned()), ..Head::default() };
    net.reply("initialize", Reply::With(503, "text/plain", "restarting".to_owned(), head));
    net.reply("initialize", Reply::error(400, -32600, &format!("{id} is half open")));
    let connect = net.connect();
    net.run_for(5_000);
    let shown = format!("{:?} {:?}", net.error(connect), net.status().last_error);
    assert!(shown.contains("[session id] is half open") && !shown.contains(id), "{shown}");
}

#[test]
fn ids_that_stand_in_each_others_place_do_not_make_words_grow() {
    let mut net = Net::new(Config::default());
    net.reply("initialized", Reply::text(401, &"s1 ".repeat(20_000)));
    let connect = net.connect();
    net.run();
    let excerpt = net.error(connect).excerpt.clone().expect("an excerpt");
    assert!(excerpt.chars().count() <= 200 && excerpt.starts_with("[session id] [session id]"), "{excerpt}");
}

// Both eras.

fn in_both(eras: &'static [Era]) -> Net {
    let mut net = Net::in_era(EraChoice::Auto, Config::default());
    net.eras = eras;
    net.capabilities = json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}, "logging": {}});
    net.connect();
    net.run();
    net
}

#[test]
fn a_legacy_session_at_an_upgraded_server_that_hides_its_refusals_is_asked_for_its_era() {
    let mut net = in_both(&[Era::Legacy]);
    net.eras = &[Era::Modern];
    for _ in 0..4 {
        net.reply("ping", Reply::Break);
    }
    net.reply("call", Reply::Break);
    net.reply("initialize", Reply::Break);
    net.call("a");
    assert_eq!(net.run(), ["call→broke", "a network unknown", "ping→broke"]);
    let transcript = ["ping→broke", "initialize→broke", "ping→broke", "discover→200", "ping→broke"];
    assert_eq!(net.run_for(60_000), transcript);
    assert_eq!((net.status().era, net.status().phase), (Some(Era::Modern), Phase::Ready));
}

#[test]
fn another_version_told_later_than_a_gate_refuses_does_not_run_a_call_twice() {
    let mut net = in_both(&[Era::Legacy]);
    net.eras = &[Era::Modern];
    net.latency = 5_000;
    net.call("a");
    assert!(net.run_for(60_000).contains(&"a outcome_unknown unknown".to_owned()));
    assert_eq!(net.sent.iter().filter(|sent| sent.name() == "call").count(), 1);
}

#[test]
fn header_fields_that_a_legacy_request_lacks_are_a_sign_of_the_modern_era() {
    let mut net = in_both(&[Era::Legacy]);
    net.eras = &[Era::Modern];
    let missing = Reply::error(400, -32020, "Mcp-Method header is missing");
    net.reply("call", missing.clone());
    net.reply("ping", missing.clone());
    net.reply("initialize", missing);
    net.call("a");
    let transcript = ["call→400", "ping→400", "initialize→400", "discover→200", "call→200", "a ok"];
    assert_eq!(net.run(), transcript);
}

#[test]
fn a_modern_session_in_doubt_is_not_lost_to_a_modern_server() {
    let mut net = in_both(&[Era::Modern]);
    net.reply("call", Reply::Break);
    net.reply("discover", Reply::Break);
    net.reply("discover", Reply::Break);
    net.call("a");
    assert_eq!(net.run(), ["call→broke", "a network unknown", "discover→broke"]);
    assert_eq!(net.run_for(60_000), ["discover→broke", "initialize→400", "discover→200"]);
    assert_eq!((net.status().generation, net.status().recoveries), (1, 0));
}

#[test]
fn a_handshake_that_is_answered_when_nobody_waits_for_it_decides_no_era() {
    let mut net = in_both(&[Era::Legacy, Era::Modern]);
    net.reply("call", Reply::Break);
    net.reply("discover", Reply::Break);
    net.reply("discover", Reply::Break);
    net.reply("initialize", Reply::Silence);
    net.call("a");
    assert_eq!(net.run(), ["call→broke", "a network unknown", "discover→broke"]);
    let log = net.run_for(20_000);
    assert_eq!(log[..4], ["discover→broke", "initialize→…", "initialize→200 s1", "discover→200"]);
    assert_eq!((net.status().generation, net.status().era), (1, Some(Era::Modern)));
    net.initialize_late("s7");
    let late = net.run();
    assert_eq!(late, ["DELETE→404"]);
    net.session.reconnect(net.now);
    assert_eq!(net.run().first().map(String::as_str), Some("discover→200"));
}

#[test]
fn a_subscription_that_waits_for_a_stream_goes_on_in_the_other_era() {
    let mut net = in_both(&[Era::Modern]);
    net.reply("listen", Reply::Silence);
    net.request("resources/subscribe", Some(&json!({"uri": "a:1"})), CallOptions::default(), "a:1");
    net.run();
    net.eras = &[Era::Legacy];
    net.reply("call", Reply::error(400, -32000, "Unsupported protocol version"));
    net.reply("discover", Reply::error(400, -32000, "Unsupported protocol version"));
    net.call("a");
    assert!(net.run().contains(&"a:1 ok".to_owned()), "{:?}", net.sent.len());
}

#[test]
fn a_subscription_that_is_overtaken_does_not_wait() {
    let mut net = in_both(&[Era::Modern]);
    net.reply("listen", Reply::Silence);
    net.request("resources/subscribe", Some(&json!({"uri": "a:1"})), CallOptions::default(), "sub");
    net.run();
    net.request("resources/unsubscribe", Some(&json!({"uri": "a:1"})), CallOptions::default(), "unsub");
    assert_eq!(net.run(), ["listen aborted", "unsub ok", "sub ok"]);
}

#[test]
fn a_proxy_that_refuses_the_stream_once_does_not_end_the_listening() {
    let mut net = in_both(&[Era::Modern]);
    net.reply("listen", Reply::text(403, "Forbidden"));
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["listen→403"]);
    assert_eq!(net.run_for(2_000), ["listen→200 stream"]);
}
