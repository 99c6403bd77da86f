//! What is asked for, got, kept, refreshed and lost.

use super::*;

// ── Scopes ──

#[test]
fn the_challenge_says_which_scope_is_asked_for_before_the_metadata_does() {
    let rows = [
        ("Bearer scope=\"a b\"", prm()["scopes_supported"].clone(), Some("a b")),
        ("Bearer", prm()["scopes_supported"].clone(), Some("read write")),
        ("Bearer", Value::Null, None),
        ("Bearer", json!([]), None),
    ];
    for (challenge, supported, expected) in rows {
        let mut world = World::new();
        world.change(PRM, "scopes_supported", supported);
        world.refused(401, challenge, None);
        assert_eq!(world.asked("scope").as_deref(), expected, "{challenge}");
    }
}

#[test]
fn offline_access_is_asked_for_where_the_server_has_it() {
    let mut world = World::new();
    world.change(AS, "scopes_supported", json!(["read", "offline_access"]));
    world.login();
    assert_eq!(
        (world.asked("scope").as_deref(), world.asked("prompt").as_deref()),
        (Some("read write offline_access"), Some("consent"))
    );
    let mut world = World::new();
    world.login();
    assert_eq!((world.asked("scope").as_deref(), world.asked("prompt")), (Some("read write"), None));
}

#[test]
fn a_step_up_asks_for_what_was_asked_for_and_what_is_missing() {
    let mut world = World::logged_in();
    let log = world.refused(403, "Bearer error=\"insufficient_scope\", scope=\"write admin\"", Some("access-1"));
    assert_eq!(world.asked("scope").as_deref(), Some("read write admin"));
    assert_eq!(log.last().map(String::as_str), Some("granted access-2"));
    assert!(!log.contains(&format!("POST {REGISTER} 200")), "the client is known");
}

// ── Tokens ──

#[test]
fn a_refused_token_is_refreshed_and_the_next_refresh_token_is_kept_before_the_token_is_used() {
    let mut world = World::logged_in();
    assert_eq!(
        world.refused(401, "Bearer error=invalid_token", Some("access-1")),
        [&format!("GET {PRM} 200"), &format!("GET {AS} 200"), &format!("POST {TOKEN} 200"), "keep", "granted access-2"]
    );
    let sent =
        ["grant_type", "refresh_token", "resource", "client_id"].map(|field| world.form(field).unwrap_or_default());
    assert_eq!(sent, ["refresh_token", "refresh-1", MCP, "registered"]);
    world.refused(401, "Bearer", Some("access-2"));
    assert_eq!(world.form("refresh_token").as_deref(), Some("refresh-2"), "the rotated one");
}

#[test]
fn a_refresh_token_that_is_not_rotated_is_kept() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 200, json!({"access_token": "access-2", "token_type": "Bearer"}));
    world.refused(401, "Bearer", Some("access-1"));
    world.refused(401, "Bearer", Some("access-2"));
    assert_eq!(world.form("refresh_token").as_deref(), Some("refresh-1"));
}

#[test]
fn what_another_tab_has_got_is_used_without_a_word() {
    let mut world = World::logged_in();
    assert_eq!(world.refused(401, "Bearer", Some("access-0")), ["granted access-1 until +3540000"]);
    assert_eq!(world.refused(403, "Bearer scope=\"write\"", Some("access-0")), ["granted access-1 until +3540000"]);
}

#[test]
fn what_another_tab_has_got_is_refreshed_first_where_that_is_due() {
    let due = NOW + 3_540_000;
    let narrow = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    for (status, challenge) in [(401, "Bearer"), (403, narrow)] {
        let again = |world: &mut World, token: &str| {
            let www_authenticate = Some(challenge.to_owned());
            let challenge = Challenge { status, www_authenticate };
            world.run(Need::Refused { challenge, ask: false }, Some(token), due)
        };
        let mut world = World::logged_in();
        assert_eq!(
            again(&mut world, "access-0"),
            [
                &format!("GET {PRM} 200"),
                &format!("GET {AS} 200"),
                &format!("POST {TOKEN} 200"),
                "keep",
                "granted access-2"
            ]
        );
        assert_eq!((world.form("refresh_token").as_deref(), world.found), (Some("refresh-1"), false));
        // Whoever comes after it finds that.
        assert_eq!((last(&again(&mut world, "access-1")), world.found), ("granted access-2", true));
        // That tab's grant is over: it is the user's turn.
        let mut world = World::logged_in();
        world.answer(TOKEN, 400, json!({"error": "invalid_grant"}));
        assert_eq!(again(&mut world, "access-0")[2..], [&format!("POST {TOKEN} 400"), "keep", "needs user"]);
    }
}

#[test]
fn a_token_that_was_got_just_now_or_is_the_one_before_was_not_found() {
    let mut world = World::new();
    world.login();
    assert!(!world.found);
    world.answer(TOKEN, 200, json!({"access_token": "access-2", "token_type": "Bearer", "refresh_token": "refresh-2"}));
    assert_eq!((last(&world.refused(401, "Bearer", Some("access-1"))), world.found), ("granted access-2", false));
    let stored = Need::Stored { returned: None, finish: false };
    assert_eq!((last(&world.run(stored, Some("access-2"), NOW)), world.found), ("granted access-2", false));
    assert_eq!((last(&world.stored(NOW)), world.found), ("granted access-2", true));
}

#[test]
fn a_stored_token_is_refreshed_where_that_is_due() {
    let mut world = World::logged_in();
    assert_eq!(world.stored(NOW), ["granted access-1 until +3540000"]);
    assert_eq!(world.stored(NOW + 3_540_000), [&format!("POST {TOKEN} 200"), "keep", "granted access-2"]);
}

#[test]
fn a_short_life_is_not_all_spent_on_refreshing() {
    let mut world = World::new();
    world.change(TOKEN, "expires_in", json!("10"));
    assert_eq!(world.login().last().map(String::as_str), Some("granted access-1 until +9000"));
}

#[test]
fn a_token_endpoint_that_is_busy_costs_no_token() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 503, Value::Null);
    assert!(world.stored(NOW + 3_540_000).last().is_some_and(|line| line.starts_with("granted access-1")));
    assert_eq!(
        world.refused(401, "Bearer", Some("access-1")).last().map(String::as_str),
        Some("failed refused, later perhaps")
    );
    world.answer(TOKEN, 200, tokens());
    assert_eq!(world.refused_quietly().last().map(String::as_str), Some("granted access-1 until +3540000"));
}

#[test]
fn a_revoked_refresh_token_asks_the_user_once_and_never_in_the_background() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 400, json!({"error": "invalid_grant"}));
    assert_eq!(world.refused_quietly()[2..], [&format!("POST {TOKEN} 400"), "keep", "needs user"]);
    assert_eq!(world.refused_quietly(), ["needs user"], "there is nothing left to refresh with");
    world.answer(TOKEN, 200, tokens());
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!(log.iter().filter(|line| line.starts_with("open")).count(), 1);
    assert_eq!(log.last().map(String::as_str), Some("granted access-1 until +3540000"));
}

#[test]
fn a_client_that_the_server_has_forgotten_is_registered_anew() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 401, json!({"error": "invalid_client"}));
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!(log[2..6], [&format!("POST {TOKEN} 401"), "keep", &format!("POST {REGISTER} 200"), "keep"]);
}

#[test]
fn what_is_kept_by_somebody_else_is_as_good_as_nothing() {
    for kept in ["", "null", "[]", "{\"grant\":7}", "{\"clients\":{\"a\":{}}}"] {
        let mut world = World::new();
        world.kept = Some(kept.to_owned());
        assert_eq!(world.stored(NOW), ["granted nothing"]);
    }
}

#[test]
fn signing_out_takes_the_tokens_back_and_keeps_the_registration() {
    let mut world = World::new();
    world.change(AS, "revocation_endpoint", json!("https://as.example/revoke"));
    world.login();
    let log = world.run(Need::SignOut, None, NOW);
    assert_eq!(log, ["keep", "POST https://as.example/revoke 404", "granted nothing"]);
    assert_eq!(
        (world.form("token").as_deref(), world.form("token_type_hint").as_deref()),
        (Some("refresh-1"), Some("refresh_token"))
    );
    assert!(!world.kept.as_ref().expect("kept").contains("-1"), "no token is left");
    assert_eq!(world.stored(NOW), ["granted nothing"]);
    assert!(!world.login().contains(&format!("POST {REGISTER} 200")));
}

// ── A page that does not live so long ──

#[test]
fn a_later_page_life_goes_on_with_what_was_kept() {
    let mut world = World::new();
    world.back = Err(Trouble::new("not_returned", "The page is gone."));
    world.login();
    let (pending, url) =
        (world.pending.clone().expect("kept"), "https://app.example/callback?code=the-code&state=state-1");
    let returned = Some((pending.clone(), url.to_owned()));
    assert_eq!(
        world.run(Need::Stored { returned, finish: false }, None, NOW),
        [&format!("POST {TOKEN} 200"), "keep", "granted access-1 until +3540000"]
    );
    assert_eq!(world.form("code_verifier").as_deref(), Some("verifier-1"));

    let returned = Some((pending.clone(), url.replace("state-1", "state-2")));
    assert_eq!(world.run(Need::Stored { returned, finish: false }, None, NOW), ["failed wrong_state"]);

    let returned = Some((pending, url.to_owned()));
    world.settings.endpoint = "https://mcp.example/other".to_owned();
    assert_eq!(
        world.run(Need::Stored { returned, finish: false }, None, NOW),
        ["granted access-1 until +3540000"],
        "that was for another endpoint"
    );
}

#[test]
fn a_grant_keeps_its_name_through_its_refreshes_and_the_next_login_has_another() {
    let mut world = World::logged_in();
    let first = world.grant.take().expect("a name");
    assert_eq!(last(&world.refused(401, "Bearer", Some("access-1"))), "granted access-2");
    assert_eq!(world.grant.as_ref(), Some(&first));
    assert_eq!(last(&world.stored(NOW)), "granted access-2");
    assert_eq!(world.grant.as_ref(), Some(&first), "in another tab, or a later page life");
    // The next user is asked with a state of its own.
    world.refresh_refused = Some((400, json!({"error": "invalid_grant"})));
    world.drawn = 7;
    assert_eq!(last(&world.refused(401, "Bearer", Some("access-2"))), "granted access-2");
    assert!(world.grant.is_some_and(|second| second != first));
}

#[test]
fn a_token_that_somebody_else_has_put_there_is_not_of_the_grant_before_it() {
    let mut world = World::logged_in();
    world.kept = world.kept.map(|kept| kept.replace("access-1", "access-of-bob"));
    assert_eq!(last(&world.stored(NOW)), "granted access-of-bob until +3540000");
    assert_eq!(world.grant, None);
}

#[test]
fn what_spends_a_code_or_a_refresh_token_is_named_as_such() {
    let mut world = World::logged_in();
    world.refused(401, "Bearer", Some("access-1"));
    world.run(Need::SignOut, None, NOW);
    let spends = |fetch: &Fetch| Some((fetch.url.rsplit('/').next()?.to_owned(), fetch.spends?));
    let spent: Vec<_> = world.fetches.iter().filter_map(spends).collect();
    assert_eq!(spent, [("token".to_owned(), Spends::Code), ("token".to_owned(), Spends::RefreshToken)]);
}

#[test]
fn what_a_user_was_sent_away_for_is_known_when_the_user_is_back() {
    let challenge = r#"Bearer error="insufficient_scope", scope="admin""#;
    for (status, challenge, token) in [(401, "Bearer", None), (403, challenge, Some("access-1"))] {
        let mut world = World::logged_in();
        world.leaves = true;
        if token.is_none() {
            world.kept = None;
        }
        world.refused(status, challenge, token);
        let url = "https://app.example/callback?code=the-code&state=state-1".to_owned();
        let returned = world.pending.take().map(|pending| (pending, url));
        let log = world.run(Need::Stored { returned, finish: false }, None, NOW);
        assert_eq!(last(&log), "granted access-2");
        let asked = Challenge { status, www_authenticate: Some(challenge.to_owned()) };
        assert_eq!(world.returned, Some(asked));
        // What is stored was asked for by nobody just now.
        assert_eq!(last(&world.stored(NOW)), "granted access-2");
        assert_eq!(world.returned, None);
    }
}

#[test]
fn an_exchange_that_fails_when_the_user_is_back_is_not_tried_again_by_itself() {
    let url = "https://app.example/callback?code=the-code&state=state-1";
    let mut rows = Vec::new();
    for (status, body) in [
        (500, json!({})),
        (503, json!({})),
        (429, json!({"error": "slow_down"})),
        (400, json!({})),
        (400, json!({"error": "invalid_grant"})),
        (200, json!({"token_type": "Bearer"})),
    ] {
        rows.push((Some((status, body)), url.to_owned()));
    }
    for error in ["server_error", "temporarily_unavailable", "access_denied", "whatever"] {
        rows.push((None, format!("https://app.example/callback?error={error}&state=state-1")));
    }
    for (answer, url) in rows {
        let mut world = World::new();
        world.leaves = true;
        world.login();
        if let Some((status, body)) = answer.clone() {
            world.answer(TOKEN, status, body);
        }
        let returned = world.pending.take().map(|pending| (pending, url.clone()));
        let log = world.run(Need::Stored { returned, finish: false }, None, NOW);
        let end = last(&log);
        assert!(end.starts_with("failed") && !end.ends_with("later perhaps"), "{answer:?} {url}: {log:?}");
    }
    let mut world = World::new();
    world.leaves = true;
    world.login();
    world.dead.push(TOKEN.to_owned());
    let returned = world.pending.take().map(|pending| (pending, url.to_owned()));
    let log = world.run(Need::Stored { returned, finish: false }, None, NOW);
    assert_eq!(last(&log), "failed unreachable");
}

#[test]
fn what_is_stored_is_checked_as_what_is_granted() {
    let with = |field: &str, value: Value| {
        let mut world = World::logged_in();
        let mut record: Value = serde_json::from_str(world.kept.as_deref().expect("kept")).expect("JSON");
        record["grant"][field] = value;
        world.kept = Some(record.to_string());
        world
    };
    // No header can carry these.
    for access in ["a\nb", "tok\u{e9}n", " a b ", "", "a\u{7f}"] {
        assert_eq!(last(&with("access", access.into()).stored(NOW)), "granted nothing", "{access:?}");
    }
    assert_eq!(last(&with("access", "x".repeat(100_000).into()).stored(NOW)), "granted nothing");
    // Nobody but an authorization server that could be asked gets the refresh token.
    for url in
        ["http://evil.example/token", "javascript:alert(1)", "http://127.0.0.1:9/token", "https://user@as.example/", ""]
    {
        let mut world = with("token_endpoint", url.into());
        let log = world.stored(NOW + 3_600_000);
        assert_eq!(log, ["granted access-1"], "{url}");
        let mut world = with("revocation_endpoint", url.into());
        assert_eq!(world.run(Need::SignOut, None, NOW), ["keep", "granted nothing"], "{url}");
    }
}

#[test]
fn a_step_up_asks_for_what_is_missing_and_for_as_much_of_the_rest_as_an_address_takes() {
    let names = |prefix: &str| (0..1_000).map(|i| format!("{prefix}{i:04}")).collect::<Vec<_>>().join(" ");
    let mut world = World::new();
    world.change(PRM, "scopes_supported", names("a").split(' ').collect());
    assert_eq!(last(&world.login()), GRANTED);
    let challenge = format!(r#"Bearer error="insufficient_scope", scope="{}""#, names("b"));
    let mut token = "access-1";
    for _ in 0..3 {
        world.refused(403, &challenge, Some(token));
        let scope = world.asked("scope").expect("a scope");
        assert!(scope.len() <= 8_192 && scope.starts_with("a0000 ") && scope.ends_with(&names("b")), "{scope}");
        token = "access-2";
    }
}
