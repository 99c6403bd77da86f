//! The first login: from the refusal to the tokens, and what is not trusted on the way.

use super::*;
use mcp_evergreen::protocol::oauth::Trust;

#[test]
fn the_first_login() {
    let mut world = World::new();
    assert_eq!(
        world.login(),
        [
            &format!("GET {PRM} 200"),
            &format!("GET {AS} 200"),
            &format!("POST {REGISTER} 200"),
            "keep",
            "open https://as.example/authorize",
            &format!("POST {TOKEN} 200"),
            "keep",
            "granted access-1 until +3540000",
        ]
    );
    let asked =
        ["response_type", "client_id", "code_challenge", "code_challenge_method", "redirect_uri", "state", "scope"];
    let said = asked.map(|field| world.asked(field).unwrap_or_default());
    let redirect = "https://app.example/callback";
    assert_eq!(said, ["code", "registered", "challenge-1", "S256", redirect, "state-1", "read write"]);
    let sent = ["grant_type", "code", "redirect_uri", "code_verifier", "client_id"]
        .map(|field| world.form(field).unwrap_or_default());
    assert_eq!(sent, ["authorization_code", "the-code", redirect, "verifier-1", "registered"]);
    assert!(!world.opened.as_ref().expect("opened").contains("verifier"), "the verifier stays here");
}

#[test]
fn a_registration_says_what_kind_of_client_it_is() {
    let mut world = World::new();
    world.settings.client_metadata =
        Members::parse(r#"{"client_name": "My host", "redirect_uris": ["https://evil.example/"]}"#);
    world.login();
    let sent = world.registration();
    assert_eq!((&sent["application_type"], &sent["client_name"]), (&json!("web"), &json!("My host")));
    assert_eq!(sent["redirect_uris"], json!(["https://app.example/callback"]));
    assert_eq!(sent["grant_types"], json!(["authorization_code", "refresh_token"]));
    let mut world = World::new();
    world.settings.redirect_url = "http://localhost:8080/callback".to_owned();
    world.login();
    assert_eq!(world.registration()["application_type"], "native");
}

// ── Discovery ──

#[test]
fn the_challenge_says_where_the_metadata_is() {
    let mut world = World::new();
    world.answer("https://mcp.example/custom", 200, prm());
    let log = world.refused(401, "Bearer resource_metadata=\"https://mcp.example/custom\"", None);
    assert_eq!(log[..2], ["GET https://mcp.example/custom 200".to_owned(), format!("GET {AS} 200")]);
}

#[test]
fn well_known_places_are_tried_with_the_path_and_then_without() {
    let mut world = World::new();
    let document = world.answers.remove(PRM).expect("was there").1;
    world.answer("https://mcp.example/.well-known/oauth-protected-resource", 200, document);
    let log = world.login();
    assert_eq!(log[0], format!("GET {PRM} 404"));
    assert_eq!(log[1], "GET https://mcp.example/.well-known/oauth-protected-resource 200");
}

#[test]
fn a_place_that_the_page_cannot_read_is_passed_over() {
    let mut world = World::new();
    world.hidden = vec![AS.to_owned()];
    world.answer("https://as.example/.well-known/openid-configuration", 200, server());
    let log = world.login();
    assert_eq!(
        log[1..3],
        [format!("GET {AS} hidden"), "GET https://as.example/.well-known/openid-configuration 200".to_owned()]
    );
}

#[test]
fn an_issuer_with_a_path_has_three_places() {
    let mut world = World::new();
    world.change(PRM, "authorization_servers", json!(["https://as.example/tenant"]));
    let log = world.login();
    assert_eq!(
        log[1..],
        [
            "GET https://as.example/.well-known/oauth-authorization-server/tenant 404",
            "GET https://as.example/.well-known/openid-configuration/tenant 404",
            "GET https://as.example/tenant/.well-known/openid-configuration 404",
            "failed no_metadata",
        ]
    );
}

#[test]
fn metadata_that_nobody_may_read_is_named_as_such() {
    let mut world = World::new();
    world.hidden = vec![AS.to_owned(), "https://as.example/.well-known/openid-configuration".to_owned()];
    assert_eq!(world.login().last().map(String::as_str), Some("failed unreachable, later perhaps"));
}

#[test]
fn a_server_of_2025_03_26_has_its_metadata_at_its_origin() {
    let mut world = World::new();
    world.answers.remove(PRM);
    world.answer("https://mcp.example/.well-known/oauth-authorization-server", 200, {
        let mut document = server();
        document["issuer"] = json!("https://mcp.example/");
        document
    });
    let log = world.login();
    assert_eq!(log[2], "GET https://mcp.example/.well-known/oauth-authorization-server 200");
    assert_eq!(log.last().map(String::as_str), Some("granted access-1 until +3540000"));
    assert_eq!(world.asked("resource").as_deref(), Some(MCP));
}

#[test]
fn a_server_of_2025_03_26_without_metadata_has_default_endpoints() {
    let mut world = World::new();
    world.answers.clear();
    world.answer("https://mcp.example/register", 201, json!({"client_id": "registered"}));
    world.answer("https://mcp.example/token", 200, tokens());
    let log = world.login();
    assert_eq!(log[4..7], ["POST https://mcp.example/register 201", "keep", "open https://mcp.example/authorize"]);
}

#[test]
fn the_resource_is_sent_as_it_is_written() {
    for resource in
        ["https://mcp.example", "https://mcp.example/", "https://MCP.example/mcp", "https://mcp.example:443/mcp"]
    {
        let mut world = World::new();
        world.change(PRM, "resource", json!(resource));
        world.login();
        assert_eq!(
            (world.asked("resource").as_deref(), world.form("resource").as_deref()),
            (Some(resource), Some(resource))
        );
    }
}

#[test]
fn behind_a_proxy_the_host_says_what_the_resource_is() {
    let mut world = World::new();
    world.settings.endpoint = "https://proxy.example/x".to_owned();
    world.settings.resource = Some(MCP.to_owned());
    assert_eq!(world.login().last().map(String::as_str), Some("granted access-1 until +3540000"));
    assert_eq!(world.asked("resource").as_deref(), Some(MCP));
}

// ── Threats ──

#[test]
fn a_key_in_the_address_of_the_server_is_in_no_message() {
    for resource in
        ["https://mcp.example/s/access-key/other", "https://other.example/s/access-key", "https://mcp.example"]
    {
        let mut world = World::new();
        world.settings.endpoint = "https://mcp.example/s/access-key".to_owned();
        let named = "https://mcp.example/prm";
        world.answer(named, 200, json!({"resource": resource, "authorization_servers": ["https://as.example"]}));
        // That nothing secret is in a message is looked at for each.
        let log = world.refused(401, &format!("Bearer resource_metadata=\"{named}\""), None);
        assert_eq!(log.last().map(String::as_str), Some("failed resource_mismatch"));
    }
}

#[test]
fn the_metadata_of_another_resource_is_not_followed() {
    for resource in [
        "https://evil.example/mcp",
        "https://mcp.example/mcp2",
        "http://mcp.example/mcp",
        "https://mcp.example.evil.example/",
    ] {
        let mut world = World::new();
        world.change(PRM, "resource", json!(resource));
        let log = world.login();
        assert_eq!(log.last().map(String::as_str), Some("failed resource_mismatch"), "{resource}");
        assert!(log.iter().all(|line| !line.contains("as.example/")), "nobody else is asked");
    }
}

#[test]
fn an_authorization_server_that_is_no_https_address_is_never_opened_or_asked() {
    for issuer in [
        "javascript:alert(1)//as.example",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://as.example",
        "https://as.example\\@evil.example",
    ] {
        let mut world = World::new();
        world.change(PRM, "authorization_servers", json!([issuer]));
        assert_eq!(world.login(), [format!("GET {PRM} 200"), "failed unsafe_url".to_owned()], "{issuer}");
    }
}

#[test]
fn endpoints_that_are_no_https_addresses_are_never_opened_or_asked() {
    for field in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] {
        for url in
            ["javascript:alert(1)", "http://as.example/x", "vbscript:x", "blob:https://as.example/x", "//as.example"]
        {
            let mut world = World::new();
            world.change(AS, field, json!(url));
            assert_eq!(world.login().last().map(String::as_str), Some("failed unsafe_url"), "{field} {url}");
            assert_eq!(world.opened, None);
        }
    }
}

#[test]
fn metadata_of_another_issuer_is_not_used() {
    for issuer in ["https://evil.example", "https://as.example/t", "https://AS.example", "https://as.example:443"] {
        let mut world = World::new();
        world.change(AS, "issuer", json!(issuer));
        assert_eq!(world.login().last().map(String::as_str), Some("failed issuer_mismatch"), "{issuer}");
    }
}

#[test]
fn without_pkce_no_user_is_asked() {
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        let mut world = World::new();
        world.change(AS, "code_challenge_methods_supported", methods);
        assert_eq!(world.login().last().map(String::as_str), Some("failed no_pkce"));
    }
}

#[test]
fn an_answer_with_another_state_is_not_used() {
    for back in [
        "code=the-code&state=other",
        "code=the-code",
        "error=access_denied&state=other",
        "code=the-code&state=",
        "code=the-code&state=STATE&state=other",
        "code=the-code&state=other&state=STATE",
        "code=the-code&state=STATE&st%61te=other",
    ] {
        let mut world = World::new();
        world.back = Ok(format!("https://app.example/callback?{back}"));
        let log = world.login();
        assert_eq!(log.last().map(String::as_str), Some("failed wrong_state"), "{back}");
        assert!(!log.iter().any(|line| line.contains(TOKEN)), "the code goes nowhere");
    }
}

#[test]
fn who_sent_the_answer_is_checked_before_the_code_goes_anywhere() {
    let rows = [
        (true, "&iss=https%3A%2F%2Fas.example", "granted access-1 until +3540000"),
        (true, "", "failed wrong_issuer"),
        (true, "&iss=https%3A%2F%2Fevil.example", "failed wrong_issuer"),
        (true, "&iss=https%3A%2F%2Fas.example%2F", "failed wrong_issuer"),
        (false, "", "granted access-1 until +3540000"),
        (false, "&iss=https%3A%2F%2Fas.example", "granted access-1 until +3540000"),
        (false, "&iss=https%3A%2F%2Fevil.example", "failed wrong_issuer"),
        (false, "&iss=", "failed wrong_issuer"),
        (false, "&%69ss=https%3A%2F%2Fevil.example", "failed wrong_issuer"),
        (false, "&iss=https%3A%2F%2Fas.example&iss=https%3A%2F%2Fevil.example", "failed wrong_issuer"),
        (true, "&%69%73s=https%3A%2F%2Fas.example", "granted access-1 until +3540000"),
    ];
    let texts = [("True", "", "failed wrong_issuer"), ("false", "", "granted access-1 until +3540000")];
    let rows = rows.into_iter().map(|(advertised, iss, expected)| (json!(advertised), iss, expected));
    for (advertised, iss, expected) in rows.chain(texts.map(|(text, iss, expected)| (json!(text), iss, expected))) {
        let mut world = World::new();
        world.change(AS, "authorization_response_iss_parameter_supported", advertised.clone());
        world.back = Ok(format!("https://app.example/callback?code=the-code&state=STATE{iss}"));
        let log = world.login();
        assert_eq!(log.last().map(String::as_str), Some(expected), "{advertised} {iss}");
        assert_eq!(log.iter().any(|line| line.contains(TOKEN)), expected.starts_with("granted"));
    }
}

#[test]
fn of_two_codes_none_is_used() {
    for back in ["code=the-code&code=another", "code=the-code&c%6Fde=another", "code="] {
        let mut world = World::new();
        world.back = Ok(format!("https://app.example/callback?{back}&state=STATE"));
        let log = world.login();
        assert_eq!((last(&log), count(&log, &format!("POST {TOKEN}"))), ("failed no_code", 0), "{back}");
    }
}

#[test]
fn what_an_authorization_endpoint_has_in_its_own_query_does_not_stand_beside_what_is_asked() {
    let mut world = World::new();
    let own = "https://as.example/authorize?tenant=t&state=1&client_id=9&redirect%5Furi=https://evil.example\
               &code_challenge=z&request_uri=https://evil.example/r&response_mode=form_post";
    world.change(AS, "authorization_endpoint", json!(own));
    assert_eq!(last(&world.login()), GRANTED);
    let url = world.opened.clone().unwrap_or_default();
    assert!(url.starts_with("https://as.example/authorize?tenant=t&response_type=code&client_id=registered&"), "{url}");
    for name in ["state", "client_id", "redirect_uri", "code_challenge", "scope"] {
        assert_eq!(query_fields(&url, name).count(), 1, "{name}");
    }
    assert_eq!((world.asked("request_uri"), world.asked("response_mode")), (None, None));
}

#[test]
fn an_error_of_somebody_else_is_not_shown() {
    let mut world = World::new();
    world.back =
        Ok("https://app.example/callback?error=access_denied&state=STATE&iss=https%3A%2F%2Fevil.example".to_owned());
    assert_eq!(world.login().last().map(String::as_str), Some("failed wrong_issuer"));
}

#[test]
fn a_user_who_declines_is_told_apart() {
    let mut world = World::new();
    world.back = Ok("https://app.example/callback?error=access_denied&state=STATE".to_owned());
    assert_eq!(world.login().last().map(String::as_str), Some("failed declined"));
    world.back = Ok("https://app.example/callback?error=%3Cscript%3E&state=STATE".to_owned());
    assert_eq!(world.login().last().map(String::as_str), Some("failed refused"));
}

#[test]
fn a_token_that_cannot_be_sent_is_not_taken() {
    for answer in [
        json!({"access_token": "a b", "token_type": "Bearer"}),
        json!({"access_token": "a\r\nx: y", "token_type": "Bearer"}),
        json!({"access_token": "", "token_type": "Bearer"}),
        json!({"access_token": "a", "token_type": "DPoP"}),
        json!({"token_type": "Bearer"}),
        Value::Null,
    ] {
        let mut world = World::new();
        world.answer(TOKEN, 200, answer);
        assert_eq!(world.login().last().map(String::as_str), Some("failed bad_token"));
    }
}

// ── What is too much ──

#[test]
fn what_is_too_long_for_an_address_or_a_header_is_not_sent() {
    // A million scopes: the authorization server has its default.
    let mut world = World::new();
    let many: Vec<String> = (0..100_000).map(|n| format!("scope-{n}")).collect();
    world.change(PRM, "scopes_supported", json!(many));
    assert_eq!((last(&world.login()), world.asked("scope")), (GRANTED, None));
    let mut world = World::new();
    world.refused(401, &format!("Bearer scope=\"{}\"", many.join(" ")), None);
    assert_eq!(world.asked("scope").as_deref(), Some("read write"));
    // A name, a token.
    for (url, field, expected) in
        [(REGISTER, "client_id", "failed not_registered"), (TOKEN, "access_token", "failed bad_token")]
    {
        let mut world = World::new();
        world.change(url, field, json!("a".repeat(100_000)));
        assert_eq!(last(&world.login()), expected);
    }
}

#[test]
fn of_too_many_registrations_the_first_are_forgotten() {
    let mut world = World::new();
    for n in 0..40 {
        let issuer = format!("https://as-{n}.example");
        world.change(PRM, "authorization_servers", json!([issuer]));
        let mut document = server();
        for (field, path) in [("issuer", ""), ("authorization_endpoint", "/authorize"), ("token_endpoint", "/token")] {
            document[field] = json!(format!("{issuer}{path}"));
        }
        world.answer(&format!("{issuer}/.well-known/oauth-authorization-server"), 200, document);
        world.answer(&format!("{issuer}/token"), 400, json!({"error": "access_denied"}));
        world.login();
    }
    let kept: Value = serde_json::from_str(world.kept.as_deref().unwrap_or_default()).expect("JSON");
    let clients = kept["clients"].as_object().expect("clients");
    assert_eq!((clients.len(), clients.contains_key("https://as-39.example")), (16, true));
}

// ── Whose endpoints they are ──

const HONEST: &str = "https://honest.example/oauth/authorize";

/// The authorization server of the resource names the page of another one.
fn mixed_up() -> World {
    let mut world = World::new();
    world.change(AS, "authorization_endpoint", json!(HONEST));
    world
}

fn honest(token_endpoint: &str) -> Value {
    json!({"issuer": "https://honest.example", "authorization_endpoint": HONEST, "token_endpoint": token_endpoint})
}

#[test]
fn a_code_of_one_server_is_not_taken_to_another() {
    for place in [
        "https://honest.example/.well-known/oauth-authorization-server",
        "https://honest.example/.well-known/openid-configuration",
        "https://honest.example/.well-known/oauth-authorization-server/oauth",
        "https://honest.example/oauth/.well-known/openid-configuration",
    ] {
        let mut world = mixed_up();
        world.answer(place, 200, honest("https://honest.example/token"));
        let log = world.login();
        assert_eq!((last(&log), count(&log, "open"), count(&log, "POST")), ("failed mix_up", 0, 0), "{place}");
        // What the user's page says of itself may be just that.
        world.answer(place, 200, honest(TOKEN));
        assert_eq!(last(&world.login()), GRANTED);
        // … or be about another endpoint of it.
        world.kept = None;
        let mut other = honest("https://honest.example/token");
        other["authorization_endpoint"] = json!("https://honest.example/login");
        world.answer(place, 200, other);
        assert_eq!(last(&world.login()), GRANTED);
    }
}

#[test]
fn where_three_origins_have_a_reason_they_are_used() {
    // Nothing is found; or it cannot be read.
    let mut world = mixed_up();
    let log = world.login();
    assert_eq!((last(&log), count(&log, "GET https://honest.example")), (GRANTED, 4));
    let mut world = mixed_up();
    world.hidden = vec!["https://honest.example/.well-known/openid-configuration".to_owned()];
    assert_eq!(last(&world.login()), GRANTED);
    // The host vouches for it; or its answers say who sent them.
    let place = "https://honest.example/.well-known/oauth-authorization-server";
    let mut world = mixed_up();
    world.answer(place, 200, honest("https://honest.example/token"));
    world.settings.trust = Some(Trust { issuer: "https://as.example".to_owned(), ..Trust::default() });
    let log = world.login();
    assert_eq!((last(&log), count(&log, "GET https://honest.example")), (GRANTED, 0));
    for (iss, expected) in [("as", GRANTED), ("honest", "failed wrong_issuer")] {
        let mut world = mixed_up();
        world.answer(place, 200, honest("https://honest.example/token"));
        world.change(AS, "authorization_response_iss_parameter_supported", json!(true));
        world.back =
            Ok(format!("https://app.example/callback?code=the-code&state=STATE&iss=https%3A%2F%2F{iss}.example"));
        assert_eq!(last(&world.login()), expected);
    }
    // Nobody is asked where the page is the issuer's own, or the code goes to whoever shows the page.
    for (authorization, token) in
        [("https://as.example/authorize", "https://api.example/token"), (HONEST, "https://honest.example/token")]
    {
        let mut world = World::new();
        world.change(AS, "authorization_endpoint", json!(authorization));
        world.change(AS, "token_endpoint", json!(token));
        world.answer(token, 200, tokens());
        let log = world.login();
        assert_eq!((last(&log), count(&log, "GET")), (GRANTED, 2));
    }
}

#[test]
fn a_refresh_token_goes_to_who_gave_it() {
    let given = "https://honest.example/token";
    let mut world = mixed_up();
    world.change(AS, "token_endpoint", json!(given));
    world.change(AS, "revocation_endpoint", json!("https://as.example/revoke"));
    world.answer(given, 200, tokens());
    assert_eq!(last(&world.login()), GRANTED);
    // The issuer changes its mind.
    world.change(AS, "authorization_endpoint", json!("https://as.example/authorize"));
    world.change(AS, "token_endpoint", json!(TOKEN));
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!(
        (last(&log), count(&log, &format!("POST {given}")), count(&log, &format!("POST {TOKEN}"))),
        (GRANTED, 1, 0)
    );
    assert_eq!(world.run(Need::SignOut, None, NOW), ["keep", "granted nothing"], "nor is it taken back elsewhere");
    // What the issuer has given it may move.
    let mut world = World::logged_in();
    world.change(AS, "token_endpoint", json!(given));
    world.answer(given, 200, tokens());
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!((last(&log), count(&log, &format!("POST {given}"))), (GRANTED, 1));
}

#[test]
fn metadata_is_kept_from_click_to_click() {
    let mut world = World::new();
    world.login();
    let keeps = |world: &World| world.fetches.iter().filter(|it| it.keeps).map(|it| it.url.clone()).collect::<Vec<_>>();
    assert_eq!(keeps(&world), [PRM, AS], "no registration, and no token");
    // A refresh looks at all anew, and so does a step-up.
    world.fetches.clear();
    world.refused_quietly();
    world.refused(403, r#"Bearer error="insufficient_scope", scope="more""#, Some("access-1"));
    assert!(world.fetches.iter().any(|it| it.url == PRM));
    assert_eq!(keeps(&world), [""; 0]);
    // And so does a login after a token that was refused: the server may have another authorization server now.
    let mut world = World::new();
    world.answer(TOKEN, 200, json!({"access_token": "access-1", "token_type": "Bearer"}));
    world.login();
    world.fetches.clear();
    world.refused(401, "Bearer", Some("access-1"));
    assert!(world.fetches.iter().any(|it| it.url == PRM));
    assert_eq!(keeps(&world), [""; 0]);
}

#[test]
fn what_a_place_answered_is_kept_for_five_minutes_unless_it_was_a_hiccup() {
    let answer = |status| Reply::Answer { status, body: "a b\nc".to_owned() };
    for (status, is_kept) in
        [(200, true), (404, true), (302, true), (408, false), (429, false), (500, false), (503, false)]
    {
        assert_eq!(answer(status).to_keep(NOW).is_some(), is_kept, "{status}");
    }
    for reply in [Reply::Hidden, Reply::Failed, Reply::Answer { status: 200, body: "x".repeat(65_537) }] {
        assert_eq!(reply.to_keep(NOW), None);
    }
    let text = answer(404).to_keep(NOW).expect("a text");
    for (later, is_good) in [(0, true), (299_999, true), (300_000, false)] {
        assert_eq!(Reply::kept(&text, NOW + later), is_good.then(|| answer(404)), "{later}");
    }
    for (text, now) in [(&*text, NOW - 1), ("", NOW), ("1 2", NOW), ("x 200 {}", NOW), ("1 x {}", NOW)] {
        assert_eq!(Reply::kept(text, now), None, "{text}");
    }
}
