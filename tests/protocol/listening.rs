//! The listening stream of the modern era (2026-07-28, patterns, Subscriptions): how it is refused, and what becomes of
//! the one that it was to replace.

use crate::net::{Net, OWN_ID, Reply};
use mcp_evergreen::protocol::config::EraChoice;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Head;
use mcp_evergreen::protocol::status::Event;
use mcp_evergreen::protocol::{Authorized, CallId, CallOptions, Config, Input};
use serde_json::json;

fn connected(authorizes: bool) -> Net {
    let mut net = Net::in_era(EraChoice::Auto, Config { authorizes, ..Config::default() });
    net.eras = &[Era::Modern];
    net.capabilities = json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}});
    net.authorizations = [Authorized::Granted { refresh_at_unix_ms: None, same: true }].into();
    net.connect();
    net.run();
    net
}

fn subscribe(net: &mut Net, uri: &str) -> CallId {
    net.request("resources/subscribe", Some(&json!({"uri": uri})), CallOptions::default(), uri)
}

fn refused_token() -> Reply {
    let head = Head { www_authenticate: Some("Bearer".to_owned()), ..Head::default() };
    Reply::With(401, "text/plain", "no".to_owned(), head)
}

fn unknown() -> String {
    json!({"jsonrpc": "2.0", "id": OWN_ID, "error": {"code": -32601, "message": "Method not found"}}).to_string()
}

fn streamed(message: &str) -> String {
    format!("data: {message}\n\n")
}

/// A server may answer every POST with an event stream, and this one with an error on it.
#[test]
fn a_refusal_on_the_stream_itself_is_an_answer() {
    for reply in [Reply::Stream(streamed(&unknown())), Reply::Open(streamed(&unknown()))] {
        let mut net = connected(false);
        net.reply("listen", reply);
        subscribe(&mut net, "a:1");
        assert_eq!(net.run(), ["listen→200 stream", "listen aborted", "a:1 capability not_executed"]);
        assert!(!net.run_for(60_000).iter().any(|line| line.starts_with("listen→")), "it has no such stream");
    }
}

#[test]
fn a_refusal_of_something_else_on_the_stream_is_none() {
    let mut net = connected(false);
    let other = unknown().replace(&format!("\"{OWN_ID}\""), "5");
    net.reply("listen", Reply::Open(streamed(&other)));
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["listen→200 stream"]);
}

#[test]
fn a_subscription_that_is_not_acknowledged_says_so() {
    let mut net = connected(false);
    net.reply("listen", Reply::Silence);
    let options = CallOptions { timeout_ms: Some(5_000), ..CallOptions::default() };
    let call = net.request("resources/subscribe", Some(&json!({"uri": "a:1"})), options, "a:1");
    net.run_for(6_000);
    assert_eq!(net.error(call).message, "The server did not acknowledge the subscription within 5000 ms.");
}

/// Behind one address a server without such streams took the place of the one that has them, for a while.
#[test]
fn who_has_acknowledged_a_stream_is_asked_for_it_again() {
    for refusal in [Reply::Stream(streamed(&unknown())), Reply::Body(404, "application/json", unknown())] {
        let mut net = connected(false);
        net.session.set_listening(true, net.now);
        assert_eq!(net.run(), ["listen→200 stream"]);
        let stream = net.sent.last().expect("sent").exchange;
        net.reply("listen", refusal);
        net.session.handle_input(stream, Input::End, net.now);
        let log = net.run_for(60_000);
        let listens = log.iter().filter(|line| line.starts_with("listen→")).count();
        assert_eq!((listens, log.last().map(String::as_str)), (2, Some("listen→200 stream")), "{log:?}");
        assert!(log.contains(&"discover→200".to_owned()), "a ping tells whose word it was: {log:?}");
    }
}

/// While the stream with the new filter waits for a token, the one with the old filter is open.
#[test]
fn a_stream_for_which_nobody_has_a_token_takes_the_one_before_it_along() {
    let mut net = connected(true);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["listen→200 stream", "a:1 ok"]);
    net.valid_token = Some(1);
    net.authorizations = [Authorized::NeedsUser, Authorized::NeedsUser].into();
    subscribe(&mut net, "b:2");
    let end = ["listen aborted", "b:2 auth not_executed"];
    assert_eq!(net.run(), [&["listen→401", "listen aborted", "authorize 401"], &end[..]].concat());
}

/// Nobody can mend it here: the app's own header fields hold the token.
#[test]
fn a_subscription_whose_stream_is_refused_is_told_why() {
    for (status, code) in [(401, "unauthorized"), (403, "http")] {
        let mut net = connected(false);
        net.reply("listen", Reply::text(status, "no"));
        subscribe(&mut net, "a:1");
        assert_eq!(net.run(), [format!("listen→{status}"), format!("a:1 {code} not_executed")]);
    }
}

/// What the session held is put back beside the calls; the recovery is told of, whether there is a token or not.
#[test]
fn a_recovery_is_told_of_though_nobody_has_a_token_for_its_stream() {
    let mut net = connected(true);
    subscribe(&mut net, "a:1");
    net.run();
    net.session.reconnect(net.now);
    net.reply("listen", refused_token());
    net.authorizations = [Authorized::NeedsUser].into();
    net.run_for(10_000);
    let told = net.events.iter().any(|event| matches!(event, Event::Recovered { .. }));
    assert!(told);
}
