//! What the host says itself: a grant without a user, and what the server is called.

use super::*;

fn unattended() -> World {
    let mut world = World::new();
    world.settings.unattended = true;
    world.settings.redirect_url = String::new();
    world.settings.client_id = Some("mine".to_owned());
    world.settings.client_secret = Some("secret".to_owned());
    world
}

#[test]
fn without_a_user_the_host_says_what_is_exchanged() {
    let mut world = unattended();
    // It has nothing for users: neither a page nor PKCE.
    for field in ["authorization_endpoint", "code_challenge_methods_supported", "registration_endpoint"] {
        world.change(AS, field, Value::Null);
    }
    world.answer(TOKEN, 200, json!({"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600}));
    assert_eq!(
        world.login(),
        [
            format!("GET {PRM} 200"),
            format!("GET {AS} 200"),
            "bound to https://as.example".to_owned(),
            "grant of https://as.example for https://mcp.example/mcp (read write)".to_owned(),
            format!("POST {TOKEN} 200"),
            "keep".to_owned(),
            "granted access-1".to_owned(),
        ]
    );
    let form = |field| world.form(field);
    assert_eq!(form("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!((form("more").as_deref(), form("resource").as_deref()), (Some("1"), Some(MCP)));
    let headers = &world.fetches.last().expect("a token request").headers;
    assert!(headers.iter().any(|(name, value)| *name == "authorization" && value.starts_with("Basic ")));
    // Nobody has to be there for the next one, which is of the same grant.
    let first = world.grant.clone();
    world.answer(TOKEN, 200, json!({"access_token": "access-2", "token_type": "Bearer"}));
    assert_eq!(last(&world.refused_quietly()), "granted access-2");
    assert_eq!((first.is_some(), &world.grant), (true, &first));
}

#[test]
fn a_step_up_without_a_user_asks_for_what_there_was_and_more() {
    let mut world = unattended();
    world.login();
    world.change(AS, "scopes_supported", json!(["read", "write", "delete", "offline_access"]));
    world.answer(TOKEN, 200, json!({"access_token": "access-2", "token_type": "Bearer"}));
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"delete\"";
    let log = world.refused(403, challenge, Some("access-1"));
    assert_eq!(
        log[2..4],
        ["bound to https://as.example", "grant of https://as.example for https://mcp.example/mcp (read write delete)"]
    );
}

#[test]
fn what_is_refused_without_a_user_is_told_and_goes_to_nobody_else() {
    let mut world = unattended();
    world.answer(TOKEN, 400, json!({"error": "invalid_grant"}));
    assert_eq!(last(&world.login()), "failed refused");
    // The client belongs to another one.
    let mut world = unattended();
    world.settings.issuer = Some("https://other.example".to_owned());
    let log = world.login();
    assert_eq!((last(&log), count(&log, "grant"), count(&log, "POST")), ("failed other_issuer", 0, 0));
    // A token endpoint by plain http is none.
    let mut world = unattended();
    world.change(AS, "token_endpoint", json!("http://as.example/token"));
    let log = world.login();
    assert_eq!((last(&log), count(&log, "grant")), ("failed unsafe_url", 0));
}

#[test]
fn the_host_says_what_the_server_is_called_or_that_it_is_not_named() {
    for (named, sent) in [(Some("https://mcp.example/all"), Some("https://mcp.example/all")), (None, None)] {
        let mut world = World::new();
        world.settings.names_resource = true;
        // The host's word counts, whatever the metadata is about.
        world.change(PRM, "resource", json!("https://elsewhere.example/mcp"));
        world.named = named.map(str::to_owned);
        let log = world.login();
        assert_eq!(
            (log[1].as_str(), last(&log)),
            ("called https://elsewhere.example/mcp", "granted access-1 until +3540000")
        );
        assert_eq!((world.asked("resource").as_deref(), world.form("resource").as_deref()), (sent, sent));
    }
    // Where the server says nothing of itself.
    let mut world = World::new();
    world.settings.names_resource = true;
    world.named = Some(MCP.to_owned());
    world.answers.remove(PRM);
    world.answer("https://mcp.example/.well-known/oauth-authorization-server", 200, server());
    assert!(world.login().contains(&"called nothing".to_owned()));
}
