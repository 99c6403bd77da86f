//! Authorization servers as they are: where they are found, and what the host may vouch for.

use super::*;
use mcp_evergreen::protocol::oauth::Trust;

const OPENID: &str = "https://as.example/.well-known/openid-configuration";
const ROOT_PRM: &str = "https://mcp.example/.well-known/oauth-protected-resource";

fn trust(issuer: &str) -> Option<Trust> {
    Some(Trust { issuer: issuer.to_owned(), ..Trust::default() })
}

fn server_of(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "registration_endpoint": format!("{issuer}/register"),
        "code_challenge_methods_supported": ["S256"],
    })
}

/// Another authorization server that works.
fn add(world: &mut World, issuer: &str) {
    world.answer(&format!("{issuer}/.well-known/oauth-authorization-server"), 200, server_of(issuer));
    world.answer(&format!("{issuer}/register"), 201, json!({"client_id": "elsewhere"}));
    world.answer(&format!("{issuer}/token"), 200, tokens());
}

// ── Issuers ──

#[test]
fn the_slash_after_a_bare_host_means_nothing_and_what_is_kept_is_the_servers_own_spelling() {
    for (listed, said) in [("https://as.example/", "https://as.example"), ("https://as.example", "https://as.example/")]
    {
        let mut world = World::new();
        world.change(PRM, "authorization_servers", json!([listed]));
        world.change(AS, "issuer", json!(said));
        world.change(AS, "authorization_response_iss_parameter_supported", json!(true));
        let iss = said.replace(':', "%3A").replace('/', "%2F");
        world.back = Ok(format!("https://app.example/callback?code=the-code&state=STATE&iss={iss}"));
        assert_eq!(last(&world.login()), GRANTED, "{listed} {said}");
        let kept: Value = serde_json::from_str(world.kept.as_deref().unwrap_or_default()).expect("JSON");
        assert_eq!(kept["grant"]["issuer"], said);
        assert!(kept["clients"].get(said).is_some());
        // It is the same server at the next refusal, too.
        let log = world.refused(401, "Bearer", Some("access-1"));
        assert_eq!((count(&log, "open"), world.form("grant_type").as_deref()), (0, Some("refresh_token")));
        // `iss` is compared as a text.
        let iss = listed.replace(':', "%3A").replace('/', "%2F");
        world.back = Ok(format!("https://app.example/callback?code=the-code&state=STATE&iss={iss}"));
        world.kept = None;
        assert_eq!(last(&world.login()), "failed wrong_issuer");
    }
}

#[test]
fn one_of_a_servers_documents_that_is_good_is_enough() {
    let bad = [
        ("without S256", {
            let mut document = server();
            document["code_challenge_methods_supported"] = Value::Null;
            document
        }),
        ("of another issuer", server_of("https://other.example")),
        ("with an address that is not safe", {
            let mut document = server();
            document["token_endpoint"] = json!("http://as.example/token");
            document
        }),
        ("that is a page", json!("<!doctype html><title>Welcome</title>")),
        ("that is nothing", Value::Null),
    ];
    for (what, document) in bad {
        let mut world = World::new();
        world.answer(AS, 200, document);
        world.answer(OPENID, 200, server());
        assert_eq!(last(&world.login()), GRANTED, "a document {what}");
    }
}

#[test]
fn where_one_document_registers_nobody_the_next_is_looked_at() {
    let mut world = World::new();
    world.change(AS, "registration_endpoint", Value::Null);
    world.answer(OPENID, 200, server());
    assert_eq!(last(&world.login()), GRANTED);
    // One that has nothing to add: it is used as it is, by a client that needs no registration.
    let mut world = World::new();
    world.change(AS, "registration_endpoint", Value::Null);
    assert_eq!(last(&world.login()), "failed no_client");
    world.settings.client_id = Some("mine".to_owned());
    let log = world.login();
    assert_eq!((last(&log), count(&log, &format!("GET {OPENID}"))), (GRANTED, 0));
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_document() {
    let mut world = World::new();
    for (url, document) in [(PRM, prm()), (AS, server()), (TOKEN, tokens())] {
        world.answer(url, 200, json!(format!("\u{feff}{document}")));
    }
    assert_eq!(last(&world.login()), GRANTED);
}

#[test]
fn before_2025_06_18_the_metadata_may_name_another_server_which_is_asked_itself() {
    let own = "https://mcp.example/.well-known/oauth-authorization-server";
    let mut world = World::new();
    world.answers.remove(PRM);
    world.answer(
        own,
        200,
        json!({"issuer": "https://as.example", "authorization_endpoint": "https://mcp.example/steal",
        "token_endpoint": "https://mcp.example/steal"}),
    );
    let log = world.login();
    assert_eq!((last(&log), world.asked("client_id").as_deref()), (GRANTED, Some("registered")));
    assert!(log.contains(&"open https://as.example/authorize".to_owned()), "by its own word");
    // Where it does not know itself, nothing is made up.
    world.kept = None;
    world.answer(AS, 404, Value::Null);
    let log = world.login();
    assert_eq!((last(&log), count(&log, "open"), count(&log, "POST")), ("failed issuer_mismatch", 0, 0));
    // There is one step, and no chain.
    world.answer(AS, 200, server_of("https://third.example"));
    add(&mut world, "https://third.example");
    assert_eq!(last(&world.login()), "failed issuer_mismatch");
    // Loopback addresses are for servers on this machine.
    world.change(own, "issuer", json!("http://localhost:8080"));
    assert_eq!(last(&world.login()), "failed unsafe_url");
}

#[test]
fn what_the_host_vouches_for_is_used_all_the_same() {
    let tenant = "https://as.example/tenant";
    let place = "https://as.example/.well-known/oauth-authorization-server/tenant";
    // By the name that the MCP server has for it, or by the one that it has for itself.
    for (trusted, expected) in [
        (None, "failed issuer_mismatch"),
        (trust(tenant), GRANTED),
        (trust("https://as.example"), GRANTED),
        (trust("https://as.example/"), "failed issuer_mismatch"),
        (trust("https://other.example"), "failed issuer_mismatch"),
    ] {
        let mut world = World::new();
        world.change(PRM, "authorization_servers", json!([tenant]));
        world.answer(place, 200, server());
        world.settings.trust = trusted.clone();
        assert_eq!(last(&world.login()), expected, "{trusted:?}");
    }
    // Nobody becomes the trusted one by saying so.
    let mut world = World::new();
    world.settings.trust = trust("https://as.example");
    world.change(PRM, "authorization_servers", json!(["https://evil.example"]));
    let mut document = server_of("https://evil.example");
    document["issuer"] = json!("https://as.example");
    world.answer("https://evil.example/.well-known/oauth-authorization-server", 200, document);
    let log = world.login();
    assert_eq!(last(&log), GRANTED);
    assert!(log.contains(&"open https://as.example/authorize".to_owned()), "{log:?}");
}

#[test]
fn pkce_that_is_not_announced_is_sent_all_the_same_where_the_host_vouches_for_the_server() {
    for (trusted, expected) in [
        (None, "failed no_pkce"),
        (trust("https://other.example"), "failed no_pkce"),
        (trust("https://as.example"), GRANTED),
    ] {
        let mut world = World::new();
        world.change(AS, "code_challenge_methods_supported", Value::Null);
        world.settings.trust = trusted;
        assert_eq!(last(&world.login()), expected);
        if expected == GRANTED {
            assert_eq!(world.asked("code_challenge_method").as_deref(), Some("S256"));
            assert_eq!(world.form("code_verifier").as_deref(), Some("verifier-1"));
            // … and who answers is checked as ever.
            world.back = Ok("https://app.example/callback?code=the-code&state=other".to_owned());
            world.kept = None;
            assert_eq!(last(&world.login()), "failed wrong_state");
        }
    }
}

#[test]
fn resource_is_left_out_where_the_host_says_so_or_the_trusted_server_refuses_it() {
    let refuses = || {
        let mut world = World::new();
        world.back = Ok("https://app.example/callback?error=invalid_target&state=STATE".to_owned());
        world
    };
    let mut world = refuses();
    let log = world.login();
    assert_eq!((last(&log), count(&log, "open")), ("failed resource_refused", 1));

    let mut world = refuses();
    world.settings.trust = trust("https://as.example");
    let log = world.login();
    assert_eq!((last(&log), count(&log, "open"), world.asked("resource")), ("failed resource_refused", 2, None));
    // It is known from then on.
    world.back = Ok("https://app.example/callback?code=the-code&state=STATE".to_owned());
    let log = world.login();
    assert_eq!((last(&log), count(&log, "open")), (GRANTED, 1));
    assert_eq!((world.asked("resource"), world.form("resource")), (None, None));
    world.refused(401, "Bearer", Some("access-1"));
    assert_eq!((world.form("grant_type").as_deref(), world.form("resource")), (Some("refresh_token"), None));

    let mut world = World::new();
    world.settings.trust =
        Some(Trust { resource: Some(false), refresh_scope: true, ..trust("https://as.example").unwrap_or_default() });
    assert_eq!((last(&world.login()), world.asked("resource"), world.form("resource")), (GRANTED, None, None));
    world.refused(401, "Bearer", Some("access-1"));
    assert_eq!(world.form("scope").as_deref(), Some("read write"), "a refresh names its scope");
}

#[test]
fn a_refresh_that_is_refused_for_its_resource_is_asked_once_without() {
    for error in ["invalid_target", "invalid_request"] {
        for ask in [true, false] {
            let mut world = World::logged_in();
            world.resource_refused = Some(json!({"error": error}));
            let refused = |world: &mut World| match ask {
                true => world.refused(401, "Bearer", Some("access-1")),
                false => world.refused_quietly(),
            };
            let log = refused(&mut world);
            assert_eq!((last(&log), count(&log, "open")), ("granted access-2", 0), "{error}: {log:?}");
            let sent = |world: &World| -> Vec<bool> {
                let bodies = world.fetches.iter().filter_map(|fetch| fetch.body.as_deref());
                bodies.filter(|body| body.contains("=refresh_token")).map(|body| body.contains("resource=")).collect()
            };
            assert_eq!(sent(&world), [true, false], "with it first");
            // It is known of this grant.
            world.refused(401, "Bearer", Some("access-2"));
            assert_eq!(sent(&world), [true, false, false]);
            // The next grant is asked for with it again.
            world.kept = None;
            world.resource_refused = None;
            world.login();
            assert_eq!((world.asked("resource").as_deref(), world.form("resource").as_deref()), (Some(MCP), Some(MCP)));
        }
    }
    // A refusal of something else is what it was, and the grant keeps its resource.
    for (second, expected) in [
        ((400, json!({"error": "invalid_grant"})), GRANTED),
        ((400, json!({"error": "invalid_request"})), GRANTED),
        ((400, json!({"error": "invalid_target"})), "failed resource_refused, later perhaps"),
        ((503, Value::Null), "failed refused, later perhaps"),
    ] {
        let mut world = World::logged_in();
        world.resource_refused = Some(json!({"error": "invalid_target"}));
        world.refresh_refused = Some(second.clone());
        world.answer(TOKEN, 200, tokens());
        let log = world.refused(401, "Bearer", Some("access-1"));
        assert_eq!((last(&log), count(&log, "open")), (expected, usize::from(expected == GRANTED)), "{second:?}");
        let kept: Value = serde_json::from_str(world.kept.as_deref().unwrap_or_default()).expect("JSON");
        assert_eq!(kept["grant"]["resource"], MCP);
    }
}

#[test]
fn a_place_that_is_named_second_is_looked_at_where_the_first_is_dead() {
    let (dead, good) = ("https://mcp.example/dead", "https://mcp.example/meta.json");
    for challenge in [
        format!("Bearer resource_metadata=\"{dead}\", error=\"invalid_token\", resource_metadata=\"{good}\""),
        format!("Bearer resource_metadata=\"{dead}\", Bearer resource_metadata=\"{good}\""),
        format!("DPoP resource_metadata=\"{good}\", Bearer realm=\"x\", resource_metadata=\"{dead}\""),
    ] {
        let mut world = World::new();
        let document = world.answers.remove(PRM).expect("was there").1;
        world.answer(good, 200, document);
        let log = world.refused(401, &challenge, None);
        assert_eq!(log[..2], [format!("GET {dead} 404"), format!("GET {good} 200")], "{challenge}");
        assert_eq!(last(&log), GRANTED);
    }
}

// ── Hiccups ──

#[test]
fn a_hiccup_of_the_metadata_leads_nowhere() {
    let rows = [
        (PRM, 503, "failed unreachable, later perhaps"),
        (PRM, 500, "failed unreachable, later perhaps"),
        (PRM, 429, "failed unreachable, later perhaps"),
        (PRM, 0, "failed unreachable, later perhaps"),
        (AS, 503, "failed unreachable, later perhaps"),
        (AS, 0, "failed unreachable, later perhaps"),
    ];
    for (place, status, expected) in rows {
        for client_id in [None, Some("mine".to_owned())] {
            let mut world = World::new();
            world.settings.client_secret = client_id.clone().map(|_| "secret".to_owned());
            world.settings.client_id = client_id;
            // Somebody else would be found behind it.
            add(&mut world, "https://mcp.example");
            world.answer(ROOT_PRM, 200, json!({"resource": MCP, "authorization_servers": ["https://mcp.example"]}));
            match status {
                0 => world.dead.push(place.to_owned()),
                _ => world.answer(place, status, Value::Null),
            }
            let log = world.login();
            assert_eq!((last(&log), count(&log, "open"), count(&log, "POST")), (expected, 0, 0), "{place} {status}");
        }
    }
}

#[test]
fn a_hiccup_of_the_metadata_costs_no_grant() {
    for place in [PRM, AS] {
        for status in [503, 0] {
            let mut world = World::logged_in();
            match status {
                0 => world.dead = vec![place.to_owned(), OPENID.to_owned()],
                _ => world.answer(place, status, Value::Null),
            }
            let log = world.refused(401, "Bearer", Some("access-1"));
            assert_eq!((last(&log), count(&log, "open")), ("granted access-2", 0), "{place} {status}");
            // Not even in the background.
            world.answer(TOKEN, 200, tokens());
            let log = world.refused(401, "Bearer", Some("access-2"));
            assert_eq!(last(&log), GRANTED);
            // A refresh token that is refused then: the user cannot be asked just now.
            world.answer(TOKEN, 400, json!({"error": "invalid_grant"}));
            let log = world.refused(401, "Bearer", Some("access-1"));
            assert_eq!((last(&log), count(&log, "open")), ("failed unreachable, later perhaps", 0));
        }
    }
}

#[test]
fn what_is_hidden_from_the_page_is_passed_over_but_nothing_is_made_up() {
    let mut world = World::new();
    world.hidden = vec![PRM.to_owned()];
    world.answer(ROOT_PRM, 200, prm());
    assert_eq!(last(&world.login()), GRANTED);
    let mut world = World::new();
    world.answers.clear();
    world.hidden = vec![PRM.to_owned()];
    assert_eq!(last(&world.login()), "failed unreachable, later perhaps");
}

#[test]
fn what_the_proxy_says_in_its_own_name_is_not_said_of_the_authorization_server() {
    for url in [REGISTER, TOKEN, AS] {
        for (said, told, kind, later) in [
            ("refused not_listed", "not among the proxy's `targets`", "proxy_refused", false),
            ("refused authorize_failed", "The proxy's `authorize` failed", "proxy_refused", false),
            ("failed timeout", "within its `headTimeout`", "unreachable", true),
            ("unreached", "The proxy could not be reached", "unreachable", true),
        ] {
            let mut world = World::new();
            world.proxied = vec![(url.to_owned(), said)];
            world.login();
            let failure = world.failure.take().expect("failed");
            assert!(failure.message.contains(told), "{url} {said}: {}", failure.message);
            assert!(url == AS || failure.kind == kind, "{url} {said}: {failure:?}");
            // A code is spent once it was sent.
            assert!(url != REGISTER || failure.retryable == later, "{url} {said}: {failure:?}");
        }
    }
}

#[test]
fn of_several_authorization_servers_the_next_is_taken_where_the_first_is_dead() {
    let dead = "https://dead.example";
    for how in ["not there", "without PKCE", "not safe", "hiccup"] {
        let mut world = World::new();
        let first = if how == "not safe" { "http://dead.example" } else { dead };
        world.change(PRM, "authorization_servers", json!([first, "https://as.example"]));
        match how {
            "without PKCE" => {
                add(&mut world, dead);
                world.change(
                    &format!("{dead}/.well-known/oauth-authorization-server"),
                    "code_challenge_methods_supported",
                    json!([]),
                );
            }
            "hiccup" => world.answer(&format!("{dead}/.well-known/oauth-authorization-server"), 503, Value::Null),
            _ => {}
        }
        assert_eq!(last(&world.login()), GRANTED, "{how}");
        assert!(world.kept.as_ref().is_some_and(|kept| !kept.contains("dead")));
    }
    // Who has been at the first is not sent to the second by a hiccup.
    let mut world = World::logged_in();
    add(&mut world, "https://other.example");
    world.change(PRM, "authorization_servers", json!(["https://as.example", "https://other.example"]));
    world.answer(AS, 503, Value::Null);
    world.answer(TOKEN, 503, Value::Null);
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!((last(&log), count(&log, "open")), ("failed refused, later perhaps", 0));
    // All dead: what was wrong with the first is told.
    let mut world = World::new();
    world.change(PRM, "authorization_servers", json!(["https://a.example", "https://b.example"]));
    assert_eq!(last(&world.login()), "failed no_metadata");
    // One that is not named as a list.
    let mut world = World::new();
    world.change(PRM, "authorization_servers", json!("https://as.example"));
    assert_eq!(last(&world.login()), GRANTED);
}

#[test]
fn a_secret_goes_to_no_address_that_is_only_guessed() {
    let mut world = World::new();
    world.answers.clear();
    world.settings.client_id = Some("mine".to_owned());
    world.settings.client_secret = Some("secret".to_owned());
    let log = world.login();
    assert_eq!((last(&log), count(&log, "open")), ("failed no_metadata", 0));
    world.settings.issuer = Some("https://mcp.example".to_owned());
    world.answer("https://mcp.example/token", 200, tokens());
    assert_eq!(last(&world.login()), GRANTED, "the host has named it");
}

// ── Whose word it is ──

#[test]
fn the_parent_of_an_endpoint_counts_only_at_the_origins_own_place() {
    let parent = json!({"resource": "https://mcp.example/", "authorization_servers": ["https://as.example"]});
    for (named, counts) in [
        (PRM, true),
        (ROOT_PRM, true),
        ("https://mcp.example/mcp/prm", false),
        ("https://mcp.example/.well-known/oauth-protected-resource/../../mcp/prm", false),
        ("https://mcp.example/.well-known/oauth-protected-resource/%2E%2e/mcp/prm", false),
        ("https://mcp.example/.well-known/oauth-protected-resource-of-a-tenant", false),
        ("https://evil.example/.well-known/oauth-protected-resource", false),
    ] {
        let mut world = World::new();
        world.answer(PRM, 404, Value::Null);
        world.answer(named, 200, parent.clone());
        let log = world.refused(401, &format!("Bearer resource_metadata=\"{named}\""), None);
        assert_eq!(last(&log), if counts { GRANTED } else { "failed resource_mismatch" }, "{named}");
    }
    // The endpoint's own name counts wherever it stands, and a bad document is no reason not to look at the next.
    let mut world = World::new();
    world.answer("https://mcp.example/mcp/prm", 200, parent);
    let log = world.refused(401, "Bearer resource_metadata=\"https://mcp.example/mcp/prm\"", None);
    assert_eq!((last(&log), world.asked("resource").as_deref()), (GRANTED, Some(MCP)));
}

#[test]
fn this_machine_is_asked_only_by_what_runs_on_it() {
    for local in ["http://localhost:2375/containers/json", "https://127.0.0.1/x", "http://[::1]/x", "https://0.0.0.0/x"]
    {
        let mut world = World::new();
        let log = world.refused(401, &format!("Bearer resource_metadata=\"{local}\""), None);
        assert_eq!((last(&log), count(&log, &format!("GET {local}"))), (GRANTED, 0));
        let mut world = World::new();
        world.change(PRM, "authorization_servers", json!([local]));
        assert_eq!(last(&world.login()), "failed unsafe_url", "{local}");
        for endpoint in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] {
            let mut world = World::new();
            world.change(AS, endpoint, json!(local));
            assert_eq!(last(&world.login()), "failed unsafe_url", "{endpoint} {local}");
        }
    }
    // A server on this machine may have its authorization server there; and the host may say that it is there.
    let prm = |endpoint: &str| json!({"resource": endpoint, "authorization_servers": ["http://localhost:9000"]});
    let mut world = World::new();
    add(&mut world, "http://localhost:9000");
    world.settings.endpoint = "http://127.0.0.1:8000/mcp".to_owned();
    world.answer(
        "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp",
        200,
        prm("http://127.0.0.1:8000/mcp"),
    );
    assert_eq!(last(&world.login()), GRANTED);
    let mut world = World::new();
    add(&mut world, "http://localhost:9000");
    world.answer(PRM, 200, prm(MCP));
    world.settings.trust = trust("http://localhost:9000");
    assert_eq!(last(&world.login()), GRANTED);
}

#[test]
fn a_token_is_not_sent_by_plain_http() {
    let mut world = World::logged_in();
    world.settings.endpoint = "http://mcp.example/mcp".to_owned();
    assert_eq!(world.stored(NOW), ["granted nothing"], "the server may want no login");
    assert_eq!(world.login(), ["failed unsafe_url"]);
    assert_eq!(world.run(Need::SignOut, None, NOW), ["keep", "granted nothing"], "what there is can be forgotten");
}

#[test]
fn a_resource_that_a_proxy_makes_one_of_plain_http_is_looked_up_by_https() {
    let mut world = World::new();
    world.settings.resource = Some("http://mcp.example/mcp".to_owned());
    world.change(PRM, "resource", json!("http://mcp.example/mcp"));
    let log = world.login();
    assert_eq!((last(&log), world.asked("resource").as_deref()), (GRANTED, Some("http://mcp.example/mcp")));
    assert!(log.iter().all(|line| !line.contains(" http:")), "{log:?}");
}

#[test]
fn a_document_at_its_own_place_need_not_say_what_it_is_about() {
    let mut world = World::new();
    world.change(PRM, "resource", Value::Null);
    assert_eq!((last(&world.login()), world.asked("resource").as_deref()), (GRANTED, Some(MCP)));
}
