//! Tokens that others were granted: another client has stored them, without what it takes to know where they come from.

use super::*;

const OTHER: &str = "https://other.example";

/// A pre-registered client, with tokens of which no more is known than `issuer`, or nothing.
fn world(issuer: &str) -> World {
    let mut world = World::new();
    world.settings.client_id = Some("mine".to_owned());
    let nobody = json!({"id": "", "method": "none"});
    let grant = json!({"issuer": issuer, "token_endpoint": "", "client": nobody, "scope": "read", "access": "theirs", "refresh": "refresh-0"});
    world.kept = Some(json!({ "grant": grant }).to_string());
    world.answer(TOKEN, 200, json!({"access_token": "access-2", "token_type": "bearer"}));
    world
}

fn refused(world: &mut World, ask: bool) -> Vec<String> {
    let challenge = Challenge { status: 401, www_authenticate: None };
    world.run(Need::Refused { challenge, ask }, Some("theirs"), NOW)
}

fn refreshes(world: &World) -> usize {
    let is_refresh = |body: &&String| body.contains("grant_type=refresh_token");
    world.fetches.iter().filter_map(|fetch| fetch.body.as_ref()).filter(is_refresh).count()
}

#[test]
fn what_others_have_stored_is_refreshed_where_the_resource_says() {
    for (issuer, secret) in [("", None), ("https://as.example", Some("my-secret")), ("https://as.example/", None)] {
        let mut world = world(issuer);
        world.settings.client_secret = secret.map(str::to_owned);
        let log = refused(&mut world, false);
        assert_eq!(
            log[2..],
            ["bound to https://as.example", "POST https://as.example/token 200", "keep", "granted access-2"]
        );
        assert_eq!(world.form("refresh_token").as_deref(), Some("refresh-0"));
        assert_eq!(world.form("resource").as_deref(), Some(MCP));
        assert_eq!(world.form("client_id").as_deref(), Some("mine").filter(|_| secret.is_none()));
        let basic = world.fetches.iter().flat_map(|fetch| &fetch.headers).any(|(_, value)| value.starts_with("Basic "));
        assert_eq!(basic, secret.is_some());
        // From now on it is known: the refresh token, which was not rotated, is used again.
        assert_eq!(world.run(Need::Stored { returned: None, finish: false }, None, NOW), ["granted access-2"]);
        let challenge = Challenge { status: 401, www_authenticate: None };
        world.answer(TOKEN, 200, json!({"access_token": "access-3", "token_type": "bearer"}));
        let log = world.run(Need::Refused { challenge, ask: false }, Some("access-2"), NOW);
        assert_eq!((last(&log), count(&log, "bound")), ("granted access-3", 0));
        assert_eq!(world.form("refresh_token").as_deref(), Some("refresh-0"));
    }
}

#[test]
fn it_goes_to_nobody_but_who_gave_it_where_that_is_known() {
    let mut world = world(OTHER);
    assert_eq!(
        refused(&mut world, false),
        [format!("GET {PRM} 200"), format!("GET {AS} 200"), "keep".into(), "needs user".into()]
    );
    assert_eq!(last(&refused(&mut world, true)), "granted access-2");
    assert_eq!((refreshes(&world), world.opened.is_some()), (0, true));
    // The client is another server's.
    let mut world = self::world("");
    world.bound = Some(OTHER.to_owned());
    assert_eq!(last(&refused(&mut world, true)), "failed other_issuer");
    // Somebody else takes it there just now.
    let mut world = self::world("");
    world.rival = Some(OTHER.to_owned());
    assert_eq!(last(&refused(&mut world, false)), "needs user");
    assert_eq!((refreshes(&world), world.opened.is_none()), (0, true));
}

#[test]
fn without_the_client_or_the_metadata_nothing_is_refreshed() {
    let mut world = world("");
    world.settings.client_id = None;
    assert_eq!(refused(&mut world, false), ["needs user"]);
    let mut world = self::world("");
    world.dead.push(AS.to_owned());
    assert_eq!(last(&refused(&mut world, true)), "failed unreachable, later perhaps");
    // Nor for a date that somebody has put beside it.
    let mut world = self::world("");
    world.kept = world.kept.map(|kept| kept.replace("\"scope\"", "\"refresh_at\":1,\"scope\""));
    assert_eq!(world.stored(NOW), ["granted theirs"]);
    assert_eq!(refreshes(&world), 0);
}

#[test]
fn a_refresh_that_is_refused_ends_the_grant_and_asks_the_user() {
    let mut world = world("");
    world.refresh_refused = Some((400, json!({"error": "invalid_grant"})));
    let log = refused(&mut world, true);
    let refused_at = log.iter().position(|line| line == "POST https://as.example/token 400").expect("a refresh");
    assert_eq!(log[refused_at + 1], "keep");
    assert_eq!((last(&log), count(&log, "open"), refreshes(&world)), ("granted access-2", 1, 1));
}

#[test]
fn a_registered_client_that_is_forgotten_is_another_ones_only_where_clients_are_registered() {
    for (registers, expected) in [(true, (GRANTED, Some("registered"))), (false, ("failed refused", Some("mine")))] {
        let mut world = world("");
        world.settings.client_is_renewable = true;
        world.answer(TOKEN, 200, tokens());
        world.refresh_refused = Some((401, json!({"error": "invalid_client"})));
        if !registers {
            world.change(AS, "registration_endpoint", Value::Null);
            world.answer(TOKEN, 401, json!({"error": "invalid_client"}));
        }
        let log = refused(&mut world, true);
        assert_eq!((last(&log), world.form("client_id").as_deref()), expected);
        assert_eq!(world.kept.expect("a record").contains("forgotten"), registers);
    }
}
