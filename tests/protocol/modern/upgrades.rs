//! Servers that change their era.

use super::*;

#[test]
fn a_server_that_is_upgraded_is_asked_and_then_believed() {
    let mut net = net(LEGACY);
    net.connect();
    net.run();
    net.eras = MODERN;
    net.call("write");
    assert_eq!(net.run(), ["call→400", "ping→400", "discover→200", "call→200", "write ok"]);
    assert_eq!((net.status().era, net.status().generation), (Some(Era::Modern), 2));
    let era = |event: &Event<Value>| match event {
        Event::Recovered { changes, .. } => Some(changes.era),
        _ => None,
    };
    assert_eq!(net.events.iter().find_map(era), Some(Some(Era::Modern)));
    assert_eq!(net.executions["write"], 1);
}

#[test]
fn subscriptions_survive_an_upgrade() {
    let mut net = net(LEGACY);
    net.connect();
    subscribe(&mut net, "a:1");
    net.run();
    net.eras = MODERN;
    net.call("write");
    let log = net.run();
    assert!(log.contains(&"listen→200 stream".to_owned()) && log.contains(&"write ok".to_owned()), "{log:?}");
    let restored = net.status().last_recovery.expect("a recovery").restored;
    assert_eq!(restored, ["subscription a:1"]);
}

#[test]
fn a_stream_that_is_refused_for_a_moment_after_an_upgrade_is_opened_a_moment_later() {
    let cases = [
        (Reply::text(503, ""), 2, true),
        (Reply::Break, 1, true),
        (Reply::text(429, ""), 3, true),
        (Reply::text(503, ""), 9, false),
    ];
    for (reply, times, restored) in cases {
        let mut net = net(LEGACY);
        net.connect();
        subscribe(&mut net, "a:1");
        net.run();
        net.eras = MODERN;
        (0..times).for_each(|_| net.reply("listen", reply.clone()));
        net.call("write");
        let log = net.run_for(60_000);
        let told = net.status().last_recovery.expect("a recovery");
        let expected = if restored { (vec!["subscription a:1"], vec![]) } else { (vec![], vec!["subscriptions"]) };
        let told = (told.restored.iter().map(String::as_str).collect(), told.lost.iter().map(String::as_str).collect());
        assert_eq!((told, expected.0.len() + expected.1.len()), (expected, 1), "{log:?}");
        assert_eq!(net.executions["write"], 1);
        let last = if restored { "listen→200 stream" } else { "listen→503" };
        assert_eq!(log.last().map(String::as_str), Some(last), "{log:?}");
    }
}

#[test]
fn a_listening_stream_that_was_there_is_asked_for_again_however_it_is_refused() {
    let own = |status, code| Reply::own_error(status, code, "too many streams");
    for refusal in [
        own(200, -32000),
        own(400, -32603),
        own(404, -32601),
        Reply::text(405, ""),
        Reply::text(404, ""),
        Reply::text(400, "no"),
    ] {
        let mut net = connected();
        net.session.set_listening(true, net.now);
        assert_eq!(net.run(), ["listen→200 stream"]);
        let stream = net.sent.last().expect("sent").exchange;
        (0..2).for_each(|_| net.reply("listen", refusal.clone()));
        net.session.handle_input(stream, Input::End, net.now);
        let log = net.run_for(20_000);
        let asked = log.iter().filter(|line| line.starts_with("listen→")).count();
        let last = log.iter().rfind(|line| line.starts_with("listen→")).map(String::as_str);
        assert_eq!((asked, last), (3, Some("listen→200 stream")), "{refusal:?}: {log:?}");
    }
    for refusal in [own(200, -32601), own(404, -32601)] {
        let mut net = connected();
        net.reply("listen", refusal);
        net.session.set_listening(true, net.now);
        let log = net.run_for(600_000);
        assert_eq!(log.iter().filter(|line| line.starts_with("listen→")).count(), 1, "{log:?}");
    }
}

#[test]
fn a_subscription_that_waits_is_asked_of_the_next_session() {
    let mut net = connected();
    net.reply("listen", Reply::Silence);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["listen→…"]);
    net.eras = LEGACY;
    net.refusal = Reply::error(400, -32000, "Bad Request: Server not initialized");
    net.call("write");
    let log = net.run();
    assert!(log.contains(&"resources/subscribe→200".to_owned()) && log.contains(&"a:1 ok".to_owned()), "{log:?}");
}

#[test]
fn a_stream_that_meets_another_era_has_it_found_out() {
    let mut net = net(LEGACY);
    net.connect();
    net.run();
    net.eras = MODERN;
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→400", "ping→400"]);
    assert_eq!(net.run_for(20_000), ["discover→200"]);
    assert_eq!(net.status().era, Some(Era::Modern));
}

#[test]
fn a_server_that_is_downgraded_is_asked_and_then_initialized() {
    let mut net = connected();
    net.eras = LEGACY;
    net.refusal = Reply::error(400, -32000, "Bad Request: Server not initialized");
    net.call("write");
    assert_eq!(net.run(), ["call→400", "discover→400", "initialize→200 s1", "initialized→202", "call→200", "write ok"]);
    assert_eq!((net.status().era, net.executions["write"]), (Some(Era::Legacy), 1));
}

#[test]
fn a_refusal_of_a_server_that_is_still_modern_is_its_answer() {
    let mut net = connected();
    net.reply("call", Reply::text(404, "no such thing"));
    net.call("write");
    assert_eq!(net.run(), ["call→404", "discover→200", "write http unknown"]);
    assert_eq!(net.status().generation, 1);
}

#[test]
fn a_downgrade_behind_cors_is_found() {
    let mut net = connected();
    net.eras = LEGACY;
    net.reply("call", Reply::Break);
    net.reply("discover", Reply::Break);
    net.reply("discover", Reply::Break);
    net.call("write");
    assert_eq!(net.run(), ["call→broke", "write network unknown", "discover→broke"]);
    net.call("read");
    assert_eq!(
        net.run(),
        ["discover→broke", "initialize→200 s1", "discover→404", "initialized→202", "call→200", "read ok"]
    );
    assert_eq!(net.status().era, Some(Era::Legacy));
}

#[test]
fn a_modern_server_that_comes_back_between_two_questions_is_what_it_was() {
    let mut net = connected();
    net.reply("list", Reply::Break);
    net.reply("discover", Reply::Break);
    net.request("tools/list", None, CallOptions::default(), "list");
    assert_eq!(net.run(), ["list→broke", "discover→broke", "initialize→400", "discover→200", "list→200", "list ok"]);
    assert_eq!((net.status().generation, net.status().recoveries), (1, 0));
    // One that hides the answer to this question alone is not asked without end.
    net.reply("list", Reply::Break);
    for _ in 0..2 {
        net.reply("discover", Reply::Break);
    }
    net.request("tools/list", None, CallOptions::default(), "list");
    let asked = ["list→broke", "discover→broke", "initialize→400", "discover→broke", "initialize→400"];
    assert_eq!(net.run(), asked);
    assert_eq!(net.run_for(2_000), ["discover→200", "list→200", "list ok"]);
}
