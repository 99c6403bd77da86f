//! A server that cannot be reached: the session may live, and is not given up for it.

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{CallOptions, Code, Config, Outcome};
use serde_json::json;

fn repeatable() -> CallOptions {
    CallOptions { repeatable: true, ..CallOptions::default() }
}

#[test]
fn a_live_session_survives_an_outage() {
    let mut net = Net::connected();
    for name in ["call", "ping", "ping"] {
        net.reply(name, Reply::Break);
    }
    net.call("write");
    assert_eq!(net.run(), ["call→broke", "write network unknown", "ping→broke"]);
    assert_eq!(net.phase(), Phase::Waiting);
    assert_eq!(net.run_for(20_000), ["ping→broke", "initialize→200 s2", "ping→200", "DELETE→200"]);
    assert_eq!((net.phase(), net.status().generation), (Phase::Ready, 1));
    net.call("a");
    net.run();
    assert_eq!(net.sent.last().and_then(|sent| sent.session.clone()).as_deref(), Some("s1"));
}

#[test]
fn a_handshake_that_is_lost_in_doubt_is_followed_by_another_one() {
    let mut net = Net::connected();
    for name in ["call", "ping", "ping"] {
        net.reply(name, Reply::Break);
    }
    net.call("write");
    net.run();
    net.restart();
    net.reply("initialize", Reply::Silence);
    let call = net.call_with("a", CallOptions { timeout_ms: Some(10_000), ..CallOptions::default() });
    let log = net.run_for(10_000);
    assert_eq!(log[..3], ["ping→broke", "initialize→…", "initialize→200 s2"]);
    assert!(net.results[&call].is_ok(), "{log:?}");
}

#[test]
fn a_refusal_that_the_browser_hides_is_found_out() {
    // Without CORS headers a 404 is the same TypeError as a server that is down.
    let mut net = Net::connected();
    for name in ["call", "ping", "ping", "ping"] {
        net.reply(name, Reply::Break);
    }
    net.call("write");
    assert_eq!(net.run(), ["call→broke", "write network unknown", "ping→broke"]);
    assert_eq!(net.run_for(20_000), ["ping→broke", "initialize→200 s2", "ping→broke", "initialized→202"]);
    assert_eq!((net.phase(), net.status().generation), (Phase::Ready, 2));
    assert_eq!(net.warnings(), ["hidden_refusal"]);
}

#[test]
fn calls_wait_out_a_short_outage() {
    let mut net = Net::connected();
    for name in ["call", "ping", "initialize"] {
        net.reply(name, Reply::Break);
    }
    net.call_with("read", repeatable());
    net.run();
    net.call("write");
    assert_eq!(net.run_for(1_100), ["ping→200", "call→200", "read ok", "call→200", "write ok"]);
    assert_eq!(net.executions["write"], 1);
}

#[test]
fn a_server_that_restarted_meanwhile_is_recognised() {
    let mut net = Net::connected();
    for name in ["call", "ping", "initialize"] {
        net.reply(name, Reply::Break);
    }
    net.call_with("read", repeatable());
    net.run();
    net.restart();
    assert_eq!(net.run_for(1_100), ["ping→404", "initialize→200 s2", "initialized→202", "call→200", "read ok"]);
}

#[test]
fn a_server_that_is_gone_for_good_settles_every_call() {
    let mut net = Net::connected();
    net.call("a");
    net.call_with("b", repeatable());
    (0..1_000).for_each(|_| {
        for name in ["call", "ping", "initialize"] {
            net.reply(name, Reply::Break);
        }
    });
    net.run_for(3_000);
    assert_eq!(net.results.len(), 3);
    let late = net.call("c");
    net.run_for(60_000);
    assert_eq!(net.error(late).outcome, Outcome::NotExecuted);
    let quiet = net.run_for(600_000).len();
    assert!((20..=120).contains(&quiet), "{quiet} requests in ten minutes");
}

#[test]
fn a_frozen_server_does_not_hang_anybody() {
    let mut net = Net::connected();
    (0..1_000).for_each(|_| {
        for name in ["call", "ping", "initialize", "cancelled"] {
            net.reply(name, Reply::Silence);
        }
    });
    let sent = net.call("a");
    let log = net.run_for(75_000);
    assert_eq!(log[..4], ["call→…", "a timeout unknown", "call aborted", "cancelled→…"]);
    assert_eq!(net.error(sent).code, Code::Timeout);
    assert_ne!(net.phase(), Phase::Ready);
    let parked = net.call("b");
    net.run_for(60_000);
    assert_eq!(net.error(parked).outcome, Outcome::NotExecuted);
}

#[test]
fn a_frozen_server_that_thaws_is_ready_again() {
    let mut net = Net::connected();
    for name in ["call", "ping"] {
        net.reply(name, Reply::Silence);
    }
    net.call("a");
    net.run_for(120_000);
    assert_eq!((net.phase(), net.status().generation), (Phase::Ready, 1));
}

/// A task whose call was given up is cancelled; the server has forgotten it, and says so with a status.
#[test]
fn a_refusal_of_what_was_asked_of_a_task_tells_nothing_of_the_session() {
    for code in [-32601, -32602] {
        let mut net = Net::new(Config::default());
        net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}});
        net.connect();
        net.answer_next("list", &json!({"tools": [{"name": "long", "execution": {"taskSupport": "required"}}]}));
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
        net.answer_next("call", &json!({"task": {"taskId": "t1", "status": "working", "pollInterval": 60_000}}));
        let call = net.call("long");
        assert_eq!(net.run(), ["call→200", "task t1"]);
        net.reply("call", Reply::Break);
        net.reply("ping", Reply::Silence);
        net.call("write");
        net.reply("tasks/cancel", Reply::own_error(404, code, "no such task in this session"));
        net.run();
        net.session.cancel(call, None, net.now);
        assert_eq!(net.run(), ["tasks/cancel→404"], "{code}");
        assert_eq!((net.phase(), net.status().generation), (Phase::Ready, 1));
        assert_eq!(net.run_for(10_000), ["ping aborted", "ping→200"]);
    }
}
