//! A request goes out with the token that the provider has by then, or not at all.

use super::{GRANTED, config, connected};
use crate::net::{Net, Reply};
use mcp_evergreen::protocol::{Authorized, CallOptions, Code, Outcome};
use serde_json::Value;

const ANOTHER: Authorized<Value> = Authorized::Granted { refresh_at_unix_ms: None, same: false };

/// The session of whoever has this token.
fn session_of(token: &str) -> Net {
    let mut net = connected();
    net.session.handle_token(Some(token), false);
    net.call("first");
    assert_eq!(net.run(), ["call→200", "first ok"]);
    net
}

#[test]
fn a_call_that_would_go_with_the_token_before_goes_in_a_session_of_the_user_that_there_is() {
    let mut net = session_of("of-ann");
    net.reply("call", Reply::Outdated);
    net.loads_by_hand = true;
    net.call("mine");
    assert_eq!(net.run(), ["call→outdated", "authorize load"]);
    net.session.handle_token(Some("of-bob"), false);
    net.authorized(ANOTHER);
    assert_eq!(net.run(), ["initialize→200 s2", "initialized→202", "call→200", "mine ok"]);
}

#[test]
fn users_who_take_turns_within_a_minute_have_a_session_each_time() {
    let mut net = session_of("of-ann");
    net.loads_by_hand = true;
    for (made, token) in [(2, "of-bob"), (3, "of-ann"), (4, "of-bob")] {
        net.reply("call", Reply::Outdated);
        net.call("mine");
        assert_eq!(net.run(), ["call→outdated", "authorize load"]);
        net.session.handle_token(Some(token), false);
        net.authorized(ANOTHER);
        let made = format!("initialize→200 s{made}");
        assert_eq!(net.run(), [&*made, "initialized→202", "call→200", "mine ok"], "{token}");
    }
}

#[test]
fn a_user_who_is_gone_takes_the_session_along() {
    let mut net = session_of("of-ann");
    net.loads_by_hand = true;
    net.reply("call", Reply::Outdated);
    net.call("mine");
    net.run();
    net.session.handle_token(None, false);
    net.authorized(ANOTHER);
    assert_eq!(net.run(), ["initialize→200 s2", "initialized→202", "call→200", "mine ok"]);
}

#[test]
fn the_next_token_of_the_same_user_needs_no_session() {
    // {"sub":"ann","exp":1} and {"sub":"ann","exp":2}
    let (one, next) = ("e30.eyJzdWIiOiJhbm4iLCJleHAiOjF9.x", "e30.eyJzdWIiOiJhbm4iLCJleHAiOjJ9.y");
    let mut net = session_of(one);
    net.reply("call", Reply::Outdated);
    net.loads_by_hand = true;
    net.call("mine");
    net.run();
    net.session.handle_token(Some(next), false);
    net.authorized(GRANTED);
    assert_eq!(net.run(), ["call→200", "mine ok"]);
}

#[test]
fn whatever_was_to_go_waits_for_one_look_and_none_of_it_goes_before() {
    let mut net = session_of("of-ann");
    net.loads_by_hand = true;
    for name in ["call", "call", "told"] {
        net.reply(name, Reply::Outdated);
    }
    net.call("one");
    net.call("two");
    net.notify("notifications/told");
    let log = net.run();
    assert_eq!(log.iter().filter(|line| *line == "authorize load").count(), 1, "{log:?}");
    assert!(!log.iter().any(|line| line.contains("200") || line.contains("202")), "{log:?}");
    net.session.handle_token(Some("of-bob"), false);
    net.authorized(ANOTHER);
    let log = net.run();
    assert_eq!(log[..2], ["initialize→200 s2", "initialized→202"]);
    for ended in ["one ok", "two ok", "told ok"] {
        assert_eq!(log.iter().filter(|line| *line == ended).count(), 1, "{log:?}");
    }
}

#[test]
fn a_handshake_that_would_go_with_the_token_before_goes_with_the_next() {
    let mut net = Net::new(config());
    net.reply("initialize", Reply::Outdated);
    net.reply("initialized", Reply::Outdated);
    net.connect();
    let log = net.run();
    assert_eq!(log[..4], ["authorize load", "initialize→outdated", "authorize load", "initialize→200 s1"]);
    assert_eq!(log[4..], ["initialized→outdated", "authorize load", "initialized→202", "connect ok"]);
}

#[test]
fn a_token_that_is_another_each_time_is_not_looked_up_without_end() {
    let mut net = session_of("of-ann");
    (0..99).for_each(|_| net.reply("call", Reply::Outdated));
    let call = net.request("tools/call", None, CallOptions::default(), "mine");
    let log = net.run();
    assert_eq!(log.iter().filter(|line| *line == "authorize load").count(), 3, "{log:?}");
    let error = net.error(call);
    assert_eq!((error.code, error.outcome), (Code::InvalidOption, Outcome::NotExecuted));
}
