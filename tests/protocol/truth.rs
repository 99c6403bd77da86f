//! What the server really ran decides: a call that may have run is not sent again, and no loop that the network can drive
//! is hot or stuck.

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::{Authorized, Config};

fn connected() -> Net {
    let mut net = Net::new(Config { authorizes: true, ..Config::default() });
    net.connect();
    net.run();
    net
}

/// An access token expires, nobody can refresh it, and nobody waits: the listening stream asks once, not without end. (51 times today.)
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
