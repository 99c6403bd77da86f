//! What another tab has put there is tried before anybody is asked; that it is refused as well is the first word on it.

use super::{GRANTED, connected, narrow};
use crate::net::Net;
use mcp_evergreen::protocol::{Authorized, Origin};
use serde_json::Value;

const ANOTHER: Authorized<Value> = Authorized::Granted { refresh_at_unix_ms: None, same: false };

/// What was kept by another tab is what there is now.
fn find(net: &mut Net, grant: &str, token: &str, authorized: Authorized<Value>) {
    tell(net, (grant, true), token);
    net.authorized(authorized);
    // Nobody takes it.
    net.token = 99;
}

/// It was refreshed.
fn get(net: &mut Net, grant: &str, token: &str, authorized: Authorized<Value>) {
    tell(net, (grant, false), token);
    net.authorized(authorized);
}

fn tell(net: &mut Net, (grant, found): (&str, bool), token: &str) {
    net.session.handle_origin(Origin { grant: Some(grant.to_owned()), found, returned: None });
    net.session.handle_token(Some(token), false);
}

/// A session whose token has expired.
fn expired() -> Net {
    let mut net = connected();
    tell(&mut net, ("login", false), "token-1");
    net.call("first");
    assert_eq!(net.run(), ["call→200", "first ok"]);
    net.valid_token = Some(1);
    net
}

#[test]
fn a_token_that_was_found_and_is_refused_as_well_is_refreshed_and_all_calls_wait() {
    let mut net = expired();
    net.call("a");
    net.call("b");
    assert_eq!(net.run(), ["call→401", "authorize 401", "call→401"]);
    find(&mut net, "login", "token-2", GRANTED);
    assert_eq!(net.run(), ["call→401", "authorize 401", "call→401"]);
    get(&mut net, "login", "token-3", GRANTED);
    assert_eq!(net.run(), ["call→200", "a ok", "call→200", "b ok"]);
    assert_eq!((net.executions["a"], net.executions["b"]), (1, 1));
}

#[test]
fn a_login_that_was_found_and_whose_token_is_refused_makes_its_session_once_it_is_refreshed() {
    let mut net = expired();
    net.call("a");
    assert_eq!(net.run(), ["call→401", "authorize 401"]);
    find(&mut net, "another login", "token-2", ANOTHER);
    assert_eq!(net.run(), ["initialize→401", "initialize aborted", "authorize 401"]);
    get(&mut net, "another login", "token-3", GRANTED);
    assert_eq!(net.run(), ["initialize→200 s2", "initialized→202", "call→200", "a ok"]);
}

#[test]
fn a_wider_token_that_was_found_and_is_too_narrow_still_is_widened() {
    let mut net = connected();
    net.reply("call", narrow());
    net.reply("call", narrow());
    net.call("a");
    assert_eq!(net.run(), ["call→403", "authorize 403"]);
    find(&mut net, "login", "token-2", GRANTED);
    assert_eq!(net.run(), ["call→403", "authorize 403"]);
    get(&mut net, "login", "token-3", GRANTED);
    assert_eq!(net.run(), ["call→200", "a ok"]);
}

#[test]
fn tokens_that_are_found_and_refused_one_after_the_other_have_an_end() {
    let mut net = expired();
    let call = net.call("a");
    assert_eq!(net.run(), ["call→401", "authorize 401"]);
    find(&mut net, "login", "token-2", GRANTED);
    assert_eq!(net.run(), ["call→401", "authorize 401"]);
    find(&mut net, "login", "token-3", GRANTED);
    assert_eq!(net.run(), ["call→401", "ping→401", "a unauthorized not_executed"]);
    assert_eq!(net.error(call).http_status, Some(401));
}

#[test]
fn a_token_that_was_got_and_is_refused_is_told_as_before() {
    let mut net = expired();
    net.call("a");
    assert_eq!(net.run(), ["call→401", "authorize 401"]);
    get(&mut net, "login", "token-2", GRANTED);
    net.token = 99;
    assert_eq!(net.run(), ["call→401", "ping→401", "a unauthorized not_executed"]);
}
