//! Authorization servers as they are: what they answer, forget and refuse.

use super::*;

const HOUR: u64 = 3_600_000;

// ── Token endpoints ──

#[test]
fn an_answer_of_a_token_endpoint_is_read_however_it_is_written() {
    let mut rows = vec![
        (json!("access_token=access-1&scope=&token_type=bearer"), "granted access-1"),
        (json!("access_token=access-1&expires_in=3600&refresh_token=refresh-1"), "granted access-1 until +3540000"),
        (json!("error=bad_verification_code&error_description=No"), "failed refused"),
        (json!({"error": "bad_verification_code"}), "failed refused"),
        (json!({"ok": true, "access_token": "access-1", "token_type": "user"}), "granted access-1"),
        (json!({"access_token": "access-1", "token_type": null}), "granted access-1"),
        (json!({"access_token": "access-1", "token_type": 7}), "granted access-1"),
        (json!({"access_token": "access-1"}), "granted access-1"),
        (json!({"access_token": "access-1", "token_type": "JWT"}), "granted access-1"),
        (json!({"access_token": "access-1", "token_type": "dpop"}), "failed bad_token"),
        (json!({"access_token": "access-1", "token_type": "MAC"}), "failed bad_token"),
        (json!({"access_token": "access-1", "token_type": "N_A"}), "failed bad_token"),
        (json!("<html>access_token=access-1</html>"), "failed bad_token"),
        (json!(["access-1"]), "failed bad_token"),
    ];
    for (expires_in, until) in [
        (json!("3600"), " until +3540000"),
        (json!(3600.9), " until +3540000"),
        (json!("3600.0"), " until +3540000"),
        (json!(0), ""),
        (json!("0"), ""),
        (json!(-5), ""),
        (json!(null), ""),
        (json!("soon"), ""),
        (json!([]), ""),
        (json!(1e300), ""),
        (json!(9_007_199_254_740_991_u64), " until +9007199254740931000"),
    ] {
        let until = Box::leak(format!("granted access-1{until}").into_boxed_str());
        rows.push((json!({"access_token": "access-1", "expires_in": expires_in, "refresh_token": "refresh-1"}), until));
    }
    for (answer, expected) in rows {
        let mut world = World::new();
        world.answer(TOKEN, 200, answer.clone());
        assert_eq!(last(&world.login()), expected, "{answer}");
        let accept = ("accept", "application/json".to_owned());
        assert!(world.fetches.iter().all(|fetch| fetch.headers.contains(&accept)));
    }
}

#[test]
fn a_grant_dies_by_the_authorization_servers_own_word_alone() {
    let rows = [
        (400, json!({"error": "invalid_grant"}), true),
        (401, json!({"error": "invalid_grant"}), true),
        (500, json!({"error": "invalid_grant"}), true),
        (200, json!({"error": "bad_refresh_token"}), true),
        (200, json!("error=bad_refresh_token&error_description=The+refresh+token+is+wrong"), true),
        (400, json!({"error": "invalid_request"}), true),
        (400, json!({"error": "token_revoked"}), true),
        (200, json!({"ok": false, "error": "invalid_refresh_token"}), true),
        (401, json!({"error": "invalid_client"}), true),
        // Later, or otherwise.
        (400, json!({"error": "temporarily_unavailable"}), false),
        (400, json!({"error": "server_error"}), false),
        (400, json!({"error": "slow_down"}), false),
        (400, json!({"error": "invalid_scope"}), false),
        (400, json!({"error": "invalid_target"}), false),
        // Something stands before it.
        (403, json!("<html>Just a moment...</html>"), false),
        (200, json!("<html>Sign in to the network</html>"), false),
        (400, json!("Bad Request"), false),
        (401, Value::Null, false),
        (404, json!({"error": "Not Found"}), false),
        (403, json!({"error": "Forbidden", "statusCode": 403}), false),
        (400, json!({"error": {"code": "invalid_grant"}}), false),
        (429, json!({"error": "rate_limited"}), false),
        (429, json!({"error": "invalid_grant"}), true),
        (503, json!({"error": "unavailable"}), false),
        (500, json!({"error": "internal_error"}), false),
        (502, json!("busy"), false),
        (302, Value::Null, false),
        (200, json!({}), false),
    ];
    for (status, answer, dies) in rows {
        let mut world = World::logged_in();
        world.answer(TOKEN, status, answer.clone());
        let log = world.refused_quietly();
        let kept = world.kept.as_ref().is_some_and(|kept| kept.contains("refresh-1"));
        assert_eq!((last(&log) == "needs user", kept), (dies, !dies), "{status} {answer}: {log:?}");
        assert!(dies || last(&log).ends_with(", later perhaps"), "{status} {answer}: {log:?}");
        assert_eq!(count(&log, "open"), 0);
    }
}

#[test]
fn after_three_fruitless_refreshes_the_user_may_sign_in_and_the_token_is_kept_until_then() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 403, json!("<html>Just a moment...</html>"));
    world.back = Err(Trouble::new("closed", "The window was closed."));
    let mut opened = Vec::new();
    for _ in 0..3 {
        let log = world.refused(401, "Bearer", Some("access-1"));
        opened.push(count(&log, "open"));
        assert!(world.kept.as_ref().is_some_and(|kept| kept.contains("refresh-1")), "it is still there");
    }
    assert_eq!(opened, [0, 0, 1]);
    // Nobody is counted who could not be asked.
    let mut world = World::logged_in();
    world.answer(TOKEN, 503, Value::Null);
    for _ in 0..5 {
        assert_eq!(last(&world.refused_quietly()), "failed refused, later perhaps");
    }
    // One that succeeds begins anew.
    world.refused(401, "Bearer", Some("access-1"));
    world.refused(401, "Bearer", Some("access-1"));
    world.answer(TOKEN, 200, tokens());
    assert_eq!(last(&world.refused(401, "Bearer", Some("access-1"))), GRANTED);
    world.answer(TOKEN, 503, Value::Null);
    assert_eq!(last(&world.refused(401, "Bearer", Some("access-1"))), "failed refused, later perhaps");
}

#[test]
fn what_another_tab_refreshed_in_the_same_second_is_used() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 400, json!({"error": "invalid_grant"}));
    world.meanwhile =
        world.kept.as_ref().map(|kept| kept.replace("access-1", "access-9").replace("refresh-1", "refresh-9"));
    assert_eq!(last(&world.refused(401, "Bearer", Some("access-1"))), "granted access-9 until +3540000");
    assert!(world.kept.as_ref().is_some_and(|kept| kept.contains("refresh-9")), "and nothing of it is lost");
}

#[test]
fn a_login_in_another_window_serves_this_one_whose_user_gave_up() {
    let mut world = World::new();
    let kept = World::logged_in().kept;
    world.meanwhile = kept;
    world.back = Err(Trouble::new("closed", "The window was closed."));
    assert_eq!(last(&world.login()), GRANTED);
}

#[test]
fn a_clock_that_is_a_day_off_costs_no_login() {
    const DAY: u64 = 24 * HOUR;
    let mut world = World::logged_in();
    let kept = world.kept.clone();
    // Ahead: it is refreshed early.
    assert_eq!(last(&world.stored(NOW + DAY)), "granted access-2");
    // Back: it is used until it is refused.
    world.kept = kept;
    assert_eq!(last(&world.stored(NOW - DAY)), "granted access-1 until +89940000");
    assert_eq!(count(&world.refused(401, "Bearer", Some("access-1")), "open"), 0);
}

// ── Clients ──

#[test]
fn a_registration_carries_the_scope_that_will_be_asked_for() {
    let mut world = World::new();
    world.change(AS, "scopes_supported", json!(["read", "offline_access"]));
    world.settings.client_metadata = Members::parse(r#"{"scope": "own"}"#);
    world.login();
    assert_eq!(world.registration()["scope"], world.asked("scope").unwrap_or_default());
    assert_eq!(world.registration()["scope"], "read write offline_access");
    let mut world = World::new();
    world.change(PRM, "scopes_supported", Value::Null);
    world.login();
    assert_eq!(world.registration().get("scope"), None);
}

#[test]
fn a_server_that_registers_no_scope_is_asked_without() {
    let mut world = World::new();
    world.answer(REGISTER, 400, json!({"error": "invalid_client_metadata"}));
    let log = world.login();
    assert_eq!((count(&log, "POST"), last(&log)), (3, "failed not_registered"));
    let scopes: Vec<bool> = world
        .fetches
        .iter()
        .filter(|fetch| fetch.url == REGISTER)
        .map(|f| f.body.as_ref().is_some_and(|body| body.contains("scope")))
        .collect();
    assert_eq!(scopes, [true, false, false]);
}

#[test]
fn a_registration_that_is_refused_for_what_it_holds_is_tried_once_more_with_less() {
    let refused = json!({"error": "invalid_client_metadata", "error_description": "No."});
    for (what, methods, method) in [
        ("application_type", Value::Null, Value::Null),
        ("\"none\"", Value::Null, Value::Null),
        ("\"refresh_token\"", Value::Null, Value::Null),
        ("application_type", json!(["client_secret_post"]), json!("client_secret_post")),
        ("application_type", json!(["private_key_jwt"]), Value::Null),
    ] {
        let mut world = World::new();
        world.change(PRM, "scopes_supported", Value::Null);
        world.change(AS, "token_endpoint_auth_methods_supported", methods);
        world.settings.client_metadata = Members::parse(r#"{"client_name": "My host", "contacts": ["a@b"]}"#);
        world.registers_no = Some((what, refused.clone()));
        world.answer(REGISTER, 201, json!({"client_id": "registered", "client_secret": "its-secret"}));
        assert_eq!(last(&world.login()), GRANTED, "{what}");
        let sent = world.registrations();
        assert_eq!(sent.len(), 2);
        assert_eq!((&sent[1]["client_name"], &sent[1]["contacts"]), (&json!("My host"), &json!(["a@b"])));
        assert_eq!(sent[1]["redirect_uris"], json!(["https://app.example/callback"]));
        assert_eq!(sent[1]["token_endpoint_auth_method"], method);
    }
    // Not again, and not where something else is refused.
    for (what, error, posts) in [
        ("redirect_uris", "invalid_client_metadata", 2),
        ("redirect_uris", "invalid_redirect_uri", 1),
        ("redirect_uris", "access_denied", 1),
    ] {
        let mut world = World::new();
        world.change(PRM, "scopes_supported", Value::Null);
        world.registers_no = Some((what, json!({"error": error})));
        let log = world.login();
        assert_eq!((last(&log), count(&log, "POST")), ("failed not_registered", posts), "{error}");
    }
}

#[test]
fn what_a_registration_or_a_token_endpoint_says_is_told_as_far_as_it_is_plain() {
    let rows = [
        (403, json!("<html>blocked"), "(HTTP 403)", None),
        (503, json!("<html>down"), "(HTTP 503)", None),
        (
            400,
            json!({"error": "invalid_redirect_uri"}),
            "(HTTP 400, invalid_redirect_uri)",
            Some("invalid_redirect_uri"),
        ),
        (403, json!({"error": "quota.exceeded-now"}), "(HTTP 403, quota.exceeded-now)", Some("quota.exceeded-now")),
        (403, json!({"error": "Forbidden, mcp-evergreen"}), "(HTTP 403)", None),
        (200, json!({"error": "no_more_clients"}), "(HTTP 200, no_more_clients)", Some("no_more_clients")),
        (200, json!({}), "(HTTP 200, without a client id)", None),
    ];
    for (status, answer, told, error) in rows {
        let mut world = World::new();
        world.change(PRM, "scopes_supported", Value::Null);
        world.answer(REGISTER, status, answer);
        world.login();
        let failure = world.failure.take().expect("failed");
        assert!(failure.message.contains(told), "{} for {told}", failure.message);
        assert_eq!((failure.said.status, failure.said.error.as_deref()), (Some(status), error));
        assert_eq!(failure.message.contains("does not take the redirect URL"), error == Some("invalid_redirect_uri"));
        assert_eq!(failure.retryable, status == 503);
    }
    let rows = [
        (200, json!({"error": "incorrect_client_credentials"}), "HTTP 200: incorrect_client_credentials", true),
        (400, json!({"error": "invalid_refresh_token"}), "HTTP 400: invalid_refresh_token", true),
        (400, json!({"error": "invalid_grant"}), "HTTP 400: invalid_grant", true),
        (400, json!("error=bad_verification_code"), "HTTP 400: bad_verification_code", true),
        (502, json!("<html>"), "HTTP 502", false),
        // What was sent is quoted back.
        (400, json!({"error": "the-code"}), "an error of its own", false),
        (400, json!({"error": "verifier-1"}), "an error of its own", false),
        (400, json!({"error": "x.a-secret-of-the-client"}), "an error of its own", false),
    ];
    for (status, answer, told, is_told) in rows {
        let mut world = World::new();
        world.answer(
            REGISTER,
            200,
            json!({"client_id": "registered", "client_secret": "a-secret-of-the-client",
            "token_endpoint_auth_method": "client_secret_basic"}),
        );
        world.answer(TOKEN, status, answer);
        world.login();
        let failure = world.failure.take().expect("failed");
        assert!(failure.message.contains(told), "{} for {told}", failure.message);
        assert_eq!((failure.said.status, failure.said.error.is_some()), (Some(status), is_told), "{told}");
        let error: mcp_evergreen::protocol::Error<Value> = failure.into_error();
        assert_eq!(error.data.expect("data")["status"], status);
    }
}

#[test]
fn a_client_that_was_forgotten_is_registered_anew_and_asked_for_once_more() {
    // Where the code is exchanged, and where the user comes back with an error.
    for (back, token) in [
        ("code=the-code", (401, json!({"error": "invalid_client"}))),
        ("code=the-code", (400, json!({"error": "unauthorized_client"}))),
        ("code=the-code", (200, json!({"error": "invalid_client"}))),
        ("error=invalid_client", (400, Value::Null)),
        ("error=unauthorized_client", (400, Value::Null)),
    ] {
        let mut world = World::logged_in();
        world.back = Ok(format!("https://app.example/callback?{back}&state=STATE"));
        world.kept = world.kept.map(|kept| kept.replace("\"refresh\":\"refresh-1\",", ""));
        world.answer(TOKEN, token.0, token.1);
        let log = world.refused(401, "Bearer", Some("access-1"));
        assert_eq!((count(&log, "open"), count(&log, &format!("POST {REGISTER}"))), (2, 1), "{back}: {log:?}");
        assert_eq!(last(&log), "failed refused", "the new one is refused, too: no third time");
    }
}

#[test]
fn a_secret_that_expires_is_renewed_before() {
    for (expires_at, registrations) in [
        (json!(0), 0),
        (json!("0"), 0),
        (json!(NOW / 1000 + 3600), 0),
        (json!(NOW / 1000 + 60), 1),
        (json!(NOW / 1000 - 60), 1),
        (json!((NOW / 1000 - 60).to_string()), 1),
        (json!(null), 0),
        (json!(-1), 0),
    ] {
        let mut world = World::new();
        world.answer(
            REGISTER,
            201,
            json!({"client_id": "c", "client_secret": "s", "client_secret_expires_at": expires_at}),
        );
        assert_eq!(last(&world.login()), GRANTED);
        world.answer(TOKEN, 400, json!({"error": "invalid_grant"}));
        let log = world.refused(401, "Bearer", Some("access-1"));
        assert_eq!(count(&log, &format!("POST {REGISTER}")), registrations, "{expires_at}");
    }
}

#[test]
fn whoever_was_sent_away_twice_and_never_came_back_is_sent_with_another_client_once_an_hour() {
    let mut world = World::logged_in();
    world.kept = world.kept.map(|kept| kept.replace("\"refresh\":\"refresh-1\",", ""));
    world.leaves = true;
    let life = |world: &mut World, now: u64| {
        let challenge = Challenge { status: 401, www_authenticate: None };
        let log = world.run(Need::Refused { challenge, ask: true }, Some("access-1"), now);
        count(&log, &format!("POST {REGISTER}"))
    };
    let registrations: Vec<_> = (0..8).map(|_| life(&mut world, NOW)).collect();
    assert_eq!(registrations, [0, 0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(life(&mut world, NOW + HOUR), 1);
    assert_eq!(life(&mut world, NOW + HOUR), 0);
    // A clock that was set back holds nobody up.
    assert_eq!(life(&mut world, NOW - HOUR), 1);
}

#[test]
fn a_window_that_was_blocked_says_nothing_of_the_client() {
    let mut world = World::logged_in();
    world.kept = world.kept.map(|kept| kept.replace("\"refresh\":\"refresh-1\",", ""));
    for kind in ["popup_blocked", "asked_elsewhere", "sent_away"] {
        world.back = Err(Trouble::new(kind, "No."));
        let log = world.refused(401, "Bearer", Some("access-1"));
        assert_eq!((count(&log, &format!("POST {REGISTER}")), last(&log)), (0, &*format!("failed {kind}")));
    }
    assert_eq!(count(&world.refused(401, "Bearer", Some("access-1")), &format!("POST {REGISTER}")), 0);
}

#[test]
fn what_is_no_answer_to_anything_finishes_nothing() {
    let mut world = World::logged_in();
    for returned in [None, Some(("{".to_owned(), "https://app.example/callback?code=the-code".to_owned()))] {
        assert_eq!(world.run(Need::Stored { returned, finish: true }, None, NOW), ["failed wrong_state"]);
    }
}

#[test]
fn a_client_of_the_hosts_own_is_replaced_only_where_the_host_can_take_another() {
    for (renewable, expected, registrations) in
        [(false, "failed refused", 0), (true, "failed client_forgotten, later perhaps", 1)]
    {
        let mut world = World::new();
        world.settings.client_id = Some("pruned".to_owned());
        world.settings.client_is_renewable = renewable;
        world.answer(TOKEN, 401, json!({"error": "invalid_client"}));
        world.back = Err(Trouble::new("sent_away", "Away."));
        world.login();
        assert_eq!(world.asked("client_id").as_deref(), Some("pruned"));
        let url = "https://app.example/callback?code=the-code&state=state-1".to_owned();
        let returned = world.pending.clone().map(|pending| (pending, url));
        assert_eq!(last(&world.run(Need::Stored { returned, finish: true }, None, NOW)), expected);
        assert_eq!(count(&world.login(), &format!("POST {REGISTER}")), registrations);
    }
}

#[test]
fn in_a_later_page_life_a_refusal_leads_to_the_next_question_once() {
    let come_back = |world: &mut World, with: &str| {
        let url = format!("https://app.example/callback?{with}&state=state-1");
        let returned = world.pending.clone().map(|pending| (pending, url));
        world.run(Need::Stored { returned, finish: false }, None, NOW)
    };
    let mut world = World::new();
    world.leaves = true;
    world.login();
    world.answer(TOKEN, 401, json!({"error": "invalid_client"}));
    assert_eq!(last(&come_back(&mut world, "code=the-code")), "granted nothing", "the server is to say what it wants");
    let log = world.login();
    assert_eq!((count(&log, &format!("POST {REGISTER}")), count(&log, "open")), (1, 1));
    assert_eq!(last(&come_back(&mut world, "code=the-code")), "failed refused", "and no third time by itself");

    // The same without a storage that outlives the page.
    let mut world = World::new();
    world.leaves = true;
    world.login();
    world.answer(TOKEN, 401, json!({"error": "invalid_client"}));
    world.kept = None;
    assert_eq!(last(&come_back(&mut world, "code=the-code")), "granted nothing");
    world.login();
    world.kept = None;
    assert_eq!(last(&come_back(&mut world, "code=the-code")), "failed refused");
}

// ── Scopes ──

#[test]
fn a_server_that_refuses_offline_access_is_asked_once_without() {
    for at_the_token_endpoint in [false, true] {
        let mut world = World::new();
        world.change(AS, "scopes_supported", json!(["read", "write", "offline_access"]));
        match at_the_token_endpoint {
            true => world.answer(TOKEN, 400, json!({"error": "invalid_scope"})),
            false => world.back = Ok("https://app.example/callback?error=invalid_scope&state=STATE".to_owned()),
        }
        let log = world.login();
        assert_eq!((count(&log, "open"), last(&log)), (2, "failed refused"));
        assert_eq!((world.asked("scope").as_deref(), world.asked("prompt")), (Some("read write"), None));
        assert_eq!(world.asked("state").as_deref(), Some("state-2"), "a request of its own");
        // From then on it is known.
        world.back = Ok("https://app.example/callback?code=the-code&state=STATE".to_owned());
        world.answer(TOKEN, 200, tokens());
        let log = world.login();
        assert_eq!((count(&log, "open"), last(&log)), (1, GRANTED));
    }
    // A scope that the server itself asks for is no addition of ours.
    let mut world = World::new();
    world.change(AS, "scopes_supported", json!(["offline_access"]));
    world.back = Ok("https://app.example/callback?error=invalid_scope&state=STATE".to_owned());
    let log = world.refused(401, "Bearer scope=\"offline_access\"", None);
    assert_eq!((count(&log, "open"), last(&log)), (1, "failed refused"));
}

#[test]
fn a_client_that_was_registered_for_less_is_registered_anew_for_more() {
    let mut world = World::logged_in();
    world.back = Ok("https://app.example/callback?error=invalid_scope&state=STATE".to_owned());
    let log = world.refused(403, "Bearer error=\"insufficient_scope\", scope=\"admin\"", Some("access-1"));
    assert_eq!((count(&log, "open"), count(&log, &format!("POST {REGISTER}"))), (2, 1));
    assert_eq!(world.registrations().last().map(|sent| sent["scope"].clone()), Some(json!("read write admin")));
}
