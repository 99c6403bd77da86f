//! Sessions without an id, of which there is one only, or which are verified and made anew on demand.

use super::*;

#[test]
fn a_new_session_without_an_id_means_that_the_server_became_stateless() {
    let mut net = Net::connected();
    net.restart();
    net.stateless_next = true;
    net.call("a");
    assert_eq!(net.run(), ["call→404", "initialize→200", "initialized→202", "call→200", "a ok"]);
    assert_eq!(net.sent.last().and_then(|sent| sent.session.clone()), None);
}

#[test]
fn a_hidden_session_id_is_diagnosed_and_not_looped_over() {
    let mut net = Net::new(Config::default());
    net.stateless = true;
    let call = net.connect();
    net.reply("initialized", Reply::error(400, -32000, "Bad Request: No valid session ID provided"));
    assert_eq!(net.run(), ["initialize→200", "initialized→400", "connect cors not_executed"]);
    let diagnosis = net.error(call).diagnosis.clone().expect("a diagnosis");
    assert_eq!((diagnosis.kind, diagnosis.header), ("hidden_session_id", Some("Mcp-Session-Id")));
    assert_eq!(net.run_for(600_000), Vec::<String>::new());
}

#[test]
fn a_hidden_session_id_shows_at_the_first_call_of_a_server_that_takes_any_notification() {
    let mut net = Net::new(Config::default());
    net.stateless = true;
    net.connect();
    net.run();
    net.reply("call", Reply::error(400, -32000, "Bad Request: No valid session ID provided"));
    let call = net.call("a");
    assert_eq!(net.run(), ["call→400", "a cors unknown"]);
    assert_eq!(net.error(call).diagnosis.as_ref().and_then(|diagnosis| diagnosis.header), Some("Mcp-Session-Id"));
    assert_eq!(net.warnings(), ["hidden_session_id"]);
}

#[test]
fn a_single_session_server_is_cleared_of_the_old_session_once() {
    let mut net = Net::connected();
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.reply("initialize", Reply::error(400, -32600, "Invalid Request: Server already initialized"));
    net.call("a");
    assert_eq!(
        net.run(),
        ["call→404", "initialize→400", "DELETE→200", "initialize→200 s2", "initialized→202", "call→200", "a ok"]
    );
}

#[test]
fn what_runs_under_a_session_that_is_cleared_away_is_not_sent_again() {
    let mut net = Net::connected();
    net.reply("call", Reply::Silence);
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.reply("initialize", Reply::error(400, -32600, "Invalid Request: Server already initialized"));
    let runs = net.call("runs");
    net.call("a");
    net.run();
    // Our own DELETE ends it.
    net.answer_late("runs", Reply::error(404, -32001, "Session not found"));
    assert_eq!(net.run(), ["runs outcome_unknown unknown"]);
    assert_eq!(net.error(runs).outcome, Outcome::Unknown);
}

#[test]
fn a_notification_that_a_dead_session_refused_is_not_replayed() {
    let mut net = Net::connected();
    net.restart();
    let notification = net.notify("notifications/x");
    assert_eq!(net.run(), ["x→404", "x session_lost unknown"]);
    assert!(net.error(notification).message.contains("A notification is not sent again"));
    assert_eq!(net.run_for(20_000), ["initialize→200 s2", "initialized→202"]);
}

#[test]
fn verify_heals_and_then_says_so() {
    let mut net = Net::connected();
    let verify = net.session.verify(net.now);
    net.name(verify, "verify");
    assert_eq!(net.run(), ["ping→200", "verify ok"]);
    net.restart();
    let verify = net.session.verify(net.now);
    net.name(verify, "verify");
    let log = net.run();
    assert_eq!(log[..3], ["ping→404", "initialize→200 s2", "initialized→202"]);
    assert_eq!(log.last().map(String::as_str), Some("verify ok"));
}

#[test]
fn a_server_that_does_not_know_ping_lives() {
    let mut net = Net::connected();
    let id = next_id(&net, 0);
    let error = json!({"code": -32601, "message": "Method not found"});
    net.reply("ping", Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "error": error})));
    let verify = net.session.verify(net.now);
    net.name(verify, "verify");
    assert_eq!(net.run(), ["ping→200", "verify ok"]);
}

#[test]
fn reconnect_ends_the_old_session_and_makes_a_new_one() {
    let mut net = Net::connected();
    let reconnect = net.session.reconnect(net.now);
    net.name(reconnect, "reconnect");
    assert_eq!(net.run(), ["DELETE→200", "initialize→200 s2", "initialized→202", "reconnect ok"]);
    assert_eq!(net.live.len(), 1);
}

#[test]
fn reconnect_makes_a_new_session_where_the_server_keeps_none_too() {
    let mut net = Net::new(Config::default());
    net.stateless = true;
    net.connect();
    net.run();
    for _ in 0..5 {
        let reconnect = net.session.reconnect(net.now);
        net.name(reconnect, "reconnect");
        assert_eq!(net.run(), ["initialize→200", "initialized→202", "reconnect ok"]);
    }
}

#[test]
fn reconnect_gives_up_a_session_in_doubt() {
    let mut net = Net::connected();
    net.reply("ping", Reply::Break);
    net.reply("call", Reply::Break);
    net.call("a");
    assert_eq!(net.run(), ["call→broke", "a network unknown", "ping→broke"]);
    let reconnect = net.session.reconnect(net.now);
    net.name(reconnect, "reconnect");
    assert_eq!(net.run_for(1_100), ["DELETE→200", "initialize→200 s2", "initialized→202", "reconnect ok"]);
}
