//! An evicted session heals, and what must not be repeated is not.

mod outcome;
mod standing;

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::config::{Connections, Mode, Recovery};
use mcp_evergreen::protocol::status::{Event, Phase};
use mcp_evergreen::protocol::{CallOptions, Code, Config, Outcome};
use serde_json::json;

fn config(mode: Mode) -> Config {
    Config { recovery: Recovery { mode, ..Recovery::default() }, ..Config::default() }
}

fn repeatable() -> CallOptions {
    CallOptions { repeatable: true, ..CallOptions::default() }
}

/// A tool that throws, or a gate: the words are the same.
fn throws(id: u64) -> Reply {
    let error = json!({"code": -32600, "message": "MCP error -32600: Session not found"});
    Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "error": error}))
}

/// The id that the next request but `skip` will carry.
fn next_id(net: &Net, skip: u64) -> u64 {
    let ids = net.sent.iter().filter_map(|sent| sent.body["id"].as_u64());
    ids.max().expect("a request went out") + 1 + skip
}

#[test]
fn an_evicted_session_heals_under_a_call() {
    let mut net = Net::connected();
    net.restart();
    net.call("write");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "write ok"]);
    assert_eq!(net.executions["write"], 1);
    assert_eq!(net.phase(), Phase::Ready);
    assert_eq!((net.status().generation, net.status().recoveries), (2, 1));
    assert_eq!(net.status().last_recovery.expect("a recovery").retried, 1);
}

#[test]
fn the_retry_is_a_new_request_under_the_new_session() {
    let mut net = Net::connected();
    net.restart();
    net.call("write");
    net.run();
    let calls: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "call").collect();
    assert_eq!(calls.iter().map(|sent| sent.session.as_deref()).collect::<Vec<_>>(), [Some("s1"), Some("s2")]);
    assert_ne!(calls[0].body["id"], calls[1].body["id"]);
    assert_eq!(calls[0].body["params"], calls[1].body["params"]);
    assert!(calls.iter().all(|sent| sent.header("mcp-protocol-version") == Some("2025-11-25")));
}

#[test]
fn of_a_thousand_calls_a_hundred_are_refused_and_all_are_answered() {
    let mut net = Net::connected();
    net.restart();
    let before = net.sent.len();
    for _ in 0..1_000 {
        net.call("write");
    }
    let lines = net.run();
    let count = |line: &str| lines.iter().filter(|own| *own == line).count();
    assert_eq!(["call→404", "initialize→200 s2", "call→200", "write ok"].map(count), [100, 1, 1_000, 1_000]);
    assert_eq!((net.executions["write"], net.sent.len() - before), (1_000, 1_102));
}

#[test]
fn a_call_that_waits_for_its_turn_has_its_time_and_goes_out_when_another_is_given_up() {
    let mut net = Net::connected();
    (0..100).for_each(|_| net.reply("call", Reply::Silence));
    let slow: Vec<_> = (0..100).map(|_| net.call("slow")).collect();
    let late = net.call_with("late", CallOptions { timeout_ms: Some(1_000), ..CallOptions::default() });
    net.call("next");
    net.run_for(1_500);
    let error = net.error(late);
    assert_eq!((error.code, error.outcome), (Code::Timeout, Outcome::NotExecuted));
    assert!(error.message.contains("too many calls"), "{}", error.message);
    assert_eq!((net.executions.get("next"), net.phase()), (None, Phase::Ready));
    net.session.cancel(slow[0], None, net.now);
    assert!(net.run().contains(&"next ok".to_owned()));
}

#[test]
fn wire_ids_start_at_a_random_base_and_are_never_used_twice() {
    let mut net = Net::connected();
    for _ in 0..20 {
        net.call("a");
        net.run();
    }
    let ids: Vec<u64> = net.sent.iter().filter_map(|sent| sent.body["id"].as_u64()).collect();
    assert!(ids.iter().all(|id| (1 << 40..1 << 53).contains(id)));
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn fifty_concurrent_calls_share_one_handshake() {
    let mut net = Net::connected();
    net.restart();
    let calls: Vec<_> = (0..50).map(|n| net.call(&format!("t{n}"))).collect();
    let log = net.run();
    let count = |what: &str| log.iter().filter(|line| line.as_str() == what).count();
    assert_eq!((count("call→404"), count("initialize→200 s2"), count("call→200")), (50, 1, 50));
    assert_eq!(log.len(), 50 + 2 + 50 + 50);
    assert!(calls.iter().all(|call| net.results[call].is_ok()));
}

#[test]
fn calls_made_during_the_repair_wait_for_it() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialize", Reply::Silence);
    net.call("a");
    assert_eq!(net.run(), ["call→404", "initialize→…"]);
    net.call("b");
    assert_eq!(net.run(), Vec::<String>::new());
    assert_eq!(net.phase(), Phase::Recovering);
}

#[test]
fn a_refusal_that_belongs_to_the_old_session_does_not_end_the_new_one() {
    let mut net = Net::connected();
    net.restart();
    let slow = net.call("slow");
    net.reply("call", Reply::Silence);
    assert_eq!(net.run(), ["call→…"]);
    net.call("a");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "a ok"]);
    // The slow call's refusal arrives now.
    net.answer_late("slow", Reply::error(404, -32001, "Session not found"));
    assert_eq!(net.run(), ["call→200", "slow ok"]);
    assert!(net.results[&slow].is_ok());
    assert_eq!(net.status().generation, 2);
}

#[test]
fn what_the_new_session_refuses_too_is_not_sent_a_third_time() {
    let mut net = Net::connected();
    net.restart();
    let call = net.call("write");
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    assert_eq!(
        net.run(),
        ["call→404", "initialize→200 s2", "initialized→202", "call→404", "write session_lost unknown"]
    );
    assert!(net.error(call).message.contains("refused the new session too"));
    assert_eq!(net.phase(), Phase::Waiting);
    // It comes back by itself, and proves it before it says so.
    assert_eq!(net.run_for(5_000), ["initialize→200 s3", "initialized→202", "ping→200"]);
    assert_eq!(net.phase(), Phase::Ready);
}

#[test]
fn a_server_that_refuses_every_session_is_left_in_peace_more_and_more() {
    let mut net = Net::connected();
    net.call("a");
    net.run();
    net.restart();
    net.forgetful = true;
    net.call("write");
    net.run();
    let handshakes = |net: &mut Net, ms| net.run_for(ms).iter().filter(|line| line.starts_with("initialize→")).count();
    let first_minute = handshakes(&mut net, 60_000);
    assert!((3..=8).contains(&first_minute), "{first_minute}");
    assert_eq!(net.phase(), Phase::Waiting);
    let next_ten_minutes = handshakes(&mut net, 600_000);
    assert!((8..=20).contains(&next_ten_minutes), "{next_ten_minutes}");
    // A call of that time settles after two attempts.
    let call = net.call("late");
    net.run_for(60_000);
    assert_eq!((net.error(call).code, net.error(call).outcome), (Code::SessionLost, Outcome::NotExecuted));
    net.forgetful = false;
    net.run_for(70_000);
    assert_eq!(net.phase(), Phase::Ready);
}

#[test]
fn sessions_lost_again_and_again_are_reported_and_heal_for_whoever_waits() {
    // Three replicas without sticky sessions: now and then a call meets the one that knows the session.
    let mut net = Net::connected();
    let handshakes = |net: &Net| net.sent.iter().filter(|sent| sent.name() == "initialize").count();
    for _ in 0..3 {
        net.call("ok");
        net.run();
        net.restart();
        net.call("a");
        assert!(net.run().contains(&"a ok".to_owned()));
    }
    assert_eq!(net.warnings(), [] as [&str; 0]);
    net.restart();
    net.call("b");
    assert!(net.run().contains(&"b ok".to_owned()));
    assert_eq!(net.warnings(), ["unstable_sessions"]);
    // Who works on a server that restarts again and again waits for no pause.
    for _ in 0..20 {
        net.restart();
        net.call("c");
        assert_eq!(net.run().last().map(String::as_str), Some("c ok"));
    }
    assert_eq!(handshakes(&net), 1 + 3 + 1 + 20);
    assert_eq!(net.warnings(), ["unstable_sessions"]);
    // In the background pauses grow: nobody waits.
    net.restart();
    net.reply("GET", Reply::error(404, -32001, "Session not found"));
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→404", "ping→404"]);
    let until = net.status().waiting_for.and_then(|waiting| waiting.until_unix_ms);
    assert!(until.is_some_and(|until| until >= net.now.unix_ms + 30_000), "{until:?}");
}

#[test]
fn a_server_that_is_gone_settles_calls_after_two_attempts_and_is_found_again() {
    let mut net = Net::connected();
    net.restart();
    (0..9).for_each(|_| net.reply("initialize", Reply::Break));
    let call = net.call("write");
    assert_eq!(net.run(), ["call→404", "initialize→broke"]);
    assert_eq!(net.phase(), Phase::Waiting);
    let log = net.run_for(2_000);
    assert_eq!(log[..2], ["initialize→broke", "write session_lost unknown"]);
    assert!(net.error(call).message.contains("a new one could not be made"));
    net.run_for(300_000);
    assert_eq!(net.phase(), Phase::Ready);
}

#[test]
fn a_call_cuts_the_pause_short() {
    let mut net = Net::connected();
    net.restart();
    (0..6).for_each(|_| net.reply("initialize", Reply::Break));
    net.call("a");
    net.run_for(13_000);
    let Some(until) = net.status().waiting_for.and_then(|waiting| waiting.until_unix_ms) else { panic!("it waits") };
    assert!(until > net.now.unix_ms + 2_000);
    net.call("b");
    let log = net.run_for(1_100);
    assert_eq!(log.first().map(String::as_str), Some("initialize→broke"), "{log:?}");
}

#[test]
fn the_first_call_waits_for_no_pause_of_the_background() {
    let attempts = |net: &Net| net.sent.iter().filter(|sent| sent.name() == "initialize").count();
    for outage in 1..5 {
        let mut net = Net::connected();
        net.restart();
        net.reply("GET", Reply::error(404, -32001, "Session not found"));
        (0..outage).for_each(|_| net.reply("initialize", Reply::Break));
        net.session.set_listening(true, net.now);
        let mut log = net.run();
        assert_eq!(log, ["GET→404", "ping→404"]);
        for _ in 0..100_000 {
            if attempts(&net) > outage {
                break;
            }
            log.extend(net.run_for(1));
        }
        // The server is there again, and the pause after the last attempt has only begun.
        assert_eq!((net.phase(), attempts(&net)), (Phase::Waiting, outage + 1), "{log:?}");
        let began = net.now.mono;
        net.call("a");
        let log = net.run();
        assert!(log.contains(&"a ok".to_owned()) && net.now.mono - began < 100, "{outage}: {log:?}");
    }
    // One that was held up by an attempt of its own, or whose server has said how long, waits for the next.
    let mut net = Net::connected();
    net.restart();
    net.reply("GET", Reply::error(404, -32001, "Session not found"));
    net.reply("initialize", Reply::busy(503, "20"));
    net.session.set_listening(true, net.now);
    net.run();
    for _ in 0..100_000 {
        if attempts(&net) > 1 {
            break;
        }
        net.run_for(1);
    }
    net.call("a");
    assert_eq!(net.run_for(19_000), Vec::<String>::new());
}

#[test]
fn retry_after_of_a_refused_handshake_is_not_undercut() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialize", Reply::busy(503, "20"));
    net.call("a");
    assert_eq!(net.run(), ["call→404", "initialize→503"]);
    net.call("b");
    assert_eq!(net.run_for(19_900), Vec::<String>::new());
    assert_eq!(net.run_for(700)[..2], ["initialize→200 s2", "initialized→202"]);
}

#[test]
fn a_busy_server_that_says_so_in_json_rpc_is_asked_again() {
    let mut net = Net::new(Config::default());
    net.reply("initialize", Reply::error(503, -32603, "Too many open sessions"));
    net.connect();
    assert!(net.run_for(5_000).contains(&"connect ok".to_owned()));
}

#[test]
fn the_answer_to_another_request_is_none() {
    let foreign = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/message"});
    for body in [foreign.clone(), notification.clone(), json!([foreign, notification]), json!([])] {
        let mut net = Net::connected();
        net.reply("call", Reply::json(200, &body));
        let call = net.call("a");
        assert_eq!(net.run(), ["call→200", "a protocol unknown"]);
        assert!(net.error(call).message.contains("another id"), "{}", net.error(call).message);
    }
}

#[test]
fn strict_repeats_only_what_is_safe_to_repeat() {
    let mut net = Net::connected_with(config(Mode::Strict));
    net.restart();
    let write = net.call("write");
    let read = net.call_with("read", repeatable());
    let list = net.request("tools/list", None, CallOptions::default(), "list");
    assert_eq!(
        net.run(),
        [
            "call→404",
            "write session_lost unknown",
            "call→404",
            "list→404",
            "initialize→200 s2",
            "initialized→202",
            "call→200",
            "read ok",
            "list→200",
            "list ok"
        ]
    );
    assert_eq!(net.error(write).code, Code::SessionLost);
    assert!(net.results[&read].is_ok() && net.results[&list].is_ok());
}

#[test]
fn a_call_is_sent_three_times_at_most_whatever_is_repaired() {
    let mut net = Net::connected();
    net.reply("call", Reply::Break);
    net.reply("call", Reply::busy(429, "1"));
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    let call = net.call_with("read", repeatable());
    let log = net.run_for(30_000);
    assert_eq!(
        log[..6],
        ["call→broke", "ping→200", "call→429", "call→404", "read session_lost unknown", "initialize→200 s2"]
    );
    assert!(net.error(call).message.contains("three times"), "{}", net.error(call).message);
    assert_eq!(log.iter().filter(|line| line.starts_with("call→")).count(), 3);
}

#[test]
fn off_repeats_nothing_and_still_makes_the_session_anew() {
    let mut net = Net::connected_with(config(Mode::Off));
    net.restart();
    let list = net.request("tools/list", None, CallOptions::default(), "list");
    assert_eq!(net.run(), ["list→404", "list session_lost unknown"]);
    assert!(net.error(list).message.contains("recovery.mode"));
    assert_eq!(net.run_for(20_000), ["initialize→200 s2", "initialized→202"]);
}

#[test]
fn a_suspicion_that_is_never_settled_leaves_the_outcome_unknown() {
    let mut net = Net::connected();
    let reply = throws(next_id(&net, 0));
    net.reply("call", reply);
    net.reply("ping", Reply::Silence);
    net.reply("ping", Reply::Silence);
    net.call_with("throws", CallOptions { timeout_ms: Some(3_000), ..CallOptions::default() });
    assert_eq!(net.run_for(4_000), ["call→200", "ping→…", "ping aborted", "ping→…", "throws timeout unknown"]);
}

#[test]
fn the_host_is_told_what_happened() {
    let mut net = Net::connected();
    net.restart();
    net.events.clear();
    net.call("a");
    net.run();
    let told: Vec<String> = net
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Recovering { generation, .. } => Some(format!("recovering {generation}")),
            Event::Recovered { generation, recovery, .. } => {
                Some(format!("recovered {generation} {}", recovery.retried))
            }
            Event::StateChange => Some("statechange".to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["recovering 1", "statechange", "statechange", "recovered 2 1"]);
}

#[test]
fn the_version_that_the_new_session_negotiates_applies_from_then_on() {
    let mut net = Net::connected();
    net.request("logging/setLevel", Some(&json!({"level": "debug"})), CallOptions::default(), "level");
    net.run();
    net.restart();
    net.version = "2025-03-26";
    net.call("a");
    net.run();
    assert_eq!(net.status().protocol_version, Some("2025-03-26"));
    let under = |session: &str| -> Vec<Option<&str>> {
        let sent = net.sent.iter().filter(|sent| sent.session.as_deref() == Some(session));
        sent.map(|sent| sent.header("mcp-protocol-version")).collect()
    };
    assert!(under("s1").iter().all(|version| *version == Some("2025-11-25")));
    // Before 2025-06-18 there was no such header.
    assert_eq!(under("s2"), [None; 3]);
}
