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
