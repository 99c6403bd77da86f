//! An evicted session heals, and what must not be repeated is not.

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::status::Phase;

#[test]
fn an_evicted_session_heals_under_a_call() {
    let mut net = Net::connected();
    net.restart();
    net.call("write");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "write ok"]);
    assert_eq!(net.executions["write"], 1);
    assert_eq!(net.phase(), Phase::Ready);
    assert_eq!(net.status().recoveries, 1);
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
fn what_the_new_session_refuses_too_is_not_sent_a_third_time() {
    let mut net = Net::connected();
    net.restart();
    let call = net.call("write");
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    assert_eq!(
        net.run(),
        ["call→404", "initialize→200 s2", "initialized→202", "call→404", "write session_lost not_executed"]
    );
    assert!(net.error(call).message.contains("refused the new session too"));
    assert_eq!(net.phase(), Phase::Waiting);
    // It comes back by itself, and proves it before it says so.
    assert_eq!(net.run_for(5_000), ["initialize→200 s3", "initialized→202", "ping→200"]);
    assert_eq!(net.phase(), Phase::Ready);
}
