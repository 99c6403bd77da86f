//! When the user is asked: as soon as a call waits, once the host says so, or never.

use super::*;
use mcp_evergreen::protocol::config::{Ask, Listen};
use mcp_evergreen::protocol::oauth::Trouble;
use mcp_evergreen::protocol::status::Event;

const NEEDS_USER: Authorized<Value> = Authorized::NeedsUser;

fn asking(ask: Ask) -> Config {
    Config { ask, ..config() }
}

/// A session whose first token the server takes no more.
fn refused(ask: Ask) -> Net {
    let mut net = Net::new(asking(ask));
    net.valid_token = Some(0);
    net.connect();
    net.run();
    net.valid_token = Some(1);
    net
}

fn why(net: &Net) -> (Phase, Option<&'static str>) {
    (net.phase(), net.status().waiting_for.map(|waiting| waiting.why))
}

const WANTED: (Phase, Option<&str>) = (Phase::Waiting, Some("sign-in"));

#[test]
fn click_a_call_waits_until_the_host_says_so_and_is_sent_once() {
    let mut net = refused(Ask::Click);
    net.authorizations = [NEEDS_USER].into();
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401 quietly"]);
    assert_eq!(why(&net), WANTED);
    assert_eq!(net.run_for(3_600_000), [""; 0], "no clock runs");
    net.sign_in();
    assert_eq!(net.run(), ["authorize 401"]);
    assert_eq!(why(&net), WANTED, "until the user has signed in");
    assert!(net.session.handle_user_asked(net.now));
    net.authorized(GRANTED);
    assert_eq!(net.run(), ["sign-in ok", "call→200", "write ok"]);
    assert_eq!((net.phase(), net.executions["write"]), (Phase::Ready, 1));
}

#[test]
fn click_what_the_user_needs_not_be_asked_for_waits_for_nobody() {
    let mut net = refused(Ask::Click);
    net.authorizations = [GRANTED].into();
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401 quietly", "call→200", "write ok"]);
}

#[test]
fn click_the_total_bound_of_a_call_runs_on() {
    let mut net = refused(Ask::Click);
    net.authorizations = [NEEDS_USER].into();
    net.call_with("slow", CallOptions { max_total_timeout_ms: Some(5_000), ..CallOptions::default() });
    assert_eq!(net.run(), ["call→401", "authorize 401 quietly"]);
    assert_eq!(net.run_for(6_000), ["slow timeout not_executed"]);
    assert_eq!(why(&net), WANTED, "the server still wants it");
    // Those who come later wait as well, without a request that would be refused.
    net.call("later");
    assert_eq!(net.run_for(3_600_000), [""; 0]);
}

#[test]
fn click_the_clock_goes_on_once_the_user_has_signed_in() {
    let mut net = refused(Ask::Click);
    net.authorizations = [NEEDS_USER].into();
    net.call("slow");
    net.run_for(600_000);
    net.sign_in();
    net.run_for(600_000);
    net.reply("call", Reply::Silence);
    net.authorized(GRANTED);
    assert_eq!(net.run_for(61_000)[..4], ["sign-in ok", "call→…", "slow timeout unknown", "call aborted"]);
}

#[test]
fn click_a_first_connect_gives_the_session_that_waits() {
    let mut net = Net::new(asking(Ask::Click));
    net.valid_token = Some(1);
    net.authorizations = [GRANTED, NEEDS_USER].into();
    net.connect();
    let log = net.run();
    assert_eq!(log[2..], ["initialize aborted", "authorize 401 quietly", "connect ok"]);
    assert_eq!(why(&net), WANTED);
    net.call("write");
    assert_eq!(net.run_for(3_600_000), [""; 0]);
    net.authorizations = [GRANTED].into();
    net.sign_in();
    let log = net.run();
    assert_eq!(log[..3], ["authorize 401", "initialize→200 s1", "initialized→202"]);
    assert!(log[3..].contains(&"sign-in ok".to_owned()) && log[3..].contains(&"write ok".to_owned()), "{log:?}");
    assert_eq!(net.executions["write"], 1);
}

#[test]
fn click_a_user_who_closes_the_window_fails_the_click_and_no_call() {
    for first in [false, true] {
        let mut net = match first {
            true => Net::new(asking(Ask::Click)),
            false => refused(Ask::Click),
        };
        net.valid_token = Some(1);
        net.authorizations = if first { [GRANTED, NEEDS_USER].into() } else { [NEEDS_USER].into() };
        if first {
            net.connect();
            net.run();
        }
        net.call("write");
        net.run();
        let clicked = net.sign_in();
        assert_eq!(net.run(), ["authorize 401"]);
        net.session.handle_user_asked(net.now);
        net.authorized(failed());
        assert_eq!(net.run_for(3_600_000), ["sign-in auth not_executed"]);
        assert_eq!(net.error(clicked).message, "The user declined.");
        assert_eq!((why(&net), net.status().last_error.is_some()), (WANTED, true));
        net.authorizations = [GRANTED].into();
        net.sign_in();
        assert_eq!(net.run().last().map(String::as_str), Some("write ok"));
        assert_eq!((net.executions["write"], net.status().last_error.is_some()), (1, false));
    }
}

#[test]
fn click_a_user_who_closed_the_window_is_told_what_asks_again() {
    let mut net = refused(Ask::Click);
    net.authorizations = [NEEDS_USER].into();
    net.call("write");
    net.run();
    net.sign_in();
    net.run();
    net.session.handle_user_asked(net.now);
    let closed: Error<Value> = Trouble::new("closed", "The window was closed.").into_error();
    net.authorized(Authorized::Failed(Box::new(closed)));
    net.run();
    let error = net.status().last_error.expect("told by the status");
    assert!(error.diagnosis.is_some_and(|it| it.kind == "closed" && it.hint.contains("`authorize()` in a click")));
}

#[test]
fn click_a_lost_session_whose_token_is_refused_too_waits_for_the_user() {
    let mut net = refused(Ask::Click);
    net.restart();
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.authorizations = [NEEDS_USER].into();
    net.call("write");
    assert_eq!(net.run(), ["call→404", "initialize→401", "initialize aborted", "authorize 401 quietly"]);
    assert_eq!(why(&net), WANTED);
    assert_eq!(net.run_for(3_600_000), [""; 0]);
    net.authorizations = [GRANTED].into();
    net.sign_in();
    let log = net.run();
    assert_eq!(log[..3], ["authorize 401", "initialize→200 s2", "initialized→202"]);
    assert!(log.contains(&"write ok".to_owned()), "{log:?}");
}

#[test]
fn click_what_the_background_meets_is_told_by_the_status() {
    let mut net = refused(Ask::Click);
    net.authorizations = [NEEDS_USER].into();
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→401", "GET aborted", "authorize 401 quietly"]);
    assert_eq!(why(&net), WANTED);
    net.authorizations = [GRANTED].into();
    net.sign_in();
    assert_eq!(net.run(), ["authorize 401", "sign-in ok", "GET→405"]);
}

#[test]
fn never_a_call_fails_with_unauthorized_and_nobody_is_asked() {
    let mut net = refused(Ask::Never);
    net.authorizations = [NEEDS_USER].into();
    let call = net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401 quietly", "write unauthorized not_executed"]);
    assert_eq!((net.error(call).http_status, net.error(call).retryable), (Some(401), false));
    assert_eq!((net.phase(), net.run_for(3_600_000)), (Phase::Ready, vec![]));
    // A token that can be had without the user is.
    net.authorizations = [GRANTED].into();
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401 quietly", "call→200", "write ok"]);
}

#[test]
fn never_connect_fails_with_unauthorized() {
    let mut net = Net::new(asking(Ask::Never));
    net.valid_token = Some(1);
    net.authorizations = [GRANTED, NEEDS_USER].into();
    net.connect();
    assert_eq!(net.run()[3..], ["authorize 401 quietly", "connect unauthorized not_executed"]);
    assert_eq!(net.phase(), Phase::Closed);
}

#[test]
fn never_a_session_that_was_lost_waits_for_the_next_call() {
    let mut net = refused(Ask::Never);
    net.restart();
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.authorizations = [NEEDS_USER].into();
    net.call("write");
    assert_eq!(net.run().last().map(String::as_str), Some("write unauthorized unknown"));
    assert_eq!(why(&net), (Phase::Waiting, Some("the next call: the authorization failed")));
    assert_eq!(net.run_for(3_600_000), [""; 0]);
}

#[test]
fn a_click_signs_in_whatever_the_option_says() {
    for ask in [Ask::Auto, Ask::Click, Ask::Never] {
        let mut net = refused(ask);
        net.authorizations = [GRANTED].into();
        net.sign_in();
        assert_eq!(net.run(), ["authorize 401", "sign-in ok"], "{ask:?}");
        net.call("write");
        assert_eq!(net.run(), ["call→200", "write ok"], "{ask:?}");
    }
}

#[test]
fn an_open_server_that_offers_a_login_is_signed_in_to_and_nobody_is_asked_twice() {
    let mut net = connected();
    net.authorizations = [GRANTED].into();
    let origin = Origin { grant: Some("g".to_owned()), ..Origin::default() };
    net.session.handle_origin(origin);
    net.sign_in();
    assert_eq!(net.run(), ["sign-in ok"], "there is a grant, and nothing has refused it");
    net.session.handle_origin(Origin::default());
    net.sign_in();
    assert_eq!(net.run(), ["authorize 401", "sign-in ok"]);
}

#[test]
fn a_click_while_a_refresh_is_tried_asks_the_user_where_that_fails() {
    let mut net = refused(Ask::Click);
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401 quietly"]);
    net.sign_in();
    assert_eq!(net.run(), [""; 0], "one at a time");
    net.authorized(NEEDS_USER);
    assert_eq!(net.run(), ["authorize 401"]);
    net.authorized(GRANTED);
    assert_eq!(net.run(), ["sign-in ok", "call→200", "write ok"]);
}

#[test]
fn where_nobody_waits_any_more_the_user_need_not_go_on() {
    for ask in [Ask::Auto, Ask::Click] {
        let mut net = refused(ask);
        net.authorizations = if ask == Ask::Click { [NEEDS_USER].into() } else { [].into() };
        let call = net.call("write");
        let other = net.call("other");
        net.run();
        let clicked = (ask == Ask::Click).then(|| net.sign_in());
        net.run();
        assert!(net.session.handle_user_asked(net.now));
        net.session.cancel(call, None, net.now);
        clicked.into_iter().for_each(|id| net.session.cancel(id, None, net.now));
        assert_eq!(net.run(), [""; 0], "{ask:?}: one waits");
        net.session.cancel(other, None, net.now);
        assert_eq!(net.run(), ["authorize given up"], "{ask:?}");
        net.authorized(failed());
        assert_eq!(net.run_for(600_000), [""; 0], "{ask:?}");
    }
}

#[test]
fn a_session_that_has_closed_signs_nobody_in() {
    let mut net = refused(Ask::Click);
    net.session.close(true, net.now);
    net.run();
    net.sign_in();
    assert_eq!(net.run(), ["sign-in closed not_executed"]);
}

#[test]
fn click_a_user_who_signs_in_elsewhere_has_signed_in_here() {
    let mut net = refused(Ask::Click);
    net.authorizations = [NEEDS_USER].into();
    net.call("write");
    net.run();
    // Somebody else's login: what is stored is looked at, and nobody is asked.
    net.authorizations = [NEEDS_USER].into();
    net.session.handle_signed_in_elsewhere();
    assert_eq!(net.run(), ["authorize 401 quietly"]);
    assert_eq!(why(&net), WANTED);
    net.authorizations = [GRANTED].into();
    net.session.handle_signed_in_elsewhere();
    assert_eq!(net.run(), ["authorize 401 quietly", "call→200", "write ok"]);
    net.session.handle_signed_in_elsewhere();
    assert_eq!(net.run(), [""; 0], "nothing waits for a user");
}

#[test]
fn click_a_look_at_what_is_stored_that_fails_costs_no_call_and_keeps_no_click_waiting() {
    let mut net = refused(Ask::Click);
    net.authorizations = [NEEDS_USER].into();
    net.call("write");
    net.run();
    net.session.handle_signed_in_elsewhere();
    assert_eq!(net.run(), ["authorize 401 quietly"]);
    assert_eq!(why(&net), WANTED, "all the while");
    net.authorized(failed());
    assert_eq!((net.run_for(600_000), why(&net)), (vec![], WANTED));
    net.session.handle_signed_in_elsewhere();
    net.sign_in();
    assert_eq!(net.run(), ["authorize 401 quietly"], "one at a time");
    net.authorized(NEEDS_USER);
    assert_eq!(net.run(), ["authorize 401"]);
    net.authorized(GRANTED);
    assert_eq!(net.run(), ["sign-in ok", "call→200", "write ok"]);
}

#[test]
fn where_the_user_is_being_asked_a_login_elsewhere_changes_nothing() {
    let mut net = refused(Ask::Auto);
    net.call("write");
    net.run();
    assert!(net.session.handle_user_asked(net.now));
    net.session.handle_signed_in_elsewhere();
    assert_eq!(net.run(), [""; 0]);
}

#[test]
fn the_status_says_whether_somebody_is_signed_in() {
    let told = |net: &mut Net| {
        net.run();
        let events = std::mem::take(&mut net.events);
        let changes = events.iter().filter(|event| matches!(event, Event::StateChange)).count();
        (changes, net.status().signed_in)
    };
    let mut net = Net::new(asking(Ask::Click));
    net.valid_token = Some(0);
    assert_eq!(net.status().signed_in, Some(false), "nothing was loaded yet");
    net.connect();
    net.run();
    assert_eq!(net.status().signed_in, Some(false), "the server lets anybody in");
    net.events.clear();
    net.session.handle_token(Some("token"), false);
    assert_eq!(told(&mut net), (1, Some(true)));
    // Another one of the same user is no news.
    net.session.handle_token(Some("next"), true);
    assert_eq!(told(&mut net), (0, Some(true)));
    // It is refused, and no other is to be had without the user.
    net.valid_token = Some(1);
    net.call("write");
    net.run();
    assert_eq!(net.status().signed_in, Some(true), "it may be refreshed yet");
    net.authorized(NEEDS_USER);
    net.run();
    assert_eq!(net.status().signed_in, Some(false));
    net.session.handle_signed_in_elsewhere();
    net.run();
    net.events.clear();
    net.session.handle_token(Some("of another tab"), false);
    net.authorized(GRANTED);
    net.run();
    assert!(matches!(told(&mut net), (1.., Some(true))));
    // The grant is given up by another session of the page.
    net.session.handle_token(None, false);
    assert_eq!(told(&mut net), (1, Some(false)));
    assert_eq!(Net::new(Config::default()).status().signed_in, None);
}

#[test]
fn who_is_asked_for_a_wider_scope_is_signed_in_and_signed_out_once_the_session_is_over() {
    let mut net = refused(Ask::Click);
    net.valid_token = Some(0);
    net.session.handle_token(Some("token"), false);
    net.reply("call", narrow());
    net.call("write");
    net.run();
    net.authorized(NEEDS_USER);
    net.run();
    assert_eq!((why(&net), net.status().signed_in), (WANTED, Some(true)));
    net.session.close(true, net.now);
    net.run();
    net.session.handle_token(None, false);
    assert_eq!(net.status().signed_in, Some(false));
}

#[test]
fn a_call_that_waits_for_its_minute_goes_out_once_a_user_has_signed_in() {
    let mut net = Net::new(Config { listen: Listen::Never, fields_vary: true, timeout_ms: 600_000, ..config() });
    net.session.handle_token(Some("token-1"), false);
    net.connect();
    net.run();
    for token in ["token-2", "token-3"] {
        net.session.handle_token(Some(token), false);
        net.call("a");
        net.run();
    }
    net.reply("call", Reply::text(401, "no"));
    net.session.handle_token(Some("token-2"), false);
    net.call("b");
    assert_eq!(net.run(), ["call→401", "authorize 401"]);
    net.session.handle_origin(Origin { grant: Some("login".to_owned()), ..Origin::default() });
    net.session.handle_token(Some("token-4"), false);
    net.authorized(Authorized::Granted { refresh_at_unix_ms: None, same: false });
    let log = net.run();
    assert!(log.contains(&"a ok".to_owned()) && log.contains(&"b ok".to_owned()), "{log:?}");
}
