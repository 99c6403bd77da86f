//! The modern era, and users who come back or do not.

use super::*;

/// A session of the modern era, whose token is the first that the server takes.
fn modern() -> Net {
    let mut net = Net::in_era(EraChoice::Auto, config());
    net.eras = &[Era::Modern];
    net.valid_token = Some(0);
    net.connect();
    assert_eq!(net.run(), ["authorize load", "discover→200", "connect ok"]);
    net
}

fn list(net: &mut Net) -> Vec<String> {
    net.request("resources/list", None, CallOptions::default(), "list");
    net.run()
}

#[test]
fn a_401_tells_nothing_of_the_era() {
    for (eras, then) in [
        (&[Era::Modern] as &[Era], vec!["discover→200", "connect ok"]),
        (&[Era::Legacy], vec!["discover→404", "initialize→200 s1", "initialized→202", "connect ok"]),
    ] {
        let mut net = Net::in_era(EraChoice::Auto, config());
        net.eras = eras;
        net.valid_token = Some(1);
        net.authorizations = [GRANTED, GRANTED].into();
        net.connect();
        let log = net.run();
        assert_eq!(log[..4], ["authorize load", "discover→401", "discover aborted", "authorize 401"]);
        assert_eq!(log[4..], then);
    }
}

#[test]
fn twenty_modern_calls_share_one_authorization() {
    let mut net = modern();
    net.valid_token = Some(1);
    net.authorizations = [GRANTED].into();
    for _ in 0..20 {
        net.call("write");
    }
    let log = net.run();
    assert_eq!(log.iter().filter(|line| line.starts_with("authorize")).count(), 1);
    assert_eq!((log.iter().filter(|line| *line == "write ok").count(), net.executions["write"]), (20, 20));
}

#[test]
fn what_one_user_was_told_is_not_told_to_the_next() {
    let rows = [
        ("a refresh is for the same user", false, true, vec!["list ok"]),
        ("a login need not be", true, true, vec!["resources/list→200", "list ok"]),
        ("nor what another tab has left in the store", false, false, vec!["resources/list→200", "list ok"]),
    ];
    for (what, asked, same, expected) in rows {
        let mut net = modern();
        net.answer_next("resources/list", &json!({"resources": [], "ttlMs": 600_000}));
        assert_eq!(list(&mut net), ["resources/list→200", "list ok"]);
        assert_eq!(list(&mut net), ["list ok"], "from the cache");
        net.valid_token = Some(1);
        net.call("write");
        assert_eq!(net.run(), ["call→401", "authorize 401"]);
        if asked {
            assert!(net.session.handle_user_asked(net.now));
        }
        net.authorized(Authorized::Granted { refresh_at_unix_ms: None, same });
        assert_eq!(net.run(), ["call→200", "write ok"]);
        assert_eq!(list(&mut net), expected, "{what}");
    }
}

#[test]
fn a_user_for_whom_nobody_waits_any_more_is_not_asked() {
    let mut net = connected();
    net.valid_token = Some(1);
    let call = net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401"]);
    net.session.cancel(call, None, net.now);
    net.run();
    assert!(!net.session.handle_user_asked(net.now));
    assert_eq!(net.phase(), Phase::Ready, "no clock stands still");
}

/// Asks the user, who gives this.
fn asked(net: &mut Net, end: Authorized<Value>) -> Vec<String> {
    assert!(net.session.handle_user_asked(net.now));
    net.authorized(end);
    net.run()
}

#[test]
fn one_connect_asks_the_user_once() {
    // What refuses a probe may take the handshake.
    for (step, end) in [("discover", "connect ok"), ("initialize", "connect unauthorized not_executed")] {
        let mut net = Net::in_era(EraChoice::Auto, config());
        net.eras = &[Era::Legacy];
        net.valid_token = Some(1);
        net.connect();
        assert_eq!(net.run().last().map(String::as_str), Some("authorize 401"));
        // The new token is refused later, or at another step.
        net.reply(step, refusal(401, "Bearer"));
        let log = asked(&mut net, GRANTED);
        assert!(!log.iter().any(|line| line.starts_with("authorize")), "{step}: {log:?}");
        assert_eq!(log.last().map(String::as_str), Some(end), "{step}");
    }
}

/// The user has come back to this page with a token for what was refused in an earlier page life.
fn returned(config: Config, status: u16, www_authenticate: Option<&str>) -> Net {
    let mut net = Net::new(config);
    let challenge = Challenge { status, www_authenticate: www_authenticate.map(str::to_owned) };
    net.session.handle_origin(Origin { returned: Some(challenge), ..Origin::default() });
    net.authorizations = [GRANTED].into();
    net.connect();
    net
}

#[test]
fn a_token_that_the_user_came_back_with_is_not_asked_for_again_where_it_is_refused() {
    let mut net = returned(config(), 401, Some("Bearer"));
    net.valid_token = Some(7);
    assert_eq!(net.run(), ["authorize load", "initialize→401", "connect unauthorized not_executed"]);
    // The server takes its time to say so.
    let mut net = returned(config(), 401, Some("Bearer"));
    net.latency = 20_000;
    net.valid_token = Some(7);
    assert_eq!(net.run_for(60_000).last().map(String::as_str), Some("connect unauthorized not_executed"));
    // … and whoever calls again may ask.
    let mut net = returned(config(), 401, Some("Bearer"));
    net.run();
    net.valid_token = Some(7);
    net.run_for(60_000);
    net.call("a");
    assert!(net.run().contains(&"authorize 401".to_owned()));
}

#[test]
fn a_scope_that_the_user_came_back_with_is_not_asked_for_again_where_it_is_missing_still() {
    let challenge = r#"Bearer error="insufficient_scope", scope="write""#;
    let mut net = returned(config(), 403, Some(challenge));
    net.run();
    net.run_for(60_000);
    net.reply("call", narrow());
    net.call("a");
    let log = net.run();
    assert!(!log.iter().any(|line| line.starts_with("authorize")), "{log:?}");
    assert_eq!(log.last().map(String::as_str), Some("a http not_executed"));
}

#[test]
fn an_authorization_that_failed_before_the_user_s_eyes_is_tried_again_by_the_next_call_only() {
    let mut net = Net::new(config());
    net.valid_token = Some(1);
    net.connect();
    assert_eq!(net.run().last().map(String::as_str), Some("authorize 401"));
    let mut busy = Error::new(Code::Auth, Outcome::NotExecuted, "The token endpoint is busy.");
    busy.retryable = true;
    assert!(net.session.handle_user_asked(net.now));
    net.authorized(Authorized::Failed(Box::new(busy.clone())));
    assert_eq!(net.run_for(120_000), ["connect auth not_executed"]);

    // In the background it may be: a refresh that meets a busy server needs nobody.
    let mut net = Net::new(config());
    net.valid_token = Some(1);
    net.connect();
    net.run();
    net.authorized(Authorized::Failed(Box::new(busy)));
    let log = net.run_for(5_000);
    assert_eq!(log.last().map(String::as_str), Some("authorize 401"), "{log:?}");
}
