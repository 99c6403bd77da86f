//! Who the client is.

use super::*;

#[test]
fn a_pre_registered_client_registers_nothing() {
    let mut world = World::new();
    world.settings.client_id = Some("mine".to_owned());
    let log = world.login();
    assert_eq!(log[2..4], ["bound to https://as.example", "open https://as.example/authorize"]);
    assert_eq!((world.asked("client_id").as_deref(), world.form("client_id").as_deref()), (Some("mine"), Some("mine")));
}

#[test]
fn a_metadata_document_is_the_client_id_where_the_server_takes_it() {
    let document = "https://app.example/client.json";
    let mut world = World::new();
    world.settings.client_id = Some(document.to_owned());
    world.change(AS, "client_id_metadata_document_supported", json!(true));
    assert_eq!(world.login()[2], "open https://as.example/authorize");
    assert_eq!(world.asked("client_id").as_deref(), Some(document));
    world.change(AS, "client_id_metadata_document_supported", json!(false));
    world.kept = None;
    assert_eq!(world.login()[2], format!("POST {REGISTER} 200"));
}

#[test]
fn without_any_way_to_be_known_the_error_says_so() {
    let mut world = World::new();
    world.settings.client_metadata = None;
    assert_eq!(world.login().last().map(String::as_str), Some("failed no_client"));
}

#[test]
fn a_client_proves_who_it_is_as_the_server_wants_it() {
    let rows = [
        (json!(["none"]), json!({"client_id": "c"}), (Some("c"), None, None)),
        (json!(["client_secret_post"]), json!({"client_id": "c", "client_secret": "s"}), (Some("c"), Some("s"), None)),
        (
            json!(["client_secret_basic"]),
            json!({"client_id": "c", "client_secret": "s:%"}),
            // c:s%3A%25
            (None, None, Some("Basic YzpzJTNBJTI1")),
        ),
        (
            Value::Null,
            json!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post"}),
            (Some("c"), Some("s"), None),
        ),
    ];
    for (methods, client, (id, secret, header)) in rows {
        let mut world = World::new();
        world.change(AS, "token_endpoint_auth_methods_supported", methods);
        world.answer(REGISTER, 201, client);
        world.login();
        assert_eq!((world.form("client_id").as_deref(), world.form("client_secret").as_deref()), (id, secret));
        let headers = &world.fetches.last().expect("a token request").headers;
        let sent = headers.iter().find(|(name, _)| *name == "authorization").map(|(_, value)| value.as_str());
        assert_eq!(sent, header);
    }
}

#[test]
fn a_client_proves_who_it_is_as_it_is_registered() {
    let all = json!(["none", "client_secret_post", "client_secret_basic"]);
    for (registered, metadata, methods, expected) in [
        (Some("client_secret_basic"), "{}", &all, "basic"),
        (Some("client_secret_post"), "{}", &all, "post"),
        (Some("none"), "{}", &all, "none"),
        // Where nothing is said of the client itself, the host's metadata says what it would be registered with.
        (None, r#"{"token_endpoint_auth_method":"client_secret_basic"}"#, &all, "basic"),
        (Some("client_secret_post"), r#"{"token_endpoint_auth_method":"client_secret_basic"}"#, &all, "post"),
        // … but that there is a secret says more than that none was wanted.
        (None, r#"{"token_endpoint_auth_method":"none"}"#, &all, "post"),
        // What the server does not take is not tried.
        (Some("client_secret_basic"), "{}", &json!(["client_secret_post"]), "post"),
        (Some("client_secret_post"), "{}", &json!(["client_secret_basic"]), "basic"),
        (Some("client_secret_post"), "{}", &json!(["none"]), "none"),
        (Some("client_secret_basic"), "{}", &json!(["private_key_jwt"]), "post"),
        // It does not say.
        (Some("client_secret_post"), "{}", &Value::Null, "post"),
        (Some("client_secret_post"), "{}", &json!([]), "post"),
        (Some("private_key_jwt"), "{}", &Value::Null, "basic"),
        (None, "{}", &Value::Null, "basic"),
    ] {
        let mut world = World::new();
        (world.settings.client_id, world.settings.client_secret) = (Some("mine".to_owned()), Some("s".to_owned()));
        world.settings.client_auth_method = registered.map(str::to_owned);
        world.settings.client_metadata = Members::parse(metadata);
        world.change(AS, "token_endpoint_auth_methods_supported", methods.clone());
        assert_eq!(last(&world.login()), GRANTED);
        let headers = &world.fetches.last().expect("a token request").headers;
        let is_basic = headers.iter().any(|(name, _)| *name == "authorization");
        let sent = match world.form("client_secret") {
            Some(_) => "post",
            None if is_basic => "basic",
            None => "none",
        };
        assert_eq!(sent, expected, "{registered:?} {metadata} {methods}");
    }
}

#[test]
fn each_authorization_server_has_its_own_registration_and_tokens() {
    let mut world = World::logged_in();
    let other = "https://other.example";
    world.change(PRM, "authorization_servers", json!([other]));
    world.answer(&format!("{other}/.well-known/oauth-authorization-server"), 200, json!({
        "issuer": other, "authorization_endpoint": format!("{other}/authorize"), "token_endpoint": format!("{other}/token"),
        "registration_endpoint": format!("{other}/register"), "code_challenge_methods_supported": ["S256"],
    }));
    world.answer(&format!("{other}/register"), 201, json!({"client_id": "elsewhere"}));
    world.answer(&format!("{other}/token"), 200, tokens());
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!(log[2..4], ["POST https://other.example/register 201", "keep"]);
    assert_eq!(world.asked("client_id").as_deref(), Some("elsewhere"));
    assert!(!log.iter().any(|line| line.contains("as.example/token")), "the refresh token goes to nobody else");
}

/// A client of the host's own, at a server of which the resource's metadata now says that it authorizes.
fn moved(secret: Option<&str>) -> World {
    let mut world = World::new();
    world.settings.client_id = Some("mine".to_owned());
    world.settings.client_secret = secret.map(str::to_owned);
    world.login();
    world.kept = None;
    let other = "https://other.example";
    world.change(PRM, "authorization_servers", json!([other]));
    let mut document = server();
    for (field, path) in [("issuer", ""), ("authorization_endpoint", "/authorize"), ("token_endpoint", "/token")] {
        document[field] = json!(format!("{other}{path}"));
    }
    world.answer(&format!("{other}/.well-known/oauth-authorization-server"), 200, document);
    world.answer(&format!("{other}/token"), 200, tokens());
    world
}

#[test]
fn a_pre_registered_client_is_not_used_with_another_authorization_server() {
    for secret in [None, Some("my-secret")] {
        let mut world = moved(secret);
        let log = world.login();
        assert_eq!((last(&log), count(&log, "open"), count(&log, "POST")), ("failed other_issuer", 0, 0));
        // … unless the host says that it is at home there.
        world.settings.issuer = Some("https://other.example/".to_owned());
        assert_eq!(last(&world.login()), GRANTED);
        world.settings.issuer = Some("https://as.example".to_owned());
        world.kept = None;
        assert_eq!(last(&world.login()), "failed other_issuer");
    }
}

#[test]
fn a_client_is_bound_before_it_is_used() {
    // The user never comes back; the page is gone.
    let mut world = World::new();
    world.settings.client_id = Some("mine".to_owned());
    world.leaves = true;
    world.login();
    assert_eq!(world.bound.as_deref(), Some("https://as.example"));
    // Somebody else binds it at the same time.
    let mut world = World::new();
    world.settings.client_id = Some("mine".to_owned());
    world.rival = Some("https://rival.example".to_owned());
    assert_eq!(world.login()[2..], ["bound to https://rival.example", "failed other_issuer"]);
    // A metadata document is nobody's: any server may fetch it.
    let mut world = World::new();
    world.settings.client_id = Some("https://app.example/client.json".to_owned());
    world.change(AS, "client_id_metadata_document_supported", json!(true));
    assert_eq!((count(&world.login(), "bound"), &world.bound), (0, &None));
}

#[test]
fn where_the_host_can_take_another_client_there_is_one_for_each_authorization_server() {
    let mut world = moved(Some("my-secret"));
    world.settings.client_is_renewable = true;
    let log = world.login();
    assert_eq!((last(&log), count(&log, &format!("POST {REGISTER}"))), (GRANTED, 1));
    assert_eq!(world.asked("client_id").as_deref(), Some("registered"));
    let told: Vec<_> = world.fetches.iter().filter(|fetch| fetch.url.starts_with("https://other.example")).collect();
    assert!(told.iter().all(|fetch| !format!("{:?}{:?}", fetch.body, fetch.headers).contains("my-secret")));
    // It is the one that is used from then on.
    let log = world.login();
    assert_eq!((count(&log, "POST https://as.example"), world.asked("client_id").as_deref()), (0, Some("registered")));
    // Where none can be had, that is why.
    world.kept = None;
    world.change("https://other.example/.well-known/oauth-authorization-server", "registration_endpoint", Value::Null);
    assert_eq!(last(&world.login()), "failed other_issuer");
}

#[test]
fn a_client_that_the_user_never_came_back_for_is_registered_anew() {
    let mut world = World::logged_in();
    world.back = Err(Trouble::new("closed", "The window was closed."));
    world.change(TOKEN, "error", json!("invalid_grant"));
    world.answers.get_mut(TOKEN).expect("there").0 = 400;
    assert_eq!(
        world.refused(401, "Bearer", Some("access-1"))[2..],
        [&format!("POST {TOKEN} 400"), "keep", "open https://as.example/authorize", "keep", "failed closed"]
    );
    assert!(world.login().contains(&format!("POST {REGISTER} 200")));
}
