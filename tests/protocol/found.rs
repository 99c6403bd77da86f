//! Transcripts of what the model of the world found.

use super::net::{Net, Reply};
use mcp_evergreen::protocol::config::Handshake;
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
    net.reply("initialized", Reply::text(503, "busy"));
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
